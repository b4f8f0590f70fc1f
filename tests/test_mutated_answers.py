"""No damaged answer crashes a reader, and none is taken for proof that it is not.

What an answer proves is judged a second time here, from its raw bytes, by code that shares nothing with the readers.
"""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import re
import resource
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import keyctl
from keyctl.answers import Unreadable
from keyctl.errors import NoAnswer, Unreached
from keyctl.exchanges.base import UnknownSymbol
from keyctl.judge import judge_placed
from keyctl.model import Leg, Outcome, Response, WireRequest
from keyctl.transport import Line, tls_context
from tests.support.mutations import Mutator, Sample, harvest
from tests.support.rude_server import ENDLESS, RudeServer, kind_of

COUNT = 100_000
SOCKETS = 1_000
CALLERS = 16
WARM_UP_CALLS = 200
CALL_SECONDS = 0.3
WARM_UP = 4_000
BLOCKS_MAX = 30_000  # of Python's allocator; a leak of one object per answer would be 100,000 or more
DATA = Path(keyctl.__file__).parent / "exchanges"


def test_100_000_damaged_answers_neither_crash_a_reader_nor_prove_what_they_do_not() -> None:
    figures = campaign(COUNT, seed=3)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.blocks_grown < BLOCKS_MAX
    # The verdicts are not all the same: damage that leaves the proof whole is still read.
    assert min(figures.outcomes[outcome] for outcome in (Outcome.ACCEPTED, Outcome.REJECTED)) > COUNT / 100
    assert figures.outcomes[Outcome.UNKNOWN] > COUNT / 10
    assert figures.unreadable > COUNT / 20


def test_answers_as_the_exchanges_give_them_are_judged_alike_by_the_oracle() -> None:
    for sample in harvest():
        if sample.reader == "placed":
            outcome = judge_placed(sample.exchange, sample.leg, sample.response).outcome
            proven = proves_taken(sample.leg, sample.response), proves_refused(sample.leg, sample.response)
            assert proven == (outcome is Outcome.ACCEPTED, outcome is Outcome.REJECTED), sample.response.body


def test_a_refusal_that_names_another_order_proves_nothing_of_ours() -> None:
    for sample in harvest():
        if (sample.exchange.name, sample.reader) == ("okx", "placed") and b'"sCode":"51' in sample.response.body:
            mine = sample.leg.client_order_id.encode()
            assert judge_placed(sample.exchange, sample.leg, sample.response).outcome is Outcome.REJECTED
            for other in (b"kc00000000000000000000000000", mine + b'","ordId":"1'):
                body = sample.response.body.replace(b'"ordId":"",', b"").replace(mine, other)
                answer = replace(sample.response, body=body)
                assert judge_placed(sample.exchange, sample.leg, answer).outcome is Outcome.UNKNOWN, body


def test_an_order_echoed_as_rejected_is_not_accepted() -> None:
    for sample in harvest():
        for word, instead in ((b'"NEW"', b'"REJECTED"'), (b'"ACTIVE"', b'"POSTONLY CANCELED"')):
            if sample.reader == "placed" and word in sample.response.body:
                answer = replace(sample.response, body=sample.response.body.replace(word, instead))
                assert judge_placed(sample.exchange, sample.leg, answer).outcome is Outcome.UNKNOWN


def test_1000_damaged_answers_over_sockets_end_in_time_and_prove_nothing_that_they_do_not() -> None:
    figures = socket_campaign(SOCKETS)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.slowest < CALL_SECONDS + 0.5
    assert figures.blocks_grown < BLOCKS_MAX
    assert figures.most_memory_mib < 200
    assert min(figures.outcomes[outcome] for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)) > SOCKETS / 20
    assert set(figures.kinds_without_answer) >= set(ENDLESS)


@dataclass
class Figures:
    """What a campaign counted. `findings` must be empty."""

    answers: int = 0
    unreadable: int = 0
    blocks_grown: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outcomes = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(self.outcomes.items()))
        read = ", ".join(f"{name} {count:,}" for name, count in sorted(self.read.items()))
        return (
            f"{self.answers:,} damaged answers: placements {outcomes}; usable readings: {read}; "
            f"unreadable {self.unreadable:,}; {self.blocks_grown:+,} blocks of memory; findings {len(self.findings)}"
        )


