"""A journal of the version before, without a mark and an id, is adopted with all its guards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.clock import Clock
from keyctl.errors import CheckFailed, ExitCode
from keyctl.home.config import Limits
from keyctl.journal import database, schema
from keyctl.journal.halts import Scope
from keyctl.journal.legs import ClaimWish, Journal, LegState
from keyctl.journal.mark import MarkState
from keyctl.journal.opening import journal_file, mark_of, open_database
from keyctl.model.words import Kind
from tests.support.losses import OPENING
from tests.support.world import RIGHTS, World

BEFORE = 5
# Each leg of the old journal: its state, whether it is exempt from value caps, and what of it must hold later.
LEGS = {
    "open": ("accepted", 0, "30"),
    "unknown": ("unknown", 0, "40"),
    "flying": ("sent", 0, "50"),
    "planned": ("planned", 0, "60"),
    "drafted": ("draft", 0, "60"),
    "leaving": ("accepted", 1, "70"),
}


def write_old(path: Path, account_id: str, now: float) -> None:
    """A journal as version 5 left it: legs in every state, a cut rotation, a halt, a nonce and a cool-down."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    database._run(connection, schema.TABLES)
    for version in range(2, BEFORE + 1):
        database._run(connection, schema.UPGRADES[version])
    connection.execute(f"PRAGMA user_version={BEFORE}")
    for number, (name, (state, exempt, value)) in enumerate(LEGS.items()):
        connection.execute("INSERT INTO plans VALUES (?, ?, 'demo', NULL)", (f"plan{name}", now - 60))
        claimed = None if state in ("planned", "draft") else now - 30
        connection.execute(
            "INSERT INTO legs (plan_id, idx, account_id, account, exchange, kind, symbol, native_symbol, market, side,"
            " type, time_in_force, post_only, quantity, price, value_usd, client_order_id, client_order_date, state,"
            " claimed_at, stamp_ms, exempt) VALUES (?, 0, ?, 'okx-a', 'okx', 'demo', 'SOL/USDT', 'SOL-USDT', 'spot',"
            " 'buy', 'limit', 'gtc', 0, '0.1', '100', ?, ?, '2026-11-28', ?, ?, ?, ?)",
            (f"plan{name}", account_id, value, f"kcold{number}", state, claimed, int(now * 1000) - 30_000, exempt),
        )
    connection.execute("INSERT INTO rotations VALUES ('old-id', 'new-id', 'okx-b', 'cut', ?, '')", (now,))
    connection.execute("INSERT INTO nonces VALUES ('hash', 9000000000000000)")
    connection.execute("INSERT INTO cooldowns VALUES ('https://host', ?)", (now + 600,))
    connection.execute("INSERT INTO halt VALUES (1, ?, 'before the upgrade')", (now,))
    connection.execute("INSERT INTO vaults VALUES ('vault', 7)")
    connection.close()


@pytest.fixture
def old(world: World) -> World:
    """A world whose journal is one of version 5, and which has no mark."""
    world.add("okx", rights=RIGHTS)
    world.forget_journal()
    write_old(journal_file(world.app().home), world.account("okx-a").id, Clock().now())
    return world


def test_its_guards_hold_through_the_real_program(old: World) -> None:
    ran = old.keyctl(*OPENING)
    assert ran.exit_code == ExitCode.CHECK and "before the upgrade" in ran.stderr
    assert old.keyctl("halt", "--lift").exit_code == 0
    sol = ("order", "buy", "SOL/USDT", "0.2", "--price", "100", "-a", "okx-a", "--yes")
    assert old.keyctl(*sol).exit_code == ExitCode.UNKNOWN
    old.app().home.config_file.write_text("[limits]\nday_value_usd = 150\nsoft_fraction = 1\n", encoding="utf-8")
    ran = old.keyctl(*OPENING, "--json")
    assert ran.exit_code == ExitCode.CHECK and ran.document["errors"][0]["code"] == "over_day_limit", ran
    old.app().home.config_file.unlink()
    assert old.keyctl(*OPENING).exit_code == 0
    assert old.placements() and max(old.placements().values()) == 1


def test_every_row_is_there_and_the_journal_has_an_id_and_a_mark(old: World) -> None:
    home = old.app().home
    journal = Journal(open_database(home), Clock())
    states = {leg.leg.client_order_id: leg.state for leg in journal.everything()}
    assert list(states.values()) == [state for state, _, _ in LEGS.values()], (
        "what waited is not void: nothing was lost"
    )
    assert journal.used_today(Kind.DEMO) == Decimal(30 + 40 + 50)
    assert journal.rotations.of("old-id") is not None and journal.notes.next_nonce("hash") == 9000000000000001
    assert journal.notes.cool_down_until("https://host") > Clock().now()
    assert journal.notes.vault_generation("vault") == 7
    assert journal.facts()["home"] == home.identity() and len(journal.facts()["journal"]) == 32
    journal.close()
    assert (mark_of(home).read().state, mark_of(home).read().number) == (MarkState.OURS, 0)


