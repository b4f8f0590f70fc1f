"""Addresses we leave from: told by exchanges and an echo service, kept per route, never asked with a key."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyctl.journal import schema
from keyctl.journal.addresses import FRESH_SECONDS, Addresses
from keyctl.journal.database import Database
from keyctl.model.account import Account
from keyctl.model.route import Route, local_route, proxy_route
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.network.egress import look_up, moved_addresses
from keyctl.network.lines import Network
from tests.support.clocks import ShiftedClock
from tests.support.proxies import FakeEcho, FakeProxy

HERE, THERE = "198.51.100.4", "203.0.113.9"


class HandClock(ShiftedClock):
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 1_800_000_000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def book(tmp_path: Path, clock: HandClock) -> Iterator[Addresses]:
    database = Database(tmp_path / "journal.db")
    yield Addresses(database, clock)
    database.close()


def account(label: str = "okx-a", **facts: Any) -> Account:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 20, tzinfo=UTC)
    return Account(
        f"id-{label}", label, "okx", Kind.LIVE, "global", (Market.SPOT,), Algorithm.HMAC, "ab..yz", "hash", now, **facts
    )


def ask(
    book: Addresses, clock: HandClock, echo: FakeEcho | None, routes: dict[str, Route] | None = None, *labels: str
) -> list[str]:
    """One look-up for these accounts, and the warnings that an order's preview would give."""

    async def run() -> list[str]:
        async with Network(clock, Path("/nowhere"), routes) as network:
            accounts = [account(label) for label in labels or ("okx-a",)]
            return await moved_addresses(network, book, accounts, [echo.url] if echo else [])

    return asyncio.run(run())


def known(book: Addresses, route: str = "direct") -> list[tuple[int, str]]:
    return [(reading.version, reading.address) for reading in book.fresh(route)]


@pytest.mark.parametrize("json", [False, True])
def test_the_echo_service_is_asked_once_an_hour_and_sees_no_key(book: Addresses, clock: HandClock, json: bool) -> None:
    with FakeEcho(HERE, json=json) as echo:
        for minutes in (0, 1, 59):
            clock.at = 1_800_000_000.0 + minutes * 60
            ask(book, clock, echo)
        assert len(echo.requests) == 1
        clock.at += 120
        ask(book, clock, echo)
    assert len(echo.requests) == 2
    head = echo.requests[0].decode()
    assert head.startswith("GET /ip HTTP/1.1\r\n")
    names = {line.partition(":")[0].casefold() for line in head.split("\r\n")[1:] if line}
    assert names == {"host", "user-agent", "accept", "accept-encoding"}
    assert known(book) == [(4, HERE)]


def test_without_an_echo_service_nobody_is_asked(book: Addresses, clock: HandClock) -> None:
    assert ask(book, clock, None) == []
    assert known(book) == []


def test_a_service_that_fails_is_left_alone_for_an_hour_too(book: Addresses, clock: HandClock) -> None:
    with FakeEcho(HERE, status=503) as echo:
        ask(book, clock, echo)
        ask(book, clock, echo)
        assert len(echo.requests) == 1
    assert known(book) == []


@pytest.mark.parametrize("text", ["", "hello", "<html>198.51.100.4</html>", "198.51.100.4 203.0.113.9", "1.2.3"])
def test_what_is_no_address_alone_is_not_believed(book: Addresses, clock: HandClock, text: str) -> None:
    with FakeEcho(text) as echo:
        ask(book, clock, echo)
    assert known(book) == []


def test_each_route_has_an_address_of_its_own_and_a_proxy_is_asked_through_itself(
    book: Addresses, clock: HandClock
) -> None:
    with FakeEcho(HERE) as echo, FakeProxy("socks5") as proxy:
        routes = {"okx-b": proxy_route(proxy.url), "okx-c": local_route("127.0.0.2"), "okx-d": proxy_route(proxy.url)}
        ask(book, clock, echo, routes, "okx-a", "okx-b", "okx-c", "okx-d")
        assert len(proxy.seen.destinations) == 1
        assert len(echo.requests) == 3
        assert known(book, "direct") == known(book, proxy.url) == known(book, "from 127.0.0.2") == [(4, HERE)]


