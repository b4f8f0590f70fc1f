"""Reduce-only orders that keep a close from going out: which they are, and the command that cancels each. Reads only.

keyctl cancels none of them by itself: what an open order is for, only a person knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from keyctl.desk.order_advice import Step
from keyctl.errors import KeyctlError
from keyctl.exchanges.encoding import plain
from keyctl.model.futures import OpenOrder
from keyctl.model.order import LegResult
from keyctl.model.words import Market, Outcome
from keyctl.orders.holdings import Part, open_orders_of

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal
    from keyctl.orders.preview import Target


async def orders_in_the_way(journal: Journal, results: Sequence[LegResult], targets: Sequence[Target]) -> list[Step]:
    """A step for each open order because of which a closing order was rejected; where they cannot be read or none is
    found any more, the step that shows what is open. Raises nothing that an exchange or the network has to say."""
    sessions = {target.session.account.id: target.session for target in targets}
    found: list[Step] = []
    for result in results:
        session = sessions.get(result.leg.account_id)
        if session is None or not _is_barred(result, session.exchange.profile.barred_by_reducing):
            continue
        symbol = result.leg.order.symbol
        try:
            rows = await open_orders_of(Part(session, Market.FUTURES.value), (symbol,))
            ours = {stored.leg.client_order_id for stored in journal.open_legs()}
        except KeyctlError:  # the orders are out: what else cannot be read takes nothing from their result
            rows, ours = (), set()
        steps = list(_steps(result, [row for row in rows if isinstance(row, OpenOrder)], ours))
        found += steps or [
            Step(
                f"An open order may block the close on {result.leg.account}. Check what is open",
                f"keyctl orders --open {result.leg.account}",
            )
        ]
    return found


def _is_barred(result: LegResult, codes: Sequence[str]) -> bool:
    return result.outcome is Outcome.REJECTED and result.error is not None and result.error.code in codes


def _steps(result: LegResult, listed: Sequence[OpenOrder], ours: set[str]) -> Iterator[Step]:
    leg = result.leg
    for order in listed:
        # By the exchange's own name: what that means its list of open orders does not always tell.
        names = order.native_symbol, order.side, order.position
        same = names == (leg.native_symbol, leg.order.side, leg.order.position)
        if not (order.reduce_only and same):
            continue
        size = "" if order.quantity is None else f"{plain(order.quantity - order.filled)} "
        price = f" at {plain(order.price)}" if order.price is not None else ""
        words = (
            f"The reduce-only order {order.exchange_order_id} ({order.side} {size}{leg.order.symbol}{price}) "
            f"of {leg.account} conflicts with the close. Cancel it"
        )
        if order.client_order_id in ours:
            yield Step(words, f"keyctl cancel {order.client_order_id}")
        else:  # keyctl names no single order of others; the command lists them before it asks
            yield Step(words, f"keyctl cancel --foreign --symbol {leg.order.symbol} -a {leg.account}")
