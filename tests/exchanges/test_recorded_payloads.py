"""Payloads in the form that scripts/soak.d/recorded reads: those that are kept here, and that it can find fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.recorded import READERS, differences, read_folder

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "data" / "payloads"
NAMES = sorted(path.stem for path in KEPT.glob("*.json"))


def kept(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    return told


def soak(folder: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "soak.d" / "recorded"
    return subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_read_as_it_was_meant(name: str) -> None:
    assert list(differences(kept(name))) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("okx-spot-market-sell-by-amount", {"quantity": "25"}),
        ("binance-spot-stop-without-a-limit", {"type": "limit"}),
        ("binance-usdm-fill", {"fee": "-0.0328"}),
        ("binance-usdm-fill", {"maker": True}),
        ("binance-usdm-fill", {"odd": True}),
        ("okx-spot-stop-sell-by-amount", {"no_such_field": "1"}),
    ],
)
def test_an_item_that_is_read_as_something_else_is_found(name: str, changes: dict[str, Any]) -> None:
    told = kept(name)
    told["expected"][0] |= changes
    assert len(list(differences(told))) == 1


@pytest.mark.parametrize(
    ("name", "expected", "words"),
    [
        ("lbank-ticker", {"refused": "an empty book"}, "should be refused"),
        ("lbank-ticker", None, "instead of None"),
        ("lbank-refusal", {"code": "10015"}, "code is 10014"),
        ("okx-order-sized-by-amount-is-none-of-ours", {"state": "open"}, "refused: Unreadable"),
        ("okx-spot-market-sell-by-amount", [], "1 items instead of 0"),
        ("okx-spot-market-sell-by-amount", [{"odd": True}], "missing"),
    ],
)
def test_another_outcome_than_expected_is_found(name: str, expected: Any, words: str) -> None:
    (found,) = differences(kept(name) | {"expected": expected})
    assert words in found


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"error"}))
def test_an_error_counts_as_nothing_else(reader: str) -> None:
    told = kept("okx-order-sized-by-amount-is-none-of-ours") | {"reader": reader, "expected": []}
    (found,) = differences(told | {"body": {"code": "50011", "msg": "Too Many Requests", "data": []}})
    assert "an error of the exchange: 50011" in found


def test_counts_are_by_venue_and_reader() -> None:
    counts = read_folder(KEPT)
    assert sum(count.right + count.refused.total() for count in counts.values()) == len(NAMES)
    assert counts["okx", "open_orders"].right == 2
    assert counts["okx", "lookup"].refused == {"sized by an amount, which keyctl does not send": 1}


def test_the_script_prints_counts_and_every_misreading(tmp_path: Path) -> None:
    ran = soak(KEPT)
    assert (
        ran.returncode == 0 and "okx       open_orders       2 right      0 refused rightly     0 misread" in ran.stdout
    )
    told = kept("lbank-ticker")
    told["expected"]["bid"] = "101.3"
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "wrong.json").write_text(json.dumps(told), encoding="utf-8")
    ran = soak(tmp_path)
    assert ran.returncode == 1 and "1 misread" in ran.stdout
    assert "finding: below/wrong.json: bid is 101.4 instead of 101.3" in ran.stdout


def test_an_empty_folder_is_no_success(tmp_path: Path) -> None:
    assert soak(tmp_path).returncode == 1
