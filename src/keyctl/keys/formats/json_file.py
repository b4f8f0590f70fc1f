"""JSON as people write it: with comments, trailing commas, single quotes and bare names. Numbers stay text."""

from __future__ import annotations

import json
import re

from keyctl.keys.formats.parsed import DEPTH_MAX, Entry, NotInFormat, Parsed
from keyctl.secret import Secret

_SKIP = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_HASH = re.compile(r"#[^\n]*")
_DOUBLE = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_SINGLE = re.compile(r"'((?:[^'\\\n]|\\.)*)'")
_BARE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_SCALAR = re.compile(r"[^\s,\]}{\[\"':]+")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def looks_like_json(text: str) -> bool:
    """Whether the first thing in a text, comments left out, begins an object or a list of objects."""
    return (
        re.match(r"(?:\s+|//[^\n]*|/\*.*?\*/|#[^\n]*)*(?:\{|\[(?:\s+|//[^\n]*)*[{\"'\]])", text, re.DOTALL) is not None
    )


def read_json_file(text: str) -> Parsed:
    """All scalars: texts without their escapes, numbers as they stand, true, false; null is left out.

    Raises NotInFormat, also for a name that stands twice in one object with two values.
    """
    reader = _Reader(text.removeprefix("\ufeff"))
    reader.document()
    return reader.parsed


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.parsed = Parsed()
        self._counted = (0, 1)  # a place, and its line

    def document(self) -> None:
        self._skip()
        self._value((), 0)
        self._skip()
        if self.text[self.place : self.place + 1] == ";":  # a JavaScript file's
            self.place += 1
            self._skip()
        if self.place < len(self.text):
            raise self._wrong("extra text after the end")

    def _value(self, path: tuple[str, ...], depth: int) -> str | None:
        """Reads a value; gives the text of a scalar."""
        if depth > DEPTH_MAX:
            raise self._wrong("nested too deeply")
        char = self.text[self.place : self.place + 1]
        if char == "{":
            self._object(path, depth)
        elif char == "[":
            self._list(path, depth)
        else:
            line, value = self._line(), self._scalar()
            if value is not None:
                try:
                    self.parsed.entries.append(Entry(path, Secret(value), line))
                except UnicodeEncodeError:
                    raise self._wrong("an escape that is not a valid character") from None
            return value
        return None

    def _object(self, path: tuple[str, ...], depth: int) -> None:
        seen: dict[str, tuple[int, str | None]] = {}
        while self._next("{", "}"):
            name, line = self._name(), self._line()
            self._expect(":")
            before = len(self.parsed.entries)
            value = self._value((*path, name), depth + 1)
            if name in seen:
                if value is None or value != seen[name][1]:
                    raise NotInFormat(line, f"a name that appears twice in one object, first in line {seen[name][0]}")
                del self.parsed.entries[before:]
            seen.setdefault(name, (line, value))

    def _list(self, path: tuple[str, ...], depth: int) -> None:
        number = 0
        while self._next("[", "]"):
            number += 1
            self._value((*path, str(number)), depth + 1)

    def _next(self, opening: str, closing: str) -> bool:
        """Whether another member follows; passes the opening bracket or a comma, and at the end the closing one."""
        char = self.text[self.place : self.place + 1]
        if char not in (opening, ","):
            self._skip()
            char = self.text[self.place : self.place + 1]
        if char == closing:
            self.place += 1
            return False
        if char not in (opening, ","):
            raise self._wrong("a comma or a closing bracket is missing")
        self.place += 1
        self._skip()
        if self.text[self.place : self.place + 1] == closing:
            self.place += 1
            return False
        if self.place >= len(self.text):
            raise self._wrong("a closing bracket is missing")
        return True

    def _name(self) -> str:
        for pattern in (_DOUBLE, _SINGLE):
            if found := pattern.match(self.text, self.place):
                self.place = found.end()
                return self._unescaped(found[0])
        found = _BARE.match(self.text, self.place)
        if found is None:
            raise self._wrong("a name in quotes is missing")
        self.place = found.end()
        return found[0]

    def _scalar(self) -> str | None:
        for pattern in (_DOUBLE, _SINGLE):
            if found := pattern.match(self.text, self.place):
                self.place = found.end()
                return self._unescaped(found[0])
        found = _SCALAR.match(self.text, self.place)
        if found is None:
            raise self._wrong("a value is missing, or its quotes are not closed")
        self.place = found.end()
        if found[0] in ("null", "None", "undefined"):
            return None
        if found[0] not in ("true", "false", "True", "False") and not _NUMBER.fullmatch(found[0]):
            raise self._wrong("a value without quotes that is not a number, true, false or null")
        return found[0]

    def _unescaped(self, quoted: str) -> str:
        if "\\" not in quoted:
            return quoted[1:-1]
        inner = quoted[1:-1]
        if quoted[0] == "'":
            inner = re.sub(r"\\(.)|(\")", lambda found: '\\"' if found[2] else _single(found[1]), inner)
        try:
            return str(json.loads(f'"{inner}"', strict=False))
        except ValueError:
            raise self._wrong("an escape that is not valid in JSON") from None

    def _expect(self, char: str) -> None:
        self._skip()
        if self.text[self.place : self.place + 1] != char:
            raise self._wrong(f"'{char}' is missing")
        self.place += 1
        self._skip()

    def _skip(self) -> None:
        while found := (_SKIP.match(self.text, self.place) or _HASH.match(self.text, self.place)):
            self.place = found.end()

    def _line(self) -> int:
        place, line = self._counted
        line += self.text.count("\n", place, self.place)
        self._counted = (self.place, line)
        return line

    def _wrong(self, why: str) -> NotInFormat:
        return NotInFormat(self._line(), why)


def _single(char: str) -> str:
    """An escape inside single quotes as JSON writes it."""
    return "'" if char == "'" else f"\\{char}"
