"""Every command where cron or a container would run it: nearly no environment, no terminal. It ends, and says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.world import World
from tests.test_json import commands

# What each command needs to be named, for the run in which no account is stored.
WORDS = {
    "add": ("okx", "--label", "x"),
    "checklist": ("okx",),
    "completion": ("bash",),
    "diagnose": ("okx", "50113"),
    "disable": ("a",),
    "edit": ("a", "--market", "spot"),
    "enable": ("a",),
    "env": ("a",),
    "exec": ("a", "--", "true"),
    "export": ("backup",),
    "import": ("bot.env",),
    "keygen": ("binance",),
    "order": ("buy", "BTC/USDT", "1", "--price", "1", "-a", "a"),
    "orders resolve": ("x", "--as", "absent"),
    "orders show": ("x",),
    "remove": ("a", "--yes"),
    "rename": ("a", "b"),
    "request": ("a", "GET", "/api/v5/account/config"),
    "reveal": ("a",),
    "rotate": ("a",),
    "show": ("a",),
    "vault add-slot": ("passphrase",),
    "vault init": (),
    "vault migrate": ("--to", "vault"),
    "vault remove-slot": ("1",),
    "vault use": ("1",),
    "verify": ("--all",),
    "whitelist plan": ("--all",),
    "whitelist show": ("a",),
}
# These need no account, no store and nobody, or ask the exchanges' public sides.
LEFT_OUT = ("demo", "price", "limits")
NAMES = [" ".join(words) for words in commands() if words[0] not in LEFT_OUT]
NEW = ("disable", "edit", "enable", "env", "exec", "export", "import", "keygen", "rename", "reveal", "rotate")


def bare(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={folder}", sys.executable, "-I", "-m", "keyctl", *words]
    return subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False, cwd=folder
    )


@pytest.mark.parametrize("command", NAMES)
def test_a_command_in_a_bare_environment_ends_with_a_reason(tmp_path: Path, command: str) -> None:
    ran = bare(tmp_path, *command.split(), *WORDS.get(command, ()))
    assert "Traceback" not in ran.stderr and "fault in keyctl" not in ran.stderr
    assert ran.returncode != 1
    if command in NEW:
        assert ran.returncode in (3, 4, 10), ran.stderr
    if ran.returncode:
        assert "error[" in ran.stderr
        assert "hint: " in ran.stderr, ran.stderr


@pytest.mark.parametrize("command", [*NEW, "doctor", "verify"])
def test_a_locked_vault_is_said_and_nobody_is_waited_for(world: World, tmp_path: Path, command: str) -> None:
    """A vault that opens by passphrase only, as cron meets it."""
    user = tmp_path / "cron"
    user.mkdir()
    phrase = user / "phrase"
    phrase.write_text("a long passphrase\n")
    with open(phrase) as given:
        os.set_inheritable(given.fileno(), True)
        line = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={user}", sys.executable, "-I", "-m", "keyctl"]
        number = given.fileno()
        made = subprocess.run(
            [*line, "vault", "init", "--passphrase-fd", str(number)], pass_fds=[number], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
    accounts = user / ".config" / "keyctl" / "accounts.json"
    world.add("okx", "a")
    identity = (user / ".local" / "state" / "keyctl" / "home-id").read_text().strip()
    known = (world.home / "state" / "home-id").read_text().strip()
    accounts.write_text((world.home / "config" / "accounts.json").read_text().replace(known, identity))
    accounts.chmod(0o600)
    (user / "bot.env").write_text("BINANCE_API_KEY=" + "x" * 64 + "\nBINANCE_API_SECRET=" + "y" * 64 + "\n")
    words = {**WORDS, "edit": ("a", "--ask-passphrase"), "import": ("bot.env", "--yes")}.get(command, ())
    ran = bare(user, command, *words)
    assert "Traceback" not in ran.stderr
    expected = {"disable": (0,), "enable": (0,), "rename": (0,), "doctor": (0,)}.get(command, (3, 10))
    assert ran.returncode in expected, ran.stderr
    if ran.returncode:
        assert "hint: " in ran.stderr
