"""keyctl leak where something else is wrong too: what is still said, barred and canceled, and what is never claimed."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.leaks import playbook
from keyctl.model.words import Side
from keyctl.terminal.output import at_once
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.foreign_orders import foreign
from tests.support.killed import at_save, keyctl_dying
from tests.support.leaks import (
    BUY,
    SWAP,
    codes,
    deleted,
    evidence_files,
    held,
    leak,
    next_key,
    states,
    told,
)
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import ALL, RIGHTS, World, credentials, open_position

DAY = 86_400


def words_of(ran: Ran, step: str) -> str:
    return next(str(item["words"]) for item in told(ran)["steps"] if item["step"] == step)


def labels(world: World) -> list[str]:
    return sorted(account.label for account in world.app().accounts.all())


# What is said and barred first.


def test_a_damaged_journal_keeps_neither_the_first_line_nor_the_cancels_back(world: World) -> None:
    world.add("okx")
    order = foreign(world, "okx")
    (world.home / "state" / "journal.db").write_bytes(b"garbage" * 1000)
    ran = leak(world, "okx-a")
    assert ran.stderr.startswith("Delete the key ")
    assert (states(ran)["halt"], states(ran)["cancel"]) == ("done", "done") and not order.is_open
    assert any("a new one was started" in warning for warning in ran.document["warnings"])


def test_a_locked_store_keeps_neither_the_first_line_nor_the_block_back(world: World) -> None:
    world.add("okx")
    world.key_file.rename(world.key_file.with_suffix(".away"))
    ran = leak(world, "okx-a")
    assert ran.stderr.startswith("Delete the key ")
    assert (ran.exit_code, states(ran)["halt"], states(ran)["cancel"]) == (3, "done", "not done")
    world.key_file.with_suffix(".away").rename(world.key_file)
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]


def test_a_block_that_was_not_noted_before_a_kill_is_noted_by_the_next_run(world: World) -> None:
    world.add("okx")
    assert keyctl_dying(world, at_save(3, after=False), "leak", "okx-a", "--yes", clock=SkipClock()) is None
    assert states(leak(world, "okx-a"))["halt"] == "done"
    evidence_files(world)[0].write_text("{half", encoding="utf-8")
    assert states(leak(world, "okx-a"))["halt"] == "done"


def test_an_account_that_was_removed_while_its_leak_is_under_way_is_gone_on_with(world: World) -> None:
    world.add("okx")
    first = leak(world, "okx-a")
    assert world.keyctl("remove", "okx-a", "--yes").exit_code == 0
    ran = leak(world, "okx-a")
    assert ran.stderr.startswith(f"Delete the key {told(first)['api_key']} at https://www.okx.com")
    assert told(ran)["api_key"] == told(first)["api_key"] and "not_proven" in codes(ran)
    assert codes(leak(world, "okx-z")) == ["unknown_account"]


def test_a_renamed_account_is_named_as_it_is_now(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    world.keyctl("rename", "okx-a", "okx-b")
    ran = world.keyctl("leak", "okx-b", "--yes")
    assert "okx-a" not in ran.stdout + ran.stderr and len(evidence_files(world)) == 1


# The evidence.


def _without_exchange(document: dict[str, Any]) -> None:
    del document["exchange"]


def _of_no_exchange(document: dict[str, Any]) -> None:
    document["exchange"] = "elsewhere"


def _with_a_word_as_time(document: dict[str, Any]) -> None:
    document["since_ms"] = "yesterday"


def _with_bare_entries(document: dict[str, Any]) -> None:
    document["entries"] = [{"at": "", "step": "cancel", "state": "done"}]


@pytest.mark.parametrize(
    "change",
    [_without_exchange, _of_no_exchange, _with_a_word_as_time, _with_bare_entries],
    ids=lambda change: change.__name__,
)
def test_evidence_that_lacks_something_is_begun_anew(world: World, change: Any) -> None:
    world.add("okx")
    order = foreign(world, "okx")
    world.keyctl("leak", "okx-a", "--json")
    (path,) = evidence_files(world)
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    assert states(leak(world, "okx-a"))["cancel"] == "done"
    assert not order.is_open and json.loads(path.read_text(encoding="utf-8")) == document


def test_where_its_evidence_cannot_be_locked_orders_are_canceled_all_the_same(world: World) -> None:
    world.add("okx")
    order = foreign(world, "okx")
    world.keyctl("leak", "okx-a", "--json")
    (path,) = evidence_files(world)
    lock = path.with_name(f".{path.name}.lock")
    lock.unlink()
    lock.mkdir()
    assert states(leak(world, "okx-a"))["cancel"] == "done" and not order.is_open


def test_two_runs_that_begin_at_once_are_of_one_leak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("okx")
    order = foreign(world, "okx")
    both, first_line = threading.Barrier(2, timeout=20), at_once

    def together(text: str, options: Any) -> None:
        first_line(text, options)
        both.wait()

    monkeypatch.setattr(playbook, "at_once", together)
    runs = [threading.Thread(target=leak_quietly, args=(world,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(evidence_files(world)) == 1 and not order.is_open
    assert [line.operation for line in world.venue("okx").calls.changing()] == ["cancel"]


def leak_quietly(world: World) -> None:
    app = world.app()
    try:
        playbook.leak(app, "okx-a", playbook.Wishes(yes=True))
    finally:
        app.close()  # in its own thread


# Whose key it is.


@pytest.mark.parametrize("is_second", [False, True])
def test_the_death_of_the_key_before_it_proves_nothing_of_the_leaked_one(world: World, is_second: bool) -> None:
    world.add("okx")
    if is_second:
        leak(world, "okx-a")
    made = next_key(world, "okx-a")
    assert world.keyctl("rotate", "okx-a", "--credentials-stdin", stdin=credentials(made)).exit_code == 0
    deleted(world, "okx-a")
    ran = leak(world, "okx-a", *(["--anew"] if is_second else []))
    assert told(ran)["api_key"] == world.account("okx-a").api_key_hint
    assert (ran.exit_code, states(ran)["rotate"], states(ran)["dead"]) == (4, "not done", "not done")
    assert "old_key_works" in codes(ran) and labels(world) == ["okx-a", "okx-a.old"]
    # With a next key the one before goes first.
    third = next_key(world, "okx-a")
    ran = leak(world, "okx-a", "--credentials-stdin", stdin=credentials(third))
    assert (states(ran)["rotate"], states(ran)["dead"]) == ("done", "not done")
    assert labels(world) == ["okx-a", "okx-a.old"] and codes(ran) == ["old_key_works"]


def test_the_old_key_of_a_rotation_has_a_leak_of_its_own(world: World) -> None:
    world.add("okx")
    old = world.account("okx-a").api_key_hint
    made = next_key(world, "okx-a")
    world.keyctl("rotate", "okx-a", "--credentials-stdin", stdin=credentials(made))
    assert told(leak(world, "okx-a"))["api_key"] != old
    ran = leak(world, "okx-a.old")
    assert told(ran)["api_key"] == old and f"Delete the key {old}" in ran.stderr


# The end.


def finishing(world: World) -> tuple[str, ...]:
    """All but the last run of a leak, which has the next key; the words of that one."""
    world.add("okx", rights=RIGHTS)
    assert world.keyctl("verify", "okx-a", "--json").data["findings"]
    deleted(world, "okx-a")
    return "leak", "okx-a", "--yes", "--credentials-stdin"


def test_a_run_that_was_killed_when_all_was_done_bars_no_next_key(world: World) -> None:
    words = finishing(world)
    new = credentials(next_key(world, "okx-a"))
    ran = world.keyctl(*words, "--json", stdin=new)
    assert told(ran)["finished"] is True
    again = world.keyctl(*words, "--json", stdin=new)
    assert (again.exit_code, told(again)["finished"]) == (0, True)
    assert "Delete the key" not in again.stderr and told(again)["api_key"] == told(ran)["api_key"]
    assert any(line.endswith("keyctl leak okx-a --anew") for line in told(again)["to_do"])
    assert world.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    # A day later the same words mean the key that the label has then.
    later = ShiftedClock(2 * DAY)
    world.venue("okx").offset_ms = 2 * DAY * 1000
    second = world.keyctl("leak", "okx-a", "--yes", "--json", clock=later)
    assert told(second)["api_key"] == world.account("okx-a").api_key_hint


def test_a_close_that_failed_keeps_it_under_way(world: World) -> None:
    words = finishing(world)
    open_position(world, "okx-a", SWAP, Side.BUY, "2")
    world.fault(kind=FaultKind.HTML, exchange="okx", operation="positions", times=None)
    ran = world.keyctl(*words, "--close", "--json", stdin=credentials(next_key(world, "okx-a")))
    assert (states(ran)["dead"], states(ran)["close"], told(ran)["finished"]) == ("done", "not done", False)
    world.twin.faults.clear()
    other = leak(world, "okx-a")
    assert told(other)["finished"] is False and any(line.endswith("okx-a --close") for line in told(other)["to_do"])
    again = leak(world, "okx-a", "--close")
    assert (states(again)["close"], told(again)["finished"]) == ("done", True) and not held(world)
    assert world.keyctl(*BUY, "-a", "okx-a").exit_code == 0


@pytest.mark.parametrize("exchange", ALL)
def test_an_address_that_is_not_listed_any_more_proves_no_death(world: World, exchange: str) -> None:
    label = f"{exchange}-a"
    world.add(exchange, rights=RIGHTS)
    leak(world, label)
    world.made[label].key.ips = {"spot": ("203.0.113.9",), "futures": ("203.0.113.9",)}
    ran = leak(world, label)
    assert states(ran)["dead"] == "not done" and "not_proven" in codes(ran)


@pytest.mark.parametrize("exchange", ["binance", "bitfinex"])
def test_an_edited_list_proves_no_death_beside_the_next_key_either(world: World, exchange: str) -> None:
    """There a deleted key is answered alike: a person has to see that it is gone."""
    label = f"{exchange}-a"
    world.add(exchange, rights=RIGHTS)
    words = ("--credentials-stdin", "--json")
    ran = world.keyctl("leak", label, "--yes", *words, stdin=credentials(next_key(world, label)))
    assert states(ran)["rotate"] == "done" and "old_key_works" in codes(ran)
    world.made[label].key.ips = {"spot": ("203.0.113.9",), "futures": ("203.0.113.9",)}
    ran = leak(world, label)
    assert states(ran)["rotate"] == "done" and states(ran)["dead"] == "not done" and "not_proven" in codes(ran)
    assert any(f"keyctl remove {label}.old" in hint for error in ran.document["errors"] for hint in error["hints"])
    assert world.keyctl("remove", f"{label}.old", "--yes").exit_code == 0
    again = leak(world, label)
    assert (states(again)["dead"], told(again)["finished"]) == ("done", True), again.stdout
    assert "I have deleted it.\n" in told(again)["ticket"], "no exchange has shown it"


@pytest.mark.parametrize("exchange", ["okx", "lbank"])
def test_where_the_exchange_tells_a_deleted_key_apart_that_proves_it(world: World, exchange: str) -> None:
    label = f"{exchange}-a"
    world.add(exchange, rights=RIGHTS)
    leak(world, label)
    deleted(world, label)
    assert states(leak(world, label))["dead"] == "done"


# The block.


def test_the_block_lets_every_order_that_only_reduces_pass_and_none_that_opens(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    twin_key = next_key(world, "okx-a")
    world.keyctl(
        *("add", "okx", "--label", "okx-b", "--endpoint", world.twin.endpoint("okx"), "--credentials-stdin"),
        stdin=credentials(twin_key),
    )
    world.keyctl("verify", "--all")
    open_position(world, "okx-a", SWAP, Side.BUY, "2")
    draft = world.keyctl(*BUY, "-a", "okx-a", "--dry-run", "--json").data["plan"]
    leak(world, "okx-a")
    for words in ((*BUY, "-a", "okx-a"), ("order", "--plan", draft, "--yes")):
        assert codes(world.keyctl(*words, "--json")) == ["halted"]
    swap = ("order", "sell", SWAP, "--contracts", "1", "--yes", "-a", "okx-a", "--json")
    assert codes(world.keyctl(*swap)) == ["halted"]
    reducing = world.keyctl(*swap, "--reduce-only")
    assert reducing.exit_code == 0, reducing.stdout
    assert world.keyctl("close", SWAP, "--yes", "-a", "okx-a").exit_code == 0 and not held(world)
    assert world.keyctl(*BUY, "-a", "okx-b").exit_code == 0  # another key, which has not leaked


def test_a_backup_carries_the_block(world: World, tmp_path: Path) -> None:
    world.add("okx")
    leak(world, "okx-a")
    assert world.keyctl("backup", str(tmp_path / "copy")).exit_code == 0
    for path in (world.home / "state").glob("journal.db*"):
        path.unlink()
    restored = world.keyctl("restore", str(tmp_path / "copy"), "--yes")
    assert restored.exit_code == 0, restored.stderr
    assert "okx-a: orders with this key are halted" in world.keyctl("halt", "--lift").stderr
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]


# What happened.


def test_a_clock_that_is_ahead_hides_nothing(world: World) -> None:
    world.add("okx")
    venue = world.venue("okx")
    uid = world.made["okx-a"].key.uid
    venue.happened(uid, "withdrawal", amount=Decimal("-1.5"), at_ms=venue.now_ms() - 3_600_000)
    ran = world.keyctl("leak", "okx-a", "--yes", "--json", clock=ShiftedClock(3 * DAY))
    assert [find["kind"] for find in told(ran)["not_ours"]] == ["withdrawal"]
    asked = world.keyctl("leak", "okx-a", "--yes", "--since", "1h", "--json", clock=ShiftedClock(3 * DAY))
    assert any(word.startswith("everything: ") for word in told(asked)["unknown"])


def test_what_a_cancel_could_not_see_is_said(world: World) -> None:
    world.add("lbank")
    warnings = leak(world, "lbank-a").document["warnings"]
    assert any("lists open orders by symbol only" in word for word in warnings)


def test_a_scan_that_breaks_off_keeps_no_report_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.leaks import scan

    def broken(*_: object) -> None:
        raise RuntimeError("a worker of the scan was interrupted")

    world.add("okx")
    monkeypatch.setattr(scan, "look_through", broken)
    ran = leak(world, "okx-a")
    assert states(ran)["scan"] == "not done" and "not_all_read" in codes(ran)
    monkeypatch.undo()
    assert states(leak(world, "okx-a"))["scan"] == "done"
