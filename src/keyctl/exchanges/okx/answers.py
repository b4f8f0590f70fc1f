"""OKX's envelopes. What is missing or odd is Unreadable."""

from __future__ import annotations

from keyctl.answers import Row, Unreadable, object_of, read_object
from keyctl.model.wire import JSON, Response


def rows(response: Response) -> list[Row]:
    """The objects in `data` of a successful answer. Raises Unreadable unless code is "0"."""
    return [object_of(row) for row in data_of(response)]


def data_of(response: Response) -> list[JSON]:
    """What is in `data` of a successful answer. Raises Unreadable unless code is "0"."""
    body = read_object(response.body)
    if body.get("code") != "0":
        raise Unreadable("the answer does not say success")
    return body.array("data")


def one_row(response: Response) -> Row:
    """The single object in `data`. Raises Unreadable for none or several."""
    found = rows(response)
    if len(found) != 1:
        raise Unreadable("not exactly one element")
    return found[0]
