"""Questions to the person at the terminal itself, never through stdin. Refuses when nobody can answer."""

from __future__ import annotations

import hmac
import os
import re
import select
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress

from keyctl.errors import NeedsPerson, SetupProblem, UsageProblem
from keyctl.plain_text import clean_text, wrapped
from keyctl.secret import Secret

DESCRIPTOR_VARIABLE = "KEYCTL_VAULT_PASSPHRASE_FD"
_TERMINAL = "/dev/tty"
_LINE_MAX = 64 * 1024
_ECHO_FLAGS = 3
_BEGIN, _END = b"-----BEGIN", b"-----END"
# How long a paste may pause: a terminal that sends 512 bytes every 10 ms, and a slow ssh line.
QUIET_SECONDS = 0.25
_DRAINED_MAX = 4096
# What a terminal in bracketed paste mode puts around a paste.
_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"


class Prompt:
    """Asks one question at a time. Every question names the option that answers it without a person."""

    def __init__(self, no_input: bool = False, passphrase_fd: int | None = None) -> None:
        self._no_input = no_input
        self._passphrase_fd = passphrase_fd

    @property
    def has_terminal(self) -> bool:
        """Whether a person can be asked: stdin is a terminal, there is one to open, and --no-input was not given."""
        if self._no_input or sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
            return False
        try:
            os.close(_open_terminal())
        except OSError:
            return False
        return True

    @property
    def can_type_passphrase(self) -> bool:
        """Whether a passphrase can be had: from a person, or from the file descriptor that was given."""
        return self._passphrase_fd is not None or self.has_terminal

    @property
    def can_ask_again(self) -> bool:
        """Whether a passphrase that was wrong can be typed once more."""
        return self._passphrase_fd is None and self.has_terminal

    def show(self, text: str) -> None:
        """Writes lines to the terminal; nothing happens without one."""
        if self.has_terminal:
            with _Terminal() as terminal:
                terminal.write(wrapped(text) + "\n")

    def show_exactly(self, lines: Sequence[str]) -> None:
        """Writes lines to the terminal as they are, and nowhere else. Raises NeedsPerson without a terminal."""
        self._require("check the screen", "")
        with _Terminal() as terminal:
            terminal.write_exactly("".join(f"{line}\n" for line in lines))

    def ask(self, text: str, default: str | None = None, *, option: str = "") -> str:
        """The line that was typed, or the default for an empty one. Raises NeedsPerson without a terminal."""
        self._require(text, option)
        shown = f"{text} [{default}]: " if default else f"{text}: "
        with _Terminal() as terminal:
            while True:
                answer = terminal.read_line(shown).decode("utf-8", "replace").strip()
                if answer or default is not None:
                    return answer or default or ""

    def choose(self, text: str, choices: Sequence[str], default: str | None = None, *, option: str = "") -> str:
        """One of the choices. Raises NeedsPerson without a terminal."""
        self._require(text, option)
        while True:
            answer = self.ask(f"{text} ({', '.join(choices)})", default, option=option)
            if answer in choices:
                return answer
            self.show(f"Type one of: {', '.join(choices)}")

    def hidden(self, text: str, *, option: str = "") -> Secret:
        """What was typed or pasted without being shown, all lines of a paste; a PEM block is read to its last line.

        Raises NeedsPerson without a terminal.
        """
        self._require(text, option)
        with _Terminal() as terminal:
            return Secret(terminal.read_hidden(text, block=True))

    def confirm_typed(self, text: str, expected: str, *, option: str = "--yes") -> bool:
        """Whether the person typed exactly what was asked for. Raises NeedsPerson without a terminal."""
        self._require(text, option)
        with _Terminal() as terminal:
            return terminal.read_line(f"{text}: ").decode("utf-8", "replace").strip() == expected

    def passphrase(self, text: str, *, twice: bool = False) -> Secret:
        """The vault's passphrase, from the file descriptor that was given or typed unseen.

        Raises NeedsPerson without either, SetupProblem when it is empty or was typed in two ways.
        """
        if self._passphrase_fd is not None:
            return _not_empty(_read_descriptor(self._passphrase_fd))
        self._require(text, "--passphrase-fd")
        with _Terminal() as terminal:
            first = terminal.read_hidden(text)
            if twice and not hmac.compare_digest(first, terminal.read_hidden("Repeat the passphrase: ")):
                raise SetupProblem("the passphrases do not match", "nothing was changed", code="passphrase_differs")
            return _not_empty(Secret(first))

    def _require(self, text: str, option: str) -> None:
        if not self.has_terminal:
            question = text.strip().rstrip(":").strip()
            hint = f"use {option}" if option else "run it in a terminal"
            raise NeedsPerson(f"cannot ask, because there is no terminal: {question}", hint)


