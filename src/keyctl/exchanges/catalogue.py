"""The exchanges' error codes, one CSV each: what a code means, and whether it proves that an order was not taken.

Columns: `scope` (the exchange's own grouping of its codes), `code`, `http` (statuses the code comes with, blanks
between, `5xx` for a class, empty: not known), `text_match` (where one code carries several reasons: a piece of the
answer's text, or /a regular expression/; case does not count), `name`, `message` (the exchange's own words, several
with " | " between, %s for what changes), `category`, `meaning`, `likely_causes`, `fix`, `taken`, `endpoint` (of which
calls a `taken` of no holds: order for the one that places plain orders, algo for that of orders that wait for a trigger
and are numbered apart, any for both), `repeatable` (may a read be asked again: yes, no, unknown-state), `source`.

The rule for `taken`. It speaks of answers to order placement only. It is `maybe` unless a dated official text says, for
this endpoint and HTTP status and, where the code is shared, with this text, that the order was refused, and a second
reading of that text by someone who did not know the first verdict agrees. So it is only where the exchange refused
before the order could enter its book: a wrong signature, key, IP address, right, timestamp or parameter, a
filter, too little money, a symbol that is not traded, a post-only order that would take, a documented rate limit in
front of the matching engine. Always `maybe`: success, duplicates (an earlier copy may exist; a nonce that is too small
counts as one), partial success, catch-all codes without a known text, codes known only from other clients, unknown
states, faults of the server, time-outs, and throttles whose place is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache, cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from keyctl.exchanges.shipped import profile
from keyctl.loader import open_data
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.words import Endpoint, Market, Taken

if TYPE_CHECKING:
    from keyctl.model.told import ExchangeError

CATEGORIES = frozenset(
    "signature permission ip clock rate_limit funds order instrument account server parameter success session".split()
)
COLUMNS = (  # the order in the files
    "scope code http text_match name message category meaning likely_causes fix taken endpoint repeatable source"
).split()

_SUB_CODE = re.compile(r"\(subCode (\w+)\)\Z")  # as an adapter notes it behind the words
_ONLY_STATUS = re.compile(r"(?:http[- ]?)?([1-5][0-9]{2})", re.IGNORECASE)
_STATUS_ROW = re.compile(r"HTTP ?[0-9]", re.IGNORECASE)


@cache
def catalogue(exchange: str) -> Catalogue:
    """The exchange's catalogue, read on first use. Raises UsageProblem for an exchange that is not shipped."""
    return Catalogue(exchange)


def command_for(error: ExchangeError, market: Market) -> str:
    """The command that explains an error; one number may mean different things on different markets."""
    suffix = "" if market is Market.SPOT else f" --market {market}"
    return f"keyctl diagnose {error.exchange} {error.code}{suffix}"


def lacks_permission(error: ExchangeError, market: Market) -> bool:
    """Whether an exchange's error says that the key lacks a permission."""
    found = catalogue(error.exchange).lookup(error.code, market, error.text, error.http)
    return bool(found) and found[0].category == "permission"


