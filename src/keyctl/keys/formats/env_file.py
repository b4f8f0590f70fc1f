"""NAME=value lines: .env files, lines for a shell, systemd units, and what `keyctl env` writes.

A value in quotes is read by python-dotenv, which most bots read these files with. It tells no lines and reads nothing
that only a shell can, so the lines are found here. Where one quoted part follows another without a blank, which only a
shell can read, they mean what they mean to a shell.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from dotenv import dotenv_values

from keyctl.keys.formats.parsed import Entry, Parsed, Trouble
from keyctl.secret import Secret

_NAME = re.compile(r"[^\S\r\n]*(?:export[^\S\r\n]+|set[^\S\r\n]+|\$env:)?([A-Za-z_][A-Za-z0-9_.-]*|'[^'\r\n]+')"
                   r"[^\S\r\n]*=[^\S\r\n]*")  # fmt: skip
_UNIT = re.compile(r"[^\S\r\n]*Environment=[^\S\r\n]*")
_IDLE = re.compile(r"\s*(?:[#;].*|\[[A-Za-z0-9_ .-]+\]\s*)?")
_COMMENT = re.compile(r"\s+#(.*)", re.DOTALL)
_REST = re.compile(r"[^\S\r\n]*(?:#[^\r\n]*)?(?=\r|\n|\Z)")
_SHELL_PART = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|[A-Za-z0-9_@%+=:,./-]+", re.DOTALL)
_NOT_UNDERSTOOD = "not understood as NAME=value"
_BEGIN, _END = "-----BEGIN ", "-----END "


def read_env(text: str) -> Parsed:
    """The assignments of a file, doubles too. Lines that are none, and are not empty or a comment, are troubles."""
    parsed, place, counted, line = Parsed(), 0, 0, 1
    while place < len(text):
        end = _line_end(text, place)
        line, counted = line + text.count("\n", counted, place), place
        if unit := _UNIT.match(text, place, end):
            parsed.entries += _unit_entries(text[unit.end() : end], line, parsed)
        elif named := _NAME.match(text, place, end):
            value, cut, end = _value(text, named.end())
            if value is None:
                parsed.troubles.append(Trouble(line, _NOT_UNDERSTOOD))
            else:
                parsed.entries.append(Entry((named[1].strip("'"),), Secret(value), line, cut))
        elif not _IDLE.fullmatch(text, place, end):
            parsed.troubles.append(Trouble(line, _NOT_UNDERSTOOD))
        place = end + 1
    return parsed


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _value(text: str, place: int) -> tuple[str | None, bool, int]:
    """The value that begins there, whether a comment was cut off it, and where its last line ends."""
    quote = text[place : place + 1]
    if quote in ("'", '"') and (found := _quoted(text, place, quote)) is not None:
        value, end = found
        return value, False, _line_end(text, end)
    end = _line_end(text, place)
    if quote in ("'", '"'):
        return None, False, end
    raw = text[place:end].rstrip("\r")
    if raw.startswith(_BEGIN) and _END not in raw:  # a private key over several lines, without quotes around it
        closing = text.find(_END, end)
        if closing >= 0 and "=" not in text[end:closing].replace("=\n", "\n").replace("=\r\n", "\n").replace("==", ""):
            end = _line_end(text, closing)
            return text[place:end].rstrip("\r"), False, end
    comment = _COMMENT.search(raw)
    value = (raw[: comment.start()] if comment else raw).rstrip()
    return value, comment is not None and not comment[1].startswith((" ", "\t", "#")) and comment[1] != "", end


def _quoted(text: str, place: int, quote: str) -> tuple[str, int] | None:
    """A quoted value and its end: one part as python-dotenv reads it, several as a shell does; None for neither."""
    whole = re.compile(rf"{quote}((?:\\.|[^{quote}\\])*){quote}", re.DOTALL).match(text, place)
    if whole is not None and _REST.match(text, whole.end()):
        value = dotenv_values(stream=io.StringIO(f"value={whole[0]}"), interpolate=False).get("value")
        return None if value is None else (value, whole.end())
    parts, end = [], place
    while part := _SHELL_PART.match(text, end):
        parts.append(part[0])
        end = part.end()
    if len(parts) < 2 or not _REST.match(text, end):
        return None
    return "".join(map(_as_shell, parts)), end


def _as_shell(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    if part.startswith('"'):
        return re.sub(r'\\([\\"$`])', r"\1", part[1:-1])
    return part


def _unit_entries(rest: str, line: int, parsed: Parsed) -> Iterator[Entry]:
    """The assignments behind Environment= of a systemd unit: several, each bare or in quotes as a whole."""
    for word in re.findall(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\S+", rest):
        inner = re.sub(r"\\([\\\"'])", r"\1", word[1:-1]) if word[0] in "\"'" else word
        name, equals, value = inner.partition("=")
        if equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            # %% is how a unit writes a percent sign.
            yield Entry((name,), Secret(value.replace("%%", "%")), line)
        else:
            parsed.troubles.append(Trouble(line, "not understood as Environment=NAME=value"))
