"""Symbols as people type them: a legal one goes through, another writing leads to every symbol that it may mean."""

from __future__ import annotations

import re

import pytest

from keyctl.errors import UsageProblem
from keyctl.exchanges.typed_symbols import meant_symbols, named_elsewhere, perpetuals_of, read_symbol
from keyctl.model.words import Market
from tests.support.world import ALL, World

BOTH = "BTC/USDT or BTC/USDT:USDT"
# A writing, and what the one hint says after "write it as".
MEANT = [
    # Joined: spot and perpetual have one name at Binance and LBank.
    ("BTCUSDT", BOTH),
    ("btcusdt", BOTH),
    ("ethusdc", "ETH/USDC or ETH/USDC:USDC"),
    ("BTCEUR", "BTC/EUR"),
    ("1000PEPEUSDT", "1000PEPE/USDT or 1000PEPE/USDT:USDT"),
    ("TUSDT", "T/USDT or T/USDT:USDT"),
    ("trxusdt", "TRX/USDT or TRX/USDT:USDT"),
    ("ETHBTC", "ETH/BTC or ETH/BTC:BTC"),
    ("BTCUSD", "BTC/USD, BTC/USD:BTC or BTC/USD:USD"),
    # Joined, with two quotes that end it.
    ("ADAEUR", "AD/AEUR or ADA/EUR"),
    ("GALAEUR", "GAL/AEUR or GALA/EUR"),
    ("DOTUSD", "DO/TUSD, DOT/USD, DOT/USD:DOT or DOT/USD:USD"),
    # One sign between.
    ("btc_usdt", BOTH),
    ("BTC-USDT", BOTH),
    ("BTC:USDT", BOTH),
    ("BTC USDT", BOTH),
    ("SOL-EUR", "SOL/EUR"),
    ("eth_btc", "ETH/BTC or ETH/BTC:BTC"),
    # Perpetuals by their mark.
    ("BTC-USDT-SWAP", "BTC/USDT:USDT"),
    ("eth-usdc-swap", "ETH/USDC:USDC"),
    ("BTC-USD-SWAP", "BTC/USD:BTC"),
    ("SOL-USD_UM-SWAP", "SOL/USD:USD"),
    ("BTCUSD_PERP", "BTC/USD:BTC"),
    ("ETHUSD_PERP", "ETH/USD:ETH"),
    ("BTC_USDT_PERP", "BTC/USDT:USDT"),
    ("BTC/USDT-PERP", "BTC/USDT:USDT"),
    ("BTC/USDT:USDT.P", "BTC/USDT:USDT"),
    ("BTCUSDT.P", "BTC/USDT:USDT"),
    ("BTCUSD.P", "BTC/USD:BTC or BTC/USD:USD"),
    ("BTCUSDPERP", "BTC/USD:BTC or BTC/USD:USD"),
    ("BTC/USD-PERP", "BTC/USD:BTC or BTC/USD:USD"),
    # Bitfinex, where UST is Tether, LUNA is Luna Classic and DSH is DASH.
    ("tBTCUSD", "BTC/USD"),
    ("tBTCUST", "BTC/USDT"),
    ("tDOGE:USD", "DOGE/USD"),
    ("tDOGEUSD", "DOGE/USD"),
    ("tLUNA:USD", "LUNC/USD"),
    ("tDSHUSD", "DASH/USD"),
    ("tBTCF0:USTF0", "BTC/USDT:USDT"),
    ("tbtcf0:ustf0", "BTC/USDT:USDT"),
    ("BTCF0:USTF0", "BTC/USDT:USDT"),
    # In one case a small t may be a coin's: TBTC is one.
    ("tbtcusd", "TBTC/USD, TBTC/USD:TBTC, TBTC/USD:USD or BTC/USD"),
    # A chart's names: without a mark the spot pair.
    ("BINANCE:BTCUSDT", "BTC/USDT"),
    ("binance:btcusdt", "BTC/USDT"),
    ("BINANCE:BTCUSDT.P", "BTC/USDT:USDT"),
    ("BINANCE:1000PEPEUSDT.P", "1000PEPE/USDT:USDT"),
    ("BINANCE:BTCUSDTPERP", "BTC/USDT:USDT"),
    ("BINANCE:BTCUSD.P", "BTC/USD:BTC"),
    ("OKX:BTCUSD.P", "BTC/USD:BTC or BTC/USD:USD"),
    ("BITFINEX:BTCUST", "BTC/USDT"),
    ("OKEX:BTC-USDT-SWAP", "BTC/USDT:USDT"),
    ("LBANK:BTC_USDT", "BTC/USDT"),
    ("BINANCE_FUTURES:BTCUSDT", "BTC/USDT:USDT"),
    ("BINANCE:BTC/USDT", "BTC/USDT"),
    # Dated futures are never called by their perpetual's name.
    ("BTCUSDT_261225", "BTC/USDT:USDT-261225"),
    ("BTC-USDT-261225", "BTC/USDT:USDT-261225"),
    ("BTC/USDT-261225", "BTC/USDT:USDT-261225"),
    ("BTCUSD_261225", "BTC/USD:BTC-261225"),
    ("BTC-USD-261225", "BTC/USD:BTC-261225"),
    ("BTC-USD_UM-261225", "BTC/USD:USD-261225"),
    ("BTC-USD_UM_XPERP-310404", "BTC/USD:USD-310404"),
    ("BINANCE:BTCUSDT_261225", "BTC/USDT:USDT-261225"),
    # Signs, letters and blanks from other keyboards and pages.
    ("ＢＴＣ／ＵＳＤＴ", "BTC/USDT"),
    ("ｂｔｃｕｓｄｔ", BOTH),
    ("BTC／USDT：USDT", "BTC/USDT:USDT"),
    ("BTC–USDT", BOTH),
    ("BTC—USDT—SWAP", "BTC/USDT:USDT"),
    ("BTC−USDT", BOTH),
    ("BTC⁄USDT", "BTC/USDT"),
    ("BTC∕USDT", "BTC/USDT"),
    ("BTC\\USDT", "BTC/USDT"),
    ("BTC / USDT", "BTC/USDT"),
    (" BTC/USDT", "BTC/USDT"),
    ("BTC/USDT ", "BTC/USDT"),
    ("BTC/USDT\u00a0", "BTC/USDT"),
    ("BTC/\u200bUSDT", "BTC/USDT"),
    ("\ufeffBTC/USDT:USDT", "BTC/USDT:USDT"),
]


