"""The vault's key as 32 bytes in a file: made once, and read with suspicion. So is a systemd credential."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import SetupProblem
from keyctl.home.files import create_once, read_owned
from keyctl.secret import Secret
from keyctl.vault.sealing import KEY_BYTES

if TYPE_CHECKING:
    from keyctl.home.folders import Home

VARIABLE = "KEYCTL_VAULT_KEY_FILE"
CREDENTIAL = "keyctl-vault-key"
# Owner may read and write, nobody else anything: 0400 and 0600 pass.
_FORBIDDEN_MODE = 0o177
# systemd leaves a credential to root and lets the service in by an access list, which shows as the group's read bit.
_CREDENTIAL_FORBIDDEN_MODE = 0o137


class KeyFileProblem(SetupProblem):
    """A key file that is missing, misplaced or open to others."""

    code = "bad_key_file"


def read_key_file(path: Path, home: Home) -> Secret:
    """The 32 bytes of a key file. Raises SetupProblem (bad_key_file) for a file that is not fit to guard anything."""
    check_key_file_place(path, home)
    data = read_owned(path, forbidden_mode=_FORBIDDEN_MODE, problem=KeyFileProblem)
    if data is None:
        raise KeyFileProblem(
            f"the vault's key file {path} does not exist",
            f"restore it, or set {VARIABLE} to another one; without it the vault cannot be opened",
        )
    return checked_key(data, str(path))


def make_key_file(path: Path, home: Home) -> Secret:
    """The key in the file, which is made with 32 random bytes and mode 0400 when it is not there.

    Raises SetupProblem (bad_key_file).
    """
    check_key_file_place(path, home)
    try:
        create_once(path, os.urandom(KEY_BYTES), mode=0o400)
    except FileExistsError:
        pass
    except OSError as error:
        raise KeyFileProblem(f"{path} cannot be created: {error.strerror}") from None
    return read_key_file(path, home)


def check_key_file_place(path: Path, home: Home) -> None:
    """Nothing when a key may lie there. Raises SetupProblem (bad_key_file)."""
    if not path.is_absolute():
        raise KeyFileProblem(f"{path} is not a full path", "give the full path of the key file")
    if Path(os.path.realpath(path.parent)) == Path(os.path.realpath(home.vault_file.parent)):
        raise KeyFileProblem(
            "the key file must not be in the vault's folder",
            "choose another folder: a copy of that one would open the vault",
        )


def read_credential(environ: Mapping[str, str]) -> Secret:
    """The 32 bytes that systemd hands to this service. Raises SetupProblem: vault_locked, bad_key_file.

    How such files look: [official] systemd's page "System and Service Credentials".
    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder.startswith("/"):
        raise SetupProblem(
            "the vault's key is a systemd credential, but this process did not receive one",
            f"run keyctl from a unit with LoadCredentialEncrypted={CREDENTIAL}:FILE",
            "to use another slot, set KEYCTL_VAULT_SOURCE; its slots: keyctl vault status",
            code="vault_locked",
        )
    path = Path(folder) / CREDENTIAL
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileProblem(f"the credential {path} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid not in (0, os.geteuid()):
            raise KeyFileProblem(f"the credential {path} is not a regular file of root or of this user")
        if facts.st_mode & _CREDENTIAL_FORBIDDEN_MODE:
            raise KeyFileProblem(f"other users have access to the credential {path}")
        return checked_key(file.read(KEY_BYTES + 1), f"the credential {path}")


def checked_key(data: bytes, name: str) -> Secret:
    """The bytes as a key. Raises SetupProblem (bad_key_file) when they are not exactly 32."""
    if len(data) != KEY_BYTES:
        raise KeyFileProblem(f"{name} is not a vault key: it must have exactly {KEY_BYTES} bytes")
    return Secret(data)