class Catalogue:
    """All error codes of one exchange."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.scopes = profile(exchange).scopes
        self._records = self._read()
        self._by_code: dict[str, list[list[str]]] = {}
        for record in self._records:
            self._by_code.setdefault(record[1].casefold(), []).append(record)

    @cached_property
    def rows(self) -> tuple[Diagnosis, ...]:
        """Every row, in the order of the file."""
        return tuple(map(self._diagnosis, self._records))

    @cached_property
    def sayings(self) -> dict[str, tuple[Diagnosis, ...]]:
        """The exchange's own words for its errors, each with the rows that have them."""
        from keyctl.exchanges.phrases import templates_of

        found: dict[str, list[Diagnosis]] = {}
        for row in self.rows:
            words = [*templates_of(row.message)]
            if row.text_match and not row.text_match.startswith("/"):
                words.append(row.text_match)
            for template in words:
                found.setdefault(template, []).append(row)
        return {template: tuple(rows) for template, rows in found.items()}

    @property
    def codes(self) -> Collection[str]:
        """Every code that has a row, in small letters."""
        return self._by_code.keys()

    def has(self, code: str) -> bool:
        """Whether there is a row for exactly this code, or for the code below which a sub-code stands."""
        wanted = code.strip().casefold()
        return wanted in self._by_code or wanted.partition("_")[0] in self._by_code

    def says(self, row: Diagnosis, text: str) -> bool:
        """Whether the text has the row's own words."""
        return _says(row, text) or bool(row.text_match and _text_fits(row, text))

    def ranked(self, rows: Iterable[Diagnosis], market: Market | None = None) -> tuple[Diagnosis, ...]:
        """The rows, best first: those of the market alone where it has any."""
        found = list(rows)
        return tuple(sorted(self._in_market(found, market) or found, key=self._rank))

    def lookup(
        self, code: str, market: Market | None = None, text: str = "", http: int | None = None
    ) -> tuple[Diagnosis, ...]:
        """The rows for a code as the exchange wrote it, best first; empty when the catalogue has none.

        Rows whose text is found in `text` win over the code's general row; an unknown code is sought by text alone.
        Without a market the rows of every scope. Where rows have the exchange's own words on record and `text` says
        them, those come first, and rows with other words are left out. `http` leaves out rows known for other statuses
        only, unless no row would be left. A missing minus sign and an unlisted sub-code (51008_1000) are forgiven.
        """
        saying: list[Diagnosis] = []
        rows = self._in_market(self._with_code(code, text), market)
        if text:
            named = [row for row in rows if row.text_match and _text_fits(row, text)]
            if not rows:
                named = self._in_market([row for row in self.rows if row.text_match and _text_fits(row, text)], market)
            rows = named or [row for row in rows if not row.text_match] or rows
            if saying := [row for row in rows if _says(row, text)]:
                scopes = {row.scope for row in saying}
                rows = [*saying, *(row for row in rows if not row.message and row.scope in scopes)]
        if http is not None:
            rows = [row for row in rows if _status_fits(row, http)] or rows
        worded = any(row.message for row in rows)  # a code of one endpoint alone has no message of its own
        silent = {id(row) for row in rows if worded and not row.message and not row.text_match}
        return tuple(sorted(rows, key=lambda row: (row not in saying, id(row) in silent, self._rank(row))))

    def taken(self, error: ExchangeError, market: Market, endpoint: Endpoint = Endpoint.ORDER) -> Taken:
        """NO when this answer to an order placement proves that the order was not taken; MAYBE in every other case.

        The code must stand in a scope of the market, with this HTTP status and for this endpoint; text rows that fit
        decide before the code's general row, and all that fit must agree. A code without a row, and a bare HTTP status,
        prove nothing.
        """
        scopes = self.scopes.get(market, ())
        same_code = map(self._diagnosis, self._by_code.get(error.code.casefold(), ()))
        rows = [row for row in same_code if row.code == error.code and row.scope in scopes]
        fitting = [row for row in rows if row.text_match and _text_fits(row, error.text)]
        fitting = fitting or [row for row in rows if not row.text_match]
        proven = bool(fitting) and all(
            row.taken is Taken.NO
            and row.http != ""
            and _status_fits(row, error.http)
            and row.endpoint in (Endpoint.ANY, endpoint)
            for row in fitting
        )
        return Taken.NO if proven else Taken.MAYBE

    def row_name(self, error: ExchangeError, market: Market | None = None) -> str:
        """The name of the row that explains the error best, by which it is found again; empty without one."""
        found = self.lookup(error.code, market, error.text, error.http)
        return _name_of(found[0]) if found else ""

    def named(self, name: str) -> tuple[Diagnosis, ...]:
        """The row of that name; empty when this version has none."""
        return tuple(row for row in self.rows if _name_of(row) == name) if name else ()

    def first_line(self, error: ExchangeError, market: Market | None = None) -> str:
        """One sentence on what the error means, or that the catalogue does not have it."""
        found = self.lookup(error.code, market, error.text, error.http)
        return found[0].meaning if found else f"{error.code} is not in the catalogue of {profile(self.exchange).title}"

    def _read(self) -> list[list[str]]:
        import csv

        with open_data(f"exchanges/{self.exchange}", "errors.csv") as file:
            records = csv.reader(file)
            next(records)
            return list(records)

    def _diagnosis(self, record: list[str]) -> Diagnosis:
        scope, code, http, text_match, name, message, category, meaning, causes, fix, *proof, source = record
        taken, endpoint, repeatable = proof
        markets = [market for market, scopes in self.scopes.items() if scope in scopes]
        return Diagnosis(
            exchange=self.exchange,
            scope=scope,
            code=code,
            http=http,
            text_match=text_match,
            name=name,
            category=category,
            meaning=meaning,
            likely_causes=causes,
            fix=fix,
            taken=Taken(taken),
            endpoint=Endpoint(endpoint),
            repeatable=repeatable,
            source=source,
            market=markets[0] if len(markets) == 1 else "",
            message=message,
        )

    def _with_code(self, code: str, text: str) -> list[Diagnosis]:
        finer = _SUB_CODE.search(text)
        for candidate in (*([f"{code}_{finer[1]}"] if finer else []), code, f"-{code}", code.partition("_")[0]):
            if records := self._by_code.get(candidate.strip().casefold()):
                return [self._diagnosis(record) for record in records]
        status = _ONLY_STATUS.fullmatch(code.strip())
        if status is None:
            return []
        found = [row for row in self.rows if _STATUS_ROW.match(row.code) and _status_fits(row, int(status[1]))]
        return [row for row in found if not row.text_match or not text or _text_fits(row, text)]

    def _in_market(self, rows: list[Diagnosis], market: Market | None) -> list[Diagnosis]:
        return rows if market is None else [row for row in rows if row.scope in self.scopes.get(market, ())]

    def _scopes_of(self, market: Market) -> tuple[str, ...]:
        return self.scopes.get(market, ())

    def _rank(self, row: Diagnosis) -> tuple[int, bool, bool]:
        """The first scope of each market, then the second ones, then the rest; general rows before text rows."""
        order = [scope for scopes in zip_longest(*map(self._scopes_of, Market)) for scope in scopes]
        place = order.index(row.scope) if row.scope in order else len(order)
        return place, bool(row.text_match), row.http.endswith("xx")


def _says(row: Diagnosis, text: str) -> bool:
    """Whether the text has the row's own words."""
    if not row.message:
        return False
    from keyctl.exchanges.phrases import fits, templates_of

    return any(fits(template, text) for template in templates_of(row.message))


def _text_fits(row: Diagnosis, text: str) -> bool:
    pattern = row.text_match
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], text, re.IGNORECASE) is not None
    return pattern.casefold() in text.casefold()


def _name_of(row: Diagnosis) -> str:
    return "|".join((row.scope, row.code, row.http, row.text_match))


def _status_fits(row: Diagnosis, http: int) -> bool:
    """Whether the row is known for this HTTP status, or for no status in particular."""
    known = row.http.split()
    return not known or str(http) in known or f"{http // 100}xx" in known
