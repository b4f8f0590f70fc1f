"""Canaries: the secret text of a stored account shows nowhere but in the vault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.exchanges.shipped import profile
from keyctl.model.words import Algorithm
from keyctl.secret import Secret
from keyctl.twin.faults import FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.canary import Canaries, all_exceptions, all_logs, forms
from tests.support.world import ALL, World, credentials

KEYS = {
    "binance-hmac": ("binance", Algorithm.HMAC),
    "binance-ed": ("binance", Algorithm.ED25519),
    "binance-rsa": ("binance", Algorithm.RSA),
    "bitfinex-a": ("bitfinex", Algorithm.HMAC),
    "lbank-hmac": ("lbank", Algorithm.HMAC),
    "lbank-rsa": ("lbank", Algorithm.RSA),
    "okx-a": ("okx", Algorithm.HMAC),
}
# The vault is encrypted, and searched all the same. Nothing in a home may hold a secret.
NOWHERE: tuple[str, ...] = ()
BUY = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--fanout", "--all")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Canaries]]:
    """Every kind of key, stored through the real command."""
    with World(tmp_path_factory.mktemp("canaries") / "world") as world:
        canaries = Canaries()
        for label, (exchange, algorithm) in KEYS.items():
            canaries.watch(label, world.add(exchange, label, algorithm))
        yield world, canaries


def everything(world: World) -> Iterator[tuple[str, ...]]:
    """Every command that reads or uses an account, working and failing."""
    yield from (("list",), ("price", "BTC/USDT"), ("config", "show"), ("vault", "status"), ("vault", "check"))
    yield from (("checklist", "okx"), ("diagnose", "okx", "50113"), ("orders",), ("orders", "settle"), ())
    yield ("verify", "--all")
    yield (*BUY, "--dry-run")
    yield (*BUY, "--yes", "--again")
    yield ("cancel", "--all", "--yes")
    yield from (
        ("doctor",),
        ("import", "/nowhere"),
        ("export", "/nowhere/at/all"),
        ("backup", "/nowhere/at/all"),
        ("rotate", "okx-a"),
    )
    yield from (
        ("disable", "okx-a"),
        ("exec", "okx-a", "--", "true"),
        ("enable", "okx-a"),
        ("exec", "okx-a", "--", "/-"),
    )
    for label, (exchange, _) in KEYS.items():
        yield ("show", label)
        yield from (("edit", label, "--group", "desk"), ("reveal", label), ("env", f"{label}x"))
        yield from (("rotate", label, "--finish"), ("rotate", label, "--abort", "--yes"))
        for call in profile(exchange).readable:
            yield ("request", label, call.method, call.path, "--dry-run")
        private = next(call for call in profile(exchange).readable if call.private)
        yield ("request", label, private.method, private.path)
        yield ("request", label, "DELETE", "/nowhere")
        yield ("show", f"{label}x")
        yield ("order", "buy", "NOPE/USDT", "1", "--price", "1", "-a", label, "--yes")
    yield ("exposure",)
    for label in KEYS:
        yield ("leak", label, "--yes")
    yield ("verify", "--all", "--foreign-use")


@pytest.mark.parametrize("more", [(), ("--json",), ("--debug",)], ids=["plain", "json", "debug"])
def test_no_command_shows_a_secret(furnished: tuple[World, Canaries], more: tuple[str, ...]) -> None:
    world, canaries = furnished
    with all_logs() as logs, all_exceptions() as exceptions:
        for arguments in everything(world):
            ran = world.keyctl(*arguments, *more)
            assert canaries.find(ran.stdout + ran.stderr) == [], arguments
    assert canaries.find("\n".join(logs.texts)) == []
    assert canaries.find("\n".join(exceptions)) == []
    assert exceptions, "the failing commands raised something"
    assert canaries.find_in_files(world.home, NOWHERE) == []


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.HTML, FaultKind.GARBAGE, FaultKind.RATE_LIMIT])
def test_no_failing_exchange_makes_a_secret_show(world: World, exchange: str, kind: FaultKind) -> None:
    canaries = Canaries()
    canaries.watch(exchange, world.add(exchange))
    world.fault(kind=kind, exchange=exchange, times=None)
    with all_logs() as logs, all_exceptions() as exceptions:
        for more in (("--debug",), ("--json", "--debug")):
            ran = world.keyctl("verify", f"{exchange}-a", *more)
            assert ran.exit_code != 0
            assert canaries.find(ran.stdout + ran.stderr) == []
    assert canaries.find("\n".join([*logs.texts, *exceptions])) == []
    assert canaries.find_in_files(world.home, NOWHERE) == []


@pytest.mark.parametrize(
    "place",
    [
        "keyctl.network.session.Session.sign",
        "keyctl.exchanges.signing.HMACKey.sign",
        "keyctl.network.line.Line.prepare",
        "keyctl.vault.record.from_record",
        "keyctl.journal.legs.Journal.add_plan",
        "keyctl.exchanges.shipped.load",
    ],
)
def test_a_fault_whose_words_hold_a_secret_is_shown_without_them(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The worst case: some library puts what it was given into its exception."""
    made = world.add("okx")
    canaries = Canaries()
    canaries.watch("okx", made)

    def broken(*arguments: object, **named: object) -> None:
        raise RuntimeError(made.secret, made.passphrase, Secret(made.secret))

    monkeypatch.setattr(place, broken)
    for more in ((), ("--debug",), ("--json", "--debug")):
        ran = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--yes", *more)
        assert ran.exit_code != 0
        assert canaries.find(ran.stdout + ran.stderr) == []
    assert canaries.find_in_files(world.home, NOWHERE) == []


