"""Canceling from a command's point of view: which orders, each canceled once and read back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.desk import cancel_view as view
from keyctl.desk.cancel_order import cancel_order, warm_if_possible
from keyctl.desk.cancel_view import CancelResult, leg_facts, stranger_facts
from keyctl.desk.foreign_orders import cancel_strangers
from keyctl.desk.open_orders_view import endings_of, warnings_of
from keyctl.desk.order_names import ways_to_cancel
from keyctl.desk.overview import open_orders_at
from keyctl.desk.seen_view import Row, list_row, not_listed, unread
from keyctl.desk.settle import GONE, pairs_of
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, NeedsPerson, UsageProblem
from keyctl.exchanges import shipped
from keyctl.home.folders import none_stored
from keyctl.journal.rows import StoredLeg
from keyctl.model.futures import OpenOrder
from keyctl.network.session import Session
from keyctl.orders.holdings import Part
from keyctl.terminal.output import Note, Result, show_aside

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.network.lines import Network


@dataclass(frozen=True, slots=True)
class Choice:
    """Which open orders to cancel: of a plan, of accounts, one by its client order id, or all; of one symbol or any.

    `foreign`: also those that the exchanges show as open and the journal does not; needs accounts or all.
    """

    plan: str | None = None
    accounts: tuple[str, ...] = ()
    client_order_id: str | None = None
    everything: bool = False
    symbol: str | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Foreign open orders by account and market; why accounts or rows could not be read; what else to say, of each
    account's list and of the kinds that are in none."""

    orders: tuple[tuple[Part, tuple[OpenOrder, ...]], ...] = ()
    unread: tuple[KeyctlError, ...] = ()
    warnings: tuple[str, ...] = ()
    accounts: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()


async def cancel(app: App, choice: Choice, yes: bool) -> Result:
    """Cancels the chosen orders that are open or unknown, each confirmed by reading it back."""
    app.journals.to_leave(claims=False)
    if choice.everything and not _chosen(app, choice) and not app.accounts.all():
        raise none_stored(app.home)
    async with app.network() as network:
        chosen, found = await _foreign(app, network, choice) if choice.foreign else (_chosen(app, choice), Found())
        strangers = [(part, order) for part, orders in found.orders for order in orders]
        if not chosen and not strangers and not found.unread:
            view_ = (Note("No open orders are known there."), *found.notes)
            return Result({"legs": [], "accounts": list(found.accounts)}, view=view_, warnings=found.warnings)
        rows = [*map(leg_facts, chosen), *(stranger_facts(part.account, order) for part, order in strangers)]
        if rows:
            _ask(app, rows, yes)
        pairs, orphans = pairs_of(app, network, chosen)
        results = await _cancel_all(app, pairs, found)
    results += [CancelResult(leg_facts(leg), "unknown", GONE, ExitCode.UNKNOWN) for leg in orphans]
    return view.report(results, found.unread, found.warnings, found.accounts, found.notes)


def _ask(app: App, rows: Sequence[dict[str, object]], yes: bool) -> None:
    """Lists the orders. Returns when the person agrees. Raises NeedsPerson, CheckFailed."""
    if not yes and (not app.prompt.has_terminal or app.no_input):
        raise NeedsPerson("canceling needs your confirmation, but there is no terminal", "in a script: --yes")
    if yes:
        if any(row["foreign"] for row in rows):
            show_aside((Note(view.listing(rows)),), app.output)
        return
    app.prompt.show(view.listing(rows))
    if not app.prompt.confirm_typed(f"Type {len(rows)} to cancel {len(rows)} orders, or Enter to stop", str(len(rows))):
        raise CheckFailed("not confirmed; nothing was canceled", code="not_confirmed")


