"""What a file says of a key beside its parts: exchange, site, live or not, the person's own name for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from keyctl.exchanges.shipped import names, profile
from keyctl.keys.formats.parsed import Entry
from keyctl.keys.key_names import (
    EXCHANGE_NAMES,
    KIND_NAMES,
    OWN_NAMES,
    Place,
    kinds_in,
    looks_like_name,
    place_in,
    place_of,
    switch_in,
    words_of,
)

_LABEL_MAX = 20
_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})
# More entries than this beside one key say nothing; a made-up file must not take minutes.
_WIDE_MAX = 200
_TELLING = frozenset(
    "exchange exchangeid exchangename connector venue broker name id label account alias title nickname "
    "environment env mode network kind server accountname accounttype tradingmode connectorname".split()
)


@dataclass(slots=True)
class Said:
    """All that is said of one key. `wrong` are contradictions, `notes` what a person should read."""

    place: Place
    kinds: set[str]
    label: tuple[str, ...] = ()
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    """One entry that is no part of a key: its table, the words of its name, its text in small letters if short."""

    table: tuple[str, ...]
    words: tuple[str, ...]
    text: str
    entry: Entry

    @property
    def may_say(self) -> bool:
        """Whether it can say anything of a key at all; files have thousands of others."""
        return bool(_TELLING & set(self.words)) or self.text.startswith(("http", "ws")) or self.text in _YES | _NO

    @property
    def is_wide(self) -> bool:
        """Whether its name means something by itself, without the words of one key's names."""
        name = "".join(self.words)
        is_address = self.text.startswith(("http", "ws"))
        return name in EXCHANGE_NAMES | OWN_NAMES | KIND_NAMES or is_address or bool(switch_in(self.words)[0])


class Hints:
    """The entries of a file that are no parts of keys."""

    def __init__(self, entries: list[Entry]) -> None:
        self._used: set[int] = set()
        # By table and the first words of their names; and by table those that may speak of more than one key.
        self._own: dict[tuple[tuple[str, ...], tuple[str, ...]], list[_Told]] = {}
        self._wide: dict[tuple[str, ...], list[_Told]] = {}
        for entry in entries:
            if entry.path and (told := _told(entry)).may_say:
                for length in range(len(told.words)):
                    self._own.setdefault((told.table, told.words[:length]), []).append(told)
                wide = self._wide.setdefault(told.table, [])
                if told.is_wide and len(wide) < _WIDE_MAX:
                    wide.append(told)

    def used(self, entry: Entry) -> bool:
        """Whether the entry has said something of a key."""
        return id(entry) in self._used

    def near(self, table: tuple[str, ...], rest: tuple[str, ...]) -> list[tuple[int, _Told, tuple[str, ...]]]:
        """What stands in the key's table or around it: how far off, the entry, its words without the key's own.

        0: of this key alone; 1: of the whole file or a table around it.
        """
        own = self._own.get((table, rest), [])[:_WIDE_MAX] if rest or table else []
        found = [(0, told, told.words[len(rest) :]) for told in own]
        mine = {id(told) for told in own}
        for length in range(len(table), -1, -1):
            found += [(1, told, told.words) for told in self._wide.get(table[:length], []) if id(told) not in mine]
        return found

    def use(self, told: _Told) -> None:
        """Notes that the entry has said something of a key, so that nothing is remarked on it."""
        self._used.add(id(told.entry))


def read_hints(hints: Hints, table: tuple[str, ...], rest: tuple[str, ...], leaves: set[str]) -> Said:
    """All that is said of the key in a table whose names have the words `rest` beside those of its parts."""
    near = hints.near(table, rest)
    own = place_in(rest)
    steps = [place for step in reversed(table) if (place := place_in(words_of(step))) != Place()]
    told: dict[int, list[Place]] = {0: [], 1: []}
    label: tuple[str, ...] = ()
    for far, item, words in near:
        name = "".join(words)
        named = place_of(item.text) if name in EXCHANGE_NAMES | OWN_NAMES and item.text else None
        if named is not None:
            told[far].append(named)
            hints.use(item)
        elif far == 0 and name in OWN_NAMES and looks_like_name(item.text) and len(item.text) <= _LABEL_MAX:
            label = tuple(re.findall("[a-z0-9]+", item.text))
            hints.use(item)
        elif name in EXCHANGE_NAMES and item.text:
            told[far].append(Place(other=item.text if looks_like_name(item.text) else "its exchange"))
            hints.use(item)
    said = Said(_first(own, told[0], steps, told[1], _by_layout(table, leaves)), set(), label)
    strong = {place.exchange or place.other for place in (own, *told[0], *steps[:1]) if place != Place()}
    if len(strong) > 1 and not all(strong):
        strong.discard("")
    if len({place for place in strong}) > 1:
        said.wrong.append("the file gives two exchanges for it")
    _kinds(said, hints, near, table, rest)
    return said


