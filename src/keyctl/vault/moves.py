"""The note of a move from one store to the other, and what it means for those who use the store meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.home.files import locked, read_owned, sync_folder, write_whole
from keyctl.vault.store import SecretStore

if TYPE_CHECKING:
    from keyctl.home.folders import Home
    from keyctl.model.credential import Credential

StoreKind = Literal["keyring", "vault"]
_FORMAT = "keyctl-move"


class Move(NamedTuple):
    """A move of all secrets. Until it has switched, the old store is in use; from then on the new one."""

    to: StoreKind
    switched: bool
    ids: tuple[str, ...]

    @property
    def in_use(self) -> StoreKind:
        if self.switched:
            return self.to
        return "keyring" if self.to == "vault" else "vault"


def move_under_way(home: Home) -> Move | None:
    """The move that was begun and not ended; None when there is none. Raises StoreUnusable when its note is damaged."""
    path = _note(home)
    data = read_owned(path)
    if data is None:
        return None
    try:
        content = json.loads(data)
        if content["format"] != _FORMAT or content["version"] != 1 or type(content["switched"]) is not bool:
            raise ValueError
        ids = tuple(content["ids"])
        if content["to"] not in ("keyring", "vault") or not all(isinstance(name, str) for name in ids):
            raise ValueError
        return Move(content["to"], content["switched"], ids)
    except (ValueError, KeyError, TypeError):
        raise StoreUnusable(f"{path} is damaged", "restore it from a backup; nothing was changed") from None


def is_vault_chosen(home: Home) -> bool:
    """Whether secrets of this home belong in the vault, even when its file is gone: then nothing else may serve.

    While secrets are moved from one store to the other, the note of the move tells. Raises StoreUnusable.
    """
    move = move_under_way(home)
    if move is not None:
        return (move.to == "vault") is move.switched
    return any(path.exists() or path.is_symlink() for path in (home.vault_file, home.vault_source_file))


def note_move(home: Home, move: Move) -> None:
    """Writes where the move stands, in one step. Call it with the stores held."""
    content = {"format": _FORMAT, "version": 1, "to": move.to, "switched": move.switched, "ids": list(move.ids)}
    write_whole(_note(home), json.dumps(content, sort_keys=True).encode() + b"\n")


def end_move(home: Home) -> None:
    """The move is over. Call it with the stores held."""
    _note(home).unlink(missing_ok=True)
    sync_folder(home.state)


@contextmanager
def stores_held(home: Home) -> Iterator[None]:
    """Nobody else changes a secret or moves the store meanwhile. Raises StoreUnusable (store_locked)."""
    home.prepare()
    with locked(home.state / "store"):
        yield


class SteadyStore:
    """A SecretStore that refuses a change when the home's secrets have moved since it was opened."""

    def __init__(self, home: Home, store: SecretStore, *, is_vault: bool) -> None:
        self._home = home
        self._store = store
        self._is_vault = is_vault

    def describe(self) -> str:
        return self._store.describe()

    def get(self, account_id: str) -> Credential:
        return self._store.get(account_id)

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        return self._store.get_many(account_ids)

    def get_present(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        return self._store.get_present(account_ids)

    def get_each(self, account_ids: Iterable[str]) -> dict[str, Credential | SetupProblem]:
        return self._store.get_each(account_ids)

    def put(self, account_id: str, credential: Credential) -> None:
        with self._steady():
            self._store.put(account_id, credential)

    def put_many(self, credentials: Mapping[str, Credential]) -> None:
        with self._steady():
            self._store.put_many(credentials)

    def delete(self, account_id: str) -> None:
        with self._steady():
            self._store.delete(account_id)

    @contextmanager
    def _steady(self) -> Iterator[None]:
        if self._is_vault:
            self._store.get_many(())  # a question to the person comes before the lock, which others wait for
        with stores_held(self._home):
            if is_vault_chosen(self._home) is not self._is_vault:
                raise SetupProblem(
                    "the secrets were moved to another store in the meantime",
                    "run the command again",
                    code="store_moved",
                )
            yield


def _note(home: Home) -> Path:
    return home.state / "vault-move.json"
