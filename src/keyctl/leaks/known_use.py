"""What of foreign use has been told already, by account, and since when to look: a small file of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyctl.errors import StoreUnusable
from keyctl.home.files import locked, read_owned, write_whole
from keyctl.leaks.finds import Find

if TYPE_CHECKING:
    from keyctl.home.folders import Home

SCHEMA = "keyctl.known-use/1"
DAY_MS = 86_400_000
# What an exchange lists late is still seen; how far back a list is asked for that could not be read; and how long it is
# remembered that something was told.
OVERLAP_MS = 3_600_000
BACK_MS = 7 * DAY_MS
REMEMBERED_MS = 90 * DAY_MS


@dataclass(slots=True)
class KnownUse:
    """The memory of one home; `marks`: since when to look (ms), `told`: the finds and when they were, both by account
    id."""

    path: Path
    marks: dict[str, int] = field(default_factory=dict)
    told: dict[str, dict[str, int | None]] = field(default_factory=dict)

    def since(self, account_id: str, now_ms: int) -> int:
        """Since when an account's use is looked at: a day back where it never was, or by a clock that was ahead."""
        mark = self.marks.get(account_id, now_ms)
        return mark if mark < now_ms else now_ms - DAY_MS

    def news(self, account_id: str, since_ms: int, finds: Iterable[Find]) -> tuple[Find, ...]:
        """The finds that are not from before the mark, and were never told."""
        told = self.told.get(account_id, {})
        return tuple(f for f in finds if f.key not in told and (f.at_ms is None or f.at_ms >= since_ms))

    def tell(self, account_id: str, news: Iterable[Find], mark_ms: int, now_ms: int) -> None:
        """Remembers that these finds are told, and from when the next look begins."""
        self.marks[account_id] = mark_ms
        told = {**self.told.get(account_id, {}), **{find.key: find.at_ms for find in news}}
        self.told[account_id] = {
            key: at_ms for key, at_ms in told.items() if at_ms is None or at_ms >= now_ms - REMEMBERED_MS
        }

    def save(self) -> None:
        """Writes it. Raises StoreUnusable."""
        accounts = {name: {"since_ms": mark, "told": self.told.get(name, {})} for name, mark in self.marks.items()}
        write_whole(self.path, json.dumps({"schema": SCHEMA, "accounts": accounts}, indent=1).encode() + b"\n")


def known_use(home: Home) -> KnownUse:
    """The memory of a home. Raises StoreUnusable for what cannot be read."""
    return _read(home.state / "known-use.json")


@contextmanager
def changing(home: Home) -> Iterator[KnownUse]:
    """The memory of a home, to tell it something: saved at the end. Raises StoreUnusable: what cannot be read is not
    replaced."""
    path = home.state / "known-use.json"
    with locked(path):
        known = _read(path)
        yield known
        known.save()


def _read(path: Path) -> KnownUse:
    data = read_owned(path)
    if data is None:
        return KnownUse(path)
    try:
        document: dict[str, Any] = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError
        accounts = document["accounts"]
        return KnownUse(
            path,
            {name: int(item["since_ms"]) for name, item in accounts.items()},
            {name: {key: at and int(at) for key, at in item["told"].items()} for name, item in accounts.items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise StoreUnusable(
            f"{path} is damaged",
            f"to start again, move it away: mv {path} {path}.damaged",
            code="known_use_damaged",
        ) from None
