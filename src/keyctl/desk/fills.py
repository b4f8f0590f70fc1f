"""The course of `fills`: sessions, reads side by side, whose orders they were, Result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from keyctl.clock import rfc3339, span_seconds
from keyctl.desk.fills_view import fills as fills_result
from keyctl.desk.overview import parts_of
from keyctl.errors import UsageProblem
from keyctl.home.selection import check_one_kind
from keyctl.model.fills import Fill
from keyctl.model.futures import OddRow
from keyctl.model.size import market_of
from keyctl.model.words import Market
from keyctl.orders.fills import FillsRead, fills_of
from keyctl.orders.holdings import Part, Seen, side_by_side

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.rows import StoredLeg
    from keyctl.model.account import Account
    from keyctl.terminal.output import Result

SINCE_DEFAULT = "24h"


def read_since(text: str, now: float) -> tuple[int, int]:
    """A moment in Unix ms and 0, or 0 and how many ms ago: of 2026-11-29T13:00Z, or 30m, 24h, 7d. Raises UsageProblem.

    What is counted back is counted from the exchange's own now.
    """
    if back := span_seconds(text):
        return 0, back * 1000
    hint = "use the form 2026-11-29T13:00Z, or 30m, 24h, 7d"
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        raise UsageProblem(f"'{text[:40]}' is not a time", hint, code="bad_time") from None
    if since.tzinfo is None:
        raise UsageProblem("--since needs a time zone", "for UTC, use 2026-11-29T13:00Z", code="bad_time")
    seconds = since.timestamp()
    if not 0 < seconds < now:
        raise UsageProblem("--since must be in the past", hint, code="bad_time")
    return int(seconds * 1000), 0


def fills(
    app: App, accounts: Sequence[Account], symbol: str | None, since: str, as_csv: bool, done: Callable[[], None]
) -> Result:
    """The trades of the accounts, of one symbol or of all.

    Raises UsageProblem for a time that is none, SetupProblem when the store does not open, CheckFailed when no account
    has the symbol's market, StoreUnusable.
    """
    check_one_kind(tuple(accounts))
    now = app.clock.now()
    since_ms, back_ms = read_since(since, now)

    def known(part: Part) -> tuple[tuple[str, str], ...]:
        place = app.journal.exchange_accounts.of(part.account.id)
        return app.journal.traded_symbols(part.account.id, place, Market(part.where))

    async def read() -> tuple[list[Seen[FillsRead]], list[str]]:
        async with app.network() as network:
            parts, warnings = parts_of(app, network, accounts, market_of(symbol).value if symbol else None)

            async def of(part: Part) -> tuple[FillsRead | OddRow, ...]:
                found = await fills_of(part, symbol, known(part), since_ms, back_ms)
                return (found, *found.odd)

            return await side_by_side(parts, of, done), warnings

    seen, warnings = asyncio.run(read())
    begin = rfc3339(since_ms / 1000 if since_ms else now - back_ms / 1000) or ""
    return fills_result(seen, ours_among(app, seen), begin, app.output.for_people, as_csv, warnings)


def ours_among(app: App, seen: Sequence[Seen[FillsRead]]) -> dict[tuple[str, Fill], StoredLeg]:
    """The journal's legs whose orders traded, by account id and trade.

    By our own id where the exchange tells it with the trade, else by its order id. An order that waited for a trigger
    may have gone on under another number: such a leg is found by our own id only.
    """
    found: dict[tuple[str, Fill], StoredLeg] = {}
    for item in seen:
        account = item.part.account
        place = app.journal.exchange_accounts.of(account.id)
        traded = [fill for read in item.found for fill in read.fills]
        by_id = app.journal.known(account.exchange, [fill.client_order_id for fill in traded if fill.client_order_id])
        by_number = app.journal.by_order_ids(account.exchange, [fill.exchange_order_id for fill in traded])
        for fill in traded:
            numbered = [leg for leg in by_number.get(fill.exchange_order_id, ()) if leg.leg.order.trigger is None]
            named = [by_id[fill.client_order_id]] if fill.client_order_id in by_id else []
            for leg in named or numbered:
                same = leg.leg.account_id == account.id or leg.leg.exchange_account == place
                if same and (leg.leg.native_symbol, leg.leg.order.market) == (fill.native_symbol, fill.market):
                    found[account.id, fill] = leg
    return found
