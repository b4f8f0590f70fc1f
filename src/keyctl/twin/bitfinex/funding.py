"""Bitfinex's margin funding on the twin: its calls, signed and public, and the rows that answer them.

Wire facts: [official] Bitfinex API docs v2; order of fields in rows as in Bitfinex's own libraries; texts of errors as
the error catalogue has them. How a bad period, rate or currency is refused is not documented: 10020 here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from keyctl.twin.bitfinex.asked import HIDDEN
from keyctl.twin.bitfinex.wire import (
    ANY_SYMBOL,
    GENERIC,
    PARAMETERS,
    READ,
    SYMBOL,
    WRITE,
    BitfinexPart,
    Body,
    PublicCall,
    Refusal,
    SignedCall,
    notification,
    plain_decimal,
    whole,
    wire_currency,
)
from keyctl.twin.call import Answer, digits, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.lending import Entry, FundingTrade, LentOut, OfferReason, OfferRefused, TwinOffer
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

_FIXED, _FLOATING = "LIMIT", "FRRDELTAVAR"
_KINDS = (_FIXED, _FLOATING, "FRRDELTAFIX")
PERIOD_MIN, PERIOD_MAX = 2, 120
PAGE_MAX = 2500
INTEREST = 28  # the ledger's category of funding payments
OFFER_LENGTH, LENT_LENGTH = 21, 22
PAIR = "tBTCUSD"
_NAMES = {"UST": "USDT", "UDC": "USDC"}


class Funding(BitfinexPart):
    """Offers to lend, what is lent, and the rates. Of which scopes the histories are is not documented."""

    def public(self) -> tuple[Route[PublicCall], ...]:
        return (
            Route("GET", "/v2/ticker/(f[A-Z].*)", "ticker", _ticker),
            Route("GET", "/v2/book/(f[A-Z][A-Za-z0-9:]*)/(?:P[0-4]|R0)", "book", _book),
            Route("GET", "/v2/trades/(f[A-Za-z0-9]+)/hist", "public_trades", _public_trades),
        )

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            _write("offer/submit", "offer", _submit),
            _write("offer/cancel", "cancel_offer", _cancel),
            _write("offer/cancel/all", "cancel_offers", _cancel_all),
            _write("auto", "auto_renew", _auto_renew),
            _read(f"funding/offers{ANY_SYMBOL}/hist", "offer_history", _ended_offers),
            _read(f"funding/offers{ANY_SYMBOL}", "offers", _open_offers),
            _read(f"funding/credits{ANY_SYMBOL}", "credits", _credits),
            _read(f"funding/loans{ANY_SYMBOL}", "loans", _loans),
            _read(f"funding/trades{ANY_SYMBOL}/hist", "funding_trades", _trades),
            _read(f"info/funding/{SYMBOL}", "funding_summary", _summary),
            _read("funding/auto/status", "auto_renew_status", _auto_renew_status),
            _read(f"ledgers{ANY_SYMBOL}/hist", "ledger", _ledger, "history"),
        )


def _write(path: str, operation: str, answer: SignedCall) -> Route[SignedCall]:
    return Route("POST", f"{WRITE}funding/{path}", operation, answer, "funding", True)


def _read(path: str, operation: str, answer: SignedCall, scope: str = "funding") -> Route[SignedCall]:
    return Route("POST", READ + path, operation, answer, scope)


def currency_of(venue: Venue, symbol: str) -> str:
    """The currency of fUSD. Raises Refusal for one that is not lent here."""
    name = _NAMES.get(symbol[1:], symbol[1:])
    if not symbol.startswith("f") or name not in venue.lending.markets:
        raise Refusal(PARAMETERS, "symbol: invalid")
    return name


# Public calls.


def _ticker(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """Sixteen elements; FRR is a rate for a day here, as all rates but those of the statistics."""
    market = venue.lending.markets[currency_of(venue, named or "")]
    bid, ask = max(market.bids), min(market.offers)
    row: list[object] = [market.frr, bid[0], bid[1], bid[2], ask[0], ask[1], ask[2]]
    row += [0, 0, ask[0], Decimal(1_000_000), max(market.offers)[0], bid[0], None, None, Decimal(5_000)]
    return json_answer(row)


def _book(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """Rows [rate, period, count, amount], every user's own offers among the others: above zero is offered."""
    length, currency = _count(asked, "len"), currency_of(venue, named or "")
    market, lending = venue.lending.markets[currency], venue.lending
    levels: dict[tuple[Decimal, int], tuple[int, Decimal]] = {}
    own = [
        (lending.rate_of(one), one.period, one.remaining)
        for one in lending.offers
        if one.is_open and one.currency == currency and not one.hidden
    ]
    for rate, period, amount in (*market.offers, *own):
        count, total = levels.get((rate, period), (0, Decimal(0)))
        levels[rate, period] = (count + 1, total + amount)
    offered = [[rate, period, count, total] for (rate, period), (count, total) in sorted(levels.items())]
    bids = [[rate, period, 1, -amount] for rate, period, amount in sorted(market.bids, reverse=True)]
    return json_answer([*bids[:length], *offered[:length]])