@dataclass
class SocketFigures(Figures):
    """As Figures, over sockets: also the slowest call (seconds) and by how much memory grew at most (MiB)."""

    slowest: float = 0.0
    most_memory_mib: float = 0.0
    kinds_without_answer: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        silent = sum(self.kinds_without_answer.values())
        return (
            f"over sockets: {Figures.__str__(self)}; no answer {silent:,}; slowest {self.slowest:.2f} s of "
            f"{CALL_SECONDS:g}; at most {self.most_memory_mib:.0f} MiB more memory"
        )


def socket_campaign(count: int) -> SocketFigures:
    """The figures of so many calls to a server that answers with damaged HTTP."""
    samples = [sample for sample in harvest() if sample.reader == "placed" and sample.response.status == 200]
    figures = SocketFigures()
    with RudeServer([sample.response.body for sample in samples]) as server:
        asyncio.run(_calls(server.endpoint, samples, range(WARM_UP_CALLS), SocketFigures()))
        gc.collect()
        before, peak_before = sys.getallocatedblocks(), _peak_mib()
        asyncio.run(_calls(server.endpoint, samples, range(WARM_UP_CALLS, WARM_UP_CALLS + count), figures))
        gc.collect()
        figures.blocks_grown = sys.getallocatedblocks() - before
        figures.most_memory_mib = _peak_mib() - peak_before
    return figures


async def _calls(endpoint: str, samples: list[Sample], numbers: range, figures: SocketFigures) -> None:
    left = iter(numbers)

    async def caller() -> None:
        for number in left:
            await _call(endpoint, number, samples[number % len(samples)], figures)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def _call(endpoint: str, number: int, sample: Sample, figures: SocketFigures) -> None:
    line = Line(endpoint, tls_context)
    wire = WireRequest("POST", f"{endpoint}/{number}", (), b"{}", repeatable=False)
    figures.answers += 1
    loop_time = asyncio.get_running_loop().time
    began = loop_time()
    try:
        response = await line.send(wire, CALL_SECONDS)
        _check_verdict(sample, response, figures)
    except (NoAnswer, Unreached):
        figures.kinds_without_answer[kind_of(number)] += 1
    except Exception as crash:  # any at all is a finding
        figures.findings.append(f"crash {crash!r}: {number} {kind_of(number)}")
    figures.slowest = max(figures.slowest, loop_time() - began)
    line.close()


