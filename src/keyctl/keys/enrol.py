"""A new account: where its key may be used, and storing it so that account list and secret store always agree."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyctl.errors import UsageProblem
from keyctl.home.accounts import mask
from keyctl.model.account import Account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Kind, Market

if TYPE_CHECKING:
    from keyctl.exchanges.profile import Profile
    from keyctl.home.accounts import Accounts
    from keyctl.vault.store import SecretStore

BOTH = "both"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key is said to belong, as the options have it; None for what was not said."""

    env: str | None = None
    site: str | None = None
    endpoint: str | None = None
    ca_file: str | None = None


def binding_for(profile: Profile, place: Place) -> Binding:
    """What the secret will be bound to. Raises UsageProblem for an endpoint that is not this machine itself."""
    site = place.site or profile.site_default
    if place.endpoint is None:
        if place.ca_file is not None:
            raise UsageProblem("--ca-file requires a loopback --endpoint", code="bad_endpoint")
        return Binding(profile.name, Kind(place.env or Kind.LIVE), site, None, None)
    if place.env not in (None, Kind.DEMO):
        raise UsageProblem("an account with --endpoint is a demo account", "remove --env", code="bad_endpoint")
    endpoint, ca_file = loopback_endpoint(place.endpoint, place.ca_file)
    return Binding(profile.name, Kind.DEMO, site, endpoint, ca_file)


def loopback_endpoint(url: str, ca_file: str | None) -> tuple[str, str | None]:
    """The endpoint as scheme, address and port, and the full path of its CA file.

    Raises UsageProblem (bad_endpoint) unless it is a literal loopback address, by http, or by https with a CA file: a
    name could be made to point elsewhere.
    """
    try:
        parts = urlsplit(url)
        address = ipaddress.ip_address(parts.hostname or "")
        port = parts.port
    except ValueError:
        raise _bad_endpoint("--endpoint must have a loopback IP address, such as http://127.0.0.1:8080") from None
    if not address.is_loopback or (address.version == 6 and address != ipaddress.IPv6Address("::1")):
        raise _bad_endpoint("--endpoint must be on this machine: 127.0.0.0/8 or [::1]")
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _bad_endpoint("--endpoint must be only a scheme, an IP address and a port")
    if parts.scheme not in ("http", "https"):
        raise _bad_endpoint("--endpoint must begin with http:// or https://")
    if (parts.scheme == "https") != (ca_file is not None):
        raise _bad_endpoint("an https endpoint requires --ca-file; an http endpoint does not accept it")
    host = f"[{address}]" if address.version == 6 else str(address)
    endpoint = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    if ca_file is None:
        return endpoint, None
    path = Path(ca_file).absolute()
    if not path.is_file():
        raise _bad_endpoint(f"the CA file {path} does not exist")
    return endpoint, str(path)


def markets_for(profile: Profile, wanted: str | None) -> tuple[Market, ...]:
    """The markets of the account: all that the exchange's profile has, unless one is named. Raises UsageProblem."""
    if wanted is None:
        return profile.markets
    chosen = tuple(Market) if wanted == BOTH else (Market(wanted),)
    for market in chosen:
        if market not in profile.markets:
            known = ", ".join(profile.markets)
            raise UsageProblem(
                f"keyctl does not support a {market} market at {profile.title}", f"known: {known}", code="no_market"
            )
    return chosen


def new_account(
    accounts: Accounts, label: str, markets: tuple[Market, ...], credential: Credential, groups: tuple[str, ...]
) -> Account:
    """An account for that credential, with a random id; nothing is stored yet."""
    binding = credential.binding
    return Account(
        id=secrets.token_hex(8),
        label=label,
        exchange=binding.exchange,
        kind=binding.kind,
        site=binding.site,
        markets=markets,
        algorithm=credential.algorithm,
        api_key_hint=mask(credential.api_key),
        api_key_hash=accounts.key_hash(credential.api_key),
        created=datetime.now(UTC).replace(microsecond=0),
        endpoint=binding.endpoint,
        ca_file=binding.ca_file,
        groups=groups,
    )


def enrol(accounts: Accounts, store: SecretStore, account: Account, credential: Credential) -> None:
    """Stores the secret, then the account. When the second fails, the secret is taken out again.

    In this order an interruption leaves at most a secret that nothing names, never an account without its secret.
    """
    accounts.check_new(account.label)
    accounts.check_unused(credential.api_key)
    store.put(account.id, credential)
    enrolled = False
    try:
        accounts.add(account)
        enrolled = True
    finally:
        if not enrolled:
            store.delete(account.id)


def enrol_all(accounts: Accounts, store: SecretStore, pairs: Sequence[tuple[Account, Credential]]) -> None:
    """Stores all secrets, then all accounts, each in as few writes as the store allows; all of them, or none.

    An interruption leaves at most secrets that nothing names. Raises as enrol does.
    """
    for account, credential in pairs:
        accounts.check_new(account.label)
        if credential.api_key:
            accounts.check_unused(credential.api_key)
    enrolled = False
    try:
        store.put_many({account.id: credential for account, credential in pairs})
        accounts.add_all([account for account, _ in pairs])
        enrolled = True
    finally:
        if not enrolled:
            for account, _ in pairs:
                store.delete(account.id)


def dismiss(accounts: Accounts, store: SecretStore, account: Account) -> None:
    """Removes the secret, then the account: an interruption leaves a name that can be removed once more."""
    store.delete(account.id)
    accounts.remove(account.label)


def _bad_endpoint(message: str) -> UsageProblem:
    return UsageProblem(message, code="bad_endpoint")
