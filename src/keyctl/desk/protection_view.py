"""What is told of the orders that protected a position, once that is closed. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keyctl.desk.cancel_view import CancelResult, leg_facts
from keyctl.errors import ExitCode, KeyctlError
from keyctl.terminal.output import Note, Result, Table

if TYPE_CHECKING:
    from keyctl.journal.rows import StoredLeg

_COLUMNS = ("account", "symbol", "order", "outcome", "detail")


@dataclass(frozen=True, slots=True)
class Lifted:
    """What became of the orders that protected a position which was closed. `kept`: why none of them was canceled.

    `trouble`: why the journal could not tell whether there are any.
    """

    orders: tuple[StoredLeg, ...]
    canceled: tuple[CancelResult, ...] = ()
    kept: str = ""
    trouble: KeyctlError | None = None


def with_protection(ended: Result, lifted: Sequence[Lifted]) -> Result:
    """The result of a close with what became of protective orders; exit PARTIAL where one may still be open."""
    rows: list[dict[str, Any]] = []
    errors: list[KeyctlError] = []
    for item in lifted:
        errors += [] if item.trouble is None else [item.trouble]
        for stored, canceled in zip(item.orders, item.canceled, strict=False):
            rows.append(_row(stored, canceled.outcome, canceled.detail))
            if canceled.exit_code is not ExitCode.OK:
                errors.append(_error(stored, f"{canceled.outcome}: {canceled.detail}"))
        if item.kept:
            rows += [_row(stored, "not canceled", item.kept) for stored in item.orders]
            errors += [_error(stored, f"not canceled: {item.kept}") for stored in item.orders]
    if not rows and not errors:
        return ended
    cells = [(row["account"], row["symbol"], _words(row), row["outcome"], row["detail"]) for row in rows]
    return replace(
        ended,
        data={**ended.data, "protection": rows},
        view=(*ended.view, Note("Orders that protected these positions"), Table(_COLUMNS, cells))
        if rows
        else ended.view,
        exit_code=ExitCode.PARTIAL if errors and ended.exit_code is ExitCode.OK else ended.exit_code,
        errors=(*ended.errors, *errors),
    )


def _row(stored: StoredLeg, outcome: str, detail: str) -> dict[str, Any]:
    return {**leg_facts(stored), "outcome": outcome, "detail": detail}


def _words(row: dict[str, Any]) -> str:
    return f"{row['side']} {row['quantity']} at {row['trigger_price']}"


def _error(stored: StoredLeg, words: str) -> KeyctlError:
    leg = stored.leg
    return KeyctlError(
        f"{leg.account}: the order that protected the {leg.order.symbol} position may still be open: {words}",
        f"cancel it: keyctl cancel {leg.client_order_id}",
        code="protection_left",
        account=leg.account,
        exchange=leg.exchange,
        market=str(leg.order.market),
    )
