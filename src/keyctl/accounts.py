"""The list of accounts: names and facts, never a secret. Kept in accounts.json, changed in one step under a lock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keyctl.answers import Unreadable, read_object
from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.files import WRITABLE_BY_OTHERS, locked, read_owned, write_whole
from keyctl.home import Home
from keyctl.loader import module_names
from keyctl.model import Account, Algorithm, Kind, Market, Standing
from keyctl.selection import choose, find, unknown_account

if TYPE_CHECKING:
    from keyctl.model import JSON

FORMAT = "keyctl-accounts"
VERSION = 1
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
_SHORT_KEY = 16
# What entries of earlier versions lack, and how those without a standing are read.
_LATER = ("standing", "key_created", "ip_list", "proxy")
_DISABLED = {False: Standing.ACTIVE, True: Standing.DISABLED}


class Accounts:
    """The accounts of one home. Every call reads the file anew, so two processes never work on an old list."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def all(self) -> tuple[Account, ...]:
        """Every account, in the order in which they were added.

        Raises StoreUnusable for a damaged or newer file, SetupProblem for the file of another home.
        """
        data = read_owned(self._home.accounts_file, forbidden_mode=WRITABLE_BY_OTHERS)
        return () if data is None else self._read(data)

    def get(self, label: str) -> Account:
        """The account of that name. Raises SetupProblem (unknown_account), with the nearest name as a hint."""
        return find(self.all(), label)

    def key_hash(self, api_key: str) -> str:
        """A hash that recognises an API key in this home and is worth nothing elsewhere."""
        import hashlib

        return hashlib.sha256(f"{self._home.identity()}:{api_key}".encode()).hexdigest()

    def check_new(self, label: str) -> None:
        """Nothing when an account may have that label. Raises SetupProblem: bad_label, duplicate_label."""
        check_label(label)
        _check_free(self.all(), label, None)

    def check_unused(self, api_key: str) -> None:
        """Nothing when no account has that API key. Raises SetupProblem (duplicate_key)."""
        _check_free(self.all(), None, self.key_hash(api_key))

    def add(self, account: Account) -> None:
        """Stores one more account. Raises as check_new and check_unused do; the list is then as it was."""
        self.add_all([account])

    def add_all(self, added: Sequence[Account]) -> None:
        """Stores more accounts in one step. Raises as check_new and check_unused do; the list is then as it was."""

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            for account in added:
                check_label(account.label)
                _check_free(accounts, account.label, account.api_key_hash)
                accounts = (*accounts, account)
            return accounts

        self._change(change)

    def replace(self, account: Account) -> None:
        """Stores new facts for the account with that id. Raises SetupProblem when there is none, or on a duplicate."""

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            others = tuple(other for other in accounts if other.id != account.id)
            if len(others) == len(accounts):
                raise unknown_account(account.label, accounts)
            check_label(account.label)
            _check_free(others, account.label, account.api_key_hash)
            return tuple(account if other.id == account.id else other for other in accounts)

        self._change(change)

    def cut_over(self, old_id: str, new_id: str, retired: str) -> None:
        """Gives the new account the old one's label, groups, markets, proxy and standing, and quarantines the old one
        under the label `retired`; all in one step. Nothing happens when it was done already.

        Raises SetupProblem (unknown_account) when one of the two is gone.
        """

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            by_id = {account.id: account for account in accounts}
            if old_id not in by_id or new_id not in by_id:
                raise SetupProblem("an account of this rotation is gone", "see: keyctl list", code="unknown_account")
            old, new = by_id[old_id], by_id[new_id]
            if new.standing is not Standing.QUARANTINED:
                return accounts
            swapped = {
                old_id: replace(old, label=retired, groups=(), standing=Standing.QUARANTINED),
                new_id: replace(
                    new,
                    label=old.label,
                    groups=old.groups,
                    markets=old.markets,
                    proxy=old.proxy,
                    standing=old.standing,
                ),
            }
            return tuple(swapped.get(account.id, account) for account in accounts)

        self._change(change)

    def remove(self, label: str) -> None:
        """Takes the account off the list. Raises SetupProblem (unknown_account)."""

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            gone = find(accounts, label)
            return tuple(account for account in accounts if account.id != gone.id)

        self._change(change)

    def select(
        self,
        labels: tuple[str, ...] = (),
        group: str | None = None,
        everything: bool = False,
        groups: Mapping[str, tuple[str, ...]] | None = None,
    ) -> tuple[Account, ...]:
        """The accounts that were chosen, by name, by group or all of them; disabled ones only by name.

        `groups` are those of config.toml. "All" means all live accounts or, where only one kind is stored, all of it.
        Raises UsageProblem for a double name, no choice or two, an unknown group; SetupProblem for no such account.
        """
        return choose(self.all(), labels, group, everything, groups or {})

    def _change(self, change: Callable[[tuple[Account, ...]], tuple[Account, ...]]) -> None:
        identity = self._home.identity()
        path = self._home.accounts_file
        self._home.prepare()
        with locked(path):
            accounts = change(self.all())
            document = {
                "format": FORMAT,
                "version": VERSION,
                "home": identity,
                "accounts": [stored_facts(account) for account in accounts],
            }
            write_whole(path, json.dumps(document, indent=1, sort_keys=True).encode() + b"\n")

    def _read(self, data: bytes) -> tuple[Account, ...]:
        path = self._home.accounts_file
        try:
            document = read_object(data)
            if document.get("format") != FORMAT:
                raise ValueError
            if document["version"] != VERSION:
                raise StoreUnusable(
                    f"{path} has version {str(document['version'])[:10]}; this keyctl reads version {VERSION}",
                    "use the newer keyctl that wrote it; nothing was changed",
                )
            home, entries = document["home"], document["accounts"]
            if not isinstance(entries, list) or set(document) != {"format", "version", "home", "accounts"}:
                raise ValueError
            accounts = tuple(restored_account(entry) for entry in entries)
        except (Unreadable, ValueError, KeyError, TypeError, AttributeError):
            raise StoreUnusable(f"{path} is damaged", "restore it from a backup; nothing was changed") from None
        if home != self._home.identity():
            raise SetupProblem(
                f"{path} belongs to another home",
                "set KEYCTL_HOME, XDG_CONFIG_HOME and XDG_STATE_HOME as they were",
                code="other_home",
            )
        return accounts


