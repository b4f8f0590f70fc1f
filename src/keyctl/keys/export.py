"""The course of `keyctl export`: all accounts with their secrets into one encrypted file under a key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, SetupProblem, UsageProblem
from keyctl.home.account_entries import stored_facts
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.terminal.prompt import Prompt
    from keyctl.vault.envelope import GivenKey, SlotKind


@dataclass(frozen=True, slots=True)
class BackupKey:
    """Where a backup's key comes from, as the options have it: a passphrase unless a key file is named."""

    key_file: Path | None = None
    passphrase_fd: int | None = None

    def given(self, app: App, kind: SlotKind, *, new: bool) -> GivenKey:
        """The key itself. Raises SetupProblem (bad_key_file), NeedsPerson, UsageProblem."""
        from keyctl.vault.envelope import GivenKey
        from keyctl.vault.key_file import make_key_file, read_key_file

        if kind == "keyfile":
            if self.key_file is None:
                raise UsageProblem(
                    "this backup is opened by a key file", "to open it, add --key-file F", code="no_key_file"
                )
            read = make_key_file if new else read_key_file
            return GivenKey("keyfile", read(self.key_file, app.home))
        if kind != "passphrase":
            raise SetupProblem("this is a vault, not a backup of keyctl export", code="backup_locked")
        typed = self._prompt(app).passphrase("Passphrase of the backup: ", twice=new)
        if new:
            from keyctl.exchanges.shipped import names
            from keyctl.vault.passphrases import check_new_passphrase

            check_new_passphrase(typed, names())
        return GivenKey("passphrase", typed)

    def _prompt(self, app: App) -> Prompt:
        """One that never takes the vault's own passphrase from its descriptor for the backup's."""
        from keyctl.terminal.prompt import Prompt

        return Prompt(no_input=app.no_input, passphrase_fd=self.passphrase_fd)


def export(app: App, path: Path, key: BackupKey) -> Result:
    """Writes the backup. Accounts without a readable secret are named and left out. Raises CheckFailed without any."""
    from keyctl.vault.backup import Entry, write_backup

    if key.key_file is not None and key.passphrase_fd is not None:
        raise UsageProblem("use either --key-file or --passphrase-fd", code="two_sources")
    if path.exists() or path.is_symlink():
        raise UsageProblem(f"{path} already exists", "choose another name", code="file_exists")
    accounts = app.accounts.all()
    found, troubles = app.credentials(accounts)
    warnings = tuple(f"left out: {trouble.message}" for trouble in troubles.values())
    if not found:
        raise CheckFailed(
            "no stored account could be backed up", "store an account: keyctl add EXCHANGE", code="no_accounts"
        )
    kept = {account.id: Entry(stored_facts(account), found[account.id]) for account in accounts if account.id in found}
    write_backup(path, key.given(app, "keyfile" if key.key_file else "passphrase", new=True), kept)
    app.journal.notes.note_backup(account.api_key_hash for account in accounts if account.id in found)
    labels = [account.label for account in accounts if account.id in found]
    notes = (
        Note(f"{len(labels)} accounts are in {path}. It is encrypted with its own key."),
        Note(f"Keep that key in another place. To restore them: keyctl import {path}"),
    )
    return Result({"file": str(path), "accounts": labels}, view=notes, warnings=warnings)
