"""This machine's public IP address, as it was told last, in an exchange's own form. An echo service is asked only where
the person agreed to it, and at most once an hour; opens no secret and needs no account.

Every checklist waits for this module: what only an address that is known needs is loaded where it is used.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import KeyctlError, SetupProblem, Unreached
from keyctl.exchanges.checklists import list_step
from keyctl.exchanges.shipped import profile
from keyctl.terminal.output import Note, Result, Table

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.exchanges.profile import Profile
    from keyctl.journal.addresses import Reading
    from keyctl.model.account import Account
    from keyctl.model.route import Route
    from keyctl.model.wire import JSON

AGREE = "allow keyctl to ask a public service for it: keyctl config set echo on"
_COLUMNS = ("route", "version", "IP address", "seen", "source")


def public_ips(app: App, accounts: Iterable[Account] | None = None) -> dict[str, tuple[Reading, ...]]:
    """The newest reading of each IP version by route: of these accounts' routes, or of the direct one without any.

    Where no echo service may be asked and nothing was ever noted, nothing is opened and nothing is known.
    """
    from keyctl.model.route import DIRECT

    services = _services(app)
    routes = {str(DIRECT): DIRECT} if accounts is None else _routes(app, accounts)
    if not services and not app.home.address_mark.exists():
        return dict.fromkeys(routes, ())
    book = app.journals.addresses()
    if services and not all(book.fresh(name) for name in routes):
        import asyncio

        asyncio.run(_ask(app, routes))
    return {name: book.readings(name) for name in routes}


def _services(app: App) -> tuple[str, ...]:
    """The echo services that may be asked; read from nothing where nobody has said anything yet."""
    said = (app.home.config_file, app.home.echo_file)
    return app.config.echo_services if any(map(os.path.lexists, said)) else ()


def _routes(app: App, accounts: Iterable[Account]) -> dict[str, Route]:
    """The routes of accounts by name; one that cannot be read is that account's own trouble."""
    from keyctl.model.route import route_name, route_of

    found: dict[str, Route] = {}
    for account in accounts:
        with suppress(SetupProblem):
            route = route_of(account, app.config.account(account.label).route)
            found[route_name(account, route)] = route
    return found


async def _ask(app: App, routes: Mapping[str, Route]) -> None:
    from keyctl.network.egress import look_up_routes

    async with app.network() as network:
        await look_up_routes(network, app.journal.addresses, routes, app.config.echo_services)


def show(app: App) -> Result:
    """The public IP addresses of the direct route and of every route of a stored account.

    Raises SetupProblem where none is known and no echo service may be asked, Unreached where none gave an answer.
    """
    away = [account for account in app.accounts.all() if not account.endpoint and not account.disabled]
    known = {**public_ips(app), **public_ips(app, away)}
    rows = [(name, reading) for name, readings in known.items() for reading in readings]
    if not rows and not app.config.echo_services:
        raise SetupProblem("your public IP address is unknown", AGREE, code="no_echo")
    if not rows:
        raise Unreached(
            "the echo services did not return your public IP address; keyctl asks each once an hour",
            "check which services are set: keyctl config show",
        )
    now = app.clock.now()
    view = Table(
        _COLUMNS,
        [(name, f"IPv{item.version}", item.address, age_words(now - item.seen_at), item.source) for name, item in rows],
    )
    return Result({"addresses": [reading_data(name, item, now) for name, item in rows]}, (view,))


def agree_once(app: App) -> None:
    """Asks the person, at a terminal and once, whether an echo service may be asked. No answer is none."""
    from keyctl.home.echo import agreed

    if app.home.is_demo or not app.prompt.has_terminal or agreed(app.home) is not None:
        return
    with suppress(KeyctlError):  # what is wrong with config.toml is told by what needs it
        if app.config.echo_url is None:
            _ask_person(app)


def _ask_person(app: App) -> None:
    from urllib.parse import urlsplit

    from keyctl.home.echo import OFF, ON, SERVICES, keep

    hosts = " or ".join(urlsplit(url).hostname or "" for url in SERVICES)
    app.prompt.show(
        f"For the IP whitelist keyctl can show your public IP address. It would ask {hosts}, "
        "at most once an hour, over https. They see your IP address, but no key."
    )
    answer = app.prompt.choose("May keyctl ask them?", ("yes", "no"), "no", option="keyctl config set echo on")
    keep(app.home, ON if answer == "yes" else OFF)
    app.__dict__.pop("config", None)


def ip_note(app: App, account: Account) -> tuple[Note | None, list[JSON]]:
    """What to say of the public IP address after a key was stored, for people (None: nothing) and for programs."""
    from keyctl.home.echo import agreed

    said = ip_step(app, profile(account.exchange), account=account)
    if not said.data and (app.home.is_demo or said.trouble or app.config.echo_services or agreed(app.home) is not None):
        return None, []
    return Note("\n".join(f"Your public IP address: {line}" for line in said.lines)), said.data


class IPStep(NamedTuple):
    """What the step on the IP whitelist says of the public IP address, what to type there, and the readings as data.

    `trouble` is why they could not be had: a checklist does without.
    """

    lines: list[str]
    typed: tuple[str, ...]
    data: list[JSON]
    trouble: str = ""


def ip_step(app: App, facts: Profile, number: int | None = None, account: Account | None = None) -> IPStep:
    """The public IP address for an exchange's step `number` on the IP whitelist: of that account's route, or of the
    direct one."""
    try:
        [(route, readings)] = public_ips(app, None if account is None else [account]).items() or [("", ())]
        asks = bool(_services(app))
    except KeyctlError as trouble:
        return IPStep([f"unknown; {trouble}"], (), [], str(trouble))
    if not readings:
        words = "the echo services did not return it; keyctl asks each once an hour" if asks else AGREE
        return IPStep([f"unknown; {words}"], (), [])
    now, typed = app.clock.now(), type_there(readings, facts)
    lines = [
        f"{item.address} (from {item.source}, {age_words(now - item.seen_at)}){_doubt(item, facts)}"
        for item in readings
    ]
    lines += [f"in {facts.title}'s form (step {number or list_step(facts)}), type: {line}" for line in typed]
    return IPStep(lines, typed, [reading_data(route, reading, now) for reading in readings])


def type_there(readings: Sequence[Reading], facts: Profile) -> tuple[str, ...]:
    """What to type into the exchange's form for these addresses: those of IPv6 only where it accepts them."""
    from keyctl.verify.ip_lists import written

    takes = [reading.address for reading in readings if reading.version == 4 or facts.ip_list.ipv6]
    return written(takes, facts.ip_list)


def _doubt(reading: Reading, facts: Profile) -> str:
    if reading.version == 4 or facts.ip_list.ipv6:
        return ""
    known = facts.ip_list.ipv6 is False
    return f"; {facts.title} {'does not accept' if known else 'does not document whether it accepts'} IPv6"


def age_words(seconds: float) -> str:
    """How long ago something was, for people."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days ago"


def reading_data(route: str, reading: Reading, now: float) -> dict[str, JSON]:
    """One reading for programs."""
    from keyctl.clock import rfc3339  # takes long to load, and a checklist without a reading waits for this module

    return {
        "route": route,
        "version": reading.version,
        "address": reading.address,
        "seen_at": rfc3339(reading.seen_at),
        "age_seconds": max(0, int(now - reading.seen_at)),
        "source": reading.source,
    }
