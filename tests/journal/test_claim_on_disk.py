"""The claim of a leg is on the disk before the first byte of that leg leaves: read off the kernel's own record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.claims_campaign import ACCOUNTS_EACH, late_claims, traced_runs
from tests.support.tracing import require_strace
from tests.support.world import ALL


@pytest.mark.slow
def test_the_claim_of_every_leg_is_on_disk_before_its_first_byte_leaves(tmp_path: Path) -> None:
    require_strace()
    figures = traced_runs(tmp_path / "world", runs=1)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.legs == figures.proven == ACCOUNTS_EACH * len(ALL)


def test_the_reading_of_the_record_finds_a_claim_that_comes_too_late() -> None:
    wal, claim = "7</home/journal.db-wal>", r"\"kcabc2026-09-21sent0123456789abcdef\""
    write, sync, send = (
        f"1 pwrite64({wal}, {claim}, 9, 0) = 9",
        f"1 fdatasync({wal}) = 0",
        '1 sendto(9<TCP:[a]>, "kcabc"',
    )
    assert not late_claims([write, sync, send], ["kcabc"])
    for wrong in ([write, send, sync], [send, write, sync], [sync, write, send], [write, sync], [sync, send]):
        assert late_claims(wrong, ["kcabc"]), wrong
    broken = sync.replace("= 0", "= -1 EIO")
    assert late_claims([write, broken, send], ["kcabc"])
    begun, ended = f"1 fdatasync({wal} <unfinished ...>", "1 <... fdatasync resumed>) = 0"
    assert late_claims([write, begun, send, ended], ["kcabc"])
    assert not late_claims([write, begun, ended, send], ["kcabc"])
