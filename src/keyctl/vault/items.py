"""A record as keyring items: one head item, and further parts where it is long. Knows no keyring.

Windows holds 1,280 characters an item. A head names its parts by a fresh tag, so that replacing a record is one step:
parts first, then the head; an interrupted change leaves the old record whole.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from typing import Protocol

from keyctl.errors import SetupProblem
from keyctl.vault.record import Record, damaged, doubled, to_line

ITEM_CHARACTERS_MAX = 1200
_CHUNK = 1100


class Items(Protocol):
    """Text items by name, in one open session of a keyring."""

    def read(self, name: str) -> tuple[str, ...]:
        """The texts of all items of that name: none, one, or more where another program has added some.

        Raises SetupProblem (secret_damaged) for one that is no text.
        """

    def write(self, name: str, text: str) -> None:
        """Stores the item, or replaces it; one of them, where there are more."""

    def erase(self, name: str) -> None:
        """Removes the item, all of that name; nothing happens when there is none."""


@dataclass(frozen=True, slots=True)
class _Head:
    tag: str
    parts: int
    text: str


def read_record(items: Items, name: str) -> object | None:
    """The record kept under a name; None when there is none.

    Raises SetupProblem (secret_damaged), and secret_doubled where two items of one name are there.
    """
    line = _only(items, name)
    if line is None:
        return None
    head = _read_head(line)
    chunks = [head.text]
    for number in range(1, head.parts):
        chunk = _only(items, _part_name(name, head.tag, number))
        if chunk is None:
            raise damaged()
        chunks.append(chunk)
    try:
        record: object = json.loads(base64.b64decode("".join(chunks), validate=True))
    except (ValueError, RecursionError):
        raise damaged() from None
    return record


def _only(items: Items, name: str) -> str | None:
    """The one item of a name; None when there is none. Of two neither is taken."""
    texts = items.read(name)
    if len(texts) > 1:
        raise doubled()
    return texts[0] if texts else None


def _heads(items: Items, name: str) -> tuple[str, ...]:
    """The items of a name that is to be replaced or removed, whatever they are."""
    try:
        return items.read(name)
    except SetupProblem:
        return ("",)


def write_record(items: Items, name: str, record: Record) -> None:
    """Stores the record under a name in one step, and reads it back. Raises SetupProblem when it is not kept."""
    old = _heads(items, name)
    text = base64.b64encode(to_line(record)).decode("ascii")
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    tag = secrets.token_hex(4)
    for number, chunk in enumerate(chunks[1:], 1):
        items.write(_part_name(name, tag, number), chunk)
    head = json.dumps({"keyctl": 1, "tag": tag, "parts": len(chunks), "text": chunks[0]}, separators=(",", ":"))
    if len(old) > 1:
        items.erase(name)  # none of them could be used
    items.write(name, head)
    if read_record(items, name) != record:
        raise damaged()
    for line in old:
        _erase_parts(items, name, line)


def erase_record(items: Items, name: str) -> None:
    """Removes the record and all its parts; nothing happens when there is none."""
    old = _heads(items, name)
    if old:
        items.erase(name)
    for line in old:
        _erase_parts(items, name, line)


def _erase_parts(items: Items, name: str, line: str) -> None:
    try:
        head = _read_head(line)
    except SetupProblem:
        return  # a damaged head names no parts; it must not stop its own replacement or removal
    for number in range(1, head.parts):
        items.erase(_part_name(name, head.tag, number))


def _read_head(line: str) -> _Head:
    try:
        raw = json.loads(line)
        head = _Head(raw["tag"], raw["parts"], raw["text"])
        if raw["keyctl"] != 1 or type(head.parts) is not int or not 1 <= head.parts <= 64:
            raise ValueError
        if not isinstance(head.tag, str) or not isinstance(head.text, str):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged() from None
    return head


def _part_name(name: str, tag: str, number: int) -> str:
    return f"{name}/{tag}/{number}"
