"""Symbols as Binance lists them, over sockets: planned, ordered, found, canceled and closed by their own names."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.model.words import OrderType, Side, Trigger
from keyctl.twin.faults import FaultKind
from keyctl.twin.perpetual import DerivativeDraft
from tests.support.listed import LABEL, foreign, lists
from tests.support.ran import Ran
from tests.support.world import RIGHTS, World, open_position

D = Decimal
CHINESE, GOLD = "币安人生/USDT:USDT", "XAU/USDT:USDT"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        made.add("binance", rights=RIGHTS, balances={"EUR": D(5000), "TRY": D(900_000), "ADA": D(5000)})
        lists(made, "spot-ADAEUR-GALAEUR", "ADAEUR", "0.8")
        lists(made, "spot-ADAEUR-GALAEUR", "GALAEUR", "0.02")
        lists(made, "spot-ADAEUR-GALAEUR", "EURAEUR", "1")
        lists(made, "usdm-tradifi", "XAUUSDT", "4000")
        lists(made, "usdm-tradifi", "BMNRUSDT", "40")
        lists(made, "usdm-not-ascii", "币安人生USDT", "0.2")
        lists(made, "usdm-tick-0-minqty-0", "TUSDT", "0.02")
        lists(made, "usdm-tick-0-minqty-0", "OPENUSDT", "1")
        yield made


def keyctl(world: World, *arguments: str) -> Ran:
    return world.keyctl(*arguments, "--json")


def buy(world: World, symbol: str, size: str, *options: str) -> Ran:
    leverage = ("--leverage", "1") if ":" in symbol else ()
    return keyctl(world, "order", "buy", symbol, size, "-a", LABEL, "--again", *leverage, *options)


def message(ran: Ran) -> str:
    return str(ran.document["errors"][0]["message"])


def asked(world: World, path: str) -> list[str]:
    return [line.path for line in world.venue("binance").calls.lines if path in line.path]


def positions(world: World) -> list[str]:
    uid = world.made[LABEL].key.uid
    return [held.instrument.native_symbol for held in world.venue("binance").derivatives.positions(uid)]


# TradFi perpetuals and names in other scripts: the whole way.


@pytest.mark.parametrize(
    ("symbol", "native", "size", "price"),
    [
        (GOLD, "XAUUSDT", "0.01", "3950"),
        (CHINESE, "币安人生USDT", "100", "0.198"),
        ("T/USDT:USDT", "TUSDT", "1000", "0.0198"),
    ],
)
def test_one_is_planned_ordered_listed_canceled_and_closed(
    world: World, symbol: str, native: str, size: str, price: str
) -> None:
    planned = buy(world, symbol, size, "--price", price, "--dry-run")
    assert planned.exit_code == 0, planned.stdout
    (leg,) = planned.data["legs"]
    assert leg["symbol"] == symbol
    sent = buy(world, symbol, size, "--price", price, "--yes")
    assert sent.exit_code == 0, sent.stdout
    assert world.venue("binance").orders[-1].instrument.native_symbol == native
    for options in ((), ("--symbol", symbol)):
        (found,) = keyctl(world, "orders", "--open", LABEL, *options).data["orders"]
        assert (found["symbol"], found["native_symbol"]) == (symbol, native)
        assert found["plan"] == sent.data["plan"]
    assert keyctl(world, "orders", "--open", LABEL, "--symbol", "BTC/USDT:USDT").data["orders"] == []
    assert keyctl(world, "cancel", "--all", "--symbol", symbol, "--yes").exit_code == 0
    assert keyctl(world, "orders", "--open", LABEL).data["orders"] == []

    value = buy(world, symbol, size, "--dry-run").data["value_usd"]
    assert buy(world, symbol, size, "--expect-value", value).exit_code == 0
    assert positions(world) == [native]
    (held,) = keyctl(world, "positions", LABEL).data["positions"]
    assert (held["symbol"], held["native_symbol"]) == (symbol, native)
    closed = keyctl(world, "close", symbol, "-a", LABEL, "--yes")
    assert (closed.exit_code, closed.data["next"], positions(world)) == (0, [], []), closed.stdout


def test_small_letters_around_another_script_are_read(world: World) -> None:
    assert buy(world, "币安人生/usdt:usdt", "100", "--price", "0.198", "--yes").exit_code == 0


def test_a_name_that_is_not_the_listed_one_byte_for_byte_is_not_listed(world: World) -> None:
    ran = buy(world, "币安人/USDT:USDT", "100", "--price", "0.198", "--yes")
    assert ran.exit_code == 4 and "does not list 币安人/USDT:USDT" in message(ran)


# What does not trade, or is something else.


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("BMNR/USDT:USDT", "BMNR/USDT:USDT is not trading at Binance: trading there has not begun yet"),
        ("OPEN/USDT:USDT", "has not begun yet"),
        ("NOPE/USDT:USDT", "does not list NOPE/USDT:USDT"),
    ],
)
def test_what_cannot_be_ordered_is_called_what_it_is(world: World, symbol: str, said: str) -> None:
    ran = buy(world, symbol, "1", "--price", "1", "--yes")
    assert ran.exit_code == 4 and said in message(ran)


@pytest.mark.parametrize(
    ("case", "native", "changes", "symbol", "said"),
    [
        ("coinm-perpetual-delivering", "GALAUSD_PERP", {}, "GALA/USD:GALA", "it is being delivered"),
        ("usdm-tradifi", "XAUUSDT", {"status": "SETTLING"}, GOLD, "it is being settled"),
        ("spot-2021-odd", "BCHSVUSDT", {}, "BCHSV/USDT", "suspended (BREAK)"),
        ("spot-2021-odd", "BTCUPUSDT", {}, "BTCUP/USDT", "not open to spot trading"),
        ("spot-ADAEUR-GALAEUR", "ADAEUR", {"status": "HALT"}, "ADA/EUR", "halted (HALT)"),
    ],
)
def test_every_state_is_told(
    world: World, case: str, native: str, changes: dict[str, Any], symbol: str, said: str
) -> None:
    lists(world, case, native, "1", **changes)
    ran = buy(world, symbol, "10", "--price", "1", "--yes")
    assert ran.exit_code == 4 and said in message(ran) and "does not list" not in message(ran)


@pytest.mark.parametrize(
    ("native", "symbol", "day"),
    [
        ("BTCUSDT_261225", "BTC/USDT:USDT-261225", "2026-12-25"),
        ("XAUUSDT_270326", "XAU/USDT:USDT-270326", "2027-03-26"),
        ("ETHUSDT_261231", "ETH/USDT:USDT-261231", "2026-12-31"),
    ],
)
def test_a_dated_future_is_shown_by_its_name_and_close_says_why_it_stays(
    world: World, native: str, symbol: str, day: str
) -> None:
    pair = native.partition("_")[0]
    names = {"symbol": native, "pair": pair, "baseAsset": pair.removesuffix("USDT")}
    lists(world, "usdm-tradifi", "XAUUSDT", "4000", contractType="CURRENT_QUARTER", **names)
    open_position(world, LABEL, symbol, Side.BUY, "0.01")
    (held,) = keyctl(world, "positions", LABEL).data["positions"]
    assert (held["symbol"], held["native_symbol"]) == (symbol, native)
    for arguments in (("--every-symbol", "--all"), (symbol, "-a", LABEL)):
        ran = keyctl(world, "close", *arguments, "--yes")
        assert ran.exit_code == 4, ran.stdout
        why = f"{symbol} is a dated future, delivered on {day}, and keyctl does not trade those at Binance"
        assert message(ran) == f"{LABEL}: {why}; this position stays open"
        assert ran.data["next"] == []
        assert "write it as" not in ran.stdout and "keyctl close" not in ran.stdout
    assert positions(world) == [native]


def test_a_dated_future_keeps_no_other_position_open(world: World) -> None:
    lists(world, "usdm-tradifi", "XAUUSDT", "4000", contractType="CURRENT_QUARTER", symbol="XAUUSDT_261225")
    open_position(world, LABEL, "XAU/USDT:USDT-261225", Side.BUY, "0.01")
    open_position(world, LABEL, GOLD, Side.BUY, "0.01")
    ran = keyctl(world, "close", "--every-symbol", "--all", "--yes")
    assert (ran.exit_code, positions(world), ran.data["next"]) == (6, ["XAUUSDT_261225"], [])


def test_an_order_on_a_dated_future_of_somebody_else_can_be_canceled_alone(world: World) -> None:
    lists(world, "usdm-tradifi", "XAUUSDT", "4000", contractType="NEXT_QUARTER", symbol="XAUUSDT_261225")
    dated = foreign(world, "XAU/USDT:USDT-261225", "3900", "0.01")
    other = foreign(world, GOLD, "3900", "0.01", "another")
    ran = keyctl(world, "cancel", "--foreign", "-a", LABEL, "--symbol", "XAU/USDT:USDT-261225", "--yes")
    assert (ran.exit_code, dated.is_open, other.is_open) == (0, False, True), ran.stdout


@pytest.mark.parametrize("kind", ["SOMETHING_NEW", "", "PERPETUAL DELIVERING", "PERPETUAL"])
def test_an_order_on_a_coin_margined_contract_of_any_kind_is_canceled_at_its_own_api(world: World, kind: str) -> None:
    """Of a kind that is not known keyctl has the exchange's own name alone, which does not say what it settles in."""
    changes = {"contractType": kind, "contractStatus": "TRADING"}
    item = lists(world, "coinm-perpetual-delivering", "GALAUSD_PERP", "0.02", **changes)
    venue, key = world.venue("binance"), world.made[LABEL].key
    venue.derivatives.wallet(key.uid, "GALA").free = D(10**6)
    with venue.lock:
        order = venue.derivatives.place(
            DerivativeDraft(
                key.uid, key.api_key, item, Side.BUY, OrderType.LIMIT, D(2), D("0.019"), client_order_id="somebodyelse"
            )
        )
    ran = keyctl(world, "cancel", "--foreign", "-a", LABEL, "--yes")
    assert (ran.exit_code, order.is_open) == (0, False), ran.stdout
    canceled = [line for line in venue.calls.lines if line.method == "DELETE"]
    assert [line.path for line in canceled] == ["/dapi/v1/order"]


