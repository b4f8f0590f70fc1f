"""Stored secrets by their fingerprints: what can be found while the store is locked, and of keys that are gone here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from keyctl.leaks.scan_hits import Hit
from keyctl.vault.fingerprints import Entry, Kept, hash_of


class Prints:
    """The fingerprints to look for: one keyed hash for each word of a length that one of them has. The lengths are of
    words of letters and digits (`plain`), of private keys in base64 (`der`), of other words with signs (`signed`)."""

    def __init__(self, kept: Kept | None) -> None:
        self._key = kept.key if kept else b""
        self._known: dict[str, tuple[Entry, str]] = {}
        for entry in kept.entries if kept else ():
            for item in entry.prints:
                known = self._known.get(item.hash)
                if known is None or known[0].dead_since is not None:
                    self._known[item.hash] = entry, item.form
        found = [(entry.kind, item) for entry in (kept.entries if kept else ()) for item in entry.prints]
        self.plain = {item.length for _, item in found if item.plain}
        self.der = {item.length for kind, item in found if not item.plain and kind == "private key"}
        self.signed = {item.length for kind, item in found if not item.plain and kind != "private key"}

    def in_words(self, words: set[bytes], start: int, end: int) -> Iterator[Hit]:
        """The secrets that are among whole words, which stand between these two places."""
        for word in words:
            if self._known and (found := self._known.get(hash_of(self._key, word))):
                entry, form = found
                yield Hit(start, end, entry.kind, form, account_id=entry.id, dead_since=entry.dead_since)

    def in_block(self, start: int, end: int, body: bytes) -> Iterator[Hit]:
        """The private key that a PEM block holds, if it is one of them."""
        yield from (replace(hit, form="PEM") for hit in self.in_words({body}, start, end))
