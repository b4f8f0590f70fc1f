"""What `keyctl vault` does: brings home, journal and terminal together with the work on the vault itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyctl.errors import CheckFailed, ExitCode, SetupProblem
from keyctl.home.demo_only import check_outside
from keyctl.keys.vault_slots import KeyOptions, new_keys, open_vault, vault_in_use, vault_key
from keyctl.terminal.output import Note, Result, Table
from keyctl.vault.moves import is_vault_chosen

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.vault.moves import StoreKind
    from keyctl.vault.upkeep import Report

KEEP_A_COPY = "Without its key it cannot be read or repaired. Keep a copy of the key in another place."


def init(app: App, options: KeyOptions) -> Result:
    """Makes the vault of a home whose keyring holds nothing."""
    check_outside(app.home, "vault init", "keyctl demo --serve creates its vault")
    stored = app.accounts.all()
    if stored and not is_vault_chosen(app.home):
        raise SetupProblem(
            f"the secrets of {len(stored)} accounts are in the system keyring",
            "to move them: keyctl vault migrate --to vault",
            code="store_in_use",
        )
    return Result(**_made(app, options))


def make(app: App, options: KeyOptions) -> list[str]:
    """Makes the vault with a slot for each key that the options name; the slots' kinds. Raises SetupProblem."""
    from keyctl.hardening import harden_process
    from keyctl.vault.encrypted_file import make_vault
    from keyctl.vault.key_source import Source, remember_source

    home = app.home
    if home.vault_file.exists():
        raise SetupProblem("a vault already exists", "check it: keyctl vault status", code="vault_exists")
    harden_process()
    home.identity()
    home.prepare()
    keys = new_keys(app, options)
    source = Source(keys[0].kind, options.key_file)
    make_vault(home.vault_file, keys, before=lambda: remember_source(home, source))
    return [key.kind for key in keys]


def status(app: App) -> Result:
    """Tells which store is in use and what can be told of the vault without its key."""
    from keyctl.vault.moves import move_under_way

    move = move_under_way(app.home)
    unfinished = None if move is None else move.to
    warnings: tuple[str, ...] = ()
    if unfinished is not None:
        warnings = (f"a move to the {unfinished} is not finished; to continue: keyctl vault migrate --to {unfinished}",)
    if not is_vault_chosen(app.home):
        nothing: dict[str, Any] = {"vault": None, "slots": [], "key_file": None, "in_use": None, "backups": []}
        table = Table(("name", "value"), [("store", "the system's keyring")])
        return Result({"store": "keyring", **nothing, "unfinished_move": unfinished}, view=(table,), warnings=warnings)
    return _vault_status(app, unfinished, warnings)


def check(app: App, accept_generation: bool) -> Result:
    """Opens the vault and looks at every record, backup and file mode; exit 4 when something in it is unreadable."""
    from keyctl.vault.upkeep import examine

    vault = vault_in_use(app, accept=accept_generation)
    report = examine(vault)
    if vault.is_forked():
        from keyctl.vault.encrypted_file import forked

        raise forked(vault.own_copy)
    listed = {account.id: account.label for account in app.accounts.all()}
    data: dict[str, Any] = {
        "vault": str(app.home.vault_file),
        "generation": report.generation,
        "accounts": len(report.ids),
        "slots": list(report.slots),
        "unreadable": list(report.unreadable),
        "backups": [
            {"name": one.name, "generation": one.generation, "accounts": one.accounts} for one in report.copies
        ],
    }
    warnings = _findings(report, listed)
    if report.unreadable:
        problem = CheckFailed(
            f"{len(report.unreadable)} of {len(report.ids)} secrets in the vault cannot be read",
            "use the newer keyctl that wrote them; if none did, remove and add the accounts again",
        )
        return Result(data, exit_code=ExitCode.CHECK, errors=(problem,), warnings=warnings)
    rows = [
        (one.name, "-" if one.generation is None else f"generation {one.generation}, {one.accounts} secrets")
        for one in report.copies
    ]
    note = Note(f"The vault opens and holds {len(report.ids)} secrets, all readable (generation {report.generation}).")
    return Result(data, view=(note, Table(("backup", "holds"), rows)) if rows else (note,), warnings=warnings)