def _first(*given: Place | list[Place]) -> Place:
    """The first place that is told; the list goes from the nearest to the farthest."""
    places = [place for item in given for place in (item if isinstance(item, list) else [item])]
    known = [place for place in places if place != Place()]
    if not known:
        return Place()
    site = next((place.site for place in known if place.site and place.exchange == known[0].exchange), "")
    return Place(known[0].exchange, site, known[0].other)


def _by_layout(table: tuple[str, ...], leaves: set[str]) -> Place:
    """The exchange whose own tool has files of that layout."""
    for exchange in names():
        tool = profile(exchange).own_tool
        if tool and table[:1] == (tool.table,) and len(table) == 2 and set(tool.fields) <= leaves:
            return Place(exchange)
    if table == ("auth",) and {"api_key", "api_secret"} <= leaves:
        return Place(other="kraken")  # the layout of Kraken's own command line tool
    return Place()


def _kinds(
    said: Said,
    hints: Hints,
    near: list[tuple[int, _Told, tuple[str, ...]]],
    table: tuple[str, ...],
    rest: tuple[str, ...],
) -> None:
    """Puts in what is said of live or not, by names first, then by switches and addresses from near to far."""
    by_name = kinds_in((*(word for step in table for word in words_of(step)), *rest))
    by_switch: dict[int, set[str]] = {0: set(), 1: set()}
    sites: set[str] = {said.place.site} - {""}
    for far, item, words in near:
        kinds, site, hit = _kind_of(item, words, said.place.exchange, rest)
        if hit:
            hints.use(item)
            # In a flat file a switch chooses between keys whose names say what they are.
            by_switch[0 if far == 0 and (table or not by_name) else 1] |= kinds
            sites |= {site} - {""}
    said.kinds = by_name | by_switch[0] or by_switch[1]
    if len(said.kinds) > 1:
        said.wrong.append(f"the file says both {' and '.join(sorted(said.kinds))}; choose one with --env")
    elif by_switch[1] - said.kinds:
        said.notes.append(f"the file's own switch says {' and '.join(sorted(by_switch[1] - said.kinds))}")
    if len(sites) > 1:
        said.wrong.append("the file gives two sites of the exchange")
    elif sites:
        said.place = Place(said.place.exchange, sites.pop(), said.place.other)


def _kind_of(item: _Told, words: tuple[str, ...], exchange: str, rest: tuple[str, ...]) -> tuple[set[str], str, bool]:
    """What kinds and which site one entry says, and whether it says anything."""
    text = item.text
    if "".join(words) in KIND_NAMES and (kinds := kinds_in(words_of(text)) | ({"live"} if text == "main" else set())):
        return kinds, "", True
    kind, left = switch_in(words)
    if kind and (not left or set(left) <= {*rest, exchange}) and text in _YES | _NO:
        return ({kind} if text in _YES else {"live"}), "", True
    if host := re.match(r"(?:https?|wss?)://([a-z0-9.-]+)", text):
        return (*_of_host(exchange, host[1]), True)
    return set(), "", False


def _of_host(exchange: str, host: str) -> tuple[set[str], str]:
    """Which kind and site of the exchange a host belongs to; nothing where it is of several or none."""
    words = kinds_in(words_of(host))
    if exchange not in names():
        return set(), ""
    kinds: set[str] = set()
    sites: set[str] = set()
    for kind, by_site in profile(exchange).hosts.items():
        for site, roles in by_site.items():
            if any(address.partition("//")[2] == host for address in roles.values()):
                kinds.add({"testnet": "test"}.get(kind, kind))
                sites.add(site)
    return (kinds if len(kinds) == 1 else words), (sites.pop() if len(sites) == 1 else "")


def _told(entry: Entry) -> _Told:
    text = entry.value.reveal() if len(entry.value) <= 200 else b""
    return _Told(entry.path[:-1], words_of(entry.path[-1]), text.decode("utf-8", "replace").strip().lower(), entry)
