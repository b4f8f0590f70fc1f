"""What a pasted text says: the outcome of each call in it, whichever exchange, library or log wrote it. Pure.

A number is a code only where the text makes it one: in an exchange's error shape, or beside a word such as "code".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from functools import cached_property

from keyctl.diagnosis.lost_answers import endpoint_in, is_order_call, lost_in
from keyctl.diagnosis.outcomes import Reading, Said, once
from keyctl.diagnosis.pasted_marks import (
    ACCEPTED,
    LONE_CODE,
    REASONS,
    SHORT_LINE,
    STATES,
    TRIES,
    Mark,
    before_words_in,
    codes_in,
    edge_in,
    is_page,
    statuses_in,
)
from keyctl.diagnosis.pasted_results import results_of
from keyctl.diagnosis.wrapped_json import bodies_in, unescaped
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.phrases import fits, found_in, nearest, templates_of
from keyctl.exchanges.shipped import names
from keyctl.exchanges.venue_names import Named, market_in, mentions
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.told import ToldError
from keyctl.model.words import Market

READ_MAX = 500_000
_NEAR = 400
_WORDS_AFTER = 300
_AROUND = 2_000
_SHORT = 200


def read_pasted(pasted: str, exchange: str = "", market: Market | None = None) -> Reading:
    """The outcomes in a text, read from its end where it is long; empty where it says none.

    `exchange` and `market` are what the person named; else each outcome's own line decides, then the whole text, then
    the shape of a body. Raises UsageProblem for an exchange that is not shipped.
    """
    cut = max(0, len(pasted) - READ_MAX)
    reader = _Reader(unescaped(pasted[cut:]), exchange, market)
    said = reader.read()
    if not said and (escaped := reader.text.replace("\\n", "\n")) != reader.text:
        reader = _Reader(escaped, exchange, market)
        said = reader.read()
    near = reader.around(said)
    return Reading(tuple(said), is_order_call(near), cut, reader.whole, reader.doubt, endpoint_in(near))


class _Reader:
    """One text being read: each step takes what it finds out of the text that the next one sees."""

    def __init__(self, text: str, exchange: str, market: Market | None) -> None:
        self.text, self.whole = text, True
        self._left = self._without_bodies = text
        self._exchange, self._market = exchange, market
        self._said: list[Said] = []

    def read(self) -> list[Said]:
        """The outcomes, in the order of the text, each told once."""
        lone = self.text.strip()
        if re.fullmatch(LONE_CODE, lone):
            return [self._coded(0, len(self.text), ToldError(lone), self._owner(0, 0), "the text is a code")]
        for step in (
            self._bodies,
            self._accepted,
            self._codes,
            self._lost,
            self._phrases,
            self._statuses,
            self._take_phrases,
        ):
            step()
        if not self._said:
            self._nearest()
        return once(sorted(self._said, key=lambda said: said.start))

    @property
    def doubt(self) -> str:
        """Words in what no outcome was read from that leave an order alive; empty where there are none."""
        match = STATES.search(self._without_bodies) or TRIES.search(self._left)
        return match[0] if match else ""

    def around(self, said: list[Said]) -> str:
        """The text near what it says: which call that was stands there, if anywhere."""
        if not said:
            return ""
        return self.text[max(0, said[0].start - _AROUND) : said[-1].end + _AROUND][-10 * _AROUND :]

    @cached_property
    def _mentions(self) -> list[Named]:
        return mentions(self.text)

    @cached_property
    def _places(self) -> list[int]:
        return [named.start for named in self._mentions]

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """The exchanges that the whole text names."""
        return tuple(sorted({named.exchange for named in self._mentions}))

    def _owner(self, start: int, end: int) -> tuple[str, ...]:
        """The exchanges that a place in the text may belong to: those that its lines name, else the whole text."""
        if self._exchange:
            return (self._exchange,)
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        last = len(self.text) if last < 0 else last
        low, high = bisect_left(self._places, first), bisect_left(self._places, last)
        near = {named.exchange for named in self._mentions[low:high]}
        return tuple(sorted(near)) if near else self._named

    def _market_of(self, exchange: str, start: int, end: int) -> Market | None:
        if self._market is not None or not exchange:
            return self._market
        near = self.text[max(0, start - _NEAR) : end + _NEAR]
        return market_in(exchange, near) or market_in(exchange, self.text[:20_000])

    def _bodies(self) -> None:
        for body in bodies_in(self.text):
            if body.value is None:
                self.whole = False
                continue
            owners = self._owner(body.start, body.end)
            found = list(results_of(body.value, owners, others=not self._exchange))
            for owner, told in found:
                self._add(
                    body.start, body.end, told, owner, "a body in the text" if body.whole else "an incomplete body"
                )
            if found:
                self.whole = self.whole and body.whole
                self._take(body.start, body.end)
        self._without_bodies = self._left

    def _add(self, start: int, end: int, told: ToldError | None, owner: str, how: str) -> None:
        if told is None:
            self._said.append(Said("accepted", start, end, owner, self._market_of(owner, start, end), how=how))
        else:
            self._said.append(self._coded(start, end, told, (owner,), how))

    def _coded(self, start: int, end: int, told: ToldError, owners: tuple[str, ...], how: str) -> Said:
        """A refusal with a code; where no exchange is known, with the rows of every one that has the code."""
        known = owners if len(owners) == 1 else tuple(name for name in names() if catalogue(name).has(told.code))
        owner = known[0] if len(known) == 1 else ""
        market = self._market_of(owner, start, end)
        code = f"{told.code}_{told.sub_code}" if told.sub_code else told.code
        rows = [row for name in known for row in catalogue(name).lookup(code, market, told.text)]
        if market is not None and self._market is None:  # a guess, which the exchange's own words overrule
            anywhere = [row for name in known for row in catalogue(name).lookup(code, None, told.text)]
            if not rows or (anywhere[0] not in rows and catalogue(owner).says(anywhere[0], told.text)):
                rows, market = anywhere, None
        return Said("refused", start, end, owner, market, told.code, told.sub_code, told.text, 0, tuple(rows), how)

    def _codes(self) -> None:
        page = is_page(self._left)
        for mark in [] if page else codes_in(self._left):
            owners = self._owner(mark.start, mark.end)
            listed = any(catalogue(name).has(mark.code) for name in owners or names())
            if not listed and not (mark.sure and owners and len(mark.code) > 3):
                continue
            self._mark(mark, owners)
        known = {code for name in self._named or names() for code in catalogue(name).codes}
        for mark, words in [] if page else before_words_in(self._left):
            if mark.code not in known:
                continue
            owners = self._owner(mark.start, mark.end)
            if len(owners) == 1 and catalogue(owners[0]).has(mark.code):
                rows = catalogue(owners[0]).lookup(mark.code)
                if any(fits(template, words) for row in rows for template in templates_of(row.message)):
                    self._mark(mark, owners)
        line = self.text.strip()
        if not self._said and len(line) < _SHORT and "\n" not in line and len(self._mentions) == 1:
            name = self._mentions[0]
            match = re.match(SHORT_LINE, self.text[name.end :])
            before = re.search(r"\d", line[: name.start])
            if match and not before and catalogue(name.exchange).has(match[1]):
                after = name.end + match.end(1)
                self._mark(Mark(after, after, match[1], 0, True), (name.exchange,))

    def _mark(self, mark: Mark, owners: tuple[str, ...]) -> None:
        end = self.text.find("\n", mark.end)
        end = min(len(self.text) if end < 0 else end, mark.end + _WORDS_AFTER)
        told = ToldError(mark.code, self.text[mark.end : end].lstrip(" ):,\"'}]"))
        said = self._coded(mark.start, end, told, owners, f"the number {mark.code} is called a code")
        self._said.append(replace(said, status=mark.status))
        self._take(mark.start, end)

    def _accepted(self) -> None:
        for match in re.finditer(ACCEPTED, self._left):
            self._said.append(Said("accepted", match.start(), match.end(), how=f'the words "{match[0][:40]}"'))

    def _lost(self) -> None:
        lost = list(lost_in(self._left))
        for item in lost:
            owners = self._owner(item.start, item.end)
            owner = owners[0] if len(owners) == 1 else ""
            kind = "lost" if item.connected else "unsent"
            said = Said(kind, item.start, item.end, owner, None, text=item.words, how=f'the words "{item.words}"')
            self._said.append(said)
        for item in lost:
            start = self._left.rfind("\n", 0, item.start) + 1
            end = self._left.find("\n", item.end)
            self._take(start, len(self._left) if end < 0 else end)

    def _phrases(self) -> None:
        """The exchanges' own words, where nothing has told a code."""
        books = {name: catalogue(name) for name in ((self._exchange,) if self._exchange else self._named or names())}
        templates = dict.fromkeys(template for book in books.values() for template in book.sayings)
        for phrase in found_in(self._left, templates) or found_in(self._without_names(), templates):
            owners = self._owner(phrase.start, phrase.end)
            line = self.text[phrase.start : phrase.end + _WORDS_AFTER].partition("\n")[0]
            words = self.text[phrase.start : phrase.end]
            if any(reason.end() == phrase.end for reason in REASONS.finditer(self.text, max(0, phrase.start - 30))):
                continue
            for name, book in books.items():
                said = book.sayings.get(phrase.template, ()) if not owners or name in owners else ()
                if said:
                    market = self._market_of(name, phrase.start, phrase.end)
                    codes = dict.fromkeys(row.code for row in said)
                    rows = tuple(row for code in codes for row in book.lookup(code, market, line)) or said
                    self._worded(phrase.start, phrase.end, name, market, rows, words, f'the words "{words[:60]}"')

    def _take_phrases(self) -> None:
        """Takes the words of every outcome out, so that what is left is what the exchange did not say."""
        for said in self._said:
            self._take(said.start, said.end)

    def _without_names(self) -> str:
        """What is left, with a colon in the place of each letter of an exchange's name: words begin after it."""
        pieces, place = list[str](), 0
        for named in self._mentions:
            pieces += [self._left[place : named.start], ":" * (named.end - named.start)]
            place = named.end
        return "".join(pieces) + self._left[place:]

    def _worded(  # noqa: PLR0913 - one mention, told in full
        self, start: int, end: int, name: str, market: Market | None, rows: tuple[Diagnosis, ...], words: str, how: str
    ) -> None:
        ranked = catalogue(name).ranked(rows, market)
        same = next((said for said in self._said if (said.start, said.end) == (start, end)), None)
        if same is None:
            said = Said("refused", start, end, name, market, ranked[0].code, text=words, rows=ranked, how=how)
            self._said.append(replace(said, named=bool(self._exchange or self._named)))
        else:  # the same words at another exchange, or under another code
            self._said.remove(same)
            owner = name if same.exchange == name else ""
            self._said.append(replace(same, exchange=owner, rows=tuple(dict.fromkeys((*same.rows, *ranked)))))

    def _nearest(self) -> None:
        """Words that some message has all of, where a short text says nothing else."""
        line = self.text.strip()
        if not self._mentions and not self._exchange or len(line) > _SHORT or "\n" in line:
            return
        name = self._exchange or self._mentions[0].exchange
        spoken = line if self._exchange else self.text[self._mentions[-1].end :]
        book = catalogue(name)
        rows = tuple(row for template in nearest(spoken, book.sayings) for row in book.sayings[template])
        if rows:
            self._worded(0, len(self.text), name, self._market, rows, spoken.strip(" :"), f'words like "{spoken[:60]}"')

    def _statuses(self) -> None:
        """HTTP statuses: of the outcome that they stand beside, else outcomes of their own."""
        marks = list(statuses_in(self._left))
        if (edge := edge_in(self._left)) is not None and not marks:
            marks = [edge]
        for mark in marks:
            beside = [
                said for said in self._said if said.kind == "refused" and said.distance(mark.start, mark.end) <= _NEAR
            ]
            if beside:
                nearest_said = min(beside, key=lambda said: said.distance(mark.start, mark.end))
                if not nearest_said.status:
                    self._said[self._said.index(nearest_said)] = replace(nearest_said, status=mark.status)
                continue
            owners = self._owner(mark.start, mark.end)
            told = ToldError(str(mark.status), self.text[mark.start : mark.end + 100].partition("\n")[0])
            if len(owners) == 1:
                said = self._coded(mark.start, mark.end, told, owners, f"the HTTP status {mark.status}")
            else:
                said = Said("refused", mark.start, mark.end, code=told.code, text=told.text, how="an HTTP status")
            kind = "lost" if mark.status >= 500 else said.kind  # nobody knows what became of the call
            self._said.append(replace(said, kind=kind, status=mark.status))

    def _take(self, start: int, end: int) -> None:
        """Takes a piece out of what is left; places stay, and lines stay lines."""
        piece = re.sub(r"[^\n]", " ", self._left[start:end])
        self._left = self._left[:start] + piece + self._left[end:]
