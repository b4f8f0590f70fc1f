"""Canceling from a command's point of view: which orders, each canceled once and read back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl import canceling_view as view
from keyctl import exchanges
from keyctl.answers import Unreadable
from keyctl.canceling_view import CancelResult, leg_facts, stranger_facts
from keyctl.clearing import GONE, pairs_of
from keyctl.comparing import forget_if_past
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, NeedsPerson, NoAnswer, Unreached, UsageProblem
from keyctl.exchanges.base import plain
from keyctl.home import none_stored
from keyctl.journal import LegState
from keyctl.journal_rows import StoredLeg
from keyctl.judge import judge_found
from keyctl.model import Leg, OpenOrder, OrderState, OrderStatus, Outcome, Request
from keyctl.naming import ways_to_cancel
from keyctl.open_orders_view import endings_of, warnings_of
from keyctl.output import Note, Result, show_aside
from keyctl.overview import Part
from keyctl.overview_view import unread
from keyctl.seeing import open_orders_at
from keyctl.session import Session
from keyctl.settle import Lookup, Verdict, look_up, settle_leg
from keyctl.strangers import LOOKS, PAUSE_SECONDS, SENDS, cancel_strangers

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.network import Network


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
    """Foreign open orders by account and market; why accounts could not be read; what else to say."""

    orders: tuple[tuple[Part, tuple[OpenOrder, ...]], ...] = ()
    unread: tuple[KeyctlError, ...] = ()
    warnings: tuple[str, ...] = ()


async def cancel(app: App, choice: Choice, yes: bool) -> Result:
    """Cancels the chosen orders that are open or unknown, each confirmed by reading it back."""
    app.leaving_journal()
    if choice.everything and not _chosen(app, choice) and not app.accounts.all():
        raise none_stored(app.home)
    async with app.network() as network:
        chosen, found = await _foreign(app, network, choice) if choice.foreign else (_chosen(app, choice), Found())
        strangers = [(part, order) for part, orders in found.orders for order in orders]
        if not chosen and not strangers and not found.unread:
            return Result({"legs": []}, view=(Note("nothing open is known there"),), warnings=found.warnings)
        rows = [*map(leg_facts, chosen), *(stranger_facts(part.account, order) for part, order in strangers)]
        if rows:
            _ask(app, rows, yes)
        pairs, orphans = pairs_of(app, network, chosen)
        results = await _cancel_all(app, pairs, found)
    results += [CancelResult(leg_facts(leg), "unknown", GONE, ExitCode.UNKNOWN) for leg in orphans]
    return view.report(results, found.unread, found.warnings)


def _ask(app: App, rows: Sequence[dict[str, object]], yes: bool) -> None:
    """Lists the orders. Returns when the person agrees. Raises NeedsPerson, CheckFailed."""
    if not yes and (not app.prompt.has_terminal or app.no_input):
        raise NeedsPerson("canceling needs a yes, and there is no terminal", "in a script: --yes")
    if yes:
        if any(row["foreign"] for row in rows):
            show_aside((Note(view.listing(rows)),), app.output)
        return
    app.prompt.show(view.listing(rows))
    if not app.prompt.confirm_typed(f"Type {len(rows)} to cancel {len(rows)} orders", str(len(rows))):
        raise CheckFailed("stopped by you; nothing was canceled", code="not_confirmed")


async def _foreign(app: App, network: Network, choice: Choice) -> tuple[list[StoredLeg], Found]:
    """The chosen orders, those left out that turn out to have ended, and what is open on the accounts beside them."""
    accounts = app.accounts.select(choice.accounts, None, choice.everything, app.config.groups, leaving=True)
    seen, compared, warnings = await open_orders_at(app, network, accounts, choice.symbol)
    chosen = _chosen(app, choice)
    ours = {(leg.leg.account_id, leg.leg.client_order_id) for leg in chosen}
    # Numbers are those of a symbol, and orders that wait may be numbered apart.
    numbered = {
        (leg.leg.account_id, leg.leg.order.symbol, leg.exchange_order_id, leg.leg.order.trigger) for leg in chosen
    }
    found = []
    for item in seen:
        account = item.part.account.id
        orders = tuple(
            order
            for order in item.found
            if (account, order.client_order_id) not in ours
            and (account, order.symbol, order.exchange_order_id, order.trigger) not in numbered
        )
        if orders:
            found.append((item.part, orders))
    return chosen, Found(tuple(found), tuple(unread(seen)), (*warnings, *endings_of(compared), *warnings_of(compared)))


async def _cancel_all(app: App, pairs: Sequence[tuple[Session, StoredLeg]], found: Found) -> list[CancelResult]:
    """The result of each order, ours first. Accounts side by side; the orders of one account go one after another,
    since they share a connection."""
    by_account: dict[str, list[tuple[Session, StoredLeg]]] = {}
    for session, stored in pairs:
        by_account.setdefault(session.account.id, []).append((session, stored))
    strangers: dict[str, list[tuple[Part, tuple[OpenOrder, ...]]]] = {}
    for part, orders in found.orders:
        strangers.setdefault(part.account.id, []).append((part, orders))

    async def lane(account_id: str) -> tuple[list[tuple[int, CancelResult]], list[CancelResult]]:
        ours = [
            (stored.row, await _cancel_leg(session, app, stored)) for session, stored in by_account.get(account_id, ())
        ]
        theirs = []
        # What one of ours became may be listed without our id; its cancel is behind us.
        done = {(result.facts["symbol"], result.became) for _, result in ours if result.became}
        for part, listed in strangers.get(account_id, ()):
            orders = [o for o in listed if o.trigger is not None or (o.symbol, o.exchange_order_id) not in done]
            for item in await cancel_strangers(part, orders, app.journal):
                facts = stranger_facts(part.account, item.order)
                theirs.append(CancelResult(facts, item.outcome, item.detail, item.exit_code))
        return ours, theirs

    lanes = await asyncio.gather(*map(lane, {**by_account, **strangers}))
    by_row = {row: result for ours, _ in lanes for row, result in ours}
    return [*(by_row[stored.row] for _, stored in pairs), *(item for _, theirs in lanes for item in theirs)]


async def _cancel_leg(session: Session, app: App, stored: StoredLeg) -> CancelResult:
    """One cancel, sent once; after a lost answer it is sent again only when the order was read to be still open.

    An order of unknown outcome is looked up first; while it stays unknown its cancel still goes out, by client order
    id, since a cancel can only lessen what is at risk. One that waits for a trigger is looked up first too: it may
    have become another order, and then that one is canceled. So is every one where the client order id alone may miss
    it; when that look-up fails the cancel goes out all the same, by what the journal knows.
    """
    order_id, became = stored.exchange_order_id, None
    looked = Lookup(Verdict.UNCLEAR)
    trouble, left = "", SENDS
    if session.trouble is not None:
        own = session.trouble
        why = own.message.removeprefix(f"{session.account.label}: ")
        return CancelResult(leg_facts(stored), "not_sent", why, own.exit_code, hints=own.hints)
    while left:
        left -= 1
        try:
            await session.warm()
            if stored.state != LegState.ACCEPTED:
                settled = await settle_leg(session, app.journal, stored)
                if settled.outcome in (Outcome.NOT_SENT, Outcome.REJECTED):
                    word = "never taken" if settled.status is None else f"finished: {settled.status.state}"
                    return CancelResult(leg_facts(stored), word, settled.detail, ExitCode.OK)
            first = stored.leg.order.trigger is not None or session.exchange.dated_ids
            if first and looked.status is None:
                looked = await _read_back(session, app, stored, patient=False)
                if looked.status is not None and looked.status.state is not OrderState.OPEN:
                    return _finished(stored, looked.status)
                if looked.status is not None:
                    order_id, became = looked.status.exchange_order_id, looked.status.became
            trouble = await _send_cancel(session, stored, order_id, became)
        except NoAnswer as lost:
            trouble = lost.message
        except Unreached as unreached:
            return CancelResult(leg_facts(stored), "not_sent", unreached.message, ExitCode.UNREACHED)
        looked = await _read_back(session, app, stored, patient=not trouble)
        if looked.status is None:
            if not trouble and (forgotten := forget_if_past(session, app.journal, stored, looked)):
                return CancelResult(leg_facts(stored), str(forgotten.status), forgotten.detail, ExitCode.UNKNOWN)
            why = trouble or looked.why or "not found"
            return CancelResult(leg_facts(stored), "unknown", why, ExitCode.UNKNOWN, became)
        if looked.status.state is not OrderState.OPEN:
            return _finished(stored, looked.status)
        order_id = looked.status.exchange_order_id
        if became is None and looked.status.became is not None:
            # It is another order since: no cancel has named that one yet, whatever was said of the waiting one.
            became, left = looked.status.became, SENDS
        elif not trouble:
            break
    why = trouble or "the cancel was taken, the order is still open"
    return CancelResult(leg_facts(stored), "open", why, ExitCode.REFUSED, became)


def _finished(stored: StoredLeg, status: OrderStatus) -> CancelResult:
    word = "canceled" if status.state is OrderState.CANCELED else f"finished: {status.state}"
    return CancelResult(leg_facts(stored), word, f"filled {plain(status.filled)}", ExitCode.OK, status.became)


async def _read_back(session: Session, app: App, stored: StoredLeg, patient: bool) -> Lookup:
    """What the order looks like after a cancel; with `patient` a few looks, since some venues cancel a little later."""
    for _ in range(LOOKS if patient else 1):
        looked = await look_up(session, stored)
        if looked.verdict is not Verdict.FOUND or looked.status is None:
            return looked
        if stored.state != LegState.ACCEPTED:
            app.journal.record([(stored.row, judge_found(stored.leg, looked.status))], "look-up")
        app.journal.note_status([(stored.row, looked.status)])
        if looked.status.state is not OrderState.OPEN:
            break
        await session.network.clock.sleep(PAUSE_SECONDS)
    return looked


async def _send_cancel(session: Session, stored: StoredLeg, order_id: str | None, became: str | None) -> str:
    """Nothing when the exchange took the cancel or the order was finished; else why not. Raises Unreached when nothing
    has left."""
    exchange, leg = session.exchange, stored.leg
    if became is not None:
        return await _send_one(session, leg, exchange.cancel_became_request(leg, became), became)
    by_day = exchange.cancels_by_day(leg, stored.stamp_ms) if order_id is None and stored.stamp_ms else ()
    why, sent = "", False
    for request in by_day or (exchange.cancel_request(leg, order_id),):
        try:
            trouble = await _send_one(session, leg, request, None)
        except Unreached as unreached:
            if not sent and not isinstance(unreached, NoAnswer):
                raise
            trouble = unreached.message
        if not trouble:
            return ""
        why, sent = why or trouble, True
    return why


async def _send_one(session: Session, leg: Leg, request: Request, became: str | None) -> str:
    exchange, response = session.exchange, await session.call(request)
    error = session.error_in(response)
    if error is not None:
        return "" if exchange.is_already_final(error) else f"{error.code} {error.words}".strip()
    try:
        if became is None:
            exchange.read_canceled(response, leg)
        else:
            exchange.read_became_canceled(response, leg, became)
    except Unreadable as problem:
        return f"the answer is {session.mask.masked(str(problem))}"
    return ""


def _check_known(app: App, client_order_id: str) -> None:
    """Raises UsageProblem for what is no order of ours: it must not look like an order that is not open."""
    if any(app.journal.known(name, [client_order_id]) for name in exchanges.names()):
        return
    raise UsageProblem(
        f"'{client_order_id[:41]}' is no client order id of an order that keyctl placed",
        *ways_to_cancel(app, client_order_id),
        "see what is open: keyctl orders --open",
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
