"""The checklists' lines: those of every exchange beside its own steps, and which of them a search is for. No I/O but
the shipped files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from keyctl.errors import UsageProblem
from keyctl.exchanges.profile import Profile
from keyctl.exchanges.shipped import names, profile
from keyctl.loader import open_data

# The shipped key profiles (home.profiles, which takes longer to load); a test compares them.
PURPOSES = ("read", "spot", "futures", "funding")
# Words that a question has and no line is found by.
_FILLERS = frozenset("a an and are can do does how i in is it my of on or the to what which with".split())


class Common(NamedTuple):
    """What holds at every exchange: before a key is made, always, about copies of its secret and its IP whitelist."""

    first: tuple[str, ...]
    always: tuple[str, ...]
    copies: tuple[str, ...]
    whitelist: str


class Line(NamedTuple):
    """One line of a checklist; `exchange` is empty where it holds at every one. `place` is "first", "always", "note",
    or the number of a step."""

    exchange: str
    place: str
    text: str


@cache
def common() -> Common:
    """The lines of every checklist."""
    with open_data("exchanges", "checklist.toml") as file:
        raw = tomllib.loads(file.read())
    return Common(tuple(raw["first"]), tuple(raw["always"]), tuple(raw["copies"]), raw["whitelist"])


def steps_of(facts: Profile, purpose: str | None = None) -> tuple[str, ...]:
    """The numbered steps for a key of that profile; without one those of a trading key.

    Raises UsageProblem where the exchange has no checklist for it.
    """
    if purpose is None:
        return facts.checklist.steps
    if purpose not in facts.checklist.by_profile:
        raise UsageProblem(
            f"{facts.title} has no checklist for profile {purpose}",
            f"use the trading checklist: keyctl checklist {facts.name}",
            code="no_checklist",
        )
    return facts.checklist.by_profile[purpose]


def list_step(facts: Profile, purpose: str | None = None) -> int:
    """The number of the step on the IP whitelist, which is the same text for every profile."""
    return steps_of(facts, purpose).index(facts.checklist.steps[facts.ip_list.step - 1]) + 1


def found(text: str, exchange: str | None = None) -> tuple[Line, ...]:
    """The lines in which every word of a question stands, fillers aside; none for fillers alone."""
    words = [word for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _FILLERS]
    if not words:
        return ()
    lines = dict.fromkeys(line for name in ([exchange] if exchange else names()) for line in _lines(profile(name)))
    return tuple(line for line in lines if all(word in line.text.casefold() for word in words))


def _lines(facts: Profile) -> Iterator[Line]:
    yield from (Line("", "first", text) for text in common().first)
    yield from (Line("", "always", text) for text in (*common().always, *common().copies, common().whitelist))
    yield from (Line(facts.name, str(number), text) for number, text in enumerate(facts.checklist.steps, 1))
    yield from (Line(facts.name, "note", text) for text in facts.checklist.notes)
