"""What orders count towards the day's caps: a count that canceled orders leave again, and one that they do not. Pure.

The first is what may still be at work or was traded: an order that a look-up by its id shows canceled or expired counts
for as much as was filled. The second is all that was sent, so that no number of cancels makes room without end; its cap
is twice the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed
from keyctl.model.words import OrderState

if TYPE_CHECKING:
    from keyctl.home.config import Limits

SENT_CAP_FACTOR = 2
# Exact for sums of what an order can count, and never below the truth for shares of it.
_UP = Context(prec=100, rounding=ROUND_CEILING)
_GIVES_BACK = (OrderState.CANCELED, OrderState.EXPIRED)


class DayCounts(NamedTuple):
    """USD of the last 24 h: what was `used` of the day's cap, and what was `sent` whatever became of it."""

    used: Decimal = Decimal(0)
    sent: Decimal = Decimal(0)

    def plus(self, value: Decimal) -> DayCounts:
        """The counts with orders of that value besides."""
        return DayCounts(_UP.add(self.used, value), _UP.add(self.sent, value))

    def check(self, limits: Limits) -> None:
        """Raises CheckFailed where one of the counts is above its cap."""
        if self.used > limits.day_value_usd:
            raise CheckFailed(
                f"orders of the last 24 h would be worth {self.used:.2f} USD; the cap is {limits.day_value_usd} USD",
                "reduce the size, wait, or raise day_value_usd: keyctl config edit",
                code="over_day_limit",
            )
        if self.sent > sent_cap(limits):
            raise CheckFailed(
                f"orders of the last 24 h would be worth {self.sent:.2f} USD with those canceled since, the cap for"
                f" all that is sent is {sent_cap(limits)} USD",
                "reduce the size or wait; the cap is twice day_value_usd in config.toml",
                code="over_sent_limit",
            )


def sent_cap(limits: Limits) -> Decimal:
    """The cap on all that is sent in 24 h, in USD."""
    return limits.day_value_usd * SENT_CAP_FACTOR


def day_counts(legs: Iterable[tuple[str, str, str | None, str | None]]) -> DayCounts:
    """The counts of legs that were claimed and are not proven untaken: value, size, status and fill as the journal has
    them."""
    used = sent = Decimal(0)
    with localcontext(_UP):
        for value_usd, size, status, filled in legs:
            value = Decimal(value_usd)
            sent += value
            used += _left(value, size, filled) if status in _GIVES_BACK else value
    return DayCounts(used, sent)


def _left(value: Decimal, size: str, filled: str | None) -> Decimal:
    """What an order that has ended still counts: by its fill; all of it where that is not told or cannot be."""
    if filled == "0":
        return Decimal(0)
    try:
        part, whole = Decimal(filled or "NaN"), Decimal(size)
    except InvalidOperation:
        return value
    if not part.is_finite() or not 0 <= part < whole:
        return value
    return _UP.divide(_UP.multiply(value, part), whole)


def most_filled(known: str | None, told: Decimal, size: str) -> Decimal:
    """The fill to write down: what is traded stays traded, so an older reading never takes back a newer one's fill.

    What cannot be is kept as it is told; it gives nothing back.
    """
    before = Decimal(known or 0)
    possible = before.is_finite() and told.is_finite() and 0 <= told < before <= Decimal(size)
    return before if possible else told