def _peak_mib() -> float:
    """The most memory that this process has ever held."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def campaign(count: int, seed: int) -> Figures:
    """The figures of so many damaged answers, each read by the reader that would get it."""
    mutator, figures = Mutator(harvest(), seed), Figures()
    for _ in range(WARM_UP):
        _check(*mutator.next(), Figures())
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(count):
        figures.answers += 1
        _check(*mutator.next(), figures)
    gc.collect()
    figures.blocks_grown = sys.getallocatedblocks() - before
    return figures


def _check(sample: Sample, response: Response, figures: Figures) -> None:
    try:
        if sample.reader == "placed":
            _check_verdict(sample, response, figures)
        error = sample.exchange.read_error(response)
    except Exception as crash:  # any at all is a finding
        figures.findings.append(_finding(f"crash {crash!r}", sample, response))
        return
    if error is not None:
        figures.read["error"] += 1
        if not _storable([error]):
            figures.findings.append(_finding("an error that cannot be stored", sample, response))
        return
    try:
        value = sample.read(response)
    except (Unreadable, UnknownSymbol):
        figures.unreadable += 1
        return
    except Exception as crash:
        figures.findings.append(_finding(f"crash {crash!r}", sample, response))
        return
    figures.read[sample.reader] += 1
    if not _storable(value):
        figures.findings.append(_finding("a reading that cannot be stored", sample, response))
    if sample.reader == "lookup" and value is not None and not shows_ours(sample, response):
        figures.findings.append(_finding("another order found as ours", sample, response))


def _check_verdict(sample: Sample, response: Response, figures: Figures) -> None:
    result = judge_placed(sample.exchange, sample.leg, response)
    figures.outcomes[result.outcome] += 1
    if result.outcome is Outcome.ACCEPTED and not proves_taken(sample.leg, response):
        figures.findings.append(_finding("wrongly accepted", sample, response))
    if result.outcome is Outcome.REJECTED and not proves_refused(sample.leg, response):
        figures.findings.append(_finding("wrongly rejected", sample, response))
    if not _storable(result.detail) or not _storable(result.exchange_order_id):
        figures.findings.append(_finding("a result that cannot be stored", sample, response))


def _finding(what: str, sample: Sample, response: Response) -> str:
    order = sample.leg.order
    return (
        f"{what}: {sample.leg.exchange} {sample.reader} {sample.step} {order.side} {order.type} "
        f"{sample.leg.client_order_id} HTTP {response.status} {response.body[:900]!r}"
    )


def _storable(value: Any) -> bool:
    """Whether all text in a reading is text that a database and a terminal's encoding can hold."""
    try:
        repr_free = str(value) if isinstance(value, str) else "".join(_texts(value))
        repr_free.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    names = getattr(value, "__slots__", ())
    return [text for name in names for text in _texts(getattr(value, name))]


# The oracle: what the raw bytes prove, read from the exchanges' documents and not from the readers.


class Odd(Exception):
    """The bytes are not JSON of the strict kind."""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it is written."""

    text: str


def strict_json(body: bytes) -> Any:
    """The JSON in the bytes, numbers as written. Raises Odd for anything that two readers could read differently."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in items}) < len(items):
            raise Odd
        return dict(items)

    def refuse(text: str) -> Any:
        raise Odd

    try:
        text = body.decode("utf-8", "strict")
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=refuse, object_pairs_hook=pairs, strict=True
        )
    except (ValueError, RecursionError):
        raise Odd from None


def fraction(value: Any) -> Fraction | None:
    """The exact number in a JSON number or in text of plain digits; None for all else."""
    text = value.text if isinstance(value, Number) else value
    if not isinstance(text, str) or len(text) > 6_000:
        return None
    found = re.fullmatch(r"([-+]?[0-9]*\.?[0-9]*)(?:[eE]([-+]?0*[0-9]{1,2}))?", text)
    if found is None or not any(char.isdigit() for char in found[1]):
        return None
    whole, _, part = found[1].partition(".")
    sign = -1 if whole.startswith("-") else 1
    digits = (whole.lstrip("+-") + part) or "0"
    return (
        sign
        * Fraction(sum(int(d) * 10**i for i, d in enumerate(reversed(digits))))
        * Fraction(10) ** (int(found[2] or 0) - len(part))
    )


def same(value: Any, number: Any) -> bool:
    return fraction(value) == Fraction(number)


def has_text(value: Any) -> bool:
    return isinstance(value, Number) or (isinstance(value, str) and value != "")


def proves_taken(leg: Leg, response: Response) -> bool:
    """Whether the answer echoes our client order id with an order id, and nothing in it speaks against us."""
    if response.status != 200:
        return False
    try:
        return TAKEN[leg.exchange](strict_json(response.body), leg)
    except Odd:
        return False


def _binance_taken(body: Any, leg: Leg) -> bool:
    if not isinstance(body, dict) or body.get("clientOrderId") != leg.client_order_id:
        return False
    order = leg.order
    kind = "MARKET" if order.type == "market" else "LIMIT_MAKER" if order.post_only else "LIMIT"
    code = fraction(body.get("code"))
    return (
        has_text(body.get("orderId"))
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and same(body.get("origQty"), order.quantity)
        and (order.price is None or same(body.get("price"), order.price))
        and body.get("type", kind) == kind
        and (kind != "LIMIT" or body.get("timeInForce", order.time_in_force.upper()) == order.time_in_force.upper())
        and body.get("status") != "REJECTED"
        and (code is None or code >= 0)
    )


