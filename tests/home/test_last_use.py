"""The last use of each key by keyctl: noted by orders, reads and exec, shown by list, judged by verify."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from keyctl.home.last_use import FILE_NAME, UNUSED_DAYS, last_uses, note_use
from tests.support.clocks import ShiftedClock
from tests.support.world import RIGHTS, World

NOW = 1_795_262_400.0


def test_the_newest_use_of_each_key_is_kept(tmp_path: Path) -> None:
    note_use(tmp_path, ["a", "b"], "read", NOW)
    note_use(tmp_path, ["a"], "order", NOW + 60)
    found = last_uses(tmp_path)
    assert (found["a"].what, found["a"].at.timestamp()) == ("order", NOW + 60)
    assert (found["b"].what, found["b"].at.timestamp()) == ("read", NOW)


def test_uses_close_together_are_written_once(tmp_path: Path) -> None:
    note_use(tmp_path, ["a"], "read", NOW)
    first = (tmp_path / FILE_NAME).stat().st_mtime_ns
    note_use(tmp_path, ["a"], "read", NOW + 3500)
    assert (tmp_path / FILE_NAME).stat().st_mtime_ns == first
    note_use(tmp_path, ["a"], "read", NOW + 3700)
    assert last_uses(tmp_path)["a"].at.timestamp() == NOW + 3700


@pytest.mark.parametrize("text", ["{broken", "[]", '{"a": 3}', '{"a": ["x", "read"]}', '{"a": [1e400, "read"]}'])
def test_a_damaged_file_is_no_use_known_and_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    (tmp_path / FILE_NAME).chmod(0o600)
    assert last_uses(tmp_path) == {}
    note_use(tmp_path, ["a"], "exec", NOW)
    assert set(last_uses(tmp_path)) == {"a"}


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    note_use(tmp_path / "missing", ["a"], "read", NOW)
    assert last_uses(tmp_path / "missing") == {}


@pytest.fixture
def used(world: World) -> World:
    world.add("okx", rights=RIGHTS)
    return world


def use_of(world: World) -> tuple[str | None, str | None]:
    (account,) = world.keyctl("list", "--json").data["accounts"]
    return account["last_use_for"], account["last_use"]


def test_orders_and_reads_are_uses_and_checks_of_the_key_are_none(used: World) -> None:
    used.keyctl("verify", "okx-a")
    used.keyctl("diagnose", "okx-a")
    used.keyctl("request", "okx-a", "GET", "/api/v5/market/ticker", "-p", "instId=BTC-USDT")
    assert use_of(used) == (None, None)
    assert used.keyctl("list").stdout.splitlines()[0].split("\t")[-1] == "-"
    used.keyctl("balance")
    assert use_of(used)[0] == "read"
    order = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "okx-a", "--yes")
    assert used.keyctl(*order, "--dry-run").exit_code == 0
    assert use_of(used)[0] == "read"
    assert used.keyctl(*order).exit_code == 0
    assert use_of(used)[0] == "order"
    assert used.keyctl("list").stdout.splitlines()[0].split("\t")[-1] == "today"


def test_a_program_that_is_given_the_key_is_a_use(used: World) -> None:
    assert used.spawn("exec", "okx-a", "--", "true").exit_code == 0
    assert use_of(used)[0] == "exec"


def test_verify_warns_of_a_key_that_nothing_uses(used: World) -> None:
    clock = ShiftedClock()

    def finding() -> dict[str, str]:
        rows = used.keyctl("verify", "okx-a", "--json", clock=clock).data["findings"]
        return next(row for row in rows if row["rule"] == "unused")

    assert finding()["level"] == "pass"
    used.keyctl("balance")
    clock.ahead += timedelta(days=UNUSED_DAYS + 1).total_seconds()
    file = used.app().home.state / FILE_NAME
    aged = {key: [at, what] for key, (at, what) in json.loads(file.read_text()).items()}
    assert aged
    used.twin.venue("okx").offset_ms = int(clock.ahead * 1000)
    found = finding()
    assert (found["level"], found["detail"]) == ("warn", f"last used by keyctl {UNUSED_DAYS + 1} days ago (read)")
    assert "delete it at OKX" in found["fix"] and "keyctl remove okx-a" in found["fix"]
    assert used.keyctl("verify", "okx-a", clock=clock).exit_code in (0, 4)
