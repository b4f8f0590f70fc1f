"""A home in which nothing can be written: what only reads works and says what it does not keep; the rest refuses."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode, JournalUnwritten, StoreUnusable
from keyctl.journal import reading
from keyctl.journal.database import Database
from keyctl.journal.notes import VaultNotes
from keyctl.journal.opening import open_to_read
from keyctl.journal.reading import copied
from tests.support.losses import WAYS as LOSSES
from tests.support.losses import open_desk
from tests.support.processes import race
from tests.support.ran import Ran
from tests.support.terminal import Person
from tests.support.unwritable import WAYS, journal_forbidden, permit, within
from tests.support.world import RIGHTS, World

REASONS = {
    "forbidden": "Permission denied",
    "no_growth": "File too large",
    "read_only_mount": "Read-only file system",
    "full_disk": "No space left on device",
}
READS = (
    ("balance", "okx-a", "binance-a"),
    ("positions", "okx-a"),
    ("orders", "list", "--open", "okx-a"),
    ("orders",),
    ("orders", "refresh"),
    ("limits",),
    ("price", "BTC/USDT"),
    ("verify", "okx-a"),
    ("diagnose", "okx-a"),
    ("whitelist", "show", "okx-a"),
    ("request", "okx-a", "GET", "/api/v5/account/balance"),
    ("vault", "check"),
)
QUIET_READS = (("list",), ("show", "okx-a"), ("vault", "status"), ("config", "show"), ("checklist", "okx"))
CHANGES = (
    ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "okx-a", "--yes"),
    ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "okx-a", "--dry-run"),
    ("close", "--every-symbol", "-a", "okx-a", "--yes"),
    ("halt", "enough"),
    ("halt", "--lift"),
    ("edit", "okx-a", "--same-as", "okx-b"),
    ("rename", "okx-a", "okx-c"),
)


@pytest.fixture
def home(world: World) -> Iterator[World]:
    """Accounts at three exchanges and an open order at OKX."""
    for exchange in ("okx", "binance", "bitfinex"):
        world.add(exchange, rights=RIGHTS)
    world.add("okx", "okx-b", rights=RIGHTS)
    ran = world.keyctl("order", "buy", "ETH/USDT", "0.01", "--price", "2900", "-a", "okx-a", "--yes")
    assert ran.exit_code == 0, ran
    yield world
    permit(world.home)


@pytest.fixture
def small(world: World) -> Iterator[World]:
    """Accounts at two exchanges, and a journal."""
    for exchange in ("okx", "bitfinex"):
        world.add(exchange, rights=RIGHTS)
    world.keyctl("limits")
    yield world
    permit(world.home)


def unkept(ran: Ran, reason: str = "") -> list[str]:
    return [words for words in ran.document["warnings"] if "is not kept" in words and reason in words]


def files(home: Path) -> dict[str, str]:
    """What is in every file; not in SQLite's log and its index, which come and go, empty, where it opens a journal."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and path.name != "full" and not path.name.endswith(("-wal", "-shm"))
    }


def open_orders(world: World) -> int:
    return len(world.keyctl("orders", "list", "--open", "okx-a", "--json").data["orders"])


@pytest.mark.parametrize("way", WAYS)
def test_what_only_reads_works_changes_nothing_and_says_once_what_is_not_kept(home: World, way: str) -> None:
    def work() -> tuple[dict[str, str], list[Ran], list[Ran], dict[str, str]]:
        before = files(home.home)
        loud, quiet = ([home.keyctl(*words, "--json") for words in those] for those in (READS, QUIET_READS))
        return before, loud, quiet, files(home.home)

    before, loud, quiet, after = within(WAYS[way], home.home, work)
    for words, ran in zip(READS, loud, strict=True):
        assert ran.exit_code == 0, (words, ran)
        assert len(unkept(ran, REASONS[way])) == 1, (words, ran)
    for words, ran in zip(QUIET_READS, quiet, strict=True):
        assert ran.exit_code == 0, (words, ran)
    assert [item["symbol"] for item in loud[2].data["orders"]] == ["ETH/USDT"]
    assert [item["symbol"] for item in loud[3].data["orders"]] == ["ETH/USDT"], "what the journal knew is known"
    assert before == after


@pytest.mark.parametrize("way", WAYS)
def test_what_must_be_kept_is_refused_in_words_and_a_cancel_goes_out(home: World, way: str) -> None:
    placed = home.placements()

    def work() -> tuple[list[Ran], Ran]:
        ran = [home.keyctl(*words, "--json") for words in CHANGES]
        return ran, home.keyctl("cancel", "-a", "okx-a", "--yes", "--json")

    refused, canceled = within(WAYS[way], home.home, work)
    for words, ran in zip(CHANGES, refused, strict=True):
        assert ran.exit_code == ExitCode.STORE, (words, ran)
        (error,) = ran.document["errors"]
        assert REASONS[way] in error["message"] and error["message"].count("\n") == 0, (words, ran)
    assert home.placements() == placed
    assert canceled.exit_code == 0 and unkept(canceled, REASONS[way]), canceled
    permit(home.home)
    assert open_orders(home) == 0


