"""How old an API key is, and which rule ends it first: the person's own, or the exchange's. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from keyctl.model.words import Level

if TYPE_CHECKING:
    from keyctl.exchanges.profile import KeyLifetime
    from keyctl.model.account import Account
    from keyctl.model.venue import KeyPermissions

NOTICE_DAYS = 14
# After how many days a key should be renewed where the person's config does not say otherwise.
KEY_AGE_DAYS = 90
_WORST_FIRST = (Level.FAIL, Level.WARN, Level.UNKNOWN, Level.PASS)


def judge_age(
    rights: KeyPermissions, lifetime: KeyLifetime, added: datetime, now: datetime, own_days: int, accepted: str = ""
) -> tuple[Level, str, str]:
    """Level, detail and evidence: the worst of all rules that apply.

    `accepted` is the person's reason for keeping an old key: their own rule then warns and
    does not fail. Where the exchange does not tell the day of creation, the day of `keyctl add` counts, and the age is
    "at least": such an age never passes and never fails.
    """
    verdicts: list[tuple[Level, str]] = []
    created = rights.created
    evidence = "creation date reported by the exchange" if created else "the day of keyctl add"
    if created is not None and created > now + timedelta(days=1):
        verdicts.append((Level.UNKNOWN, "the exchange reported a creation date in the future"))
    elif created is not None:
        verdicts.append(_own_rule(created, now, own_days, accepted))
        verdicts += _no_list_rule(rights, lifetime, created, now)
    else:
        verdicts.append(_own_rule_since_added(added, now, own_days))
    verdicts += _unused_rule(rights, lifetime)
    verdicts += _told_end(rights, now)
    worst = min((level for level, _ in verdicts), key=_WORST_FIRST.index)
    return worst, "; ".join(detail for level, detail in verdicts if level is worst), evidence


def days_left(
    account: Account, lifetime: KeyLifetime | None, now: datetime, own_days: int, used: datetime | None = None
) -> int:
    """How many days the first rule that is known to apply leaves the key; negative when it is overdue.

    By what this machine knows: where the exchange has not told the key's age, the day it was stored counts. The
    exchange's `lifetime` matters for keys without an IP list only; `used` is when keyctl last used the key, from which
    an exchange counts that deletes unused ones.
    """
    since = account.key_created or account.created
    ends = [since + timedelta(days=own_days)]
    if account.ip_list is False and lifetime is not None:
        if lifetime.no_ip_days is not None:
            ends.append(since + timedelta(days=lifetime.no_ip_days))
        if lifetime.unused_no_ip_days is not None:
            ends.append((used or account.created) + timedelta(days=lifetime.unused_no_ip_days))
    return (min(ends) - now).days


def _own_rule(created: datetime, now: datetime, days: int, accepted: str) -> tuple[Level, str]:
    age, until = (now - created).days, created + timedelta(days=days)
    words = f"{_days(max(age, 0))} old, rotate by {until:%Y-%m-%d} (own rule: {days} days)"
    level = _level_before(until, now)
    if level is Level.FAIL and accepted:
        return Level.WARN, f"{words}, accepted in config.toml: {accepted}"
    return level, words


def _own_rule_since_added(added: datetime, now: datetime, days: int) -> tuple[Level, str]:
    age, until = max((now - added).days, 0), added + timedelta(days=days)
    words = f"unknown; at least {_days(age)}, since it was added (own rule: {days} days)"
    return (Level.UNKNOWN if _level_before(until, now) is Level.PASS else Level.WARN), words


def _no_list_rule(
    rights: KeyPermissions, lifetime: KeyLifetime, created: datetime, now: datetime
) -> list[tuple[Level, str]]:
    """The exchange's end of keys without an IP list; whether there is one may not be told."""
    days = lifetime.no_ip_days
    if days is None or rights.ip_restricted:
        return []
    until = created + timedelta(days=days)
    level = _level_before(until, now)
    if level is Level.PASS:
        return []
    words = f"without an IP whitelist it expires after {days} days: {until:%Y-%m-%d}"
    return [(level if rights.ip_restricted is False else Level.UNKNOWN, words)]


def _unused_rule(rights: KeyPermissions, lifetime: KeyLifetime) -> list[tuple[Level, str]]:
    days = lifetime.unused_no_ip_days
    if days is None or rights.ip_restricted is not False:
        return []
    return [(Level.WARN, f"without an IP whitelist the exchange deletes it after {days} days without use")]


def _told_end(rights: KeyPermissions, now: datetime) -> list[tuple[Level, str]]:
    if rights.trade_expires is None:
        return []
    return [
        (_level_before(rights.trade_expires, now), f"its trading permission expires on {rights.trade_expires:%Y-%m-%d}")
    ]


def _level_before(until: datetime, now: datetime) -> Level:
    if now >= until:
        return Level.FAIL
    return Level.WARN if now >= until - timedelta(days=NOTICE_DAYS) else Level.PASS


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
