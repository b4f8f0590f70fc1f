"""Where the vault's key comes from: the one configured source, and never a silent next one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import SetupProblem
from keyctl.home.files import locked, read_owned, write_whole
from keyctl.secret import Secret
from keyctl.vault.envelope import KINDS, SlotKind
from keyctl.vault.key_file import VARIABLE, KeyFileProblem, checked_key, read_credential, read_key_file
from keyctl.vault.sealing import KEY_BYTES, to_bytes, to_text

if TYPE_CHECKING:
    from keyctl.home.folders import Home
    from keyctl.terminal.prompt import Prompt
    from keyctl.vault.os_keyring import OSKeyring

SOURCE_VARIABLE = "KEYCTL_VAULT_SOURCE"
NAMES: dict[SlotKind, str] = {
    "passphrase": "passphrase",
    "keyfile": "key file",
    "credential": "systemd credential",
    "keyring": "key in the system keyring",
}
TRIES = 3
_FORMAT = "keyctl-vault-source"
_KEYRING_ITEM = "vault-key"


class Source(NamedTuple):
    """Which kind of slot opens the vault here, and the place of its key file if it has one."""

    kind: SlotKind
    key_file: Path | None = None

    def describe(self) -> str:
        """The source in a few words."""
        return NAMES[self.kind] + (f" {self.key_file}" if self.kind == "keyfile" else "")


class VaultKey:
    """The key that is configured for this home: asked for once per process, at the first use."""

    def __init__(self, home: Home, prompt: Prompt, environ: Mapping[str, str], source: Source | None = None) -> None:
        self._home = home
        self._prompt = prompt
        self._environ = environ
        self._tries = 1
        if source is not None:
            self.__dict__["source"] = source

    @cached_property
    def source(self) -> Source:
        """What is configured: a variable's word, else what was remembered. Raises SetupProblem."""
        return configured_source(self._home, self._environ)

    @property
    def kind(self) -> SlotKind:
        return self.source.kind

    def material(self) -> bytes:
        """The key's bytes. Raises SetupProblem: no such key, a bad one, or nobody there to type the passphrase."""
        return self.secret.reveal()

    def try_again(self) -> bool:
        """Whether a person types the passphrase once more: at most three times in all, and only at a terminal."""
        if self.kind != "passphrase" or not self._prompt.can_ask_again or self._tries >= TRIES:
            return False
        left = TRIES - self._tries
        self._tries += 1
        tries = "1 try" if left == 1 else f"{left} tries"
        self._prompt.show(f"The vault did not open: wrong passphrase, or damaged vault. {tries} left.")
        self.__dict__.pop("secret", None)
        return True

    @cached_property
    def secret(self) -> Secret:
        """The key itself. Raises as material does."""
        if self.kind == "credential":
            return read_credential(self._environ)
        if self.kind == "keyring":
            return read_keyring_key(self._home)
        if self.kind == "keyfile":
            if self.source.key_file is None:
                raise KeyFileProblem("the vault's key file is not set", f"set {VARIABLE} to its path")
            return read_key_file(self.source.key_file, self._home)
        if not self._prompt.can_type_passphrase:
            raise SetupProblem(
                "the vault is locked, and there is no terminal to ask for its passphrase",
                "use a terminal, or pass it: KEYCTL_VAULT_PASSPHRASE_FD=3 keyctl ... 3< FILE",
                "for a server, use a key file: keyctl vault add-slot keyfile --key-file FILE",
                code="vault_locked",
            )
        return self._prompt.passphrase("Passphrase of the vault: ")


def configured_source(home: Home, environ: Mapping[str, str]) -> Source:
    """The one source in use: by KEYCTL_VAULT_SOURCE, by KEYCTL_VAULT_KEY_FILE, else what `keyctl vault` noted.

    Raises SetupProblem (bad_source, bad_key_file).
    """
    given, wanted = environ.get(VARIABLE, ""), environ.get(SOURCE_VARIABLE, "")
    if not wanted:
        return Source("keyfile", Path(given)) if given else remembered_source(home)
    for kind in KINDS:
        if wanted == kind:
            key_file = Path(given) if given else remembered_source(home).key_file
            return Source(kind, key_file if kind == "keyfile" else None)
    raise SetupProblem(f"{SOURCE_VARIABLE} is not a known source", "known: " + ", ".join(KINDS), code="bad_source")


def remembered_source(home: Home) -> Source:
    """The source that was noted last; a passphrase when none was. Raises SetupProblem when the note is damaged."""
    note = home.vault_source_file
    data = read_owned(note)
    if data is None:
        return Source("passphrase")
    try:
        content = json.loads(data)
        key_file = None if content["key_file"] is None else Path(content["key_file"])
        if content["format"] != _FORMAT or content["version"] != 1 or set(content) - {"source"} != _FIELDS:
            raise ValueError
        for kind in KINDS:
            if content.get("source", "keyfile" if key_file else "passphrase") == kind:
                return Source(kind, key_file)
        raise ValueError
    except (ValueError, TypeError, KeyError):
        raise KeyFileProblem(f"{note} is damaged", f"set the source with {SOURCE_VARIABLE} or {VARIABLE}") from None


_FIELDS = {"format", "version", "key_file"}


def remember_source(home: Home, source: Source) -> None:
    """Notes that this home uses a vault, and what opens it."""
    note = home.vault_source_file
    content = {
        "format": _FORMAT,
        "version": 1,
        "source": source.kind,
        "key_file": None if source.key_file is None else str(source.key_file),
    }
    with locked(note):
        write_whole(note, json.dumps(content, sort_keys=True).encode() + b"\n")


def read_keyring_key(home: Home) -> Secret:
    """The vault's key from its one item in the system's keyring. Raises SetupProblem."""
    found = _keyring_key(_keyring(home))
    if found is None:
        raise SetupProblem(
            "the vault's key is not in the system keyring",
            "to use another slot, set KEYCTL_VAULT_SOURCE; its slots: keyctl vault status",
            code="vault_locked",
        )
    return found


def make_keyring_key(home: Home) -> Secret:
    """The vault's key from the keyring, where it is stored when it is not there yet. Raises SetupProblem."""
    keyring = _keyring(home)
    if _keyring_key(keyring) is None:
        keyring.put_record(_KEYRING_ITEM, {"v": 1, "vault_key": to_text(os.urandom(KEY_BYTES))})
    return read_keyring_key(home)


def forget_keyring_key(home: Home) -> None:
    """Takes the vault's key out of the keyring; nothing happens when there is none. Raises SetupProblem."""
    _keyring(home).delete(_KEYRING_ITEM)


def _keyring_key(keyring: OSKeyring) -> Secret | None:
    record = keyring.get_record(_KEYRING_ITEM)
    if record is None:
        return None
    if not isinstance(record, dict) or set(record) != {"v", "vault_key"} or not isinstance(record["vault_key"], str):
        raise KeyFileProblem("the vault's key in the system keyring is damaged")
    return checked_key(to_bytes(record["vault_key"]), "the item in the system keyring")


def _keyring(home: Home) -> OSKeyring:
    from keyctl.vault.os_keyring import open_keyring

    return open_keyring(home.identity())
