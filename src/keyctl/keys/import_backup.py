"""Accounts that come back from a backup, checked like new ones: a backup is a file that somebody may have made up."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.home.accounts import check_label, mask, restored_account
from keyctl.keys.enrol import Place, binding_for
from keyctl.keys.keygen import NO_KEY
from keyctl.keys.newcomers import Newcomer, Options, free_label
from keyctl.keys.other_programs import Remark
from keyctl.model.account import Account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm, Standing
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.exchanges.base import Exchange
    from keyctl.exchanges.profile import Profile

_ID = re.compile("[0-9a-f]{16}")
_UID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_GROUPS_MAX = 50
# No exchange is older; a date before it would also be too early for some time zones' arithmetic.
_EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)
_STAND_IN = "Stand-in-0"


def from_backup(app: App, path: Path, options: Options, *, asked: bool) -> tuple[list[Newcomer], list[Remark]]:
    """The accounts of a backup that may be stored here, and remarks on the others.

    `asked`: a person will look at the table first. Without one, what sends a key's requests another way (proxy, CA
    file) is not taken over. Raises SetupProblem (backup_locked, bad_file), NeedsPerson, UsageProblem.
    """
    from keyctl.vault.backup import backup_kind, read_backup

    entries = read_backup(path, options.key.given(app, backup_kind(path), new=False))
    stored = app.accounts.all()
    taken = _Taken({account.id for account in stored}, {account.label for account in stored},
                   {account.api_key_hash for account in stored})  # fmt: skip
    coming: list[Newcomer] = []
    remarks: list[Remark] = []
    for entry in entries.values():
        try:
            account = restored_account(dict(entry.facts))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            remarks.append(Remark("", "(an entry)", "its data cannot be read"))
            continue
        try:
            newcomer = _returning(app, account, entry.credential, options, taken, asked)
        except (SetupProblem, UsageProblem) as problem:
            remarks.append(Remark("", account.label, problem.message))
        else:
            taken.add(newcomer.account)
            coming.append(newcomer)
    return coming, remarks


class _Taken:
    """Ids, labels and key hashes of accounts that are here or have been read from the backup already."""

    def __init__(self, ids: set[str], labels: set[str], hashes: set[str]) -> None:
        self.ids, self.labels, self.hashes = ids, labels, hashes

    def add(self, account: Account) -> None:
        self.ids.add(account.id)
        self.labels.add(account.label)
        self.hashes.add(account.api_key_hash)


def _returning(
    app: App, account: Account, credential: Credential, options: Options, taken: _Taken, asked: bool
) -> Newcomer:
    """An account of the backup as it will be here: its own id and label, unless they are taken.

    Raises SetupProblem, UsageProblem for one that must not be stored.
    """
    from keyctl.exchanges.shipped import load, profile

    if credential.binding != account.binding or credential.algorithm is not account.algorithm:
        raise SetupProblem(
            "account data and secret have different exchanges, endpoints or key types", code="binding_mismatch"
        )
    facts = profile(account.exchange)
    exchange = load(_checked_binding(facts, account, asked))
    _check_facts(facts, account)
    _check_credential(exchange, account, credential)
    if app.accounts.key_hash(credential.api_key or f"pending {account.id}") in taken.hashes:
        raise SetupProblem("its API key is stored already", code="duplicate_key")
    account_id = account.id if account.id not in taken.ids and _ID.fullmatch(account.id) else secrets.token_hex(8)
    key_hash = app.accounts.key_hash(credential.api_key or f"pending {account_id}")
    was = account.label
    label = free_label(was, taken.labels)
    notes = [str(account.standing)] + ([f"was {was}"] if label != was else [])
    groups = tuple(dict.fromkeys((*account.groups, *options.groups)))
    if groups:
        notes.append(f"groups {', '.join(groups)}")
    if account.endpoint:
        notes.append(f"endpoint {account.endpoint}")
    if account.ca_file:
        notes.append(f"CA file {account.ca_file}")
    proxy = account.proxy if asked else None
    if account.proxy:
        notes.append(f"proxy {account.proxy}" + ("" if asked else " not stored: it was not confirmed"))
    if account.standing is Standing.QUARANTINED:  # its rotation stays where it was begun
        account = replace(account, standing=Standing.DISABLED)
    hint = mask(credential.api_key) if credential.api_key else NO_KEY
    account = replace(
        account, id=account_id, label=label, api_key_hash=key_hash, api_key_hint=hint, groups=groups, proxy=proxy
    )
    return Newcomer("", was, account, credential, "; ".join(notes))


def _checked_binding(facts: Profile, account: Account, asked: bool) -> Binding:
    """The binding, as `add` would make it: a shipped site, or a loopback endpoint.

    Raises UsageProblem, SetupProblem for any other.
    """
    if account.ca_file and not asked:
        raise SetupProblem("it has its own CA file; check it first: import without --yes", code="not_confirmed")
    env = None if account.endpoint else account.kind.value
    binding = binding_for(facts, Place(env, account.site, account.endpoint, account.ca_file))
    if binding != account.binding:
        raise SetupProblem("keyctl does not store such an endpoint or environment", code="bad_endpoint")
    return binding


def _check_facts(facts: Profile, account: Account) -> None:
    """Nothing when each fact has the shape and range that keyctl itself writes. Raises SetupProblem."""
    latest = datetime.now(UTC) + timedelta(days=2)
    fine = (
        account.markets
        and len(set(account.markets)) == len(account.markets)
        and set(account.markets) <= set(facts.markets)
        and account.algorithm in facts.algorithms
        and (account.uid is None or _UID.fullmatch(account.uid))
        and len(account.groups) <= _GROUPS_MAX
        and len(set(account.groups)) == len(account.groups)
        and _EARLIEST <= account.created <= latest
        and (account.key_created is None or _in_range(account.key_created, latest))
    )
    if not fine:
        raise SetupProblem("one of its values is out of range", code="bad_facts")
    for group in account.groups:
        check_label(group)


def _in_range(moment: datetime, latest: datetime) -> bool:
    return moment.tzinfo is not None and _EARLIEST <= moment <= latest


def _check_credential(exchange: Exchange, account: Account, credential: Credential) -> None:
    """Nothing when key and secret can be right there, as `add` asks it. Raises SetupProblem."""
    from keyctl.exchanges.signing import check_private_key
    from keyctl.keys.intake import clean_api_key, clean_passphrase, clean_secret

    pending = account.standing is Standing.PENDING
    clean_secret(credential.secret, credential.algorithm)
    if not credential.api_key:
        if not pending or credential.algorithm is Algorithm.HMAC:
            raise SetupProblem("it has no API key", code="bad_credential")
        check_private_key(credential.secret, "ed25519" if credential.algorithm is Algorithm.ED25519 else "rsa")
        return
    if clean_api_key(credential.api_key) != credential.api_key:
        raise SetupProblem("its API key does not have the form in which keyctl stores it", code="bad_credential")
    passphrase = credential.passphrase
    if passphrase is not None:
        clean_passphrase(passphrase)
    elif pending and exchange.profile.passphrase:
        passphrase = Secret(_STAND_IN)
    exchange.check_credential(credential.api_key, credential.secret, credential.algorithm, passphrase)
