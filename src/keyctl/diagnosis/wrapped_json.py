"""Bodies in a text, in whatever wrapping they were pasted: JSON, a Python repr, escaped, cut off, broken by lines.

A body that comes over the network is read by `answers` alone; this reader is for text that proves nothing by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from keyctl.model.wire import JSON

DEPTH_MAX = 30
TOKENS_MAX = 4_000  # of one body
BUDGET = 400_000  # tokens of a whole text
_BROKEN_MAX = 4_000
_START = re.compile(r"""\{(?:\s|\\[nrt])*\\?b?["']|\[\s*(?:\\?["']error|\{|\d{1,20},\s*\\?["'])""")
_TOKEN = re.compile(
    r"""(?:\s|\\[nrt])*(?:(?P<open>[{\[(])|(?P<close>[}\])])|(?P<mark>[,:])"""
    r"""|b?(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<word>[^\s,:{}\[\]()"'\\]+))"""
)
# Fields whose value is a sentence.
_WORDS = ("msg", "sMsg", "message", "error", "error_message")
_CONSTANTS: dict[str, JSON] = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}


class Body(NamedTuple):
    """A value in the text, its place there, and whether its end was there too."""

    start: int
    end: int
    value: JSON
    whole: bool


def bodies_in(text: str) -> Iterator[Body]:
    """The objects and arrays in the text, outermost first, in its order. What is cut off is read as far as it goes.

    After BUDGET tokens it stops, with a body that is not whole at the end of the text.
    """
    place, left = 0, BUDGET
    while (match := _START.search(text, place)) is not None:
        body, used = _read(text, match.start())
        left -= used
        if left <= 0:
            yield Body(len(text), len(text), None, False)
            return
        if not body.whole:
            body = _joined(text, body)
        if body.value:
            yield body
        place = max(body.end, match.start() + 1)


def unescaped(text: str) -> str:
    """The text without colors of a terminal, with HTML's and a string's own escapes undone once."""
    if "\x1b[" in text:
        text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    if re.search(r"&(?:quot|#34|#39|apos|amp|lt|gt);", text):
        from html import unescape

        text = unescape(text)
    if re.search(r"""[{\[]\s*\\["']""", text):
        text = text.replace('\\\\"', '"').replace('\\"', '"').replace("\\'", "'")
    return text


def _joined(text: str, body: Body) -> Body:
    """The body with the line breaks inside it taken out, where it reads further then."""
    piece = text[body.start : body.start + _BROKEN_MAX]
    joined = re.sub(r"[^\S\n]*\n[^\S\n]*", "", piece)
    if joined == piece:
        return body
    again, _ = _read(joined, 0)
    if not again.whole:
        return body
    breaks, end = len(piece) - len(joined), again.end
    return Body(body.start, min(body.start + end + breaks, len(text)), again.value, True)


def _read(text: str, start: int) -> tuple[Body, int]:
    """The body that begins there, and how many tokens it took."""
    builder, place = _Builder(), start
    for count in range(1, TOKENS_MAX):
        match = _TOKEN.match(text, place)
        if match is None:
            rest = re.compile(r"""\s*b?["']([^\n]*)""").match(text, place)
            if rest is not None:
                builder.add_cut(rest[1])
            return Body(start, rest.end() if rest else place, builder.root, False), count
        place = match.end()
        if match["word"] and place == len(text):
            return Body(start, place, builder.root, False), count  # more digits may have followed
        if not builder.take(match):
            return Body(start, place, builder.root, False), count
        if builder.done:
            return Body(start, place, builder.root, True), count
    return Body(start, place, builder.root, False), TOKENS_MAX


class _Builder:
    """A value as its tokens come."""

    def __init__(self) -> None:
        self.root: JSON = None
        self.done = False
        self._open: list[dict[str, JSON] | list[JSON]] = []
        self._keys: list[str | None] = []
        self._held: str | None = None

    def take(self, match: re.Match[str]) -> bool:
        """Whether the token fits what came before."""
        kind, token = match.lastgroup, match[0].strip()
        if kind == "open":
            return self._push({} if token[-1] == "{" else [])
        if kind == "close":
            self._settle()
            self._open.pop()
            self._keys.pop()
            self.done = not self._open
            return True
        if kind == "mark":
            return self._mark(token[-1])
        self.add(_text(match["text"]) if kind == "text" else _word(match["word"]))
        return True

    def add(self, value: JSON) -> None:
        """Puts a value where it belongs: at a key, into a list, or as a key that waits for its value."""
        top, key = self._open[-1], self._keys[-1]
        if isinstance(top, list):
            top.append(value)
        elif key is None:
            self._keys[-1] = str(value)
        elif self._held == key:
            top[key] = value
            self._keys[-1], self._held = None, None

    def add_cut(self, value: str) -> None:
        """Adds a text whose end is missing: words are worth having, a part of a code is not."""
        if isinstance(self._open[-1], list) or self._keys[-1] in _WORDS:
            self.add(value)

    def _push(self, value: dict[str, JSON] | list[JSON]) -> bool:
        if len(self._open) >= DEPTH_MAX:
            return False
        if self._open:
            self.add(value)
        else:
            self.root = value
        self._open.append(value)
        self._keys.append(None)
        self._held = None
        return True

    def _mark(self, mark: str) -> bool:
        if isinstance(self._open[-1], list):
            return mark == ","
        if mark == ":":
            self._held = self._keys[-1]
            return self._held is not None
        self._settle()
        return True

    def _settle(self) -> None:
        self._keys[-1], self._held = None, None


def _text(token: str) -> str:
    inner = token[1:-1]
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _character, inner) if "\\" in inner else inner


def _character(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16)) if not 0xD800 <= int(code[1:], 16) <= 0xDFFF else " "
    return {"n": "\n", "r": "\r", "t": "\t"}.get(code, code)


def _word(token: str) -> JSON:
    if token in _CONSTANTS:
        return _CONSTANTS[token]
    if re.fullmatch(r"-?[0-9]{1,30}", token):
        return int(token)
    return Decimal(token) if re.fullmatch(r"-?[0-9]{1,20}\.[0-9]{1,20}", token) else token
