"""The fault matrix over real sockets: whatever an exchange does to an order, one send at most, and a true outcome."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.journal.legs import Journal
from keyctl.orders import fanout, plan
from keyctl.twin.faults import FaultKind
from tests.support.processes import race
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import ALL, World

ORDER = ("order", "buy", "BTC/USDT", "0.002", "--price", "58000", "--fanout", "--all")
ONE = ("order", "buy", "BTC/USDT", "0.002", "--price", "58000", "-a")
SETTLE = ("orders", "settle", "--wait")


class Desk:
    """One account at each exchange, and keyctl run with a clock that skips."""

    def __init__(self, folder: Path) -> None:
        self.clock = SkipClock()
        self.world = World(folder, now_ms=self.clock.now_ms)

    def run(self, *arguments: str) -> Ran:
        return self.world.keyctl(*arguments, "--json", clock=self.clock)

    def order(self, *arguments: str) -> Ran:
        return self.run(*(arguments or ORDER), "--yes", "--again")

    def race(self, count: int, arguments: Callable[[int], tuple[str, ...]]) -> list[Ran]:
        """What so many processes at once gave. They go by the machine's clock: with one that skips, what each waits
        for the others passes in no time."""
        return race(count, lambda number: self.world.keyctl(*arguments(number), "--yes", "--again", "--json"))

    def fault(self, **facts: Any) -> None:
        """The fault at each exchange's next order, unless it says otherwise."""
        for exchange in ALL if "exchange" not in facts else (facts.pop("exchange"),):
            self.world.fault(exchange=exchange, **{"operation": "place", **facts})

    def states(self) -> dict[str, str]:
        """The journal's state of each account's newest leg."""
        legs = self.run("orders", "list").data["orders"]
        return {leg["account"]: leg["state"] for leg in reversed(legs)}

    def arrivals(self) -> Counter[str]:
        """Order calls that reached a venue, taken or not, by client order id."""
        return sum((self.world.venue(exchange).calls.arrivals for exchange in ALL), Counter())


def outcomes(ran: Ran) -> dict[str, str]:
    return {leg["account"]: leg["outcome"] for leg in ran.data["legs"]}


def everywhere(outcome: str) -> dict[str, str]:
    return {f"{exchange}-a": outcome for exchange in ALL}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(fanout, "CALL_SECONDS", 0.3)
    made = Desk(tmp_path / "desk")
    with made.world:
        made.world.add_all()
        yield made
        assert made.world.twin.faults_of_its_own == []
        assert set(made.arrivals().values()) <= {1}


TAKEN_FAULTS: dict[str, dict[str, Any]] = {
    "reset after it was taken": {"kind": FaultKind.RESET_AFTER},
    "silence after it was taken": {"kind": FaultKind.HANG_AFTER},
    "half a body": {"kind": FaultKind.HALF_BODY},
    "a gateway's page": {"kind": FaultKind.HTML, "status": 502, "taken": True},
    "no JSON": {"kind": FaultKind.GARBAGE},
    "an empty body": {"kind": FaultKind.GARBAGE, "body": " "},
    "another number than JSON has": {"kind": FaultKind.GARBAGE, "body": '{"code": NaN}'},
    "deep brackets": {"kind": FaultKind.GARBAGE, "body": "[" * 100_000},
    "duplicate keys": {"kind": FaultKind.GARBAGE, "body": '{"orderId": 1, "orderId": 2}'},
    "an absurd number": {"kind": FaultKind.GARBAGE, "body": '{"orderId": ' + "9" * 5000 + "}"},
    "a bomb": {"kind": FaultKind.GZIP_BOMB},
    "one byte at a time": {"kind": FaultKind.DRIP, "seconds": 0.05},
    "another client order id": {"kind": FaultKind.WRONG_ECHO, "what": "id"},
    "another symbol": {"kind": FaultKind.WRONG_ECHO, "what": "symbol"},
    "another side": {"kind": FaultKind.WRONG_ECHO, "what": "side"},
    "an error that proves nothing": {"kind": FaultKind.ANSWER, "status": 400, "body": "{}", "taken": True},
    "a redirect": {"kind": FaultKind.REDIRECT, "location": "https://127.0.0.1:9/", "taken": True},
}
LOST_FAULTS: dict[str, dict[str, Any]] = {
    "reset before it was taken": {"kind": FaultKind.RESET_BEFORE},
    "reset before it was read": {"kind": FaultKind.RESET_UNREAD},
    "silence": {"kind": FaultKind.HANG_BEFORE},
    "a gateway's page": {"kind": FaultKind.HTML, "status": 502},
    "maintenance": {"kind": FaultKind.HTML, "status": 503},
    "a refusal in HTML": {"kind": FaultKind.HTML, "status": 403},
    "a code that is in no catalogue": {"kind": FaultKind.ANSWER, "status": 400, "body": '{"code":424242,"msg":"x"}'},
    "an empty refusal": {"kind": FaultKind.ANSWER, "status": 401},
}


