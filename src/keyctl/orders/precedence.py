"""What comes before a new order: orders that are on their way there, and unknown ones, which are looked up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, KeyctlError, OutcomeUnknown
from keyctl.journal.guards import Basis, Met, in_flight_until
from keyctl.journal.legs import Journal
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import Leg, LegResult, Order
from keyctl.model.words import Outcome
from keyctl.network.session import Session
from keyctl.orders.settle import recheck_absent, settle_all

if TYPE_CHECKING:
    from keyctl.clock import Clock
    from keyctl.home.config import Limits
    from keyctl.orders.wish import Wish

IN_FLIGHT_PAUSE_SECONDS = 0.05


async def settle_first(
    sessions: Sequence[Session], journal: Journal, wish: Wish, stopping: Callable[[], bool] = lambda: False
) -> dict[str, KeyctlError]:
    """One settling pass over what is unknown on these exchange accounts, whichever key it was sent with.

    By account id, why no order of the wish may go there now: an order of the symbol that stays unknown, or one that
    counted as never taken and has shown up. What is on its way is waited for first. An order that only reduces is
    stopped by unknown ones that reduce the same position; one that closes what is there, by none, and for it only those
    that reduce the same position are looked up.
    """
    sessions = [session for session in sessions if session.trouble is None]
    if not sessions:
        return {}
    places = journal.exchange_accounts.names(session.account.id for session in sessions)
    by_place = {places[session.account.id]: session for session in sessions}
    troubles: dict[str, KeyctlError] = {}
    for stored, _ in () if wish.closes else await recheck_absent(by_place, journal):
        if stored.leg.order.symbol == wish.symbol and not wish.reduces:
            troubles[stored.leg.exchange_account] = _showed_up(by_place[stored.leg.exchange_account], stored)
    if not wish.closes:
        await wait_in_flight(journal, set(by_place), wish, sessions[0].network.clock, stopping)
    pairs = [
        (by_place[stored.leg.exchange_account], stored)
        for stored in journal.unsettled()
        if stored.leg.exchange_account in by_place and (not wish.closes or _reduces_the_same(stored.leg.order, wish))
    ]
    for stored, result in await settle_all(pairs, journal):
        if result.outcome is Outcome.UNKNOWN and _stands_before(stored.leg, wish):
            session = by_place[stored.leg.exchange_account]
            troubles.setdefault(stored.leg.exchange_account, _still_open(session, stored, result.detail))
    return {account_id: troubles[place] for account_id, place in places.items() if place in troubles}


async def wait_in_flight(
    journal: Journal,
    places: Collection[str],
    wish: Wish,
    clock: Clock,
    stopping: Callable[[], bool],
) -> None:
    """Returns when no order that the wish waits for is on its way on these exchange accounts: one of its symbol, and
    where it only reduces, one that reduces on its side.

    Each is either answered within its call's deadline or counts as unknown from then on; those that are met first are
    waited for, and none that sets out later for longer than they are.
    """
    deadline: float | None = None
    while not stopping():
        now = clock.now()
        ends = [
            until
            for leg in journal.on_their_way(wish.symbol)
            if leg["exchange_account"] in places
            and (not wish.reduces or (leg["reduce_only"] and leg["side"] == wish.side))
            and (until := in_flight_until(leg, now)) is not None
        ]
        deadline = max(ends, default=now) if deadline is None else deadline
        if not ends or now >= deadline:
            return
        await clock.sleep(IN_FLIGHT_PAUSE_SECONDS)


def _stands_before(leg: Leg, wish: Wish) -> bool:
    """Whether an unknown order stops the wish on its exchange account."""
    if leg.order.symbol != wish.symbol:
        return False
    if not wish.reduces:
        return True
    return _reduces_the_same(leg.order, wish) and not wish.closes


def _reduces_the_same(order: Order, wish: Wish) -> bool:
    """Whether an order reduces the position that the wish reduces."""
    return order.symbol == wish.symbol and order.reduce_only and order.side is wish.side


def _showed_up(session: Session, stored: StoredLeg) -> CheckFailed:
    return CheckFailed(
        f"{session.account.label}: the {stored.leg.order.symbol} order of plan {stored.leg.plan_id} was accepted "
        "after all (found late); nothing new was sent",
        f"check it: keyctl orders show {stored.leg.plan_id}",
        code="order_showed_up",
        account=session.account.label,
        exchange=stored.leg.exchange,
    )


def _still_open(session: Session, stored: StoredLeg, detail: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{session.account.label}: an earlier {stored.leg.order.symbol} order of plan {stored.leg.plan_id} is still "
        f"unknown: {detail}",
        "nothing was sent; find out its outcome first: keyctl orders settle --wait",
        account=session.account.label,
        exchange=stored.leg.exchange,
    )


async def clear_way(
    legs: Sequence[StoredLeg],
    basis: Basis,
    journal: Journal,
    limits: Limits,
    clock: Clock,
    stopping: Callable[[], bool],
) -> tuple[dict[int, KeyctlError], bool]:
    """By row, what the journal has against sending a leg, and whether orders that are on their way were waited for."""
    found, waited = await wait_for_others([stored.leg for stored in legs], basis, journal, limits, clock, stopping)
    return {stored.row: met.error for stored, met in zip(legs, found, strict=True) if met is not None}, waited


async def wait_for_others(
    legs: Sequence[Leg],
    basis: Basis,
    journal: Journal,
    limits: Limits,
    clock: Clock,
    stopping: Callable[[], bool],
) -> tuple[list[Met | None], bool]:
    """What stands in the way of each leg when waiting no longer helps, and whether it was waited at all.

    At most until all that was met first is over: what sets out later does not make it longer.
    """
    deadline: float | None = None
    waited = False
    while True:
        found = journal.met(legs, basis, limits)
        now = clock.now()
        ends = max((met.until for met in found if met is not None and met.until is not None), default=now)
        deadline = ends if deadline is None else deadline
        if min(ends, deadline) <= now or stopping():
            return found, waited
        waited = True
        await clock.sleep(IN_FLIGHT_PAUSE_SECONDS)


def guarded(leg: Leg, trouble: KeyctlError) -> LegResult:
    """The result of a leg that was left out for what the journal has against it."""
    # Wherever a leg is shown its account's name stands beside it.
    detail = trouble.message.removeprefix(f"{leg.account}: ")
    named = trouble.named(leg.account, leg.exchange, str(leg.order.market))
    return LegResult(leg, Outcome.NOT_SENT, detail=detail, trouble=named)
