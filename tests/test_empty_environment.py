"""Every command where cron or a container would run it: nearly no environment, no terminal. It ends, and says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_list import commands
from tests.support.world import World

# What each command needs to be named, for the run in which no account is stored.
WORDS = {
    "add": ("okx", "--label", "x"),
    "backup": ("copy",),
    "checklist": ("okx",),
    "completion": ("bash",),
    "diagnose": ("okx", "50113"),
    "disable": ("a",),
    "edit": ("a", "--market", "spot"),
    "enable": ("a",),
    "env": ("a",),
    "exec": ("a", "--", "true"),
    "export": ("backup",),
    "funding auto": ("USD",),
    "funding autorenew": ("show", "USD"),
    "funding book": ("USD",),
    "funding cancel": ("--all", "USD", "--yes"),
    "funding offer": ("200", "USD", "--rate", "0.02%/day", "--days", "2", "--yes"),
    "funding resolve": ("3", "--absent", "--reason", "not on its page", "--yes"),
    "group add": ("desk", "a"),
    "group remove": ("desk", "--all"),
    "import": ("bot.env",),
    "keygen": ("binance",),
    "leak": ("a", "--yes"),
    "order": ("buy", "BTC/USDT", "1", "--price", "1", "-a", "a"),
    "orders resolve": ("x", "a", "--as", "not-taken", "--because", "not in its history"),
    "orders show": ("x",),
    "price": ("BTC/USDT",),
    "remove": ("a", "--yes"),
    "rename": ("a", "b"),
    "request": ("a", "GET", "/api/v5/account/config"),
    "restore": ("copy",),
    "config set": ("echo", "off"),
    "reveal": ("a",),
    "rotate": ("a",),
    "show": ("a",),
    "vault add-slot": ("passphrase",),
    "vault migrate": ("--to", "vault"),
    "vault remove-slot": ("1",),
    "vault use": ("1",),
    "verify": ("--all",),
    "whitelist plan": ("--all",),
    "whitelist show": ("a",),
}
NAMES = [" ".join(words) for words in commands()]
NEW = ("disable", "edit", "enable", "env", "exec", "export", "import", "keygen", "rename", "reveal", "rotate")
# With an account in a vault that is locked: what needs no secret works, and the rest names the person or the key.
OPEN = {
    *("backup", "cancel", "checklist", "completion", "config check", "config path", "config set", "config show"),
    *("demo", "diagnose"),
    *(
        "disable",
        "doctor",
        "enable",
        "group add",
        "group list",
        "halt",
        "help",
        "limits",
        "list",
        "orders export",
        "orders list",
    ),
    *("orders refresh", "orders settle", "price", "rename", "scan", "show"),
    *("vault status", "version", "whitelist plan", "whitelist set", "whitelist show"),
}
NEEDS_PERSON = {"config edit", "reveal"}
WRONG = {"funding resolve", "group remove", "orders resolve", "orders show"}  # no such plan, offer or group
WITH_ACCOUNT = {
    "cancel": ("--all", "--yes"),
    "close": ("BTC/USDT:USDT", "-a", "a", "--yes"),
    "edit": ("a", "--ask-passphrase"),
    "import": ("bot.env", "--yes"),
    "order": ("buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "a", "--yes"),
    "whitelist set": ("-a", "a", "127.0.0.1"),
}


def bare(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={folder}", sys.executable, "-I", "-m", "keyctl", *words]
    return subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False, cwd=folder
    )


@pytest.mark.parametrize("command", NAMES)
def test_a_command_in_a_bare_environment_ends_with_a_reason(tmp_path: Path, command: str) -> None:
    ran = bare(tmp_path, *command.split(), *WORDS.get(command, ()))
    assert "Traceback" not in ran.stderr and "internal error" not in ran.stderr
    assert ran.returncode != 1
    if command in NEW:
        assert ran.returncode in (3, 4, 10), ran.stderr
    if ran.returncode:
        assert "error[" in ran.stderr
        assert "hint: " in ran.stderr, ran.stderr


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folder with an account of a running twin, and a vault that opens by passphrase only."""
    user = tmp_path_factory.mktemp("cron")
    phrase = user / "phrase"
    phrase.write_text("a long passphrase\n")
    with open(phrase) as given, World(tmp_path_factory.mktemp("twin") / "world") as world:
        os.set_inheritable(given.fileno(), True)
        line = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={user}", sys.executable, "-I", "-m", "keyctl"]
        number = given.fileno()
        made = subprocess.run(
            [*line, "vault", "init", "--passphrase-fd", str(number)], pass_fds=[number], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        world.add("okx", "a")
        world.add("bitfinex", "lend", rights=("read", "funding"))
        accounts = user / ".config" / "keyctl" / "accounts.json"
        identity = (user / ".local" / "state" / "keyctl" / "home-id").read_text().strip()
        known = (world.home / "state" / "home-id").read_text().strip()
        accounts.write_text((world.home / "config" / "accounts.json").read_text().replace(known, identity))
        accounts.chmod(0o600)
        (user / "bot.env").write_text("BINANCE_API_KEY=" + "x" * 64 + "\nBINANCE_API_SECRET=" + "y" * 64 + "\n")
        yield user


@pytest.mark.parametrize("command", NAMES)
def test_a_locked_vault_is_said_and_nobody_is_waited_for(locked: Path, tmp_path: Path, command: str) -> None:
    """As cron meets it: exit 3 or 10 with the reason and the next step, and no way around."""
    user = tmp_path / "cron"
    shutil.copytree(locked, user)
    ran = bare(user, *command.split(), *WITH_ACCOUNT.get(command, WORDS.get(command, ())))
    assert "Traceback" not in ran.stderr and "internal error" not in ran.stderr
    if command in OPEN:
        assert ran.returncode == 0, ran.stderr
        return
    assert ran.returncode == (10 if command in NEEDS_PERSON else 2 if command in WRONG else 3), ran.stderr
    assert "error[" in ran.stderr and "hint: " in ran.stderr
    if ran.returncode == 3 and command not in (
        "vault init",
        "restore",
        "ip",
    ):  # a home without a vault, an echo service
        assert "error[vault_locked]" in ran.stderr and "KEYCTL_VAULT_PASSPHRASE_FD" in ran.stderr


@pytest.mark.parametrize("command", ["add-slot", "check", "purge", "rekey", "remove-slot", "use"])
def test_a_home_that_never_had_a_vault_is_not_told_to_bring_one_back(tmp_path: Path, command: str) -> None:
    ran = bare(tmp_path, "vault", command, *WORDS.get(f"vault {command}", ()))
    assert ran.returncode == 3 and "error[no_vault]" in ran.stderr and "hint: create one" in ran.stderr
