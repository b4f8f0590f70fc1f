"""What files of other programs hold: .env, ccxt and freqtrade JSON, hummingbot's YAML lines, TOML of exchanges' tools.

Only finds keys; whether they can be right is asked later. Values are Secrets from the first moment, and are unchanged.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from keyctl.environ import ENDINGS, Assignment, read_assignments
from keyctl.errors import SetupProblem
from keyctl.exchanges import names, profile
from keyctl.model import Kind
from keyctl.secret import Secret

BYTES_MAX = 1024 * 1024
PARTS = ("api_key", "secret", "passphrase")
# The fields of JSON and TOML tables, without their underscores and in small letters.
_FIELDS = {
    "api_key": ("apikey", "key"),
    "secret": ("secret", "apisecret", "secretkey", "privatekey"),
    "passphrase": ("password", "passphrase", "apipassphrase"),
}
_NAMING = ("exchange", "name", "exchangeid", "connector", "id")
_FREQTRADE = "FREQTRADE__EXCHANGE__"
_FREQTRADE_PARTS = {"KEY": "api_key", "SECRET": "secret", "PASSWORD": "passphrase"}
_YAML_LINE = re.compile(r"\s*([A-Za-z0-9_]+)\s*:\s*(.*?)\s*")
# Hummingbot writes encrypted values as the hex of a JSON key store: {"crypto ...
_ENCRYPTED = b"7b2263727970746f"


@dataclass(slots=True)
class Found:
    """One key in a file: where it stands there, for which exchange by the file's own word ("" when it does not say)."""

    exchange: str
    names: str
    suffix: str = ""
    lines: list[str] = field(default_factory=list)
    parts: dict[str, Secret] = field(default_factory=dict)
    kind: Kind | None = None

    @property
    def is_key(self) -> bool:
        return "api_key" in self.parts and "secret" in self.parts


@dataclass(frozen=True, slots=True)
class Remark:
    """What is not taken over, where it stands, and why; never a value."""

    line: str
    name: str
    note: str


@dataclass(slots=True)
class Reading:
    """All that a file holds: keys, and remarks on the rest."""

    found: list[Found] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def read_foreign(data: bytes, file_name: str) -> Reading:
    """The keys in a file's bytes; the format is seen from the name's ending and the first character.

    Raises SetupProblem (bad_file) for what is no text, or is broken JSON or TOML: its words never show the text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SetupProblem(f"{file_name} is not text in UTF-8", code="bad_file") from None
    ending = file_name.rpartition(".")[2].lower()
    try:
        if text.lstrip().startswith("{"):
            return _read_tables(json.loads(text, object_pairs_hook=_unique))
        if ending == "toml":
            return _read_tables(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        raise SetupProblem(
            f"{file_name} is not TOML, or has a name twice", "correct it there; nothing was stored", code="bad_file"
        ) from None
    except (ValueError, RecursionError):
        raise SetupProblem(
            f"{file_name} is not JSON, or has a name twice",
            "comments and trailing commas are no JSON: make a copy without them",
            code="bad_file",
        ) from None
    lines = _yaml_assignments(text) if ending in ("yml", "yaml") else read_assignments(text)
    return _read_assignments(lines)


def _read_assignments(assignments: list[Assignment]) -> Reading:
    reading, groups, others = Reading(), dict[str, Found](), list[str]()
    doubles = {item.name for item in assignments if item.name and sum(one.name == item.name for one in assignments) > 1}
    for item in assignments:
        if item.trouble and not item.name:
            reading.remarks.append(Remark(str(item.line), "(not understood)", item.trouble))
    for name in sorted(doubles):
        lines = ",".join(str(item.line) for item in assignments if item.name == name)
        reading.remarks.append(Remark(lines, name, "stands there twice: none is taken"))
    names_seen: dict[tuple[str, str], Assignment] = {}
    freqtrade = next((item.value for item in assignments if item.name == f"{_FREQTRADE}NAME"), None)
    for item in assignments:
        prefix, part = _split(item.name)
        if not item.name or item.name in doubles or item.name == f"{_FREQTRADE}NAME":
            continue
        if not part or item.value is None or not len(item.value):
            others.append(item.name)
            continue
        if item.value.reveal().startswith(_ENCRYPTED):
            reading.remarks.append(Remark(str(item.line), item.name, "is encrypted by the other program"))
            continue
        if (prefix, part) in names_seen:
            other = names_seen[prefix, part]
            note = f"is the same as {other.name} in line {other.line}, under another name: only that one is taken"
            reading.remarks.append(Remark(str(item.line), item.name, note))
            continue
        names_seen[prefix, part] = item
        group = groups.setdefault(prefix, _new_group(prefix, freqtrade))
        group.parts[part] = item.value
        group.lines.append(str(item.line))
    for prefix, group in groups.items():
        if group.is_key:
            reading.found.append(group)
        elif group.exchange in names() and "passphrase" not in group.parts:
            lacking = "secret" if "api_key" in group.parts else "API key"
            reading.remarks.append(Remark(",".join(group.lines), group.names, f"its {lacking} is missing"))
        else:
            others += [item.name for (start, _), item in names_seen.items() if start == prefix]
    if others:
        reading.remarks.append(Remark("", ", ".join(others[:8]), "no keys; left alone"))
    return reading


def _split(name: str) -> tuple[str, str]:
    """The prefix and the part of a key that a name stands for; the part is empty for other names."""
    if name.startswith(_FREQTRADE):
        return _FREQTRADE, _FREQTRADE_PARTS.get(name.removeprefix(_FREQTRADE), "")
    best = ("", "", "")
    for part, endings in ENDINGS.items():
        for ending in endings:
            if f"_{name.upper()}".endswith(f"_{ending}") and len(ending) > len(best[2]):
                best = (name[: -len(ending)].rstrip("_"), part, ending)
    return best[0], best[1]


def _new_group(prefix: str, freqtrade: Secret | None) -> Found:
    if prefix == _FREQTRADE:
        return Found("" if freqtrade is None else _word(freqtrade), f"{_FREQTRADE}*")
    small = prefix.lower()
    for exchange in names():
        if small == exchange or small.startswith(f"{exchange}_"):
            return Found(exchange, f"{prefix}_*", small.removeprefix(exchange).strip("_"))
    return Found(small, f"{prefix}_*" if prefix else "(no prefix)")


def _yaml_assignments(text: str) -> list[Assignment]:
    """Plain `name: value` lines; of YAML itself no more is understood."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _YAML_LINE.fullmatch(line)
        if match is None or not match[2]:
            if line.strip() and not line.lstrip().startswith("#") and match is None:
                found.append(Assignment(number, "", None, "not understood as name: value"))
            continue
        value = match[2]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found.append(Assignment(number, match[1], Secret(value)))
    return found