def test_a_position_in_another_entry_of_the_name_is_not_closed_in_its_place(world: World) -> None:
    """IDOL is listed twice; a position in the entry that does not trade is not one in IDOLUSDT."""
    lists(world, "usdm-two-rows-of-IDOL", "IDOLUSDT", "0.05")
    lists(world, "usdm-two-rows-of-IDOL", "IDOL", "0.05")
    open_position(world, LABEL, "IDOL", Side.BUY, "1000")
    ran = keyctl(world, "close", "--every-symbol", "--all", "--yes")
    assert (ran.exit_code, positions(world), ran.data["next"]) == (4, ["IDOL"], [])
    assert "it knows only the exchange's own name for it" in message(ran) and "write it as" not in ran.stdout
    open_position(world, LABEL, "IDOL/USDT:USDT", Side.BUY, "1000")
    assert keyctl(world, "close", "--every-symbol", "--all", "--yes").exit_code == 6
    assert positions(world) == ["IDOL"]


def test_the_entry_that_trades_is_ordered(world: World) -> None:
    lists(world, "usdm-two-rows-of-IDOL", "IDOL", "0.05")
    lists(world, "usdm-two-rows-of-IDOL", "IDOLUSDT", "0.05")
    assert buy(world, "IDOL/USDT:USDT", "1000", "--price", "0.0495", "--yes").exit_code == 0
    assert world.venue("binance").orders[-1].instrument.native_symbol == "IDOLUSDT"


