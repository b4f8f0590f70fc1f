"""The course of `balance`, `positions` and `orders --open`: sessions, reads side by side, prices, Result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.desk import overview_view as view
from keyctl.desk.open_orders_view import open_orders as open_orders_result
from keyctl.errors import CheckFailed
from keyctl.exchanges.wallets import Wallet
from keyctl.home.selection import check_one_kind
from keyctl.model.futures import OpenOrder
from keyctl.model.size import market_of
from keyctl.model.venue import Balances
from keyctl.model.words import Market
from keyctl.orders.comparing import Compared, read_open_orders
from keyctl.orders.holdings import (
    Part,
    Prices,
    Seen,
    WalletReader,
    lists_by_symbol,
    positions_of,
    prices_at,
    side_by_side,
    sizes_at,
)

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.rows import StoredLeg
    from keyctl.model.account import Account
    from keyctl.network.lines import Network
    from keyctl.network.session import Session
    from keyctl.terminal.output import Result


def balance(app: App, accounts: Sequence[Account], market: str | None, done: Callable[[], None]) -> Result:
    """What the accounts own, on one market or on all that they have.

    Raises SetupProblem when the store does not open, CheckFailed when no account has that market, StoreUnusable.
    """
    check_one_kind(tuple(accounts))

    async def read() -> Result:
        async with app.network() as network:
            parts, warnings = parts_of(app, network, accounts, market, wallets_of)
            seen, left, prices = await read_wallets(parts, done)
        return view.balances(seen, left, prices, app.output.for_people, warnings)

    return asyncio.run(read())


async def read_wallets(
    parts: Sequence[Part], done: Callable[[], None] = lambda: None
) -> tuple[list[Seen[Balances]], list[Part], Prices]:
    """What is in the wallets, which of them are not read, and what their currencies are worth."""
    seen = await side_by_side([part for part in parts if not part.unread], WalletReader().balances_of, done)
    held = [
        (item.part.session, currency)
        for item in seen
        for wallet in item.found
        for currency, total in wallet.total.items()
        if total
    ]
    return seen, [part for part in parts if part.unread], await prices_at(held)


def positions(app: App, accounts: Sequence[Account], symbol: str | None, done: Callable[[], None]) -> Result:
    """The open positions of the accounts, of one symbol or of all.

    Raises SetupProblem when the store does not open, CheckFailed when no account has futures, StoreUnusable.
    """
    check_one_kind(tuple(accounts))

    async def read() -> Result:
        async with app.network() as network:
            parts, warnings = parts_of(app, network, accounts, Market.FUTURES.value)
            seen = await side_by_side(parts, lambda part: positions_of(part, symbol), done)
            paid = [(item.part.session, held.currency) for item in seen for held in item.found if held.currency]
            of_symbols = [(item.part.session, held.symbol) for item in seen for held in item.found]
            prices, sizes = await asyncio.gather(prices_at(paid), sizes_at(of_symbols))
        return view.positions(seen, prices, sizes, app.output.for_people, warnings)

    return asyncio.run(read())


def open_orders(app: App, accounts: Sequence[Account], symbol: str | None, done: Callable[[], None]) -> Result:
    """The open orders of the accounts as their exchanges show them, of one symbol or of all.

    Raises SetupProblem when the store does not open, CheckFailed when no account has the symbol's market, and
    StoreUnusable.
    """

    async def read() -> tuple[list[Seen[OpenOrder]], Compared, list[str]]:
        async with app.network() as network:
            return await open_orders_at(app, network, accounts, symbol, done)

    seen, compared, warnings = asyncio.run(read())
    failed = {(item.part.account.id, item.part.where) for item in seen if item.trouble is not None}
    remembered = [
        leg
        for leg in app.journal.open_legs()
        if (leg.leg.account_id, leg.leg.order.market.value) in failed and symbol in (None, leg.leg.order.symbol)
    ]
    return open_orders_result(seen, ours_among(app, seen), remembered, compared, app.output.for_people, warnings)


async def open_orders_at(
    app: App, network: Network, accounts: Sequence[Account], symbol: str | None, done: Callable[[], None] = lambda: None
) -> tuple[list[Seen[OpenOrder]], Compared, list[str]]:
    """The open orders of each account and market, what comparing them with the journal has told, and what to say of
    those that could not be asked for."""
    parts, warnings = parts_of(app, network, accounts, market_of(symbol).value if symbol else None)

    def symbols(part: Part) -> tuple[str, ...]:
        return app.journal.symbols_of(part.account.id, Market(part.where))

    seen, compared = await read_open_orders(app.journal, parts, symbol, symbols, done=done)
    for item in seen:
        market = Market(item.part.where)
        if item.trouble is None and symbol is None and lists_by_symbol(item.part.session.exchange, market):
            asked = ", ".join(symbols(item.part)) or "none"
            title = item.part.session.exchange.profile.title
            warnings.append(
                f"{item.part.account.label} {market}: {title} lists open orders by symbol only; read: the symbols "
                f"that keyctl traded there ({asked}); for another one, add --symbol"
            )
    return seen, compared, warnings


def ours_among(app: App, seen: Sequence[Seen[OpenOrder]]) -> dict[tuple[str, str], StoredLeg]:
    """The journal's legs among these orders, by exchange and client order id."""
    ids: dict[str, list[str]] = {}
    for item in seen:
        ids.setdefault(item.part.account.exchange, []).extend(
            order.client_order_id for order in item.found if order.client_order_id
        )
    return {
        (exchange, name): leg
        for exchange, names in ids.items()
        for name, leg in app.journal.known(exchange, names).items()
    }


