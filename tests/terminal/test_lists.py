"""Lists as CSV, and watched in place: --csv and --watch of balance, positions, orders and verify."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest

from keyctl.errors import Unreached
from keyctl.terminal.csv_text import csv_text
from keyctl.terminal.output import OutputOptions, Result, Text
from keyctl.terminal.watch import watched
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import RIGHTS, World

LISTS = (("balance",), ("positions",), ("orders",), ("orders", "--open"), ("verify", "--all"))


@pytest.fixture
def desk(world: World) -> World:
    world.add("okx", rights=RIGHTS)
    buy = ("order", "buy", "BTC/USDT:USDT", "0.01", "--price", "61000", "--leverage", "1", "--expect-value", "610")
    assert world.keyctl(*buy, "-a", "okx-a").exit_code == 0
    assert world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "50000", "-a", "okx-a", "--yes").exit_code == 0
    return world


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_csv_holds_every_field_of_the_records_under_a_header(desk: World, words: tuple[str, ...]) -> None:
    piped = desk.keyctl(*words, "--header").stdout.splitlines()
    told = desk.keyctl(*words, "--csv")
    rows = list(csv.reader(io.StringIO(told.stdout, newline="")))
    assert rows[0] == piped[0].split("\t") and len(rows) == len(piped) > 1
    moving = {"detail", "mark_price", "unrealized", "unrealized_usd", "notional_usd"}
    for row, line in zip(rows, piped, strict=True):
        for name, mine, theirs in zip(rows[0], row, line.split("\t"), strict=True):
            assert name in moving or mine.removeprefix("'") == theirs


def test_csv_is_the_same_on_a_terminal(desk: World) -> None:
    _, shown = keyctl_at_terminal(["balance", "--csv"], desk.home, COLUMNS="60", TERM="dumb").leaves()
    assert any(line.startswith("account,exchange,") for line in shown.splitlines())


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_csv_and_json_exclude_each_other(desk: World, words: tuple[str, ...]) -> None:
    ran = desk.keyctl(*words, "--csv", "--json")
    assert ran.exit_code == 2 and "use either --csv or --json" in ran.stdout


def test_text_that_a_spreadsheet_would_run_is_made_text_and_numbers_stay() -> None:
    told = csv_text(("a", "b"), [("=1+1", "-0.5"), ("-x", "+3")])
    assert told == "a,b\r\n'=1+1,-0.5\r\n'-x,+3\r\n"


def test_watching_shows_the_list_anew_in_place_and_ends_with_ctrl_c(desk: World) -> None:
    person = keyctl_at_terminal(["balance", "--watch", "2"], desk.home, COLUMNS="80", TERM="xterm")
    person.waits_for("Ctrl-C").waits_for("Ctrl-C").types("\x03")
    code, shown = person.leaves()
    assert code == 0
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.rpartition("\x1b[?1049l")[2])
    assert "okx-a" in last and "Traceback" not in shown


def test_watching_needs_a_terminal(desk: World) -> None:
    ran = desk.keyctl("positions", "--watch", "5", "--json")
    assert (ran.exit_code, [error["code"] for error in ran.document["errors"]]) == (2, ["no_terminal"])


def test_trouble_of_a_later_read_is_shown_and_the_next_one_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("keyctl.terminal.watch.is_terminal", lambda stream: True)
    told: Iterator[Result | Unreached] = iter(
        [Result({}, (Text("first"),)), Unreached("the line is down"), Result({}, (Text("third"),))]
    )

    def read() -> Result:
        item = next(told)
        if isinstance(item, Unreached):
            raise item
        return item

    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    last = watched(read, 5, OutputOptions(environ={}), sleep)
    assert last.view == (Text("third"),) and slept == [5, 5, 5]
    shown = capsys.readouterr().out
    assert "first" in shown and "the line is down" in shown


@pytest.mark.parametrize("words", [("balance",), ("positions",), ("orders", "--open"), ("verify",), ("exposure",)])
def test_an_account_may_be_named_either_way_and_counts_once(desk: World, words: tuple[str, ...]) -> None:
    desk.add("okx", "okx-b")
    ran = desk.keyctl(*words, "-a", "okx-a", "okx-a", "--json")
    listed = next(ran.data[name] for name in ("accounts", "keys", "exposures", "profiles") if name in ran.data)
    assert {item["account"] for item in listed} == {"okx-a"}
