"""What a cancel shows: the orders before the question, and what became of each. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keyctl.desk import order_view as view
from keyctl.desk.open_orders_view import order_row
from keyctl.errors import ExitCode, KeyctlError
from keyctl.journal.rows import StoredLeg
from keyctl.model.account import Account
from keyctl.model.futures import OpenOrder
from keyctl.terminal.output import Note, Result, Table

_UNTOLD = ("sent_at", "value_usd", "average_price", "fee", "fee_currency")


@dataclass(frozen=True, slots=True)
class CancelResult:
    """What became of one cancel: canceled, finished before, still open, unknown, forgotten, or unreached.

    `facts` are the order as `data.legs` tells it; `became` is the number of the order that a waiting one became;
    `hints` say what to do.
    """

    facts: dict[str, Any]
    outcome: str
    detail: str
    exit_code: ExitCode
    became: str | None = None
    hints: tuple[str, ...] = ()


def leg_facts(stored: StoredLeg) -> dict[str, Any]:
    """An order of the journal for programs."""
    return view.stored_data(stored) | {"foreign": False}


def stranger_facts(account: Account, order: OpenOrder) -> dict[str, Any]:
    """An order that the journal does not have as open, for programs: the same fields."""
    told = {"account": account.label, "exchange": account.exchange, "state": "foreign", "status": "open"}
    return dict.fromkeys(_UNTOLD) | told | order_row(order, None) | {"foreign": True}


def listing(rows: Sequence[dict[str, Any]]) -> str:
    """The orders that are about to be canceled, a line each."""
    lines = []
    for row in rows:
        whose = "not placed by keyctl here" if row["foreign"] else f"plan {row['plan']}"
        price = f"at {row['price']}" if row["price"] else "without a price"
        if row["trigger"]:
            price += f", a {row['trigger'].replace('_', '-')} at {row['trigger_price'] or 'a price that moves'}"
        size = row["quantity"] or f"for {row['quote_quantity']} {row['quote_currency']} of"
        lines.append(f"  {row['account']}  {row['side']} {size} {row['symbol']} {price}, {whose}")
    return "\n".join(lines)


def report(
    results: Sequence[CancelResult],
    unread: Sequence[KeyctlError] = (),
    warnings: Iterable[str] = (),
    accounts: Iterable[dict[str, Any]] = (),
    notes: Iterable[Note] = (),
) -> Result:
    """What became of every order; `unread` are accounts whose open orders, or some of them, could not be listed.
    `accounts` tell of each list that was read, `notes` of what is in none."""
    rows = [
        (
            item.facts["account"],
            item.facts["symbol"],
            item.facts["exchange_order_id"] or "-",
            _said(item.outcome),
            item.detail,
        )
        for item in results
    ]
    codes = [*(item.exit_code for item in results), *(error.exit_code for error in unread)]
    good = sum(item.outcome == "canceled" for item in results)
    errors = tuple(
        KeyctlError(
            f"{item.facts['account']}: {_said(item.outcome)}: {item.detail}",
            *(item.hints or ("check what is open: keyctl orders --open",)),
            code="cancel_failed",
            account=item.facts["account"],
            exchange=item.facts["exchange"],
        )
        for item in results
        if item.exit_code is not ExitCode.OK
    )
    return Result(
        {
            "legs": [{**item.facts, "outcome": item.outcome, "detail": item.detail} for item in results],
            "accounts": list(accounts),
        },
        view=(
            Table(("account", "symbol", "id", "outcome", "detail"), rows),
            Note(f"{good} of {len(results)} canceled."),
            *notes,
        ),
        exit_code=_code(codes),
        errors=(*errors, *unread),
        warnings=tuple(warnings),
        some_accepted=good > 0,
    )


def _said(outcome: str) -> str:
    return "not accepted" if outcome == "never taken" else outcome


def _code(codes: Sequence[ExitCode]) -> ExitCode:
    if ExitCode.UNKNOWN in codes:
        return ExitCode.UNKNOWN
    if all(code is ExitCode.OK for code in codes):
        return ExitCode.OK
    return ExitCode.PARTIAL if ExitCode.OK in codes else max(codes)
