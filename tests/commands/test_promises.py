"""The promises of five guides, each by a command on the twin; the rows are in tests/support/promises.py."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.promises import HERE, PROMISES, Promise
from tests.support.proxies import FakeEcho
from tests.support.ran import Ran
from tests.support.world import ALL, RIGHTS, World

CONFIG = '[accounts.reads]\nprofile = "read"\n'


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sound account at each exchange and, by their labels: one that may withdraw (wd), one that only reads (lb-ro),
    one without an IP list (lb-open), one whose list lacks this machine (lb-far), one of which its profile asks reading
    alone (reads), one to be thrown away (spare). An echo service tells HERE; an address for debugging is on a list."""
    created = int(time.time() * 1000)
    with FakeEcho(HERE) as echo, World(tmp_path_factory.mktemp("promises") / "world") as world:
        world.keyctl("config", "set", "echo", echo.url)
        for exchange in ALL:
            world.add(exchange, rights=RIGHTS, created_ms=created)
        world.add("okx", "wd", rights=(*RIGHTS, "withdraw"), created_ms=created)
        world.add("lbank", "lb-ro", rights=("read",), created_ms=created)
        world.add("lbank", "lb-open", ips={}, created_ms=created)
        world.add("lbank", "lb-far", ips={"spot": ("203.0.113.9",)}, created_ms=created)
        world.add("binance", "reads", rights=RIGHTS, created_ms=created)
        world.add("okx", "spare", created_ms=created)
        for exchange, wallet, currency in (
            ("binance", "funding", "USDC"),
            ("binance", "isolated BTC/USDT", "BTC"),
            ("okx", "funding", "USDC"),
        ):
            uid = world.made[f"{exchange}-a"].key.uid
            world.venue(exchange).purses.put(uid, wallet, currency, free="7")
        world.app().home.config_file.write_text(CONFIG, encoding="utf-8")
        world.keyctl("whitelist", "set", "-a", "binance-a", "127.0.0.1")
        world.keyctl("whitelist", "set", "-a", "binance-a", "8.8.4.4", "--until", "2h")
        yield world
        assert world.twin.faults_of_its_own == []
        assert all(world.venue(exchange).orders == [] for exchange in ALL), "no promise here sends an order"


@pytest.fixture(scope="module")
def answered(desk: World) -> Callable[[Promise], Ran]:
    """What a row's command gives, run once for all rows with the same one."""
    known: dict[tuple[str, str], Ran] = {}

    def run(promise: Promise) -> Ran:
        asked = promise.command, promise.typed
        if asked not in known:
            known[asked] = desk.keyctl(*shlex.split(promise.command), stdin=promise.typed)
        return known[asked]

    return run


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.row} {promise.promise}")
def test_the_promise_is_kept(answered: Callable[[Promise], Ran], promise: Promise) -> None:
    ran = answered(promise)
    said = " ".join(f"{ran.stdout} {ran.stderr}".split())
    assert ran.exit_code == promise.exit_code, said
    for text in promise.shown:
        assert text in said, (text, said)
    for text in promise.never:
        assert text not in said, (text, said)


def test_every_row_is_of_a_guide_in_its_order_and_none_stands_twice() -> None:
    places = [("FILOG".index(promise.row[0]), int(promise.row[1:])) for promise in PROMISES]
    assert places == sorted(places), "grouped by guide, and in the order of its sentences"
    assert len({(promise.row, promise.promise) for promise in PROMISES}) == len(PROMISES) >= 60
    kept = [(promise.command, text) for promise in PROMISES for text in promise.shown]
    assert len(set(kept)) == len(kept), "no promise is kept by another one's words"


def test_what_is_out_and_the_risk_are_said_once() -> None:
    lines = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("- Out: options, margin borrowing, copy trading, withdrawals")]
    assert [line for line in lines if "Nothing here is financial advice" in line]