# Open orders by native name.


@pytest.mark.parametrize(
    ("symbol", "native", "price"),
    [("ADA/EUR", "ADAEUR", "0.7"), ("GALA/EUR", "GALAEUR", "0.019"), ("EUR/AEUR", "EURAEUR", "0.9")],
)
def test_an_open_order_is_found_by_its_symbol(world: World, symbol: str, native: str, price: str) -> None:
    world.venue("binance").balance(world.made[LABEL].key.uid, "AEUR").free = D(5000)
    order = foreign(world, symbol, price, "500")
    (found,) = keyctl(world, "orders", "--open", LABEL, "--symbol", symbol).data["orders"]
    assert (found["symbol"], found["native_symbol"]) == (symbol, native)
    ran = keyctl(world, "cancel", "--foreign", "-a", LABEL, "--symbol", symbol, "--yes")
    assert (ran.exit_code, order.is_open) == (0, False)


def test_a_symbol_that_only_shares_the_native_name_shows_nothing(world: World) -> None:
    foreign(world, "ADA/EUR", "0.7", "500")
    assert keyctl(world, "orders", "--open", LABEL, "--symbol", "AD/AEUR").data["orders"] == []


def test_own_orders_are_named_without_asking_for_the_list(world: World) -> None:
    lists(world, "spot-ADAEUR-GALAEUR", "ADAEUR", "1.1", symbol="EURUSDT", baseAsset="EUR", quoteAsset="USDT")
    value = buy(world, "ADA/EUR", "100", "--price", "0.79", "--dry-run").data["value_usd"]
    assert buy(world, "ADA/EUR", "100", "--price", "0.79", "--expect-value", value).exit_code == 0
    before = len(asked(world, "exchangeInfo"))
    (found,) = keyctl(world, "orders", "--open", LABEL).data["orders"]
    assert (found["symbol"], found["plan"] is None) == ("ADA/EUR", False)
    assert len(asked(world, "exchangeInfo")) == before


