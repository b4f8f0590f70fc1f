"""What an order command ends with: preview, draft, results, each as data for programs and a view for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.desk import order_view as view
from keyctl.desk.order_advice import Step, plan_command, steps
from keyctl.errors import ExitCode, KeyctlError, worst
from keyctl.exchanges.catalogue import command_for
from keyctl.exchanges.encoding import plain
from keyctl.journal.rows import StoredLeg, stored_result
from keyctl.model.order import LegResult
from keyctl.model.words import Outcome
from keyctl.orders.preview import LeftOut, Preview
from keyctl.terminal.output import Note, Result, Table, Text, show_aside

if TYPE_CHECKING:
    from keyctl.app import App


_NOTHING, _NO_ORDER = "nothing was sent", "no order was sent"
_WENT_OUT = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN)


def show_preview(app: App, shown: Preview) -> None:
    """Shows the plan on stderr before a question: the total value first, then each leg, then warnings."""
    plan = shown.plan
    head = f"{plan.kind.upper()}: {view.total_text(plan)}"
    if plan.legs:
        order = plan.legs[0].leg.order
        accounts = "1 account" if len(plan.legs) == 1 else f"{len(plan.legs)} accounts"
        what = f"{order.side} {order.symbol} on {accounts}{_each(shown, ' each')}"
        head = f"{plan.kind.upper()}: {what}, {view.total_text(plan)}"
    if not app.home.is_default and not app.demo:
        head += f"   data folder: {app.home.state.parent}"
    notes = [Note(f"warning: {text}") for text in shown.warnings]
    show_aside((Note(head), view.preview_table(shown, "to send"), *notes), app.output)


def _legs(shown: Preview) -> str:
    count = len(shown.plan.legs)
    return f"{count} order{'s' * (count != 1)}"


def _each(shown: Preview, words: str) -> str:
    """What each of several legs is worth; nothing where they differ, as those of a split may."""
    values = {view.money(planned.value_usd) for planned in shown.plan.legs}
    return f", {values.pop()} USD{words}" if len(values) == 1 < len(shown.plan.legs) else ""


def draft(shown: Preview, legs: list[StoredLeg], again: str) -> Result:
    """A dry run's result; `legs` are the plan's legs as the journal keeps them, `again` the words with which it is
    taken up, as in order_advice.words_again."""
    plan = shown.plan
    data = [view.leg_data(view.unsent(stored.leg, "would send"), status="draft") for stored in legs]
    data += [view.left_out_data(item) for item in shown.left_out]
    words, command = "No account can send an order now. Nothing was sent.", plan_command(plan.id, again)
    if legs:
        worth = f"{_legs(shown)}{_each(shown, ' each')}, {view.total_text(plan)}"
        words = f"Plan {plan.id}: {worth}. Nothing was sent.\nTo send it: {command}"
    return Result(
        {
            "plan": plan.id if legs else None,
            "legs": data,
            "value_usd": view.total_data(plan),
            "counted_usd": plain(plan.counted_usd),
            "next": [command] if legs else [],
        },
        view=(view.preview_table(shown, "would send"), Note(words)),
        exit_code=draft_code(bool(legs), shown.troubles),
        errors=tuple(shown.troubles),
        warnings=tuple(
            dict.fromkeys(
                [
                    *shown.warnings,
                    *(line for text in plan.touched for line in f"confirmation limit: {text}".splitlines()),
                ]
            )
        ),
    )


def exit_code(outcomes: Sequence[Outcome], troubles: Sequence[KeyctlError]) -> ExitCode:
    """The exit code of a fan-out, as safety.md's rule says, wherever in the run a trouble was met.

    Of a run that sent nothing the worst trouble counts; without any, nothing was reached. A refused read is no refused
    order: then too the exchange was not reached with it.
    """
    if Outcome.UNKNOWN in outcomes:
        return ExitCode.UNKNOWN
    if outcomes and all(outcome is Outcome.ACCEPTED for outcome in outcomes) and not troubles:
        return ExitCode.OK
    if Outcome.ACCEPTED in outcomes:
        return ExitCode.PARTIAL
    if any(trouble.exit_code is ExitCode.UNKNOWN for trouble in troubles):
        return ExitCode.UNKNOWN
    if Outcome.REJECTED in outcomes:
        return ExitCode.REFUSED
    code = worst(troubles) if troubles else ExitCode.UNREACHED
    return ExitCode.UNREACHED if code is ExitCode.REFUSED else code


def draft_code(kept: bool, troubles: Sequence[KeyctlError]) -> ExitCode:
    """The exit code of a dry run: as a send would end of which every leg in the plan is accepted."""
    if not kept:
        return exit_code([], troubles)
    return ExitCode.PARTIAL if troubles else ExitCode.OK


def sent(app: App, shown: Preview, results: list[LegResult], stopped: ExitCode | None, again: str) -> Result:
    """The result after a send; `stopped` is the exit code of a signal that came meanwhile, `again` as for `draft`."""
    outcomes = [result.outcome for result in results]
    code = exit_code(outcomes, [*shown.troubles, *(result.trouble for result in results if result.trouble)])
    written = all(result.recorded for result in results)
    if not written:
        code = ExitCode.UNKNOWN  # the journal still has `sent` there, and settles it before anything new
    if stopped is not None and code is not ExitCode.UNKNOWN:
        code = stopped
    accepted = outcomes.count(Outcome.ACCEPTED)
    errors = [*shown.troubles, *(error for result in results if (error := error_of(result)))]
    total = len(results) + len(shown.left_out)
    words = [f"{accepted} of {total} orders accepted." + (f" Plan {shown.plan.id}" if results else "")]
    next_steps = steps(shown.plan.id, results, shown.left_out, again)
    if not written and Outcome.UNKNOWN not in outcomes:
        next_steps = [Step("keyctl could not record everything. Free disk space, then run", "keyctl orders settle")]
    new = [item.label for item in shown.left_out if item.target.stored is None]
    if new and results:
        words.append(f"Not in the plan: {', '.join(new)}.")
    words += map(str, next_steps)
    legs = [view.leg_data(result) for result in results] + [view.left_out_data(item) for item in shown.left_out]
    return Result(
        {"plan": shown.plan.id if results else None, "legs": legs, "next": [step.command for step in next_steps]},
        view=(table_of(app, results, shown.left_out), Note("\n".join(words))),
        exit_code=code,
        errors=tuple(errors),
        warnings=shown.warnings,
        some_accepted=accepted > 0,
    )


def error_of(result: LegResult) -> KeyctlError | None:
    """Why a leg was not accepted; None for one that was."""
    if result.outcome is Outcome.ACCEPTED:
        return None
    if result.trouble is not None:
        return result.trouble
    error = KeyctlError(
        f"{result.leg.account}: {result.outcome}: {result.detail}",
        *([command_for(result.error, result.leg.order.market)] if result.error else []),
        code=f"leg_{result.outcome}",
        exchange=result.leg.exchange,
        account=result.leg.account,
        market=str(result.leg.order.market),
        exchange_code=result.error.code if result.error else None,
    )
    return error


def table_of(app: App, results: Sequence[LegResult], left_out: Sequence[LeftOut] = ()) -> Table:
    """The results as this run shows them: a table for people, records for pipes."""
    draw = view.results_table if app.output.for_people else view.records_table
    return draw(results, left_out)


def nothing_left(app: App, stored: tuple[StoredLeg, ...]) -> Result:
    """The result of taking up a plan that has nothing left to send."""
    results = [stored_result(leg) for leg in stored]
    outcomes = [result.outcome for result in results]
    code = exit_code(outcomes, [])
    words = "All orders of this plan were sent before. Nothing was sent now."
    if all(outcome is Outcome.ACCEPTED for outcome in outcomes):
        words = f"All {len(results)} orders were sent before. Nothing was sent now."
    return Result(
        {"plan": stored[0].leg.plan_id, "legs": [view.leg_data(result) for result in results]},
        view=(table_of(app, results), Note(words)),
        exit_code=code,
        errors=tuple(error for result in results if (error := error_of(result))),
        some_accepted=Outcome.ACCEPTED in outcomes,
    )


def with_leverage(result: Result, changed: Mapping[tuple[str, str], str]) -> Result:
    """The result with the accounts whose leverage or margin mode was set, and whose order was not sent after all.

    `changed` is by label and symbol. "Nothing was sent" is no longer said, in data, view or errors.
    """
    legs = result.data.get("legs", ())
    went_out = {(leg["account"], leg["symbol"]) for leg in legs if leg["outcome"] in _WENT_OUT}
    left = [
        f"{label} {symbol} {words}" for (label, symbol), words in changed.items() if (label, symbol) not in went_out
    ]
    if not left:
        return result
    for error in result.errors:
        error.message = _no_order(error.message)
        error.hints = tuple(map(_no_order, error.hints))
    data = {**result.data}
    if legs:
        data["legs"] = [{**leg, "detail": _no_order(leg["detail"])} for leg in legs]
    # A command that broke off cannot tell whether an order went out.
    broke_off = not legs and any(error.exit_code is ExitCode.UNKNOWN for error in result.errors)
    told = f"{'' if broke_off else f'{_NO_ORDER}; '}leverage was changed: {', '.join(left)}"
    view = tuple(map(_without_nothing, result.view))
    return replace(result, data=data, view=view, warnings=(*map(_no_order, result.warnings), told))


def _no_order(text: str) -> str:
    return text.replace(_NOTHING, _NO_ORDER)


def _without_nothing(block: Table | Text | Note) -> Table | Text | Note:
    if isinstance(block, Table):
        rows = [tuple(map(_no_order, row)) for row in block.rows]
        return replace(block, rows=rows, notes=tuple(map(_no_order, block.notes)))
    return block._replace(text=_no_order(block.text))
