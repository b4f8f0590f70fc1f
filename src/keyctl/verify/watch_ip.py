"""The course of `keyctl verify --watch-ip`: has our address changed, and would IP lists refuse it? Opens no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.clock import rfc3339
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, SetupProblem, Unreached
from keyctl.model.route import route_name
from keyctl.network.egress import look_up
from keyctl.opening import beside, keyless_session
from keyctl.terminal.output import Result, Table
from keyctl.verify.ip_lists import covers

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.addresses import Reading
    from keyctl.model.account import Account

_COLUMNS = ("route", "address", "seen", "source", "at the last verify", "accounts that would be locked out")


@dataclass(frozen=True, slots=True)
class _Watched:
    """One route's newest address, and the labels of the accounts whose lists would refuse it."""

    route: str
    reading: Reading
    locked_out: tuple[str, ...]


def watch(app: App, accounts: Sequence[Account]) -> Result:
    """The addresses that these accounts leave from now. Exit CHECK when one has changed and would be refused; exit
    UNREACHED when a route's address cannot be learned.

    Raises SetupProblem without an echo service: nothing else tells the address while no call is refused.
    """
    if not app.config.echo_services:
        raise SetupProblem(
            "cannot find your public IP address: echo_url is not set",
            "allow an echo service (it sees no key): keyctl config set echo on",
            code="no_echo",
        )
    names, troubles = asyncio.run(_ask(app, accounts))
    watched, errors = [], list[KeyctlError]()
    for name in dict.fromkeys(names.values()):
        members = [account for account in accounts if names.get(account.id) == name]
        readings = app.journal.addresses.fresh(name)
        if not readings:
            errors.append(
                Unreached(
                    f"the echo services did not return your public IP address ({name})",
                    "check which services are set: keyctl config show",
                )
            )
        for reading in readings:
            locked_out = tuple(account.label for account in members if _refuses(app, account, reading))
            watched.append(_Watched(name, reading, locked_out))
    errors += [_changed(item) for item in watched if item.locked_out]
    codes = {error.exit_code for error in errors}
    code = ExitCode.CHECK if ExitCode.CHECK in codes else ExitCode.UNREACHED if codes else ExitCode.OK
    rows = [] if app.output.quiet else [_row(item) for item in watched]
    view = (Table(_COLUMNS, rows),) if rows else ()
    return beside(Result({"routes": [_data(item) for item in watched]}, view, code, tuple(errors)), troubles)


async def _ask(app: App, accounts: Sequence[Account]) -> tuple[dict[str, str], list[KeyctlError]]:
    """The route's name by account id, once every route has been asked for its address; and why an account has none.

    Raises an account's trouble where no other is left.
    """
    async with app.network() as network:
        sessions = [keyless_session(account, network, app.journal) for account in accounts]
        troubles = [session.trouble for session in sessions if session.trouble is not None]
        usable = [session.account for session in sessions if session.trouble is None]
        if troubles and not usable:
            raise troubles[0]
        await look_up(network, app.journal.addresses, usable, app.config.echo_services)
        return {account.id: route_name(account, network.route(account)) for account in usable}, troubles


def _refuses(app: App, account: Account, reading: Reading) -> bool:
    """Whether an account would be locked out: the address is not the one that verify proved, and on no kept list.

    An account without a kept list and without a verify has nothing to be compared with.
    """
    if reading.verified == reading.address:
        return False
    book, groups = app.journal.addresses, app.groups.of(account)
    lists = [book.kept(account.id, groups, market) for market in account.markets]
    if any(entries and not covers(entries, reading.address) for entries in lists):
        return True
    return reading.moved and not all(lists)


def _changed(item: _Watched) -> KeyctlError:
    was = f"; at the last verify it was {item.reading.verified}" if item.reading.verified else ""
    return CheckFailed(
        f"your public IP address ({item.route}) is now {item.reading.address}{was}. Change the IP whitelist or the "
        f"proxy of: {', '.join(item.locked_out)}",
        code="address_changed",
        account=item.locked_out[0] if len(item.locked_out) == 1 else None,
    )


def _row(item: _Watched) -> tuple[str, ...]:
    reading = item.reading
    seen = rfc3339(reading.seen_at) or ""
    return (item.route, reading.address, seen, reading.source, reading.verified or "-", ", ".join(item.locked_out))


def _data(item: _Watched) -> dict[str, object]:
    return {
        "route": item.route,
        "version": item.reading.version,
        "address": item.reading.address,
        "seen_at": rfc3339(item.reading.seen_at),
        "source": item.reading.source,
        "verified": item.reading.verified,
        "locked_out": list(item.locked_out),
    }
