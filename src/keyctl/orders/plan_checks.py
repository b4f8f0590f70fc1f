"""What stops orders of a plan beside their own terms, or asks: repeats, caps, two keys of one exchange account, prices
of two coins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, KeyctlError, UsageProblem
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.shipped import profile
from keyctl.home.account_uid import is_other
from keyctl.journal.guards import Basis
from keyctl.journal.legs import Journal
from keyctl.model.account import Account
from keyctl.model.size import exactly
from keyctl.model.words import Kind, Side, TimeInForce
from keyctl.orders.plan import Plan, PlannedLeg, check_plan

if TYPE_CHECKING:
    from keyctl.home.config import Limits


def know_exchange_accounts(journal: Journal, legs: Sequence[PlannedLeg], accounts: dict[str, Account]) -> None:
    """Writes down the account ids that the exchanges have just told, before anything is compared with the journal; of a
    key that belongs to another account than its label means, the one that is known."""
    told = {leg.leg.account_id: leg.view.balances.uid for leg in legs if leg.view.balances and leg.view.balances.uid}
    told = {key: uid for key, uid in told.items() if not is_other(accounts[key], uid)}
    journal.exchange_accounts.know([accounts[leg.leg.account_id] for leg in legs], told)


def stopped_by_guards(
    legs: Sequence[PlannedLeg], journal: Journal, basis: Basis, limits: Limits
) -> tuple[list[PlannedLeg], list[tuple[PlannedLeg, KeyctlError]]]:
    """The legs that repeat no other order, and why each other may not go.

    What is on its way or unknown is asked about when the order is sent. Raises CheckFailed when nothing is left.
    """
    kept: list[PlannedLeg] = []
    stopped: list[tuple[PlannedLeg, KeyctlError]] = []
    for leg, met in zip(legs, journal.met([leg.leg for leg in legs], basis, limits), strict=True):
        if met is not None and met.error.code == "repeated_order":
            stopped.append((leg, met.error))
        else:
            kept.append(leg)
    if stopped and not kept:
        raise together([error for _, error in stopped], len(legs))
    return kept, stopped


def within_caps(
    plan_id: str, kind: Kind, legs: Sequence[PlannedLeg], journal: Journal, limits: Limits
) -> tuple[Plan, list[tuple[PlannedLeg, KeyctlError]]]:
    """The plan, and what caps leave out of it: never what its venue holds to reducing. Raises CheckFailed when nothing
    else is in it."""
    try:
        return check_plan(plan_id, kind, tuple(legs), journal.counts_today(kind), limits), []
    except CheckFailed as cap:
        leaving = tuple(leg for leg in legs if leg.leg.exempt)
        if not leaving:
            raise
        plan = check_plan(plan_id, kind, leaving, journal.counts_today(kind), limits)
        return plan, [(leg, cap) for leg in legs if not leg.leg.exempt]


def compare_prices(plan: Plan, limits: Limits) -> tuple[Plan, list[str]]:
    """The plan with the soft limit that its exchanges' prices touch together, and that as a warning: a script that
    passes it by the value is told as well."""
    touched = prices_apart(plan.legs, limits)
    return replace(plan, soft=(*plan.soft, *touched)), [f"confirmation limit: {text}" for text in touched]


@exactly
def prices_apart(legs: Sequence[PlannedLeg], limits: Limits) -> tuple[str, ...]:
    """The soft limit that a symbol's prices at several exchanges touch, with each of them; empty where they agree.

    One name can be two coins, and a wrong one is bought before anybody looks: so it is asked where an order of the plan
    would trade at once. What only reduces a position neither asks nor is compared.
    """
    legs = [leg for leg in legs if not (leg.leg.exempt or leg.leg.order.reduce_only)]
    if not any(map(_trades_at_once, legs)):
        return ()
    found = sorted({(_best(leg), profile(leg.leg.exchange).title) for leg in legs})
    lowest, highest = found[0][0], found[-1][0]
    if highest - lowest <= lowest * limits.price_apart_soft:
        return ()
    told = ", ".join(f"{plain(price)} at {title}" for price, title in found)
    symbol, share = legs[0].leg.order.symbol, (highest - lowest) / lowest
    return (f"prices of {symbol} are {share:.2%} apart; possible cause: two coins with one name: {told}",)


def _best(leg: PlannedLeg) -> Decimal:
    """The best price that the order could have now."""
    return leg.view.ticker.opposite(leg.leg.order.side)


def _trades_at_once(leg: PlannedLeg) -> bool:
    order, best = leg.leg.order, _best(leg)
    if order.trigger is not None or order.post_only:
        return False
    if order.price is None or order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        return True
    return order.price >= best if order.side is Side.BUY else order.price <= best


def check_one_account_each(legs: list[PlannedLeg], known: dict[str, str | None], journal: Journal) -> list[str]:
    """Raises UsageProblem for two keys of one exchange account: by the id that balances or an earlier verify told, by a
    rotation, or because a person said so.

    Warnings where an exchange's accounts cannot be told apart so.
    """
    places = journal.exchange_accounts.names(leg.leg.account_id for leg in legs)
    seen: dict[str, str] = {}
    untold: dict[str, list[str]] = {}
    for leg in legs:
        told = leg.view.balances.uid if leg.view.balances else None
        place = places[leg.leg.account_id]
        if (told or known.get(leg.leg.account_id)) is None and place == leg.leg.account_id:
            untold.setdefault(leg.leg.exchange, []).append(leg.leg.account)
        other = seen.setdefault(place, leg.leg.account)
        if other != leg.leg.account:
            raise UsageProblem(
                f"{other} and {leg.leg.account} are two keys of one {leg.leg.exchange} account",
                "leave one of them out; a plan sends one order per exchange account",
                code="same_exchange_account",
                account=leg.leg.account,
                exchange=leg.leg.exchange,
            )
    exchanges = [leg.leg.exchange for leg in legs]
    return [
        f"{exchange} does not report the account id of {_and_more(labels)}: these keys may belong to one account; "
        f"if they do, run: keyctl edit {labels[0]} --same-as LABEL"
        for exchange, labels in untold.items()
        if exchanges.count(exchange) > 1
    ]


def _and_more(labels: list[str]) -> str:
    return f"{labels[0]} and {len(labels) - 1} more" if labels[1:] else labels[0]


def together(refused: Sequence[KeyctlError], legs: int) -> KeyctlError:
    """The one refusal, or the first with what the others say, so that all can be mended at once."""
    first, *others = refused
    if not others:
        return first
    both = KeyctlError(
        f"keyctl blocked {len(refused)} of {legs} orders; nothing was sent: {first.message}",
        *first.hints,
        *(text for error in others for text in (error.message, *error.hints)),
        code=first.code,
        exchange=first.exchange,
        account=first.account,
        market=first.market,
    )
    both.exit_code = max(error.exit_code for error in refused)
    return both
