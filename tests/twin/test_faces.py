"""How faces are composed: each order API stands across from the adapter's, and a call is answered by one part."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.exchanges import shipped
from keyctl.exchanges.base import OrderAPI as Adapter
from keyctl.model.credential import Binding
from keyctl.model.words import Kind
from keyctl.twin.faces import face
from keyctl.twin.instruments import listed
from keyctl.twin.parts import OrderAPI, Route, by_call


def place_of(kind: type[object]) -> tuple[str, str]:
    """The module below the exchange's folder, and the class."""
    return kind.__module__.rpartition(".")[2], kind.__name__


@pytest.mark.parametrize("exchange", shipped.names())
def test_a_reader_of_an_order_api_finds_its_other_side_under_the_same_names(exchange: str) -> None:
    adapters = shipped.load(Binding(exchange, Kind.DEMO, "global", "http://127.0.0.1:1", None)).order_apis
    ours: dict[str, type[Adapter]] = {name: type(api) for name, api in adapters.items()}
    twins = {part.name: type(part) for part in face(exchange).parts if isinstance(part, OrderAPI)}
    assert {name: place_of(kind) for name, kind in twins.items()} == {name: place_of(ours[name]) for name in twins}


def test_two_parts_cannot_answer_one_call() -> None:
    assert len(by_call([Route("GET", "/a", "query", 1), Route("POST", "/a", "place", 2)])) == 2
    with pytest.raises(ValueError, match="two parts answer GET /a"):
        by_call([Route("GET", "/a", "query", 1), Route("GET", "/a", "history", 2)])


@pytest.mark.parametrize(
    ("symbol", "names", "inverse"),
    [
        ("BTC/USDT", ("BTC", "USDT", None), False),
        ("BTC/USDT:USDT", ("BTC", "USDT", "USDT"), False),
        ("BTC/USD:BTC-281229", ("BTC", "USD", "BTC"), True),
    ],
)
def test_a_symbol_tells_the_currencies_of_what_is_listed(
    symbol: str, names: tuple[str, str, str | None], inverse: bool
) -> None:
    item = listed(symbol, "native", quantity_step="0.10", min_quantity="1")
    assert (item.base, item.quote, item.settle) == names
    assert (item.inverse, item.quantity_step, item.price_step) == (inverse, Decimal("0.1"), None)
