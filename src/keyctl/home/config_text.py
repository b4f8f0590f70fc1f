"""A TOML file of the person's, read strictly: every complaint names a line where it can be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from keyctl.errors import SetupProblem

_SHARES = ("soft_fraction", "price_through_hard", "price_through_soft", "max_slippage", "rounding_max")


class ConfigText:
    """One reading of one file; knows its text, so that every complaint can name a line.

    Every method raises SetupProblem (bad_config).
    """

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._text = data.decode("utf-8", "replace")
        self.lines: dict[str, int | None] = {}
        import tomllib  # most homes have no such file

        try:
            self.raw = tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise self.problem(f"not valid TOML: {error}", None) from None
        except (UnicodeDecodeError, RecursionError):
            raise self.problem("not valid TOML in UTF-8", None) from None
        except ValueError:  # Python reads no number of more than 4,300 digits
            raise self.problem("a number with too many digits", self._long_number()) from None
        except ArithmeticError:
            raise self.problem("not valid TOML in UTF-8", None) from None

    def _long_number(self) -> int | None:
        """The line of the first number that is too long to be read."""
        lines = enumerate(self._text.splitlines(), 1)
        return next((number for number, line in lines if re.search("[0-9_]{4000}", line)), None)

    def whole(self, raw: Mapping[str, Any], table: str, key: str, default: int) -> int:
        """A whole number above zero, at most 10^9; the default where the key is not there."""
        value = raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
            raise self.problem(f"{key} must be a whole number above zero", self.line(table, key))
        self.mark(raw, table, key)
        return value

    def decimal(self, raw: Mapping[str, Any], table: str, key: str, default: Decimal) -> Decimal:
        """A number above zero; a share is at most 1."""
        value = raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.problem(f"{key} must be a number", self.line(table, key))
        number = Decimal(value)
        if not number.is_finite() or not 0 < number <= 10**12:
            raise self.problem(f"{key} must be above zero", self.line(table, key))
        if key in _SHARES and number > 1:
            raise self.problem(f"{key} is a share and cannot be above 1 (0.05 is 5%)", self.line(table, key))
        self.mark(raw, table, key)
        return number

    def table(self, value: object, name: str) -> dict[str, Any]:
        """The value, when it is a table."""
        if not isinstance(value, dict):
            raise self.problem(f"{name} must be a table: [{name}]", self.line("", name))
        return value

    def refuse_unknown(self, raw: Mapping[str, Any], known: tuple[str, ...], table: str) -> None:
        """Nothing, when all keys are known."""
        for key in raw:
            if key not in known:
                import difflib

                near = difflib.get_close_matches(key, known, n=1)
                advice = f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
                raise self.problem(f"unknown key {key[:60]}", self.line(table, key) or self.line(key, ""), advice)

    def mark(self, raw: Mapping[str, Any], table: str, key: str) -> None:
        """Remembers the line of a key that is set."""
        if key in raw:
            self.lines[f"{table}.{key}" if table else key] = self.line(table, key)

    def line(self, table: str, key: str) -> int | None:
        """The line of a key in a table (or of the table itself, for an empty key); None where it cannot be seen."""
        header = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?")
        here = ""
        for number, line in enumerate(self._text.splitlines(), 1):
            if found := header.fullmatch(line):
                here = found[1].replace('"', "").replace("'", "")
                if not key and here == table:
                    return number
            elif key and here == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return None

    def problem(self, message: str, line: int | None, *hints: str) -> SetupProblem:
        """The complaint, to be raised."""
        where = f"{self._name} line {line}" if line else self._name
        return SetupProblem(f"{where}: {message}", *hints, "correct it: keyctl config edit", code="bad_config")