@pytest.mark.parametrize(("written", "meant"), MEANT)
def test_another_writing_leads_to_every_symbol_that_it_may_mean(written: str, meant: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_symbol(written)
    assert caught.value.code == "bad_symbol"
    assert caught.value.hints == (f"write it as {meant}",)


@pytest.mark.parametrize(("written", "meant"), MEANT)
def test_what_a_hint_names_is_a_symbol(written: str, meant: str) -> None:
    for symbol in re.split(", | or ", meant):
        # Dated futures are symbols where lists are read, and are refused by name where orders are made.
        undated = symbol.partition("-")[0]
        assert read_symbol(undated) == undated


@pytest.mark.parametrize(
    "written",
    [
        *("BTC", "", "buy", "USDT", "/", "BTC/USDT/SWAP/X", "BTC-PERP", "BTC-PERPETUAL"),
        *("BYBIT:BTCUSDT", "BTCUSDTM", "PF_XBTUSD", "BTCUSDT-", "fUSD"),
        *("BTC-USD-261225-100000-C", "BTCUSDT_269925", "BTC-25DEC26", "BTC_USDT_20261225"),  # options, no dates
        *("USDT_BTC", "usdt-eth", "USD_SOL"),  # the quote may be named first
        *("WBTC", "STETH", "wbeth", "SOLVBTC"),  # coins by themselves
    ],
)
def test_where_it_is_not_clear_what_was_meant_no_symbol_is_named(written: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_symbol(written)
    assert not re.search(r"[A-Z0-9]/(?!QUOTE)[A-Z0-9]", " ".join(caught.value.hints)), caught.value.hints
    assert caught.value.hints[-1].startswith("write BASE/QUOTE")


@pytest.mark.parametrize("written", ["XBTUSD", "XBT-USD", "xbtusdt", "XBT/USDT-PERP", "XDG-EUR"])
def test_the_code_of_another_exchange_is_not_taken_for_a_coin_of_these(written: str) -> None:
    assert meant_symbols(written) == ()
    with pytest.raises(UsageProblem) as caught:
        read_symbol(written)
    coin = "DOGE" if "XDG" in written else "BTC"
    assert f"is the code of {coin} at Kraken" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [("XBT/USD", "BTC/USD"), ("XBT/USDT:USDT", "BTC/USDT:USDT"), ("ETH/XBT", "ETH/BTC"), ("XDG/EUR", "DOGE/EUR")],
)
def test_a_symbol_with_such_a_code_is_read_as_it_stands_and_explained(symbol: str, meant: str) -> None:
    assert read_symbol(symbol) == symbol
    assert named_elsewhere(symbol).endswith(f"write it as {meant}")


@pytest.mark.parametrize("symbol", ["BTC/USD", "XBTC/USD", "BTC/USDT:USDT"])
def test_other_symbols_need_no_explaining(symbol: str) -> None:
    assert named_elsewhere(symbol) == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("btcusdt", ("BTC/USDT:USDT",)),
        ("BTC_USDC", ("BTC/USDC:USDC",)),
        ("BTCUSD", ("BTC/USD:BTC", "BTC/USD:USD")),
        ("tBTCUSD", ()),
        ("ADAEUR", ()),
    ],
)
def test_where_only_perpetuals_can_be_meant_only_they_are_named(written: str, meant: tuple[str, ...]) -> None:
    assert meant_symbols(written, Market.FUTURES) == meant


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [
        ("ETH/USDT", "ETH/USDT:USDT"),
        ("BTC/EUR", "BTC/EUR:EUR"),
        ("SOL/USD", "SOL/USD:SOL or SOL/USD:USD"),
    ],
)
def test_the_perpetual_of_a_spot_symbol_is_its_own(symbol: str, meant: str) -> None:
    assert perpetuals_of(symbol) == meant


