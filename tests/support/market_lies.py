"""Lies in what an exchange tells around an order: prices, rules, bands, settings, positions, open orders of a symbol.

A truthful answer of each call as the documents show it, with one name or number in it told otherwise. Each is refused:
a name that is not the one that was asked for, a name that is missing, a price that cannot be one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from keyctl.exchanges.base import Exchange
from keyctl.model.venue import Instrument
from keyctl.model.wire import Response
from keyctl.model.words import Market
from tests.support.market_calls import read_futures_state, read_instrument, read_setup, read_ticker
from tests.support.order_calls import read_band
from tests.support.true_answers import AT_MS, made

Path = tuple[str | int, ...]
Read = Callable[[Exchange, Response], Any]
DROP = object()
SYMBOL, SWAP, COIN = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
_COINS = (
    "ETH SOL XRP ADA DOGE LTC BNB DOT TRX AVAX LINK UNI ATOM ETC FIL APT ARB OP SUI NEAR INJ TIA SEI WIF ICP HBAR VET"
    " ALGO XLM EOS"
).split()
_NUMBERS: tuple[Any, ...] = ("0", "-1", "-0.01", "many", "", None, True, [], {}, "NaN", "1e99", DROP)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an order API: how its answer is read, the answer, where it names the symbol, and its prices."""

    api: str
    name: str
    exchange: Exchange
    read: Read
    answer: Any
    names: tuple[Path, ...]
    numbers: tuple[Path, ...] = ()


def lies_about(call: Call) -> Iterator[tuple[str, bytes]]:
    """What is told otherwise, and the answer with it."""
    for path in call.names:
        told = _at(call.answer, path)
        others = [told.replace("BTC", coin).replace("btc", coin.lower()) for coin in _COINS]
        others += [told.swapcase(), f"{told}X", told[:-1], f" {told}", "", None, 5, [told], DROP]
        for other in others:
            if other != told and not (other is DROP and call.name == "listed ticker"):  # without it, it is a ticker
                yield f"{call.api} {call.name}: named {other!r} at {path}", _with(call.answer, path, other)
    for path in call.numbers:
        for number in _NUMBERS:
            yield f"{call.api} {call.name}: {number!r} at {path}", _with(call.answer, path, number)


def _at(value: Any, path: Path) -> Any:
    for place in path:
        value = value[place]
    return value


def _with(answer: Any, path: Path, value: Any) -> bytes:
    body = deepcopy(answer)
    holder = _at(body, path[:-1])
    if value is DROP:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return json.dumps(body).encode()


# The calls.


def ticker(native: str) -> Read:
    return lambda exchange, response: read_ticker(exchange, response, native)


def rules(symbol: str) -> Read:
    return lambda exchange, response: read_instrument(exchange, response, symbol)


def instrument(symbol: str, native: str) -> Instrument:
    return Instrument(
        symbol, native, "BTC", "USD" if symbol == COIN else "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"),
        None, None, settle="BTC" if symbol == COIN else "USDT", contract_size=Decimal(1), inverse=symbol == COIN,
        band_up=Decimal("1.05"), band_down=Decimal("0.95"),
    )  # fmt: skip


def band(one: Instrument) -> Read:
    return lambda exchange, response: read_band(exchange, response, one)


def state(one: Instrument, answers: list[Any], number: int) -> Read:
    """The reading of all that was told before an order, of which one answer is the lie."""

    def read(exchange: Exchange, response: Response) -> Any:
        told = [Response(200, {}, json.dumps(answer).encode()) for answer in answers]
        return read_futures_state(exchange, (*told[:number], response, *told[number + 1 :]), one, None)

    return read


def setup(one: Instrument, position: bool = False) -> Read:
    def read(exchange: Exchange, response: Response) -> Any:
        if exchange.name == "okx":
            terms = ("lever", "4"), ("mgnMode", "cross")
            request = exchange.write("POST", "rest", "/x", ("instId", one.native_symbol), *terms)
        else:
            request = exchange.write("POST", "futures", "/leverage", ("symbol", one.native_symbol), ("leverage", 4))
        return read_setup(exchange, response, request)

    return read


def _states(api: str, name: str, one: Instrument, answers: list[Any], names: dict[int, Path]) -> list[Call]:
    return [
        Call(api, f"state {number}", made(name), state(one, answers, number), answers[number], (path,))
        for number, path in names.items()
    ]


