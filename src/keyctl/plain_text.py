"""Words from outside made safe to show: one line, nothing that moves a cursor or turns the direction of writing."""

from __future__ import annotations

_TEXT_MAX = 300
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")


def clean_text(text: str, limit: int = _TEXT_MAX) -> str:
    """The text on one line, without control or direction characters, cut at `limit`."""
    if not (text.isascii() and text.isprintable()):
        text = _without_invisible(text)
    kept = " ".join(text.split())
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def _without_invisible(text: str) -> str:
    from unicodedata import category

    return "".join(
        " " if char.isspace() else char for char in text if char.isspace() or category(char) not in _INVISIBLE
    )
