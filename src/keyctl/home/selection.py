"""Which accounts a command means: by name, by group, or all of one kind. Pure: works on the list it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.home.grouping import Groups
from keyctl.model.account import Account
from keyctl.model.words import Kind, Standing

_WAYS_OUT = {
    Standing.DISABLED: "use it again: keyctl enable {label}",
    Standing.PENDING: "to see what is missing: keyctl show {label}",
    Standing.QUARANTINED: "it is part of a rotation: keyctl rotate",
}


def choose(
    accounts: tuple[Account, ...],
    labels: tuple[str, ...],
    group: str | None,
    everything: bool,
    groups: Mapping[str, tuple[str, ...]],
    leaving: bool = False,
) -> tuple[Account, ...]:
    """The accounts meant by exactly one of names, group and all; with `leaving` "all" takes disabled ones in, which
    may still cancel and close. Raises as Accounts.select says."""
    if sum((bool(labels), group is not None, everything)) != 1:
        raise UsageProblem("use only one of account names, --group and --all", code="no_choice")
    if labels:
        return _by_name(accounts, labels)
    usable = tuple(account for account in accounts if not account.disabled)
    if group is not None:
        return _by_group(accounts, group, groups)
    return _all_of_one_kind(tuple(account for account in accounts if can_leave(account)) if leaving else usable)


def check_one_kind(accounts: tuple[Account, ...]) -> None:
    """Nothing when all accounts live in one world. Raises UsageProblem (mixed_kinds)."""
    kinds = sorted({account.kind.value for account in accounts if "kind" not in account.unread})
    if len(kinds) > 1:
        raise UsageProblem(
            f"these accounts are in different environments: {', '.join(kinds)}",
            "choose accounts of one environment: live, testnet or demo",
            code="mixed_kinds",
        )


def kind_of(accounts: Sequence[Account]) -> Kind:
    """The one kind of these accounts, as far as it can be read."""
    return next((account.kind for account in accounts if "kind" not in account.unread), Kind.LIVE)


def check_active(account: Account) -> None:
    """Nothing when the account may be used. Raises SetupProblem: account_disabled, account_pending,
    account_quarantined."""
    if account.disabled:
        raise SetupProblem(
            f"{account.label} is {account.standing}",
            _WAYS_OUT[account.standing].format(label=account.label),
            code=f"account_{account.standing}",
            account=account.label,
            exchange=account.exchange,
        )


def can_leave(account: Account) -> bool:
    """Whether the account may cancel and close: a disabled one may, the other half of a rotation may not."""
    return account.standing in (Standing.ACTIVE, Standing.DISABLED)


def check_can_leave(account: Account) -> None:
    """Nothing when the account may cancel and close. Raises as check_active does."""
    if not can_leave(account):
        check_active(account)


def check_readable(account: Account) -> None:
    """Nothing when this version can read all facts of the account. Raises SetupProblem (account_unread)."""
    if account.unread:
        raise SetupProblem(
            f"{account.label}: this version cannot use its entry in accounts.json: {', '.join(account.unread)}",
            "a newer keyctl or a manual change wrote it; keyctl leaves it unchanged and does not use it",
            f"to remove it: keyctl remove {account.label}",
            code="account_unread",
            account=account.label,
            exchange=account.exchange,
        )


def find(accounts: tuple[Account, ...], label: str) -> Account:
    """The account of that name. Raises SetupProblem (unknown_account)."""
    for account in accounts:
        if account.label == label:
            return account
    raise unknown_account(label, accounts)


def unknown_account(label: str, accounts: tuple[Account, ...]) -> SetupProblem:
    """The error for a name that no account has; its hint is the nearest name."""
    import difflib

    near = difflib.get_close_matches(label, [account.label for account in accounts], n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = "check the stored accounts: keyctl list" if accounts else "to store one: keyctl add EXCHANGE"
    return SetupProblem(f"account {label} does not exist", hint, code="unknown_account")


def _by_name(accounts: tuple[Account, ...], labels: tuple[str, ...]) -> tuple[Account, ...]:
    for label in labels:
        if labels.count(label) > 1:
            raise UsageProblem(f"{label} is given twice", "give each account once", code="account_twice")
    return tuple(find(accounts, label) for label in labels)


def _by_group(accounts: tuple[Account, ...], group: str, listed: Mapping[str, tuple[str, ...]]) -> tuple[Account, ...]:
    groups = Groups(accounts, listed)
    groups.check(group)
    for label in listed.get(group, ()):
        find(accounts, label)
    chosen = groups.members(group)
    if not chosen:
        import difflib

        known = sorted(groups.names())
        near = difflib.get_close_matches(group, known, n=1)
        raise UsageProblem(
            f"group {group} has no accounts",
            *([f"did you mean {near[0]}?"] if near else []),
            "groups: " + ", ".join(known) if known else "to add an account to it: keyctl edit LABEL --group",
            code="unknown_group",
        )
    return chosen


def _all_of_one_kind(usable: tuple[Account, ...]) -> tuple[Account, ...]:
    if not usable:
        raise SetupProblem(
            "none of the stored accounts is active", "check the stored accounts: keyctl list", code="no_accounts"
        )
    # One of unknown kind is always among them, to be named as one that cannot be used.
    kinds = {account.kind for account in usable if "kind" not in account.unread}
    if len(kinds) <= 1:
        return usable
    live = tuple(account for account in usable if account.kind is Kind.LIVE)
    if Kind.LIVE not in kinds:
        raise UsageProblem(
            "--all is ambiguous: there are testnet and demo accounts, but no live account",
            "give the accounts, or use --group",
            code="mixed_kinds",
        )
    return live