@pytest.mark.parametrize("way", WAYS)
def test_an_exchange_that_counts_nonces_is_left_out_alone(home: World, way: str) -> None:
    reads = (("balance",), ("positions",), ("orders", "list", "--open"))

    def work() -> list[tuple[Ran, Ran]]:
        return [
            (home.keyctl(*words, "bitfinex-a", "--json"), home.keyctl(*words, "bitfinex-a", "okx-a", "--json"))
            for words in reads
        ]

    for words, (alone, beside) in zip(reads, within(WAYS[way], home.home, work), strict=True):
        assert alone.exit_code == ExitCode.STORE, (words, alone)
        assert beside.exit_code == ExitCode.PARTIAL, (words, beside)
        for ran in (alone, beside):
            assert {(e["account"], e["code"]) for e in ran.document["errors"]} == {("bitfinex-a", "nonce_not_kept")}
            assert all(REASONS[way] in e["message"] for e in ran.document["errors"])


def test_nonces_are_not_used_where_their_lock_cannot_be_made(small: World) -> None:
    """As in a home whose journal was lost, and which cannot be written: the journal in memory knows no nonce."""
    for path in (small.home / "state").glob("journal.db*"):
        path.unlink()
    ran = within(WAYS["forbidden"], small.home, lambda: small.keyctl("balance", "bitfinex-a", "--json"))
    assert ran.exit_code == ExitCode.STORE, ran
    assert {error["code"] for error in ran.document["errors"]} == {"nonce_not_kept"}


def at_terminal(world: World, *arguments: str, way: str = "forbidden") -> Person:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.unwritable import WAYS\n"
        "from keyctl.cli import run\n"
        f"WAYS[{way!r}](Path({str(world.home)!r}))\n"
        f"sys.exit(run({list(arguments)!r}))\n"
    )
    return Person(["-c", code], {**world.environ, "PYTHONPATH": str(Path(__file__).parents[1])})


@pytest.mark.parametrize(("typed", "code"), [("unchecked", 17), ("yes", ExitCode.CHECK), ("", ExitCode.CHECK)])
@pytest.mark.parametrize("way", ["forbidden", "no_growth"])
def test_exec_asks_since_the_roll_back_check_cannot_be_kept(small: World, way: str, typed: str, code: int) -> None:
    person = at_terminal(small, "exec", "okx-a", "--", "sh", "-c", "exit 17", way=way)
    left, seen = person.waits_for("pass the key on").types(f"{typed}\n").leaves()
    assert left == code, seen
    assert REASONS[way] in seen


@pytest.mark.parametrize("words", [("exec", "okx-a", "--", "true"), ("env", "okx-a"), ("env", "okx-a", "--to-file")])
def test_without_a_person_no_key_is_handed_on(small: World, words: tuple[str, ...]) -> None:
    target = small.folder / "out.env"
    words = (*words, str(target)) if words[-1] == "--to-file" else words
    ran = within(WAYS["forbidden"], small.home, lambda: small.keyctl(*words))
    assert ran.exit_code == ExitCode.STORE and "Permission denied" in ran.stderr, ran
    assert ran.stdout == "" and not target.exists()


def test_reveal_asks_as_exec_does(small: World) -> None:
    person = at_terminal(small, "reveal", "okx-a")
    person.waits_for("on the screen. Type").types("okx-a\n").waits_for("pass the key on").types("no\n")
    left, seen = person.leaves()
    assert left == ExitCode.CHECK and small.made["okx-a"].secret not in seen


def test_a_journal_that_alone_cannot_be_written_counts_as_well(small: World) -> None:
    ran = within(journal_forbidden, small.home, lambda: small.keyctl("limits", "--json"))
    assert ran.exit_code == 0 and unkept(ran, "journal.db: the journal was read"), ran
    ran = within(journal_forbidden, small.home, lambda: small.keyctl(*CHANGES[0], "--json"))
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.STORE, "journal_unwritten"), ran


def test_a_config_folder_that_alone_cannot_be_written_keeps_no_verdict_back(small: World) -> None:
    ran = within(
        lambda _: WAYS["forbidden"](small.home / "config"), small.home, lambda: small.keyctl("verify", "--all")
    )
    assert "the account data from the exchange was not stored" in ran.stderr, ran
    assert "okx-a" in ran.stdout and "cannot be opened" not in ran.stdout


# What another process has written stands in its log, beside the journal.


def rest_in_the_log(world: World) -> Database:
    """An open journal whose newest entry, a halt, is in its log alone."""
    app = world.app()
    journal = app.journals.to_send()
    journal.halts.begin([("account", world.account("okx-a").id)], "kept in the log")  # type: ignore[list-item]
    return journal._database


