"""A wish and what each venue says of its symbol become a Plan of legs, or a reason why not. Pure: no I/O."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed
from keyctl.home.day_counts import DayCounts
from keyctl.model.account import Account
from keyctl.model.noun import Noun
from keyctl.model.order import Leg
from keyctl.model.size import exactly
from keyctl.model.venue import Instrument
from keyctl.model.words import Kind
from keyctl.orders.checks import AT_ANY_PRICE, check_balance, check_buildable, check_order, check_trading, refusal
from keyctl.orders.make import make_order
from keyctl.orders.price_checks import check_price
from keyctl.orders.value import Value, check_value, value_of
from keyctl.orders.wish import Terms, VenueView, Wish

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.home.config import Limits

PLAN_ID_LENGTH = 10
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PlannedLeg(Noun):
    """A leg with its value in USD (None only where its venue holds it to reducing), the view that it was judged by, the
    soft limits that it touches, and on perpetuals its terms."""

    leg: Leg
    instrument: Instrument
    view: VenueView
    value: Value | None
    soft: tuple[str, ...]
    notes: tuple[str, ...]
    terms: Terms | None = None

    @property
    def value_usd(self) -> Decimal | None:
        """What is shown, typed and expected."""
        return None if self.value is None else self.value.shown

    @property
    def highest_usd(self) -> Decimal | None:
        """What the journal keeps: the higher of the value shown and that at the best opposite price."""
        return None if self.value is None else self.value.highest

    @property
    def counted_usd(self) -> Decimal:
        """What counts towards the value caps."""
        return Decimal(0) if self.leg.exempt or self.value is None else self.value.highest


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan(Noun):
    """Legs that belong together. `soft` are the soft limits touched by the plan as a whole."""

    id: str
    kind: Kind
    legs: tuple[PlannedLeg, ...]
    soft: tuple[str, ...]

    @property
    def value_usd(self) -> Decimal:
        """The sum of the values shown, as far as they could be worked out."""
        return sum((leg.value_usd for leg in self.legs if leg.value_usd is not None), Decimal(0))

    @property
    def counted_usd(self) -> Decimal:
        """What the legs count towards the value caps."""
        return sum((leg.counted_usd for leg in self.legs), Decimal(0))

    @property
    def unvalued(self) -> int:
        """How many legs are in it whose value cannot be worked out."""
        return sum(leg.value is None for leg in self.legs)

    @property
    def touched(self) -> tuple[str, ...]:
        """Every soft limit touched, each once."""
        return tuple(dict.fromkeys([*self.soft, *(text for leg in self.legs for text in leg.soft)]))


def new_plan_id() -> str:
    """Ten random base32 characters."""
    return "".join(secrets.choice(_BASE32) for _ in range(PLAN_ID_LENGTH))


@exactly
def plan_leg(  # noqa: PLR0913 - all that a leg stands on
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
    market = instrument.market.value
    check_trading(account, exchange, instrument, wish)
    terms = None
    if view.futures is not None:
        from keyctl.orders.perpetuals import check_held, terms_of

        terms = terms_of(account, exchange, wish, instrument, view.futures, limits)
    soft = (*check_price(account, wish, view, limits), *(terms.soft if terms else ()))
    order, notes = make_order(account, wish, view, limits, terms)
    if terms is not None:
        check_held(account, terms, order)
    check_order(account, exchange, order, view)
    check_balance(account, order, view)
    api = exchange.order_api(order)
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
        asked=wish.asked,
        window_seconds=exchange.profile.settling.window_of(order),
        exempt=order.reduce_only and api.holds_to_reducing(order),
        closes=wish.closes,
        protects=wish.for_position,
        api=api.name,
    )
    check_buildable(account, exchange, leg)
    value, told = _value(account, exchange, leg, wish, view)
    if leg.exempt:  # leaving at any price needs no more than a yes
        soft = tuple(text for text in soft if text != AT_ANY_PRICE)
    elif value is not None:
        soft = (*soft, *check_value(account, value, limits, market))
        soft = (*soft, f"a USD value from a single price ({view.usd_doubt})") if view.usd_doubt else soft
    if warned := exchange.profile.experimental.get(instrument.market):
        soft = (*soft, _check_experimental(account, exchange, wish, warned))
    return PlannedLeg(leg, instrument, view, value, soft, (*notes, *told), terms)


def _value(
    account: Account, exchange: Exchange, leg: Leg, wish: Wish, view: VenueView
) -> tuple[Value | None, tuple[str, ...]]:
    """The leg's value, and what to say of it. Raises CheckFailed where it is not known and the leg may open or enlarge
    a position."""
    if view.usd_per_quote is not None:
        return value_of(leg.order, view.ticker, view.usd_per_quote, immediate=wish.immediate), ()
    title, quote = exchange.profile.title, view.instrument.quote
    text = f"cannot calculate the value of {quote} in USD at {title}: {view.usd_doubt}"
    if leg.exempt:
        return None, (f"{account.label}: {text}",)
    market = view.instrument.market.value
    raise refusal(account, text, "value_unknown", "use a symbol quoted in USD, USDT or USDC", market=market)


def _check_experimental(account: Account, exchange: Exchange, wish: Wish, warned: tuple[str, ...]) -> str:
    if not wish.experimental:
        text = f"orders on this {exchange.profile.title} market rely on facts that are not confirmed"
        hint = "to send it anyway, add --experimental"
        raise refusal(account, text, "experimental", *warned, hint, market="futures")
    facts = "".join(f"\n- {fact}" for fact in warned)
    return f"an order on unconfirmed facts of {exchange.profile.title}:{facts}"


def same_leg(planned: PlannedLeg, stored: Leg) -> PlannedLeg:
    """The planned leg under the ids of a stored one: a plan that is taken up again keeps its ids."""
    kept = replace(
        planned.leg,
        plan_id=stored.plan_id,
        index=stored.index,
        client_order_id=stored.client_order_id,
        client_order_date=stored.client_order_date,
        asked=stored.asked,
        protects=stored.protects,
    )
    return replace(planned, leg=kept)


@exactly
def check_plan(plan_id: str, kind: Kind, legs: tuple[PlannedLeg, ...], today: DayCounts, limits: Limits) -> Plan:
    """The plan with the soft limits it touches. Raises CheckFailed when it passes a hard one."""
    counted = [leg for leg in legs if not leg.leg.exempt]
    if not counted:  # whatever only reduces passes every cap
        return Plan(plan_id, kind, legs, ())
    total = sum((leg.counted_usd for leg in counted), Decimal(0))
    if len(counted) > limits.legs_per_plan:
        raise CheckFailed(
            f"the plan has {len(counted)} orders; the cap is {limits.legs_per_plan}", code="too_many_legs"
        )
    if total > limits.plan_value_usd:
        raise CheckFailed(
            f"the plan is worth {total:.2f} USD; the cap is {limits.plan_value_usd} USD",
            "reduce the size, or raise plan_value_usd: keyctl config edit",
            code="over_plan_limit",
        )
    (with_it := today.plus(total)).check(limits)
    soft = []
    if total > limits.plan_value_usd * limits.soft_fraction:
        soft.append(f"a plan above {limits.plan_value_usd * limits.soft_fraction:.0f} USD")
    if with_it.used > limits.day_value_usd * limits.soft_fraction:
        soft.append(f"more than {limits.day_value_usd * limits.soft_fraction:.0f} USD in 24 h")
    return Plan(plan_id, kind, legs, tuple(soft))