def _public_trades(venue: Venue, named: str | None, asked: dict[str, str]) -> Answer:
    """Rows [id, ms, amount, rate, period], newest first."""
    limit, now = _count(asked, "limit"), venue.now_ms()
    trades = venue.lending.markets[currency_of(venue, named or "")].trades
    return json_answer([[number, now - ago, amount, rate, days] for number, ago, amount, rate, days in trades[:limit]])


def _count(asked: dict[str, str], name: str) -> int:
    text = asked.get(name, "25")
    if not re.fullmatch("[0-9]{1,5}", text):
        raise Refusal(PARAMETERS, "limit: invalid")
    return int(text)


# Signed calls.


def _submit(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """Takes an offer. The answer shows it as it arrived, whatever it has become since."""
    offer = _asked(venue, key, body)
    try:
        venue.lending.submit(offer, venue.hide_seconds, venue.hide_queries)
    except OfferRefused as refused:
        raise Refusal(GENERIC, _refused_text(refused.reason, offer, venue)) from None
    words = f"Submitting funding offer of {digits(offer.amount)} {wire_currency(offer.currency)}"
    return notification(venue.now_ms(), "fon-req", offer_row(offer, submitted=True), words)


def _refused_text(reason: OfferReason, offer: TwinOffer, venue: Venue) -> str:
    free, unit = venue.lending.wallet(offer.uid, offer.currency).free, wire_currency(offer.currency)
    return {
        OfferReason.MINIMUM: f"Invalid offer: incorrect amount, minimum is 150.0 dollar or equivalent in {unit}",
        OfferReason.OFFSET: "FRR offset larger than 30% of FRR, aborting.",
        OfferReason.TOO_MANY: "Limit: too many active offers",
        OfferReason.FUNDS: f"Invalid offer: available balance is only {free}",
    }[reason]


def _asked(venue: Venue, key: Key, body: Body) -> TwinOffer:
    for name in body.keys() - {"type", "symbol", "amount", "rate", "period", "flags"}:
        raise Refusal(PARAMETERS, f"{name}: invalid")
    kind, amount, rate = str(body.get("type")), plain_decimal(body.get("amount")), plain_decimal(body.get("rate"))
    flags, period = body.get("flags") or 0, whole(body, "period", PERIOD_MAX + 1)
    if kind not in _KINDS:
        raise Refusal(PARAMETERS, "type: invalid")
    if amount is None or amount <= 0 or amount != round(amount, 8):  # below zero is a wish to borrow: not here
        raise Refusal(GENERIC, "amount: invalid")
    if rate is None or (kind == _FIXED and rate <= 0):
        raise Refusal(PARAMETERS, "rate: invalid")
    if period is None or period < PERIOD_MIN:
        raise Refusal(PARAMETERS, "period: invalid")
    if flags not in (0, HIDDEN):
        raise Refusal(PARAMETERS, "flags: invalid")
    currency, now = currency_of(venue, str(body.get("symbol"))), venue.now_ms()
    return TwinOffer(
        venue.next_id(), key.uid, currency, kind, amount, rate, period, bool(flags), now, now,
        on_frr=kind != _FIXED, floats=kind == _FLOATING,
    )  # fmt: skip


def _cancel(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """Cancels one offer by its id."""
    offer_id = whole(body, "id", 1 << 53)
    offer = next((one for one in venue.lending.offers if one.uid == key.uid and one.offer_id == offer_id), None)
    if offer is None or not offer.is_open:
        raise Refusal(GENERIC, "Offer not found.")
    row = offer_row(offer)
    venue.lending.cancel(offer)
    return notification(venue.now_ms(), "foc-req", row, "Submitted for cancellation.")


def _cancel_all(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """Cancels the offers of a currency (its bare name), and of every currency where none is named."""
    name = body.get("currency")
    currency = None if name is None else currency_of(venue, f"f{name}")
    for offer in venue.lending.offers:
        if offer.uid == key.uid and offer.is_open and currency in (None, offer.currency):
            venue.lending.cancel(offer)
    return notification(venue.now_ms(), "foc_all-req", [], "All your funding offers have been cancelled.")


def _auto_renew(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """Switches auto-renew of a currency on or off."""
    currency, status = currency_of(venue, f"f{body.get('currency')}"), body.get("status")
    if status not in (0, 1):
        raise Refusal(PARAMETERS, "status: invalid")
    if status:
        period = whole(body, "period", PERIOD_MAX + 1)
        amount, rate = plain_decimal(body.get("amount") or "0"), plain_decimal(body.get("rate") or "0")
        if amount is None or rate is None:
            raise Refusal(PARAMETERS, "amount: invalid")
        venue.lending.renewals[key.uid, currency] = (2 if period is None else period, rate, amount)
    else:
        venue.lending.renewals.pop((key.uid, currency), None)
    return notification(venue.now_ms(), "fa-req", _renewal(venue, key, currency), "Auto-renew changed.")


def _auto_renew_status(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """[currency, period, rate, threshold]; an empty array while it is off."""
    return json_answer(_renewal(venue, key, currency_of(venue, f"f{body.get('currency')}")))


def _renewal(venue: Venue, key: Key, currency: str) -> list[object]:
    found = venue.lending.renewals.get((key.uid, currency))
    return [wire_currency(currency), *found] if found else []


def _open_offers(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """The user's active offers, newest first."""
    found = venue.lending.offers_of(key.uid, _currency(venue, symbol), is_open=True)
    return json_answer([offer_row(one) for one in reversed(found)])


def _ended_offers(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """The user's offers that were taken or canceled, newest first."""
    found = venue.lending.offers_of(key.uid, _currency(venue, symbol), is_open=False)
    return _page([(one.created_ms, offer_row(one)) for one in found], body)


def _credits(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """What is lent and used."""
    return json_answer([_lent_row(one) for one in _lent(venue, key, symbol) if one.used])


def _loans(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """What is lent and not used: without the pair."""
    return json_answer([_lent_row(one)[: LENT_LENGTH - 1] for one in _lent(venue, key, symbol) if not one.used])


def _trades(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """The takings of the user's offers, newest first."""
    found = venue.lending.trades_of(key.uid, _currency(venue, symbol))
    return _page([(one.at_ms, _trade_row(one)) for one in found], body)


def _ledger(venue: Venue, key: Key, body: Body, name: str | None) -> Answer:
    """The funding wallet's ledger, newest first; there are no entries but interest here."""
    if body.get("category") not in (None, INTEREST):
        return json_answer([])
    currency = None if name is None else _NAMES.get(name, name)
    mine = (one for one in venue.lending.ledger if one.uid == key.uid and currency in (None, one.currency))
    return _page([(one.at_ms, _entry_row(one)) for one in mine], body)


def _summary(venue: Venue, key: Key, body: Body, symbol: str | None) -> Answer:
    """["sym", symbol, [yield_loan, yield_lend, duration_loan, duration_lend]]."""
    lent = _lent(venue, key, symbol)
    total = sum((one.amount for one in lent), Decimal(0))
    rate = sum((one.amount * one.rate for one in lent), Decimal(0)) / total if total else Decimal(0)
    return json_answer(["sym", symbol, [0, round(rate, 8), 0, 2]])


def _currency(venue: Venue, symbol: str | None) -> str | None:
    return None if symbol is None else currency_of(venue, symbol)


def _lent(venue: Venue, key: Key, symbol: str | None) -> list[LentOut]:
    return venue.lending.lent_of(key.uid, _currency(venue, symbol))


def _page(rows: list[tuple[int, list[object]]], body: Body) -> Answer:
    start, end = whole(body, "start", 1 << 53), whole(body, "end", 1 << 53)
    limit = whole(body, "limit", PAGE_MAX + 1)
    kept = [row for at, row in rows if (start is None or at >= start) and (end is None or at <= end)]
    return json_answer(kept[::-1][: 25 if limit is None else limit])


def offer_row(offer: TwinOffer, *, submitted: bool = False) -> list[object]:
    """An offer array of 21 elements. `submitted`: as it stood on arrival, before anything was taken."""
    row: list[object] = [None] * OFFER_LENGTH
    row[0], row[1] = offer.offer_id, f"f{wire_currency(offer.currency)}"
    row[2], row[3] = offer.created_ms, offer.created_ms if submitted else offer.updated_ms
    row[4], row[5], row[6] = offer.amount if submitted else offer.remaining, offer.amount, offer.kind
    row[9], row[10] = HIDDEN * offer.hidden, "ACTIVE" if submitted else _status(offer)
    row[14], row[15], row[16], row[17], row[19] = offer.rate, offer.period, 0, int(offer.hidden), 0
    return row


def _status(offer: TwinOffer) -> str:
    taken = offer.amount - offer.remaining
    words = f"{digits(offer.rate)}%({digits(taken)})"
    if offer.ended == "EXECUTED":
        return f"EXECUTED at {words}"
    if offer.ended:
        return f"CANCELED was: PARTIALLY FILLED at {words}" if taken else "CANCELED"
    return f"PARTIALLY FILLED at {words}" if taken else "ACTIVE"


def _lent_row(one: LentOut) -> list[object]:
    row: list[object] = [None] * LENT_LENGTH
    row[0], row[1], row[2] = one.lent_id, f"f{wire_currency(one.currency)}", 1
    row[3], row[4], row[5], row[6], row[7] = one.opened_ms, one.opened_ms, one.amount, 0, "ACTIVE"
    row[8], row[11], row[12] = "VAR" if one.floats else "FIXED", one.rate, one.period
    row[13], row[14], row[15], row[16] = one.opened_ms, one.paid_ms, 0, int(one.hidden)
    row[18], row[20], row[21] = 0, 0, PAIR
    return row


def _trade_row(one: FundingTrade) -> list[object]:
    symbol = f"f{wire_currency(one.offer.currency)}"
    return [one.trade_id, symbol, one.at_ms, one.offer.offer_id, one.amount, one.rate, one.period, None]


def _entry_row(one: Entry) -> list[object]:
    row: list[object] = [None] * 9
    row[0], row[1], row[3], row[5], row[6] = (
        one.entry_id,
        wire_currency(one.currency),
        one.at_ms,
        one.amount,
        one.balance,
    )
    row[8] = "Margin Funding Payment on wallet funding"
    return row


def altered(row: list[Any], what: str) -> list[Any]:
    """An offer array that tells of another offer, currency or side."""
    if what == "id":
        return [row[0], row[1], *row[2:14], Decimal(str(row[14])) + 1, *row[15:]]
    if what == "symbol":
        return [row[0], "fEUR", *row[2:]]
    return [*row[:4], -row[4], -row[5], *row[6:]] if what == "side" else row


def is_offer_row(row: list[object]) -> bool:
    """Whether an array is an offer's."""
    return len(row) == OFFER_LENGTH and isinstance(row[1], str) and re.fullmatch("f[A-Z]{3,4}", row[1]) is not None
