"""What a person reads is plain standard English: `scripts/words` finds nothing, and would find what is not."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("words", str(Path(__file__).parents[1] / "scripts" / "words"))
    spec = importlib.util.spec_from_loader("words", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["words"] = module
    loader.exec_module(module)
    return module


words = _script()
TEXTS = list(words.texts())


def test_every_text_that_a_person_reads_is_plain() -> None:
    found = [f"{item.text.path}:{item.text.line}: {item.found}" for text in TEXTS for item in words.findings(text)]
    assert found == []


@pytest.mark.parametrize(
    "part", ["README.md", "docs/orders.md", "orders/", "commands/", "terminal/", "checklist.toml", "okx/errors.csv"]
)
def test_each_kind_of_text_is_read(part: str) -> None:
    assert sum(part in text.path for text in TEXTS) > 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nobody tells the address", {"nobody", "tells"}),
        ("the order was not taken", {"order was not taken"}),
        ("okx-a: 3 of 4 legs are refused", {"legs", "refused"}),
        ("careful: this is an order without a price", {"careful:"}),
        ("the key's rights were cancelled", {"rights", "cancelled"}),
        ("Connection refused", set()),
        ("keyctl orders settle --wait", set()),
        ("set `our` right", {"right"}),
    ],
)
def test_a_text_that_is_not_plain_is_found(text: str, found: set[str]) -> None:
    assert {item.found for item in words.findings(words.Text("orders/x.py", 1, text))} == found


def test_help_and_messages_are_read_and_what_only_programs_see_is_not(tmp_path: Path) -> None:
    source = (
        '"""A module\'s own words."""\n'
        "@keyctl_command()\n"
        "def command():\n"
        '    """Shown as help."""\n'
        '    raise CheckFailed(f"{label}: shown as error", "shown as hint")\n'
        "def inner():\n"
        '    """Read by makers alone."""\n'
        '    rows("SELECT one FROM two"), re.compile("a pattern of"), raise_it(ValueError("a fault inside"))\n'
    )
    read = [text.words for text in words._of_code("x.py", source)]
    assert read == ["Shown as help.", "{}: shown as error", "shown as hint", "a fault inside"]
