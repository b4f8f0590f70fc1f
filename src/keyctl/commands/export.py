"""keyctl export: an encrypted backup of all accounts with their secrets."""

from __future__ import annotations

from pathlib import Path

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl export keys.backup\nkeyctl export keys.backup --key-file /media/stick/backup.key")
@click.argument("file")
@click.option("--key-file", metavar="F", help="Encrypt with the key in this file; it is created if missing.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from this file descriptor.")
def command(app: App, file: str, key_file: str | None, passphrase_fd: int | None) -> Result:
    """Back up all accounts into one encrypted file

    The file has the vault's format and a key of its own: a passphrase, asked for twice, or a key file.
    """
    from keyctl.keys.export import BackupKey, export

    key = BackupKey(None if key_file is None else Path(key_file).absolute(), passphrase_fd)
    return export(app, Path(file).absolute(), key)