async def _foreign(app: App, network: Network, choice: Choice) -> tuple[list[StoredLeg], Found]:
    """The chosen orders, those left out that turn out to have ended, and what is open on the accounts beside them."""
    accounts = app.accounts.select(choice.accounts, None, choice.everything, app.config.groups, leaving=True)
    seen, compared, warnings = await open_orders_at(app, network, accounts, choice.symbol)
    chosen = _chosen(app, choice)
    ours = {(leg.leg.account_id, leg.leg.client_order_id) for leg in chosen}
    # Numbers are those of a symbol, and orders that wait may be numbered apart.
    numbered = {
        (leg.leg.account_id, leg.leg.native_symbol, leg.exchange_order_id, leg.leg.order.trigger) for leg in chosen
    }
    found = []
    for item in seen:
        account = item.part.account.id
        orders = tuple(
            order
            for order in item.found
            if (account, order.client_order_id) not in ours
            and (account, order.native_symbol, order.exchange_order_id, order.trigger) not in numbered
        )
        if orders:
            found.append((item.part, orders))
    told = (*warnings, *endings_of(compared), *warnings_of(compared))
    lists = tuple(list_row(item, item.part.where) for item in seen)
    notes = tuple(not_listed(seen, lambda item: item.part.where))
    return chosen, Found(tuple(found), tuple(unread(seen)), told, lists, notes)


async def _cancel_all(app: App, pairs: Sequence[tuple[Session, StoredLeg]], found: Found) -> list[CancelResult]:
    """The result of each order, ours first. Accounts side by side; the orders of one account go one after another,
    since they share a connection. A fault in one account is raised once every other one has ended."""
    by_account: dict[str, list[tuple[Session, StoredLeg]]] = {}
    for session, stored in pairs:
        by_account.setdefault(session.account.id, []).append((session, stored))
    strangers: dict[str, list[tuple[Part, tuple[OpenOrder, ...]]]] = {}
    for part, orders in found.orders:
        strangers.setdefault(part.account.id, []).append((part, orders))

    async def lane(account_id: str) -> tuple[list[tuple[int, CancelResult]], list[CancelResult]]:
        mine = by_account.get(account_id, ())
        for session in dict.fromkeys(session for session, _ in mine):
            await warm_if_possible(session)
        ours = [(stored, await cancel_order(session, app.journal, stored)) for session, stored in mine]
        theirs = []
        # What one of ours became may be listed without our id; its cancel is behind us.
        done = {(stored.leg.native_symbol, result.became) for stored, result in ours if result.became}
        for part, listed in strangers.get(account_id, ()):
            orders = [o for o in listed if o.trigger is not None or (o.native_symbol, o.exchange_order_id) not in done]
            for item in await cancel_strangers(part, orders, app.journal):
                facts = stranger_facts(part.account, item.order)
                theirs.append(CancelResult(facts, item.outcome, item.detail, item.exit_code))
        return [(stored.row, result) for stored, result in ours], theirs

    lanes = []
    for ended in await asyncio.gather(*map(lane, {**by_account, **strangers}), return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
        lanes.append(ended)
    by_row = {row: result for ours, _ in lanes for row, result in ours}
    return [*(by_row[stored.row] for _, stored in pairs), *(item for _, theirs in lanes for item in theirs)]


def _check_known(app: App, client_order_id: str) -> None:
    """Raises UsageProblem for what is no order of ours: it must not look like an order that is not open."""
    if any(app.journal.known(name, [client_order_id]) for name in shipped.names()):
        return
    raise UsageProblem(
        f"keyctl placed no order with client order id '{client_order_id[:41]}'",
        *ways_to_cancel(app, client_order_id),
        "check what is open: keyctl orders --open",
        code="unknown_order",
    )


def _chosen(app: App, choice: Choice) -> list[StoredLeg]:
    legs = [*app.journal.open_legs(), *app.journal.unsettled()]
    if choice.plan is not None:
        plan_id = app.journal.plan_id(choice.plan)
        legs = [leg for leg in legs if leg.leg.plan_id == plan_id]
    elif choice.client_order_id is not None:
        legs = [leg for leg in legs if leg.leg.client_order_id == choice.client_order_id]
        if not legs:
            _check_known(app, choice.client_order_id)
    elif choice.accounts:
        ids = {app.accounts.get(label).id for label in choice.accounts}
        legs = [leg for leg in legs if leg.leg.account_id in ids]
    elif not choice.everything:
        return []
    return [leg for leg in legs if choice.symbol in (None, leg.leg.order.symbol)]