def test_the_list_is_read_once_for_all_accounts(world: World) -> None:
    world.add("binance", "binance-b", rights=RIGHTS)
    foreign(world, CHINESE, "0.19", "100")
    foreign(world, GOLD, "3900", "0.01", "another")
    before = len(asked(world, "/fapi/v1/exchangeInfo"))
    found = keyctl(world, "orders", "--open").data["orders"]
    assert {row["symbol"] for row in found if row["symbol"]} == {CHINESE, GOLD}
    assert len(asked(world, "/fapi/v1/exchangeInfo")) == before + 1


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.RESET_BEFORE, FaultKind.HALF_BODY])
def test_leaving_does_not_depend_on_the_list(world: World, kind: FaultKind) -> None:
    """exchangeInfo fails: the order is listed under its own name, found by the symbol that it has, and canceled."""
    order = foreign(world, "ADA/EUR", "0.7", "500")
    world.fault(kind=kind, operation="instruments", times=None)
    (found,) = keyctl(world, "orders", "--open", LABEL).data["orders"]
    assert found["symbol"] == found["native_symbol"] == "ADAEUR"
    (found,) = keyctl(world, "orders", "--open", LABEL, "--symbol", "ADA/EUR").data["orders"]
    assert found["symbol"] == "ADA/EUR"
    ran = keyctl(world, "cancel", "--foreign", "-a", LABEL, "--symbol", "ADA/EUR", "--yes")
    assert (ran.exit_code, order.is_open) == (0, False), ran.stdout