@pytest.mark.parametrize("way", ["stdin", "file", "command", "credentials"])
def test_adding_and_removing_leaves_no_secret_behind(world: World, tmp_path: Path, way: str) -> None:
    made = make_key("binance")
    canaries = Canaries()
    canaries.watch("new", made)
    world.twin.add_key("binance", made)
    source = tmp_path / "secret.txt"
    source.write_text(made.secret + "\n")
    source.chmod(0o600)
    line = ["add", "binance", "--label", "new", "--endpoint", world.twin.endpoint("binance"), "--debug"]
    stdin = ""
    if way == "credentials":
        line, stdin = [*line, "--credentials-stdin"], credentials(made)
    else:
        line += ["--api-key", made.api_key]
    if way == "stdin":
        line, stdin = [*line, "--secret-stdin"], made.secret
    if way == "file":
        line += ["--secret-file", str(source)]
    if way == "command":
        line += ["--secret-command", f"cat {source}"]
    with all_logs() as logs, all_exceptions() as exceptions:
        ran = world.keyctl(*line, stdin=stdin)
        gone = world.keyctl("remove", "new", "--yes", "--debug")
    assert ran.exit_code == 4 and "key_age" in ran.stdout + ran.stderr, ran
    assert gone.exit_code == 0
    told = [ran.stdout, ran.stderr, gone.stdout, gone.stderr, *logs.texts, *exceptions]
    assert canaries.find("\n".join(told)) == []
    assert canaries.find_in_files(world.home, NOWHERE) == []


@pytest.mark.parametrize("field", ["secret", "passphrase"])
def test_a_refused_secret_is_not_repeated(world: World, field: str) -> None:
    made = make_key("okx")
    canaries = Canaries()
    canaries.watch("okx", made)
    for spoil in ("{} ", '"{}"', "{}\u200b", "\ufeff{}", "{}\x07", "x{}\u00e9"):
        entry = json.loads(credentials(made))
        entry[field] = spoil.format(entry[field])
        with all_exceptions() as exceptions:
            ran = world.keyctl(
                "add", "okx", "--label", "new", "--credentials-stdin", "--debug", stdin=json.dumps(entry)
            )
        assert ran.exit_code == 3
        assert canaries.find(ran.stdout + ran.stderr) == []
        assert canaries.find("\n".join(exceptions)) == []


PROBE = """
import os, sys
pid, seen = os.getpid(), []
while pid > 1:
    for name in ("cmdline", "environ"):
        try:
            seen.append(open(f"/proc/{pid}/{name}", "rb").read())
        except OSError:
            pass
    if pid != os.getpid() and b"keyctl" not in seen[-2]:
        break
    pid = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
open(sys.argv[1], "wb").write(b"\\n".join(seen))
print(open(sys.argv[2]).read())
"""


