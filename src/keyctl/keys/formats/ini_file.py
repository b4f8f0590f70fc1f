"""INI files: sections, `name = value` or `name: value`, whole-line comments. Values are never interpolated."""

from __future__ import annotations

import re

from keyctl.keys.formats.parsed import Entry, Parsed, Trouble
from keyctl.secret import Secret

_SECTION = re.compile(r"\s*\[([^\]\r\n]+)\]\s*(?:[#;].*)?")
_OPTION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_. -]*?)\s*[=:]\s*(.*?)\s*")
_COMMENT = re.compile(r"\s+[#;](.*)")


def looks_like_ini(text: str) -> bool:
    """Whether a text has a section's line and options below it."""
    return re.search(r"(?m)^\s*\[[^\]\r\n]+\]\s*(?:[#;].*)?$", text) is not None


def read_ini(text: str) -> Parsed:
    """The options of all sections, doubles too; a line that is none of it is a trouble."""
    parsed, section = Parsed(), ()
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if found := _SECTION.fullmatch(line):
            section = tuple(found[1].strip().split("."))
        elif found := _OPTION.fullmatch(line):
            value, cut = _value(found[2])
            parsed.entries.append(Entry((*section, found[1]), Secret(value), number, cut))
        else:
            parsed.troubles.append(Trouble(number, "not understood as name = value"))
    return parsed


def _value(raw: str) -> tuple[str, bool]:
    """The value without quotes around it or a comment behind it, and whether the comment may be part of it."""
    if raw[:1] in ("'", '"'):
        closing = raw.find(raw[0], 1)
        if closing > 0 and re.fullmatch(r"\s*(?:[#;].*)?", raw[closing + 1 :]):
            return raw[1:closing], False
        return raw, False
    comment = _COMMENT.search(raw)
    if comment is None:
        return raw, False
    return raw[: comment.start()], not comment[1].startswith((" ", "\t"))
