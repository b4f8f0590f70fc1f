"""SecretStore: what each place for secrets does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keyctl.errors import SetupProblem
    from keyctl.model.credential import Credential


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
