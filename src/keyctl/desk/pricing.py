"""What a symbol costs at each venue, side by side. Public calls only: no secret is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, SetupProblem, Unreached
from keyctl.model.account import Account
from keyctl.model.size import market_of
from keyctl.model.venue import Instrument, Ticker
from keyctl.network.session import Session
from keyctl.opening import keyless_session
from keyctl.orders.venue_reads import Shared, instrument_of, ticker_of

if TYPE_CHECKING:
    from keyctl.app import App


@dataclass(frozen=True, slots=True)
class Quote:
    """One venue's rules and best prices for a symbol; `trouble` says why there are none."""

    account: Account
    instrument: Instrument | None = None
    ticker: Ticker | None = None
    trouble: KeyctlError | None = None


async def quotes(app: App, accounts: Sequence[Account], symbol: str) -> list[Quote]:
    """One quote for each venue among the accounts, all asked at once."""
    async with app.network() as network:
        sessions = [keyless_session(account, network, app.journal, market_of(symbol)) for account in accounts]
        # For each venue the first account that can be used; an odd one only where there is no other.
        firsts = {session.account.binding: session for session in reversed(sessions)}
        firsts |= {session.account.binding: session for session in reversed(sessions) if session.trouble is None}
        asked = [session for session in sessions if firsts[session.account.binding] is session]
        return list(await asyncio.gather(*(_quote(session, symbol) for session in asked)))


async def _quote(session: Session, symbol: str) -> Quote:
    shared, instrument = Shared(), None
    try:
        instrument = await instrument_of(session, symbol, shared)
        return Quote(session.account, instrument, await ticker_of(session, instrument.native_symbol, shared))
    except (Unreached, ExchangeRefused, CheckFailed, SetupProblem) as trouble:
        return Quote(session.account, instrument, None, trouble)
