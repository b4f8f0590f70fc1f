"""What `keyctl` alone says to somebody who has accounts."""

from __future__ import annotations

import json
import time

from keyctl.cli import root
from keyctl.clock import rfc3339
from keyctl.commands.short_help import SECTIONS, SHORT_HELP
from tests.support.world import World


def test_without_accounts_it_says_how_to_begin(world: World) -> None:
    assert "Try it without an account    keyctl demo" in world.keyctl().stdout


def test_with_accounts_it_says_what_is_there_and_what_is_next(world: World) -> None:
    world.add("okx")
    world.add("binance")
    world.keyctl("disable", "binance-a")
    first, *lines = world.keyctl().stdout.splitlines()
    assert first == "keyctl: 1 account (demo): 1 at okx; 1 disabled"
    assert any("keyctl verify --all" in line for line in lines)
    assert not any("due" in line or "halted" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_what_is_due_and_what_is_halted_come_first(world: World) -> None:
    for number in range(5):
        world.add("okx", f"okx-{number}")
    path = world.home / "config" / "accounts.json"
    document = json.loads(path.read_text())
    for number, entry in enumerate(document["accounts"]):
        entry["created"] = rfc3339(time.time() - (85 + number) * 86400)
    path.write_text(json.dumps(document))
    assert world.keyctl("halt", "lunch").exit_code == 0
    shown = world.keyctl().stdout
    assert "halted      orders are blocked" in shown
    assert shown.count("keyctl rotate okx-") == 3 and "2 more: keyctl list" in shown


def test_every_command_is_under_one_heading_of_the_help() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(SHORT_HELP) == sorted(root.commands)
