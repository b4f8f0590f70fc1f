"""keyctl's own requests and readers at the twin, a call a connection."""

from __future__ import annotations

import itertools
import secrets
from urllib.parse import urlsplit

from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.encoding import public_wire
from keyctl.model.credential import Binding
from keyctl.model.venue import Instrument
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Kind
from keyctl.secret import Secret
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from tests.support.market_calls import instrument_request, read_instrument
from tests.twin.caller import NOW_MS, Wire, send

_nonces = itertools.count(1)


class OurExchange:
    """One exchange of a twin, as keyctl speaks to it with one key."""

    def __init__(self, twin: TwinServer, name: str, made: MadeKey) -> None:
        self.endpoint = twin.endpoint(name)
        self.exchange: Exchange = shipped.load(Binding(name, Kind.DEMO, "global", self.endpoint, None))
        passphrase = Secret(made.passphrase) if made.passphrase else None
        self._signer = self.exchange.signer(made.api_key, Secret(made.secret), made.algorithm, passphrase)

    def ask(self, request: Request | None) -> Response:
        """The answer to a request, signed where it is private."""
        assert request is not None
        stamp = Stamp(NOW_MS, next(_nonces), secrets.token_hex(16))
        wire = self._signer.sign(request, stamp) if request.private else public_wire(request)
        parts = urlsplit(wire.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        reply = send(self.endpoint, Wire(wire.method, target, dict(wire.headers), wire.body))
        return Response(reply.status, reply.headers, reply.body)

    def rules(self, symbol: str) -> Instrument:
        """The rules of a symbol."""
        return read_instrument(self.exchange, self.ask(instrument_request(self.exchange, symbol)), symbol)
