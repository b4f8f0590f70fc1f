"""Accounts on the twin's perpetuals without sockets: requests are signed, judged by the face, and read back as bytes.

The oracle beside it keeps positions by adding and taking away, and knows nothing of how keyctl or the twin do it.
"""

from __future__ import annotations

import itertools
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from keyctl.errors import CheckFailed
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.encoding import public_wire
from keyctl.exchanges.shipped import load
from keyctl.exchanges.signer import Signer
from keyctl.home.config import Limits
from keyctl.model.account import Account
from keyctl.model.credential import Binding
from keyctl.model.order import Leg, LegResult
from keyctl.model.venue import Instrument
from keyctl.model.wire import Request, Response, Stamp
from keyctl.model.words import Algorithm, Kind, Market, Outcome, PositionSide, Side
from keyctl.orders.checks import StandsInTheWay
from keyctl.orders.judge import judge_placed
from keyctl.orders.perpetuals import confirmed
from keyctl.orders.plan import PlannedLeg, plan_leg
from keyctl.orders.sizing import Part, Sizing, size_all
from keyctl.orders.wish import VenueView, Wish
from keyctl.secret import Secret
from keyctl.twin.book import Book
from keyctl.twin.call import Call
from keyctl.twin.face import Face
from keyctl.twin.faces import all_faces
from keyctl.twin.key_making import make_key
from keyctl.twin.venue import Venue
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    is_already_set,
    margin_request,
    read_futures_state,
    read_instrument,
    read_margin,
    read_setup,
    read_ticker,
    setup_requests,
    ticker_request,
)
from tests.support.order_calls import band_request, order_request, read_band
from tests.support.world import RIGHTS

LIMITS = Limits(
    leg_value_usd=Decimal(10**12),
    plan_value_usd=Decimal(10**12),
    day_value_usd=Decimal(10**12),
    leverage_hard=1000,
    rounding_max=Decimal("0.5"),
)
NOW_MS = 1_795_262_400_000  # noon of the day that the legs are planned on
_nonces = itertools.count(NOW_MS * 1000)


