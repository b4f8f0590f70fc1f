"""YAML files, with every scalar as the text that stands there. The one door to PyYAML, which only `import` loads.

Anchors, aliases and tags are refused: they make one text stand for another.
"""

from __future__ import annotations

import re
from typing import Any

from keyctl.keys.formats.parsed import DEPTH_MAX, Entry, NotInFormat, Parsed
from keyctl.secret import Secret

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)


def read_yaml(text: str) -> Parsed:
    """All scalars; an empty one is left out. A list's `NAME=value` counts as that name, as in a compose file, and so
    does a pair of `name` and `value`, as in a manifest. Raises NotInFormat, also for names that stand twice.
    """
    import yaml

    reader = _Reader(text)
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            reader.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise NotInFormat(1 if mark is None else mark.line + 1, "not YAML") from None
    except (RecursionError, ValueError):
        raise NotInFormat(1, "not YAML") from None
    return reader.parsed


class _Reader:
    """Takes the parser's events one after another."""

    def __init__(self, text: str) -> None:
        self.parsed = Parsed()
        self._lines = text.splitlines() if "\x85" in text or "\u2028" in text or "\u2029" in text else text.split("\n")
        # For each open collection: its path; for a mapping also the names seen and the name that waits for its value.
        self._open: list[_Open] = []

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        kind = type(event).__name__
        if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
            raise NotInFormat(line, "an anchor or alias; write the value itself")
        if getattr(event, "tag", None) is not None:
            raise NotInFormat(line, "a tag; another program must resolve the value first")
        if kind == "ScalarEvent":
            self._scalar(event, line)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            if self._open and self._open[-1].wants_name:
                raise NotInFormat(line, "a name that is not a text")
            if len(self._open) >= DEPTH_MAX:
                raise NotInFormat(line, "nested too deeply")
            self._open.append(_Open(self._path(), kind == "MappingStartEvent"))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            closed = self._open.pop()
            self._name_and_value(closed)
            self._done()

    def _path(self) -> tuple[str, ...]:
        return self._open[-1].child() if self._open else ()

    def _done(self) -> None:
        if self._open:
            self._open[-1].done()

    def _scalar(self, event: Any, line: int) -> None:
        within = self._open[-1] if self._open else None
        if within is not None and within.wants_name:
            if not within.take_name(event.value, line):
                raise NotInFormat(line, f"a name that appears twice, first in line {within.seen[event.value]}")
            return
        path, cut = self._path(), event.style is None and self._is_cut(event)
        try:
            if within is not None and not within.mapping and (found := _ASSIGNMENT.fullmatch(event.value)):
                self.parsed.entries.append(Entry((*within.path, found[1]), Secret(found[2]), line, cut))
            elif event.value:
                if within is not None and path[-1:] == ("name",):
                    within.own_name = event.value
                self.parsed.entries.append(Entry(path, Secret(event.value), line, cut))
        except UnicodeEncodeError:
            raise NotInFormat(line, "an escape that is not a valid character") from None
        self._done()

    def _is_cut(self, event: Any) -> bool:
        mark = event.end_mark
        rest = self._lines[mark.line][mark.column :] if mark.line < len(self._lines) else ""
        return re.match(r"\s+#[^\s#]", rest) is not None

    def _name_and_value(self, closed: _Open) -> None:
        """Turns the entries `name: X` and `value: Y` of a mapping that holds just these into X with the text Y."""
        if set(closed.seen) != {"name", "value"}:
            return
        mine = [entry for entry in self.parsed.entries[-2:] if entry.path[:-1] == closed.path]
        by_name = {entry.path[-1]: entry for entry in mine}
        if set(by_name) != {"name", "value"}:
            return
        name = closed.own_name
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            value = by_name["value"]
            self.parsed.entries[-2:] = [Entry((*closed.path[:-1], name), value.value, value.line, value.cut)]


class _Open:
    """A mapping or a list that is being read."""

    def __init__(self, path: tuple[str, ...], mapping: bool) -> None:
        self.path = path
        self.mapping = mapping
        self.seen: dict[str, int] = {}
        self.own_name = ""
        self._name: str | None = None
        self._number = 1

    @property
    def wants_name(self) -> bool:
        return self.mapping and self._name is None

    def take_name(self, name: str, line: int) -> bool:
        """Whether the name is new in this mapping."""
        if name in self.seen:
            return False
        self.seen[name] = line
        self._name = name
        return True

    def child(self) -> tuple[str, ...]:
        return (*self.path, self._name if self._name is not None else str(self._number))

    def done(self) -> None:
        self._name = None
        self._number += 1