@pytest.mark.parametrize("way", WAYS)
def test_what_another_process_has_written_last_is_read(small: World, way: str) -> None:
    database = rest_in_the_log(small)
    log = small.home / "state" / "journal.db-wal"
    assert log.stat().st_size > 0
    ran = within(WAYS[way], small.home, lambda: small.keyctl("limits", "--json"))
    assert ran.exit_code == 0 and "kept in the log" in ran.stdout, ran
    database.close()


@pytest.mark.parametrize("gone", ["-shm", ""])
def test_a_log_without_its_index_is_read_too(small: World, gone: str) -> None:
    """As in a copy of a home that was in use, or on a mount that hides nothing and takes nothing."""
    database = rest_in_the_log(small)
    state, copy = small.home / "state", small.folder / "copy"
    shutil.copytree(state, copy)
    database.close()
    for path in state.glob("journal.db*"):
        path.unlink()
    for path in copy.glob("journal.db*"):
        if not gone or not path.name.endswith(gone):
            shutil.copy2(path, state / path.name)
    ran = within(WAYS["forbidden"], small.home, lambda: small.keyctl("limits", "--json"))
    assert ran.exit_code == 0 and "kept in the log" in ran.stdout, ran


def test_a_journal_that_changes_while_it_is_read_is_read_again(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small.home / "state" / "journal.db"
    writes = iter(range(3))
    real = reading._copy

    def copy(path: Path, options: Any, *, exclusive: bool = False) -> sqlite3.Connection:
        if not exclusive:
            raise sqlite3.OperationalError("unable to open database file")
        found = real(path, options, exclusive=exclusive)
        for number in writes:
            with Database(path).transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO facts VALUES ('test', ?)", (str(number),))
            break
        return found

    def work(_: int) -> str:
        monkeypatch.setattr(reading, "_copy", copy)
        return str(copied(path).execute("SELECT value FROM facts WHERE name='test'").fetchone()[0])

    assert race(1, work) == ["2"], "what was read last is what was written last"


def test_a_journal_that_never_rests_is_told_and_not_shown_half(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small.home / "state" / "journal.db"
    states = iter(range(1000))
    monkeypatch.setattr(reading, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(reading, "_READ_ONLY", {"mode": "ro", "vfs": "no-such"})
    monkeypatch.setattr(reading, "_state", lambda path: next(states))
    with pytest.raises(StoreUnusable) as caught:
        copied(path)
    assert caught.value.code == "journal_busy"


def test_a_file_that_is_not_ours_is_not_read(small: World, tmp_path: Path) -> None:
    path = small.home / "state" / "journal.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with pytest.raises(StoreUnusable, match="not a regular file of this user"):
        copied(link)


def test_a_damaged_journal_is_damaged_here_too(small: World) -> None:
    (small.home / "state" / "journal.db").write_bytes(b"not a database " * 1000)
    ran = within(WAYS["forbidden"], small.home, lambda: small.keyctl("limits", "--json"))
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.STORE, "journal_damaged"), ran


@pytest.mark.parametrize("loss", ["deleted", "older_copy", "of_another_home"])
def test_a_lost_journal_is_told_of_here_too(world: World, loss: str) -> None:
    desk = open_desk(world)
    LOSSES[loss](desk)
    ran = within(WAYS["forbidden"], world.home, lambda: world.keyctl("positions", "okx-a", "--json"))
    permit(world.home)
    assert ran.exit_code == 0 and any("the journal was lost" in words for words in ran.document["warnings"]), ran


# A disk that becomes full while the journal is open.


def test_a_disk_that_fills_after_the_journal_was_opened_is_noticed_at_the_first_note(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_to_read(small.app().home)
    monkeypatch.setattr(reading, "unwritable", lambda folder, size: "No space left on device")
    with database.transaction() as connection:
        connection.execute("INSERT INTO facts VALUES ('test', 'here')")
    assert database.rows("SELECT value FROM facts WHERE name='test'")[0][0] == "here", "for this command"
    with pytest.raises(JournalUnwritten), database.transaction() as connection:
        database.next_number(connection)
    with pytest.raises(JournalUnwritten):
        VaultNotes(database).accept_vault("id", 3)
    database.close()
    later = open_to_read(small.app().home)
    assert later.rows("SELECT value FROM facts WHERE name='test'") == [], "and for no other"
    later.close()


def test_what_must_be_kept_is_never_noted_in_memory_alone(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends has the file itself: where that fails it is told, and no copy takes its place."""
    app = small.app()
    database = app.journals.to_send()._database
    monkeypatch.setattr(reading, "unwritable", lambda folder, size: "No space left on device")
    with database.transaction() as connection:
        number = database.next_number(connection)
    assert number and database.look() is None
