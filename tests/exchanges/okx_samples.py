"""OKX in tests: its perpetual swaps, legs on them, and orders as its documents show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.model.credential import Binding
from keyctl.model.order import Leg, Order
from keyctl.model.wire import Request
from keyctl.model.words import Algorithm, Kind, Market, OrderType, Side
from keyctl.secret import Secret
from tests.exchanges.contract import SENT_MS, STAMP
from tests.support.ccxt_oracle import oracle

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
API_KEY = "37c541a1-0000-4000-8000-10fe7a038418"
LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"
SWAP = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "uly": "BTC-USDT",
    "instFamily": "BTC-USDT",
    "baseCcy": "",
    "quoteCcy": "",
    "settleCcy": "USDT",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "ctType": "linear",
    "lever": "100",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "maxLmtSz": "100000000",
    "maxMktSz": "12000",
    "state": "live",
}
INVERSE_SWAP = {
    **SWAP,
    "instId": "BTC-USD-SWAP",
    "uly": "BTC-USD",
    "settleCcy": "BTC",
    "ctVal": "100",
    "ctValCcy": "USD",
    "ctType": "inverse",
    "lotSz": "1",
    "minSz": "1",
}


def success(*rows: Any) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def okx() -> Exchange:
    return shipped.load(Binding("okx", Kind.LIVE, "global", None, None))


def leg(**changes: Any) -> Leg:
    """A buy of 0.005 BTC, which is half a contract; `inverse=True` for 5 contracts of 100 USD."""
    coin = changes.get("inverse", False)
    order = Order(
        INVERSE if coin else LINEAR,
        Market.FUTURES,
        Side.BUY,
        OrderType.LIMIT,
        Decimal(5) if coin else Decimal("0.005"),
        Decimal("60000"),
        contract_size=Decimal(100) if coin else Decimal("0.01"),
    )
    client_order_id = okx().new_client_order_id(bytes(range(200, 232)))
    native = "BTC-USD-SWAP" if coin else "BTC-USDT-SWAP"
    return Leg("plan", 0, "a", "a", "okx", replace(order, **changes), native, client_order_id, date(2026, 9, 21))


def sent(request: Request) -> Any:
    signer = okx().signer(API_KEY, Secret(SECRET), Algorithm.HMAC, Secret("Phrase-1"))
    return signer.sign(request, STAMP)


def kind_shown(order: Order) -> str:
    """The ordType under which OKX shows an order."""
    lasts = str(order.time_in_force)
    if order.type is OrderType.MARKET:
        return "optimal_limit_ioc" if order.market is Market.FUTURES and lasts == "ioc" else "market"
    return "post_only" if order.post_only else {"gtc": "limit"}.get(lasts, lasts)


def order_row(one: Leg, **changes: Any) -> dict[str, Any]:
    """The leg's order as OKX shows it in look-ups."""
    order = one.order
    shown = {
        "instType": "SWAP",
        "instId": one.native_symbol,
        "ordId": "4711",
        "clOrdId": one.client_order_id,
        "px": "" if order.price is None else str(order.price),
        "sz": format(order.contracts.normalize(), "f"),
        "ordType": kind_shown(order),
        "side": str(order.side),
        "posSide": str(order.position) if order.hedge else "net",
        "tdMode": str(order.margin or "cross"),
        "accFillSz": "0",
        "avgPx": "",
        "state": "live",
        "lever": "3",
        "fee": "0",
        "feeCcy": "BTC" if order.inverse else "USDT",
        "reduceOnly": str(order.reduce_only and not order.hedge).lower(),
        "cTime": str(SENT_MS),
    }
    return {**shown, **changes}


def client() -> Any:
    """ccxt's OKX client, offline, that knows the two swaps."""
    made = oracle("okx", apiKey=API_KEY, secret=SECRET, password="Phrase-1")
    made.options["createOrder"] = "privatePostTradeOrder"
    markets = [made.parse_market(row) for row in (SWAP, INVERSE_SWAP)]
    made.set_markets([*made.markets.values(), *markets])
    return made
