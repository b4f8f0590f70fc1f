"""What the raw bytes say of wallets, positions, leverage, open orders and bands: a second reading of the documents.

It shares nothing with the readers. Bytes that could be read in two ways are Odd, and then no reader may read them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position
from keyctl.model.venue import Balances, PriceBand
from keyctl.model.wire import Response
from tests.support.futures_samples import FuturesSample
from tests.support.raw_json import Number, Odd, fraction, is_true, strict_json
from tests.support.row_oracle import Rows, each

READERS = ("margin", "positions", "futures_state", "setup", "open_orders", "band")
_MARGINS = {"CROSSED": "cross", "CROSS": "cross", "ISOLATED": "isolated"}


def plainly(value: Any) -> Any:
    """A reading in the shape in which the oracle tells its own."""
    if isinstance(value, Balances):
        return _amounts(value.free), _amounts(value.total or {})
    if isinstance(value, PriceBand):
        return _exact(value.highest_buy), _exact(value.lowest_sell)
    if isinstance(value, FuturesState):
        held = [(item.native_symbol, str(item.side), _exact(item.contracts)) for item in value.positions]
        leverages = _exact(value.leverage_long), _exact(value.leverage_short)
        return value.hedge, _word(value.margin), *leverages, Rows(held, value.odd), value.open_orders
    if isinstance(value, tuple):
        read = [_item(item) for item in value if not isinstance(item, OddRow)]
        return Rows(read, len(value) - len(read))
    return value


def _item(item: Position | OpenOrder) -> tuple[Any, ...]:
    if isinstance(item, Position):
        margin, leverage = _word(item.margin), _exact(item.leverage)
        return item.native_symbol, str(item.side), _exact(item.contracts), item.hedge, margin, leverage
    numbers = _exact(item.quantity), _exact(item.quote_quantity), _exact(item.filled), _exact(item.price)
    names = item.native_symbol, str(item.side), item.exchange_order_id, item.client_order_id
    return *names, *numbers, item.reduce_only, _word(item.trigger), _exact(item.trigger_price)


def _amounts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _exact(value) for name, value in values.items()}


def _exact(value: Any) -> Fraction | None:
    return None if value is None else Fraction(value)


def _word(value: Any) -> str | None:
    return None if value is None else str(value)


def second_reading(sample: FuturesSample, response: Response) -> Any:
    """What the bytes say, in the shape of `plainly`. Raises Odd."""
    bodies = [strict_json(response.body)]
    if sample.reader == "futures_state":
        bodies = [strict_json(answer.body) for answer in sample.beside]
        bodies[sample.step] = strict_json(response.body)
    return _SECOND[sample.exchange.name, sample.reader](bodies, sample)


# The pieces.


def number(value: Any) -> Fraction:
    found = fraction(value)
    if found is None:
        raise Odd
    return found


def optional(value: Any, *empty: Any) -> Fraction | None:
    return None if value is None or value in empty else number(value)


def rounded(value: Fraction) -> Fraction:
    """The result of one sum or product as decimals of 28 digits have it."""
    return Fraction(Decimal(value.numerator) / Decimal(value.denominator))


# More digits than Python itself would write down.
WHOLE_MAX = 10**4000


def whole(value: Any) -> int:
    found = number(value)
    if found.denominator != 1 or abs(found) >= WHOLE_MAX:
        raise Odd
    return int(found)


def word(value: Any) -> str:
    if isinstance(value, Number) and re.fullmatch("-?[0-9]+", value.text):
        return "0" if value.text == "-0" else value.text
    found: str = need(value, str)
    return found


def named(value: Any) -> str:
    """A symbol's name; one that is longer than any is none."""
    sure(len(word(value)) <= 60)
    return word(value)


