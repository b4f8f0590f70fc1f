"""Bitfinex's margin funding: its calls and rows. [official] API docs v2; order of fields [sdk] bitfinex-api-py 4.0.0.

Rates are shares for a day everywhere but in the funding statistics, which are not used here [official].
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, TypeVar

from keyctl.answers import Layout, Row, TooLong, Unreadable, array_of, read_array, text_of
from keyctl.exchanges.bitfinex.answers import WALLET, data_in
from keyctl.exchanges.bitfinex.names import common_name, native_currency
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.funding import Funding
from keyctl.model.funding import (
    AutoRenew,
    FundingLevel,
    FundingRates,
    FundingTrade,
    Interest,
    Lent,
    Offer,
    OfferDraft,
    OfferKind,
    OfferState,
    PublicTrade,
)
from keyctl.model.rate import STEP
from keyctl.model.told import ExchangeError
from keyctl.model.wire import JSON, Request, Response

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange

T = TypeVar("T")
_HIDDEN_FLAG = 64
# Rates and sizes are floats there: 0.0002 may come back as 0.00019999999999. What is nearer than a tenth of the last
# place to a number that can be sent is that number; the next one that can be sent is ten times as far away.
_NOISE = STEP / 10
_GRID_MAX = 10**15
_INTEREST_CATEGORY = 28  # margin funding payment [third-party, seen live 2026-07]
# FRRDELTAVAR follows FRR also once it is lent; FRRDELTAFIX is fixed when taken [official, 2026]: not made here, and
# shown as what follows FRR, since its own rate is told as a delta as well.
_KINDS = {"LIMIT": OfferKind.FIXED, "FRRDELTAVAR": OfferKind.FRR, "FRRDELTAFIX": OfferKind.FRR}
_NAMES = {OfferKind.FIXED: "LIMIT", OfferKind.FRR: "FRRDELTAVAR"}
# What a status begins with [official, as for orders]; EXECUTED at ..., CANCELED was: PARTIALLY FILLED at ...
_STATES = {
    "ACTIVE": OfferState.OPEN,
    "PARTIALLY FILLED": OfferState.OPEN,
    "EXECUTED": OfferState.LENT,
    "CANCELED": OfferState.CANCELED,
}
# Fields of a funding ticker, a line of the book, a public and an own trade, an offer, a credit or loan, a ledger entry.
_TICKER = Layout(
    "last",
    {"frr": 0, "bid": 1, "bid_days": 2, "bid_size": 3, "ask": 4, "ask_days": 5, "ask_size": 6, "last": 9},
)
_LEVEL = Layout("amount", {"rate": 0, "days": 1, "count": 2, "amount": 3})
_PUBLIC_TRADE = Layout("days", {"at": 1, "amount": 2, "rate": 3, "days": 4})
_TRADE = Layout("days", {"id": 0, "symbol": 1, "at": 2, "offer": 3, "amount": 4, "rate": 5, "days": 6})
_OFFER = Layout(
    "period",
    {
        **{"id": 0, "symbol": 1, "created": 2, "updated": 3, "left": 4, "size": 5, "type": 6, "flags": 9},
        **{"status": 10, "rate": 14, "period": 15, "hidden": 17, "renew": 19},
    },
)
_LENT = Layout(
    "opened",
    {"id": 0, "symbol": 1, "side": 2, "size": 5, "kind": 8, "rate": 11, "days": 12, "opened": 13, "pair": 21},
)
_INTEREST = Layout("amount", {"id": 0, "currency": 1, "at": 3, "amount": 5})
_AUTO_RENEW = Layout("size", {"currency": 0, "days": 1, "rate": 2, "size": 3})


class BitfinexFunding(Funding):
    """Lending at Bitfinex. A positive size lends, a negative one would borrow: none is ever sent."""

    # "minimum is 150.0 dollar or equivalent" in the exchange's own refusals [third-party logs, 2026].
    minimum_usd: ClassVar[Decimal] = Decimal(150)
    days_min: ClassVar[int] = 2
    days_max: ClassVar[int] = 120
    # 15 % of the interest, 18 % for hidden offers [third-party, quoting the fee page].
    fee: ClassVar[Decimal] = Decimal("0.15")
    hidden_fee: ClassVar[Decimal] = Decimal("0.18")
    delta_max: ClassVar[Decimal] = Decimal("0.3")
    page: ClassVar[int] = 500  # [official] reference pages of funding histories: 500 at most

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def is_unknown_currency(self, error: ExchangeError) -> bool:
        return error.code == "10020" and "symbol: invalid" in error.text

    def rates_request(self, currency: str) -> Request:
        return self._public(f"/v2/ticker/{_symbol(currency)}")

    def read_rates(self, response: Response) -> FundingRates:
        row = _TICKER.row(read_array(response.body))
        rates = FundingRates(
            frr=row.decimal("frr"),
            bid=row.decimal("bid"),
            bid_days=row.integer("bid_days"),
            bid_size=row.decimal("bid_size"),
            ask=row.decimal("ask"),
            ask_days=row.integer("ask_days"),
            ask_size=row.decimal("ask_size"),
            last=row.decimal("last"),
        )
        if min(rates.frr, rates.ask) <= 0:
            raise Unreadable("no funding rates")
        return rates

    def book_request(self, currency: str) -> Request:
        return self._public(f"/v2/book/{_symbol(currency)}/P0", ("len", 250))

    def read_book(self, response: Response) -> tuple[FundingLevel, ...]:
        """Above zero is offered, below zero wanted: the opposite of a trading book [third-party, seen live]."""
        levels = list(map(_level, _LEVEL.rows(response.body)))
        offered = sorted((one for one in levels if one.offered), key=lambda one: (one.rate, one.days))
        wanted = sorted((one for one in levels if not one.offered), key=lambda one: (-one.rate, one.days))
        return (*wanted, *offered)

    def trades_request(self, currency: str) -> Request:
        return self._public(f"/v2/trades/{_symbol(currency)}/hist", ("limit", 100))

    def read_trades(self, response: Response) -> tuple[PublicTrade, ...]:
        return tuple(
            PublicTrade(row.decimal("rate"), abs(row.decimal("amount")), row.integer("days"), row.moment("at"))
            for row in _PUBLIC_TRADE.rows(response.body)
        )

    def available_request(self) -> Request:
        return self._read("wallets")

    def read_available(self, response: Response, currency: str) -> Decimal | None:
        native = _symbol(currency)[1:]
        for row in WALLET.rows(response.body):
            if row.agrees({"type": "funding", "currency": native}):
                return row.nullable("available")
        return Decimal(0)

    def offers_request(self, currency: str | None) -> Request:
        return self._read(f"funding/offers{_below(currency)}")

    def ended_offers_request(self, currency: str | None, start_ms: int) -> Request:
        return self._read(f"funding/offers{_below(currency)}/hist", ("start", start_ms), ("limit", self.page))

    def read_offers(self, response: Response, currency: str | None) -> tuple[Offer, ...]:
        found = self._rows(response, _OFFER, lambda row: None if _is_bid(row) else _offer(row, currency))
        return tuple(one for one in found if one is not None)

    def credits_request(self, currency: str | None) -> Request:
        return self._read(f"funding/credits{_below(currency)}")

    def loans_request(self, currency: str | None) -> Request:
        return self._read(f"funding/loans{_below(currency)}")

    def read_lent(self, response: Response, currency: str | None, *, used: bool) -> tuple[Lent, ...]:
        found = self._rows(response, _LENT, lambda row: _lent(row, currency, used))
        return tuple(one for one in found if one is not None)

    def own_trades_request(self, currency: str | None, start_ms: int, end_ms: int | None = None) -> Request:
        return self._read(f"funding/trades{_below(currency)}/hist", *self._within(start_ms, end_ms))

    def read_own_trades(self, response: Response, currency: str | None) -> tuple[FundingTrade, ...]:
        return self._rows(response, _TRADE, lambda row: _trade(row, currency), full=True)

    def interest_request(self, currency: str | None, start_ms: int, end_ms: int | None = None) -> Request:
        category = ("category", _INTEREST_CATEGORY)
        below = "" if currency is None else f"/{_symbol(currency)[1:]}"
        return self._read(f"ledgers{below}/hist", category, *self._within(start_ms, end_ms))

    def read_interest(self, response: Response, currency: str | None) -> tuple[Interest, ...]:
        return self._rows(response, _INTEREST, lambda row: _interest(row, currency), full=True)

    def submit_request(self, draft: OfferDraft) -> Request:
        wrong_rate = draft.rate <= 0 if draft.kind is OfferKind.FIXED else draft.rate < 0
        if draft.size <= 0 or wrong_rate or not self.days_min <= draft.days <= self.days_max:
            raise ValueError("an offer lends something, at a rate above zero, for 2 to 120 days")
        return self._write(
            "funding/offer/submit",
            ("type", _NAMES[draft.kind]),
            ("symbol", _symbol(draft.currency)),
            ("amount", plain(draft.size)),
            ("rate", plain(draft.rate)),
            ("period", draft.days),
            ("flags", _HIDDEN_FLAG if draft.hidden else 0),
        )

    def read_submitted(self, response: Response, draft: OfferDraft) -> Offer:
        data = array_of(data_in(response.body))
        row = data[0] if len(data) == 1 and isinstance(data[0], list) else data
        offer = _offer(_OFFER.row(row), draft.currency)
        told, sent = offer.draft, draft
        agrees = (told.size, told.kind, told.days, told.hidden) == (sent.size, sent.kind, sent.days, sent.hidden)
        # What rate an offer that follows FRR shows is not documented: it may be the delta, or what it is now.
        if not agrees or (sent.kind is OfferKind.FIXED and told.rate != sent.rate):
            raise Unreadable("the offer in the response differs from the one that was sent")
        return offer

    def cancel_request(self, offer_id: str) -> Request:
        return self._write("funding/offer/cancel", ("id", int(offer_id)))

    def cancel_all_request(self, currency: str) -> Request:
        # Without a currency the call would cancel those of all [third-party, quoting the docs].
        return self._write("funding/offer/cancel/all", ("currency", _symbol(currency)[1:]))

    def read_canceled(self, response: Response) -> None:
        data_in(response.body)

    def auto_renew_request(self, wanted: AutoRenew, *, on: bool) -> Request:
        currency = ("currency", _symbol(wanted.currency)[1:])
        if not on:
            return self._write("funding/auto", ("status", 0), currency)
        return self._write(
            "funding/auto",
            ("status", 1),
            currency,
            ("amount", plain(wanted.size)),
            ("rate", plain(wanted.rate)),
            ("period", wanted.days),
        )

    def auto_renew_state_request(self, currency: str) -> Request:
        # [third-party: two client libraries]; it is in no page of the official reference that was found.
        return self._read("funding/auto/status", ("currency", _symbol(currency)[1:]))

    def read_auto_renew(self, response: Response, currency: str) -> AutoRenew | None:
        """[currency, period, rate, threshold] [official, of the write]; what is told while it is off is not documented:
        an empty array, or one of nulls."""
        values = read_array(response.body)
        if all(value is None for value in values):
            return None
        row = _AUTO_RENEW.row(values)
        if row["currency"] != _symbol(currency)[1:]:
            raise Unreadable("the auto-renew of another currency")
        return AutoRenew(currency, row.integer("days"), _number(row, "rate"), _number(row, "size"))

    def _public(self, path: str, *params: tuple[str, JSON]) -> Request:
        return self._exchange.read("GET", "public", path, *params, private=False)

    def _read(self, path: str, *params: tuple[str, JSON]) -> Request:
        return self._exchange.read("POST", "auth", f"/v2/auth/r/{path}", *params)

    def _write(self, path: str, *params: tuple[str, JSON]) -> Request:
        return self._exchange.write("POST", "auth", f"/v2/auth/w/{path}", *params)

    def _within(self, start_ms: int, end_ms: int | None) -> tuple[tuple[str, JSON], ...]:
        end: tuple[tuple[str, JSON], ...] = () if end_ms is None else (("end", end_ms),)
        return (("start", start_ms), *end, ("limit", self.page))

    def _rows(self, response: Response, layout: Layout, read: Callable[[Row], T], full: bool = False) -> tuple[T, ...]:
        """What is read of each row; a full page is no whole list unless the caller asks on from its end (`full`)."""
        values = read_array(response.body)
        if len(values) >= self.page and not full:
            raise TooLong("more rows than one page holds")
        return tuple(read(layout.row(value, f"[{place}]")) for place, value in enumerate(values))


def _symbol(currency: str) -> str:
    """fUST for USDT. Raises ValueError for a name that means another currency there."""
    native = native_currency(currency)
    if native is None:
        raise ValueError(f"no currency of that name: {currency}")
    return f"f{native}"


def _number(row: Row, name: str) -> Decimal:
    """A rate or a size without the noise of a float; one between two that can be sent, such as FRR, stays as it is."""
    number = row.decimal(name)
    if abs(number) >= _GRID_MAX:
        return number
    near = number.quantize(STEP)
    return Decimal(plain(near)) if near != number and abs(near - number) < _NOISE else number


def _below(currency: str | None) -> str:
    return "" if currency is None else f"/{_symbol(currency)}"


def _currency(told: JSON, asked: str | None, prefix: str = "f") -> str:
    """The currency that a row names: the one that was asked for, where one was. Raises Unreadable."""
    text = text_of(told)
    name = common_name(text.removeprefix(prefix))
    if not text.startswith(prefix) or not name or asked not in (None, name):
        raise Unreadable("about another currency than the one asked for")
    return name


def _level(row: Row) -> FundingLevel:
    size = _number(row, "amount")
    return FundingLevel(_number(row, "rate"), row.integer("days"), row.integer("count"), abs(size), size > 0)


def _is_bid(row: Row) -> bool:
    """Whether a row is a wish to borrow, made by hand on the exchange's pages: it lends nothing."""
    size, left = _number(row, "size"), _number(row, "left")
    return size < 0 and size <= left <= 0


