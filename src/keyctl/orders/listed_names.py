"""Positions and open orders under the names that their venue's own list gives them. Public reads, shared within a run.

A venue's rows may carry no more than its own name of a symbol, and where base ends and quote begins only its list
tells: ADAEUR is ADA in EUR, though AEUR is a currency too. What cannot be read is named as the row was, so that leaving
never depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from keyctl.errors import KeyctlError, StoreUnusable
from keyctl.exchanges.base import MarketAPI
from keyctl.exchanges.hosts import Read
from keyctl.model.futures import OddRow, OpenOrder, Position
from keyctl.model.words import Market
from keyctl.network.session import Session
from keyctl.orders.venue_reads import Shared, key_of, once

R = TypeVar("R", OpenOrder, Position)
# One try of so long: who wants to cancel or close must not wait for a name.
SECONDS = 4.0


async def with_listed_names(
    session: Session, market: Market, rows: Sequence[R | OddRow], known: Iterable[str], asked: str | None
) -> tuple[R | OddRow, ...]:
    """The rows, named by the venue's list; where a symbol is `asked` for, those in it and the odd ones that may be.

    `known` are symbols that were read from the list before. The symbol asked for is taken for its own native name where
    the list could not be read.
    """
    exchange = session.exchange
    wanted = None if asked is None else exchange.native_name(asked)
    if wanted is not None:
        rows = [row for row in rows if row.native_symbol in _names_meant(row, wanted)]
    names = {native: symbol for symbol in known if (native := exchange.native_name(symbol)) is not None}
    natives = {row.native_symbol for row in rows if not isinstance(row, OddRow)}
    names |= await _listed(session, market, tuple(sorted(natives - names.keys())))
    if asked is not None and wanted is not None:
        names.setdefault(wanted, asked)
    return in_symbol([_named(row, names) for row in rows], asked)


def in_symbol(found: Iterable[R | OddRow], symbol: str | None) -> tuple[R | OddRow, ...]:
    """Those in that symbol (in any one for None), and the odd rows that may be."""
    return tuple(
        item
        for item in found
        if (item.may_be_of(symbol) if isinstance(item, OddRow) else symbol in (None, item.symbol))
    )


def _names_meant(row: R | OddRow, wanted: str) -> tuple[str | None, ...]:
    """The native names under which a row is kept: an odd one also without any."""
    return (wanted, None) if isinstance(row, OddRow) else (wanted,)


def _named(row: R | OddRow, names: Mapping[str, str]) -> R | OddRow:
    symbol = names.get(row.native_symbol or "")
    return row if symbol is None else replace(row, symbol=symbol)


async def _listed(session: Session, market: Market, natives: tuple[str, ...]) -> dict[str, str]:
    """Our names by the venue's, as far as its list could be read."""
    shared, found = Shared(session.network.answers), dict[str, str]()
    by_api: dict[MarketAPI, list[str]] = {}
    for native in natives:
        by_api.setdefault(session.exchange.market(market, native), []).append(native)
    for names in [names for api, some in by_api.items() for names in api.names(tuple(some))]:
        try:
            found |= await _names(session, names, shared)
        except KeyctlError as trouble:
            if isinstance(trouble, StoreUnusable):
                raise
    return found


async def _names(session: Session, names: Read[dict[str, str]], shared: Shared) -> dict[str, str]:
    async def ask() -> dict[str, str]:
        return await session.fetch(*names, SECONDS, tries=1)

    return await once(shared, key_of(session, names.request, "names", str(names.request.params)), ask)
