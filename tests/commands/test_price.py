"""keyctl price: one row a venue, public calls only, and why a venue has no price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.errors import ExitCode
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.server import TwinServer
from tests.support.desk import Desk, open_twin
from tests.support.world import ALL


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


@pytest.fixture
def desk(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    found = Desk(twin, tmp_path, capsys)
    for exchange in ALL:
        found.add(f"{exchange}-a", exchange)
    return found


def test_every_venue_is_one_row_with_its_own_symbol_and_steps(desk: Desk) -> None:
    desk.add("okx-b", "okx")
    ran = desk.run("price", "BTC/USDT", "--json")
    prices = {row["exchange"]: row for row in ran.data["prices"]}
    assert (ran.exit_code, len(ran.data["prices"])) == (ExitCode.OK, 4)
    assert {row["native_symbol"] for row in prices.values()} == {"BTCUSDT", "BTC-USDT", "btc_usdt", "tBTCUST"}
    for row in prices.values():
        bid, ask = Decimal(row["bid"]), Decimal(row["ask"])
        assert 0 < bid <= ask
        assert abs(Decimal(row["spread_percent"]) - (ask - bid) / bid * 100) < Decimal("0.0001")
        assert Decimal(row["quantity_step"]) > 0
        assert Decimal(row["min_quantity"]) > 0
    assert prices["bitfinex"]["price_digits"] == 5


def test_sizes_of_a_coin_margined_perpetual_are_contracts_with_their_worth(desk: Desk) -> None:
    ran = desk.run("price", "BTC/USD:BTC", "-a", "binance-a", "-a", "okx-a")
    rows = {row.split("\t")[0]: row.split("\t") for row in ran.stdout.splitlines()}
    assert {row[1] for row in rows.values()} == {"BTCUSD_PERP", "BTC-USD-SWAP"}
    assert {(row[5], row[7]) for row in rows.values()} == {("1 of 100 USD", "1 of 100 USD")}
    told = {row["exchange"]: row for row in desk.run("price", "BTC/USD:BTC", "--json").data["prices"]}
    for exchange in ("binance", "okx"):
        assert (told[exchange]["inverse"], told[exchange]["contract_size"], told[exchange]["settle"]) == (
            True,
            "100",
            "BTC",
        )
    assert (told["bitfinex"]["native_symbol"], told["lbank"]["native_symbol"]) == (None, None)


def test_no_key_and_no_secret_is_used(desk: Desk) -> None:
    desk.run("price", "BTC/USDT")
    assert desk.store.openings == 0
    for exchange in ALL:
        lines = desk.twin.venue(exchange).calls.lines
        assert lines
        assert {line.key_hint for line in lines} == {""}


def test_a_venue_that_is_not_reached_says_why_and_the_others_answer(desk: Desk) -> None:
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="okx", times=None))
    ran = desk.run("price", "BTC/USDT", "--json")
    dark = next(row for row in ran.data["prices"] if row["exchange"] == "okx")
    assert ran.exit_code == ExitCode.OK
    assert dark["bid"] is None
    assert dark["error"] in ("not_reached", "no_answer")
    assert any("okx" in warning for warning in ran.document["warnings"])


def test_no_venue_reached_is_exit_8(desk: Desk) -> None:
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, times=None))
    assert desk.run("price", "BTC/USDT", "--json").exit_code == ExitCode.UNREACHED


def test_a_symbol_that_no_venue_lists_is_exit_4(desk: Desk) -> None:
    ran = desk.run("price", "NOPE/USDT", "--json")
    assert ran.exit_code == ExitCode.CHECK
    assert {row["error"] for row in ran.data["prices"]} == {"unknown_symbol"}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC/USDT:", "BTC/USDT/X", "b t/c"])
def test_what_is_no_symbol_is_exit_2(desk: Desk, symbol: str) -> None:
    assert desk.run("price", symbol, "--json").exit_code == ExitCode.USAGE


def test_venues_are_chosen_by_account(desk: Desk) -> None:
    ran = desk.run("price", "btc/usdt", "-a", "okx-a", "-a", "lbank-a", "--json")
    assert [row["exchange"] for row in ran.data["prices"]] == ["okx", "lbank"]


def test_in_a_pipe_each_venue_is_one_record(desk: Desk) -> None:
    rows = [line.split("\t") for line in desk.run("price", "BTC/USDT").stdout.splitlines()]
    assert [row[0] for row in rows] == list(ALL)
    assert {len(row) for row in rows} == {8}


def test_the_table_fits_eighty_columns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("keyctl.terminal.output.is_terminal", lambda stream: True)
    ran = desk.run("price", "BTC/USDT")
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert "BTC-USDT" in ran.stdout


def test_without_accounts_it_is_exit_3(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Desk(twin, tmp_path / "empty", capsys).run("price", "BTC/USDT", "--json").exit_code == ExitCode.SETUP


def test_perpetuals_show_their_contracts(desk: Desk) -> None:
    desk.add("okx-main", "okx")
    rows = desk.run("price", "BTC/USDT:USDT", "-a", "okx-main", "--json").data["prices"]
    found = rows[0]
    assert (found["native_symbol"], found["settle"], found["contract_size"]) == ("BTC-USDT-SWAP", "USDT", "0.01")
