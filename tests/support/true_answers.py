"""Answers about an order as each exchange's documents show them, by order API, with the place of every fact in them.

Written from the documents, without the readers, the builders or the twin: what the lies of tests/support/lies.py alter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.model.credential import Binding
from keyctl.model.order import Leg, Order
from keyctl.model.words import Kind, MarginMode, Market, OrderType, PositionSide, Side, TimeInForce, Trigger

OWN_ID, OWN_NUMBER = "kc0123456789abcdefghijklmnop", "31415926535"
AT_MS = 1_795_262_400_000
DAY = date(2026, 11, 21)
SIZE, PRICE, TRIGGER = Decimal("0.01"), Decimal(60_000), Decimal(59_000)
UUID = "8d3a6b1e-0000-4000-8000-00f1e2d3c4b5"
# A fact's place in an order: a name in an object, or a number in an array.
Place = str | int
Build = Callable[[Leg], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A truthful answer: how it is made, where its order is within (a path), and the places of the facts in that."""

    build: Build
    path: tuple[Place, ...]
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Api:
    """One order API: its legs by name, the answer to a new order, and those of its look-ups by step."""

    name: str
    exchange: Exchange
    legs: dict[str, Leg]
    placed: Answer
    found: dict[int, Answer]
    # What an answer to a new order tells of the order itself; the rest of its places are added echoes.
    echoes: frozenset[str] = field(default_factory=frozenset)


def text(number: Decimal | None) -> str:
    return "0" if number is None else format(number.normalize(), "f")


def orders(market: Market, **common: Any) -> dict[str, Order]:
    """An order of each kind that is told apart below."""
    symbol = common.pop("symbol", "BTC/USDT" if market is Market.SPOT else "BTC/USDT:USDT")
    base = Order(symbol, market, Side.BUY, OrderType.LIMIT, SIZE, PRICE, **common)
    market_sell: dict[str, Any] = {"side": Side.SELL, "type": OrderType.MARKET, "price": None}
    found = {
        "buy": base,
        "sell": replace(base, side=Side.SELL),
        "immediate": replace(base, time_in_force=TimeInForce.IOC),
        "post-only": replace(base, post_only=True),
        "market": replace(base, **market_sell),
    }
    if market is Market.FUTURES:
        found["reduces"] = replace(base, side=Side.SELL, reduce_only=True)
    return found


def legs_of(name: str, native: str, found: dict[str, Order], own_id: str = OWN_ID) -> dict[str, Leg]:
    return {kind: Leg("plan", 0, "a", "a", name, order, native, own_id, DAY) for kind, order in found.items()}


def made(name: str) -> Exchange:
    return shipped.load(Binding(name, Kind.DEMO, "global", "http://127.0.0.1:1", None))


# Binance.


def _binance_spot(leg: Leg) -> dict[str, Any]:
    order, at_market = leg.order, leg.order.type is OrderType.MARKET
    kind = "MARKET" if at_market else "LIMIT_MAKER" if order.post_only else "LIMIT"
    shown = {"symbol": leg.native_symbol, "orderId": 28, "orderListId": -1, "clientOrderId": leg.client_order_id}
    shown |= {"price": text(order.price), "origQty": text(order.quantity), "executedQty": "0.00000000"}
    shown |= {"cummulativeQuoteQty": "0.00000000", "status": "NEW", "timeInForce": order.time_in_force.upper()}
    return shown | {"type": kind, "side": order.side.upper(), "transactTime": AT_MS}


def _binance_perpetual(leg: Leg) -> dict[str, Any]:
    order, kind = leg.order, leg.order.type.upper()
    lasts = "GTX" if order.post_only else order.time_in_force.upper()
    shown = {"orderId": 28, "symbol": leg.native_symbol, "status": "NEW", "clientOrderId": leg.client_order_id}
    shown |= {"price": text(order.price), "avgPrice": "0.00", "origQty": text(order.contracts), "executedQty": "0"}
    shown |= {"timeInForce": lasts, "type": kind, "origType": kind, "reduceOnly": order.reduce_only}
    position = str(order.position).upper() if order.hedge else "BOTH"
    return shown | {"closePosition": False, "side": order.side.upper(), "positionSide": position, "updateTime": AT_MS}


