"""What the journal holds against sending a leg now: the same order, one in flight, one unknown, a leverage that moved.

Asked early, so that nobody waits for a refusal, and again inside the claim's transaction, where the world stands still.
Reads only; the facts of a leg are its columns in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from keyctl.errors import CheckFailed, KeyctlError, OutcomeUnknown
from keyctl.model.noun import Noun

# Longer than one call may take (session.CALL_SECONDS and two seconds of slack): after that its outcome is unknown.
IN_FLIGHT_SECONDS = 12.0
# How long an unknown order that only reduces keeps another one waiting: its acceptance window and two seconds.
WINDOW_SLACK_SECONDS = 2.0
NO_WINDOW_SECONDS = 15.0


class Facts(Protocol):
    """The columns of a leg, by name."""

    def __getitem__(self, name: str, /) -> Any: ...


Ask = Callable[..., Sequence[Any]]

_PLACE = (
    "SELECT * FROM legs WHERE exchange_account=? AND symbol=? AND NOT (plan_id=? AND client_order_id=?)"
    " AND (state IN ('sent', 'unknown') OR (state='accepted' AND (claimed_at > ? OR claim_number > ? OR id IN ({}))))"
)
_OPENING = (
    "SELECT * FROM legs WHERE exchange_account=? AND symbol=? AND state IN ('sent', 'unknown') AND NOT reduce_only"
)
_REDUCING = "SELECT * FROM legs WHERE state IN ('sent', 'unknown') AND reduce_only"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Basis(Noun):
    """What a run's decisions rest on, noted before it looked at the exchanges.

    `claims`: how many claims the journal had counted before positions were asked for. `undecided`: the rows of reducing
    orders among them that could still be taken then, so that a position may have been read without what they did.
    `settings`: by client order id, the number of the leverage setting that was read or confirmed for the leg, and what
    was confirmed, in the words of `VenueSettings.take`. `again`: a repeat is meant.
    """

    claims: int
    again: bool = False
    settings: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    undecided: frozenset[int] = frozenset()


class Met(NamedTuple):
    """What stands in a leg's way. `until` (Unix s): when it is over at the latest; None where waiting does not help."""

    error: KeyctlError
    until: float | None = None


def met(ask: Ask, leg: Facts, basis: Basis, now: float, repeat_seconds: int) -> Met | None:
    """What stands in the way of a leg; None when it may be claimed. `ask` runs a query of the journal.

    `leg` are its columns, whether or not it is stored yet.
    """
    place = _PLACE.format(", ".join("?" * len(basis.undecided)))
    which = leg["exchange_account"], leg["symbol"], leg["plan_id"], leg["client_order_id"]
    others = ask(place, *which, now - repeat_seconds, basis.claims, *sorted(basis.undecided))
    if not (leg["closes"] or basis.again):
        for other in others:
            if (other["claimed_at"] or 0) > now - repeat_seconds and same_order(other, leg):
                return Met(_repeated(leg, other, now))
    if leg["exempt"]:
        return _met_by_reducing(others, leg, basis, now)
    open_questions = [other for other in others if other["state"] != "accepted"]
    for other in open_questions:
        if (until := in_flight_until(other, now)) is not None:
            return Met(_in_flight(leg, other), until)
    return Met(_unknown(leg, open_questions[0])) if open_questions else None


def same_order(other: Facts, leg: Facts) -> bool:
    """Whether two legs of one exchange account and symbol are the same order as they go out, or the same wish.

    Numbers are compared as numbers. The price of an immediate order follows the market, so it is not compared.
    """
    names = ("side", "type", "time_in_force", "trigger_kind", "reduce_only", "position")
    if other["plan_id"] == leg["plan_id"] or any(other[name] != leg[name] for name in names):
        return False
    if leg["asked"] and other["asked"] == leg["asked"]:
        return True
    if not _equal(other["trigger_price"], leg["trigger_price"]):
        return False
    if leg["quote_quantity"] is not None and _equal(other["quote_quantity"], leg["quote_quantity"]):
        return True
    priced = leg["time_in_force"] == "ioc" or _equal(other["price"], leg["price"])
    return priced and _equal(other["quantity"], leg["quantity"])


def in_flight_until(leg: Facts, now: float) -> float | None:
    """The Unix time at which a leg that is on its way counts as unknown; None for one that is not on its way.

    One that was claimed in the future, by a clock that has stepped back since, counts as unknown at once.
    """
    claimed_at = leg["claimed_at"]
    if leg["state"] != "sent" or claimed_at is None or not 0 <= now - claimed_at < IN_FLIGHT_SECONDS:
        return None
    return float(claimed_at) + IN_FLIGHT_SECONDS