def check_label(label: str) -> None:
    """Nothing when the text can name an account. Raises SetupProblem (bad_label)."""
    if not _LABEL.fullmatch(label):
        raise SetupProblem(
            "this label cannot be used",
            "a label has 1 to 41 characters: a-z, 0-9, dot, dash, underscore; the first is a letter or a digit",
            code="bad_label",
        )
    if label in module_names("exchanges", ".toml"):
        raise SetupProblem(
            f"'{label}' is an exchange's name and cannot be a label", f"try {label}-main", code="bad_label"
        )


def mask(api_key: str) -> str:
    """The first and the last four characters of an API key; of a short one less, so that it is not told whole."""
    shown = 4 if len(api_key) >= _SHORT_KEY else 1
    return f"{api_key[:shown]}..{api_key[-shown:]}"


def account_data(account: Account) -> dict[str, JSON]:
    """What programs are told of an account; the API key only as its mask."""
    return {
        "label": account.label,
        "exchange": account.exchange,
        "kind": account.kind.value,
        "site": account.site,
        "markets": [market.value for market in account.markets],
        "key_type": account.algorithm.value,
        "api_key": account.api_key_hint,
        "created": _utc(account.created),
        "uid": account.uid,
        "groups": list(account.groups),
        "disabled": account.disabled,
        "standing": account.standing.value,
        "key_created": None if account.key_created is None else _utc(account.key_created),
        "ip_list": account.ip_list,
        "endpoint": account.endpoint,
        "ca_file": account.ca_file,
        "proxy": account.proxy,
    }


def _check_free(accounts: tuple[Account, ...], label: str | None, key_hash: str | None) -> None:
    for account in accounts:
        if account.label == label:
            raise SetupProblem(
                f"an account {label} is stored already", "choose another --label", code="duplicate_label", account=label
            )
        if account.api_key_hash == key_hash:
            raise SetupProblem(
                f"this API key is stored already, as {account.label}",
                "two accounts with one key would send an order twice",
                code="duplicate_key",
                account=account.label,
            )


def stored_facts(account: Account) -> dict[str, JSON]:
    """All facts of an account, as the list and backups keep them."""
    return account_data(account) | {
        "id": account.id,
        "api_key_hash": account.api_key_hash,
        "created": account.created.isoformat(),
    }


def restored_account(entry: Any) -> Account:
    """The account that stored_facts described. Raises ValueError, KeyError, TypeError or AttributeError for others."""
    account = Account(
        id=_text(entry["id"]),
        label=_text(entry["label"]),
        exchange=_text(entry["exchange"]),
        kind=Kind(entry["kind"]),
        site=_text(entry["site"]),
        markets=tuple(Market(item) for item in entry["markets"]),
        algorithm=Algorithm(entry["key_type"]),
        api_key_hint=_text(entry["api_key"]),
        api_key_hash=_text(entry["api_key_hash"]),
        created=datetime.fromisoformat(entry["created"]),
        endpoint=None if entry["endpoint"] is None else _text(entry["endpoint"]),
        ca_file=None if entry["ca_file"] is None else _text(entry["ca_file"]),
        uid=None if entry["uid"] is None else _text(entry["uid"]),
        groups=tuple(_text(item) for item in entry["groups"]),
        standing=Standing(entry.get("standing", _DISABLED[entry["disabled"]])),
        key_created=None if entry.get("key_created") is None else datetime.fromisoformat(entry["key_created"]),
        ip_list={True: True, False: False, None: None}[entry.get("ip_list")],
        proxy=_proxy(entry.get("proxy")),
    )
    names = set(stored_facts(account))
    lists = type(entry["groups"]) is type(entry["markets"]) is list
    if not (lists and _LABEL.fullmatch(account.label) and account.created.tzinfo and {*entry, *_LATER} == names):
        raise ValueError
    return account


def _proxy(value: Any) -> str | None:
    """A proxy's URL as `edit` wrote it. Raises ValueError or TypeError for anything else."""
    if value is None:
        return None
    from keyctl.routes import proxy_route

    if str(proxy_route(_text(value))) != value:
        raise ValueError
    return _text(value)


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
