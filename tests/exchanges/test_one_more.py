"""One more exchange costs its two folders: built here under another name, installed from a wheel, and put to work.

No line elsewhere knows of it: the wheel is made of the sources as they stand and of two folders more.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NAME, MODEL = "zeta", "bitfinex"
pytestmark = pytest.mark.slow


def copy_as(folder: Path, target: Path) -> None:
    """The folder of an exchange under the other's name, in every word but those of its signing vectors."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            made = target / path.relative_to(folder)
            made.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text("utf-8")
            if path.name != "vectors.csv":
                text = text.replace(MODEL, NAME).replace(MODEL.capitalize(), NAME.capitalize())
            made.write_text(text, encoding="utf-8")


def environ(site: Path, home: Path) -> dict[str, str]:
    """Where the installed keyctl comes first, and the tests' own modules after it."""
    words = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**words, "KEYCTL_HOME": str(home), "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keyctl installed in it, from a wheel that has one more exchange."""
    tree, site = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    shutil.copytree(ROOT / "src" / "keyctl", tree / "src" / "keyctl", ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("exchanges", "twin"):
        copy_as(ROOT / "src" / "keyctl" / room / MODEL, tree / "src" / "keyctl" / room / NAME)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    local = ["--no-deps", "--no-index"]
    subprocess.run([*pip, "wheel", *local, "--no-build-isolation", "-w", str(tree), str(tree)], check=True, timeout=300)
    (wheel,) = tree.glob("*.whl")
    subprocess.run([*pip, "install", *local, "--target", str(site), str(wheel)], check=True, timeout=300)
    return site


@pytest.fixture(scope="module")
def told(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("world")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.one_more", str(folder / "world"), NAME],
        env=environ(site, folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    played: dict[str, Any] = json.loads(done.stdout)
    assert Path(played.pop("from")).is_relative_to(site)
    return played


def data(told: dict[str, Any], step: str, code: int = 0) -> Any:
    assert told[step][0] == code, told[step]
    return told[step][1]["data"]


def test_its_key_page_rights_and_balances_are_told(told: dict[str, Any]) -> None:
    assert data(told, "checklist")["exchange"] == NAME
    findings = data(told, "verify")["findings"]
    assert {finding["exchange"] for finding in findings} == {NAME}
    assert "USDT" in json.dumps(data(told, "balance"))
    data(told, "diagnose")


def test_orders_are_placed_once_and_found_after_a_lost_answer(told: dict[str, Any]) -> None:
    for step in ("order", "lost answer"):
        assert [leg["outcome"] for leg in data(told, step)["legs"]] == ["accepted"]
    assert "found by look-up" in data(told, "lost answer")["legs"][0]["detail"]
    assert set(told["placements"]) == {1}


def test_its_open_orders_are_listed_and_canceled_whoever_placed_them(told: dict[str, Any]) -> None:
    assert len(data(told, "open")["orders"]) == 3
    assert NAME in json.dumps(data(told, "cancel"))
    assert data(told, "open after")["orders"] == []


def test_a_position_is_closed(told: dict[str, Any]) -> None:
    assert [leg["outcome"] for leg in data(told, "close")["legs"]] == ["accepted"]


@pytest.fixture
def server(site: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    made = subprocess.Popen(
        [sys.executable, "-m", "keyctl", "demo", "--serve", "--no-color"],
        env=environ(site, tmp_path),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield made
    made.kill()
    made.communicate()


def test_the_twins_server_serves_it(server: subprocess.Popen[str]) -> None:
    assert server.stderr is not None
    lines = list(iter(server.stderr.readline, "In another terminal: keyctl --demo verify --all. Stop with Ctrl-C.\n"))
    assert sum("http://127.0.0.1:" in line for line in lines) == 5
    assert any(line.lstrip().startswith(NAME) for line in lines), lines
