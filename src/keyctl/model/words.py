"""Closed sets of words: what a market, a side, a state can be."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum


class Market(StrEnum):
    """Where a symbol trades."""

    SPOT = "spot"
    FUTURES = "futures"


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opens(self) -> PositionSide:
        """The position that such an order opens or enlarges."""
        return PositionSide.LONG if self is Side.BUY else PositionSide.SHORT

    @property
    def closes(self) -> PositionSide:
        """The position that such an order reduces."""
        return PositionSide.SHORT if self is Side.BUY else PositionSide.LONG


class OrderType(StrEnum):
    """With or without a price of its own."""

    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    """How long an order may rest; GTD until the time that the order names."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class Trigger(StrEnum):
    """What an order waits for before it becomes a limit or market order: a price that hurts, or one that pays."""

    STOP = "stop"
    TAKE_PROFIT = "take_profit"


class PositionSide(StrEnum):
    """Which way a position goes; in hedge mode an account may have one of each."""

    LONG = "long"
    SHORT = "short"

    @property
    def closed_by(self) -> Side:
        """The side of an order that reduces it."""
        return Side.SELL if self is PositionSide.LONG else Side.BUY

    @staticmethod
    def of(amount: Decimal) -> PositionSide:
        """The side of a position that is told as an amount, below zero for a short one."""
        return PositionSide.LONG if amount > 0 else PositionSide.SHORT


class MarginMode(StrEnum):
    """Whether a position is backed by the whole wallet or by a margin of its own."""

    CROSS = "cross"
    ISOLATED = "isolated"


class Kind(StrEnum):
    """The world an account lives in; one plan never mixes two."""

    LIVE = "live"
    TESTNET = "testnet"
    DEMO = "demo"


class Standing(StrEnum):
    """Whether an account takes part. Only an active one belongs to groups and `--all` and may send orders.

    A pending one lacks something (the API key of a generated pair, a passphrase); a quarantined one is the other half
    of a rotation that is under way.
    """

    ACTIVE = "active"
    DISABLED = "disabled"
    PENDING = "pending"
    QUARANTINED = "quarantined"


class Algorithm(StrEnum):
    """How a key signs; `keyctl add --key-type` takes these values."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    RSA = "rsa"


class Outcome(StrEnum):
    """What is known of a leg after a send."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class OrderState(StrEnum):
    """The status of an order at its exchange, in ccxt's words.

    `forgotten` is the journal's own: the exchange neither lists the order any more nor can tell how it ended.
    """

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    FORGOTTEN = "forgotten"


class Level(StrEnum):
    """What a finding says of a rule."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Endpoint(StrEnum):
    """The calls that place orders, as error answers tell them apart: of plain orders, of algo orders (those that wait
    for a trigger, at venues that number them apart), or both."""

    ORDER = "order"
    ALGO = "algo"
    ANY = "any"


class Taken(StrEnum):
    """Whether an error answer to an order proves that the order was not taken."""

    NO = "no"
    MAYBE = "maybe"
