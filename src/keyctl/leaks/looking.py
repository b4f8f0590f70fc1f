"""Reads what happened on accounts since a moment, and tells what does not come from keyctl's journal. Reads only.

What an exchange does not tell, or keyctl does not read there, is said in words; it never counts as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyctl.clock import rfc3339
from keyctl.desk.overview import parts_of
from keyctl.errors import KeyctlError, StoreUnusable
from keyctl.exchanges.history import unread_in
from keyctl.exchanges.listing import odd_among
from keyctl.leaks.finds import Find, event_find, order_find, trade_find, worst_first
from keyctl.model.account_events import AccountEvent
from keyctl.model.fills import Fill
from keyctl.model.futures import OddRow, OpenOrder
from keyctl.model.words import Market
from keyctl.orders.fills import fills_of
from keyctl.orders.holdings import Part, Seen, lists_by_symbol, open_orders_of, side_by_side
from keyctl.orders.settle import Found, look_up

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.exchanges.base import Exchange
    from keyctl.exchanges.history import History
    from keyctl.journal.rows import StoredLeg
    from keyctl.model.account import Account
    from keyctl.network.lines import Network
    from keyctl.network.session import Session

PAGES_MAX = 20
# So many orders that waited are asked for what they became, the newest of them.
FOLLOWED_MAX = 20
_SENT = ("sent", "unknown", "accepted")
# Where the exchange's clock is known by whole seconds alone, what has just happened may seem to be ahead.
SLACK_MS = 1000
UNFILLED = "orders that were canceled unfilled: keyctl does not list them"


@dataclass(slots=True)
class Read:
    """What one part of an account showed, up to `end_ms` in exchange time; `lacks`: what it could not show, in words;
    `account_lacks`: the same of the whole account.

    `complete`: nothing is missing that could be read there, so that a later look may begin at its end. `answered`: the
    exchange took the key for a read.
    """

    fills: tuple[Fill, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    events: tuple[AccountEvent, ...] = ()
    lacks: list[str] = field(default_factory=list)
    account_lacks: list[str] = field(default_factory=list)
    complete: bool = True
    answered: bool = False
    end_ms: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """What is not keyctl's on one account, worst and newest first; how many orders and trades were; what is unknown.

    `answered`: the exchange took the key for at least one read. `end_ms`: up to when it was looked, in exchange time.
    """

    account: Account
    finds: tuple[Find, ...]
    ours: int
    unknown: tuple[str, ...]
    complete: bool
    answered: bool
    end_ms: int
    troubles: tuple[KeyctlError, ...] = ()


async def look(
    app: App,
    network: Network,
    accounts: Sequence[Account],
    since_ms: Callable[[Account, int], int],
    done: Callable[[], None] = lambda: None,
) -> list[Looked]:
    """What happened on each account since a moment, which is asked for with the exchange's own time of now, in ms.

    Raises SetupProblem when the store does not open, StoreUnusable.
    """
    parts, _ = parts_of(app, network, accounts, None)
    first = {part.account.id: part for part in reversed(parts)}

    async def of(part: Part) -> tuple[Read]:
        return (await _read(app, part, since_ms, with_events=first[part.account.id] is part),)

    seen = await side_by_side(parts, of, done)
    return [
        await _looked(app, account, [item for item in seen if item.part.account.id == account.id])
        for account in accounts
    ]


async def _read(app: App, part: Part, since_ms: Callable[[Account, int], int], with_events: bool) -> Read:
    read, market = Read(), Market(part.where)
    read.end_ms = part.session.stamp().at_ms
    start = since_ms(part.account, read.end_ms)
    place = app.journal.exchange_accounts.of(part.account.id)

    async def trades() -> bool:
        api = part.session.exchange.market(market)
        if api.trades is None:
            read.lacks.append(f"trades: {api.trades_unread}")
            return False
        known = app.journal.traded_symbols(part.account.id, place, market)
        found = await fills_of(part, None, known, start, 0)
        read.fills = found.fills
        read.lacks += [f"trades: {word}" for word in found.lacks]
        read.complete = read.complete and not found.lacks and not found.odd
        if found.symbols is not None:
            read.lacks.append(_beyond("trades", found.symbols))
        if found.odd:
            read.lacks.append(f"{len(found.odd)} rows of trades could not be read")
        return found.symbols != ()

    async def orders() -> bool:
        by_symbol = lists_by_symbol(part.session.exchange, market)
        symbols = app.journal.symbols_of(part.account.id, market) if by_symbol else ()
        read.orders, odd = odd_among(await open_orders_of(part, symbols) if symbols or not by_symbol else ())
        if by_symbol:
            read.lacks.append(_beyond("open orders", symbols))
        if odd:
            read.lacks.append(f"{len(odd)} rows of open orders could not be read")
        read.account_lacks.append(UNFILLED)
        return bool(symbols) or not by_symbol

    async def events() -> bool:
        read.events = await _events(part, start, read)
        return read.answered

    steps = {"trades": trades, "open orders": orders} | ({"withdrawals and logins": events} if with_events else {})
    for what, step in steps.items():
        try:
            read.answered = await step() or read.answered
        except KeyctlError as trouble:
            if isinstance(trouble, StoreUnusable):
                raise
            read.lacks.append(f"{what}: {trouble.message}")
            read.complete = read.complete and trouble.code == "not_read"
    return read


async def _events(part: Part, start_ms: int, read: Read) -> tuple[AccountEvent, ...]:
    """What happened besides orders. Notes what could not be told. Raises StoreUnusable."""
    exchange = part.session.exchange
    read.account_lacks += _unread(exchange)
    begun = float(part.session.journal.facts().get("begun", 0))
    if begun * 1000 > start_ms:
        words = f"which orders before {rfc3339(begun)} are keyctl's: a new journal was started then"
        read.account_lacks.append(words)
    if start_ms > read.end_ms:
        read.account_lacks.append("everything: the start time is ahead of the exchange's time")
        read.complete = False
    history = exchange.history
    if history is None:
        return ()
    if history.reach is not None and start_ms < read.end_ms - history.reach[0]:
        words = f"{exchange.profile.title} lists those of the last {history.reach[1]} only"
        read.account_lacks.append(f"earlier {', '.join(history.lists)}: {words}")
    found: dict[tuple[str, str], AccountEvent] = {}
    for step, name in enumerate(history.lists):
        try:
            lacks = await _list(part, history, step, start_ms, read.end_ms + SLACK_MS, found)
            read.answered = True
        except KeyctlError as trouble:
            if isinstance(trouble, StoreUnusable):
                raise
            lacks = trouble.message
        if lacks:
            read.account_lacks.append(f"{name}: {lacks}")
            read.complete = False
    return tuple(found.values())


async def _list(
    part: Part, history: History, step: int, start_ms: int, end_ms: int, found: dict[tuple[str, str], AccountEvent]
) -> str:
    """Adds the events of one list, newest first, page by page; what is lacking, in words. Raises KeyctlError."""
    odd: dict[str, OddRow] = {}

    def lacks(*words: str) -> str:
        if odd:
            words += (f"{len(odd)} rows could not be read: {next(iter(odd.values())).why}",)
        return "; ".join(words)

    for _ in range(PAGES_MAX):
        page = await part.session.fetch(*history.reads(start_ms, end_ms)[step])
        found.update((event.key, event) for event in page.events if event.at_ms >= start_ms)
        odd.update((row.exchange_order_id or f"{end_ms} {number}", row) for number, row in enumerate(page.odd))
        if not page.full:
            return lacks()
        if not page.events:
            return lacks("one page had no readable row, so the earlier pages were not read")
        earliest = min(event.at_ms for event in page.events)
        if earliest < start_ms:
            return lacks()
        if earliest >= end_ms:
            return lacks("more at one moment than one page holds")
        end_ms = earliest
    return lacks(f"only the newest {PAGES_MAX} pages were read")


def _may_be_of(row: OpenOrder | Fill, leg: StoredLeg) -> bool:
    """Whether a row with a leg's own id can be of its order. Ids may be used again by whoever has read them, numbers
    not; but a waiting order goes on under another one."""
    return leg.leg.order.trigger is not None or leg.exchange_order_id in (None, row.exchange_order_id)


def _unread(exchange: Exchange) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for kind, why in unread_in(exchange.history).items():
        by_reason.setdefault(why, []).append(f"{kind}s")
    return [f"{', '.join(kinds)}: {why}" for why, kinds in by_reason.items()]


async def _looked(app: App, account: Account, seen: Sequence[Seen[Read]]) -> Looked:
    reads = [(item.part.where, read) for item in seen for read in item.found]
    journal = _Journal(app, account, [read for _, read in reads])
    await journal.follow({item.part.where: item.part.session for item in seen})
    finds, ours = list[Find](), 0
    for _, read in reads:
        for order in read.orders:
            is_ours, waited = journal.knows(order)
            ours += is_ours
            finds += [] if is_ours else [order_find(order, waited)]
        for fill in read.fills:
            is_ours, waited = journal.knows(fill)
            ours += is_ours
            finds += [] if is_ours else [trade_find(fill, waited)]
        finds += map(event_find, read.events)
    troubles = tuple(item.trouble for item in seen if item.trouble is not None)
    several = len(reads) > 1
    lacks = [f"{where}: {word}" if several else word for where, read in reads for word in read.lacks]
    lacks += [word for _, read in reads for word in read.account_lacks]
    lacks += [trouble.message for trouble in troubles]
    return Looked(
        account,
        worst_first(finds),
        ours,
        tuple(dict.fromkeys(lacks)),
        complete=bool(reads) and not troubles and all(read.complete for _, read in reads),
        answered=any(read.answered for _, read in reads),
        end_ms=min((read.end_ms for _, read in reads), default=0),
        troubles=troubles,
    )


class _Journal:
    """Which orders and trades of an account are keyctl's: by our own id, else by the exchange's number."""

    def __init__(self, app: App, account: Account, reads: Sequence[Read]) -> None:
        rows: list[OpenOrder | Fill] = [order for read in reads for order in read.orders]
        rows += [fill for read in reads for fill in read.fills]
        self._rows = rows
        self._became = set[tuple[str, str]]()
        self._account = account
        self._place = app.journal.exchange_accounts.of(account.id)
        ids = [row.client_order_id for row in rows if row.client_order_id]
        self._by_id = app.journal.known(account.exchange, ids)
        self._by_number = app.journal.by_order_ids(account.exchange, [row.exchange_order_id for row in rows])
        waiting = [leg for leg in app.journal.everything() if leg.leg.order.trigger is not None] if rows else []
        self._waited = [leg for leg in waiting if leg.state in _SENT and self._is_of_account(leg)]

    async def follow(self, sessions: Mapping[str, Session]) -> None:
        """Asks what orders of ours that waited became, where a row may be of one; what is not told stays a find.

        Raises StoreUnusable.
        """
        may_be = [leg for row in self._rows for leg in self.knows(row)[1]]
        for leg in sorted({leg.row: leg for leg in may_be}.values(), key=lambda leg: -leg.row)[:FOLLOWED_MAX]:
            try:
                looked = await look_up(sessions[leg.leg.order.market.value], leg)
            except StoreUnusable:
                raise
            except KeyctlError:
                continue
            if isinstance(looked, Found) and looked.status.became is not None:
                self._became.add((leg.leg.native_symbol, looked.status.became))

    def knows(self, row: OpenOrder | Fill) -> tuple[bool, list[StoredLeg]]:
        """Whether an order of the journal is behind it; if not, our waiting orders that it may have come from."""
        trigger = row.trigger if isinstance(row, OpenOrder) else None  # orders that wait may be numbered apart
        legs = [leg for leg in self._by_number.get(row.exchange_order_id, ()) if leg.leg.order.trigger is trigger]
        if (own := self._by_id.get(row.client_order_id or "")) is not None and _may_be_of(row, own):
            legs.append(own)
        market, native = row.market, row.native_symbol
        named = [leg for leg in legs if (leg.leg.native_symbol, leg.leg.order.market) == (native, market)]
        if any(map(self._is_of_account, named)) or (native, row.exchange_order_id) in self._became:
            return True, []
        same = [
            leg
            for leg in self._waited
            if (leg.leg.native_symbol, leg.leg.order.market, leg.leg.order.side) == (native, market, row.side)
        ]
        return False, same

    def _is_of_account(self, leg: StoredLeg) -> bool:
        return leg.leg.account_id == self._account.id or leg.leg.exchange_account == self._place


def _beyond(what: str, symbols: Collection[str]) -> str:
    """What is not known where only some symbols could be asked for."""
    return (
        f"{what} in other symbols than {', '.join(symbols)}"
        if symbols
        else f"{what}, because no symbol to ask for is known"
    )
