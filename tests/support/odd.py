"""Odd accounts for tests: what can be wrong with one account beside good ones, in a vault and in a system's keyring."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.vault import os_keyring
from keyctl.vault.os_keyring import OSKeyring
from tests.support.world import IPS, World

Record = dict[str, Any]
CONFIG = "[limits]\norders_per_minute = 100000\norders_per_hour = 100000\nday_value_usd = 10000000\n"


class FakeItem:
    """An item as secretstorage gives it."""

    def __init__(self, collection: FakeCollection, attributes: Mapping[str, str], secret: bytes) -> None:
        self._collection, self.attributes, self.secret = collection, dict(attributes), secret
        self.session = object()

    def get_secret(self) -> bytes:
        return self.secret

    def delete(self) -> None:
        self._collection.items.remove(self)


class FakeCollection:
    """A Secret Service's collection in memory: unlike a dictionary it can hold two items of equal attributes."""

    def __init__(self) -> None:
        self.items: list[FakeItem] = []
        self.connection = self
        self.session: object = None

    def close(self) -> None:
        return None

    def search_items(self, attributes: Mapping[str, str]) -> Iterator[FakeItem]:
        return iter([item for item in self.items if attributes.items() <= item.attributes.items()])

    def create_item(self, label: str, attributes: Mapping[str, str], secret: bytes, replace: bool = False) -> FakeItem:
        for item in self.items:
            if replace and item.attributes == dict(attributes):
                item.secret = secret
                return item
        self.items.append(FakeItem(self, attributes, secret))
        return self.items[-1]


class FakeService:
    """A backend of keyring over such a collection."""

    def __init__(self) -> None:
        self.collection = FakeCollection()

    def get_preferred_collection(self) -> FakeCollection:
        return self.collection

    def unlock(self, item: FakeItem) -> None:
        return None


class VaultWorld(World):
    """A home whose secrets are in a vault."""

    def record(self, label: str) -> Record:
        """The stored record of an account."""
        found: Record = self._vault().open().records[self.account_id(label)]
        return found

    def put(self, label: str, record: Any) -> None:
        """Stores something else in its place; None takes it out."""
        name = self.account_id(label)
        rest = {key: value for key, value in self._vault().open().records.items() if key != name}
        self._vault().change_records(lambda _: rest if record is None else {**rest, name: record})

    def _vault(self) -> Any:
        return self.app().store._store._store  # type: ignore[attr-defined]

    def account_id(self, label: str) -> str:
        """The account's id, by the list as it was when all was well."""
        return self.ids[label]

    @property
    def ids(self) -> dict[str, str]:
        if not hasattr(self, "_ids"):
            self._ids = {account.label: account.id for account in self.app().accounts.all()}
        return self._ids


class KeyringWorld(VaultWorld):
    """A home whose secrets are in a system's keyring, which is in memory."""

    def __enter__(self) -> KeyringWorld:
        self.service = FakeService()
        self._patch = patch.object(
            os_keyring, "open_keyring", lambda home_id: OSKeyring(self.service, "a keyring in memory", home_id)
        )
        self._patch.start()
        self.twin.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._patch.stop()
        super().__exit__(*exception)

    def record(self, label: str) -> Record:
        found = self._keyring().get_record(self.account_id(label))
        assert isinstance(found, dict)
        return found

    def put(self, label: str, record: Any) -> None:
        self._keyring().delete(self.account_id(label))
        if record is not None:
            self._keyring().put_record(self.account_id(label), record)

    def items(self, label: str) -> list[FakeItem]:
        """The head items of an account."""
        name = self.account_id(label)
        return [item for item in self.service.collection.items if item.attributes["username"] == name]

    def _keyring(self) -> Any:
        return self.app().store._store._store  # type: ignore[attr-defined]


def furnish(world: VaultWorld) -> MadeKey:
    """Three good accounts: `good`, `peer`, and `odd`, which tests make odd. Also the key of a stranger, of another
    account at the exchange of `odd`, which the home does not know."""
    rights = ("read", "spot_trade", "futures_trade")
    world.add("okx", "good", rights=rights)
    world.add("binance", "peer", rights=rights)
    world.add("binance", "odd", Algorithm.ED25519, rights=rights)
    write_config(world, "")
    stranger = make_key("binance", Algorithm.ED25519, rights=rights, ips=IPS)
    world.twin.add_key("binance", stranger)
    return stranger


