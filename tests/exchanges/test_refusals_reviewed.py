"""The record of the catalogue's review agrees with the catalogue, names dated sources, and its table says how long what
stays unproven blocks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.shipped import names
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.words import Endpoint, Market, Taken
from tests.support.reviewed import (
    Reviewed,
    close_blocked_seconds,
    proven_after_seconds,
    read_rows,
    reviewed,
    table,
)

DATED = re.compile(r"20[0-9]{2}-[0-9]{2}")


def row_of(item: Reviewed) -> Diagnosis:
    (row,) = [
        row
        for row in catalogue(item.exchange).rows
        if (row.scope, row.code, row.text_match) == (item.scope, item.code, item.text_match)
    ]
    return row


@pytest.mark.parametrize("item", reviewed(), ids=lambda item: f"{item.exchange} {item.scope} {item.code} {item.now}")
def test_each_changed_row_is_as_the_record_says_and_has_a_dated_source(item: Reviewed) -> None:
    row = row_of(item)
    assert (row.taken.value, row.endpoint.value, row.http, row.source) == (
        item.now,
        item.endpoint,
        item.http,
        item.source,
    )
    assert DATED.search(item.source), "a source has a date"
    assert item.words, "the exchange's own words"
    if item.now == "no":
        assert item.second_reading.startswith("agrees"), "no verdict of one reading alone"


def test_a_row_on_which_the_second_reading_disagrees_stays_unproven() -> None:
    doubted = [item for item in reviewed() if item.second_reading.startswith("disagrees")]
    assert doubted and all(row_of(item).taken is Taken.MAYBE for item in doubted)


def test_an_unproven_refusal_holds_a_close_no_longer_than_its_window() -> None:
    for exchange in names():
        assert close_blocked_seconds(exchange, Endpoint.ORDER) <= (15 if exchange == "bitfinex" else 7)


def test_the_table_counts_every_row_that_was_read(tell: Callable[[str, str], None]) -> None:
    told = table()
    for exchange in names():
        assert f"{exchange:<9} read {len(read_rows(exchange)):>4}" in told
    assert proven_after_seconds("lbank", Market.FUTURES, Endpoint.ORDER) is None
    assert "until a person decides" in told
    tell("refusals that were read again", told.partition("changed, with source")[0])
