"""The course of `keyctl import FILE --from-vault`: accounts of another line of this vault come back, each as it was.

Nothing that differs from what is here, or was removed here, is taken without its label typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keyctl.errors import CheckFailed, NeedsPerson, SetupProblem, UsageProblem
from keyctl.home.account_entries import account_data
from keyctl.keys.enrol import markets_for, new_account
from keyctl.keys.newcomers import free_label
from keyctl.terminal.output import Note, Result, Table, show_aside

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.model.credential import Credential
    from keyctl.vault.encrypted_file import Contents

State = Literal["new", "same", "differs", "removed here", "unreadable"]
_WORDS = {
    "new": "will be restored",
    "same": "already here",
    "differs": "differs from the one here; restored only if you type its label",
    "removed here": "was removed here; restored only if you type its label",
    "unreadable": "cannot be read, or this version does not know its exchange",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One record of the other vault, the account that it belongs to here, and what is to be done with it."""

    state: State
    account: Account | None
    credential: Credential | None
    listed: bool

    @property
    def label(self) -> str:
        return "(an entry)" if self.account is None else self.account.label


def bring_back(app: App, path: Path, *, yes: bool, dry_run: bool = False) -> Result:
    """Stores what the other vault has and this one lacks; with `dry_run` only shows it.

    Raises SetupProblem (vault_locked, vault_forked, no_vault), CheckFailed where nothing comes back, NeedsPerson
    without --yes where nobody can be asked.
    """
    from keyctl.keys.vault_slots import vault_in_use
    from keyctl.vault.moves import is_vault_chosen

    if not is_vault_chosen(app.home):
        raise SetupProblem("the secrets are in the keyring, not in a vault", code="no_vault")
    vault = vault_in_use(app)
    here, there = vault.open(), vault.open_other(path)
    app.store.get_many(())  # refuses where another line is in place
    found = list(_compared(app, here, there))
    rows = [("", item.label, item.state, _WORDS[item.state]) for item in found]
    table = Table(("line", "name", "state", "result"), rows)
    wanted = [item for item in found if item.state == "new"]
    if dry_run:
        count = f"{len(wanted)} account{'s' * (len(wanted) != 1)}"
        note = Note(f"{count} would be restored. Nothing was stored.")
        return Result(_data(path, wanted, found), view=(table, note))
    asked = not yes and app.prompt.has_terminal
    if not asked and not yes and not app.no_input:
        raise NeedsPerson(
            "cannot ask which accounts to restore: there is no terminal", "to restore only the new ones, add --yes"
        )
    if asked:
        show_aside((table,), app.output)
    if asked and wanted and not app.prompt.confirm_typed(f"Restore {len(wanted)} accounts? Type yes", "yes"):
        wanted = []
    if asked:
        wanted += [item for item in found if item.state in ("differs", "removed here") and _is_typed(app, item)]
    if not wanted:
        raise CheckFailed(
            f"keyctl restored no account from {path.name}",
            "check the column 'state'; nothing was changed",
            code="no_keys",
        )
    _store(app, wanted)
    labels = ", ".join(item.label for item in wanted)
    notes = (
        Note(f"Restored: {labels}."),
        Note(f"{path.name} still holds their secrets, encrypted. Keep it or delete it."),
    )
    return Result(_data(path, wanted, found), view=notes if asked else (table, *notes))


def _data(path: Path, wanted: Sequence[Found], found: Sequence[Found]) -> dict[str, object]:
    return {
        "accounts": [account_data(item.account) for item in wanted if item.account is not None],
        "states": [{"label": item.label, "state": item.state} for item in found],
        "file": str(path),
    }


def _compared(app: App, here: Contents, there: Contents) -> Iterator[Found]:
    from keyctl.vault.record import from_record

    accounts = {account.id: account for account in app.accounts.all()}
    taken = {account.label for account in accounts.values()}
    for name, record in there.records.items():
        try:
            credential = from_record(record)
            account = accounts.get(name) or _account_for(app, name, credential, taken)
        except (SetupProblem, UsageProblem):
            yield Found("unreadable", accounts.get(name), None, name in accounts)
            continue
        taken.add(account.label)
        state: State = "new"
        if name in here.records:
            state = "same" if here.records[name] == record else "differs"
        elif name in here.gone:
            state = "removed here"
        yield Found(state, account, credential, name in accounts)


def _account_for(app: App, account_id: str, credential: Credential, taken: set[str]) -> Account:
    """An account for a secret that the account list has lost. Raises SetupProblem, UsageProblem."""
    from dataclasses import replace

    from keyctl.exchanges.shipped import load, profile
    from keyctl.model.words import Standing

    facts = profile(credential.binding.exchange)
    load(credential.binding)
    app.accounts.check_unused(credential.api_key)
    label = free_label(f"{facts.name}-back", taken)
    account = new_account(app.accounts, label, markets_for(facts, None), credential, ())
    standing = Standing.ACTIVE if credential.api_key else Standing.PENDING
    return replace(account, id=account_id, standing=standing)


def _is_typed(app: App, item: Found) -> bool:
    return app.prompt.confirm_typed(
        f"{item.label}: {item.state}. To restore the other one, type {item.label}", item.label
    )


def _store(app: App, wanted: list[Found]) -> None:
    """All secrets first, then the accounts that the list does not have."""
    pairs = [(item.account, item.credential, item.listed) for item in wanted]
    app.store.put_many({account.id: secret for account, secret, _ in pairs if account and secret})
    app.accounts.add_all([account for account, _, listed in pairs if account and not listed])
