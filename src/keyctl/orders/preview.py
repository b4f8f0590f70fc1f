"""One order from wish to plan: settle what is unknown, look, plan, journal. Asks nobody anything, sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, Unreached, worst
from keyctl.home.account_uid import check_same
from keyctl.home.config import Config
from keyctl.journal.guards import Basis
from keyctl.journal.legs import Journal, LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.account import Account
from keyctl.model.noun import Noun
from keyctl.model.venue import Ticker
from keyctl.model.words import Kind
from keyctl.network.egress import moved_addresses
from keyctl.network.session import Session
from keyctl.orders.checks import StandsInTheWay
from keyctl.orders.elsewhere import sent_elsewhere, without_sent
from keyctl.orders.halt_checks import halted, passing, refusal_of
from keyctl.orders.plan import Plan, PlannedLeg, new_plan_id, plan_leg, same_leg
from keyctl.orders.plan_checks import (
    check_one_account_each,
    compare_prices,
    know_exchange_accounts,
    stopped_by_guards,
    together,
    within_caps,
)
from keyctl.orders.preflight import TICKER_SECONDS, Look, left_alone, look_all
from keyctl.orders.price_checks import check_trigger, moved_too_far
from keyctl.orders.venue_reads import Shared, ticker_of
from keyctl.orders.wish import Wish

if TYPE_CHECKING:
    from keyctl.orders.sizing import Sizing

IMMEDIATE_SECONDS = 30
LIMIT_SECONDS = 600


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Target(Noun):
    """One account's part: its session, what is wished there, and the stored leg when a plan is taken up again."""

    session: Session
    wish: Wish
    stored: StoredLeg | None = None


class LeftOut(NamedTuple):
    """An account that cannot take part now, and why. Without a stored leg it is not in the plan at all."""

    target: Target
    error: KeyctlError

    @property
    def label(self) -> str:
        return self.target.session.account.label

    @property
    def reason(self) -> str:
        """Why, for where the account is named already."""
        return self.error.message.removeprefix(f"{self.label}: ")

    @property
    def trouble(self) -> KeyctlError:
        """The error with its account named: what a connection says knows hosts only."""
        account = self.target.session.account
        return self.error.named(self.label, account.exchange, str(self.target.session.market))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Preview(Noun):
    """The plan as it would be sent, which accounts cannot take part and why, and what to warn of.

    `basis` is what the claim will hold it against: what was noted before the exchanges were asked.
    """

    plan: Plan
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    made_at: float
    immediate: bool
    basis: Basis = Basis(0)  # which lets the least through

    @property
    def troubles(self) -> list[KeyctlError]:
        """Why accounts were left out."""
        return [item.trouble for item in self.left_out]


async def preview(  # noqa: PLR0913 - all that a plan stands on
    targets: list[Target],
    journal: Journal,
    config: Config,
    kind: Kind,
    again: bool,
    sizing: Sizing | None = None,
    blocked: Mapping[str, KeyctlError] = MappingProxyType({}),
    basis: Basis | None = None,
) -> Preview:
    """The plan of all accounts that can be reached; `blocked` tells, by account id, which cannot take part and why.

    `basis` is given where positions were read before. Raises CheckFailed for whatever stops the whole plan.
    """
    barred = {target.session.account.id: target.session.trouble for target in targets if target.session.trouble}
    blocked = {**blocked, **barred}
    basis = basis or journal.basis(again)
    symbol, wish = targets[0].wish.symbol, targets[0].wish
    blocked = {**blocked, **halted([(target.session, target.wish) for target in targets])}
    free = [target for target in targets if target.session.account.id not in blocked]
    if not free:
        raise together([blocked[target.session.account.id] for target in targets], len(targets))
    sessions = [target.session for target in free]
    network, accounts = sessions[0].network, [session.account for session in sessions]
    found, moved, elsewhere = await asyncio.gather(
        look_all(sessions, symbol, config, [target.wish for target in free]),
        moved_addresses(network, journal.addresses, accounts, config.echo_services),
        asyncio.gather(*(sent_elsewhere(target.session, journal, target.stored) for target in free)),
    )
    found, warnings = without_sent(found, elsewhere, moved)
    by_account = {look.session.account.id: look for look in found}
    looks = [
        by_account.get(target.session.account.id) or left_alone(target.session, blocked[target.session.account.id])
        for target in targets
    ]
    stored_ids = [target.stored.leg.plan_id for target in targets if target.stored is not None]
    plan_id = stored_ids[0] if stored_ids else new_plan_id()
    if sizing is not None:
        from keyctl.orders.sizing import Part, size_all

        parts = [
            Part(target.session.account, target.wish, look.view) for target, look in zip(targets, looks, strict=True)
        ]
        wishes, notes = size_all(sizing, parts, config.limits)
        targets = [replace(target, wish=wish) for target, wish in zip(targets, wishes, strict=True)]
        warnings += notes
    legs, left_out, told = _legs(plan_id, list(zip(targets, looks, strict=True)), config)
    warnings += told
    know_exchange_accounts(journal, legs, {session.account.id: session.account for session in sessions})
    by_id = {target.session.account.id: target for target in targets}
    warnings += check_one_account_each(
        legs, {target.session.account.id: target.session.account.uid for target in targets}, journal
    )
    legs, stopped = stopped_by_guards(legs, journal, basis, config.limits)
    left_out += [LeftOut(by_id[leg.leg.account_id], error) for leg, error in stopped]
    plan, over = within_caps(plan_id, kind, legs, journal, config.limits)
    left_out += [LeftOut(by_id[leg.leg.account_id], error) for leg, error in over]
    plan, apart = compare_prices(plan, config.limits)
    warnings += apart
    return Preview(plan, tuple(left_out), tuple(dict.fromkeys(warnings)), network.clock.now(), wish.immediate, basis)


