"""keyctl import: takes keys over from files of other programs, or from a backup; never changes the file."""

from __future__ import annotations

from pathlib import Path

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.model.words import Kind
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl import bot.env\nkeyctl import keys.local.json --exchange binance --group desk\n"
    "sops -d bot.env | keyctl import - --yes\nkeyctl import keys.backup --key-file /media/stick/backup.key"
)
@click.argument("file")
@click.option("--exchange", metavar="NAME", help="Exchange of keys, if the file does not say it.")
@click.option(
    "--env",
    type=click.Choice([kind.value for kind in Kind]),
    help="Environment of the keys, if the file does not say it [default: live]",
)
@click.option("--group", "groups", multiple=True, help="Add the accounts to a group (repeatable).")
@click.option("--key-file", metavar="F", help="Key file of a backup.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read a backup's passphrase from this file descriptor.")
@click.option("--from-vault", is_flag=True, help="Restore accounts from another copy of this vault.")
@click.option("--dry-run", is_flag=True, help="Show what would be stored; store nothing.")
@click.option("--yes", is_flag=True, help="Store without confirmation.")
def command(
    app: App,
    file: str,
    exchange: str | None,
    env: str | None,
    groups: tuple[str, ...],
    key_file: str | None,
    passphrase_fd: int | None,
    from_vault: bool,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Import keys from files of other programs

    Reads .env files, JSON of ccxt and freqtrade, YAML, INI, TOML, tables (CSV), systemd units, and backups of keyctl
    export; FILE is - for stdin. First shows what happens to each key.
    """
    from keyctl.exchanges.shipped import profile
    from keyctl.keys.export import BackupKey
    from keyctl.keys.import_ import import_file
    from keyctl.keys.newcomers import Options

    if exchange is not None:
        profile(exchange)
    if from_vault:
        from keyctl.keys.import_from_vault import bring_back

        return bring_back(app, Path(file).absolute(), yes=yes, dry_run=dry_run)
    key = BackupKey(None if key_file is None else Path(key_file).absolute(), passphrase_fd)
    return import_file(app, file, Options(exchange, env, groups, key, yes, dry_run))
