"""Orders that wait to protect a position: as large as that is, and canceled once keyctl has closed it.

Which order protects which position is told by the journal: exchange account, symbol, direction, and a mark on the leg.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.desk.cancel_order import cancel_order
from keyctl.desk.close_view import is_closed
from keyctl.desk.foreign_orders import LOOKS, PAUSE_SECONDS
from keyctl.desk.protection_view import Lifted
from keyctl.errors import KeyctlError, NoAnswer, StoreUnusable
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.listing import odd_among
from keyctl.model.futures import Position
from keyctl.model.order import LegResult, Order
from keyctl.model.size import FINEST, exactly, floor_to, size_of, size_step
from keyctl.model.words import Market, OrderType
from keyctl.orders.checks import StandsInTheWay
from keyctl.orders.holdings import Part, positions_of
from keyctl.orders.plan import PlannedLeg
from keyctl.orders.preview import LeftOut, Preview, Target

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal
    from keyctl.journal.rows import StoredLeg
    from keyctl.model.order import Leg
    from keyctl.network.session import Session


async def still_held(shown: Preview, targets: Sequence[Target]) -> Preview:
    """The preview without protective orders whose position has another size now; read right before the claim.

    Raises the first of these troubles when they leave no order.
    """
    legs = [leg for leg in shown.plan.legs if leg.leg.protects]
    by_account = {target.session.account.id: target for target in targets}
    troubles = await asyncio.gather(*(_changed(by_account[leg.leg.account_id].session, leg) for leg in legs))
    late = {leg.leg.account_id: error for leg, error in zip(legs, troubles, strict=True) if error is not None}
    kept = tuple(leg for leg in shown.plan.legs if leg.leg.account_id not in late)
    if late and not kept:
        raise next(iter(late.values()))
    out = tuple(LeftOut(by_account[account_id], error) for account_id, error in late.items())
    return replace(shown, plan=replace(shown.plan, legs=kept), left_out=(*shown.left_out, *out))


async def _changed(session: Session, planned: PlannedLeg) -> KeyctlError | None:
    """Why the order does not fit the position any more; None while it does."""
    leg, order = planned.leg, planned.leg.order
    try:
        found = await _held(session, leg)
    except KeyctlError as trouble:
        if isinstance(trouble, StoreUnusable):
            raise
        return trouble
    if found is not None and _whole(found, planned) == order.quantity:
        return None
    now = "is closed now" if found is None else f"is {plain(found.contracts)} contracts now"
    return StandsInTheWay(
        f"{leg.account}: the {order.side.closes} position in {order.symbol} {now}, not {plain(order.contracts)}",
        "run the command again",
        account=leg.account,
        exchange=leg.exchange,
        market=str(order.market),
    )


@exactly
def _whole(position: Position, planned: PlannedLeg) -> Decimal:
    """The size of an order for the whole position, which the venue's steps may leave a little of."""
    order, instrument = planned.leg.order, planned.instrument
    step = size_step(instrument, market_type=order.type is OrderType.MARKET)
    return floor_to(size_of(position.contracts, instrument), step or FINEST)


async def lift_all(targets: Sequence[Target], results: Iterable[LegResult], journal: Journal) -> list[Lifted]:
    """What became of the orders that protected positions which these orders have closed, accounts side by side."""
    sessions = {target.session.account.id: target.session for target in targets}
    closed = [item.leg for item in results if is_closed(item)]
    found = await asyncio.gather(*(_lift(sessions[leg.account_id], journal, leg) for leg in closed))
    return [item for item in found if item is not None]


async def _lift(session: Session, journal: Journal, leg: Leg) -> Lifted | None:
    """Cancels the orders that protected the position which this filled order has closed, once that is read to be gone.

    None where there are none. The close is out: whatever keeps the position from being read is told, and not raised.
    """
    try:
        orders = protecting(journal, leg)
    except StoreUnusable as error:
        return Lifted((), trouble=_untold(leg, error))
    if not orders:
        return None
    for look in range(LOOKS):
        try:
            held = await _held(session, leg)
        except KeyctlError as trouble:
            return Lifted(orders, kept=f"cannot read whether the position is closed: {trouble.message}")
        if held is None:
            return Lifted(orders, tuple([await cancel_order(session, journal, stored) for stored in orders]))
        if look < LOOKS - 1:
            await session.network.clock.sleep(PAUSE_SECONDS)
    return Lifted(orders, kept="the position is still open")


def _untold(leg: Leg, error: StoreUnusable) -> KeyctlError:
    return KeyctlError(
        f"{leg.account}: cannot read whether an order protects the {leg.order.symbol} position: {error.message}",
        f"check what is open: keyctl orders --open {leg.account}",
        code="protection_left",
        account=leg.account,
        exchange=leg.exchange,
        market=str(leg.order.market),
    )


def protecting(journal: Journal, leg: Leg) -> tuple[StoredLeg, ...]:
    """The orders, open or of unknown outcome, that the journal has as protecting the position that the leg closes."""
    place, order = journal.exchange_accounts.of(leg.account_id), leg.order

    def is_one(stored: StoredLeg) -> bool:
        other = stored.leg.order
        mine = stored.leg.account_id == leg.account_id or stored.leg.exchange_account == place
        same = (other.symbol, other.side) == (order.symbol, order.side) and _fits(other, order)
        return stored.leg.protects and mine and same

    return tuple(stored for stored in (*journal.open_legs(), *journal.unsettled()) if is_one(stored))


async def _held(session: Session, leg: Leg) -> Position | None:
    """The position that the order reduces, as the exchange has it now. Raises KeyctlError, also where a row that may be
    the position cannot be read.

    All are read, and told apart by the exchange's own name: whatever the list makes of that, it is never called gone.
    """
    order, (found, odd) = leg.order, odd_among(await positions_of(Part(session, Market.FUTURES.value)))
    for row in odd:
        if row.native_symbol in (None, leg.native_symbol):
            raise NoAnswer(f"a row that may be the position cannot be read: {row.why}", code="odd_rows")
    mine = (item for item in found if item.native_symbol == leg.native_symbol and _fits(item, order))
    return next((item for item in mine if item.side is order.side.closes), None)


def _fits(one: Order | Position, order: Order) -> bool:
    """Whether both are of one margin mode, as far as that is told: some exchanges keep a position for each."""
    return None in (one.margin, order.margin) or one.margin is order.margin
