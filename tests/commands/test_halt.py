"""keyctl halt: the flag comes first, its home is named, and a halt of one account or exchange stops those alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest

from keyctl.desk import consent
from keyctl.desk import order as trading
from keyctl.errors import StoreUnusable
from keyctl.exchanges.binance.futures_orders import FuturesOrders
from keyctl.journal.database import Database
from keyctl.journal.halts import Halts, Scope, halted_scopes
from keyctl.journal.legs import Journal
from keyctl.model.words import OrderState, Side
from keyctl.twin.faults import FaultKind
from tests.support.perpetuals import SYMBOL
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.world import RIGHTS, World, open_position

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "--json")
EVERYWHERE = (*BUY, "--fanout", "--all")


def codes(ran: Ran) -> list[str]:
    return [error["code"] for error in ran.document["errors"]]


def not_sent(ran: Ran) -> set[str]:
    return {leg["account"] for leg in ran.data["legs"] if leg["outcome"] == "not_sent"}


@pytest.fixture
def two(world: World) -> World:
    world.add("okx")
    world.add("lbank")
    return world


# The flag first.


def test_in_a_home_without_accounts_it_stands_names_the_home_and_says_that_it_stops_nothing_else(world: World) -> None:
    ran = world.keyctl("halt", "key leaked", "--json")
    assert (ran.exit_code, codes(ran)) == (3, ["no_accounts"])
    (error,) = ran.document["errors"]
    assert str(world.home) in error["message"]
    assert "orders of other data folders are not blocked" in error["hints"][0]
    assert (ran.data["halted"], ran.data["home"]) == ("key leaked", str(world.home))
    world.add("okx")
    assert codes(world.keyctl(*BUY, "-a", "okx-a")) == ["halted"]
    assert world.placements() == {}


@pytest.mark.parametrize("words", ["halt", "halt --cancel", "halt --lift", "halt --exchange okx"])
def test_the_home_is_named_to_people_as_well(world: World, words: str) -> None:
    ran = world.keyctl(*words.split())
    assert ran.exit_code == 3
    assert ran.stderr.count(str(world.home)) >= 2, "in what was done and in what is wrong"


@pytest.mark.parametrize("words", ["cancel --all --yes", f"close {SYMBOL} --all --yes", "close --every-symbol --all"])
def test_canceling_and_closing_everything_in_a_home_without_accounts_is_no_success(world: World, words: str) -> None:
    ran = world.keyctl(*words.split(), "--json")
    assert (ran.exit_code, codes(ran)) == (3, ["no_accounts"])
    assert str(world.home) in ran.document["errors"][0]["message"]


@pytest.mark.parametrize("canceling", [(), ("--cancel",)])
@pytest.mark.parametrize("broken", ["accounts", "config", "store"])
def test_whatever_cannot_be_read_the_flag_is_set(two: World, broken: str, canceling: tuple[str, ...]) -> None:
    assert two.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    path = {
        "accounts": two.home / "config" / "accounts.json",
        "config": two.home / "config" / "config.toml",
        "store": two.home / "state" / "vault.json",
    }[broken]
    before = path.read_bytes() if path.exists() else b""
    path.write_bytes(b"[broken")
    ran = two.keyctl("halt", "now", *canceling, "--json")
    assert ran.data["halted"] == "now"
    wrong = broken == "accounts" or canceling
    assert ran.exit_code in ((3, 9) if wrong else (0,)), ran.stdout
    if broken == "accounts":
        assert codes(ran)[0] == "accounts_unreadable"
        assert "nothing outside this data folder" in ran.document["errors"][0]["hints"][0]
    path.write_bytes(before)
    assert codes(two.keyctl(*BUY, "-a", "lbank-a")) == ["halted"]


def test_a_flag_that_could_not_be_set_is_no_halt(two: World) -> None:
    with patch.object(Database, "transaction", side_effect=StoreUnusable("the disk is full", "make room")):
        ran = two.keyctl("halt", "--json")
    assert ran.exit_code == 9
    assert "NOT in force: the disk is full" in ran.document["errors"][0]["message"]
    assert two.keyctl("limits", "--json").data["halts"] == []


@pytest.mark.parametrize("scope", [(), ("--exchange", "okx"), ("-a", "okx-a")])
def test_a_flag_that_could_not_be_set_cancels_all_the_same(two: World, scope: tuple[str, ...]) -> None:
    assert two.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    with patch.object(Database, "transaction", side_effect=StoreUnusable("the disk is full", "make room")):
        ran = two.keyctl("halt", *scope, "--cancel", "--json")
    assert ran.exit_code == 9, ran.stdout
    assert "NOT in force: the disk is full" in ran.document["errors"][0]["message"]
    assert [leg["outcome"] for leg in ran.data["legs"]] == ["canceled"]
    assert (ran.data["halted"], ran.data["halts"]) == (None, [])
    assert [order.state for order in two.venue("okx").orders] == [OrderState.CANCELED]


def test_a_cancel_of_unknown_outcome_is_the_more_urgent_of_two(two: World) -> None:
    assert two.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    for operation in ("query", "open_orders", "history", "fills"):
        two.fault(kind=FaultKind.HTML, exchange="okx", operation=operation, times=None)
    with patch.object(Database, "transaction", side_effect=StoreUnusable("the disk is full", "make room")):
        ran = two.keyctl("halt", "--cancel", "--json")
    assert (ran.exit_code, codes(ran)) == (7, ["store_unusable", "cancel_failed"])


@pytest.mark.parametrize(("word", "scope"), [("okx-a", "-a okx-a"), ("lbank", "--exchange lbank")])
def test_a_name_given_as_the_reason_halts_all_and_says_how_to_halt_it_alone(two: World, word: str, scope: str) -> None:
    assert f"keyctl halt {scope}" in two.keyctl("halt", word).stderr
    assert two.keyctl(*EVERYWHERE).exit_code == 4


# One account or one exchange.


@pytest.mark.parametrize("scope", [("-a", "okx-a"), ("--exchange", "okx")])
def test_one_account_or_exchange_is_left_out_alone(two: World, scope: tuple[str, ...]) -> None:
    halted = two.keyctl("halt", "maintenance", *scope, "--json")
    assert (halted.exit_code, halted.data["halted"]) == (0, None)
    ran = two.keyctl(*EVERYWHERE)
    assert (ran.exit_code, codes(ran), not_sent(ran)) == (6, ["halted"], {"okx-a"})
    assert "maintenance" in ran.document["errors"][0]["message"]
    assert [len(two.venue(name).placements) for name in ("okx", "lbank")] == [0, 1]
    alone = two.keyctl(*BUY, "-a", "okx-a")
    assert (alone.exit_code, codes(alone)) == (4, ["halted"])
    lifted = two.keyctl("halt", "--lift", *scope)
    assert lifted.exit_code == 0 and "Orders are allowed again." in lifted.stderr
    assert two.keyctl(*BUY, "-a", "okx-a").exit_code == 0


def test_with_mode_all_it_stops_every_order(two: World) -> None:
    two.keyctl("halt", "-a", "okx-a")
    ran = two.keyctl(*EVERYWHERE, "--mode", "all")
    assert (ran.exit_code, codes(ran)) == (4, ["not_all_ready"])
    assert two.placements() == {}


def test_a_halted_account_is_not_asked_and_what_it_lacks_stops_nobody(two: World) -> None:
    """A key that may withdraw stops a whole plan; while its account is halted it is not in the plan."""
    two.add("okx", "okx-b", rights=(*RIGHTS, "withdraw"))
    two.keyctl("halt", "-a", "okx-b")
    assert not_sent(two.keyctl(*EVERYWHERE)) == {"okx-b"}


def test_a_stored_plan_leaves_it_out_too(two: World) -> None:
    plan = two.keyctl(*EVERYWHERE, "--dry-run").data["plan"]
    two.keyctl("halt", "--exchange", "okx")
    ran = two.keyctl("order", "--plan", plan, "--yes", "--json")
    assert (ran.exit_code, not_sent(ran)) == (6, {"okx-a"})
    two.keyctl("halt", "--lift", "--exchange", "okx")
    ran = two.keyctl("order", "--plan", plan, "--yes", "--json")
    assert ran.exit_code == 0
    assert sorted(two.placements().values()) == [1, 1]


@pytest.mark.parametrize("others", [(), ("-a", "lbank-a")])
def test_a_halt_that_comes_after_the_preview_still_stops_its_own(two: World, others: tuple[str, ...]) -> None:
    asked = consent.ask

    def halt_meanwhile(*arguments: object) -> None:
        asked(*arguments)  # type: ignore[arg-type]
        assert two.keyctl("halt", "-a", "okx-a").exit_code == 0

    with patch.object(trading, "ask", halt_meanwhile):
        ran = two.keyctl(*BUY, "-a", "okx-a", *others, *(("--fanout",) if others else ()))
    assert ran.exit_code == (6 if others else 4)
    assert two.venue("okx").placements == {}
    assert len(two.venue("lbank").placements) == len(others) // 2


def test_a_halt_of_the_home_is_lifted_alone_and_the_others_are_named(two: World) -> None:
    for words in (("stop",), ("-a", "okx-a"), ("--exchange", "lbank")):
        assert two.keyctl("halt", *words).exit_code == 0
    ran = two.keyctl("halt", "--lift", "--json")
    assert [(halt["scope"], halt["owner"]) for halt in ran.data["halts"]] == [
        ("exchange", "lbank"),
        ("account", "okx-a"),
    ]
    shown = two.keyctl("halt", "--lift").stderr
    assert "keyctl halt --lift -a okx-a" in shown and "keyctl halt --lift --exchange lbank" in shown
    assert two.keyctl(*EVERYWHERE).exit_code == 4


def test_an_unknown_name_does_not_keep_the_known_ones_from_being_halted(two: World) -> None:
    ran = two.keyctl("halt", "-a", "okx-a", "-a", "lbnk-a", "--json")
    assert (ran.exit_code, codes(ran)) == (3, ["unknown_account"])
    assert ran.document["errors"][0]["hints"][0] == "did you mean lbank-a?"
    assert not_sent(two.keyctl(*EVERYWHERE)) == {"okx-a"}
    assert two.keyctl("halt", "--exchange", "nosuch").exit_code == 2
    exchange = two.keyctl("halt", "-a", "okx", "--json").document["errors"][0]
    assert exchange["hints"][-1] == "to halt the exchange: keyctl halt --exchange okx"


def test_with_cancel_only_its_own_orders_are_canceled(two: World) -> None:
    two.keyctl(*EVERYWHERE)
    ran = two.keyctl("halt", "--exchange", "okx", "--cancel", "--json")
    assert [leg["account"] for leg in ran.data["legs"]] == ["okx-a"]
    states = {name: {order.state for order in two.venue(name).orders} for name in ("okx", "lbank")}
    assert states == {"okx": {OrderState.CANCELED}, "lbank": {OrderState.OPEN}}
    ran = two.keyctl("halt", "-a", "lbank-a", "--cancel", "--json")
    assert [leg["account"] for leg in ran.data["legs"]] == ["lbank-a"]


@pytest.mark.parametrize("scope", [(), ("-a", "binance-a"), ("--exchange", "binance")])
def test_an_order_that_only_reduces_passes_and_its_preview_tells_of_the_halt(
    world: World, scope: tuple[str, ...]
) -> None:
    world.add("binance", rights=RIGHTS)
    open_position(world, "binance-a", SYMBOL, Side.BUY, "0.5")
    assert world.keyctl("halt", "a test", *scope).exit_code == 0
    close = ("close", SYMBOL, "-a", "binance-a")
    draft = world.keyctl(*close, "--dry-run", "--json")
    assert any("halted (a test)" in warning for warning in draft.document["warnings"])
    assert world.keyctl(*close, "--yes").exit_code == 0
    words = ("order", "buy", SYMBOL, "0.01", "--price", "58000", "-a", "binance-a", "--yes", "--json")
    assert codes(world.keyctl(*words)) == ["halted"]


def test_an_order_that_its_venue_does_not_hold_to_reducing_is_halted_like_any_other(world: World) -> None:
    world.add("binance", rights=RIGHTS)
    open_position(world, "binance-a", SYMBOL, Side.BUY, "0.01")
    assert world.keyctl("halt", "-a", "binance-a").exit_code == 0
    with patch.object(FuturesOrders, "holds_to_reducing", lambda *_: False):
        ran = world.keyctl("close", SYMBOL, "-a", "binance-a", "--expect-value", "600", "--json")
    assert (ran.exit_code, codes(ran)) == (4, ["halted"])
    assert world.placements() == {}


# Who is held.


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db", SkipClock())
    yield made
    made.close()


def test_every_key_of_the_exchange_account_is_held_and_any_of_them_lifts(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    halts = Halts(database, SkipClock())
    with database.transaction() as connection:
        for account_id in ("first", "second"):
            connection.execute("INSERT INTO exchange_accounts VALUES (?, 'okx live 77', '77')", (account_id,))
        connection.execute("INSERT INTO exchange_accounts VALUES ('other', 'okx live 78', '78')")
    halts.begin([(Scope.ACCOUNT, "first")], "two keys")
    assert [bool(halts.of(name, "okx")) for name in ("first", "second", "other", "unknown")] == [
        True,
        True,
        False,
        False,
    ]
    with database.transaction() as connection:
        assert [halt.reason for halt in halted_scopes(connection, "second", "okx")] == ["two keys"]
    halts.lift([(Scope.ACCOUNT, "second")])
    assert halts.all() == ()
    database.close()


def test_both_halves_of_a_rotation_are_held_and_the_new_one_stays_so(journal: Journal) -> None:
    rotation = journal.rotations.begin("old", "new", "okx-a")
    journal.halts.begin([(Scope.ACCOUNT, "old")], "leaked")
    assert journal.halts.of("old", "okx") and journal.halts.of("new", "okx")
    assert journal.rotations.cut(rotation)
    assert journal.halts.of("old", "okx"), "its planned orders"
    journal.rotations.end(rotation)
    # Both keys were of one exchange account, and that does not end with the rotation.
    assert journal.halts.of("new", "okx") and journal.halts.of("old", "okx")
    assert not journal.halts.of("other", "okx")


def test_the_widest_halt_is_named_first(journal: Journal) -> None:
    for scope, owner in ((Scope.ACCOUNT, "a"), (Scope.EXCHANGE, "okx"), (Scope.HOME, "")):
        journal.halts.begin([(scope, owner)], str(scope))
    assert [halt.scope for halt in journal.halts.of("a", "okx")] == [Scope.HOME, Scope.EXCHANGE, Scope.ACCOUNT]
    assert [halt.scope for halt in journal.halts.of("b", "lbank")] == [Scope.HOME]


# Where it is shown.


def test_halts_in_force_are_shown_wherever_accounts_and_limits_are(two: World) -> None:
    assert not (two.home / "state" / "halted").exists()
    two.keyctl("halt", "-a", "okx-a", "slow fills")
    listed = two.keyctl("list")
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["okx-a (halted)", "lbank-a"]
    assert "slow fills" in listed.stderr
    entries = two.keyctl("list", "--json").data["accounts"]
    assert [bool(entry["halted"]) for entry in entries] == [True, False]
    assert "slow fills" in two.keyctl("show", "okx-a").stdout
    assert "slow fills" in two.keyctl("limits").stderr
    (check,) = [check for check in two.keyctl("doctor", "--json").data["checks"] if check["name"] == "halt"]
    assert (check["level"], "slow fills" in check["detail"]) == ("warn", True)
    assert "keyctl halt --lift -a okx-a" in check["fix"]
    two.keyctl("halt", "--lift", "-a", "okx-a")
    assert "halted" not in two.keyctl("list").stdout
    assert not [check for check in two.keyctl("doctor", "--json").data["checks"] if check["name"] == "halt"]


def test_doctor_says_when_a_journal_was_put_back_that_knows_of_no_halt(two: World) -> None:
    two.keyctl("halt", "leaked")
    (two.home / "state" / "journal.db").unlink()
    for beside in ("journal.db-wal", "journal.db-shm"):
        (two.home / "state" / beside).unlink(missing_ok=True)
    details = [check["detail"] for check in two.keyctl("doctor", "--json").data["checks"] if check["name"] == "halt"]
    assert len(details) == 1 and "has no record of it" in details[0]
    assert two.keyctl("halt", "--lift").exit_code == 9  # of a lost journal nothing is allowed again
    assert two.keyctl("halt", "start again").exit_code == 0
    assert two.keyctl("halt", "--lift").exit_code == 0
    assert not [check for check in two.keyctl("doctor", "--json").data["checks"] if check["name"] == "halt"]


def test_the_share_of_a_halted_account_is_left_out_not_shared_out_again(two: World) -> None:
    two.keyctl("halt", "-a", "okx-a")
    words = ("order", "buy", "BTC/USDT", "0.01", "--total", "--price", "58000", "--fanout", "--all", "--yes", "--json")
    ran = two.keyctl(*words)
    assert [Decimal(leg["quantity"]) for leg in ran.data["legs"] if leg["outcome"] == "accepted"] == [Decimal("0.005")]
    assert any("okx-a's share" in warning for warning in ran.document["warnings"])
