"""Rows of a list of positions or open orders, every one of which could be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from keyctl.model.futures import OddRow, OpenOrder, Position

Row = TypeVar("Row", Position, OpenOrder)


def as_positions(rows: Iterable[Position | OddRow]) -> tuple[Position, ...]:
    """The positions; fails on a row that could not be read."""
    return _all(Position, rows)


def as_orders(rows: Iterable[OpenOrder | OddRow]) -> tuple[OpenOrder, ...]:
    """The open orders; fails on a row that could not be read."""
    return _all(OpenOrder, rows)


def _all(kind: type[Row], rows: Iterable[Row | OddRow]) -> tuple[Row, ...]:
    read = []
    for row in rows:
        assert isinstance(row, kind), row
        read.append(row)
    return tuple(read)
