"""One name, two coins: an order that would trade at once at exchanges whose prices are far apart asks first."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.model.words import Side
from keyctl.twin.faults import FaultKind
from tests.support.perpetuals import SYMBOL
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, RIGHTS, World, open_position

PAIR = "BTC/USDT"
D = Decimal


@pytest.fixture
def desk(world: World) -> World:
    """One account at each exchange, all of which trade at 60,000."""
    world.add_all()
    for exchange in ALL:
        trade_at(world, exchange, "60000")
    return world


def trade_at(world: World, exchange: str, ask: str, symbol: str = PAIR, bid: str | None = None) -> None:
    """The exchange's only prices: the ask, and a bid just below it unless it is given."""
    venue = world.venue(exchange)
    book = venue.derivatives.book(symbol) if ":" in symbol else venue.book(symbol)
    book.asks = [(D(ask), D(1000))]
    book.bids = [(D(bid) if bid else D(ask) - 10, D(1000))]
    if ":" in symbol:  # the price band lies around it; a book beyond the band could not be reached
        venue.derivatives.set_mark(symbol, D(ask))


def buy(*words: str, size: str = "0.002") -> list[str]:
    return ["order", "buy", PAIR, size, *words, "--json"]


TWO = ("-a", "binance-a", "-a", "okx-a", "--fanout")


def test_a_script_is_stopped_where_two_exchanges_prices_are_more_than_3_percent_apart(desk: World) -> None:
    trade_at(desk, "okx", "62000")
    ran = desk.keyctl(*buy("--price", "62000", "--tif", "ioc"), *TWO, "--yes")
    error = ran.document["errors"][0]
    assert (ran.exit_code, error["code"]) == (4, "soft_limit")
    assert f"prices of {PAIR} are 3.33% apart" in error["message"]
    assert "60000 at Binance, 62000 at OKX" in error["message"]
    assert any(hint.startswith("in a script, confirm it by its value: --expect-value") for hint in error["hints"])
    assert desk.placements() == {}


def test_the_value_passes_it_and_the_warning_stays_in_the_json(desk: World) -> None:
    trade_at(desk, "okx", "62000")
    words = buy("--price", "62000", "--tif", "ioc")
    value = desk.keyctl(*words, *TWO, "--dry-run").data["value_usd"]
    ran = desk.keyctl(*words, *TWO, "--expect-value", f"{D(value):.2f}", "--again")
    assert ran.exit_code == 0, ran.stderr
    (warning,) = [text for text in ran.document["warnings"] if "apart" in text]
    assert "60000 at Binance, 62000 at OKX" in warning
    assert len(desk.placements()) == 2


def test_a_dry_run_says_it_once(desk: World) -> None:
    trade_at(desk, "okx", "62000")
    ran = desk.keyctl(*buy(), *TWO, "--dry-run")
    assert [text.startswith("confirmation limit: ") for text in ran.document["warnings"] if "apart" in text] == [True]


def test_a_person_reads_both_prices_before_the_question(desk: World) -> None:
    trade_at(desk, "okx", "62000")
    words = ["order", "buy", PAIR, "0.002", "--price", "62000", "--tif", "ioc", *TWO]
    person = keyctl_at_terminal(words, desk.home)
    code, shown = person.waits_for("(the total in USD) to send").types("no\n").leaves()
    assert code == 4
    assert "60000 at Binance, 62000 at OKX" in " ".join(shown.partition("(the total in USD)")[0].split())
    assert desk.placements() == {}


@pytest.mark.parametrize(
    ("ask", "asked"), [("61800", False), ("61800.01", True), ("58252.42", True), ("58252.43", False)]
)
def test_exactly_3_percent_is_not_asked(desk: World, ask: str, asked: bool) -> None:
    trade_at(desk, "okx", ask)
    ran = desk.keyctl(*buy(), *TWO, "--dry-run")
    assert ran.exit_code == 0, ran.stderr
    assert any("apart" in text for text in ran.document["warnings"]) is asked


@pytest.mark.parametrize("odd", ALL)
def test_of_four_exchanges_one_that_is_far_off_is_enough(desk: World, odd: str) -> None:
    trade_at(desk, odd, "63000")
    ran = desk.keyctl(*buy(), "--fanout", "--all", "--dry-run")
    (warning,) = [text for text in ran.document["warnings"] if "apart" in text]
    assert "5.00% apart" in warning
    assert warning.count(" at ") == 4 and warning.count("60000 at ") == 3, "every exchange is named with its price"