def _offer(row: Row, asked: str | None) -> Offer:
    currency = _currency(row["symbol"], asked)
    kind, text = row.text("type"), row.text("status").upper()
    state = next((state for word, state in _STATES.items() if text.startswith(word)), None)
    size, left = _number(row, "size"), _number(row, "left")
    if kind not in _KINDS or state is None or not 0 <= left <= size:
        raise Unreadable("an offer of an unknown kind or state, or one to borrow")
    rate = Decimal(0) if row["rate"] is None else _number(row, "rate")
    flags = 0 if row["flags"] is None else row.integer("flags")
    hidden = bool(flags & _HIDDEN_FLAG) or row.get("hidden") == 1
    draft = OfferDraft(currency, size, _KINDS[kind], rate, row.integer("period"), hidden)
    created = row.moment("created")
    updated = row.moment("updated") if row["updated"] else created
    return Offer(str(row.integer("id")), draft, left, state, created, updated, row.get("renew") == 1)


def _lent(row: Row, asked: str | None, used: bool) -> Lent | None:
    """A credit or loan; None for what the account itself has borrowed."""
    currency = _currency(row["symbol"], asked)
    if row.integer("side") < 0:
        return None
    pair = row.get("pair") if used else None
    return Lent(
        str(row.integer("id")),
        currency,
        abs(_number(row, "size")),
        _number(row, "rate"),
        row.integer("days"),
        row.moment("opened"),
        row["kind"] == "VAR",
        used,
        "" if pair is None else text_of(pair),
    )


def _trade(row: Row, asked: str | None) -> FundingTrade:
    currency = _currency(row["symbol"], asked)
    return FundingTrade(
        str(row.integer("id")),
        currency,
        str(row.integer("offer")),
        abs(_number(row, "amount")),
        _number(row, "rate"),
        row.integer("days"),
        row.moment("at"),
    )


def _interest(row: Row, asked: str | None) -> Interest:
    currency = _currency(row["currency"], asked, "")
    return Interest(str(row.integer("id")), currency, row.decimal("amount"), row.moment("at"))