def test_a_secret_command_sees_no_secret_in_arguments_or_environment(world: World, tmp_path: Path) -> None:
    world.add_all()
    canaries = Canaries()
    for label, stored in world.made.items():
        canaries.watch(label, stored)
    made = make_key("binance")
    canaries.watch("new", made)
    probe, seen, source = (tmp_path / name for name in ("probe.py", "seen", "source"))
    probe.write_text(PROBE)
    source.write_text(made.secret)
    line = f"{sys.executable} {probe} {seen} {source}"
    endpoint = world.twin.endpoint("binance")
    more = ("--api-key", made.api_key, "--endpoint", endpoint, "--no-verify", "--secret-command", line)
    ran = world.spawn("add", "binance", "--label", "new", *more)
    assert ran.exit_code == 0, ran.stderr
    told = seen.read_bytes()
    assert b"secret-command" in told, "the probe saw keyctl's own arguments"
    assert canaries.find(told) == []
    assert canaries.find(ran.stdout + ran.stderr) == []


def test_a_running_order_has_no_secret_in_arguments_or_environment(world: World) -> None:
    canaries = Canaries()
    canaries.watch("okx", world.add("okx"))
    fault = world.fault(kind=FaultKind.HOLD, exchange="okx", operation="place")
    line = [sys.executable, "-I", "-m", "keyctl", *BUY, "--yes", "--debug"]
    with subprocess.Popen(line, env=world.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        while not fault.used and running.poll() is None:
            threading.Event().wait(0.005)
        told = b"".join(_read(f"/proc/{running.pid}/{name}") for name in ("cmdline", "environ"))
        fault.released = True
        shown, _ = running.communicate(timeout=30)
    assert running.returncode == 0, shown
    assert b"keyctl" in told
    assert canaries.find(told) == []
    assert canaries.find(shown) == []


def test_a_process_that_holds_secrets_cannot_be_looked_into(world: World) -> None:
    """Core files are off, and other processes of the same user may not read its memory."""
    code = (
        "import ctypes, resource, sys\n"
        "from keyctl.app import App\n"
        "App().store\n"
        "sys.stdout.write(f'{resource.getrlimit(resource.RLIMIT_CORE)} {ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=world.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "(0, 0) 0"


# The test of the test: planted leaks are found.


@pytest.fixture
def planted() -> tuple[MadeKey, Canaries]:
    made = make_key("okx")
    canaries = Canaries()
    canaries.watch("okx", made)
    return made, canaries


@pytest.mark.parametrize("form", forms("x" * 32))
def test_a_planted_leak_is_found_in_each_form(planted: tuple[MadeKey, Canaries], tmp_path: Path, form: str) -> None:
    made, canaries = planted
    assert made.passphrase is not None
    for text in (made.secret, made.passphrase):
        leak = b"{'before': 1, 'x': '" + forms(text)[form] + b"', 'after': 2}"
        assert canaries.find(leak)
        (tmp_path / "journal.db-wal").write_bytes(os.urandom(64) + leak)
        assert canaries.find_in_files(tmp_path, ("vault.json*",))


def test_a_planted_leak_is_found_in_logs_and_exceptions(
    planted: tuple[MadeKey, Canaries], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    made, canaries = planted

    def leaking(self: object) -> None:
        logging.getLogger("keyctl.somewhere").debug("signing with %s", made.secret)
        raise ValueError(f"bad key {made.secret}")

    monkeypatch.setattr("keyctl.home.accounts.Accounts.all", leaking)
    with all_logs() as logs, all_exceptions() as exceptions:
        world.keyctl("list")
    assert canaries.find("\n".join(logs.texts))
    assert canaries.find("\n".join(exceptions))


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.RSA])
def test_a_planted_part_of_a_private_key_is_found(algorithm: Algorithm) -> None:
    made = make_key("binance", algorithm)
    canaries = Canaries()
    canaries.watch("key", made)
    body = "".join(made.secret.strip().splitlines()[1:-1])
    assert canaries.find(json.dumps({"key": made.secret}))
    assert canaries.find(body)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