def test_a_sell_is_compared_by_the_bids(desk: World) -> None:
    trade_at(desk, "okx", "62000", bid="59990")
    words = ["order", "sell", PAIR, "0.002", *TWO, "--dry-run", "--json"]
    assert not any("apart" in text for text in desk.keyctl(*words).document["warnings"])
    trade_at(desk, "okx", "62000", bid="61990")
    assert any("59990 at Binance, 61990 at OKX" in text for text in desk.keyctl(*words).document["warnings"])


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ((), True),
        (("--max-slippage", "none"), True),
        (("--price", "61000"), True),  # crosses Binance's ask
        (("--price", "58000"), False),
        (("--price", "58000", "--tif", "ioc"), True),
        (("--price", "58000", "--post-only"), False),
    ],
)
def test_only_an_order_that_trades_at_once_is_asked_about(desk: World, words: tuple[str, ...], asked: bool) -> None:
    trade_at(desk, "okx", "62000")
    ran = desk.keyctl(*buy(*words), *TWO, "--dry-run")
    assert ran.exit_code == 0, ran.stderr
    assert any("apart" in text for text in ran.document["warnings"]) is asked


def test_an_exchange_whose_price_cannot_be_read_is_left_out_and_the_others_are_compared(desk: World) -> None:
    trade_at(desk, "okx", "62000")
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="lbank", operation="ticker", times=None)
    three = ("-a", "binance-a", "-a", "okx-a", "-a", "lbank-a", "--fanout", "--dry-run")
    ran = desk.keyctl(*buy(), *three)
    assert ran.exit_code == 6
    (warning,) = [text for text in ran.document["warnings"] if "apart" in text]
    assert "60000 at Binance, 62000 at OKX" in warning and "LBank" not in warning


def test_accounts_of_one_exchange_are_one_price(desk: World) -> None:
    desk.add("binance", "second")
    ran = desk.keyctl(*buy(), "-a", "binance-a", "-a", "second", "--fanout", "--dry-run")
    assert not any("apart" in text for text in ran.document["warnings"])


def test_config_moves_the_limit(desk: World) -> None:
    trade_at(desk, "okx", "62000")
    config = desk.app().home.config_file
    config.write_text("[limits]\nprice_apart_soft = 0.04\nprice_through_soft = 0.04\n")
    config.chmod(0o600)
    ran = desk.keyctl(*buy("--price", "62000", "--tif", "ioc"), *TWO, "--yes")
    assert ran.exit_code == 0, ran.stderr
    assert "price_apart_soft" in desk.keyctl("limits").stdout


@pytest.fixture
def swaps(world: World) -> World:
    """A long position at Binance and at OKX, whose perpetuals are 5 % apart."""
    for exchange in ("binance", "okx"):
        world.add(exchange, rights=RIGHTS)
        open_position(world, f"{exchange}-a", SYMBOL, Side.BUY, "2" if exchange == "okx" else "0.02")
    trade_at(world, "binance", "60000", SYMBOL)
    trade_at(world, "okx", "63000", SYMBOL)
    return world


@pytest.mark.parametrize("odd", ["binance", "bitfinex", "okx"])
def test_perpetuals_are_asked_about(world: World, odd: str) -> None:
    for exchange in ("binance", "bitfinex", "okx"):
        world.add(exchange, rights=RIGHTS)
        trade_at(world, exchange, "63000" if exchange == odd else "60000", SYMBOL)
    words = ("order", "buy", SYMBOL, "0.01", "--leverage", "2", "--fanout", "--all", "--dry-run", "--json")
    ran = world.keyctl(*words)
    (warning,) = [text for text in ran.document["warnings"] if "apart" in text]
    assert f"prices of {SYMBOL} are 5.00% apart" in warning
    assert f"63000 at {world.app().accounts.get(f'{odd}-a').exchange.title()}".casefold() in warning.casefold()


def test_nothing_holds_an_order_that_only_reduces(swaps: World) -> None:
    before = len(swaps.placements())
    reduced = swaps.keyctl("order", "sell", SYMBOL, "0.01", "--reduce-only", *TWO, "--yes", "--json")
    assert reduced.exit_code == 0, reduced.stdout
    closed = swaps.keyctl("close", SYMBOL, "--all", "--yes", "--json")
    assert closed.exit_code == 0, closed.stdout
    assert len(swaps.placements()) == before + 4
    told = [*reduced.document["warnings"], *closed.document["warnings"]]
    assert not any("apart" in text for text in told)
