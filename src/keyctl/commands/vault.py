"""keyctl vault: keeps this home's secrets in one encrypted file instead of the system's keyring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyctl.app import App
from keyctl.errors import SetupProblem
from keyctl.framing import keyctl_command, keyctl_group
from keyctl.output import Note, Result, Table

if TYPE_CHECKING:
    from keyctl.vault.envelope import GivenKey


@keyctl_command(examples="keyctl vault init\nkeyctl vault init --key-file /home/trader/.keyctl-vault.key")
@click.option("--key-file", metavar="F", help="Open by this file; it is made when it is not there.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from this file descriptor.")
def init(app: App, key_file: str | None, passphrase_fd: int | None) -> Result:
    """Make the vault of this home"""
    from keyctl.vault import is_vault_chosen
    from keyctl.vault.encrypted_file import make_vault
    from keyctl.vault.key_source import remember_source

    home = app.home
    if home.vault_file.exists():
        raise SetupProblem("this home has a vault already", "see: keyctl vault status", code="vault_exists")
    stored = app.accounts.all()
    if stored and not is_vault_chosen(home):
        raise SetupProblem(
            f"the secrets of {len(stored)} accounts are in the system's keyring",
            "remove these accounts, make the vault, and add them again",
            code="store_in_use",
        )
    home.identity()
    home.prepare()
    path = None if key_file is None else Path(key_file).absolute()
    keys = _keys(app, path, passphrase_fd)
    make_vault(home.vault_file, keys, before=lambda: remember_source(home, path))
    kinds = [key.kind for key in keys]
    return Result(
        {"vault": str(home.vault_file), "slots": kinds, "key_file": None if path is None else str(path)},
        view=(
            Note(f"Vault made: {home.vault_file} (AES-256-GCM, opened by {' or '.join(kinds)})."),
            Note("Without its key nobody can read or repair it; keep a copy of the key somewhere else."),
        ),
    )


@keyctl_command(examples="keyctl vault status")
def status(app: App) -> Result:
    """Tell which store this home uses"""
    from keyctl.vault import is_vault_chosen
    from keyctl.vault.encrypted_file import read_slots
    from keyctl.vault.key_source import VaultKey

    if not is_vault_chosen(app.home):
        return Result(
            {"store": "keyring", "vault": None, "slots": [], "key_file": None},
            view=(Table(("name", "value"), [("store", "the system's keyring")]),),
        )
    found = read_slots(app.home.vault_file)
    key_file = VaultKey(app.home, app.prompt, app.environ).key_file
    key = "passphrase" if key_file is None else f"key file {key_file}"
    rows = [
        ("store", f"vault {app.home.vault_file}"),
        ("slots", ", ".join(found["slots"])),
        ("saved", f"{found['generation']} times"),
        ("key in use", key),
    ]
    data = {
        "store": "vault",
        "vault": str(app.home.vault_file),
        **found,
        "key_file": None if key_file is None else str(key_file),
    }
    return Result(data, view=(Table(("name", "value"), rows),))


@keyctl_command(examples="keyctl vault check")
def check(app: App) -> Result:
    """Open the vault and read every entry"""
    from keyctl.hardening import harden_process
    from keyctl.vault.encrypted_file import EncryptedFile, read_slots
    from keyctl.vault.key_source import VaultKey

    harden_process()
    read_slots(app.home.vault_file)
    found = EncryptedFile(app.home.vault_file, VaultKey(app.home, app.prompt, app.environ)).check()
    listed = len(app.accounts.all())
    warnings = () if listed == found["accounts"] else (f"the account list has {listed} accounts",)
    note = Note(f"The vault opens and holds {found['accounts']} secrets, all readable.")
    return Result({"vault": str(app.home.vault_file), **found}, view=(note,), warnings=warnings)


def _keys(app: App, key_file: Path | None, passphrase_fd: int | None) -> list[GivenKey]:
    from keyctl.prompt import Prompt
    from keyctl.vault.envelope import GivenKey
    from keyctl.vault.key_source import make_key_file

    keys = []
    if key_file is not None:
        keys.append(GivenKey("keyfile", make_key_file(key_file, app.home)))
    if key_file is None or passphrase_fd is not None:
        prompt = app.prompt if passphrase_fd is None else Prompt(no_input=True, passphrase_fd=passphrase_fd)
        keys.append(GivenKey("passphrase", prompt.passphrase("New passphrase of the vault: ", twice=True)))
    return keys


command = keyctl_group("vault", "Keep secrets in an encrypted file", {"init": init, "status": status, "check": check})
