"""What `funding auto` decided and did, as a table for people and data for programs. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from keyctl.errors import ExitCode, KeyctlError
from keyctl.exchanges.encoding import plain
from keyctl.funding import view
from keyctl.funding.fate import Became
from keyctl.journal.offers import SentState
from keyctl.model.rate import rate_text
from keyctl.terminal.output import Note, Result, Table

if TYPE_CHECKING:
    from keyctl.funding.auto_look import AutoWish, Seen
    from keyctl.funding.fate import Fate
    from keyctl.funding.settle import Outcome
    from keyctl.funding.strategy import Rung
    from keyctl.home.funding_settings import FundingSettings

COLUMNS = ("action", "size", "rate", "days", "why")
_DID = {SentState.ACCEPTED: "placed", SentState.REJECTED: "rejected", SentState.UNKNOWN: "unknown"}


def result(  # noqa: PLR0913 - all that a run has to tell
    wish: AutoWish,
    settings: FundingSettings,
    seen: Seen,
    done: Sequence[tuple[Rung, Outcome]],
    warnings: Sequence[str],
    errors: tuple[KeyctlError, ...] = (),
    code: ExitCode = ExitCode.OK,
    fates: Mapping[str, Fate] = MappingProxyType({}),
) -> Result:
    """The result of a run, dry or not; `fates`: what became of canceled offers, by id."""
    rows = _rows(wish, seen, done, fates)
    offered, gross = seen.decision.interest(seen.market.rates.frr)
    net = gross * (1 - seen.means.fee)
    data: dict[str, Any] = {
        "currency": wish.currency,
        "strategy": settings.strategy,
        "dry_run": not wish.yes,
        "offers": rows,
        "lendable": plain(seen.means.lendable),
        "left": plain(seen.decision.left),
        "reserve": plain(settings.reserve),
        "floor": view.rate_data(seen.decision.floor),
        "expected": {
            "offered": plain(offered),
            "interest_per_day": plain(gross),
            "after_fee_per_day": plain(net),
            "fee": plain(seen.means.fee),
        },
        "remarks": list(seen.decision.remarks),
    }
    table = Table(COLUMNS, [(row["action"], row["size"], row["text"], str(row["days"]), row["why"]) for row in rows])
    notes = _notes(wish, settings, seen, offered, gross, net)
    blocks: tuple[Table | Note, ...] = (table, Note("\n".join(notes))) if rows else (Note("\n".join(notes)),)
    if wish.explain:
        blocks = (view.book_table(seen.market.book), *blocks)
    placed = any(outcome.state is SentState.ACCEPTED for _, outcome in done)
    return Result(data, blocks, code, errors, tuple(warnings), some_accepted=placed)


def _rows(
    wish: AutoWish, seen: Seen, done: Sequence[tuple[Rung, Outcome]], fates: Mapping[str, Fate]
) -> list[dict[str, Any]]:
    """What is kept, canceled and placed; what was not come to stays "not sent" or "not canceled"."""
    rows = [_row("keep", offer.left, offer.draft, why, offer.offer_id) for offer, why in seen.decision.keep]
    for offer, why in seen.decision.cancel:
        fate = fates.get(offer.offer_id)
        action = str(fate.became) if fate else "not canceled" if wish.yes else "cancel"
        words = why if fate is None or not fate.taken else f"{why}; {fate.words}"
        words = words if fate is None or fate.became is Became.CANCELED else fate.words
        rows.append(_row(action, offer.left, offer.draft, words, offer.offer_id))
    for number, rung in enumerate(seen.decision.place):
        action, offer_id, why = ("not sent" if wish.yes else "place"), None, rung.why
        if number < len(done):
            outcome = done[number][1]
            action, offer_id = _DID.get(outcome.state, str(outcome.state)), outcome.offer_id
            why = rung.why if outcome.state is SentState.ACCEPTED else outcome.words
        rows.append(_row(action, rung.draft.size, rung.draft, why, offer_id))
    return rows


def _row(action: str, size: Decimal, draft: Any, why: str, offer_id: str | None) -> dict[str, Any]:
    data = view.draft_data(draft)
    return data | {
        "action": action,
        "size": plain(size),
        "text": view.draft_rate(draft),
        "why": why,
        "offer_id": offer_id,
    }


def _notes(
    wish: AutoWish, settings: FundingSettings, seen: Seen, offered: Decimal, gross: Decimal, net: Decimal
) -> list[str]:
    rates, currency = seen.market.rates, wish.currency
    lines = [
        f"{settings.strategy} of {plain(seen.means.lendable)} {currency}; FRR {rate_text(rates.frr)}, best bid "
        f"{rate_text(rates.bid)} for {rates.bid_days} days",
    ]
    if offered:
        lines.append(
            f"If all of {plain(offered)} {currency} is lent: {rate_text(net / offered)} after the fee of "
            f"{seen.means.fee:.0%}, {net:.4f} {currency} a day ({gross:.4f} before it)"
        )
    lent, own = seen.basis.held.lent_size, seen.basis.held.offered
    lines.append(f"lent now {plain(lent)}, offered {plain(own)}, reserve {plain(settings.reserve)} {currency}")
    lines += seen.decision.remarks
    if not wish.yes:
        lines.append(f"Nothing was sent. To place it: keyctl funding auto {currency} --yes")
    return lines
