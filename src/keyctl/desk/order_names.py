"""What a word could be that was given for a client order id and is none: found by looking, never guessed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from keyctl.errors import KeyctlError, UsageProblem
from keyctl.exchanges.typed_symbols import meant_symbols, read_symbol

if TYPE_CHECKING:
    from keyctl.app import App


def ways_to_cancel(app: App, word: str) -> list[str]:
    """A hint for each thing that has this name here, with the command that cancels its orders; where none has, the
    account whose name is nearest."""
    found = [*_as_account(app, word), *_as_plan(app, word), *_as_number(app, word), *_as_symbol(word)]
    if found:
        return found
    near = difflib.get_close_matches(word, _labels(app), n=1)
    return [f"to cancel the orders of the account {near[0]}: keyctl cancel -a {near[0]}"] if near else []


def _as_account(app: App, word: str) -> list[str]:
    return [f"to cancel the orders of the account {word}: keyctl cancel -a {word}"] if word in _labels(app) else []


def _as_plan(app: App, word: str) -> list[str]:
    try:
        plan = app.journal.plan_id(word)
    except UsageProblem:
        return []
    return [f"to cancel the orders of the plan {plan}: keyctl cancel --plan {plan}"]


def _as_number(app: App, word: str) -> list[str]:
    """Exchanges' own ids; two exchanges may have the same."""
    return [
        f"{stored.leg.exchange} has the order under this id; to cancel it: keyctl cancel {stored.leg.client_order_id}"
        for stored in app.journal.numbered(word)
    ]


def _as_symbol(word: str) -> list[str]:
    try:
        return [f"to cancel all orders in this symbol: keyctl cancel --all --symbol {read_symbol(word)}"]
    except UsageProblem:
        return [f"to cancel all orders in {it}: keyctl cancel --all --symbol {it}" for it in meant_symbols(word)]


def _labels(app: App) -> list[str]:
    """The accounts' names; none where the list cannot be read, which is not what the person asked about."""
    try:
        return [account.label for account in app.accounts.all()]
    except KeyctlError:
        return []
