"""What files of other programs hold: their format is recognised, and their entries are put together to keys.

Only finds keys; whether they can be right is asked later. Values are Secrets from the first moment, and are unchanged.
No text of a file is in a remark, but for names that look like names.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from keyctl.errors import SetupProblem
from keyctl.keys.formats.encoding import text_of
from keyctl.keys.formats.parsed import Entry, NotInFormat, Parsed, Trouble
from keyctl.keys.key_hints import Hints, read_hints
from keyctl.keys.key_names import PARTS, Part, Place, label_words, looks_like_name, part_in, words_of
from keyctl.keys.references import may_hold_reference, reference_in
from keyctl.secret import Secret

BYTES_MAX = 1024 * 1024
_SHOWN_NAMES = 8
_TITLES = {"api_key": "API key", "secret": "secret", "passphrase": "passphrase"}


@dataclass(slots=True)
class Found:
    """One key in a file: where it stands there, and all that the file says of it.

    `kinds` are those of "live", "test" and "demo" that it is said to be of. With `wrong` it must not be stored.
    """

    place: Place
    names: str
    suffix: str
    lines: list[int]
    parts: dict[Part, Secret]
    kinds: set[str]
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The lines of its parts, as they are shown."""
        return ",".join(str(line) for line in sorted(set(self.lines)) if line)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is not taken over, where it stands, and why; never a value."""

    line: str
    name: str
    note: str


@dataclass(slots=True)
class Reading:
    """All that a file holds: keys, remarks on the rest, and what to do where it holds no key in a form that is read."""

    found: list[Found] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    advice: tuple[str, ...] = ()


def read_foreign(data: bytes, file_name: str) -> Reading:
    """The keys in a file's bytes; the format is seen from its name's ending and from its text.

    Raises SetupProblem (bad_file) for what is no text, or breaks its format's rules; its words never show the text.
    """
    text = text_of(data)
    if text is None:
        raise SetupProblem(
            f"{file_name} is not a text file",
            "to store a private key alone: keyctl add EXCHANGE --secret-file FILE",
            code="bad_file",
        )
    try:
        parsed = _parse(text, file_name.rpartition(".")[2].lower())
    except NotInFormat as wrong:
        raise SetupProblem(
            f"{file_name}, line {wrong.line}: {wrong.why}",
            "nothing was stored; correct that line in a copy, or type the key: keyctl add EXCHANGE",
            code="bad_file",
        ) from None
    reading = _keys_in(parsed, file_name)
    if not reading.found:
        reading.advice = _advice(text)
    return reading


def _parse(text: str, ending: str) -> Parsed:
    from keyctl.keys.formats.csv_file import read_csv, separator_of
    from keyctl.keys.formats.env_file import read_env
    from keyctl.keys.formats.ini_file import looks_like_ini, read_ini
    from keyctl.keys.formats.json_file import looks_like_json, read_json_file
    from keyctl.keys.formats.toml_file import read_toml
    from keyctl.keys.formats.yaml_file import read_yaml

    if looks_like_json(text):
        return read_json_file(text)
    if ending == "toml":
        return read_toml(text)
    if ending in ("yml", "yaml"):
        return read_yaml(text)
    is_unit = re.search(r"(?m)^\s*Environment=", text) is not None
    if ending in ("ini", "cfg") or (looks_like_ini(text) and not is_unit):
        return read_ini(text)
    if ending != "env" and _looks_like_yaml(text):
        return read_yaml(text)
    if separator := separator_of(text):
        return read_csv(text, separator)
    return read_env(text)


def _looks_like_yaml(text: str) -> bool:
    """Whether lines with `name: value`, and none with `NAME=value`, are in a text."""
    return bool(re.search(r"(?m)^[A-Za-z_][\w-]*:(?:\s|$)", text)) and not re.search(r"(?m)^\s*[\w.]+\s*=", text)


def _keys_in(parsed: Parsed, file_name: str) -> Reading:
    reading = Reading(remarks=list(_not_understood(parsed.troubles)))
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[Part, Entry]]] = {}
    others: list[Entry] = []
    for entry in parsed.entries:
        part, rest = part_in(words_of(entry.path[-1])) if entry.path else (None, ())
        if part is None:
            others.append(entry)
        elif len(entry.value):
            groups.setdefault((entry.path[:-1], rest), []).append((part, entry))
    hints = Hints(others)
    left: list[Entry] = []
    for (table, rest), members in groups.items():
        found = _group(table, rest, members, hints, file_name)
        if {"api_key", "secret"} <= set(found.parts):
            reading.found.append(found)
        elif found.place.exchange and {"api_key", "secret"} & set(found.parts):
            lacking = "secret" if "api_key" in found.parts else "API key"
            reading.remarks.append(Remark(found.line, found.names, f"its {lacking} is missing"))
        else:
            left += [entry for _, entry in members]
    reading.remarks += _left_alone([*left, *(entry for entry in others if not hints.used(entry))])
    return reading


def _group(
    table: tuple[str, ...], rest: tuple[str, ...], members: list[tuple[Part, Entry]], hints: Hints, file_name: str
) -> Found:
    """The key that entries of one table with the same other words make up."""
    said = read_hints(hints, table, rest, {entry.path[-1] for _, entry in members})
    steps = (word for step in table if not step.isdigit() for word in words_of(step))  # digits number a list's members
    found = Found(
        place=said.place,
        names=_shown_names(table, members),
        suffix="-".join(said.label or label_words((*steps, *rest))),
        lines=[entry.line for _, entry in members],
        parts={},
        kinds=said.kinds,
        wrong=list(said.wrong),
        notes=list(said.notes),
    )
    for part in PARTS:
        entries = [entry for which, entry in members if which == part]
        if entries:
            _take(found, part, entries, file_name)
    return found


def _take(found: Found, part: Part, entries: list[Entry], file_name: str) -> None:
    """Puts a part into the key; says what is wrong with it, or doubtful."""
    first, title = entries[0], _TITLES[part]
    found.parts[part] = first.value
    if part == "passphrase" and found.place.exchange and not _has_passphrase(found.place.exchange):
        del found.parts[part]
        return
    if any(not hmac.compare_digest(first.value.reveal(), other.value.reveal()) for other in entries[1:]):
        lines = ",".join(sorted({str(entry.line) for entry in entries}, key=int))
        found.wrong.append(f"has two different values for the {title} (line {lines}); keep only one")
    what, command = reference_in(first.value, file_name)
    if part == "passphrase" and first.cut:
        found.wrong.append("its passphrase ends before a #, which may be part of it; put it in quotes")
    elif what:
        found.wrong.append(f"its {title} {what}" + (f"; run: {command}" if command else ""))
    elif part == "passphrase" and may_hold_reference(first.value):
        found.notes.append("its passphrase contains ${...}; it is stored unchanged")


def _has_passphrase(exchange: str) -> bool:
    from keyctl.exchanges.shipped import profile

    return profile(exchange).passphrase


def _shown_names(table: tuple[str, ...], members: list[tuple[Part, Entry]]) -> str:
    """How a key is called in remarks: its table, or what its names begin with; less where they are no names."""
    steps = [step for step in table if looks_like_name(step)]
    if table:
        return ".".join(steps) if len(steps) == len(table) and len(steps) <= 6 else "(a table)"
    given = [entry.path[-1] for _, entry in members]
    if not all(map(looks_like_name, given)):
        return "(names not shown)"
    begin = given[0]
    while begin and not all(name.startswith(begin) for name in given):
        begin = begin[:-1]
    if len(given) == 1 or begin in given:
        begin = re.sub(r"(?i)[_-]*(api)?[_-]*(key|secret|password|passphrase)[a-z_-]*$", "", given[0])
    return f"{re.sub(r'(?i)[_-]*(api|secret|s|pass|key)?[_-]*$', '', begin)}_*".removeprefix("_*") or "(no prefix)"


def _not_understood(troubles: list[Trouble]) -> Iterator[Remark]:
    """One remark for lines that follow one another and have the same trouble."""
    numbered = [(trouble.line - place, trouble) for place, trouble in enumerate(troubles)]
    for _, run in groupby(numbered, key=lambda pair: (pair[0], pair[1].why)):
        lines = [trouble.line for _, trouble in run]
        why = troubles[[trouble.line for trouble in troubles].index(lines[0])].why
        yield Remark(str(lines[0]) if len(lines) == 1 else f"{lines[0]}-{lines[-1]}", "(not understood)", why)


def _left_alone(entries: list[Entry]) -> list[Remark]:
    """One remark that names what is no key; names that do not look like names are counted only."""
    if not entries:
        return []
    given = dict.fromkeys(entry.path[-1] if entry.path else "" for entry in entries)
    shown = [name for name in given if looks_like_name(name)][:_SHOWN_NAMES]
    more = len(given) - len(shown)
    words = [*shown, *([f"{more} more" if shown else f"{more} others"] if more else [])]
    return [Remark("", ", ".join(words), "no keys; not read")]


def _advice(text: str) -> tuple[str, ...]:
    """What to do with a file that holds one key in another form; by its shape, without any of its text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if "PRIVATE KEY-----" in text:
        return ("a private key alone has no API key; store both: keyctl add EXCHANGE --secret-file FILE",)
    if 2 <= len(lines) <= 3 and all(re.fullmatch(r"[!-~]{8,200}", line) for line in lines):
        return ("type or paste an API key and secret that have no names: keyctl add EXCHANGE",)
    return ("use these names: EXCHANGE_API_KEY, EXCHANGE_API_SECRET, EXCHANGE_PASSPHRASE",)
