"""JSON as its bytes have it, read a second time: strict, with numbers as they are written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


class Odd(Exception):
    """The bytes are not JSON of the strict kind."""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it is written."""

    text: str


def strict_json(body: bytes) -> Any:
    """The JSON in the bytes, numbers as written. Raises Odd for anything that two readers could read differently."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in items}) < len(items):
            raise Odd
        return dict(items)

    def refuse(text: str) -> Any:
        raise Odd

    try:
        text = body.decode("utf-8", "strict")
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=refuse, object_pairs_hook=pairs, strict=True
        )
    except (ValueError, RecursionError):
        raise Odd from None


def fraction(value: Any) -> Fraction | None:
    """The exact number in a JSON number or in text of plain digits; None for all else."""
    text = value.text if isinstance(value, Number) else value
    if not isinstance(text, str) or len(text) > 6_000:
        return None
    found = re.fullmatch(r"([-+]?[0-9]*\.?[0-9]*)(?:[eE]([-+]?0*[0-9]{1,2}))?", text)
    if found is None or not any(char.isdigit() for char in found[1]):
        return None
    whole, _, part = found[1].partition(".")
    sign = -1 if whole.startswith("-") else 1
    digits = (whole.lstrip("+-") + part) or "0"
    return (
        sign
        * Fraction(sum(int(d) * 10**i for i, d in enumerate(reversed(digits))))
        * Fraction(10) ** (int(found[2] or 0) - len(part))
    )


def is_true(value: Any) -> bool:
    """Whether a value is true in one of the ways in which venues write it."""
    return value is True or value == "true" or (isinstance(value, Number) and fraction(value) == 1)


def same(value: Any, number: Any) -> bool:
    return fraction(value) == Fraction(number)


def has_text(value: Any) -> bool:
    return isinstance(value, Number) or (isinstance(value, str) and value != "")
