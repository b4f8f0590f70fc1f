"""One order from wish to plan: settle what is unknown, look, plan, journal. Asks nobody anything, sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.config import Config
from keyctl.egress import moved_addresses
from keyctl.elsewhere import sent_elsewhere, without_sent
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, UsageProblem
from keyctl.fanout import check_not_halted
from keyctl.journal import Journal, LegState
from keyctl.journal_rows import StoredLeg
from keyctl.model import Kind, Outcome
from keyctl.model.noun import Noun
from keyctl.order_checks import StandsInTheWay, check_trigger
from keyctl.plan import Plan, PlannedLeg, Wish, check_plan, new_plan_id, plan_leg, same_leg
from keyctl.preflight import TICKER_SECONDS, Look, Shared, look_all, ticker_of
from keyctl.session import Session
from keyctl.sizes import notional

if TYPE_CHECKING:
    from keyctl.sizing import Sizing

IMMEDIATE_SECONDS = 30
LIMIT_SECONDS = 600


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Target(Noun):
    """One account's part: its session, what is wished there, and the stored leg when a plan is taken up again."""

    session: Session
    wish: Wish
    stored: StoredLeg | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LeftOut(Noun):
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
        error, account = self.error, self.target.session.account
        named = KeyctlError(
            f"{self.label}: {self.reason}",
            *error.hints,
            code=error.code,
            exchange=error.exchange or account.exchange,
            account=self.label,
            market=error.market or str(self.target.session.market),
            exchange_code=error.exchange_code,
        )
        named.exit_code, named.repeatable = error.exit_code, error.repeatable
        return named


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Preview(Noun):
    """The plan as it would be sent, which accounts cannot take part and why, and what to warn of."""

    plan: Plan
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    made_at: float
    immediate: bool

    @property
    def troubles(self) -> list[KeyctlError]:
        """Why accounts were left out."""
        return [item.trouble for item in self.left_out]


async def preview(
    targets: list[Target],
    journal: Journal,
    config: Config,
    kind: Kind,
    again: bool,
    sizing: Sizing | None = None,
) -> Preview:
    """The plan of all accounts that can be reached. Raises CheckFailed for whatever stops the whole plan."""
    if not all(target.wish.reduces for target in targets):
        check_not_halted(journal)
    sessions = [target.session for target in targets]
    network, accounts = sessions[0].network, [session.account for session in sessions]
    looks, moved, elsewhere = await asyncio.gather(
        look_all(sessions, targets[0].wish.symbol, config, [target.wish.margin for target in targets]),
        moved_addresses(network, journal.addresses, accounts, config.echo_url),
        asyncio.gather(*(sent_elsewhere(target.session, journal, target.stored) for target in targets)),
    )
    looks, warnings = without_sent(looks, elsewhere, moved)
    clock = network.clock
    plan_id = next((target.stored.leg.plan_id for target in targets if target.stored), None) or new_plan_id()
    if sizing is not None:
        from keyctl.sizing import Part, size_all

        parts = [
            Part(target.session.account, target.wish, look.view) for target, look in zip(targets, looks, strict=True)
        ]
        wishes, notes = size_all(sizing, parts)
        targets = [replace(target, wish=wish) for target, wish in zip(targets, wishes, strict=True)]
        warnings += notes
    legs, left_out, told = _legs(plan_id, list(zip(targets, looks, strict=True)), config)
    warnings += told
    warnings += _check_one_account_each(
        legs, {target.session.account.id: target.session.account.uid for target in targets}
    )
    if not all(leg.leg.exempt for leg in legs):
        check_not_halted(journal)
    if not again:
        _check_repeats(legs, journal, config)
    plan = check_plan(plan_id, kind, tuple(legs), journal.used_today(kind), config.limits)
    return Preview(plan, tuple(left_out), tuple(dict.fromkeys(warnings)), clock.now(), targets[0].wish.immediate)


def _legs(
    plan_id: str, pairs: Sequence[tuple[Target, Look]], config: Config
) -> tuple[list[PlannedLeg], list[LeftOut], list[str]]:
    """The planned legs, the accounts that cannot take part, and warnings. Raises CheckFailed for what is refused."""
    legs: list[PlannedLeg] = []
    left_out: list[LeftOut] = []
    refused: list[CheckFailed] = []
    warnings: list[str] = []
    for index, (target, look) in enumerate(pairs):
        account = target.session.account
        warnings += look.warnings
        if look.view is None:
            assert look.trouble is not None
            left_out.append(LeftOut(target, look.trouble))
            continue
        if look.withdraw is None:
            warnings.append(f"{account.label}: whether this key may withdraw cannot be read; check it by hand")
        exchange, today = target.session.exchange, target.session.network.clock.utc().date()
        try:
            leg = plan_leg(plan_id, index, account, exchange, target.wish, look.view, today, config.limits)
        except StandsInTheWay as reason:  # a matter of this account alone
            left_out.append(LeftOut(target, reason))
            continue
        except CheckFailed as refusal:
            refused.append(refusal)
            continue
        leg = same_leg(leg, target.stored.leg) if target.stored is not None else leg
        warnings += leg.notes
        legs.append(leg)
    if refused:
        raise _together(refused, len(pairs))
    return legs, left_out, warnings


