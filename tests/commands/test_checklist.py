"""`keyctl checklist`: the steps to a safe key, from the shipped facts alone."""

from __future__ import annotations

import json

import pytest

from keyctl.cli import run
from keyctl.errors import ExitCode
from keyctl.exchanges import names, profile


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
    assert shown.rstrip().endswith(f"then: keyctl add {exchange}")


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
