"""What the raw bytes of an answer to an order prove, read from the exchanges' documents and not from the readers."""

from __future__ import annotations

import csv
import re
import tomllib
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import keyctl
from keyctl.model.order import Leg
from keyctl.model.wire import Response
from keyctl.model.words import Market
from tests.support import waiting_oracle
from tests.support.mutations import Sample
from tests.support.raw_json import Number, Odd, fraction, has_text, is_true, same, strict_json
from tests.support.waiting_oracle import waits_apart

DATA = Path(keyctl.__file__).parent / "exchanges"


def proves_taken(leg: Leg, response: Response) -> bool:
    """Whether the answer echoes our client order id with an order id, and nothing in it speaks against us."""
    if response.status != 200:
        return False
    try:
        body = strict_json(response.body)
        return waiting_oracle.taken(body, leg) if waits_apart(leg) else TAKEN[leg.exchange](body, leg)
    except Odd:
        return False


def _binance_taken(body: Any, leg: Leg) -> bool:
    if not isinstance(body, dict) or body.get("clientOrderId") != leg.client_order_id:
        return False
    order = leg.order
    if order.market is Market.FUTURES:
        code = fraction(body.get("code"))
        good = body.get("status") != "REJECTED" and (code is None or code >= 0)
        return good and has_text(body.get("orderId")) and _binance_perpetual(body, leg)
    kind = "MARKET" if order.type == "market" else "LIMIT_MAKER" if order.post_only else "LIMIT"
    code = fraction(body.get("code"))
    return (
        has_text(body.get("orderId"))
        and body.get("symbol") == leg.native_symbol
        and body.get("side") == order.side.upper()
        and same(body.get("origQty"), order.quantity)
        and (order.price is None or same(body.get("price"), order.price))
        and body.get("type", kind) == kind
        and (kind != "LIMIT" or body.get("timeInForce", order.time_in_force.upper()) == order.time_in_force.upper())
        and body.get("status") != "REJECTED"
        and (code is None or code >= 0)
    )


def _binance_perpetual(row: dict[str, Any], leg: Leg) -> bool:
    """Whether an order object is the leg's in all that it tells."""
    order, kind = leg.order, leg.order.type.upper()
    position = str(order.position).upper() if order.hedge else "BOTH"
    lasts = "GTX" if order.post_only else order.time_in_force.upper()
    return (
        row.get("clientOrderId") == leg.client_order_id
        and row.get("symbol") == leg.native_symbol
        and row.get("side") == order.side.upper()
        and is_size(row.get("origQty"), leg)
        and (order.price is None or same(row.get("price"), order.price))
        and all(row.get(name, kind) == kind for name in ("type", "origType"))
        and row.get("positionSide", position) == position
        and (kind != "LIMIT" or row.get("timeInForce", lasts) == lasts)
        and _is_flag(row.get("closePosition", False), False)
        and (order.hedge or _is_flag(row.get("reduceOnly", order.reduce_only), order.reduce_only))
    )


def is_size(told: Any, leg: Leg, sign: int = 1) -> bool:
    """Whether a size is the leg's, or a smaller one of an order that its exchange holds to reducing, or of one that
    OKX may shrink to the balance."""
    order, number = leg.order, fraction(told)
    if number is None or not 0 < number * sign <= Fraction(order.contracts):
        return False
    if order.market is Market.SPOT:
        shrinks = leg.exchange == "okx" and order.type == "market"
    else:
        closing = {"long": "sell", "short": "buy"}.get(str(order.position))
        shrinks = order.side == closing if order.hedge else order.reduce_only
    return shrinks or number * sign == Fraction(order.contracts)


def _is_flag(value: Any, wanted: bool) -> bool:
    return value is wanted or (isinstance(value, Number) and fraction(value) == int(wanted))


def _okx_taken(body: Any, leg: Leg) -> bool:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], dict) or body.get("code") != "0":
        return False
    row = data[0]
    return row.get("clOrdId") == leg.client_order_id and row.get("sCode") == "0" and has_text(row.get("ordId"))


