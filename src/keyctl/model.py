"""The nouns: what keyctl talks about. Frozen data without behaviour beyond checks of its own shape; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

from keyctl.secret import Secret

JSON = None | bool | int | float | str | Decimal | list["JSON"] | dict[str, "JSON"]


class Market(StrEnum):
    SPOT = "spot"
    FUTURES = "futures"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class Kind(StrEnum):
    """The world an account lives in; one plan never mixes two."""

    LIVE = "live"
    TESTNET = "testnet"
    DEMO = "demo"


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
    """The status of an order at its exchange, in ccxt's words."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class Level(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Taken(StrEnum):
    """Whether an error answer to an order proves that the order was not taken."""

    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Account:
    """One API key at one exchange, without its secret. `endpoint` is set for loopback accounts only."""

    id: str
    label: str
    exchange: str
    kind: Kind
    site: str
    markets: tuple[Market, ...]
    algorithm: Algorithm
    api_key_hint: str
    api_key_hash: str
    created: datetime
    endpoint: str | None = None
    ca_file: str | None = None
    uid: str | None = None
    groups: tuple[str, ...] = ()
    disabled: bool = False

    @property
    def binding(self) -> Binding:
        """What the stored secret must agree with before it is used."""
        return Binding(self.exchange, self.kind, self.site, self.endpoint, self.ca_file)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a secret may be used. Kept beside the secret, so that an edited account list cannot redirect a key."""

    exchange: str
    kind: Kind
    site: str
    endpoint: str | None
    ca_file: str | None


@dataclass(frozen=True, slots=True)
class Credential:
    """What a store keeps for an account. Never given to a session, a journal or any output."""

    api_key: str
    secret: Secret
    algorithm: Algorithm
    passphrase: Secret | None
    binding: Binding


@dataclass(frozen=True, slots=True)
class Order:
    """What the user wants on one account: base quantity, limit price in the quote currency.

    `quote_quantity` is set only for market buys at venues that take the amount to spend.
    """

    symbol: str
    market: Market
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    quote_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One order on one account, with the client order id it keeps for ever.

    `client_order_date` is the UTC date of planning; only Bitfinex needs it.
    """

    plan_id: str
    index: int
    account: str
    account_id: str
    exchange: str
    order: Order
    native_symbol: str
    client_order_id: str
    client_order_date: date


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes a signature fresh: exchange time in ms, an ascending nonce, 32 random hex characters."""

    at_ms: int
    nonce: int
    token: str


@dataclass(frozen=True, slots=True)
class Request:
    """A call before it is encoded. `params` go where the exchange wants them: query, form or JSON body.

    `repeatable` is True for reads only. `window_ms` asks the exchange to drop the request when it arrives later.
    """

    method: str
    base: str
    path: str
    params: tuple[tuple[str, JSON], ...] = ()
    private: bool = False
    repeatable: bool = False
    window_ms: int | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """The exact bytes of a call: URL already encoded (ASCII), headers in order, body. Prints without any of them."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    repeatable: bool

    def __repr__(self) -> str:
        return f"<WireRequest {self.method} {urlsplit(self.url).path}>"


SignedRequest = NewType("SignedRequest", WireRequest)


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: HTTP status, headers with lower-case names, decoded body, and when it was read (Unix s)."""

    status: int
    headers: dict[str, str]
    body: bytes
    read_at: float = 0.0

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


@dataclass(frozen=True, slots=True)
class ExchangeError:
    """An exchange's own error: its code as text, its words, the HTTP status it came with."""

    exchange: str
    http: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A symbol's rules at one venue. A step of None means: not given; a bound of None means: none.

    `price_digits` is the number of significant digits a price may have (Bitfinex: 5).
    `max_notional` and `min_notional` are in the quote currency.
    """

    symbol: str
    native_symbol: str
    base: str
    quote: str
    price_step: Decimal | None
    quantity_step: Decimal | None
    min_quantity: Decimal | None
    max_quantity: Decimal | None
    min_notional: Decimal | None
    max_notional: Decimal | None = None
    price_digits: int | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Ticker:
    """Best bid and ask in the quote currency."""

    bid: Decimal
    ask: Decimal


@dataclass(frozen=True, slots=True)
class Balances:
    """Free balance per currency (the exchange's name turned into ours), and the account id where it is told."""

    free: dict[str, Decimal]
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What a key may do, as its exchange tells it. None means: the exchange does not tell.

    `ips` is the list itself where it can be read. `extra` names rights that are on and that we did not ask about.
    `spends` says in words what the trade right includes beyond trading (OKX: funding transfers).
    """

    read: bool | None = None
    spot_trade: bool | None = None
    futures_trade: bool | None = None
    withdraw: bool | None = None
    transfer: bool | None = None
    ip_restricted: bool | None = None
    ips: tuple[str, ...] | None = None
    created: datetime | None = None
    trade_expires: datetime | None = None
    uid: str | None = None
    extra: tuple[str, ...] = ()
    spends: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order answer that echoes our order: the exchange's order id, and its state where the answer tells."""

    exchange_order_id: str
    state: OrderState | None = None


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """An order as its exchange shows it. Quantities in base units, average price in quote, fee as told (or None)."""

    exchange_order_id: str
    client_order_id: str | None
    state: OrderState
    quantity: Decimal
    filled: Decimal
    price: Decimal | None = None
    average_price: Decimal | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None


@dataclass(frozen=True, slots=True)
class LegResult:
    """What became of one leg. `detail` is a sentence for people, `error` the exchange's own words where it refused."""

    leg: Leg
    outcome: Outcome
    exchange_order_id: str | None = None
    status: OrderStatus | None = None
    error: ExchangeError | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict of verify: a rule, how it came out, what shows it, and what to do."""

    account: str
    exchange: str
    market: str
    rule: str
    level: Level
    detail: str
    evidence: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One row of an exchange's error catalogue."""

    exchange: str
    scope: str
    code: str
    http: str
    text_match: str
    name: str
    category: str
    meaning: str
    likely_causes: str
    fix: str
    taken: Taken
    repeatable: str
    source: str
    market: str = field(default="")
