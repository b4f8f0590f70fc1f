"""Bitfinex's margin funding: its calls and rows. [official] API docs v2; order of fields [sdk] bitfinex-api-py 4.0.0.

Rates are shares for a day everywhere but in the funding statistics, which are not used here [official].
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, TypeVar

from keyctl.answers import (
    TooLong,
    Unreadable,
    array_of,
    decimal_of,
    integer_of,
    moment_of,
    read_array,
    text_of,
)
from keyctl.exchanges.bitfinex.answers import data_in
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
# Positions in an offer array.
_ID, _SYMBOL, _CREATED, _UPDATED, _LEFT, _SIZE, _TYPE, _FLAGS, _STATUS = 0, 1, 2, 3, 4, 5, 6, 9, 10
_RATE, _PERIOD, _HIDDEN, _RENEW = 14, 15, 17, 19


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
        row = read_array(response.body)
        if len(row) < 10:
            raise Unreadable("the funding ticker is cut short")
        rates = FundingRates(
            frr=decimal_of(row[0]),
            bid=decimal_of(row[1]),
            bid_days=integer_of(row[2]),
            bid_size=decimal_of(row[3]),
            ask=decimal_of(row[4]),
            ask_days=integer_of(row[5]),
            ask_size=decimal_of(row[6]),
            last=decimal_of(row[9]),
        )
        if min(rates.frr, rates.ask) <= 0:
            raise Unreadable("no funding rates")
        return rates

    def book_request(self, currency: str) -> Request:
        return self._public(f"/v2/book/{_symbol(currency)}/P0", ("len", 250))

    def read_book(self, response: Response) -> tuple[FundingLevel, ...]:
        """Above zero is offered, below zero wanted: the opposite of a trading book [third-party, seen live]."""
        levels = [_level(array_of(row)) for row in read_array(response.body)]
        offered = sorted((one for one in levels if one.offered), key=lambda one: (one.rate, one.days))
        wanted = sorted((one for one in levels if not one.offered), key=lambda one: (-one.rate, one.days))
        return (*wanted, *offered)

    def trades_request(self, currency: str) -> Request:
        return self._public(f"/v2/trades/{_symbol(currency)}/hist", ("limit", 100))

    def read_trades(self, response: Response) -> tuple[PublicTrade, ...]:
        rows = (_long_enough(row, 5) for row in read_array(response.body))
        return tuple(
            PublicTrade(decimal_of(row[3]), abs(decimal_of(row[2])), integer_of(row[4]), moment_of(row[1]))
            for row in rows
        )

    def available_request(self) -> Request:
        return self._read("wallets")

    def read_available(self, response: Response, currency: str) -> Decimal | None:
        native = _symbol(currency)[1:]
        for row in map(array_of, read_array(response.body)):
            if len(row) < 5:
                raise Unreadable("a wallet is cut short")
            if row[0] == "funding" and row[1] == native:
                return None if row[4] is None else decimal_of(row[4])
        return Decimal(0)

    def offers_request(self, currency: str | None) -> Request:
        return self._read(f"funding/offers{_below(currency)}")

    def ended_offers_request(self, currency: str | None, start_ms: int) -> Request:
        return self._read(f"funding/offers{_below(currency)}/hist", ("start", start_ms), ("limit", self.page))

    def read_offers(self, response: Response, currency: str | None) -> tuple[Offer, ...]:
        found = self._rows(response, lambda row: None if _is_bid(row) else _offer(row, currency))
        return tuple(one for one in found if one is not None)

    def credits_request(self, currency: str | None) -> Request:
        return self._read(f"funding/credits{_below(currency)}")

    def loans_request(self, currency: str | None) -> Request:
        return self._read(f"funding/loans{_below(currency)}")

    def read_lent(self, response: Response, currency: str | None, *, used: bool) -> tuple[Lent, ...]:
        found = self._rows(response, lambda row: _lent(row, currency, used))
        return tuple(one for one in found if one is not None)

    def own_trades_request(self, currency: str | None, start_ms: int, end_ms: int | None = None) -> Request:
        return self._read(f"funding/trades{_below(currency)}/hist", *self._within(start_ms, end_ms))

    def read_own_trades(self, response: Response, currency: str | None) -> tuple[FundingTrade, ...]:
        return self._rows(response, lambda row: _trade(row, currency), full=True)

    def interest_request(self, currency: str | None, start_ms: int, end_ms: int | None = None) -> Request:
        category = ("category", _INTEREST_CATEGORY)
        below = "" if currency is None else f"/{_symbol(currency)[1:]}"
        return self._read(f"ledgers{below}/hist", category, *self._within(start_ms, end_ms))

    def read_interest(self, response: Response, currency: str | None) -> tuple[Interest, ...]:
        return self._rows(response, lambda row: _interest(row, currency), full=True)

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
        row = array_of(data[0]) if len(data) == 1 and isinstance(data[0], list) else data
        offer = _offer(row, draft.currency)
        told, sent = offer.draft, draft
        agrees = (told.size, told.kind, told.days, told.hidden) == (sent.size, sent.kind, sent.days, sent.hidden)
        # What rate an offer that follows FRR shows is not documented: it may be the delta, or what it is now.
        if not agrees or (sent.kind is OfferKind.FIXED and told.rate != sent.rate):
            raise Unreadable("the offer in the answer differs from ours")
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
        row = read_array(response.body)
        if all(value is None for value in row):
            return None
        if len(row) < 4 or row[0] != _symbol(currency)[1:]:
            raise Unreadable("the auto-renew of another currency, or cut short")
        return AutoRenew(currency, integer_of(row[1]), _number(row[2]), _number(row[3]))

    def _public(self, path: str, *params: tuple[str, JSON]) -> Request:
        return self._exchange.read("GET", "public", path, *params, private=False)

    def _read(self, path: str, *params: tuple[str, JSON]) -> Request:
        return self._exchange.read("POST", "auth", f"/v2/auth/r/{path}", *params)

    def _write(self, path: str, *params: tuple[str, JSON]) -> Request:
        return self._exchange.write("POST", "auth", f"/v2/auth/w/{path}", *params)

    def _within(self, start_ms: int, end_ms: int | None) -> tuple[tuple[str, JSON], ...]:
        end: tuple[tuple[str, JSON], ...] = () if end_ms is None else (("end", end_ms),)
        return (("start", start_ms), *end, ("limit", self.page))

    def _rows(self, response: Response, read: Callable[[list[JSON]], T], full: bool = False) -> tuple[T, ...]:
        """What is read of each row; a full page is no whole list unless the caller asks on from its end (`full`)."""
        rows = read_array(response.body)
        if len(rows) >= self.page and not full:
            raise TooLong("more rows than one page holds")
        return tuple(read(array_of(row)) for row in rows)


def _symbol(currency: str) -> str:
    """fUST for USDT. Raises ValueError for a name that means another currency there."""
    native = native_currency(currency)
    if native is None:
        raise ValueError(f"no currency of that name: {currency}")
    return f"f{native}"


def _number(told: JSON) -> Decimal:
    """A rate or a size without the noise of a float; one between two that can be sent, such as FRR, stays as it is."""
    number = decimal_of(told)
    if abs(number) >= _GRID_MAX:
        return number
    near = number.quantize(STEP)
    return Decimal(plain(near)) if near != number and abs(near - number) < _NOISE else number


def _long_enough(value: JSON, length: int) -> list[JSON]:
    row = array_of(value)
    if len(row) < length:
        raise Unreadable("a row is cut short")
    return row


def _below(currency: str | None) -> str:
    return "" if currency is None else f"/{_symbol(currency)}"


def _currency(told: JSON, asked: str | None, prefix: str = "f") -> str:
    """The currency that a row names: the one that was asked for, where one was. Raises Unreadable."""
    text = text_of(told)
    name = common_name(text.removeprefix(prefix))
    if not text.startswith(prefix) or not name or asked not in (None, name):
        raise Unreadable("about another currency than the one asked for")
    return name


def _level(row: list[JSON]) -> FundingLevel:
    row = _long_enough(row, 4)
    size = _number(row[3])
    return FundingLevel(_number(row[0]), integer_of(row[1]), integer_of(row[2]), abs(size), size > 0)


def _is_bid(row: list[JSON]) -> bool:
    """Whether a row is a wish to borrow, made by hand on the exchange's pages: it lends nothing."""
    size, left = (_number(_long_enough(row, _PERIOD + 1)[place]) for place in (_SIZE, _LEFT))
    return size < 0 and size <= left <= 0


