"""How a secret comes in: stdin, a file, a command or a JSON object; and the checks of its text before anything else.

Never as an option's value and never from an environment variable.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.model.words import Algorithm
from keyctl.secret import Secret

BYTES_MAX = 64 * 1024
COMMAND_SECONDS = 30
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad]")
_DESCRIPTOR = re.compile(r"/dev/(?:stdin|fd/(\d{1,4}))|/proc/self/fd/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Sources:
    """The options that say where one secret comes from; at most one of them is given."""

    stdin: bool = False
    file: str | None = None
    command: str | None = None

    @property
    def given(self) -> int:
        return sum((self.stdin, self.file is not None, self.command is not None))


@dataclass(frozen=True, slots=True)
class Pasted:
    """What --credentials-stdin holds; a field that it lacks is None."""

    api_key: str | None
    secret: Secret | None
    passphrase: Secret | None
    key_type: Algorithm | None


def read_source(sources: Sources, warnings: list[str]) -> Secret | None:
    """The secret's raw bytes from the one source that is given; None when none is.

    Appends a warning for a file that others can read. Raises UsageProblem for two sources, SetupProblem for one that
    gives nothing.
    """
    if sources.given > 1:
        raise UsageProblem("use only one option for the secret", code="two_sources")
    if sources.stdin:
        return _read_stdin("--secret-stdin")
    if sources.file is not None:
        return _read_file(sources.file, warnings)
    if sources.command is not None:
        return _read_command(sources.command)
    return None


def read_credentials() -> Pasted:
    """The JSON object on stdin. Raises SetupProblem (bad_input) when it is anything else; never shows its text."""
    raw = _read_stdin("--credentials-stdin").reveal()
    try:
        fields = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _bad("stdin must be one JSON object in UTF-8, with each name once") from None
    if not isinstance(fields, dict):
        raise _bad("the text on stdin is not a JSON object")
    known = ("api_key", "secret", "passphrase", "key_type")
    if set(fields) - set(known):
        raise _bad("the JSON object has an unknown name", "known: " + ", ".join(known))
    for name, value in fields.items():
        if not isinstance(value, str | None):
            raise _bad(f"{name} is not a text")
    secret, passphrase, key_type = fields.get("secret"), fields.get("passphrase"), fields.get("key_type")
    if key_type is not None and key_type not in list(Algorithm):
        raise _bad("unknown key_type", "known: " + ", ".join(Algorithm))
    return Pasted(
        fields.get("api_key"),
        None if secret is None else _encoded(secret, "secret"),
        None if passphrase is None else _encoded(passphrase, "passphrase"),
        None if key_type is None else Algorithm(key_type),
    )


def clean_api_key(text: str) -> str:
    """The API key without line ends. Raises SetupProblem (bad_input) for anything that a key never holds."""
    return _clean(text, "the API key")


def api_key_text(raw: Secret) -> str:
    """An API key that came in as a Secret, cleaned as by clean_api_key: it is not secret by itself."""
    return clean_api_key(_decoded(raw, "the API key"))


def clean_secret(
    raw: Secret, kind: Algorithm | None = None, *, ask: Callable[[], Secret] | None = None, bare: bool = False
) -> Secret:
    """The secret as it is stored: a text without line ends around it, a private key as PKCS#8 in PEM.

    `kind` is the key type where it is known; else a private key is recognised. `ask` gives the passphrase of an
    encrypted one; `bare` as in clean_private_key. Raises SetupProblem (bad_input, ambiguous_secret, bad_private_key,
    wrong_key_type, key_encrypted).
    """
    from keyctl.exchanges.key_text import is_private_key
    from keyctl.exchanges.private_key import clean_private_key, seed_key

    data = raw.reveal()
    if kind is Algorithm.ED25519 and (seed := seed_key(data, meant=True)) is not None:
        return seed
    if kind is None and seed_key(data, meant=False) is not None:
        raise SetupProblem(
            "this may be the seed of an Ed25519 key or the text of an HMAC secret",
            "give the key type: --key-type ed25519, or --key-type hmac",
            code="ambiguous_secret",
        )
    if kind in (Algorithm.ED25519, Algorithm.RSA) or (kind is None and is_private_key(data)):
        if _INVISIBLE.search(data.decode("utf-8", "ignore").removeprefix("\ufeff")):
            raise _bad("the private key contains an invisible character", "copy it again from the original")
        return clean_private_key(data, ask, bare=bare)
    return Secret(_clean(_decoded(raw, "the secret"), "the secret"))


def clean_passphrase(raw: Secret) -> Secret:
    """The passphrase without line ends; it may hold any visible ASCII inside. Raises SetupProblem (bad_input)."""
    text = _decoded(raw, "the passphrase").strip("\r\n")
    _refuse_invisible(text, "the passphrase")
    if not text:
        raise _bad("the passphrase is empty")
    if text != text.strip():
        raise _bad("the passphrase begins or ends with a space", "enter it exactly as on the exchange")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        raise _bad("the passphrase is in quotes", "enter it without quotes")
    if not text.isascii() or not text.isprintable():
        raise _bad("the passphrase contains a character that is not plain ASCII")
    return Secret(text)


def _clean(text: str, what: str) -> str:
    text = text.strip("\r\n")
    _refuse_invisible(text, what)
    if not text:
        raise _bad(f"{what} is empty")
    if any(char.isspace() for char in text):
        raise _bad(f"{what} contains a space or a line break", "copy only the value, without the text around it")
    if any(char in "\"'`\u2018\u2019\u201c\u201d" for char in text):
        raise _bad(f"{what} contains a quote", "give it without quotes")
    if not text.isascii() or not text.isprintable():
        raise _bad(f"{what} contains a character that is not plain ASCII")
    return text


def _refuse_invisible(text: str, what: str) -> None:
    if text.startswith("\ufeff"):
        raise _bad(f"{what} begins with a byte order mark", "save it as UTF-8 without one")
    if "\x1b[200~" in text or "\x1b[201~" in text:
        raise _bad(f"{what} contains the marks of a bracketed paste", "paste it again, or use a file")
    if "\x1b" in text:
        raise _bad(f"{what} contains an ESC character", "type or paste it again, without arrow or function keys")
    if "\t" in text:
        raise _bad(f"{what} contains a TAB character", "copy only the value, without the text around it")
    if _INVISIBLE.search(text):
        raise _bad(f"{what} contains an invisible character", "copy it again from the exchange's page")


def _decoded(raw: Secret, what: str) -> str:
    try:
        return raw.reveal().decode("utf-8")
    except UnicodeDecodeError:
        raise _bad(f"{what} is not text in UTF-8") from None


def _encoded(text: str, name: str) -> Secret:
    try:
        return Secret(text)
    except UnicodeEncodeError:  # a lone surrogate from a \\u escape
        raise _bad(f"{name} is not text in UTF-8") from None


def _read_stdin(option: str) -> Secret:
    if sys.stdin is None or sys.stdin.closed:
        raise _bad(f"{option}: there is no stdin")
    if sys.stdin.isatty():
        raise UsageProblem(
            f"{option} reads a pipe or a file, but stdin is the terminal, which would show the secret",
            "to type it hidden, remove the option",
            code="stdin_is_terminal",
        )
    return _within_bounds(sys.stdin.buffer.read(BYTES_MAX + 1))


def _read_file(name: str, warnings: list[str]) -> Secret:
    try:
        # /dev/fd is opened through our own entry in /proc, which a hardened process may not list any more.
        found = _DESCRIPTOR.fullmatch(name)
        descriptor = os.dup(int(found[1] or found[2] or 0)) if found else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o044:
                warnings.append(f"other users can read {name}: delete it, or run chmod 600 on it")
            return _within_bounds(file.read(BYTES_MAX + 1))
    except OSError as error:
        raise _bad(f"{name} cannot be read: {error.strerror}") from None


def _read_command(line: str) -> Secret:
    """What the command prints. Its complaints are not shown: nobody knows what else it would print there."""
    try:
        words = shlex.split(line)
        signs = [word for word in shlex.shlex(line, posix=True, punctuation_chars=True) if not word.strip("|&;<>()")]
    except ValueError:
        raise UsageProblem("--secret-command: a quote is not closed", code="bad_command") from None
    if not words:
        raise UsageProblem("--secret-command: there is no command", code="bad_command")
    if any(signs):
        raise UsageProblem(
            "--secret-command runs without a shell, so pipes and redirections do not work",
            "to use a shell: --secret-command \"sh -c '...'\"",
            "to use a pipe: COMMAND | keyctl add EXCHANGE --secret-stdin",
            code="bad_command",
        )
    try:
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            try:
                printed = _printed_by(process)
            finally:
                process.kill()
            code = process.wait()
    except OSError as error:
        raise _bad(f"the secret command cannot be run: {error.strerror}") from None
    if len(printed) > BYTES_MAX:
        raise _bad(f"the secret command printed more than {BYTES_MAX} bytes, which is too long for a secret")
    if code != 0:
        shell = ("to use variables, ~ and * in a shell: --secret-command \"sh -c '...'\"",)
        hints = shell if re.search(r"[$~*?]", line) else ()
        raise _bad(f"the secret command ended with exit code {code}", "run the command alone to see its error", *hints)
    return _within_bounds(printed)


def _printed_by(process: subprocess.Popen[bytes]) -> bytes:
    """What a process prints until it ends, and no more than a secret can have; it has a time limit."""
    assert process.stdout is not None
    descriptor, printed, deadline = process.stdout.fileno(), b"", time.monotonic() + COMMAND_SECONDS
    while len(printed) <= BYTES_MAX:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise _bad(f"the secret command did not end within {COMMAND_SECONDS} s")
        chunk = os.read(descriptor, BYTES_MAX)
        if not chunk:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise _bad(f"the secret command did not end within {COMMAND_SECONDS} s") from None
            break
        printed += chunk
    return printed


def _within_bounds(data: bytes) -> Secret:
    if not data:
        raise _bad("the secret is empty")
    if len(data) > BYTES_MAX:
        raise _bad(f"this is longer than {BYTES_MAX} bytes, too long for a secret")
    return Secret(data)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _bad(message: str, *hints: str) -> SetupProblem:
    return SetupProblem(message, *hints, code="bad_input")
