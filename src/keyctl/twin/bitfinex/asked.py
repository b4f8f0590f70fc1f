"""What a call to Bitfinex's order/submit asks for, read strictly. [official] Bitfinex API docs v2, Submit Order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

from keyctl.model.words import OrderType, TimeInForce, Trigger
from keyctl.twin.bitfinex.wire import GENERIC, PARAMETERS, POST_ONLY, REDUCE_ONLY, Body, Refusal, plain_decimal, whole

CID_LIMIT = 1 << 45
GID_LIMIT = 1 << 31
HIDDEN = 64
LEVERAGE_DEFAULT, LEVERAGE_LIMIT = 10, 100
TYPES = {
    "LIMIT": (OrderType.LIMIT, TimeInForce.GTC, None),
    "MARKET": (OrderType.MARKET, TimeInForce.GTC, None),
    "IOC": (OrderType.LIMIT, TimeInForce.IOC, None),
    "FOK": (OrderType.LIMIT, TimeInForce.FOK, None),
    "STOP": (OrderType.MARKET, TimeInForce.GTC, Trigger.STOP),
    "STOP LIMIT": (OrderType.LIMIT, TimeInForce.GTC, Trigger.STOP),
}
FIELDS = {"type", "symbol", "amount", "price", "price_aux_limit", "gid", "cid", "flags", "lev", "tif", "meta"}


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as asked for, its fields checked each for itself. `exchange`: for the exchange wallet (spot)."""

    exchange: bool
    type: OrderType
    time_in_force: TimeInForce
    trigger: Trigger | None
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    flags: int
    leverage: int | None
    expires_ms: int | None
    client_order_id: str
    marks: dict[str, str]


def read_asked(body: Body) -> Asked:
    """The order that the body asks for. Raises Refusal."""
    for name in body.keys() - FIELDS:
        raise Refusal(PARAMETERS, f"{name}: invalid")
    text = str(body.get("type"))
    name = text.removeprefix("EXCHANGE ")
    if name not in TYPES:
        raise Refusal(PARAMETERS, "type: invalid")
    kind, time_in_force, trigger = TYPES[name]
    amount = plain_decimal(body.get("amount"))
    if not amount or amount != round(amount, 8):
        raise Refusal(GENERIC, "amount: invalid")
    first = None if name == "MARKET" else _price(body.get("price"))
    second = _price(body.get("price_aux_limit")) if name == "STOP LIMIT" else None
    flags = body.get("flags", 0)
    if not isinstance(flags, int) or isinstance(flags, bool) or flags & ~(POST_ONLY | HIDDEN | REDUCE_ONLY):
        raise Refusal(PARAMETERS, "flags: invalid")
    whole(body, "gid", GID_LIMIT)
    leverage = whole(body, "lev", LEVERAGE_LIMIT + 1)
    if leverage == 0:
        raise Refusal(PARAMETERS, "lev: invalid")
    cid, meta = whole(body, "cid", CID_LIMIT), body.get("meta")
    return Asked(
        exchange=text.startswith("EXCHANGE "),
        type=kind,
        time_in_force=time_in_force,
        trigger=trigger,
        amount=amount,
        price=second if trigger else first,
        trigger_price=first if trigger else None,
        flags=flags,
        leverage=leverage,
        expires_ms=_ends(body.get("tif")),
        client_order_id="" if cid is None else str(cid),
        marks={str(k): str(v) for k, v in meta.items() if k == "aff_code"} if isinstance(meta, dict) else {},
    )


def _price(value: object) -> Decimal:
    """The limit price; what goes beyond five significant digits is cut off without a word, as the exchange does."""
    price = plain_decimal(value)
    if price is None or price <= 0:
        raise Refusal(GENERIC, "price: invalid")
    return price.quantize(Decimal(1).scaleb(price.adjusted() - 4), ROUND_DOWN)


def _ends(value: object) -> int | None:
    """The time of `tif`, UTC, in milliseconds."""
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value, re.ASCII):
        raise Refusal(PARAMETERS, "tif: invalid")
    try:
        return int(datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        raise Refusal(PARAMETERS, "tif: invalid") from None