@pytest.mark.parametrize("name", TAKEN_FAULTS)
def test_a_taken_order_without_a_clear_answer_is_found_by_looking(desk: Desk, name: str) -> None:
    desk.fault(**TAKEN_FAULTS[name])
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (ExitCode.OK, everywhere("accepted")), ran.stdout
    found = [leg["account"] for leg in ran.data["legs"] if "found by look-up" in leg["detail"]]
    # LBank echoes neither symbol nor side, so nothing there can be wrong.
    assert len(found) >= (2 if name in ("another symbol", "another side") else 4), ran.data["legs"]
    assert desk.states() == everywhere("accepted")


@pytest.mark.parametrize("name", LOST_FAULTS)
def test_an_order_that_was_never_taken_is_unknown_until_its_absence_is_proven(desk: Desk, name: str) -> None:
    desk.fault(**LOST_FAULTS[name])
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (ExitCode.UNKNOWN, everywhere("unknown")), ran.stdout
    assert set(desk.states().values()) <= {"unknown", "sent"}
    settled = desk.run(*SETTLE)
    assert (settled.exit_code, outcomes(settled)) == (ExitCode.UNREACHED, everywhere("not_sent")), settled.stdout
    assert desk.states() == everywhere("absent")
    assert desk.world.placements() == {}


def test_an_order_that_shows_late_is_found_when_it_shows(desk: Desk) -> None:
    for exchange in ALL:
        desk.world.venue(exchange).hide_seconds = 12
    desk.fault(kind=FaultKind.RESET_AFTER)
    assert outcomes(desk.order()) == everywhere("unknown")
    settled = desk.run(*SETTLE)
    assert (settled.exit_code, outcomes(settled)) == (ExitCode.OK, everywhere("accepted"))


def test_two_answers_to_one_order_are_read_once(desk: Desk) -> None:
    desk.fault(kind=FaultKind.DOUBLE)
    assert outcomes(desk.order()) == everywhere("accepted")
    assert outcomes(desk.order()) == everywhere("accepted")


