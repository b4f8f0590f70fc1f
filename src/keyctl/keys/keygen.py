"""Key pairs that are made here: the private half goes straight into the store, the public one to the exchange's page.

Until the exchange hands back an API key the account is pending: it takes part in nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges.signing import new_private_key, public_key_of
from keyctl.home.accounts import check_label, mask
from keyctl.keys.enrol import Place, binding_for, markets_for
from keyctl.model.account import Account
from keyctl.model.credential import Credential
from keyctl.model.words import Algorithm, Standing

if TYPE_CHECKING:
    from keyctl.exchanges.profile import Profile
    from keyctl.home.accounts import Accounts
    from keyctl.vault.store import SecretStore

NO_KEY = "(no API key yet)"
_LINE = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of pair is wanted, and for which place, markets and groups."""

    kind: Literal["ed25519", "rsa"]
    bits: int
    place: Place
    market: str | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half as the exchange's page takes it, and the SHA-256 of its DER form in hex."""

    text: str
    fingerprint: str


def make_pair(accounts: Accounts, store: SecretStore, profile: Profile, label: str, wish: Wish) -> Account:
    """A pending account whose fresh private key is in the store. Raises UsageProblem, SetupProblem, StoreUnusable.

    The secret is stored first: an interruption leaves at most a secret that nothing names.
    """
    from keyctl.exchanges.shipped import load

    algorithm = Algorithm(wish.kind)
    if algorithm not in profile.algorithms:
        raise UsageProblem(
            f"{profile.title} does not have {algorithm} keys: the exchange creates the secret itself",
            f"to create a key there: keyctl checklist {profile.name}",
            code="no_key_type",
        )
    binding = binding_for(profile, wish.place)
    load(binding)
    markets = markets_for(profile, wish.market)
    for group in wish.groups:
        check_label(group)
    accounts.check_new(label)
    account_id = secrets.token_hex(8)
    account = Account(
        id=account_id,
        label=label,
        exchange=binding.exchange,
        kind=binding.kind,
        site=binding.site,
        markets=markets,
        algorithm=algorithm,
        api_key_hint=NO_KEY,
        api_key_hash=accounts.key_hash(f"pending {account_id}"),
        created=datetime.now(UTC).replace(microsecond=0),
        endpoint=binding.endpoint,
        ca_file=binding.ca_file,
        groups=wish.groups,
        standing=Standing.PENDING,
    )
    store.put(account_id, Credential("", new_private_key(wish.kind, wish.bits), algorithm, None, binding))
    added = False
    try:
        accounts.add(account)
        added = True
    finally:
        if not added:
            store.delete(account_id)
    return account


def pending_pair(accounts: Accounts, store: SecretStore, label: str, exchange: str) -> tuple[Account, Credential]:
    """The pending account of that label with its key pair. Raises SetupProblem (not_pending)."""
    account = accounts.get(label)
    if account.standing is not Standing.PENDING or account.algorithm is Algorithm.HMAC or account.exchange != exchange:
        raise SetupProblem(
            f"{label} is not a pending key pair for {exchange}",
            f"create one: keyctl keygen {exchange}",
            code="not_pending",
        )
    credential = store.get(account.id)
    if credential.binding != account.binding:
        raise SetupProblem(f"{label}: account list and stored secret disagree", code="binding_mismatch")
    return account, credential


def completed(accounts: Accounts, account: Account, credential: Credential, changes: Mapping[str, Any]) -> Account:
    """The account as it is once its pair has an API key; nothing is stored yet."""
    return replace(
        account,
        api_key_hint=mask(credential.api_key),
        api_key_hash=accounts.key_hash(credential.api_key),
        created=datetime.now(UTC).replace(microsecond=0),
        standing=Standing.ACTIVE,
        **changes,
    )


def public_key(profile: Profile, credential: Credential) -> PublicKey:
    """The public half in the form of that exchange's page. Raises SetupProblem (bad_private_key)."""
    der = public_key_of(credential.secret)
    text = base64.b64encode(der).decode("ascii")
    if profile.public_key_form == "pem":
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        text = "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----"])
    return PublicKey(text, hashlib.sha256(der).hexdigest())


def check_free(path: Path) -> None:
    """Nothing when a file may be made there. Raises UsageProblem: no file of the person's is ever written over."""
    if path.exists() or path.is_symlink():
        raise UsageProblem(f"{path} already exists", "choose another name for --out", code="file_exists")
    if not os.access(path.parent, os.W_OK):
        raise UsageProblem(f"cannot create a file in {path.parent}", code="bad_file")


def write_public(path: Path, key: PublicKey) -> None:
    """Writes the public half to a new file. Raises UsageProblem (file_exists, bad_file)."""
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(key.text + "\n")
    except FileExistsError:
        raise UsageProblem(f"{path} already exists", "choose another name for --out", code="file_exists") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}", code="bad_file") from None
