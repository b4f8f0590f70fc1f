"""Keys in from a .env file, and out into one child process. The one door to python-dotenv and to exec."""

from __future__ import annotations

import io
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from keyctl.errors import SetupProblem
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.model import Credential

OURS = "KEYCTL_"
# By form: the names of API key, secret and passphrase; {} stands for the exchange's name in capitals.
FORMS = {
    "env": ("{}_API_KEY", "{}_API_SECRET", "{}_API_PASSPHRASE"),
    "ccxt": ("{}_APIKEY", "{}_SECRET", "{}_PASSWORD"),
    "freqtrade": ("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET", "FREQTRADE__EXCHANGE__PASSWORD"),
}
FREQTRADE_NAME = "FREQTRADE__EXCHANGE__NAME"
# How people name the parts of a key after the exchange's name; the longest that fits is meant.
ENDINGS = {
    "api_key": ("API_KEY", "APIKEY"),
    "secret": ("API_SECRET", "SECRET", "SECRET_KEY", "PRIVATE_KEY"),
    "passphrase": ("API_PASSPHRASE", "PASSPHRASE", "PASSWORD"),
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line of a .env file: a name and its value, or what the line was dropped for."""

    line: int
    name: str
    value: Secret | None
    trouble: str = ""


def read_assignments(text: str) -> list[Assignment]:
    """What python-dotenv reads in a .env file, line by line, doubles and unreadable lines too. Values stay as written:
    `$` means nothing."""
    from dotenv.parser import parse_stream

    found = []
    for binding in parse_stream(io.StringIO(text)):
        string, line = binding.original.string, binding.original.line
        line += len(string) - len(string.lstrip("\r\n"))
        if binding.error:
            found.append(Assignment(line, "", None, "not understood as NAME=value"))
        elif binding.key is not None:
            trouble = "no value" if binding.value is None else ""
            value = None if binding.value is None else Secret(binding.value)
            found.append(Assignment(line, binding.key, value, trouble))
    return found


def variables(credential: Credential, names: Sequence[str], more: Mapping[str, str]) -> dict[str, str]:
    """The credential as environment variables of those names (key, secret, passphrase)."""
    key, secret, passphrase = names
    values = {**more, key: credential.api_key, secret: credential.secret.reveal().decode()}
    if credential.passphrase is not None:
        values[passphrase] = credential.passphrase.reveal().decode()
    return values


def lines_for_shell(values: Mapping[str, str]) -> str:
    """The variables as lines that a shell or a .env reader takes."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def lines_for_screen(credential: Credential) -> list[str]:
    """The whole credential in lines for a person's eyes."""
    lines = [f"API key     {credential.api_key or '(none yet)'}"]
    secret = credential.secret.reveal().decode()
    lines += ["private key", *secret.splitlines()] if secret.startswith("-----BEGIN") else [f"secret      {secret}"]
    if credential.passphrase is not None:
        lines.append(f"passphrase  {credential.passphrase.reveal().decode()}")
    return lines


def child_environment(parent: Mapping[str, str], prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    """The parent's environment without ours, and without other keys of that exchange that a program might prefer."""
    stale = {f"{prefix}_{ending}" for endings in ENDINGS.values() for ending in endings}
    stale |= {FREQTRADE_NAME, *FORMS["freqtrade"]}
    kept = {name: value for name, value in parent.items() if not name.startswith(OURS) and name not in stale}
    return {**kept, **values}


def replace_process(command: Sequence[str], environment: Mapping[str, str], close: Sequence[int] = ()) -> NoReturn:
    """Becomes the command; `close` are descriptors that it must not get. Raises SetupProblem when it cannot be run."""
    for descriptor in close:
        os.set_inheritable(descriptor, False)
    # Python ignores these, and a child would inherit that: `keyctl exec ... | head` must end as elsewhere.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), dict(environment))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds a NUL character"
        raise SetupProblem(
            f"{command[0][:80]} cannot be run: {why}",
            "see that it is on PATH, or name its full path",
            code="bad_command",
        ) from None
