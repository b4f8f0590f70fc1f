"""Answers damaged at random, read by the adapters and over sockets: unreadable or still right, and no more memory."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, NoAnswer, Unreached
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model.wire import Response, WireRequest
from keyctl.model.words import Outcome
from keyctl.network.line import Line, tls_context
from keyctl.orders.judge import judge_placed
from tests.support import waiting_oracle
from tests.support.answer_oracle import names_asked, proves_refused, proves_taken, shows_ours
from tests.support.around_oracle import READERS, plainly, second_reading
from tests.support.futures_samples import FuturesSample, harvest_futures
from tests.support.mutations import Mutator, Sample, harvest
from tests.support.raw_json import Odd
from tests.support.rude_server import RudeServer, kind_of
from tests.support.waiting_samples import WaitingSample, harvest_waiting

CALLERS = 16
WARM_UP_CALLS = 200
CALL_SECONDS = 0.3
WARM_UP = 4_000
STANDS_IN_THE_WAY = ("account_mode", "stands_in_the_way")


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
    every = (*harvest(), *harvest_futures(), *harvest_waiting())
    samples = [sample for sample in every if sample.reader == "placed" and sample.response.status == 200]
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
    except Exception as crash:  # noqa: BLE001 - any at all is a finding
        figures.findings.append(f"crash {crash!r}: {number} {kind_of(number)}")
    figures.slowest = max(figures.slowest, loop_time() - began)
    line.close()


def _peak_mib() -> float:
    """The most memory that this process has ever held."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def campaign(count: int, seed: int, samples: Sequence[Sample]) -> Figures:
    """The figures of so many damaged answers, each read by the reader that would get it."""
    mutator, figures = Mutator(samples, seed), Figures()
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


def _check(sample: Sample, response: Response, figures: Figures) -> None:  # noqa: C901 - a branch for each way an answer can be read
    try:
        if sample.reader == "placed":
            _check_verdict(sample, response, figures)
        error = sample.exchange.read_error(response)
    except Exception as crash:  # noqa: BLE001 - any at all is a finding
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
    except CheckFailed as reason:
        # A mode that bars the order, or an instrument that is listed without rules.
        barred = {"futures_state": STANDS_IN_THE_WAY, "instrument": {"not_trading"}}
        if reason.code in barred.get(sample.reader, ()):
            figures.unreadable += 1
        else:
            figures.findings.append(_finding(f"crash {reason!r}", sample, response))
        return
    except Exception as crash:  # noqa: BLE001 - any at all is a finding
        figures.findings.append(_finding(f"crash {crash!r}", sample, response))
        return
    figures.read[sample.reader] += 1
    if not _storable(value):
        figures.findings.append(_finding("a reading that cannot be stored", sample, response))
    waits = isinstance(sample, WaitingSample)
    rules = sample.instrument if isinstance(sample, FuturesSample) else None
    native = sample.leg.native_symbol if rules is None else rules.native_symbol
    if sample.reader in ("ticker", "instrument") and not names_asked(sample, response, native):
        figures.findings.append(_finding("another symbol taken for the one asked for", sample, response))
    if sample.reader == "lookup" and not waits and value is not None and not shows_ours(sample, response):
        figures.findings.append(_finding("another order found as ours", sample, response))
    judged = waiting_oracle.READERS if waits else READERS
    if isinstance(sample, FuturesSample) and sample.reader in judged and not _as_told(sample, response, value):
        figures.findings.append(_finding(f"read as {plainly(value)}", sample, response))


def _as_told(sample: FuturesSample, response: Response, value: Any) -> bool:
    """Whether the reading is the one that the bytes allow."""
    try:
        if isinstance(sample, WaitingSample):
            told = waiting_oracle.plainly(sample, plainly(value))
            return bool(told == waiting_oracle.second_reading(sample, response))
        return bool(plainly(value) == second_reading(sample, response))
    except Odd:
        return False


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
