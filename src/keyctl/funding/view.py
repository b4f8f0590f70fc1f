"""Funding as tables for people and data for programs: every rate with its unit, for a day and for a year. No I/O."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keyctl.exchanges.encoding import plain
from keyctl.model.funding import FundingLevel, FundingRates, FundingTrade, Lent, Offer, OfferDraft, OfferKind
from keyctl.model.rate import per_day, per_year, rate_text
from keyctl.terminal.output import Table, Text

if TYPE_CHECKING:
    from keyctl.journal.offers import StoredOffer

LEVELS_SHOWN = 12


def rate_data(rate: Decimal) -> dict[str, str]:
    """A rate for programs."""
    return {"per_day": per_day(rate).partition("/")[0], "per_year": per_year(rate).partition("/")[0]}


def moment(at_ms: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def draft_words(draft: OfferDraft) -> str:
    """An offer in words: 500 USD at 0.02%/day (7.3%/year) for 2 days."""
    hidden = ", hidden" if draft.hidden else ""
    return f"{plain(draft.size)} {draft.currency} at {draft_rate(draft)} for {draft.days} days{hidden}"


def draft_rate(draft: OfferDraft) -> str:
    """The rate of an offer in words; of one that follows FRR its delta."""
    if draft.kind is OfferKind.FIXED:
        return rate_text(draft.rate)
    return f"FRR + {per_day(draft.rate)}" if draft.rate else "FRR"


def draft_data(draft: OfferDraft) -> dict[str, Any]:
    """An offer's terms for programs."""
    return {
        "currency": draft.currency,
        "size": plain(draft.size),
        "kind": str(draft.kind),
        "rate" if draft.kind is OfferKind.FIXED else "frr_delta": rate_data(draft.rate),
        "days": draft.days,
        "hidden": draft.hidden,
    }


def offer_data(offer: Offer, by: str | None) -> dict[str, Any]:
    """An open offer for programs; `by` is the command that made it, None where keyctl did not."""
    data = draft_data(offer.draft)
    return data | {
        "offer_id": offer.offer_id,
        "left": plain(offer.left),
        "state": str(offer.state),
        "created": moment(offer.created_ms),
        "renews": offer.renews,
        "by": by,
    }


def rates_table(found: Mapping[str, FundingRates]) -> Table:
    """FRR and the best rates by currency."""
    columns = ("currency", "FRR", "best bid", "days", "best offer", "days")
    return Table(
        columns,
        [
            (name, rate_text(one.frr), rate_text(one.bid), str(one.bid_days), rate_text(one.ask), str(one.ask_days))
            for name, one in found.items()
        ],
    )


def rates_data(currency: str, one: FundingRates) -> dict[str, Any]:
    """The same for programs."""
    return {
        "currency": currency,
        "frr": rate_data(one.frr),
        "bid": rate_data(one.bid) | {"days": one.bid_days, "size": plain(one.bid_size)},
        "ask": rate_data(one.ask) | {"days": one.ask_days, "size": plain(one.ask_size)},
        "last": rate_data(one.last),
    }


def book_table(levels: Sequence[FundingLevel], shown: int = LEVELS_SHOWN) -> Table:
    """The best lines of both sides, the dearest offers first, as a ladder; with how much is offered up to each."""
    offered = [level for level in levels if level.offered][:shown]
    wanted = [level for level in levels if not level.offered][:shown]
    passed, rows = Decimal(0), list[tuple[str, ...]]()
    for level in offered:
        passed += level.size
        rows.append(
            ("offered", per_day(level.rate), per_year(level.rate), str(level.days), plain(level.size), plain(passed))
        )
    rows.reverse()
    passed = Decimal(0)
    for level in wanted:
        passed += level.size
        rows.append(
            ("wanted", per_day(level.rate), per_year(level.rate), str(level.days), plain(level.size), plain(passed))
        )
    return Table(("side", "rate", "a year", "days", "size", "sum"), rows)


def level_data(level: FundingLevel) -> dict[str, Any]:
    """One line of the book for programs."""
    side = "offered" if level.offered else "wanted"
    return {"side": side, **rate_data(level.rate), "days": level.days, "size": plain(level.size), "count": level.count}


def offers_table(rows: Sequence[tuple[Offer, str | None]]) -> Table:
    """Open offers, with the command that made each."""
    columns = ("offer", "currency", "left", "of", "rate", "days", "since", "by")
    return Table(
        columns,
        [
            (
                offer.offer_id,
                offer.draft.currency,
                plain(offer.left),
                plain(offer.draft.size),
                draft_rate(offer.draft),
                str(offer.draft.days),
                moment(offer.created_ms),
                by or "not keyctl",
            )
            for offer, by in rows
        ],
    )


def lent_table(rows: Sequence[Lent]) -> Table:
    """What is lent."""
    columns = ("id", "currency", "size", "rate", "days", "since", "for")
    return Table(
        columns,
        [
            (
                one.lent_id,
                one.currency,
                plain(one.size),
                ("FRR, now " if one.floats else "") + rate_text(one.rate),
                str(one.days),
                moment(one.opened_ms),
                one.pair or ("a position" if one.used else "not used"),
            )
            for one in rows
        ],
    )


def lent_data(one: Lent) -> dict[str, Any]:
    """A credit or loan for programs."""
    return {
        "id": one.lent_id,
        "currency": one.currency,
        "size": plain(one.size),
        "rate": rate_data(one.rate),
        "follows_frr": one.floats,
        "days": one.days,
        "opened": moment(one.opened_ms),
        "used": one.used,
        "pair": one.pair or None,
    }


def trades_table(rows: Sequence[FundingTrade], by: Mapping[str, str]) -> Table:
    """Takings of own offers, newest first."""
    columns = ("time", "currency", "size", "rate", "days", "offer", "by")
    return Table(
        columns,
        [
            (
                moment(one.at_ms),
                one.currency,
                plain(one.size),
                rate_text(one.rate),
                str(one.days),
                one.offer_id,
                by.get(one.offer_id, "not keyctl"),
            )
            for one in rows
        ],
    )


def trade_data(one: FundingTrade, by: str | None) -> dict[str, Any]:
    """A taking for programs."""
    return {
        "id": one.trade_id,
        "time": moment(one.at_ms),
        "currency": one.currency,
        "size": plain(one.size),
        "rate": rate_data(one.rate),
        "days": one.days,
        "offer_id": one.offer_id,
        "by": by,
    }


def submitted_data(stored: StoredOffer) -> dict[str, Any]:
    """A submission as the journal has it, for programs."""
    return draft_data(stored.draft) | {
        "account": stored.account,
        "row": stored.row,
        "offer_id": stored.offer_id,
        "state": stored.state,
        "by": stored.by,
        "detail": stored.detail,
    }


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Text:
    """Rows as CSV with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return Text(out.getvalue().rstrip("\n"), exact=True)