def _okx_taken(body: Any, leg: Leg) -> bool:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], dict) or body.get("code") != "0":
        return False
    row = data[0]
    return row.get("clOrdId") == leg.client_order_id and row.get("sCode") == "0" and has_text(row.get("ordId"))


def _lbank_taken(body: Any, leg: Leg) -> bool:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict) or body.get("error_code") not in ("0", Number("0")):
        return False
    says_no = body.get("result") is False or str(body.get("result")).lower() == "false"
    mine = data.get("custom_id") == leg.client_order_id and data.get("symbol") == leg.native_symbol
    return mine and not says_no and has_text(data.get("order_id"))


def _bitfinex_taken(body: Any, leg: Leg) -> bool:
    if not isinstance(body, list) or len(body) < 7 or body[6] != "SUCCESS" or not isinstance(body[4], list):
        return False
    rows = body[4] if body[4] and isinstance(body[4][0], list) else [body[4]]
    return len(rows) == 1 and _bitfinex_row(rows[0], leg) and not _bitfinex_refused_state(rows[0][13])


def _bitfinex_row(row: Any, leg: Leg) -> bool:
    order = leg.order
    kind = "MARKET" if order.type == "market" else "LIMIT" if order.time_in_force == "gtc" else order.time_in_force
    if not isinstance(row, list) or len(row) < 14:
        return False
    number, created = fraction(row[0]), fraction(row[5 - 1])
    earliest = datetime.combine(leg.client_order_date, datetime.min.time(), UTC) - timedelta(days=1)
    return (
        same(row[2], leg.client_order_id)
        and number is not None
        and number.denominator == 1
        and created is not None
        and created >= int(earliest.timestamp()) * 1000
        and row[3] == leg.native_symbol
        and same(row[7], order.quantity if order.side == "buy" else -order.quantity)
        and row[8] == f"EXCHANGE {kind.upper()}"
        and (order.price is None or len(row) <= 16 or same(row[16], order.price))
    )


def _bitfinex_refused_state(text: Any) -> bool:
    return not isinstance(text, str) or text.upper().startswith(("POSTONLY", "INSUFFICIENT", "RSN_"))


TAKEN = {"binance": _binance_taken, "okx": _okx_taken, "lbank": _lbank_taken, "bitfinex": _bitfinex_taken}


# A refusal counts only where the catalogue's rows say that this code, text and HTTP status prove it.


@cache
def rows_of(exchange: str, code: str) -> tuple[dict[str, str], ...]:
    """The catalogue's rows for a code of an exchange's spot API."""
    scopes = tomllib.loads((DATA / f"{exchange}.toml").read_text(encoding="utf-8"))["scopes"]["spot"]
    with open(DATA / f"{exchange}_errors.csv", encoding="utf-8", newline="") as file:
        return tuple(row for row in csv.DictReader(file) if row["code"] == code and row["scope"] in scopes)


def proves_refused(leg: Leg, response: Response) -> bool:
    """Whether the answer is a refusal that the catalogue counts as proof, and speaks of no order, ours or others'."""
    try:
        body = strict_json(response.body)
    except Odd:
        return False
    if speaks_of_an_order(body, leg):
        return False
    code, text = refusal_in(leg.exchange, body)
    rows = rows_of(leg.exchange, code)
    named = [row for row in rows if row["text_match"] and _fits(row["text_match"], text)]
    chosen = named or [row for row in rows if not row["text_match"]]
    status = str(response.status)
    return bool(chosen) and all(
        row["taken"] == "no" and (status in row["http"].split() or f"{status[0]}xx" in row["http"].split())
        for row in chosen
    )


def _fits(pattern: str, text: str) -> bool:
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
        return re.search(pattern[1:-1], text, re.IGNORECASE) is not None
    return pattern.casefold() in text.casefold()


