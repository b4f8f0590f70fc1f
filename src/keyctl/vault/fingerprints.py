"""Fingerprints: keyed hashes by which a scan knows a stored secret again while the store is locked.

Each is over the whole secret, in one form in which it can be written; none over a part, none of a passphrase, none of
a secret with less than 96 bits. So whoever has this file, with its key and a backup of the home, must guess a whole
secret, and a fast hash is safe. Secrets that were removed or replaced keep theirs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import KeyctlError, StoreUnusable
from keyctl.home.files import LOCK_SECONDS, locked, read_owned, write_whole
from keyctl.model.credential import Credential
from keyctl.model.noun import Noun

if TYPE_CHECKING:
    from keyctl.errors import SetupProblem
    from keyctl.home.folders import Home
    from keyctl.vault.store import SecretStore

BITS_MIN = 96
LENGTH_MIN = 20
_FORMAT = "keyctl-fingerprints"
_VERSION = 1
_HASH_BYTES, _KEY_BYTES = 16, 32
_ALPHABETS = (b"0-9", 10), (b"0-9a-f", 16), (b"0-9A-F", 16), (b"0-9a-z", 36), (b"0-9A-Z", 36), (b"0-9A-Za-z", 62)
# What reading rubbish can end with.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
# Of other texts it is not known how they were chosen; what is not ASCII counts no more than what is.
_ALPHABET_MAX = 64
_DISTINCT_MIN = 8
_PEM_BODY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_DER_BASE64 = re.compile(rb"M[A-Za-z0-9+/]{39,}={0,2}")
_ED25519_DER = 48
_SEED = 32


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Print(Noun):
    """One hash: the form that it is over, and that form's length and alphabet (`plain`: letters and digits alone)."""

    form: str
    length: int
    plain: bool
    hash: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entry(Noun):
    """The fingerprints of one secret of an account: none where it is too weak for them. `label` as it was last known;
    `dead_since`: when it was removed here, or another took its place."""

    id: str
    label: str
    kind: str
    prints: tuple[Print, ...]
    dead_since: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Kept(Noun):
    """What the file holds: the key of the hashes, and the entries of all secrets, old ones too."""

    key: bytes
    entries: tuple[Entry, ...]


def hash_of(key: bytes, word: bytes) -> str:
    """The fingerprint of a word."""
    return hashlib.blake2b(word, key=key, digest_size=_HASH_BYTES).hexdigest()


def private_der(secret: bytes) -> bytes | None:
    """The bytes of a stored private key, PEM or bare base64; None for a secret that is a text."""
    found = _PEM_BODY.search(secret)
    body = found[1] if found else secret if _DER_BASE64.fullmatch(secret) else None
    with suppress(ValueError):
        der = b"" if body is None else base64.b64decode(b"".join(body.split()), validate=True)
        if der[:1] == b"\x30":
            return der
    return None


def entropy_bits(secret: bytes) -> float:
    """The bits of guessing that a text's length and alphabet stand for; 0 for one that repeats itself."""
    if len(secret) < LENGTH_MIN or len(set(secret)) < _DISTINCT_MIN:
        return 0.0
    fits = (size for letters, size in _ALPHABETS if re.fullmatch(b"[" + letters + b"]+", secret))
    return len(secret) * math.log2(next(fits, _ALPHABET_MAX))


def whole_forms(secret: bytes) -> dict[str, bytes]:
    """The words that the whole secret is written as, by form: without the = that base64 may end with."""
    der = private_der(secret)
    if der is None:
        return {} if entropy_bits(secret) < BITS_MIN else {"as it is": secret, **_encoded(secret, line_end=True)}
    forms = {"as it is": _base64(der), "base64url": _base64(der, url=True)}
    forms |= {"hex": der.hex().encode(), "HEX": der.hex().upper().encode()}
    if len(der) == _ED25519_DER:
        seed = der[-_SEED:].hex().encode()
        forms |= {"seed, hex": seed, "seed, HEX": seed.upper()}
    return forms | {f"its text, {form}": word for form, word in _encoded(secret.strip(), line_end=True).items()}


