"""Addresses: what the journal remembers of the addresses we leave from, and the IP lists that the person keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from keyctl.home.folders import ADDRESS_MARK
from keyctl.journal.database import Database

if TYPE_CHECKING:
    from keyctl.clock import Clock

FRESH_SECONDS = 3600.0
ACCOUNT, GROUP = "account", "group"
# After a market's name: the row of what was added to that list for a time, as entries with their ends.
_FOR_A_TIME = "+until"
_FORGET_ADDED = (
    "DELETE FROM whitelists WHERE scope=:scope AND owner=:owner AND market LIKE '%' || :ending AND NOT EXISTS"
    " (SELECT 1 FROM whitelists AS own WHERE own.scope=:scope AND own.owner=:owner"
    " AND own.market || :ending = whitelists.market)"
)
_ONE_LIST = "SELECT entries FROM whitelists WHERE scope=? AND owner=? AND market=?"


class Reading(NamedTuple):
    """The address that one route had when it was last told, by IP version; times are Unix seconds.

    `verified` is the address at the last verify in which a key worked along that route; None before the first one.
    """

    version: int
    address: str
    seen_at: float
    source: str
    verified: str | None

    @property
    def moved(self) -> bool:
        """Whether the address is another one than at the last verify."""
        return self.verified is not None and self.verified != self.address


class ToldList(NamedTuple):
    """What an exchange told of a key's IP list at the last verify: whether one is set, and its entries where told."""

    at: float
    restricted: bool | None
    entries: tuple[str, ...] | None


