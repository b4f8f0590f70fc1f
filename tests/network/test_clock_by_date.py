"""Bitfinex tells the time as the date of its answers alone: what that is good for, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.clock import CORRECTED_OFFSET_MS, SILENT_OFFSET_MS, Offset
from keyctl.errors import ExitCode
from keyctl.model.words import Side
from keyctl.twin import server, wire
from tests.support.ran import Ran
from tests.support.starts import PERPETUAL
from tests.support.world import RIGHTS, World, open_position

ORDER = ("order", "buy", "BTC/USDT", "0.002", "--price", "58000", "--yes", "--again", "--json", "-a", "bitfinex-a")
CLOSE = ("close", PERPETUAL, "--yes", "--json", "-a", "bitfinex-a")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        made.add("bitfinex", rights=RIGHTS)
        yield made
        assert made.twin.faults_of_its_own == []


def order(world: World, offset_ms: int = 0) -> Ran:
    world.venue("bitfinex").offset_ms = offset_ms
    return world.keyctl(*ORDER)


def clock_words(ran: Ran) -> list[str]:
    return [warning for warning in ran.document["warnings"] if "clock" in warning]


@pytest.mark.parametrize("offset_ms", [5_000, -5_000])
def test_a_clock_that_is_five_seconds_off_is_said_and_stops_nothing(world: World, offset_ms: int) -> None:
    ran = order(world, offset_ms)
    assert ran.exit_code == ExitCode.OK, ran.stdout
    (told,) = clock_words(ran)
    assert f"clocks differ by {'+' if offset_ms > 0 else '-'}" in told and told.endswith("requests there carry no time")


@pytest.mark.parametrize("offset_ms", [30_000, -30_000])
def test_a_clock_that_is_half_a_minute_off_stops_the_order(world: World, offset_ms: int) -> None:
    ran = order(world, offset_ms)
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.CHECK, "clock_wrong")
    assert ("behind" if offset_ms > 0 else "ahead of") in ran.document["errors"][0]["message"]
    assert world.placements() == {}


def test_a_clock_that_is_right_is_not_spoken_of_and_takes_no_call_of_its_own(world: World) -> None:
    ran = order(world)
    assert (ran.exit_code, clock_words(ran)) == (ExitCode.OK, [])
    assert "status" not in {line.operation for line in world.venue("bitfinex").calls.lines}


def test_the_margin_of_a_date_is_not_held_against_this_machine() -> None:
    """A date that is read as the middle of its second may be half a second off either way."""
    dated = Offset(CORRECTED_OFFSET_MS + 500, 3, 500), Offset(-SILENT_OFFSET_MS - 500, 3, 500)
    assert dated[0].usable and dated[1].silent
    assert not Offset(CORRECTED_OFFSET_MS + 501, 3, 500).usable and not Offset(CORRECTED_OFFSET_MS + 1, 3).usable


def undated(monkeypatch: pytest.MonkeyPatch, *headers: tuple[str, str]) -> None:
    """The twin's answers carry these headers instead of a date."""

    def raw(answer: Any, *, close: bool, now_ms: int | None = None) -> bytes:
        head, _, body = wire.raw_answer(answer, close=close).partition(b"\r\n\r\n")
        lines = [head, *(f"{name}: {value}".encode() for name, value in headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    monkeypatch.setattr(server, "raw_answer", raw)


@pytest.mark.parametrize(
    "headers",
    [(), (("Date", "yesterday"),), (("Date", "Mon, 21 Sep 2026 10:00:00 GMT"), ("Age", "3600"))],
    ids=("no date", "another form", "from a store"),
)
def test_answers_that_tell_no_time_stop_what_opens_and_let_out_what_reduces(
    world: World, monkeypatch: pytest.MonkeyPatch, headers: tuple[tuple[str, str], ...]
) -> None:
    open_position(world, "bitfinex-a", PERPETUAL, Side.BUY, "0.02")
    undated(monkeypatch, *headers)
    ran = order(world)
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.CHECK, "clock_unknown")
    assert world.placements() == {}
    left = world.keyctl(*CLOSE)
    assert left.exit_code == ExitCode.OK, left.stdout
    assert any("clock was not checked" in warning for warning in left.document["warnings"])
    assert not world.venue("bitfinex").derivatives.positions(world.made["bitfinex-a"].key.uid)


@pytest.mark.parametrize(("offset_ms", "level"), [(0, "pass"), (5_000, "warn"), (30_000, "fail")])
def test_verify_doctor_and_diagnose_show_the_clock(world: World, offset_ms: int, level: str) -> None:
    world.venue("bitfinex").offset_ms = offset_ms
    findings = world.keyctl("verify", "bitfinex-a", "--json").data["findings"]
    (clock,) = (row for row in findings if (row["rule"], row["market"]) == ("clock", "spot"))
    assert (clock["level"], clock["evidence"].endswith("readings of whole seconds")) == (level, True)
    checks = world.keyctl("doctor", "--json").data["checks"]
    (found,) = (check for check in checks if check["name"] == "clock, bitfinex demo")
    assert found["level"] == level
    before = len(world.venue("bitfinex").calls.lines)
    ran = world.keyctl("diagnose", "bitfinex-a", "--json")
    assert ran.exit_code == (ExitCode.CHECK if level == "fail" else ExitCode.OK), ran.stdout
    assert ("this machine's clock" in ran.stdout) is (level == "fail")
    assert world.venue("bitfinex").calls.lines[before].path == "/v2/platform/status"


def test_the_size_of_an_order_is_that_which_was_asked(world: World) -> None:
    """The order that the clock let through is the one that was wished."""
    order(world, 5_000)
    (placed,) = world.venue("bitfinex").orders
    assert (placed.quantity, placed.price) == (Decimal("0.002"), Decimal(58_000))