def refusal_in(exchange: str, body: Any) -> tuple[str, str]:
    """Code and text of the refusal in an answer; both empty when there is none."""
    if exchange == "bitfinex":
        return _bitfinex_refusal(body)
    if not isinstance(body, dict):
        return "", ""
    if exchange == "binance":
        number = fraction(body.get("code"))
        return (str(number) if number is not None and number.denominator == 1 else "", _plain(body.get("msg")))
    if exchange == "lbank":
        return _code(body.get("error_code")), _plain(body.get("msg"))
    data = body.get("data")
    for row in data if isinstance(data, list) else []:
        if isinstance(row, dict) and row.get("sCode") not in (None, "", "0", Number("0"), False, Number("0.0")):
            return _code(row["sCode"]), _plain(row.get("sMsg"))
    return _code(body.get("code")), _plain(body.get("msg"))


def _bitfinex_refusal(body: Any) -> tuple[str, str]:
    if isinstance(body, list) and len(body) > 1 and body[0] == "error":
        return _code(body[1]), _plain(body[2] if len(body) > 2 else "")
    if isinstance(body, list) and len(body) > 6 and body[6] == "ERROR":
        return _code(body[5]) or "10001", _plain(body[7] if len(body) > 7 else "")
    if isinstance(body, dict):
        word = _plain(body.get("error")) or _plain(body.get("message"))
        return _code(body.get("code")) or (word if word.startswith("ERR_") else ""), word
    return "", ""


def _code(value: Any) -> str:
    text = value.text if isinstance(value, Number) else value
    return text if isinstance(text, str) else ""


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join("".join(char for char in value if char.isprintable() or char.isspace()).split())


def speaks_of_an_order(value: Any, leg: Leg) -> bool:
    """Whether an order id, or somebody else's client order id, stands anywhere in a refusal."""
    if leg.exchange == "bitfinex":
        rows = value[4] if isinstance(value, list) and len(value) > 6 and isinstance(value[4], list) else []
        rows = rows if rows and isinstance(rows[0], list) else [rows]
        return any(len(row) > 2 and row[2] is not None and not same(row[2], leg.client_order_id) for row in rows)
    client, order = {"binance": ("clientOrderId", "orderId"), "okx": ("clOrdId", "ordId")}.get(
        leg.exchange, ("custom_id", "order_id")
    )
    if isinstance(value, list):
        return any(speaks_of_an_order(item, leg) for item in value)
    if not isinstance(value, dict):
        return False
    other = value.get(client) not in (None, "", leg.client_order_id) or value.get(order) not in (None, "")
    return other or any(speaks_of_an_order(item, leg) for item in value.values())


# A look-up that finds must show an order of ours.


def shows_ours(sample: Sample, response: Response) -> bool:
    """Whether an order with our id, symbol, side, size and price stands in the answer to a look-up."""
    try:
        body = strict_json(response.body)
    except Odd:
        return False
    return any(_is_ours(item, sample.leg) for item in _items(body))


def _items(value: Any) -> list[Any]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value] + [found for item in inner for found in _items(item)]


def _is_ours(item: Any, leg: Leg) -> bool:
    if leg.exchange == "bitfinex":
        return _bitfinex_row(item, leg)
    if not isinstance(item, dict):
        return False
    names = {
        "binance": ("clientOrderId", "symbol", "side", "origQty", "price", "executedQty"),
        "okx": ("clOrdId", "instId", "side", "sz", "px", "accFillSz"),
        "lbank": ("clientOrderId", "symbol", "type", "origQty", "price", "executedQty"),
    }
    client, symbol, side, size, price, filled = (item.get(name) for name in names[leg.exchange])
    order, by_money = leg.order, leg.exchange == "lbank" and leg.order.type == "market" and leg.order.side == "buy"
    done = fraction(filled)
    return (
        client == leg.client_order_id
        and symbol == leg.native_symbol
        and isinstance(side, str)
        and side.split("_")[0].lower() == order.side
        and (by_money or same(size, order.quantity))
        and (order.price is None or same(price, order.price))
        and done is not None
        and done >= 0
        and (by_money or done <= Fraction(order.quantity))
    )