def wallets_of(session: Session, market: str | None) -> list[tuple[Market, Part]]:
    """The wallets of an account, or those that back orders on a market, each with the market whose host is asked."""
    had = session.account.markets
    if session.trouble is not None:
        return [(each, Part(session, each.value, Wallet(each.value))) for each in had if market in (None, each)]
    found: list[tuple[Market, Part]] = []
    for wallet in session.exchange.wallets():
        serves = [each for each in wallet.markets if each in had]
        if market is not None and market not in serves:
            continue
        why = wallet.why or (
            f"the account is not set up for {wallet.markets[0]}" if wallet.markets and not serves else ""
        )
        where = "both" if len(serves) > 1 else str((serves or wallet.markets or ("",))[0])
        found.append(((serves or had)[0], Part(session, where, wallet, why)))
    return found


def parts_of(
    app: App,
    network: Network,
    accounts: Sequence[Account],
    market: str | None,
    places: Callable[[Session, str | None], list[tuple[Market, Part]]] | None = None,
) -> tuple[list[Part], list[str]]:
    """The parts of the accounts to be read, from one opening of the store, and what to say of those left out.

    An account that cannot be used has parts too, over a barred session: each is trouble when it is read. `places`: the
    parts of an account over any session, each with the market whose host is asked; else one for each of its markets.
    Raises CheckFailed when no account has the market.
    """
    asked = [account for account in accounts if market is None or Market(market) in account.markets]
    opened = app.opened(asked)
    app.note_use(asked, "read")
    parts: list[Part] = []
    for account in asked:
        session = opened.session(account, network, app.journal)
        found = [(each, Part(session, each.value)) for each in account.markets if market in (None, each)]
        if places is not None:
            found = places(session, market)
        parts += [replace(part, session=opened.session(account, network, app.journal, each)) for each, part in found]
    left_out = [account.label for account in accounts if account not in asked]
    if not parts:
        raise CheckFailed(
            f"none of these accounts is set up for {market}: {', '.join(left_out)}",
            f"to use the key there: keyctl edit {left_out[0]} --market both",
            code="no_such_market",
        )
    return parts, [f"not read, because not set up for {market}: {', '.join(left_out)}"] if left_out else []
