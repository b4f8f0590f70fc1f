"""What OKX's answers look like: the instruments it lists, and orders, balances and tickers as JSON of texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import OrderState, OrderType, TimeInForce
from keyctl.twin.book import Balance, Book, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.happenings import Happening
from keyctl.twin.keys import Key
from keyctl.twin.okx.swaps_data import kind_of, swap_fields, swap_order_fields, wallet_fields
from keyctl.twin.venue import Venue

# An order that was canceled without any fill is forgotten after two hours.
FORGOTTEN_AFTER_MS = 2 * 3600 * 1000
# Symbol, price step, size step, smallest size, largest limit size.
_LISTED = (
    ("BTC/USDT", "0.1", "0.00000001", "0.00001", "9999999999"),
    ("ETH/USDT", "0.01", "0.000001", "0.0001", "9999999999"),
    ("SOL/USDT", "0.01", "0.000001", "0.001", "9999999999"),
    ("BTC/USDC", "0.1", "0.00000001", "0.00001", "9999999999"),
    ("ETH/BTC", "0.00001", "0.000001", "0.001", "9999999999"),
)
_STATES = {
    OrderState.CLOSED: "filled",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "canceled",
    OrderState.REJECTED: "canceled",
}
_CANCEL_SOURCES = {
    "user": ("1", "Order canceled by user"),
    "fok": ("13", "FOK order was canceled due to incompletely filled"),
    "ioc": ("14", "IOC order was partially canceled due to incompletely filled"),
    "post_only": ("31", "The post-only order will take liquidity in maker orders"),
}


def listed() -> tuple[Instrument, ...]:
    """The twin's symbols with steps and minima as OKX has them; it knows no smallest value."""
    return tuple(
        Instrument(
            symbol=symbol,
            native_symbol=symbol.replace("/", "-"),
            base=symbol.partition("/")[0],
            quote=symbol.partition("/")[2],
            price_step=Decimal(price_step),
            quantity_step=Decimal(step),
            min_quantity=Decimal(smallest),
            max_quantity=Decimal(largest),
            min_notional=None,
        )
        for symbol, price_step, step, smallest, largest in _LISTED
    )


def text(number: Decimal | None) -> str:
    """A number as OKX writes it; nothing is empty text."""
    return "" if number is None else digits(number)


