"""keyctl vault: keeps this home's secrets in one encrypted file instead of the system's keyring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group
from keyctl.terminal.output import Result

_KEY_FILE = click.option("--key-file", metavar="F", help="File with the key; it is created if missing.")
_KEY_STDIN = click.option("--key-stdin", is_flag=True, help="Read the key (32 bytes, a systemd credential) from stdin.")
_KEYRING = click.option("--keyring", is_flag=True, help="Keep the key as one item in the system keyring.")
_PASSPHRASE_FD = click.option(
    "--passphrase-fd", type=int, metavar="N", help="Read the new passphrase from this file descriptor."
)


def _key_options(key_file: str | None = None, **others: Any) -> Any:
    from keyctl.keys.vault_slots import KeyOptions

    return KeyOptions(None if key_file is None else Path(key_file).absolute(), **others)


def _with(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@keyctl_command(examples="keyctl vault init\nkeyctl vault init --key-file /home/trader/.keyctl-vault.key")
@_with(_KEY_FILE, _KEY_STDIN, _KEYRING, _PASSPHRASE_FD)
def init(app: App, **options: Any) -> Result:
    """Create the vault of this data folder"""
    from keyctl.keys import vault

    return vault.init(app, _key_options(**options))


@keyctl_command(examples="keyctl vault status")
def status(app: App) -> Result:
    """Show which store is in use"""
    from keyctl.keys import vault

    return vault.status(app)


@keyctl_command(examples="keyctl vault check\nkeyctl vault check --accept-generation")
@click.option("--accept-generation", is_flag=True, help="Use this older vault from now on (a restored backup).")
def check(app: App, accept_generation: bool) -> Result:
    """Open the vault; check entries, backups and file modes"""
    from keyctl.keys import vault

    return vault.check(app, accept_generation)


@keyctl_command(examples="keyctl vault add-slot passphrase\nkeyctl vault add-slot keyring")
@click.argument("kind", type=click.Choice(["passphrase", "keyfile", "credential", "keyring"]))
@_with(_KEY_FILE, _KEY_STDIN, _PASSPHRASE_FD)
def add_slot(app: App, kind: Any, **options: Any) -> Result:
    """Add another key that opens the vault"""
    from keyctl.keys import vault_slots

    return vault_slots.add_slot(app, kind, _key_options(**options))


@keyctl_command(examples="keyctl vault remove-slot 2")
@click.argument("number", type=int)
def remove_slot(app: App, number: int) -> Result:
    """Remove a key that opens the vault, but not the last"""
    from keyctl.keys import vault_slots

    return vault_slots.remove_slot(app, number)


@keyctl_command(examples="keyctl vault use 2")
@click.argument("number", type=int)
def use(app: App, number: int) -> Result:
    """Open the vault with this slot from now on"""
    from keyctl.keys import vault_slots

    return vault_slots.use(app, number)


@keyctl_command(examples="keyctl vault rekey\nkeyctl vault rekey --new-passphrase")
@click.option("--new-passphrase", is_flag=True, help="Also change the passphrase.")
@_with(_KEY_FILE, _KEY_STDIN, _PASSPHRASE_FD)
def rekey(app: App, new_passphrase: bool, **options: Any) -> Result:
    """Renew the vault's data key and all slots"""
    from keyctl.keys import vault_slots

    return vault_slots.rekey(app, new_passphrase, _key_options(**options))


@keyctl_command(examples="keyctl vault purge --yes")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def purge(app: App, yes: bool) -> Result:
    """Remove the vault's earlier versions"""
    from keyctl.keys import vault

    return vault.purge(app, yes)


@keyctl_command(examples="keyctl vault migrate --to vault --key-file F\nkeyctl vault migrate --to keyring")
@click.option("--to", type=click.Choice(["keyring", "vault"]), required=True, help="Where to keep the secrets.")
@_with(_KEY_FILE, _KEY_STDIN, _KEYRING, _PASSPHRASE_FD)
def migrate(app: App, to: Any, **options: Any) -> Result:
    """Move all secrets to the other store"""
    from keyctl.keys import vault

    return vault.migrate(app, to, _key_options(**options))


_COMMANDS = {
    "init": init,
    "status": status,
    "check": check,
    "add-slot": add_slot,
    "remove-slot": remove_slot,
    "use": use,
    "rekey": rekey,
    "purge": purge,
    "migrate": migrate,
}
command = keyctl_group("vault", "Keep secrets in an encrypted file", _COMMANDS)