def _offer(row: list[JSON], asked: str | None) -> Offer:
    row = _long_enough(row, _PERIOD + 1)
    currency = _currency(row[_SYMBOL], asked)
    kind, text = text_of(row[_TYPE]), text_of(row[_STATUS]).upper()
    state = next((state for word, state in _STATES.items() if text.startswith(word)), None)
    size, left = _number(row[_SIZE]), _number(row[_LEFT])
    if kind not in _KINDS or state is None or not 0 <= left <= size:
        raise Unreadable("an offer of an unknown kind or state, or one to borrow")
    rate = Decimal(0) if row[_RATE] is None else _number(row[_RATE])
    flags = 0 if row[_FLAGS] is None else integer_of(row[_FLAGS])
    hidden = bool(flags & _HIDDEN_FLAG) or (len(row) > _HIDDEN and row[_HIDDEN] == 1)
    draft = OfferDraft(currency, size, _KINDS[kind], rate, integer_of(row[_PERIOD]), hidden)
    renews = len(row) > _RENEW and row[_RENEW] == 1
    created = moment_of(row[_CREATED])
    return Offer(str(integer_of(row[_ID])), draft, left, state, created, moment_of(row[_UPDATED] or created), renews)


def _lent(row: list[JSON], asked: str | None, used: bool) -> Lent | None:
    """A credit or loan; None for what the account itself has borrowed."""
    row = _long_enough(row, 14)
    currency = _currency(row[1], asked)
    if integer_of(row[2]) < 0:
        return None
    pair = row[21] if used and len(row) > 21 else None
    return Lent(
        str(integer_of(row[0])),
        currency,
        abs(_number(row[5])),
        _number(row[11]),
        integer_of(row[12]),
        moment_of(row[13]),
        row[8] == "VAR",
        used,
        "" if pair is None else text_of(pair),
    )


def _trade(row: list[JSON], asked: str | None) -> FundingTrade:
    row = _long_enough(row, 7)
    currency = _currency(row[1], asked)
    return FundingTrade(
        str(integer_of(row[0])),
        currency,
        str(integer_of(row[3])),
        abs(_number(row[4])),
        _number(row[5]),
        integer_of(row[6]),
        moment_of(row[2]),
    )


def _interest(row: list[JSON], asked: str | None) -> Interest:
    row = _long_enough(row, 6)
    currency = _currency(row[1], asked, "")
    return Interest(str(integer_of(row[0])), currency, decimal_of(row[5]), moment_of(row[3]))
