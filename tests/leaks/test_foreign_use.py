"""keyctl verify --foreign-use: what is not keyctl's is told once, however often cron asks; unknown is no pass."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl import cli
from keyctl.leaks import foreign_use as course
from keyctl.model.words import OrderType, Side
from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.faults import FaultKind
from tests.support.foreign_orders import foreign
from tests.support.leaks import finds, look
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "60100", "--yes")
HOUR_MS = 3_600_000


def levels(ran: Ran, label: str) -> set[str]:
    return {row["level"] for row in ran.data["findings"] if row["account"] == label}


@pytest.fixture
def desk(world: World) -> World:
    """Accounts at an exchange that tells of logins and at one that does not."""
    for exchange in ("bitfinex", "okx"):
        world.add(exchange, rights=RIGHTS)
    return world


def traded(world: World, exchange: str, age_ms: int = 2000) -> VenueOrder:
    """A trade of somebody else on that account, so long ago."""
    venue, key = world.venue(exchange), world.made[f"{exchange}-a"].key
    instrument = venue.instrument("BTC/USDT")
    assert instrument is not None
    with venue.lock:
        order = venue.place(Draft(key.uid, key.api_key, instrument, Side.BUY, OrderType.MARKET, Decimal("0.01")))
        order.fills[:] = [replace(fill, at_ms=fill.at_ms - age_ms) for fill in order.fills]
    return order


def happened(world: World, exchange: str, kind: str, age_ms: int = 2000, **facts: Any) -> None:
    venue = world.venue(exchange)
    venue.happened(world.made[f"{exchange}-a"].key.uid, kind, at_ms=venue.now_ms() - age_ms, **facts)


def test_where_only_keyctl_was_nothing_is_found(desk: World) -> None:
    for label in ("bitfinex-a", "okx-a"):
        assert desk.keyctl(*BUY, "-a", label).exit_code == 0
        assert desk.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "-a", label).exit_code == 0
    ran = look(desk)
    assert (ran.exit_code, finds(ran)) == (0, [])
    assert levels(ran, "okx-a") == levels(ran, "bitfinex-a") == {"pass", "unknown"}
    assert {row["rule"] for row in ran.data["findings"]} == {"foreign_use"}
    (told,) = [row["detail"] for row in ran.data["findings"] if (row["account"], row["level"]) == ("okx-a", "unknown")]
    assert "logins" in told and "canceled unfilled" in told


def test_each_find_is_told_once(desk: World) -> None:
    traded(desk, "okx")
    foreign(desk, "okx")
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    happened(desk, "bitfinex", "login")
    first = look(desk)
    assert first.exit_code == 4
    assert [error["code"] for error in first.document["errors"]] == ["foreign_use", "foreign_use"]
    kinds = sorted(text.split(" UTC ")[1].split(":")[0] for text in finds(first))
    assert kinds == ["login", "order", "trade", "withdrawal"]
    again = look(desk)
    assert (again.exit_code, finds(again)) == (0, [])
    happened(desk, "bitfinex", "login", ip_address="198.51.100.3")
    third = look(desk)
    assert third.exit_code == 4 and ["198.51.100.3" in text for text in finds(third)] == [True]


def test_the_next_look_begins_where_the_last_ended_and_sees_what_is_listed_late(desk: World) -> None:
    look(desk)
    day = 30 * 3600
    for exchange in ("okx", "bitfinex"):
        desk.venue(exchange).offset_ms = day * 1000
    happened(desk, "okx", "withdrawal", age_ms=29 * HOUR_MS, amount=Decimal("-2"))
    happened(desk, "okx", "withdrawal", age_ms=32 * HOUR_MS, amount=Decimal("-3"))
    ran = look(desk, ahead=day)
    assert ["-2" in text for text in finds(ran)] == [True]


def test_known_since_sets_the_mark(desk: World) -> None:
    happened(desk, "okx", "withdrawal", age_ms=5 * HOUR_MS, amount=Decimal("-2"))
    happened(desk, "okx", "withdrawal", age_ms=HOUR_MS, amount=Decimal("-3"))
    order = foreign(desk, "okx")
    order.created_ms -= 4 * HOUR_MS
    ran = look(desk, "--known-since", "3h")
    assert ["-3" in text for text in finds(ran)] == [True]
    assert finds(look(desk)) == []
    assert ["-2" in text or "order" in text for text in finds(look(desk, "--known-since", "6h"))] == [True, True]
    assert finds(look(desk, "--known-since", "6h")) == []


def test_a_list_that_cannot_be_read_is_no_pass_and_is_looked_at_again(desk: World) -> None:
    traded(desk, "okx")
    fault = desk.fault(kind=FaultKind.HTML, exchange="okx", operation="fills", times=None)
    ran = look(desk)
    assert finds(ran) == [] and any("okx returned HTTP" in row["detail"] for row in ran.data["findings"])
    assert fault.used
    desk.twin.faults.clear()
    day = 30 * 3600
    desk.venue("okx").offset_ms = desk.venue("bitfinex").offset_ms = day * 1000
    assert len(finds(look(desk, ahead=day))) == 1


def test_an_account_that_cannot_be_read_is_named_and_the_others_are_told(desk: World) -> None:
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    desk.made["bitfinex-a"].key.deleted = True
    ran = look(desk)
    assert ran.exit_code == 4 and len(finds(ran)) == 1
    assert [(error["code"], error["account"]) for error in ran.document["errors"]] == [
        ("not_reached", "bitfinex-a"),
        ("foreign_use", "okx-a"),
    ]
    assert levels(ran, "bitfinex-a") == {"unknown"}
    assert look(desk).exit_code == 8


def test_cron_sees_finds_only(desk: World) -> None:
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    loud = desk.keyctl("verify", "--all", "--foreign-use", "--quiet")
    (line,) = loud.stdout.splitlines()
    account, exchange, _, rule, level, detail, fix = line.split("\t")
    assert (account, exchange, rule, level) == ("okx-a", "okx", "foreign_use", "fail")
    assert detail.endswith("withdrawal: -2 USDT, withdrawal") and fix.endswith("keyctl leak okx-a")
    silent = desk.keyctl("verify", "--all", "--foreign-use", "--quiet")
    assert (silent.exit_code, silent.stdout, silent.stderr) == (0, "", "")


def test_without_its_journal_keyctl_cannot_tell_what_is_its_own(desk: World) -> None:
    desk.keyctl(*BUY, "-a", "okx-a")
    (desk.home / "state" / "journal.db").unlink()
    ran = look(desk)
    assert (ran.exit_code, finds_in(ran)) == (9, [])


def finds_in(ran: Ran) -> list[str]:
    return [row["detail"] for row in ran.data.get("findings", ())]


def test_its_memory_is_for_this_user_alone_and_a_damaged_one_is_left_as_it_is(desk: World) -> None:
    look(desk)
    path = desk.home / "state" / "known-use.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for text in ("{half", '{"schema": "another"}', "[]"):
        path.write_text(text, encoding="utf-8")
        ran = look(desk)
        assert (ran.exit_code, ran.document["errors"][0]["code"]) == (9, "known_use_damaged")
        assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("words", [("--known-since", "24h"), ("--foreign-use", "--watch-ip")])
def test_options_that_do_not_fit_are_refused(world: World, words: tuple[str, ...]) -> None:
    assert world.keyctl("verify", "--all", *words).exit_code == 2


def test_what_was_not_shown_is_told_again(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    with monkeypatch.context() as broken:

        def killed(result: object, options: object) -> bool:
            raise KeyboardInterrupt

        broken.setattr(cli, "render", killed)
        assert look_quietly(desk) == 4
    assert len(finds(look(desk))) == 1
    assert finds(look(desk)) == []


def look_quietly(world: World) -> int:
    return world.keyctl("verify", "--all", "--foreign-use", "--json").exit_code


def test_a_reader_that_has_left_was_told_nothing(desk: World) -> None:
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    reading, writing = os.pipe()
    os.close(reading)
    words = (sys.executable, "-I", "-m", "keyctl", "verify", "--all", "--foreign-use", "--json")
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, env=desk.environ, timeout=60, check=False)
    os.close(writing)
    assert done.returncode == 4
    assert len(finds(look(desk))) == 1


def test_finds_are_told_where_they_cannot_be_remembered(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    monkeypatch.setattr(course, "unwritable", lambda folder: "No space left on device")
    ran = look(desk)
    assert (ran.exit_code, len(finds(ran))) == (4, 1)
    assert any("cannot remember" in error["message"] for error in ran.document["errors"])


def test_a_mark_that_a_clock_ahead_left_hides_nothing(desk: World) -> None:
    look(desk)
    path = desk.home / "state" / "known-use.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    for entry in document["accounts"].values():
        entry["since_ms"] += 10 * 24 * HOUR_MS
    path.write_text(json.dumps(document), encoding="utf-8")
    happened(desk, "okx", "withdrawal", amount=Decimal("-2"))
    assert len(finds(look(desk))) == 1
