"""Whether a new key may take an old one's place: the same account, no wider rights, and it works. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from keyctl.home.profiles import RIGHT_NAMES
from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Market
from keyctl.verify.observations import Observation

_RIGHTS = ("read", "spot_trade", "futures_trade", "transfer", "withdraw")
_NEVER_NEW = ("withdraw", "transfer")


@dataclass(frozen=True, slots=True)
class Succession:
    """What speaks against the new key, what only a person can tell, and what the person should know."""

    objections: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge_succession(old: Observation, new: Observation) -> Succession:
    """The comparison of two keys as both were seen just now. Where the old one tells nothing any more, the new one is
    held to the least: it must not withdraw or transfer."""
    objections, notes = _works(old, new), list[str]()
    objections += _of_another_account(old, new)
    questions = _not_told(old, new) + _other_list(old.permissions, new.permissions)
    if new.permissions is None:
        if new.introspection is not None:
            objections.append("its permissions could not be read")
        else:
            notes.append("the exchange does not report permissions here: compare them manually")
    else:
        objections += _wider(old.permissions, new.permissions)
        notes += _narrower(old.permissions, new.permissions)
    return Succession(tuple(objections), tuple(questions), tuple(notes))


def _of_another_account(old: Observation, new: Observation) -> list[str]:
    """By the ids that were told now, and by the one that is known of the label: an old key may be dead already."""
    known = {uid for uid in (old.account.uid, old.uid) if uid is not None}
    if len(known) > 1:
        return ["the old key does not belong to the exchange account of its label"]
    if new.uid is not None and known and new.uid not in known:
        return ["it belongs to another account at the exchange"]
    return []


def _not_told(old: Observation, new: Observation) -> list[str]:
    if new.uid is None:
        return ["the exchange does not report whether both keys belong to one account"]
    if old.uid is None and old.account.uid is None:
        return [f"it belongs to exchange account {new.uid}; the account of the old key is unknown"]
    return []


def _other_list(old: KeyPermissions | None, new: KeyPermissions | None) -> list[str]:
    """What a new IP list takes that the old one did not; lists that are not told cannot be compared."""
    if old is None or new is None or not old.ips or not new.ips:
        return []
    more = [entry for entry in new.ips if entry not in old.ips]
    return [f"its IP whitelist also has {', '.join(more)}"] if more else []


def _works(old: Observation, new: Observation) -> list[str]:
    found = []
    for market in Market:
        before, now = old.markets.get(market), new.markets.get(market)
        if now is not None and now.error is not None and (before is None or before.worked):
            found.append(f"it is rejected on {market} ({now.error.code}), where the old one works")
    if not any(answer is not None and answer.worked for answer in new.markets.values()):
        refused = new.refusal
        found = [
            f"it does not work: {refused[1].code}, {refused[1].words}" if refused else "no signed read got a response"
        ]
    return found


def _wider(old: KeyPermissions | None, new: KeyPermissions) -> list[str]:
    found = []
    for right in _RIGHTS:
        had = getattr(old, right) if old else right not in _NEVER_NEW
        if getattr(new, right) and not had:
            found.append(f"{RIGHT_NAMES.get(right, right)} is on, but was off with the old key")
    extra = [name for name in new.extra if old is not None and name not in old.extra]
    if extra:
        found.append(f"it has more permissions: {', '.join(extra)}")
    if old is not None and old.ip_restricted and new.ip_restricted is False:
        found.append("it has no IP whitelist, but the old key has one")
    return found


def _narrower(old: KeyPermissions | None, new: KeyPermissions) -> list[str]:
    if old is None:
        return ["the old key no longer works: the new key must not withdraw or transfer"]
    lost = [RIGHT_NAMES.get(right, right) for right in _RIGHTS if getattr(old, right) and getattr(new, right) is False]
    return [f"it lacks permissions of the old key: {', '.join(lost)}"] if lost else []
