"""Profile: one exchange's facts, read from its TOML. Facts are values; behaviour is in the exchange's module.

Named tuples, because `checklist` and `diagnose` wait for these classes: as dataclasses they take 3 ms longer to make.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from keyctl.loader import open_data
from keyctl.model.words import Algorithm, Kind, Market

if TYPE_CHECKING:
    from keyctl.model.order import Order
    from keyctl.model.told import ExchangeError
    from keyctl.model.wire import Request

_DOLLARS = ("USD", "USDT", "USDC")
# What a key is for when no profile is named.
_TRADE = "trade"


class ReadablePath(NamedTuple):
    """One call that `keyctl request` may sign: it reads and cannot change anything. `{}` stands for one segment."""

    method: str
    path: str
    host: str
    private: bool


class Checklist(NamedTuple):
    """How to make a safe key there: steps in the exchange's own words, and notes with sources.

    `steps` are those of a trading key; `by_profile` those of a key for one profile, where the exchange has such keys.
    """

    page: str
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    by_profile: Mapping[str, tuple[str, ...]]


class IPListFacts(NamedTuple):
    """`limit`, `cidr`, `ipv6` None: not known. `readable` is "list", "set" (only whether one is set) or "no".

    `markets` are those whose list the permission call speaks of: all, unless a market has a list of its own.
    """

    limit: int | None
    separator: str
    cidr: bool | None
    readable: str
    step: int
    required_for: str
    markets: tuple[Market, ...] = tuple(Market)
    ipv6: bool | None = None


class KeyLifetime(NamedTuple):
    """When the exchange itself ends a key. Days; None: no such rule is documented."""

    no_ip_days: int | None
    unused_no_ip_days: int | None
    note: str


class OwnTool(NamedTuple):
    """How the exchange's own command line tool is given a key: by these variables, or by a table of its TOML file below
    the user's home.

    `variables` and `fields` are those of API key, secret and passphrase; below `table` each profile has one table.
    """

    title: str
    variables: tuple[str, ...]
    file: str
    table: str
    fields: tuple[str, ...]


class Settling(NamedTuple):
    """How an unknown order may be settled there.

    `accept_window_seconds`: after it a late copy of the request is refused (None: the exchange has no window).
    `authoritative`: whether its look-ups can prove absence. `horizon_seconds`: how long it remembers finished orders.
    `min_polling_seconds`: how long look-ups must go on at least before absence counts. `markets`: those for which this
    holds; on the others an order that is not found stays unknown until a person decides. `trigger_window_seconds`:
    the window of orders that wait for a trigger, where their call is another one with a longer window.
    `history_span_seconds`: how far back a list of past orders may be asked for (None: as far as it reaches).
    """

    accept_window_seconds: int | None
    authoritative: bool
    horizon_seconds: int
    min_polling_seconds: int
    markets: tuple[Market, ...] = tuple(Market)
    trigger_window_seconds: int | None = None
    history_span_seconds: int | None = None

    def window_of(self, order: Order) -> int | None:
        """The seconds after which a late copy of that order's request is refused; None where it never is."""
        longer = self.trigger_window_seconds if order.trigger is not None else None
        return self.accept_window_seconds if longer is None else longer


class NoSuchOrder(NamedTuple):
    """How a look-up by id says that there is no such order, or a cancel that none is open: by any of these `codes` at
    that HTTP status, with a text that begins so (small letters), and only in answer to these `calls` (METHOD PATH)."""

    calls: tuple[str, ...]
    codes: tuple[str, ...]
    http: int
    text: str = ""

    def fits(self, request: Request, error: ExchangeError) -> bool:
        """Whether that error, as the answer to that request, says so."""
        return (
            f"{request.method} {request.path}" in self.calls
            and (error.http, error.code in self.codes) == (self.http, True)
            and error.text.casefold().startswith(self.text)
        )


class Pace(NamedTuple):
    """At most so many `calls` in any `seconds` from one address to the paths together (with * for any text).

    `weights`: how many calls one call to a path counts for, where it is not 1; a path with "?symbol" stands for a call
    that names a symbol, where such a one counts for less.
    """

    paths: tuple[str, ...]
    calls: int
    seconds: int
    weights: Mapping[str, int]

    def weight(self, path: str) -> int:
        """How many calls one to that path counts for; "?symbol" at its end says that it names a symbol."""
        return self.weights.get(path, self.weights.get(path.partition("?")[0], 1))