def _read_tables(content: Any) -> Reading:
    reading = Reading()
    for path, table in _tables(content, ()):
        parts = {
            part: Secret(value)
            for part, fields in _FIELDS.items()
            for name, value in table.items()
            if _small(name) in fields and isinstance(value, str) and value
        }
        if not {"api_key", "secret"} <= set(parts):
            continue
        where = ".".join(path) or "(top)"
        found = Found(_exchange_of(path, table), where, lines=[where], parts=parts, kind=_kind_of(path, table))
        if path and path[-1].lower() != found.exchange and "exchange" not in (path[-1].lower(), found.exchange):
            found.suffix = path[-1].lower()
        reading.found.append(found)
    return reading


def _tables(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for name, child in value.items():
            yield from _tables(child, (*path, str(name)))
    elif isinstance(value, list):
        for number, child in enumerate(value, 1):
            yield from _tables(child, (*path, str(number)))


def _exchange_of(path: tuple[str, ...], table: Mapping[str, Any]) -> str:
    """The exchange that a table is for: by its own word, by its place, or by the shape of an exchange's own tool."""
    told = [
        value.lower()
        for name, value in table.items()
        if _small(name) in _NAMING and isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{2,20}", value)
    ]
    for word in told:
        if word in names():
            return word
    for step in reversed(path):
        for exchange in names():
            if step.lower() == exchange or re.match(rf"{exchange}[_-]", step.lower()):
                return exchange
    for exchange in names():
        tool = profile(exchange).own_tool
        if tool and path[:1] == (tool.table,) and len(path) == 2 and set(tool.fields) <= set(table):
            return exchange
    if path == ("auth",) and {"api_key", "api_secret"} <= set(table):
        return "kraken"  # the layout of Kraken's own command line tool
    placed = [step.lower() for step in path[-1:] if step.lower() not in ("exchange", "auth", "default")]
    return [*told, *placed, ""][0]


def _kind_of(path: tuple[str, ...], table: Mapping[str, Any]) -> Kind | None:
    if table.get("demo") is True or (path and path[-1].lower() == "demo"):
        return Kind.DEMO
    if table.get("testnet") is True or table.get("sandbox") is True:
        return Kind.TESTNET
    return None


def _small(name: str) -> str:
    return re.sub(r"[_-]", "", name).lower()


def _word(value: Secret) -> str:
    text = value.reveal().decode("utf-8", "replace").strip().lower()
    return text if re.fullmatch(r"[a-z0-9_-]{2,20}", text) else ""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result
