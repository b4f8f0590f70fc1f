"""Keys that are about to be stored: how they are taken over, what becomes of each, and the label that it can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.home.accounts import check_label
from keyctl.model.account import Account
from keyctl.model.credential import Credential

if TYPE_CHECKING:
    from keyctl.keys.export import BackupKey


@dataclass(frozen=True, slots=True)
class Options:
    """How keys are taken over: the exchange of a file that names none, its kind, a group, a backup's key, consent.

    `dry_run`: only look.
    """

    exchange: str | None
    env: str | None
    groups: tuple[str, ...]
    key: BackupKey
    yes: bool
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A key that will be stored, and where it stood in the file."""

    line: str
    name: str
    account: Account
    credential: Credential
    note: str


def free_label(wanted: str, taken: set[str]) -> str:
    """The wanted label, with a number where it is taken. Raises UsageProblem for one that labels cannot be."""
    for number in range(1, len(taken) + 2):
        label = wanted[:36] + (f"-{number}" if number > 1 else "")
        if label not in taken:
            check_label(label)
            return label
    raise AssertionError("one of these numbers is free")