def _legs(
    plan_id: str, pairs: Sequence[tuple[Target, Look]], config: Config
) -> tuple[list[PlannedLeg], list[LeftOut], list[str]]:
    """The planned legs, the accounts that cannot take part, and warnings. Raises CheckFailed for what is refused."""
    legs: list[PlannedLeg] = []
    left_out: list[LeftOut] = []
    refused: list[tuple[Target, CheckFailed]] = []
    warnings: list[str] = []
    for index, (target, look) in enumerate(pairs):
        account = target.session.account
        warnings += look.warnings
        if look.view is None:
            assert look.trouble is not None
            left_out.append(LeftOut(target, look.trouble))
            continue
        if look.rights.withdraw is None:
            warnings.append(f"{account.label}: cannot read whether this key can withdraw; check it manually")
        exchange, today = target.session.exchange, target.session.network.clock.utc().date()
        try:
            leg = plan_leg(plan_id, index, account, exchange, target.wish, look.view, today, config.limits)
        except StandsInTheWay as reason:  # a matter of this account alone
            left_out.append(LeftOut(target, reason))
            continue
        except CheckFailed as refusal:
            refused.append((target, refusal))
            continue
        leg = same_leg(leg, target.stored.leg) if target.stored is not None else leg
        # Of all others `halted` was asked before the exchanges were.
        halt = refusal_of(target.session, leg.leg) if target.wish.reduces else None
        if halt is not None:
            left_out.append(LeftOut(target, halt))
            continue
        try:
            check_same(account, look.told_uid)
        except CheckFailed as other:
            if not leg.leg.exempt:
                left_out.append(LeftOut(target, other))
                continue
            warnings.append(f"{other.message.partition(';')[0]}; this order is reduce-only there")
        warnings += [*leg.notes, *passing(target.session, leg.leg)]
        legs.append(leg)
    if refused and not any(leg.leg.exempt for leg in legs):
        raise together([error for _, error in refused], len(pairs))
    if refused:  # what may leave leaves; all the others stay together
        left_out += [LeftOut(target, error) for target, error in refused]
        by_id = {target.session.account.id: target for target, _ in pairs}
        stay = CheckFailed("not sent: keyctl blocked another order of this plan", code="refused_together")
        left_out += [LeftOut(by_id[leg.leg.account_id], stay) for leg in legs if not leg.leg.exempt]
        legs = [leg for leg in legs if leg.leg.exempt]
    return legs, left_out, warnings


async def refresh(shown: Preview, targets: list[Target], config: Config) -> dict[str, KeyctlError]:
    """As `no_longer_holding`. Raises the worst of these errors when they leave no order."""
    found = await no_longer_holding(shown, targets, config)
    if found and len(found) == len(shown.plan.legs):
        raise min(found.values(), key=lambda error: error.exit_code is not worst(found.values()))
    return found


