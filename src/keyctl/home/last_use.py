"""When keyctl last used each key, and for what: a small file of its own, so that `list` opens no journal for it.

Checks of the key itself (verify, diagnose) are no use of it: a timer that runs them would keep every key in use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from keyctl.errors import StoreUnusable
from keyctl.home.files import locked, read_owned, write_whole

FILE_NAME = "last-use.json"
# After so many days without an order, a read or exec a key is called unused.
UNUSED_DAYS = 45
# A use is noted anew only when the last note is older than this.
NOTED_SECONDS = 3600


class Use(NamedTuple):
    """One use of a key: when (UTC), and whether it was an order, a read or exec."""

    at: datetime
    what: str


def last_uses(state: Path) -> dict[str, Use]:
    """The last use of each key by account id. What cannot be read is not known; it stops nothing."""
    try:
        kept = json.loads(read_owned(state / FILE_NAME) or b"{}")
        return {str(key): Use(datetime.fromtimestamp(at, UTC), str(what)) for key, (at, what) in kept.items()}
    except (StoreUnusable, ValueError, TypeError, AttributeError, OverflowError, OSError):
        return {}


def note_use(state: Path, account_ids: Iterable[str], what: str, now: float) -> None:
    """Remembers that these keys are used now, where that can be written."""
    known = last_uses(state)
    stale = [key for key in account_ids if key not in known or not _just(known[key], what, now)]
    if not stale:
        return
    with suppress(StoreUnusable), locked(state / FILE_NAME):
        kept = {key: (use.at.timestamp(), use.what) for key, use in last_uses(state).items()}
        kept |= {key: (now, what) for key in stale}
        write_whole(state / FILE_NAME, json.dumps(kept).encode())


def _just(use: Use, what: str, now: float) -> bool:
    return use.what == what and 0 <= now - use.at.timestamp() < NOTED_SECONDS
