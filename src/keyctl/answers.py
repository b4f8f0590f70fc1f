"""The one reader of exchange answers: bounded, strict JSON with exact decimals. Anything odd is Unreadable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

from keyctl.plain_text import clean_text as clean_text

if TYPE_CHECKING:
    from keyctl.model.wire import JSON

T = TypeVar("T")
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


class Row(dict[str, "JSON"]):
    """An object of an answer, whose fields are asked for by name: what is Unreadable is told by that, with the `path`
    to it."""

    def __init__(self, fields: Mapping[str, JSON], path: str = "") -> None:
        super().__init__(fields)
        self.path = path

    def decimal(self, name: str) -> Decimal:
        """As decimal_of."""
        return self._read(name, decimal_of)

    def optional(self, name: str) -> Decimal | None:
        """The same; None where the field is missing, null or empty."""
        return None if self.get(name) in ("", None) else self._read(name, decimal_of)

    def nullable(self, name: str) -> Decimal | None:
        """The same; None where the field is missing or null alone."""
        return None if self.get(name) is None else self._read(name, decimal_of)

    def positive(self, name: str) -> Decimal:
        """The same, for a number above zero."""
        number = self._read(name, decimal_of)
        if number <= 0:
            raise Unreadable(f"{self.at(name)} is not positive")
        return number

    def integer(self, name: str) -> int:
        """As integer_of."""
        return self._read(name, integer_of)

    def moment(self, name: str) -> int:
        """As moment_of."""
        return self._read(name, moment_of)

    def text(self, name: str) -> str:
        """As text_of."""
        return self._read(name, text_of)

    def optional_text(self, name: str) -> str | None:
        """The same; None where the field is missing, null or empty."""
        return None if self.get(name) in ("", None) else self._read(name, text_of)

    def object(self, name: str) -> Row:
        """As object_of."""
        return Row(self._read(name, object_of), self.at(name))

    def array(self, name: str) -> list[JSON]:
        """As array_of; the objects in it are rows."""
        return rows_in(self._read(name, array_of), self.at(name))

    def objects(self, name: str) -> list[Row]:
        """The array, every element of which must be an object."""
        return list(map(object_of, self.array(name)))

    def agrees(self, wanted: Mapping[str, JSON]) -> bool:
        """Whether the fields have these values; those that are missing too, where None is wanted."""
        return all(self.get(name) == value for name, value in wanted.items())

    def allows(self, wanted: Mapping[str, JSON]) -> bool:
        """Whether those of the fields that are told have these values."""
        return all(self.get(name, value) == value for name, value in wanted.items())

    def at(self, name: str) -> str:
        """The field with the path to it."""
        return f"{self.path}.{name}" if self.path else name

    def _read(self, name: str, read: Callable[[JSON], T]) -> T:
        told = self.get(name)
        if told is None or told == "":
            raise Unreadable(f"{self.at(name)} is missing")
        try:
            return read(told)
        except Unreadable as problem:
            raise Unreadable(f"{self.at(name)} is {problem}") from None


class Layout(NamedTuple):
    """Where an array has its fields, which are then asked for by name; `least` is the last one that must be there."""

    least: str
    places: Mapping[str, int]

    def row(self, value: JSON, path: str = "") -> Row:
        """The array's fields; those beyond its end are missing. Raises Unreadable for one that is cut short."""
        values = array_of(value)
        row = Row({name: values[place] for name, place in self.places.items() if place < len(values)}, path)
        if len(values) <= self.places[self.least]:
            raise Unreadable(f"{row.at(self.least)} is missing")
        return row

    def rows(self, body: bytes) -> list[Row]:
        """The rows of an answer that is an array of such arrays."""
        return [self.row(value, f"[{place}]") for place, value in enumerate(read_array(body))]


def rows_in(values: list[JSON], path: str = "") -> list[JSON]:
    """The values of an array, the objects among them as rows that know their place."""
    return [Row(item, f"{path}[{place}]") if isinstance(item, dict) else item for place, item in enumerate(values)]


def read_object(body: bytes) -> Row:
    """As read_json, for answers that must be an object."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return Row(value)


def read_array(body: bytes) -> list[JSON]:
    """As read_json, for answers that must be an array."""
    value = read_json(body)
    if not isinstance(value, list):
        raise Unreadable("not a JSON array")
    return rows_in(value)


def decimal_of(value: JSON) -> Decimal:
    """A finite Decimal from a JSON number or text. Raises Unreadable."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Unreadable("not a number")
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
        raise Unreadable("an impossible time")
    return moment


def text_of(value: JSON) -> str:
    """Text, or an integer as text. Raises Unreadable for anything else and for empty text."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise Unreadable("not a text")
    return str(value)


def code_of(value: JSON) -> str:
    """An error code as the exchange wrote it; "?" for what is no short plain text, so that it can prove nothing."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) else "?"


def object_of(value: JSON) -> Row:
    """The value if it is an object. Raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable("not an object")
    return value if isinstance(value, Row) else Row(value)


def array_of(value: JSON) -> list[JSON]:
    """The value if it is an array. Raises Unreadable."""
    if not isinstance(value, list):
        raise Unreadable("not an array")
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
