"""The course of `keyctl whitelist`: the IP lists that the person keeps, checked against each exchange's rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.clock import span_seconds
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, UsageProblem
from keyctl.exchanges.shipped import profile
from keyctl.home.selection import check_readable
from keyctl.journal.addresses import ACCOUNT, FRESH_SECONDS, GROUP
from keyctl.model.route import route_name, route_of
from keyctl.model.words import Market
from keyctl.opening import beside, own_trouble
from keyctl.terminal.output import Note, Result
from keyctl.verify.ip_lists import Remark, read_entry, remarks, split_entries
from keyctl.verify.public_ip import public_ips
from keyctl.verify.whitelist_view import ListPlan, plan_data, planned, shown

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account


def show(app: App, accounts: Sequence[Account]) -> Result:
    """The kept lists beside what the exchanges last told of theirs. Asks no network."""
    plans, troubles = _plans_of_some(app, accounts)
    data = {"whitelists": [plan_data(plan) for plan in plans]}
    return beside(Result(data, shown(plans), warnings=app.groups.warnings()), troubles)


def plan(app: App, accounts: Sequence[Account]) -> Result:
    """What to type at each exchange, and what that adds and takes off, beside the address that we leave from. Asks no
    exchange, and an echo service where the person agreed to it.

    Exit CHECK when an exchange would not take a list as it is kept.
    """
    public_ips(app, accounts)
    plans, troubles = _plans_of_some(app, accounts)
    errors = tuple(
        CheckFailed(
            f"{item.account.label} {item.market}: {remark.text}",
            "store another whitelist: keyctl whitelist set",
            code="bad_whitelist",
            account=item.account.label,
            exchange=item.account.exchange,
        )
        for item in plans
        for remark in item.remarks
        if remark.wrong
    )
    data = {"whitelists": [plan_data(item) for item in plans]}
    code = ExitCode.CHECK if errors else ExitCode.OK
    return beside(Result(data, planned(plans), code, errors, app.groups.warnings()), troubles)


def keep(
    app: App, accounts: Sequence[Account], group: str | None, market: Market | None, texts: Sequence[str]
) -> Result:
    """Keeps a list for accounts or for a whole group, whose members are `accounts` then. No texts: forgets it.

    Raises UsageProblem for what is no address, CheckFailed for what one of the exchanges would not take.
    """
    entries, twice = _entries(texts)
    accounts, odd = _known(accounts)
    warnings = [f"{entry} is given twice" for entry in twice]
    for account in accounts:
        if market is not None and market not in account.markets:
            raise UsageProblem(f"{account.label} does not have a {market} market", code="no_market")
        warnings += _check(account, entries)
    name, book = market.value if market else "", app.journals.to_send().addresses
    before = _lasting(app, accounts)
    for owner in [group] if group is not None else [account.id for account in accounts]:
        book.keep(GROUP if group is not None else ACCOUNT, owner, name, entries)
    done = f"Kept: {', '.join(entries)}" if entries else "No list is kept for it any more."
    after = _lasting(app, accounts)
    replaced = {place: was for place, was in before.items() if was and was != after[place]}
    plans, troubles = plans_of(app, accounts)
    was = [f"{label} {place}: replaced {', '.join(old)}" for (label, place), old in replaced.items()]
    hint = Note("\n".join([done, *was, *(["What to type where: keyctl whitelist plan"] if entries else [])]))
    told = tuple(dict.fromkeys(warnings))
    data = {
        "whitelists": [plan_data(item) for item in plans],
        "replaced": [
            {"account": label, "market": place, "kept": list(old)} for (label, place), old in replaced.items()
        ],
    }
    return beside(Result(data, (hint,), warnings=told), [*odd, *troubles])


def _lasting(app: App, accounts: Sequence[Account]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The list that is kept now for each market of each account, whether by itself or by its groups."""
    book = app.journals.to_send().addresses
    return {
        (account.label, market.value): book.lasting(account.id, app.groups.of(account), market)
        for account in accounts
        for market in account.markets
    }