def write_config(world: World, more: str) -> None:
    """The person's settings: limits that a test does not reach, and what is given."""
    path = world.home / "config" / "config.toml"
    path.write_text(CONFIG + more)
    path.chmod(0o600)


def edit_entry(world: World, label: str, **changes: Any) -> None:
    """The account list as another program, or a newer version, left it."""
    path = world.home / "config" / "accounts.json"
    document = json.loads(path.read_text())
    for entry in document["accounts"]:
        if entry["label"] == label:
            entry.update(changes)
    path.write_text(json.dumps(document))


def _edit_both(**changes: Any) -> Callable[[VaultWorld, MadeKey], None]:
    """List and secret agree: another version of keyctl wrote both."""

    def make(world: VaultWorld, stranger: MadeKey) -> None:
        edit_entry(world, "odd", **changes)
        world.put("odd", world.record("odd") | changes)

    return make


def _record(**changes: Any) -> Callable[[VaultWorld, MadeKey], None]:
    def make(world: VaultWorld, stranger: MadeKey) -> None:
        world.put("odd", world.record("odd") | changes)

    return make


def _entry(**changes: Any) -> Callable[[VaultWorld, MadeKey], None]:
    def make(world: VaultWorld, stranger: MadeKey) -> None:
        edit_entry(world, "odd", **changes)

    return make


def _not_text(world: VaultWorld, stranger: MadeKey) -> None:
    if isinstance(world, KeyringWorld):
        (head,) = world.items("odd")
        head.secret = b"\xff\xfe not text"
    else:
        world.put("odd", ["not", "a", "record"])


def _swapped(world: VaultWorld, stranger: MadeKey) -> None:
    record = world.record("odd")
    world.put("odd", record | {"api_key": stranger.api_key, "secret": stranger.secret})


def _of_the_peer(world: VaultWorld, stranger: MadeKey) -> None:
    world.put("odd", world.record("peer"))


def _doubled(world: VaultWorld, stranger: MadeKey) -> None:
    """Another item of the same attributes, with the stranger's key, found before ours."""
    assert isinstance(world, KeyringWorld)
    (head,) = world.items("odd")
    items = world.service.collection.items
    items.insert(0, FakeItem(world.service.collection, head.attributes, head.secret))


DOUBLED = "the keyring holds two secrets of it"
KINDS: dict[str, tuple[str, Callable[[VaultWorld, MadeKey], None]]] = {
    "its secret is missing": ("secret_missing", lambda world, _: world.put("odd", None)),
    "its secret is damaged": ("secret_damaged", _record(secret=None)),
    "its secret is no text": ("secret_damaged", _not_text),
    "its secret is bound elsewhere": ("binding_mismatch", _record(endpoint="http://127.0.0.1:9")),
    "its secret is of a stranger's key": ("key_mismatch", _swapped),
    "its secret is the peer's": ("key_mismatch", _of_the_peer),
    "its endpoint was changed": ("binding_mismatch", _entry(endpoint="http://127.0.0.1:9")),
    "its exchange is not known": ("unknown_exchange", _edit_both(exchange="moon")),
    "its site is not known": ("unknown_site", _edit_both(site="moon", endpoint=None)),
    "its kind is not known": ("account_unread", _entry(kind="paper")),
    "its market is not known": ("account_unread", _entry(markets=["options"])),
    "its private key cannot be read": ("bad_private_key", _record(secret="-----BEGIN nothing")),
    "its CA file is gone": ("bad_ca_file", _edit_both(ca_file="/nowhere/ca.pem")),
    "its proxy cannot be read": ("account_unread", _entry(proxy="ftp://nowhere")),
    "its proxy in config.toml cannot be read": (
        "bad_config",
        lambda world, _: write_config(world, '[accounts.odd]\nproxy = "ftp://nowhere"\n'),
    ),
    DOUBLED: ("secret_doubled", _doubled),
}


@contextmanager
def made_odd(world: VaultWorld, kind: str, stranger: MadeKey) -> Iterator[str]:
    """While it lasts, `odd` is of that kind; gives the code of its trouble."""
    accounts = world.home / "config" / "accounts.json"
    text, record = accounts.read_text(), world.record("odd")
    code, make = KINDS[kind]
    make(world, stranger)
    try:
        yield code
    finally:
        accounts.write_text(text)
        write_config(world, "")
        world.put("odd", record)
        world.close_apps()
