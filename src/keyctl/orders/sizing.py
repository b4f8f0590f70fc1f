"""Sizes that differ by account: a total split among them, a share of what is free, or a risk. Pure, exact decimals.

What comes out are sizes on each venue's own steps, rounded down, and never more in sum than was declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed
from keyctl.exchanges.encoding import plain
from keyctl.model.account import Account
from keyctl.model.noun import Noun
from keyctl.model.size import FINEST, exactly, floor_to, size_step
from keyctl.model.words import Side
from keyctl.orders.checks import refusal, unit
from keyctl.orders.make import price_of, worth_of
from keyctl.orders.price_checks import check_price

if TYPE_CHECKING:
    from keyctl.home.config import Limits
    from keyctl.orders.wish import VenueView, Wish

HUNDRED = Decimal(100)


class Split(StrEnum):
    """How a total is shared out."""

    EQUAL = "equal"
    WEIGHTS = "weights"
    EQUITY = "equity"
    FREE = "free"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sizing(Noun):
    """How each account's size comes about. Exactly one of `split`, `percent` and `risk` is set.

    `split` shares the wish's size out as a total; `weights` is by label. `percent` is of the free balance that pays for
    the order. `risk` is the percentage of the equity that is lost when the price goes from the order's to `stop`.
    """

    split: Split | None = None
    weights: Mapping[str, Decimal] = field(default_factory=dict)
    percent: Decimal | None = None
    risk: Decimal | None = None
    stop: Decimal | None = None


class Part(NamedTuple):
    """One account of the plan; without a view it cannot take part now, and its share is left out."""

    account: Account
    wish: Wish
    view: VenueView | None


@exactly
def size_all(sizing: Sizing, parts: Sequence[Part], limits: Limits) -> tuple[list[Wish], tuple[str, ...]]:
    """The accounts' wishes with sizes of their own, and what to say of what is left over.

    Raises CheckFailed for a share below one step, and where a share cannot be worked out; before that for a price that
    no option passes, which would spoil every size.
    """
    for part in parts:
        if part.view is not None:
            check_price(part.account, part.wish, part.view, limits)
    if sizing.split is not None:
        return _split(sizing, sizing.split, parts)
    wishes = []
    for part in parts:
        if part.view is None:
            wishes.append(_unsized(part.wish))
            continue
        asked = (
            _by_percent(sizing, part, part.view) if sizing.percent is not None else _by_risk(sizing, part, part.view)
        )
        wishes.append(_on_steps(part, part.view, asked))
    return wishes, ()


def _split(sizing: Sizing, split: Split, parts: Sequence[Part]) -> tuple[list[Wish], tuple[str, ...]]:
    wish = parts[0].wish
    total = wish.quantity or wish.quote or wish.contracts
    assert total is not None
    keys = [Fraction(_key(sizing, split, part)) for part in parts]
    whole = sum(keys)
    if whole <= 0:
        raise CheckFailed("cannot split the total: every account's share is zero", code="no_share")
    # In fractions: a third of a total has no end as a decimal, and three of them must be the total again.
    shares = [Fraction(total) * key / whole for key in keys]
    steps = [Fraction(1) if part.view is None else Fraction(_step_value(part.wish, part.view)) for part in parts]
    counts = [0 if part.view is None else share // step for part, share, step in zip(parts, shares, steps, strict=True)]
    rest = [share - count * step for share, count, step in zip(shares, counts, steps, strict=True)]
    takers = [index for index, part in enumerate(parts) if part.view is not None and rest[index] > 0]
    left = sum((rest[index] for index in takers), Fraction(0))
    # The largest remainder first, each account at most one step more than its share.
    for index in sorted(takers, key=lambda index: rest[index] / steps[index], reverse=True):
        if steps[index] <= left:
            counts[index] += 1
            left -= steps[index]
    wishes = []
    for part, count in zip(parts, counts, strict=True):
        wishes.append(
            _unsized(part.wish)
            if part.view is None
            else _sized(part, part.view, Decimal(count) * _step(part.wish, part.view))
        )
    return wishes, _left_over(left, total, parts, shares)


def _left_over(left: Fraction, total: Decimal, parts: Sequence[Part], shares: Sequence[Fraction]) -> tuple[str, ...]:
    wish = parts[0].wish
    base, _, rest = wish.symbol.partition("/")
    name = "contracts" if wish.contracts else rest.partition(":")[0] if wish.quote else base
    notes = []
    if left > 0:
        notes.append(f"{_shown(left)} {name} of {plain(total)} are left over: too small for the exchanges' size steps")
    for part, share in zip(parts, shares, strict=True):
        if part.view is None:
            notes.append(
                f"{part.account.label}'s share of {_shown(share)} {name} is left out and not given to the others"
            )
    return tuple(notes)


def _shown(amount: Fraction) -> str:
    return plain(floor_to(Decimal(amount.numerator) / Decimal(amount.denominator), Decimal("1e-8")))


def _key(sizing: Sizing, split: Split, part: Part) -> Decimal:
    if split is Split.EQUAL:
        return Decimal(1)
    if split is Split.WEIGHTS:
        weight = sizing.weights.get(part.account.label)
        if weight is None:
            raise CheckFailed(
                f"{part.account.label} has no weight",
                "set weights for the whole group, as [groups] desk = {a = 2, b = 1}: keyctl config edit",
                code="no_weight",
                account=part.account.label,
            )
        return weight
    if part.view is None:
        raise CheckFailed(
            f"{part.account.label} cannot be read, so the total cannot be split by {split}; nothing was sent",
            "leave it out, or use --split equal",
            code="no_share",
            account=part.account.label,
        )
    means = _free(part, part.view) if split is Split.FREE else _equity(part, part.view)
    return means * _usd(part.account, part.wish, part.view)


def _free(part: Part, view: VenueView) -> Decimal:
    """The free balance in the currency that pays for the order."""
    return (view.balances.free if view.balances else {}).get(_currency(part.wish, view), Decimal(0))


def _equity(part: Part, view: VenueView) -> Decimal:
    """What is owned of the currency that pays for the order. Raises CheckFailed where the venue does not tell."""
    return _owned(part, view).get(_currency(part.wish, view), Decimal(0))


def _owned(part: Part, view: VenueView) -> dict[str, Decimal]:
    owned = view.balances.total if view.balances else {}
    if not owned and view.balances and view.balances.free:
        raise refusal(
            part.account, "the exchange does not report its equity, so keyctl cannot calculate a size", "no_share"
        )
    return owned


def _currency(wish: Wish, view: VenueView) -> str:
    instrument = view.instrument
    if instrument.settle is not None:
        return instrument.settle
    return instrument.quote if wish.side is Side.BUY else instrument.base


def _usd(account: Account, wish: Wish, view: VenueView) -> Decimal:
    """What one unit of the paying currency is worth in USD. Raises CheckFailed where that is not known."""
    instrument = view.instrument
    if view.usd_per_quote is None:
        text = f"cannot split a total by balance: its value in USD is unknown ({view.usd_doubt})"
        raise refusal(account, text, "no_share", "use --split equal", market=instrument.market.value)
    return view.usd_per_quote * (view.ticker.bid if _currency(wish, view) == instrument.base else Decimal(1))


def _by_percent(sizing: Sizing, part: Part, view: VenueView) -> Decimal:
    """The size, in the instrument's unit, that so many per cent of the free balance pays for (leverage not counted)."""
    assert sizing.percent is not None
    instrument = view.instrument
    currency = _currency(part.wish, view)
    free = _free(part, view) * sizing.percent / HUNDRED
    if instrument.inverse:
        # Contracts of a fixed value cost the more coins the lower the price: counted at the lower of limit and market.
        return free * worth_of(part.wish, view, least=True) / (instrument.contract_size or Decimal(1))
    return free if currency == instrument.base else free / worth_of(part.wish, view)