def test_a_redirect_is_not_followed(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as second:
        second.setblocking(False)
        location = f"http://127.0.0.1:{second.getsockname()[1]}/order"
        desk.fault(kind=FaultKind.REDIRECT, status=307, location=location)
        assert desk.order().exit_code == ExitCode.UNKNOWN
        with pytest.raises(BlockingIOError):
            second.accept()


@pytest.mark.parametrize(("status", "retry_after", "seconds"), [(429, 7, 7), (418, 1000, 1000), (429, None, 60)])
def test_a_rate_limit_is_obeyed_by_the_next_command(
    desk: Desk, status: int, retry_after: int | None, seconds: int
) -> None:
    desk.fault(kind=FaultKind.RATE_LIMIT, exchange="binance", status=status, retry_after=retry_after)
    assert desk.order(*ONE, "binance-a").exit_code == ExitCode.UNKNOWN
    calls = len(desk.world.venue("binance").calls.lines)
    other = ("order", "buy", "ETH/USDT", "0.1", "--price", "2900", "-a", "binance-a")
    refused = desk.order(*other)
    assert refused.exit_code == ExitCode.UNREACHED
    assert refused.document["errors"][0]["code"] == "cooling_down"
    assert len(desk.world.venue("binance").calls.lines) == calls
    desk.clock.skip(seconds)
    assert desk.run(*SETTLE).exit_code == ExitCode.UNREACHED
    assert desk.order(*other).exit_code in (ExitCode.OK, ExitCode.CHECK)


def test_a_shorter_pause_does_not_end_a_longer_one(desk: Desk) -> None:
    notes = desk.world.app(desk.clock).journal.notes
    notes.cool_down("https://acme.example", desk.clock.now() + 1000)
    notes.cool_down("https://acme.example", desk.clock.now() + 60)
    assert notes.cool_down_until("https://acme.example") > desk.clock.now() + 900


def _unfunded(desk: Desk, monkeypatch: pytest.MonkeyPatch, *exchanges: str) -> None:
    """The venue refuses for lack of funds, which our own check before it would have seen."""
    monkeypatch.setattr(plan, "check_balance", lambda account, order, view: None)
    for exchange in exchanges:
        key = desk.world.made[f"{exchange}-a"].key
        desk.world.venue(exchange).balance(key.uid, "USDT").free = Decimal(1)


def test_a_catalogued_refusal_is_rejected_with_its_cause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _unfunded(desk, monkeypatch, *ALL)
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (ExitCode.REFUSED, everywhere("rejected")), ran.stdout
    errors = ran.document["errors"]
    assert all(error["exchange_code"] and "diagnose" in error["hints"][-1] for error in errors)
    assert desk.world.placements() == {}


def test_one_refusal_undoes_nothing_and_is_partial(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _unfunded(desk, monkeypatch, "okx")
    ran = desk.order()
    assert ran.exit_code == ExitCode.PARTIAL
    assert ran.document["status"] == "partial"
    assert outcomes(ran) == everywhere("accepted") | {"okx-a": "rejected"}
    assert len(desk.world.placements()) == 3


def test_an_exchange_that_cannot_be_reached_gets_nothing(desk: Desk) -> None:
    desk.world.twin.stop()
    ran = desk.order()
    assert ran.exit_code == ExitCode.UNREACHED
    assert set(outcomes(ran).values()) <= {"not_sent"}
    assert {error["code"] for error in ran.document["errors"]} == {"not_reached"}


def test_a_connection_that_is_refused_at_once_stops_its_own_leg_alone(desk: Desk) -> None:
    desk.fault(kind=FaultKind.RESET_ACCEPT, exchange="okx", times=None, operation=None)
    ran = desk.order()
    assert ran.exit_code == ExitCode.PARTIAL
    assert len(desk.world.placements()) == 3


def test_a_clock_that_is_five_seconds_off_is_corrected_with_a_warning(desk: Desk) -> None:
    for exchange in ALL:
        desk.world.venue(exchange).offset_ms = 5_000
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (ExitCode.OK, everywhere("accepted"))
    assert sum("clocks differ" in warning for warning in ran.document["warnings"]) == 4


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("offset_ms", [30_000, -60_000])
def test_a_clock_that_is_half_a_minute_off_stops_the_leg(desk: Desk, offset_ms: int, exchange: str) -> None:
    desk.world.venue(exchange).offset_ms = offset_ms
    ran = desk.order(*ONE, f"{exchange}-a")
    assert ran.exit_code == ExitCode.CHECK
    assert ran.document["errors"][0]["code"] == "clock_wrong"
    assert desk.world.placements() == {}


def test_an_unknown_order_blocks_its_account_and_symbol_alone(desk: Desk) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx")
    assert desk.order(*ONE, "okx-a").exit_code == ExitCode.UNKNOWN
    blocked = desk.order(*ONE, "okx-a")
    assert blocked.exit_code == ExitCode.UNKNOWN
    assert "proof that it was not accepted: in" in blocked.document["errors"][0]["message"]
    assert desk.order("order", "buy", "ETH/USDT", "0.1", "--price", "2900", "-a", "okx-a").exit_code in (0, 4)
    assert desk.order(*ONE, "binance-a").exit_code == ExitCode.OK
    assert len(desk.arrivals()) >= 2


def test_a_stored_plan_is_blocked_by_another_plans_unknown_order(desk: Desk) -> None:
    draft = desk.run(*ONE, "okx-a", "--dry-run").data["plan"]
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx")
    assert desk.order(*ONE, "okx-a").exit_code == ExitCode.UNKNOWN
    before = desk.arrivals()
    assert desk.order("order", "--plan", draft).exit_code == ExitCode.UNKNOWN
    assert desk.arrivals() == before
    desk.run(*SETTLE)
    assert desk.order("order", "--plan", draft).exit_code == ExitCode.OK


def test_a_leg_that_cannot_be_signed_is_planned_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.exchanges.okx import exchange as okx

    def broken(*arguments: object) -> None:
        raise ValueError("no ink")

    draft = desk.run(*ORDER, "--dry-run").data["plan"]
    with monkeypatch.context() as patched:
        sign = okx.OKXSigner.sign
        patched.setattr(
            okx.OKXSigner,
            "sign",
            lambda self, request, stamp: (sign if request.repeatable else broken)(self, request, stamp),
        )
        ran = desk.order("order", "--plan", draft)
    assert outcomes(ran) == everywhere("accepted") | {"okx-a": "not_sent"}
    assert ran.exit_code == ExitCode.PARTIAL
    assert desk.states()["okx-a"] == "planned"
    assert outcomes(desk.order("order", "--plan", draft)) == everywhere("accepted")


def test_a_machine_that_slept_after_the_claim_stamps_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Journal.claim

    def claim_then_sleep(*arguments: Any) -> Any:
        result = claim(*arguments)
        desk.clock.skip(60)
        return result

    monkeypatch.setattr(Journal, "claim", claim_then_sleep)
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (ExitCode.OK, everywhere("accepted")), ran.stdout


def test_a_leg_that_was_settled_while_the_machine_slept_does_not_go_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Journal.claim

    def claim_then_be_settled(journal: Journal, *arguments: Any) -> Any:
        result = claim(journal, *arguments)
        desk.clock.skip(120)
        for leg in journal.unsettled():
            assert journal.close_absent(leg.row, leg.stamp_ms or 0, "settled by another process")
        return result

    monkeypatch.setattr(Journal, "claim", claim_then_be_settled)
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (ExitCode.UNREACHED, everywhere("not_sent"))
    assert desk.arrivals() == {}


@pytest.mark.parametrize("processes", [2, 8])
def test_several_processes_send_one_plan_once_and_agree_on_it(desk: Desk, processes: int) -> None:
    draft = desk.run(*ORDER, "--dry-run").data["plan"]
    runs = desk.race(processes, lambda _: ("order", "--plan", draft))
    assert [(ran.exit_code, outcomes(ran)) for ran in runs] == [(ExitCode.OK, everywhere("accepted"))] * processes
    assert sorted(desk.world.placements().values()) == [1] * 4
    assert desk.states() == everywhere("accepted")


def test_ten_processes_cannot_pass_one_daily_cap_together(desk: Desk) -> None:
    desk.world.app().home.config_file.write_text("[limits]\nday_value_usd = 605\nsoft_fraction = 1\n", encoding="utf-8")
    for number in range(10):
        desk.world.add("binance", f"binance-{number}")
    codes = Counter(ran.exit_code for ran in desk.race(10, lambda number: (*ONE, f"binance-{number}")))
    assert codes == {ExitCode.OK: 5, ExitCode.CHECK: 5}
    assert sum(desk.world.placements().values()) == 5


class Shouting:
    """Sends this process a signal at the moment at which a named step of the run begins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, number: int) -> None:
        step: Callable[..., Any] = getattr(owner, name)

        def shout(*arguments: Any) -> Any:
            os.kill(os.getpid(), number)
            return step(*arguments)

        monkeypatch.setattr(owner, name, shout)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_before_the_claim_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int, code: ExitCode
) -> None:
    Shouting(monkeypatch, Journal, "add_plan", number)
    ran = desk.order()
    assert ran.exit_code == code
    assert set(outcomes(ran).values()) == {"not_sent"}
    assert desk.arrivals() == {}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_after_the_claim_lets_the_run_finish_and_report(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int, code: ExitCode
) -> None:
    Shouting(monkeypatch, Journal, "claim", number)
    ran = desk.order()
    assert (ran.exit_code, outcomes(ran)) == (code, everywhere("accepted"))
    assert desk.states() == everywhere("accepted")


def test_a_closed_stdout_changes_neither_outcome_nor_exit_code(desk: Desk) -> None:
    command = [sys.executable, "-I", "-m", "keyctl", *ORDER, "--yes", "--json"]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(command, env=desk.world.environ, stdout=write_end, stderr=subprocess.PIPE, timeout=60)
    os.close(write_end)
    assert done.returncode == ExitCode.OK, done.stderr
    assert desk.states() == everywhere("accepted")
