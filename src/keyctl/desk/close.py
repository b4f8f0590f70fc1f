"""The course of `keyctl close`: positions read, a plan for each symbol and side, one question, sent one after another.

The orders go the way of every order: journalled, claimed, sent once. What one account lacks leaves that account out;
nobody else's position stays open for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.desk import close_view as view
from keyctl.desk.close_view import Closing
from keyctl.desk.consent import Consent, ask
from keyctl.desk.in_the_way import orders_in_the_way
from keyctl.desk.overview import parts_of
from keyctl.desk.protection import lift_all
from keyctl.desk.protection_view import with_protection
from keyctl.desk.seen_view import unread
from keyctl.desk.whose_keys import learn_uids
from keyctl.errors import CheckFailed, KeyctlError, StoreUnusable
from keyctl.home.selection import check_can_leave, check_one_kind
from keyctl.journal.guards import Basis
from keyctl.journal.legs import LegState
from keyctl.model.futures import Position
from keyctl.model.words import Market, PositionSide, TimeInForce
from keyctl.orders.checks import check_closable
from keyctl.orders.comparing import note_ended
from keyctl.orders.holdings import Part, Seen, positions_of, side_by_side
from keyctl.orders.plan import Plan, new_plan_id
from keyctl.orders.precedence import settle_first, wait_for_others
from keyctl.orders.preview import LeftOut, Preview, Target, preview, still_holding, store
from keyctl.orders.send import send, wait_for_fills
from keyctl.orders.wish import Wish
from keyctl.terminal.output import awaited
from keyctl.terminal.signals import Stop, interruptible

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.legs import Journal
    from keyctl.model.account import Account
    from keyctl.terminal.output import Result

# A preview that is older when its turn comes is made anew, and must be worth about the same.
FRESH_SECONDS = 10.0
MOVED_MAX = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class What:
    """Which positions to close and how: of a symbol or of every one, of a side or of both."""

    symbol: str | None
    side: PositionSide | None
    max_slippage: Decimal | None
    experimental: bool = False


async def close(
    app: App, accounts: Sequence[Account], what: What, consent: Consent, dry_run: bool, wait: float
) -> Result:
    """Closes positions by immediate orders that only reduce. Raises KeyctlError with nothing sent."""
    app.journals.to_send() if dry_run else app.journals.to_leave()
    check_one_kind(tuple(accounts))
    for account in accounts:
        check_can_leave(account)
    async with AsyncExitStack() as stack:
        stop = await stack.enter_async_context(Stop())
        network = await stack.enter_async_context(app.network())
        parts, warnings = parts_of(app, network, accounts, Market.FUTURES.value)
        await learn_uids(app, [part.session for part in parts])
        basis = app.journal.basis()
        seen = await side_by_side(parts, lambda part: positions_of(part, what.symbol))
        alone, doubles = _one_key_each(seen, app.journal)
        warnings += doubles
        groups = _grouped(alone, what)
        closings = [one for group in groups for one in await _planned(app, group, basis, not dry_run, stop)]
        if not closings:
            return view.nothing(seen, what.symbol, warnings)
        if dry_run:
            for closing in closings:
                if closing.shown.plan.legs:
                    store(closing.shown, list(closing.targets), app.journal, LegState.DRAFT)
            return view.drafts(closings, seen, warnings)
        if any(closing.shown.plan.legs for closing in closings):
            view.show_preview(app, closings, seen)
            with interruptible():
                ask(app, view.together(closings), consent)
        done = [await _sent(app, closing, stop, wait) for closing in closings]
        lifted = [item for closing in done for item in await lift_all(closing.targets, closing.results, app.journal)]
        await note_ended(app.journal, view.together(done), [target for closing in done for target in closing.targets])
        barring = [step for one in done for step in await orders_in_the_way(app.journal, one.results, one.targets)]
        stopped = stop.exit_code if await stop.asked_by_now() else None
        return with_protection(view.closed(app, done, seen, stopped, warnings, barring), lifted)


def _one_key_each(seen: Sequence[Seen[Position]], journal: Journal) -> tuple[list[Seen[Position]], list[str]]:
    """What could be read, without second keys of one exchange account, and what to say of those."""
    first: dict[str, str] = {}
    kept, told = [], []
    for item in seen:
        if item.trouble is not None:
            continue
        account = item.part.account
        other = first.setdefault(journal.exchange_accounts.of(account.id), account.label)
        if other == account.label:
            kept.append(item)
        elif item.found:
            told.append(f"{other} and {account.label} are two keys of one account, closed once")
    return kept, told


def _grouped(seen: Sequence[Seen[Position]], what: What) -> list[list[Target]]:
    """The targets of each plan: one for each symbol and side, and one more for a second position of that side (at OKX
    a cross and an isolated one), since an account has one leg in a plan."""
    groups: dict[tuple[str, PositionSide, int], list[Target]] = {}
    for item in seen:
        met: Counter[tuple[str, PositionSide]] = Counter()
        for position in item.found:
            if what.side in (None, position.side):
                key = position.symbol, position.side
                target = Target(item.part.session, _wish(position, what))
                groups.setdefault((*key, met[key]), []).append(target)
                met[key] += 1
    return list(groups.values())


def _wish(position: Position, what: What) -> Wish:
    return Wish(
        symbol=position.symbol,
        side=position.side.closed_by,
        quantity=None,
        quote=None,
        price=None,
        time_in_force=TimeInForce.IOC,
        post_only=False,
        max_slippage=what.max_slippage,
        contracts=position.contracts,
        position=position.side if position.hedge else None,
        reduce_only=True,
        margin=position.margin,
        experimental=what.experimental,
        closes=True,
        native_symbol=position.native_symbol,
    )


async def _planned(app: App, targets: list[Target], basis: Basis, settle: bool, stop: Stop) -> list[Closing]:
    """The targets' plan. What is refused for one account leaves that one out, and what names no account is tried venue
    by venue, so that the others can leave."""
    if not targets:
        return []
    first = targets[0]
    try:
        for target in targets:
            check_closable(target.session.account, target.session.exchange, target.wish)
        if settle:
            await settle_first([target.session for target in targets], app.journal, first.wish, stop.asked)
        kind = first.session.account.kind
        shown = await preview(targets, app.journal, app.config, kind, again=False, basis=basis)
        return [Closing(shown, tuple(targets))]
    except KeyctlError as error:
        if isinstance(error, StoreUnusable):
            raise
        named = [target for target in targets if target.session.account.label == error.account]
        rest = [target for target in targets if target not in named]
        venues = {target.session.account.exchange for target in targets}
        if named:
            return [*await _planned(app, rest, basis, settle, stop), _left_out(app, first, named, error)]
        if len(venues) == 1:
            return [_left_out(app, first, targets, error)]
    each = [[target for target in targets if target.session.account.exchange == venue] for venue in sorted(venues)]
    return [one for some in each for one in await _planned(app, some, basis, settle, stop)]


def _left_out(app: App, first: Target, targets: Sequence[Target], error: KeyctlError) -> Closing:
    """An empty plan, and why these accounts are not in it."""
    plan = Plan(new_plan_id(), first.session.account.kind, (), ())
    excluded = tuple(LeftOut(target, error) for target in targets)
    return Closing(Preview(plan, excluded, (), app.clock.now(), True, Basis(0)), ())


async def _sent(app: App, closing: Closing, stop: Stop, wait: float) -> Closing:
    """The plan with what became of it. Trouble before its first byte is data: plans before it are out already."""
    if not closing.shown.plan.legs:
        return closing
    targets = list(closing.targets)
    try:
        closing = await _after_others(app, closing, stop)
        targets = list(closing.targets)
        if not closing.shown.plan.legs:
            return closing
        shown = await _fresh(app, closing, targets)
        stored = store(shown, targets, app.journal, LegState.PLANNED)
        with awaited(app.output) as show:
            results = await send(shown, stored, targets, app.journal, app.config, stop, show=show)
    except KeyctlError as error:
        planned = {leg.leg.account_id for leg in closing.shown.plan.legs}
        excluded = [LeftOut(target, error) for target in targets if target.session.account.id in planned]
        plan = replace(closing.shown.plan, legs=())
        return Closing(replace(closing.shown, plan=plan, left_out=(*closing.shown.left_out, *excluded)), ())
    if wait:
        results = await wait_for_fills(results, targets, app.journal, wait, stop.asked)
    return replace(closing, shown=shown, results=tuple(results))


async def _after_others(app: App, closing: Closing, stop: Stop) -> Closing:
    """The plan once no other order is under way that reduces one of its positions: these are read again, once, and what
    is left of them is closed. The same where nothing was met.

    Raises CheckFailed when the positions are larger than what was agreed to.
    """
    journal, limits, targets = app.journal, app.config.limits, list(closing.targets)
    places = [target.session.account.id for target in targets]
    legs, basis = [leg.leg for leg in closing.shown.plan.legs], closing.shown.basis
    if not any(journal.met(legs, basis, limits)):
        return closing
    await wait_for_others(legs, basis, journal, limits, app.clock, stop.asked)
    # The new basis holds for all of the plan: so it is noted first, and then read again whatever the old one stops.
    noted = journal.basis()
    met = {leg.account_id for leg, found in zip(legs, journal.met(legs, basis, limits), strict=True) if found}
    if not met:
        return closing
    again = [targets[places.index(account_id)] for account_id in places if account_id in met]
    parts = [Part(target.session, Market.FUTURES.value) for target in again]
    seen = await side_by_side(parts, lambda part: positions_of(part, again[0].wish.symbol))
    left: list[Target] = []
    gone: list[str] = []
    troubles: list[LeftOut] = []
    for target, item in zip(again, seen, strict=True):
        position = next((held for held in item.found if _is_of(held, target.wish)), None)
        trouble = item.trouble or (None if position else next(iter(unread([item])), None))
        if trouble is not None:
            troubles.append(LeftOut(target, trouble))
        elif position is None:
            gone.append(target.session.account.label)
        else:
            left.append(replace(target, wish=replace(target.wish, contracts=position.contracts)))
    return await _with_what_is_left(app, closing, noted, met, left, gone, troubles)


def _is_of(position: Position, wish: Wish) -> bool:
    told = position.symbol, position.side
    return told == (wish.symbol, wish.side.closes) and wish.margin in (None, position.margin)


async def _with_what_is_left(  # noqa: PLR0913 - three of them are what one reading found
    app: App,
    closing: Closing,
    basis: Basis,
    met: set[str],
    left: list[Target],
    gone: list[str],
    troubles: list[LeftOut],
) -> Closing:
    """The plan with what is left of positions that were read again in the place of what was to be closed there."""
    before = closing.shown
    untouched = [target for target in closing.targets if target.session.account.id not in met]
    planned = {leg.leg.account_id for leg in before.plan.legs} - met
    targets = [*(target for target in untouched if target.session.account.id in planned), *left]
    told = tuple(f"{label}: another order has closed this position" for label in gone)
    if not targets:
        shown = replace(before, plan=replace(before.plan, legs=()), left_out=(*before.left_out, *troubles))
        return replace(closing, shown=replace(shown, warnings=(*before.warnings, *told)), gone=tuple(gone))
    anew = await preview(targets, app.journal, app.config, before.plan.kind, again=False, basis=basis)
    _check_not_dearer(closing, anew)
    shown = replace(
        anew,
        left_out=(*before.left_out, *anew.left_out, *troubles),
        warnings=tuple(dict.fromkeys((*before.warnings, *anew.warnings, *told))),
    )
    return replace(closing, shown=shown, targets=tuple(targets), gone=tuple(gone))


def _check_not_dearer(closing: Closing, anew: Preview) -> None:
    """Raises CheckFailed when what would be sent is worth more than what was agreed to."""
    agreed = closing.shown.plan.value_usd
    if anew.plan.value_usd > agreed * (1 + MOVED_MAX):
        raise _moved(closing, anew)


def _moved(closing: Closing, anew: Preview) -> CheckFailed:
    now, agreed = anew.plan.value_usd, closing.shown.plan.value_usd
    text = f"{closing.title}: worth {now:.2f} USD now, not {agreed:.2f} USD"
    return CheckFailed(text, "run the command again", code="price_moved")


async def _fresh(app: App, closing: Closing, targets: list[Target]) -> Preview:
    """The preview that is to be sent. Raises KeyctlError when what was agreed to no longer holds."""
    shown = closing.shown
    if app.clock.now() - shown.made_at > FRESH_SECONDS:
        planned = {leg.leg.account_id for leg in shown.plan.legs}
        again = [target for target in targets if target.session.account.id in planned]
        anew = await preview(again, app.journal, app.config, shown.plan.kind, again=False, basis=shown.basis)
        known = not (anew.plan.unvalued or shown.plan.unvalued)
        if known and abs(anew.plan.value_usd - shown.plan.value_usd) > shown.plan.value_usd * MOVED_MAX:
            raise _moved(closing, anew)
        shown = replace(anew, left_out=(*shown.left_out, *anew.left_out))
    return await still_holding(shown, targets, app.config)
