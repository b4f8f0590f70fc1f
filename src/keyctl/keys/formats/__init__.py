"""The formats of other programs' files: each parser gives every scalar of a file as text, with its line and its names.

A parser undoes its format's own escapes once and changes nothing else. What it cannot read is named by line, in words
of ours; no text of a file is in any message.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyctl.secret import Secret

DEPTH_MAX = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One scalar: the names that lead to it from the top of the file, its text, and the line on which it begins.

    `cut`: what follows `#` was taken for a comment, and might as well belong to the text.
    """

    path: tuple[str, ...]
    value: Secret
    line: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line that is not understood, and why."""

    line: int
    why: str


@dataclass(slots=True)
class Parsed:
    """All scalars of a file in their order, and the lines that are not understood."""

    entries: list[Entry] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


class NotInFormat(Exception):
    """The file breaks its format's rules on a line. The words are ours, never the file's."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why
