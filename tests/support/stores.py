"""What tests of stores share: credentials, a store in memory, and the contract that every SecretStore fulfils."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from keyctl.errors import SetupProblem
from keyctl.home.folders import Home
from keyctl.model.account import Account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.secret import Secret
from keyctl.vault.record import missing
from keyctl.vault.store import SecretStore

CANARY = 'canary/secret+text=that "must" not show'


def make_home(folder: Path, name: str = "home") -> Home:
    root = folder / name
    home = Home(root / "config", root / "state", root / "cache", is_default=False)
    home.prepare()
    return home


def make_credential(secret: str = CANARY, passphrase: str | None = None, api_key: str = "key-1") -> Credential:
    binding = Binding("okx", Kind.DEMO, "global", "http://127.0.0.1:9", None)
    return Credential(
        api_key, Secret(secret), Algorithm.HMAC, None if passphrase is None else Secret(passphrase), binding
    )


def make_account(label: str, **changes: object) -> Account:
    facts: dict[str, object] = {
        "id": f"id-{label}",
        "label": label,
        "exchange": "okx",
        "kind": Kind.LIVE,
        "site": "global",
        "markets": (Market.SPOT,),
        "algorithm": Algorithm.HMAC,
        "api_key_hint": "abcd..wxyz",
        "api_key_hash": f"hash-{label}",
        "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    return Account(**(facts | changes))  # type: ignore[arg-type]


def encodings(text: str) -> tuple[bytes, ...]:
    """A text in the forms in which it could lie about."""
    raw = text.encode()
    return (
        raw,
        base64.b64encode(raw).rstrip(b"="),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
        raw.hex().encode(),
        quote(text, safe="").encode(),
    )


def files_with(folder: Path, text: str) -> list[Path]:
    """The files below a folder that hold the text in any of those forms."""
    forms = encodings(text)
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and any(form in path.read_bytes() for form in forms):
            found.append(path)
    return found


def same(one: Credential, other: Credential) -> bool:
    def revealed(credential: Credential) -> tuple[object, ...]:
        passphrase = credential.passphrase
        return (
            credential.api_key,
            credential.secret.reveal(),
            credential.algorithm,
            None if passphrase is None else passphrase.reveal(),
            credential.binding,
        )

    return revealed(one) == revealed(other)


class MemoryStore:
    """A SecretStore that forgets everything at the end. `openings` counts the reads."""

    def __init__(self) -> None:
        self.credentials: dict[str, Credential] = {}
        self.openings = 0

    def describe(self) -> str:
        return "memory"

    def get(self, account_id: str) -> Credential:
        return self.get_many([account_id])[account_id]

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        self.openings += 1
        wanted = list(account_ids)
        if any(account_id not in self.credentials for account_id in wanted):
            raise missing()
        return {account_id: self.credentials[account_id] for account_id in wanted}

    def get_present(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        self.openings += 1
        return {name: self.credentials[name] for name in account_ids if name in self.credentials}

    def get_each(self, account_ids: Iterable[str]) -> dict[str, Credential | SetupProblem]:
        return dict(self.get_present(account_ids))

    def put(self, account_id: str, credential: Credential) -> None:
        self.credentials[account_id] = credential

    def put_many(self, credentials: Mapping[str, Credential]) -> None:
        self.credentials.update(credentials)

    def delete(self, account_id: str) -> None:
        self.credentials.pop(account_id, None)


class StoreContract:
    """Inherit, and give a fixture `store`."""

    def test_gives_back_what_was_put(self, store: SecretStore) -> None:
        credential = make_credential(passphrase="pass word")
        store.put("a", credential)
        assert same(store.get("a"), credential)

    def test_keeps_a_private_key_of_4096_bits_whole(self, store: SecretStore) -> None:
        pem = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(["Ab+/" * 16] * 51) + "\n-----END PRIVATE KEY-----\n"
        store.put("a", make_credential(pem))
        assert store.get("a").secret.reveal() == pem.encode()

    def test_replaces_long_by_short_and_back(self, store: SecretStore) -> None:
        for secret in ("x" * 5000, "short", "y" * 3000):
            store.put("a", make_credential(secret))
            assert store.get("a").secret.reveal() == secret.encode()

    def test_many_are_read_at_once(self, store: SecretStore) -> None:
        for name in ("a", "b", "c"):
            store.put(name, make_credential(f"secret of {name}"))
        found = store.get_many(["c", "a"])
        assert {name: item.secret.reveal() for name, item in found.items()} == {
            "c": b"secret of c",
            "a": b"secret of a",
        }

    def test_a_missing_one_is_named_as_such(self, store: SecretStore) -> None:
        store.put("a", make_credential())
        with pytest.raises(SetupProblem) as caught:
            store.get_many(["a", "b"])
        assert caught.value.code == "secret_missing"
        assert list(store.get_present(["a", "b"])) == ["a"]
        assert list(store.get_each(["a", "b"])) == ["a"]

    def test_a_deleted_one_is_gone_and_the_others_stay(self, store: SecretStore) -> None:
        store.put("a", make_credential("x" * 3000))
        store.put("b", make_credential())
        store.delete("a")
        with pytest.raises(SetupProblem):
            store.get("a")
        assert same(store.get("b"), make_credential())

    def test_deleting_nothing_is_no_error(self, store: SecretStore) -> None:
        store.delete("never")
        assert store.get_many([]) == {}
