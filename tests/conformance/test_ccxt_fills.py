"""ccxt and keyctl list the same trades at the twin, and both those of its book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from keyctl.model.words import Algorithm, OrderType, Side
from keyctl.twin.book import Draft
from tests.conformance.ccxt_clients import DrivenByCCXT, client_of, count_nonces
from tests.support.world import RIGHTS, World, open_position


class Place(NamedTuple):
    """Where trades are made: an exchange, ccxt's client for it, a symbol and two sizes."""

    exchange: str
    client: str
    symbol: str
    sizes: tuple[str, str]
    types: tuple[str, ...]


PLACES = (
    Place("binance", "binance", "BTC/USDT", ("0.01", "0.02"), ("spot",)),
    Place("binance", "binanceusdm", "BTC/USDT:USDT", ("0.3", "0.1"), ("linear",)),
    Place("binance", "binancecoinm", "BTC/USD:BTC", ("5", "2"), ("inverse",)),
    Place("bitfinex", "bitfinex", "BTC/USDT", ("0.01", "0.02"), ("spot",)),
    Place("bitfinex", "bitfinex", "BTC/USDT:USDT", ("0.3", "0.1"), ("swap",)),
    Place("lbank", "lbank", "BTC/USDT", ("0.01", "0.02"), ("spot",)),
    Place("okx", "okx", "BTC/USDT", ("0.01", "0.02"), ("spot",)),
    Place("okx", "okx", "BTC/USDT:USDT", ("30", "10"), ("spot", "swap")),
    Place("okx", "okx", "BTC/USD:BTC", ("5", "2"), ("spot", "swap")),
)


class TestTrades(DrivenByCCXT):
    @pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.client} {place.symbol}")
    def test_both_list_the_trades_of_the_book(self, world: World, place: Place) -> None:
        options = ("--market", "spot") if place.exchange == "lbank" else ()
        made = world.add(place.exchange, None, Algorithm.HMAC, *options, rights=RIGHTS)
        trade(world, place)
        orders = [order for order in world.venue(place.exchange).orders if order.uid == made.key.uid]
        book = {str(fill.trade_id): (order, fill) for order in orders for fill in order.fills}
        client = client_of(
            place.client,
            world.twin.endpoint(place.exchange),
            *(made.api_key, made.secret, made.passphrase),
            {} if place.exchange in ("bitfinex", "lbank") else {"fetchMarkets": {"types": list(place.types)}},
        )
        if place.exchange == "bitfinex":
            count_nonces(client)
        try:
            client.load_markets()
            theirs = {seen["id"]: seen for seen in client.fetch_my_trades(place.symbol)}
        finally:
            client.session.close()
        ran = world.keyctl("fills", "--symbol", place.symbol, "--json")
        assert ran.exit_code == 0, ran.stdout
        ours = {row["trade_id"]: row for row in ran.data["fills"]}
        assert ours.keys() == theirs.keys() == book.keys() and len(book) > 1
        for number, row in ours.items():
            agree(row, theirs[number])
            order, fill = book[number]
            assert (row["side"], Decimal(row["price"])) == (order.side, fill.price)
            assert (Decimal(row["quantity"]), round(Decimal(row["fee"]), 8)) == (fill.quantity, round(fill.fee, 8))


def trade(world: World, place: Place) -> None:
    """A buy and a sell, each filled at once."""
    label, venue = f"{place.exchange}-a", world.venue(place.exchange)
    for side, size in zip((Side.BUY, Side.SELL), place.sizes, strict=True):
        if ":" in place.symbol:
            open_position(world, label, place.symbol, side, size)
            continue
        key, instrument = world.made[label].key, venue.instrument(place.symbol)
        assert instrument is not None
        with venue.lock:
            venue.place(Draft(key.uid, key.api_key, instrument, side, OrderType.MARKET, Decimal(size)))


def agree(row: dict[str, Any], seen: dict[str, Any]) -> None:
    """What ccxt tells of a trade is what keyctl tells, as far as ccxt tells it."""
    assert (row["symbol"], row["side"]) == (seen["symbol"], seen["side"])
    assert (row["exchange_order_id"], row["time"]) == (seen["order"], seen["datetime"])
    assert (Decimal(row["price"]), Decimal(row["quantity"])) == (
        Decimal(str(seen["price"])),
        Decimal(str(seen["amount"])),
    )
    assert float(row["fee"]) == pytest.approx(seen["fee"]["cost"], rel=1e-9)
    if row["fee_currency"] is not None:
        assert row["fee_currency"] == seen["fee"]["currency"]
    assert row["liquidity"] == seen["takerOrMaker"]
