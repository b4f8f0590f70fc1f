"""What a parser of another program's file gives: its scalars, and the lines that are not understood."""

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
