"""What is checked of an order before it may be sent: the venue's filters, the free balance. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, UsageProblem
from keyctl.exchanges.encoding import plain
from keyctl.model.size import notional
from keyctl.model.symbol_text import parts_of
from keyctl.model.words import OrderType, Side, TimeInForce

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.model.account import Account
    from keyctl.model.order import Leg, Order
    from keyctl.model.venue import Instrument
    from keyctl.orders.wish import VenueView, Wish

# The soft limit that every immediate order touches.
AT_ANY_PRICE = "this is a market order (no --price)"


class StandsInTheWay(CheckFailed):
    """A mode or leverage of the account does not fit the order; its leg alone is not sent."""

    code = "stands_in_the_way"


def refusal(account: Account, text: str, code: str, *hints: str, market: str = "spot") -> CheckFailed:
    """The error for an order that this account cannot have."""
    return CheckFailed(
        f"{account.label}: {text}", *hints, code=code, account=account.label, exchange=account.exchange, market=market
    )


def unit(instrument: Instrument) -> str:
    """What sizes of the symbol are counted in."""
    return "contracts" if instrument.inverse else instrument.base


def check_order(account: Account, exchange: Exchange, order: Order, view: VenueView) -> None:
    """Raises CheckFailed for a kind of order that the venue lacks or does not take in the symbol, and for a size or
    value outside its bounds."""
    check_offered(account, exchange, order)
    check_kinds(account, exchange, order, view.instrument)
    check_filters(account, exchange, order, view)


def check_offered(account: Account, exchange: Exchange, order: Order) -> None:
    """Raises CheckFailed for a kind of order that the venue lacks."""
    offered = exchange.offers(order.market)
    title = exchange.profile.title
    if not offered:
        raise refusal(
            account, f"keyctl cannot send {order.market} orders to {title}", "not_offered", market=order.market.value
        )
    for word in sorted(_kinds_of(order) - offered):
        raise refusal(
            account,
            f"keyctl cannot send {word.replace('_', '-')} orders to {title} {order.market}",
            "not_offered",
            f"choose one of: {', '.join(sorted(offered)).replace('_', '-')}",
            market=order.market.value,
        )


def check_trading(account: Account, exchange: Exchange, instrument: Instrument, wish: Wish) -> None:
    """Raises CheckFailed for a symbol in which the venue takes no such order now, with what it is waiting for, and for
    one that is another instrument than the position that is to be closed."""
    title, market = exchange.profile.title, instrument.market.value
    if not instrument.active and not (wish.reduces and instrument.may_reduce):
        why = f": {instrument.not_trading}" if instrument.not_trading else ""
        raise refusal(
            account, f"{instrument.symbol} is not trading at {title}{why}", "symbol_not_trading", market=market
        )
    if wish.native_symbol not in (None, instrument.native_symbol):
        raise refusal(
            account,
            f"the position is in {wish.native_symbol}, but {title} lists {wish.symbol} as {instrument.native_symbol}",
            "not_offered",
            "close it on the exchange's own pages",
            market=market,
        )


def check_closable(account: Account, exchange: Exchange, wish: Wish) -> None:
    """Raises CheckFailed for a position that keyctl has no order for at that venue: in a dated future where it trades
    none, or in what the venue's list does not name."""
    try:
        exchange.market_of(wish.symbol).instrument(wish.symbol)
    except UsageProblem:
        parts = parts_of(wish.symbol)
        if parts is not None and parts.date:
            day, title = "20" + "-".join(re.findall("..", parts.date)), exchange.profile.title
            text = f"{wish.symbol} is a dated future, delivered on {day}, and keyctl does not trade those at {title}"
        else:
            text = f"keyctl cannot trade {wish.symbol}: it knows only the exchange's own name for it"
        hint = "close it on the exchange's own pages"
        raise refusal(account, f"{text}; this position stays open", "not_offered", hint, market="futures") from None


def check_kinds(account: Account, exchange: Exchange, order: Order, instrument: Instrument) -> None:
    """Raises CheckFailed for a kind of order that the venue has, but not in this symbol."""
    if instrument.kinds is None:
        return
    wanted = _kinds_of(order) - {"reduce_only", str(TimeInForce.GTC)}
    if order.trigger is not None:  # what it becomes is no order of its own there
        wanted = {f"{order.trigger}_{order.type}"}
    for word in sorted(wanted - instrument.kinds):
        raise refusal(
            account,
            f"{exchange.profile.title} does not accept {word.replace('_', '-')} orders in {instrument.symbol}",
            "not_offered",
            f"choose one of: {', '.join(sorted(instrument.kinds)).replace('_', '-')}",
            market=order.market.value,
        )


