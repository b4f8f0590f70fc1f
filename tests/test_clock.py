"""How lanes share the reads of one host's clock, and what the samples say."""

from __future__ import annotations

import asyncio

import pytest

from keyctl.clock import ClockReads, ClockSample, offset_of
from keyctl.errors import Unreached

SAMPLE = ClockSample(1.0, 1.1, 1_050)


class Host:
    """A clock that answers after the loop has turned some times, or breaks."""

    def __init__(self, broken: tuple[int, ...] = ()) -> None:
        self.asked = 0
        self._broken = broken

    async def read(self) -> ClockSample:
        self.asked += 1
        number = self.asked
        for _ in range(number):
            await asyncio.sleep(0)
        if number in self._broken:
            raise Unreached("gone")
        return SAMPLE


async def lane(reads: ClockReads, host: Host) -> int:
    await reads.add(host.read)
    return len(await reads.complete(host.read, 3))


def lanes(count: int, host: Host) -> list[int | BaseException]:
    async def go() -> list[int | BaseException]:
        reads = ClockReads()
        return await asyncio.gather(*(lane(reads, host) for _ in range(count)), return_exceptions=True)

    return asyncio.run(go())


def test_one_lane_alone_reads_three_times() -> None:
    host = Host()
    assert lanes(1, host) == [3]
    assert host.asked == 3


def test_three_lanes_read_once_each() -> None:
    host = Host()
    assert lanes(3, host) == [3, 3, 3]
    assert host.asked == 3


def test_a_lane_that_fails_is_replaced_and_fails_alone() -> None:
    host = Host(broken=(3,))
    first, second, third = lanes(3, host)
    assert (first, second) == (3, 3)
    assert isinstance(third, Unreached)
    assert host.asked == 4


def test_a_lane_waits_for_no_one_when_all_others_have_failed() -> None:
    host = Host(broken=(2, 3, 4))
    first, *others = lanes(3, host)
    assert isinstance(first, Unreached)  # its own further read failed too
    assert all(isinstance(other, Unreached) for other in others)


def test_two_lanes_make_the_third_read_once() -> None:
    host = Host()
    assert lanes(2, host) == [3, 3]
    assert host.asked == 3


@pytest.mark.parametrize("count", [4, 50])
def test_many_lanes_make_no_further_reads(count: int) -> None:
    host = Host()
    assert all(isinstance(found, int) and found >= 3 for found in lanes(count, host))
    assert host.asked == count


def test_lanes_of_a_dead_host_do_not_fail_one_after_the_other() -> None:
    under_way, waves = 0, 0

    async def read() -> ClockSample:
        nonlocal under_way, waves
        waves += under_way == 0
        under_way += 1
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        raise Unreached("gone")

    async def one(reads: ClockReads) -> None:
        if reads.begun < 3:
            await reads.add(read)
        await reads.complete(read, 3)

    async def go() -> list[BaseException | None]:
        reads = ClockReads()
        return await asyncio.gather(*(one(reads) for _ in range(50)), return_exceptions=True)

    assert all(isinstance(told, Unreached) for told in asyncio.run(go()))
    assert waves == 2


@pytest.mark.parametrize(
    ("theirs", "offset"), [((1_080,), 30), ((1_080, 1_060), 20), ((1_080, 9_000, 1_060), 30), ((1_041, 1_050), -4)]
)
def test_the_offset_is_the_median_of_the_samples(theirs: tuple[int, ...], offset: int) -> None:
    samples = [ClockSample(1.0, 1.1, at) for at in theirs]
    found = offset_of([*samples, ClockSample(1.0, 3.5, 99_999)])  # a slow read says nothing
    assert found is not None and (found.ms, found.samples) == (offset, len(theirs))
