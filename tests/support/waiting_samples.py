"""Real answers of the twin about orders that wait for a trigger under an id of their own, and what they become."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import partial
from typing import Any

from keyctl.model.order import Leg, OrderStatus
from keyctl.model.wire import Request, Response
from keyctl.model.words import OrderType, Side, Trigger
from keyctl.twin.faces import all_faces
from keyctl.twin.server import TwinServer
from tests.support.futures_samples import FuturesHarvest, FuturesSample
from tests.support.market_calls import instrument_request
from tests.support.mutations import SYMBOL
from tests.support.order_calls import (
    became_request,
    cancel_became_request,
    cancel_request,
    lookup_requests,
    order_request,
    read_became,
    read_became_canceled,
    read_placed,
)

SWAP, COIN = "BTC/USDT:USDT", "BTC/USD:BTC"
# Exchange, symbol, hedge mode.
PLACES = (
    ("binance", SWAP, False),
    ("binance", SWAP, True),
    ("okx", SYMBOL, False),
    ("okx", SWAP, False),
    ("okx", SWAP, True),
    ("okx", COIN, False),
)
# The market is at 60000: both prices set something off.
HIGH, LOW = Decimal(61_000), Decimal(59_000)
AT_MARKET: dict[str, Any] = {"type": OrderType.MARKET, "price": None}
STOP: dict[str, Any] = {"trigger": Trigger.STOP, "trigger_price": HIGH, "price": HIGH + 100}
# Once triggered it rests below the market.
TAKE_PROFIT: dict[str, Any] = {"trigger": Trigger.TAKE_PROFIT, "trigger_price": LOW, "price": LOW - 100}


@dataclass(frozen=True, slots=True)
class WaitingSample(FuturesSample):
    """An answer about a waiting order; `status` is what was known of it before the order that it became was read."""

    status: OrderStatus | None = None

    def read(self, response: Response) -> Any:
        exchange = self.exchange
        if self.reader not in ("became", "became_canceled"):
            return FuturesSample.read(self, response)
        assert self.status is not None and self.status.became is not None
        if self.reader == "became":
            return read_became(exchange, response, self.leg, self.status)
        return read_became_canceled(exchange, response, self.leg, self.status.became)


def harvest_waiting() -> list[WaitingSample]:
    """Answers of a running twin about stops and take-profits, wherever they are orders of a kind of their own."""
    with TwinServer(all_faces()) as twin:
        samples = [sample for place in PLACES for sample in asyncio.run(_WaitingHarvest(twin, *place).all())]
        assert twin.faults_of_its_own == []
    return [_waiting(sample) for sample in samples]


def _waiting(sample: FuturesSample) -> WaitingSample:
    if isinstance(sample, WaitingSample):
        return sample
    return WaitingSample(**{field.name: getattr(sample, field.name) for field in fields(FuturesSample)})


class _WaitingHarvest(FuturesHarvest):
    """One exchange's answers about the waiting orders of one symbol, in one position mode."""

    async def all(self) -> list[FuturesSample]:
        await self._ask("instrument", instrument_request(self.exchange, self._symbol), None)
        legs, samples = self._legs(), []
        for leg in legs:
            samples += await self._placed(leg)
        if self._symbol == SYMBOL:
            await self._spends()
        samples += await self._open_orders()
        canceled, *others = legs
        samples += [await self._ask("canceled", cancel_request(self.exchange, canceled, None), canceled)]
        samples += [await self._ask("canceled", cancel_request(self.exchange, canceled, None), canceled)]
        samples += await self._lookups(canceled, 0)
        venue = self._twin.venue(self._name)
        for price in (HIGH, LOW):
            assert venue.trigger(self._symbol, price)
        samples += await self._open_orders()
        for leg in others:
            samples += await self._fired(leg)
        samples += [*await self._lookups(self._perpetual(**STOP), 0), *await self._refusals()]
        self._line.close()
        await asyncio.sleep(0)
        return samples

    async def _placed(self, leg: Leg) -> list[FuturesSample]:
        """The answers to a new order, and to look-ups of it while it waits."""
        sent_ms = time.time_ns() // 1_000_000
        placed = await self._ask("placed", order_request(self.exchange, leg), leg)
        read_placed(self.exchange, placed.response, leg)
        return [placed, *await self._lookups(leg, sent_ms)]

    async def _spends(self) -> None:
        """Somebody's order with an amount to spend is there, as keyctl never sends one."""
        leg = self._perpetual(**STOP | AT_MARKET)
        request = order_request(self.exchange, leg)
        changes = {"tgtCcy": "quote_ccy", "sz": "310"}
        params = tuple((name, changes.get(name, value)) for name, value in request.params)
        placed = await self._ask("placed", replace(request, params=params), leg)
        read_placed(self.exchange, placed.response, leg)

    async def _lookups(self, leg: Leg, sent_ms: int) -> list[FuturesSample]:  # type: ignore[override]
        since = sent_ms or time.time_ns() // 1_000_000
        requests = enumerate(lookup_requests(self.exchange, leg, since))
        return [replace(await self._ask("lookup", request, leg), step=step) for step, request in requests]

    async def _fired(self, leg: Leg) -> list[FuturesSample]:
        """The answers about an order whose trigger was reached, and about the one that it became."""
        samples = await self._lookups(leg, 0)
        status = samples[0].read(samples[0].response)
        if status.became is None:
            return samples
        read = became_request(self.exchange, leg, status.became)
        cancel = cancel_became_request(self.exchange, leg, status.became)
        asked = {"became": read, "became_canceled": cancel}
        answers = [await self._became(name, asked[name], leg, status) for name in ("became", "became_canceled")]
        answers.append(await self._became("became", read, leg, status))
        nobodys = replace(status, became="7")
        answers.append(await self._became("became", became_request(self.exchange, leg, "7"), leg, nobodys))
        return samples + answers

    async def _became(self, reader: str, request: Request, leg: Leg, status: OrderStatus) -> FuturesSample:
        return replace(_waiting(await self._ask(reader, request, leg)), status=status)

    async def _refusals(self) -> list[FuturesSample]:
        """Orders that the exchange refuses: those of every kind, one that would fire at once, and one sent twice."""
        samples, place = await super()._refusals(), partial(order_request, self.exchange)
        for trigger in (STOP | {"trigger_price": LOW}, TAKE_PROFIT | {"trigger_price": HIGH}):
            leg = self._perpetual(**trigger)
            samples.append(await self._ask("placed", place(leg), leg))
        self._twin.venue(self._name).refuse_duplicates = True
        twice = self._perpetual(**STOP)
        await self._ask("placed", place(twice), twice)
        samples.append(await self._ask("placed", place(twice), twice))
        self._twin.venue(self._name).refuse_duplicates = False
        return samples

    def _legs(self) -> list[Leg]:
        """A leg for every kind; the first is canceled, the last finds no money once it fires, the one before reduces
        what the others have opened."""
        kinds: tuple[dict[str, Any], ...] = (STOP, STOP, STOP | AT_MARKET, TAKE_PROFIT, TAKE_PROFIT | AT_MARKET)
        legs = [self._perpetual(**kind) for kind in kinds]
        falls = STOP | {"side": Side.SELL, "trigger_price": LOW, "price": LOW - 100}
        if self._symbol != SYMBOL:
            legs.append(self._perpetual(**falls, reduce_only=True))
        most = self._perpetual(**STOP)
        times = 2_000 if self._symbol == SYMBOL else 20_000
        return [*legs, replace(most, order=replace(most.order, quantity=most.order.quantity * times))]

    def _perpetual(self, **changes: Any) -> Leg:
        if not changes:  # what is refused here is a waiting order, too
            changes = STOP
        if self._symbol == SYMBOL:
            return self._leg(**changes)
        return super()._perpetual(**changes)