def test_a_proxy_that_refuses_is_not_asked_around(book: Addresses, clock: HandClock) -> None:
    with FakeEcho(HERE) as echo, FakeProxy("http", b"HTTP/1.1 403 no\r\n\r\n") as proxy:
        ask(book, clock, echo, {"okx-a": proxy_route(proxy.url)})
        assert echo.requests == []
    assert known(book, proxy.url) == []


def test_both_ip_versions_are_kept_apart(book: Addresses, clock: HandClock) -> None:
    book.note("direct", 4, HERE, "echo")
    book.note("direct", 6, "2001:db8::1", "okx")
    assert known(book) == [(4, HERE), (6, "2001:db8::1")]
    clock.at += FRESH_SECONDS
    assert known(book) == []
    assert len(book.readings("direct")) == 2


def test_a_preview_is_warned_until_the_new_address_was_verified(book: Addresses, clock: HandClock) -> None:
    book.note("direct", 4, HERE, "echo")
    assert ask(book, clock, None) == []
    book.note_verified("direct")
    assert ask(book, clock, None) == []
    clock.at += 2 * FRESH_SECONDS
    with FakeEcho(THERE) as echo:
        [warning] = ask(book, clock, echo)
    assert THERE in warning and HERE in warning and "keyctl verify" in warning
    assert len(ask(book, clock, None)) == 1
    book.note_verified("direct")
    assert ask(book, clock, None) == []


def test_an_old_reading_is_not_taken_for_verified(book: Addresses, clock: HandClock) -> None:
    book.note("direct", 4, HERE, "echo")
    clock.at += FRESH_SECONDS + 1
    book.note_verified("direct")
    assert book.readings("direct")[0].verified is None


def test_two_processes_ask_once(tmp_path: Path, book: Addresses, clock: HandClock) -> None:
    other = Database(tmp_path / "journal.db")
    assert book.may_ask("direct", 4)
    assert not Addresses(other, clock).may_ask("direct", 4)
    assert Addresses(other, clock).may_ask("direct", 6)
    other.close()


def test_a_clock_that_was_set_back_does_not_silence_the_question(book: Addresses, clock: HandClock) -> None:
    assert book.may_ask("direct", 4)
    clock.at -= 10 * FRESH_SECONDS
    assert book.may_ask("direct", 4)


def test_a_list_of_the_account_stands_above_those_of_its_groups(book: Addresses) -> None:
    assert book.kept("id1", ("desk",), "spot") == ()
    book.keep("group", "desk", "", ("8.8.8.8",))
    book.keep("group", "all", "", ("9.9.9.9", "8.8.8.8"))
    assert book.kept("id1", ("desk", "all"), "spot") == ("8.8.8.8", "9.9.9.9")
    book.keep("account", "id1", "", ("1.1.1.1",))
    book.keep("account", "id1", "futures", ("8.8.4.4",))
    assert book.kept("id1", ("desk",), "spot") == ("1.1.1.1",)
    assert book.kept("id1", ("desk",), "futures") == ("8.8.4.4",)
    book.keep("account", "id1", "futures", ())
    assert book.kept("id1", ("desk",), "futures") == ("1.1.1.1",)
    assert book.kept("id2", ("desk",), "futures") == ("8.8.8.8",)


def test_nothing_is_asked_for_a_route_whose_address_an_exchange_has_just_told(
    book: Addresses, clock: HandClock
) -> None:
    book.note("direct", 4, HERE, "okx")

    async def run(echo: FakeEcho) -> None:
        async with Network(clock, Path("/nowhere")) as network:
            await look_up(network, book, [account()], [echo.url])

    with FakeEcho(THERE) as echo:
        asyncio.run(run(echo))
        assert echo.requests == []
    assert known(book) == [(4, HERE)]


@pytest.mark.parametrize("has", range(1, schema.VERSION + 1))
def test_a_journal_of_an_earlier_version_gets_the_new_tables(tmp_path: Path, clock: HandClock, has: int) -> None:
    old = sqlite3.connect(tmp_path / "old.db")
    old.executescript(schema.TABLES)
    for version in range(2, has + 1):
        old.executescript(schema.UPGRADES[version])
    old.execute(f"PRAGMA user_version={has}")
    old.commit()
    old.close()
    new = Database(tmp_path / "old.db")
    book = Addresses(new, clock)
    book.note_told({"id1": (True, ("8.8.8.8",))})
    told = book.told("id1")
    new.close()
    assert told is not None and (told.restricted, told.entries) == (True, ("8.8.8.8",))
