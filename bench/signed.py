"""Orders and reads signed beforehand by keyctl's own modules, for those who only send."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from bench.desk import credential_of
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.encoding import public_wire
from keyctl.exchanges.shipped import load
from keyctl.exchanges.signer import Signer
from keyctl.model.order import Leg, Order
from keyctl.model.wire import Stamp, WireRequest
from keyctl.model.words import Market, OrderType, Side

NATIVE = {"binance": "BTCUSDT", "okx": "BTC-USDT", "lbank": "btc_usdt", "bitfinex": "tBTCUST"}
QUANTITY = Decimal("0.0005")
PRICE = Decimal("50000")


def leg_for(exchange: Exchange) -> Leg:
    """A leg with a fresh client order id: the order that the fan-outs here send."""
    order = Order("BTC/USDT", Market.SPOT, Side.BUY, OrderType.LIMIT, QUANTITY, PRICE)
    return Leg(
        "bench",
        0,
        "bench",
        "bench",
        exchange.name,
        order,
        NATIVE[exchange.name],
        exchange.new_client_order_id(secrets.token_bytes(32)),
        datetime.now(UTC).date(),
    )


def stamp() -> Stamp:
    """Now, with a nonce above the last one."""
    now = time.time()
    return Stamp(int(now * 1000), int(now * 1_000_000), secrets.token_hex(16))


def opened(facts: dict[str, Any], ca_file: str) -> tuple[Exchange, Signer]:
    """Exchange and signer of a key."""
    credential = credential_of(facts, ca_file)
    exchange = load(credential.binding)
    signer = exchange.signer(credential.api_key, credential.secret, credential.algorithm, credential.passphrase)
    return exchange, signer


def lane(exchange: Exchange, signer: Signer) -> list[str]:
    """What keyctl sends over a usual account's connection, as HTTP: the clock (where there is one), the balance, the
    order. A venue without a clock gives two reads of the balance, so that all lanes have the same number of trips."""
    spot = exchange.market(Market.SPOT)
    clock = None if exchange.profile.dated else spot.clock()
    first = public_wire(clock.request) if clock else signer.sign(spot.wallet().request, stamp())
    balance = signer.sign(spot.wallet().request, stamp())
    order = signer.sign(exchange.api_of(leg_for(exchange)).order_request(leg_for(exchange)), stamp())
    return [http_text(first), http_text(balance), http_text(order)]


def http_text(wire: WireRequest) -> str:
    """A signed or public request as it goes over the line."""
    parts = urlsplit(wire.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{wire.method} {target} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in wire.headers)]
    return "\r\n".join([*lines, f"Content-Length: {len(wire.body)}", "", ""]) + wire.body.decode("latin-1")
