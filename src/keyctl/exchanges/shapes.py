"""Shapes that several exchanges share: new credentials, symbols and client order ids. Offline; no exchange is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from string import ascii_lowercase, digits
from typing import Literal, TypeVar

from keyctl.answers import MOMENT_MAX, Unreadable, array_of, integer_of, object_of
from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges.profile import Profile
from keyctl.exchanges.signing import (
    RSA_BITS_MIN,
    Ed25519Key,
    Hash,
    HMACKey,
    RSAKey,
    SigningKey,
    check_private_key,
    secret_fits,
)
from keyctl.model.symbol_text import parts_of
from keyctl.model.venue import Balances, Ticker
from keyctl.model.wire import JSON
from keyctl.model.words import Algorithm
from keyctl.secret import Secret

T = TypeVar("T")
_ALPHABET = digits + ascii_lowercase
_PEM = r"(?s)\s*-----BEGIN [A-Z0-9 ]*{}.*"


def signing_key(algorithm: Algorithm, secret: Secret, hash_name: Hash = "sha256") -> SigningKey:
    """The signing key of that type. Raises SetupProblem when the secret does not fit the algorithm."""
    if algorithm is Algorithm.ED25519:
        return Ed25519Key(secret)
    if algorithm is Algorithm.RSA:
        return RSAKey(secret)
    return HMACKey(secret, hash_name)


def own_key(facts: Profile, algorithm: Algorithm, secret: Secret, hash_name: Hash = "sha256") -> SigningKey:
    """The same, of a type that the exchange has."""
    if algorithm not in facts.algorithms:
        raise SetupProblem(f"{facts.title} has no {algorithm} keys", code="wrong_key_type")
    return signing_key(algorithm, secret, hash_name)


def check_distinct(api_key: str, secret: Secret) -> None:
    """Nothing for two different texts. Raises SetupProblem when key and secret are one text, or the key is a PEM."""
    check_shape(
        not api_key.lstrip().startswith("-----BEGIN"), "the API key is a PEM file", "key and secret are swapped"
    )
    check_shape(
        not secret_fits(secret, re.escape(api_key)),
        "API key and secret are the same text",
        "copy each of the two texts into its own field",
    )


def check_no_pem(secret: Secret) -> None:
    """Nothing for a plain HMAC secret. Raises SetupProblem for a PEM."""
    check_shape(
        not secret_fits(secret, _PEM.format("")),
        "the secret is a PEM key, not an HMAC secret",
        "choose the type that the key has with --key-type",
    )


def check_asymmetric(secret: Secret, kind: Literal["ed25519", "rsa"]) -> tuple[str, ...]:
    """Warnings about a private key: a short RSA key. Raises SetupProblem for a public or unreadable key."""
    check_shape(
        not secret_fits(secret, _PEM.format("PUBLIC KEY")),
        "this is the public key",
        "the public key belongs to the exchange; give the private key of the same pair",
    )
    bits = check_private_key(secret, kind)
    if kind == "rsa" and bits < RSA_BITS_MIN:
        return (f"the RSA key has {bits} bits; {RSA_BITS_MIN} is the least that is considered safe",)
    return ()


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote of BASE/QUOTE. Raises UsageProblem for anything else."""
    parts = parts_of(symbol)
    if parts is None or parts.settle:
        raise UsageProblem(f"'{symbol[:40]}' is not a spot symbol", "write it as BTC/USDT", code="bad_symbol")
    return parts.base, parts.quote


def split_perpetual(symbol: str) -> tuple[str, str, str]:
    """Base, quote and settlement currency of BASE/QUOTE:SETTLE. Raises UsageProblem, for a dated future in words of its
    own."""
    parts = parts_of(symbol)
    if parts is not None and parts.date:
        raise UsageProblem(
            f"{symbol} is a dated future, and keyctl does not trade those",
            "trade it on the exchange's own pages",
            code="dated_future",
        )
    if parts is None or not parts.settle:
        raise UsageProblem(f"'{symbol[:40]}' is not a perpetual", "write it as BTC/USDT:USDT", code="bad_symbol")
    return parts.base, parts.quote, parts.settle


def letters_and_digits(random: bytes, length: int, prefix: str = "kc") -> str:
    """The prefix and as many of [0-9a-z], made from at least 16 random bytes, as give that length."""
    if len(random) < 16:
        raise ValueError("a client order id needs 16 random bytes")
    number, text = int.from_bytes(random), prefix
    while len(text) < length:
        number, rest = divmod(number, len(_ALPHABET))
        text += _ALPHABET[rest]
    return text


def free_and_total(rows: JSON) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What is free and what is owned, by currency in capitals, from rows of `asset`, `free` and `locked`.

    A currency whose locked part is not told has no total.
    """
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for row in map(object_of, array_of(rows)):
        currency = row.text("asset").upper()
        free[currency] = row.decimal("free")
        if row.get("locked") is not None:
            total[currency] = free[currency] + row.decimal("locked")
    return free, total


def balances_of(rows: Iterable[tuple[str, Decimal | None, Decimal]]) -> Balances:
    """Balances from each currency, what is free of it (None: not told) and what is owned. Raises Unreadable for a
    currency that is told twice."""
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for currency, available, owned in rows:
        if currency in total:
            raise Unreadable("a currency reported twice")
        total[currency] = owned
        if available is not None:
            free[currency] = available
    return Balances(free, None, total)


def best_prices(bid: Decimal, ask: Decimal) -> Ticker:
    """The best bid and ask. Raises Unreadable where a side of the book is empty, or they overlap."""
    if not 0 < bid <= ask:
        raise Unreadable("no best prices")
    return Ticker(bid, ask)


def withdraw_flag(name: str, flags: Mapping[str, JSON], read: Callable[[JSON], bool | None]) -> bool | None:
    """Whether a key may withdraw, as the flag of that name tells it: None where it is missing or not a flag.

    None too where it is off and another flag with that word in its name is not: what that one allows is not known.
    """
    told = read(flags.get(name))
    others = [read(value) for other, value in flags.items() if other != name and "withdraw" in other.lower()]
    return told if told is not False or all(value is False for value in others) else None


def made_at(value: JSON) -> int | None:
    """When an order was made, in Unix ms; None where that is not told, or no time can be so. Raises Unreadable for what
    is no whole number."""
    if value in (None, ""):
        return None
    at_ms = integer_of(value)
    return at_ms if 0 < at_ms < MOMENT_MAX else None


def check_named(told: JSON, asked: str) -> None:
    """Nothing when an answer names the symbol that was asked for. Raises Unreadable for another one, and for none."""
    if told != asked:
        raise Unreadable("about another symbol than the one asked for")


def only_one(rows: list[T]) -> T:
    """The only one of the orders that carry our client order id. Raises Unreadable for several."""
    if len(rows) != 1:
        raise Unreadable("two orders carry this client order id")
    return rows[0]


def flag_of(value: object) -> bool | None:
    """The value if it is a bool, else None: what an exchange does not clearly tell is unknown, never "off"."""
    return value if isinstance(value, bool) else None


def check_shape(condition: bool, message: str, *hints: str) -> None:
    """Nothing when the condition holds. Raises SetupProblem(code="bad_credential") otherwise."""
    if not condition:
        raise SetupProblem(message, *hints, code="bad_credential")
