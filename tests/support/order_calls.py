"""What an exchange builds and reads: for a leg its order APIs do, and the one that takes the leg is asked."""

from dataclasses import replace

from keyctl.exchanges.base import Exchange, NumberedOrders
from keyctl.exchanges.hosts import Read
from keyctl.model.order import Leg, OrderRef, OrderStatus, Placed
from keyctl.model.venue import Instrument, PriceBand
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Market
from tests.support.market_calls import band_of, names_of


def order_request(exchange: Exchange, leg: Leg) -> Request:
    return exchange.api_of(leg).order_request(leg)


def read_placed(exchange: Exchange, response: Response, leg: Leg) -> Placed:
    return exchange.api_of(leg).read_placed(response, leg)


def is_refusal_of(exchange: Exchange, value: JSON, leg: Leg) -> bool:
    return exchange.api_of(leg).is_refusal_of(value, leg)


def own_test(exchange: Exchange, leg: Leg) -> Read[None] | None:
    return exchange.api_of(leg).test(leg)


def own_test_request(exchange: Exchange, leg: Leg) -> Request | None:
    test = own_test(exchange, leg)
    return None if test is None else test.request


def lookup_requests(exchange: Exchange, leg: Leg, sent_ms: int) -> tuple[Request, ...]:
    return tuple(lookup.request for lookup in exchange.api_of(leg).lookups(leg, sent_ms))


def read_lookup(exchange: Exchange, step: int, response: Response, leg: Leg) -> OrderStatus | None:
    return exchange.api_of(leg).lookups(leg, 0)[step].read(response)


def cancel_request(exchange: Exchange, leg: Leg, exchange_order_id: str | None) -> Request:
    return exchange.api_of(leg).cancel_request(leg.ref(exchange_order_id))


def read_canceled(exchange: Exchange, response: Response, leg: Leg) -> None:
    exchange.api_of(leg).read_canceled(response, leg, leg.ref(None))


def became_request(exchange: Exchange, leg: Leg, order_id: str) -> Request:
    return _becomes(exchange, leg).by_id(leg, order_id, "").request


def read_became(exchange: Exchange, response: Response, leg: Leg, status: OrderStatus) -> OrderStatus:
    assert status.became is not None
    return _becomes(exchange, leg).by_id(leg, status.became, status.exchange_order_id).read(response)


def cancel_became_request(exchange: Exchange, leg: Leg, order_id: str) -> Request:
    return _becomes(exchange, leg).cancel_request(_ref(leg, order_id))


def read_became_canceled(exchange: Exchange, response: Response, leg: Leg, order_id: str) -> None:
    _becomes(exchange, leg).read_canceled(response, leg, _ref(leg, order_id))


def holds_to_reducing(exchange: Exchange, leg: Leg) -> bool:
    return exchange.api_of(leg).holds_to_reducing(leg.order)


def band_request(exchange: Exchange, instrument: Instrument) -> Request | None:
    band = band_of(exchange, instrument)
    return None if band is None else band.request


def read_band(exchange: Exchange, response: Response, instrument: Instrument) -> PriceBand:
    band = band_of(exchange, instrument)
    assert band is not None
    return band.read(response)


def names_requests(exchange: Exchange, market: Market, natives: tuple[str, ...]) -> tuple[Request, ...]:
    return tuple(names.request for names in names_of(exchange, market, natives))


def read_names(exchange: Exchange, response: Response, market: Market) -> dict[str, str]:
    return names_of(exchange, market, ("ANY",))[0].read(response)


def _becomes(exchange: Exchange, leg: Leg) -> NumberedOrders:
    becomes = exchange.api_of(leg).becomes
    assert becomes is not None
    return becomes


def _ref(leg: Leg, order_id: str) -> OrderRef:
    return replace(leg.ref(order_id), client_order_id=None)
