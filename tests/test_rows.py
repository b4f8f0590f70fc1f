"""Fields of an answer asked for by name: what is wrong with one is told by its name and the path to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from keyctl.answers import Layout, Row, Unreadable, object_of, read_array, read_object

BODY = b'{"code":"0","data":[{"askPx":"60001.5","bidPx":"","seq":7,"on":true,"info":{"sz":"-1","n":null}},5]}'


def first() -> Row:
    return object_of(read_object(BODY).array("data")[0])


def test_fields_are_read_as_what_they_are() -> None:
    row = first()
    assert (row.decimal("askPx"), row.integer("seq"), row.text("seq")) == (Decimal("60001.5"), 7, "7")
    assert (row.optional("bidPx"), row.optional("last"), row.optional("seq")) == (None, None, Decimal(7))
    assert row.object("info").decimal("sz") == Decimal(-1)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda row: row.decimal("last"), "data[0].last is missing"),
        (lambda row: row.decimal("bidPx"), "data[0].bidPx is missing"),
        (lambda row: row.decimal("on"), "data[0].on is not a number"),
        (lambda row: row.optional("on"), "data[0].on is not a number"),
        (lambda row: row.integer("askPx"), "data[0].askPx is not a whole number"),
        (lambda row: row.text("info"), "data[0].info is not a text"),
        (lambda row: row.array("info"), "data[0].info is not an array"),
        (lambda row: row.object("seq"), "data[0].seq is not an object"),
        (lambda row: row.object("info").decimal("n"), "data[0].info.n is missing"),
        (lambda row: row.object("info").positive("sz"), "data[0].info.sz is not positive"),
        (lambda row: read_object(BODY).objects("data"), "not an object"),
        (lambda row: read_object(BODY).moment("data"), "data is not a number"),
        (lambda row: object_of(read_array(b"[{}]")[0]).text("symbol"), "[0].symbol is missing"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_path(read: Callable[[Row], object], words: str) -> None:
    with pytest.raises(Unreadable) as told:
        read(first())
    assert str(told.value) == words


def test_what_must_agree_is_there_and_what_may_be_left_out_does_not_differ() -> None:
    row = first()
    assert row.agrees({"askPx": "60001.5", "seq": 7}) and not row.agrees({"askPx": "60001.5", "last": "1"})
    assert row.allows({"askPx": "60001.5", "last": "1"}) and not row.allows({"seq": 8})


def test_the_fields_of_an_array_are_named_too() -> None:
    layout = Layout("size", {"id": 0, "size": 2, "note": 3})
    (row,) = layout.rows(b'[[7,null,"1.5"]]')
    assert (row.integer("id"), row.decimal("size"), row.get("note")) == (7, Decimal("1.5"), None)
    for body, words in (
        (b"[[7,0]]", "[0].size is missing"),
        (b'[[7,0,"1"],[7,0,"x"]]', "[1].size is not a number"),
        (b"[[null,0,1]]", "[0].id is missing"),
        (b"[{}]", "not an array"),
    ):
        with pytest.raises(Unreadable) as told:
            _ = [(row.integer("id"), row.decimal("size")) for row in layout.rows(body)]
        assert str(told.value) == words
