"""What `keyctl` alone shows where accounts are stored: what is there, what is due, and what to do next.

Reads the account list and small files; the journal only for keys without an IP whitelist that an exchange ends for
lack of use. No secret, no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.errors import KeyctlError
from keyctl.home.key_age import NOTICE_DAYS
from keyctl.keys.due import due_in_days

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account

_DUE_MAX = 3


def first_screen(app: App) -> str:
    """The lines as one text; empty where no account is stored."""
    accounts = app.accounts.all()
    if not accounts:
        return ""
    used = [account for account in accounts if not account.disabled]
    lines = [f"keyctl: {_counted(used)}{_disabled(len(accounts) - len(used))}"]
    if app.home.halt_mark.exists():
        lines.append("  halted      orders are blocked; to see which: keyctl limits")
    due = [(left, account.label) for account in used if (left := _left(app, account)) is not None]
    urgent = sorted((left, label) for left, label in due if left <= NOTICE_DAYS)
    for left, label in urgent[:_DUE_MAX]:
        lines.append(f"  due         {label} {_in_days(left)}: keyctl rotate {label}")
    if len(urgent) > _DUE_MAX:
        lines.append(f"              {len(urgent) - _DUE_MAX} more: keyctl list")
    lines += [
        "  check       keyctl verify --all",
        "  see         keyctl balance    keyctl positions    keyctl orders --open",
        "  try         one order on all of them, of which nothing is sent:",
        "              keyctl order buy BTC/USDT 0.001 --fanout --all --dry-run",
        "All commands: keyctl --help",
    ]
    return "\n".join(lines)


def _left(app: App, account: Account) -> int | None:
    """In how many days a key is due; None where that is not known or cannot be read, which `keyctl list` says."""
    try:
        return due_in_days(app, account)
    except KeyctlError:
        return None


def _counted(accounts: Sequence[Account]) -> str:
    if not accounts:
        return "no account in use"
    by_exchange = Counter(account.exchange for account in accounts)
    kinds = sorted({account.kind.value for account in accounts})
    named = ", ".join(f"{count} at {exchange}" for exchange, count in sorted(by_exchange.items()))
    return f"{len(accounts)} account{'s' * (len(accounts) != 1)} ({'/'.join(kinds)}): {named}"


def _disabled(count: int) -> str:
    return f"; {count} disabled" if count else ""


def _in_days(left: int) -> str:
    if left < 0:
        return f"was to be rotated {-left} day{'s' * (left != -1)} ago"
    return f"is to be rotated in {left} day{'s' * (left != 1)}"
