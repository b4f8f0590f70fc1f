"""A terminal for tests: runs Python code in a child whose controlling terminal is ours, and types into it."""

from __future__ import annotations

import errno
import os
import pty
import re
import select
import sys
import termios
import time
from pathlib import Path

from tests.support.processes import forking

TIMEOUT_SECONDS = 20.0


class Person:
    """Sits at the terminal of a child process; sees what it shows and types. `size`: its columns and lines."""

    def __init__(
        self,
        arguments: list[str],
        environ: dict[str, str] | None = None,
        program: str = sys.executable,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.seen = b""
        self._answered = 0
        with forking():
            self._child, self._terminal = pty.fork()
        if self._child == 0:
            try:
                if size is not None:
                    termios.tcsetwinsize(0, size[::-1])
                os.execvpe(program, [program, *arguments], environ or dict(os.environ))
            finally:
                os._exit(127)  # no such program: this child must not go on as a second run of the tests

    def waits_for(self, text: str) -> Person:
        """Reads until the text is shown, after what was waited for last. Fails when the child ends or is silent."""
        wanted = text.encode()
        while wanted not in self.seen[self._answered :]:
            assert self._read(), f"never shown: {text!r}; seen: {self.seen.decode(errors='replace')}"
        self._answered = self.seen.index(wanted, self._answered) + len(wanted)
        return self

    def asked(self) -> str | None:
        """The line with the question that waits for an answer now; None when the child has ended."""
        while not (self.seen.endswith((b": ", b"? ")) and len(self.seen) > self._answered):
            if not self._read():
                return None
        self._answered = len(self.seen)
        return self.seen.decode(errors="replace").rpartition("\n")[2]

    def types(self, text: str) -> Person:
        os.write(self._terminal, text.encode())
        return self

    def leaves(self) -> tuple[int, str]:
        """The child's exit code and everything that was shown."""
        while self._read():
            pass
        _, status = os.waitpid(self._child, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status), self.seen.decode(errors="replace").replace("\r\n", "\n")

    def _read(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], TIMEOUT_SECONDS)
        assert ready, f"silent; seen: {self.seen.decode(errors='replace')}"
        try:
            chunk = os.read(self._terminal, 4096)
        except OSError as error:
            if error.errno != errno.EIO:  # how Linux tells that the other end is closed
                raise
            chunk = b""
        self.seen += chunk
        return bool(chunk)


def as_left(text: str) -> str:
    """The text as a terminal is left with it: without progress that was drawn over or taken away again."""
    lines, row, fresh = [""], 0, False
    for part in re.split(r"(\n|\r|\x1b\[\d*A|\x1b\[\d*K|\x1b\[\?25[hl])", text):
        if part == "\n":
            row, fresh = row + 1, False
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            fresh = True
        elif part.endswith("A") and part.startswith("\x1b["):
            row = max(row - int(part[2:-1] or 1), 0)
        elif part.endswith("K") and part.startswith("\x1b["):
            lines[row] = ""
        elif part and not part.startswith("\x1b[?"):
            lines[row], fresh = part if fresh else lines[row] + part, False
    return "\n".join(lines).rstrip()


def keyctl_at_terminal(arguments: list[str], home: Path, **variables: str) -> Person:
    """keyctl in a child with that home and a clean environment."""
    environ = {"PATH": os.defpath, "KEYCTL_HOME": str(home), "TERM": "dumb", **variables}
    return Person(["-m", "keyctl", *arguments], environ)


def in_pieces(at: Person, text: str, size: int = 40) -> Person:
    """Types as a terminal sends a long paste: a piece, a pause, a piece."""
    for start in range(0, len(text), size):
        at.types(text[start : start + size])
        time.sleep(0.01)
    return at
