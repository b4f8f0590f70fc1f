"""The last symbols and plans that commands have shown, in two small text files: TAB offers them without the journal.

Best effort: where nothing can be read or written, there are none. Only what has the form of a symbol or a plan's id is
kept, and only from where a result names one; no result names a secret there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from keyctl.errors import KeyctlError
from keyctl.home.files import locked, read_owned, write_whole
from keyctl.model.symbol_text import parts_of

SYMBOLS, PLANS = "symbol", "plan"
FILE_NAMES = {SYMBOLS: "seen-symbols.txt", PLANS: "seen-plans.txt"}
# So many are kept, the newest first.
KEPT_MAX = {SYMBOLS: 200, PLANS: 50}
_PLAN = re.compile(r"[a-z2-7]{10}")
_LOCK_SECONDS = 0.2


def words_seen(state: Path, kind: str) -> tuple[str, ...]:
    """The last symbols or plans, the newest first."""
    try:
        data = read_owned(state / FILE_NAMES[kind]) or b""
        return tuple(word for word in data.decode().splitlines() if _fits(kind, word))[: KEPT_MAX[kind]]
    except (KeyctlError, ValueError, OSError):
        return ()


def words_in(data: object) -> dict[str, list[str]]:
    """The symbols and plans of a result's data: of rows that an exchange is named in, and of what was planned."""
    found: dict[str, dict[str, None]] = {kind: {} for kind in FILE_NAMES}
    for row in _rows(data):
        for kind in found:
            word = row.get(kind)
            if isinstance(word, str) and (kind == PLANS or "exchange" in row) and _fits(kind, word):
                found[kind][word] = None
    return {kind: list(words) for kind, words in found.items() if words}


def note_seen(state: Path, seen: Mapping[str, Iterable[str]]) -> None:
    """Puts these words first, where the folder is there and can be written."""
    for kind, words in seen.items():
        path = state / FILE_NAMES[kind]
        fresh = tuple(words)[: KEPT_MAX[kind]]
        # In whatever order: a list of the same symbols writes nothing.
        if not fresh or not state.is_dir() or set(fresh) <= set(words_seen(state, kind)[: len(fresh)]):
            continue
        with suppress(KeyctlError, OSError), locked(path, _LOCK_SECONDS):
            kept = tuple(dict.fromkeys((*fresh, *words_seen(state, kind))))[: KEPT_MAX[kind]]
            write_whole(path, "".join(f"{word}\n" for word in kept).encode())


def _rows(data: object) -> Iterator[Mapping[str, object]]:
    """Every object in the data, at any depth."""
    if isinstance(data, Mapping):
        yield data
        for value in data.values():
            yield from _rows(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _rows(value)


def _fits(kind: str, word: str) -> bool:
    if kind == PLANS:
        return _PLAN.fullmatch(word) is not None
    return parts_of(word) is not None
