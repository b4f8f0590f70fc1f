"""The course of one verify command: accounts to sessions, reads, findings, what to remember, Result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keyctl.errors import ExitCode, KeyctlError, SetupProblem, StoreUnusable
from keyctl.home.account_uid import is_other
from keyctl.home.files import unwritable
from keyctl.home.last_use import last_uses
from keyctl.home.profiles import RISKS, assigned_profile
from keyctl.model.route import route_name
from keyctl.network.egress import look_up
from keyctl.terminal.output import Result
from keyctl.verify.address_hints import note_told
from keyctl.verify.for_a_time import judge_ends
from keyctl.verify.observations import House, Observation, Vantage
from keyctl.verify.policy import judge, judge_unasked
from keyctl.verify.probes import observe_all
from keyctl.verify.view import Checked, report

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.network.lines import Network


def verify(app: App, accounts: Sequence[Account], done: Callable[[], None] = lambda: None) -> Result:
    """What every account's key may do, judged; `done` is called as each account ends. Raises as `check` does."""
    return report(check(app, accounts, done), terminal=app.output.for_people, quiet=app.output.quiet)


def check(app: App, accounts: Sequence[Account], done: Callable[[], None] = lambda: None) -> list[Checked]:
    """Each account's observation and findings. Sends reads only.

    An account whose own secret is missing or bound elsewhere fails, and is not asked about. Raises SetupProblem when
    no secret at all can be had, StoreUnusable.
    """
    seen, vantages, unusable = asyncio.run(_observe(app, accounts, done))
    _remember(app, seen)
    by_id = {item.account.id: item for item in seen}
    checked = []
    for account in accounts:
        house = house_of(app, account, vantages.get(account.id, Vantage()))
        if account.id in by_id:
            item = by_id[account.id]
            findings = (*judge(item, house), *judge_ends(item, house.vantage))
        else:
            item, trouble = Observation(account, app.clock.utc()), unusable[account.id]
            reason, fix = trouble.message.removeprefix(f"{account.label}: "), "; ".join(trouble.hints)
            findings = judge_unasked(account, reason, fix)
        checked.append(Checked(item, findings, house.vantage, house.profile))
    return checked


def house_of(app: App, account: Account, vantage: Vantage) -> House:
    """The person's own rules for one account, from config.toml."""
    config = app.config
    entries = ((risk, config.accepts(account.label, risk)) for risk in RISKS)
    accepted = {risk: f"{entry.reason} ({entry.date})" for risk, entry in entries if entry is not None}
    profile = assigned_profile(config.account(account.label).profiles, account.profile)
    used = last_uses(app.home.state).get(account.id)
    return House(config.key_age_days, accepted, profile, vantage, used)


def vantage_of(app: App, account: Account, network: Network) -> Vantage:
    """From where an account's calls leave, as far as the journal knows it from this hour, and its kept lists."""
    book, name = app.journal.addresses, route_name(account, network.route(account))
    groups = app.groups.of(account)
    return Vantage(
        name,
        tuple(reading.address for reading in book.fresh(name)),
        {market: book.kept(account.id, groups, market) for market in account.markets},
        {market: book.ends(account.id, groups, market) for market in account.markets},
    )


def verify_new(app: App, account: Account) -> Result:
    """As verify, for an account that was just stored: an exchange that gives no answer is a warning."""
    result = verify(app, [account])
    if result.exit_code is not ExitCode.UNREACHED:
        return result
    warnings = tuple(f"stored, but not tested: {error.message}" for error in result.errors)
    return Result(result.data, result.view, warnings=warnings)


async def _observe(
    app: App, accounts: Sequence[Account], done: Callable[[], None]
) -> tuple[list[Observation], dict[str, Vantage], dict[str, KeyctlError]]:
    """What was seen of those that can be asked, from where they are used, and why others cannot be asked, by id."""
    opened = app.opened(accounts)
    book = app.journal.addresses
    async with app.network() as network:
        sessions = [opened.session(account, network, app.journal) for account in accounts]
        unusable = {session.account.id: session.trouble for session in sessions if session.trouble is not None}
        if len(unusable) == len(accounts):
            raise next(iter(unusable.values()))
        for _ in unusable:
            done()
        able = [session for session in sessions if session.trouble is None]
        usable = [session.account for session in able]
        seen, _ = await asyncio.gather(
            observe_all(able, done), look_up(network, book, usable, app.config.echo_services)
        )
        note_told(network, book, seen)
        for name in {route_name(item.account, network.route(item.account)) for item in seen if item.proven}:
            book.note_verified(name)
        return seen, {account.id: vantage_of(app, account, network) for account in usable}, unusable


def _remember(app: App, seen: Sequence[Observation]) -> None:
    """Keeps the withdrawal readings for the orders of the next day, and account ids that were told.

    No right is kept of a key that belongs to another exchange account than its label means.
    """
    ours = [item for item in seen if not is_other(item.account, item.uid)]
    told = [item for item in ours if item.permissions is not None or item.introspection is None]
    app.journal.notes.note_permissions({item.account.id: item.permissions for item in told})
    for item in seen:
        facts = told_facts(item)
        if any(getattr(item.account, name) != value for name, value in facts.items()):
            try:
                now = app.accounts.get(item.account.label)
                # Not when a rotation has just given the label to another key, or another run an account id.
                if (now.id, now.uid) == (item.account.id, item.account.uid):
                    _keep(app, replace(now, **facts))
            except SetupProblem:
                continue  # removed meanwhile by another process


def _keep(app: App, account: Account) -> None:
    """Keeps what was told of an account, where that can be written: the verdict does not hang on it."""
    folder = app.home.config
    try:
        app.accounts.replace(account)
    except StoreUnusable as trouble:
        if not (why := unwritable(folder)):
            raise
        if app.journals.unwritten is None and not app.journals.remarks:
            app.remarks.append(f"{trouble.message}; the account data from the exchange was not stored ({why})")
    app.journal.exchange_accounts.know([account])


def told_facts(seen: Observation) -> dict[str, Any]:
    """What the account list keeps of an observation: the account's id there, the key's age, whether it has a list.

    Of a key that belongs to another exchange account than its label means, that one's id alone.
    """
    if is_other(seen.account, seen.uid):
        return {"other_uid": seen.uid}
    told, facts = seen.permissions, dict[str, Any]()
    if seen.uid is not None:
        facts |= {"uid": seen.uid, "other_uid": None}
    if told is not None and told.created is not None:
        facts["key_created"] = told.created.replace(microsecond=0)
    if told is not None and told.ip_restricted is not None:
        facts["ip_list"] = told.ip_restricted
    return facts
