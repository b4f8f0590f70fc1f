"""LBank's contract API: signed JSON, limit orders that can mean only one thing, and answers that prove little."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, UsageProblem
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.catalogue import catalogue
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.order import Leg
from keyctl.model.venue import Instrument, PriceBand, Ticker
from keyctl.model.wire import Request, Response
from keyctl.model.words import (
    MarginMode,
    Market,
    OrderState,
    OrderType,
    Outcome,
    PositionSide,
    Side,
    Taken,
    TimeInForce,
    Trigger,
)
from keyctl.orders.judge import judge_placed
from tests.exchanges.contract import SENT_MS, STAMP, answer, damaged, sent_params
from tests.exchanges.lbank_spot import LBankSpot as Spot
from tests.support.futures_wallets import futures_wallets
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    open_orders_requests,
    positions_requests,
    read_futures_state,
    read_instrument,
    read_margin,
    read_open_orders,
    read_positions,
    read_setup,
    read_ticker,
    read_time,
    setup_requests,
    ticker_request,
    time_request,
)
from tests.support.order_calls import (
    band_request,
    cancel_request,
    holds_to_reducing,
    is_refusal_of,
    lookup_requests,
    order_request,
    own_test_request,
    read_band,
    read_canceled,
    read_lookup,
    read_placed,
)
from tests.support.read_rows import as_orders, as_positions

FUTURES = {"symbol": "BTC/USDT:USDT", "market": Market.FUTURES, "contract_size": Decimal(1), "leverage": Decimal(3)}
ROW = {
    **{"symbol": "BTCUSDT", "symbolName": "BTCUSDT", "baseCurrency": "BTC", "priceCurrency": "USDT"},
    **{"clearCurrency": "USDT", "priceTick": 0.1, "volumeTick": 0.0001, "volumeMultiple": 1.0},
    **{"minOrderVolume": "0.0001", "maxOrderVolume": "30.0", "minOrderCost": "5.0", "defaultLeverage": 20.0},
    **{"priceLimitUpperValue": 0.2, "priceLimitLowerValue": 0.1},
}

exchange = Spot().exchange


def good(data: object) -> dict[str, Any]:
    return {"data": data, "error_code": 0, "msg": "Success", "result": "true", "success": True}


def bad(code: int, text: str = "") -> dict[str, Any]:
    return {"data": None, "error_code": code, "msg": text, "result": "false", "success": False}


def leg(**changes: Any) -> Leg:
    return replace(Spot().leg(**(FUTURES | changes)), native_symbol="BTCUSDT")


def sent(request: Request) -> Any:
    return Spot().signer().sign(request, STAMP)


def instrument() -> Instrument:
    return read_instrument(exchange(), answer(good([ROW])), "BTC/USDT:USDT")


def order_row(ours: Leg, **changes: Any) -> dict[str, Any]:
    """An order as prv/order would show it."""
    order = ours.order
    row = {
        **{"clientOrderId": ours.client_order_id, "orderId": "4711", "orderSysID": "4711", "symbol": "BTCUSDT"},
        **{"side": order.side.upper(), "offsetFlag": "0", "orderPriceType": "0", "posiDirection": "2"},
        **{"price": str(order.price), "volume": str(order.quantity), "executedQty": "0", "avgPrice": "", "status": "4"},
    }
    return row | changes


def position_row(**changes: Any) -> dict[str, Any]:
    row = {"symbol": "BTCUSDT", "position": "0", "openPrice": "0", "posiDirection": "2", "leverage": "3"}
    return row | {"unrealizedProfit": "0", "positionID": "", "tradeUnitID": "1"} | changes


# Requests.


def test_contract_orders_are_signed_json_texts() -> None:
    """The signature is made here by hand from the documented recipe, over the texts that are sent."""
    wire = sent(order_request(exchange(), leg()))
    assert wire.url == "https://lbkperp.lbank.com/cfd/openApi/v1/prv/placeOrder" and not wire.repeatable
    headers = dict(wire.headers)
    assert headers["Content-Type"] == "application/json"
    body = json.loads(wire.body)
    assert all(isinstance(value, str) for value in body.values())
    signature = body.pop("sign")
    named = {name: headers[name] for name in ("timestamp", "signature_method", "echostr")}
    text = "&".join(f"{name}={value}" for name, value in sorted((body | named).items()))
    digest = hashlib.md5(text.encode()).hexdigest().upper()
    assert hmac.new(Spot.secret.encode(), digest.encode(), hashlib.sha256).hexdigest() == signature
    assert not named.keys() & body.keys()


def test_the_one_order_that_is_sent_says_limit_one_way_and_open() -> None:
    for side in Side:
        params = sent_params(sent(order_request(exchange(), leg(side=side))))
        params.pop("api_key"), params.pop("sign")
        assert params == {
            **{"symbol": "BTCUSDT", "side": side.upper(), "offsetFlag": "0", "orderPriceType": "0", "origType": "0"},
            **{"posiDirection": "2", "price": "60000", "volume": "0.005", "productGroup": "SwapU"},
            "clientOrderId": leg().client_order_id,
        }


def test_sizes_are_told_in_contracts() -> None:
    params = sent_params(
        sent(order_request(exchange(), leg(contract_size=Decimal("0.001"), quantity=Decimal("0.005"))))
    )
    assert params["volume"] == "5"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.MARKET, "price": None},
        {"price": None},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.GTD},
        {"post_only": True},
        {"reduce_only": True},
        {"hedge": True, "position": PositionSide.LONG},
        {"inverse": True},
        {"trigger": Trigger.STOP, "trigger_price": Decimal(59000)},
    ],
)
def test_whatever_is_not_agreed_on_is_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        order_request(exchange(), leg(**changes))


def test_only_limit_orders_are_offered_and_nothing_is_said_to_be_held_to_reducing() -> None:
    assert exchange().offers(Market.FUTURES) == {"limit"}
    assert exchange().offers(Market.SPOT) == {"limit", "market", "post_only", "ioc", "fok"}
    assert not holds_to_reducing(exchange(), leg(reduce_only=True))


def test_each_contradiction_is_spelled_out_before_an_order() -> None:
    assert set(exchange().profile.experimental) == {Market.FUTURES}
    told = " ".join(exchange().profile.experimental[Market.FUTURES])
    for word in ("no documentation", "orderPriceType", "posiDirection", "offsetFlag", "Leverage", "Margin mode"):
        assert word in told
    assert "stays unknown until you decide" in told


def test_a_cancel_always_names_one_order() -> None:
    symbol, kind = ("symbol", "BTCUSDT"), ("orderType", "price")
    ours = leg()
    assert cancel_request(exchange(), ours, "4711").params == (symbol, kind, ("orderId", "4711"))
    by_id = ("clientOrderId", ours.client_order_id)
    assert cancel_request(exchange(), ours, None).params == (symbol, kind, by_id)
    with pytest.raises(ValueError):
        cancel_request(exchange(), replace(ours, client_order_id=""), None)


def test_no_undocumented_window_is_sent() -> None:
    writes = [order_request(exchange(), leg()), cancel_request(exchange(), leg(), None)]
    writes += setup_requests(exchange(), instrument(), state_of([position_row(leverage="9")]), wanted())
    for request in writes:
        assert request.base.endswith("lbkperp.lbank.com") and not request.repeatable
        assert "window" not in sent_params(sent(request))


def test_reads_are_signed_in_the_query() -> None:
    reads = [*futures_state_requests(exchange(), instrument(), None), *positions_requests(exchange())]
    reads += [*futures_wallets(exchange()), *lookup_requests(exchange(), leg(), SENT_MS)]
    for request in reads:
        wire = sent(request)
        assert (wire.method, wire.body, wire.repeatable) == ("GET", b"", True)
        assert "sign=" in wire.url


# Answers to orders.


@pytest.mark.parametrize("more", [{}, {"orderId": None}])
def test_an_order_is_ours_when_our_id_comes_back(more: dict[str, Any]) -> None:
    assert read_placed(exchange(), answer(good(order_row(leg(), **more))), leg()).exchange_order_id == "4711"
    least = {"clientOrderId": leg().client_order_id, "orderId": 4711}
    assert read_placed(exchange(), answer(good(least)), leg()).exchange_order_id == "4711"


@pytest.mark.parametrize(
    "changes",
    [
        {"clientOrderId": None},
        {"clientOrderId": "another"},
        {"symbol": "ETHUSDT"},
        {"side": "SELL"},
        {"price": "60000.1"},
        {"volume": "0.05"},
        {"orderPriceType": "4"},
        {"orderPriceType": 4},
        {"posiDirection": "0"},
        {"offsetFlag": "1"},
        {"origType": "1"},
        {"orderId": None, "orderSysID": ""},
    ],
)
def test_an_answer_that_differs_in_anything_proves_nothing(changes: dict[str, Any]) -> None:
    ours = leg()
    with pytest.raises(Unreadable):
        read_placed(exchange(), answer(good(order_row(ours, **changes))), ours)
    result = judge_placed(exchange(), ours, answer(good(order_row(ours, **changes))))
    assert result.outcome is Outcome.UNKNOWN
    if "clientOrderId" not in changes:
        for step in range(3):
            value = order_row(ours, **changes)
            told = value if step == 0 else {"resultList": [value]}
            with pytest.raises(Unreadable):
                read_lookup(exchange(), step, answer(good(told)), ours)


def test_no_contract_refusal_proves_that_an_order_was_not_taken() -> None:
    rows = [row for row in catalogue("lbank").rows if row.scope == "contract"]
    assert rows and all(row.taken is Taken.MAYBE for row in rows)
    for code in (51, 65, 100, 10007, 10009):
        assert judge_placed(exchange(), leg(), answer(bad(code))).outcome is Outcome.UNKNOWN
    assert not is_refusal_of(exchange(), bad(100), leg())


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("4", "0", "open"),
        ("2", "0.002", "open"),
        ("1", "0.005", "closed"),
        ("3", "0.002", "canceled"),
        (6, "0", "canceled"),
    ],
)
def test_look_ups_find_the_order_in_each_of_its_states(status: Any, filled: str, state: str) -> None:
    ours = leg()
    row = order_row(ours, status=status, executedQty=filled, avgPrice="" if filled == "0" else "59999.5")
    for step, data in enumerate(
        (row, {"resultList": [order_row(leg(), clientOrderId="x"), row]}, {"resultList": [row]})
    ):
        found = read_lookup(exchange(), step, answer(good(data)), ours)
        assert found is not None and found.state is OrderState(state)
        assert (found.filled, found.quantity) == (Decimal(filled), Decimal("0.005"))
        assert found.average_price == (None if filled == "0" else Decimal("59999.5"))


@pytest.mark.parametrize("changes", [{"status": "5"}, {"executedQty": "0.006"}, {"executedQty": "-1"}, {"side": None}])
def test_an_order_that_cannot_be_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 0, answer(good(order_row(leg(), **changes))), leg())


def test_not_finding_a_contract_order_is_no_proof() -> None:
    for step in (1, 2):
        assert read_lookup(exchange(), step, answer(good({"resultList": []})), leg()) is None
    assert exchange().profile.settling.markets == (Market.SPOT,)
    full = {"resultList": [order_row(leg(), clientOrderId=str(number)) for number in range(100)]}
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 1, answer(good(full)), leg())
    with pytest.raises(Unreadable):
        read_lookup(exchange(), 1, answer(good({"resultList": [order_row(leg()), order_row(leg())]})), leg())


def test_codes_of_missing_orders_and_symbols_are_known() -> None:
    by_id = lookup_requests(exchange(), leg(), SENT_MS)[0]
    for code in (24, 2):
        error = exchange().read_error(answer(bad(code)))
        assert error is not None and exchange().is_no_such_order(by_id, error)
    error = exchange().read_error(answer(bad(8)))
    assert error is not None and exchange().is_unknown_symbol(error)


def test_a_canceled_answer_about_another_order_is_unreadable() -> None:
    read_canceled(exchange(), answer(good(None)), leg())
    read_canceled(exchange(), answer(good({"clientOrderId": leg().client_order_id})), leg())
    for data in ({"clientOrderId": "another"}, {"symbol": "ETHUSDT"}):
        with pytest.raises(Unreadable):
            read_canceled(exchange(), answer(good(data)), leg())


# Public data.


def test_the_rules_of_a_perpetual_are_read() -> None:
    request = instrument_request(exchange(), "BTC/USDT:USDT")
    assert (request.path, request.params) == ("/cfd/openApi/v1/pub/instrument", (("productGroup", "SwapU"),))
    rules = instrument()
    assert (rules.symbol, rules.native_symbol, rules.market) == ("BTC/USDT:USDT", "BTCUSDT", Market.FUTURES)
    assert (rules.settle, rules.contract_size, rules.inverse) == ("USDT", Decimal(1), False)
    assert (rules.price_step, rules.quantity_step, rules.min_notional) == (
        Decimal("0.1"),
        Decimal("0.0001"),
        Decimal(5),
    )
    assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.0001"), Decimal(30))
    # Ratios around the mark price, not prices.
    assert (rules.band_up, rules.band_down) == (Decimal("1.2"), Decimal("0.9"))


def test_steps_and_bounds_are_in_the_base_currency_whatever_a_contract_holds() -> None:
    row = ROW | {"volumeMultiple": 0.01, "volumeTick": 1, "minOrderVolume": "1", "maxOrderVolume": "500"}
    rules = read_instrument(exchange(), answer(good([row])), "BTC/USDT:USDT")
    assert (rules.quantity_step, rules.max_quantity, rules.contract_size) == (
        Decimal("0.01"),
        Decimal(5),
        Decimal("0.01"),
    )


@pytest.mark.parametrize("changes", [{"clearCurrency": "USD"}, {"baseCurrency": "WBTC"}, {"symbol": "BTCUSD"}])
def test_another_perpetual_is_not_taken_for_the_one_asked_for(changes: dict[str, Any]) -> None:
    with pytest.raises(UnknownSymbol):
        read_instrument(exchange(), answer(good([ROW | changes])), "BTC/USDT:USDT")


@pytest.mark.parametrize(
    "changes",
    [{"volumeMultiple": 0}, {"priceLimitUpperValue": 0}, {"priceLimitLowerValue": 1}, {"priceTick": None}],
)
def test_rules_that_cannot_be_are_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_instrument(exchange(), answer(good([ROW | changes])), "BTC/USDT:USDT")


@pytest.mark.parametrize("symbol", ["BTC/USDT:", "BTC/USDT:USDT:USDT", "btc/usdt:usdt", "BTC:USDT"])
def test_only_plain_symbols_are_accepted(symbol: str) -> None:
    with pytest.raises(UsageProblem):
        instrument_request(exchange(), symbol)


def test_best_prices_come_from_the_book_whichever_side_is_called_bids() -> None:
    request = ticker_request(exchange(), "BTCUSDT", Market.FUTURES)
    assert (request.path, dict(request.params)) == (
        "/cfd/openApi/v1/pub/marketOrder",
        {"symbol": "BTCUSDT", "depth": 5},
    )
    low = [{"price": price, "volume": "1", "orders": "1"} for price in ("59998", "59999")]
    high = [{"price": price, "volume": "1", "orders": "1"} for price in ("60002", "60001")]
    for bids, asks in ((low, high), (high, low)):
        found = read_ticker(exchange(), answer(good({"symbol": "BTCUSDT", "bids": bids, "asks": asks})), "BTCUSDT")
        assert found == Ticker(Decimal(59999), Decimal(60001))
    for bids, asks in ((low, []), (low, low), ([*low, *high], high), ([{"price": "0"}], high)):
        with pytest.raises(Unreadable):
            read_ticker(exchange(), answer(good({"symbol": "BTCUSDT", "bids": bids, "asks": asks})), "BTCUSDT")


def test_the_price_band_follows_the_mark_price() -> None:
    assert band_request(exchange(), read_instrument(Spot().exchange(), *_spot_rules())) is None
    assert band_request(exchange(), instrument()) is not None
    rows = [{"symbol": "ETHUSDT", "markedPrice": "1"}, {"symbol": "BTCUSDT", "markedPrice": "60000"}]
    assert read_band(exchange(), answer(good(rows)), instrument()) == PriceBand(Decimal(72000), Decimal(54000))
    for told in ([], [{"symbol": "BTCUSDT"}], [{"symbol": "BTCUSDT", "markedPrice": "0"}]):
        with pytest.raises(Unreadable):
            read_band(exchange(), answer(good(told)), instrument())


def _spot_rules() -> tuple[Response, str]:
    return answer(Spot().answers()["instrument"]), "BTC/USDT"


def test_the_contract_api_has_a_clock_of_its_own() -> None:
    request = time_request(exchange(), Market.FUTURES)
    assert request is not None and request.path == "/cfd/openApi/v1/pub/getTime"
    assert read_time(exchange(), answer(good({"serverTime": SENT_MS}))) == SENT_MS
    with pytest.raises(Unreadable):  # the official sample
        read_time(exchange(), answer(good({})))


# The account.


def wanted(leverage: int = 3) -> Setup:
    return Setup(PositionSide.LONG, Decimal(leverage))


def state_of(positions: list[Any], orders: list[Any] | None = None) -> FuturesState:
    responses = answer(good(positions)), answer(good({"resultList": orders or []}))
    return read_futures_state(exchange(), responses, instrument(), None)


def test_the_wallet_is_read_in_both_of_its_forms() -> None:
    row = {"balance": "100.5", "available": "70"}
    for data in ({**row}, {**row, "asset": "USDT"}, [{**row, "asset": "usdt"}]):
        found = read_margin(exchange(), answer(good(data)))
        assert (found.free, found.total) == ({"USDT": Decimal(70)}, {"USDT": Decimal("100.5")})


def test_a_one_way_account_tells_its_leverage_with_its_position() -> None:
    state = state_of([position_row(), position_row(symbol="ETHUSDT", leverage="50")], [order_row(leg())])
    assert (state.hedge, state.margin, state.open_orders, state.positions) == (False, None, 1, ())
    assert state.leverage(PositionSide.LONG) == state.leverage(PositionSide.SHORT) == Decimal(3)
    assert not exchange().market(Market.FUTURES).margin_known


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "without position mode"),
        ([{"leverage": "0"}], "without a leverage"),
        ([{"leverage": None}], "leverage is missing"),
    ],
)
def test_what_leaves_mode_or_leverage_open_stops_the_order(rows: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        state_of([position_row(**row) for row in rows])


@pytest.mark.parametrize("directions", [("0", "1"), ("1", "2"), ("2", "2"), ("1",)])
def test_hedge_mode_stands_in_the_way_because_its_directions_are_not_agreed_on(directions: tuple[str, ...]) -> None:
    with pytest.raises(CheckFailed, match="hedge mode") as caught:
        state_of([position_row(posiDirection=direction) for direction in directions])
    assert "never changes the mode" in " ".join(caught.value.hints)


def test_leverage_is_set_for_the_direction_that_orders_use() -> None:
    (request,) = setup_requests(exchange(), instrument(), state_of([position_row(leverage="20")]), wanted())
    order = dict(order_request(exchange(), leg()).params)
    assert request.path == "/cfd/openApi/v1/prv/setLeverage"
    assert dict(request.params) == {
        **{"symbol": "BTCUSDT", "leverage": "3", "productGroup": "SwapU"},
        "posiDirection": order["posiDirection"],
    }
    assert setup_requests(exchange(), instrument(), state_of([position_row()]), wanted()) == ()
    assert setup_requests(exchange(), instrument(), state_of([position_row()]), Setup(PositionSide.LONG)) == ()


def test_an_echo_of_another_setting_is_unreadable() -> None:
    (request,) = setup_requests(exchange(), instrument(), state_of([position_row(leverage="20")]), wanted())
    for data in (None, {}, "ok", {"leverage": "3", "posiDirection": "2"}):
        read_setup(exchange(), answer(good(data)), request)
    for data in ({"leverage": "20"}, {"posiDirection": "0"}, {"symbol": "ETHUSDT"}):
        with pytest.raises(Unreadable):
            read_setup(exchange(), answer(good(data)), request)
    with pytest.raises(Unreadable):
        read_setup(exchange(), answer(bad(199)), request)


def test_net_positions_are_told_by_their_sign() -> None:
    rows = [position_row(position="0.5", openPrice="60000", unrealizedProfit="2"), position_row(position="-0.5")]
    long, short = as_positions(read_positions(exchange(), 0, answer(good([*rows, position_row()]))))
    assert (long.side, long.contracts, long.hedge, long.leverage) == (
        PositionSide.LONG,
        Decimal("0.5"),
        False,
        Decimal(3),
    )
    assert (long.symbol, long.entry_price, long.unrealized) == ("BTC/USDT:USDT", Decimal(60000), Decimal(2))
    assert (short.side, short.contracts) == (PositionSide.SHORT, Decimal("0.5"))
    (hedged,) = as_positions(
        read_positions(exchange(), 0, answer(good([position_row(posiDirection="0", position="1")])))
    )
    assert (hedged.side, hedged.hedge) == (PositionSide.LONG, True)


@pytest.mark.parametrize(
    "changes", [{"posiDirection": "1"}, {"posiDirection": "0", "position": "-1"}, {"symbol": "BTC"}]
)
def test_a_position_whose_direction_is_read_in_contrary_ways_is_odd(changes: dict[str, Any]) -> None:
    rows = [position_row(**({"position": "1"} | changes)), position_row(position="1")]
    odd, held = read_positions(exchange(), 0, answer(good(rows)))
    assert isinstance(odd, OddRow) and odd.native_symbol == changes.get("symbol", "BTCUSDT")
    assert isinstance(held, Position)


def test_open_orders_of_contracts_come_from_one_list() -> None:
    (request,) = open_orders_requests(exchange(), Market.FUTURES, ("BTC/USDT:USDT", "ETH/USDT:USDT"))
    assert request.path == "/cfd/openApi/v1/prv/order"
    rows = [
        order_row(leg(), executedQty="0.001", status="2"),
        order_row(leg(), status="1"),
        order_row(leg(side=Side.SELL)),
    ]
    first, second = as_orders(read_open_orders(exchange(), 0, answer(good({"resultList": rows})), Market.FUTURES))
    assert (first.symbol, first.side, first.quantity, first.filled, first.price) == (
        "BTC/USDT:USDT",
        Side.BUY,
        Decimal("0.005"),
        Decimal("0.001"),
        Decimal(60000),
    )
    assert (second.side, second.exchange_order_id, second.type) == (Side.SELL, "4711", OrderType.LIMIT)
    with pytest.raises(Unreadable):
        read_open_orders(exchange(), 0, answer(good({"resultList": [order_row(leg())] * 100})), Market.FUTURES)


@pytest.mark.parametrize("changes", [{"side": "LONG"}, {"status": "9"}, {"volume": "x"}, {"symbol": "BTCUSD"}])
def test_an_odd_contract_order_hides_no_other(changes: dict[str, Any]) -> None:
    rows = [order_row(leg(), **changes), order_row(leg())]
    odd, good_one = read_open_orders(exchange(), 0, answer(good({"resultList": rows})), Market.FUTURES)
    assert isinstance(odd, OddRow) and odd.exchange_order_id == "4711"
    assert odd.native_symbol == changes.get("symbol", "BTCUSDT")
    assert isinstance(good_one, OpenOrder)


def test_damaged_answers_are_unreadable_or_still_right() -> None:
    ours = leg()
    samples: list[tuple[Any, Any]] = [
        (good(order_row(ours)), lambda told: read_placed(exchange(), told, ours)),
        (good(order_row(ours)), lambda told: read_lookup(exchange(), 0, told, ours)),
        (good({"resultList": [order_row(ours)]}), lambda told: read_lookup(exchange(), 1, told, ours)),
        (good({"resultList": [order_row(ours)]}), lambda told: read_open_orders(exchange(), 0, told, Market.FUTURES)),
        (good([position_row(position="1")]), lambda told: read_positions(exchange(), 0, told)),
        (good([ROW]), lambda told: read_instrument(exchange(), told, "BTC/USDT:USDT")),
        (good([{"asset": "USDT", "balance": "1", "available": "1"}]), partial(read_margin, exchange())),
        (
            good({"symbol": "BTCUSDT", "bids": [{"price": "1"}], "asks": [{"price": "2"}]}),
            lambda response: read_ticker(exchange(), response, "BTCUSDT"),
        ),
        (good([{"symbol": "BTCUSDT", "markedPrice": "1"}]), lambda told: read_band(exchange(), told, instrument())),
        (
            [good([position_row()]), good({"resultList": [order_row(ours)]})],
            lambda told: read_futures_state(exchange(), _both(told), instrument(), MarginMode.CROSS),
        ),
    ]
    for sample, read in samples:
        for value in damaged(sample):
            try:
                read(answer(value))
            except (Unreadable, UnknownSymbol, CheckFailed):
                continue


def _both(told: Response) -> tuple[Response, Response]:
    """Two answers from one that holds both; the second stands for what is missing."""
    values = json.loads(told.body)
    first, second = values if isinstance(values, list) and len(values) == 2 else (None, None)
    return answer(first), answer(second)


# Spot, around an order.


def test_open_spot_orders_are_asked_for_by_symbol() -> None:
    requests = open_orders_requests(exchange(), Market.SPOT, ("BTC/USDT", "BTC/USDT:USDT", "ETH/USDC"))
    assert [dict(request.params)["symbol"] for request in requests] == ["btc_usdt", "eth_usdc"]
    assert open_orders_requests(exchange(), Market.SPOT, ()) == ()
    row = {
        **{"symbol": "btc_usdt", "orderId": "u-1", "clientOrderId": "kc1", "type": "sell_maker", "price": 60000.5},
        **{"origQty": 0.5, "executedQty": 0.1, "status": 1, "time": SENT_MS},
    }
    told = {"result": "true", "error_code": 0, "data": {"total": 1, "orders": [row]}}
    (found,) = as_orders(read_open_orders(exchange(), 0, answer(told), Market.SPOT))
    assert (found.symbol, found.side, found.quantity, found.filled) == (
        "BTC/USDT",
        Side.SELL,
        Decimal("0.5"),
        Decimal("0.1"),
    )
    assert (found.price, found.client_order_id, found.created_ms) == (Decimal("60000.5"), "kc1", SENT_MS)
    for data in ({"total": 900, "orders": [row]}, {"orders": [row] * 200}):
        with pytest.raises(Unreadable):
            read_open_orders(exchange(), 0, answer(told | {"data": data}), Market.SPOT)
    for change in ({"type": "swap"}, {"symbol": "btcusdt"}, {"status": 9}, {"origQty": None}):
        rows = [row | change, row]
        odd, right = read_open_orders(exchange(), 0, answer(told | {"data": {"orders": rows}}), Market.SPOT)
        assert isinstance(odd, OddRow) and odd.exchange_order_id == "u-1" and right == found


@pytest.mark.parametrize(
    ("change", "spends", "size"),
    [
        ({"type": "buy_market", "origQty": 0, "origQuoteOrderQty": 100}, Decimal(100), None),
        ({"type": "buy_market", "origQty": 0, "origQuoteOrderQty": "250.5"}, Decimal("250.5"), None),
        ({"type": "buy_market", "origQuoteOrderQty": ""}, None, Decimal("0.5")),
        ({"type": "sell_market", "origQuoteOrderQty": 100}, None, Decimal("0.5")),
        ({"type": "buy", "origQuoteOrderQty": 100}, None, Decimal("0.5")),
    ],
)
def test_a_market_buy_is_shown_with_the_amount_that_it_spends(
    change: dict[str, Any], spends: Decimal | None, size: Decimal | None
) -> None:
    row = {"symbol": "btc_usdt", "orderId": "u-1", "price": 1, "origQty": 0.5, "executedQty": 0.1, "status": 1} | change
    told = {"result": "true", "error_code": 0, "data": {"total": 1, "orders": [row]}}
    (found,) = read_open_orders(exchange(), 0, answer(told), Market.SPOT)
    assert isinstance(found, OpenOrder)
    assert (found.quote_quantity, found.quantity, found.filled) == (spends, size, Decimal("0.1"))


def test_the_exchanges_own_test_of_a_spot_order_does_not_use_up_its_id() -> None:
    ours = Spot().leg()
    request = own_test_request(exchange(), ours)
    assert request is not None and request.repeatable
    order = dict(order_request(exchange(), ours).params)
    assert request.path == "/v2/supplement/create_order_test.do"
    assert dict(request.params) == {name: value for name, value in order.items() if name != "custom_id"}
    assert own_test_request(exchange(), leg()) is None