def opens_there(ask: Ask, exchange_account: str, symbol: str, account: str, now: float) -> KeyctlError | None:
    """The refusal where an opening order in that perpetual is on its way, or unknown: it must find the leverage under
    which it was sent. None where there is none."""
    for other in ask(_OPENING, exchange_account, symbol):
        place = {"account": account, "symbol": symbol, "exchange": other["exchange"]}
        return (_unknown if in_flight_until(other, now) is None else _in_flight)(place, other)
    return None


def undecided(ask: Ask, now: float) -> frozenset[int]:
    """The rows of reducing orders that have no outcome yet and can still be taken."""
    return frozenset(other["id"] for other in ask(_REDUCING) if _undecided_until(other, now) is not None)


def _met_by_reducing(others: Sequence[Facts], leg: Facts, basis: Basis, now: float) -> Met | None:
    """What stops a leg whose venue holds it to reducing: another such order of the same position, and nothing else.

    What can still be taken comes first: only when that is over the position can be read again for good.
    """
    same = [other for other in others if _reduces_the_same(other, leg)]
    open_questions = [other for other in same if other["state"] != "accepted"]
    if leg["closes"]:
        waits = [(until, other) for other in open_questions if (until := _undecided_until(other, now)) is not None]
    else:
        waits = [(until, other) for other in open_questions if (until := in_flight_until(other, now)) is not None]
    if waits:
        until, other = max(waits, key=lambda wait: wait[0])
        error = _unknown(leg, other) if in_flight_until(other, now) is None else _in_flight(leg, other)
        return Met(error, until)
    if open_questions and not leg["closes"]:  # a whole position is read anew and closed; a size that was given is not
        return Met(_unknown(leg, open_questions[0]))
    for other in same:
        if (other["claim_number"] or 0) > basis.claims or other["id"] in basis.undecided:
            return Met(_reduced_meanwhile(leg, other), now)
    return None


def _undecided_until(other: Facts, now: float) -> float | None:
    """When a reducing order without an outcome can no longer be taken (Unix s); None where that is over."""
    in_flight, window = in_flight_until(other, now), _window_until(other)
    if in_flight is not None:
        return max(in_flight, window)
    return window if window > now >= (other["claimed_at"] or 0) else None


def _reduces_the_same(other: Facts, leg: Facts) -> bool:
    margins = {other["margin"], leg["margin"]} - {None}
    return bool(other["reduce_only"]) and other["side"] == leg["side"] and len(margins) < 2


def _window_until(other: Facts) -> float:
    """When a copy of that order that is still under way will be refused."""
    window = other["window_seconds"]
    seconds = NO_WINDOW_SECONDS if window is None else window + WINDOW_SLACK_SECONDS
    return float(other["claimed_at"] or 0) + seconds


def _equal(one: str | None, other: str | None) -> bool:
    return one == other if one is None or other is None else Decimal(one) == Decimal(other)


def _repeated(leg: Facts, other: Facts, now: float) -> CheckFailed:
    seconds = max(now - other["claimed_at"], 0)
    state = {"sent": "on its way"}.get(other["state"], other["state"])
    return CheckFailed(
        f"{leg['account']}: the same order was sent {seconds:.0f} s ago (plan {other['plan_id']}, {state})",
        f"check it: keyctl orders show {other['plan_id']}",
        "to send it again, add --again",
        code="repeated_order",
        account=leg["account"],
        exchange=leg["exchange"],
    )


def _in_flight(leg: Facts, other: Facts) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{leg['account']}: another {leg['symbol']} order is on its way (plan {other['plan_id']})",
        f"check its outcome: keyctl orders show {other['plan_id']}",
        code="order_in_flight",
        account=leg["account"],
        exchange=leg["exchange"],
    )


def _unknown(leg: Facts, other: Facts) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{leg['account']}: an earlier {leg['symbol']} order of plan {other['plan_id']} is still unknown",
        "find out its outcome first: keyctl orders settle --wait",
        account=leg["account"],
        exchange=leg["exchange"],
    )


def _reduced_meanwhile(leg: Facts, other: Facts) -> CheckFailed:
    return CheckFailed(
        f"{leg['account']}: plan {other['plan_id']} has reduced this position since it was read",
        "run the command again",
        code="reduced_meanwhile",
        account=leg["account"],
        exchange=leg["exchange"],
    )
