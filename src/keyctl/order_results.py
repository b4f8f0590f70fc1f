"""What an order command ends with: preview, draft, results, each as data for programs and a view for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl import order_view as view
from keyctl.catalogue import command_for
from keyctl.dispatch import LeftOut, Preview, exit_code
from keyctl.errors import ExitCode, KeyctlError
from keyctl.exchanges.base import plain
from keyctl.journal_rows import StoredLeg, stored_result
from keyctl.model import LegResult, Outcome
from keyctl.order_advice import Step, steps
from keyctl.output import Note, Result, Table, show_aside

if TYPE_CHECKING:
    from keyctl.app import App


def show_preview(app: App, shown: Preview) -> None:
    """Shows the plan on stderr before a question: the total value first, then each leg, then warnings."""
    plan = shown.plan
    legs = len(plan.legs)
    head = f"{plan.kind.upper()} order, {view.money(plan.value_usd)} USD in all, {legs} leg{'s' * (legs != 1)}"
    if plan.legs:
        order = plan.legs[0].leg.order
        each = view.money(plan.legs[0].value_usd)
        head += f": {order.side} {order.symbol}, {each} USD {'on each account' if legs > 1 else ''}".rstrip()
    if not app.home.is_default and not app.demo:
        head += f"   home: {app.home.state.parent}"
    notes = [Note(f"warning: {text}") for text in shown.warnings]
    show_aside((Note(head), view.preview_table(shown, "to send"), *notes), app.output)


def draft(shown: Preview, legs: list[StoredLeg]) -> Result:
    """A dry run's result; `legs` are the plan's legs as the journal keeps them."""
    plan = shown.plan
    data = [view.leg_data(view.unsent(stored.leg, "would send"), status="draft") for stored in legs]
    data += [view.left_out_data(item) for item in shown.left_out]
    each = f", {view.money(plan.legs[0].value_usd)} USD each" if plan.legs else ""
    words = (
        f"Plan {plan.id}: {len(legs)} legs{each}, {view.money(plan.value_usd)} USD in all. Nothing was sent.\n"
        f"Send it: keyctl order --plan {plan.id}"
        if legs
        else "No account can take part now. Nothing was sent."
    )
    return Result(
        {"plan": plan.id if legs else None, "legs": data, "value_usd": plain(plan.value_usd)},
        view=(view.preview_table(shown, "would send"), Note(words)),
        exit_code=ExitCode.OK if legs else exit_code([], shown.troubles),
        errors=tuple(shown.troubles),
        warnings=(*shown.warnings, *(f"soft limit: {text}" for text in plan.touched)),
    )


def sent(app: App, shown: Preview, results: list[LegResult], stopped: ExitCode | None) -> Result:
    """The result after a send; `stopped` is the exit code of a signal that came meanwhile."""
    outcomes = [result.outcome for result in results]
    code = exit_code(outcomes, shown.troubles)
    if not all(result.recorded for result in results):
        code = ExitCode.UNKNOWN  # the journal still has `sent` there, and settles it before anything new
    if stopped is not None and code is not ExitCode.UNKNOWN:
        code = stopped
    accepted = outcomes.count(Outcome.ACCEPTED)
    errors = [*shown.troubles, *(error for result in results if (error := error_of(result)))]
    total = len(results) + len(shown.left_out)
    words = [f"{accepted} of {total} legs accepted, exit {int(code)}." + (f" Plan {shown.plan.id}" if results else "")]
    next_steps = steps(shown.plan.id, results, shown.left_out)
    if code is ExitCode.UNKNOWN and Outcome.UNKNOWN not in outcomes:
        next_steps = [Step("Not all of this could be written down. Make room, then", "keyctl orders settle")]
    words += map(str, next_steps)
    new = [item.target.session.account.label for item in shown.left_out if item.target.stored is None]
    if new:
        words.append(f"Not in the plan: {', '.join(new)}. Order there by itself once it can be reached: -a {new[0]}")
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
    words = "all legs of this plan have been sent before; nothing was sent now"
    if all(outcome is Outcome.ACCEPTED for outcome in outcomes):
        words = f"all {len(results)} legs are already at their exchanges, nothing was sent"
    return Result(
        {"plan": stored[0].leg.plan_id, "legs": [view.leg_data(result) for result in results]},
        view=(table_of(app, results), Note(f"{words}   exit {int(code)}")),
        exit_code=code,
        errors=tuple(error for result in results if (error := error_of(result))),
        some_accepted=Outcome.ACCEPTED in outcomes,
    )
