"""The list of accounts: names and facts, never a secret. Kept in accounts.json, changed in one step under a lock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any

from keyctl.answers import Unreadable, read_object
from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.home.account_entries import LABEL, read_entries, read_entry, stored_facts
from keyctl.home.demo_only import check_of_twin, choosable
from keyctl.home.files import WRITABLE_BY_OTHERS, locked, read_owned, write_whole
from keyctl.home.folders import Home, none_stored
from keyctl.home.selection import check_readable, choose, find, unknown_account
from keyctl.loader import folder_names
from keyctl.model.account import Account
from keyctl.model.words import Standing

if TYPE_CHECKING:
    pass

FORMAT = "keyctl-accounts"
VERSION = 1
_SHORT_KEY = 16


class Accounts:
    """The accounts of one home. Every call reads the file anew, so two processes never work on an old list."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def all(self) -> tuple[Account, ...]:
        """Every account, in the order in which they were added; one whose entry is odd has `unread` facts.

        Raises StoreUnusable for a damaged or newer file, SetupProblem for the file of another home.
        """
        return tuple(account for account, _ in self._entries())

    def get(self, label: str) -> Account:
        """The account of that name. Raises SetupProblem (unknown_account), with the nearest name as a hint."""
        return find(self.all(), label)

    def key_hash(self, api_key: str) -> str:
        """A hash that recognises an API key in this home and is worth nothing elsewhere."""
        import hashlib

        return hashlib.sha256(f"{self._identity}:{api_key}".encode()).hexdigest()

    @cached_property
    def _identity(self) -> str:
        return self._home.identity()

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
        """Stores new facts for the account with that id.

        Raises SetupProblem when there is none, on a duplicate, and for an account whose entry is odd: that stays as it
        stands.
        """
        check_readable(account)

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            others = tuple(other for other in accounts if other.id != account.id)
            if len(others) == len(accounts):
                raise unknown_account(account.label, accounts)
            check_label(account.label)
            _check_free(others, account.label, account.api_key_hash)
            return tuple(account if other.id == account.id else other for other in accounts)

        self._change(change)

    def note_uids(self, uids: Mapping[str, str]) -> None:
        """Keeps account ids that exchanges have told, by our account ids; never over one that is known."""

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            return tuple(
                replace(account, uid=uids[account.id]) if account.uid is None and account.id in uids else account
                for account in accounts
            )

        self._change(change)

    def cut_over(self, old_id: str, new_id: str, retired: str) -> None:
        """Gives the new account the old one's label, groups, markets, proxy and standing, and quarantines the old one
        under the label `retired`; all in one step. Nothing happens when it was done already.

        Raises SetupProblem (unknown_account) when one of the two is gone.
        """

        def change(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
            by_id = {account.id: account for account in accounts}
            if old_id not in by_id or new_id not in by_id:
                raise SetupProblem(
                    "an account of this rotation was removed",
                    "check the stored accounts: keyctl list",
                    code="unknown_account",
                )
            old, new = by_id[old_id], by_id[new_id]
            check_readable(old)
            check_readable(new)
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
        *,
        leaving: bool = False,
    ) -> tuple[Account, ...]:
        """The accounts that were chosen, by name, by group or all of them; disabled ones only by name, and by "all"
        where they are `leaving`.

        `groups` are those of config.toml. "All" means all live accounts or, where only one kind is stored, all of that;
        in a demo's home the twin's. Raises UsageProblem for a double name, no choice or two, an unknown or doubly
        defined group; SetupProblem for an unknown account or none at all.
        """
        if not (accounts := self.all()) and everything and not (labels or group):
            raise none_stored(self._home)
        return choose(choosable(self._home, accounts, labels), labels, group, everything, groups or {}, leaving)

    def check_of_twin(self, account: Account) -> None:
        """Nothing when this home may use the account. Raises SetupProblem (not_of_the_demo) in a demo's home."""
        check_of_twin(self._home, account)

    def _change(self, change: Callable[[tuple[Account, ...]], tuple[Account, ...]]) -> None:
        identity = self._home.identity()
        path = self._home.accounts_file
        self._home.prepare()
        with locked(path):
            stored = self._entries()
            as_it_stands = {account.id: entry for account, entry in stored if account.unread}
            accounts = change(tuple(account for account, _ in stored))
            document = {
                "format": FORMAT,
                "version": VERSION,
                "home": identity,
                "accounts": [
                    as_it_stands[account.id] if account.unread else stored_facts(account) for account in accounts
                ],
            }
            write_whole(path, json.dumps(document, indent=1, sort_keys=True, default=_number).encode() + b"\n")

    def _entries(self) -> tuple[tuple[Account, Any], ...]:
        """Each account with its entry as it stands. Raises as `all` does."""
        data = read_owned(self._home.accounts_file, forbidden_mode=WRITABLE_BY_OTHERS)
        return () if data is None else self._read(data)

    def _read(self, data: bytes) -> tuple[tuple[Account, Any], ...]:
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
        except (Unreadable, ValueError, KeyError, TypeError, AttributeError):
            raise StoreUnusable(f"{path} is damaged", "restore it from a backup; nothing was changed") from None
        if home != self._home.identity():
            raise SetupProblem(
                f"{path} belongs to another data folder",
                "set KEYCTL_HOME, XDG_CONFIG_HOME and XDG_STATE_HOME as before",
                code="other_home",
            )
        return read_entries(entries)


def check_label(label: str) -> None:
    """Nothing when the text can name an account. Raises SetupProblem (bad_label)."""
    if not LABEL.fullmatch(label):
        raise SetupProblem(
            "this label is not valid",
            "a label has 1 to 41 characters: a-z, 0-9, dot, dash, underscore; the first is a letter or a digit",
            code="bad_label",
        )
    if label in folder_names("exchanges", "facts.toml"):
        raise SetupProblem(
            f"'{label}' is an exchange's name and cannot be a label",
            f"use a label such as {label}-main",
            code="bad_label",
        )


def mask(api_key: str) -> str:
    """The first and the last four characters of an API key; of a short one less, so that it is not told whole."""
    shown = 4 if len(api_key) >= _SHORT_KEY else 1
    return f"{api_key[:shown]}..{api_key[-shown:]}"


def _number(value: object) -> float:
    """A number of an odd entry, which is written back as it was read."""
    number = float(value) if isinstance(value, Decimal) else float("nan")
    if not isfinite(number) or Decimal(repr(number)) != value:
        raise StoreUnusable("an entry of accounts.json cannot be written back as it is", "use the keyctl that wrote it")
    return number


def _check_free(accounts: tuple[Account, ...], label: str | None, key_hash: str | None) -> None:
    for account in accounts:
        if account.label == label:
            raise SetupProblem(
                f"an account {label} already exists", "choose another --label", code="duplicate_label", account=label
            )
        if account.api_key_hash == key_hash:
            raise SetupProblem(
                f"this API key is already stored, as {account.label}",
                "two accounts with one key would send an order twice",
                code="duplicate_key",
                account=account.label,
            )


def restored_account(entry: Any) -> Account:
    """The account that stored_facts described. Raises ValueError for facts that are not all ours."""
    account = read_entry(entry)
    if account.unread:
        raise ValueError
    return account
