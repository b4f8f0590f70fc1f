"""How requests are encoded: numbers, parameters, queries. The text that is signed is the text that is sent. Pure."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import quote

from keyctl.model.wire import JSON, Request, WireRequest


def plain(number: Decimal) -> str:
    """A decimal as the exchanges take it: never with an exponent, no needless zeros (`1E-8` becomes 0.00000001)."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def encode_query(params: tuple[tuple[str, JSON], ...]) -> str:
    """Parameters as a query: everything but A-Z a-z 0-9 - _ . ~ percent-encoded as UTF-8, in the order given."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(text_value(value), safe='-_.~')}" for name, value in params)


def text_value(value: JSON) -> str:
    """A parameter's value as text: booleans in lower case, decimals plain."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int | str):
        return str(value)
    raise TypeError("a parameter is text, a whole number, a Decimal or a bool")


def public_wire(request: Request) -> WireRequest:
    """An unsigned read as bytes. Raises ValueError for a request that wants a signature."""
    if request.private or not request.repeatable:
        raise ValueError("only public reads go out unsigned")
    query = encode_query(request.params)
    url = request.base + request.path + (f"?{query}" if query else "")
    return WireRequest(request.method, url, (), b"", repeatable=True)
