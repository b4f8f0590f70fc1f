"""What is shown: hostile words stay words, plain terminals lose nothing, a reader that left spoils nothing."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest

from keyctl import cli
from keyctl.errors import CheckFailed
from keyctl.terminal.output import Note, OutputOptions, Result, Table, Text, document, render
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, World

HOSTILE = (
    "[/x] [bold]loud[/bold] [link=http://evil.example]here[/link]"
    " \x1b[35mpurple\x1b]8;;http://evil\x07 \u202eback\u200b [/]"
)
SHOWN = "[/x] [bold]loud[/bold] [link=http://evil.example]here[/link]"
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")
BODIES = {
    "binance": {"code": -2010, "msg": HOSTILE},
    "bitfinex": ["error", 10001, HOSTILE],
    "lbank": {"result": "false", "error_code": 10016, "msg": HOSTILE, "ts": 1},
    "okx": {"code": "1", "msg": HOSTILE, "data": [{"sCode": "51008", "sMsg": HOSTILE, "ordId": "", "clOrdId": ""}]},
}


def hostile_answer(world: World, exchange: str) -> None:
    """The exchange refuses the next order in words that would like to be more than words."""
    status = 500 if exchange == "bitfinex" else 400 if exchange == "binance" else 200
    body = json.dumps(BODIES[exchange])
    world.fault(kind=FaultKind.ANSWER, exchange=exchange, operation="place", status=status, body=body)


def check_harmless(text: str) -> None:
    assert "\x1b]" not in text and "\x1b[35m" not in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x07]", text)


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["plain", "json"])
def test_an_exchanges_words_are_shown_as_words(world: World, exchange: str, more: tuple[str, ...]) -> None:
    world.add(exchange)
    hostile_answer(world, exchange)
    ran = world.keyctl(*BUY, "-a", f"{exchange}-a", *more, clock=ShiftedClock())
    assert ran.exit_code in (5, 7), ran
    shown = json.dumps(json.loads(ran.stdout), ensure_ascii=False) if more else ran.stdout + ran.stderr
    if exchange in ("lbank", "okx"):  # the others' words prove nothing there, and only the code is told
        assert SHOWN in shown
    check_harmless(shown)
    later = world.keyctl("orders", "list", *more)
    check_harmless(later.stdout)


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_a_terminal_shows_an_exchanges_words_as_words(world: World, columns: str) -> None:
    world.add("okx")
    hostile_answer(world, "okx")
    person = keyctl_at_terminal([*BUY, "-a", "okx-a"], world.home, TERM="xterm-256color", COLUMNS=columns)
    code, shown = person.leaves()
    assert code == 5, shown
    check_harmless(shown)
    assert "[link=http://evil.example]here[/link]" in "".join(shown.split())
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}, {"LC_ALL": "C", "TERM": "dumb"}]
)
@pytest.mark.parametrize("columns", ["60", "100"])
def test_a_plain_or_narrow_terminal_loses_nothing(world: World, variables: dict[str, str], columns: str) -> None:
    """Each finding that a program sees, a person sees too, whole, and without a colour."""
    world.add_all()
    found = world.keyctl("verify", "--all", "--json").data["findings"]
    code, shown = keyctl_at_terminal(["verify", "--all"], world.home, COLUMNS=columns, **variables).leaves()
    assert code == 4
    assert not re.search(r"\x1b\[[0-9;]*[349][0-7]m", shown)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.rpartition("\r")[2])
    assert max(len(line) for line in shown.splitlines()) <= int(columns)
    for label in {finding["account"] for finding in found}:
        assert label in shown
    joined = "".join(shown.split())
    for finding in found:
        if finding["level"] == "fail":
            assert "".join(finding["detail"].split()) in joined


@pytest.mark.parametrize("words", [("list",), ("price", "BTC/USDT"), ("show", "okx-a"), ("limits",)], ids=" ".join)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_table_keeps_every_word_or_names_its_column(world: World, words: tuple[str, ...], width: int) -> None:
    world.add_all()
    world.keyctl(*BUY, "--fanout", "--all")
    header, *records = (line.split("\t") for line in world.keyctl(*words, "--header").stdout.splitlines())
    _, shown = keyctl_at_terminal([*words], world.home, COLUMNS=str(width), TERM="dumb").leaves()
    left_out = shown.partition("not shown, because the terminal is too narrow: ")[2].partition("\n")[0].split(", ")
    there = set(shown.split())
    for record in records:
        for name, cell in zip(header, record, strict=True):
            assert name in left_out or set(cell.split()) <= there, f"{cell!r} is broken"
    assert "\u2026" not in shown and "..." not in shown


def test_colour_is_used_on_a_terminal_and_only_there(world: World) -> None:
    world.add("okx")
    _, shown = keyctl_at_terminal(["verify", "okx-a"], world.home, TERM="xterm", COLUMNS="100").leaves()
    _, plain = keyctl_at_terminal(["verify", "okx-a", "--no-color"], world.home, TERM="xterm", COLUMNS="100").leaves()
    assert "\x1b[" not in world.keyctl("verify", "okx-a").stdout
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain)
    assert "okx-a" in shown


@pytest.mark.parametrize("text", [HOSTILE, "\x00", "\ud800", "a\tb\nc", "\r\x1b[2J", "[" * 500, "x" * 5000])
def test_any_cell_can_be_rendered(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = CheckFailed(text, text)
    view = (Table(("one", "two"), [(text, "after")], (text,)), Note("note"), Text("text"))
    for json_wanted in (False, True):
        result = Result({"text": text}, view, error.exit_code, (error,), (text,))
        render(result, OutputOptions(json=json_wanted, environ={}))
        out, err = capsys.readouterr()
        if json_wanted:
            assert json.loads(out)["data"] == {"text": text}
        else:
            assert "\x1b" not in out + err and "\u202e" not in out + err
            first = out.splitlines()[0]
            assert first.endswith("\tafter") and first.count("\t") == 1


@pytest.mark.parametrize("words", [("list",), (*BUY, "-a", "okx-a", "--dry-run"), ("show", "nobody"), ("orders",)])
def test_a_reader_of_remarks_that_left_takes_nothing_else_along(world: World, words: tuple[str, ...]) -> None:
    """The result goes to stdout whole, and the exit code stays, when nobody reads stderr any more."""
    world.add("okx")
    expected = world.spawn(*words)
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-I", "-m", "keyctl", *words]
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=writing, text=True, env=world.environ, timeout=30)
    os.close(writing)
    assert done.returncode == expected.exit_code
    assert done.stdout.count("\n") == expected.stdout.count("\n")


def unread(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["plain", "json"])
def test_ctrl_c_while_the_result_is_shown_changes_no_exit_code(world: World, more: tuple[str, ...]) -> None:
    world.add_all()
    expected = world.keyctl("verify", "--all", *more)
    assert len(expected.stdout) > 4096
    reading, writing = os.pipe()
    room = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    line = [sys.executable, "-I", "-m", "keyctl", "verify", "--all", *more]
    shows = subprocess.Popen(line, stdout=writing, stderr=subprocess.PIPE, text=True, env=world.environ)
    os.close(writing)
    while unread(reading) < room:
        assert shows.poll() is None, "it did not wait for its reader"
    shows.send_signal(signal.SIGINT)
    _, said = shows.communicate(timeout=30)
    os.close(reading)
    assert shows.returncode == expected.exit_code == 4
    assert said.endswith("interrupted while the result was shown; the exit code is that of the result\n")
    assert "Traceback" not in said


def test_a_fault_while_the_result_is_shown_changes_no_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(result: Result, options: OutputOptions) -> None:
        raise KeyError("a secret word")

    monkeypatch.setattr(cli, "render", broken)
    assert cli.run(["checklist", "lbank"]) == 0
    assert cli.run(["checklist", "nowhere"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("warning: the result was not shown (KeyError)") == 2
    assert "Traceback" not in err and "secret" not in err


def test_long_words_are_whole_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(f"word{number}" for number in range(300))
    error = CheckFailed(words, words)
    result = Result({}, (Table(("one",), [(words,)], (words,)),), error.exit_code, (error,), (words,))
    told = document(result, "x")
    assert [told["errors"][0]["message"], told["errors"][0]["hints"][0], told["warnings"][0]] == [words] * 3
    render(result, OutputOptions(people=True, environ={}))
    shown = capsys.readouterr()
    assert re.sub(r"\s", "", shown.out).count("word298word299") == 2
    assert shown.err.count("word298 word299") == 3 and "\u2026" not in shown.out + shown.err


LABELS = ["binance-a", "bitfinex-main", "a-label-of-twenty-six-chars", "a-label-of-thirty-five-characters-x"]
PREVIEW = (
    ("account", "native", "size", "price", "value", "terms", "state"),
    ("BTC-USDT-SWAP", "0.01 BTC", "59388.2", "599.88 USD", "reduce-only", "would send"),
)
FILLS = (
    ("account", "time (UTC)", "symbol", "size", "price", "fee", "profit"),
    ("2026-11-29 23:16", "TESTBTC/TESTUSDT:TEST", "sell 0.003", "59988.123", "0.089982 USDT", "-0.072123 USDT"),
)
ORDERS = (
    ("account", "id", "symbol", "detail"),
    ("fc680f4b-78d7-f707-8668-3e4300b7626a", "1000PEPE/USDT:USDT-261225", "the order of a long sentence is here"),
)


def shown_at(
    width: int, table: Table, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    render(Result({}, (table,)), OutputOptions(people=True, environ={}))
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("table", [PREVIEW, FILLS, ORDERS], ids=["preview", "fills", "orders"])
def test_no_width_breaks_a_word_and_nothing_is_wider_than_the_terminal(
    width: int,
    label: str,
    table: tuple[tuple[str, ...], tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns, cells = table
    lines = shown_at(width, Table(columns, [(label, *cells)]), capsys, monkeypatch)
    longest = max(len(word) for cell in (label, *cells) for word in cell.split())
    assert max(map(len, lines)) <= max(width, longest)
    if longest + len("time (UTC)") + 2 <= width:
        assert {word for cell in (label, *cells) for word in cell.split()} <= {
            word for line in lines for word in line.split()
        }


def test_the_least_needed_columns_go_first_and_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, cells = PREVIEW
    table = Table(columns, [("binance-main", *cells)], droppable=("native", "terms"))
    wide, narrow, less = (shown_at(width, table, capsys, monkeypatch) for width in (100, 76, 60))
    assert wide[0].split() == [*columns] and "not shown" not in "".join(wide)
    assert narrow[0].split() == [name for name in columns if name != "native"]
    assert narrow[-1] == "not shown, because the terminal is too narrow: native"
    assert less[0].split() == [name for name in columns if name not in ("native", "terms")]
    assert less[-1] == "not shown, because the terminal is too narrow: native, terms"


def test_columns_of_one_name_are_kept_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the rates of both sides have them."""
    columns = ("currency", "bid", "days", "offer", "days")
    rows = [("USD", "0.0200% a day", "2", "0.0300% a day", ""), ("UST", "0.0100% a day", "30", "0.0400% a day", "")]
    lines = shown_at(36, Table(columns, rows), capsys, monkeypatch)
    assert lines[0].split() == ["currency", "bid", "days", "offer"]
    assert {"2", "30"} <= {word for line in lines for word in line.split()}


def test_where_not_even_a_column_fits_each_row_is_a_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, cells = ORDERS
    lines = shown_at(60, Table(columns, [("a-label", *cells), ("other", *cells)]), capsys, monkeypatch)
    assert [line.split()[0] for line in lines if line.strip()] == [*columns, *columns]
    assert lines[1].split() == ["id", cells[0]] and "" in [line.strip() for line in lines]


def test_a_note_outside_a_terminal_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    result = Result({}, view=(Note("a \x1b[31mred\u202e name\nand a second line"), Text("t\x1b]0;x\x07")))
    render(result, OutputOptions())
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err and "\u202e" not in shown.err
    assert shown.err.splitlines() == ["a [31mred name", "and a second line"]
