"""The envelope: with --json every command gives exactly one document of the fixed keys, on success and on failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.command_list import commands
from tests.support.ran import Ran
from tests.support.world import World

ENVELOPE = {"schema", "command", "status", "exit_code", "data", "errors", "warnings"}
ERROR = {"code", "message", "hints", "exchange", "account", "market", "exchange_code", "repeatable"}
LEG = {
    *("account", "exchange", "symbol", "native_symbol", "side", "quantity", "price", "client_order_id", "outcome"),
    *("exchange_order_id", "status", "filled", "average_price", "fee", "detail"),
}
FINDING = {"account", "exchange", "market", "rule", "level", "detail", "evidence", "fix"}
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000")


def check(ran: Ran, *, command: str | None = None) -> dict[str, Any]:
    """The one document that a run printed, held to every rule of the envelope."""
    assert ran.stdout.count("\n") == 1 and ran.stdout.endswith("\n"), ran.stdout[:500]
    document: dict[str, Any] = json.loads(ran.stdout)
    assert set(document) == ENVELOPE
    assert document["schema"] == "keyctl.result/1"
    assert document["exit_code"] == ran.exit_code
    if command is not None:
        assert document["command"] == command
    assert isinstance(document["data"], dict)
    assert all(isinstance(warning, str) for warning in document["warnings"])
    for error in document["errors"]:
        assert set(error) == ERROR
        assert isinstance(error["code"], str) and isinstance(error["message"], str) and error["message"]
        assert "\n" not in error["message"]
        assert isinstance(error["hints"], list) and isinstance(error["repeatable"], bool)
    _check_status(document)
    return document


def _check_status(document: dict[str, Any]) -> None:
    code, status = document["exit_code"], document["status"]
    if code == 0:
        assert status == "success"
    elif code == 6:
        assert status == "partial"
    elif code == 7:
        accepted = any(leg.get("outcome") == "accepted" for leg in document["data"].get("legs", []))
        assert status == ("partial" if accepted else "error")
    else:
        assert status == "error"
    if status != "success" and not document["data"].get("findings"):
        assert document["errors"], "a failure says why"


# A call of each command that works, in a world with one account at each exchange, and one that does not.
GOOD: dict[str, tuple[str, ...]] = {
    "balance": ("okx-a",),
    "fills": ("okx-a", "--since", "1h"),
    "cancel": ("--all", "--yes"),
    "checklist": ("okx",),
    "close": ("BTC/USDT:USDT", "-a", "okx-a", "--yes"),
    "completion": ("bash",),
    "config check": (),
    "config path": (),
    "config set": ("echo", "off"),
    "config show": ("--origin",),
    "diagnose": ("binance", "-2015"),
    "disable": ("okx-a",),
    "doctor": (),
    "edit": ("okx-a", "--group", "desk"),
    "enable": ("okx-a",),
    "exposure": ("okx-a",),
    "funding auto": ("USD", "-a", "lend"),
    "funding book": ("USD", "-a", "lend"),
    "funding cancel": ("--all", "USD", "-a", "lend", "--yes"),
    "funding credits": ("-a", "lend"),
    "funding history": ("-a", "lend"),
    "funding loans": ("-a", "lend"),
    "funding offers": ("-a", "lend"),
    "funding rates": ("-a", "lend"),
    "funding report": ("-a", "lend"),
    "funding settle": ("-a", "lend"),
    "group add": ("desk", "okx-a"),
    "group list": (),
    "help": ("exit-codes",),
    "keygen": ("binance", "--type", "ed25519"),
    "list": (),
    "order": (*BUY[1:], "--fanout", "--all", "--yes"),
    "orders list": (),
    "orders refresh": (),
    "orders settle": (),
    "positions": ("okx-a",),
    "price": ("BTC/USDT",),
    "remove": ("okx-a", "--yes"),
    "rename": ("okx-a", "okx-b"),
    "scan": ("/dev/null",),
    "request": ("okx-a", "GET", "/api/v5/account/config"),
    "show": ("okx-a",),
    "vault check": (),
    "vault migrate": ("--to", "vault"),
    "vault purge": ("--yes",),
    "vault rekey": (),
    "vault status": (),
    "verify": ("okx-a",),
    "version": (),
    "whitelist plan": ("--all",),
    "whitelist set": ("-a", "okx-a", "127.0.0.1"),
    "whitelist show": ("okx-a",),
}
BAD: dict[str, tuple[tuple[str, ...], int]] = {
    "add": (("nowhere", "--label", "x"), 2),
    "backup": (("/nowhere/at/all",), 2),
    "balance": (("nobody",), 3),
    "fills": (("okx-a", "--since", "later"), 2),
    "cancel": ((), 2),
    "checklist": (("nowhere",), 2),
    "close": (("BTC/USDT", "-a", "okx-a"), 2),
    "completion": (("tcsh",), 2),
    "config edit": ((), 10),
    "config set": (("echo", "http://ip.example.org"), 2),
    "config show": (("--nonsense",), 2),
    "diagnose": (("binance", "no-such-code"), 4),
    "disable": (("nobody",), 3),
    "edit": (("okx-a",), 2),
    "enable": (("nobody",), 3),
    "exposure": (("nobody",), 3),
    "funding autorenew": (("on", "usd!"), 2),
    "funding offer": (("200", "USD", "--rate", "0.02", "--days", "2"), 2),
    "funding resolve": (("3", "--absent", "--reason", "not on its page"), 2),
    "env": (("okx-a",), 2),
    "exec": (("nobody",), 2),
    "export": (("/nowhere/at/all",), 10),
    "group add": (("desk",), 2),
    "group remove": (("desk", "--all"), 2),
    "help": (("nothing",), 2),
    "import": (("/nowhere/at/all",), 3),
    "ip": ((), 3),
    "keygen": (("okx", "--type", "rsa"), 2),
    "leak": (("nobody",), 3),
    "list": (("extra",), 2),
    "order": ((*BUY[1:], "-a", "nobody"), 3),
    "orders list": (("--most", "0"), 2),
    "orders show": (("zzzz",), 2),
    "orders refresh": (("-a", "nobody"), 3),
    "orders settle": (("extra",), 2),
    "positions": (("okx-a", "--symbol", "BTCUSDT"), 2),
    "price": (("BTCUSDT",), 2),
    "remove": (("nobody", "--yes"), 3),
    "rename": (("okx-a", "binance-a"), 3),
    "request": (("okx-a", "POST", "/api/v5/asset/withdrawal"), 2),
    "restore": (("/nowhere/at/all",), 3),
    "reveal": (("okx-a",), 10),
    "rotate": (("okx-a", "--finish"), 4),
    "scan": (("/nowhere/at/all",), 2),
    "show": (("nobody",), 3),
    "vault add-slot": (("keyfile",), 2),
    "vault init": ((), 3),
    "vault remove-slot": (("1",), 4),
    "vault use": (("9",), 3),
    "verify": (("nobody",), 3),
    "whitelist plan": ((), 2),
    "whitelist set": (("-a", "okx-a", "localhost"), 2),
    "whitelist show": (("nobody",), 3),
}


@pytest.fixture
def furnished(world: World) -> World:
    world.add_all()
    return world


@pytest.mark.parametrize("command", GOOD)
def test_a_command_that_works_gives_one_document(furnished: World, command: str) -> None:
    if command.startswith("funding"):
        furnished.add("bitfinex", "lend", rights=("read", "funding"))
    ran = furnished.keyctl(*command.split(), *GOOD[command], "--json")
    document = check(ran, command=command)
    assert ran.exit_code == 0, ran.stdout
    assert ran.stderr == ""
    for leg in document["data"].get("legs", []):
        assert leg.keys() >= LEG
    for finding in document["data"].get("findings", []):
        assert set(finding) == FINDING
        assert finding["level"] in ("pass", "warn", "fail", "unknown")


@pytest.mark.parametrize("command", BAD)
def test_a_command_that_fails_gives_one_document(furnished: World, command: str) -> None:
    arguments, code = BAD[command]
    ran = furnished.keyctl(*command.split(), *arguments, "--json")
    document = check(ran, command=command)
    assert ran.exit_code == code, ran.stdout
    assert document["errors"][0]["hints"], "a failure has a hint"


def test_every_command_stands_in_these_tables() -> None:
    elsewhere = {"demo", "halt", "halt set", "halt lift", "limits", "orders export", "orders resolve"}
    names = {" ".join(words) for words in commands()}
    assert names - set(GOOD) - set(BAD) - elsewhere == set()


@pytest.mark.parametrize("command", [" ".join(words) for words in commands() if words[0] != "demo"])
@pytest.mark.parametrize("stdin", ["closed", "empty"])
def test_without_accounts_and_without_a_person_there_is_still_one_document(
    tmp_path: Path, command: str, stdin: str
) -> None:
    words = command.split()
    code = run_with_stdin(words, tmp_path, stdin)
    document = check(code)
    assert document["command"] in (command, "")


def run_with_stdin(words: list[str], folder: Path, stdin: str) -> Ran:
    """keyctl as a process of its own with a home that is not there yet, and stdin closed or at its end."""
    program = [sys.executable, "-I", "-m", "keyctl", *words, "--json"]
    if stdin == "closed":
        program = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *program]
    environ = {"PATH": os.defpath, "KEYCTL_HOME": str(folder / "home")}
    done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environ, timeout=30)
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json",),
        ("--json", "nonsense"),
        ("nonsense", "--json"),
        ("--nonsense", "--json"),
        ("--json", "list"),
        ("orders", "--json"),
        ("orders", "nonsense", "--json"),
        ("vault", "--json"),
        ("config", "--json"),
        ("--demo", "list", "--json"),
        ("order", "--price", "--json"),
        ("show", "--json", "--", "nobody"),
        ("list", "--help", "--json"),
    ],
    ids=" ".join,
)
def test_wherever_the_option_stands_there_is_one_document(world: World, arguments: tuple[str, ...]) -> None:
    ran = world.keyctl(*arguments)
    if "--help" in arguments:
        assert ran.exit_code == 0 and "Usage" in ran.stdout
    else:
        check(ran)


def test_json_after_a_double_dash_is_a_word_like_any_other(world: World) -> None:
    ran = world.keyctl("show", "--", "--json")
    assert ran.exit_code == 3
    assert ran.stdout == ""


def test_an_exchange_that_is_away_is_a_document(furnished: World) -> None:
    furnished.twin.stop()
    try:
        for command, code in (("price BTC/USDT", 8), ("verify --all", 8), (" ".join(BUY) + " -a okx-a --yes", 8)):
            ran = furnished.keyctl(*command.split(), "--json")
            check(ran, command=command.split()[0])
            assert ran.exit_code == code, ran.stdout
    finally:
        furnished.twin.start()


def test_a_store_that_cannot_be_opened_is_a_document(furnished: World) -> None:
    furnished.key_file.unlink()
    for command in ("verify --all", " ".join(BUY) + " -a okx-a --yes", "vault check", "remove okx-a --yes"):
        ran = furnished.keyctl(*command.split(), "--json")
        check(ran)
        assert ran.exit_code == 3, ran.stdout


def test_an_order_without_a_yes_needs_a_person(furnished: World) -> None:
    ran = furnished.keyctl(*BUY, "-a", "okx-a", "--json")
    document = check(ran, command="order")
    assert ran.exit_code == 10
    assert "--yes" in " ".join(document["errors"][0]["hints"])
    assert furnished.placements() == {}


def test_a_part_that_was_refused_makes_it_partial(furnished: World) -> None:
    furnished.fault(
        kind=FaultKind.ANSWER,
        exchange="binance",
        operation="place",
        status=400,
        body='{"code":-2010,"msg":"Account has insufficient balance for requested action."}',
    )
    ran = furnished.keyctl(*BUY, "--fanout", "--all", "--yes", "--json")
    document = check(ran)
    assert ran.exit_code == 6
    assert document["status"] == "partial"
    assert [error["code"] for error in document["errors"]] == ["leg_rejected"]
    assert document["errors"][0]["exchange_code"] == "-2010"


def test_an_unknown_leg_beside_an_accepted_one_is_partial(furnished: World) -> None:
    furnished.fault(kind=FaultKind.RESET_BEFORE, exchange="binance", operation="place")
    ran = furnished.keyctl(*BUY, "--fanout", "--all", "--yes", "--json", clock=ShiftedClock())
    document = check(ran)
    assert ran.exit_code == 7
    assert document["status"] == "partial"


def test_an_unknown_leg_alone_is_an_error(furnished: World) -> None:
    furnished.fault(kind=FaultKind.RESET_BEFORE, exchange="binance", operation="place")
    ran = furnished.keyctl(*BUY, "-a", "binance-a", "--yes", "--json", clock=ShiftedClock())
    assert check(ran)["status"] == "error"
    assert ran.exit_code == 7


def test_a_fault_of_our_own_is_a_document_without_values(furnished: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise RuntimeError("a value that might be anything")

    monkeypatch.setattr("keyctl.home.accounts.Accounts.all", broken)
    ran = furnished.keyctl("list", "--json", "--debug")
    document = check(ran)
    assert ran.exit_code == 1
    assert document["errors"][0]["code"] == "fault"
    assert "anything" not in ran.stdout + ran.stderr
    assert "debug: " in ran.stderr
