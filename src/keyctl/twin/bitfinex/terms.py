"""Orders at Bitfinex on the twin, in what the exchange wallet and derivatives differ: how one is taken and named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import ClassVar

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, Market, Side, TimeInForce
from keyctl.twin.bitfinex.asked import LEVERAGE_DEFAULT, Asked
from keyctl.twin.bitfinex.wire import GENERIC, PARAMETERS, POST_ONLY, REDUCE_ONLY, Refusal
from keyctl.twin.book import Draft, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.perpetual import DerivativeDraft
from keyctl.twin.venue import Venue


class Terms(ABC):
    """`prefix`: what the type of an order begins with. `suffix`: what the currency of a fee ends with."""

    prefix: ClassVar[str] = ""
    suffix: ClassVar[str] = ""

    @abstractmethod
    def place(self, venue: Venue, key: Key, asked: Asked, item: Instrument) -> VenueOrder:
        """The order as taken. Raises Refusal, and Refused."""


class SpotTerms(Terms):
    """Orders of the exchange wallet."""

    prefix: ClassVar[str] = "EXCHANGE "

    def place(self, venue: Venue, key: Key, asked: Asked, item: Instrument) -> VenueOrder:
        if not asked.exchange:
            # Without the prefix the order is for margin trading, for which there is no collateral here.
            words = f"{digits(asked.amount)} {item.symbol}"
            raise Refusal(GENERIC, f"Invalid order: not enough tradable balance for {words}")
        if asked.leverage is not None or asked.flags & REDUCE_ONLY:
            raise Refusal(PARAMETERS, "lev: invalid" if asked.leverage is not None else "flags: invalid")
        draft = Draft(
            uid=key.uid,
            api_key=key.api_key,
            instrument=item,
            side=Side.BUY if asked.amount > 0 else Side.SELL,
            type=asked.type,
            quantity=abs(asked.amount),
            price=asked.price,
            time_in_force=asked.time_in_force,
            post_only=bool(asked.flags & POST_ONLY),
            client_order_id=asked.client_order_id,
            marks=asked.marks,
        )
        if asked.trigger is None or asked.trigger_price is None:
            order = venue.place(draft)
        else:
            order = venue.place_waiting(draft, asked.trigger, asked.trigger_price)
        order.expires_ms = asked.expires_ms
        return order


class DerivativeTerms(Terms):
    """Orders of the derivatives wallet, which carry their leverage."""

    suffix: ClassVar[str] = "F0"

    def place(self, venue: Venue, key: Key, asked: Asked, item: Instrument) -> VenueOrder:
        if asked.exchange:
            raise Refusal(PARAMETERS, "type: invalid")
        draft = DerivativeDraft(
            uid=key.uid,
            api_key=key.api_key,
            instrument=item,
            side=Side.BUY if asked.amount > 0 else Side.SELL,
            type=asked.type,
            contracts=abs(asked.amount),
            price=asked.price,
            time_in_force=TimeInForce.GTD if asked.expires_ms is not None else asked.time_in_force,
            post_only=bool(asked.flags & POST_ONLY),
            reduce_only=bool(asked.flags & REDUCE_ONLY),
            margin=MarginMode.ISOLATED,
            leverage=Decimal(LEVERAGE_DEFAULT if asked.leverage is None else asked.leverage),
            trigger=asked.trigger,
            trigger_price=asked.trigger_price,
            expires_ms=asked.expires_ms,
            client_order_id=asked.client_order_id,
            marks=asked.marks,
        )
        return venue.derivatives.place(draft)


TERMS: dict[Market, Terms] = {Market.SPOT: SpotTerms(), Market.FUTURES: DerivativeTerms()}