def _by_risk(sizing: Sizing, part: Part, view: VenueView) -> Decimal:
    """The size, in the instrument's unit, that loses that share of the equity from the order's price to the stop."""
    assert sizing.risk is not None and sizing.stop is not None
    instrument, wish = view.instrument, part.wish
    opposite = view.ticker.opposite(wish.side)
    entry = price_of(part.account, wish, view)[0] or wish.trigger_price or opposite
    if (sizing.stop >= entry) if wish.side is Side.BUY else (sizing.stop <= entry):
        side = "below" if wish.side is Side.BUY else "above"
        raise refusal(
            part.account,
            f"the stop {plain(sizing.stop)} of a {wish.side} must be {side} its price {plain(entry)}",
            "bad_stop",
            market=instrument.market.value,
        )
    equity = _equity_in_quote(part, view, entry) * sizing.risk / HUNDRED
    if instrument.inverse:
        # Profit in the base currency: contracts x value x |1/entry - 1/stop|; at the stop it is worth that x stop.
        size = instrument.contract_size or Decimal(1)
        return equity / entry / (size * abs(1 / entry - 1 / sizing.stop))
    return equity / abs(entry - sizing.stop)


def _equity_in_quote(part: Part, view: VenueView, price: Decimal) -> Decimal:
    """What the wallet that pays is worth in the quote currency: on spot both sides of the symbol count."""
    instrument = view.instrument
    owned = _owned(part, view)
    if instrument.settle is not None:
        amount = owned.get(instrument.settle, Decimal(0))
        return amount * price if instrument.inverse else amount
    return owned.get(instrument.quote, Decimal(0)) + owned.get(instrument.base, Decimal(0)) * view.ticker.bid


def _step(wish: Wish, view: VenueView) -> Decimal:
    return size_step(view.instrument, market_type=wish.market_type) or FINEST


def _step_value(wish: Wish, view: VenueView) -> Decimal:
    """What one step is in the unit that the total was given in."""
    instrument = view.instrument
    step, size = _step(wish, view), instrument.contract_size or Decimal(1)
    if wish.contracts is not None:
        return step if instrument.inverse else step / size
    if wish.quote is not None:
        return step * (size if instrument.inverse else worth_of(wish, view))
    return step * size / worth_of(wish, view, least=True) if instrument.inverse else step


def _unsized(wish: Wish) -> Wish:
    """The wish of an account that takes no part: its size was never worked out."""
    return replace(wish, quantity=None, quote=None, contracts=None)


def _on_steps(part: Part, view: VenueView, asked: Decimal) -> Wish:
    return _sized(part, view, floor_to(asked, _step(part.wish, view)))


def _sized(part: Part, view: VenueView, quantity: Decimal) -> Wish:
    if quantity <= 0:
        raise refusal(
            part.account,
            f"its share is below one step of {plain(_step(part.wish, view))} {unit(view.instrument)}",
            "below_minimum",
            "give a larger size, or leave this account out",
            market=view.instrument.market.value,
        )
    if view.instrument.inverse:
        return replace(part.wish, quantity=None, quote=None, contracts=quantity)
    return replace(part.wish, quantity=quantity, quote=None, contracts=None)
