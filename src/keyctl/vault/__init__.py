"""Where secrets rest: the operating system's keyring, or one encrypted file. One store per home, chosen on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keyctl.errors import SetupProblem
    from keyctl.home.folders import Home
    from keyctl.model import Credential
    from keyctl.terminal.prompt import Prompt
    from keyctl.vault.generations import Memory


class SecretStore(Protocol):
    """Credentials by account id. Every method raises SetupProblem (exit 3) when the store cannot be opened."""

    def describe(self) -> str:
        """What this store is, in a few words for people: "the GNOME keyring", "the vault"."""

    def get(self, account_id: str) -> Credential:
        """The credential of one account. Raises SetupProblem (secret_missing) when there is none."""

    def get_many(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        """The credentials of all these accounts by id, from one opening of the store. Raises as get does."""

    def get_present(self, account_ids: Iterable[str]) -> dict[str, Credential]:
        """As get_many, without the accounts that have none."""

    def get_each(self, account_ids: Iterable[str]) -> dict[str, Credential | SetupProblem]:
        """As get_present, and for an account whose secret alone cannot be read, why: secret_damaged, secret_doubled."""

    def put(self, account_id: str, credential: Credential) -> None:
        """Stores a credential, or replaces it in one step; on disk when this returns."""

    def put_many(self, credentials: Mapping[str, Credential]) -> None:
        """Stores or replaces credentials by account id, in as few writes as the store allows."""

    def delete(self, account_id: str) -> None:
        """Removes a credential; nothing happens when there is none."""


def open_store(
    home: Home, prompt: Prompt, environ: Mapping[str, str], remember: Callable[[], Memory] | None = None
) -> SecretStore:
    """The store of this home: the vault when `keyctl vault init` was run here, else the system's keyring.

    There is no fall-back from one to the other and none to plain text. `remember` gives the journal's memory of vaults,
    by which an older vault is noticed. Raises SetupProblem (store_unavailable) when no allowed keyring can be used.
    """
    from keyctl.vault.moves import SteadyStore

    if is_vault_chosen(home):
        from keyctl.vault.encrypted_file import EncryptedFile
        from keyctl.vault.generations import Generations
        from keyctl.vault.key_source import VaultKey

        generations = None if remember is None else Generations(remember, prompt, folder=home.state)
        vault = EncryptedFile(home.vault_file, VaultKey(home, prompt, environ), generations)
        return SteadyStore(home, vault, is_vault=True)
    from keyctl.vault.os_keyring import open_keyring

    return SteadyStore(home, open_keyring(home.identity()), is_vault=False)


def is_vault_chosen(home: Home) -> bool:
    """Whether secrets of this home belong in the vault, even when its file is gone: then nothing else may serve.

    While secrets are moved from one store to the other, the note of the move tells. Raises StoreUnusable.
    """
    from keyctl.vault.moves import move_under_way

    move = move_under_way(home)
    if move is not None:
        return (move.to == "vault") is move.switched
    return any(path.exists() or path.is_symlink() for path in (home.vault_file, home.vault_source_file))
