"""Binance's futures on the twin: /fapi (USDS-M) and /dapi (COIN-M), what an account has and has set.

Source: [official, mirrored] derivatives docs 2025-11-30, "Account" and "Trade".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, PositionSide
from keyctl.twin.binance import futures_algo as algo
from keyctl.twin.binance import futures_data as data
from keyctl.twin.binance import futures_orders as orders
from keyctl.twin.binance.futures_market import Product, find_instrument, listed_at, need_instrument, product_of
from keyctl.twin.binance.gate import WHOLE, BinanceError, Params
from keyctl.twin.book import Reason, Refused
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.venue import Venue

# Fields of positionRisk by version; COIN-M has its own.
_V3_LACKS = ("leverage", "marginType", "maxQty", "maxNotionalValue", "notionalValue", "isAutoAddMargin")
_V2_LACKS = ("maxQty", "notionalValue", "marginAsset", "initialMargin", "maintMargin", "positionInitialMargin",
             "openOrderInitialMargin", "adl", "bidNotional", "askNotional")  # fmt: skip
_COINM_LACKS = (*(name for name in _V2_LACKS if name not in ("maxQty", "notionalValue")), "notional",
                "maxNotionalValue", "isolatedWallet")  # fmt: skip

Handler = Callable[[Params, Venue, Key, Product], Any]


# What an account has and has set.


def _currencies(venue: Venue, product: Product) -> list[str]:
    return sorted({settle_of(item) for item in listed_at(venue, product)})


def _balance(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    params.check_all_read()
    lacks = ("maxWithdrawAmount", "marginAvailable") if product.inverse else ("withdrawAvailable",)
    rows = [data.wallet_data(venue, key.uid, currency) for currency in _currencies(venue, product)]
    return [{name: value for name, value in row.items() if name not in lacks} for row in rows]


def _legs(venue: Venue, key: Key, *, and_both: bool) -> tuple[PositionSide | None, ...]:
    if not venue.derivatives.hedge(key.uid):
        return (None,)
    return (*((None,) if and_both else ()), PositionSide.LONG, PositionSide.SHORT)


def _risk(venue: Venue, key: Key, items: list[Instrument], lacks: tuple[str, ...], *, and_both: bool) -> list[Any]:
    rows = []
    for item in items:
        for leg in _legs(venue, key, and_both=and_both):
            row = data.position_data(venue, key.uid, item, leg)
            rows.append({name: value for name, value in row.items() if name not in lacks})
    return rows


def _in_use(venue: Venue, key: Key, item: Instrument) -> bool:
    engine = venue.derivatives
    return bool(engine.positions(key.uid, item.symbol) or engine.open_orders(key.uid, item.symbol))


def _positions_v3(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """Only symbols with a position or open orders; no leverage, no margin type."""
    one = find_instrument(params, venue, product, needed=False)
    params.check_all_read()
    items = [item for item in ([one] if one else listed_at(venue, product)) if _in_use(venue, key, item)]
    return _risk(venue, key, items, _V3_LACKS, and_both=False)


def _positions_v2(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    one = find_instrument(params, venue, product, needed=False)
    params.check_all_read()
    return _risk(venue, key, [one] if one else listed_at(venue, product), _V2_LACKS, and_both=False)


def _positions_coinm(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    """All symbols, or those of a pair or a margin asset; in hedge mode BOTH is there too."""
    pair, asset = params.get("pair"), params.get("marginAsset")
    params.check_all_read()
    items = [
        item
        for item in listed_at(venue, product)
        if pair in (None, item.native_symbol.partition("_")[0]) and asset in (None, item.settle)
    ]
    return _risk(venue, key, items, _COINM_LACKS, and_both=True)


def _account(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    params.check_all_read()
    assets = [data.asset_data(venue, key.uid, currency) for currency in _currencies(venue, product)]
    shown = []
    for item in listed_at(venue, product):
        for leg in _legs(venue, key, and_both=product.inverse):
            row = data.position_data(venue, key.uid, item, leg)
            row |= {"unrealizedProfit": row.pop("unRealizedProfit"), "isolated": row.pop("marginType") == "isolated"}
            shown.append(row)
    head = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "updateTime": 0}
    total = next((row for row in assets if row["asset"] == "USDT"), None)
    if total is not None:
        head |= {"availableBalance": total["availableBalance"], "totalWalletBalance": total["walletBalance"]}
        head |= {"totalMarginBalance": total["marginBalance"], "multiAssetsMargin": False, "tradeGroupId": -1}
    return head | {"assets": assets, "positions": shown}


def _account_config(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    params.check_all_read()
    flags = {"canTrade": True, "canDeposit": True, "canWithdraw": True, "multiAssetsMargin": False}
    hedge = venue.derivatives.hedge(key.uid)
    return {"feeTier": 0, **flags, "dualSidePosition": hedge, "updateTime": 0, "tradeGroupId": -1}


def _symbol_config(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    one = find_instrument(params, venue, product, needed=False)
    params.check_all_read()
    engine = venue.derivatives
    return [
        {
            "symbol": item.native_symbol,
            "marginType": "CROSSED" if _mode(venue, key, item) is MarginMode.CROSS else "ISOLATED",
            "isAutoAddMargin": "false",
            "leverage": int(engine.leverage(key.uid, item.native_symbol)),
            "maxNotionalValue": "100000000",
        }
        for item in ([one] if one else listed_at(venue, product))
    ]


def _mode(venue: Venue, key: Key, item: Instrument) -> MarginMode:
    return venue.derivatives.margin_mode(key.uid, item.native_symbol)


def _brackets(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    one = find_instrument(params, venue, product, needed=False)
    params.check_all_read()
    cap = ("qtyCap", "qtyFloor") if product.inverse else ("notionalCap", "notionalFloor")
    rows = []
    for item in [one] if one else listed_at(venue, product):
        bracket = {"bracket": 1, "initialLeverage": int(item.leverage_max or 1), cap[0]: 100_000_000, cap[1]: 0}
        rest = {"maintMarginRatio": Decimal("0.004"), "cum": Decimal(0)}
        rows.append({"symbol": item.native_symbol, "brackets": [bracket | rest]})
    return rows[0] if one is not None and not product.inverse else rows


def _get_dual(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    params.check_all_read()
    return {"dualSidePosition": venue.derivatives.hedge(key.uid)}


def _set_dual(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    wanted = params.need("dualSidePosition", "^(true|false)$") == "true"
    params.check_all_read()
    if wanted is venue.derivatives.hedge(key.uid):
        raise BinanceError(-4059, "No need to change position side.")
    try:
        venue.derivatives.set_hedge(key.uid, wanted)
    except Refused as refused:
        if refused.reason is Reason.POSITION_EXISTS:
            raise BinanceError(-4068, "Position side cannot be changed if there exists position.") from None
        raise BinanceError(-4067, "Position side cannot be changed if there exists open orders.") from None
    return {"code": 200, "msg": "success"}


def _set_margin_type(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    item, wanted = need_instrument(params, venue, product), params.need("marginType", "^(ISOLATED|CROSSED)$")
    params.check_all_read()
    mode = MarginMode.ISOLATED if wanted == "ISOLATED" else MarginMode.CROSS
    if mode is _mode(venue, key, item):
        raise BinanceError(-4046, "No need to change margin type.")
    try:
        venue.derivatives.set_margin_mode(key.uid, item.native_symbol, mode)
    except Refused as refused:
        if refused.reason is Reason.POSITION_EXISTS:
            raise BinanceError(-4048, "Margin type cannot be changed if there exists position.") from None
        raise BinanceError(-4047, "Margin type cannot be changed if there exists open orders.") from None
    return {"code": 200, "msg": "success"}


def _set_leverage(params: Params, venue: Venue, key: Key, product: Product) -> Any:
    item, wanted = need_instrument(params, venue, product), Decimal(params.need("leverage", WHOLE))
    params.check_all_read()
    engine, native = venue.derivatives, item.native_symbol
    lowered = wanted < engine.leverage(key.uid, native)
    if lowered and _mode(venue, key, item) is MarginMode.ISOLATED and engine.positions(key.uid, native):
        words = "Leverage reduction is not supported in Isolated Margin Mode with open positions."
        raise BinanceError(product.codes["isolated"], words)
    try:
        engine.set_leverage(key.uid, native, wanted)
    except Refused as refused:
        if refused.reason is Reason.LEVERAGE:
            raise BinanceError(-4028, f"Leverage {wanted} is not valid") from None
        raise BinanceError(-2019, "Margin is insufficient.") from None
    cap = {"maxQty": "1000"} if product.inverse else {"maxNotionalValue": "100000000"}
    return {"symbol": native, "leverage": int(wanted), **cap}


# Method and path of signed calls: handler, the twin's name for it, whether it can change an account.
_BOTH: dict[tuple[str, str], tuple[Handler, str, bool]] = {
    ("POST", "v1/order"): (orders.place, "place", True),
    ("GET", "v1/order"): (orders.query, "query", False),
    ("GET", "v1/openOrder"): (orders.query_open, "query", False),
    ("DELETE", "v1/order"): (orders.cancel, "cancel", True),
    ("DELETE", "v1/allOpenOrders"): (orders.cancel_all, "cancel_all", True),
    ("GET", "v1/openOrders"): (orders.open_orders, "open_orders", False),
    ("GET", "v1/openAlgoOrders"): (algo.open_orders, "open_orders", False),
    ("GET", "v1/allOrders"): (orders.history, "history", False),
    ("GET", "v1/userTrades"): (orders.fills, "fills", False),
    ("POST", "v1/algoOrder"): (algo.place, "place", True),
    ("DELETE", "v1/algoOrder"): (algo.cancel, "cancel", True),
    ("GET", "v1/positionSide/dual"): (_get_dual, "futures_state", False),
    ("POST", "v1/positionSide/dual"): (_set_dual, "position_mode", True),
    ("POST", "v1/marginType"): (_set_margin_type, "margin_mode", True),
    ("POST", "v1/leverage"): (_set_leverage, "leverage", True),
}
_USDM: dict[tuple[str, str], tuple[Handler, str, bool]] = {
    ("GET", "v1/algoOrder"): (algo.query, "query", False),
    ("DELETE", "v1/algoOpenOrders"): (algo.cancel_all, "cancel_all", True),
    ("GET", "v1/allAlgoOrders"): (algo.history, "history", False),
    ("POST", "v1/order/test"): (orders.test_order, "test_order", False),
    ("GET", "v2/balance"): (_balance, "balance", False),
    ("GET", "v3/balance"): (_balance, "balance", False),
    ("GET", "v2/account"): (_account, "balance", False),
    ("GET", "v3/account"): (_account, "balance", False),
    ("GET", "v2/positionRisk"): (_positions_v2, "positions", False),
    ("GET", "v3/positionRisk"): (_positions_v3, "positions", False),
    ("GET", "v1/accountConfig"): (_account_config, "futures_state", False),
    ("GET", "v1/symbolConfig"): (_symbol_config, "futures_state", False),
    ("GET", "v1/leverageBracket"): (_brackets, "futures_state", False),
}
_COINM: dict[tuple[str, str], tuple[Handler, str, bool]] = {
    ("GET", "v1/balance"): (_balance, "balance", False),
    ("GET", "v1/account"): (_account, "balance", False),
    ("GET", "v1/positionRisk"): (_positions_coinm, "positions", False),
    ("GET", "v2/leverageBracket"): (_brackets, "futures_state", False),
}


def signed(method: str, path: str) -> tuple[Handler, str, bool, Product] | None:
    """What answers a signed call, its name, whether it changes an account, and its product; None where nothing does."""
    product = product_of(path)
    if product is None:
        return None
    where = method, path.removeprefix(product.prefix)
    found = _BOTH.get(where) or (_COINM if product.inverse else _USDM).get(where)
    return None if found is None else (*found, product)