@pytest.mark.parametrize(
    "secret",
    [
        "MyPassw0rdETH",
        "Hunter2eth",
        "tHunterUSD",
        "correcthorsebatteryeth",
        "S3cret-Word-BTC",
        "0f8e7d6c5b4a39281706f5e4d3c2b1a0usdt",
        "tCORRECTHORSEUSD",
    ],
)
def test_no_symbol_is_made_of_what_could_be_a_secret(world: World, secret: str) -> None:
    """Of such a word no message shows more than its length or its ends, also not in pieces."""
    for line in (("order", "buy", secret, "1", "-a", "x"), ("orders", "--open", "--symbol", secret)):
        for more in ((), ("--json",)):
            ran = world.keyctl(*line, *more)
            assert ran.exit_code == 2
            said = (ran.stdout + ran.stderr).casefold()
            pieces = [secret[at : at + 6].casefold() for at in range(len(secret) - 5)]
            assert not [piece for piece in pieces if piece in said], said


LINES = [
    ("order", "buy", "{}", "1", "-a", "okx-a"),
    ("order", "sell", "{}", "--quote", "10", "--fanout", "--all"),
    ("close", "{}", "--all"),
    ("price", "{}"),
    ("positions", "--symbol", "{}"),
    ("orders", "--open", "--symbol", "{}"),
    ("cancel", "--all", "--symbol", "{}"),
    ("cancel", "-a", "okx-a", "--foreign", "--symbol", "{}"),
]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BTC-USDT-SWAP", "BTC/USDT:USDT"),
        ("BINANCE:1000PEPEUSDT.P", "1000PEPE/USDT:USDT"),
        ("ＢＴＣ／ＵＳＤＴ：ＵＳＤＴ", "BTC/USDT:USDT"),
        ("BTCUSD_PERP", "BTC/USD:BTC"),
    ],
)
def test_every_command_that_takes_a_symbol_names_the_one_that_was_meant(
    world: World, line: tuple[str, ...], written: str, meant: str
) -> None:
    world.add("okx")
    ran = world.keyctl(*(word.format(written) for word in line), "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (2, "bad_symbol")
    assert error["message"] == f"'{written}' is not a symbol"
    assert error["hints"] == [f"write it as {meant}"]
    assert world.placements() == {}


@pytest.mark.parametrize("line", LINES, ids=" ".join)
@pytest.mark.parametrize("written", ["BTCUSDT_261225", "BTC-USDT-261225", "BTC/USDT-261225"])
def test_a_dated_future_is_never_answered_with_its_perpetual(world: World, line: tuple[str, ...], written: str) -> None:
    world.add("okx")
    ran = world.keyctl(*(word.format(written) for word in line), "--json")
    assert ran.exit_code == 2
    said = " ".join(text for error in ran.document["errors"] for text in (error["message"], *error["hints"]))
    assert "BTC/USDT:USDT-261225" in said
    assert not re.search(r"BTC/USDT:USDT(?!-261225)|BTC/USDT(?![:-])", said), said


@pytest.mark.parametrize(("written", "meant"), [("BTC-USDT-SWAP", "BTC/USDT:USDT"), ("tBTCUSD", "BTC/USD")])
def test_cancel_knows_a_symbol_in_the_place_of_an_id(world: World, written: str, meant: str) -> None:
    world.add("okx")
    ran = world.keyctl("cancel", written, "--json")
    hints = ran.document["errors"][0]["hints"]
    assert f"to cancel all orders in {meant}: keyctl cancel --all --symbol {meant}" in hints


@pytest.mark.parametrize("exchange", ALL)
def test_a_symbol_that_is_not_listed_says_what_another_exchanges_code_means(world: World, exchange: str) -> None:
    world.add(exchange)
    ran = world.keyctl("order", "buy", "XBT/USDT", "1", "--price", "60000", "-a", f"{exchange}-a", "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "unknown_symbol")
    assert error["hints"][0].endswith("if you mean BTC, write it as BTC/USDT")


@pytest.mark.parametrize("line", [("orders", "--open"), ("cancel", "--all"), ("positions",)], ids=" ".join)
def test_a_list_that_is_empty_for_such_a_code_says_so(world: World, line: tuple[str, ...]) -> None:
    world.add("okx", rights=("read", "spot_trade", "futures_trade"))
    ran = world.keyctl(*line, "--symbol", "XBT/USDT:USDT", "--json")
    assert any("write it as BTC/USDT:USDT" in text for text in ran.document["warnings"]), ran.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("cancel", "--all", "--yes", "--symbol", ""),
        ("orders", "--open", "--symbol", ""),
        ("positions", "--symbol", ""),
        ("price", "BTC/USDT", "--group", ""),
        ("order", "buy", "BTC/USDT", "0.005", "-a", "okx-a", "--yes", "--price", ""),
        ("order", "sell", "BTC/USDT", "0.005", "-a", "okx-a", "--yes", "--stop-at", ""),
        ("order", "buy", "BTC/USDT", "", "--quote", "10", "-a", "okx-a", "--yes"),
        ("order", "buy", "BTC/USDT", "0.005", "--fanout", "--group", "", "--yes"),
        ("close", "BTC/USDT:USDT", "--all", "--yes", "--max-slippage", ""),
        ("close", "", "--all", "--yes"),
    ],
    ids=" ".join,
)
def test_a_shell_variable_that_is_not_set_is_no_choice(world: World, words: tuple[str, ...]) -> None:
    """`--symbol ""` canceled in every symbol, `--price ""` bought at any price."""
    world.add("okx", rights=("read", "spot_trade", "futures_trade"))
    order = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--yes")
    assert order.exit_code == 0, order.stderr
    ran = world.keyctl(*words, "--json")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (2, "empty_word")
    assert error["message"].endswith(" is empty")
    assert len(world.placements()) == 1
    assert [order.is_open for order in world.venue("okx").orders] == [True]
