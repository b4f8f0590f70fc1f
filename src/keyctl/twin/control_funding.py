"""The control path's view of margin funding: offers, what is lent, wallets; and how a test or demo moves time on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keyctl.twin.call import digits

if TYPE_CHECKING:
    from keyctl.twin.lending import FundingMarket
    from keyctl.twin.venue import Venue

_SETTINGS = ("fee_rate", "hidden_fee_rate", "taken_on_arrival")
_OF_MARKET = ("frr", "usd")
_KNOWN = (
    *_SETTINGS,
    *_OF_MARKET,
    *("uid", "currency", "move", "offers", "bids", "offers_max"),
    *("take", "amount", "parts", "used", "pay_days", "give_back"),
)


def funding_data(venue: Venue) -> dict[str, Any]:
    """{"frr": {currency: text}, "offers": [...], "lent": [...], "ledger": [...]}, amounts as text."""
    lending = venue.lending
    return {
        "frr": {currency: digits(market.frr) for currency, market in lending.markets.items()},
        "offers": [
            {
                "offer_id": one.offer_id,
                "uid": one.uid,
                "currency": one.currency,
                "kind": one.kind,
                "amount": digits(one.amount),
                "remaining": digits(one.remaining),
                "rate": digits(one.rate),
                "period": one.period,
                "hidden": one.hidden,
                "state": one.ended or "ACTIVE",
                "created_ms": one.created_ms,
            }
            for one in lending.offers
        ],
        "lent": [
            {
                "lent_id": one.lent_id,
                "uid": one.uid,
                "currency": one.currency,
                "amount": digits(one.amount),
                "rate": digits(one.rate),
                "period": one.period,
                "used": one.used,
            }
            for one in lending.lent
        ],
        "ledger": [
            {"uid": one.uid, "currency": one.currency, "amount": digits(one.amount), "interest": digits(one.interest)}
            for one in lending.ledger
        ],
    }


def change_funding(venue: Venue, asked: dict[str, Any]) -> None:
    """Carries out what is asked, in this order: settings, the market, a taking, interest, a return.

    Raises ValueError, KeyError.
    """
    lending, unknown = venue.lending, set(asked) - set(_KNOWN)
    if unknown:
        raise ValueError("unknown settings: " + ", ".join(sorted(unknown)))
    for name in _SETTINGS:
        if name in asked:
            setattr(lending, name, Decimal(asked[name]))
    lending.offers_max = int(asked.get("offers_max", lending.offers_max))
    if "currency" in asked:
        _change_market(lending.markets[asked["currency"]], asked)
    if "take" in asked:
        offer = {one.offer_id: one for one in lending.offers}[asked["take"]]
        amount = asked.get("amount")
        parts, used = int(asked.get("parts", 2)), bool(asked.get("used", True))
        lending.take(offer, None if amount is None else Decimal(amount), parts, used=used)
    if "pay_days" in asked:
        lending.pay(asked["uid"], Decimal(asked["pay_days"]))
    if "give_back" in asked:
        lending.give_back({one.lent_id: one for one in lending.lent}[asked["give_back"]])


def _change_market(market: FundingMarket, asked: dict[str, Any]) -> None:
    for name in _OF_MARKET:
        if name in asked:
            setattr(market, name, Decimal(asked[name]))
    for name in ("offers", "bids"):
        if name in asked:
            rows = [(Decimal(rate), int(period), Decimal(amount)) for rate, period, amount in asked[name]]
            setattr(market, name, rows)
    if "move" in asked:
        market.move(Decimal(asked["move"]))
