"""The twin's lists of trades keep to each venue's own page: time, span, first id, size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.exchanges.shipped import load
from keyctl.model.credential import Binding
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Kind, OrderType, Side
from keyctl.secret import Secret
from keyctl.twin.book import Draft, Fill
from keyctl.twin.call import Call
from keyctl.twin.faces import face
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.venue import Venue

NOW_MS = 1_795_262_400_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class Bench:
    """One venue with one account, whose trades are as old as a test wants them; signed calls without a socket."""

    def __init__(self, exchange: str) -> None:
        self.face = face(exchange)
        self.venue = Venue(exchange, self.face.instruments(), self.face.perpetuals(), now_ms=lambda: NOW_MS)
        self.made: MadeKey = make_key(exchange)
        self.venue.add_key(self.made.key)
        self.exchange = load(Binding(exchange, Kind.DEMO, "", "http://127.0.0.1:1", None))
        self.nonce = NOW_MS * 1000

    def trades(self, *ages_ms: int) -> list[Fill]:
        """Trades of BTC/USDT of these ages, oldest last."""
        instrument = self.venue.instrument("BTC/USDT")
        assert instrument is not None
        key = self.made.key
        draft = Draft(key.uid, key.api_key, instrument, Side.BUY, OrderType.MARKET, Decimal("0.01"))
        order = self.venue.place(draft)
        first = order.fills[0]
        order.fills[:] = [replace(first, trade_id=10**6 - n, at_ms=NOW_MS - age) for n, age in enumerate(ages_ms)]
        return order.fills

    def ask(self, method: str, path: str, **params: Any) -> Any:
        """The face's answer, read by nothing of keyctl's."""
        self.nonce += 1
        passphrase = Secret(self.made.passphrase.encode()) if self.made.passphrase else None
        signer = self.exchange.signer(
            self.made.api_key, Secret(self.made.secret.encode()), self.made.algorithm, passphrase
        )
        request = Request(method, "http://127.0.0.1:1", path, tuple(params.items()), private=True, repeatable=True)
        wire = signer.sign(request, Stamp(NOW_MS, self.nonce, "a" * 32))
        headers = {name.lower(): value for name, value in wire.headers}
        answer = self.face.handle(
            Call(method, wire.url.removeprefix("http://127.0.0.1:1"), headers, wire.body), self.venue
        )
        return json.loads(Response(answer.status, {}, answer.body).body)


@pytest.fixture
def binance() -> Iterator[Bench]:
    yield Bench("binance")


def test_binance_lists_trades_by_their_own_time(binance: Bench) -> None:
    new, old, _ = binance.trades(HOUR_MS, 5 * HOUR_MS, 30 * HOUR_MS)
    path = "/api/v3/myTrades"

    def ids(**params: Any) -> list[int]:
        return [row["id"] for row in binance.ask("GET", path, symbol="BTCUSDT", **params)]

    assert ids(startTime=NOW_MS - 6 * HOUR_MS, endTime=NOW_MS) == [old.trade_id, new.trade_id]
    assert ids(startTime=new.at_ms, endTime=new.at_ms) == [new.trade_id]
    assert ids(startTime=NOW_MS - 6 * HOUR_MS, endTime=NOW_MS, limit=1) == [new.trade_id]
    assert ids(fromId=old.trade_id) == [old.trade_id, new.trade_id]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"startTime": NOW_MS - DAY_MS - 1, "endTime": NOW_MS}, -1127),
        ({"fromId": 1, "startTime": NOW_MS - 1}, -1128),
        ({"fromId": 1, "endTime": NOW_MS}, -1128),
    ],
)
def test_binance_refuses_what_goes_beyond_its_page(binance: Bench, params: dict[str, Any], code: int) -> None:
    assert binance.ask("GET", "/api/v3/myTrades", symbol="BTCUSDT", **params)["code"] == code


def test_okx_lists_trades_newest_first_and_pages_by_bill() -> None:
    okx = Bench("okx")
    new, old, _ = okx.trades(HOUR_MS, 5 * HOUR_MS, 100 * DAY_MS)

    def ids(**params: Any) -> list[str]:
        return [
            row["tradeId"] for row in okx.ask("GET", "/api/v5/trade/fills-history", instType="SPOT", **params)["data"]
        ]

    assert ids() == [str(new.trade_id), str(old.trade_id)]
    assert ids(limit="1") == [str(new.trade_id)]
    assert ids(after=str(new.trade_id)) == [str(old.trade_id)]
    assert ids(before=str(old.trade_id)) == [str(new.trade_id)]
    assert ids(begin=str(NOW_MS - 2 * HOUR_MS)) == [str(new.trade_id)]
    assert ids(end=str(NOW_MS - 2 * HOUR_MS)) == [str(old.trade_id)]


def test_lbank_lists_trades_of_two_days_in_its_own_time() -> None:
    lbank = Bench("lbank")
    new, old, _ = lbank.trades(HOUR_MS, 30 * HOUR_MS, 80 * HOUR_MS)
    path = "/v2/supplement/transaction_history.do"

    def ids(**params: Any) -> list[str]:
        return [row["id"] for row in lbank.ask("POST", path, symbol="btc_usdt", **params)["data"]]

    # Noon of the 21st in UTC is 20:00 there; without a time it is yesterday from midnight on.
    assert ids() == [str(new.trade_id), str(old.trade_id)]
    assert ids(limit=1) == [str(new.trade_id)]
    assert ids(startTime="2026-11-21 18:00:00", endTime="2026-11-21 20:00:00") == [str(new.trade_id)]
    assert lbank.ask("POST", path, symbol="btc_usdt", startTime="2026-11-18 00:00:00")["error_code"] == 10003
    assert lbank.ask("POST", path, symbol="btc_usdt", startTime="yesterday")["error_code"] == 10003


def test_bitfinex_lists_trades_of_both_ends_of_the_time() -> None:
    bitfinex = Bench("bitfinex")
    new, old = bitfinex.trades(HOUR_MS, 5 * HOUR_MS)

    def ids(**params: Any) -> list[int]:
        return [row[0] for row in bitfinex.ask("POST", "/v2/auth/r/trades/hist", **params)]

    assert ids(start=old.at_ms, end=new.at_ms) == [new.trade_id, old.trade_id]
    assert ids(start=old.at_ms + 1, end=new.at_ms) == [new.trade_id]
    assert ids(end=new.at_ms - 1) == [old.trade_id]


def test_bitfinex_lists_what_happened_besides_orders_newest_first() -> None:
    bitfinex = Bench("bitfinex")
    uid = bitfinex.made.key.uid
    for hours, kind in ((1, "withdrawal"), (5, "deposit"), (2, "login"), (3, "change")):
        bitfinex.venue.happened(uid, kind, at_ms=NOW_MS - hours * HOUR_MS, amount=Decimal(hours))
    bitfinex.venue.happened("another", "withdrawal", at_ms=NOW_MS)

    def rows(name: str, **params: Any) -> list[Any]:
        return bitfinex.ask("POST", f"/v2/auth/r/{name}/hist", **params)  # type: ignore[no-any-return]

    assert [row[12] for row in rows("movements")] == [1, 5]
    assert [row[12] for row in rows("movements", end=NOW_MS - 2 * HOUR_MS)] == [5]
    assert [row[12] for row in rows("movements", limit=1)] == [1]
    assert [row[4] for row in rows("logins")] == [row[5] for row in rows("audit")] == ["203.0.113.66"]


def test_okx_lists_bills_between_two_times_that_are_not_in_it() -> None:
    okx = Bench("okx")
    for hours, kind in ((1, "withdrawal"), (5, "deposit"), (2, "login")):
        okx.venue.happened(okx.made.key.uid, kind, at_ms=NOW_MS - hours * HOUR_MS)

    def types(**params: Any) -> list[str]:
        return [row["type"] for row in okx.ask("GET", "/api/v5/asset/bills", **params)["data"]]

    assert types() == ["2", "1"]
    assert types(before=str(NOW_MS - 5 * HOUR_MS)) == ["2"]
    assert types(after=str(NOW_MS - HOUR_MS)) == ["1"]
