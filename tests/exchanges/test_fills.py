"""How each venue's rows of trades are read: signs of fees, names, and what makes a row odd. No twin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.desk import fills_view
from keyctl.exchanges.shipped import load
from keyctl.model.credential import Binding
from keyctl.model.fills import Fill, FillsAsked, FillsPage
from keyctl.model.wire import Response
from keyctl.model.words import Kind, Market, Side
from tests.support.market_calls import read_fills, trades_of
from tests.support.world import ALL

SPOT, FUTURES = Market.SPOT, Market.FUTURES
BINANCE_SWAP: dict[str, Any] = {
    **{"symbol": "BTCUSDT", "id": 698759, "orderId": 25851813, "side": "SELL", "price": "7819.01", "qty": "0.002"},
    **{"realizedPnl": "-0.91539999", "quoteQty": "15.63802", "commission": "0.00781", "commissionAsset": "USDT"},
    **{"time": 1569514978020, "positionSide": "SHORT", "buyer": False, "maker": False},
}
BINANCE_PAIR: dict[str, Any] = {
    **{"symbol": "BNBBTC", "id": 28457, "orderId": 100234, "price": "4.00000100", "qty": "12.00000000"},
    **{"commission": "10.1", "commissionAsset": "BNB", "time": 1499865549590, "isBuyer": True, "isMaker": False},
}
OKX_SWAP: dict[str, Any] = {
    **{"instType": "SWAP", "instId": "BTC-USDT-SWAP", "tradeId": "1", "ordId": "2", "billId": "3", "clOrdId": ""},
    **{"fillPx": "60000", "fillSz": "3", "side": "buy", "posSide": "net", "execType": "T", "fillPnl": "0"},
    **{"feeCcy": "USDT", "fee": "-0.9", "ts": "1621927314985"},
}
BITFINEX_PAIR = [
    *(402088407, "tETHUST", 1574963975602, 34938060782, -0.2, 153.57, "EXCHANGE MARKET", 0, -1, -0.061668, "USD", 77),
]
LBANK_PAIR: dict[str, Any] = {
    **{"symbol": "btc_usdt", "id": "ae92", "orderId": "5976", "price": "4.1", "qty": "12", "commission": "0.012"},
    **{"time": 1499865549590, "isBuyer": True, "isMaker": False},
}


def read(exchange: str, market: Market, *rows: Any, native: str | None = None, step: int = 0) -> FillsPage:
    found = load(Binding(exchange, Kind.LIVE, "global", None, None))
    asked = FillsAsked(market, 0, 2_000_000_000_000, symbol=None, native_symbol=native)
    body: Any = list(rows)
    if exchange == "okx":
        body = {"code": "0", "data": body, "msg": ""}
    if exchange == "lbank":
        body = {"result": True, "data": body, "error_code": 0, "ts": 1}
    return read_fills(found, step, Response(200, {}, json.dumps(body).encode()), asked)


def one(exchange: str, market: Market, row: Any, native: str | None = None, step: int = 0) -> Fill:
    page = read(exchange, market, row, native=native, step=step)
    assert page.odd == ()
    (fill,) = page.fills
    return fill


@pytest.mark.parametrize(
    ("commission", "maker", "fee"),
    [
        ("0.00781", False, "0.00781"),
        ("-0.00781", False, "0.00781"),  # as the sample on the page has it: a taker pays
        ("0.002", True, "0.002"),
        ("-0.002", True, "-0.002"),
        ("0", True, "0"),
    ],
)
def test_a_fee_at_binance_is_paid_unless_a_maker_gets_it_back(commission: str, maker: bool, fee: str) -> None:
    fill = one("binance", FUTURES, BINANCE_SWAP | {"commission": commission, "maker": maker}, "BTCUSDT")
    assert (fill.fee, fill.fee_currency, fill.maker) == (Decimal(fee), "USDT", maker)
    assert (fill.side, fill.symbol, fill.profit) == (Side.SELL, "BTC/USDT:USDT", Decimal("-0.91539999"))


def test_a_spot_trade_at_binance_may_be_paid_for_in_another_coin() -> None:
    fill = one("binance", SPOT, BINANCE_PAIR, "BNBBTC")
    assert (fill.symbol, fill.side, fill.fee, fill.fee_currency) == ("BNB/BTC", Side.BUY, Decimal("10.1"), "BNB")
    assert (fill.profit, fill.at_ms, fill.exchange_order_id) == (None, 1499865549590, "100234")


@pytest.mark.parametrize(("told", "fee"), [("-0.9", "0.9"), ("0.3", "-0.3"), ("0", "0"), ("", None)])
def test_a_fee_at_okx_has_a_minus_when_it_is_paid(told: str, fee: str | None) -> None:
    assert one("okx", FUTURES, OKX_SWAP | {"fee": told}).fee == (None if fee is None else Decimal(fee))


@pytest.mark.parametrize(
    ("kind", "step", "native", "symbol"),
    [
        ("SWAP", 0, "BTC-USDT-SWAP", "BTC/USDT:USDT"),
        ("SWAP", 0, "BTC-USD-SWAP", "BTC/USD:BTC"),
        ("SWAP", 0, "BTC-USD_UM-SWAP", "BTC/USD:USD"),
        ("SWAP", 0, "BTC-USD-SOMETHING-SWAP", "BTC-USD-SOMETHING-SWAP"),
        ("FUTURES", 1, "BTC-USD_UM_XPERP-310404", "BTC/USD:USD-310404"),
        ("FUTURES", 1, "BTC-USDT-261225", "BTC/USDT:USDT-261225"),
        ("FUTURES", 1, "BTC-USD-261225", "BTC/USD:BTC-261225"),
    ],
)
def test_contracts_at_okx_are_named_as_elsewhere_or_by_their_own_name(
    kind: str, step: int, native: str, symbol: str
) -> None:
    fill = one("okx", FUTURES, OKX_SWAP | {"instType": kind, "instId": native}, step=step)
    assert (fill.symbol, fill.native_symbol) == (symbol, native)


@pytest.mark.parametrize(("told", "fee"), [(-0.061668, "0.061668"), (0.01, "-0.01"), (0, "0")])
def test_a_fee_at_bitfinex_is_below_zero_when_it_is_paid(told: float, fee: str) -> None:
    row = [*BITFINEX_PAIR]
    row[9] = told
    fill = one("bitfinex", SPOT, row)
    assert (fill.fee, fill.fee_currency, fill.symbol) == (Decimal(fee), "USD", "ETH/USDT")
    assert (fill.side, fill.quantity, fill.maker) == (Side.SELL, Decimal("0.2"), False)
    assert (fill.client_order_id, fill.profit) == ("77", None)


def test_trades_of_margin_trading_at_bitfinex_are_counted_and_not_shown() -> None:
    margin = [*BITFINEX_PAIR]
    margin[6] = "MARKET"
    page = read("bitfinex", SPOT, BITFINEX_PAIR, margin)
    assert (len(page.fills), len(page.others), page.odd) == (1, 1, ())
    assert read("bitfinex", FUTURES, BITFINEX_PAIR, margin).fills == ()


def test_what_lbank_does_not_tell_is_not_told() -> None:
    fill = one("lbank", SPOT, LBANK_PAIR, "btc_usdt")
    assert (fill.symbol, fill.fee, fill.fee_currency, fill.profit) == ("BTC/USDT", Decimal("0.012"), None, None)
    assert one("lbank", SPOT, LBANK_PAIR | {"commission": ""}, "btc_usdt").fee is None


def changed(row: list[Any], index: int, value: Any) -> list[Any]:
    return [*row[:index], value, *row[index + 1 :]]


ODD = [
    ("binance", FUTURES, "BTCUSDT", BINANCE_SWAP, BINANCE_SWAP | {"symbol": "ETHUSDT"}),
    ("binance", FUTURES, "BTCUSDT", BINANCE_SWAP, BINANCE_SWAP | {"side": "BUY"}),
    ("binance", FUTURES, "BTCUSDT", BINANCE_SWAP, BINANCE_SWAP | {"qty": "-0.01"}),
    ("binance", SPOT, "BNBBTC", BINANCE_PAIR, BINANCE_PAIR | {"isBuyer": None}),
    ("binance", SPOT, "BNBBTC", BINANCE_PAIR, BINANCE_PAIR | {"price": "0"}),
    ("binance", SPOT, "BNBBTC", BINANCE_PAIR, "no row"),
    ("okx", FUTURES, None, OKX_SWAP, OKX_SWAP | {"instType": "OPTION"}),
    ("okx", FUTURES, None, OKX_SWAP, OKX_SWAP | {"fillSz": "0"}),
    ("okx", FUTURES, None, OKX_SWAP, OKX_SWAP | {"side": "hold"}),
    ("bitfinex", SPOT, None, BITFINEX_PAIR, changed(BITFINEX_PAIR, 4, 0)),
    ("bitfinex", SPOT, None, BITFINEX_PAIR, changed(BITFINEX_PAIR, 5, None)),
    ("bitfinex", SPOT, None, BITFINEX_PAIR, changed(BITFINEX_PAIR, 1, None)),
    ("bitfinex", SPOT, None, BITFINEX_PAIR, BITFINEX_PAIR[:8]),
    ("lbank", SPOT, "btc_usdt", LBANK_PAIR, LBANK_PAIR | {"symbol": "eth_usdt"}),
    ("lbank", SPOT, "btc_usdt", LBANK_PAIR, LBANK_PAIR | {"time": "2026-11-29 13:00:00"}),
    ("lbank", SPOT, "btc_usdt", LBANK_PAIR, LBANK_PAIR | {"isBuyer": "perhaps"}),
]


@pytest.mark.parametrize(("exchange", "market", "native", "good", "odd"), ODD)
def test_an_odd_row_spoils_no_list(exchange: str, market: Market, native: str | None, good: Any, odd: Any) -> None:
    page = read(exchange, market, good, odd, native=native)
    assert (len(page.fills), len(page.odd), page.others) == (1, 1, ())
    assert page.odd[0][1].why


@pytest.mark.parametrize(
    ("exchange", "market", "size"), [("binance", SPOT, 1000), ("okx", FUTURES, 100), ("lbank", SPOT, 100)]
)
def test_a_page_is_full_by_its_rows_odd_ones_too(exchange: str, market: Market, size: int) -> None:
    native = {"binance": "BNBBTC", "lbank": "btc_usdt"}.get(exchange)
    assert read(exchange, market, *([{}] * size), native=native).full
    assert not read(exchange, market, *([{}] * (size - 1)), native=native).full


@pytest.mark.parametrize("exchange", ALL)
def test_windows_cover_the_time_asked_for_without_a_gap(exchange: str) -> None:
    found = load(Binding(exchange, Kind.LIVE, "global", None, None))
    asked = FillsAsked(
        SPOT, 1_000_000_000_000, 1_000_000_000_000 + 9 * 86_400_000 + 123, symbol="A/B", native_symbol="AB"
    )
    trades = trades_of(found, asked)
    windows = trades.windows(asked)
    assert (windows[0].end_ms, windows[-1].start_ms) == (asked.end_ms, asked.start_ms)
    assert [window.latest for window in windows] == [True] + [False] * (len(windows) - 1)
    for later, earlier in zip(windows, windows[1:], strict=False):
        assert earlier.end_ms == later.start_ms - 1
    span = trades.span_ms
    assert all(span is None or window.end_ms - window.start_ms <= span for window in windows)
    assert {(window.symbol, window.native_symbol) for window in windows} == {("A/B", "AB")}


# What a damaged answer may have in a field's place.
VALUES: list[Any] = [
    *(None, "", "x", "\x1b[31m", 0, -1, 1.5, 10**39, "1e30", "-0", "NaN", True, False, [], {}, [1], {"a": 1}),
    *("é", "=cmd()", "0x10", " 1", "9" * 200),
]
SAMPLES = [
    ("binance", FUTURES, "BTCUSDT", BINANCE_SWAP),
    ("binance", SPOT, "BNBBTC", BINANCE_PAIR),
    ("okx", FUTURES, None, OKX_SWAP),
    ("bitfinex", SPOT, None, BITFINEX_PAIR),
    ("lbank", SPOT, "btc_usdt", LBANK_PAIR),
]


def damaged(row: Any) -> Iterator[Any]:
    """The row with each of its values replaced by each of these, and without each."""
    for place in range(len(row)) if isinstance(row, list) else list(row):
        for value in VALUES:
            yield changed(row, place, value) if isinstance(row, list) else row | {place: value}
        if isinstance(row, dict):
            yield {name: value for name, value in row.items() if name != place}


@pytest.mark.parametrize(("exchange", "market", "native", "good"), SAMPLES)
def test_a_damaged_row_is_a_trade_that_can_be_shown_or_an_odd_one(
    exchange: str, market: Market, native: str | None, good: Any
) -> None:
    shown = odd = 0
    for row in damaged(good):
        try:
            page = read(exchange, market, row, native=native)
        except Unreadable:  # a number of absurd size makes the whole answer unreadable
            continue
        assert len(page.fills) + len(page.odd) + len(page.others) <= 1
        odd += len(page.odd)
        for fill in page.fills:
            line = fills_view.row_of(fill, None)
            assert Decimal(line["price"]) > 0 and Decimal(line["quantity"]) > 0
            assert datetime.fromisoformat(str(line["time"])).tzinfo is not None
            assert all("\x1b" not in str(value) for value in line.values())
            shown += 1
    assert shown > 20 and odd > 50