class Profile(NamedTuple):
    """All facts of one exchange.

    `limits` are the headers, by name, in which its answers tell how much of a limit is used, in words for people.
    `paces` are the limits by address that reads are kept within. `dollars` are the currencies that count as one USD.
    `clock_limits_ms`: how far a timestamp may be ahead of the exchange's clock and behind it; None: none is checked.
    `nonce`: each signed call carries a number above the last one's. `dated`: no call tells the time, only the date of
    each answer does, in whole seconds; and nothing that is signed carries a time.
    `acknowledges`: its answer to a new order says only that it has come; it may still be rejected.
    `barred_by_reducing` are the codes of orders that were rejected because of open reduce-only ones; `key_gone` those
    that say of a key that it is none (any more), and never come of its IP list or rights.
    `no_such_order` are the only answers that mean so, by call; none where look-ups answer with lists alone.
    `funding`: it has margin funding, and keyctl lends there.
    `known_as` are other programs' names for it, each with the site that the name means ("" for any); `not_ours` are
    names that look like it and mean another exchange, each with that one's title.
    `unlisted`: what an account may have there that the lists do not show: of "positions", and of the open orders of
    "spot" and "futures". `experimental`: what the person must know before orders of a market that rests on unconfirmed
    facts; they need --experimental.
    `states`: what its words for the state of a symbol that is not trading mean; `order_kinds`: our words for kinds of
    order, by those in its rules, by market. `currencies`: the common names of those that it calls by another one.
    `secret_shape` is the expression that HMAC secrets fit, `secret_lengths` are those that it allows.
    `public_key_form` is how its key page takes a public key: "pem" (SPKI), or "base64" (SPKI DER without PEM lines).
    """

    name: str
    title: str
    site_default: str
    hosts: dict[str, dict[str, dict[str, str]]]
    algorithms: tuple[Algorithm, ...]
    passphrase: bool
    markets: tuple[Market, ...]
    scopes: dict[str, tuple[str, ...]]
    settling: Settling
    withdrawal_whitelist: str
    ip_list: IPListFacts
    lifetime: KeyLifetime
    key_note: str
    nonce: bool
    dated: bool
    docs: str
    checklist: Checklist
    readable: tuple[ReadablePath, ...]
    secret_shape: str = ""
    secret_lengths: tuple[int, ...] = ()
    public_key_form: str = "base64"
    own_tool: OwnTool | None = None
    limits: Mapping[str, str] = MappingProxyType({})
    paces: tuple[Pace, ...] = ()
    dollars: frozenset[str] = frozenset()
    clock_limits_ms: tuple[int, int] | None = None
    no_such_order: tuple[NoSuchOrder, ...] = ()
    barred_by_reducing: tuple[str, ...] = ()
    acknowledges: bool = False
    funding: bool = False
    key_gone: tuple[str, ...] = ()
    known_as: Mapping[str, str] = MappingProxyType({})
    not_ours: Mapping[str, str] = MappingProxyType({})
    unlisted: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    experimental: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    states: Mapping[str, str] = MappingProxyType({})
    currencies: Mapping[str, str] = MappingProxyType({})
    order_kinds: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType({})

    def sites(self, kind: Kind) -> tuple[str, ...]:
        """The sites that this exchange has for a kind of account; empty when it has no such kind."""
        return tuple(self.hosts.get(kind, {}))

    def own_api(self, market: Market) -> bool:
        """Whether that market has an API of its own there, under a host role of its name."""
        return any(market.value in roles for sites in self.hosts.values() for roles in sites.values())


