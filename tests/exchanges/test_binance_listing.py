"""Recorded rows of Binance's lists as rules: kinds of contracts, bounds, kinds of order, and why one does not trade."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.exchanges.base import Exchange, UnknownSymbol
from keyctl.exchanges.binance.markets import BinanceMarket
from keyctl.exchanges.binance.names import COINM, USDM, native_name, perpetual_name, spot_name
from keyctl.exchanges.encoding import encode_query
from keyctl.exchanges.shipped import load
from keyctl.model.credential import Binding
from keyctl.model.venue import Instrument
from keyctl.model.wire import Response
from keyctl.model.words import Kind, Market
from tests.support.listed import row, rows
from tests.support.market_calls import read_instrument, ticker_request
from tests.support.order_calls import band_request, names_requests, read_band, read_names

D = Decimal


def exchange() -> Exchange:
    return load(Binding("binance", Kind.LIVE, "global", None, None))


def answer(*entries: dict[str, Any]) -> Response:
    body = json.dumps({"symbols": list(entries)}, ensure_ascii=False).encode()
    return Response(200, {}, body)


def rules(symbol: str, *entries: dict[str, Any]) -> Instrument:
    return read_instrument(exchange(), answer(*entries), symbol)


# Kinds of contracts.


@pytest.mark.parametrize(
    ("case", "native", "symbol"),
    [
        ("usdm-tradifi", "XAUUSDT", "XAU/USDT:USDT"),
        ("usdm-tradifi-and-chinese", "XAUUSDT", "XAU/USDT:USDT"),
        ("usdm-tradifi-and-chinese", "测试USDT", "测试/USDT:USDT"),
        ("usdm-not-ascii", "测试测试USDT", "测试测试/USDT:USDT"),
        ("usdm-not-ascii", "币安人生USDT", "币安人生/USDT:USDT"),
        ("usdm-tick-0-minqty-0", "TUSDT", "T/USDT:USDT"),
    ],
)
def test_what_trades_without_a_date_is_a_perpetual(case: str, native: str, symbol: str) -> None:
    found = rules(symbol, *rows(case).values())
    assert (found.native_symbol, found.active, found.not_trading) == (native, True, "")
    assert exchange().native_name(symbol) == native
    assert read_names(exchange(), answer(*rows(case).values()), Market.FUTURES)[native] == symbol


@pytest.mark.parametrize(
    ("case", "native", "symbol", "why"),
    [
        ("usdm-tradifi", "BMNRUSDT", "BMNR/USDT:USDT", "has not begun"),
        ("usdm-tick-0-minqty-0", "OPENUSDT", "OPEN/USDT:USDT", "has not begun"),
        ("coinm-perpetual-delivering", "GALAUSD_PERP", "GALA/USD:GALA", "being delivered"),
        ("spot-2021-odd", "BCHSVUSDT", "BCHSV/USDT", "BREAK"),
        ("spot-2021-odd", "BTCUPUSDT", "BTCUP/USDT", "spot trading"),
    ],
)
def test_what_does_not_trade_is_listed_and_says_why(case: str, native: str, symbol: str, why: str) -> None:
    found = rules(symbol, *rows(case).values())
    assert (found.native_symbol, found.active) == (native, False)
    assert why in found.not_trading and not found.may_reduce


@pytest.mark.parametrize(
    ("status", "why", "may_reduce"),
    [
        ("SETTLING", "settled", False),
        ("DELIVERED", "delivered", False),
        ("PRE_DELIVERING", "about to be delivered", True),
        ("PRE_SETTLE", "about to be settled", True),
        ("CLOSE", "closed", False),
        ("SOMETHING_NEW", "SOMETHING_NEW", True),
        ("\x1b[31mNEW", "[31mNEW", True),
    ],
)
def test_every_state_is_called_by_its_name(status: str, why: str, may_reduce: bool) -> None:
    found = rules("T/USDT:USDT", row("usdm-tick-0-minqty-0", "TUSDT", status=status))
    assert not found.active and why in found.not_trading and found.may_reduce is may_reduce
    assert found.not_trading.isprintable()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contractType": "CURRENT_QUARTER", "symbol": "XAUUSDT_261225"}, "dated future"),
        ({"contractType": "NEXT_QUARTER DELIVERING", "symbol": "XAUUSDT_270326"}, "dated future"),
        ({"contractType": "NEXT_MONTH", "symbol": "XAUUSDT_261231"}, "dated future"),
        ({"contractType": ""}, "another kind"),
        ({"contractType": "LEVERAGED_TOKEN"}, "LEVERAGED_TOKEN"),
    ],
)
def test_a_name_that_is_listed_as_something_else_is_not_said_to_be_missing(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownSymbol) as caught:
        rules("XAU/USDT:USDT", row("usdm-tradifi", "XAUUSDT", **changes))
    assert said in caught.value.instead


@pytest.mark.parametrize("symbol", ["NOPE/USDT:USDT", "XAU/USDC:USDC", "XAU/USDT:XAU", "xau/USDT:USDT"])
def test_only_what_is_not_listed_is_unknown(symbol: str) -> None:
    try:
        rules(symbol, *rows("usdm-tradifi").values())
    except UnknownSymbol as unknown:
        assert unknown.instead == ""
    except Exception as other:  # noqa: BLE001 - whatever is raised must say why
        assert "not a perpetual" in str(other)
    else:
        pytest.fail("it was found")


# Two rows of one symbol.

IDOL = rows("usdm-two-rows-of-IDOL")


@pytest.mark.parametrize("order", [("IDOL", "IDOLUSDT"), ("IDOLUSDT", "IDOL")])
def test_the_row_that_trades_is_taken(order: tuple[str, str]) -> None:
    entries = [IDOL[name] for name in order]
    found = rules("IDOL/USDT:USDT", *entries)
    assert (found.native_symbol, found.active) == ("IDOLUSDT", True)
    names = read_names(exchange(), answer(*entries), Market.FUTURES)
    assert names == {"IDOLUSDT": "IDOL/USDT:USDT", "IDOL": "IDOL"}


def test_an_entry_under_another_name_is_never_taken_for_the_symbol() -> None:
    """Decision 50: an order must not go where the symbol that was asked for does not name it."""
    swapped = [entry | {"status": "TRADING" if name == "IDOL" else "SETTLING"} for name, entry in IDOL.items()]
    for entries in (swapped, swapped[::-1]):
        found = rules("IDOL/USDT:USDT", *entries)
        assert (found.native_symbol, found.active) == ("IDOLUSDT", False)
    with pytest.raises(Unreadable):
        rules("IDOL/USDT:USDT", IDOL["IDOL"] | {"status": "TRADING"})


@pytest.mark.parametrize("status", ["SETTLING", "PENDING_TRADING", "CLOSE"])
def test_of_two_entries_of_one_name_the_one_that_trades_is_taken(status: str) -> None:
    one = IDOL["IDOLUSDT"]
    other = one | {"status": status, "onboardDate": 1}
    for entries in ([one, other], [other, one]):
        assert rules("IDOL/USDT:USDT", *entries).active
    assert not rules("IDOL/USDT:USDT", other).active
    for pair in ([one, one], [other, other]):
        with pytest.raises(Unreadable, match="several"):
            rules("IDOL/USDT:USDT", *pair)


def test_on_spot_too() -> None:
    one = row("spot-ADAEUR-GALAEUR", "ADAEUR")
    for other in (one | {"symbol": "ADAEUROLD"}, one | {"status": "BREAK"}):
        assert rules("ADA/EUR", other, one).active and rules("ADA/EUR", one, other).native_symbol == "ADAEUR"


# Bounds and kinds of order.


@pytest.mark.parametrize(
    ("case", "native", "symbol", "most", "least_price", "most_price"),
    [
        ("spot-market-lot-size", "BTCTUSD", "BTC/TUSD", "1.87260213", "0.01", "1000000"),
        ("spot-market-lot-size", "INJBNB", "INJ/BNB", "668.53117154", "0.00001", "1000"),
        ("spot-market-lot-size", "OMBTC", "OM/BTC", "46780.30543933", "0.00000001", "1000"),
        ("spot-narrow-price-filter", "AEURUSDT", "AEUR/USDT", "11951.93849372", "0.756", "1.404"),
        ("spot-narrow-price-filter", "EURUSDC", "EUR/USDC", "109559.72552301", "0.756", "1.404"),
        ("spot-ADAEUR-GALAEUR", "EURAEUR", "EUR/AEUR", "1908652.16150627", "0.7", "1.3"),
        ("usdm-tradifi", "XAUUSDT", "XAU/USDT:USDT", "60", "0.01", "200000"),
        ("usdm-not-ascii", "币安人生USDT", "币安人生/USDT:USDT", "400000", "0.00001", "200"),
        ("coinm-perpetual-delivering", "GALAUSD_PERP", "GALA/USD:GALA", "5000", "0.00001", "5"),
    ],
)
def test_market_sizes_and_prices_have_bounds_of_their_own(
    case: str, native: str, symbol: str, most: str, least_price: str, most_price: str
) -> None:
    found = rules(symbol, *rows(case).values())
    assert found.native_symbol == native
    assert (found.market_quantity_max, found.price_min, found.price_max) == (D(most), D(least_price), D(most_price))


@pytest.mark.parametrize(
    ("symbol", "bounds"),
    [
        ("AEUR/USDT", ("1.2", "0.8", "0.8", "1.2")),
        ("EUR/USDC", ("1.2", "0.8", "0.8", "1.2")),
    ],
)
def test_the_band_by_side_lies_around_the_average_price(symbol: str, bounds: tuple[str, ...]) -> None:
    found = rules(symbol, *rows("spot-narrow-price-filter").values())
    assert (found.band_up, found.band_down, found.band_buy_down, found.band_sell_up) == tuple(map(D, bounds))
    request = band_request(exchange(), found)
    assert request is not None and (request.path, request.private) == ("/api/v3/avgPrice", False)
    average = Response(200, {}, b'{"mins": 5, "price": "1.10000000", "closeTime": 1}')
    band = read_band(exchange(), average, found)
    assert (band.highest_buy, band.lowest_sell, band.lowest_buy, band.highest_sell) == tuple(
        D("1.1") * D(bound) for bound in bounds
    )


@pytest.mark.parametrize("price", ["0", "0.00000000", "-1"])
def test_an_average_price_that_is_none_is_no_band(price: str) -> None:
    found = rules("AEUR/USDT", *rows("spot-narrow-price-filter").values())
    body = json.dumps({"mins": 5, "price": price}).encode()
    with pytest.raises(Unreadable):
        read_band(exchange(), Response(200, {}, body), found)


def test_the_one_band_of_older_rows_holds_for_both_sides() -> None:
    found = rules("YOYO/BTC", *rows("spot-2021-odd").values())
    assert (found.band_up, found.band_down, found.band_buy_down, found.band_sell_up) == (
        Decimal(5),
        D("0.2"),
        D("0.2"),
        Decimal(5),
    )
    by_last = rules("YOYO/BTC", row("spot-2021-odd", "YOYOBTC", PERCENT_PRICE={"avgPriceMins": 0}))
    assert by_last.band_up is None and band_request(exchange(), by_last) is None


@pytest.mark.parametrize(
    ("case", "symbol", "taken", "not_taken"),
    [
        ("spot-ADAEUR-GALAEUR", "ADA/EUR", {"limit", "market", "post_only", "stop_limit"}, {"stop_market"}),
        ("spot-2021-odd", "YOYO/BTC", {"limit", "ioc", "take_profit_limit"}, {"take_profit_market"}),
        ("usdm-tradifi", "XAU/USDT:USDT", {"limit", "market", "stop_market", "post_only", "gtd"}, set()),
        ("coinm-perpetual-delivering", "GALA/USD:GALA", {"market", "stop_limit", "fok"}, {"gtd"}),
    ],
)
def test_the_kinds_of_order_are_those_that_the_row_names(
    case: str, symbol: str, taken: set[str], not_taken: set[str]
) -> None:
    kinds = rules(symbol, *rows(case).values()).kinds
    assert kinds is not None and taken <= kinds and not not_taken & kinds


def test_a_row_without_kinds_bars_none() -> None:
    assert rules("XAU/USDT:USDT", *rows("usdm-tradifi-and-chinese").values()).kinds is None


def test_a_zero_switches_a_bound_off() -> None:
    found = rules("OPEN/USDT:USDT", *rows("usdm-tick-0-minqty-0").values())
    assert (found.price_step, found.price_min, found.min_quantity) == (None, None, Decimal(1))
    assert rules("T/USDT:USDT", *rows("usdm-tick-0-minqty-0").values()).min_quantity is None
    spot = rules("YOYO/BTC", *rows("spot-2021-odd").values())
    assert (spot.market_quantity_min, spot.market_quantity_step) == (None, None)
    assert rules("BCHSV/USDT", *rows("spot-2021-odd").values()).market_quantity_max is None


# Names.


@pytest.mark.parametrize(
    ("native", "symbol"),
    [("ADAEUR", "ADA/EUR"), ("GALAEUR", "GALA/EUR"), ("EURAEUR", "EUR/AEUR")],
)
def test_the_list_tells_where_a_name_is_split(native: str, symbol: str) -> None:
    found = read_names(exchange(), answer(*rows("spot-ADAEUR-GALAEUR").values()), Market.SPOT)
    assert found[native] == symbol
    assert spot_name(native) == native  # two currencies fit: no guess


@pytest.mark.parametrize(
    ("quote", "natives"),
    [("U", ("BTCU",)), ("USDE", ("BTCUSDE",)), ("USDS", ("BTCUSDS",)), ("USD1", ("BTCUSD1",)), ("NEW", ())],
)
def test_quotes_are_known_from_the_list_and_guessed_only_without_it(quote: str, natives: tuple[str, ...]) -> None:
    entry = row("spot-ADAEUR-GALAEUR", "ADAEUR", symbol=f"BTC{quote}", baseAsset="BTC", quoteAsset=quote)
    assert read_names(exchange(), answer(entry), Market.SPOT) == {f"BTC{quote}": f"BTC/{quote}"}
    assert spot_name(f"BTC{quote}") == (f"BTC/{quote}" if natives else f"BTC{quote}")


@pytest.mark.parametrize(
    ("native", "symbol", "product"),
    [
        ("BTCUSDT_261225", "BTC/USDT:USDT-261225", USDM),
        ("BTCUSD_261225", "BTC/USD:BTC-261225", COINM),
        ("BTCUSD_PERP", "BTC/USD:BTC", COINM),
        ("币安人生USDT", "币安人生/USDT:USDT", USDM),
        ("ETHUSDC", "ETH/USDC:USDC", USDM),
    ],
)
def test_native_names_follow_from_ours_and_lead_back(native: str, symbol: str, product: Any) -> None:
    assert native_name(symbol) == native
    assert perpetual_name(native) == symbol
    market = exchange().market(Market.FUTURES, native)
    assert isinstance(market, BinanceMarket) and market.product == product


def test_names_are_asked_for_in_one_call_as_utf_8() -> None:
    (request,) = names_requests(exchange(), Market.SPOT, ("ADAEUR", "币安BTC"))
    assert encode_query(request.params) == (
        "symbols=%5B%22ADAEUR%22%2C%22%E5%B8%81%E5%AE%89BTC%22%5D&showPermissionSets=false"
    )
    assert not request.private and request.repeatable
    assert len(names_requests(exchange(), Market.SPOT, tuple(f"A{n}B" for n in range(250)))) == 3
    both = names_requests(exchange(), Market.FUTURES, ("BTCUSDT", "BTCUSD_PERP", "ETHUSDT", "BTCUSD_261225"))
    assert sorted(request.path for request in both) == ["/dapi/v1/exchangeInfo", "/fapi/v1/exchangeInfo"]
    assert names_requests(exchange(), Market.SPOT, ()) == ()


@pytest.mark.parametrize("symbol", ["币安人生/USDT:USDT", "测试测试/USDT:USDT", "我踏马来了/USDT"])
def test_such_names_are_signed_as_utf_8(symbol: str) -> None:
    native = exchange().native_name(symbol)
    assert native is not None and not native.isascii()
    market = Market.FUTURES if ":" in symbol else Market.SPOT
    query = encode_query(ticker_request(exchange(), native, market).params)
    assert query.isascii() and query.startswith("symbol=%E")