def _lbank_taken(body: Any, leg: Leg) -> bool:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict) or body.get("error_code") not in ("0", Number("0")):
        return False
    if leg.order.market is Market.FUTURES:
        return str(body.get("result")).lower() != "false" and _lbank_contract(data, leg)
    says_no = body.get("result") is False or str(body.get("result")).lower() == "false"
    mine = data.get("custom_id") == leg.client_order_id and data.get("symbol") == leg.native_symbol
    return mine and not says_no and has_text(data.get("order_id"))


def _lbank_contract(row: dict[str, Any], leg: Leg) -> bool:
    """Whether a contract order carries our id and tells nothing else than what was sent."""
    order = leg.order
    words = {"symbol": leg.native_symbol, "side": order.side.upper(), "offsetFlag": "0", "orderPriceType": "0"}
    words |= {"origType": "0", "posiDirection": "2", "productGroup": "SwapU"}
    numbers = {"price": order.price, "volume": order.contracts}
    return (
        row.get("clientOrderId") == leg.client_order_id
        and any(has_text(row.get(name)) for name in ("orderId", "orderSysID"))
        and all(row.get(name) is None or _code(row[name]) == word for name, word in words.items())
        and all(row.get(name) is None or same(row[name], number) for name, number in numbers.items())
    )


def _bitfinex_taken(body: Any, leg: Leg) -> bool:
    if not isinstance(body, list) or len(body) < 7 or body[6] != "SUCCESS" or not isinstance(body[4], list):
        return False
    rows = body[4] if body[4] and isinstance(body[4][0], list) else [body[4]]
    return len(rows) == 1 and _bitfinex_row(rows[0], leg) and not _bitfinex_refused_state(rows[0][13])


def _bitfinex_row(row: Any, leg: Leg) -> bool:
    order = leg.order
    kind = "MARKET" if order.type == "market" else "LIMIT" if order.time_in_force == "gtc" else order.time_in_force
    wallet = "EXCHANGE " if order.market is Market.SPOT else ""
    if not isinstance(row, list) or len(row) < 14:
        return False
    number, created = fraction(row[0]), fraction(row[5 - 1])
    earliest = datetime.combine(leg.client_order_date, datetime.min.time(), UTC) - timedelta(days=1)
    return (
        same(row[2], leg.client_order_id)
        and number is not None
        and number.denominator == 1
        and created is not None
        and created >= int(earliest.timestamp()) * 1000
        and row[3] == leg.native_symbol
        and is_size(row[7], leg, sign=1 if order.side == "buy" else -1)
        and row[8] == f"{wallet}{kind.upper()}"
        and (order.price is None or len(row) <= 16 or same(row[16], order.price))
        and (order.market is Market.SPOT or _bitfinex_terms(row, leg))
    )


def _bitfinex_terms(row: list[Any], leg: Leg) -> bool:
    """Whether flags and leverage, where they are told, are the order's."""
    flags, meta = fraction(row[12]), row[31] if len(row) > 31 else None
    if row[12] is not None and (flags is None or flags.denominator != 1):
        return False
    if flags is not None and bool(int(flags) & 1024) is not leg.order.reduce_only:
        return False
    told = meta.get("$F33") if isinstance(meta, dict) else None
    return told is None or leg.order.leverage is None or same(told, leg.order.leverage)


def _bitfinex_refused_state(text: Any) -> bool:
    return not isinstance(text, str) or text.upper().startswith(("POSTONLY", "INSUFFICIENT", "RSN_"))


TAKEN = {"binance": _binance_taken, "okx": _okx_taken, "lbank": _lbank_taken, "bitfinex": _bitfinex_taken}


# A refusal counts only where the catalogue's rows say that this code, text and HTTP status prove it.


