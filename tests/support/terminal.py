"""A terminal for tests: runs Python code in a child whose controlling terminal is ours, and types into it."""

from __future__ import annotations

import errno
import os
import pty
import select
import sys
import time
from pathlib import Path

from tests.support.processes import forking

TIMEOUT_SECONDS = 20.0


class Person:
    """Sits at the terminal of a child process; sees what it shows and types."""

    def __init__(
        self, arguments: list[str], environ: dict[str, str] | None = None, program: str = sys.executable
    ) -> None:
        self.seen = b""
        self._answered = 0
        with forking():
            self._child, self._terminal = pty.fork()
        if self._child == 0:
            try:
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
