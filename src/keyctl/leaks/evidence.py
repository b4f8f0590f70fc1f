"""The evidence of one leak: what was done, step by step, each with its time, in a file for this user alone.

It is written before and after each step, so that whatever was interrupted is taken up where it stopped. It holds no
secret: of a key only its mask. Where it cannot be written the steps go on, and the result says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyctl.clock import rfc3339
from keyctl.errors import StoreUnusable
from keyctl.exchanges.shipped import names
from keyctl.home.files import read_owned, write_whole

if TYPE_CHECKING:
    from keyctl.clock import Clock
    from keyctl.home.folders import Home
    from keyctl.model.account import Account

SCHEMA = "keyctl.leak/1"
_FACTS = {"account": str, "account_id": str, "exchange": str, "api_key": str, "begun": str, "since_ms": int}
_ENTRY = {"at": str, "step": str, "state": str, "words": str, "data": dict}
BEGUN, DONE, OPEN = "begun", "done", "open"


@dataclass(slots=True)
class Evidence:
    """One leak's file. `facts`: which key it is about; `entries`: what was done, oldest first.

    `unwritten`: why the newest entries are not on disk; empty while they are.
    """

    path: Path
    facts: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)
    unwritten: str = ""

    @property
    def account_id(self) -> str:
        """The id of the account whose key has leaked."""
        return str(self.facts["account_id"])

    @property
    def halted_key(self) -> str:
        """What its halt is kept under: the hash of the key, or the account's id where an older keyctl began this."""
        return str(self.facts.get("api_key_hash", self.account_id))

    def newest(self, step: str) -> dict[str, Any] | None:
        """The newest entry of a step that ended; None before the first."""
        return next((entry for entry in reversed(self.entries) if _is_end(entry, step)), None)

    def is_done(self, step: str) -> bool:
        """Whether a step needs nothing more."""
        newest = self.newest(step)
        return newest is not None and newest["state"] == DONE

    def note(self, clock: Clock, step: str, state: str, words: str, data: Mapping[str, Any] | None = None) -> None:
        """Adds an entry, on disk when this returns."""
        entry = {"at": rfc3339(clock.now()), "step": step, "state": state, "words": words, "data": dict(data or {})}
        self.entries.append(entry)
        self.save()

    def know(self, **facts: Any) -> None:
        """Adds to what is known of the key, on disk when this returns."""
        if any(self.facts.get(name) != value for name, value in facts.items()):
            self.facts.update(facts)
            self.save()

    def reread(self) -> Evidence:
        """It as it is on disk now: another run may have gone on meanwhile."""
        return _read(self.path) or self

    def save(self) -> None:
        """Writes all of it."""
        document = {"schema": SCHEMA, **self.facts, "entries": self.entries}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(document, indent=1, default=str).encode() + b"\n")
            self.unwritten = ""
        except (StoreUnusable, OSError) as trouble:
            self.unwritten = trouble.message if isinstance(trouble, StoreUnusable) else trouble.strerror or "unknown"


def _is_end(entry: Mapping[str, Any], step: str) -> bool:
    return entry["step"] == step and entry["state"] in (DONE, OPEN)


def folder(home: Home) -> Path:
    """Where the files of this home are."""
    return home.state / "leaks"


def begin(home: Home, account: Account, clock: Clock, since_ms: int) -> Evidence:
    """The file of a leak that is noticed now, of an account's key; nothing is written yet."""
    facts = {
        "account": account.label,
        "account_id": account.id,
        "exchange": account.exchange,
        "api_key": account.api_key_hint,
        "api_key_hash": account.api_key_hash,
        "uid": account.uid,
        "begun": rfc3339(clock.now()),
        "since_ms": since_ms,
        "successor_id": None,
        "worked_at": None,
    }
    files = (f"{account.id}{f'-{number}' if number > 1 else ''}.json" for number in count(1))
    # A file that is there is kept, also one that cannot be read.
    return Evidence(next(path for name in files if not lexists(path := folder(home) / name)), facts)


def all_of(home: Home) -> list[Evidence]:
    """Every leak of this home that can be read, the newest first."""
    found = [evidence for path in folder(home).glob("*.json") if (evidence := _read(path)) is not None]
    return sorted(found, key=lambda evidence: str(evidence.facts["begun"]), reverse=True)


def _read(path: Path) -> Evidence | None:
    """The evidence in a file; None where it is none, which keeps nobody from beginning anew."""
    try:
        document = json.loads(read_owned(path) or b"")
        entries = document.pop("entries")
        known = document.pop("schema") == SCHEMA and _has(document, _FACTS) and document["exchange"] in names()
        whole = known and all(_has(entry, _ENTRY) for entry in entries)
    except (StoreUnusable, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Evidence(path, document, entries) if whole else None


def _has(found: Mapping[str, Any], wanted: Mapping[str, type]) -> bool:
    return all(isinstance(found.get(name), kind) for name, kind in wanted.items())
