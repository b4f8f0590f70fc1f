"""What a person may do about a plan that went out in part: commands to paste. keyctl does none of it itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.model import LegResult, Market, OrderState, Outcome, TimeInForce
from keyctl.model.noun import Noun

if TYPE_CHECKING:
    from keyctl.dispatch import LeftOut


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Step(Noun):
    """One thing to do: in words, and as a command."""

    words: str
    command: str

    def __str__(self) -> str:
        return f"{self.words}: {self.command}"


def steps(plan_id: str, results: Sequence[LegResult], left_out: Sequence[LeftOut]) -> list[Step]:
    """What can be done next: nothing when every leg was accepted, and no sending while an outcome is unknown."""
    outcomes = [result.outcome for result in results]
    if not left_out and all(outcome is Outcome.ACCEPTED for outcome in outcomes):
        return []
    found = []
    unsent = any(item.target.stored for item in left_out) or Outcome.NOT_SENT in outcomes
    if Outcome.UNKNOWN in outcomes:
        words = "Unknown is not refused: do not send again. Clear it up"
        found.append(Step(words, "keyctl orders settle --wait"))
    elif unsent:
        found.append(Step("Send what did not go out", f"keyctl order --plan {plan_id}"))
    accepted = [result for result in results if result.outcome is Outcome.ACCEPTED]
    if any(map(_may_rest, accepted)):
        found.append(Step("Cancel what rests", f"keyctl cancel --plan {plan_id}"))
    opened = [result for result in accepted if _has_opened(result)]
    if opened:
        words, order = "Close the whole positions where it filled", opened[0].leg.order
        side = next((item.leg.order.position for item in opened if item.leg.order.hedge), None)
        found.append(Step(words, close_command(order.symbol, (item.leg.account for item in opened), side)))
    return found


def close_command(symbol: str, labels: Iterable[str], side: str | None = None) -> str:
    """The command that closes the positions of these accounts in a symbol, of both sides or of one."""
    accounts = (f"-a {label}" for label in dict.fromkeys(labels))
    return " ".join([f"keyctl close {symbol}", *accounts, *([f"--position {side}"] if side else [])])


def _may_rest(result: LegResult) -> bool:
    if result.status is not None:
        return result.status.state is OrderState.OPEN
    return result.leg.order.time_in_force not in (TimeInForce.IOC, TimeInForce.FOK)


def _has_opened(result: LegResult) -> bool:
    order, status = result.leg.order, result.status
    filled = status is not None and status.filled > 0
    return order.market is Market.FUTURES and not order.reduce_only and filled
