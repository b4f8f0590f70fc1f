"""When the keys of the stored accounts are due, by what this machine knows: no call, no secret."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyctl.loader import folder_names

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account


def due_in_days(app: App, account: Account) -> int | None:
    """In how many days a key is due, by what is known here; negative when it is overdue. None for a key that is none
    yet, and for one that this version does not know."""
    from keyctl.home.key_age import days_left
    from keyctl.model.words import Standing

    if account.standing is Standing.PENDING or account.unread:
        return None
    lifetime = used = None
    if account.ip_list is False:  # reading an exchange's facts takes a moment, and matters for such keys only
        from keyctl.exchanges.shipped import profile

        if account.exchange not in folder_names("exchanges", "facts.toml"):
            return None
        lifetime = profile(account.exchange).lifetime
        used = _last_used(app, account) if lifetime.unused_no_ip_days else None
    return days_left(account, lifetime, datetime.now(UTC), _own_rule(app, account), used)


def _last_used(app: App, account: Account) -> datetime | None:
    """When keyctl last read this key's rights, as verify and each day's first order do; None where it never has."""
    if not (app.home.state / "journal.db").exists():
        return None
    read = app.journal.notes.permissions(account.id)
    return datetime.fromtimestamp(read.at, UTC) if read else None


def _own_rule(app: App, account: Account) -> int:
    """After how many days the person wants the key renewed. Without a config file its reader is not even loaded."""
    from keyctl.home.key_age import KEY_AGE_DAYS

    if not os.path.lexists(app.home.config_file):
        return KEY_AGE_DAYS
    ages = [wish.max_age_days for wish in app.config.account(account.label).profiles if wish.max_age_days]
    return min(ages, default=app.config.key_age_days)
