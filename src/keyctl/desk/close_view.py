"""What `keyctl close` shows: the plans before the question, and what became of each position. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keyctl.desk import order_view as view
from keyctl.desk.order_advice import Step, close_command
from keyctl.desk.order_results import draft_code, error_of, exit_code, table_of
from keyctl.desk.seen_view import list_row, not_listed, result, unread
from keyctl.errors import ExitCode, KeyctlError, worst
from keyctl.model.futures import Position
from keyctl.model.order import LegResult
from keyctl.model.words import Outcome
from keyctl.orders.holdings import Seen
from keyctl.orders.preview import Preview, Target
from keyctl.terminal.output import Note, Result, Table, show_aside

if TYPE_CHECKING:
    from keyctl.app import App

# What is refused with these stays refused: no command is offered for it.
_NOT_TO_REPEAT = ("not_offered", "symbol_not_trading", "unknown_symbol", "not_traded")


@dataclass(frozen=True, slots=True)
class Closing:
    """One plan that closes positions of a symbol and side: as planned, and what became of its legs.

    `gone`: accounts whose position another order had closed by the time that this one was to be sent.
    """

    shown: Preview
    targets: tuple[Target, ...]
    results: tuple[LegResult, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many orders there are to tell of."""
        return len(self.results) + len(self.shown.left_out)

    @property
    def title(self) -> str:
        """What is closed: symbol and side of the position."""
        wish = (self.targets or [item.target for item in self.shown.left_out])[0].wish
        return f"{wish.symbol} {'long' if wish.side == 'sell' else 'short'}"


def together(closings: Sequence[Closing]) -> Preview:
    """All plans as one, for their total value and the question about it."""
    plans = [closing.shown.plan for closing in closings]
    legs = tuple(leg for plan in plans for leg in plan.legs)
    soft = tuple(dict.fromkeys(text for plan in plans for text in plan.soft))
    first = closings[0].shown
    return replace(first, plan=replace(first.plan, legs=legs, soft=soft))


def nothing(seen: Sequence[Seen[Position]], what: str | None, warnings: Iterable[str]) -> Result:
    """The result where no account has such a position; where some could not be read, it says so and fails."""
    data = {"plans": [], "accounts": [list_row(item, "positions") for item in seen], "legs": [], "next": []}
    words = f"No open position in {what}" if what else "No open positions"
    words += " on the accounts that could be read" if unread(seen) else ""
    view = (Note(f"{words}. Nothing was sent."), *_not_listed(seen))
    return result(data, seen, view, warnings)


def show_preview(app: App, closings: Sequence[Closing], seen: Sequence[Seen[Position]]) -> None:
    """Shows the plans on stderr before the question: the total value first, then each, then warnings."""
    plan = together(closings).plan
    count = f"{len(plan.legs)} position{'s' * (len(plan.legs) != 1)}"
    head = f"{plan.kind.upper()}: close {count} with reduce-only orders, {view.total_text(plan)}"
    if not app.home.is_default and not app.demo:
        head += f"   data folder: {app.home.state.parent}"
    blocks: list[Table | Note] = [Note(head)]
    for closing in closings:
        blocks += [Note(closing.title), view.preview_table(closing.shown, "to send")]
        blocks += [Note(f"warning: {text}") for text in closing.shown.warnings]
    blocks += [Note(f"warning: {error.message}; its positions stay open") for error in unread(seen)]
    show_aside(blocks, app.output)


def drafts(closings: Sequence[Closing], seen: Sequence[Seen[Position]], warnings: Iterable[str]) -> Result:
    """A dry run's result: each plan as it would be sent, and the command that sends it."""
    blocks: list[Table | Note] = []
    legs: list[dict[str, Any]] = []
    commands = []
    for closing in closings:
        plan = closing.shown.plan
        blocks += [Note(closing.title), view.preview_table(closing.shown, "would send")]
        legs += [
            {"plan": plan.id, **view.leg_data(view.unsent(leg.leg, "would send"), status="draft")} for leg in plan.legs
        ]
        legs += [{"plan": None, **view.left_out_data(item)} for item in closing.shown.left_out]
        if plan.legs:
            commands.append(f"keyctl order --plan {plan.id}")
    blocks += _not_listed(seen)
    blocks.append(Note("\n".join(["Nothing was sent.", *(f"To send it: {command}" for command in commands)])))
    troubles = [*(error for closing in closings for error in closing.shown.troubles), *unread(seen)]
    return Result(
        {**_data(closings, seen), "legs": legs, "next": commands},
        view=tuple(blocks),
        exit_code=draft_code(True, troubles) if commands else worst(troubles),
        errors=tuple(troubles),
        warnings=(*warnings, *(text for closing in closings for text in closing.shown.warnings)),
    )


