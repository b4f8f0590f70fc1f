"""Completion: the printed scripts, the files that are shipped, and what they ask of the program."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keyctl.commands.completion import PROGRAMS, SHELLS, completion_script, marked
from keyctl.exchanges.shipped import names
from keyctl.home.seen import KEPT_MAX, SYMBOLS, note_seen, words_in, words_seen
from tests.support.world import World

FOLDER = Path(__file__).parent.parent.parent / "completions"


def words_for(line: str, world: World, at: int | None = None) -> list[str]:
    """What the program offers at the end of a command line, as bash would ask it: a colon is a word of its own."""
    words = line.split(" ")
    variables = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(at or len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyctl"],
        env=world.environ | variables,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stderr == ""
    return [entry.partition(",")[2] for entry in done.stdout.splitlines() if entry]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_shipped_file_is_what_the_command_prints(world: World, shell: str, program: str) -> None:
    """When it differs: scripts/completions remakes the files."""
    shipped = (FOLDER / f"{program}.{SHELLS[shell]}").read_text(encoding="utf-8")
    assert shipped == completion_script(shell, program)
    assert world.keyctl("completion", shell, "--program", program).stdout == shipped
    assert world.keyctl("completion", shell, "--program", program, "--json").data["script"] == shipped


def test_only_the_shipped_files_are_there() -> None:
    expected = {f"{program}.{ending}" for program in PROGRAMS for ending in SHELLS.values()}
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_the_files_agree_with_clicks_own_source(world: World) -> None:
    """What Click prints for the variable by which completion scripts are usually had."""
    environ = world.environ | {"_KEYCTL_COMPLETE": "fish_source"}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyctl"], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == completion_script("fish", "keyctl").strip()


def test_commands_and_options_are_offered(world: World) -> None:
    assert {"order", "orders"} <= set(words_for("keyctl ord", world))
    assert "--expect-value" in words_for("keyctl order --exp", world)
    assert words_for("keyctl order b", world) == ["buy"]
    assert "settle" in words_for("keyctl orders s", world)


def test_completing_reads_no_home(world: World) -> None:
    environ = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_WORDS": "keyctl l", "COMP_CWORD": "1", "PATH": os.defpath}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyctl"], env=environ, capture_output=True, text=True, timeout=30
    )
    assert "plain,list" in done.stdout.splitlines()
    assert done.stderr == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_bash_reads_the_file(program: str) -> None:
    done = subprocess.run(["bash", "-n", str(FOLDER / f"{program}.bash")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_shell_is_refused(world: World) -> None:
    assert world.keyctl("completion", "tcsh").exit_code == 2


@pytest.fixture
def stocked(world: World) -> World:
    """Accounts, a group of each definition, a plan, and symbols that were seen."""
    world.add_all()
    world.keyctl("edit", "okx-a", "--group", "desk")
    config = world.home / "config" / "config.toml"
    config.write_text('[groups]\nwide = ["okx-a", "lbank-a"]\n')
    config.chmod(0o600)
    world.keyctl("price", "BTC/USDT:USDT")
    world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--fanout", "--all", "--yes")
    return world


def test_each_kind_of_word_is_offered_where_it_fits(stocked: World) -> None:
    labels = ["binance-a", "bitfinex-a", "lbank-a", "okx-a"]
    plan = stocked.keyctl("orders", "list", "--json").data["orders"][0]["plan"]
    for line, expected in (
        ("keyctl verify ", labels),
        ("keyctl verify okx-a b", ["binance-a", "bitfinex-a"]),
        ("keyctl verify okx-a o", []),
        ("keyctl balance -a l", ["lbank-a"]),
        ("keyctl rename okx", ["okx-a"]),
        ("keyctl add okx --label ", []),
        ("keyctl balance --group ", ["wide", "desk"]),
        ("keyctl edit okx-a --no-group d", ["desk"]),
        ("keyctl checklist ", list(names())),
        ("keyctl halt --exchange b", ["binance", "bitfinex"]),
        ("keyctl request --paths o", ["okx"]),
        ("keyctl order --plan ", [plan]),
        ("keyctl orders show ", [plan]),
        ("keyctl order buy ", ["BTC/USDT", "BTC/USDT:USDT"]),
        ("keyctl cancel --symbol E", []),
        ("keyctl diagnose ok", ["okx-a", "okx"]),
        ("keyctl diagnose okx 5011", [f"5011{digit}" for digit in range(10) if digit != 7]),
        ("keyctl diagnose binance-a -102", ["-1020", "-1021", "-1022", "-1023"]),
        ("keyctl help exit", ["exit-codes"]),
        ("keyctl help orders s", ["settle", "show"]),
    ):
        assert set(words_for(line, stocked)) == set(expected), line


def test_bash_hands_a_symbol_over_in_pieces(stocked: World) -> None:
    for line in ("keyctl order buy BTC/USDT : U", "keyctl order buy BTC/USDT :"):
        assert words_for(line, stocked) == ["USDT"], line
    assert words_for("keyctl order buy BTC/USDT:U", stocked) == ["BTC/USDT:USDT"], "where colons break no words"


def test_the_demos_accounts_are_offered_for_the_demo(stocked: World) -> None:
    assert words_for("keyctl --demo verify ", stocked) == []
    target = stocked.home / "state" / "demo"
    for folder in ("config", "state"):
        shutil.copytree(stocked.home / folder, target / folder, ignore=shutil.ignore_patterns("demo"))
    (target / "config" / "accounts.json").write_text(
        (target / "config" / "accounts.json").read_text().replace('"okx-a"', '"okx-demo"')
    )
    assert "okx-demo" in words_for("keyctl --demo verify ", stocked)
    assert "okx-demo" not in words_for("keyctl verify ", stocked)


ASK = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append((event, str(args[0]) if args else "")) if event in (
    "open", "socket.connect", "sqlite3.connect", "socket.getaddrinfo") else None)
import atexit
atexit.register(lambda: sys.stderr.write("\\n".join(f"{event} {name}" for event, name in opened)))
from keyctl.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "line",
    [
        "verify ",
        "balance --group ",
        "order --plan ",
        "order buy ",
        "diagnose okx 50",
        "halt --exchange ",
        "help ",
        "env ",
    ],
)
def test_no_store_no_journal_and_no_network_is_opened_for_it(stocked: World, line: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in stocked.home.rglob("*")}
    line = f"keyctl {line}"
    variables = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-I", "-c", ASK], env=stocked.environ | variables, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip()
    events = [entry.partition(" ") for entry in done.stderr.splitlines()]
    assert {event for event, _, _ in events} == {"open"}
    opened = {Path(name).name for _, _, name in events if str(stocked.home) in name}
    assert opened <= {"accounts.json", "home-id", "config.toml", "echo.json", "seen-symbols.txt", "seen-plans.txt"}
    assert {path: path.stat().st_mtime_ns for path in stocked.home.rglob("*")} == before


@pytest.mark.parametrize("damage", ["accounts.json", "config.toml"])
def test_what_cannot_be_read_is_not_offered_and_says_nothing(stocked: World, damage: str) -> None:
    (stocked.home / "config" / damage).write_text("{")
    for line in ("keyctl verify ", "keyctl balance --group ", "keyctl order buy "):
        words_for(line, stocked)
    assert words_for("keyctl checklist o", stocked) == ["okx"]


def test_what_was_seen_stays_short_and_holds_nothing_else(stocked: World) -> None:
    state = stocked.home / "state"
    many = [f"C{number}/USDT" for number in range(300)]
    note_seen(state, {SYMBOLS: many})
    assert words_seen(state, SYMBOLS) == tuple(many[: KEPT_MAX[SYMBOLS]])
    note_seen(state, {SYMBOLS: ["ETH/USDT"]})
    assert words_seen(state, SYMBOLS)[:2] == ("ETH/USDT", "C0/USDT")
    assert (state / "seen-symbols.txt").stat().st_mode & 0o777 == 0o600
    assert (
        words_in({"rows": [{"symbol": "not one", "exchange": "okx"}, {"symbol": "BTC/USDT"}], "plan": "x" * 40}) == {}
    )
    assert words_in({"rows": [{"symbol": "BTC/USDT", "exchange": "okx"}]}) == {SYMBOLS: ["BTC/USDT"]}


def test_no_fault_in_keeping_them_changes_what_a_command_ends_with(
    stocked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("keyctl.home.seen.note_seen", broken)
    assert stocked.keyctl("price", "BTC/USDT").exit_code == 0


def test_seen_words_are_best_effort(stocked: World) -> None:
    path = stocked.home / "state" / "seen-symbols.txt"
    path.unlink()
    path.symlink_to("/etc/passwd")
    ran = stocked.keyctl("price", "BTC/USDT")
    assert (ran.exit_code, path.is_symlink()) == (0, False)
    path.unlink()
    path.mkdir()
    assert stocked.keyctl("price", "BTC/USDT").exit_code == 0
    assert words_for("keyctl order buy ", stocked) == []


# --install.

FILES = {
    "bash": ".local/share/bash-completion/completions/keyctl",
    "zsh": ".local/share/zsh/site-functions/_keyctl",
    "fish": ".config/fish/completions/keyctl.fish",
    "powershell": ".config/powershell/keyctl-completion.ps1",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_install_writes_one_file_and_says_which(world: World, shell: str) -> None:
    path = world.folder / FILES[shell]
    ran = world.keyctl("completion", shell, "--install")
    assert ran.exit_code == 0 and f"Wrote {path}" in ran.stderr
    text = path.read_text()
    assert text.startswith(completion_script(shell, "keyctl")) and text.count("\n# Written by keyctl") == 1
    assert path.stat().st_mode & 0o777 == 0o644
    again = world.keyctl("completion", shell, "--install", "--json")
    assert (again.exit_code, again.data["changed"], again.data["file"]) == (0, False, str(path))
    assert path.read_text() == text
    assert all(str(path.parent) in line for line in again.data["add"][:1])
    assert bool(again.data["add"]) is (shell != "fish")


def test_install_goes_by_the_folders_of_the_environment_and_the_program(world: World) -> None:
    world.environ["XDG_DATA_HOME"] = str(world.folder / "data")
    data = world.keyctl("completion", "bash", "--program", "xkeyctl", "--install", "--json").data
    assert data["file"] == str(world.folder / "data" / "bash-completion" / "completions" / "xkeyctl")


def test_install_replaces_what_it_wrote_and_nothing_else(world: World) -> None:
    path = world.folder / FILES["fish"]
    world.keyctl("completion", "fish", "--install")
    path.write_bytes(marked("an older script\n"))
    assert world.keyctl("completion", "fish", "--install", "--json").data["changed"] is True
    ours = path.read_text()
    for text in ("# mine\n", ours + "# and a line of mine\n", ours.replace("function", "# function", 1), ""):
        path.write_text(text)
        ran = world.keyctl("completion", "fish", "--install", "--json")
        assert (ran.exit_code, ran.document["errors"][0]["code"]) == (3, "not_written_by_keyctl")
        assert path.read_text() == text
    path.write_text(completion_script("fish", "keyctl"))
    assert world.keyctl("completion", "fish", "--install", "--json").data["changed"] is False, "as redirected into it"


def test_install_follows_no_link_and_needs_a_home(world: World) -> None:
    path, other = world.folder / FILES["bash"], world.folder / "other"
    path.parent.mkdir(parents=True)
    other.write_text("")
    path.symlink_to(other)
    assert world.keyctl("completion", "bash", "--install").exit_code == 3
    assert other.read_text() == ""
    del world.environ["HOME"]
    assert world.keyctl("completion", "bash", "--install").exit_code == 3


def test_a_bash_that_loads_the_installed_file_completes(stocked: World) -> None:
    """The real shell: its own splitting of words, and the function that the file defines."""
    world = stocked
    file = world.keyctl("completion", "bash", "--install", "--json").data["file"]
    bin_folder = world.folder / "bin"
    bin_folder.mkdir()
    program = bin_folder / "keyctl"
    program.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m keyctl\n")
    program.chmod(0o755)
    script = (
        f". {shlex.quote(file)}; COMP_WORDS=(keyctl order buy BTC/USDT : U); COMP_CWORD=5; COMPREPLY=();"
        f' _keyctl_completion {shlex.quote(str(program))}; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script], env=world.environ, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("USDT\n", "")
