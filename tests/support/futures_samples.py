"""Real answers of the twin for every reader that perpetuals need, to be damaged as those of spot are."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from keyctl.model.futures import FuturesState, Setup
from keyctl.model.order import Leg, Order
from keyctl.model.venue import Instrument
from keyctl.model.wire import Request, Response
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side, TimeInForce
from keyctl.twin.faces import all_faces
from keyctl.twin.server import TwinServer
from tests.support.market_calls import (
    futures_state_requests,
    instrument_request,
    margin_request,
    open_orders_requests,
    positions_requests,
    read_futures_state,
    read_instrument,
    read_open_orders,
    read_positions,
    read_setup,
    setup_requests,
    ticker_request,
)
from tests.support.mutations import Harvest, Sample
from tests.support.order_calls import (
    band_request,
    cancel_request,
    lookup_requests,
    order_request,
    read_band,
    read_placed,
)
from tests.support.world import RIGHTS

SYMBOLS = {"binance": ("BTC/USDT:USDT", "BTC/USD:BTC"), "okx": ("BTC/USDT:USDT", "BTC/USD:BTC")}
LINEAR = "BTC/USDT:USDT"
WANTED = Decimal(4)


@dataclass(frozen=True, slots=True)
class FuturesSample(Sample):
    """An answer around an order: with the symbol's rules, the wanted margin mode, and what it stands among.

    `step` counts the reads of futures_state, positions and open_orders; `beside` are all answers to the first of these.
    """

    instrument: Instrument | None = None
    margin: MarginMode | None = None
    request: Request | None = None
    beside: tuple[Response, ...] = ()

    def read(self, response: Response) -> Any:
        exchange, rules = self.exchange, self.instrument
        assert rules is not None
        if self.reader == "instrument":
            return read_instrument(exchange, response, rules.symbol)
        if self.reader == "futures_state":
            answers = (*self.beside[: self.step], response, *self.beside[self.step + 1 :])
            return read_futures_state(exchange, answers, rules, self.margin)
        if self.reader == "setup":
            assert self.request is not None
            return read_setup(exchange, response, self.request)
        if self.reader == "band":
            return read_band(exchange, response, rules)
        if self.reader == "positions":
            return read_positions(exchange, self.step, response)
        if self.reader == "open_orders":
            return read_open_orders(exchange, self.step, response, self.leg.order.market)
        return Sample.read(self, response)


def harvest_futures() -> list[FuturesSample]:
    """Answers of a running twin to every kind of call that perpetuals need, on all exchanges and in both modes."""
    with TwinServer(all_faces()) as twin:
        samples = [
            sample
            for name in twin.exchanges
            for symbol in SYMBOLS.get(name, (LINEAR,))
            for hedge in ((False, True) if name in SYMBOLS else (False,))
            for sample in asyncio.run(FuturesHarvest(twin, name, symbol, hedge).all())
        ]
        assert twin.faults_of_its_own == []
    return samples


class FuturesHarvest(Harvest):
    """One exchange's answers about one contract, in one position mode."""

    rights = RIGHTS

    def __init__(self, twin: TwinServer, name: str, symbol: str, hedge: bool) -> None:
        super().__init__(twin, name)
        self._hedge = hedge
        self._symbol = symbol
        twin.venue(name).derivatives.set_hedge(self.made.key.uid, hedge)
        self._margin = MarginMode.ISOLATED if name in ("okx", "bitfinex") and hedge else None
        self._rules: Instrument | None = None

    async def all(self) -> list[FuturesSample]:
        exchange, samples = self.exchange, []
        rules = await self._ask("instrument", instrument_request(exchange, self._symbol), None)
        self._rules = rules.instrument
        assert self._rules is not None
        samples = [
            rules,
            await self._ask("ticker", ticker_request(exchange, self._rules.native_symbol, Market.FUTURES)),
        ]
        if (band := band_request(exchange, self._rules)) is not None:
            samples.append(await self._ask("band", band))
        samples += [*await self._around(), *await self._setting(), *await self._orders()]
        samples += [*await self._around(), *await self._refusals()]
        self._line.close()
        await asyncio.sleep(0)
        return samples

    async def _around(self) -> list[FuturesSample]:
        """Wallet, state, positions and open orders as they are now."""
        exchange = self.exchange
        assert self._rules is not None
        samples = [await self._ask("margin", margin_request(exchange, self._rules))]
        for step, request in enumerate(positions_requests(exchange)):
            samples.append(replace(await self._ask("positions", request), step=step))
        return samples + await self._open_orders() + await self._state()

    async def _open_orders(self) -> list[FuturesSample]:
        samples, market = [], self._perpetual().order.market
        for step, request in enumerate(open_orders_requests(self.exchange, market, (self._symbol,))):
            samples.append(replace(await self._ask("open_orders", request), step=step, request=request))
        return samples

    async def _state(self) -> list[FuturesSample]:
        assert self._rules is not None
        requests = futures_state_requests(self.exchange, self._rules, self._margin)
        read = [await self._ask("futures_state", request) for request in requests]
        beside = tuple(sample.response for sample in read)
        return [replace(sample, step=step, beside=beside) for step, sample in enumerate(read)]

    async def _setting(self) -> list[FuturesSample]:
        """The answers to each setting that brings the account to isolated margin (where it can) and the leverage."""
        assert self._rules is not None
        state_sample = (await self._state())[0]
        state: FuturesState = state_sample.read(state_sample.response)
        margin = MarginMode.ISOLATED if self._name == "binance" else self._margin
        wanted = Setup(PositionSide.LONG, WANTED, margin)
        requests = setup_requests(self.exchange, self._rules, state, wanted)
        return [replace(await self._ask("setup", request), request=request, margin=margin) for request in requests]

    async def _orders(self) -> list[FuturesSample]:
        """Every kind of order placed and looked up; the first rests on, the second is canceled."""
        samples: list[FuturesSample] = []
        for number, leg in enumerate(self._legs()):
            sent_ms = time.time_ns() // 1_000_000
            placed = await self._ask("placed", order_request(self.exchange, leg), leg)
            samples.append(placed)
            order_id = read_placed(self.exchange, placed.response, leg).exchange_order_id
            for step, request in enumerate(lookup_requests(self.exchange, leg, sent_ms)):
                samples.append(replace(await self._ask("lookup", request, leg), step=step))
            if number == 1:
                samples.append(await self._ask("canceled", cancel_request(self.exchange, leg, order_id), leg))
        return samples

    async def _refusals(self) -> list[FuturesSample]:
        """Orders that the exchange refuses, each for a reason of its own."""
        leg, samples, place = self._perpetual(), [], partial(order_request, self.exchange)
        for order in (
            replace(leg.order, quantity=leg.order.quantity * 20_000),
            replace(leg.order, quantity=leg.order.quantity / 1_000_000),
            replace(leg.order, price=Decimal("58000.123456789")),
        ):
            samples.append(await self._ask("placed", place(replace(leg, order=order)), leg))
        samples.append(await self._ask("placed", place(replace(leg, native_symbol="tNOPEF0:NOPEF0")), leg))
        late = replace(self._stamp(), at_ms=1_600_000_000_000, nonce=5)
        samples.append(self._with_terms(await self._sample("placed", place(leg), leg, stamp=late)))
        own = self._signer
        for options in ({"known": False}, {"rights": ("read",)}, {"ips": {"futures": ("10.1.2.3",)}}):
            self._signer = self._new_signer(**options)
            samples.append(await self._ask("placed", place(leg), leg))
        self._signer = own
        return samples

    def _legs(self) -> list[Leg]:
        """A leg for every kind of order that keyctl sends there; the third opens a position, the last reduces it."""
        offers = self.exchange.offers(Market.FUTURES)
        now = {"time_in_force": TimeInForce.IOC}
        legs = [self._perpetual(), self._perpetual(price=Decimal(57_000))]
        if "ioc" in offers:
            legs.append(self._perpetual(price=Decimal(61_000), **now))
        if "market" in offers:
            legs.append(self._perpetual(type=OrderType.MARKET, price=None, **now))
        if "post_only" in offers:
            legs.append(self._perpetual(post_only=True))
        if "reduce_only" in offers:
            legs.append(self._perpetual(side=Side.SELL, price=Decimal(59_000), reduce_only=True, **now))
        return legs

    def _perpetual(self, **changes: Any) -> Leg:
        rules = self._rules
        assert rules is not None
        order = Order(
            rules.symbol,
            Market.FUTURES,
            Side.BUY,
            OrderType.LIMIT,
            Decimal(3) if rules.inverse else Decimal("0.004"),
            Decimal(58_000),
            contract_size=rules.contract_size,
            inverse=rules.inverse,
            hedge=self._hedge,
            position=PositionSide.LONG if self._hedge else None,
            leverage=WANTED,
            margin=self._margin or (MarginMode.CROSS if self.exchange.market_of(rules.symbol).margin_known else None),
        )
        client_order_id = self.exchange.new_client_order_id(secrets.token_bytes(32))
        order, today = replace(order, **changes), datetime.now(UTC).date()
        return Leg("plan", 0, "label", "account", self._name, order, rules.native_symbol, client_order_id, today)

    async def _ask(self, reader: str, request: Request, leg: Leg | None = None) -> FuturesSample:
        if reader == "instrument":
            sample = await self._sample(reader, request, self._leg())
            self._rules = read_instrument(self.exchange, sample.response, self._symbol)
            return self._with_terms(sample)
        return self._with_terms(await self._sample(reader, request, leg or self._perpetual()))

    def _with_terms(self, sample: Sample) -> FuturesSample:
        parts = (sample.exchange, sample.reader, sample.response, sample.leg, sample.step)
        return FuturesSample(*parts, self._rules, self._margin)
