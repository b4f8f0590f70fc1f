"""What a secret store keeps for an account, and where that secret may be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.model.noun import Noun
from keyctl.model.words import Algorithm, Kind

if TYPE_CHECKING:
    from keyctl.secret import Secret


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binding(Noun):
    """Where a secret may be used. Kept beside the secret, so that an edited account list cannot redirect a key."""

    exchange: str
    kind: Kind
    site: str
    endpoint: str | None
    ca_file: str | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Credential(Noun):
    """What a store keeps for an account. Never given to a session, a journal or any output."""

    api_key: str
    secret: Secret
    algorithm: Algorithm
    passphrase: Secret | None
    binding: Binding
