"""Odd rows of a list: what is still told of them."""

from __future__ import annotations

import pytest

from keyctl.answers import Unreadable
from keyctl.exchanges.listing import NAME_MAX, Names, each_of
from keyctl.model.futures import OddRow
from keyctl.model.wire import JSON


def unreadable(row: JSON) -> None:
    raise Unreadable("for the test")


@pytest.mark.parametrize("length", [NAME_MAX, NAME_MAX + 1, 5_000])
def test_a_name_that_would_be_cut_is_no_name(length: int) -> None:
    """Its beginning may be another's, and its end is what tells a derivative: it once left the list of its market."""
    native, order = "t" * (length - 2) + "F0", "7" * length
    (odd,) = each_of([{"s": native, "i": order}], unreadable, Names("s", ("i",), str))
    whole = length <= NAME_MAX
    assert isinstance(odd, OddRow)
    assert (odd.native_symbol, odd.symbol, odd.exchange_order_id) == ((native, native, order) if whole else (None,) * 3)
    assert odd.may_be_of("BTC/USDT") is not whole
