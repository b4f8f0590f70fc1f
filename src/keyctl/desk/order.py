"""The course of one order command: accounts to sessions, preview, question, journal, send, Result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keyctl.desk import order_results as results_of
from keyctl.desk.consent import Consent, ask
from keyctl.desk.order_advice import words_again
from keyctl.desk.order_words import asked_text
from keyctl.desk.whose_keys import learn_uids
from keyctl.errors import CheckFailed, KeyctlError, SetupProblem
from keyctl.home.selection import check_active, check_can_leave, check_one_kind, kind_of
from keyctl.journal.legs import LegState
from keyctl.journal.rows import StoredLeg, stored_result
from keyctl.model.account import Account
from keyctl.model.order import LegResult, Order
from keyctl.model.size import market_of
from keyctl.model.words import Market
from keyctl.network.session import Session
from keyctl.orders.precedence import settle_first
from keyctl.orders.preview import Preview, Target, preview, still_holding, store
from keyctl.orders.send import follow_left_out, send, wait_for_fills
from keyctl.orders.settle import RECHECK_SECONDS
from keyctl.orders.wish import Wish
from keyctl.terminal.output import Result, awaited
from keyctl.terminal.signals import Stop, interruptible

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.network.lines import Network
    from keyctl.orders.sizing import Sizing


class Allowed(NamedTuple):
    """What the person allows a plan that is taken up again: these are asked for anew each time."""

    change_existing: bool = False
    experimental: bool = False


async def order(  # noqa: PLR0913 - the whole of one command
    app: App,
    accounts: Sequence[Account],
    wish: Wish,
    consent: Consent,
    dry_run: bool,
    wait: float,
    sizing: Sizing | None = None,
) -> Result:
    """Plans and, unless `dry_run`, sends one order to each account. Raises KeyctlError with nothing sent.

    The size is each account's, unless `sizing` says how it is worked out.
    """
    app.journals.to_send()
    check_one_kind(tuple(accounts))
    market = market_of(wish.symbol)
    for account in accounts:
        (check_can_leave if wish.reduces else check_active)(account)
        _check_market(account, market)
    async with AsyncExitStack() as stack:
        stop = await stack.enter_async_context(Stop())
        network = await stack.enter_async_context(app.network())
        sessions = sessions_for(app, network, accounts, market)
        wish = replace(wish, asked=asked_text(wish, sizing))
        targets = [Target(session, wish) for session in sessions]
        await learn_uids(app, sessions)
        blocked = {} if dry_run else await settle_first(sessions, app.journal, wish, stop.asked)
        shown = await preview(
            targets, app.journal, app.config, kind_of(accounts), consent.again or dry_run, sizing, blocked
        )
        if dry_run:
            legs = store(shown, targets, app.journal, LegState.DRAFT) if shown.plan.legs else []
            await _note_ended(app, shown, targets)
            return results_of.draft(shown, legs, words_again(wish, consent.all_or_nothing))
        return await _confirm_and_send(app, shown, targets, [], consent, stop, wait)


async def resume(app: App, plan_prefix: str, consent: Consent, wait: float, allowed: Allowed) -> Result:
    """Sends what is left of a stored plan, under the ids it was given; what went out before is not touched."""
    plan_id = app.journals.to_send().plan_id(plan_prefix)
    stored = app.journal.legs(plan_id)
    left = [leg for leg in stored if leg.state in (LegState.DRAFT, LegState.PLANNED)]
    accounts = {account.id: account for account in app.accounts.all()}
    involved = [_account_of(leg, accounts) for leg in (left or stored)]
    market = stored[0].leg.order.market
    if left:
        _check_takeable(involved, left[0].leg.order, app.clock.now())
    async with AsyncExitStack() as stack:
        stop = await stack.enter_async_context(Stop())
        network = await stack.enter_async_context(app.network())
        await learn_uids(app, sessions_for(app, network, involved, market) if left else [])
        blocked = await _settle_plan(app, network, stored, accounts, allowed, stop)
        if not left:
            _check_not_void(stored)
            return results_of.nothing_left(app, app.journal.legs(plan_id))
        sessions = sessions_for(app, network, involved, market)
        targets = [
            Target(session, _wish_of(leg, app.journal.slippage(plan_id), allowed), leg)
            for session, leg in zip(sessions, left, strict=True)
        ]
        shown = await preview(targets, app.journal, app.config, stored[0].kind, consent.again, blocked=blocked)
        shown, followed = await follow_left_out(shown, app.journal)
        rows = {item.row for item in left}
        done = [*followed, *(stored_result(leg) for leg in app.journal.legs(plan_id) if leg.row not in rows)]
        return await _confirm_and_send(app, shown, targets, done, consent, stop, wait)


async def _settle_plan(
    app: App,
    network: Network,
    stored: Sequence[StoredLeg],
    accounts: dict[str, Account],
    allowed: Allowed,
    stop: Stop,
) -> dict[str, KeyctlError]:
    """By account id, why a leg of a stored plan may not go now: an unknown order, of this plan or any other, blocks its
    exchange account and symbol."""
    asked_about = (*app.journal.unsettled(), *app.journal.lately_absent(RECHECK_SECONDS))
    in_doubt = {leg.leg.exchange_account for leg in asked_about}
    legs = [leg for leg in stored if leg.leg.exchange_account in in_doubt]
    if not legs:
        return {}
    market = stored[0].leg.order.market
    sessions = sessions_for(app, network, [_account_of(leg, accounts) for leg in legs], market)
    wish = _wish_of(stored[0], app.journal.slippage(stored[0].leg.plan_id), allowed)
    return await settle_first(sessions, app.journal, wish, stop.asked)


def sessions_for(
    app: App, network: Network, accounts: Sequence[Account], market: Market = Market.SPOT
) -> list[Session]:
    """A session for each account, from one opening of the store; a barred one for an account that cannot be used."""
    opened = app.opened(accounts)
    return [opened.session(account, network, app.journal, market) for account in accounts]


def _check_not_void(stored: Sequence[StoredLeg]) -> None:
    """Raises CheckFailed for a plan that waited to be sent when its journal was lost."""
    void = [leg for leg in stored if leg.state == LegState.VOID]
    if void:
        raise CheckFailed(
            f"plan {void[0].leg.plan_id} waited to be sent when the journal was lost; nothing was sent",
            "it may have been sent by another process; check first: keyctl orders --open --all",
            "if it is not open, order it again",
            code="plan_void",
        )


def _check_takeable(accounts: Sequence[Account], order: Order, now: float) -> None:
    """Raises CheckFailed for what may have come to pass since the draft: a market taken away, an end that is over."""
    for account in accounts:
        _check_market(account, order.market)
    if order.expires_ms is not None and order.expires_ms <= now * 1000:
        raise CheckFailed("this plan's orders have expired (--until)", code="plan_expired")


def _check_market(account: Account, market: Market) -> None:
    if market not in account.markets:
        raise CheckFailed(
            f"{account.label} is not set up for {market}",
            f"to use its key there: keyctl edit {account.label} --market both",
            code="market_not_set",
            account=account.label,
            exchange=account.exchange,
            market=market.value,
        )


async def _confirm_and_send(  # noqa: PLR0913 - the whole of one command
    app: App,
    shown: Preview,
    targets: list[Target],
    done: list[LegResult],
    consent: Consent,
    stop: Stop,
    wait: float,
) -> Result:
    _check_all_can_go(shown, targets, consent)
    results, closes = done, list[LegResult]()
    if shown.plan.legs:
        results_of.show_preview(app, shown)
        with interruptible():
            ask(app, shown, consent)
        shown = await _still_held(await still_holding(shown, targets, app.config), targets)
        _check_all_can_go(shown, targets, consent)
        stored = store(shown, targets, app.journal, LegState.PLANNED)
        with awaited(app.output) as show:
            fresh = await send(shown, stored, targets, app.journal, app.config, stop, consent.all_or_nothing, show)
        app.note_use([target.session.account for target in targets], "order")
        fresh = await wait_for_fills(fresh, targets, app.journal, wait, stop.asked) if wait else fresh
        closes = _of_closes(fresh, targets)
        results += fresh
        results.sort(key=lambda result: result.leg.index)
        await _note_ended(app, shown, targets)
    again = words_again(targets[0].wish, consent.all_or_nothing)
    ended = results_of.sent(app, shown, results, stop.exit_code if await stop.asked_by_now() else None, again)
    if not closes:
        return ended
    from keyctl.desk.protection import lift_all
    from keyctl.desk.protection_view import with_protection

    return with_protection(ended, await lift_all(targets, closes, app.journal))


async def _still_held(shown: Preview, targets: list[Target]) -> Preview:
    """The preview without protective orders whose position has another size now, as protection.still_held."""
    if not any(leg.leg.protects for leg in shown.plan.legs):
        return shown
    from keyctl.desk.protection import still_held

    return await still_held(shown, targets)


def _of_closes(results: Sequence[LegResult], targets: Sequence[Target]) -> list[LegResult]:
    """The results of orders that `close` has drafted."""
    drafted = {target.stored.leg.client_order_id for target in targets if target.stored and target.stored.leg.closes}
    return [item for item in results if item.leg.client_order_id in drafted]


def _check_all_can_go(shown: Preview, targets: list[Target], consent: Consent) -> None:
    """Raises CheckFailed for an order that cannot go where all are sent or none."""
    if consent.all_or_nothing and shown.left_out:
        first, *others = shown.troubles
        raise CheckFailed(
            f"keyctl blocked {len(shown.left_out)} of {len(targets)} orders (--mode all); nothing was sent: "
            f"{first.message}",
            *first.hints,
            *(text for error in others for text in (error.message, *error.hints)),
            code="not_all_ready",
        )


def _wish_of(stored: StoredLeg, slippage: str | None, allowed: Allowed) -> Wish:
    order = stored.leg.order
    return Wish(
        symbol=order.symbol,
        side=order.side,
        quantity=None if order.inverse else order.quantity,
        quote=None,
        price=order.price if slippage is None else None,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        max_slippage=None if slippage in (None, "none") else Decimal(slippage),
        contracts=order.quantity if order.inverse else None,
        position=order.position,
        reduce_only=order.reduce_only,
        leverage=None if order.reduce_only else order.leverage,
        margin=None if order.reduce_only else order.margin,
        change_existing=allowed.change_existing,
        trigger=order.trigger,
        trigger_price=order.trigger_price,
        expires_ms=order.expires_ms,
        experimental=allowed.experimental,
        asked=stored.leg.asked,
    )


def _account_of(stored: StoredLeg, accounts: dict[str, Account]) -> Account:
    account = accounts.get(stored.leg.account_id)
    if account is None:
        raise SetupProblem(
            f"{stored.leg.account} is no longer stored, so plan {stored.leg.plan_id} cannot be sent",
            "check the orders on the exchange's own pages",
            code="unknown_account",
            account=stored.leg.account,
        )
    (check_can_leave if stored.leg.exempt else check_active)(account)
    return account


async def _note_ended(app: App, shown: Preview, targets: Sequence[Target]) -> None:
    if any(leg.view.futures is not None for leg in shown.plan.legs):
        from keyctl.orders.comparing import note_ended

        await note_ended(app.journal, shown, targets)
