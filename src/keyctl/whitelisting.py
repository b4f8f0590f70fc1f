"""The course of `keyctl whitelist`: the IP lists that the person keeps, checked against each exchange's rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.addresses import ACCOUNT, GROUP
from keyctl.errors import CheckFailed, ExitCode, UsageProblem
from keyctl.exchanges import profile
from keyctl.model import Market
from keyctl.output import Note, Result
from keyctl.routes import route_name, route_of
from keyctl.whitelist import Remark, read_entry, remarks, split_entries
from keyctl.whitelist_view import ListPlan, plan_data, planned, shown

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model import Account


def show(app: App, accounts: Sequence[Account]) -> Result:
    """The kept lists beside what the exchanges last told of theirs. Asks no network."""
    plans = plans_of(app, accounts)
    return Result({"whitelists": [plan_data(plan) for plan in plans]}, shown(plans))


def plan(app: App, accounts: Sequence[Account]) -> Result:
    """What to type at each exchange, and what that adds and takes off. Asks no network.

    Exit CHECK when an exchange would not take a list as it is kept.
    """
    plans = plans_of(app, accounts)
    errors = tuple(
        CheckFailed(
            f"{item.account.label} {item.market}: {remark.text}",
            "keep another list: keyctl whitelist set",
            code="bad_whitelist",
            account=item.account.label,
            exchange=item.account.exchange,
        )
        for item in plans
        for remark in item.remarks
        if remark.wrong
    )
    data = {"whitelists": [plan_data(item) for item in plans]}
    return Result(data, planned(plans), ExitCode.CHECK if errors else ExitCode.OK, errors)


def keep(
    app: App, accounts: Sequence[Account], group: str | None, market: Market | None, texts: Sequence[str]
) -> Result:
    """Keeps a list for accounts or for a whole group, whose members are `accounts` then. No texts: forgets it.

    Raises UsageProblem for what is no address, CheckFailed for what one of the exchanges would not take.
    """
    entries, twice = _entries(texts)
    warnings = [f"{entry} was given twice" for entry in twice]
    for account in accounts:
        if market is not None and market not in account.markets:
            raise UsageProblem(f"{account.label} has no {market} market", code="no_market")
        warnings += _check(account, entries)
    name = market.value if market else ""
    for owner in [group] if group is not None else [account.id for account in accounts]:
        app.sending_journal().addresses.keep(GROUP if group is not None else ACCOUNT, owner, name, entries)
    done = f"Kept: {', '.join(entries)}" if entries else "No list is kept for it any more."
    plans = plans_of(app, accounts)
    hint = Note(f"{done}\nWhat to type where: keyctl whitelist plan" if entries else done)
    return Result({"whitelists": [plan_data(item) for item in plans]}, (hint,), warnings=tuple(dict.fromkeys(warnings)))


def plans_of(app: App, accounts: Sequence[Account]) -> list[ListPlan]:
    """One plan for each list: markets that share a list and are kept alike share a plan."""
    book = app.journal.addresses
    plans: list[ListPlan] = []
    for account in accounts:
        facts, groups = profile(account.exchange), app.config.groups_of(account)
        route = route_name(account, route_of(account, app.config.account(account.label).route))
        by_list: dict[tuple[bool, tuple[str, ...]], list[Market]] = {}
        for market in account.markets:
            key = (market in facts.ip_list.markets, book.kept(account.id, groups, market))
            by_list.setdefault(key, []).append(market)
        ours = tuple(reading.address for reading in book.fresh(route))
        plans += [
            ListPlan(account, facts, tuple(markets), kept, book.told(account.id), ours, route)
            for (_, kept), markets in by_list.items()
        ]
    return plans


def _entries(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The canonical entries once each, in the order given, and those that were given again."""
    seen: dict[str, int] = {}
    for text in split_entries(texts):
        try:
            entry = read_entry(text)
        except ValueError as error:
            raise UsageProblem(str(error), "write addresses such as 203.0.113.7", code="bad_address") from None
        seen[entry] = seen.get(entry, 0) + 1
    return tuple(seen), tuple(entry for entry, count in seen.items() if count > 1)


def _check(account: Account, entries: tuple[str, ...]) -> list[str]:
    """Warnings about a list at the account's exchange. Raises CheckFailed for what it would not take."""
    found = remarks(entries, profile(account.exchange), loopback=account.endpoint is not None)
    wrong: list[Remark] = [remark for remark in found if remark.wrong]
    if wrong:
        raise CheckFailed(
            f"{account.label}: {'; '.join(remark.text for remark in wrong)}",
            "nothing was changed; leave it out, or keep it for other accounts",
            code="bad_whitelist",
            account=account.label,
            exchange=account.exchange,
        )
    return [f"{account.label}: {remark.text}" for remark in found]
