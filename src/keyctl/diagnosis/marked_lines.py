"""Lines of a long text that are worth a slow look, found by short words that they must have. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def lines_with(text: str, anchors: Iterable[str]) -> list[tuple[int, int]]:
    """Start and end of every line that has one of the anchors (in small letters), in the order of the text."""
    low, lines = text.lower(), set[tuple[int, int]]()
    if len(low) != len(text):  # a letter whose small form is longer: places would not agree
        return [(0, len(text))]
    for anchor in anchors:
        place = low.find(anchor)
        while place >= 0:
            start, end = low.rfind("\n", 0, place) + 1, low.find("\n", place)
            end = len(low) if end < 0 else end
            lines.add((start, end))
            place = low.find(anchor, end)
    return sorted(lines)
