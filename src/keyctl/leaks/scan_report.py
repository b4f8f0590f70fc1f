"""Finds: what a scan found as people and programs are told of it, with account, commit and date; never a secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyctl.errors import KeyctlError
    from keyctl.model.account import Account
    from keyctl.model.wire import JSON
    from keyctl.vault.fingerprints import Entry


@dataclass(frozen=True, slots=True)
class Find:
    """One secret in one place. `path` is None for a commit's message, `line` None where the file's name has it.

    `label` is empty for one known by its shape; `key` says what is known of that key here. `repository` and `object`
    are empty for a file; an object without a `commit` is in none.
    """

    kind: str
    form: str
    label: str
    exchange: str
    key: str
    dead_since: datetime | None
    path: str | None
    line: int | None
    repository: str = ""
    object: str = ""
    commit: str | None = None
    author_date: datetime | None = None

    @property
    def is_stored(self) -> bool:
        """Whether a stored secret was found, rather than a shape."""
        return bool(self.label)

    @property
    def where(self) -> str:
        """The place in words."""
        path = self.path if self.line is None else f"{self.path}:{self.line}"
        if not self.object:
            return f"{path}" if self.line is not None else f"{path} (its name)"
        if self.commit is None:
            return f"object {self.object} (in no commit)"
        date = "" if self.author_date is None else f" {self.author_date:%Y-%m-%d}"
        return f"{self.commit}{date} {'(its message)' if self.path is None else path}"

    def data(self) -> dict[str, JSON]:
        """What programs are told."""
        return {
            "account": self.label or None,
            "exchange": self.exchange,
            "kind": self.kind,
            "form": self.form,
            "key": self.key,
            "dead_since": _utc(self.dead_since),
            "path": self.path,
            "line": self.line,
            "repository": self.repository or None,
            "commit": self.commit,
            "object": self.object or None,
            "author_date": _utc(self.author_date),
        }


@dataclass(slots=True)
class Report:
    """Everything that a scan says: its finds, what it went through, and what not. `damaged`: why no stored secret
    could be looked for."""

    is_open: bool
    finds: list[Find] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    histories: int = 0
    objects: int = 0
    ignored: int = 0
    unread: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    damaged: KeyctlError | None = None

    def data(self) -> dict[str, JSON]:
        """What programs are told."""
        return {
            "finds": [find.data() for find in self.finds],
            "mode": "open" if self.is_open else "locked",
            "files": self.files,
            "bytes": self.bytes,
            "histories": self.histories,
            "objects": self.objects,
            "ignored": self.ignored,
            "unread": list(self.unread),
            "without_fingerprints": list(self.without),
            "too_weak_for_fingerprints": list(self.weak),
        }


class Owners:
    """What is known of the accounts whose secrets may be found."""

    def __init__(self, accounts: Sequence[Account], entries: Iterable[Entry]) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._labels = {entry.id: entry.label for entry in entries if entry.label}

    def label(self, account_id: str) -> str:
        """The account's label, the last one that it had where it was removed."""
        account = self._accounts.get(account_id)
        return account.label if account else self._labels.get(account_id, "(removed)")

    def exchange(self, account_id: str) -> str:
        """The account's exchange; empty where it was removed."""
        account = self._accounts.get(account_id)
        return account.exchange if account else ""

    def key(self, account_id: str, dead_since: datetime | None) -> str:
        """Whether the key is in use here, in words."""
        if dead_since is not None:
            return f"revoked since {dead_since.astimezone(UTC):%Y-%m-%d}"
        account = self._accounts.get(account_id)
        if account is None:
            return "removed"
        return account.standing.value if account.disabled else "in use"


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