def test_the_old_key_of_its_cut_rotation_claims_nothing(old: World) -> None:
    journal = Journal(open_database(old.app().home), Clock())
    journal.halts.lift([(Scope.HOME, "")])
    row = next(leg.row for leg in journal.everything() if leg.state == LegState.PLANNED)
    with journal._database.transaction() as connection:
        connection.execute("UPDATE legs SET account_id='old-id', exchange_account='old-id' WHERE id=?", (row,))
    assert journal.claim([ClaimWish(row, 1, None)], Limits())[1] == {}
    with journal._database.transaction() as connection:
        connection.execute("UPDATE legs SET account_id='new-id' WHERE id=?", (row,))
    assert journal.claim([ClaimWish(row, 1, None)], Limits())[1] == {row: 0}
    journal.close()


def test_orders_of_version_7_keep_their_order_api_though_it_names_none(world: World) -> None:
    """Repeats are refused, and each order is looked up and canceled at the API that took it."""
    world.add("okx", rights=RIGHTS)
    waits = ("order", "sell", "SOL/USDT", "0.2", "--stop-at", "90", "--price", "89.5", "-a", "okx-a", "--yes")
    for words in (waits, OPENING):
        assert world.keyctl(*words).exit_code == 0
    assert [leg.leg.api for leg in world.app().journal.everything()] == ["algo", "plain"]
    with closing(sqlite3.connect(journal_file(world.app().home), isolation_level=None)) as connection:
        connection.execute("ALTER TABLE legs DROP COLUMN api")
        connection.execute("DROP TABLE offers")
        connection.execute("PRAGMA user_version=7")
    for words in (waits, OPENING):
        assert world.keyctl(*words).exit_code == ExitCode.CHECK, "a repeat"
    assert [leg.leg.api for leg in world.app().journal.everything()] == ["", ""]
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0
    assert world.app().journal.open_legs() == ()
    assert world.keyctl(*OPENING, "--again").exit_code == 0
    assert world.app().journal.everything()[-1].leg.api == "plain"


def test_an_order_of_an_order_api_that_is_not_known_is_asked_for_at_no_other_one(world: World) -> None:
    """Another API has no such order, which proves nothing, and may have another one under its number."""
    world.add("okx", rights=RIGHTS)
    buy = ("order", "buy", "SOL/USDT", "0.2", "--price", "100", "-a", "okx-a", "--yes")
    assert world.keyctl(*buy).exit_code == 0
    with world.app().journal._database.transaction() as connection:
        connection.execute("UPDATE legs SET api='newer'")
    calls = world.venue("okx").calls
    before = len(calls.lines)
    ran = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (ExitCode.SETUP, ["not_sent"]), ran.stdout
    old = "UPDATE legs SET state='unknown', claimed_at=claimed_at-600, stamp_ms=stamp_ms-600000 WHERE state='accepted'"
    with world.app().journal._database.transaction() as connection:
        connection.execute(old)
    ran = world.keyctl("orders", "settle", "--json")
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (ExitCode.UNKNOWN, ["unknown"]), ran.stdout
    assert "order API 'newer'" in ran.data["legs"][0]["detail"]
    asked = {line.operation for line in calls.lines[before:]}
    assert not asked & {"cancel", "order"}, asked


def test_a_plan_that_names_no_order_api_or_another_one_gets_that_which_takes_its_order(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    for was in (None, "newer"):
        plan = world.keyctl(*OPENING, "--again", "--dry-run", "--json").data["plan"]
        with world.app().journal._database.transaction() as connection:
            connection.execute("UPDATE legs SET api=? WHERE plan_id=?", (was, plan))
        assert world.keyctl("order", "--plan", plan, "--again", "--yes").exit_code == 0
        assert [leg.leg.api for leg in world.app().journal.legs(plan)] == ["plain"]


def test_it_is_lost_when_it_comes_back_after_orders_of_a_newer_one(old: World) -> None:
    home = old.app().home
    before = journal_file(home).read_bytes()
    assert old.keyctl("halt", "--lift").exit_code == 0
    assert old.keyctl(*OPENING).exit_code == 0
    journal_file(home).write_bytes(before)
    ran = old.keyctl(*OPENING)
    assert ran.exit_code == ExitCode.STORE and "older than its mark" in ran.stderr
    assert old.keyctl("halt", "now").exit_code == 0
    with pytest.raises(CheckFailed):
        with closing(Journal(open_database(home), Clock())) as journal:
            journal.check_not_used_up()
    states = [leg.state for leg in old.app().journal.everything()]
    assert states == ["accepted", "unknown", "unknown", "void", "void", "accepted"]