def _binance_algo(leg: Leg) -> dict[str, Any]:
    order, at_market = leg.order, leg.order.type is OrderType.MARKET
    kind = {Trigger.STOP: "STOP", Trigger.TAKE_PROFIT: "TAKE_PROFIT"}[order.trigger or Trigger.STOP]
    shown = {"algoId": 2146760, "clientAlgoId": leg.client_order_id, "algoType": "CONDITIONAL"}
    shown |= {"orderType": kind + "_MARKET" * at_market, "symbol": leg.native_symbol, "side": order.side.upper()}
    shown |= {"positionSide": "BOTH", "timeInForce": "GTC", "quantity": text(order.contracts), "algoStatus": "NEW"}
    shown |= {"triggerPrice": text(order.trigger_price), "price": text(order.price), "workingType": "CONTRACT_PRICE"}
    return shown | {"closePosition": False, "reduceOnly": order.reduce_only, "actualOrderId": "", "createTime": AT_MS}


_SPOT = {
    **{"own id": "clientOrderId", "order id": "orderId", "symbol": "symbol", "side": "side", "size": "origQty"},
    **{"price": "price", "kind": "type", "state": "status", "filled": "executedQty", "spent": "cummulativeQuoteQty"},
}
_PERPETUAL = {name: place for name, place in _SPOT.items() if name != "spent"} | {
    **{"average": "avgPrice", "reduces": "reduceOnly", "position": "positionSide"},
}
_ALGO = {
    **{"own id": "clientAlgoId", "order id": "algoId", "symbol": "symbol", "side": "side", "size": "quantity"},
    **{"price": "price", "kind": "orderType", "state": "algoStatus", "reduces": "reduceOnly"},
    **{"position": "positionSide", "trigger": "triggerPrice"},
}


def _binance(name: str, legs: dict[str, Leg], row: Build, places: Mapping[str, Place]) -> Api:
    one, listed = Answer(row, (), places), Answer(lambda leg: [row(leg)], (0,), places)
    return Api(name, made("binance"), legs, one, {0: one, 1: listed, 2: listed}, frozenset(places))


def waiting(found: dict[str, Order]) -> dict[str, Order]:
    """Stops and take-profits of the kinds that both venues have."""
    chosen = {kind: found[kind] for kind in ("buy", "sell", "market", "reduces") if kind in found}
    waits: dict[str, Any] = {"trigger": Trigger.STOP, "trigger_price": TRIGGER}
    stops = {kind: replace(order, **waits) for kind, order in chosen.items()}
    return stops | {"take-profit": replace(chosen["buy"], trigger=Trigger.TAKE_PROFIT, trigger_price=TRIGGER)}


# OKX.


def _okx_placed(leg: Leg) -> dict[str, Any]:
    ids = {"algoClOrdId": leg.client_order_id, "algoId": "1880721064716505088"}
    if leg.order.trigger is None:
        ids = {"clOrdId": leg.client_order_id, "ordId": "312269865356374016"}
    return {"code": "0", "msg": "", "data": [{**ids, "tag": "", "ts": str(AT_MS), "sCode": "0", "sMsg": ""}]}


def _okx_row(leg: Leg) -> dict[str, Any]:
    order, futures = leg.order, leg.order.market is Market.FUTURES
    kind = "post_only" if order.post_only else {"gtc": "limit"}.get(order.time_in_force, str(order.time_in_force))
    shown = {"instType": "SWAP" if futures else "SPOT", "instId": leg.native_symbol, "ordId": "312269865356374016"}
    shown |= {"clOrdId": leg.client_order_id, "px": "" if order.price is None else text(order.price)}
    shown |= {"sz": text(order.contracts), "ordType": "market" if order.type is OrderType.MARKET else kind}
    shown |= {"side": str(order.side), "posSide": str(order.position) if order.hedge else "net" if futures else ""}
    shown |= {"tdMode": "cross" if futures else "cash", "accFillSz": "0", "avgPx": "", "state": "live", "fee": "0"}
    return shown | {"feeCcy": "USDT", "reduceOnly": str(order.reduce_only).lower(), "tgtCcy": "", "cTime": str(AT_MS)}


def _okx_algo_row(leg: Leg) -> dict[str, Any]:
    order, futures = leg.order, leg.order.market is Market.FUTURES
    mine, other = ("sl", "tp") if order.trigger is Trigger.STOP else ("tp", "sl")
    price = "-1" if order.price is None else text(order.price)
    shown: dict[str, Any] = {
        "instType": "SWAP" if futures else "SPOT",
        "instId": leg.native_symbol,
        "algoId": "1880721064716505088",
    }
    shown |= {"algoClOrdId": leg.client_order_id, "ordType": "conditional", "side": str(order.side), "state": "live"}
    shown |= {
        "sz": text(order.contracts),
        "posSide": "net" if futures else "",
        "tdMode": "cross" if futures else "cash",
    }
    shown |= {"triggerAt": "", f"{mine}TriggerPx": text(order.trigger_price), f"{mine}OrdPx": price, "ordIdList": []}
    shown |= {f"{mine}TriggerPxType": "last", f"{other}TriggerPx": "", f"{other}OrdPx": "", "tgtCcy": "base_ccy"}
    return shown | {"reduceOnly": str(order.reduce_only).lower(), "cTime": str(AT_MS)}