def _encoded(raw: bytes, *, line_end: bool = False) -> dict[str, bytes]:
    """`line_end`: also as `echo SECRET | base64` writes it."""
    forms = {"base64": _base64(raw), "base64url": _base64(raw, url=True), "hex": raw.hex().encode()}
    forms["HEX"] = forms["hex"].upper()
    return forms | ({"base64 with a line end": _base64(raw + b"\n")} if line_end else {})


def _base64(raw: bytes, *, url: bool = False) -> bytes:
    return (base64.urlsafe_b64encode if url else base64.b64encode)(raw).rstrip(b"=")


class Fingerprints:
    """The file of a home's fingerprints. Changed in one step under its lock."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def path(self) -> Path:
        """In the state folder, for this user alone."""
        return self._home.state / "fingerprints.json"

    def live_ids(self) -> set[str]:
        """The accounts whose secret has fingerprints, quickly: every opening of the store asks. Raises StoreUnusable
        for a file that is no such list."""
        data = read_owned(self.path)
        try:
            accounts = [] if data is None else json.loads(data)["accounts"]
            return {str(entry["id"]) for entry in accounts if entry["dead_since"] is None}
        except _UNREADABLE:
            raise self._damaged() from None

    def read(self) -> Kept | None:
        """What is kept; None before the first secret was stored. Raises StoreUnusable for a damaged or newer file."""
        data = read_owned(self.path)
        if data is None:
            return None
        try:
            document = json.loads(data)
            if document["format"] != _FORMAT or document["version"] != _VERSION:
                raise ValueError
            key = bytes.fromhex(document["key"])
            if len(key) != _KEY_BYTES:
                raise ValueError
            return Kept(key, tuple(map(_entry, document["accounts"])))
        except _UNREADABLE:
            raise self._damaged() from None

    def trouble(self) -> StoreUnusable | None:
        """Why the file cannot be read; None where it can be, or is not there yet."""
        try:
            self.read()
        except StoreUnusable as trouble:
            return trouble
        return None

    def _damaged(self) -> StoreUnusable:
        return StoreUnusable(
            f"{self.path} is damaged, or from a newer keyctl; nothing was changed",
            f"to start a new one, which will not know removed keys: mv {self.path} {self.path}.damaged",
            code="fingerprints_damaged",
        )

    def keep(
        self, credentials: Mapping[str, Credential], labels: Mapping[str, str], *, wait_seconds: float = LOCK_SECONDS
    ) -> None:
        """Makes the fingerprints of these secrets, by account id; another secret than before is a new one."""

        def add(kept: Kept) -> Kept:
            entries = list(kept.entries)
            for account_id, credential in credentials.items():
                made = _made(kept.key, account_id, labels.get(account_id, ""), credential)
                live = [entry for entry in entries if entry.id == account_id and entry.dead_since is None]
                if any({item.hash for item in entry.prints} == {item.hash for item in made.prints} for entry in live):
                    continue
                entries = [_dead(entry, entry.label) if entry in live else entry for entry in entries] + [made]
            return replace(kept, entries=tuple(entries))

        self._change(add, wait_seconds)

    def bury(self, account_id: str, label: str) -> None:
        """Notes that the account's secret is stored no more. One without a label was never an account: it goes."""

        def change(kept: Kept) -> Kept:
            mine = [entry for entry in kept.entries if entry.id == account_id and entry.dead_since is None]
            left = (entry for entry in kept.entries if label or entry not in mine)
            return replace(kept, entries=tuple(_dead(entry, label) if entry in mine else entry for entry in left))

        self._change(change, LOCK_SECONDS)

    def _change(self, change: Callable[[Kept], Kept], wait_seconds: float) -> None:
        self._home.prepare()
        with locked(self.path, wait_seconds):
            kept = self.read() or Kept(os.urandom(32), ())
            changed = change(kept)
            if changed.entries != kept.entries:
                write_whole(self.path, _text(changed))