def keep_until(
    app: App, accounts: Sequence[Account], group: str | None, market: Market | None, texts: Sequence[str], until: str
) -> Result:
    """Adds addresses to kept lists for a time, such as 2h. Raises as `keep`, and CheckFailed where no list is kept."""
    seconds = span_seconds(until)
    if seconds is None:
        raise UsageProblem("--until must be a duration such as 30m, 2h or 1d", code="bad_time")
    entries, _ = _entries(texts)
    accounts, odd = _known(accounts)
    name, book = market.value if market else "", app.journals.to_send().addresses
    warnings: list[str] = []
    for account in accounts:
        groups = app.groups.of(account)
        for place in [market] if market else account.markets:
            if place not in account.markets:
                raise UsageProblem(f"{account.label} does not have a {place} market", code="no_market")
            if not book.lasting(account.id, groups, place):
                raise CheckFailed(
                    f"{account.label}: no whitelist is stored to add it to",
                    f"store the permanent IP addresses first: keyctl whitelist set -a {account.label} IP...",
                    code="no_list",
                    account=account.label,
                )
            warnings += _check(account, tuple(dict.fromkeys((*book.kept(account.id, groups, place), *entries))))
    for owner in [group] if group is not None else [account.id for account in accounts]:
        scope = GROUP if group is not None else ACCOUNT
        book.keep_until(scope, owner, name, entries, app.clock.now() + seconds)
    plans, troubles = plans_of(app, accounts)
    done = f"Added for {until}: {', '.join(entries)}. keyctl verify reports when to remove it."
    note = Note(f"{done}\nTo see what to type at each exchange: keyctl whitelist plan")
    told = tuple(dict.fromkeys(warnings))
    kept = Result({"whitelists": [plan_data(item) for item in plans]}, (note,), warnings=told)
    return beside(kept, [*odd, *troubles])


def plans_of(app: App, accounts: Sequence[Account]) -> tuple[list[ListPlan], list[KeyctlError]]:
    """One plan for each list: markets that share a list and are kept alike share a plan. And why others have none."""
    plans: list[ListPlan] = []
    troubles: list[KeyctlError] = []
    for account in accounts:
        try:
            check_readable(account)
            plans += _plans(app, account)
        except KeyctlError as trouble:
            troubles.append(own_trouble(account, trouble))
    return plans, troubles


def _plans_of_some(app: App, accounts: Sequence[Account]) -> tuple[list[ListPlan], list[KeyctlError]]:
    """As plans_of; an account's trouble is raised where no other has a plan."""
    plans, troubles = plans_of(app, accounts)
    if troubles and not plans:
        raise troubles[0]
    return plans, troubles


def _known(accounts: Sequence[Account]) -> tuple[list[Account], list[KeyctlError]]:
    """The accounts whose facts and exchange this version knows, and why others are none of them. Raises as above."""
    known: list[Account] = []
    troubles: list[KeyctlError] = []
    for account in accounts:
        try:
            check_readable(account)
            profile(account.exchange)
            known.append(account)
        except KeyctlError as trouble:
            troubles.append(own_trouble(account, trouble))
    if troubles and not known:
        raise troubles[0]
    return known, troubles


def _plans(app: App, account: Account) -> list[ListPlan]:
    book = app.journal.addresses
    facts, groups = profile(account.exchange), app.groups.of(account)
    route = route_name(account, route_of(account, app.config.account(account.label).route))
    by_list: dict[tuple[bool, tuple[str, ...], tuple[tuple[str, float], ...]], list[Market]] = {}
    for market in account.markets:
        ends = tuple(book.ends(account.id, groups, market).items())
        key = (market in facts.ip_list.markets, book.kept(account.id, groups, market), ends)
        by_list.setdefault(key, []).append(market)
    ours, since = book.readings(route), app.clock.now() - FRESH_SECONDS
    return [
        ListPlan(account, facts, tuple(markets), kept, book.told(account.id), ours, since, route, dict(ends))
        for (_, kept, ends), markets in by_list.items()
    ]


def _entries(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The canonical entries once each, in the order given, and those that were given again."""
    seen: dict[str, int] = {}
    for text in split_entries(texts):
        try:
            entry = read_entry(text)
        except ValueError as error:
            raise UsageProblem(str(error), "give IP addresses such as 203.0.113.7", code="bad_address") from None
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
            *(
                ("to find your public IP address: keyctl ip",)
                if any("public IP" in item.text for item in wrong)
                else ()
            ),
            code="bad_whitelist",
            account=account.label,
            exchange=account.exchange,
        )
    return [f"{account.label}: {remark.text}" for remark in found]
