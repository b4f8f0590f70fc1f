"""Keys out: as lines of NAME=value, and into one child process. The one door to exec."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from keyctl.errors import SetupProblem

if TYPE_CHECKING:
    from keyctl.model.credential import Credential

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


def variables(credential: Credential, names: Sequence[str], more: Mapping[str, str]) -> dict[str, str]:
    """The credential as environment variables of those names (key, secret, passphrase)."""
    key, secret, passphrase = names
    values = {**more, key: credential.api_key, secret: credential.secret.reveal().decode()}
    if credential.passphrase is not None:
        values[passphrase] = credential.passphrase.reveal().decode()
    return values


def lines_for_shell(values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The variables as lines for a shell, a .env reader and `keyctl import`, and the names of those that only a shell
    and `keyctl import` read unchanged."""
    quoted = {name: _quoted(value) for name, value in values.items()}
    lines = "".join(f"{name}={text}\n" for name, (text, _) in quoted.items())
    return lines, tuple(name for name, (_, common) in quoted.items() if not common)


def _quoted(value: str) -> tuple[str, bool]:
    """A value in quotes that mean the same to a shell and to python-dotenv; with False where there are none such.

    Between single quotes a shell takes a backslash as it is, and python-dotenv undoes it before another one and
    before a quote. Between double quotes a shell also takes $ and ` as its own.
    """
    if re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", value):
        return value, True
    if "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'", True
    if not re.search(r"[$`]", value) and not value.endswith("\\"):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"', True
    # Two parts without a blank between them can only be meant for a shell.
    return '""' + '"\'"'.join(f"'{part}'" for part in value.split("'")), False


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
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    try:
        os.execvpe(command[0], list(command), dict(environment))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds a NUL character"
        raise SetupProblem(
            f"{command[0][:80]} cannot be run: {why}",
            "check that it is on PATH, or give its full path",
            code="bad_command",
        ) from None
    finally:  # this process goes on, and must bear a closed pipe as before
        for number, handler in before.items():
            signal.signal(number, handler)
