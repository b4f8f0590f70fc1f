"""TOML files. Only texts are taken: what a number without quotes stood for would be a guess."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from keyctl.keys.formats.parsed import DEPTH_MAX, Entry, NotInFormat, Parsed, Trouble
from keyctl.secret import Secret

_PLACE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")


def read_toml(text: str) -> Parsed:
    """All texts, and true and false as words. A number or a date is a trouble. Raises NotInFormat."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise NotInFormat(line, "not TOML, or a name that appears twice") from None
    except (ValueError, RecursionError):
        raise NotInFormat(1, "not TOML") from None
    parsed, lines = Parsed(), _lines(text)
    for path, value in _scalars(content, ()):
        line = lines.get(path, 0) or lines.get(path[-1:], 0)
        if isinstance(value, str | bool):
            parsed.entries.append(Entry(path, Secret(str(value)), line))
        else:
            parsed.troubles.append(
                Trouble(line, "a number without quotes; put quotes around it if it belongs to a key")
            )
    return parsed


def _scalars(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if len(path) > DEPTH_MAX:
        raise NotInFormat(1, "nested too deeply")
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _scalars(child, (*path, str(name)))
    elif isinstance(value, list):
        for number, child in enumerate(value, 1):
            yield from _scalars(child, (*path, str(number)))
    else:
        yield path, value


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where plain names stand, by table; the parser of the standard library does not tell it."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[+\s*([A-Za-z0-9_.\"' -]+?)\s*\]+", line):
            table = tuple(part.strip("\"' ") for part in header[1].split("."))
        elif option := re.match(r"\s*([A-Za-z0-9_.\"'-]+)\s*=", line):
            name = tuple(part.strip("\"'") for part in option[1].split("."))
            found.setdefault((*table, *name), number)
            found.setdefault(name[-1:], number)
    return found
