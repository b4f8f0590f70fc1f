"""The keys that `keyctl vault` makes, takes in and changes: its slots, and which of them is in use."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, SetupProblem, UsageProblem
from keyctl.terminal.output import Note, Result
from keyctl.vault.moves import is_vault_chosen

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.secret import Secret
    from keyctl.terminal.prompt import Prompt
    from keyctl.vault.encrypted_file import EncryptedFile
    from keyctl.vault.envelope import GivenKey, SlotKind
    from keyctl.vault.key_source import VaultKey
    from keyctl.vault.sealing import Document


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """Where a new vault's key comes from, as the options have it."""

    key_file: Path | None = None
    key_stdin: bool = False
    keyring: bool = False
    passphrase_fd: int | None = None


def vault_key(app: App) -> VaultKey:
    """The configured key of this home's vault; asked for once, however often it is used."""
    from keyctl.vault.key_source import VaultKey

    return VaultKey(app.home, app.prompt, app.environ)


def open_vault(app: App, key: VaultKey | None = None, *, accept: bool = False) -> EncryptedFile:
    """The vault of this home by its configured key, with its generations watched; opened at the first use."""
    from keyctl.hardening import harden_process
    from keyctl.vault.encrypted_file import EncryptedFile
    from keyctl.vault.generations import Generations

    harden_process()
    generations = Generations(app.journals.vault_notes, app.prompt, accept=accept, folder=app.home.state)
    return EncryptedFile(app.home.vault_file, key or vault_key(app), generations)


def vault_in_use(app: App, key: VaultKey | None = None, *, accept: bool = False) -> EncryptedFile:
    """The vault as open_vault gives it. Raises SetupProblem (no_vault) where secrets are in the keyring: nothing was
    lost then, and no backup need be looked for."""
    from keyctl.vault.encrypted_file import read_header

    if not is_vault_chosen(app.home):
        read_header(app.home.vault_file)
    return open_vault(app, key, accept=accept)


def new_keys(app: App, options: KeyOptions) -> list[GivenKey]:
    """The keys for a new vault: one of the machine kinds at most, and a passphrase when it is asked for or alone.

    Raises UsageProblem for two machine kinds, SetupProblem and NeedsPerson.
    """
    from keyctl.vault.envelope import GivenKey

    kinds: list[SlotKind] = []
    if options.key_file is not None:
        kinds.append("keyfile")
    if options.key_stdin:
        kinds.append("credential")
    if options.keyring:
        kinds.append("keyring")
    if len(kinds) > 1:
        raise UsageProblem(
            "use only one option for the vault's key",
            "to add more keys later: keyctl vault add-slot",
            code="two_sources",
        )
    if not kinds or options.passphrase_fd is not None:
        kinds.append("passphrase")
    return [GivenKey(kind, _new_key(app, kind, options)) for kind in kinds]


def add_slot(app: App, kind: SlotKind, options: KeyOptions) -> Result:
    """One more way to open the vault."""
    from keyctl.vault import upkeep
    from keyctl.vault.envelope import GivenKey
    from keyctl.vault.key_source import NAMES, Source, remember_source, remembered_source

    if kind == "keyfile" and options.key_file is None:
        raise UsageProblem(
            "a key file slot requires --key-file",
            "add --key-file F; keyctl creates F if it does not exist",
            code="no_key_file",
        )
    vault = vault_in_use(app)
    vault.open()
    document = upkeep.add_slot(vault, GivenKey(kind, _new_key(app, kind, options)))
    if options.key_file is not None:
        remember_source(app.home, Source(remembered_source(app.home).kind, options.key_file))
    number = len(document["slots"])
    note = Note(f"Slot {number} opens the vault with a {NAMES[kind]}. To use it from now on: keyctl vault use {number}")
    return _slots_result(document, note)


def remove_slot(app: App, number: int) -> Result:
    """One way less; never the last one, nor the one in use."""
    from keyctl.vault import upkeep
    from keyctl.vault.key_source import NAMES, configured_source, forget_keyring_key

    vault = vault_in_use(app)
    kind = _kind_of(vault.open().document, number)
    if kind == configured_source(app.home, app.environ).kind:
        raise CheckFailed(
            f"slot {number} is the one in use",
            "use another slot first: keyctl vault use NUMBER",
            code="slot_in_use",
        )
    document = upkeep.remove_slot(vault, kind)
    if kind == "keyring":
        forget_keyring_key(app.home)
    stale = Note("That key and an older copy of the vault can reveal the data key. Run: keyctl vault rekey")
    return _slots_result(document, Note(f"The vault no longer opens with a {NAMES[kind]}."), stale)


