"""Calls of many accounts at once against what exchanges document of their limits, counted by the twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.exchanges import shipped
from keyctl.exchanges.shipped import profile
from keyctl.network.pacing import Pacer
from keyctl.twin.call import Call, Operation
from keyctl.twin.faces import face
from keyctl.twin.pace import broken_limits
from keyctl.twin.record import CallRecord, Logged
from tests.support.clocks import ShiftedClock
from tests.support.desk import Desk, open_twin
from tests.support.world import ALL

MANY = 14


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with open_twin() as twin:
        yield Desk(twin, tmp_path / "home", capsys)


def calls(path: str, count: int, every_ms: int, key: str = "") -> list[Logged]:
    record = CallRecord()
    for number in range(count):
        record.add(number * every_ms, made(path), Operation("other", api_key=key))
    return record.lines


def made(path: str) -> Call:
    """A call; "?symbol" at the end of a path stands for one that names a symbol."""
    return Call("GET", path.replace("?symbol", "?symbol=BTCUSDT"), {}, b"")


@pytest.mark.parametrize("exchange", ALL)
def test_many_accounts_are_verified_within_the_documented_limits(desk: Desk, exchange: str) -> None:
    for number in range(MANY):
        desk.add(f"desk-{number}", exchange)
    ran = desk.run("verify", "--all", "--json")
    assert ran.exit_code in (ExitCode.OK, ExitCode.CHECK)
    lines = desk.twin.venue(exchange).calls.lines
    assert len(lines) >= 2 * MANY
    assert broken_limits(exchange, lines) == []


@pytest.mark.parametrize(
    ("exchange", "path"),
    [
        ("bitfinex", "/v2/auth/r/wallets"),
        ("lbank", "/v2/supplement/user_info_account.do"),
        ("binance", "/api/v3/account"),
        ("binance", "/fapi/v3/balance"),
        ("binance", "/fapi/v1/openOrders"),
        ("binance", "/fapi/v1/openOrders?symbol"),
        ("binance", "/dapi/v1/positionSide/dual"),
        ("okx", "/api/v5/public/time"),
    ],
)
def test_reads_wait_for_their_slot_and_no_longer_than_they_must(exchange: str, path: str) -> None:
    """A thousand reads asked for at once, sent when the pacer says: within the limits that the twin has from the
    documents, and at three quarters of the pace that they allow or more."""
    paces, count = profile(exchange).paces, 1000
    pacer = Pacer(lambda: 0.0)
    record = CallRecord()
    for _ in range(count):
        at = pacer.wait("here", path, paces)
        record.add(round(at * 1000), made(path), Operation("other"))
    assert broken_limits(exchange, record.lines) == []
    (limit,) = [item for item in face(exchange).limits if item.counts(path.partition("?")[0])]
    needed = count * limit.weight(record.lines[0]) / limit.most * limit.seconds
    assert record.lines[-1].at_ms / 1000 < needed * 1.35


def test_other_paths_other_places_and_later_times_do_not_wait() -> None:
    now = [0.0]
    pacer, paces = Pacer(lambda: now[0]), profile("bitfinex").paces
    for _ in range(85):
        assert pacer.wait("here", "/v2/auth/r/wallets", paces) == 0
    assert pacer.wait("there", "/v2/auth/r/wallets", paces) == 0
    assert pacer.wait("here", "/v2/auth/r/permissions", paces) == 0
    assert pacer.wait("here", "/v2/auth/w/order/submit", paces) == 0
    assert pacer.wait("here", "/v2/auth/r/wallets", paces) > 60
    now[0] = 200.0
    assert pacer.wait("here", "/v2/auth/r/wallets", paces) == 0


def test_an_account_too_many_waits_and_an_order_does_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    class Sleepless(ShiftedClock):
        async def sleep(self, seconds: float) -> None:
            waited.append(seconds)

    desk.clock = Sleepless()
    few = tuple(pace._replace(calls=2) for pace in profile("bitfinex").paces)
    slower = profile("bitfinex")._replace(paces=few)
    monkeypatch.setattr(shipped, "profile", lambda name: slower)
    for number in range(3):
        desk.add(f"desk-{number}", "bitfinex")
    assert desk.run("verify", "--all", "--json").exit_code == ExitCode.OK
    assert len([seconds for seconds in waited if seconds > 60]) == 3  # the third account's three reads


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
        ("binance", "/api/v3/openOrders?symbol", 1000, 60_000),
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
    assert all(face(name).limits for name in open_twin().exchanges)
