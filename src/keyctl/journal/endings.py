"""How accepted orders stand and end, as later look-ups tell: status and fills, what is missed, what is forgotten."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.home.day_counts import most_filled
from keyctl.journal.database import Database
from keyctl.journal.rows import decimal_text
from keyctl.journal.story import Story
from keyctl.model.order import OrderStatus
from keyctl.model.words import OrderState

if TYPE_CHECKING:
    import sqlite3

# The leg's event when its order was neither listed nor found, while the exchange should still know it.
MISSED = "missed"
_FINAL = (OrderState.CLOSED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)


class Endings:
    """What became of accepted legs. Raises StoreUnusable."""

    def __init__(self, database: Database, story: Story) -> None:
        self._database = database
        self._story = story

    def write(self, connection: sqlite3.Connection, row: int, status: OrderStatus) -> None:
        """Adds an order's status to a transaction, and an event where state or fill are others than before.

        An order that has ended stays so: an answer that shows it open was given before it ended, and comes late.
        """
        state, before, quantity, taken, odd = connection.execute(
            "SELECT status, filled, quantity, taken_quantity, odd FROM legs WHERE id=?", (row,)
        ).fetchone()
        if status.state is OrderState.OPEN and state in _FINAL:
            return
        filled = most_filled(before, status.filled, quantity)  # no fill is undone by a reading that comes late
        taken_now = decimal_text(status.quantity) if status.quantity < Decimal(quantity) else taken
        odd_now = "\n".join(status.odd) or odd
        connection.execute(
            "UPDATE legs SET status=?, filled=?, average_price=?, fee=?, fee_currency=?, taken_quantity=?, odd=?,"
            " exchange_order_id=COALESCE(exchange_order_id, ?) WHERE id=?",
            (
                status.state,
                format(filled, "f"),
                decimal_text(status.average_price),
                decimal_text(status.fee),
                status.fee_currency,
                taken_now,
                odd_now,
                status.exchange_order_id,
                row,
            ),
        )
        now = (status.state, filled, taken_now, odd_now)
        if now != (state or OrderState.OPEN, Decimal(before or 0), taken, odd):
            told = {"status": str(status.state), "filled": format(filled, "f")}
            told |= {"size": taken_now} if taken_now is not None and taken_now != taken else {}
            told |= {"odd": ", ".join(status.odd)} if odd_now != odd else {}
            self._story.write(connection, None, row, "status", {**told})

    def forget(self, row: int) -> bool:
        """Whether the leg counted as open and is forgotten now: its exchange can no longer tell how it ended.

        It is no longer open; nothing of it is given back, since nothing of it is known.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE legs SET status=? WHERE id=? AND state='accepted' AND (status IS NULL OR status='open')",
                (OrderState.FORGOTTEN, row),
            ).rowcount
            if changed:
                self._story.write(connection, None, row, str(OrderState.FORGOTTEN), {})
        return changed == 1

    def miss(self, row: int) -> bool:
        """Whether this is the first time that the leg's order was neither listed nor found."""
        return self._story.write_once(row, MISSED, {})

    def missed_at(self, row: int) -> float | None:
        """When the leg's order was first missed (Unix s); None when it never was."""
        return self._story.first_at(row, MISSED)
