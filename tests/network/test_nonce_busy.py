"""A key whose nonces another process keeps is the trouble of its own account, in whatever runs over several."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import Side
from keyctl.network import lines
from keyctl.orders.preview import preview
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World, open_position

SYMBOL = "BTC/USDT:USDT"
BUSY, FREE = "bitfinex", "binance"
REST = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "--json")


@pytest.fixture
def desk(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(lines, "NONCE_LOCK_SECONDS", 0.05)
    for exchange in (BUSY, FREE):
        world.add(exchange, rights=RIGHTS)
    return world


@contextmanager
def busy(world: World) -> Iterator[None]:
    """As another process does that uses the key and does not end."""
    key_hash = world.account(f"{BUSY}-a").api_key_hash
    folder = world.app().home.state / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / f"nonce-{key_hash[:32]}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def errors(ran: Ran) -> set[tuple[str | None, str]]:
    return {(error["account"], error["code"]) for error in ran.document["errors"]}


@pytest.mark.parametrize("moment", ["before the positions are read", "once they are read"])
def test_the_others_are_closed(desk: World, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_position(desk, f"{FREE}-a", SYMBOL, Side.BUY, "0.02")
    open_position(desk, f"{BUSY}-a", SYMBOL, Side.BUY, "0.02")
    held = busy(desk)
    if moment == "once they are read":
        from keyctl.desk import close

        async def later(*words: Any, **named: Any) -> Any:
            if "locked" not in done:
                done.append("locked")
                held.__enter__()
            return await preview(*words, **named)

        done: list[str] = []
        monkeypatch.setattr(close, "preview", later)
    else:
        held.__enter__()
    try:
        ran = desk.keyctl("close", SYMBOL, "--all", "--yes", "--json")
    finally:
        held.__exit__(None, None, None)
    assert desk.venue(FREE).derivatives.positions(desk.made[f"{FREE}-a"].key.uid) == [], ran.stdout
    assert len(desk.venue(BUSY).derivatives.positions(desk.made[f"{BUSY}-a"].key.uid)) == 1
    assert ran.exit_code == ExitCode.PARTIAL, ran.stdout
    assert "has held this API key" in ran.stdout


def test_the_others_are_canceled_and_ordered(desk: World) -> None:
    assert desk.keyctl(*REST, "--all", "--fanout").exit_code == 0
    with busy(desk):
        ran = desk.keyctl("cancel", "--all", "--yes", "--json")
        found = {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}
        assert found == {f"{FREE}-a": "canceled", f"{BUSY}-a": "not_sent"}, ran.stdout
        assert ran.exit_code == ExitCode.PARTIAL
        ran = desk.keyctl(*REST, "--all", "--fanout", "--again")
        assert {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}[f"{FREE}-a"] == "accepted", ran.stdout
        assert ran.exit_code == ExitCode.PARTIAL


@pytest.mark.parametrize("words", ["balance bitfinex-a", "order buy BTC/USDT 0.005 --price 58000 -a bitfinex-a --yes"])
def test_alone_it_ends_as_the_journals_trouble_and_may_be_tried_again(desk: World, words: str) -> None:
    with busy(desk):
        ran = desk.keyctl(*words.split(), "--json")
    assert (ran.exit_code, errors(ran)) == (ExitCode.STORE, {("bitfinex-a", "nonce_busy")}), ran.stdout
    assert ran.document["errors"][0]["repeatable"]


def test_it_is_not_taken_for_an_exchange_that_is_not_reached(desk: World) -> None:
    with busy(desk):
        ran = desk.keyctl("diagnose", f"{BUSY}-a", "--json")
    assert ran.exit_code == ExitCode.STORE, ran.stdout
    assert [error["code"] for error in ran.document["errors"]] == ["nonce_busy"]