def _together(refused: Sequence[CheckFailed], legs: int) -> CheckFailed:
    """The one refusal, or the first with what the others say, so that all can be mended at once."""
    first, *others = refused
    if not others:
        return first
    return CheckFailed(
        f"{len(refused)} of {legs} legs are refused, nothing was sent: {first.message}",
        *first.hints,
        *(text for error in others for text in (error.message, *error.hints)),
        code=first.code,
        exchange=first.exchange,
        account=first.account,
        market=first.market,
    )


async def refresh(shown: Preview, targets: list[Target], config: Config) -> None:
    """Checks, after the person has answered, that the preview still holds.

    Raises CheckFailed when it is too old, or when prices have moved so that a leg passes a hard limit now or would be
    triggered at once.
    """
    by_account = {target.session.account.id: target.session for target in targets}
    clock = targets[0].session.network.clock
    if all(clock.now() - leg.view.ticker_at <= TICKER_SECONDS for leg in shown.plan.legs):
        return
    shared = Shared()
    tickers = await asyncio.gather(
        *(ticker_of(by_account[leg.leg.account_id], leg.leg.native_symbol, shared) for leg in shown.plan.legs)
    )
    age = clock.now() - shown.made_at  # these reads may have waited for their slot
    if age > (IMMEDIATE_SECONDS if shown.immediate else LIMIT_SECONDS):
        raise CheckFailed("the preview is too old to be sent", "run the command again", code="plan_expired")
    for leg, ticker in zip(shown.plan.legs, tickers, strict=True):
        if leg.leg.order.trigger is not None:
            check_trigger(by_account[leg.leg.account_id].account, leg.leg.order, ticker)
        buy = leg.leg.order.side == "buy"
        best = ticker.ask if buy else ticker.bid
        price = leg.leg.order.price
        through = Decimal(0) if price is None else ((price - best) if buy else (best - price)) / best
        value = notional(leg.leg.order, max(price or best, best)) * leg.view.usd_per_quote
        too_much = value > config.limits.leg_value_usd and not leg.leg.exempt
        if (through > config.limits.price_through_hard and leg.leg.order.trigger is None) or too_much:
            raise CheckFailed(
                f"{leg.leg.account}: the market moved since the preview; nothing was sent",
                "run the command again",
                code="price_moved",
                account=leg.leg.account,
            )


def store(shown: Preview, targets: list[Target], journal: Journal, state: LegState) -> list[StoredLeg]:
    """The plan's legs, on disk: new ones written, stored ones repriced.

    What they order is what was shown, even where another run of the plan has repriced them since; the claim, which
    compares it with the journal, is then refused.
    """
    stored_by_id = {target.stored.leg.client_order_id: target.stored for target in targets if target.stored}
    if stored_by_id:
        journal.reprice([(stored_by_id[leg.leg.client_order_id], leg.leg, leg.value_usd) for leg in shown.plan.legs])
    elif shown.plan.legs:
        journal.add_plan(
            shown.plan.id,
            shown.plan.kind,
            [(leg.leg, leg.value_usd) for leg in shown.plan.legs],
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


def exit_code(outcomes: list[Outcome], troubles: list[KeyctlError]) -> ExitCode:
    """The exit code of a fan-out, as safety.md's rule says; clock trouble alone is a failed check."""
    if Outcome.UNKNOWN in outcomes:
        return ExitCode.UNKNOWN
    if outcomes and all(outcome is Outcome.ACCEPTED for outcome in outcomes) and not troubles:
        return ExitCode.OK
    if Outcome.ACCEPTED in outcomes:
        return ExitCode.PARTIAL
    if Outcome.REJECTED in outcomes:
        return ExitCode.REFUSED
    if troubles and all(trouble.exit_code is ExitCode.CHECK for trouble in troubles):
        return ExitCode.CHECK
    return ExitCode.UNREACHED


def _check_one_account_each(legs: list[PlannedLeg], known: dict[str, str | None]) -> list[str]:
    """Raises UsageProblem for two keys of one exchange account, by the id that balances or an earlier verify told.

    Warnings where an exchange's accounts cannot be told apart so.
    """
    seen: dict[tuple[str, str], str] = {}
    untold: dict[str, list[str]] = {}
    for leg in legs:
        told = leg.view.balances.uid if leg.view.balances else None
        uid = told or known.get(leg.leg.account_id)
        if uid is None:
            untold.setdefault(leg.leg.exchange, []).append(leg.leg.account)
            continue
        other = seen.setdefault((leg.leg.exchange, uid), leg.leg.account)
        if other != leg.leg.account:
            raise UsageProblem(
                f"{other} and {leg.leg.account} are two keys of one {leg.leg.exchange} account",
                "one plan sends one order to an exchange account; leave one of them out",
                code="same_exchange_account",
            )
    exchanges = [leg.leg.exchange for leg in legs]
    return [
        f"{exchange}: the account id of {labels[0]}{f' and {len(labels) - 1} more' if labels[1:] else ''} is unknown: "
        "two of these keys may be of one account; where the exchange tells the id, keyctl verify reads it"
        for exchange, labels in untold.items()
        if exchanges.count(exchange) > 1
    ]


def _check_repeats(legs: list[PlannedLeg], journal: Journal, config: Config) -> None:
    for leg in legs:
        if journal.repeats(leg.leg, config.limits.repeat_seconds):
            raise CheckFailed(
                f"{leg.leg.account}: the same order was sent less than {config.limits.repeat_seconds} s ago",
                "if you mean it a second time, add --again",
                code="repeated_order",
                account=leg.leg.account,
            )