def instrument_data(item: Instrument) -> dict[str, Any]:
    """One entry of public/instruments."""
    empty = ("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "instFamily", "lever", "optType")
    row = {
        "instType": "SPOT",
        "instId": item.native_symbol,
        **dict.fromkeys((*empty, "settleCcy", "stk", "uly"), ""),
        "baseCcy": item.base,
        "quoteCcy": item.quote,
        "category": "1",
        "listTime": "1548133413000",
        "tickSz": text(item.price_step),
        "lotSz": text(item.quantity_step),
        "minSz": text(item.min_quantity),
        "maxLmtSz": text(item.max_quantity),
        "maxMktSz": "1000000",
        "maxLmtAmt": "20000000",
        "maxMktAmt": "1000000",
        "ruleType": "normal",
        "state": "live" if item.active else "suspend",
        "tradeQuoteCcyList": [item.quote],
        "upcChg": [],
    }
    return row if item.settle is None else row | swap_fields(item)


def last_price(item: Instrument, venue: Venue) -> Decimal:
    """The price of the last trade of a pair or swap, as the twin tells it: the best bid."""
    book = venue.book(item.symbol) if item.settle is None else venue.derivatives.book(item.symbol)
    return book.bids[0][0]


def ticker_data(item: Instrument, book: Book, now_ms: int) -> dict[str, Any]:
    """One entry of market/ticker and market/tickers."""
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    prices = ("last", "open24h", "high24h", "low24h", "sodUtc0", "sodUtc8")
    return {
        "instType": kind_of(item),
        "instId": item.native_symbol,
        **dict.fromkeys(prices, text(bid)),
        "lastSz": text(item.min_quantity),
        "askPx": text(ask),
        "askSz": text(ask_size),
        "bidPx": text(bid),
        "bidSz": text(bid_size),
        "volCcy24h": text(1000 * bid),
        "vol24h": "1000",
        "ts": str(now_ms),
    }


def book_data(book: Book, depth: int, now_ms: int) -> dict[str, Any]:
    """The one entry of market/books."""
    sides = {"asks": book.asks[:depth], "bids": book.bids[:depth]}
    rows = {name: [[text(price), text(size), "0", "1"] for price, size in side] for name, side in sides.items()}
    return rows | {"ts": str(now_ms)}


def is_remembered(order: VenueOrder, now_ms: int) -> bool:
    """Whether look-ups still show the order."""
    ended_unfilled = not order.is_open and not order.filled
    return not (ended_unfilled and now_ms - order.updated_ms > FORGOTTEN_AFTER_MS)


def target_currency(order: VenueOrder) -> str:
    """What the size of an order on a pair is counted in, where OKX tells it: of market orders."""
    if order.type is not OrderType.MARKET:
        return ""
    return "base_ccy" if order.quote_quantity is None else "quote_ccy"


def client_id(order: VenueOrder) -> str:
    """The client's own id of an order of the book. What was an algo order has one as such only."""
    return order.client_order_id if order.algo_id is None else ""


def order_type(order: VenueOrder) -> str:
    """OKX's word for the order's type, which includes its time in force."""
    if order.type is OrderType.MARKET:
        return "optimal_limit_ioc" if order.time_in_force is TimeInForce.IOC else "market"
    if order.post_only:
        return "post_only"
    return "limit" if order.time_in_force is TimeInForce.GTC else order.time_in_force.value


def spot_mode(account_level: str) -> str:
    """The tdMode that spot orders have in that account mode: cross where margin is shared between currencies."""
    return "cross" if account_level in ("3", "4") else "cash"


def order_data(order: VenueOrder, venue: Venue) -> dict[str, Any]:
    """An order as look-ups show it."""
    last = order.fills[-1] if order.fills else None
    source = _CANCEL_SOURCES.get(order.end_reason, ("", ""))
    empty = ("ccy", "pnl", "lever", "tpTriggerPx", "tpOrdPx", "slTriggerPx", "slOrdPx")
    row = {
        "instType": "SPOT",
        "instId": order.instrument.native_symbol,
        **dict.fromkeys(empty, ""),
        "ordId": str(order.order_id),
        "clOrdId": client_id(order),
        "algoId": "" if order.algo_id is None else str(order.algo_id),
        "algoClOrdId": "" if order.algo_id is None else order.client_order_id,
        "tag": order.marks.get("tag", ""),
        "px": text(order.price),
        "sz": text(order.quantity if order.quote_quantity is None else order.quote_quantity),
        "ordType": order_type(order),
        "side": order.side.value,
        "posSide": "net",
        "tdMode": spot_mode(venue.keys[order.api_key].account_level),
        "tgtCcy": target_currency(order),
        "accFillSz": text(order.filled),
        "avgPx": text(order.average_price),
        "fillPx": text(last.price if last else None),
        "fillSz": text(last.quantity if last else Decimal(0)),
        "fillTime": str(last.at_ms) if last else "",
        "tradeId": str(last.trade_id) if last else "",
        "state": _STATES.get(order.state, "partially_filled" if order.filled else "live"),
        "feeCcy": order.fee_currency,
        "fee": text(-order.fee),
        "rebateCcy": order.instrument.quote,
        "rebate": "0",
        "category": "normal",
        "reduceOnly": "false",
        "stpMode": "cancel_maker",
        "cancelSource": source[0],
        "cancelSourceReason": source[1],
        "uTime": str(order.updated_ms),
        "cTime": str(order.booked_ms),
    }
    return row if order.instrument.settle is None else row | swap_order_fields(order, venue)


# A bill's type in OKX's numbers; a login is on no list of its own.
BILL_TYPES = {"deposit": "1", "withdrawal": "2", "transfer": "130", "change": "61"}


def bill_data(item: Happening) -> dict[str, Any]:
    """One entry of asset/bills."""
    return {
        "billId": str(item.number),
        "ccy": item.currency,
        "clientId": "",
        "balChg": text(item.amount),
        "bal": "0",
        "type": BILL_TYPES[item.kind],
        "notes": item.words,
        "ts": str(item.at_ms),
    }


def fills_data(order: VenueOrder) -> list[dict[str, Any]]:
    """An order's trades as trade/fills shows them."""
    return [
        {
            "instType": kind_of(order.instrument),
            "instId": order.instrument.native_symbol,
            "tradeId": str(fill.trade_id),
            "ordId": str(order.order_id),
            "clOrdId": client_id(order),
            "billId": str(fill.trade_id),
            "tag": order.marks.get("tag", ""),
            "fillPx": text(fill.price),
            "fillSz": text(fill.quantity),
            "side": order.side.value,
            "posSide": order.position.value if order.position else "net",
            "execType": "M" if fill.maker else "T",
            "fillPnl": text(fill.profit),
            "feeCcy": fill.fee_currency,
            "fee": text(-fill.fee),
            "ts": str(fill.at_ms),
        }
        for fill in order.fills
    ]


def config_data(key: Key, venue: Venue) -> dict[str, Any]:
    """The one entry of account/config: what the account is, and what the calling key may do."""
    rights = (("read", "read_only"), ("withdraw", "withdraw"), ("spot_trade", "trade"))
    return {
        "acctLv": key.account_level,
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "greeksType": "PA",
        "feeType": "0",
        "ip": ",".join(key.ips.get("spot", ())),
        "kycLv": "3",
        "label": key.label,
        "level": "Lv1",
        "levelTmp": "",
        "mainUid": key.uid,
        "mgnIsoMode": "automatic",
        "opAuth": "0",
        "perm": ",".join(name for right, name in rights if key.may(right)),
        "posMode": "long_short_mode" if venue.derivatives.hedge(key.uid) else "net_mode",
        "roleType": "0",
        "settleCcy": "",
        "settleCcyList": [],
        "spotBorrowAutoRepay": False,
        "spotOffsetType": "",
        "spotRoleType": "0",
        "stgyType": "0",
        "traderInsts": [],
        "type": "0",
        "uid": key.uid,
    }


def balance_data(key: Key, venue: Venue, wanted: tuple[str, ...]) -> dict[str, Any]:
    """The one entry of account/balance."""
    now = str(venue.now_ms())
    details = [
        {
            "ccy": name,
            "eq": text(balance.free + balance.locked),
            "cashBal": text(balance.free + balance.locked),
            "availBal": text(balance.free),
            "frozenBal": text(balance.locked),
            "ordFrozen": text(balance.locked),
            "uTime": now,
            **wallet_fields(key, venue, name),
        }
        for name, balance in venue.balances.get(key.uid, {}).items()
        if (not wanted or name in wanted) and (balance.free or balance.locked)
    ]
    return {"adjEq": "", "details": details, "imr": "", "isoEq": "", "mgnRatio": "", "totalEq": "", "uTime": now}


def funding_data(name: str, held: Balance) -> dict[str, str]:
    """One entry of asset/balances: what the funding account has of a currency."""
    return {
        "ccy": name,
        "bal": text(held.free + held.locked),
        "availBal": text(held.free),
        "frozenBal": text(held.locked),
    }


def currency_data(name: str) -> dict[str, Any]:
    """One entry of asset/currencies, as far as clients read it to learn the currencies."""
    return {"ccy": name, "name": name, "chain": f"{name}-Twin", "canDep": False, "canWd": False, "canInternal": False}
