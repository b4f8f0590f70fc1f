"""A command's result shown again and again in place, until Ctrl-C."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

from keyctl.errors import KeyctlError, UsageProblem
from keyctl.terminal.output import OutputOptions, Result, failure, in_place, is_terminal, render


class _Screen(io.StringIO):
    """Takes what is rendered as a terminal would."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def watched(
    read: Callable[[], Result], seconds: float, options: OutputOptions, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """The last result, after Ctrl-C; until then each is shown in place of the one before, on a screen of its own.

    Raises UsageProblem without a terminal, and what the first read raises; trouble of a later one is shown.
    """
    if options.json or options.csv or not is_terminal(sys.stdout):
        hint = "in a script, run the command again, with --json"
        raise UsageProblem("--watch needs a terminal", hint, code="no_terminal")
    options.bars = False
    result = read()
    with in_place(options) as show:
        try:
            while True:
                at = time.strftime("%H:%M:%S UTC", time.gmtime())
                show(f"{_drawn(result, options)}\nread at {at}, again every {seconds:g} s; to end: Ctrl-C")
                sleep(seconds)
                try:
                    result = read()
                except KeyctlError as trouble:
                    result = failure(trouble)
        except KeyboardInterrupt:
            pass
    return result


def _drawn(result: Result, options: OutputOptions) -> str:
    screen = _Screen()
    with redirect_stdout(screen), redirect_stderr(screen):
        render(result, options)
    return screen.getvalue()