def check_buildable(account: Account, exchange: Exchange, leg: Leg) -> None:
    """Raises CheckFailed for an order that cannot be written in the venue's words; known before anything is set."""
    try:
        exchange.api_of(leg).order_request(leg)
    except (UsageProblem, ValueError) as problem:
        text = problem.message if isinstance(problem, UsageProblem) else str(problem)
        title, market = exchange.profile.title, leg.order.market.value
        raise refusal(
            account, f"keyctl cannot send this order to {title}: {text}", "not_offered", market=market
        ) from None


def _kinds_of(order: Order) -> set[str]:
    """What the order is, in the words of `Around.offers`."""
    wanted = {str(order.type) if order.trigger is None else f"{order.trigger}_{order.type}"}
    if order.time_in_force is not TimeInForce.GTC and (order.type is OrderType.LIMIT or order.trigger):
        wanted.add(str(order.time_in_force))
    if order.post_only:
        wanted.add("post_only")
    if order.reduce_only:
        wanted.add("reduce_only")
    return wanted


def check_filters(account: Account, exchange: Exchange, order: Order, view: VenueView) -> None:
    """Raises CheckFailed for a size or value outside the venue's bounds."""
    instrument = view.instrument
    reference = view.ticker.opposite(order.side)
    price = order.price or order.trigger_price or reference
    worth = notional(order, price)
    free_to_reduce = order.reduce_only  # venues take any value there (Binance: MIN_NOTIONAL)
    at_market = order.type is OrderType.MARKET
    most = _of(min, instrument.max_quantity, instrument.market_quantity_max if at_market else None)
    least = _of(max, instrument.min_quantity, instrument.market_quantity_min if at_market else None)
    bounds = (
        (least, order.quantity, "below_minimum", f"minimum size of {{}} {unit(instrument)}", False),
        (most, order.quantity, "above_maximum", f"maximum size of {{}} {unit(instrument)}", True),
        (
            None if free_to_reduce else instrument.min_notional,
            worth,
            "below_minimum",
            f"minimum value of {{}} {instrument.quote}",
            False,
        ),
        (instrument.max_notional, worth, "above_maximum", f"maximum value of {{}} {instrument.quote}", True),
    )
    for bound, value, code, text, upper in bounds:
        if bound is not None and (value > bound if upper else value < bound):
            raise refusal(
                account,
                f"{plain(order.quantity)} {unit(instrument)} at {plain(price)} is {'above' if upper else 'below'} "
                f"{exchange.profile.title}'s {text.format(plain(bound))}",
                code,
                "give another size; keyctl never raises a size by itself",
                market=order.market.value,
            )


def _of(choose: Callable[..., Decimal], *bounds: Decimal | None) -> Decimal | None:
    """The narrower of the bounds that are set; None without any."""
    told = [bound for bound in bounds if bound is not None]
    return choose(told) if told else None


def check_balance(account: Account, order: Order, view: VenueView) -> None:
    """Raises CheckFailed when the free balance (on perpetuals: the free margin) cannot pay for the order."""
    instrument = view.instrument
    if view.balances is None or order.reduce_only:
        return
    price = order.price or order.trigger_price or (view.ticker.opposite(order.side))
    if instrument.settle is not None:
        currency = instrument.settle
        worth = notional(order, price)
        needed = (worth / price if order.inverse else worth) / (order.leverage or Decimal(1))
    elif order.side is Side.SELL:
        currency, needed = instrument.base, order.quantity
    else:
        currency, needed = instrument.quote, order.quantity * price
    free = view.balances.free.get(currency, Decimal(0))
    if needed > free:
        what = "needs" if instrument.settle is None else "needs a margin of"
        raise refusal(
            account,
            f"insufficient balance: {what} {plain(short(needed))} {currency}, {plain(free)} {currency} available",
            "not_enough_balance",
            "reduce the size, or leave this account out",
            market=order.market.value,
        )


def short(number: Decimal) -> Decimal:
    """The number with at most eight decimals, for a sentence."""
    return round(number, 8)
