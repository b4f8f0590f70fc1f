"""Instruments as a face writes them down: one row of a table, its numbers as text."""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.venue import Instrument

Number = str | Decimal


def listed(  # noqa: PLR0913 - the columns of a table
    symbol: str,
    native: str,
    *,
    quantity_step: Number,
    min_quantity: Number,
    price_step: Number | None = None,
    price_digits: int | None = None,
    max_quantity: Number | None = None,
    min_notional: Number | None = None,
) -> Instrument:
    """A pair, BASE/QUOTE, or a contract, BASE/QUOTE:SETTLE (and -DATE where it has one); inverse if settled in BASE."""
    pair, _, rest = symbol.partition(":")
    base, _, quote = pair.partition("/")
    settle = rest.partition("-")[0] or None
    return Instrument(
        symbol=symbol,
        native_symbol=native,
        base=base,
        quote=quote,
        price_step=_number(price_step),
        quantity_step=Decimal(quantity_step),
        min_quantity=Decimal(min_quantity),
        max_quantity=_number(max_quantity),
        min_notional=_number(min_notional),
        price_digits=price_digits,
        settle=settle,
        inverse=settle == base,
    )


def _number(text: Number | None) -> Decimal | None:
    return None if text is None else Decimal(text)
