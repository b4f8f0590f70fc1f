"""The course of `orders refresh`: what became of the orders that the journal has as open, and old events pruned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keyctl.desk.open_orders_view import refreshed
from keyctl.desk.overview import parts_of
from keyctl.model.futures import OpenOrder
from keyctl.model.words import Market
from keyctl.orders.comparing import Compared, read_open_orders
from keyctl.orders.holdings import Part, Seen

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.rows import StoredLeg
    from keyctl.model.account import Account
    from keyctl.terminal.output import Result


def refresh(app: App, accounts: Sequence[Account], done: Callable[[], None]) -> Result:
    """What became of the accounts' orders that the journal has as open. Only markets with such orders are read.

    Raises SetupProblem when a secret cannot be had, StoreUnusable.
    """
    watched = app.journal.open_legs()
    involved = [account for account in accounts if any(leg.leg.account_id == account.id for leg in watched)]
    seen, compared, warnings = asyncio.run(_read(app, involved, watched, done)) if involved else ([], Compared(), [])
    pruned = app.journal.story.prune(app.config.events_keep_days)
    return refreshed(seen, compared, pruned, app.output.for_people, warnings)


async def _read(
    app: App, accounts: Sequence[Account], watched: Sequence[StoredLeg], done: Callable[[], None]
) -> tuple[list[Seen[OpenOrder]], Compared, list[str]]:
    symbols: dict[tuple[str, str], list[str]] = {}
    for stored in watched:
        place = (stored.leg.account_id, stored.leg.order.market.value)
        symbols.setdefault(place, []).append(stored.leg.order.symbol)

    def asked(part: Part) -> tuple[str, ...]:
        return tuple(dict.fromkeys(symbols[part.account.id, part.where]))

    async with app.network() as network:
        parts, warnings = parts_of(app, network, accounts, None)
        parts = [part for part in parts if (part.account.id, Market(part.where).value) in symbols]
        seen, compared = await read_open_orders(app.journal, parts, None, asked, seconds=None, done=done)
    return seen, compared, warnings
