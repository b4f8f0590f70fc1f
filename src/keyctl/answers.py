"""The one reader of exchange answers: bounded, strict JSON with exact decimals. Anything odd is Unreadable."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NoReturn

from keyctl.plain_text import clean_text as clean_text

if TYPE_CHECKING:
    from keyctl.model import JSON

_DIGITS_MAX = 40
_EXPONENT_MAX = 30
MOMENT_MAX = 10**14  # the year 5138, in ms
# Decimal itself would also take blanks, underscores and the digits of other alphabets.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-5][0-9]|60) GMT"
)
_CODE = re.compile(r"[!-~]{1,40}")


class Unreadable(ValueError):
    """An answer that cannot be understood. For a write this means: outcome unknown."""

    code = "unreadable_answer"


class TooLong(Unreadable):
    """A list in good shape that ends before it is over: what it does not show may be on its next page."""

    code = "too_long_answer"


def read_json(body: bytes) -> JSON:
    """The JSON value of an answer's body: an object or an array, numbers with a point or exponent as Decimal.

    Raises Unreadable for anything else: other encodings, NaN, duplicate keys, numbers of absurd size, deep nesting,
    text that no file could hold.
    """
    try:
        text = body.decode("utf-8")
        value: JSON = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
        if "\\u" in text:  # half a surrogate pair can be escaped, and then be written nowhere
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, RecursionError, ArithmeticError, MemoryError) as error:
        raise Unreadable(f"not readable as JSON ({type(error).__name__})") from None
    if not isinstance(value, dict | list):
        raise Unreadable("neither a JSON object nor an array")
    return value


def read_object(body: bytes) -> dict[str, JSON]:
    """As read_json, for answers that must be an object."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return value


def read_array(body: bytes) -> list[JSON]:
    """As read_json, for answers that must be an array."""
    value = read_json(body)
    if not isinstance(value, list):
        raise Unreadable("not a JSON array")
    return value


def decimal_of(value: JSON) -> Decimal:
    """A finite Decimal from a JSON number or text. Raises Unreadable."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Unreadable("a number is missing")
    if isinstance(value, str) and (len(value) > _DIGITS_MAX or not _NUMBER.fullmatch(value)):
        raise Unreadable("not a number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable("not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        raise Unreadable("not a usable number")
    return number


def integer_of(value: JSON) -> int:
    """An int from a JSON integer, or from text or a Decimal that is one. Raises Unreadable."""
    number = decimal_of(value)
    if number != number.to_integral_value():
        raise Unreadable("not a whole number")
    return int(number)


def moment_of(value: JSON) -> int:
    """A Unix time in ms. Raises Unreadable, also for one before 1970 or so late that no calendar has it."""
    moment = integer_of(value)
    if not 0 <= moment < MOMENT_MAX:
        raise Unreadable("a time that cannot be")
    return moment


def text_of(value: JSON) -> str:
    """Text, or an integer as text. Raises Unreadable for anything else and for empty text."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise Unreadable("a text is missing")
    return str(value)


def code_of(value: JSON) -> str:
    """An error code as the exchange wrote it; "?" for what is no short plain text, so that it can prove nothing."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) else "?"


def object_of(value: JSON) -> dict[str, JSON]:
    """The value if it is an object. Raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable("an object is missing")
    return value


def array_of(value: JSON) -> list[JSON]:
    """The value if it is an array. Raises Unreadable."""
    if not isinstance(value, list):
        raise Unreadable("an array is missing")
    return value


def http_date(text: str) -> int:
    """The time of a Date header as Unix ms, of a whole second. Raises Unreadable for any form but RFC 9110's own."""
    match = _HTTP_DATE.fullmatch(text)
    if match is None:
        raise Unreadable("not an HTTP date")
    day, month, year, hour, minute, second = match.groups()
    try:
        at = datetime(int(year), _MONTHS.index(month) // 3 + 1, int(day), int(hour), int(minute), tzinfo=UTC)
    except ValueError:
        raise Unreadable("not an HTTP date") from None
    return (int(at.timestamp()) + int(second)) * 1000  # a leap second is 60


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > _DIGITS_MAX or abs(number.adjusted()) > _EXPONENT_MAX:
        raise ValueError("number out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > _DIGITS_MAX:
        raise ValueError("number out of range")
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result
