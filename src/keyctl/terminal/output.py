"""A Result as tables and lines for people, tab-separated records in pipes, or one JSON document for programs.

The outcome is decided before anything is rendered: a crash or a closed pipe while printing changes no exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from keyctl.errors import ExitCode, KeyctlError
from keyctl.model.noun import Noun
from keyctl.plain_text import clean_lines, clean_text, wrapped

if TYPE_CHECKING:
    from rich.live import Live

SCHEMA = "keyctl.result/1"
# Long words are wrapped for people and whole for programs; this only bounds what an exchange can make us print.
SHOWN_MAX = 10_000
# Of the orders that are waited for.
_NAMES_MAX = 3
_ANSWERS_MAX = 8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Table(Noun):
    """Rows of text. On a terminal a table; in a pipe one tab-separated record a row, without a header.

    `droppable`: the columns that a narrow terminal does without, the least needed first; a pipe has them all.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()
    droppable: tuple[str, ...] = ()


class Text(NamedTuple):
    """Text that is the command's data: it goes to stdout always. `exact` text is never broken into shorter lines."""

    text: str
    exact: bool = False


class Note(NamedTuple):
    """A remark for people: stdout on a terminal, stderr in a pipe, left out by --quiet."""

    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Noun):
    """What a command returns: data for programs, a view for people, an exit code, errors and warnings.

    `some_accepted` makes the status of an UNKNOWN result "partial".
    """

    data: Mapping[str, Any]
    view: tuple[Table | Text | Note, ...] = ()
    exit_code: ExitCode = ExitCode.OK
    errors: tuple[KeyctlError, ...] = ()
    warnings: tuple[str, ...] = ()
    some_accepted: bool = False

    @property
    def status(self) -> str:
        if self.exit_code is ExitCode.OK:
            return "success"
        partial = self.exit_code is ExitCode.PARTIAL or (self.exit_code is ExitCode.UNKNOWN and self.some_accepted)
        return "partial" if partial else "error"


@dataclass(slots=True)
class OutputOptions:
    """How this run shows its result; filled in while the command line is parsed."""

    json: bool = False
    quiet: bool = False
    color: bool = True
    header: bool = False
    debug: bool = False
    people: bool = False
    csv: bool = False
    bars: bool = True
    command: str = ""
    demo_commands: tuple[str, ...] = ()  # with --demo: those that words may name, to be typed with --demo too
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def for_people(self) -> bool:
        """Whether stdout shows tables: on a terminal, and always in the demo."""
        return not self.csv and (self.people or is_terminal(sys.stdout))

    @property
    def colored(self) -> bool:
        """Whether colours may be used on a terminal."""
        return self.color and "NO_COLOR" not in self.environ and self.environ.get("TERM") != "dumb"


def failure(error: KeyctlError) -> Result:
    """The result of a command that ended with an error."""
    return Result({}, exit_code=error.exit_code, errors=(error,))


def render(result: Result, options: OutputOptions) -> bool:
    """Writes the result to stdout and stderr, and tells whether stdout took all of it. Never raises for closed pipes,
    text that cannot be shown, or Ctrl-C."""
    try:
        if options.json:
            import json

            text = json.dumps(document(result, options.command), ensure_ascii=True, default=_plain)
            sys.stdout.write(_named(text, options) + "\n")
        else:
            _render_people(result, options)
        sys.stdout.flush()
        return True
    except (BrokenPipeError, ValueError, OSError):
        _drop(sys.stdout, 1)
    except KeyboardInterrupt:
        _drop(sys.stdout, 1)
        remark("interrupted while the result was shown; the exit code is that of the result")
    return False


def document(result: Result, command: str) -> dict[str, Any]:
    """The JSON envelope of a result; its keys never change."""
    return {
        "schema": SCHEMA,
        "command": command,
        "status": result.status,
        "exit_code": int(result.exit_code),
        "data": dict(result.data),
        "errors": [_error_entry(error) for error in result.errors],
        "warnings": [clean_text(warning, SHOWN_MAX) for warning in result.warnings],
    }


def _error_entry(error: KeyctlError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": clean_text(error.message, SHOWN_MAX),
        "hints": [clean_text(hint, SHOWN_MAX) for hint in error.hints],
        "exchange": error.exchange,
        "account": error.account,
        "market": error.market,
        "exchange_code": error.exchange_code,
        "repeatable": error.repeatable,
    }


def _plain(value: object) -> str:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def show_aside(blocks: Sequence[Table | Text | Note], options: OutputOptions) -> None:
    """Shows blocks on stderr while the command still runs: previews before a question. Silent for --json, --quiet."""
    if options.json or options.quiet:
        return
    try:
        for block in blocks:
            if isinstance(block, Table):
                _show_table(block, options, options.people or is_terminal(sys.stderr), sys.stderr)
            else:
                text = _named(clean_lines(block.text, SHOWN_MAX), options)
                _write(sys.stderr, wrapped(text) if is_terminal(sys.stderr) else text)
        sys.stderr.flush()
    except (OSError, ValueError):
        _drop(sys.stderr, 2)


