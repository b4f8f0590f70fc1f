"""The four symptoms of LBank's troubleshooting table: each made on the twin, each ends in its cause and no wrong order.

Over real sockets, with the real commands. What LBank itself leaves open is told as open, with the likeliest first.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from keyctl.model.words import PositionSide
from keyctl.orders import leverage
from keyctl.twin.faults import FaultKind
from keyctl.twin.keys import MadeKey
from keyctl.twin.lbank.face import LBank
from tests.support.ran import Ran
from tests.support.world import World

HERE, ELSEWHERE = "127.0.0.1", "203.0.113.9"
FULL = ("read", "spot_trade", "futures_trade")
SYMBOL, NATIVE = "BTC/USDT:USDT", "BTCUSDT"
SPOT = ("order", "buy", "BTC/USDT", "0.002", "--price", "59000", "-a", "lbank-a", "--yes", "--json")
AGREED = ("--experimental", "--expect-value", "118", "--yes", "--json")
FUTURES = ("order", "buy", SYMBOL, "0.002", "--price", "59000", "-a", "lbank-a", *AGREED)


def add(world: World, *rights: str, ips: dict[str, tuple[str, ...]] | None = None, **options: Any) -> MadeKey:
    options.setdefault("created_ms", int(time.time() * 1000))
    return world.add("lbank", rights=rights or FULL, ips=ips or {"spot": (HERE,), "futures": (HERE,)}, **options)


def changing(world: World) -> list[str]:
    """The calls that could have changed the account, as they arrived."""
    return [line.path.rpartition("/")[2] for line in world.venue("lbank").calls.lines if line.changes]


def diagnosis(world: World) -> Ran:
    return world.keyctl("diagnose", "lbank-a", "--json")


def said(ran: Ran) -> str:
    """All that a person is told besides the rows: messages and hints."""
    return " ".join(" ".join((error["message"], *error["hints"])) for error in ran.document["errors"])


def nothing_was_ordered(world: World) -> bool:
    venue = world.venue("lbank")
    return not venue.orders and not venue.placements and not any("rder" in path for path in changing(world))


# 1. 10007.


@pytest.mark.parametrize("code", [10007, 65])
def test_10007_of_the_contract_api_is_told_as_its_ip_list_first(
    world: World, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Which code LBank gives is not proven, so the twin can give both; neither is told as a wrong signature."""
    face = next(face for face in (port.face for port in world.twin._ports.values()) if isinstance(face, LBank))
    monkeypatch.setattr(face, "contract_ip_code", code)
    add(world, ips={"spot": (HERE,), "futures": (ELSEWHERE,)})
    found = diagnosis(world)
    assert (found.exit_code, found.data["cause"]) == (4, "futures_ip_list")
    assert f"add {HERE} to the futures whitelist" in found.data["fix"]
    assert ("futures_permission" in found.data["also_possible"]) is (code == 10007)
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    assert ran.exit_code == 4 and nothing_was_ordered(world)
    assert f"{code}" in said(ran) and "signature is wrong" not in said(ran)
    assert ("futures IP list" if code == 10007 else "IP address was not accepted") in said(ran)
    # Spot has a list of its own, and goes on.
    assert world.keyctl(*SPOT).exit_code == 0


def test_10007_of_the_spot_api_is_told_as_the_secret(world: World) -> None:
    made = add(world)
    with world.venue("lbank").lock:
        made.key.secret = b"0" * 32
    found = diagnosis(world)
    assert (found.exit_code, found.data["cause"]) == (4, "wrong_secret")
    ran = world.keyctl(*SPOT)
    assert ran.exit_code == 4 and nothing_was_ordered(world)
    assert "10007" in said(ran) and "signature is wrong" in said(ran)


def test_both_readings_of_10007_are_told_apart_without_an_account(world: World) -> None:
    spot, futures = (
        world.keyctl("diagnose", "lbank", "10007", "--market", market).stdout for market in ("spot", "futures")
    )
    assert "signature is wrong" in spot and "FUTURES list" not in spot
    assert "FUTURES list" in futures


# 2. Reads work, orders do not.


def test_a_key_that_reads_futures_and_may_not_trade_them(world: World) -> None:
    add(world, "read", "spot_trade")
    assert world.keyctl("positions", "lbank-a").exit_code == 0
    found = diagnosis(world)
    # No call of LBank tells this right: nothing is wrong that could be read, and that is what is said.
    assert found.data["cause"] == "healthy"
    told = world.keyctl("diagnose", "lbank-a").stdout
    assert "does not report whether the key may trade futures; only an order shows it" in told
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"]) == (8, "not_sent")
    assert changing(world) == ["setLeverage"] and nothing_was_ordered(world)
    assert "may not trade contracts; reading may still work" in said(ran)
    assert "keyctl diagnose lbank 51 --market futures" in said(ran)
    assert "Tick Futures trading" in world.keyctl("diagnose", "lbank", "51", "--market", "futures").stdout


def test_an_order_that_needs_no_setting_is_refused_by_the_venue_and_stays_open_to_doubt(world: World) -> None:
    """No refusal of LBank's contract API is proven to mean "not taken": a person is told the code and the doubt."""
    made = add(world, "read", "spot_trade")
    world.venue("lbank").derivatives.set_leverage(made.key.uid, NATIVE, Decimal(2))
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"]) == (7, "unknown")
    assert changing(world) == ["placeOrder"] and world.venue("lbank").orders == []
    assert "may not trade contracts" in said(ran)
    assert "may not trade contracts" in world.keyctl("diagnose", "--last").stdout


