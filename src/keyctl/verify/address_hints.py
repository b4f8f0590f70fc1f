"""What exchanges themselves say of our address, in their refusals, and of a key's IP list: into the address book."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from keyctl.exchanges.catalogue import catalogue
from keyctl.model.route import route_name
from keyctl.verify.policy import address_in

if TYPE_CHECKING:
    from keyctl.journal.addresses import Addresses
    from keyctl.model.told import ExchangeError
    from keyctl.model.words import Market
    from keyctl.network.lines import Network
    from keyctl.verify.observations import Observation

# Only these refusals speak of where a call came from; an address in other words may be anybody's.
_SPEAKING = ("ip", "permission", "signature")


def note_told(network: Network, book: Addresses, seen: Iterable[Observation]) -> None:
    """Remembers the addresses that exchanges named in their refusals, and what they told of IP lists."""
    told: dict[str, tuple[bool | None, tuple[str, ...] | None]] = {}
    named: dict[tuple[str, str], str] = {}
    for item in seen:
        account = item.account
        name = route_name(account, network.route(account))
        for market, answer in item.markets.items():
            address = _named(answer.error, market) if answer is not None and answer.error is not None else ""
            if address and (account.endpoint or ipaddress.ip_address(address).is_global):
                named[name, address] = account.exchange
        if item.permissions is not None:
            told[account.id] = item.permissions.ip_restricted, item.permissions.ips
    for (name, address), exchange in named.items():
        book.note(name, ipaddress.ip_address(address).version, address, exchange)
    book.note_told(told)


def _named(error: ExchangeError, market: Market) -> str:
    found = catalogue(error.exchange).lookup(error.code, market, error.text, error.http)
    return address_in(error.text) if found and found[0].category in _SPEAKING else ""