def purge(app: App, yes: bool) -> Result:
    """Removes the earlier versions of the vault, which an old key still opens."""
    from keyctl.vault.upkeep import backups
    from keyctl.vault.upkeep import purge as purge_vault

    vault = vault_in_use(app)
    names = [path.name for path in backups(vault.path)]
    if names and not yes:
        question = f"Remove {', '.join(names)}? Only the vault itself remains. Type purge"
        if not app.prompt.confirm_typed(question, "purge"):
            raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed")
    removed = purge_vault(vault)
    note = f"Removed {', '.join(removed)}." if removed else "No earlier versions exist."
    hint = Note("Copies in backups and disk snapshots are not removed.")
    return Result({"removed": list(removed)}, view=(Note(note), hint))


def migrate(app: App, to: StoreKind, options: KeyOptions) -> Result:
    """Moves all secrets to the other store."""
    from keyctl.hardening import harden_process
    from keyctl.vault.migration import Stores
    from keyctl.vault.migration import migrate as move_secrets
    from keyctl.vault.os_keyring import open_keyring

    check_outside(app.home, "vault migrate", "its keys stay in its own vault")
    harden_process()
    accounts = {account.id: account.label for account in app.accounts.all()}
    key = vault_key(app)

    def make_target() -> None:
        make(app, options)

    stores = Stores(lambda: open_vault(app, key), lambda: open_keyring(app.home.identity()), make_target)
    moved = move_secrets(app.home, to, accounts, stores)
    in_use = "vault" if is_vault_chosen(app.home) else "keyring"
    data = {"store": in_use, "moved": moved.secrets, "missing": [accounts[name] for name in moved.missing]}
    notes = [Note(f"The secrets are now in the {in_use}; {moved.secrets} were moved.")]
    if moved.abandoned:
        notes = [Note(f"The unfinished copy was removed. The secrets are still in the {in_use}.")]
    elif to == "vault" and moved.secrets:
        notes.append(Note(KEEP_A_COPY))
    warnings = tuple(f"{accounts[name]} had no secret to move" for name in moved.missing)
    return Result(data, view=tuple(notes), warnings=warnings)


def _made(app: App, options: KeyOptions) -> dict[str, Any]:
    from keyctl.vault.key_source import NAMES

    kinds = make(app, options)
    key_file = None if options.key_file is None else str(options.key_file)
    opened_by = " or ".join(NAMES[kind] for kind in NAMES if kind in kinds)
    return {
        "data": {"vault": str(app.home.vault_file), "slots": kinds, "key_file": key_file},
        "view": (
            Note(f"Vault created: {app.home.vault_file} (AES-256-GCM, opened by {opened_by})."),
            Note(KEEP_A_COPY),
        ),
    }


def _vault_status(app: App, unfinished: str | None, warnings: tuple[str, ...]) -> Result:
    from keyctl.vault.encrypted_file import read_header
    from keyctl.vault.envelope import slot_kinds
    from keyctl.vault.key_source import NAMES, configured_source
    from keyctl.vault.upkeep import backups

    path = app.home.vault_file
    document = read_header(path)
    source = configured_source(app.home, app.environ)
    kinds = slot_kinds(document)
    if source.kind not in kinds:
        warnings = (*warnings, f"the key in use is a {NAMES[source.kind]}, but the vault has no slot for it")
    names = [backup.name for backup in backups(path)]
    rows = [
        ("store", f"vault {path}"),
        *((f"slot {number}", NAMES[kind]) for number, kind in enumerate(kinds, 1)),
        ("saved", f"{document['generation']} times"),
        ("key in use", source.describe()),
        ("backups", ", ".join(names) or "none"),
    ]
    key_file = str(source.key_file) if source.kind == "keyfile" and source.key_file else None
    data = {
        "store": "vault",
        "vault": str(path),
        "slots": list(kinds),
        "key_file": key_file,
        "in_use": source.kind,
        "backups": names,
        "unfinished_move": unfinished,
        "generation": document["generation"],
    }
    return Result(data, view=(Table(("name", "value"), rows),), warnings=warnings)


def _findings(report: Report, listed: dict[str, str]) -> tuple[str, ...]:
    found = []
    if len(listed) != len(report.ids):
        found.append(f"the account list has {len(listed)} accounts")
    lacking = [label for name, label in listed.items() if name not in report.ids]
    if lacking:
        found.append(f"{', '.join(lacking)}: no secret in the vault; restore a backup, or add the key again")
    found += [f"other users have access to {name}; run: chmod 600 {name}" for name in report.loose]
    found += [f"{name} is left from an interrupted change; the next one removes it" for name in report.leftovers]
    found += [f"the {kind} slot is easier to guess than a new one; run: keyctl vault rekey" for kind in report.weak]
    closed = [one.name for one in report.copies if one.generation is None]
    if closed:
        found.append(f"{', '.join(closed)}: the key in use does not open them; to remove them: keyctl vault purge")
    return tuple(found)
