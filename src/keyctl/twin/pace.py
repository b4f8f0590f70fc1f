"""How often an exchange lets itself be called, by its documents, counted over what arrived.

Written from the documents for the twin alone, so that it does not share keyctl's own reading of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from keyctl.twin.faces import face
from keyctl.twin.record import Logged
from keyctl.twin.ways import KEY, Limit


def most_at_once(limit: Limit, lines: Iterable[Logged]) -> int:
    """The largest sum of weights that fell within any window of the limit, over all callers."""
    windows: dict[str, deque[tuple[int, int]]] = {}
    sums: dict[str, int] = {}
    worst = 0
    for line in lines:
        if not limit.counts(line.path):
            continue
        caller = line.key_hint if limit.per == KEY else ""
        window, weight = windows.setdefault(caller, deque()), limit.weight(line)
        window.append((line.at_ms, weight))
        sums[caller] = sums.get(caller, 0) + weight
        while window[0][0] <= line.at_ms - limit.seconds * 1000:
            sums[caller] -= window.popleft()[1]
        worst = max(worst, sums[caller])
    return worst


def broken_limits(exchange: str, lines: Iterable[Logged]) -> list[str]:
    """The documented limits that these calls went past, in words; empty when they kept to all."""
    calls = list(lines)
    found = ((limit, most_at_once(limit, calls)) for limit in face(exchange).limits)
    return [f"{exchange} {limit.name}: {most}" for limit, most in found if most > limit.most]
