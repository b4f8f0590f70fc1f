"""Numbers as people type them, where a plain one belongs: every number that the writing may mean. Pure; no guesses."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

DIGITS_MAX = 18
_GROUPED = re.compile(r"([1-9][0-9]{0,2}(?:([ _',])[0-9]{3})(?:\2[0-9]{3})*)(\.[0-9]+)?")
_EXPONENT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)[eE]([-+]?[0-9]{1,2})")


def meant_numbers(text: str, unit: str = "") -> tuple[str, ...]:
    """The plain numbers above zero that another writing may mean; empty where that is not clear.

    A comma is the point of one reader and the thousands' sign of another, so 1,000 may be 1000 or 1.000. `unit` is the
    sign that the number may have: "%", "x", or "share" for a part of one, of which 1% is 0.01. Anywhere else a sign
    would change what the number means: 50% is no size of 50.
    """
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("+")
    if signed := re.fullmatch(r"(.*[0-9.])\s*([%x])", plain):
        if signed[2] != ("%" if unit == "share" else unit):
            return ()
        plain = signed[1]
    found = []
    if match := _GROUPED.fullmatch(plain):
        found.append(re.sub(r"[ _',]", "", match[1]) + (match[3] or ""))
    if re.fullmatch(r"[0-9]+,[0-9]+", plain):
        found.append(plain.replace(",", "."))
    if match := _EXPONENT.fullmatch(plain):
        found.append(format(Decimal(match[1]).scaleb(int(match[2])), "f"))
    if re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", plain):
        found.append(f"{'0' * plain.startswith('.')}{plain.removesuffix('.')}")
    if signed and unit == "share":
        found = [format(Decimal(number).scaleb(-2), "f") for number in found]
    return tuple(number for number in dict.fromkeys(found) if number != text and _is_plain(number))


def _is_plain(number: str) -> bool:
    whole, _, rest = number.partition(".")
    return 0 < len(whole) <= DIGITS_MAX and len(rest) <= DIGITS_MAX and Decimal(number) > 0