_OKX_PLACED = {"own id": "clOrdId", "order id": "ordId", "symbol": "instId", "side": "side", "size": "sz"}
_OKX_PLACED |= {"kind": "ordType"}
_OKX_FOUND = _OKX_PLACED | {"price": "px", "state": "state", "filled": "accFillSz", "average": "avgPx"}
_OKX_SWAP = _OKX_FOUND | {"reduces": "reduceOnly", "position": "posSide", "margin": "tdMode"}
_OKX_ALGO_IDS = {"own id": "algoClOrdId", "order id": "algoId"}
_OKX_ALGO = {name: place for name, place in _OKX_SWAP.items() if name not in ("filled", "average", "price")}


def _okx(name: str, legs: dict[str, Leg], row: Build, placed: Mapping[str, Place], found: Mapping[str, Place]) -> Api:
    answer = Answer(lambda leg: {"code": "0", "msg": "", "data": [row(leg)]}, ("data", 0), found)
    steps = range(5 if row is _okx_algo_row else 3)
    took = Answer(_okx_placed, ("data", 0), placed)
    return Api(name, made("okx"), legs, took, dict.fromkeys(steps, answer), frozenset({"own id", "order id"}))


# LBank.


def _lbank_good(data: Any) -> dict[str, Any]:
    return {"result": "true", "data": data, "error_code": 0, "ts": AT_MS}


def _lbank_row(leg: Leg) -> dict[str, Any]:
    order = leg.order
    ending = "_market" if order.type is OrderType.MARKET else "_maker" if order.post_only else ""
    ending = ending or ("" if order.time_in_force is TimeInForce.GTC else f"_{order.time_in_force}")
    shown = {"symbol": leg.native_symbol, "orderId": UUID, "clientOrderId": leg.client_order_id, "time": AT_MS}
    shown |= {"price": text(order.price), "origQty": text(order.quantity), "type": f"{order.side}{ending}"}
    return shown | {"executedQty": "0", "cummulativeQuoteQty": "0", "status": 0}


def _lbank_contract_row(leg: Leg) -> dict[str, Any]:
    order = leg.order
    shown = {"orderId": UUID, "clientOrderId": leg.client_order_id, "symbol": leg.native_symbol, "status": 2}
    shown |= {"side": order.side.upper(), "price": text(order.price), "volume": text(order.contracts)}
    return shown | {"executedQty": "0", "avgPrice": "0", "offsetFlag": "0", "orderPriceType": "0"}


_LBANK_FOUND: dict[str, Place] = {
    **{"own id": "clientOrderId", "order id": "orderId", "symbol": "symbol", "side": "type", "size": "origQty"},
    **{"price": "price", "state": "status", "filled": "executedQty", "spent": "cummulativeQuoteQty"},
}
_LBANK_PLACED: dict[str, Place] = {"own id": "custom_id", "order id": "order_id", "symbol": "symbol", "side": "type"}
_LBANK_PLACED |= {"size": "amount"}
_LBANK_CONTRACT: dict[str, Place] = {
    **{"own id": "clientOrderId", "order id": "orderId", "symbol": "symbol", "side": "side", "size": "volume"},
    **{"price": "price", "kind": "orderPriceType", "state": "status", "filled": "executedQty", "average": "avgPrice"},
}


def _lbank_spot_api() -> Api:
    legs = legs_of("lbank", "btc_usdt", orders(Market.SPOT))

    def placed(leg: Leg) -> Any:
        return _lbank_good({"symbol": leg.native_symbol, "order_id": UUID, "custom_id": leg.client_order_id})

    listed = Answer(
        lambda leg: _lbank_good({"total": 1, "orders": [_lbank_row(leg)]}), ("data", "orders", 0), _LBANK_FOUND
    )
    one = Answer(lambda leg: _lbank_good(_lbank_row(leg)), ("data",), _LBANK_FOUND)
    took = Answer(placed, ("data",), _LBANK_PLACED)
    echoes = frozenset({"own id", "order id", "symbol"})
    return Api("lbank spot", made("lbank"), legs, took, {0: one, 1: listed, 2: listed}, echoes)