def say(text: str, options: OutputOptions) -> None:
    """Shows a line on stdout while the command still runs; silent for --json."""
    if options.json:
        return
    try:
        _write(sys.stdout, text)
        sys.stdout.flush()
    except (OSError, ValueError):
        _drop(sys.stdout, 1)


def at_once(text: str, options: OutputOptions) -> None:
    """Shows a line before anything else happens, also with --quiet: on stdout, with --json on stderr."""
    if not options.json:
        say(text, options)
    else:
        remark(text)


def _render_people(result: Result, options: OutputOptions) -> None:
    terminal = options.for_people
    for block in result.view:
        if isinstance(block, Table) and options.csv:
            from keyctl.terminal.csv_text import csv_text

            sys.stdout.write(csv_text(block.columns, block.rows))
        elif isinstance(block, Table):
            _show_table(block, options, terminal, sys.stdout)
        elif isinstance(block, Text) and block.exact:
            _write(sys.stdout, block.text)
        elif isinstance(block, Text) or not options.quiet:
            text = _named(clean_lines(block.text, SHOWN_MAX), options)
            if terminal:
                _write(sys.stdout, wrapped(text))
            elif isinstance(block, Text):
                _write(sys.stdout, text)
            else:
                remark(text)
    lines = [f"warning: {clean_text(warning, SHOWN_MAX)}" for warning in result.warnings]
    shapes = set[str]()
    for error in result.errors:
        lines.append(f"error[{error.code}] {clean_text(error.message, SHOWN_MAX)}")
        for hint in error.hints:
            # What to do is said once for all accounts of which the same is so, with the name of the first.
            shape = hint.replace(error.account, "\0") if error.account else hint
            if shape not in shapes:
                shapes.add(shape)
                lines.append(f"hint: {clean_text(hint, SHOWN_MAX)}")
    for line in lines:
        remark(_named(line, options))


def _named(text: str, options: OutputOptions) -> str:
    """The text, its commands as they must be typed: what the demo advises must not be tried on real accounts."""
    if not options.demo_commands:
        return text
    import re

    return re.sub(rf"\bkeyctl (?=(?:{'|'.join(options.demo_commands)})\b)", "keyctl --demo ", text)


def remark(text: str) -> None:
    """Writes to stderr; when nobody reads it, the result on stdout is not lost with it."""
    try:
        _write(sys.stderr, wrapped(text) if is_terminal(sys.stderr) else text)
        sys.stderr.flush()
    except (OSError, ValueError):
        _drop(sys.stderr, 2)


def _show_table(table: Table, options: OutputOptions, terminal: bool, stream: TextIO) -> None:
    if terminal:
        try:
            _rich_table(table, options, stream)
            return
        except SystemExit:  # how Rich takes it that its reader has left
            raise BrokenPipeError from None
        except Exception as error:  # noqa: BLE001 - a label or message that rich cannot draw must not hide an outcome
            _write(sys.stderr, f"warning: shown as plain text ({type(error).__name__})")
    rows: Iterable[tuple[str, ...]] = [table.columns, *table.rows] if options.header or terminal else table.rows
    for row in rows:
        _write(stream, "\t".join(_named(clean_text(cell, SHOWN_MAX), options) for cell in row))


def _rich_table(table: Table, options: OutputOptions, stream: TextIO) -> None:
    import shutil

    from rich.box import SIMPLE
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    from keyctl.terminal.tables import GAP, laid_out, records

    # Given here because Rich takes every dumb terminal to be 80 columns wide.
    width, height = shutil.get_terminal_size()
    console = Console(file=stream, no_color=not options.colored, highlight=False, width=width, height=height)
    rows = [tuple(_named(clean_text(cell, SHOWN_MAX), options) for cell in row) for row in table.rows]
    layout = laid_out(table.columns, rows, width, table.droppable, cell_len)
    if layout is None:
        drawn = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=False)
        drawn.add_column(style="dim", width=max(map(len, table.columns)))
        drawn.add_column(overflow="fold")
        for name, cell in records(table.columns, rows):
            drawn.add_row(name, RichText(cell, style=_style(cell)))
    else:
        drawn = RichTable(box=SIMPLE, pad_edge=False, show_edge=False, padding=(0, GAP - 1, 0, 0))
        for number, room in zip(layout.columns, layout.widths, strict=True):
            drawn.add_column(table.columns[number], overflow="fold", width=room)
        for row in rows:
            drawn.add_row(*(RichText(row[number], style=_style(row[number])) for number in layout.columns))
    console.print(drawn)
    for number, note in enumerate(table.notes, 1):
        console.print(RichText(f"{number}  {_named(clean_text(note, SHOWN_MAX), options)}"))
    if layout is not None and layout.left_out:
        console.print(
            RichText(f"not shown, because the terminal is too narrow: {', '.join(layout.left_out)}", style="dim")
        )


