"""Accounts, what they are bound to, and their credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from keyctl.model.words import Algorithm, Kind, Market

if TYPE_CHECKING:
    from keyctl.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """One API key at one exchange, without its secret. `endpoint` is set for loopback accounts only."""

    id: str
    label: str
    exchange: str
    kind: Kind
    site: str
    markets: tuple[Market, ...]
    algorithm: Algorithm
    api_key_hint: str
    api_key_hash: str
    created: datetime
    endpoint: str | None = None
    ca_file: str | None = None
    uid: str | None = None
    groups: tuple[str, ...] = ()
    disabled: bool = False

    @property
    def binding(self) -> Binding:
        """What the stored secret must agree with before it is used."""
        return Binding(self.exchange, self.kind, self.site, self.endpoint, self.ca_file)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a secret may be used. Kept beside the secret, so that an edited account list cannot redirect a key."""

    exchange: str
    kind: Kind
    site: str
    endpoint: str | None
    ca_file: str | None


@dataclass(frozen=True, slots=True)
class Credential:
    """What a store keeps for an account. Never given to a session, a journal or any output."""

    api_key: str
    secret: Secret
    algorithm: Algorithm
    passphrase: Secret | None
    binding: Binding
