"""Which address an account's calls leave from, told by an echo service. Reads only.

An echo service is asked only where the person agreed to it, never sees a key, and at most once an hour for each route.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from keyctl.answers import Unreadable, read_object
from keyctl.errors import Unreached
from keyctl.journal.addresses import Addresses, Reading
from keyctl.model.account import Account
from keyctl.model.route import BY_VERSION, DIRECT, Route, RouteKind, is_loopback, route_name
from keyctl.model.wire import WireRequest
from keyctl.network.lines import Network
from keyctl.plain_text import clean_text

ECHO_SECONDS = 3.0
ECHO_MAX_BYTES = 4096


async def look_up(network: Network, book: Addresses, accounts: Sequence[Account], services: Sequence[str]) -> None:
    """Asks an echo service for every route of these accounts whose address is not known from this hour."""
    routes = {route_name(account, network.route(account)): network.route(account) for account in accounts}
    await look_up_routes(network, book, routes, services)


async def look_up_routes(
    network: Network, book: Addresses, routes: Mapping[str, Route], services: Sequence[str]
) -> None:
    """As look_up, for routes by name. The later services are asked only where those before gave no answer."""
    if not services:
        return
    await asyncio.gather(
        *(
            _look_up(network, book, name, way, version, services)
            for name, route in routes.items()
            for version, way in _ways(route).items()
            if not any(reading.version == version for reading in book.fresh(name))
        )
    )


def _ways(route: Route) -> dict[int, Route]:
    """The ways to ask by IP version; which version a proxy leaves by is its own matter, so it is asked once."""
    if route == DIRECT:
        return BY_VERSION
    if route.kind is RouteKind.LOCAL:
        return {ipaddress.ip_address(route.host).version: route}
    return {4: route}


async def _look_up(
    network: Network, book: Addresses, name: str, way: Route, version: int, services: Sequence[str]
) -> None:
    if not book.may_ask(name, version):
        return
    for url in services:
        address = await _echo(network, way, url)
        if address is not None:
            book.note(name, address.version, str(address), urlsplit(url).hostname or "")
            return


async def _echo(network: Network, way: Route, url: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """What the service says that our address is; None when it says nothing usable."""
    parts = urlsplit(url)
    try:
        line = network.keyless_line(f"{parts.scheme}://{parts.netloc}", way)
        response = await line.send(WireRequest("GET", url, (), b"", repeatable=True), ECHO_SECONDS)
    except Unreached:
        return None
    if response.status != 200 or len(response.body) > ECHO_MAX_BYTES:
        return None
    text = response.body.decode("utf-8", "replace").strip()
    try:
        told = read_object(response.body).get("ip")
        text = told.strip() if isinstance(told, str) else ""
    except Unreadable:
        pass
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A service out there cannot have seen a private address; one on this machine may tell what it likes.
    return address if address.is_global or is_loopback(parts.hostname or "") else None


def moved_words(name: str, readings: Iterable[Reading]) -> list[str]:
    """What to say of addresses that are others than at the last verify along that route."""
    return [
        clean_text(f"your IP address ({name}) is now {reading.address}; at the last verify it was {reading.verified}")
        for reading in readings
        if reading.moved
    ]


async def moved_addresses(
    network: Network, book: Addresses, accounts: Sequence[Account], services: Sequence[str]
) -> list[str]:
    """Warnings for an order's preview: our address has changed since the last verify, and lists may refuse it."""
    await look_up(network, book, accounts, services)
    names = dict.fromkeys(route_name(account, network.route(account)) for account in accounts)
    return [
        f"{words}; an IP whitelist may reject it: keyctl verify"
        for name in names
        for words in moved_words(name, book.readings(name))
    ]
