"""A key that is known not to trade sends no order: every combination of rights and profiles, judged by a table here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import Side
from keyctl.network.session import READ_TRIES
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.ran import Ran
from tests.support.world import ALL, RIGHTS, World, open_position

SPOT = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--yes")
FUTURES = (
    "order",
    "buy",
    "BTC/USDT:USDT",
    "0.005",
    "--price",
    "58000",
    "--leverage",
    "1",
    "--change-existing",
    "--yes",
)
# What each profile forbids; the one without a name is the default, which only warns.
PROFILES: dict[str, set[str]] = {
    "": set(),
    "read": {"spot", "futures"},
    "spot": set(),
    "futures": set(),
    "no-spot": {"spot"},
    "no-futures": {"futures"},
}
OWN = """
[profiles.no-spot]
wanted = ["futures_trade"]
forbidden = ["spot_trade"]

[profiles.no-futures]
wanted = ["spot_trade"]
forbidden = ["futures_trade"]
"""
SETS = [("read", *rights) for rights in ((), ("spot_trade",), ("futures_trade",), ("spot_trade", "futures_trade"))]


def known_off(exchange: str, market: str, rights: tuple[str, ...]) -> bool:
    """Whether the exchange says that the key may not trade there: two have one right for both markets, and LBank says
    nothing of contracts."""
    if exchange in ("okx", "bitfinex") or market == "spot":
        return "spot_trade" not in rights
    return exchange == "binance" and "futures_trade" not in rights


def choose(world: World, label: str, profile: str) -> None:
    """Writes config.toml with that profile for the account."""
    text = OWN + (f'\n[accounts.{label}]\nprofile = "{profile}"\n' if profile else "")
    world.app().home.config_file.write_text(text, encoding="utf-8")


@pytest.fixture(params=ALL)
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("trade-right") / "world") as made:
        yield made
        assert made.twin.faults_of_its_own == []


def sent(world: World, exchange: str) -> int:
    return sum(world.venue(exchange).calls.arrivals.values())


def order(world: World, label: str, words: tuple[str, ...]) -> Ran:
    return world.keyctl(*words, "-a", label, "--again", "--json")


@pytest.mark.parametrize("rights", SETS, ids="+".join)
def test_no_order_that_must_fail_is_sent_and_none_that_may_pass_is_stopped(
    world: World, exchange: str, rights: tuple[str, ...]
) -> None:
    label = f"{exchange}-{SETS.index(rights)}"
    world.add(exchange, label, rights=rights)
    markets = ("spot",) if exchange == "lbank" else ("spot", "futures")  # its contract orders are experimental
    for profile, market in product(PROFILES, markets):
        choose(world, label, profile)
        before = sent(world, exchange)
        ran = order(world, label, SPOT if market == "spot" else FUTURES)
        told = (profile, market, ran.stdout)
        forbidden, off = market in PROFILES[profile], known_off(exchange, market, rights)
        if exchange == "bitfinex" and market == "futures" and not (forbidden or off) and "futures_trade" not in rights:
            # Orders may go by their own right, but the position cannot be seen, which no scope tells beforehand.
            assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.CHECK, "key_refused"), told
            continue
        if not (forbidden or off):
            assert (ran.exit_code, sent(world, exchange)) == (ExitCode.OK, before + 1), told
            continue
        assert (ran.exit_code, sent(world, exchange)) == (ExitCode.CHECK, before), told
        (error,) = ran.document["errors"]
        assert error["code"] == ("profile_forbids_trade" if forbidden else "key_may_not_trade"), told
        assert f"{market} trading" in error["message"], told
        hinted = any(f"keyctl diagnose {label}" in hint for hint in error["hints"])
        assert hinted is not (forbidden and off), told


def test_the_hint_names_the_permission_that_is_missing(world: World, exchange: str) -> None:
    label = f"{exchange}-hint"
    world.add(exchange, label, rights=("read",))
    choose(world, label, "")
    (error,) = order(world, label, SPOT).document["errors"]
    hint = error["hints"][0].partition("keyctl ")[2].split()
    ran = world.keyctl(*hint)
    assert ran.exit_code == ExitCode.CHECK and "the key may not trade" in ran.stdout


def test_one_key_of_many_stops_the_plan_before_anything_is_sent(world: World) -> None:
    for label, rights in (("fan-a", RIGHTS), ("fan-b", ("read",))):
        world.add("okx", label, rights=rights)
    choose(world, "fan-a", "")
    before = sent(world, "okx")
    ran = world.keyctl(*SPOT, "-a", "fan-a", "-a", "fan-b", "--fanout", "--json")
    assert (ran.exit_code, sent(world, "okx")) == (ExitCode.CHECK, before), ran.stdout
    assert ran.document["errors"][0]["account"] == "fan-b"


@pytest.mark.parametrize("exchange", ["binance", "bitfinex", "okx"])
def test_an_order_that_only_reduces_goes_out_with_a_warning(world: World, exchange: str) -> None:
    """A profile forbids trading, and a reading says that the right is off: neither keeps anybody in a position."""
    label = f"{exchange}-out"
    made = world.add(exchange, label, rights=RIGHTS)
    open_position(world, label, "BTC/USDT:USDT", Side.BUY, "2" if exchange == "okx" else "0.02")
    choose(world, label, "read")
    assert order(world, label, FUTURES).exit_code == ExitCode.CHECK
    reduce = ("order", "sell", "BTC/USDT:USDT", "0.005", "--reduce-only", "--yes")
    ran = order(world, label, reduce)
    assert ran.exit_code == ExitCode.OK, ran.stdout
    assert "forbids futures trading" in " ".join(ran.document["warnings"])
    choose(world, label, "")
    made.key.permissions.update(spot_trade=False, futures_trade=exchange == "bitfinex")
    before = sent(world, exchange)
    world.keyctl("verify", label)
    ran = order(world, label, reduce)
    if exchange == "binance":  # there the position itself cannot be read without that right
        assert ran.exit_code == ExitCode.CHECK and ran.document["errors"][0]["code"] == "key_refused"
        return
    assert (ran.exit_code, sent(world, exchange)) == (ExitCode.REFUSED, before + 1), ran.stdout
    assert "no permission for futures trading" in " ".join(ran.document["warnings"])


def test_a_right_switched_on_is_seen_at_once_and_a_reading_serves_for_a_day(tmp_path: Path) -> None:
    clock = ShiftedClock()
    with World(tmp_path / "world", now_ms=lambda: int(clock.now() * 1000)) as world:
        made = world.add("binance", rights=("read",))

        def ask() -> Ran:
            return world.keyctl(*SPOT, "-a", "binance-a", "--again", "--json", clock=clock)

        assert ask().document["errors"][0]["code"] == "key_may_not_trade"
        clock.ahead += 7200
        broken = world.fault(kind=FaultKind.HTML, exchange="binance", path="*apiRestrictions*", times=READ_TRIES)
        assert ask().document["errors"][0]["code"] == "key_may_not_trade" and broken.used == READ_TRIES
        made.key.permissions["spot_trade"] = True
        assert ask().exit_code == ExitCode.OK


def test_an_accepted_right_to_withdraw_is_named_in_every_preview(world: World, exchange: str) -> None:
    label = f"{exchange}-risk"
    world.add(exchange, label, rights=(*RIGHTS, "withdraw"))
    risk = f'[[accepted_risk]]\naccount = "{label}"\nrisk = "withdraw"\nreason = "sweeps at night"\ndate = 2026-11-01\n'
    world.app().home.config_file.write_text(risk, encoding="utf-8")
    for words in ((*SPOT[:-1], "--dry-run"), SPOT):
        ran = world.keyctl(*words, "-a", label, "--again", "--json")
        assert ran.exit_code == ExitCode.OK, ran.stdout
        told = " ".join(ran.document["warnings"])
        assert f"{label}: this key can withdraw your funds; you accepted this risk: sweeps at night" in told
