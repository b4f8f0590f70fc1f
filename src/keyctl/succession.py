"""Whether a new key may take an old one's place: the same account, no wider rights, and it works. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from keyctl.model import KeyPermissions, Market
from keyctl.observations import Observation
from keyctl.profiles import RIGHT_NAMES

_RIGHTS = ("read", "spot_trade", "futures_trade", "transfer", "withdraw")
_NEVER_NEW = ("withdraw", "transfer")


@dataclass(frozen=True, slots=True)
class Succession:
    """What speaks against the new key, and what the person should know."""

    objections: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge_succession(old: Observation, new: Observation) -> Succession:
    """The comparison of two keys as both were seen just now. Where the old one tells nothing any more, the new one is
    held to the least: it must not withdraw or transfer."""
    objections, notes = _works(old, new), list[str]()
    if old.uid and new.uid and old.uid != new.uid:
        objections.append("it belongs to another account at the exchange")
    if new.permissions is None:
        if new.introspection is not None:
            objections.append("its rights could not be read")
        else:
            notes.append("this kind of account has no call that tells rights: compare them by hand")
    else:
        objections += _wider(old.permissions, new.permissions)
        notes += _narrower(old.permissions, new.permissions)
    return Succession(tuple(objections), tuple(notes))


def _works(old: Observation, new: Observation) -> list[str]:
    found = []
    for market in Market:
        before, now = old.markets.get(market), new.markets.get(market)
        if now is not None and now.error is not None and (before is None or before.worked):
            found.append(f"it is refused on {market} ({now.error.code}), where the old one works")
    if not any(answer is not None and answer.worked for answer in new.markets.values()):
        refused = new.refusal
        found = [
            f"it does not work: {refused[1].code}, {refused[1].words}" if refused else "no signed read was answered"
        ]
    return found


def _wider(old: KeyPermissions | None, new: KeyPermissions) -> list[str]:
    found = []
    for right in _RIGHTS:
        had = getattr(old, right) if old else right not in _NEVER_NEW
        if getattr(new, right) and not had:
            found.append(f"{RIGHT_NAMES.get(right, right)} is on, and was not with the old key")
    extra = [name for name in new.extra if old is not None and name not in old.extra]
    if extra:
        found.append(f"it has more rights: {', '.join(extra)}")
    if old is not None and old.ip_restricted and new.ip_restricted is False:
        found.append("it has no IP list, and the old key has one")
    return found


def _narrower(old: KeyPermissions | None, new: KeyPermissions) -> list[str]:
    if old is None:
        return ["the old key tells nothing any more: the new one was held to the least rights"]
    lost = [RIGHT_NAMES.get(right, right) for right in _RIGHTS if getattr(old, right) and getattr(new, right) is False]
    return [f"it lacks what the old key had: {', '.join(lost)}"] if lost else []
