"""An order is proven never accepted only by answers that count and while the exchange's clock is usable.

One unknown order at every order API goes over the twin to proven absence; each wrong status, 5xx, answer to another
call and unusable clock leaves one unknown, and the leg says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from keyctl import clock as clocks
from keyctl.errors import ExitCode
from keyctl.network import session
from keyctl.twin.faults import FaultKind
from tests.support.bench import Bench
from tests.support.ran import Ran
from tests.support.skipping import SkipClock

LIMIT = ("BTC/USDT", "0.002", "--price", "58000")
STOP = ("0.002", "--stop-at", "61000", "--price", "61100")
PERPETUAL = "BTC/USDT:USDT"
LATER = 120.0
BINANCE_MISSING = ("400", '{"code":-2013,"msg":"Order does not exist."}')
OKX_MISSING = ("200", '{"code":"51603","data":[],"msg":"Order does not exist"}')
LBANK_MISSING = ("200", '{"result":"false","error_code":10032,"msg":"Order number does not exist","ts":1}')


@dataclass(frozen=True)
class API:
    """One family of order endpoints: an order for it, the call that looks up by id, one that lists, and how the first
    says "no such order" (status, body; None where it is a list too)."""

    name: str
    exchange: str
    words: tuple[str, ...]
    by_id: str
    listed: str
    missing: tuple[str, str] | None = None
    empty: str = "[]"

    def __str__(self) -> str:
        return self.name


APIS = (
    API("binance-spot", "binance", LIMIT, "/api/v3/order", "/api/v3/openOrders", BINANCE_MISSING),
    API(
        "binance-usdm",
        "binance",
        (PERPETUAL, "0.002", "--price", "58000", "--leverage", "1"),
        "/fapi/v1/order",
        "/fapi/v1/openOrders",
        BINANCE_MISSING,
    ),
    API(
        "binance-coinm",
        "binance",
        ("BTC/USD:BTC", "--contracts", "1", "--price", "58000", "--leverage", "1"),
        "/dapi/v1/order",
        "/dapi/v1/openOrders",
        BINANCE_MISSING,
    ),
    API(
        "binance-usdm-algo",
        "binance",
        (PERPETUAL, *STOP, "--leverage", "1"),
        "/fapi/v1/algoOrder",
        "/fapi/v1/openAlgoOrders",
        BINANCE_MISSING,
    ),
    API(
        "okx-spot",
        "okx",
        LIMIT,
        "/api/v5/trade/order",
        "/api/v5/trade/orders-pending",
        OKX_MISSING,
        '{"code":"0","data":[],"msg":""}',
    ),
    API(
        "okx-swap",
        "okx",
        (PERPETUAL, "0.002", "--price", "58000", "--leverage", "1"),
        "/api/v5/trade/order",
        "/api/v5/trade/orders-pending",
        OKX_MISSING,
        '{"code":"0","data":[],"msg":""}',
    ),
    API(
        "okx-algo",
        "okx",
        ("BTC/USDT", *STOP),
        "/api/v5/trade/order-algo",
        "/api/v5/trade/orders-algo-pending",
        OKX_MISSING,
        '{"code":"0","data":[],"msg":""}',
    ),
    API(
        "lbank-spot",
        "lbank",
        LIMIT,
        "/v2/spot/trade/orders_info.do",
        "/v2/supplement/orders_info_no_deal.do",
        LBANK_MISSING,
        '{"result":"true","error_code":0,"data":{"orders":[],"total":0,"page_length":200,"current_page":1},"ts":1}',
    ),
    API("bitfinex-spot", "bitfinex", LIMIT, "/v2/auth/r/orders", "/v2/auth/r/orders/tBTCUST"),
    API(
        "bitfinex-derivatives",
        "bitfinex",
        (PERPETUAL, "0.002", "--price", "58000", "--leverage", "1"),
        "/v2/auth/r/orders",
        "/v2/auth/r/orders/tBTCF0:USTF0",
    ),
)
TELLING = [api for api in APIS if api.missing is not None]


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.fixture
def bench(benches: Bench) -> Bench:
    benches.reset()
    return benches


def lose(bench: Bench, api: API) -> None:
    """An order of that API that never reached its exchange and whose answer was lost, and its window past."""
    bench.world.fault(kind=FaultKind.RESET_BEFORE, exchange=api.exchange, operation="place")
    ran = bench.run("order", "buy", *api.words, "-a", f"{api.exchange}-a", "--yes")
    assert ran.exit_code == ExitCode.UNKNOWN, ran.stdout + ran.stderr
    bench.clock.skip(LATER)


def settle(bench: Bench, *options: str) -> tuple[Ran, str, str]:
    """What one pass says of the only leg: the run, its outcome and its detail."""
    ran = bench.run("orders", "settle", *options)
    (leg,) = ran.data["legs"]
    return ran, leg["outcome"], leg["detail"]


def check_unknown(bench: Bench, *words: str) -> None:
    """The leg stays unknown and says why; with everything well again the very next pass proves it absent."""
    ran, outcome, detail = settle(bench)
    assert (ran.exit_code, outcome) == (ExitCode.UNKNOWN, "unknown"), detail
    for word in words:
        assert word in detail
    assert bench.world.placements() == {}
    bench.world.twin.faults.clear()
    assert settle(bench)[1] == "not_sent"


def answer(bench: Bench, api: API, path: str, status: int, body: str) -> None:
    bench.world.fault(
        kind=FaultKind.ANSWER,
        exchange=api.exchange,
        path=path,
        status=status,
        body=body,
        headers=(("Content-Type", "application/json"),),
        times=None,
    )


@pytest.mark.parametrize("api", APIS, ids=str)
def test_an_order_that_never_arrived_is_proven_absent(bench: Bench, api: API) -> None:
    lose(bench, api)
    ran, outcome, detail = settle(bench)
    assert (ran.exit_code, outcome) == (ExitCode.UNREACHED, "not_sent"), detail
    assert "proven" in detail
    asked = [line for line in bench.world.venue(api.exchange).calls.lines if line.path == api.by_id]
    assert len(asked) >= 3, "three rounds, each by id"
    bench.check_sent_once()


@pytest.mark.parametrize("api", TELLING, ids=str)
@pytest.mark.parametrize("status", [200, 400, 404, 500, 503])
def test_the_code_counts_at_its_own_status_alone(bench: Bench, api: API, status: int) -> None:
    assert api.missing is not None
    named, body = api.missing
    lose(bench, api)
    answer(bench, api, api.by_id, status, body)
    if str(status) == named:
        assert settle(bench)[1] == "not_sent"
    else:
        check_unknown(bench, "could not be looked up")


@pytest.mark.parametrize("api", TELLING, ids=str)
def test_the_code_counts_from_the_look_up_by_id_alone(bench: Bench, api: API) -> None:
    """A list that answers "no such order" is no list, whatever its status."""
    assert api.missing is not None
    lose(bench, api)
    answer(bench, api, api.listed, int(api.missing[0]), api.missing[1])
    check_unknown(bench, "could not be looked up")


@pytest.mark.parametrize("api", APIS, ids=str)
@pytest.mark.parametrize("status", [202, 206, 503])
def test_an_empty_list_counts_at_200_alone(bench: Bench, api: API, status: int) -> None:
    lose(bench, api)
    answer(bench, api, api.listed, status, api.empty)
    check_unknown(bench, "could not be looked up", str(status))


@pytest.mark.parametrize("api", APIS, ids=str)
@pytest.mark.parametrize("offset_ms", [-60_000, -15_000, 15_000, 60_000])
def test_no_round_counts_while_the_clock_is_wrong(bench: Bench, api: API, offset_ms: int) -> None:
    lose(bench, api)
    venue = bench.world.venue(api.exchange)
    venue.offset_ms = offset_ms
    ran, outcome, detail = settle(bench)
    assert (ran.exit_code, outcome) == (ExitCode.UNKNOWN, "unknown"), detail
    assert "without a usable clock" in detail and ("behind" if offset_ms > 0 else "ahead of") in detail
    venue.offset_ms = 0
    assert settle(bench)[1] == "not_sent"


@pytest.mark.parametrize("api", APIS, ids=str)
def test_no_round_counts_while_the_clock_was_not_read(bench: Bench, api: API, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(bench, api)
    with monkeypatch.context() as slow:
        slow.setattr(clocks, "ROUND_TRIP_MAX_SECONDS", 0.0)
        ran, outcome, detail = settle(bench)
    assert (ran.exit_code, outcome) == (ExitCode.UNKNOWN, "unknown")
    assert "without a usable clock" in detail and "could not be read" in detail
    assert settle(bench)[1] == "not_sent"


@pytest.mark.parametrize("api", [APIS[0], APIS[6], APIS[7]], ids=str)
def test_waiting_reads_a_clock_that_was_not_usable_again(
    bench: Bench, api: API, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(bench, api)
    read, rounds = clocks.offset_of, list[int]()

    def slow_at_first(*facts: Any) -> clocks.Offset | None:
        rounds.append(1)
        return None if len(rounds) < 3 else read(*facts)

    monkeypatch.setattr(session, "offset_of", slow_at_first)
    assert settle(bench, "--wait")[1] == "not_sent"
    assert len(rounds) >= 3


@pytest.mark.parametrize("api", APIS, ids=str)
@pytest.mark.parametrize("seconds", [20, -20])
def test_no_round_counts_once_this_machine_s_clock_was_set_while_it_waited(
    bench: Bench, api: API, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock as it was read before, the window would be over before it is."""
    bench.world.fault(kind=FaultKind.RESET_BEFORE, exchange=api.exchange, operation="place")
    bench.run("order", "buy", *api.words, "-a", f"{api.exchange}-a", "--yes")
    venue, sleep, long = bench.world.venue(api.exchange), SkipClock.sleep, list[float]()

    async def set_meanwhile(clock: SkipClock, pause: float) -> None:
        if pause > 4 and not long:  # the wait for the window
            long.append(pause)
            clock.skip(seconds)
            venue.offset_ms = -seconds * 1000
        await sleep(clock, pause)

    with monkeypatch.context() as setting:
        setting.setattr(SkipClock, "sleep", set_meanwhile)
        ran, outcome, detail = settle(bench, "--wait")
    assert long and (ran.exit_code, outcome) == (ExitCode.UNKNOWN, "unknown"), detail
    assert "without a usable clock" in detail
    venue.offset_ms = 0
    assert settle(bench)[1] == "not_sent"


@pytest.mark.parametrize("api", [APIS[0], APIS[4], APIS[7], APIS[8]], ids=str)
def test_a_cancel_goes_out_although_the_clock_proves_nothing(bench: Bench, api: API) -> None:
    """A clock that is wrong keeps the proof back, never the way out."""
    lose(bench, api)
    bench.world.venue(api.exchange).offset_ms = 60_000
    ran = bench.run("cancel", "--all", "--yes")
    assert "cancel" in {line.operation for line in bench.world.venue(api.exchange).calls.lines}, ran.stdout