@pytest.mark.parametrize("quote", ["NEW", "USDE", "U", "币安"])
def test_an_order_in_an_unknown_quote_can_be_canceled_alone(world: World, quote: str) -> None:
    names = {"symbol": f"ADA{quote}", "quoteAsset": quote}
    lists(world, "spot-ADAEUR-GALAEUR", "ADAEUR", "0.8", **names)
    world.venue("binance").balance(world.made[LABEL].key.uid, quote).free = D(5000)
    order, other = foreign(world, f"ADA/{quote}", "0.7", "500"), foreign(world, "ADA/EUR", "0.7", "500", "another")
    symbols = [row["symbol"] for row in keyctl(world, "orders", "--open", LABEL).data["orders"]]
    assert sorted(symbols) == sorted([f"ADA/{quote}", "ADA/EUR"])
    ran = keyctl(world, "cancel", "--foreign", "-a", LABEL, "--symbol", f"ADA/{quote}", "--yes")
    assert (ran.exit_code, order.is_open, other.is_open) == (0, False, True), ran.stdout


# Bounds and kinds of order.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("buy", "AEUR/USDT", "10", "--price", "0.7"), "price 0.7 is below binance's minimum of 0.756 for AEUR/USDT"),
        (("sell", "AEUR/USDT", "10", "--price", "1.5"), "price 1.5 is above binance's maximum of 1.404"),
        (("sell", "AEUR/USDT", "10", "--price", "1.35"), "rejects a sell above"),
        (("buy", "AEUR/USDT", "10", "--price", "0.85"), "rejects a buy below"),
        (("buy", "AEUR/USDT", "20000", "--max-slippage", "none"), "maximum size of 11951.93849372 AEUR"),
        (("buy", "AEUR/USDT", "10", "--stop-at", "1.2"), "does not accept stop-market orders in AEUR/USDT"),
    ],
)
def test_what_the_symbol_does_not_take_is_said_before_anything_is_sent(
    world: World, arguments: tuple[str, ...], said: str
) -> None:
    world.venue("binance").balance(world.made[LABEL].key.uid, "AEUR").free = D(50_000)
    lists(world, "spot-narrow-price-filter", "AEURUSDT", "1.1")
    ran = keyctl(world, "order", *arguments, "-a", LABEL, "--yes")
    assert ran.exit_code == 4 and said in message(ran), ran.stdout
    assert world.placements() == {}


@pytest.mark.parametrize(("price", "bound"), [("1.4", "1.404"), ("1.401", "1.404"), ("1.35", "1.3638")])
def test_an_immediate_order_is_priced_within_what_is_taken(world: World, price: str, bound: str) -> None:
    lists(world, "spot-narrow-price-filter", "AEURUSDT", price)
    ran = keyctl(world, "order", "buy", "AEUR/USDT", "10", "-a", LABEL, "--expect-value", _near(price, bound))
    assert ran.exit_code == 0, ran.stdout
    sent = world.venue("binance").orders[-1].price
    assert sent is not None and D(price) < sent <= D(bound)


def _near(price: str, bound: str) -> str:
    return str((min(D(price) * D("1.0102"), D(bound)) * 10).quantize(D("0.01")))


def test_the_venue_takes_what_passed_its_own_rules_and_refuses_the_rest(world: World) -> None:
    """The twin holds to the recorded rows by itself, without what keyctl made of them."""
    lists(world, "spot-narrow-price-filter", "AEURUSDT", "1.1")
    ran = keyctl(world, "order", "buy", "AEUR/USDT", "10", "-a", LABEL, "--price", "1.05", "--yes")
    assert ran.exit_code == 0, ran.stdout


@pytest.mark.parametrize(("native", "symbol"), [("BTCTRY", "BTC/TRY"), ("BTCBRL", "BTC/BRL"), ("BTCJPY", "BTC/JPY")])
def test_a_currency_that_only_dollars_are_quoted_in_has_a_value(world: World, native: str, symbol: str) -> None:
    quote = native.removeprefix("BTC")
    world.venue("binance").balance(world.made[LABEL].key.uid, quote).free = D(10_000_000)
    lists(world, "spot-value-unknown", native, "2400000")
    lists(world, "spot-value-unknown", "USDTTRY", "40", symbol=f"USDT{quote}", quoteAsset=quote)
    planned = buy(world, symbol, "0.001", "--price", "2390000", "--dry-run")
    ran = buy(world, symbol, "0.001", "--price", "2390000", "--yes")  # a value by one price alone would need more
    assert ran.exit_code == 0, ran.stdout
    assert abs(D(planned.data["value_usd"]) - D("59.75")) < D("0.5")


