"""Sizes, prices and symbols as a person writes them, and rounding to a venue's steps. Decimal only, no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from functools import wraps
from math import lcm
from typing import ParamSpec, TypeVar

from keyctl.errors import UsageProblem
from keyctl.model.order import Order
from keyctl.model.symbol_text import capitals, parts_of
from keyctl.model.typed_numbers import DIGITS_MAX, meant_numbers
from keyctl.model.venue import Instrument
from keyctl.model.words import Market, Side

P = ParamSpec("P")
T = TypeVar("T")

# Sizes have up to 36 digits, and products of them more than the 28 to which Decimal rounds (up, too) if left alone.
EXACT = Context(prec=200)
FINEST = Decimal("1e-18")
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
# What is counted in a unit whose sign people write behind it.
_UNITS = {"percent": "%", "risk": "%", "leverage": "x", "slippage": "share"}


def read_number(text: str, what: str) -> Decimal:
    """A plain decimal above zero. Raises UsageProblem for exponents, signs, blanks, separators, other digits."""
    if not _NUMBER.fullmatch(text) or (number := Decimal(text)) == 0:
        hint = "write digits and at most one point: 0.005, not 1e3"
        if len(text) > DIGITS_MAX and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            hint = f"write at most {DIGITS_MAX} digits before the point, and {DIGITS_MAX} after it"
        elif meant := meant_numbers(text, _UNITS.get(what, "")):
            hint = f"write it as {' or '.join(meant)}"
        raise UsageProblem(f"{what} '{text[:40]}' is not a plain number above zero", hint, code="bad_number")
    return number


def read_symbol(text: str) -> str:
    """A symbol with a to z as capitals: BASE/QUOTE on spot, BASE/QUOTE:SETTLE for a perpetual, with -YYMMDD for a dated
    future. Raises UsageProblem."""
    symbol = capitals(text)
    if parts_of(symbol) is None:
        hint = "write BASE/QUOTE for spot, BASE/QUOTE:SETTLE for a perpetual"
        raise UsageProblem(f"'{text[:40]}' is not a symbol", hint, code="bad_symbol")
    return symbol


def market_of(symbol: str) -> Market:
    """The market that a symbol belongs to: one with a settlement currency is a perpetual."""
    return Market.FUTURES if ":" in symbol else Market.SPOT


def is_dated(symbol: str) -> bool:
    """Whether a symbol is that of a contract with a date on which it expires."""
    return "-" in symbol.partition(":")[2]


def exactly(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with products and sums of Decimals exact and quotients good to 200 digits."""

    @wraps(function)
    def run(*arguments: P.args, **names: P.kwargs) -> T:
        with localcontext(EXACT):
            return function(*arguments, **names)

    return run


def floor_to(number: Decimal, step: Decimal | None) -> Decimal:
    """The largest multiple of the step that is not above the number."""
    if step is None or step == 0:
        return number
    return EXACT.multiply(EXACT.divide(number, step).to_integral_value(ROUND_FLOOR), step)


def ceiling_to(number: Decimal, step: Decimal | None) -> Decimal:
    """The smallest multiple of the step that is not below the number."""
    if step is None or step == 0:
        return number
    return EXACT.multiply(EXACT.divide(number, step).to_integral_value(ROUND_CEILING), step)


def size_step(instrument: Instrument, *, market_type: bool) -> Decimal | None:
    """The step of an order's size: without a price it is to be a multiple of both steps that the venue tells."""
    step, other = instrument.quantity_step, instrument.market_quantity_step
    if not market_type or other is None or step is None:
        return step if other is None or not market_type else other
    finest = min(_exponent(step), _exponent(other))
    return Decimal(lcm(int(step.scaleb(-finest)), int(other.scaleb(-finest)))).scaleb(finest)


def size_of(contracts: Decimal, instrument: Instrument) -> Decimal:
    """So many contracts in the unit of `Order.quantity`."""
    return contracts if instrument.inverse else contracts * (instrument.contract_size or Decimal(1))


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return min(exponent, 0)


def notional(order: Order, price: Decimal) -> Decimal:
    """What the order is worth at that price, in the quote currency."""
    if order.inverse:
        return order.quantity * (order.contract_size or Decimal(1))
    return order.quantity * price


def round_price(price: Decimal, side: Side, instrument: Instrument) -> Decimal:
    """The price on the venue's steps, never worse for the person than asked: buys go down, sells go up."""
    step = instrument.price_step
    if instrument.price_digits is not None:
        digits = Decimal(1).scaleb(price.adjusted() - instrument.price_digits + 1)
        step = max(step, digits) if step else digits
    return floor_to(price, step) if side is Side.BUY else ceiling_to(price, step)