@cache
def rows_of(exchange: str, code: str, market: str) -> tuple[dict[str, str], ...]:
    """The catalogue's rows for a code of an exchange's API of a market."""
    scopes = tomllib.loads((DATA / exchange / "facts.toml").read_text(encoding="utf-8"))["scopes"][market]
    with open(DATA / exchange / "errors.csv", encoding="utf-8", newline="") as file:
        return tuple(row for row in csv.DictReader(file) if row["code"] == code and row["scope"] in scopes)


def proves_refused(leg: Leg, response: Response) -> bool:
    """Whether the answer is a refusal that the catalogue counts as proof, and speaks of no order, ours or others'."""
    market = leg.order.market
    if (leg.exchange, market) == ("lbank", Market.FUTURES):  # nobody knows what a refusal looks like there
        return False
    try:
        body = strict_json(response.body)
    except Odd:
        return False
    if speaks_of_an_order(body, leg):
        return False
    code, text = refusal_in(leg.exchange, body)
    rows = rows_of(leg.exchange, code, str(market))
    named = [row for row in rows if row["text_match"] and _fits(row["text_match"], text)]
    chosen = named or [row for row in rows if not row["text_match"]]
    status = str(response.status)
    return bool(chosen) and all(
        row["taken"] == "no" and (status in row["http"].split() or f"{status[0]}xx" in row["http"].split())
        for row in chosen
    )


def _fits(pattern: str, text: str) -> bool:
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
        return re.search(pattern[1:-1], text, re.IGNORECASE) is not None
    return pattern.casefold() in text.casefold()


def refusal_in(exchange: str, body: Any) -> tuple[str, str]:
    """Code and text of the refusal in an answer; both empty when there is none."""
    if exchange == "bitfinex":
        return _bitfinex_refusal(body)
    if not isinstance(body, dict):
        return "", ""
    if exchange == "binance":
        number = fraction(body.get("code"))
        return (str(number) if number is not None and number.denominator == 1 else "", _plain(body.get("msg")))
    if exchange == "lbank":
        return _code(body.get("error_code")), _plain(body.get("msg"))
    data = body.get("data")
    for row in data if isinstance(data, list) else []:
        if isinstance(row, dict) and row.get("sCode") not in (None, "", "0", Number("0"), False, Number("0.0")):
            return _code(row["sCode"]), _plain(row.get("sMsg"))
    return _code(body.get("code")), _plain(body.get("msg"))


def _bitfinex_refusal(body: Any) -> tuple[str, str]:
    if isinstance(body, list) and len(body) > 1 and body[0] == "error":
        return _code(body[1]), _plain(body[2] if len(body) > 2 else "")
    if isinstance(body, list) and len(body) > 6 and body[6] == "ERROR":
        return _code(body[5]) or "10001", _plain(body[7] if len(body) > 7 else "")
    if isinstance(body, dict):
        word = _plain(body.get("error")) or _plain(body.get("message"))
        return _code(body.get("code")) or (word if word.startswith("ERR_") else ""), word
    return "", ""


def _code(value: Any) -> str:
    text = value.text if isinstance(value, Number) else value
    return text if isinstance(text, str) else ""


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join("".join(char for char in value if char.isprintable() or char.isspace()).split())


def speaks_of_an_order(value: Any, leg: Leg) -> bool:
    """Whether an order id, or somebody else's client order id, stands anywhere in a refusal."""
    if leg.exchange == "bitfinex":
        rows = value[4] if isinstance(value, list) and len(value) > 6 and isinstance(value[4], list) else []
        rows = rows if rows and isinstance(rows[0], list) else [rows]
        return any(len(row) > 2 and row[2] is not None and not same(row[2], leg.client_order_id) for row in rows)
    clients, orders = {
        "binance": (("clientOrderId", "clientAlgoId"), ("orderId", "algoId")),
        "okx": (("clOrdId", "algoClOrdId"), ("ordId", "algoId")),
    }.get(leg.exchange, (("custom_id",), ("order_id",)))
    if isinstance(value, list):
        return any(speaks_of_an_order(item, leg) for item in value)
    if not isinstance(value, dict):
        return False
    others = any(value.get(name) not in (None, "", leg.client_order_id) for name in clients)
    others = others or any(value.get(name) not in (None, "") for name in orders)
    return others or any(speaks_of_an_order(item, leg) for item in value.values())


