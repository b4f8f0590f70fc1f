"""What a symbol costs at each venue, side by side. Public calls only: no secret is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, Unreached
from keyctl.exchanges import load
from keyctl.model import Account, Instrument, Ticker
from keyctl.session import Session
from keyctl.sizes import market_of
from keyctl.venue_reads import Shared, instrument_of, ticker_of

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
    venues = {account.binding: account for account in reversed(accounts)}
    async with app.network() as network:
        sessions = [
            Session(account, load(account.binding), None, network, app.journal, market_of(symbol))
            for account in accounts
            if venues[account.binding] is account
        ]
        return list(await asyncio.gather(*(_quote(session, symbol) for session in sessions)))


async def _quote(session: Session, symbol: str) -> Quote:
    shared, instrument = Shared(), None
    try:
        instrument = await instrument_of(session, symbol, shared)
        return Quote(session.account, instrument, await ticker_of(session, instrument.native_symbol, shared))
    except (Unreached, ExchangeRefused, CheckFailed) as trouble:
        return Quote(session.account, instrument, None, trouble)
