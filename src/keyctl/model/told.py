"""What an exchange's answer tells of an error."""

from __future__ import annotations

from typing import NamedTuple


class ToldError(NamedTuple):
    """An error as a body tells it: its code as text, its words made safe to show, and the code below it, where the
    exchange has one (OKX: subCode).
    """

    code: str
    text: str = ""
    sub_code: str = ""
