"""Which accounts a command means: by name, by group, or all of one kind. Pure: works on the list it is given."""

from __future__ import annotations

from collections.abc import Mapping

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.model import Account, Kind, Standing

_WAYS_OUT = {
    Standing.DISABLED: "use it again: keyctl enable {label}",
    Standing.PENDING: "see what it lacks: keyctl show {label}",
    Standing.QUARANTINED: "it is the other half of a rotation: keyctl rotate",
}


def choose(
    accounts: tuple[Account, ...],
    labels: tuple[str, ...],
    group: str | None,
    everything: bool,
    groups: Mapping[str, tuple[str, ...]],
) -> tuple[Account, ...]:
    """The accounts meant by exactly one of names, group and all. Raises as Accounts.select says."""
    if sum((bool(labels), group is not None, everything)) != 1:
        raise UsageProblem("choose accounts by name, by --group or by --all, one of the three", code="no_choice")
    if labels:
        return _by_name(accounts, labels)
    usable = tuple(account for account in accounts if not account.disabled)
    if group is not None:
        return _by_group(accounts, usable, group, groups)
    return _all_of_one_kind(usable)


def check_one_kind(accounts: tuple[Account, ...]) -> None:
    """Nothing when all accounts live in one world. Raises UsageProblem (mixed_kinds)."""
    kinds = sorted({account.kind.value for account in accounts})
    if len(kinds) > 1:
        raise UsageProblem(
            f"these accounts are of several kinds: {', '.join(kinds)}",
            "one plan holds live, testnet or demo accounts, never two of them",
            code="mixed_kinds",
        )


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
        hint = "see the stored ones: keyctl list" if accounts else "store one: keyctl add EXCHANGE"
    return SetupProblem(f"no account {label}", hint, code="unknown_account")


def _by_name(accounts: tuple[Account, ...], labels: tuple[str, ...]) -> tuple[Account, ...]:
    for label in labels:
        if labels.count(label) > 1:
            raise UsageProblem(f"{label} is named twice", "name each account once", code="account_twice")
    return tuple(find(accounts, label) for label in labels)


def _by_group(
    accounts: tuple[Account, ...], usable: tuple[Account, ...], group: str, groups: Mapping[str, tuple[str, ...]]
) -> tuple[Account, ...]:
    listed = groups.get(group, ())
    for label in listed:
        find(accounts, label)
    chosen = tuple(account for account in usable if group in account.groups or account.label in listed)
    if not chosen:
        import difflib

        known = sorted({*groups, *(name for account in usable for name in account.groups)})
        near = difflib.get_close_matches(group, known, n=1)
        raise UsageProblem(
            f"no account is in group {group}",
            *([f"did you mean {near[0]}?"] if near else []),
            "groups: " + ", ".join(known) if known else "add accounts to one with --group, or in config.toml",
            code="unknown_group",
        )
    return chosen


def _all_of_one_kind(usable: tuple[Account, ...]) -> tuple[Account, ...]:
    if not usable:
        raise SetupProblem("no account is stored", "store one: keyctl add EXCHANGE", code="no_accounts")
    kinds = {account.kind for account in usable}
    if len(kinds) == 1:
        return usable
    live = tuple(account for account in usable if account.kind is Kind.LIVE)
    if not live:
        raise UsageProblem(
            "--all is not clear: there are testnet and demo accounts and no live one",
            "name the accounts, or a --group",
            code="mixed_kinds",
        )
    return live