class Addresses:
    """The address book of one home. Raises StoreUnusable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # Where we leave from.

    def readings(self, route: str) -> tuple[Reading, ...]:
        """The newest reading of each IP version, however old."""
        rows = self._database.rows("SELECT * FROM egress WHERE route=? AND address IS NOT NULL ORDER BY version", route)
        return tuple(
            Reading(row["version"], row["address"], row["seen_at"], row["source"], row["verified"]) for row in rows
        )

    def fresh(self, route: str) -> tuple[Reading, ...]:
        """The readings of the last hour."""
        since = self._clock.now() - FRESH_SECONDS
        return tuple(reading for reading in self.readings(route) if since < reading.seen_at)

    def note(self, route: str, version: int, address: str, source: str) -> None:
        """Remembers the address that a route has now, and who told it."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO egress (route, version, address, seen_at, source) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (route, version) DO UPDATE SET"
                " address=excluded.address, seen_at=excluded.seen_at, source=excluded.source",
                (route, version, address, self._clock.now(), source),
            )
        with suppress(OSError):  # a hint for showing addresses, which decides nothing
            self._database.path.with_name(ADDRESS_MARK).touch(mode=0o600)

    def may_ask(self, route: str, version: int) -> bool:
        """Whether the echo service may be asked now; if so this counts as the one time of this hour."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            changed = connection.execute(
                "INSERT INTO egress (route, version, asked_at) VALUES (?, ?, ?)"
                " ON CONFLICT (route, version) DO UPDATE SET asked_at=excluded.asked_at"
                " WHERE asked_at IS NULL OR asked_at <= ? OR asked_at > excluded.asked_at",
                (route, version, now, now - FRESH_SECONDS),
            ).rowcount
        return changed == 1

    def note_verified(self, route: str) -> None:
        """Remembers that a key has just worked along a route: the addresses of the last hour are good."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE egress SET verified=address WHERE route=? AND address IS NOT NULL AND seen_at > ?",
                (route, self._clock.now() - FRESH_SECONDS),
            )

    # The lists that the person keeps.

    def keep(self, scope: str, owner: str, market: str, entries: tuple[str, ...]) -> None:
        """Keeps a list for an account (by its id) or a group (by its name); market "" stands for all. () forgets it.

        What was added to it for a time is forgotten with the old one; with one for all markets also what was added to a
        market that has no list of its own.
        """
        with self._database.transaction() as connection:
            for name in (market, market + _FOR_A_TIME):
                connection.execute(
                    "DELETE FROM whitelists WHERE scope=? AND owner=? AND market=?", (scope, owner, name)
                )
            if not market:
                connection.execute(_FORGET_ADDED, {"scope": scope, "owner": owner, "ending": _FOR_A_TIME})
            if entries:
                connection.execute(
                    "INSERT INTO whitelists VALUES (?, ?, ?, ?, ?)",
                    (scope, owner, market, json.dumps(entries), self._clock.now()),
                )

    def keep_until(self, scope: str, owner: str, market: str, entries: tuple[str, ...], until: float) -> None:
        """Adds entries to a list for a time; the list itself stays. `until` is in Unix seconds."""
        name = market + _FOR_A_TIME
        with self._database.transaction() as connection:
            found = connection.execute(_ONE_LIST, (scope, owner, name)).fetchone()
            ends = (json.loads(found["entries"]) if found else {}) | dict.fromkeys(entries, until)
            connection.execute(
                "INSERT OR REPLACE INTO whitelists VALUES (?, ?, ?, ?, ?)",
                (scope, owner, name, json.dumps(ends), self._clock.now()),
            )

    def ends(self, account_id: str, groups: tuple[str, ...], market: str) -> dict[str, float]:
        """The entries that were added for a time to the lists of one market of an account, each with its end (Unix s),
        also where that is over."""
        owners = [(GROUP, group) for group in groups] + [(ACCOUNT, account_id)]
        found: dict[str, float] = {}
        for scope, owner in owners:
            for name in dict.fromkeys(("", market)):
                rows = self._database.rows(_ONE_LIST, scope, owner, name + _FOR_A_TIME)
                found |= json.loads(rows[0]["entries"]) if rows else {}
        lasting = self.lasting(account_id, groups, market)
        return {entry: until for entry, until in found.items() if entry not in lasting}

    def kept(self, account_id: str, groups: tuple[str, ...], market: str) -> tuple[str, ...]:
        """As `lasting`, with what was added for a time that is not over."""
        now = self._clock.now()
        running = (entry for entry, until in self.ends(account_id, groups, market).items() if now < until)
        return tuple(dict.fromkeys((*self.lasting(account_id, groups, market), *running)))

    def lasting(self, account_id: str, groups: tuple[str, ...], market: str) -> tuple[str, ...]:
        """The list for one market of an account: its own for that market, its own, else those of its groups together.

        Empty when none is kept.
        """
        for name in (market, ""):
            if own := self._list(ACCOUNT, account_id, name):
                return own
        found: dict[str, None] = {}
        for group in groups:
            found |= dict.fromkeys(self._list(GROUP, group, market) or self._list(GROUP, group, ""))
        return tuple(found)

    def _list(self, scope: str, owner: str, market: str) -> tuple[str, ...]:
        rows = self._database.rows(_ONE_LIST, scope, owner, market)
        return tuple(json.loads(rows[0]["entries"])) if rows else ()

    # The lists that exchanges told.

    def note_told(self, lists: Mapping[str, tuple[bool | None, tuple[str, ...] | None]]) -> None:
        """Remembers, by account id, what permission calls have just told of keys' IP lists: whether one is set, and
        its entries where they are told."""
        if not lists:
            return
        now = self._clock.now()
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO told_lists VALUES (?, ?, ?, ?)",
                [
                    (
                        account_id,
                        now,
                        None if restricted is None else int(restricted),
                        None if entries is None else json.dumps(entries),
                    )
                    for account_id, (restricted, entries) in lists.items()
                ],
            )

    def told(self, account_id: str) -> ToldList | None:
        """What was told of a key's IP list, however long ago; None when it was never asked."""
        rows = self._database.rows("SELECT * FROM told_lists WHERE account_id=?", account_id)
        if not rows:
            return None
        restricted, entries = rows[0]["restricted"], rows[0]["entries"]
        return ToldList(
            rows[0]["at"],
            None if restricted is None else bool(restricted),
            None if entries is None else tuple(json.loads(entries)),
        )
