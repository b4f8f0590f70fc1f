"""What an order is worth in USD: what is shown and typed, what counts towards the caps, and what a person typed. Pure.

Shown is size x the order's own price: its trigger where it has no other, and the best opposite price for orders without
any. An order for which the person gave no price counts as one without: a buy is shown at the bound within which it may
buy, since it may cost that, and a sell at the best bid. What counts is never lower than the best opposite price makes.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keyctl.model.order import Order
from keyctl.model.size import EXACT, notional
from keyctl.model.venue import Ticker
from keyctl.orders.checks import refusal

if TYPE_CHECKING:
    from keyctl.home.config import Limits
    from keyctl.model.account import Account

# From this share on a preview names both figures.
DIFFERS_FROM = Decimal("0.01")
_CENT = Decimal("0.01")
_TYPED = re.compile(r"(?:[0-9]{1,40}|[0-9]{1,3}(?:,[0-9]{3}){1,12})(?:\.[0-9]{1,40})?")


class Value(NamedTuple):
    """USD: `shown`, and the `highest` that it may be counted at."""

    shown: Decimal
    highest: Decimal

    @property
    def differs(self) -> bool:
        """Whether a person is to see both."""
        return self.highest - self.shown > self.shown * DIFFERS_FROM


def value_of(order: Order, ticker: Ticker, usd_per_quote: Decimal, *, immediate: bool) -> Value:
    """The order's values at these prices; `immediate` where the person gave it no price."""
    opposite = ticker.opposite(order.side)
    own = order.price or order.trigger_price or opposite
    highest = notional(order, max(own, opposite)) * usd_per_quote
    return Value(highest if immediate else notional(order, own) * usd_per_quote, highest)


def check_value(account: Account, value: Value, limits: Limits, market: str) -> tuple[str, ...]:
    """The soft limits that one order's value touches. Raises CheckFailed above the cap."""
    if value.highest > limits.leg_value_usd:
        where = f" at the best price ({rounded(value.shown)} USD at its own)" if value.differs else ""
        raise refusal(
            account,
            f"the order is worth {rounded(value.highest)} USD{where}; the cap per order is {limits.leg_value_usd} USD",
            "over_leg_limit",
            "reduce the size, or raise leg_value_usd: keyctl config edit",
            market=market,
        )
    if value.highest > limits.leg_value_usd * limits.soft_fraction:
        return (f"an order above {limits.leg_value_usd * limits.soft_fraction:.0f} USD",)
    return ()


def rounded(value: Decimal) -> Decimal:
    """The value as a person sees and types it: two decimals, and below a cent its first two digits."""
    if 0 < value < _CENT:
        return value.quantize(Decimal(1).scaleb(value.adjusted() - 1), context=EXACT)
    return value.quantize(_CENT, context=EXACT)


def is_typed(text: str, value: Decimal) -> bool:
    """Whether the text is the value as it was shown, as a number: with or without separators and final zeros."""
    typed = text.strip()
    return bool(_TYPED.fullmatch(typed)) and Decimal(typed.replace(",", "")) == rounded(value)
