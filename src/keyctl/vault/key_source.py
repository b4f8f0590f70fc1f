"""Where the vault's key comes from: a key file, or a passphrase that a person types. Never a silent next source."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import SetupProblem
from keyctl.files import create_once, locked, read_owned, write_whole
from keyctl.secret import Secret
from keyctl.vault.envelope import KEY_BYTES, SlotKind

if TYPE_CHECKING:
    from keyctl.home import Home
    from keyctl.prompt import Prompt

VARIABLE = "KEYCTL_VAULT_KEY_FILE"
_FORMAT = "keyctl-vault-source"
# Owner may read and write, nobody else anything: 0400 and 0600 pass.
_FORBIDDEN_MODE = 0o177


class VaultKey:
    """The key that is configured for this home: asked for once per process, at the first use."""

    def __init__(self, home: Home, prompt: Prompt, environ: Mapping[str, str]) -> None:
        self._home = home
        self._prompt = prompt
        self._environ = environ

    @cached_property
    def key_file(self) -> Path | None:
        """The key file in use: the variable's, else the remembered one; None means a passphrase."""
        given = self._environ.get(VARIABLE, "")
        return Path(given) if given else remembered_key_file(self._home)

    @property
    def kind(self) -> SlotKind:
        return "passphrase" if self.key_file is None else "keyfile"

    def material(self) -> bytes:
        """The key's bytes. Raises SetupProblem: a bad key file, or nobody there to type the passphrase."""
        return self._secret.reveal()

    @cached_property
    def _secret(self) -> Secret:
        if self.key_file is not None:
            return read_key_file(self.key_file, self._home)
        if not self._prompt.can_type_passphrase:
            raise SetupProblem(
                "the vault is locked and there is no terminal to type its passphrase",
                f"run this at a terminal, or give the vault a key file and name it with {VARIABLE}",
                code="vault_locked",
            )
        return self._prompt.passphrase("Passphrase of the vault: ")


def read_key_file(path: Path, home: Home) -> Secret:
    """The 32 bytes of a key file. Raises SetupProblem (bad_key_file) for a file that is not fit to guard anything."""
    check_key_file_place(path, home)
    data = read_owned(path, forbidden_mode=_FORBIDDEN_MODE, problem=KeyFileProblem)
    if data is None:
        raise KeyFileProblem(
            f"the vault's key file {path} is not there",
            f"bring it back, or name another one with {VARIABLE}; without it the vault cannot be opened",
        )
    if len(data) != KEY_BYTES:
        raise KeyFileProblem(f"{path} is no vault key: it must have exactly {KEY_BYTES} bytes")
    return Secret(data)


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
        raise KeyFileProblem(f"{path} cannot be made: {error.strerror}") from None
    return read_key_file(path, home)


def check_key_file_place(path: Path, home: Home) -> None:
    """Nothing when a key may lie there. Raises SetupProblem (bad_key_file)."""
    if not path.is_absolute():
        raise KeyFileProblem(f"{path} is not a full path", "name the key file with its full path")
    if Path(os.path.realpath(path.parent)) == Path(os.path.realpath(home.vault_file.parent)):
        raise KeyFileProblem(
            "the key file lies beside the vault", "one copy of that folder would open it; choose another folder"
        )


def remembered_key_file(home: Home) -> Path | None:
    """The key file that `vault init` used; None for a passphrase. Raises SetupProblem when the note is damaged."""
    note = home.vault_source_file
    data = read_owned(note)
    if data is None:
        return None
    try:
        content = json.loads(data)
        if set(content) != {"format", "version", "key_file"} or content["format"] != _FORMAT or content["version"] != 1:
            raise ValueError
        return None if content["key_file"] is None else Path(content["key_file"])
    except (ValueError, TypeError):
        raise KeyFileProblem(f"{note} is damaged", f"name the key file with {VARIABLE}") from None


def remember_source(home: Home, key_file: Path | None) -> None:
    """Notes that this home uses a vault, and the path of its key file if it has one."""
    note = home.vault_source_file
    path = None if key_file is None else str(key_file)
    with locked(note):
        write_whole(note, json.dumps({"format": _FORMAT, "version": 1, "key_file": path}).encode() + b"\n")


class KeyFileProblem(SetupProblem):
    """A key file that is missing, misplaced or open to others."""

    code = "bad_key_file"
