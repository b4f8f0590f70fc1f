"""The warning of a command that hands a key on which was reported as leaked. It keeps nothing back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from keyctl.errors import KeyctlError
from keyctl.journal.halts import Scope
from keyctl.leaks.evidence import all_of, folder
from keyctl.terminal.output import remark

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account


def warn_if_leaked(app: App, label: str) -> None:
    """Says so in one line on stderr, also with --quiet and --json. Raises SetupProblem for an unknown account."""
    account = app.accounts.get(label)
    if _is_blocked(app, account) or _is_under_way(app, account):
        remark(f"warning: {label}: this key was reported as leaked. To finish the remaining steps: keyctl leak {label}")


def _is_blocked(app: App, account: Account) -> bool:
    """Whether the journal bars the key from orders as a leaked one; False where it cannot be read."""
    if app.home.halt_mark.exists():
        with suppress(KeyctlError):
            return any(
                halt.scope is Scope.KEY
                for halt in app.journals.halts().of(account.id, account.exchange, account.api_key_hash)
            )
    return False


def _is_under_way(app: App, account: Account) -> bool:
    """Whether the playbook of its leak is not over."""
    return folder(app.home).is_dir() and any(
        item.account_id == account.id and not item.facts.get("finished") for item in all_of(app.home)
    )
