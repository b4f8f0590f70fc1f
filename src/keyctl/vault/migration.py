"""Moves all secrets to the other store: copies, reads back, compares, switches, and only then removes.

Interrupted anywhere, at least one store is complete and the note of the move says which one is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.errors import KeyctlError, SetupProblem
from keyctl.vault.moves import Move, StoreKind, end_move, is_vault_chosen, move_under_way, note_move, stores_held
from keyctl.vault.record import same
from keyctl.vault.upkeep import erase_vault

if TYPE_CHECKING:
    from keyctl.home.folders import Home
    from keyctl.model.credential import Credential
    from keyctl.vault.encrypted_file import EncryptedFile
    from keyctl.vault.os_keyring import OSKeyring


@dataclass(frozen=True, slots=True)
class Stores:
    """How each store of a home is opened, each time anew; and how its vault is made when there is none."""

    vault: Callable[[], EncryptedFile]
    keyring: Callable[[], OSKeyring]
    make_vault: Callable[[], None]

    def open(self, kind: StoreKind) -> EncryptedFile | OSKeyring:
        """The store of that kind. Raises SetupProblem."""
        return self.vault() if kind == "vault" else self.keyring()


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did: secrets that are in the new store now, and account ids whose secret was in none before."""

    secrets: int
    missing: tuple[str, ...] = ()
    abandoned: bool = False


def migrate(home: Home, to: StoreKind, listed: Iterable[str], stores: Stores) -> Moved:
    """Moves the secrets of the listed accounts, and all that a vault holds besides. Goes on where it was interrupted.

    Asked for the store that an unfinished copy came from, it takes the copy back. Raises SetupProblem and
    StoreUnusable, with a hint which store is in use and how to go on.
    """
    ids = tuple(listed)
    with stores_held(home):
        try:
            return _migrate(home, to, ids, stores)
        except KeyctlError as error:
            in_use = "vault" if is_vault_chosen(home) else "keyring"
            error.hints = (*error.hints, f"in use now: the {in_use}; to continue: keyctl vault migrate --to {to}")
            raise


def _migrate(home: Home, to: StoreKind, ids: tuple[str, ...], stores: Stores) -> Moved:
    move = move_under_way(home)
    if move is not None and move.to != to:
        return _abandon(home, move, stores)
    if move is None and is_vault_chosen(home) == (to == "vault"):
        return _gather(home, to, ids, stores)
    missing: tuple[str, ...] = ()
    if move is None or not move.switched:
        note_move(home, Move(to, False, move.ids if move else ()))
        move, missing = _copy(home, to, ids, stores)
    _remove(home, move, ids, stores)
    return Moved(len(move.ids), missing)


def _copy(home: Home, to: StoreKind, ids: tuple[str, ...], stores: Stores) -> tuple[Move, tuple[str, ...]]:
    """Brings every secret over and switches. The move, and the accounts that have no secret."""
    wanted = stores.vault().get_all() if to == "keyring" else stores.keyring().get_present(ids)
    if to == "vault" and not home.vault_file.exists():
        stores.make_vault()
    note_move(home, Move(to, False, tuple(wanted)))
    _put_missing(stores, to, wanted)
    move = Move(to, True, tuple(wanted))
    note_move(home, move)
    return move, tuple(account_id for account_id in ids if account_id not in wanted)


def _put_missing(stores: Stores, to: StoreKind, wanted: Mapping[str, Credential]) -> None:
    """Copies what is not there yet; then reads all of it back through a fresh opening and compares."""
    target = stores.open(to)
    there = target.get_present(wanted)
    target.put_many({name: item for name, item in wanted.items() if name not in there or not same(there[name], item)})
    found = stores.open(to).get_present(wanted)
    if not all(name in found and same(found[name], item) for name, item in wanted.items()):
        raise SetupProblem("the copied secrets read back differently", "nothing was removed", code="copy_differs")


def _remove(home: Home, move: Move, ids: tuple[str, ...], stores: Stores) -> None:
    """Empties the old store. An account that was removed since the switch may be missing in the new one."""
    needed = [name for name in move.ids if name in ids]
    if len(stores.open(move.to).get_present(needed)) != len(needed):
        raise SetupProblem("the new store lacks a secret", "nothing was removed", code="copy_differs")
    if move.to == "vault":
        stores.keyring().delete_many(move.ids)
    else:
        erase_vault(home)
    end_move(home)


def _gather(home: Home, to: StoreKind, ids: tuple[str, ...], stores: Stores) -> Moved:
    """The store is in use already: brings in what a process that began before the switch still put into the keyring."""
    if to == "keyring":
        return Moved(0)
    there = stores.vault().get_present(ids)
    lacking = [name for name in ids if name not in there]
    if not lacking:
        return Moved(0)
    wanted = stores.keyring().get_present(lacking)
    _put_missing(stores, to, wanted)
    stores.keyring().delete_many(wanted)
    return Moved(len(wanted), tuple(name for name in lacking if name not in wanted))


def _abandon(home: Home, move: Move, stores: Stores) -> Moved:
    if move.switched:
        raise SetupProblem(
            f"the move to the {move.to} is not finished",
            f"finish it first: keyctl vault migrate --to {move.to}",
            code="move_unfinished",
        )
    if move.to == "vault":
        erase_vault(home)
    else:
        stores.keyring().delete_many(move.ids)
    end_move(home)
    return Moved(0, abandoned=True)