def given_descriptor(environ: Mapping[str, str]) -> int | None:
    """The file descriptor that holds the vault's passphrase, by its number in KEYCTL_VAULT_PASSPHRASE_FD.

    Raises UsageProblem (bad_descriptor) for anything but a number.
    """
    given = environ.get(DESCRIPTOR_VARIABLE, "")
    if given and not re.fullmatch("[0-9]{1,6}", given):
        raise UsageProblem(f"{DESCRIPTOR_VARIABLE} is not the number of a file descriptor", code="bad_descriptor")
    return int(given) if given else None


class _Terminal:
    """The controlling terminal, opened for one question."""

    _is_quiet = False

    def __enter__(self) -> _Terminal:
        try:
            self._descriptor = _open_terminal()
        except OSError:
            raise NeedsPerson("there is no terminal", "give the values as options") from None
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)

    def write(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            end = "\n" if line.endswith("\n") else ""
            blanks = line[: len(line) - len(line.lstrip(" "))]
            space = " " if not end and line.endswith(" ") else ""
            os.write(self._descriptor, (blanks + clean_text(line, 1000) + space + end).encode("utf-8", "replace"))

    def write_exactly(self, text: str) -> None:
        os.write(self._descriptor, text.encode("utf-8", "replace"))

    def read_line(self, text: str) -> bytes:
        self.write(text)
        return self._line()

    def read_hidden(self, text: str, *, block: bool = False) -> bytes:
        """The line, with echo off from before the question is shown; with `block` all that was pasted at once, a PEM
        block to its END line."""
        shown = termios.tcgetattr(self._descriptor)
        silent = list(shown)
        silent[_ECHO_FLAGS] &= ~(termios.ECHO | termios.ECHONL)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, silent)
            self.write(text)
            return self._block() if block else self._line()
        finally:
            # What comes beyond the answer is thrown away unseen, so that the rest of a secret never reaches a shell. A
            # terminal sends a long paste in pieces: it is over when the line has been quiet for a while.
            if not self._is_quiet:
                self._drain()
            with suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, shown)
            self.write("\n")

    def _block(self) -> bytes:
        """What was typed or pasted: one line, the lines that follow it at once, and a PEM block as a whole."""
        lines, size = [self._line()], 0
        while size < _LINE_MAX:
            open_block = any(_BEGIN in line for line in lines) and not any(_END in line for line in lines)
            if not open_block and not self._is_more_coming():
                self._is_quiet = True
                break
            lines.append(self._line())
            size += len(lines[-1]) + 1
        pasted = b"\n".join(lines)
        return pasted.removeprefix(_PASTE_BEGINS).removesuffix(_PASTE_ENDS)

    def _is_more_coming(self) -> bool:
        return bool(select.select([self._descriptor], [], [], QUIET_SECONDS)[0])

    def _drain(self) -> None:
        """Throws away what comes until nothing has come for a while, at most for some seconds."""
        with suppress(OSError, termios.error, ValueError):
            for _ in range(_DRAINED_MAX):
                if not self._is_more_coming() or not os.read(self._descriptor, 4096):
                    return

    def _line(self) -> bytes:
        """One line without its end. Raises NeedsPerson when the person ends the input instead."""
        line = b""
        while not line.endswith(b"\n"):
            try:
                chunk = os.read(self._descriptor, 4096)
            except OSError:
                chunk = b""
            if not chunk:
                raise NeedsPerson("no input was given", "nothing was changed")
            line += chunk
        return line.rstrip(b"\r\n")


def _open_terminal() -> int:
    return os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def _read_descriptor(descriptor: int) -> Secret:
    """The first line of a descriptor that the caller opened."""
    if descriptor < 3:
        raise UsageProblem("use file descriptor 3 or higher for a passphrase", code="bad_descriptor")
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return Secret(stream.readline(_LINE_MAX).rstrip(b"\r\n"))
    except OSError as error:
        raise UsageProblem(
            f"file descriptor {descriptor} cannot be read: {error.strerror}", code="bad_descriptor"
        ) from None


def _not_empty(secret: Secret) -> Secret:
    if not len(secret):
        raise SetupProblem("the passphrase is empty", "nothing was changed", code="passphrase_empty")
    return secret
