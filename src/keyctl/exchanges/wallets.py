"""Wallets: the places where an account keeps money at an exchange, and the read that tells what is in each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keyctl.model.venue import Balances
from keyctl.model.wire import Request, Response
from keyctl.model.words import Market


class Wallet(NamedTuple):
    """One wallet by the exchange's own name for it. `markets`: those whose orders it backs; empty for none.

    `read` takes the answer to `request`; wallets that one answer tells have equal requests. Where keyctl reads a wallet
    not at all both are None, and `why` says the reason.
    """

    name: str
    markets: tuple[Market, ...] = ()
    request: Request | None = None
    read: Callable[[Response], Balances] | None = None
    why: str = ""


def unread(*names: str, why: str = "not supported by keyctl") -> tuple[Wallet, ...]:
    """Wallets that an account may have and that are not read."""
    return tuple(Wallet(name, why=why) for name in names)