def _lbank_contract_api() -> Api:
    found = {kind: order for kind, order in orders(Market.FUTURES).items() if kind in ("buy", "sell")}
    found |= {f"{kind} more": replace(order, quantity=SIZE * 3) for kind, order in found.items()}
    legs = legs_of("lbank", "BTCUSDT", found)
    one = Answer(lambda leg: _lbank_good(_lbank_contract_row(leg)), ("data",), _LBANK_CONTRACT)
    path = ("data", "resultList", 0)
    listed = Answer(lambda leg: _lbank_good({"resultList": [_lbank_contract_row(leg)]}), path, _LBANK_CONTRACT)
    places = {name: place for name, place in _LBANK_CONTRACT.items() if name not in ("state", "filled", "average")}
    took = Answer(lambda leg: _lbank_good(_lbank_contract_row(leg)), ("data",), places)
    return Api("lbank contract", made("lbank"), legs, took, {0: one, 1: listed, 2: listed}, frozenset(places))


# Bitfinex.


def _bitfinex_row(leg: Leg) -> list[Any]:
    order = leg.order
    kind = "MARKET" if order.type is OrderType.MARKET else "LIMIT"
    kind = str(order.time_in_force).upper() if order.time_in_force is TimeInForce.IOC else kind
    amount = float(order.quantity if order.side is Side.BUY else -order.quantity)
    row: list[Any] = [None] * 32
    row[0], row[2], row[3], row[4], row[5] = 139446632500, int(leg.client_order_id), leg.native_symbol, AT_MS, AT_MS
    row[6] = row[7] = amount
    row[8] = kind if order.market is Market.FUTURES else f"EXCHANGE {kind}"
    row[12] = 4096 * order.post_only + 1024 * order.reduce_only
    row[13], row[16], row[17], row[31] = "ACTIVE", float(order.price or 0), 0, {}
    return row


_BITFINEX: dict[str, Place] = {"order id": 0, "own id": 2, "symbol": 3, "size": 7, "kind": 8, "state": 13, "price": 16}
_BITFINEX |= {"left": 6, "average": 17}


def _bitfinex(name: str, legs: dict[str, Leg], places: dict[str, Place]) -> Api:
    def placed(leg: Leg) -> Any:
        return [AT_MS, "on-req", None, None, [_bitfinex_row(leg)], None, "SUCCESS", "Submitting 1 orders."]

    listed = Answer(lambda leg: [_bitfinex_row(leg)], (0,), places)
    took = Answer(placed, (4, 0), places)
    return Api(name, made("bitfinex"), legs, took, dict.fromkeys(range(3), listed), frozenset(places))


def all_apis() -> list[Api]:
    """Every order API that keyctl sends orders to."""
    spot = orders(Market.SPOT)
    swap = orders(Market.FUTURES, margin=MarginMode.CROSS)
    coin = orders(Market.FUTURES, symbol="BTC/USD:BTC", inverse=True, contract_size=Decimal(100))
    coin = {kind: replace(order, quantity=Decimal(3)) for kind, order in coin.items()}
    hedged = replace(swap["buy"], hedge=True, position=PositionSide.SHORT)
    bitfinex = {kind: replace(order, margin=None, leverage=Decimal(3)) for kind, order in swap.items()}
    contracts = {kind: replace(order, contract_size=Decimal("0.001")) for kind, order in swap.items()}
    usdm, priced = swap | {"closes": hedged}, _OKX_PLACED | {"price": "px"}
    return [
        _binance("binance spot", legs_of("binance", "BTCUSDT", spot), _binance_spot, _SPOT),
        _binance("binance usdm", legs_of("binance", "BTCUSDT", usdm), _binance_perpetual, _PERPETUAL),
        _binance("binance coinm", legs_of("binance", "BTCUSD_PERP", coin), _binance_perpetual, _PERPETUAL),
        _binance("binance algo", legs_of("binance", "BTCUSDT", waiting(swap)), _binance_algo, _ALGO),
        _okx("okx spot", legs_of("okx", "BTC-USDT", spot), _okx_row, priced, _OKX_FOUND),
        _okx(
            "okx swap", legs_of("okx", "BTC-USDT-SWAP", contracts), _okx_row, _OKX_PLACED | {"price": "px"}, _OKX_SWAP
        ),
        _okx(
            "okx algo",
            legs_of("okx", "BTC-USDT-SWAP", waiting(contracts)),
            _okx_algo_row,
            _OKX_PLACED | _OKX_ALGO_IDS,
            _OKX_ALGO | _OKX_ALGO_IDS,
        ),
        _lbank_spot_api(),
        _lbank_contract_api(),
        _bitfinex("bitfinex spot", legs_of("bitfinex", "tBTCUST", spot, OWN_NUMBER), _BITFINEX),
        _bitfinex("bitfinex derivatives", legs_of("bitfinex", "tBTCF0:USTF0", bitfinex, OWN_NUMBER), _BITFINEX),
    ]
