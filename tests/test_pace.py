"""Calls of many accounts at once against what exchanges document of their limits, counted by the twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.twin.face import Call, Operation
from keyctl.twin.pace import LIMITS, broken_limits
from keyctl.twin.record import CallRecord, Logged
from tests.support.desk import Desk, open_twin

MANY = 14


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with open_twin() as twin:
        yield Desk(twin, tmp_path / "home", capsys)


def calls(path: str, count: int, every_ms: int, key: str = "") -> list[Logged]:
    record = CallRecord()
    for number in range(count):
        record.add(number * every_ms, Call("GET", path, {}, b""), Operation("other", api_key=key))
    return record.lines


@pytest.mark.parametrize("exchange", ["binance", "bitfinex", "lbank", "okx"])
def test_many_accounts_are_verified_within_the_documented_limits(desk: Desk, exchange: str) -> None:
    for number in range(MANY):
        desk.add(f"desk-{number}", exchange)
    ran = desk.run("verify", "--all", "--json")
    assert ran.code in (ExitCode.OK, ExitCode.CHECK)
    lines = desk.twin.venue(exchange).calls.lines
    assert len(lines) >= 2 * MANY
    assert broken_limits(exchange, lines) == []


@pytest.mark.parametrize("exchange", ["binance", "lbank", "okx"])
def test_the_clock_of_a_host_is_read_three_times_for_all_accounts(desk: Desk, exchange: str) -> None:
    for number in range(MANY):
        desk.add(f"desk-{number}", exchange)
    desk.run("verify", "--all", "--json")
    assert [line.operation for line in desk.twin.venue(exchange).calls.lines].count("time") == 3


@pytest.mark.parametrize(
    ("exchange", "path", "most", "window_ms"),
    [
        ("okx", "/api/v5/public/time", 10, 2_000),
        ("bitfinex", "/v2/auth/r/wallets", 90, 60_000),
        ("lbank", "/v2/supplement/user_info_account.do", 200, 10_000),
        ("binance", "/api/v3/account", 300, 60_000),
    ],
)
def test_the_twin_sees_one_call_too_many(exchange: str, path: str, most: int, window_ms: int) -> None:
    assert broken_limits(exchange, calls(path, most, 1)) == []
    assert len(broken_limits(exchange, calls(path, most + 1, 1))) == 1
    assert broken_limits(exchange, calls(path, 3 * most, window_ms // most + 1)) == []


def test_a_limit_of_a_key_does_not_count_other_keys() -> None:
    path = "/api/v5/account/config"
    mine, others = calls(path, 5, 1, "a" * 36), calls(path, 5, 1, "b" * 36)
    assert broken_limits("okx", [*mine, *others]) == []
    assert len(broken_limits("okx", [*mine, *calls(path, 1, 1, "a" * 36)])) == 1


def test_every_exchange_of_the_twin_has_limits() -> None:
    assert set(LIMITS) == set(open_twin().exchanges)
