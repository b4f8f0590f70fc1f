"""What `auto` would offer: rungs of a ladder from book, trades and FRR, and which own offers may stay. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed
from keyctl.model.funding import FundingLevel, FundingRates, Offer, OfferDraft, OfferKind, PublicTrade
from keyctl.model.noun import Noun
from keyctl.model.rate import STEP, per_day, rate_text

if TYPE_CHECKING:
    from keyctl.home.funding_settings import FundingSettings

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FundingMarket(Noun):
    """What is known of one currency's market: FRR and best rates, the book without own offers, recent loans."""

    rates: FundingRates
    book: tuple[FundingLevel, ...]
    trades: tuple[PublicTrade, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Means(Noun):
    """What may be offered: `lendable` with own open offers in it, none below `least` or above `most`. `fee`: the share
    of interest that the exchange keeps; `now_ms` in exchange time."""

    currency: str
    lendable: Decimal
    least: Decimal
    most: Decimal
    fee: Decimal
    now_ms: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rung(Noun):
    """One wanted offer. `rate` is what it would earn now (FRR and delta for one that follows FRR); `why` in words."""

    draft: OfferDraft
    rate: Decimal
    why: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Decision(Noun):
    """Own offers to keep and to cancel, each with the reason, and rungs to place; what stays free of `lendable`, and
    remarks that explain it."""

    keep: tuple[tuple[Offer, str], ...]
    cancel: tuple[tuple[Offer, str], ...]
    place: tuple[Rung, ...]
    left: Decimal
    floor: Decimal
    remarks: tuple[str, ...]

    def interest(self, frr: Decimal) -> tuple[Decimal, Decimal]:
        """What is offered once it is carried out, and its interest for a day before the fee, if all of it is taken at
        its rate."""
        kept = [(one.left, one.draft.rate + (frr if one.draft.kind is OfferKind.FRR else 0)) for one, _ in self.keep]
        offered = [*kept, *((rung.draft.size, rung.rate) for rung in self.place)]
        sizes = (size for size, _ in offered)
        return sum(sizes, Decimal(0)), sum((size * rate for size, rate in offered), Decimal(0))


def decide(
    own: Sequence[Offer], market: FundingMarket, means: Means, settings: FundingSettings, *, may_cancel: bool = True
) -> Decision:
    """What to do now. Without `may_cancel` every own offer stays: what is canceled is free before anything is placed.

    Raises CheckFailed (rate_outside_bounds) where a rate is outside its bounds.
    """
    floor, remarks = floor_of(market, settings)
    wanted = _rates(market, means, settings, floor)
    for rate, why in wanted:
        _check_bounds(rate, why, market.rates.frr, settings)
    targets = [_rung(rate, why, means, settings) for rate, why in wanted if rate >= floor]
    keep, cancel, open_targets = _match(own, targets, means, settings)
    if wanted and not targets:  # FRR moves by itself: what follows it would be lent below the floor
        low = f"{per_day(wanted[0][0])} ({wanted[0][1]}) is below the floor"
        remarks.append(f"{low}; nothing is offered")
        keep, cancel = [], [(offer, low) for offer in own]
    if not may_cancel:
        keep, cancel = [*keep, *((offer, "judged again by the next run") for offer, _ in cancel)], []
    rest = means.lendable - sum((offer.left for offer, _ in keep), Decimal(0))
    if may_cancel:
        rest = _drop_what_is_too_much(keep, cancel, rest)
        if rest >= means.least and targets and not open_targets:
            rest = _make_room(keep, cancel, targets, rest, settings.rungs)
            open_targets = targets[-1:]
    place = _spread(open_targets, rest, means, settings)
    left = rest - sum((rung.draft.size for rung in place), Decimal(0))
    if left >= means.least and targets:
        remarks.append(f"{left:f} stays free: {settings.rungs} offers at most, the largest of {means.most:f}")
    if 0 < left < means.least:
        remarks.append(f"{left:f} stays free: the smallest offer is {means.least:f}")
    return Decision(tuple(keep), tuple(cancel), tuple(place), left, floor, tuple(remarks))


def _drop_what_is_too_much(keep: list[tuple[Offer, str]], cancel: list[tuple[Offer, str]], rest: Decimal) -> Decimal:
    """Cancels kept offers, the dearest first, until no more is offered than may be lent; what is left then."""
    while keep and rest < 0:
        offer, _ = keep.pop()
        cancel.append((offer, "more is offered than may be lent"))
        rest += offer.left
    return rest


def _make_room(
    keep: list[tuple[Offer, str]],
    cancel: list[tuple[Offer, str]],
    targets: list[Rung],
    rest: Decimal,
    most: int,
) -> Decimal:
    """Where every rung has its offer, the smallest one makes room for what is free; its rung comes last then."""
    if len(keep) >= most:
        smallest = min(keep, key=lambda item: item[0].left)
        keep.remove(smallest)
        cancel.append((smallest[0], "makes room for what is free"))
        rest += smallest[0].left
        targets.sort(key=lambda rung: -abs(rung.draft.rate - smallest[0].draft.rate))
    return rest


def without_own(book: Sequence[FundingLevel], own: Sequence[Offer]) -> tuple[FundingLevel, ...]:
    """The book less one's own fixed offers, which stand in it too."""
    sizes: dict[tuple[Decimal, int], Decimal] = {}
    for offer in own:
        if offer.draft.kind is OfferKind.FIXED and not offer.draft.hidden:
            key = offer.draft.rate, offer.draft.days
            sizes[key] = sizes.get(key, Decimal(0)) + offer.left
    found = []
    for level in book:
        mine = sizes.get((level.rate, level.days), Decimal(0)) if level.offered else Decimal(0)
        if level.size > mine:
            found.append(replace(level, size=level.size - mine))
    return tuple(found)


def floor_of(market: FundingMarket, settings: FundingSettings) -> tuple[Decimal, list[str]]:
    """The lowest rate that is offered, and what it rests on."""
    found = [(settings.rate_min, "rate_min")]
    if settings.trades_share and market.trades:
        middle = median_rate(market.trades)
        words = f"{settings.trades_share:f} of {per_day(middle)}, the median of {len(market.trades)} recent loans"
        found.append((middle * settings.trades_share, words))
    if settings.frr_share:
        found.append((market.rates.frr * settings.frr_share, f"{settings.frr_share:f} of FRR"))
    rate, why = max(found)
    rate = min(rate.quantize(STEP, ROUND_UP), settings.rate_max)
    return rate, [f"floor {rate_text(rate)}: {why}"]


def median_rate(trades: Sequence[PublicTrade]) -> Decimal:
    """The rate above and below which as much was lent."""
    half, passed = sum((trade.size for trade in trades), Decimal(0)) / 2, Decimal(0)
    for trade in sorted(trades, key=lambda trade: trade.rate):
        passed += trade.size
        if passed >= half:
            return trade.rate
    raise ValueError("no trades")


def depth_rate(book: Sequence[FundingLevel], depth: Decimal) -> Decimal | None:
    """The highest offered rate before which no more than `depth` of others stands; None for an empty book."""
    passed, found = Decimal(0), None
    for level in (level for level in book if level.offered):
        if found is not None and passed > depth:
            break
        found = level.rate
        passed += level.size
    return found


def _rates(market: FundingMarket, means: Means, settings: FundingSettings, floor: Decimal) -> list[tuple[Decimal, str]]:
    """The wanted rates, lowest first, each once, with its reason."""
    if settings.strategy == "frr":
        return [(market.rates.frr + settings.frr_delta, "FRR" + _delta_words(settings.frr_delta))]
    count = min(settings.rungs, int(means.lendable / means.least))
    if count < 1:
        return []
    steps = [Decimal(number) / max(count - 1, 1) for number in range(count)]
    low, high = settings.depth_from * means.lendable, settings.depth_to * means.lendable
    if settings.strategy == "gap":
        bottom, top = _below(market, low), _below(market, high)
        words = f"between {per_day(bottom)} and {per_day(top)}, the rates behind {low:.0f} and {high:.0f}"
        found = [(bottom + (top - bottom) * step, words) for step in steps]
    else:
        depths = [low + (high - low) * step for step in steps]
        found = [(_below(market, depth), f"behind {depth:.0f} of others") for depth in depths]
    bid = market.rates
    if bid.bid > found[0][0] and bid.bid_days <= settings.days(bid.bid):
        found[0] = bid.bid, f"a borrower bids it for {bid.bid_days} days"
    bounded: dict[Decimal, str] = {}
    for rate, why in found:
        fitted = min(max(rate.quantize(STEP), floor), settings.rate_max)
        why = "the floor" if fitted > rate.quantize(STEP) else "rate_max" if fitted < rate.quantize(STEP) else why
        bounded.setdefault(fitted, why)
    return sorted(bounded.items())


def _below(market: FundingMarket, depth: Decimal) -> Decimal:
    """A hair below the rate at a depth; FRR where nobody offers."""
    rate = depth_rate(market.book, depth)
    return market.rates.frr if rate is None else max(rate - STEP, STEP)


def _check_bounds(rate: Decimal, why: str, frr: Decimal, settings: FundingSettings) -> None:
    low, high = frr * settings.bound_low, frr * settings.bound_high
    if not low <= rate <= high:
        raise CheckFailed(
            f"a rate of {rate_text(rate)} ({why}) is outside {per_day(low)} to {per_day(high)}, the bounds by FRR",
            "check the book: keyctl funding book",
            "to change bound_low and bound_high under [funding]: keyctl config edit",
            code="rate_outside_bounds",
        )


def _rung(rate: Decimal, why: str, means: Means, settings: FundingSettings) -> Rung:
    """A rung without its size."""
    follows = settings.strategy == "frr"
    kind = OfferKind.FRR if follows else OfferKind.FIXED
    draft = OfferDraft(
        means.currency, Decimal(0), kind, settings.frr_delta if follows else rate, settings.days(rate), settings.hidden
    )
    return Rung(draft, rate, why)


def _match(
    own: Sequence[Offer], targets: Sequence[Rung], means: Means, settings: FundingSettings
) -> tuple[list[tuple[Offer, str]], list[tuple[Offer, str]], list[Rung]]:
    """Own offers to keep and to cancel, and the rungs that none of them stands for; lowest rate first."""
    open_targets, keep, cancel = list(targets), list[tuple[Offer, str]](), list[tuple[Offer, str]]()
    if not targets:  # too little for a new offer: what is left of others stays
        return [(offer, "too little is free for another offer") for offer in own], cancel, open_targets
    for offer in sorted(own, key=lambda offer: offer.draft.rate):
        fitting = [rung for rung in open_targets if not _differs(offer, rung, means, settings)]
        if fitting:
            best = min(fitting, key=lambda rung: abs(rung.draft.rate - offer.draft.rate))
            open_targets.remove(best)
            keep.append((offer, f"within {settings.keep_within:.0%} of {per_day(best.rate)}"))
        else:
            nearest = min(targets, key=lambda rung: abs(rung.draft.rate - offer.draft.rate))
            why = _differs(offer, nearest, means, settings)
            cancel.append((offer, why or "another offer covers that rung"))
    return keep, cancel, open_targets


def _differs(offer: Offer, rung: Rung, means: Means, settings: FundingSettings) -> str:
    """Why an offer does not stand for a rung; empty when it does."""
    mine, wanted = offer.draft, rung.draft
    if (mine.kind, mine.days, mine.hidden) != (wanted.kind, wanted.days, wanted.hidden):
        return f"{wanted.days} days at {per_day(rung.rate)} are wanted" if mine.kind is wanted.kind else "another kind"
    if offer.left > means.most:
        return "above the largest offer"
    if abs(mine.rate - wanted.rate) > settings.keep_within * max(wanted.rate, STEP):
        return f"{per_day(mine.rate)}, and {per_day(wanted.rate)} is wanted"
    age = means.now_ms - offer.created_ms
    if age > settings.max_age_minutes * MINUTE_MS and mine.rate > wanted.rate:
        return f"not lent for {age // MINUTE_MS} min, and above {per_day(wanted.rate)}"
    return ""


def _spread(targets: Sequence[Rung], rest: Decimal, means: Means, settings: FundingSettings) -> list[Rung]:
    """The first of these rungs with sizes: so many that none is too small, cut where one is too large; the last takes
    what is left."""
    count = min(len(targets), int(rest / means.least)) if rest > 0 else 0
    while count:
        weights = [settings.growth**number for number in range(count)]
        sizes = [(rest * weight / sum(weights)).quantize(STEP, ROUND_DOWN) for weight in weights]
        sizes[-1] = rest - sum(sizes[:-1])
        if min(sizes) >= means.least:
            cut = [min(size, means.most) for size in sizes]
            pairs = zip(targets, cut, strict=False)
            return [replace(rung, draft=replace(rung.draft, size=size)) for rung, size in pairs]
        count -= 1
    return []


def _delta_words(delta: Decimal) -> str:
    return f" + {per_day(delta)}" if delta else ""
