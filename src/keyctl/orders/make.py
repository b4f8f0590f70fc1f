"""An order made from a wish: price and size on one venue's steps. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.exchanges.encoding import plain
from keyctl.model.account import Account
from keyctl.model.order import Order
from keyctl.model.size import FINEST, floor_to, round_price, size_of, size_step
from keyctl.model.words import OrderType, Side, TimeInForce
from keyctl.orders.checks import refusal, unit

if TYPE_CHECKING:
    from keyctl.home.config import Limits
    from keyctl.orders.wish import Terms, VenueView, Wish


def make_order(
    account: Account, wish: Wish, view: VenueView, limits: Limits, terms: Terms | None
) -> tuple[Order, tuple[str, ...]]:
    """The order in the venue's steps, never larger or priced worse than asked, and what to say of its rounding.

    Raises CheckFailed when rounding would lose too much.
    """
    instrument = view.instrument
    price, market_type = price_of(account, wish, view)
    quantity, notes = _quantity(account, wish, view, limits, terms)
    if wish.price is not None and price is not None and price != wish.price:
        notes.append(f"{account.label}: price rounded from {plain(wish.price)} to {plain(price)}")
    spot_buy = market_type and wish.side is Side.BUY and instrument.settle is None and wish.trigger is None
    order = Order(
        symbol=instrument.symbol,
        market=instrument.market,
        side=wish.side,
        type=OrderType.MARKET if market_type else OrderType.LIMIT,
        quantity=quantity,
        price=price,
        time_in_force=TimeInForce.IOC if wish.immediate else wish.time_in_force,
        post_only=wish.post_only,
        quote_quantity=quantity * view.ticker.ask if spot_buy else None,
        contract_size=instrument.contract_size,
        inverse=instrument.inverse,
        position=terms.position if terms else None,
        hedge=bool(terms and terms.hedge),
        reduce_only=bool(terms and terms.reduce_only),
        leverage=terms.leverage if terms else None,
        margin=terms.margin if terms else view.spot_margin,
        trigger=wish.trigger,
        trigger_price=trigger_price_of(wish, view),
        expires_ms=wish.expires_ms,
    )
    return order, tuple(notes)


def price_of(account: Account, wish: Wish, view: VenueView) -> tuple[Decimal | None, bool]:
    """The order's price on the venue's steps (None for the venue's own market type), and whether it is of that type.

    Raises CheckFailed for a price below the smallest step.
    """
    instrument = view.instrument
    market_type = wish.market_type
    if wish.price is not None:
        price: Decimal | None = round_price(wish.price, wish.side, instrument)
    elif wish.max_slippage is not None and not market_type:
        share = wish.max_slippage if wish.side is Side.BUY else -wish.max_slippage
        price = round_price(_within_bounds(_opposite(wish, view) * (1 + share), wish, view), wish.side, instrument)
    else:
        price = None
    if price is not None and price <= 0:
        raise refusal(account, "the price is below the exchange's smallest step", "rounding")
    return price, market_type


def _within_bounds(price: Decimal, wish: Wish, view: VenueView) -> Decimal:
    """The price of an immediate order, moved into what the venue takes now: never worse than the one that was meant."""
    rules, band = view.instrument, view.band
    if wish.side is Side.BUY:
        return min([price, *(bound for bound in (rules.price_max, band and band.highest_buy) if bound)])
    return max([price, *(bound for bound in (rules.price_min, band and band.lowest_sell) if bound)])


def trigger_price_of(wish: Wish, view: VenueView) -> Decimal | None:
    """The price that the order waits for, on the venue's steps; None for one that does not wait."""
    return None if wish.trigger_price is None else round_price(wish.trigger_price, wish.side, view.instrument)


def worth_of(wish: Wish, view: VenueView, least: bool = False) -> Decimal:
    """The price at which money is turned into a size, so that never more is bought or sold than was meant.

    A buy counts at its own price, a sell at the best bid where that is above its price. `least` is the lower of price
    and market: contracts of a fixed value hold more base currency the lower the price.
    """
    wanted = wish.price or wish.trigger_price
    if wanted is None and wish.max_slippage is not None and (least or wish.side is Side.BUY):
        share = wish.max_slippage if wish.side is Side.BUY else -wish.max_slippage
        wanted = _opposite(wish, view) * (1 + share)
    opposite = _opposite(wish, view)
    price = opposite if wanted is None else round_price(wanted, wish.side, view.instrument) or opposite
    if least:
        return min(price, opposite)
    return price if wish.side is Side.BUY else max(price, opposite)


def _opposite(wish: Wish, view: VenueView) -> Decimal:
    return view.ticker.opposite(wish.side)


def _quantity(
    account: Account, wish: Wish, view: VenueView, limits: Limits, terms: Terms | None
) -> tuple[Decimal, list[str]]:
    """The size in the unit of the instrument, rounded down, and what to say of it. Raises CheckFailed."""
    instrument = view.instrument
    size = instrument.contract_size or Decimal(1)
    contracts = terms.held if wish.for_position and terms is not None else wish.contracts
    if contracts is not None:
        asked = size_of(contracts, instrument)
    elif wish.quote is not None:
        asked = wish.quote / (size if instrument.inverse else worth_of(wish, view))
    else:
        assert wish.quantity is not None
        # Contracts of a fixed value hold more base currency the lower the price: counted at the lower of the two.
        least = worth_of(wish, view, least=True)
        asked = wish.quantity * least / size if instrument.inverse else wish.quantity
    step = size_step(instrument, market_type=wish.market_type)
    quantity = floor_to(asked, step or FINEST)
    if quantity <= 0 or (wish.quote is None and asked - quantity > asked * limits.rounding_max):
        raise refusal(
            account,
            f"{plain(floor_to(asked, FINEST))} {unit(instrument)} cannot be rounded down to steps of"
            f" {_shown(step)} without losing more than {limits.rounding_max:.0%}",
            "rounding",
            "give a size on that step; keyctl never raises a size",
            market=instrument.market.value,
        )
    notes = []
    if wish.quote is None and quantity != asked:
        given = plain(floor_to(asked, FINEST))
        notes.append(f"{account.label}: size rounded down from {given} to {plain(quantity)} {unit(instrument)}")
    return quantity, notes


def _shown(step: Decimal | None) -> str:
    return "any size" if step is None else plain(step)
