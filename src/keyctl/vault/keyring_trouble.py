"""What keeps a keyring from working, in our own words: by the names of the errors, since each platform has its own.

The libraries' advice is plain-text storage, and is never passed on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from keyctl.errors import KeyctlError, SetupProblem

VAULT_HINT = "to keep secrets in an encrypted file: keyctl vault init"
_LOCKED = {"KeyringLocked", "LockedException", "PromptDismissedException"}
_ABSENT = {"NoKeyringError", "RuntimeError", "SecretServiceNotAvailableException"}
_NO_BUS = {"FileNotFoundError", "ConnectionRefusedError", "NotADirectoryError", "ConnectionError"}


def translated(error: Exception, backend_name: str) -> KeyctlError:
    """Our own error for a backend's; one of ours stays as it is."""
    if isinstance(error, KeyctlError):
        return error
    kinds = {base.__name__ for base in type(error).__mro__}
    if (started := _start_trouble(error)) is not None:
        return started
    if kinds & _LOCKED:
        return unavailable("the keyring is locked", "unlock it (log in once at the desktop)", VAULT_HINT)
    if "InitError" in kinds:
        return unavailable("the keyring has no collection yet", "log in once at the desktop", VAULT_HINT)
    if kinds & _NO_BUS:
        return unavailable(
            "DBUS_SESSION_BUS_ADDRESS names a session bus of a login that has ended",
            "log in again (a tmux or ssh session keeps the old value)",
            f"if you are logged in at the desktop, set: DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{os.getuid()}/bus",
            VAULT_HINT,
        )
    if kinds & _ABSENT:
        return unavailable("keyctl cannot reach the keyring from here", VAULT_HINT)
    if "1783" in str(error):
        return unavailable("the Windows credential store rejected an item as too large", VAULT_HINT)
    return unavailable(f"the keyring failed ({type(error).__name__} in {backend_name})", VAULT_HINT)


def unavailable(message: str, *hints: str) -> SetupProblem:
    """The error for a keyring that cannot be used here."""
    return SetupProblem(message, *hints, code="store_unavailable")


def _start_trouble(error: Exception) -> SetupProblem | None:
    """The error for a keyring's program that the bus could not start; None for other troubles."""
    told = " ".join(f"{getattr(one, 'name', '')} {one}" for one in _chain(error))
    if "DBus.Error.Spawn.ExecFailed" in told or "DBus.Error.Spawn.FileInvalid" in told:
        return unavailable(
            "the keyring program of the session bus is not installed (org.freedesktop.secrets)",
            "install gnome-keyring, KWallet or KeePassXC, or remove the old one's file in dbus-1/services",
            VAULT_HINT,
        )
    if "DBus.Error.Spawn." in told or "DBus.Error.TimedOut" in told or "DBus.Error.NoReply" in told:
        return unavailable(
            "the keyring program stops when it starts (org.freedesktop.secrets)",
            "start it alone to see its error, for example: gnome-keyring-daemon --start",
            VAULT_HINT,
        )
    if "DBus.Error.ServiceUnknown" in told or "DBus.Error.NameHasNoOwner" in told:
        return unavailable(
            "the session bus has no keyring program (org.freedesktop.secrets)",
            "install and start gnome-keyring, KWallet or KeePassXC",
            VAULT_HINT,
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(5):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
