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


def clean_lines(text: str, limit: int) -> str:
    """The lines of a text, each without what could steer a terminal; columns within plain lines stay."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join(clean_text(line, limit) for line in text.split("\n"))


def _without_invisible(text: str) -> str:
    from unicodedata import category

    return "".join(
        " " if char.isspace() else char for char in text if char.isspace() or category(char) not in _INVISIBLE
    )


def wrapped(text: str) -> str:
    """The text with lines broken at the terminal's width; what follows a line's first column is kept together."""
    import re
    import shutil
    import textwrap

    width = max(shutil.get_terminal_size().columns, 40)
    lines = []
    for line in text.splitlines():
        start = re.match(r"\s*(\S+\s{2,}|\[.\]\s+\d*\s*)?", line)
        indent = " " * (len(start[0]) if start else 0)
        lines += textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]
    return "\n".join(lines)
