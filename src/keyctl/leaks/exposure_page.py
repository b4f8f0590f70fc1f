"""The page of `keyctl exposure --html`: one file that asks nothing of any network, for the periodic review. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from keyctl.leaks.exposure import Exposure
from keyctl.leaks.exposure_view import COLUMNS, cells_of, words_of
from keyctl.plain_text import clean_text
from keyctl.terminal.output import SHOWN_MAX, Result, Table

# Nothing is loaded, sent or run: the policy says so to the browser too.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_BAD = ("FAIL", "ON", "missing", "rejected", "not listed")
_UNSURE = ("unknown", "warn", "likely missing")
_STYLE = """
:root { color-scheme: light dark; --line: #c8ccd4; --soft: #f3f4f7; --bad: #b3261e; --unsure: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --line: #4a4f59; --soft: #23262c; --bad: #ff8a80; --unsure: #ffcc66; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 1200px; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p, li { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); font-weight: 600; } td { overflow-wrap: break-word; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bad { color: var(--bad); font-weight: 700; } .unsure { color: var(--unsure); }
ol { padding-left: 1.5rem; } li { margin: .3rem 0; }
@media (max-width: 640px) {
  thead { position: absolute; left: -9999px; }
  tr { display: block; border: 1px solid var(--line); border-radius: .4rem; margin: 0 0 .8rem; }
  td { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: .5rem; border-bottom: 1px solid var(--line); }
  td:last-child { border-bottom: 0; } td::before { content: attr(data-name); font-weight: 600; color: CanvasText; }
  td:first-child { background: var(--soft); } .number { text-align: left; white-space: normal; }
}
@media print { body { max-width: none; } tr { break-inside: avoid; } }
"""


def page(result: Result, found: Sequence[Exposure], verified: Result, at: datetime, home: str) -> str:
    """The whole page: every key's exposure, and the result of `verify` that it rests on."""
    made = f"{at:%Y-%m-%d %H:%M} UTC"
    parts = [
        f"<h1>Exposure of {len(found)} API keys</h1>",
        f"<p>Created by keyctl at {made} from the data folder {_text(home)}. What is not known is shown as "
        "unknown.</p>",
        "<h2>What a thief could do with each key</h2>",
        _table(COLUMNS, [cells_of(item) for item in found], numbers=(1, 2)),
        _list(f"{item.facts.label}: {words_of(item)}" for item in found),
        _troubles(result, "Could not be read"),
        _list(result.warnings),
        "<h2>verify</h2>",
        *(
            _table(block.columns, block.rows) + _list(block.notes)
            for block in verified.view
            if isinstance(block, Table)
        ),
        _troubles(verified, "Failed"),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>keyctl: exposure of API keys, {made}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    head = "".join(f"<th{_number(place in numbers)}>{_text(name)}</th>" for place, name in enumerate(columns))
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td data-name="{_text(columns[place])}"{_class(cell, place in numbers)}>{_text(cell)}</td>'
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _class(cell: str, is_number: bool) -> str:
    names = ["number"] if is_number else []
    names += ["bad"] if cell in _BAD else ["unsure"] if cell in _UNSURE else []
    return f' class="{" ".join(names)}"' if names else ""


def _number(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _list(lines: Iterable[str]) -> str:
    items = "\n".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<ol>\n{items}\n</ol>" if items else ""


def _troubles(result: Result, title: str) -> str:
    lines = _list(error.message for error in result.errors)
    return f"<h3>{title}</h3>\n{lines}" if lines else ""


def _text(text: str) -> str:
    """Text of a label or an exchange: shown, never markup."""
    return escape(clean_text(text, SHOWN_MAX))
