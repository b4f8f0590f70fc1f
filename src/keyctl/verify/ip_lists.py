"""IP lists as exchanges take them: entries checked, written in the exchange's own form, compared. Pure, no I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyctl.exchanges.profile import IPListFacts, Profile

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Never seen by an exchange on the open internet, although ipaddress does not call it private (RFC 6598).
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")
# Two halves of the internet are as open as the whole: a range is a range from this many fixed bits on.
_WIDEST = {4: 8, 6: 16}


@dataclass(frozen=True, slots=True)
class Remark:
    """What is odd about an entry or about the whole list. With `wrong` the exchange would not take it as it is."""

    text: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """What to change in a list so that it is the wanted one."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


def read_entry(text: str) -> str:
    """An address, or a range such as 203.0.113.0/24, in its canonical form.

    Raises ValueError, in words for a person, for anything else.
    """
    try:
        if "%" in text:  # a zone, which means something on this machine alone
            raise ValueError
        if "/" not in text:
            return str(ipaddress.ip_address(text))
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text[:45]!r} is not an IP address") from None
    if str(network.network_address) != str(ipaddress.ip_address(text.split("/")[0])):
        raise ValueError(f"{text[:45]} has host bits set; did you mean {network}?")
    whole = network.num_addresses == 1
    return str(network.network_address if whole else network)


def split_entries(texts: Iterable[str]) -> tuple[str, ...]:
    """The entries of arguments that may hold several, separated by commas or blanks."""
    return tuple(word for text in texts for word in text.replace(",", " ").split())


def covers(entries: Iterable[str], address: str) -> bool:
    """Whether one of the entries takes the address. Entries that cannot be read take nothing."""
    caller = ipaddress.ip_address(address)
    return any(network is not None and caller in network for network in map(_network, entries))


def open_entry(entries: Iterable[str]) -> str:
    """The first entry that takes so much of the internet that there is no list at all; empty when there is none."""
    for entry in entries:
        network = _network(entry)
        if network is not None and (network.prefixlen < _WIDEST[network.version] or int(network.network_address) == 0):
            return entry
    return ""


def remarks(entries: Sequence[str], facts: Profile, *, loopback: bool = False) -> tuple[Remark, ...]:
    """All that is odd about a list of canonical entries at that exchange.

    `loopback`: the account's exchange is on this machine, where private addresses are what it sees.
    """
    found: list[Remark] = []
    for number, entry in enumerate(entries):
        found += _entry_remarks(entry, facts, loopback)
        found += _repeated(entry, entries[:number])
    limit = facts.ip_list.limit
    if limit is not None and len(entries) > limit:
        found.append(Remark(f"{len(entries)} entries; {facts.title} accepts at most {limit}", True))
    return tuple(found)


def _entry_remarks(entry: str, facts: Profile, loopback: bool) -> list[Remark]:
    network = _network(entry)
    if network is None:
        return [Remark(f"{entry[:45]} is not an IP address", True)]
    found: list[Remark] = []
    if open_entry([entry]):
        found.append(Remark(f"{entry} covers too many IP addresses to be a whitelist", True))
    elif not loopback and _is_inner(network):
        found.append(Remark(f"{entry} is private or reserved; an exchange only sees your public IP address", True))
    if network.num_addresses > 1 and not facts.ip_list.cidr:
        known = facts.ip_list.cidr is False
        words = "does not accept ranges" if known else "does not document whether it accepts ranges"
        found.append(Remark(f"{entry}: {facts.title} {words}", known))
    if network.version == 6 and not facts.ip_list.ipv6:
        known = facts.ip_list.ipv6 is False
        words = "does not accept IPv6" if known else "does not document whether it accepts IPv6"
        found.append(Remark(f"{entry}: {facts.title} {words}", known))
    return found


def _repeated(entry: str, earlier: Sequence[str]) -> list[Remark]:
    network = _network(entry)
    for other in earlier:
        known = _network(other)
        if network is None or known is None or network.version != known.version:
            continue
        if network == known:
            return [Remark(f"{entry} is listed twice", True)]
        if network.overlaps(known):
            return [Remark(f"{entry} and {other} overlap", False)]
    return []


def written(entries: Sequence[str], facts: IPListFacts) -> tuple[str, ...]:
    """The lines to type into the exchange's form, in the order given: one line where it takes a separator.

    Where the separator is not documented each entry is a line of its own.
    """
    separator = "," if facts.separator.startswith(("commas", ",")) else facts.separator
    if separator in ("", "\n"):
        return tuple(entries)
    return (separator.join(entries),) if entries else ()


def difference(wanted: Iterable[str], told: Iterable[str]) -> Difference:
    """What to add to the told list and what to take off, compared as networks, each in its own order."""
    wanted, told = tuple(wanted), tuple(told)
    here, there = {_network(entry) or entry for entry in wanted}, {_network(entry) or entry for entry in told}
    return Difference(
        tuple(entry for entry in wanted if (_network(entry) or entry) not in there),
        tuple(entry for entry in told if (_network(entry) or entry) not in here),
    )


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _is_inner(network: Network) -> bool:
    """Whether no exchange can see an address of that range: private, loopback, multicast, example addresses."""
    if isinstance(network, ipaddress.IPv4Network) and network.subnet_of(_SHARED):
        return True
    return network.is_private or network.is_multicast or network.is_reserved
