"""The operating system's keyring, through backend classes that we name ourselves. The only door to `keyring`.

`keyring.get_keyring()` is never asked: with an add-on package or a settings file it may answer with a plain-text file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from keyctl.errors import SetupProblem
from keyctl.model.credential import Credential
from keyctl.vault.items import Items, erase_record, read_record, write_record
from keyctl.vault.keyring_trouble import VAULT_HINT, translated, unavailable
from keyctl.vault.record import Record, all_whole, damaged, from_each, missing, to_record

CALL_SECONDS = 10.0
_CHANGES_PER_SESSION = 20
# (module, class, name for people). Nothing else is ever used, whatever is installed or configured.
ALLOWED = (
    ("keyring.backends.macOS", "Keyring", "the macOS keychain"),
    ("keyring.backends.Windows", "WinVaultKeyring", "the Windows credential store"),
    ("keyring.backends.SecretService", "Keyring", "the system keyring (Secret Service)"),
    ("keyring.backends.libsecret", "Keyring", "the system keyring (libsecret)"),
    ("keyring.backends.kwallet", "DBusKeyring", "KWallet"),
)
_T = TypeVar("_T")


class OSKeyring:
    """A SecretStore in the system's keyring. Each call is one session, under one time limit."""

    def __init__(self, backend: Any, name: str, home_id: str, *, call_seconds: float = CALL_SECONDS) -> None:
        self._backend = backend
        self._name = name
        self._service = f"keyctl:{home_id}"
        self._call_seconds = call_seconds

    def describe(self) -> str:
        return self._name

    def get(self, account_id: str) -> Credential:
        return self.get_many([account_id])[account_id]

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        wanted = tuple(account_ids)
        found = self.get_present(wanted)
        if any(account_id not in found for account_id in wanted):
            raise missing()
        return found

    def get_present(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        """Those of the credentials that are here, by id, from one session. Raises SetupProblem."""
        return all_whole(self.get_each(account_ids))

    def get_each(self, account_ids: Iterable[str]) -> dict[str, Credential | SetupProblem]:
        """As get_present, with the reason in place of a credential that cannot be read."""
        wanted = tuple(account_ids)
        records = self._in_session(lambda items: {name: _record_or_reason(items, name) for name in wanted})
        return from_each({name: record for name, record in records.items() if record is not None})

    def put(self, account_id: str, credential: Credential) -> None:
        self.put_many({account_id: credential})

    def put_many(self, credentials: Mapping[str, Credential]) -> None:
        """Stores or replaces them one after another, each in one step. Raises SetupProblem."""
        records = {account_id: to_record(credential) for account_id, credential in credentials.items()}
        self._for_each(tuple(records), lambda items, name: write_record(items, name, records[name]))

    def delete(self, account_id: str) -> None:
        self.delete_many([account_id])

    def delete_many(self, account_ids: Iterable[str]) -> None:
        """Removes them one after another; those that are not here change nothing. Raises SetupProblem."""
        self._for_each(tuple(account_ids), erase_record)

    def get_record(self, name: str) -> object | None:
        """What is kept under a name, whatever it is; None when there is nothing. Raises SetupProblem."""
        return self._in_session(lambda items: read_record(items, name))

    def put_record(self, name: str, record: Record) -> None:
        """Keeps a record of any kind under a name, in one step. Raises SetupProblem."""
        self._in_session(lambda items: write_record(items, name, record))

    def _for_each(self, names: Sequence[str], work: Callable[[Items, str], None]) -> None:
        """Does the work in as few sessions as the time limit of one allows."""
        for start in range(0, len(names), _CHANGES_PER_SESSION):
            some = names[start : start + _CHANGES_PER_SESSION]
            self._in_session(partial(_do_each, some, work))

    def _in_session(self, work: Callable[[Items], _T]) -> _T:
        def session() -> _T:
            with _open_items(self._backend, self._service) as items:
                return work(items)

        return _limited(session, type(self._backend).__module__, self._call_seconds)


def _record_or_reason(items: Items, name: str) -> object | None:
    try:
        return read_record(items, name)
    except SetupProblem as problem:
        return problem


def _do_each(names: Sequence[str], work: Callable[[Items, str], None], items: Items) -> None:
    for name in names:
        work(items, name)


def open_keyring(home_id: str, *, call_seconds: float = CALL_SECONDS) -> OSKeyring:
    """The first allowed keyring that works here. Raises SetupProblem (store_unavailable)."""
    for module_name, class_name, name in ALLOWED:
        backend = _limited(partial(_backend, module_name, class_name), module_name, call_seconds)
        if backend is not None:
            return OSKeyring(backend, name, home_id, call_seconds=call_seconds)
    raise _no_keyring()


def lock_state(call_seconds: float = CALL_SECONDS) -> tuple[str, bool | None]:
    """The keyring that would be used, and whether it is locked (None: it does not tell). Never makes it ask anybody.

    Raises SetupProblem (store_unavailable).
    """
    for module_name, class_name, name in ALLOWED:
        if _limited(partial(_backend, module_name, class_name), module_name, call_seconds) is not None:
            return name, _limited(partial(_is_locked, module_name), module_name, call_seconds)
    raise _no_keyring()


def _is_locked(module_name: str) -> bool | None:
    """Through keyring's own module for the Secret Service; opening a collection by its backend would ask for the
    password, and where there is none would begin to make one. Raises InitError where there is none."""
    service = getattr(import_module(module_name), "secretstorage", None)
    if service is None:
        return None
    with closing(service.dbus_init()) as connection:
        try:
            return bool(service.Collection(connection).is_locked())
        except service.ItemNotFoundException:
            from keyring.errors import InitError

            raise InitError from None


def _backend(module_name: str, class_name: str) -> Any | None:
    """An instance of an allowed class; None where it is not viable, which keyring tells by raising RuntimeError."""
    try:
        backend_class = getattr(import_module(module_name), class_name)
        if backend_class.priority <= 0:
            return None
    except (ImportError, AttributeError, RuntimeError):
        return None
    backend = backend_class()
    # keyring lets KEYRING_PROPERTY_* set any attribute of a backend; an environment must not choose our collection.
    for variable in os.environ:
        if variable.startswith("KEYRING_PROPERTY_"):
            vars(backend).pop(variable.removeprefix("KEYRING_PROPERTY_").lower(), None)
    return backend


class _PlainItems:
    """Items through a backend's own three calls, for keyrings where each call is cheap."""

    def __init__(self, backend: Any, service: str) -> None:
        self._backend = backend
        self._service = service

    def read(self, name: str) -> tuple[str, ...]:
        try:
            text: str | None = self._backend.get_password(self._service, name)
        except UnicodeDecodeError:
            raise damaged() from None
        return () if text is None else (text,)

    def write(self, name: str, text: str) -> None:
        self._backend.set_password(self._service, name, text)

    def erase(self, name: str) -> None:
        with suppress(UnicodeDecodeError):  # what cannot be read is there all the same
            if self._backend.get_password(self._service, name) is None:
                return
        self._backend.delete_password(self._service, name)


class _SecretServiceItems:
    """Items through one connection and one encrypted session, where a connection per item costs 15 ms each."""

    def __init__(self, backend: Any, collection: Any, service: str) -> None:
        self._backend = backend
        self._collection = collection
        self._service = service

    def read(self, name: str) -> tuple[str, ...]:
        found: list[str] = []
        for item in self._collection.search_items(self._attributes(name)):
            self._backend.unlock(item)
            secret: bytes = item.get_secret()
            # The first read opens the session that encrypts secrets on the bus; the next ones share it.
            self._collection.session = item.session
            try:
                found.append(secret.decode("utf-8"))
            except UnicodeDecodeError:
                raise damaged() from None
        return tuple(found)

    def write(self, name: str, text: str) -> None:
        attributes = {**self._attributes(name), "application": "keyctl"}
        self._collection.create_item("keyctl: an API key", attributes, text.encode(), replace=True)

    def erase(self, name: str) -> None:
        for item in self._collection.search_items(self._attributes(name)):
            item.delete()

    def _attributes(self, name: str) -> dict[str, str]:
        return {"service": self._service, "username": name}


@contextmanager
def _secret_service_items(backend: Any, service: str) -> Iterator[Items]:
    collection = backend.get_preferred_collection()
    with closing(collection.connection):
        yield _SecretServiceItems(backend, collection, service)


@contextmanager
def _plain_items(backend: Any, service: str) -> Iterator[Items]:
    yield _PlainItems(backend, service)


def _open_items(backend: Any, service: str) -> AbstractContextManager[Items]:
    if hasattr(backend, "get_preferred_collection"):
        return _secret_service_items(backend, service)
    return _plain_items(backend, service)


def _limited(work: Callable[[], _T], backend_name: str, seconds: float) -> _T:
    """The work's result, or our own error. A locked keyring may wait on some screen for ever: the thread is left."""
    results: list[_T] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - backends raise what their platform raises; translated at once below
            failures.append(error)

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if results:
        return results[0]
    if failures:
        raise translated(failures[0], backend_name) from None
    raise unavailable(
        f"the keyring did not respond within {seconds:.0f} s",
        "unlock it: it may be waiting for its password on a screen",
        VAULT_HINT,
    )


def _no_keyring() -> SetupProblem:
    return unavailable(
        "keyctl cannot use a keyring of the operating system here",
        "for cron, ssh or a container: keyctl vault init --key-file FILE",
        f"if you are logged in at the desktop, set: DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{os.getuid()}/bus",
    )