def _binance() -> list[Call]:
    exchange, spot, usdm, coin = made("binance"), "BTCUSDT", "BTCUSDT", "BTCUSD_PERP"
    best = {"symbol": spot, "bidPrice": "59999", "bidQty": "1", "askPrice": "60001", "askQty": "1"}
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.1"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
    ]
    listed = {"symbol": spot, "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": filters}
    contract = listed | {"marginAsset": "USDT", "contractType": "PERPETUAL", "pair": "BTCUSDT"}
    inverse = contract | {"symbol": coin, "quoteAsset": "USD", "marginAsset": "BTC", "contractSize": 100}
    inverse |= {"contractStatus": "TRADING", "pair": "BTCUSD"}
    prices: tuple[Path, ...] = (("bidPrice",), ("askPrice",))
    found = [
        Call("binance spot", "ticker", exchange, ticker(spot), best, (("symbol",),), prices),
        Call("binance spot", "rules", exchange, rules(SYMBOL), {"symbols": [listed]}, (("symbols", 0, "symbol"),)),
        Call("binance usdm", "ticker", exchange, ticker(usdm), best, (("symbol",),), prices),
        Call("binance usdm", "rules", exchange, rules(SWAP), {"symbols": [contract]}, (("symbols", 0, "symbol"),)),
    ]
    named = [best | {"symbol": coin}]
    found += [
        Call("binance coinm", "ticker", exchange, ticker(coin), named, ((0, "symbol"),), ((0, "bidPrice"),)),
        Call("binance coinm", "rules", exchange, rules(COIN), {"symbols": [inverse]}, (("symbols", 0, "symbol"),)),
    ]
    for api, symbol, native in (("binance usdm", SWAP, usdm), ("binance coinm", COIN, coin)):
        one = instrument(symbol, native)
        mark: Any = {"symbol": native, "markPrice": "60000"}
        where: Path = () if symbol == SWAP else (0,)
        told = mark if symbol == SWAP else [mark]
        found.append(Call(api, "band", exchange, band(one), told, ((*where, "symbol"),), ((*where, "markPrice"),)))
        held: dict[str, Any] = {
            "symbol": native,
            "positionSide": "BOTH",
            "positionAmt": "0.01",
            "entryPrice": "1",
            "markPrice": "1",
        }
        held |= {"liquidationPrice": "0", "unRealizedProfit": "0", "leverage": 3, "marginType": "CROSSED"}
        order = {"symbol": native, "clientOrderId": "x"}
        answers = [{"dualSidePosition": False}, [held], [order], [order]]
        answers += [[{"symbol": native, "marginType": "CROSSED", "leverage": 3}]] if symbol == SWAP else []
        found += _states(api, "binance", one, answers, {n: (0, "symbol") for n in range(1, len(answers))})
        set_now = {"symbol": native, "leverage": 4, "maxNotionalValue": "1"}
        found.append(Call(api, "setting", exchange, setup(one), set_now, (("symbol",),), (("leverage",),)))
    return found


