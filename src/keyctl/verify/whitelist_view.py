"""Kept IP lists as plans for people and as data for programs: what to type, what to add and to take off. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyctl.clock import rfc3339
from keyctl.exchanges.profile import Profile
from keyctl.journal.addresses import Reading, ToldList
from keyctl.model.account import Account
from keyctl.model.wire import JSON
from keyctl.model.words import Market
from keyctl.terminal.output import Note, Table
from keyctl.verify.ip_lists import Difference, Remark, covers, difference, remarks, written

COLUMNS = ("account", "exchange", "market", "what", "value")


@dataclass(frozen=True, slots=True)
class ListPlan:
    """The list kept for one market of an account (or for all of its markets), beside what the exchange last told of
    it and the addresses that we leave from: the newest readings, of which those seen after `since` count as ours.

    `ends` are entries that are on it for a time.
    """

    account: Account
    facts: Profile
    markets: tuple[Market, ...]
    kept: tuple[str, ...]
    told: ToldList | None
    readings: tuple[Reading, ...]
    since: float
    route: str
    ends: Mapping[str, float] = field(default_factory=dict)

    @property
    def market(self) -> str:
        return "+".join(self.markets)

    @property
    def ours(self) -> tuple[str, ...]:
        """The addresses that we leave from now."""
        return tuple(reading.address for reading in self.readings if self.since < reading.seen_at)

    @property
    def readable(self) -> bool:
        """Whether the permission call speaks of this market's list."""
        return self.told is not None and set(self.markets) <= set(self.facts.ip_list.markets)

    @property
    def entries(self) -> tuple[str, ...] | None:
        """The entries that the exchange told; None where it does not tell them."""
        if not self.readable or self.told is None:
            return None
        return () if self.told.restricted is False else self.told.entries

    @property
    def changes(self) -> Difference | None:
        """What to change at the exchange; None where its entries are not told, or where no list is kept."""
        return difference(self.kept, self.entries) if self.kept and self.entries is not None else None

    @property
    def remarks(self) -> tuple[Remark, ...]:
        return remarks(self.kept, self.facts, loopback=self.account.endpoint is not None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Our addresses that the kept list does not take."""
        return tuple(address for address in self.ours if self.kept and not covers(self.kept, address))

    @property
    def told_words(self) -> str:
        """What the exchange told, and when, in words."""
        title = self.facts.title
        if self.told is None:
            return f"not read yet: keyctl verify {self.account.label}"
        if not self.readable or self.told.restricted is None:
            return f"{title} does not report this whitelist: compare it manually (step {self.facts.ip_list.step})"
        at = rfc3339(self.told.at)
        if not self.told.restricted:
            return f"no whitelist is set ({at})"
        if self.told.entries is None:
            return f"a whitelist is set; {title} does not report its IP addresses ({at})"
        return f"{','.join(self.told.entries)} ({at})"


def shown(plans: Sequence[ListPlan]) -> tuple[Table | Note, ...]:
    """What is kept and what the exchange told, one row each."""
    rows: list[tuple[str, ...]] = []
    for plan in plans:
        rows.append(_row(plan, "kept", ",".join(plan.kept) or "no whitelist is stored"))
        rows.append(_row(plan, "reported", plan.told_words))
        rows += _end_rows(plan)
        rows += _differences(plan)
        rows += [_row(plan, "warning", remark.text) for remark in plan.remarks]
    return (Table(COLUMNS, rows),)


def planned(plans: Sequence[ListPlan]) -> tuple[Table | Note, ...]:
    """What to do at each exchange: what to type there, what that adds and takes off, and what to be careful of."""
    rows: list[tuple[str, ...]] = []
    for plan in plans:
        if plan.changes != Difference((), ()):
            rows += _our_rows(plan)
        if not plan.kept:
            typed = " ".join(plan.ours) or "ADDRESS..."
            words = f"no whitelist is stored; store one: keyctl whitelist set -a {plan.account.label} {typed}"
            rows.append(_row(plan, "nothing", words))
            continue
        if plan.changes == Difference((), ()):
            rows.append(_row(plan, "ok", plan.told_words))
        else:
            rows += [_row(plan, "type", line) for line in written(plan.kept, plan.facts.ip_list)]
            rows += _differences(plan)
            if plan.changes is None:
                rows.append(_row(plan, "compare", plan.told_words))
            rows.append(_row(plan, "where", f"{plan.facts.checklist.page}, {_step(plan)}"))
        rows += _end_rows(plan)
        rows += [_row(plan, "warning", remark.text) for remark in plan.remarks]
        rows += [
            _row(plan, "warning", f"{ours} ({plan.route}) is your IP address, but not on it") for ours in plan.missing
        ]
    return (Table(COLUMNS, rows),)


def plan_data(plan: ListPlan) -> dict[str, JSON]:
    """One plan for programs."""
    changes, told = plan.changes, plan.told
    return {
        "account": plan.account.label,
        "exchange": plan.account.exchange,
        "markets": [market.value for market in plan.markets],
        "kept": list(plan.kept),
        "type": list(written(plan.kept, plan.facts.ip_list)),
        "limit": plan.facts.ip_list.limit,
        "told": None if plan.entries is None else list(plan.entries),
        "told_set": told.restricted if told is not None and plan.readable else None,
        "told_at": rfc3339(told.at) if told is not None else None,
        "add": None if changes is None else list(changes.add),
        "remove": None if changes is None else list(changes.remove),
        "remarks": [{"text": remark.text, "wrong": remark.wrong} for remark in plan.remarks],
        "until": {entry: rfc3339(until) for entry, until in plan.ends.items()},
        "our_addresses": list(plan.ours),
        "ours_missing": list(plan.missing),
    }


def _differences(plan: ListPlan) -> list[tuple[str, ...]]:
    changes = plan.changes
    if changes is None:
        return []
    rows = [_row(plan, "add", entry) for entry in changes.add]
    return rows + [_row(plan, "remove", entry) for entry in changes.remove]


def _end_rows(plan: ListPlan) -> list[tuple[str, ...]]:
    """Until when entries are on the list for a time."""
    return [_row(plan, "until", f"{entry}: {rfc3339(until)}") for entry, until in plan.ends.items()]


def _our_rows(plan: ListPlan) -> list[tuple[str, ...]]:
    """The public IP address, or how to see it where no list is kept."""
    if not plan.readings and plan.kept:
        return []
    if not plan.readings:
        return [_row(plan, "your IP address", "unknown; find it: keyctl ip")]
    return [
        _row(plan, "your IP address", f"{item.address} ({plan.route}, from {item.source}, {rfc3339(item.seen_at)})")
        for item in plan.readings
    ]


def _row(plan: ListPlan, what: str, value: str) -> tuple[str, ...]:
    return (plan.account.label, plan.account.exchange, plan.market, what, value)


def _step(plan: ListPlan) -> str:
    """The checklist's step on this list; where a market may have a list of its own, the step that names it."""
    number = plan.facts.ip_list.step
    if not set(plan.markets) <= set(plan.facts.ip_list.markets):
        for position, words in enumerate(plan.facts.checklist.steps, 1):
            if all(market in words.casefold() for market in plan.markets) and "ip list" in words.casefold():
                number = position
    return f"keyctl checklist {plan.facts.name}, step {number}"