def test_dollars_in_such_a_currency_are_valued_by_a_coin_too(world: World) -> None:
    lists(world, "spot-value-unknown", "BTCTRY", "2400000")
    lists(world, "spot-value-unknown", "USDTTRY", "40")
    ran = buy(world, "USDT/TRY", "50", "--price", "39.9", "--yes")
    assert ran.exit_code == 0, ran.stdout


def test_a_balance_in_such_a_currency_is_valued(world: World) -> None:
    lists(world, "spot-value-unknown", "USDTTRY", "40")
    ran = keyctl(world, "balance", LABEL)
    (row,) = [row for row in ran.data["balances"] if row["currency"] == "TRY"]
    assert abs(D(row["usd"]) - 900_000 / D(40)) < 100


# COIN-M stops of others.


def test_somebody_else_s_stop_on_coin_m_is_canceled_and_own_ones_are_refused(world: World) -> None:
    venue, key = world.venue("binance"), world.made[LABEL].key
    item = venue.derivatives.instrument("BTC/USD:BTC")
    assert item is not None
    with venue.lock:
        stop = DerivativeDraft(
            *(key.uid, key.api_key, item, Side.SELL, OrderType.MARKET, D(1)),
            trigger=Trigger.STOP,
            trigger_price=D(50000),
            client_order_id="somebodyelse",
        )
        order = venue.derivatives.place(stop)
        order.algo_id = venue.next_algo_id()
    ran = keyctl(world, "cancel", "--foreign", "-a", LABEL, "--yes")
    assert (ran.exit_code, order.is_open) == (0, False), ran.stdout
    refused = keyctl(
        world, "order", "sell", "BTC/USD:BTC", "0.01", "-a", LABEL, "--stop-at", "50000", "--leverage", "1", "--yes"
    )
    assert refused.exit_code == 4 and "COIN-M" in message(refused)


BARRED = '{"code":-4118,"msg":"ReduceOnly Order Failed. Please check your existing position and open orders"}'


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(("native", "quote"), [("XAUU", "U"), ("XAUTRY", "TRY"), ("XAUT", "T")])
def test_the_order_in_the_way_of_a_close_is_named_whatever_its_name_looks_like(
    world: World, native: str, quote: str, own: bool
) -> None:
    """Names of open orders end in no currency that is known without the list."""
    symbol = f"XAU/{quote}:{quote}"
    lists(world, "usdm-tradifi", "XAUUSDT", "400", symbol=native, pair=native, quoteAsset=quote, marginAsset=quote)
    world.venue("binance").derivatives.wallet(world.made[LABEL].key.uid, quote).free += 5000
    open_position(world, LABEL, symbol, Side.BUY, "1")
    ran = keyctl(world, "order", "sell", symbol, "1", "--price", "430", "--reduce-only", "--yes", "-a", LABEL)
    assert ran.exit_code == 0, ran.stdout
    if not own:
        world.forget_journal()
    world.fault(
        kind=FaultKind.ANSWER,
        exchange="binance",
        operation="place",
        status=400,
        body=BARRED,
        headers=(("Content-Type", "application/json"),),
    )
    barred = keyctl(world, "close", symbol, "--yes", "-a", LABEL)
    which = ran.data["legs"][0]["client_order_id"] if own else f"--foreign --symbol {symbol} -a {LABEL}"
    assert barred.data["next"][0] == f"keyctl cancel {which}"
    assert keyctl(world, *barred.data["next"][0].split()[1:], "--yes").exit_code == 0
    assert not any(order.is_open for order in world.venue("binance").orders)
