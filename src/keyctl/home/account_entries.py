"""The entries of the account list: each fact read by itself, so that an odd entry is odd for one account alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keyctl.model.account import Account
from keyctl.model.words import Algorithm, Kind, Market, Standing

if TYPE_CHECKING:
    from keyctl.model.wire import JSON

LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
_FACT = re.compile(r"[a-z_]{1,30}")
# What entries of earlier versions lack, and how those without a standing are read.
_LATER = ("standing", "key_created", "ip_list", "proxy", "other_uid", "profile")
_DISABLED = {False: Standing.ACTIVE, True: Standing.DISABLED}


def account_data(account: Account) -> dict[str, JSON]:
    """What programs are told of an account; the API key only as its mask, and facts that cannot be read as None."""
    facts = _facts(account)
    return {name: None if name in account.unread else value for name, value in facts.items()} | {
        "unread": list(account.unread)
    }


def _facts(account: Account) -> dict[str, JSON]:
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
        "other_uid": account.other_uid,
        "groups": list(account.groups),
        "disabled": account.disabled,
        "standing": account.standing.value,
        "key_created": None if account.key_created is None else _utc(account.key_created),
        "ip_list": account.ip_list,
        "endpoint": account.endpoint,
        "ca_file": account.ca_file,
        "proxy": account.proxy,
        "profile": account.profile,
    }


def stored_facts(account: Account) -> dict[str, JSON]:
    """All facts of an account, as the list and backups keep them."""
    return _facts(account) | {
        "id": account.id,
        "api_key_hash": account.api_key_hash,
        "created": account.created.isoformat(),
    }


def read_entry(entry: Any, number: int = 0) -> Account:
    """The account of an entry. `unread` names the facts that are missing, of a wrong shape, or unknown to this version
    (a later one may have written them); they have values that no account has, and the account is used for nothing.
    """
    given: Mapping[Any, Any] = entry if isinstance(entry, dict) else {}
    values, unread = _placeholders(number), list[str]()
    for name, (attribute, reader) in _FACTS.items():
        try:
            values[attribute] = reader(given.get(name) if name in _LATER else given[name])
        except (ValueError, KeyError, TypeError, AttributeError):
            unread.append(name)
    try:
        values["standing"] = Standing(given.get("standing", _DISABLED[given["disabled"]]))
    except (ValueError, KeyError, TypeError):
        unread.append("standing")
    unread += sorted({_name(name) for name in given if name not in _KNOWN})
    return Account(**values, unread=tuple(unread))


def read_entries(entries: Iterable[Any]) -> tuple[tuple[Account, Any], ...]:
    """The account of each entry, with the entry as it stands. Of two with one id, label or API key neither is used."""
    read = [(read_entry(entry, number), entry) for number, entry in enumerate(entries, 1)]
    doubled = {
        name: {value for value, count in Counter(getattr(account, name) for account, _ in read).items() if count > 1}
        for name in ("id", "label", "api_key_hash")
    }
    if not any(doubled.values()):
        return tuple(read)
    return tuple((_apart(account, number, doubled), entry) for number, (account, entry) in enumerate(read, 1))


def _apart(account: Account, number: int, doubled: Mapping[str, set[str]]) -> Account:
    """The account, unusable and under names of its own for what it shares with another."""
    shared = [name for name, values in doubled.items() if getattr(account, name) in values]
    if not shared:
        return account
    own = {name: value for name, value in _placeholders(number).items() if name in shared}
    return replace(account, **own, unread=(*account.unread, *shared))


def _placeholders(number: int) -> dict[str, Any]:
    """What stands for facts that cannot be read: of the most careful kind, and nobody else's."""
    return {
        "id": f"entry {number}",
        "label": f"unread-{number}",
        "exchange": "?",
        "kind": Kind.LIVE,
        "site": "?",
        "markets": tuple(Market),
        "algorithm": Algorithm.HMAC,
        "api_key_hint": "?",
        "api_key_hash": f"entry {number}",
        "created": datetime(1970, 1, 1, tzinfo=UTC),
    }


def _name(name: object) -> str:
    return name if isinstance(name, str) and _FACT.fullmatch(name) else "another value"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _maybe_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _label(value: Any) -> str:
    if not LABEL.fullmatch(_text(value)):
        raise ValueError
    return _text(value)


def _markets(value: Any) -> tuple[Market, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(Market(item) for item in value)


def _groups(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_text, value))


def _created(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _key_created(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(_text(value))


def _flag(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError
    return value


def _proxy(value: Any) -> str | None:
    """A proxy's URL as `edit` wrote it. Raises ValueError or TypeError for anything else."""
    if value is None:
        return None
    from keyctl.model.route import proxy_route

    if str(proxy_route(_text(value))) != value:
        raise ValueError
    return _text(value)


def _profile(value: Any) -> str | None:
    """The name of a shipped profile. Raises ValueError or TypeError for anything else."""
    if value is None:
        return None
    from keyctl.home.profiles import SHIPPED

    if _text(value) not in SHIPPED:
        raise ValueError
    return _text(value)


_FACTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "id": ("id", _text),
    "label": ("label", _label),
    "exchange": ("exchange", _text),
    "kind": ("kind", Kind),
    "site": ("site", _text),
    "markets": ("markets", _markets),
    "key_type": ("algorithm", Algorithm),
    "api_key": ("api_key_hint", _text),
    "api_key_hash": ("api_key_hash", _text),
    "created": ("created", _created),
    "endpoint": ("endpoint", _maybe_text),
    "ca_file": ("ca_file", _maybe_text),
    "uid": ("uid", _maybe_text),
    "other_uid": ("other_uid", _maybe_text),
    "profile": ("profile", _profile),
    "groups": ("groups", _groups),
    "key_created": ("key_created", _key_created),
    "ip_list": ("ip_list", _flag),
    "proxy": ("proxy", _proxy),
}
_KNOWN = frozenset({*_FACTS, "standing", "disabled"})


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
