"""The promises of five guides, each by a command on the twin; the rows are in tests/support/promises.py."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.promises import PROMISES, Promise
from tests.support.world import ALL, RIGHTS, World

CONFIG = '[accounts.reads]\nprofile = "read"\n'


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sound account at each exchange and, by their labels: one that may withdraw (wd), one that only reads (lb-ro),
    one without an IP list (lb-open), one whose list lacks this machine (lb-far), one of which its profile asks reading
    alone (reads), one to be thrown away (spare)."""
    created = int(time.time() * 1000)
    with World(tmp_path_factory.mktemp("promises") / "world") as world:
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
        yield world
        assert world.twin.faults_of_its_own == []
        assert all(world.venue(exchange).orders == [] for exchange in ALL), "no promise here sends an order"


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.row} {promise.promise}")
def test_the_promise_is_kept(desk: World, promise: Promise) -> None:
    ran = desk.keyctl(*promise.command.split(), stdin=promise.typed)
    said = " ".join(f"{ran.stdout} {ran.stderr}".split())
    assert ran.exit_code == promise.exit_code, said
    for text in promise.shown:
        assert text in said, (text, said)
    for text in promise.never:
        assert text not in said, (text, said)


def test_every_row_is_of_a_guide_and_none_stands_twice() -> None:
    assert all(promise.row[0] in "FILOG" and promise.row[1:].isdigit() for promise in PROMISES)
    assert len({(promise.row, promise.promise) for promise in PROMISES}) == len(PROMISES)
