"""docs/guides-compared.md against what is shipped: each row names the facts that it rests on, and they still say so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.checklists import common
from keyctl.exchanges.shipped import profile
from keyctl.home.profiles import SHIPPED
from keyctl.model.words import Market

PAGE = Path(__file__).parents[2] / "docs" / "guides-compared.md"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| guides say"))
]
FACTS = [(row[0], fact) for row in ROWS for fact in re.findall("`([^`]+)`", row[-1])]


def says(fact: str) -> str:
    """What is shipped, in the words of the page; another text where it says something else."""
    if found := re.fullmatch(r"(\w+) (ip_list|lifetime)\.(\w+) = \S+", fact):
        exchange, table, name = found.groups()
        return f"{exchange} {table}.{name} = {getattr(getattr(profile(exchange), table), name)}"
    if found := re.fullmatch(r"(\w+) (spot|futures) (-?\d+) = \w+", fact):
        exchange, market, code = found.groups()
        rows = catalogue(exchange).lookup(code, Market(market))
        return f"{exchange} {market} {code} = {rows[0].category}" if rows else "no such code"
    if found := re.fullmatch(r"profile (\w+): (\w+) = \S+", fact):
        return f"profile {found[1]}: {found[2]} = {getattr(SHIPPED[found[1]], found[2])}"
    where, _, words = fact.partition(": ")
    return fact if any(words in text for text in texts(where)) else "not in these lines"


def texts(where: str) -> tuple[str, ...]:
    exchange, _, place = where.partition(" ")
    if exchange == "all":
        return (*common().first, *common().always, *common().copies, common().whitelist)
    checklist = profile(exchange).checklist
    if place == "note":
        return checklist.notes
    if found := re.fullmatch(r"step (\d+)", place):
        return (checklist.steps[int(found[1]) - 1],)
    return checklist.by_profile[place]


def test_every_doubtful_claim_rests_on_a_fact() -> None:
    assert len(ROWS) >= 15
    assert [row[0] for row in ROWS if len(row) != 3 or "`" not in row[-1]] == []


@pytest.mark.parametrize(("claim", "fact"), FACTS)
def test_the_facts_say_what_the_page_says(claim: str, fact: str) -> None:
    assert says(fact) == fact, claim


def test_a_fact_that_changed_is_seen() -> None:
    assert says("binance ip_list.limit = 20") != "binance ip_list.limit = 20"
    assert says("binance futures -4131 = permission") != "binance futures -4131 = permission"
    assert says("okx step 2: nothing of the kind") != "okx step 2: nothing of the kind"
