"""Search: everything that a scan looks for, in one pass over many small texts or a piece of a huge one."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from keyctl.leaks.scan_hits import SEVERAL_LINES, WINDOW, Hit
from keyctl.leaks.scan_prints import Prints
from keyctl.leaks.scan_runs import (
    BASE64_SIGNS,
    BETWEEN,
    ED25519_BEGIN,
    ESCAPE_SIGNS,
    KEY_BEGIN,
    KEY_RUN,
    RSA_BEGIN,
    Lengths,
    der_words,
    flags_of,
    key_blocks,
    runs,
    words_in,
)
from keyctl.leaks.scan_shapes import Shapes

if TYPE_CHECKING:
    from keyctl.leaks.scan_needles import Needles

_BETWEEN = BETWEEN.encode()
# Hits are compared with those in the same stretches of the text.
_STRETCH = 256
# What is read, with what is made of it, stays in a core's own cache from one pass over it to the next.
BATCH_BYTES = 256 * 1024
# A private key of 4096 bits in hexadecimal fits in what two pieces of a huge file share.
OVERLAP = 16 * 1024
# So much of a huge text is a piece: with what is made of it, it stays in a core's own cache as well.
PIECE_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A text that is looked through: a file, from one byte on, or an object of a repository; both by number or name.

    `path` is what it is called, for words that tell an exchange. `goes_on`: it is a piece that another one follows.
    """

    path: str
    at: int = 0
    repository: int | None = None
    object: str = ""
    type: str = ""
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A hit in its place, by line, from 1 on, counted from where the place begins."""

    place: Place
    line: int
    hit: Hit


def signs_of(prints: Prints) -> bytes:
    """The signs that count as letters in runs: those of base64 only where a fingerprint needs them."""
    return ESCAPE_SIGNS + (BASE64_SIGNS if prints.signed else b"")


class Search:
    """Stored secrets by fingerprints, with the store open by their texts too, and others by shape."""

    def __init__(self, prints: Prints, needles: Needles | None, shapes: Shapes) -> None:
        self._prints, self._needles, self._shapes = prints, needles, shapes
        self._lengths = lengths = Lengths(prints.plain | shapes.lengths, prints.der, prints.signed)
        self._run_min = min(lengths.least, lengths.least if needles is None else needles.run_min)
        self._flags = flags_of(signs_of(prints) if needles is None else needles.signs)

    def hits(self, texts: Sequence[tuple[str, bytes]]) -> Iterator[tuple[int, Hit]]:
        """The number of the text and the hit in it, for texts by their paths; its places are in that text."""
        starts, at = list[int](), 0
        for _, text in texts:
            starts.append(at)
            at += len(text) + len(_BETWEEN)
        whole = _BETWEEN.join([*(text for _, text in texts), b""])
        kept: defaultdict[int, list[Hit]] = defaultdict(list)
        for hit in sorted(self._in(whole, starts, texts), key=_order):
            stretches = range(hit.start // _STRETCH, hit.end // _STRETCH + 1)
            if not any(_says(other, hit) for number in stretches for other in kept[number]):
                for number in stretches:
                    kept[number].append(hit)
                number = bisect_right(starts, hit.start) - 1
                yield number, replace(hit, start=hit.start - starts[number], end=hit.end - starts[number])

    def _in(self, text: bytes, starts: list[int], texts: Sequence[tuple[str, bytes]]) -> Iterator[Hit]:
        lengths, spans = self._lengths, runs(text, self._run_min, self._flags)
        for start, end in spans:
            if end - start < lengths.least:
                continue
            if words := words_in(text[start:end], lengths):
                yield from self._prints.in_words(words, start, end)
                yield from self._shapes.in_words(text, words, start, end, texts[bisect_right(starts, start) - 1][0])
            yield from self._keys_in(text, RSA_BEGIN, start, end)
        parts = b"".join([text[start : end - (end - start) % WINDOW] for start, end in spans])
        if self._run_min > KEY_RUN or KEY_BEGIN.search(parts):
            yield from self._keys_in(text, ED25519_BEGIN, 0, len(text))
            for start, end, body in key_blocks(text):
                yield from self._prints.in_block(start, end, body)
                yield from self._shapes.in_block(text, start, end, body, texts[bisect_right(starts, start) - 1][0])
        if self._needles is not None:
            if self._needles.may_be_in(parts):
                for at in (at for start, end in spans for at in range(start, end - WINDOW + 1, WINDOW)):
                    number = bisect_right(starts, at) - 1
                    yield from self._needles.met(text, at, starts[number], starts[number] + len(texts[number][1]))
            yield from self._needles.anywhere(text)

    def _keys_in(self, text: bytes, begin: bytes, low: int, high: int) -> Iterator[Hit]:
        """The private keys whose base64 begins so, by their fingerprints."""
        at = text.find(begin, low, high) if self._lengths.der else -1
        while at >= 0:
            yield from self._prints.in_words(der_words(text, at, self._lengths), at, at + len(begin))
            at = text.find(begin, at + 1, high)


@dataclass(slots=True)
class Batch:
    """Texts that are looked through together: a pass over a single small file costs more than its bytes."""

    search: Search
    _texts: list[tuple[Place, bytes]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, place: Place, text: bytes) -> Iterable[Found]:
        """What was found, once there is enough to look through."""
        self._texts.append((place, _single_bytes(text)))
        self._bytes += len(text)
        return self.flush() if self._bytes >= BATCH_BYTES else ()

    def flush(self) -> list[Found]:
        """What is found in the texts that are left."""
        texts, self._texts, self._bytes = self._texts, [], 0
        named = [(place.path, text) for place, text in texts]
        found: dict[tuple[object, ...], Found] = {}
        number, at, line = -1, 0, 1
        hits = self.search.hits(named) if named else ()
        for told, hit in sorted(hits, key=lambda pair: (pair[0], pair[1].start)):
            if told != number:
                number, at, line = told, 0, 1
            place, text = texts[number]
            if _is_cut(place, text, hit):
                continue
            line += text.count(b"\n", at, hit.start)
            at = hit.start
            found.setdefault((place, line, hit.account_id, hit.exchange, hit.kind), Found(place, line, hit))
        return list(found.values())


def _order(hit: Hit) -> tuple[bool, bool, int]:
    """The surest first."""
    return not hit.account_id, hit.form.endswith(SEVERAL_LINES), hit.start


def _says(one: Hit, other: Hit) -> bool:
    """Whether a hit says what another one would: the same secret in one place, or that a shape is a stored secret."""
    is_same = not other.account_id or (one.account_id, one.kind) == (other.account_id, other.kind)
    return is_same and one.start < other.end and other.start < one.end


def _is_cut(place: Place, text: bytes, hit: Hit) -> bool:
    """Whether a shape is one only since its word is cut off at the border of a piece; the next one has it whole."""
    begins, ends = place.at > 0 and hit.start == 0, place.goes_on and hit.end >= len(text)
    return not hit.account_id and (begins or ends)


def _single_bytes(text: bytes) -> bytes:
    """The text, one byte a letter where it has two, as files of Windows do."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16-le" if text[:1] == b"\xff" else "utf-16-be"
    elif b"\0" in text[:64] and text[1:64:2].count(0) >= 30 and text[0:64:2].count(0) == 0:
        encoding = "utf-16-le"
    else:
        return text
    return text.decode(encoding, "replace").encode("ascii", "replace")
