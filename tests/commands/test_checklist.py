"""`keyctl checklist`: the steps to a safe key, for trading or for one profile, from the shipped facts."""

from __future__ import annotations

import json
import re

import pytest

from keyctl.cli import run
from keyctl.errors import ExitCode
from keyctl.exchanges.checklists import PURPOSES, common, list_step, steps_of
from keyctl.exchanges.shipped import names, profile
from keyctl.home.profiles import SHIPPED


@pytest.mark.parametrize("exchange", names())
def test_every_exchange_has_steps_with_boxes_and_ends_with_add(
    exchange: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["checklist", exchange]) == ExitCode.OK
    shown = capsys.readouterr().out
    steps = profile(exchange).checklist.steps
    assert steps
    assert shown.count("[ ]") == len(steps)
    assert all(step in shown for step in steps)
    assert shown.rstrip().endswith(f"then, run: keyctl add {exchange}")


@pytest.mark.parametrize("exchange", names())
def test_programs_get_steps_ip_list_and_notes(exchange: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", exchange, "--json"]) == ExitCode.OK
    data = json.loads(capsys.readouterr().out)["data"]
    facts = profile(exchange)
    assert data["exchange"] == exchange
    assert data["steps"] == list(facts.checklist.steps)
    assert data["ip_list"]["limit"] == facts.ip_list.limit
    assert data["ip_list"]["readable"] in ("list", "set", "no")
    assert set(facts.checklist.notes) <= set(data["notes"])


@pytest.mark.parametrize("exchange", names())
def test_the_step_for_the_ip_list_is_one_of_the_steps(exchange: str) -> None:
    assert 1 <= profile(exchange).ip_list.step <= len(profile(exchange).checklist.steps)


def test_an_unknown_exchange_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", "lbnk"]) == ExitCode.USAGE
    assert "did you mean lbank?" in capsys.readouterr().err


def test_the_purposes_are_the_shipped_profiles() -> None:
    assert set(PURPOSES) == set(SHIPPED)
    assert all(set(profile(exchange).checklist.by_profile) <= set(SHIPPED) for exchange in names())


@pytest.mark.parametrize("purpose", ["read", "spot", "futures"])
@pytest.mark.parametrize("exchange", names())
def test_every_profile_has_steps_of_its_own(exchange: str, purpose: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", exchange, "--profile", purpose, "--json"]) == ExitCode.OK
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["profile"], data["steps"]) == (purpose, list(steps_of(profile(exchange), purpose)))
    assert any("withdraw" in step.casefold() and "OFF" in step for step in data["steps"])
    of_the_list = data["steps"][data["ip_list"]["step"] - 1]
    assert of_the_list == profile(exchange).checklist.steps[profile(exchange).ip_list.step - 1]


@pytest.mark.parametrize("exchange", names())
def test_a_reading_key_is_told_to_trade_nowhere(exchange: str) -> None:
    """What the profile `read` forbids stands after the word OFF or before it, and nowhere as something to tick."""
    steps = steps_of(profile(exchange), "read")
    [permissions] = [step for step in steps if "withdraw" in step.casefold() and "OFF" in step]
    assert permissions not in profile(exchange).checklist.steps
    assert not re.search(r"(tick|Permissions: Read and|Orders read and write)[^.]*(Trade|Trading|write)", permissions)


def test_a_profile_that_an_exchange_has_no_keys_for_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", "lbank", "--profile", "funding"]) == ExitCode.USAGE
    assert "LBank has no checklist for profile funding" in capsys.readouterr().err


@pytest.mark.parametrize("exchange", names())
def test_the_lines_of_every_exchange_stand_in_each_checklist(exchange: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", exchange]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert all(line in shown for line in (*common().first, *common().always, *common().copies, common().whitelist))
    assert list_step(profile(exchange)) == profile(exchange).ip_list.step


@pytest.mark.parametrize(
    ("words", "place", "part"),
    [
        ("lost secret", "always", "delete that key and create a new one"),
        ("I lost my secret", "always", "delete that key and create a new one"),
        ("support asks", "always", "scammer"),
        ("share", "always", "Never share the key"),
        ("2FA login", "first", "Switch on 2FA"),
        ("costs", "always", "The API costs nothing"),
        ("home connection", "always", "keyctl verify --all --watch-ip"),
        ("password manager", "always", "second copy"),
        ("warning sign", "always", "withdrawal permission"),
    ],
)
def test_a_search_finds_the_line(words: str, place: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "--search", words, "--json"]) == ExitCode.OK
    lines = json.loads(capsys.readouterr().out)["data"]["checklist"]
    assert [line["place"] for line in lines if part in line["text"] and line["exchange"] is None] == [place]


def test_a_search_finds_an_exchanges_own_line_and_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "okx", "--search", "third party apps"]) == ExitCode.OK
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:4] for row in rows if "linked key" in row[4]] == [["okx", "checklist", "2", "advice"]]
    assert run(["diagnose", "--search", "the of my"]) == ExitCode.CHECK


def test_a_profile_is_taken_along_to_add(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", "bitfinex", "--profile", "funding"]) == ExitCode.OK
    assert capsys.readouterr().out.rstrip().endswith("then, run: keyctl add bitfinex --profile funding")
