"""What a person may do about a plan that went out in part: commands to paste. keyctl does none of it itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keyctl.clock import rfc3339
from keyctl.exchanges.encoding import plain
from keyctl.model.order import LegResult
from keyctl.model.words import Market, OrderState, Outcome, TimeInForce, Trigger

if TYPE_CHECKING:
    from keyctl.orders.preview import LeftOut
    from keyctl.orders.wish import Wish

# The code of an order that was sent a moment ago: what it lacks is nothing that a further command could mend.
REPEATED = "repeated_order"


class Step(NamedTuple):
    """One thing to do: in words, and as a command."""

    words: str
    command: str

    def __str__(self) -> str:
        return f"{self.words}: {self.command}"


def steps(plan_id: str, results: Sequence[LegResult], left_out: Sequence[LeftOut], again: str = "") -> list[Step]:
    """What can be done next: nothing when every leg was accepted, and no sending while an outcome is unknown.

    `again` are the words that the plan needs when it is taken up, as `words_again` has them.
    """
    outcomes = [result.outcome for result in results]
    if not left_out and all(outcome is Outcome.ACCEPTED for outcome in outcomes):
        return []
    found = []
    kept_back = [item.error.code for item in left_out if item.target.stored]
    kept_back += [
        result.trouble.code if result.trouble else "" for result in results if result.outcome is Outcome.NOT_SENT
    ]
    unsent = any(code != REPEATED for code in kept_back)
    if Outcome.UNKNOWN in outcomes:
        words = "Unknown is not rejected; do not resend. Run"
        found.append(Step(words, "keyctl orders settle --wait"))
    elif unsent:
        found.append(Step("To send the rest", plan_command(plan_id, again)))
    accepted = [result for result in results if result.outcome is Outcome.ACCEPTED]
    if any(map(_may_rest, accepted)):
        found.append(Step("To cancel the open orders", f"keyctl cancel --plan {plan_id}"))
    opened = [result for result in accepted if _has_opened(result)]
    if opened:
        words, order = "To close the whole positions where it was filled", opened[0].leg.order
        side = next((item.leg.order.position for item in opened if item.leg.order.hedge), None)
        found.append(Step(words, close_command(order.symbol, (item.leg.account for item in opened), side)))
    new = [item for item in left_out if item.target.stored is None and item.error.code != REPEATED]
    labels = [item.label for item in new]
    if new and results and (command := order_command(new[0].target.wish, labels)):
        found.append(Step("To order on the accounts left out, after fixing the cause", command))
    return found


def words_again(wish: Wish, all_or_nothing: bool) -> str:
    """The options that a stored plan does not keep and that are asked for each time, as " --mode all"."""
    words = (
        ("--mode all", all_or_nothing),
        ("--change-existing", wish.change_existing),
        ("--experimental", wish.experimental),
    )
    return "".join(f" {word}" for word, wanted in words if wanted)


def plan_command(plan_id: str, again: str = "") -> str:
    """The command that sends what is left of a plan; `again` as `words_again` has it."""
    return f"keyctl order --plan {plan_id}{again}"


def order_command(wish: Wish, labels: Sequence[str]) -> str | None:
    """The command of this order on these accounts; None where its size was never worked out."""
    sizes = (("", wish.quantity), ("--quote ", wish.quote), ("--contracts ", wish.contracts))
    size = [f"{word}{plain(number)}" for word, number in sizes if number is not None]
    size += ["--for-position"] if wish.for_position else []
    if len(size) != 1:
        return None
    kept = wish.price is None or wish.time_in_force is TimeInForce.GTC
    options: tuple[tuple[str, Decimal | str | None], ...] = (
        ("price", wish.price),
        ("stop-at", wish.trigger_price if wish.trigger is Trigger.STOP else None),
        ("take-profit-at", wish.trigger_price if wish.trigger is Trigger.TAKE_PROFIT else None),
        ("max-slippage", (wish.max_slippage or "none") if wish.immediate else None),
        ("tif", None if kept else wish.time_in_force),
        ("until", None if wish.expires_ms is None else rfc3339(wish.expires_ms / 1000)),
        ("leverage", wish.leverage),
        ("margin", wish.margin),
        ("position", wish.position),
    )
    reduces = wish.reduce_only and not wish.for_position
    flags = (("post-only", wish.post_only), ("reduce-only", reduces), ("fanout", len(labels) > 1))
    words = [
        f"keyctl order {wish.side} {wish.symbol}",
        *size,
        *(f"--{name} {plain(value) if isinstance(value, Decimal) else value}" for name, value in options if value),
        *(f"--{name}" for name, wanted in flags if wanted),
        *(f"-a {label}" for label in labels),
    ]
    return " ".join(words) + words_again(wish, all_or_nothing=False)


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
