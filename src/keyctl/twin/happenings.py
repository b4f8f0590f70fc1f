"""What happened on a user's account at a venue besides orders: money in and out, logins, changes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them. `kind`: withdrawal, deposit, transfer, login or change; `amount` is below zero for money that left.
    `place`: the address that it went to; `words`: what the exchange writes of it; `ip_address`: from where it came."""

    number: int
    uid: str
    kind: str
    at_ms: int
    amount: Decimal = Decimal(0)
    currency: str = "USDT"
    place: str = ""
    words: str = ""
    ip_address: str = "203.0.113.66"
