"""What is said after a plan went out in part: the commands, ready to paste, and none that would be wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keyctl.desk.order_advice import steps
from keyctl.model.order import LegResult, OrderStatus
from keyctl.model.words import Market, OrderState, Outcome, PositionSide, TimeInForce
from keyctl.twin.faults import FaultKind
from tests.support.legs import make_leg
from tests.support.world import World

RIGHTS = ("read", "spot_trade", "futures_trade")
PERPETUAL: dict[str, Any] = {"symbol": "BTC/USDT:USDT", "market": Market.FUTURES}
PLAN = "keyctl order --plan aaaaaaaaaa"
CANCEL = "keyctl cancel --plan aaaaaaaaaa"


def result(index: int, outcome: Outcome, filled: str | None = None, state: str = "open", **order: Any) -> LegResult:
    leg = make_leg(index, **order)
    status = None
    if filled is not None:
        status = OrderStatus("1", leg.client_order_id, OrderState(state), leg.order.quantity, Decimal(filled))
    return LegResult(leg, outcome, "1" if outcome is Outcome.ACCEPTED else None, status)


def commands(*results: LegResult) -> list[str]:
    return [step.command for step in steps("aaaaaaaaaa", results, ())]


def test_a_plan_that_went_out_whole_leaves_nothing_to_do() -> None:
    assert commands(result(0, Outcome.ACCEPTED), result(1, Outcome.ACCEPTED)) == []


def test_what_did_not_go_out_can_be_sent_and_what_rests_canceled() -> None:
    assert commands(result(0, Outcome.ACCEPTED), result(1, Outcome.NOT_SENT)) == [PLAN, CANCEL]


def test_what_was_refused_is_not_offered_for_sending() -> None:
    assert commands(result(0, Outcome.ACCEPTED), result(1, Outcome.REJECTED)) == [CANCEL]
    assert commands(result(0, Outcome.REJECTED)) == []


def test_while_something_is_unknown_nothing_is_to_be_sent() -> None:
    some = (result(0, Outcome.ACCEPTED), result(1, Outcome.UNKNOWN), result(2, Outcome.NOT_SENT))
    assert commands(*some) == ["keyctl orders settle --wait", CANCEL]


def test_what_has_ended_is_not_offered_for_canceling() -> None:
    ended = result(0, Outcome.ACCEPTED, "0.001", "closed")
    immediate = result(1, Outcome.ACCEPTED, time_in_force=TimeInForce.IOC)
    assert commands(ended, immediate, result(2, Outcome.REJECTED)) == []


def test_positions_that_were_opened_can_be_closed() -> None:
    some = [
        result(0, Outcome.ACCEPTED, "0.001", "closed", **PERPETUAL),
        result(1, Outcome.ACCEPTED, "0.0005", **PERPETUAL),
        result(2, Outcome.ACCEPTED, "0", **PERPETUAL),
        result(3, Outcome.REJECTED, **PERPETUAL),
    ]
    assert commands(*some) == [CANCEL, "keyctl close BTC/USDT:USDT -a acme-0 -a acme-1"]


def test_the_other_position_of_a_hedged_account_is_left_alone() -> None:
    hedged = {**PERPETUAL, "hedge": True, "position": PositionSide.LONG}
    some = [result(0, Outcome.ACCEPTED, "0.001", "closed", **hedged), result(1, Outcome.REJECTED, **hedged)]
    assert commands(*some) == ["keyctl close BTC/USDT:USDT -a acme-0 --position long"]


def test_an_order_that_reduced_has_opened_nothing() -> None:
    reduced = result(0, Outcome.ACCEPTED, "0.001", "closed", reduce_only=True, **PERPETUAL)
    assert commands(reduced, result(1, Outcome.REJECTED, **PERPETUAL)) == []


def test_the_commands_do_what_they_say(world: World) -> None:
    """A plan of two legs of which one is refused: paste what is printed, and nothing of it is left."""
    for exchange in ("binance", "okx"):
        world.add(exchange, rights=RIGHTS)
    body = '{"code":"1","msg":"","data":[{"sCode":"51008","sMsg":"Insufficient balance","ordId":"","clOrdId":""}]}'
    world.fault(kind=FaultKind.ANSWER, exchange="okx", operation="place", status=200, body=body)
    words = ("order", "buy", "BTC/USDT:USDT", "0.005", "--leverage", "1", "--fanout", "--all", "--json")
    value = world.keyctl(*words, "--dry-run").data["value_usd"]
    ran = world.keyctl(*words, "--expect-value", f"{Decimal(value):.2f}")
    assert ran.exit_code == 6, ran.stdout
    assert ran.data["next"] == ["keyctl close BTC/USDT:USDT -a binance-a"]
    for command in ran.data["next"]:
        assert world.keyctl(*command.split()[1:], "--yes").exit_code == 0
    uid = world.made["binance-a"].key.uid
    assert world.venue("binance").derivatives.positions(uid) == []


def test_a_draft_is_sent_by_the_command_that_was_printed_as_it_was_meant(world: World) -> None:
    """A stored plan does not keep --mode all and --change-existing: the command says them again."""
    for exchange in ("binance", "okx"):
        world.add(exchange, rights=RIGHTS)
    words = ("order", "buy", "BTC/USDT:USDT", "0.005", "--price", "58000", "--leverage", "2", "--fanout", "--all")
    draft = world.keyctl(*words, "--mode", "all", "--change-existing", "--dry-run", "--json").data
    (command,) = draft["next"]
    assert command == f"keyctl order --plan {draft['plan']} --mode all --change-existing"
    world.fault(exchange="okx", operation="leverage", kind=FaultKind.LIES)
    value = f"{Decimal(draft['value_usd']):.2f}"
    ran = world.keyctl(*command.split()[1:], "--expect-value", value, "--json")
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["not_sent"] * 2
    assert ran.data["next"] == [command]
    assert world.keyctl(*ran.data["next"][0].split()[1:], "--expect-value", value).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--price", "58000", "--tif", "fok", "--leverage", "2", "--position", "long"),
        ("--max-slippage", "0.005", "--leverage", "2"),
        ("--max-slippage", "none", "--leverage", "2", "--margin", "isolated"),
        ("--price", "58000", "--leverage", "2", "--post-only", "--change-existing"),
        ("--price", "58000", "--tif", "gtd", "--until", "2099-12-31T18:00:00.000Z", "--leverage", "2"),
    ],
    ids=" ".join,
)
def test_what_was_not_in_the_plan_is_ordered_by_its_command(world: World, words: tuple[str, ...]) -> None:
    for exchange in ("binance", "bitfinex"):
        world.add(exchange, rights=RIGHTS)
    world.fault(kind=FaultKind.RESET_BEFORE, exchange="binance", operation="futures_state", times=None)
    order = ("order", "buy", "BTC/USDT:USDT", "0.005", *words)
    ran = world.keyctl(*order, "--fanout", "--all", "--expect-value", "290" if "--price" in words else "301", "--json")
    (command,) = (command for command in ran.data["next"] if command.startswith("keyctl order buy"))
    # The same words, with the account that was left out.
    assert sorted(command.split()) == sorted(["keyctl", *order, "-a", "binance-a"])
    world.twin.faults.clear()
    late = world.keyctl(*command.split()[1:], "--expect-value", "290" if "--price" in words else "301", "--json")
    assert late.exit_code in (0, 5), late.stdout
    names = ("symbol", "side", "quantity", "position", "leverage", "time_in_force")
    (leg,), first = late.data["legs"], ran.data["legs"][0]
    assert [leg[name] for name in names] == [first[name] for name in names]
    assert leg["outcome"] in ("accepted", "rejected") and len(world.placements()) == 2


def test_people_see_the_commands_too(world: World) -> None:
    for exchange in ("binance", "okx"):
        world.add(exchange)
    body = '{"code":"1","msg":"","data":[{"sCode":"51008","sMsg":"Insufficient balance","ordId":"","clOrdId":""}]}'
    world.fault(kind=FaultKind.ANSWER, exchange="okx", operation="place", status=200, body=body)
    ran = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--fanout", "--all", "--yes")
    assert ran.exit_code == 6
    (line,) = (line for line in ran.stderr.splitlines() if line.startswith("To cancel the open orders: "))
    assert world.keyctl(*line.partition("keyctl ")[2].split(), "--yes").exit_code == 0
    assert all(order.state is OrderState.CANCELED for order in world.venue("binance").orders)
