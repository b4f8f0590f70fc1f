"""`keyctl diagnose`, run as a person or a program runs it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from keyctl.cli import run
from keyctl.errors import ExitCode

HEAVY = ("httpx", "keyring", "cryptography", "rich", "asyncio", "ssl", "sqlite3")


def diagnoses(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run(["diagnose", *arguments, "--json"]) == ExitCode.OK
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["data"]["diagnoses"]
    return found


@pytest.fixture
def paste(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return put


def test_a_negative_code_needs_no_double_dash(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnoses(capsys, "binance", "-2015")
    assert found[0]["code"] == "-2015"
    assert found[0]["market"] == "spot"
    assert {"meaning", "likely_causes", "fix", "taken", "repeatable", "source", "category", "scope"} <= set(found[0])


def test_a_block_says_what_why_fix_and_whether_it_was_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "lbank", "10007", "--market", "spot"]) == ExitCode.OK
    shown = capsys.readouterr().out
    for label in ("what", "why", "fix", "taken", "more"):
        assert f"\n  {label}" in shown
    assert "proves that the order was not taken" in shown
    assert "contract" not in shown


def test_both_markets_are_shown_when_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert [item["market"] for item in diagnoses(capsys, "lbank", "10007")] == ["spot", "futures"]


def test_the_words_choose_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnoses(capsys, "binance", "-2010", "--market", "spot", "--text", "Market is closed.")
    assert [item["category"] for item in found] == ["instrument"]


def test_many_reasons_are_cut_for_people_but_not_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binance", "-2010"]) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out.count("  what") == 6
    assert "more reasons share this code" in captured.err
    assert len(diagnoses(capsys, "binance", "-2010")) > 10


def test_a_pasted_body_is_explained(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    paste('{"code":"1","data":[{"sCode":"51008","sMsg":"Insufficient USDT balance"}],"msg":""}')
    assert diagnoses(capsys, "okx")[0]["code"] == "51008"


def test_an_unknown_code_is_shown_as_it_came_with_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binance", "-9999", "--json"]) == ExitCode.CHECK
    problem = json.loads(capsys.readouterr().out)["errors"][0]
    assert problem["code"] == "not_in_catalogue"
    assert problem["exchange_code"] == "-9999"
    assert any("https://" in hint for hint in problem["hints"])


def test_an_unknown_exchange_is_a_usage_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binanc", "-2015"]) == ExitCode.USAGE
    assert "did you mean binance?" in capsys.readouterr().err


def test_a_misspelt_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binance", "--markt"]) == ExitCode.USAGE
    assert run(["diagnose", "binance", "-1021", "--markt"]) == ExitCode.USAGE


def test_nothing_on_stdin_is_a_usage_error(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    paste("")
    assert run(["diagnose", "okx"]) == ExitCode.USAGE


@pytest.mark.parametrize("arguments", [["diagnose", "okx", "50110"], ["checklist", "okx"]])
def test_nothing_heavy_is_loaded(arguments: list[str]) -> None:
    code = (
        "import sys; from keyctl.cli import run\n"
        f"status = run({arguments!r})\n"
        f"sys.stderr.write(','.join(name for name in {HEAVY!r} if name in sys.modules))\n"
        "sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
