"""What to say of a key that was just stored and tested: whether it trades as its profile wants, whether it could
withdraw, its IP whitelist, and what is left to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keyctl.exchanges.checklists import common
from keyctl.exchanges.profile import Profile
from keyctl.home.profiles import RIGHT_NAMES, TRADE_RIGHTS
from keyctl.model.words import Level, Market
from keyctl.verify.steps import page_of, rights_step

Row = Mapping[str, Any]
# Which rules a person has something to do about, in this order, and what each is called here.
_RULES = {
    "access": "access",
    "signature": "signature",
    "account": "account",
    "clock": "clock",
    "read": "reading",
    "trade": "trading",
    "funding": "lending",
    "withdraw": "withdrawals",
    "transfer": "transfers",
    "extra_rights": "other permissions",
    "ip_list": "IP whitelist",
    "our_ip": "IP whitelist",
    "key_age": "age",
}
_BAD = (Level.FAIL.value, Level.WARN.value)
_UNKNOWN = Level.UNKNOWN.value


class NewKey(NamedTuple):
    """The last lines of `add`, and the same for programs."""

    lines: tuple[str, ...]
    data: dict[str, Any]


def new_key(label: str, facts: Profile, purpose: str | None, findings: Sequence[Row], first: bool) -> NewKey:
    """What the findings say of the key of that account; without any it was not tested. `first`: the first key here, of
    whose second copy all is said."""
    asks = f", as profile {purpose} needs it" if purpose else ""
    said = {
        "trade": _trade(findings, asks),
        **({"lend": _lend(findings)} if any(row["rule"] == "funding" for row in findings) else {}),
        "withdraw": _one(findings, "withdraw"),
        "ip_list": _ip_list(findings),
    }
    left = [*_left(facts, purpose, findings), *(common().copies if first else ())]
    test = f"keyctl verify {label}"
    if not findings:
        left.insert(0, f"test it: {test}")
    elif any(row["level"] in _BAD for row in findings):
        left.append(f"then test it again: {test}")
    head = f"{label}, for profile {purpose}:" if purpose else f"{label}:"
    names = {"trade": "trading", "lend": "lending", "withdraw": "withdrawals", "ip_list": "IP whitelist"}
    lines = [head, *(f"  {names[name]}: {words}" for name, words in said.items())]
    lines += ["  left to do:", *(f"    [ ] {text}" for text in left)] if left else ["  left to do: nothing"]
    return NewKey(tuple(lines), said | {"left_to_do": left, "profile": purpose})


def _of(findings: Sequence[Row], rule: str) -> list[Row]:
    return [row for row in findings if row["rule"] == rule]


def _one(findings: Sequence[Row], rule: str) -> str:
    """What a rule found, once where it is the same on every market."""
    details = dict.fromkeys(str(row["detail"]) for row in _worst(_of(findings, rule)))
    return "; ".join(details) or "not tested"


def _worst(rows: list[Row]) -> list[Row]:
    """Those that say the worst, so that a market without an answer does not hide another one's."""
    for level in (Level.FAIL, Level.WARN, Level.UNKNOWN):
        if found := [row for row in rows if row["level"] == level.value]:
            return found
    return rows


def _trade(findings: Sequence[Row], asks: str) -> str:
    words = {}
    for row in _of(findings, "trade"):
        right = RIGHT_NAMES[TRADE_RIGHTS[Market(row["market"])]]
        words[right] = f"{row['detail']}{asks}" if row["level"] == Level.PASS.value else f"{row['detail']}"
    if len(set(words.values())) <= 1:
        return next(iter(words.values()), "not tested")
    return "; ".join(
        f"{right} {text}" if text.startswith(("on", "off")) else f"{right}: {text}" for right, text in words.items()
    )


def _lend(findings: Sequence[Row]) -> str:
    return _one(findings, "funding").partition(". ")[0]


def _ip_list(findings: Sequence[Row]) -> str:
    lists, ours = _of(findings, "ip_list"), _worst(_of(findings, "our_ip"))
    words = _one(findings, "ip_list")
    if not lists or any(row["level"] == Level.FAIL.value for row in lists):
        return words
    here = dict.fromkeys(str(row["detail"]) for row in ours if row["level"] != _UNKNOWN)
    return f"{words}; this machine: {', '.join(here)}" if here else words


def _left(facts: Profile, purpose: str | None, findings: Sequence[Row]) -> list[str]:
    """What a person has to change or to look at, each once."""
    found: dict[str, str] = {}
    for rule, name in _RULES.items():
        for row in _of(findings, rule):
            fix = str(row["fix"])
            if row["level"] in _BAD or (rule == "ip_list" and row["level"] == _UNKNOWN and fix):
                found.setdefault(fix or f"{name}: {row['detail']}", name)
    texts = [text if text.startswith(f"{name}: ") else f"{name}: {text}" for text, name in found.items()]
    unread = [
        _RULES[rule] for rule in ("trade", "withdraw") if any(r["level"] == _UNKNOWN for r in _of(findings, rule))
    ]
    if unread and not any(row["level"] == Level.FAIL.value for row in _of(findings, "access")):
        number, step = rights_step(facts, purpose)
        texts.append(f"{' and '.join(unread)}: compare manually: {step} ({page_of(facts, purpose)}, step {number})")
    return texts
