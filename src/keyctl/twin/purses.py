"""Purses: the wallets of a twin venue that no order of it touches, such as funding, cross and isolated margin."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from keyctl.twin.book import ZERO, Balance

FUNDING, MARGIN = "funding", "margin"
# Of isolated margin there is a purse for each pair: "isolated BTC/USDT".
ISOLATED = "isolated "


@dataclass(slots=True)
class Held(Balance):
    """What a purse has of one currency, and what of it is borrowed, with the interest due."""

    borrowed: Decimal = ZERO
    interest: Decimal = ZERO

    @property
    def owned(self) -> Decimal:
        return self.free + self.locked - self.borrowed - self.interest


# A purse by currency.
Purse = dict[str, Held]


class Purses:
    """The purses of all users by name. One that nobody has filled does not exist.

    `start`: what each user has in a purse from the beginning, by name and currency.
    """

    def __init__(self, start: dict[str, dict[str, str]] | None = None) -> None:
        self._start = start or {}
        self._purses: dict[tuple[str, str], Purse] = {}

    def of(self, uid: str) -> dict[str, Purse]:
        """The user's purses by name."""
        for name in self._start:
            self.purse(uid, name)
        return {name: purse for (user, name), purse in self._purses.items() if user == uid}

    def purse(self, uid: str, name: str) -> Purse:
        """The user's purse, which may be changed in place; opened if it does not exist."""
        begun = {currency: Held(Decimal(free)) for currency, free in self._start.get(name, {}).items()}
        return self._purses.setdefault((uid, name), begun)

    def put(self, uid: str, name: str, currency: str, **amounts: str) -> Held:
        """What the user now has of a currency there: free, locked, borrowed, interest, as text; 0 where not given."""
        held = Held(**{field: Decimal(text) for field, text in amounts.items()})
        self.purse(uid, name)[currency] = held
        return held
