"""Bitfinex's account on the twin: what the key may do, whose it is, and what its wallets have."""

from __future__ import annotations

from keyctl.model.words import Market
from keyctl.twin.bitfinex import gate
from keyctl.twin.bitfinex.terms import TERMS
from keyctl.twin.bitfinex.wire import READ, BitfinexPart, Body, SignedCall, wire_currency
from keyctl.twin.book import Balance
from keyctl.twin.call import Answer, json_answer
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue


class Wallets(BitfinexPart):
    """One answer tells all wallets."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", READ + "permissions", "permissions", _permissions, ""),
            Route("POST", READ + "wallets", "balance", _wallets, "wallets"),
            Route("POST", READ + "info/user", "other", _user, "account"),
        )


def _permissions(venue: Venue, key: Key, body: Body, named: str | None) -> Answer:
    return json_answer([[scope, *map(int, rights)] for scope, rights in gate.scopes(key).items()])


def _wallets(venue: Venue, key: Key, body: Body, named: str | None) -> Answer:
    """The margin wallet has the currencies of derivatives, which are of their own."""
    rows = [_row("exchange", name, one) for name, one in venue.balances.get(key.uid, {}).items()]
    suffix = TERMS[Market.FUTURES].suffix
    rows += [_row("margin", name, one, suffix) for name, one in venue.derivatives.wallets(key.uid).items()]
    rows += [
        _row(name, currency, one) for name, purse in venue.purses.of(key.uid).items() for currency, one in purse.items()
    ]
    return json_answer(rows)


def _row(wallet: str, currency: str, held: Balance, suffix: str = "") -> list[object]:
    return [wallet, wire_currency(currency) + suffix, held.free + held.locked, 0, held.free, None, None]


def _user(venue: Venue, key: Key, body: Body, named: str | None) -> Answer:
    row: list[object] = [None] * 55
    row[0] = row[16] = int(key.uid)
    row[1], row[2], row[7], row[8] = "someone@example.com", "someone", "UTC", "en-US"
    row[3] = row[14] = key.created_ms
    row[4] = row[10] = 1
    row[5], row[9], row[15], row[26] = 2, "bitfinex", int(key.uid), ["otp"]
    row[17] = row[18] = row[19] = row[21] = row[22] = row[23] = row[24] = row[25] = 0
    return json_answer(row)
