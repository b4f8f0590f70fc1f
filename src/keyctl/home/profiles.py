"""Key profiles: which rights a key should have, which it must not have, and what else is asked of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyctl.model.noun import Noun
from keyctl.model.words import Market

# The rights that profiles speak of; `other` stands for those that an exchange tells and keyctl has no name for.
RIGHTS = ("read", "spot_trade", "futures_trade", "transfer", "withdraw", "funding", "other")
# What a person may accept for one account, with a reason, in config.toml.
RISKS = ("withdraw", "transfer", "no_ip_list", "old_key", "extra_rights")
TRADE_RIGHTS = {Market.SPOT: "spot_trade", Market.FUTURES: "futures_trade"}
RIGHT_NAMES = {
    "read": "reading",
    "spot_trade": "spot trading",
    "futures_trade": "futures trading",
    "transfer": "transfers",
    "withdraw": "withdrawals",
    "funding": "margin funding",
    "other": "other permissions",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeyProfile(Noun):
    """What is asked of a key. A right that is neither wanted nor forbidden gives a warning where it is on.

    Reading is always wanted and withdrawing always forbidden. `max_age_days` None: the person's general rule holds.
    `assigned`: the person chose it for the account, so what is missing fails; else it only warns.
    """

    name: str
    wanted: frozenset[str] = frozenset({"read"})
    forbidden: frozenset[str] = frozenset({"withdraw"})
    ip_list: bool = True
    max_age_days: int | None = None
    assigned: bool = True

    def __post_init__(self) -> None:
        if "read" not in self.wanted or "withdraw" not in self.forbidden or self.wanted & self.forbidden:
            raise ValueError("a profile must want read and forbid withdraw; a permission cannot be in both lists")


def _shipped(name: str, wanted: str, forbidden: str = "") -> KeyProfile:
    return KeyProfile(name, frozenset({"read", *wanted.split()}), frozenset({"withdraw", *forbidden.split()}))


SHIPPED = {
    profile.name: profile
    for profile in (
        _shipped("read", "", "spot_trade futures_trade transfer"),
        _shipped("spot", "spot_trade"),
        _shipped("futures", "futures_trade"),
        _shipped("funding", "funding", "spot_trade futures_trade transfer other"),
    )
}


def own_profile(
    name: str, wanted: Iterable[str], forbidden: Iterable[str], ip_list: bool, max_age_days: int | None
) -> KeyProfile:
    """A profile of the person's own. Raises ValueError, in words for that person."""
    asked, barred = frozenset({"read", *wanted}), frozenset({"withdraw", *forbidden})
    if name in SHIPPED:
        raise ValueError(f"{name} is a built-in profile; choose another name")
    for right in (*wanted, *forbidden):
        if right not in RIGHTS:
            raise ValueError(f"unknown permission; known: {', '.join(RIGHTS)}")
    if "withdraw" in asked:
        raise ValueError("a profile cannot want withdrawals; accept that risk for one account: [[accepted_risk]]")
    if "other" in asked:
        raise ValueError("'other' cannot be wanted; it can be forbidden")
    if both := asked & barred:
        raise ValueError(f"both wanted and forbidden: {', '.join(sorted(both))}")
    return KeyProfile(name, asked, barred, ip_list, max_age_days)


def combined(profiles: Iterable[KeyProfile]) -> KeyProfile:
    """What several profiles ask together: a right that one of them wants is not forbidden by another one."""
    parts = tuple(profiles)
    wanted = frozenset[str]().union(*(part.wanted for part in parts))
    forbidden = frozenset[str]().union(*(part.forbidden for part in parts)) - wanted
    ages = [part.max_age_days for part in parts if part.max_age_days is not None]
    return KeyProfile(
        "+".join(part.name for part in parts),
        wanted,
        forbidden,
        any(part.ip_list for part in parts),
        min(ages, default=None),
        all(part.assigned for part in parts),
    )


def assigned_profile(chosen: Sequence[KeyProfile], stored: str | None) -> KeyProfile | None:
    """What a person asked of an account's key: the profiles of config.toml, else the one it was stored with."""
    if not chosen and stored is None:
        return None
    return combined(chosen or (SHIPPED[stored or ""],))


def default_profile(markets: Iterable[Market]) -> KeyProfile:
    """What is asked of a key whose account has no profile assigned: trading on its markets."""
    parts = [SHIPPED[market.value] for market in markets]
    whole = combined(parts)
    return KeyProfile(whole.name, whole.wanted, whole.forbidden, assigned=False)
