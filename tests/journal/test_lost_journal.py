"""A journal that is lost: nothing opens or enlarges by it, leaving works, and the reason is said."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.journal.halts import Scope
from keyctl.journal.mark import Identity, Mark, MarkState
from keyctl.model.words import Kind
from tests.support.losses import (
    MOMENTS,
    OPENING,
    SWAP,
    WAYS,
    Desk,
    Waiting,
    drafted,
    in_flight,
    open_desk,
    rows,
    spoil_legs,
)
from tests.support.processes import race
from tests.support.world import ALL, RIGHTS, World

LOST = [way for way in WAYS if way != "damaged_mark"]
REASONS = {
    "deleted": "the file is missing",
    "empty": "the file is empty",
    "older_copy": "the file is an older copy",
    "of_another_home": "the file belongs to another data folder",
    "without_log": "the file is an older copy",
}


@pytest.fixture
def desk(world: World) -> Desk:
    return open_desk(world)


def positions(world: World) -> list[Any]:
    found: list[Any] = world.keyctl("positions", "okx-a", "--json").data["positions"]
    return found


def open_orders(world: World) -> list[Any]:
    found: list[Any] = world.keyctl("orders", "list", "okx-a", "--open", "--json").data["orders"]
    return found


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", LOST)
def test_by_a_lost_journal_nothing_opens_reads_begin_none_and_leaving_works(desk: Desk, way: str, moment: str) -> None:
    world, plan = desk.world, drafted(desk)
    MOMENTS[moment](desk)
    WAYS[way](desk)
    placed, files = world.placements(), desk.files()

    for arguments in (OPENING, (*OPENING, "--again"), ("order", "--plan", plan, "--yes"), ("halt", "--lift")):
        ran = world.keyctl(*arguments)
        assert ran.exit_code == ExitCode.STORE, (arguments, ran)
        assert REASONS[way] in ran.stderr and "nothing was sent" in ran.stderr
    for read in (("orders",), ("positions", "okx-a"), ("orders", "settle"), ("limits",), ("verify", "okx-a")):
        ran = world.keyctl(*read, "--json")
        assert ran.exit_code == 0, ran
        assert any(REASONS[way] in warning for warning in ran.document["warnings"]), ran
    assert world.placements() == placed
    assert desk.files() == files, "a read begins no journal and mends none"

    ran = world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes", "--json")
    assert ran.exit_code == 0, ran
    assert any(REASONS[way] in warning and "a new one was started" in warning for warning in ran.document["warnings"])
    assert positions(world) == []
    world.keyctl("cancel", "-a", "okx-a", "--foreign", "--yes")
    assert open_orders(world) == []
    kept = list(desk.home.state.glob("journal.lost-*.db"))
    assert bool(kept) == (way != "deleted")

    taken = world.placements()
    assert world.keyctl(*OPENING).exit_code == ExitCode.CHECK
    assert world.keyctl("halt", "--lift").exit_code == 0
    ran = world.keyctl(*OPENING, "--json")
    assert ran.exit_code == ExitCode.CHECK and ran.document["errors"][0]["code"] == "over_day_limit", ran
    assert world.keyctl("order", "--plan", plan, "--yes").exit_code in (ExitCode.CHECK, ExitCode.USAGE)
    assert world.placements() == taken


@pytest.mark.parametrize("how", ["cancel", "halt", "doctor"])
@pytest.mark.parametrize("way", LOST)
def test_cancel_halt_and_a_persons_word_begin_a_new_journal_once(desk: Desk, way: str, how: str) -> None:
    world = desk.world
    WAYS[way](desk)
    arguments = {
        "cancel": ("cancel", "-a", "okx-a", "--foreign", "--yes"),
        "halt": ("halt", "gone"),
        "doctor": ("doctor", "--new-journal"),
    }
    ran = world.keyctl(*arguments[how])
    assert ran.exit_code == 0 and "a new one was started" in ran.stdout + ran.stderr, ran
    assert rows(desk, "SELECT COUNT(*) FROM halt") == [(1,)]
    shown = world.keyctl("show", "okx-a", "--json")
    assert "orders are halted" in shown.stdout, "the halt of a new journal is seen where accounts are"
    assert (how == "cancel") == (open_orders(world) == [])
    again = world.keyctl("doctor", "--new-journal")
    assert again.exit_code == ExitCode.CHECK and "not lost" in again.stderr


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_damaged_mark_stops_nothing_and_lifts_no_guard(desk: Desk, moment: str) -> None:
    world, plan = desk.world, drafted(desk)
    MOMENTS[moment](desk)
    WAYS["damaged_mark"](desk)
    ran = world.keyctl("order", "--plan", plan, "--yes")
    assert ran.exit_code == ExitCode.CHECK and "waited to be sent" in ran.stderr, ran
    sol = ("order", "buy", "SOL/USDT", "0.4", "--price", "100", "-a", "okx-a", "--yes")
    codes = {"idle": 0, "in_flight": 7, "unknown": 7, "halted": 4, "capped": 4}
    assert world.keyctl(*sol).exit_code == codes[moment]
    assert world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0
    assert positions(world) == []
    assert mark_of(desk).read().state is MarkState.OURS


def without_a_mark_for_good(desk: Desk) -> None:
    """The mark is gone, and cannot be written again: what stands the file o does not existf ours."""
    desk.mark.unlink()
    desk.mark.symlink_to(desk.world.folder / "elsewhere")


def test_a_mark_that_can_never_be_written_bars_what_waited_once_and_nothing_after_it(desk: Desk) -> None:
    world, before = desk.world, drafted(desk)
    without_a_mark_for_good(desk)
    draft = ("order", "buy", "SOL/USDT", "0.4", "--price", "100", "-a", "okx-a", "--dry-run", "--json")
    plan = world.keyctl(*draft).data["plan"]
    assert rows(desk, f"SELECT state FROM legs WHERE plan_id='{before}'") == [("void",)]
    assert world.keyctl("order", "--plan", before, "--yes").exit_code == ExitCode.CHECK
    assert world.keyctl("order", "--plan", plan, "--yes").exit_code == 0
    assert rows(desk, "SELECT COUNT(*) FROM events WHERE kind='mark_lost'") == [(1,)]


def test_a_cancel_without_a_mark_bars_no_close_that_another_terminal_has_just_stored(desk: Desk) -> None:
    world = desk.world
    without_a_mark_for_good(desk)
    waiting = Waiting(world, "close", "--every-symbol", "-a", "okx-a", "--yes")
    assert world.keyctl("cancel", "-a", "okx-a", "--foreign", "--yes").exit_code == 0
    ran = waiting.go()
    assert ran.exit_code == 0, ran
    assert positions(world) == []


def test_what_waited_is_barred_also_where_a_cancel_has_written_the_mark_anew(desk: Desk) -> None:
    world, before = desk.world, drafted(desk)
    for _ in range(2):
        WAYS["damaged_mark"](desk)
        assert world.keyctl("cancel", "-a", "okx-a", "--foreign", "--yes").exit_code == 0
        assert mark_of(desk).read().state is MarkState.OURS
        ran = world.keyctl("order", "--plan", before, "--yes")
        assert ran.exit_code == ExitCode.CHECK and "waited to be sent" in ran.stderr, ran
        draft = ("order", "buy", "SOL/USDT", "0.4", "--price", "100", "-a", "okx-a", "--dry-run", "--json")
        before = world.keyctl(*draft).data["plan"]  # the mark is lost again after it was written
    assert world.keyctl("order", "--plan", before, "--yes").exit_code == 0


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", WAYS)
def test_a_process_between_preview_and_claim_sends_nothing_once_its_journal_is_lost(
    desk: Desk, way: str, moment: str
) -> None:
    world = desk.world
    waiting = Waiting(world, *OPENING)
    MOMENTS[moment](desk)
    placed = world.placements()
    WAYS[way](desk)
    ran = waiting.go()
    assert ran.exit_code == ExitCode.STORE, ran
    assert "the journal was lost" in ran.stderr
    assert world.placements() == placed


@pytest.mark.parametrize("way", WAYS)
def test_a_close_that_waits_before_its_claim_sends_nothing_either(desk: Desk, way: str) -> None:
    world = desk.world
    waiting = Waiting(world, "close", "--every-symbol", "-a", "okx-a", "--yes")
    placed = world.placements()
    WAYS[way](desk)
    ran = waiting.go()
    assert ran.exit_code == ExitCode.STORE and "the journal was lost" in ran.stderr, ran
    assert world.placements() == placed and positions(world) != []
    assert world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0
    assert positions(world) == []


def test_of_four_that_leave_at_once_one_begins_the_new_journal(desk: Desk) -> None:
    WAYS["older_copy"](desk)
    codes = race(4, lambda number: desk.world.keyctl("halt", f"stop {number}").exit_code)
    assert codes == [0] * 4
    assert len(list(desk.home.state.glob("journal.lost-*.db"))) == 1
    assert rows(desk, "SELECT COUNT(*) FROM events WHERE kind='journal_begun'") == [(1,)]


@pytest.mark.parametrize("way", LOST)
def test_a_process_that_waits_neither_uses_nor_harms_the_journal_that_was_begun_meanwhile(desk: Desk, way: str) -> None:
    world = desk.world
    waiting = Waiting(world, *OPENING)
    WAYS[way](desk)
    placed = world.placements()
    assert world.keyctl("halt", "gone").exit_code == 0
    other = world.app().journals.to_leave()  # another process has the new one open, with its log
    other.halts.begin([(Scope.HOME, "")], "still here")
    ran = waiting.go()
    assert ran.exit_code == ExitCode.STORE, ran
    assert world.placements() == placed
    assert [halt.reason for halt in other.halts.all()] == ["still here"]
    other.halts.begin([(Scope.HOME, "")], "and again")
    other.close()
    assert rows(desk, "SELECT reason FROM halt") == [("and again",)]


def test_the_old_journal_may_be_put_back_until_the_new_one_has_claimed(desk: Desk) -> None:
    world = desk.world
    right = desk.journal.read_bytes()
    WAYS["older_copy"](desk)
    assert world.keyctl("halt", "gone").exit_code == 0
    begun = desk.journal.read_bytes()
    desk.journal.write_bytes(right)
    assert world.keyctl(*OPENING).exit_code == 0
    shutil.copy2(desk.older / "journal.db", desk.journal)
    assert world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes").exit_code == 0  # the new one claims
    desk.journal.write_bytes(right)
    ran = world.keyctl(*OPENING)
    assert ran.exit_code == ExitCode.STORE and "not the one used last" in ran.stderr
    desk.journal.write_bytes(begun)
    assert world.keyctl(*OPENING).exit_code == ExitCode.STORE


def test_what_is_unknown_and_open_is_carried_over_and_nothing_that_waits_is_sent(desk: Desk) -> None:
    world = desk.world
    MOMENTS["unknown"](desk)
    in_flight(desk, "SOL/USDC")
    older = desk.journal.read_bytes()
    assert world.keyctl("order", "buy", "ETH/USDT", "0.02", "--price", "2901", "-a", "okx-a", "--yes").exit_code == 0
    desk.journal.write_bytes(older)
    before = dict(rows(desk, "SELECT client_order_id, state FROM legs"))
    assert sorted(before.values()) == ["accepted", "accepted", "draft", "sent", "unknown"]
    assert world.keyctl("doctor", "--new-journal").exit_code == 0
    after = dict(rows(desk, "SELECT client_order_id, state FROM legs"))
    became = {"accepted": "accepted", "draft": "void", "sent": "unknown", "unknown": "unknown"}
    assert after == {name: became[state] for name, state in before.items()}
    assert rows(desk, "SELECT COUNT(*) FROM legs WHERE status='open' OR claim_number IS NOT NULL") == [(0,)]
    aside = next(desk.home.state.glob("journal.lost-*.db"))
    connection = sqlite3.connect(f"file:{aside}?mode=ro", uri=True)
    assert dict(connection.execute("SELECT client_order_id, state FROM legs").fetchall()) == before
    connection.close()
    assert aside.stat().st_mode & 0o077 == 0


def test_a_damaged_journal_keeps_nobody_from_leaving(desk: Desk) -> None:
    world = desk.world
    desk.journal.write_bytes(b"not a database at all" * 500)
    assert world.keyctl(*OPENING).exit_code == ExitCode.STORE
    assert world.keyctl("orders").exit_code == ExitCode.STORE
    ran = world.keyctl("close", "--every-symbol", "-a", "okx-a", "--yes")
    assert ran.exit_code == 0 and "the file is damaged" in ran.stderr
    assert positions(world) == []
    assert next(desk.home.state.glob("journal.lost-*.db")).read_bytes() == b"not a database at all" * 500


DAMAGED_WAYS_OUT = {
    "cancel": ("cancel", "-a", "okx-a", "--foreign", "--yes"),
    "close": ("close", "--every-symbol", "-a", "okx-a", "--yes"),
    "halt": ("halt", "gone"),
    "doctor": ("doctor", "--new-journal"),
}


@pytest.mark.parametrize("is_older", [False, True])
@pytest.mark.parametrize("how", DAMAGED_WAYS_OUT)
def test_a_journal_with_damaged_pages_has_ways_out(desk: Desk, how: str, is_older: bool) -> None:
    world = desk.world
    if is_older:
        WAYS["older_copy"](desk)
    spoil_legs(desk.journal)
    spoilt = desk.journal.read_bytes()
    assert world.keyctl(*OPENING).exit_code == ExitCode.STORE
    checks = world.keyctl("doctor", "--json").data["checks"]
    told = [check for check in checks if check["name"] == "journal"]
    assert [check["level"] for check in told] == ["fail"] and "doctor --new-journal" in told[0]["fix"], told
    ran = world.keyctl(*DAMAGED_WAYS_OUT[how])
    assert ran.exit_code == 0 and "a new one was started" in ran.stdout + ran.stderr, ran
    assert (REASONS["older_copy"] if is_older else "the file is damaged") in ran.stdout + ran.stderr
    assert next(desk.home.state.glob("journal.lost-*.db")).read_bytes() == spoilt
    assert rows(desk, "SELECT COUNT(*) FROM halt") == [(1,)]


def test_a_bitfinex_read_without_a_journal_counts_its_nonces_from_the_clock(world: World) -> None:
    world.add_all()
    to = ("--price", "58000", "-a", "bitfinex-a", "--yes")
    assert world.keyctl("order", "buy", "BTC/USDT", "0.001", *to).exit_code == 0
    for path in world.app().home.state.glob("journal.db*"):
        path.unlink()
    for _ in range(2):
        assert world.keyctl("balance", "bitfinex-a").exit_code == 0
    assert world.keyctl("cancel", "-a", "bitfinex-a", "--foreign", "--yes").exit_code == 0


def test_another_homes_mark_is_replaced_stops_nothing_and_doctor_tells_of_it(desk: Desk) -> None:
    mark = mark_of(desk)
    Mark(mark.path, "f" * 32).write(Identity("e" * 32, "f" * 32, 0, ""), 900)
    assert mark.read().state is MarkState.FOREIGN
    assert desk.world.keyctl("order", "--plan", drafted(desk), "--yes").exit_code == 0
    assert mark.read().state is MarkState.OURS
    checks = desk.world.keyctl("doctor", "--json").data["checks"]
    assert [check["level"] for check in checks if check["name"] == "journal"] == ["warn"]


def test_a_mark_never_goes_back_and_never_waits_for_long(tmp_path: Path) -> None:
    mark, identity = Mark(tmp_path / "mark", "a" * 32), Identity("b" * 32, "a" * 32, 0, "")
    for number, stands in ((1, 1), (7, 7), (3, 7), (8, 8)):
        mark.write(identity, number)
        assert (mark.read().state, mark.read().number) == (MarkState.OURS, stands)
    whole = mark.path.read_bytes()
    for place in range(len(whole)):
        mark.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert mark.read().state is not MarkState.OURS or mark.read().number == 8
    os.truncate(mark.path, 20)
    assert mark.read().state is MarkState.DAMAGED
    mark.path.unlink()
    mark.path.symlink_to(tmp_path / "elsewhere")
    mark.write(identity, 9)
    assert mark.read().state is MarkState.DAMAGED and not (tmp_path / "elsewhere").exists()


def test_the_draft_of_a_lost_swap_is_not_sent_by_any_name(desk: Desk) -> None:
    """Neither by its full id nor by a prefix, before and after a new journal was begun."""
    plan = drafted(desk)
    WAYS["older_copy"](desk)
    for name in (plan, plan[:4]):
        assert desk.world.keyctl("order", "--plan", name, "--yes").exit_code == ExitCode.STORE
    assert SWAP in str(positions(desk.world))


def mark_of(desk: Desk) -> Mark:
    """The desk's mark."""
    return Mark(desk.mark, desk.home.identity())


@pytest.mark.parametrize("exchange", ALL)
def test_the_leg_of_a_stored_plan_that_a_copy_of_this_home_has_sent_is_recorded_and_not_sent(
    world: World, exchange: str
) -> None:
    world.add(exchange, rights=RIGHTS)
    order = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", f"{exchange}-a", "--dry-run", "--json")
    plan = world.keyctl(*order).data["plan"]
    shutil.copytree(world.home, world.folder / "copy")
    here = world.environ["KEYCTL_HOME"]
    world.environ["KEYCTL_HOME"] = str(world.folder / "copy")
    assert world.keyctl("order", "--plan", plan, "--yes").exit_code == 0
    world.environ["KEYCTL_HOME"] = here
    ran = world.keyctl("order", "--plan", plan, "--yes", "--json")
    assert ran.exit_code == 0, ran
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["accepted"]
    assert list(world.placements().values()) == [1]
    assert world.app().journal.used_today(Kind.DEMO) > 0
