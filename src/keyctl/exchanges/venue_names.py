"""Which exchange a text names: as itself, in a host, or as another program or language calls it. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from keyctl.exchanges.shipped import names, profile
from keyctl.loader import open_data
from keyctl.model.words import Market


class Named(NamedTuple):
    """One mention of an exchange: where, and the market where the mention tells it."""

    start: int
    end: int
    exchange: str
    market: Market | None


def mentions(text: str) -> list[Named]:
    """Every mention of a shipped exchange in the text, in its order."""
    pattern, owners = _pattern()
    found = []
    for match in pattern.finditer(text):
        word = match[1].casefold()
        exchange, market = owners[word]
        found.append(Named(match.start(), match.end(), exchange, market or _market_of(exchange, match[2].casefold())))
    return found


def market_in(exchange: str, text: str) -> Market | None:
    """The market that a mention of that exchange in the text tells, or a host of one market alone."""
    told = {found.market for found in mentions(text) if found.exchange == exchange and found.market}
    told |= {market for host, market in _hosts(exchange) if host in text}
    return told.pop() if len(told) == 1 else None


def _market_of(exchange: str, rest: str) -> Market | None:
    """The market that a suffix such as "usdm" tells."""
    scopes = profile(exchange).scopes if rest else {}
    markets = [market for market in Market if rest.strip("_-") in scopes.get(market, ())]
    return markets[0] if len(markets) == 1 else None


@cache
def _hosts(exchange: str) -> tuple[tuple[str, Market], ...]:
    """The hosts that serve one market alone."""
    found = []
    for sites in profile(exchange).hosts.values():
        for roles in sites.values():
            for role, host in roles.items():
                if role in tuple(Market) and list(roles.values()).count(host) == 1:
                    found.append((host.partition("//")[2], Market(role)))
    return tuple(found)


@cache
def _pattern() -> tuple[re.Pattern[str], dict[str, tuple[str, Market | None]]]:
    import csv

    owners: dict[str, tuple[str, Market | None]] = {}
    for exchange in names():
        owners[exchange] = exchange, None
        with open_data(f"exchanges/{exchange}", "names.csv") as file:
            for row in csv.DictReader(file):
                owners[row["name"].casefold()] = exchange, Market(row["market"]) if row["market"] else None
    longest_first = sorted(owners, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?i)(?<![a-z0-9])(?<![a-z]_)({words})(_?[a-z]{{0,12}})"), owners