@dataclass
class Desk:
    """One account: its exchange, its key's signer, the venue and face that judge it."""

    label: str
    exchange: Exchange
    signer: Signer
    venue: Venue
    face: Face
    uid: str

    @property
    def account(self) -> Account:
        return Account(
            self.label,
            self.label,
            self.exchange.name,
            Kind.DEMO,
            "",
            (Market.FUTURES,),
            Algorithm.HMAC,
            "abcd",
            self.label,
            datetime.now(UTC),
        )

    def ask(self, request: Request) -> Response:
        """The face's answer to one request, signed where it is private."""
        stamp = Stamp(self.venue.now_ms(), next(_nonces), secrets.token_hex(16))
        wire = self.signer.sign(request, stamp) if request.private else public_wire(request)
        parts = urlsplit(wire.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {name.lower(): value for name, value in wire.headers}
        answer = self.face.handle(Call(wire.method, target, headers, wire.body), self.venue)
        return Response(answer.status, dict(answer.headers), answer.body)

    def read(self, request: Request) -> Response:
        """The answer to a read that must work."""
        response = self.ask(request)
        error = self.exchange.read_error(response)
        assert error is None, (request.path, error)
        return response

    def view(self, symbol: str) -> VenueView:
        """What pre-flight would know."""
        exchange = self.exchange
        instrument = read_instrument(exchange, self.read(instrument_request(exchange, symbol)), symbol)
        told = self.read(ticker_request(exchange, instrument.native_symbol, Market.FUTURES))
        ticker = read_ticker(exchange, told, instrument.native_symbol)
        balances = read_margin(exchange, self.read(margin_request(exchange, instrument)))
        answers = tuple(map(self.read, futures_state_requests(exchange, instrument, None)))
        band = band_request(exchange, instrument)
        return VenueView(
            instrument,
            ticker,
            0.0,
            Decimal(1),
            balances,
            read_futures_state(exchange, answers, instrument, None),
            None if band is None else read_band(exchange, self.read(band), instrument),
        )

    def send(self, planned: PlannedLeg) -> LegResult:
        """Sets and confirms what the order needs, then places it once; a refused setting keeps it from being sent."""
        terms, state = planned.terms, planned.view.futures
        assert terms is not None and state is not None
        if terms.setup is not None:
            for request in setup_requests(self.exchange, planned.instrument, state, terms.setup):
                response = self.ask(request)
                error = self.exchange.read_error(response)
                if error is not None and not is_already_set(self.exchange, error):
                    return LegResult(planned.leg, Outcome.NOT_SENT, error=error, detail=f"{error.code} {error.text}")
                if error is None:
                    read_setup(self.exchange, response, request)
            reads = futures_state_requests(self.exchange, planned.instrument, terms.margin)
            after = read_futures_state(self.exchange, tuple(map(self.read, reads)), planned.instrument, terms.margin)
            assert confirmed(self.exchange, planned.instrument, after, terms) == ""
        return judge_placed(self.exchange, planned.leg, self.ask(order_request(self.exchange, planned.leg)))

    def rules(self, symbol: str) -> Instrument:
        """The venue's own rules of the symbol."""
        found = self.venue.derivatives.instrument(symbol)
        assert found is not None
        return found


def open_desk(name: str, label: str, symbol: str, changes: Mapping[str, Any], wallet: Decimal, hedge: bool) -> Desk:
    """A desk at a venue of its own, with filters, wallet and position mode as given, and a deep book."""
    face = next(item for item in all_faces() if item.name == name)
    venue = Venue(face.name, face.instruments(), face.perpetuals(), face.derivative_rules(), now_ms=lambda: NOW_MS)
    made = make_key(name, rights=RIGHTS)
    venue.add_key(made.key)
    exchange = load(Binding(name, Kind.DEMO, "", "http://127.0.0.1:1", None))
    passphrase = Secret(made.passphrase.encode()) if made.passphrase else None
    signer = exchange.signer(made.api_key, Secret(made.secret.encode()), Algorithm.HMAC, passphrase)
    desk = Desk(label, exchange, signer, venue, face, made.key.uid)
    rules = replace(desk.rules(symbol), **changes)
    engine = venue.derivatives
    engine.instruments[rules.native_symbol] = rules
    book = engine.book(symbol)
    deep = Decimal(10**9)
    engine.books[symbol] = Book([(book.bids[0][0], deep)], [(book.asks[0][0], deep)])
    assert rules.settle is not None
    settle = "USTF0" if name == "bitfinex" else rules.settle
    engine.wallet(desk.uid, settle).free = wallet
    if hedge:
        engine.set_hedge(desk.uid, True)
    return desk


def plan_all(
    desks: list[Desk], wish: Wish, sizing: Sizing | None
) -> tuple[list[tuple[Desk, PlannedLeg]], list[str]] | CheckFailed:
    """The legs that would go out, and the labels left out; or what stops the whole plan."""
    views = [desk.view(wish.symbol) for desk in desks]
    try:
        wishes = [wish] * len(desks)
        if sizing is not None:
            parts = [Part(desk.account, wish, view) for desk, view in zip(desks, views, strict=True)]
            wishes, _ = size_all(sizing, parts, LIMITS)
        legs, left_out = [], []
        for index, (desk, own, view) in enumerate(zip(desks, wishes, views, strict=True)):
            try:
                leg = plan_leg("p" * 10, index, desk.account, desk.exchange, own, view, date(2026, 11, 21), LIMITS)
            except StandsInTheWay:
                left_out.append(desk.label)
                continue
            legs.append((desk, leg))
    except CheckFailed as refusal:
        return refusal
    return legs, left_out


@dataclass
class Ledger:
    """Positions by adding and taking away: (label, leg) to contracts, signed in one-way mode."""

    held: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, leg: Leg) -> None:
        """A leg that filled whole."""
        order = leg.order
        contracts = order.quantity if order.inverse else order.quantity / (order.contract_size or Decimal(1))
        signed = contracts if order.side is Side.BUY else -contracts
        if not order.hedge:
            self.held[leg.account, "net"] += signed
        elif order.position is PositionSide.LONG:
            self.held[leg.account, "long"] += signed
        else:
            self.held[leg.account, "short"] -= signed

    def at(self, desk: Desk, symbol: str) -> dict[str, Decimal]:
        """What the account should hold, by direction."""
        net = self.held[desk.label, "net"]
        parts = {
            "long": self.held[desk.label, "long"] + max(net, Decimal(0)),
            "short": self.held[desk.label, "short"] + max(-net, Decimal(0)),
        }
        return {side: contracts for side, contracts in parts.items() if contracts}


def held_at(desk: Desk, symbol: str) -> dict[str, Decimal]:
    """What the twin says that the account holds, by direction, in contracts."""
    found = desk.venue.derivatives.positions(desk.uid, symbol)
    return {str(item.side): abs(item.contracts) for item in found}