async def no_longer_holding(shown: Preview, targets: list[Target], config: Config) -> dict[str, KeyctlError]:
    """By client order id, why orders of the preview no longer hold, after the person has answered: it is too old, their
    price cannot be read, or has moved so that they pass a hard limit now or would be triggered at once."""
    by_account = {target.session.account.id: target.session for target in targets}
    clock = targets[0].session.network.clock
    # What leaves at any price needs none.
    legs = [leg for leg in shown.plan.legs if not leg.leg.exempt or leg.leg.order.price is not None]
    if all(clock.now() - leg.view.ticker_at <= TICKER_SECONDS for leg in legs):
        return {}
    shared = Shared()

    async def why(leg: PlannedLeg) -> KeyctlError | None:
        session = by_account[leg.leg.account_id]
        try:
            ticker = await ticker_of(session, leg.leg.native_symbol, shared)
            _check_holds(leg, session.account, ticker, config)
        except (Unreached, ExchangeRefused, CheckFailed) as trouble:
            return trouble
        return None

    reasons: Sequence[KeyctlError | None] = await asyncio.gather(*map(why, legs))
    age = clock.now() - shown.made_at  # these reads may have waited for their slot
    if age > (IMMEDIATE_SECONDS if shown.immediate else LIMIT_SECONDS):
        old = CheckFailed("the preview has expired; nothing was sent", "run the command again", code="plan_expired")
        reasons = [old] * len(legs)
    return {leg.leg.client_order_id: error for leg, error in zip(legs, reasons, strict=True) if error is not None}


def _check_holds(leg: PlannedLeg, account: Account, ticker: Ticker, config: Config) -> None:
    """Raises CheckFailed for an order that does not hold at this price."""
    order = leg.leg.order
    if order.trigger is not None and order.trigger_price is not None:
        check_trigger(account, order.side, order.trigger, order.trigger_price, ticker, order.market)
    if moved_too_far(leg.leg, ticker, leg.view.usd_per_quote, config.limits):
        raise CheckFailed(
            f"{leg.leg.account}: the market moved since the preview; nothing was sent",
            "run the command again",
            code="price_moved",
            account=leg.leg.account,
        )


async def still_holding(shown: Preview, targets: list[Target], config: Config) -> Preview:
    """The preview with the orders that no longer hold left out. Raises KeyctlError as `refresh` does."""
    late = await refresh(shown, targets, config)
    by_account = {target.session.account.id: target for target in targets}
    out = [leg.leg for leg in shown.plan.legs if leg.leg.client_order_id in late]
    left_out = [LeftOut(by_account[leg.account_id], late[leg.client_order_id]) for leg in out]
    legs = tuple(leg for leg in shown.plan.legs if leg.leg.client_order_id not in late)
    return replace(shown, plan=replace(shown.plan, legs=legs), left_out=(*shown.left_out, *left_out))


def store(shown: Preview, targets: list[Target], journal: Journal, state: LegState) -> list[StoredLeg]:
    """The plan's legs, on disk: new ones written, stored ones repriced.

    What they order is what was shown, even where another run of the plan has repriced them since; the claim, which
    compares it with the journal, is then refused.
    """
    stored_by_id = {target.stored.leg.client_order_id: target.stored for target in targets if target.stored}
    if stored_by_id:
        journal.reprice([(stored_by_id[leg.leg.client_order_id], leg.leg, leg.highest_usd) for leg in shown.plan.legs])
    elif shown.plan.legs:
        journal.add_plan(
            shown.plan.id,
            shown.plan.kind,
            [(leg.leg, leg.highest_usd) for leg in shown.plan.legs],
            state,
            slippage_text(targets[0].wish),
        )
    agreed = {leg.leg.client_order_id: leg.leg for leg in shown.plan.legs}
    legs = journal.legs(shown.plan.id)
    return [replace(stored, leg=agreed[key]) for stored in legs if (key := stored.leg.client_order_id) in agreed]


def slippage_text(wish: Wish) -> str | None:
    """How a plan's slippage is written down: nothing for orders with a price."""
    if wish.price is not None:
        return None
    return "none" if wish.max_slippage is None else format(wish.max_slippage, "f")
