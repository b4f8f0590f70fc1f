"""What a symbol may be written with (decision 55): letters of any script, and nothing that hides in them."""

from __future__ import annotations

import pytest

from keyctl.answers import Unreadable
from keyctl.errors import UsageProblem
from keyctl.exchanges.bitfinex.names import common_symbol, native_pair
from keyctl.exchanges.encoding import encode_query
from keyctl.exchanges.okx.names import contract_symbol, pair_symbol
from keyctl.exchanges.shapes import split_perpetual, split_symbol
from keyctl.exchanges.shipped import load, profile
from keyctl.model.credential import Binding
from keyctl.model.size import market_of, read_symbol
from keyctl.model.symbol_text import SymbolParts, capitals, is_name, parts_of, small_letters
from keyctl.model.words import Kind
from keyctl.terminal.typed_words import shown_word
from tests.support.market_calls import instrument_request
from tests.support.world import ALL

CHINESE = "币安人生/USDT:USDT"


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("BTC/USDT", ("BTC", "USDT", "", "")),
        ("1000PEPE/USDC:USDC", ("1000PEPE", "USDC", "USDC", "")),
        (CHINESE, ("币安人生", "USDT", "USDT", "")),
        ("测试测试/USDT:USDT", ("测试测试", "USDT", "USDT", "")),
        ("我踏马来了/USDC", ("我踏马来了", "USDC", "", "")),
        ("カード/USDT", ("カード", "USDT", "", "")),
        ("ひらカタ漢/USDT", ("ひらカタ漢", "USDT", "", "")),
        ("한국/USDT", ("한국", "USDT", "", "")),
        ("हिन्दी/USDT", ("हिन्दी", "USDT", "", "")),
        ("ПЁС/USDT", ("ПЁС", "USDT", "", "")),
        ("1000币/USDT", ("1000币", "USDT", "", "")),
        ("BTC/USDT:USDT-261225", ("BTC", "USDT", "USDT", "261225")),
        ("BTC/USD:BTC-261225", ("BTC", "USD", "BTC", "261225")),
        ("币安/USDT:USDT-270326", ("币安", "USDT", "USDT", "270326")),
    ],
)
def test_letters_of_any_script_are_symbols(symbol: str, parts: tuple[str, str, str, str]) -> None:
    assert parts_of(symbol) == SymbolParts(*parts)
    assert read_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "name",
    [
        *("", "A" * 21, "币" * 21, "币a", "A B", "A-B", "A_B", "A.B", "A'B"),
        *("A\u200bB", "A\u200d", "币\u200c安", "\u2060币", "币\ufe0f", "\u180b", "币\U000e0100"),  # invisible
        *(
            "\u202e币",
            "币\u2066",
            "\u061c",
            "\x00",
            "币\n",
            "\x1b",
            "币\x9b",
            "\ud800",
            "\ue000",
        ),  # control and direction
        *("عملة", "שקל", "١٢٣", "币ع"),  # from right to left
        *("BТC", "B币", "币x", "КA", "कA", "한ア", "ΑB"),  # two scripts
        *("ＢＴＣ", "１２３", "ﾆｭｰ", "ﬁ", "e\u0301", "\uf900", "①"),  # another width or spelling
        *("\u3164", "\uffa0", "币\u115f", "\u17b4", "\u034f"),  # letters that show nothing
        *("\u0301", "\u0301A", "ि"),  # a mark without its letter
    ],
)
def test_what_hides_or_looks_like_another_name_is_none(name: str) -> None:
    assert not is_name(name)
    for symbol in (f"{name}/USDT", f"BTC/{name}", f"BTC/USDT:{name}"):
        assert parts_of(symbol) is None
        with pytest.raises(UsageProblem):
            read_symbol(symbol)
        with pytest.raises(UsageProblem):
            (split_perpetual if ":" in symbol else split_symbol)(symbol)


@pytest.mark.parametrize(
    "symbol", ["BTC", "BTC/", "/USDT", "BTC/USDT:", "BTC/USDT:USDT-", "BTC/USDT-261225", "A/B/C", ":"]
)
def test_other_forms_are_no_symbols(symbol: str) -> None:
    assert parts_of(symbol) is None


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("btc/usdt", "BTC/USDT"),
        ("币安人生/usdt:usdt", CHINESE),
        ("ß/usdt", "ß/USDT"),  # no other letter changes: its capital would be SS
        ("btc/usdt:usdt-261225", "BTC/USDT:USDT-261225"),
    ],
)
def test_only_a_to_z_become_capitals(typed: str, read: str) -> None:
    assert read_symbol(typed) == read
    assert capitals(typed) == read and small_letters(read) == typed


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT-261225", "ETH/USD:ETH-270326", "币安/USDT:USDT-261225"])
def test_a_dated_future_is_called_so_and_no_other_instrument_is_named(symbol: str) -> None:
    assert market_of(read_symbol(symbol)).value == "futures"
    with pytest.raises(UsageProblem) as caught:
        split_perpetual(symbol)
    assert symbol in caught.value.message and "dated future" in caught.value.message
    assert not any("write it as" in hint for hint in caught.value.hints)


@pytest.mark.parametrize("symbol", [CHINESE, "测试测试/USDT:USDT", "한국/USDT"])
def test_messages_show_such_symbols_whole(symbol: str) -> None:
    assert shown_word(symbol) == symbol
    assert shown_word("币安人生币安人生币安人生") != "币安人生币安人生币安人生"


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("symbol", ["币安人生/USDT", "カード/USDT", "한국인/USDT"])
def test_every_venue_is_asked_for_the_name_as_it_was_typed(exchange: str, symbol: str) -> None:
    venue = load(Binding(exchange, Kind.LIVE, profile(exchange).site_default, None, None))
    request = instrument_request(venue, symbol)
    base = symbol.partition("/")[0]
    if exchange == "bitfinex":  # its list is asked for as a whole
        native = native_pair(*symbol.split("/"))
        assert native is not None and base in native and common_symbol(native) == symbol
    else:
        assert base in str(request.params)
        assert encode_query(request.params).isascii()


@pytest.mark.parametrize(
    ("native", "symbol"),
    [
        ("币安人生-USDT-SWAP", "币安人生/USDT:USDT"),
        ("币安人生-USDT-261225", "币安人生/USDT:USDT-261225"),
        ("カード-USD_UM-SWAP", "カード/USD:USD"),
        ("한국인-USDT", "한국인/USDT"),
    ],
)
def test_a_list_in_other_scripts_is_read_at_okx_too(native: str, symbol: str) -> None:
    assert (contract_symbol if ":" in symbol else pair_symbol)(native) == symbol
    hidden = native.replace("-USD", "\u200b-USD")
    for read in (contract_symbol, pair_symbol):
        with pytest.raises(Unreadable):
            read(hidden)
