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

from keyctl import closing_view as view
from keyctl.closing_view import Closing
from keyctl.dispatch import LeftOut, Preview, Target, preview, refresh, store
from keyctl.errors import CheckFailed, KeyctlError, OutcomeUnknown, UsageProblem
from keyctl.journal import LegState
from keyctl.model import Market, Position, PositionSide, Side, TimeInForce
from keyctl.order_checks import AT_ANY_PRICE
from keyctl.overview import Seen, positions_of, side_by_side
from keyctl.plan import Plan, Wish, new_plan_id
from keyctl.seeing import parts_of
from keyctl.selection import check_active, check_one_kind
from keyctl.sending import send, wait_for_fills
from keyctl.settle import settle_first
from keyctl.signals import Stop, interruptible
from keyctl.trading import Consent, ask

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model import Account
    from keyctl.output import Result

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
    app.sending_journal() if dry_run else app.leaving_journal()
    check_one_kind(tuple(accounts))
    for account in accounts:
        check_active(account)
    async with AsyncExitStack() as stack:
        stop = await stack.enter_async_context(Stop())
        network = await stack.enter_async_context(app.network())
        parts, warnings = parts_of(app, network, accounts, Market.FUTURES.value)
        seen = await side_by_side(parts, lambda part: positions_of(part, what.symbol))
        closings: list[Closing] = []
        alone, doubles = _one_key_each(seen)
        warnings += doubles
        for targets in _grouped(alone, what):
            closings += await _planned(app, targets, consent.again or dry_run, settle=not dry_run)
        if not closings:
            return view.nothing(seen, what.symbol, warnings)
        if dry_run:
            for closing in closings:
                if closing.shown.plan.legs:
                    store(closing.shown, list(closing.targets), app.journal, LegState.DRAFT)
            return view.drafts(app, closings, seen, warnings)
        if any(closing.shown.plan.legs for closing in closings):
            view.show_preview(app, closings, seen)
            with interruptible():
                ask(app, _together(closings), consent)
        done = [await _sent(app, closing, stop, wait) for closing in closings]
        return view.closed(app, done, seen, stop.exit_code if await stop.asked_by_now() else None, warnings)


def _one_key_each(seen: Sequence[Seen[Position]]) -> tuple[list[Seen[Position]], list[str]]:
    """What could be read, without second keys of one exchange account (by the ids that it told), and what to say of
    those."""
    first: dict[tuple[str, str], str] = {}
    kept, told = [], []
    for item in seen:
        if item.trouble is not None:
            continue
        account = item.part.account
        other = first.setdefault((account.exchange, account.uid or account.label), account.label)
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
        side=Side.SELL if position.side is PositionSide.LONG else Side.BUY,
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
    )


async def _planned(app: App, targets: list[Target], again: bool, settle: bool) -> list[Closing]:
    """The targets' plan. What is refused for one account leaves that one out, and what names no account is tried venue
    by venue, so that the others can leave."""
    if not targets:
        return []
    first = targets[0]
    try:
        if settle:
            await settle_first([target.session for target in targets], app.journal, first.wish.symbol)
        shown = await preview(targets, app.journal, app.config, first.session.account.kind, again)
        return [Closing(_unasked(shown), tuple(targets))]
    except (CheckFailed, OutcomeUnknown, UsageProblem) as error:
        named = [target for target in targets if target.session.account.label == error.account]
        rest = [target for target in targets if target not in named]
        venues = {target.session.account.exchange for target in targets}
        if named:
            return [*await _planned(app, rest, again, settle), _left_out(app, first, named, error)]
        if len(venues) == 1:
            return [_left_out(app, first, targets, error)]
    closings: list[Closing] = []
    for venue in sorted(venues):
        some = [target for target in targets if target.session.account.exchange == venue]
        closings += await _planned(app, some, again, settle)
    return closings


def _left_out(app: App, first: Target, targets: Sequence[Target], error: KeyctlError) -> Closing:
    """An empty plan, and why these accounts are not in it."""
    plan = Plan(new_plan_id(), first.session.account.kind, (), ())
    excluded = tuple(LeftOut(target, error) for target in targets)
    return Closing(Preview(plan, excluded, (), app.clock.now(), True), ())


def _unasked(shown: Preview) -> Preview:
    """The preview without the soft limit of immediate orders for those that can only reduce: leaving needs no more
    than a yes."""
    legs = tuple(
        replace(leg, soft=tuple(text for text in leg.soft if text != AT_ANY_PRICE)) if leg.leg.exempt else leg
        for leg in shown.plan.legs
    )
    return replace(shown, plan=replace(shown.plan, legs=legs))


def _together(closings: Sequence[Closing]) -> Preview:
    """All plans as one, for the question about their total value."""
    plans = [closing.shown.plan for closing in closings]
    legs = tuple(leg for plan in plans for leg in plan.legs)
    soft = tuple(dict.fromkeys(text for plan in plans for text in plan.soft))
    first = closings[0].shown
    return replace(first, plan=replace(first.plan, legs=legs, soft=soft))


async def _sent(app: App, closing: Closing, stop: Stop, wait: float) -> Closing:
    """The plan with what became of it. Trouble before its first byte is data: plans before it are out already."""
    if not closing.shown.plan.legs:
        return closing
    targets = list(closing.targets)
    try:
        shown = await _fresh(app, closing, targets)
        stored = store(shown, targets, app.journal, LegState.PLANNED)
        results = await send(shown, stored, targets, app.journal, app.config, stop)
    except KeyctlError as error:
        planned = {leg.leg.account_id for leg in closing.shown.plan.legs}
        excluded = [LeftOut(target, error) for target in targets if target.session.account.id in planned]
        plan = replace(closing.shown.plan, legs=())
        return Closing(replace(closing.shown, plan=plan, left_out=(*closing.shown.left_out, *excluded)), ())
    if wait:
        results = await wait_for_fills(results, targets, app.journal, wait, stop.asked)
    return Closing(shown, closing.targets, tuple(results))


async def _fresh(app: App, closing: Closing, targets: list[Target]) -> Preview:
    """The preview that is to be sent. Raises KeyctlError when what was agreed to no longer holds."""
    shown = closing.shown
    if app.clock.now() - shown.made_at > FRESH_SECONDS:
        planned = {leg.leg.account_id for leg in shown.plan.legs}
        again = [target for target in targets if target.session.account.id in planned]
        anew = await preview(again, app.journal, app.config, shown.plan.kind, again=True)
        if abs(anew.plan.value_usd - shown.plan.value_usd) > shown.plan.value_usd * MOVED_MAX:
            raise CheckFailed(
                f"{closing.title}: worth {anew.plan.value_usd:.2f} USD now, not {shown.plan.value_usd:.2f} USD",
                "run the command again",
                code="price_moved",
            )
        shown = replace(anew, left_out=(*shown.left_out, *anew.left_out))
    await refresh(shown, targets, app.config)
    return shown
