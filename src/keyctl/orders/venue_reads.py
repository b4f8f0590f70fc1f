"""What a venue tells everybody, asked once for all lanes: a symbol's rules, its prices, its quote currency in USD."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, NoAnswer
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.typed_symbols import named_elsewhere
from keyctl.model.venue import Instrument, Ticker
from keyctl.model.wire import Request
from keyctl.network.session import Session

T = TypeVar("T")
UNKNOWN_SYMBOL = "unknown_symbol"
# It is listed, as something that keyctl does not trade.
NOT_TRADED = "not_traded"


@dataclass(slots=True)
class Shared:
    """What lanes of one venue ask once for all: rules and prices, by exchange, host and symbol.

    A host alone does not tell venues apart: several may stand behind one proxy, gateway or test server.
    """

    answers: dict[tuple[str, ...], asyncio.Future[Any]] = field(default_factory=dict)


async def instrument_of(session: Session, symbol: str, shared: Shared) -> Instrument:
    """The symbol's rules at the session's venue. Raises CheckFailed (unknown_symbol) when it is not listed."""
    rules = session.exchange.market_of(symbol).instrument(symbol)

    async def ask() -> Instrument:
        try:
            return await session.fetch(rules.request, lambda response: _with_step(rules.read(response)))
        except UnknownSymbol as unknown:
            raise unknown_symbol(session, symbol, unknown.instead) from None
        except ExchangeRefused as refusal:
            if session.exchange.is_unknown_symbol(refusal.error):
                raise unknown_symbol(session, symbol) from None
            raise

    return await once(shared, key_of(session, rules.request, "rules", symbol), ask)


async def ticker_of(session: Session, native_symbol: str, shared: Shared) -> Ticker:
    """Best bid and ask at the session's venue. Raises NoAnswer when they cannot be used as a reference."""
    exchange = session.exchange
    prices = exchange.market(session.market, native_symbol).ticker(native_symbol)

    async def ask() -> Ticker:
        ticker = await session.fetch(*prices)
        if not 0 < ticker.bid <= ticker.ask:
            raise NoAnswer(f"{exchange.profile.title} has no usable price for {native_symbol}", code="no_price")
        return replace(ticker, at=session.network.clock.now())

    return await once(shared, key_of(session, prices.request, "price", native_symbol), ask)


def unknown_symbol(session: Session, symbol: str, instead: str = "") -> CheckFailed:
    """The error for a symbol that a venue does not list, or lists only as what keyctl does not trade ("as ...")."""
    title, elsewhere = session.exchange.profile.title, named_elsewhere(symbol)
    said = f"lists {symbol} {instead}, which keyctl does not trade" if instead else f"does not list {symbol}"
    return CheckFailed(
        f"{session.account.label}: {title} {said}",
        *([elsewhere] if elsewhere else []),
        f"compare the exchanges: keyctl price {symbol}",
        code=NOT_TRADED if instead else UNKNOWN_SYMBOL,
        account=session.account.label,
        exchange=session.exchange.name,
    )


def rules_asked(session: Session, symbol: str, shared: Shared) -> bool:
    """Whether a lane has asked for the symbol's rules at that venue already."""
    request = session.exchange.market_of(symbol).instrument(symbol).request
    return key_of(session, request, "rules", symbol) in shared.answers


def key_of(session: Session, request: Request, what: str, symbol: str) -> tuple[str, ...]:
    """Under which an answer is shared. The market is in it, since native symbols of two can be alike."""
    return session.exchange.name, request.base, session.market.value, what, symbol


async def once(shared: Shared, key: tuple[str, ...], ask: Callable[[], Awaitable[T]]) -> T:
    """The answer that the first lane to ask gets, for all lanes; so is its error where the symbol is not listed.

    Any other error may be a matter of that lane's own way out: each lane that waited then asks once for itself.
    """
    first = key not in shared.answers
    if first:
        shared.answers[key] = asyncio.ensure_future(ask())
    asked = shared.answers[key]
    try:
        return cast(T, await asyncio.shield(asked))
    except KeyctlError as error:
        if error.code in (UNKNOWN_SYMBOL, NOT_TRADED):
            raise
        if shared.answers.get(key) is asked:
            del shared.answers[key]
        if first:
            raise
    return await ask()


def _with_step(instrument: Instrument) -> Instrument:
    if instrument.quantity_step is None:
        raise Unreadable("missing the symbol's size step")
    return instrument
