"""Calls and answers: before encoding, as bytes, and as read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

from keyctl.model.noun import Noun

JSON = None | bool | int | float | str | Decimal | list["JSON"] | dict[str, "JSON"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stamp(Noun):
    """What makes a signature fresh: exchange time in ms, an ascending nonce, 32 random hex characters."""

    at_ms: int
    nonce: int
    token: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Request(Noun):
    """A call before it is encoded. `params` go where the exchange wants them: query, form or JSON body.

    `repeatable` is True for reads only. `window_ms` asks the exchange to drop the request when it arrives later.
    """

    method: str
    base: str
    path: str
    params: tuple[tuple[str, JSON], ...] = ()
    private: bool = False
    repeatable: bool = False
    window_ms: int | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WireRequest(Noun):
    """The exact bytes of a call: URL already encoded (ASCII), headers in order, body. Prints without any of them."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    repeatable: bool

    def __repr__(self) -> str:
        from urllib.parse import urlsplit

        return f"<WireRequest {self.method} {urlsplit(self.url).path}>"


SignedRequest = NewType("SignedRequest", WireRequest)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Response(Noun):
    """A complete answer: HTTP status, headers with lower-case names, decoded body, and when it was read and its request
    handed to the socket (Unix s).
    """

    status: int
    headers: dict[str, str]
    body: bytes
    read_at: float = 0.0
    sent_at: float = 0.0

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"