# The closed vocabulary of cells, by what it asks of the reader; any other text is as it is.
_STYLES = {
    "green": ("pass", "ok", "accepted"),
    "yellow": ("warn", "unknown", "stale", "not sent", "likely missing", "halted"),
    "red": ("missing", "rejected", "failed"),
    "bold red": ("fail", "FAIL", "ON"),
    "dim": ("n/a",),
}
_STYLE_OF = {word: style for style, words in _STYLES.items() for word in words}


def _style(cell: str) -> str:
    # A cell may carry the number of its note: "FAIL 2".
    return _STYLE_OF.get(cell) or _STYLE_OF.get(cell.rstrip("0123456789").rstrip(), "")


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "ascii"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")


@contextmanager
def counting(title: str, total: int, options: OutputOptions) -> Iterator[Callable[[], None]]:
    """A bar on stderr that each call of the given function moves on by one; nothing unless a person watches."""
    if options.json or options.quiet or not options.bars or not is_terminal(sys.stderr):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True, no_color=not options.colored), transient=True)
    task = bar.add_task(title, total=total)

    def advance() -> None:
        # From the first step on: before it the store may ask for its passphrase, which a bar would write over.
        if not bar.live.is_started:
            bar.start()
        bar.advance(task)

    try:
        yield advance
    finally:
        bar.stop()


@contextmanager
def awaited(
    options: OutputOptions,
) -> Iterator[Callable[[Sequence[tuple[str, str]], Sequence[str], float], None] | None]:
    """What shows a person the orders as they are answered, and who is still waited for; gone when all are. None where
    nobody watches."""
    if options.json or options.quiet or not is_terminal(sys.stderr):
        yield None
        return
    waiting = _Waiting(options)
    try:
        yield waiting.show
    finally:
        waiting.close()


class _Waiting:
    """Lines on stderr that stand there while orders are waited for. Quick answers show nothing: the first call is let
    pass, and nothing is loaded before the orders are out."""

    def __init__(self, options: OutputOptions) -> None:
        self._options = options
        self._is_first = True
        self._live: Live | None = None

    def show(self, answered: Sequence[tuple[str, str]], waiting: Sequence[str], seconds: float) -> None:
        """Shows nothing while the terminal takes nothing, as after Ctrl-S: to wait for it would let answers time out.
        Raises whatever the terminal raises."""
        if self._is_first:
            self._is_first = False
            return
        if not _takes_text(sys.stderr):
            return
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, no_color=not self._options.colored, highlight=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_waiting_text(answered, waiting, seconds), refresh=True)

    def close(self) -> None:
        """Takes them away. Never raises."""
        try:
            if self._live is not None:
                self._live.stop()
        except Exception:  # noqa: BLE001 - orders are out: a terminal that is gone must not take their outcomes along
            return


def _takes_text(stream: TextIO) -> bool:
    """Whether a write would not wait."""
    import select

    return bool(select.select([], [stream], [], 0)[1])


def _waiting_text(answered: Sequence[tuple[str, str]], waiting: Sequence[str], seconds: float) -> str:
    more = f" and {len(waiting) - _NAMES_MAX} more" if waiting[_NAMES_MAX:] else ""
    lines = [f"{account}  {outcome}" for account, outcome in answered[-_ANSWERS_MAX:]]
    total, names = len(answered) + len(waiting), ", ".join(waiting[:_NAMES_MAX])
    lines.append(f"{len(answered)} of {total} answered, waiting for {names}{more}, up to {max(seconds, 0):.0f} s")
    return "\n".join(lines)


@contextmanager
def in_place(options: OutputOptions) -> Iterator[Callable[[str], None]]:
    """A screen of its own on which each text that the given function gets takes the place of the one before."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text as RichText

    console = Console(force_terminal=True, no_color=not options.colored, highlight=False)
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

        def show(text: str) -> None:
            if console.is_dumb_terminal:  # nothing can be replaced there: one after the other
                sys.stdout.write(f"{text}\n")
            else:
                live.update(RichText.from_ansi(text), refresh=True)

        yield show


def is_terminal(stream: TextIO) -> bool:
    """Whether the stream is a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def _drop(stream: TextIO, number: int) -> None:
    """Points a stream that nobody reads at nothing, so that the interpreter's own flush at exit cannot fail either."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)
    with suppress(OSError, ValueError):
        stream.flush()
