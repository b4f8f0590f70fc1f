"""The course of `keyctl group add` and `remove`: groups are kept with the accounts; config.toml's are the person's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.errors import UsageProblem
from keyctl.home.accounts import check_label
from keyctl.home.grouping import check_not_listed
from keyctl.home.selection import check_readable
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account


def put_into(app: App, group: str, labels: Sequence[str]) -> Result:
    """Puts all of these accounts into a group, or none. Raises SetupProblem (unknown_account, bad_label), UsageProblem
    (group_in_config)."""
    check_label(group)
    check_not_listed([group], app.config.groups)
    chosen = [app.accounts.get(label) for label in labels]
    changed = [replace(item, groups=(*item.groups, group)) for item in chosen if group not in item.groups]
    _store(app, chosen, changed)
    return _told(app, group, f"{_named(changed)} added to group {group}" if changed else f"All are in group {group}")


def take_out_of(app: App, group: str, labels: Sequence[str]) -> Result:
    """Takes these accounts out of a group, without labels all that are in it. Raises SetupProblem (unknown_account),
    UsageProblem (unknown_group, and group_in_config where only config.toml defines it)."""
    stored = app.accounts.all()
    inside = [account for account in stored if group in account.groups]
    if not inside and group in app.config.groups:
        raise UsageProblem(
            f"group {group} is defined in config.toml", "to change it: keyctl config edit", code="group_in_config"
        )
    chosen = [app.accounts.get(label) for label in labels] if labels else inside
    outside = [account.label for account in chosen if group not in account.groups]
    if outside or not chosen:
        known = ", ".join(dict.fromkeys(name for account in stored for name in account.groups))
        raise UsageProblem(
            f"{outside[0]} is not in group {group[:41]}" if outside else f"there is no group {group[:41]}",
            f"groups that keyctl keeps: {known}" if known else "keyctl keeps no groups yet",
            code="unknown_group",
        )
    changed = [replace(item, groups=tuple(name for name in item.groups if name != group)) for item in chosen]
    _store(app, chosen, changed)
    return _told(app, group, f"{_named(changed)} removed from group {group}")


def _store(app: App, chosen: Sequence[Account], changed: Sequence[Account]) -> None:
    for account in chosen:
        check_readable(account)
    for account in changed:
        app.accounts.replace(account)


def _named(accounts: Sequence[Account]) -> str:
    return ", ".join(account.label for account in accounts)


def _told(app: App, group: str, done: str) -> Result:
    inside = [account.label for account in app.accounts.all() if group in account.groups]
    now = f"Now in it: {', '.join(inside)}." if inside else "No account is in it."
    return Result({"group": group, "accounts": inside}, view=(Note(f"{done}. {now}"),))