class FingerprintedStore:
    """A SecretStore that keeps fingerprints of what goes through it.

    They are an aid: no trouble with them keeps a secret from being stored, read or removed. `warn` is told once of a
    file that cannot be read.
    """

    def __init__(
        self,
        store: SecretStore,
        prints: Fingerprints,
        labels: Callable[[], Mapping[str, str]],
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._store = store
        self._prints = prints
        self._labels = labels
        self._warn = warn
        self._warned = False
        self._known: set[str] | None = None

    def describe(self) -> str:
        return self._store.describe()

    def get(self, account_id: str) -> Credential:
        return self.get_many([account_id])[account_id]

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        return self._seen(self._store.get_many(account_ids))

    def get_present(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        return self._seen(self._store.get_present(account_ids))

    def get_each(self, account_ids: Iterable[str]) -> dict[str, Credential | SetupProblem]:
        found = self._store.get_each(account_ids)
        self._seen({name: item for name, item in found.items() if isinstance(item, Credential)})
        return found

    def put(self, account_id: str, credential: Credential) -> None:
        self._store.put(account_id, credential)
        self._keep({account_id: credential})

    def put_many(self, credentials: Mapping[str, Credential]) -> None:
        self._store.put_many(credentials)
        self._keep(credentials)

    def delete(self, account_id: str) -> None:
        self._store.delete(account_id)
        self._try(lambda: self._prints.bury(account_id, self._labels().get(account_id, "")))

    def _seen(self, credentials: dict[str, Credential]) -> dict[str, Credential]:
        """The credentials; those without fingerprints get them, unless another process is busy with the file."""
        if self._known is None:
            self._known = set()
            self._try(self._know)
        missing = {name: item for name, item in credentials.items() if name not in (self._known or set())}
        if missing:
            self._keep(missing, wait_seconds=0)
        return credentials

    def _know(self) -> None:
        self._known = self._prints.live_ids()

    def _keep(self, credentials: Mapping[str, Credential], *, wait_seconds: float = LOCK_SECONDS) -> None:
        self._known = (self._known or set()) | set(credentials)
        self._try(lambda: self._prints.keep(credentials, self._labels(), wait_seconds=wait_seconds))

    def _try(self, action: Callable[[], None]) -> None:
        """Does it as far as it can be done. A busy or full disk is no news; a file that cannot be read is."""
        try:
            action()
        except (KeyctlError, OSError):
            if not self._warned and (trouble := self._prints.trouble()) is not None:
                self._warned = True
                hint = f" ({trouble.hints[0]})" if trouble.hints else ""
                self._warn(f"fingerprints cannot be read, so keyctl scan may miss leaks: {trouble.message}{hint}")


def _made(key: bytes, account_id: str, label: str, credential: Credential) -> Entry:
    secret = credential.secret.reveal()
    words = {word: form for form, word in reversed(whole_forms(secret).items())}
    prints = tuple(Print(form, len(word), word.isalnum(), hash_of(key, word)) for word, form in words.items())
    return Entry(account_id, label, "private key" if private_der(secret) else "secret", prints)


def _dead(entry: Entry, label: str) -> Entry:
    return replace(entry, label=label or entry.label, dead_since=datetime.now(UTC).replace(microsecond=0))


def _entry(raw: Mapping[str, object]) -> Entry:
    """Raises what reading rubbish can end with."""
    prints, dead = raw["prints"], raw["dead_since"]
    if not isinstance(prints, list):
        raise TypeError
    since = None if dead is None else datetime.fromisoformat(str(dead))
    if since is not None and since.tzinfo is None:
        raise ValueError
    return Entry(str(raw["id"]), str(raw["label"]), str(raw["kind"]), tuple(_print(*item) for item in prints), since)


def _print(form: object, length: object, plain: object, text: object) -> Print:
    if not (isinstance(length, int) and length >= LENGTH_MIN and isinstance(plain, bool) and isinstance(text, str)):
        raise TypeError
    if len(bytes.fromhex(text)) != _HASH_BYTES:
        raise ValueError
    return Print(str(form), length, plain, text)


def _text(kept: Kept) -> bytes:
    accounts = [
        {
            "id": entry.id,
            "label": entry.label,
            "kind": entry.kind,
            "dead_since": None if entry.dead_since is None else entry.dead_since.isoformat(),
            "prints": [[item.form, item.length, item.plain, item.hash] for item in entry.prints],
        }
        for entry in kept.entries
    ]
    document = {"format": _FORMAT, "version": _VERSION, "key": kept.key.hex(), "accounts": accounts}
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
