"""Hit: a place in a text where a secret is. It never holds any of that text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# How the form of a secret ends that is split up.
SEVERAL_LINES = ", over several lines"
# The pieces of a secret by which it is met in a long word.
WINDOW = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """Where it begins and ends, what it is ("secret", "passphrase", "private key") and the form that it is written in.

    `account_id` is empty for one known by its shape alone, as a key of `exchange`; `dead_since` as in fingerprints.
    """

    start: int
    end: int
    kind: str
    form: str
    account_id: str = ""
    exchange: str = ""
    dead_since: datetime | None = None