def read_profile(name: str) -> Profile:
    """The profile in exchanges/<name>/facts.toml. Raises KeyError when the shipped file lacks a field."""
    with open_data(f"exchanges/{name}", "facts.toml") as file:
        raw: dict[str, Any] = tomllib.loads(file.read())
    lifetime, checklist = raw["lifetime"], raw["checklist"]
    return Profile(
        name=name,
        title=raw["title"],
        site_default=raw["site_default"],
        hosts=raw["hosts"],
        algorithms=tuple(Algorithm(item) for item in raw["algorithms"]),
        passphrase=raw["passphrase"],
        markets=tuple(Market(item) for item in raw["markets"]),
        scopes=_by_name(raw["scopes"]),
        settling=_settling(raw["settling"]),
        withdrawal_whitelist=raw["withdrawal_whitelist"],
        ip_list=_ip_list(raw["ip_list"]),
        lifetime=KeyLifetime(lifetime.get("no_ip_days"), lifetime.get("unused_no_ip_days"), lifetime.get("note", "")),
        key_note=raw.get("key_note", ""),
        nonce=raw.get("nonce", False),
        dated=raw.get("dated", False),
        docs=raw["docs"],
        checklist=_checklist(checklist),
        readable=tuple(
            ReadablePath(item["method"], item["path"], item["host"], item.get("private", True))
            for item in raw["readable"]
        ),
        own_tool=_own_tool(raw.get("own_tool")),
        secret_shape=raw.get("secret_shape", ""),
        secret_lengths=tuple(raw.get("secret_lengths", ())),
        public_key_form=raw.get("public_key_form", "base64"),
        limits=raw.get("limits", {}),
        paces=tuple(
            Pace(tuple(item["paths"]), item["calls"], item["seconds"], item.get("weights", {}))
            for item in raw.get("paces", ())
        ),
        dollars=frozenset(raw.get("dollars", _DOLLARS)),
        clock_limits_ms=(raw["clock"]["ahead_ms"], raw["clock"]["behind_ms"]) if "clock" in raw else None,
        no_such_order=tuple(
            NoSuchOrder(tuple(item["calls"]), tuple(item["codes"]), item["http"], item.get("text", ""))
            for item in raw.get("no_such_order", ())
        ),
        barred_by_reducing=tuple(raw.get("barred_by_reducing", ())),
        acknowledges=raw.get("acknowledges", False),
        funding=raw.get("funding", False),
        key_gone=tuple(raw.get("key_gone", ())),
        known_as=raw.get("known_as", {}),
        not_ours=raw.get("not_ours", {}),
        unlisted=_by_name(raw.get("unlisted", {})),
        experimental=_by_name(raw.get("experimental", {})),
        states=raw.get("states", {}),
        currencies=raw.get("currencies", {}),
        order_kinds={market: _by_name(kinds) for market, kinds in raw.get("order_kinds", {}).items()},
    )


def _by_name(raw: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in raw.items()}


def _ip_list(raw: dict[str, Any]) -> IPListFacts:
    return IPListFacts(
        raw.get("limit"),
        raw["separator"],
        raw.get("cidr"),
        raw["readable"],
        raw["step"],
        raw.get("required_for", ""),
        tuple(Market(item) for item in raw.get("markets", Market)),
        raw.get("ipv6"),
    )


def _settling(settling: dict[str, Any]) -> Settling:
    return Settling(
        settling.get("accept_window_seconds"),
        settling["lookup"] == "authoritative",
        settling["horizon_seconds"],
        settling.get("min_polling_seconds", 0),
        tuple(Market(item) for item in settling.get("markets", Market)),
        settling.get("trigger_window_seconds"),
        settling.get("history_span_seconds"),
    )


def _checklist(raw: dict[str, Any]) -> Checklist:
    """A step is a text, or names a table of texts by what the key is for; without one for it the step falls away."""
    worded = {
        name: {purpose: text for purposes, text in table.items() for purpose in purposes.split()}
        for name, table in raw.get("by_profile", {}).items()
    }

    def steps(purpose: str) -> tuple[str, ...]:
        texts = (step if isinstance(step, str) else worded[step["by_profile"]].get(purpose) for step in raw["steps"])
        return tuple(text for text in texts if text is not None)

    purposes = dict.fromkeys(purpose for table in worded.values() for purpose in table)
    others = {purpose: steps(purpose) for purpose in purposes if purpose != _TRADE}
    return Checklist(raw["page"], steps(_TRADE), tuple(raw.get("notes", ())), others)


def _own_tool(raw: dict[str, Any] | None) -> OwnTool | None:
    if raw is None:
        return None
    return OwnTool(raw["title"], tuple(raw["variables"]), raw["file"], raw["table"], tuple(raw["fields"]))