def closed(
    app: App,
    closings: Sequence[Closing],
    seen: Sequence[Seen[Position]],
    stopped: ExitCode | None,
    warnings: Iterable[str],
    barring: Sequence[Step] = (),
) -> Result:
    """The result after the sends; `stopped` is the exit code of a signal that came meanwhile, `barring` what to do
    about orders because of which a close was rejected."""
    blocks: list[Table | Note] = []
    legs: list[dict[str, Any]] = []
    errors: list[KeyctlError] = []
    for closing in closings:
        left_out = closing.shown.left_out
        plan = f"   plan {closing.shown.plan.id}" if closing.results else ""
        blocks += [Note(closing.title + plan), *([table_of(app, closing.results, left_out)] if closing.rows else ())]
        blocks += [Note(f"{label}: nothing left to close: another order has closed it") for label in closing.gone]
        legs += [{"plan": closing.shown.plan.id, **view.leg_data(item)} for item in closing.results]
        legs += [{"plan": None, **view.left_out_data(item)} for item in left_out]
        errors += [*closing.shown.troubles, *(error for item in closing.results if (error := error_of(item)))]
    errors += unread(seen)
    results = [item for closing in closings for item in closing.results]
    code = _code(results, errors, stopped)
    todo = [*barring, *_steps(closings, seen)]
    gone = sum(map(is_closed, results))
    words = [f"{gone} of {len(legs)} positions closed.", *map(str, todo)]
    return Result(
        {**_data(closings, seen), "legs": legs, "next": [step.command for step in todo]},
        view=(*blocks, *_not_listed(seen), Note("\n".join(words))),
        exit_code=code,
        errors=tuple(errors),
        warnings=tuple(dict.fromkeys([*warnings, *(text for one in closings for text in one.shown.warnings)])),
        some_accepted=any(item.outcome is Outcome.ACCEPTED for item in results),
    )


def _data(closings: Sequence[Closing], seen: Sequence[Seen[Position]]) -> dict[str, Any]:
    plans = [closing.shown.plan for closing in closings if closing.shown.plan.legs]
    value = view.total_data(together(closings).plan)
    accounts = [list_row(item, "positions") for item in seen]
    return {"plans": [plan.id for plan in plans], "value_usd": value, "accounts": accounts}


def _not_listed(seen: Sequence[Seen[Position]]) -> list[Note]:
    return not_listed(seen, lambda item: "positions")


def _code(results: Sequence[LegResult], errors: Sequence[KeyctlError], stopped: ExitCode | None) -> ExitCode:
    """As of a fan-out; a position that is not wholly closed makes it partial."""
    codes = {error.exit_code for error in errors}
    if not all(item.recorded for item in results) or ExitCode.UNKNOWN in codes:
        return ExitCode.UNKNOWN
    troubles = [item.trouble for item in results if item.trouble is not None]
    code = (
        exit_code([item.outcome for item in results], troubles) if results else worst(errors) if errors else ExitCode.OK
    )
    if code is ExitCode.UNKNOWN:
        return code
    if stopped is not None:
        return stopped
    if code is ExitCode.OK and (errors or not all(map(is_closed, results))):
        return ExitCode.PARTIAL
    return code


def is_closed(item: LegResult) -> bool:
    """Whether the order was accepted and filled whole."""
    return item.outcome is Outcome.ACCEPTED and item.status is not None and item.status.filled >= item.status.quantity


def _steps(closings: Sequence[Closing], seen: Sequence[Seen[Position]]) -> list[Step]:
    """What is left to do: unknown outcomes first, then what is still open, then who could not be read."""
    found: list[Step] = []
    if any(item.outcome is Outcome.UNKNOWN for closing in closings for item in closing.results):
        found.append(Step("Unknown is not rejected; do not resend. Run", "keyctl orders settle --wait"))
    for closing in closings:
        still = [item.leg.account for item in closing.results if not is_closed(item)]
        offered = [item for item in closing.shown.left_out if item.error.code not in _NOT_TO_REPEAT]
        still += [item.target.session.account.label for item in offered]
        if still:
            symbol, side = closing.title.split()
            found.append(Step("To close the rest", close_command(symbol, still, side)))
    labels = [item.part.account.label for item in seen if item.trouble is not None or item.odd]
    if labels:
        found.append(
            Step(
                "Positions may be open where keyctl could not read them. Check", f"keyctl positions {' '.join(labels)}"
            )
        )
    return found