def test_a_key_that_reads_spot_and_may_not_trade_it(world: World) -> None:
    add(world, "read", "futures_trade")
    found = diagnosis(world)
    assert (found.exit_code, found.data["cause"]) == (4, "trade_permission")
    ran = world.keyctl(*SPOT)
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (4, "key_may_not_trade")
    assert "no permission for spot trading" in said(ran) and "keyctl diagnose lbank-a" in said(ran)
    assert changing(world) == [] and nothing_was_ordered(world)


# 3. Leverage does not apply.


def other_direction(world: World) -> str:
    """An account whose leverage was set for long positions, while its orders use the net direction; its uid."""
    uid = add(world).key.uid
    engine = world.venue("lbank").derivatives
    engine.set_leverage(uid, NATIVE, Decimal(20))
    engine.set_leverage(uid, NATIVE, Decimal(3), None, PositionSide.LONG)
    return uid


def test_a_leverage_of_another_direction_is_not_taken_for_the_orders_own(world: World) -> None:
    other_direction(world)
    ran = world.keyctl(*FUTURES)
    assert ran.exit_code == 4 and nothing_was_ordered(world)
    assert "leverage 20x (set at lbank for BTC/USDT:USDT) is above the cap of 5x" in said(ran)


def test_leverage_is_set_for_the_orders_own_direction_read_back_and_then_the_order_goes(world: World) -> None:
    uid = other_direction(world)
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    assert ran.exit_code == 0, ran.stdout
    assert changing(world) == ["setLeverage", "placeOrder"]
    names = [line.path.rpartition("/")[2] for line in world.venue("lbank").calls.lines]
    assert "position" in names[names.index("setLeverage") : names.index("placeOrder")]
    engine = world.venue("lbank").derivatives
    assert (engine.leverage(uid, NATIVE), engine.leverage(uid, NATIVE, None, PositionSide.LONG)) == (
        Decimal(2),
        Decimal(3),
    )
    (order,) = world.venue("lbank").orders
    assert (order.type, order.price, order.position) == ("limit", Decimal(59000), None)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": FaultKind.LIES}, "leverage is 20x, wanted 2x"),
        ({"kind": FaultKind.ECHO_OTHER}, "echoes another leverage"),
        ({"kind": FaultKind.GARBAGE, "body": "{}"}, "the order was not sent"),
        ({"kind": FaultKind.HANG_BEFORE}, ""),
        ({"kind": FaultKind.RESET_AFTER}, ""),
    ],
    ids=lambda value: str(value.get("kind")) if isinstance(value, dict) else "",
)
def test_a_leverage_that_is_not_confirmed_keeps_the_order_back(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(leverage, "SETTING_SECONDS", 0.5)
    other_direction(world)
    world.fault(exchange="lbank", operation="leverage", **fault)
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"]) == (8, "not_sent")
    assert words in leg["detail"]
    assert changing(world) == ["setLeverage"] and nothing_was_ordered(world)


def test_hedge_mode_whose_directions_are_not_agreed_on_is_named_and_never_changed(world: World) -> None:
    uid = add(world).key.uid
    world.venue("lbank").derivatives.set_hedge(uid, True)
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    assert ran.exit_code == 4 and changing(world) == []
    assert "hedge mode" in said(ran) and "never changes the mode" in said(ran)
    assert world.venue("lbank").derivatives.hedge(uid)


def test_the_symptom_can_be_looked_up_in_its_own_words(world: World) -> None:
    told = world.keyctl("diagnose", "lbank", "--search", "leverage does not apply").stdout
    assert "another direction" in told


# 4. Works on spot and fails on futures.


def test_a_key_without_futures_works_on_spot_and_is_named(world: World) -> None:
    made = add(world, "read", "spot_trade")
    made.key.permissions["futures_read"] = False
    found = diagnosis(world)
    assert (found.exit_code, found.data["cause"]) == (4, "futures_permission")
    rows = {row["check"]: row["level"] for row in found.data["evidence"]}
    assert (rows["spot"], rows["futures"]) == ("pass", "fail")
    ran = world.keyctl(*FUTURES, "--leverage", "2")
    assert ran.exit_code == 4 and nothing_was_ordered(world)
    assert "no permission for this call on the contract API" in said(ran)
    assert world.keyctl(*SPOT).exit_code == 0
    assert [order.instrument.symbol for order in world.venue("lbank").orders] == ["BTC/USDT"]


def test_among_many_accounts_the_refused_one_is_named_before_anything_is_sent(world: World) -> None:
    """Rights stop a whole plan."""
    add(world, ips={"spot": (HERE,), "futures": (ELSEWHERE,)})
    world.add("bitfinex", rights=FULL)
    command = ("order", "buy", SYMBOL, "0.002", "--price", "59000", "--leverage", "2", "--fanout", "--all")
    ran = world.keyctl(*command, "--experimental", "--expect-value", "236", "--yes", "--json")
    assert ran.exit_code == 4 and "lbank-a" in said(ran)
    assert nothing_was_ordered(world) and world.venue("bitfinex").orders == []
