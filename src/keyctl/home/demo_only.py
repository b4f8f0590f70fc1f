"""The demo's home is the twin's alone: which exchanges run there, and what has no place in it.

`furnish` in commands/demo_world.py makes such a home; this is what every other command knows of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable, read_object
from keyctl.errors import SetupProblem, UsageProblem
from keyctl.home.files import read_owned, write_whole
from keyctl.home.folders import Home
from keyctl.model.route import is_loopback
from keyctl.model.words import Kind

if TYPE_CHECKING:
    from keyctl.model.account import Account


def note_twin(home: Home, endpoints: Mapping[str, str]) -> None:
    """Marks a home as a demo's, and writes down where the twin's exchanges are."""
    write_whole(home.demo_mark, json.dumps(dict(endpoints)).encode() + b"\n")


def twin_endpoint(home: Home, exchange: str) -> str:
    """Where the twin serves an exchange for this home. Raises SetupProblem (no_twin) when it never did."""
    try:
        endpoint = read_object(read_owned(home.demo_mark) or b"{}").get(exchange)
    except Unreadable:
        endpoint = None
    if not isinstance(endpoint, str):
        raise SetupProblem(
            f"the demo of {exchange} has not run yet",
            "start its exchanges in another terminal: keyctl demo --serve",
            code="no_twin",
        )
    return endpoint


def check_place(home: Home, exchange: str, env: str | None, endpoint: str | None) -> str | None:
    """The endpoint of a new account: the twin's in a demo's home, elsewhere the one that is given.

    Raises UsageProblem (not_in_demo) for another environment or endpoint in the demo, SetupProblem (no_twin).
    """
    if not home.is_demo:
        return endpoint
    if env not in (None, Kind.DEMO):
        raise not_in_demo(f"--env {env}", "the demo stores only keys of its own exchanges")
    ours = twin_endpoint(home, exchange)
    if endpoint is not None and endpoint != ours:
        raise not_in_demo(f"--endpoint {endpoint}", f"the demo's {exchange} is at {ours}")
    return ours


def check_outside(home: Home, what: str, why: str) -> None:
    """Nothing outside the demo. Raises UsageProblem (not_in_demo) for what makes no sense there."""
    if home.is_demo:
        raise not_in_demo(what, why)


def not_in_demo(what: str, why: str) -> UsageProblem:
    """The error for what makes no sense in the demo."""
    return UsageProblem(
        f"{what} is not available in the demo: {why}", "for real accounts, remove --demo", code="not_in_demo"
    )


def is_of_twin(account: Account) -> bool:
    """Whether an account can be one of the demo: of the kind demo, at an address of this machine."""
    from urllib.parse import urlsplit

    host = urlsplit(account.endpoint or "").hostname or ""
    return account.kind is Kind.DEMO and is_loopback(host)


def check_of_twin(home: Home, account: Account) -> None:
    """Nothing outside the demo, and for an account of the twin. Raises SetupProblem (not_of_the_demo)."""
    if home.is_demo and not is_of_twin(account):
        raise SetupProblem(
            odd_words(account),
            f"remove it: keyctl remove {account.label}",
            "then add it again without --demo",
            code="not_of_the_demo",
            account=account.label,
            exchange=account.exchange,
        )


def odd_accounts(home: Home, accounts: Iterable[Account]) -> list[Account]:
    """The accounts in a demo's home that are none of the twin; none outside the demo."""
    return [account for account in accounts if not is_of_twin(account)] if home.is_demo else []


def choosable(home: Home, accounts: Iterable[Account], named: Collection[str]) -> tuple[Account, ...]:
    """The accounts that commands may choose from: all, but in the demo only the twin's.

    Raises SetupProblem (not_of_the_demo) when one of the others is named.
    """
    chosen = []
    for account in accounts:
        if account.label in named:
            check_of_twin(home, account)
        if not home.is_demo or is_of_twin(account):
            chosen.append(account)
    return tuple(chosen)


def odd_words(account: Account) -> str:
    """What is odd about such an account."""
    place = f" at {account.endpoint}" if account.endpoint else ""
    return f"{account.label} is a {account.kind} account{place} in the demo's data folder; keyctl does not use it there"
