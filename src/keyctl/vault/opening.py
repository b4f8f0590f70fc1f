"""Which store a home has: one, chosen on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyctl.home.folders import Home
    from keyctl.terminal.prompt import Prompt
    from keyctl.vault.generations import Memory
    from keyctl.vault.store import SecretStore


def open_store(
    home: Home, prompt: Prompt, environ: Mapping[str, str], remember: Callable[[], Memory] | None = None
) -> SecretStore:
    """The store of this home: the vault when `keyctl vault init` was run here, else the system's keyring.

    There is no fall-back from one to the other and none to plain text. `remember` gives the journal's memory of vaults,
    by which an older vault is noticed. Raises SetupProblem (store_unavailable) when no allowed keyring can be used.
    """
    from keyctl.vault.moves import SteadyStore, is_vault_chosen

    if is_vault_chosen(home):
        from keyctl.vault.encrypted_file import EncryptedFile
        from keyctl.vault.generations import Generations
        from keyctl.vault.key_source import VaultKey

        generations = None if remember is None else Generations(remember, prompt, folder=home.state)
        vault = EncryptedFile(home.vault_file, VaultKey(home, prompt, environ), generations)
        return SteadyStore(home, vault, is_vault=True)
    from keyctl.vault.os_keyring import open_keyring

    return SteadyStore(home, open_keyring(home.identity()), is_vault=False)
