"""What Bitfinex's answers are made of: refusals, currency names, order and trade rows, notifications."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from keyctl.model.words import Market, OrderState, OrderType, Side, TimeInForce
from keyctl.twin.book import ZERO, Fill, VenueOrder
from keyctl.twin.call import Answer, digits, json_answer

GENERIC, PARAMETERS, AUTHENTICATION, SIGNATURE, NONCE, MAINTENANCE = 10001, 10020, 10100, 10112, 10114, 20060
POST_ONLY, REDUCE_ONLY = 4096, 1024
WIRE_CURRENCIES = {"USDT": "UST", "USDC": "UDC"}
ROW_LENGTH = 32


class Refusal(Exception):
    """An error of Bitfinex's own: ["error", code, text], carried by HTTP 500."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def answer(self) -> Answer:
        return json_answer(["error", self.code, self.text], status=500)


def wire_currency(name: str) -> str:
    """Bitfinex's name of a currency."""
    return WIRE_CURRENCIES.get(name, name)


def plain_decimal(value: object) -> Decimal | None:
    """A number as Bitfinex takes it, from text or a JSON number; None for any other form, an exponent too."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", text, re.ASCII) else None


def utc_date(at_ms: int) -> str:
    """The UTC date of a time in milliseconds, as YYYY-MM-DD."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


def signed(order: VenueOrder, quantity: Decimal) -> Decimal:
    """The quantity as Bitfinex shows it: negative for a sale."""
    return quantity if order.side is Side.BUY else -quantity


def wire_type(order: VenueOrder) -> str:
    """The order's type in Bitfinex's words: for the exchange wallet with the word EXCHANGE. A triggered stop goes on
    under the type that it became."""
    market = order.type is OrderType.MARKET
    if order.trigger is not None and not order.triggered:
        return _in_wallet(order, "STOP" if market else "STOP LIMIT")
    kinds = {TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
    return _in_wallet(order, "MARKET" if market else kinds.get(order.time_in_force, "LIMIT"))


def _in_wallet(order: VenueOrder, kind: str) -> str:
    return kind if order.instrument.market is Market.FUTURES else f"EXCHANGE {kind}"


def status_text(order: VenueOrder) -> str:
    """The order's status as Bitfinex words it, with its fills in it."""
    if order.state is OrderState.CLOSED:
        return f"EXECUTED @ {_fills(order)}"
    partly = f"PARTIALLY FILLED @ {_fills(order)}" if order.fills else ""
    if order.is_open:
        return partly or "ACTIVE"
    ends = {"post_only": "POSTONLY CANCELED", "fok": "FILLORKILL CANCELED", "ioc": "IOC CANCELED"}
    ends["margin"] = "INSUFFICIENT MARGIN"
    ended = ends.get(order.end_reason, "CANCELED")
    return f"{ended} was: {partly}" if partly else ended


def _fills(order: VenueOrder) -> str:
    return ", ".join(f"{digits(fill.price)}({digits(signed(order, fill.quantity))})" for fill in order.fills)


def order_row(order: VenueOrder, *, submitted: bool = False) -> list[object]:
    """An order array of 32 elements. `submitted`: as it stood on arrival, before anything traded."""
    row: list[object] = [None] * ROW_LENGTH
    row[0] = order.order_id
    row[2] = int(order.client_order_id) if order.client_order_id else order.created_ms
    row[3] = order.instrument.native_symbol
    row[4] = order.created_ms
    row[5] = order.created_ms if submitted else order.updated_ms
    row[6] = signed(order, order.quantity if submitted else order.remaining)
    row[7] = signed(order, order.quantity)
    row[8] = wire_type(order)
    if order.triggered:
        row[9] = _in_wallet(order, "STOP" if order.type is OrderType.MARKET else "STOP LIMIT")
    row[10] = order.expires_ms
    row[12] = POST_ONLY * order.post_only + REDUCE_ONLY * order.reduce_only
    row[13] = "ACTIVE" if submitted else status_text(order)
    waits = order.trigger is not None and not order.triggered
    row[16] = (order.trigger_price if waits else order.price) or ZERO
    row[17] = ZERO if submitted or order.average_price is None else order.average_price.quantize(Decimal("1e-8"))
    row[18] = row[23] = row[24] = 0
    row[19] = order.price if order.trigger is not None and order.price is not None else 0
    row[28] = "API>BFX"
    row[31] = ({"$F7": 1} if order.post_only else {}) | (
        {} if order.leverage is None else {"$F33": int(order.leverage)}
    )
    return row


def trade_row(order: VenueOrder, fill: Fill) -> list[object]:
    """A trade array of 12 elements; the fee is negative."""
    return [
        fill.trade_id,
        order.instrument.native_symbol,
        fill.at_ms,
        order.order_id,
        signed(order, fill.quantity),
        fill.price,
        wire_type(order),
        order.price if order.price is not None else ZERO,
        1 if fill.maker else -1,
        -fill.fee,
        wire_currency(fill.fee_currency) + ("F0" if order.instrument.market is Market.FUTURES else ""),
        int(order.client_order_id) if order.client_order_id else None,
    ]


def notification(at_ms: int, kind: str, data: list[object], text: str) -> Answer:
    """A notification that says SUCCESS, which at Bitfinex means no more than "submitted"."""
    return json_answer([at_ms, kind, None, None, data, None, "SUCCESS", text])