def _okx() -> list[Call]:
    exchange, native = made("okx"), "BTC-USDT-SWAP"

    def good(row: dict[str, Any]) -> dict[str, Any]:
        return {"code": "0", "msg": "", "data": [row]}

    def best(name: str) -> Any:
        return good({"instId": name, "bidPx": "59999", "askPx": "60001", "last": "60000"})

    name: Path = ("data", 0, "instId")
    prices: tuple[Path, ...] = (("data", 0, "bidPx"), ("data", 0, "askPx"))
    steps = {"tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "1000", "state": "live"}
    pair = {"instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", **steps}
    swap = {"instType": "SWAP", "instId": native, "uly": "BTC-USDT", "settleCcy": "USDT", "ctVal": "0.01", **steps}
    swap |= {"ctMult": "1", "ctValCcy": "BTC", "ctType": "linear", "lever": "100"}
    one = instrument(SWAP, native)
    held = {"instType": "SWAP", "instId": native, "pos": "1", "posSide": "net", "mgnMode": "cross", "lever": "3"}
    answers = [
        good({"acctLv": "2", "posMode": "net_mode"}),
        good({"instId": native, "mgnMode": "cross", "posSide": "net", "lever": "3"}),
        good(held),
        good({"instId": native, "clOrdId": "x"}),
    ]
    limits = good({"instId": native, "buyLmt": "61000", "sellLmt": "59000", "enabled": True})
    bounds: tuple[Path, ...] = (("data", 0, "buyLmt"), ("data", 0, "sellLmt"))
    setting = good({"instId": native, "mgnMode": "cross", "posSide": "", "lever": "4"})
    return [
        Call("okx spot", "ticker", exchange, ticker("BTC-USDT"), best("BTC-USDT"), (name,), prices),
        Call("okx spot", "rules", exchange, rules(SYMBOL), good(pair), (name,), (("data", 0, "tickSz"),)),
        Call("okx swap", "ticker", exchange, ticker(native), best(native), (name,), prices),
        Call("okx swap", "rules", exchange, rules(SWAP), good(swap), (name,), (("data", 0, "ctVal"),)),
        Call("okx swap", "band", exchange, band(one), limits, (name,), bounds),
        Call("okx swap", "setting", exchange, setup(one), setting, (name,)),
        *_states("okx swap", "okx", one, answers, dict.fromkeys((1, 2, 3), name)),
    ]


def _lbank() -> list[Call]:
    exchange, native = made("lbank"), "BTCUSDT"

    def good(data: Any) -> dict[str, Any]:
        return {"result": "true", "error_code": 0, "msg": "Success", "data": data, "ts": AT_MS}

    best = good({"symbol": "btc_usdt", "bidPrice": "59999", "bidQty": "1", "askPrice": "60001", "askQty": "1"})
    steps = {"symbol": "btc_usdt", "quantityAccuracy": "4", "minTranQua": "0.0001", "priceAccuracy": "2"}
    book = good({"symbol": native, "bids": [{"price": "59999"}], "asks": [{"price": "60001"}]})
    contract = {"symbol": native, "baseCurrency": "BTC", "priceCurrency": "USDT", "clearCurrency": "USDT"}
    contract |= {"volumeMultiple": "1", "priceTick": "0.1", "volumeTick": "0.001", "minOrderVolume": "0.001"}
    contract |= {"maxOrderVolume": "100", "minOrderCost": "5"}
    contract |= {"priceLimitUpperValue": "0.2", "priceLimitLowerValue": "0.2"}
    one = instrument(SWAP, native)
    held = {"symbol": native, "position": "1", "posiDirection": "2", "leverage": "3", "openPrice": "1"}
    answers = [good([held | {"unrealizedProfit": "0"}]), good({"resultList": []})]
    marked = good([{"symbol": native, "markedPrice": "60000"}])
    row: Path = ("data", 0, "symbol")
    prices: tuple[Path, ...] = (("data", "bidPrice"), ("data", "askPrice"))
    sides: tuple[Path, ...] = (("data", "bids", 0, "price"), ("data", "asks", 0, "price"))
    multiple: tuple[Path, ...] = (("data", 0, "volumeMultiple"),)
    return [
        Call("lbank spot", "ticker", exchange, ticker("btc_usdt"), best, (("data", "symbol"),), prices),
        Call("lbank spot", "rules", exchange, rules(SYMBOL), good([steps]), (row,)),
        Call("lbank contract", "ticker", exchange, ticker(native), book, (("data", "symbol"),), sides),
        Call("lbank contract", "rules", exchange, rules(SWAP), good([contract]), (row,), multiple),
        Call("lbank contract", "band", exchange, band(one), marked, (row,), (("data", 0, "markedPrice"),)),
        *_states("lbank contract", "lbank", one, answers, {0: row}),
    ]


def _bitfinex() -> list[Call]:
    exchange, found = made("bitfinex"), []
    best = [59999, 1, 60001, 1, 0, 0, 60000, 1, 61000, 59000]
    for market, symbol, native in ((Market.SPOT, SYMBOL, "tBTCUST"), (Market.FUTURES, SWAP, "tBTCF0:USTF0")):
        api = "bitfinex spot" if market is Market.SPOT else "bitfinex derivatives"
        sizes = [native[1:], [None, None, None, "0.0001", "1000", None, None, None, 0.1, 0.05]]
        conf = [[native[1:]], [sizes]]
        named: tuple[Path, ...] = ((0, 0), (1, 0, 0))
        # A ticker names no symbol; one of a list would begin with it.
        found.append(Call(api, "ticker", exchange, ticker(native), best, (), ((0,), (2,))))
        found.append(Call(api, "rules", exchange, rules(symbol), conf, named, ((1, 0, 1, 3), (1, 0, 1, 4))))
        listed = Call(api, "listed ticker", exchange, ticker(native), [native, *best], ((0,),))
        found.append(listed)
    order: list[Any] = [1, None, 5, "tBTCF0:USTF0"] + [None] * 28
    answers: list[Any] = [[], [order]]
    one = instrument(SWAP, "tBTCF0:USTF0")
    return [*found, *_states("bitfinex derivatives", "bitfinex", one, answers, {1: (0, 3)})]


def all_calls() -> list[Call]:
    """Every call around an order whose answer names a symbol or tells a price of it."""
    return [*_binance(), *_okx(), *_lbank(), *_bitfinex()]
