"""keyctl leak: first where to delete the key, then each step once, whatever interrupts it; and what is not keyctl's."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.desk import order as trading
from keyctl.home.files import locked
from keyctl.journal.halts import Scope
from keyctl.leaks import playbook
from keyctl.model.words import OrderState, Side
from keyctl.twin.faults import FaultKind
from tests.support.foreign_orders import foreign
from tests.support.killed import Plant, at_save, at_write, keyctl_dying
from tests.support.leaks import BUY, SWAP, codes, deleted, evidence_files, held, leak, next_key, states, told
from tests.support.skipping import SkipClock
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, RIGHTS, World, credentials, open_position

# First of all.


def test_the_first_line_says_where_to_delete_the_key_before_anything_else_happens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("okx")
    world.venue("okx").calls.lines.clear()
    seen: list[tuple[str, int, bool]] = []

    def watched(text: str, options: object) -> None:
        seen.append((text, len(world.venue("okx").calls.lines), bool(evidence_files(world))))

    monkeypatch.setattr(playbook, "at_once", watched)
    leak(world, "okx-a")
    ((text, calls, written),) = seen
    assert (calls, written) == (0, False)
    hint = world.account("okx-a").api_key_hint
    assert text.startswith(f"Delete the key {hint} at https://www.okx.com/account/my-api")
    assert " now. Programs that have it can use it until then" in text


def test_it_is_the_first_line_of_stdout_even_where_no_exchange_answers(world: World) -> None:
    world.add("okx")
    world.twin.stop()
    ran = world.keyctl("leak", "okx-a", "--yes")
    assert ran.stdout.splitlines()[0].startswith("Delete the key ")
    assert ran.exit_code == 8
    as_json = leak(world, "okx-a")
    assert as_json.stderr.splitlines()[0].startswith("Delete the key ")
    assert as_json.document["command"] == "leak"
    assert states(as_json)["halt"] == "done"


def test_no_process_sends_a_new_order_with_the_key_and_the_next_key_may(world: World) -> None:
    world.add("okx")
    assert world.keyctl(*BUY, "-a", "okx-a", "--dry-run").exit_code == 0
    leak(world, "okx-a")
    refused = world.spawn(*BUY, "-a", "okx-a", "--json")
    assert (refused.exit_code, codes(refused)) == (4, ["halted"])
    assert "key" in refused.document["errors"][0]["message"]
    made = next_key(world, "okx-a")
    assert world.keyctl("rotate", "okx-a", "--credentials-stdin", stdin=credentials(made)).exit_code == 0
    assert world.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    old = next(account for account in world.app().accounts.all() if account.label == "okx-a.old")
    assert any(halt.owner == old.api_key_hash for halt in world.app().journal.halts.all())


def test_a_leaked_key_that_is_removed_and_added_again_stays_blocked(world: World) -> None:
    made = world.add("okx")
    leak(world, "okx-a")
    assert world.keyctl("remove", "okx-a", "--yes").exit_code == 0
    twin = world.twin.endpoint("okx")
    again = ("add", "okx", "--label", "again", "--endpoint", twin, "--credentials-stdin", "--no-verify")
    assert world.keyctl(*again, stdin=credentials(made)).exit_code == 0
    refused = world.spawn(*BUY, "-a", "again", "--json")
    assert (refused.exit_code, codes(refused)) == (4, ["halted"])
    assert world.placements() == {}
    (listed,) = world.keyctl("list", "--json").data["accounts"]
    assert "this key" in listed["halted"]


def test_the_claim_itself_knows_a_leaked_key_under_another_account(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    account, journal = world.account("okx-a"), world.app().journal
    assert journal.halts.of("other", "okx", account.api_key_hash)
    assert not journal.halts.of("other", "okx", "another")


def test_a_leak_that_an_older_keyctl_noted_by_the_account_still_holds(world: World) -> None:
    world.add("okx")
    account = world.account("okx-a")
    world.app().journals.to_send().halts.begin([(Scope.KEY, account.id)], "the key has leaked")
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]
    person = keyctl_at_terminal(["leak", "okx-a", "--false-alarm"], world.home, COLUMNS="120")
    person.waits_for("Type okx-a").types("okx-a\n")
    assert person.leaves()[0] == 0
    assert world.keyctl(*BUY, "-a", "okx-a").exit_code == 0


def test_a_claim_of_a_plan_that_was_agreed_to_before_refuses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("okx")

    def meanwhile(*arguments: Any) -> None:
        assert world.spawn("leak", "okx-a", "--yes").exit_code == 4

    monkeypatch.setattr(trading, "ask", meanwhile)
    ran = world.keyctl(*BUY, "-a", "okx-a", "--json")
    assert (ran.exit_code, codes(ran)) == (4, ["halted"])
    assert world.placements() == {}


def test_a_halt_that_is_lifted_leaves_the_leaked_key_barred(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    for words in (("--lift",), ("--lift", "-a", "okx-a"), ("--lift", "--exchange", "okx")):
        ran = world.keyctl("halt", *words)
        assert "Still in force: okx-a: orders with this key are halted" in ran.stderr
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]


def test_a_false_alarm_is_taken_back_by_its_label(world: World) -> None:
    world.add("okx")
    assert codes(world.keyctl("leak", "okx-a", "--false-alarm", "--json")) == ["not_leaked"]
    leak(world, "okx-a")
    assert world.keyctl("leak", "okx-a", "--false-alarm").exit_code == 10
    person = keyctl_at_terminal(["leak", "okx-a", "--false-alarm"], world.home, COLUMNS="120")
    person.waits_for("Type okx-a").types("okx-a\n")
    assert person.leaves()[0] == 0
    assert world.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    again = leak(world, "okx-a")  # a leak of its own, with a file of its own
    assert states(again)["halt"] == "done" and len(evidence_files(world)) == 2


# What is open goes.


@pytest.mark.parametrize("exchange", ALL)
def test_its_open_orders_are_canceled_whoever_placed_them(world: World, exchange: str) -> None:
    world.add(exchange, rights=RIGHTS)
    world.keyctl(*BUY, "-a", f"{exchange}-a")
    foreign(world, exchange)
    ran = leak(world, f"{exchange}-a")
    assert states(ran)["cancel"] == "done", ran.stdout
    assert not any(order.is_open for order in world.venue(exchange).orders)
    (find,) = [find for find in told(ran)["not_ours"] if find["kind"] == "order"]
    assert "buy 0.01 BTC/USDT" in find["detail"] and find["detail"].endswith(", canceled")


def test_without_yes_and_without_a_person_nothing_is_canceled_and_the_rest_goes_on(world: World) -> None:
    world.add("okx")
    world.keyctl(*BUY, "-a", "okx-a")
    ran = world.keyctl("leak", "okx-a", "--json")
    assert ran.exit_code == 10
    assert states(ran) == {
        "halt": "done",
        "cancel": "not done",
        "rotate": "not done",
        "dead": "not done",
        "look": "done",
        "scan": "done",
    }
    assert any(order.is_open for order in world.venue("okx").orders)


def test_a_disabled_account_is_canceled_closed_and_read(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    order = foreign(world, "okx")
    open_position(world, "okx-a", SWAP, Side.BUY, "2")
    world.keyctl("disable", "okx-a")
    ran = leak(world, "okx-a", "--close")
    assert {step: states(ran)[step] for step in ("cancel", "close", "look")} == dict.fromkeys(
        ("cancel", "close", "look"), "done"
    )
    assert not order.is_open and not held(world)
    assert codes(ran) == ["old_key_works"]


def test_positions_stay_unless_they_are_to_be_closed(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    open_position(world, "okx-a", SWAP, Side.BUY, "2")
    assert "close" not in states(leak(world, "okx-a"))
    assert held(world)


CHAIN: list[Plant] = [
    *(at_write(answered=answered) for answered in (False, True, True, False, True)),
    *(at_save(number, after=after) for number in range(1, 15) for after in (False, True)),
]


@pytest.mark.parametrize(("exchange", "plants"), [("okx", CHAIN), ("binance", CHAIN[::-1])])
def test_killed_anywhere_it_goes_on_and_nothing_is_sent_twice(
    tmp_path: Path, exchange: str, plants: list[Plant]
) -> None:
    clock = SkipClock()
    with World(tmp_path / "own", now_ms=clock.now_ms) as world:
        world.add(exchange, rights=RIGHTS)
        label, venue = f"{exchange}-a", world.venue(exchange)
        assert world.keyctl(*BUY, "-a", label, clock=clock).exit_code == 0
        foreign(world, exchange)
        open_position(world, label, SWAP, Side.BUY, "2")
        before = len(venue.calls.changing())
        kills = 0
        for plant in plants:
            kills += keyctl_dying(world, plant, "leak", label, "--yes", "--close", clock=clock) is None
        ran = world.keyctl("leak", label, "--yes", "--close", "--json", clock=clock)
        sent = venue.calls.changing()[before:]
        assert kills > len(plants) / 2
        assert sorted(line.operation for line in sent) == ["cancel", "cancel", "place"], sent
        assert not any(order.is_open for order in venue.orders) and not held(world, exchange)
        closing = venue.orders[-1]
        assert closing.reduce_only and closing.side is Side.SELL
        steps = states(ran)
        assert [steps[step] for step in ("halt", "cancel", "close", "look")] == ["done"] * 4
        # Nothing that a killed run saw is lost.
        assert {find["kind"] for find in told(ran)["not_ours"]} >= {"trade"}
        assert len(evidence_files(world)) == 1


def test_killed_while_the_next_key_comes_in_it_goes_on_too(tmp_path: Path) -> None:
    clock = SkipClock()
    with World(tmp_path / "own", now_ms=clock.now_ms) as world:
        world.add("okx", rights=RIGHTS)
        foreign(world, "okx")
        world.keyctl("verify", "okx-a", clock=clock)
        deleted(world, "okx-a")
        words, new = ("leak", "okx-a", "--yes", "--credentials-stdin"), credentials(next_key(world, "okx-a"))
        plants = [at_save(number, after=number % 2 == 0) for number in (2, 5, 3, 4)]
        plants += [at_write(answered=True), *(at_save(number, after=True) for number in (1, 2, 3))]
        kills = [keyctl_dying(world, plant, *words, clock=clock, stdin=new) for plant in plants]
        assert kills.count(None) == len(kills), kills
        assert told(world.keyctl("leak", "okx-a", "--yes", "--json", clock=clock))["finished"] is True
        assert [line.operation for line in world.venue("okx").calls.changing()] == ["cancel"]
        assert [account.label for account in world.app().accounts.all()] == ["okx-a"]


# What happened.


def planted(world: World, exchange: str) -> str:
    """A day of a thief: trades, an open order, a withdrawal and, where the exchange tells of it, a login."""
    label = f"{exchange}-a"
    venue, uid = world.venue(exchange), world.made[label].key.uid
    foreign(world, exchange)
    open_position(world, label, SWAP, Side.BUY, "2")
    for order in venue.orders:  # not in the second whose end is not known where clocks are read by whole seconds
        order.fills[:] = [replace(fill, at_ms=fill.at_ms - 2000) for fill in order.fills]
    venue.happened(uid, "withdrawal", amount=Decimal("-1.5"), currency="BTC", place="bc1qthief")
    venue.happened(uid, "login", ip_address="198.51.100.9")
    venue.happened(uid, "withdrawal", amount=Decimal(-7), at_ms=venue.now_ms() - 25 * 3_600_000)
    venue.happened("another user", "withdrawal", amount=Decimal(-9))
    return label


@pytest.mark.parametrize("exchange", ["okx", "bitfinex"])
def test_foreign_orders_a_withdrawal_and_a_login_are_pointed_out(world: World, exchange: str) -> None:
    world.add(exchange, rights=RIGHTS)
    placed = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "60100", "--yes", "-a", f"{exchange}-a")
    assert placed.exit_code == 0, placed.stdout
    label = planted(world, exchange)
    ran = leak(world, label)
    kinds = [find["kind"] for find in told(ran)["not_ours"]]
    logins = exchange == "bitfinex"
    assert kinds[:2] == ["withdrawal", "order"] and set(kinds[2:]) == {"trade"} | ({"login"} if logins else set())
    details = "\n".join(find["detail"] for find in told(ran)["not_ours"])
    assert "-1.5 BTC" in details and "-7" not in details and "-9" not in details
    assert ("bc1qthief" in details and "198.51.100.9" in details) is logins
    assert any("login" in word for word in told(ran)["unknown"]) is not logins
    look = next(step for step in told(ran)["steps"] if step["step"] == "look")
    assert not look["words"].endswith(" 0 orders and trades are")  # our own trade counts as ours
    ticket = told(ran)["ticket"]
    assert "stop withdrawals" in ticket and "-1.5 BTC" in ticket
    assert max(map(len, ticket.splitlines()[:8])) <= 80
    earlier = leak(world, label, "--since", "2d")
    assert "-7" in "\n".join(find["detail"] for find in told(earlier)["not_ours"])


@pytest.mark.parametrize("exchange", ["binance", "lbank"])
def test_what_an_exchange_does_not_tell_is_unknown(world: World, exchange: str) -> None:
    world.add(exchange)
    unknown = told(leak(world, f"{exchange}-a"))["unknown"]
    assert any(word.startswith("withdrawals, transfers, logins, changes, deposits: ") for word in unknown)
    assert any(word.startswith("orders that were canceled unfilled") for word in unknown)
    assert any("no symbol to ask for is known" in word for word in unknown)


def test_a_list_that_cannot_be_read_is_unknown_and_its_row_too(world: World) -> None:
    world.add("okx")
    world.fault(kind=FaultKind.HTML, exchange="okx", operation="fills", times=99)
    ran = leak(world, "okx-a")
    assert any(word.startswith("spot: trades: okx returned HTTP") for word in told(ran)["unknown"])


def test_a_key_that_may_not_see_logins_shows_the_other_lists_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyctl.twin.bitfinex import gate

    scopes = gate.scopes
    monkeypatch.setattr(gate, "scopes", lambda key: scopes(key) | {"account": (False, False)})
    world.add("bitfinex", rights=RIGHTS)
    ran = leak(world, planted(world, "bitfinex"))
    kinds = [find["kind"] for find in told(ran)["not_ours"]]
    assert "withdrawal" in kinds and "login" not in kinds
    assert any(word.startswith("logins: bitfinex returned 10001") for word in told(ran)["unknown"])


def test_where_it_may_have_leaked_from_is_shown_without_the_secret(world: World) -> None:
    made = world.add("okx")
    (world.folder / ".bash_history").write_text(f"ls\nexport OKX_SECRET={made.secret}\n")
    (world.folder / ".zsh_history").write_text("ls\n")
    ran = leak(world, "okx-a")
    assert states(ran)["scan"] == "done"
    assert [place["where"] for place in told(ran)["found_in"] if str(world.folder) in place["where"]] == [
        f"{world.folder / '.bash_history'}:2"
    ]
    assert made.secret not in ran.stdout + ran.stderr + evidence_files(world)[0].read_text(encoding="utf-8")
    (world.folder / ".zsh_history").write_text(f"{made.secret}\n")
    assert len(told(leak(world, "okx-a"))["found_in"]) == len(told(ran)["found_in"]), "it is done once"


# The end of the key.


def test_a_key_that_works_is_not_dead_and_one_that_is_deleted_is(world: World) -> None:
    world.add("okx")
    alive = leak(world, "okx-a")
    assert (alive.exit_code, codes(alive), states(alive)["dead"]) == (4, ["old_key_works"], "not done")
    deleted(world, "okx-a")
    dead = leak(world, "okx-a")
    assert states(dead)["dead"] == "done"
    words = next(step["words"] for step in told(dead)["steps"] if step["step"] == "dead")
    assert words.startswith("OKX rejects the key with 50119; it accepted it at 20")
    assert "Delete the key" not in leak(world, "okx-a").stderr


def test_a_rejection_that_proves_nothing_is_none(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    world.made["okx-a"].key.ips = {"spot": ("203.0.113.9",), "futures": ("203.0.113.9",)}
    ran = leak(world, "okx-a")
    assert "not_proven" in codes(ran) and states(ran)["dead"] == "not done"


def test_a_key_that_was_never_seen_to_work_is_not_proven_dead(world: World) -> None:
    world.add("okx")
    deleted(world, "okx-a")
    ran = leak(world, "okx-a")
    assert "not_proven" in codes(ran) and states(ran)["dead"] == "not done"
    assert states(ran)["cancel"] == "not done"


def test_the_next_key_cancels_reads_and_proves_what_the_deleted_one_could_not(world: World) -> None:
    old = world.add("okx", rights=RIGHTS)
    world.keyctl(*BUY, "-a", "okx-a")
    order = foreign(world, "okx")
    open_position(world, "okx-a", SWAP, Side.BUY, "2")
    assert world.keyctl("verify", "okx-a", "--json").data["findings"]  # the key is seen to work
    deleted(world, "okx-a")
    made = next_key(world, "okx-a")
    ran = leak(world, "okx-a", "--close", "--credentials-stdin", stdin=credentials(made))
    assert set(states(ran).values()) == {"done"}, ran.stdout
    assert not order.is_open and not held(world)
    assert [order.state for order in world.venue("okx").orders if order.price == Decimal(58000)] == [
        OrderState.CANCELED
    ]
    assert told(ran)["finished"] is True
    text = evidence_files(world)[0].read_text(encoding="utf-8")
    for key in (old, made):
        assert key.secret not in text and key.api_key not in text and (key.passphrase or "?") not in text


def test_once_it_is_over_a_second_leak_is_one_of_its_own(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    made = next_key(world, "okx-a")
    halfway = leak(world, "okx-a", "--credentials-stdin", stdin=credentials(made))
    assert (states(halfway)["rotate"], states(halfway)["dead"]) == ("done", "not done")
    deleted(world, "okx-a")
    assert told(leak(world, "okx-a"))["finished"] is True
    assert [account.label for account in world.app().accounts.all()] == ["okx-a"]  # the dead one is removed
    second = leak(world, "okx-a", "--anew")
    assert told(second)["api_key"] == world.account("okx-a").api_key_hint != told(halfway)["api_key"]
    assert len(evidence_files(world)) == 2


def test_the_key_that_took_its_place_may_leak_too_before_it_is_over(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    made = next_key(world, "okx-a")
    world.keyctl("rotate", "okx-a", "--credentials-stdin", stdin=credentials(made))
    first = told(leak(world, "okx-a"))["api_key"]
    assert told(leak(world, "okx-a", "--anew"))["api_key"] != first
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]


def test_a_key_that_has_just_taken_another_s_place_leaks_by_itself(world: World) -> None:
    """The rotation behind it is about the old key, whose end proves nothing about this one."""
    world.add("okx")
    made = next_key(world, "okx-a")
    world.keyctl("rotate", "okx-a", "--credentials-stdin", stdin=credentials(made))
    deleted(world, "okx-a")  # the old one
    ran = leak(world, "okx-a")
    assert told(ran)["api_key"] == world.account("okx-a").api_key_hint
    assert (states(ran)["rotate"], states(ran)["dead"]) == ("not done", "not done")
    assert codes(ran) == ["old_key_works"]
    assert codes(world.keyctl(*BUY, "-a", "okx-a", "--json")) == ["halted"]


def test_a_damaged_journal_keeps_neither_the_first_line_nor_the_cancels_back(world: World) -> None:
    world.add("okx")
    order = foreign(world, "okx")
    world.keyctl("list")
    journal = world.home / "state" / "journal.db"
    world.keyctl("halt")
    world.keyctl("halt", "--lift")
    for path in journal.parent.glob("journal.db-*"):
        path.unlink()
    journal.write_bytes(b"no database at all" * 500)
    ran = leak(world, "okx-a")
    assert ran.stderr.startswith("Delete the key")
    assert not order.is_open and states(ran)["halt"] == "done", ran.stdout


def test_other_keys_of_the_exchange_account_are_named(world: World) -> None:
    world.add("okx")
    made = next_key(world, "okx-a")
    world.keyctl(
        *("add", "okx", "--label", "okx-b", "--endpoint", world.twin.endpoint("okx"), "--credentials-stdin"),
        stdin=credentials(made),
    )
    world.keyctl("verify", "--all")
    assert any("other keys of this exchange account: okx-b" in line for line in told(leak(world, "okx-a"))["to_do"])


# The evidence.


def test_the_evidence_is_for_this_user_alone_and_has_each_step_with_its_time(world: World) -> None:
    world.add("okx")
    ran = leak(world, "okx-a")
    (path,) = evidence_files(world)
    assert str(path) == told(ran)["evidence"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["schema"] == "keyctl.leak/1"
    begun = [entry["step"] for entry in document["entries"] if entry["state"] == "begun"]
    assert begun == ["halt", "cancel", "rotate", "dead", "look", "scan"]
    assert all(entry["at"].endswith("Z") for entry in document["entries"])


def test_where_no_evidence_can_be_written_orders_are_canceled_all_the_same(world: World) -> None:
    world.add("okx")
    order = foreign(world, "okx")
    (world.home / "state" / "leaks").write_text("in the way", encoding="utf-8")
    ran = leak(world, "okx-a")
    assert not order.is_open
    assert any("evidence file cannot be written" in warning for warning in ran.document["warnings"])


def test_a_damaged_file_of_evidence_is_left_as_it_is(world: World) -> None:
    world.add("okx")
    leak(world, "okx-a")
    (path,) = evidence_files(world)
    path.write_text("{half", encoding="utf-8")
    assert states(leak(world, "okx-a"))["cancel"] == "done"
    assert path.read_text(encoding="utf-8") == "{half" and len(evidence_files(world)) == 2


def test_only_one_run_at_a_time_works_on_a_leak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("okx")
    leak(world, "okx-a")
    monkeypatch.setattr(playbook, "locked", lambda path: locked(path, 0))
    (path,) = evidence_files(world)
    with locked(path):
        ran = leak(world, "okx-a")
    assert codes(ran) == ["store_locked"] and ran.stderr.startswith("Delete the key")


@pytest.mark.parametrize("between", [True, False], ids=["taken up between", "at the end"])
@pytest.mark.parametrize("exchange", ["binance", "bitfinex"])
def test_a_leak_ends_where_no_error_proves_the_keys_death_and_a_person_has_seen_to_it(
    world: World, exchange: str, between: bool
) -> None:
    """The way that `rotate --finish` names there: look at the page, remove the old account, finish. The next key is
    never taken for the leaked one."""
    label = f"{exchange}-a"
    world.add(exchange, rights=RIGHTS)
    leak(world, label)
    made = next_key(world, label)
    assert world.keyctl("rotate", label, "--credentials-stdin", stdin=credentials(made)).exit_code == 0
    deleted(world, label)
    if between:
        leak(world, label)
    assert codes(world.keyctl("rotate", label, "--finish", "--json")) == ["not_proven"]
    assert world.keyctl("remove", f"{label}.old", "--yes").exit_code == 0
    assert world.keyctl("rotate", label, "--finish").exit_code == 0
    ended = leak(world, label)
    assert states(ended)["dead"] == "done", ended.stdout
    assert world.account(label).api_key_hint not in ended.stderr.splitlines()[0]
    assert len(evidence_files(world)) == 1
    assert world.keyctl(*BUY, "-a", label).exit_code == 0
