"""An order and what each venue says of its symbol become a Plan of legs, or a reason why not. Pure: no I/O."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed
from keyctl.exchanges.base import plain
from keyctl.model import Account, Balances, Instrument, Kind, Leg, Market, Order, OrderType, Side, Ticker, TimeInForce
from keyctl.sizes import FINEST, exactly, floor_to, round_price

if TYPE_CHECKING:
    from keyctl.config import Limits
    from keyctl.exchanges.base import Exchange

PLAN_ID_LENGTH = 10
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for on each account. Exactly one of `quantity` (base) and `quote` (to spend) is set.

    Without a price the order is immediate: a limit within `max_slippage` of the best opposite price, or the venue's
    own market type when `max_slippage` is None.
    """

    symbol: str
    side: Side
    quantity: Decimal | None
    quote: Decimal | None
    price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    max_slippage: Decimal | None

    @property
    def immediate(self) -> bool:
        return self.price is None


@dataclass(frozen=True, slots=True)
class VenueView:
    """What one venue said just now: the symbol's rules, best prices, USD per unit of the quote, free balances.

    `free` is None where balances were not asked for.
    """

    instrument: Instrument
    ticker: Ticker
    ticker_at: float
    usd_per_quote: Decimal
    balances: Balances | None


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """A leg with its value in USD, the prices it was judged by, and which soft limits it touches."""

    leg: Leg
    instrument: Instrument
    view: VenueView
    value_usd: Decimal
    soft: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Legs that belong together. `soft` are the soft limits touched by the plan as a whole."""

    id: str
    kind: Kind
    legs: tuple[PlannedLeg, ...]
    soft: tuple[str, ...]

    @property
    def value_usd(self) -> Decimal:
        return sum((leg.value_usd for leg in self.legs), Decimal(0))

    @property
    def touched(self) -> tuple[str, ...]:
        """Every soft limit touched, each once."""
        return tuple(dict.fromkeys([*self.soft, *(text for leg in self.legs for text in leg.soft)]))


def new_plan_id() -> str:
    """Ten random base32 characters."""
    return "".join(secrets.choice(_BASE32) for _ in range(PLAN_ID_LENGTH))


@exactly
def plan_leg(
    plan_id: str,
    index: int,
    account: Account,
    exchange: Exchange,
    wish: Wish,
    view: VenueView,
    today: date,
    limits: Limits,
) -> PlannedLeg:
    """One account's leg, rounded down to the venue's steps and checked against its filters and our price limits.

    Raises CheckFailed with the account named; nothing has been sent then.
    """
    instrument = view.instrument
    if not instrument.active:
        raise _refusal(account, f"{instrument.symbol} is not trading at {exchange.profile.title}", "symbol_not_trading")
    order, notes = _order(account, wish, view, limits)
    _check_filters(account, order, view)
    _check_balance(account, order, view)
    soft = _check_price(account, order, wish, view, limits)
    reference = view.ticker.ask if order.side is Side.BUY else view.ticker.bid
    value = order.quantity * max(order.price or reference, reference) * view.usd_per_quote
    if value > limits.leg_value_usd:
        raise _refusal(
            account,
            f"the order is worth {value:.2f} USD, the cap for one is {limits.leg_value_usd} USD",
            "over_leg_limit",
            "order less, or raise leg_value_usd in config.toml",
        )
    if value > limits.leg_value_usd * limits.soft_fraction:
        soft = (*soft, f"an order above {limits.leg_value_usd * limits.soft_fraction:.0f} USD")
    leg = Leg(
        plan_id=plan_id,
        index=index,
        account=account.label,
        account_id=account.id,
        exchange=account.exchange,
        order=order,
        native_symbol=instrument.native_symbol,
        client_order_id=exchange.new_client_order_id(secrets.token_bytes(32)),
        client_order_date=today,
    )
    return PlannedLeg(leg, instrument, view, value, soft, notes)


def same_leg(planned: PlannedLeg, stored: Leg) -> PlannedLeg:
    """The planned leg under the ids of a stored one: a plan that is taken up again keeps its ids."""
    kept = replace(
        planned.leg,
        plan_id=stored.plan_id,
        index=stored.index,
        client_order_id=stored.client_order_id,
        client_order_date=stored.client_order_date,
    )
    return replace(planned, leg=kept)


@exactly
def check_plan(plan_id: str, kind: Kind, legs: tuple[PlannedLeg, ...], used_today: Decimal, limits: Limits) -> Plan:
    """The plan with the soft limits it touches. Raises CheckFailed when it passes a hard one."""
    total = sum((leg.value_usd for leg in legs), Decimal(0))
    if len(legs) > limits.legs_per_plan:
        raise CheckFailed(f"{len(legs)} legs, the cap is {limits.legs_per_plan}", code="too_many_legs")
    for what, value, cap, name in (
        ("the plan is", total, limits.plan_value_usd, "plan_value_usd"),
        ("orders of the last 24 h would be", used_today + total, limits.day_value_usd, "day_value_usd"),
    ):
        if value > cap:
            raise CheckFailed(
                f"{what} worth {value:.2f} USD, the cap is {cap} USD",
                f"order less, or raise {name} in config.toml",
                code=f"over_{name.split('_')[0]}_limit",
            )
    soft = []
    if total > limits.plan_value_usd * limits.soft_fraction:
        soft.append(f"a plan above {limits.plan_value_usd * limits.soft_fraction:.0f} USD")
    if used_today + total > limits.day_value_usd * limits.soft_fraction:
        soft.append(f"more than {limits.day_value_usd * limits.soft_fraction:.0f} USD in 24 h")
    return Plan(plan_id, kind, legs, tuple(soft))


def _order(account: Account, wish: Wish, view: VenueView, limits: Limits) -> tuple[Order, tuple[str, ...]]:
    instrument, ticker = view.instrument, view.ticker
    opposite = ticker.ask if wish.side is Side.BUY else ticker.bid
    market_type = wish.immediate and wish.max_slippage is None
    if wish.price is not None:
        price: Decimal | None = round_price(wish.price, wish.side, instrument)
    elif wish.max_slippage is not None:
        share = wish.max_slippage if wish.side is Side.BUY else -wish.max_slippage
        price = round_price(opposite * (1 + share), wish.side, instrument)
    else:
        price = None
    if price is not None and price <= 0:
        raise _refusal(account, "the price is below the venue's smallest step", "rounding")
    # Money to sell for is counted at the best bid where that is above the price: never more is sold than was meant.
    worth = price if price is not None and wish.side is Side.BUY else max(price or opposite, opposite)
    asked = wish.quantity if wish.quantity is not None else (wish.quote or Decimal(0)) / worth
    quantity = floor_to(asked, instrument.quantity_step or FINEST)
    if quantity <= 0 or (wish.quantity is not None and asked - quantity > asked * limits.rounding_max):
        raise _refusal(
            account,
            f"{plain(floor_to(asked, FINEST))} {instrument.base} cannot be rounded down to steps of"
            f" {_shown(instrument.quantity_step)} without losing more than {limits.rounding_max:.0%}",
            "rounding",
            "give a size on that step; keyctl never raises a size",
        )
    notes = []
    if wish.quantity is not None and quantity != asked:
        notes.append(f"{account.label}: size rounded down from {plain(asked)} to {plain(quantity)}")
    if wish.price is not None and price is not None and price != wish.price:
        notes.append(f"{account.label}: price rounded from {plain(wish.price)} to {plain(price)}")
    order = Order(
        symbol=instrument.symbol,
        market=Market.SPOT,
        side=wish.side,
        type=OrderType.MARKET if market_type else OrderType.LIMIT,
        quantity=quantity,
        price=price,
        time_in_force=TimeInForce.IOC if wish.immediate else wish.time_in_force,
        post_only=wish.post_only,
        quote_quantity=quantity * opposite if market_type and wish.side is Side.BUY else None,
    )
    return order, tuple(notes)


def _check_filters(account: Account, order: Order, view: VenueView) -> None:
    instrument = view.instrument
    price = order.price or (view.ticker.ask if order.side is Side.BUY else view.ticker.bid)
    notional = order.quantity * price
    bounds = (
        (instrument.min_quantity, order.quantity, "below_minimum", f"minimum size {{}} {instrument.base}", False),
        (instrument.max_quantity, order.quantity, "above_maximum", f"maximum size {{}} {instrument.base}", True),
        (instrument.min_notional, notional, "below_minimum", f"minimum value {{}} {instrument.quote}", False),
        (instrument.max_notional, notional, "above_maximum", f"maximum value {{}} {instrument.quote}", True),
    )
    for bound, value, code, text, upper in bounds:
        if bound is not None and (value > bound if upper else value < bound):
            raise _refusal(
                account,
                f"{plain(order.quantity)} {instrument.base} at {plain(price)} does not pass {account.exchange}'s "
                + text.format(plain(bound)),
                code,
                "give another size; keyctl never raises a size by itself",
            )


def _check_balance(account: Account, order: Order, view: VenueView) -> None:
    if view.balances is None:
        return
    instrument = view.instrument
    if order.side is Side.SELL:
        currency, needed = instrument.base, order.quantity
    else:
        currency, needed = instrument.quote, order.quantity * (order.price or view.ticker.ask)
    free = view.balances.free.get(currency, Decimal(0))
    if needed > free:
        raise _refusal(
            account,
            f"needs {plain(needed)} {currency}, free are {plain(free)} {currency}",
            "not_enough_balance",
            "order less, free the balance, or leave this account out",
        )


def _check_price(account: Account, order: Order, wish: Wish, view: VenueView, limits: Limits) -> tuple[str, ...]:
    ticker = view.ticker
    if order.price is None or wish.immediate:
        if wish.max_slippage is not None and wish.max_slippage > limits.price_through_hard:
            raise _refusal(account, f"slippage above the cap of {limits.price_through_hard:.0%}", "price_through")
        return ("an order without a price",)
    if order.side is Side.BUY:
        through, away = (order.price - ticker.ask) / ticker.ask, (ticker.bid - order.price) / ticker.bid
    else:
        through, away = (ticker.bid - order.price) / ticker.bid, (order.price - ticker.ask) / ticker.ask
    if through > limits.price_through_hard:
        raise _refusal(
            account,
            f"price {plain(order.price)} is {through:.1%} through the best price"
            f" ({plain(ticker.bid)} / {plain(ticker.ask)}), the cap is {limits.price_through_hard:.0%}",
            "price_through",
            "check the price for a slip of a digit; the cap is price_through_hard in config.toml",
        )
    if through > limits.price_through_soft:
        return (f"a price {through:.1%} through the best price",)
    if away > limits.price_away_soft:
        return (f"a price {away:.0%} away from the market",)
    return ()


def _refusal(account: Account, text: str, code: str, *hints: str) -> CheckFailed:
    return CheckFailed(
        f"{account.label}: {text}", *hints, code=code, account=account.label, exchange=account.exchange, market="spot"
    )


def _shown(step: Decimal | None) -> str:
    return "any size" if step is None else plain(step)