def use(app: App, number: int) -> Result:
    """Opens the vault by that slot, and by it alone from now on."""
    from keyctl.vault.encrypted_file import EncryptedFile, read_header
    from keyctl.vault.key_source import NAMES, Source, VaultKey, configured_source, remember_source, remembered_source

    document = read_header(app.home.vault_file)
    kind = _kind_of(document, number)
    key_file = configured_source(app.home, app.environ).key_file or remembered_source(app.home).key_file
    source = Source(kind, key_file)
    vault = EncryptedFile(app.home.vault_file, VaultKey(app.home, app.prompt, app.environ, source))
    vault.open()
    remember_source(app.home, source)
    return _slots_result(document, Note(f"The vault now opens with a {NAMES[kind]}."))


def rekey(app: App, new_passphrase: bool, options: KeyOptions) -> Result:
    """A new data key, wrapped for every slot anew."""
    from keyctl.vault import upkeep
    from keyctl.vault.envelope import GivenKey, slot_kinds

    in_use = vault_key(app)
    vault = vault_in_use(app, in_use)
    document = vault.open().document
    keys = []
    for kind in slot_kinds(document):
        if kind == "passphrase" and new_passphrase:
            keys.append(GivenKey(kind, _new_key(app, kind, options)))
        elif kind == in_use.kind:
            keys.append(GivenKey(kind, in_use.secret))
        else:
            keys.append(GivenKey(kind, _present_key(app, kind, options)))
            upkeep.check_opens(document, keys[-1:])
    if new_passphrase and "passphrase" not in slot_kinds(document):
        raise UsageProblem(
            "the vault has no passphrase slot", "add one: keyctl vault add-slot passphrase", code="no_slot"
        )
    document = upkeep.rekey(vault, keys)
    return _slots_result(
        document,
        Note("The vault has a new data key, and every slot was renewed."),
        Note("Its backups still open with the old one. To remove them later: keyctl vault purge"),
    )


def _new_key(app: App, kind: SlotKind, options: KeyOptions) -> Secret:
    from keyctl.vault.key_file import make_key_file, read_credential
    from keyctl.vault.key_source import make_keyring_key

    if kind == "keyring":
        return make_keyring_key(app.home)
    if kind == "credential":
        return _key_from_stdin() if options.key_stdin else read_credential(app.environ)
    if kind == "keyfile":
        assert options.key_file is not None
        return make_key_file(options.key_file, app.home)
    return _new_passphrase(app, options)


def _new_passphrase(app: App, options: KeyOptions) -> Secret:
    from keyctl.exchanges.shipped import names
    from keyctl.vault.passphrases import check_new_passphrase

    chosen = _prompt(app, options).passphrase("New passphrase of the vault: ", twice=True)
    check_new_passphrase(chosen, names())
    return chosen


def _present_key(app: App, kind: SlotKind, options: KeyOptions) -> Secret:
    """The key of a slot that the vault has and that is not the one in use."""
    from keyctl.vault.key_source import Source, VaultKey, configured_source, remembered_source

    if kind == "credential" and options.key_stdin:
        return _key_from_stdin()
    source = configured_source(app.home, app.environ)
    key_file = options.key_file or source.key_file or remembered_source(app.home).key_file
    return VaultKey(app.home, app.prompt, app.environ, Source(kind, key_file)).secret


def _prompt(app: App, options: KeyOptions) -> Prompt:
    from keyctl.terminal.prompt import Prompt

    return app.prompt if options.passphrase_fd is None else Prompt(no_input=True, passphrase_fd=options.passphrase_fd)


def _key_from_stdin() -> Secret:
    """Exactly 32 bytes from a pipe. Raises UsageProblem at a terminal, SetupProblem (bad_key_file) otherwise."""
    from keyctl.vault.key_file import checked_key
    from keyctl.vault.sealing import KEY_BYTES

    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageProblem(
            "--key-stdin reads a pipe, but stdin is the terminal or closed",
            "pass exactly 32 bytes on stdin",
            code="stdin_is_terminal",
        )
    return checked_key(sys.stdin.buffer.read(KEY_BYTES + 1), "the key on stdin")


def _kind_of(document: Document, number: int) -> SlotKind:
    from keyctl.vault.envelope import slot_kinds

    kinds = slot_kinds(document)
    if not 1 <= number <= len(kinds):
        raise SetupProblem(
            f"the vault does not have slot {number}", "check the slots: keyctl vault status", code="no_slot"
        )
    return kinds[number - 1]


def _slots_result(document: Document, *notes: Note) -> Result:
    from keyctl.vault.envelope import slot_kinds

    return Result({"generation": document["generation"], "slots": list(slot_kinds(document))}, view=notes)
