"""The last lines of `add`: whether the key trades as its profile wants, could withdraw, its IP list, what is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from keyctl.exchanges.checklists import PURPOSES, common, steps_of
from keyctl.exchanges.shipped import names, profile
from keyctl.model.words import Market
from keyctl.twin.key_making import make_key
from keyctl.verify.new_key import new_key
from keyctl.verify.steps import purpose_of
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import IPS, World, credentials

RIGHTS = {
    "read": ("read",),
    "spot": ("read", "spot_trade"),
    "futures": ("read", "futures_trade"),
    "funding": ("funding", "wallets"),
}
KINDS = [(name, purpose) for name in names() for purpose in PURPOSES if purpose_of(profile(name), purpose)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("new-key") / "w") as made:
        yield made


def rights_of(exchange: str, purpose: str) -> tuple[str, ...]:
    """What such a key has: both trading rights where the exchange has one for all trading."""
    both = purpose in ("spot", "futures") and not any(profile(exchange).own_api(market) for market in Market)
    return ("read", "spot_trade", "futures_trade") if both else RIGHTS[purpose]


def add(world: World, exchange: str, label: str, *options: str, **key: Any) -> Ran:
    made = make_key(exchange, created_ms=int(time.time() * 1000), **{"ips": IPS, **key})
    world.twin.add_key(exchange, made)
    place = ("--endpoint", world.twin.endpoint(exchange), "--credentials-stdin")
    return world.keyctl("add", exchange, "--label", label, *place, *options, stdin=credentials(made))


@pytest.mark.parametrize(("exchange", "purpose"), KINDS)
def test_a_key_that_is_as_its_profile_wants_it_is_told_so(world: World, exchange: str, purpose: str) -> None:
    ran = add(
        world, exchange, f"{exchange}-{purpose}", "--profile", purpose, "--json", rights=rights_of(exchange, purpose)
    )
    key = ran.data["key"]
    assert ran.exit_code == 0, ran
    assert f"as profile {purpose} needs it" in key["trade"]
    assert key["withdraw"] == "off"
    assert not [text for text in key["left_to_do"] if "switch" in text]
    assert ("lend" in key) is (purpose == "funding")


@pytest.mark.parametrize(("exchange", "purpose"), KINDS)
def test_what_is_to_be_changed_is_the_step_of_its_own_profile(world: World, exchange: str, purpose: str) -> None:
    """The steps for trading would switch on what the profile forbids."""
    label = f"{exchange}-{purpose}-bad"
    rights = (*rights_of(exchange, purpose), "withdraw", *(("spot_trade",) if purpose in ("read", "funding") else ()))
    ran = add(world, exchange, label, "--profile", purpose, rights=rights, ips={})
    said = ran.stderr[ran.stderr.index(f"{label}, for profile {purpose}:") :]
    assert ran.exit_code == 4, ran
    assert "withdrawals: ON" in said
    assert f"(keyctl checklist {exchange} --profile {purpose}, step " in said
    others = set(steps_of(profile(exchange))) - set(steps_of(profile(exchange), purpose))
    assert not [step for step in others if step in said and "futures" not in step.casefold()]
    assert f"    [ ] then test it again: keyctl verify {label}\n" in said


def test_the_last_lines_are_the_guide(world: World) -> None:
    said = add(world, "okx", "last", "--profile", "read", rights=("read",)).stderr
    lines = said[said.index("last, for profile read:") :].splitlines()
    assert lines[:4] == [
        "last, for profile read:",
        "  trading: off, as profile read needs it",
        "  withdrawals: off",
        "  IP whitelist: set, entries: 1; this machine: on the whitelist",
    ]
    assert lines[4] == "  left to do: nothing"


def test_of_the_first_key_it_is_said_where_its_second_copy_belongs() -> None:
    said = new_key("a", profile("okx"), "read", [], first=True)
    assert said.data["left_to_do"] == ["test it: keyctl verify a", *common().copies]
    assert new_key("a", profile("okx"), "read", [], first=False).data["left_to_do"] == ["test it: keyctl verify a"]


def test_a_key_that_was_not_tested_claims_nothing(world: World) -> None:
    ran = add(world, "okx", "untested", "--profile", "spot", "--no-verify", "--json")
    assert {ran.data["key"][name] for name in ("trade", "withdraw", "ip_list")} == {"not tested"}
    assert ran.data["key"]["left_to_do"][0] == "test it: keyctl verify untested"


def test_a_profile_that_an_exchange_has_no_keys_for_is_refused_before_anything_is_asked(world: World) -> None:
    ran = world.keyctl("add", "binance", "--label", "x", "--profile", "funding", "--credentials-stdin")
    assert (ran.exit_code, "no_checklist" in ran.stderr) == (2, True), ran


def test_a_person_sees_the_steps_of_the_profile_and_no_others(world: World) -> None:
    at = keyctl_at_terminal(["add", "bitfinex", "--profile", "funding", "--no-verify"], world.home)
    at.waits_for("May keyctl ask them?").types("no\n")
    at.waits_for("A safe key at Bitfinex for profile funding").waits_for("Margin Funding read and write")
    at.waits_for("Label [bitfinex-main]: ").types("\x04")
    _, seen = at.leaves()
    steps = steps_of(profile("bitfinex"))
    assert not [step for step in steps if step not in steps_of(profile("bitfinex"), "funding") and step in seen]


def test_of_what_is_not_told_nothing_is_claimed() -> None:
    row = {"account": "a", "exchange": "okx", "market": "spot", "evidence": "", "fix": ""}
    findings = [
        row | {"rule": rule, "level": "unknown", "detail": "OKX does not report it"} for rule in ("trade", "withdraw")
    ]
    said = new_key("a", profile("okx"), "spot", findings, first=False)
    assert said.data["trade"] == said.data["withdraw"] == "OKX does not report it"
    assert any("trading and withdrawals: compare manually" in text for text in said.data["left_to_do"])
