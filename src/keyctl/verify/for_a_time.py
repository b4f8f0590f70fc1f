"""IP addresses that were put on a whitelist for a time, for debugging say: when to take them off again. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from keyctl.exchanges.profile import Profile
from keyctl.exchanges.shipped import profile
from keyctl.model.verdict import Finding
from keyctl.model.words import Level, Market
from keyctl.verify.ip_lists import covers
from keyctl.verify.observations import Observation, Vantage

RULE = "ip_until"


def judge_ends(seen: Observation, vantage: Vantage) -> tuple[Finding, ...]:
    """For each market the entry that ends first: a warning while it runs, a fail once it is over. None where the
    exchange reports the whitelist and no such entry is on it."""
    facts, found = profile(seen.account.exchange), list[Finding]()
    for market in seen.account.markets:
        ends = {
            entry: until for entry, until in vantage.ends.get(market, {}).items() if _may_be_on(seen, market, entry)
        }
        if ends:
            lasting = [entry for entry in vantage.kept.get(market, ()) if entry not in vantage.ends[market]]
            found.append(_finding(seen, market, ends, lasting, facts))
    return tuple(found)


def _may_be_on(seen: Observation, market: Market, entry: str) -> bool:
    told = (
        seen.permissions.ips if seen.permissions and market in profile(seen.account.exchange).ip_list.markets else None
    )
    return told is None or covers(told, entry.partition("/")[0])


def _finding(seen: Observation, market: Market, ends: dict[str, float], lasting: list[str], facts: Profile) -> Finding:
    entry, until = min(ends.items(), key=lambda item: item[1])
    is_over = until <= seen.at.timestamp()
    words = f"{entry} was on the IP whitelist temporarily; its time ended" if is_over else f"{entry} must be removed at"
    keep = f"keyctl whitelist set -a {seen.account.label} {' '.join(lasting) or '--forget'}"
    where = f"remove it (keyctl checklist {facts.name}, step {facts.ip_list.step})"
    step = f"{where}, then store the list without it: {keep} (with --group or --market, if it was added with that)"
    return Finding(
        seen.account.label,
        seen.account.exchange,
        market.value,
        RULE,
        Level.FAIL if is_over else Level.WARN,
        f"{words} {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC",
        "you keep it (keyctl whitelist)",
        step,
    )
