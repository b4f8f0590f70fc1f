"""What an exchange's answer tells of an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from keyctl.model.noun import Noun


class ToldError(NamedTuple):
    """An error as a body tells it: its code as text, its words made safe to show, and the code below it, where the
    exchange has one (OKX: subCode).
    """

    code: str
    text: str = ""
    sub_code: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExchangeError(Noun):
    """An exchange's own error: its code as text, its words, the HTTP status it came with.

    `text` is what answers are judged by; what is printed or written down is `words`, in which nothing of our request's
    secrets is left.
    """

    exchange: str
    http: int
    code: str
    text: str
    masked: str | None = None

    @property
    def words(self) -> str:
        return self.text if self.masked is None else self.masked