def need(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (kind is str and not value):
        raise Odd
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    return [need(item, dict) for item in need(value, list)]


def sure(condition: bool) -> None:
    if not condition:
        raise Odd


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a mapping; a name told twice is odd."""
    sure(len({name for name, _ in pairs}) == len(pairs))
    return dict(pairs)


def is_nothing(value: Any) -> bool:
    """Whether a value is what venues write for "none": null, "", 0, an empty list."""
    if isinstance(value, Number):
        return fraction(value) == 0
    return not value


def one(rows: list[Any]) -> Any:
    sure(len(rows) == 1)
    return rows[0]


def side_of(amount: Fraction) -> str:
    return "long" if amount > 0 else "short"


# Binance.


def _binance_margin(bodies: list[Any], sample: FuturesSample) -> Any:
    rows = objects(bodies[0])
    free = [(word(row.get("asset")), number(row.get("availableBalance"))) for row in rows]
    sums = [rounded(number(row.get("balance")) + number(row.get("crossUnPnl"))) for row in rows]
    total = list(zip((word(row.get("asset")) for row in rows), sums, strict=True))
    return once(free), once(total)


def _binance_settings(row: dict[str, Any]) -> tuple[str, Fraction]:
    margin = _MARGINS.get(need(row.get("marginType"), str).upper())
    leverage = whole(row.get("leverage"))
    sure(margin is not None and leverage >= 1)
    return str(margin), Fraction(leverage)


def _binance_computed(row: dict[str, Any]) -> tuple[str, Fraction | None]:
    margin = "isolated" if number(row.get("isolatedMargin")) else "cross"
    initial = number(row.get("positionInitialMargin"))
    if initial <= 0:
        return margin, None
    ratio = abs(number(row.get("notional"))) / initial
    leverage = Fraction(round(ratio))
    near = leverage >= 1 and abs(ratio - leverage) <= leverage / 1000
    return margin, leverage if near else None


def _binance_held(row: dict[str, Any]) -> tuple[str, str, Fraction, bool] | None:
    amount = number(row.get("positionAmt"))
    if not amount:
        return None
    named, side = row.get("positionSide"), side_of(amount)
    sure(named in ("BOTH", side.upper()))
    return word(row.get("symbol")), side, abs(amount), named != "BOTH"


def _binance_positions(bodies: list[Any], sample: FuturesSample) -> Any:
    def read(row: Any) -> Any:
        held = _binance_held(need(row, dict))
        return held and (*held, *(_binance_settings(row) if "leverage" in row else _binance_computed(row)))

    return each(need(bodies[0], list), read)


def _named(name: str) -> Callable[[Any], Any]:
    """A row that tells its symbol under that name; else it is odd."""

    def read(row: Any) -> Any:
        word(need(row, dict).get(name))
        return _Row(row)

    return read


class _Row(dict[str, Any]):
    """A row among others: each is one of its own."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict has none


def _binance_state(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.instrument is not None
    native, inverse = sample.instrument.native_symbol, sample.instrument.inverse
    hedge = need(need(bodies[0], dict).get("dualSidePosition"), bool)
    told = each(need(bodies[1], list), _named("symbol"))
    orders = each(need(bodies[2], list) + need(bodies[3], list), _named("symbol"))
    rows = [row for row in told.read if row.get("symbol") == native or not inverse]
    sure(all(row.get("symbol") == native for row in [*rows, *orders.read]))
    settings = rows if inverse else [one([row for row in objects(bodies[4]) if row.get("symbol") == native])]
    margin, leverage = one(list({_binance_settings(row) for row in settings}))
    held = each(rows, _binance_held)
    sure(all(item[3] is hedge for item in held.read) and len({item[1] for item in held.read}) == len(held.read))
    shown = Rows((item[:3] for item in held.read), told.odd + orders.odd + held.odd)
    return hedge, margin, leverage, leverage, shown, len(orders.read)


_BINANCE_AT_MARKET = ("STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


def _binance_orders(bodies: list[Any], sample: FuturesSample) -> Any:
    waits = sample.request is not None and "Algo" in sample.request.path

    def read(row: Any) -> Any:
        need(row, dict)
        price = number(row.get("price", Number("0")))
        own = row.get("clientAlgoId" if waits else "clientOrderId")
        sure(row.get("side") in ("BUY", "SELL"))
        trigger: tuple[Any, ...] = (None, None)
        if waits:  # one whose trigger moves with the market need not tell a price
            at = Fraction(0) if is_nothing(row.get("triggerPrice")) else number(row["triggerPrice"])
            profit = word(row.get("orderType")).startswith("TAKE_PROFIT")
            trigger = "take_profit" if profit else "stop", at if at > 0 else None
        names = word(row.get("symbol")), row["side"].lower(), word(row.get("algoId" if waits else "orderId"))
        size, done = number(row.get("quantity" if waits else "origQty")), number(row.get("executedQty", Number("0")))
        reduces = row.get("reduceOnly") is True or row.get("closePosition") is True
        kind, spot = row.get("orderType" if waits else "type"), sample.leg.order.market == "spot"
        at_market = kind in ("MARKET", *(("STOP_LOSS", "TAKE_PROFIT") if spot else _BINANCE_AT_MARKET))
        limit = None if at_market or price <= 0 else price
        told = *names, None if is_nothing(own) else word(own), size, None, done, limit, reduces
        return (*told, *trigger)

    return each(need(bodies[0], list), read)


def _binance_setup(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.request is not None
    body, asked = need(bodies[0], dict), dict(sample.request.params)
    if sample.request.path.endswith("/marginType"):
        sure(whole(body.get("code")) == 200)
    else:
        sure(body.get("symbol") == asked["symbol"] and whole(body.get("leverage")) == asked["leverage"])


def _binance_band(bodies: list[Any], sample: FuturesSample) -> Any:
    rules = sample.instrument
    assert rules is not None and rules.band_up is not None and rules.band_down is not None
    rows = bodies[0] if isinstance(bodies[0], list) else [bodies[0]]
    mark = number(one([row for row in objects(rows) if row.get("symbol") == rules.native_symbol]).get("markPrice"))
    sure(mark > 0)
    return _band(mark, rules.band_up, rules.band_down)


def _band(mark: Fraction, up: Any, down: Any) -> tuple[Fraction, Fraction]:
    return rounded(mark * Fraction(up)), rounded(mark * Fraction(down))


# OKX.


def okx_rows(body: Any) -> list[dict[str, Any]]:
    return objects(_okx_data(body))


def _okx_data(body: Any) -> list[Any]:
    sure(need(body, dict).get("code") == "0")
    found: list[Any] = need(body.get("data"), list)
    return found


def _okx_margin(bodies: list[Any], sample: FuturesSample) -> Any:
    free, total = [], []
    for row in objects(one(okx_rows(bodies[0])).get("details")):
        available = optional(row.get("availEq"), "")
        available = optional(row.get("availBal"), "") if available is None else available
        if available is not None:
            free.append((word(row.get("ccy")), available))
        total.append((word(row.get("ccy")), number(row.get("eq"))))
    return once(free), once(total)


def _okx_positions(bodies: list[Any], sample: FuturesSample) -> Any:
    def read(row: Any) -> Any:
        if need(row, dict).get("instType") in ("MARGIN", "OPTION", "EVENTS"):
            return None
        size, told = number(row.get("pos")), row.get("posSide")
        if not size:
            return None
        sure(told == "net" or (told in ("long", "short") and size > 0))
        native = need(row.get("instId"), str)
        sure(row.get("instType") == ("SWAP" if native.endswith("-SWAP") else "FUTURES"))
        sure(row.get("mgnMode") in ("cross", "isolated"))
        side = side_of(size) if told == "net" else told
        leverage = optional(row.get("lever"), "")
        return native, side, abs(size), told != "net", row["mgnMode"], leverage

    return each(_okx_data(bodies[0]), read)


def _okx_state(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.instrument is not None
    native, margin = sample.instrument.native_symbol, str(sample.margin or "cross")
    account = one(okx_rows(bodies[0]))
    hedge = {"net_mode": False, "long_short_mode": True}.get(need(account.get("posMode"), str))
    sure(hedge is not None and word(account.get("acctLv")) not in ("1", "4"))
    pairs = []
    for row in okx_rows(bodies[1]):
        sure(row.get("instId") == native and row.get("mgnMode") == margin)
        pairs.append((need(row.get("posSide"), str), number(row.get("lever"))))
    told = once(pairs)
    sure(set(told) == {"long", "short"} if len(told) > 1 else set(told) == {"net"})
    sure(all(value > 0 for value in told.values()))
    sure(bool(hedge) or "net" in told)
    sure(not (hedge and margin == "isolated" and "net" in told))
    held, orders = _okx_positions([bodies[2]], sample), each(_okx_data(bodies[3]), _named("instId"))
    sure(all(item[0] == native and item[3] is hedge for item in held.read))
    sure(all(row.get("instId") == native for row in orders.read))
    long, short = (told.get(side, told.get("net")) for side in ("long", "short"))
    shown = Rows((item[:3] for item in held.read), held.odd + orders.odd)
    return hedge, None, long, short, shown, len(orders.read)


def _okx_setup(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.request is not None
    rows, asked = okx_rows(bodies[0]), dict(sample.request.params)
    sure(bool(rows))
    for row in rows:
        sure(row.get("instId") == asked["instId"] and row.get("mgnMode") == asked["mgnMode"])
        sure(number(row.get("lever")) == Fraction(str(asked["lever"])))
        sure("posSide" not in asked or row.get("posSide") == asked["posSide"])


def _okx_orders(bodies: list[Any], sample: FuturesSample) -> Any:
    """The orders of the book, or those that wait: both calls cut their lists at a hundred."""
    assert sample.request is not None
    waits, futures = "algo" in sample.request.path, sample.leg.order.market == "futures"
    rows = _okx_data(bodies[0])
    sure(len(rows) < 100)

    def sized(row: dict[str, Any], size: Fraction, at_market: bool) -> tuple[Fraction | None, Fraction | None]:
        """The size in the base currency, or the amount of quote currency that sizes a market order on spot."""
        if futures or not at_market:
            return size, None
        unit = row.get("tgtCcy")
        sure(unit in ("base_ccy", "quote_ccy", "", None))
        unit = unit or {"buy": "quote_ccy", "sell": "base_ccy"}[row["side"]]
        return (size, None) if unit == "base_ccy" else (None, size)

    def read(row: Any) -> Any:
        native = need(need(row, dict).get("instId"), str)
        kinds = ("SWAP" if native.endswith("-SWAP") else "FUTURES") if futures else "SPOT"
        sure(row.get("instType") == kinds and row.get("side") in ("buy", "sell"))
        own = row.get("algoClOrdId") if waits or is_nothing(row.get("clOrdId")) else row["clOrdId"]
        names = need(row.get("instId"), str), row["side"], word(row.get("algoId" if waits else "ordId"))
        client = _shown(own) if isinstance(own, str) and own else None
        reduces = is_true(row.get("reduceOnly"))
        if waits:
            trigger, at, price = _okx_trigger(row)
            size = optional(row.get("sz"), "") or Fraction(0)
            sure(size >= 0)
            sizes = sized(row, size, price in (None, -1))
            return *names, client, *sizes, Fraction(0), None if price == -1 else price, reduces, trigger, at
        size, done = number(row.get("sz")), number(row.get("accFillSz"))
        sizes = sized(row, size, row.get("ordType") in ("market", "optimal_limit_ioc"))
        sure(done >= 0 and size >= 0 and (done <= size or sizes[0] is None))
        return *names, client, *sizes, done, optional(row.get("px"), ""), reduces, None, None

    return each(rows, read)


def _okx_trigger(row: dict[str, Any]) -> tuple[str, Fraction, Fraction | None]:
    """Stop or take-profit, its trigger, and its price then; -1 means market. With both it is the stop."""
    if (at := optional(row.get("slTriggerPx"), "")) is not None:
        return "stop", at, optional(row.get("slOrdPx"), "")
    at, profit = (optional(row.get(name), "") for name in ("tpTriggerPx", "tpOrdPx"))
    if at is None and profit is not None and profit != -1:  # a limit order from the start
        at = profit
    if at is not None:
        return "take_profit", at, profit
    at, last = number(row.get("triggerPx")), optional(row.get("last"), "")
    above = last is None or at > last
    return "stop" if above == (row["side"] == "buy") else "take_profit", at, optional(row.get("ordPx"), "")


def _shown(text: str, most: int = 40) -> str:
    """Text as it is shown: without what is not printed, at most so many characters."""
    plain = " ".join("".join(char for char in text if char.isprintable() or char.isspace()).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _okx_band(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.instrument is not None
    row = one(okx_rows(bodies[0]))
    sure(row.get("instId") == sample.instrument.native_symbol and isinstance(row.get("enabled", True), bool))
    if row.get("enabled", True) is False:
        return None, None
    band = number(row.get("buyLmt")), number(row.get("sellLmt"))
    sure(min(band) > 0)
    return band


# Bitfinex.


def _bitfinex_margin(bodies: list[Any], sample: FuturesSample) -> Any:
    free, total = [], []
    for row in need(bodies[0], list):
        wallet, native = need(row, list)[0:1], word(row[1] if len(row) > 1 else None)
        sure(len(row) >= 5)
        if wallet != ["margin"] or not native.endswith("F0"):
            continue
        name = {"USTF0": "USDT"}.get(native, native.removesuffix("F0"))
        total.append((name, number(row[2])))
        if row[4] is not None:
            free.append((name, number(row[4])))
    return once(free), once(total)


def _bitfinex_positions(bodies: list[Any], sample: FuturesSample) -> Any:
    return each(need(bodies[0], list), _bitfinex_held)


def _bitfinex_held(row: Any) -> Any:
    sure(isinstance(row, list) and len(row) > 9)
    if not word(row[0]).endswith("F0"):
        return None
    sure(bool(named(row[0])) and row[1] in ("ACTIVE", "CLOSED"))
    amount = number(row[2]) if row[1] == "ACTIVE" else Fraction(0)
    return (row[0], side_of(amount), abs(amount), False, "isolated", optional(row[9])) if amount else None


def _may_be(native: str, place: int | str) -> Callable[[Any], bool]:
    """Whether an odd row may be of that symbol: it names it, or none, or one that is too long to be a name."""

    def counts(row: Any) -> bool:
        try:
            named = word(need(row, list)[place] if isinstance(place, int) else need(row, dict).get(place))
        except (Odd, IndexError):
            return True
        return len(named) > 60 or _shown(named, 60) == native

    return counts


def _bitfinex_state(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.instrument is not None
    native = sample.instrument.native_symbol
    told = each(need(bodies[0], list), _bitfinex_held, _may_be(native, 0))
    # Those that the reader finds odd in other pairs are not counted, so those of other pairs are not in the reading.
    held = [item[:3] for item in told.read if item[0] == native]

    def order(row: Any) -> Any:
        sure(isinstance(row, list) and len(row) > 3)
        return named(row[3]), object()

    orders = each(need(bodies[1], list), order, _may_be(native, 3))
    sure(len(held) <= 1 and all(named == native for named, _ in orders.read))
    return False, "isolated", None, None, Rows(held, told.odd + orders.odd), len(orders.read)


def _bitfinex_orders(bodies: list[Any], sample: FuturesSample) -> Any:
    def counts(row: Any) -> bool:
        """An odd one of spot is not among those of derivatives, and one without a name may be."""
        try:
            return word(need(row, list)[3]).endswith("F0")
        except (Odd, IndexError):
            return True

    def read(row: Any) -> Any:
        sure(isinstance(row, list) and len(row) > 19)
        kind, native = word(row[8]), word(row[3])
        if not native.endswith("F0"):
            return None
        amount, rest = number(row[7]), number(row[6])
        done = rounded(abs(amount) - abs(rest))
        sure(amount != 0 and done >= 0)
        kind = kind.removeprefix("EXCHANGE ")
        price = None if kind in ("MARKET", "STOP", "TRAILING STOP") else number(row[19 if "STOP" in kind else 16])
        client = None if row[2] is None else str(whole(row[2]))
        flags = 0 if row[12] is None else whole(row[12])
        side = "buy" if amount > 0 else "sell"
        trigger = ("stop", number(row[16])) if "STOP" in kind else (None, None)
        own = word(row[0])
        sure(re.fullmatch("-?[0-9]+", own) is not None)
        told = native, side, own, client, abs(amount), None, done, price, bool(flags & 1024)
        return (*told, *trigger)

    return each(need(bodies[0], list), read, counts)


# LBank's contracts.


def _lbank_data(body: Any) -> Any:
    need(body, dict)
    sure(word(body.get("error_code")) == "0" and str(body.get("result")).lower() != "false")
    return body.get("data")


def _lbank_margin(bodies: list[Any], sample: FuturesSample) -> Any:
    data = _lbank_data(bodies[0])
    rows = objects(data if isinstance(data, list) else [data])
    names = [word(row.get("asset", "USDT")).upper() for row in rows]
    free = zip(names, (number(row.get("available")) for row in rows), strict=True)
    return once(list(free)), once(list(zip(names, (number(row.get("balance")) for row in rows), strict=True)))


def _lbank_held(row: Any) -> Any:
    amount, direction = number(need(row, dict).get("position")), word(row.get("posiDirection"))
    native = word(row.get("symbol"))
    if not amount:
        return None
    sure(bool(named(native)))
    sure(direction in ("0", "2") and not (direction == "0" and amount < 0))
    return native, side_of(amount), abs(amount), direction != "2", None, number(row.get("leverage"))


def _lbank_positions(bodies: list[Any], sample: FuturesSample) -> Any:
    return each(need(_lbank_data(bodies[0]), list), _lbank_held)


def _lbank_state(bodies: list[Any], sample: FuturesSample) -> Any:
    assert sample.instrument is not None
    native = sample.instrument.native_symbol
    rows = objects(_lbank_data(bodies[0]))
    mine = one([row for row in rows if row.get("symbol") == native])
    leverage = number(mine.get("leverage"))
    sure(word(mine.get("posiDirection")) == "2" and leverage > 0)
    told = need(need(_lbank_data(bodies[1]), dict).get("resultList"), list)
    orders = each(told, _lbank_order, _may_be(native, "symbol"))
    held = each(rows, _lbank_held, _may_be(native, "symbol"))
    mine_held = [item[:3] for item in held.read if item[0] == native]
    shown = Rows(mine_held, held.odd + orders.odd)
    return False, None, leverage, leverage, shown, sum(item[0] == native for item in orders.read)


def _lbank_orders(bodies: list[Any], sample: FuturesSample) -> Any:
    return each(need(need(_lbank_data(bodies[0]), dict).get("resultList"), list), _lbank_order)


def _lbank_order(row: Any) -> Any:
    state = whole(need(row, dict).get("status"))
    sure(state in (1, 2, 3, 4, 6))
    if state not in (2, 4):
        return None
    sure(row.get("side") in ("BUY", "SELL"))
    price = number(row.get("price")) if word(row.get("orderPriceType")) == "0" else None
    own = None if row.get("clientOrderId") in (None, "") else word(row["clientOrderId"])
    names = named(row.get("symbol")), row["side"].lower(), word(row.get("orderId") or row.get("orderSysID")), own
    return *names, number(row.get("volume")), None, number(row.get("executedQty")), price, False, None, None


def _lbank_setup(bodies: list[Any], sample: FuturesSample) -> Any:
    """Nothing need be echoed: the read-back that follows is what confirms. What is echoed must agree."""
    assert sample.request is not None
    data = _lbank_data(bodies[0])
    for name, sent in sample.request.params if isinstance(data, dict) else ():
        told = data.get(name)
        sure(told is None or (told.text if isinstance(told, Number) else _shown(str(told))) == str(sent))


def _lbank_band(bodies: list[Any], sample: FuturesSample) -> Any:
    rules = sample.instrument
    assert rules is not None
    rows = [row for row in objects(_lbank_data(bodies[0])) if row.get("symbol") == rules.native_symbol]
    mark = number(one(rows).get("markedPrice"))
    sure(mark > 0)
    return _band(mark, rules.band_up, rules.band_down)


_Second = Callable[[list[Any], FuturesSample], Any]
_SECOND: dict[tuple[str, str], _Second] = {
    ("binance", "margin"): _binance_margin,
    ("binance", "positions"): _binance_positions,
    ("binance", "futures_state"): _binance_state,
    ("binance", "open_orders"): _binance_orders,
    ("binance", "setup"): _binance_setup,
    ("binance", "band"): _binance_band,
    ("okx", "margin"): _okx_margin,
    ("okx", "positions"): _okx_positions,
    ("okx", "futures_state"): _okx_state,
    ("okx", "open_orders"): _okx_orders,
    ("okx", "setup"): _okx_setup,
    ("okx", "band"): _okx_band,
    ("bitfinex", "margin"): _bitfinex_margin,
    ("bitfinex", "positions"): _bitfinex_positions,
    ("bitfinex", "futures_state"): _bitfinex_state,
    ("bitfinex", "open_orders"): _bitfinex_orders,
    ("lbank", "margin"): _lbank_margin,
    ("lbank", "positions"): _lbank_positions,
    ("lbank", "futures_state"): _lbank_state,
    ("lbank", "open_orders"): _lbank_orders,
    ("lbank", "setup"): _lbank_setup,
    ("lbank", "band"): _lbank_band,
}