# A look-up that finds must show an order of ours.


def shows_ours(sample: Sample, response: Response) -> bool:
    """Whether an order with our id, symbol, side, size and price stands in the answer to a look-up."""
    try:
        body = strict_json(response.body)
    except Odd:
        return False
    return any(_is_ours(item, sample.leg) for item in _items(body))


def _items(value: Any) -> list[Any]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value] + [found for item in inner for found in _items(item)]


def _is_ours(item: Any, leg: Leg) -> bool:
    if leg.exchange == "bitfinex":
        return _bitfinex_row(item, leg)
    if not isinstance(item, dict):
        return False
    if leg.order.market is Market.FUTURES:
        return _is_our_perpetual(item, leg) and not _filled_with_nothing(item, leg)
    names = {
        "binance": ("clientOrderId", "symbol", "side", "origQty", "price", "executedQty"),
        "okx": ("clOrdId", "instId", "side", "sz", "px", "accFillSz"),
        "lbank": ("clientOrderId", "symbol", "type", "origQty", "price", "executedQty"),
    }
    client, symbol, side, size, price, filled = (item.get(name) for name in names[leg.exchange])
    order, by_money = leg.order, leg.exchange == "lbank" and leg.order.type == "market" and leg.order.side == "buy"
    done = fraction(filled)
    return (
        client == leg.client_order_id
        and not _filled_with_nothing(item, leg)
        and symbol == leg.native_symbol
        and isinstance(side, str)
        and side.split("_")[0].lower() == order.side
        and (by_money or is_size(size, leg))
        and (order.price is None or same(price, order.price))
        and done is not None
        and done >= 0
        and (by_money or done <= Fraction(order.quantity))
    )


def _filled_with_nothing(item: dict[str, Any], leg: Leg) -> bool:
    """Whether an order object contradicts itself: all of it is filled, and nothing of it."""
    done = fraction(item.get("accFillSz" if leg.exchange == "okx" else "executedQty"))
    full = "1" if leg.order.market is Market.FUTURES else "2"
    if leg.exchange == "lbank":
        return done == 0 and same(item.get("status"), full)
    return done == 0 and "filled" in (str(item.get("status")).lower(), item.get("state"))


def names_asked(sample: Sample, response: Response, native: str) -> bool:
    """Whether an answer about a symbol names the one that was asked for; Bitfinex's name none."""
    if sample.leg.exchange == "bitfinex":
        return True
    name = "instId" if sample.leg.exchange == "okx" else "symbol"
    try:
        found = _items(strict_json(response.body))
    except Odd:
        return False
    return any(isinstance(item, dict) and item.get(name) == native for item in found)


def _is_our_perpetual(item: dict[str, Any], leg: Leg) -> bool:
    """Whether an order object of a perpetual is the leg's, in size, price, terms and a fill that can be."""
    order = leg.order
    filled = fraction(item.get("accFillSz" if leg.exchange == "okx" else "executedQty"))
    if filled is None or not 0 <= filled <= Fraction(order.contracts):
        return False
    if leg.exchange == "binance":
        return _binance_perpetual(item, leg)
    if leg.exchange == "lbank":
        told = all(item.get(name) is not None for name in ("symbol", "side", "price", "volume"))
        return told and _lbank_contract(item, leg)
    position = (str(order.position),) if order.hedge else ("net", "", None)
    return (
        item.get("clOrdId") == leg.client_order_id
        and item.get("instId") == leg.native_symbol
        and item.get("side") == str(order.side)
        and is_size(item.get("sz"), leg)
        and (order.price is None or same(item.get("px"), order.price))
        and item.get("tdMode") == str(order.margin)
        and item.get("posSide") in position
        and (order.hedge or is_true(item.get("reduceOnly")) is order.reduce_only)
    )
