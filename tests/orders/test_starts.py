"""Cron and hand, a double click: the same order begun at once, or twice with a world that moved, is placed once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import Algorithm
from tests.support.starts import KINDS, PERPETUAL, Starts, both, move
from tests.support.world import RIGHTS, World

GATES = ("send", "connections")
ROUNDS = 5


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    with Starts(tmp_path_factory.mktemp("starts")) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize(("kind", "where"), [(kind, where) for kind, places in KINDS.items() for where in places])
def test_starts_at_one_moment_place_each_order_once(starts: Starts, kind: str, where: str, count: int) -> None:
    for number in range(ROUNDS):
        starts.round(kind, where, count, GATES[number % 2])
    print(starts.figures)
    assert not starts.figures.findings, starts.figures.findings[:5]
    assert starts.figures.met, "nobody met anybody: the starts did not overlap"


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize("where", ["binance", "okx"])
def test_an_order_goes_out_under_the_leverage_that_it_wants_or_not_at_all(
    starts: Starts, where: str, count: int
) -> None:
    for _ in range(ROUNDS):
        starts.leverage_round(where, count)
    print(starts.figures)
    assert not starts.figures.findings, starts.figures.findings[:5]


# Two starts one after the other, between which price and balance move: for every way of giving a size.

WAYS = {
    "base": ("BTC/USDT", "0.004"),
    "quote": ("BTC/USDT", "--quote", "300"),
    "percent": ("BTC/USDT", "--percent", "1"),
    "total": ("BTC/USDT", "0.004", "--total", "--split", "equal"),
    "risk": ("BTC/USDT", "--risk", "0.01", "--stop", "50000"),
    "contracts": (PERPETUAL, "--contracts", "1"),
    "quote of a perpetual": (PERPETUAL, "--quote", "600"),
    "limit price": ("BTC/USDT", "0.004", "--price", "57000.5"),
    "limit price of a quote": ("BTC/USDT", "--quote", "300", "--price", "57000"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_wish_is_a_repeat_whatever_price_and_balance_make_of_it(tmp_path: Path, way: str) -> None:
    with World(tmp_path / "world") as world:
        made = world.add("okx", rights=RIGHTS)
        words = ("order", "buy", *WAYS[way], "-a", "okx-a", "--fanout", "--expect-value")
        first = world.keyctl(*words, value_of(world, words), "--json")
        assert first.exit_code == 0, first.stdout
        move(world, "okx", WAYS[way][0], Decimal("-0.004"))
        world.venue("okx").balance(made.key.uid, "USDT").free -= 700
        second = world.keyctl(*words, value_of(world, words), "--json")
        assert second.exit_code == ExitCode.CHECK, second.stdout
        (error,) = second.document["errors"]
        assert error["code"] == "repeated_order" and first.data["plan"] in error["message"]
        assert sum(world.placements().values()) == 1
        meant = world.keyctl(*words, value_of(world, words), "--again", "--json")
        assert meant.exit_code == 0, meant.stdout
        assert sum(world.placements().values()) == 2


def value_of(world: World, words: tuple[str, ...]) -> str:
    """What the order is worth now, as a dry run says."""
    drafted = world.keyctl(*words[:-1], "--dry-run", "--json")
    assert drafted.exit_code == 0, drafted.stdout
    return str(drafted.data["value_usd"])


@pytest.mark.parametrize(("first", "second"), [("0.6", "0.60"), ("147", "147.00"), ("0.60004", "0.6000")])
def test_other_digits_are_no_other_order(tmp_path: Path, first: str, second: str) -> None:
    with World(tmp_path / "world") as world:
        world.add("binance", balances={"USDT": Decimal(10**9)})
        (world.app().home.config_file).write_text(
            "[limits]\nleg_value_usd = 100000000\nplan_value_usd = 100000000\nday_value_usd = 100000000\n", "utf-8"
        )
        ran = []
        for size in (first, second):
            words = ("order", "buy", "ETH/USDT", size, "--price", "1500", "-a", "binance-a", "--expect-value")
            ran.append(world.keyctl(*words, value_of(world, words), "--json"))
        assert [item.exit_code for item in ran] == [0, 4], ran[1].stdout
        assert ran[1].document["errors"][0]["code"] == "repeated_order"


# Two keys of one exchange account.


@pytest.mark.parametrize("algorithm", [Algorithm.RSA, Algorithm.ED25519])
def test_two_keys_of_one_exchange_account_are_one_account(tmp_path: Path, algorithm: Algorithm) -> None:
    with World(tmp_path / "world") as world:
        made = world.add("binance", "first")
        world.add("binance", "second", algorithm, uid=made.key.uid)
        order = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--yes", "-a")
        first, second = both(world, (*order, "first"), (*order, "second"))
        assert [first.exit_code, second.exit_code] == [0, 4], second.stdout
        assert second.document["errors"][0]["code"] == "repeated_order"
        assert sum(world.placements().values()) == 1


@pytest.mark.parametrize("algorithm", [Algorithm.RSA, Algorithm.ED25519])
def test_an_unknown_order_of_one_key_stops_the_other_key_of_its_account(tmp_path: Path, algorithm: Algorithm) -> None:
    with World(tmp_path / "world") as world:
        made = world.add("binance", "first")
        world.add("binance", "second", algorithm, uid=made.key.uid)
        for label in ("first", "second"):
            assert world.keyctl("verify", label).exit_code in (0, 4)  # which tells the uid
        world.fault(kind="reset_before", exchange="binance", operation="place", times=1)
        order = ("order", "buy", "BTC/USDT", "{}", "--price", "58000", "--yes", "-a")
        first = world.keyctl(*(word.format("0.001") for word in order), "first", "--json")
        assert first.exit_code == ExitCode.UNKNOWN, first.stdout
        second = world.keyctl(*(word.format("0.002") for word in order), "second", "--json")
        assert second.exit_code == ExitCode.UNKNOWN, second.stdout
        assert second.document["errors"][0]["code"] == "outcome_unknown"
        assert sum(world.placements().values()) == 0
