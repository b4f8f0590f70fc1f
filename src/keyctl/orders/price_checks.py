"""What is checked of an order's price before it may be sent: how far it is from the market, its trigger, and how far
the market is from those of the plan's other exchanges. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.exchanges.encoding import plain
from keyctl.model.size import exactly
from keyctl.model.words import Market, Side, Trigger
from keyctl.orders.checks import AT_ANY_PRICE, refusal, short
from keyctl.orders.make import price_of, trigger_price_of
from keyctl.orders.value import value_of

if TYPE_CHECKING:
    from keyctl.home.config import Limits
    from keyctl.model.account import Account
    from keyctl.model.order import Leg
    from keyctl.model.venue import Ticker
    from keyctl.orders.wish import VenueView, Wish


def check_price(account: Account, wish: Wish, view: VenueView, limits: Limits) -> tuple[str, ...]:
    """The soft limits that the price touches. Raises CheckFailed for a price that no option passes.

    Asked before sizes are worked out and balances compared: a digit too many in the price spoils those, and it is the
    price that must be told.
    """
    ticker, market = view.ticker, view.instrument.market.value
    price, trigger_price = price_of(account, wish, view)[0], trigger_price_of(wish, view)
    if wish.trigger is not None and trigger_price is not None:
        check_trigger(account, wish.side, wish.trigger, trigger_price, ticker, view.instrument.market)
    _check_range(account, view, price, trigger_price)
    if price is None or wish.immediate:
        if wish.max_slippage is not None and wish.max_slippage > limits.price_through_hard:
            raise refusal(
                account,
                f"slippage {wish.max_slippage:.1%} is above the cap of {limits.price_through_hard:.0%}",
                "price_through",
                market=market,
            )
        _check_reach(account, wish, price, view)
        return (AT_ANY_PRICE,)
    bid, ask = (ticker.bid, ticker.ask) if trigger_price is None else (trigger_price,) * 2
    if wish.side is Side.BUY:
        through, away = (price - ask) / ask, (bid - price) / bid
    else:
        through, away = (bid - price) / bid, (price - ask) / ask
    beyond, against = _other_side(wish, bid, ask)
    if through > limits.price_through_hard:
        raise refusal(
            account,
            f"{wish.side} price {plain(price)} is {through:.1%} {beyond} {plain(against)}; the cap is "
            f"{limits.price_through_hard:.0%}",
            "price_through",
            "check the price for a typo; the cap is price_through_hard in config.toml",
            market=market,
        )
    if wish.trigger is None:
        _check_band(account, wish.side, price, view)
    if through > limits.price_through_soft:
        return (f"a price {through:.1%} {beyond}",)
    if away > limits.price_away_soft:
        return (f"a price {away:.0%} away from {'the market' if wish.trigger is None else 'its trigger'}",)
    return ()


def _other_side(wish: Wish, bid: Decimal, ask: Decimal) -> tuple[str, Decimal]:
    """In words, where a price is past the trigger or the other side's best price; and that price."""
    buy = wish.side is Side.BUY
    name = "its trigger" if wish.trigger is not None else "the best ask" if buy else "the best bid"
    return f"{'above' if buy else 'below'} {name}", ask if buy else bid


def _check_range(account: Account, view: VenueView, *prices: Decimal | None) -> None:
    """Raises CheckFailed for a price or trigger outside what the venue ever takes in this symbol."""
    rules = view.instrument
    for price in prices:
        for bound, beyond in ((rules.price_min, "below"), (rules.price_max, "above")):
            if price is None or bound is None or (price >= bound if beyond == "below" else price <= bound):
                continue
            raise refusal(
                account,
                f"price {plain(short(price))} is {beyond} {account.exchange}'s "
                f"{'minimum' if beyond == 'below' else 'maximum'} of {plain(bound)} for {rules.symbol}",
                "price_range",
                "check the price for a typo",
                market=rules.market.value,
            )


def _check_reach(account: Account, wish: Wish, price: Decimal | None, view: VenueView) -> None:
    """Raises CheckFailed for an immediate order which the venue's bounds keep from reaching the market: nothing of it
    would be filled. One that only reduces goes out all the same, since the bounds move."""
    buy = wish.side is Side.BUY
    best = view.ticker.opposite(wish.side)
    if price is None or wish.reduces or (price >= best if buy else price <= best):
        return
    raise refusal(
        account,
        f"{account.exchange} now rejects a {wish.side} {'above' if buy else 'below'} {plain(short(price))}; the best "
        f"{'ask' if buy else 'bid'} is {plain(best)}: nothing would be filled",
        "price_band",
        f"to wait for that price, add --price {plain(short(price))}",
        market=view.instrument.market.value,
    )


def _check_band(account: Account, side: Side, price: Decimal, view: VenueView) -> None:
    band = view.band
    if band is None:
        return
    highest, lowest = (band.highest_buy, band.lowest_buy) if side is Side.BUY else (band.highest_sell, band.lowest_sell)
    for bound, beyond in ((highest, "above"), (lowest, "below")):
        if bound is None or (price <= bound if beyond == "above" else price >= bound):
            continue
        raise refusal(
            account,
            f"{account.exchange} now rejects a {side} {beyond} {plain(short(bound))}",
            "price_band",
            f"give a price inside the exchange's band, which moves with the market: --price {plain(short(bound))}",
            market=view.instrument.market.value,
        )


def check_trigger(
    account: Account, side: Side, trigger: Trigger, price: Decimal, ticker: Ticker, market: Market
) -> None:
    """Raises CheckFailed for a trigger on the wrong side of the market: it would fire at once."""
    waits_above = (trigger is Trigger.STOP) is (side is Side.BUY)
    fires = price <= ticker.ask if waits_above else price >= ticker.bid
    if fires:
        raise refusal(
            account,
            f"a {side} {trigger.replace('_', '-')} at {plain(price)} would trigger at once"
            f" (bid {plain(ticker.bid)}, ask {plain(ticker.ask)})",
            "would_trigger",
            market=market.value,
        )


@exactly
def moved_too_far(leg: Leg, ticker: Ticker, usd_per_quote: Decimal | None, limits: Limits) -> bool:
    """Whether by now the order is through the market by more than any option passes, or above the cap for one."""
    order, buy = leg.order, leg.order.side is Side.BUY
    best = ticker.opposite(order.side)
    if order.price is not None and order.trigger is None:
        through = (order.price - best if buy else best - order.price) / best
        if through > limits.price_through_hard:
            return True
    if leg.exempt or usd_per_quote is None:
        return False
    return value_of(order, ticker, usd_per_quote, immediate=False).highest > limits.leg_value_usd
