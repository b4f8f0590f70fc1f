"""Which exchanges offer what, by their adapters: lists of them are never spelled out."""

from __future__ import annotations

from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange
from keyctl.model.credential import Binding
from keyctl.model.words import Kind, Market, Trigger


def adapter(name: str) -> Exchange:
    """That exchange on loopback."""
    return shipped.load(Binding(name, Kind.LIVE, "", "http://127.0.0.1:1", None))


def offering(kind: str, market: Market = Market.FUTURES) -> tuple[str, ...]:
    """The exchanges that take that kind of order in that market."""
    return tuple(name for name in shipped.names() if kind in adapter(name).offers(market))


def waiting_apart() -> tuple[tuple[str, Market], ...]:
    """Where a stop has a call and an id space of its own, and goes on as another order."""
    kinds = {f"{trigger}_limit" for trigger in Trigger}
    return tuple(
        (name, market)
        for name in shipped.names()
        for market in Market
        if any(api.becomes and kinds & api.offers.get(market, frozenset()) for api in adapter(name).order_apis.values())
    )


# Those whose perpetuals are traded whole: they can be closed.
PERPETUALS = offering("reduce_only")
