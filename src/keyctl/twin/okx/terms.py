"""Orders at OKX on the twin, in what pairs and contracts differ: how one is read, taken, refused and shown.

Source: [official] OKX V5 docs 2026-07, "Order book trading"; error codes 2026-07.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side, TimeInForce, Trigger
from keyctl.twin.book import Draft, Reason, Refused, VenueOrder, floor_to
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.okx.answers import Row
from keyctl.twin.okx.gate import (
    CLIENT_ID,
    MULTI_CURRENCY_MODE,
    NO_INSTRUMENT,
    PORTFOLIO_MODE,
    SPOT_MODE,
    OrderError,
    Params,
    account_mode,
    bad_parameter,
    missing_parameter,
)
from keyctl.twin.okx.names import BAND_DOWN, BAND_UP, kind_of
from keyctl.twin.perpetual import DerivativeDraft, opened_by
from keyctl.twin.venue import Venue

_TAG = "[A-Za-z0-9]{1,16}"
_SIDES = ("buy", "sell")
_TOO_MUCH_AT_MARKET = ("51202", "Market order amount exceeds the maximum amount.")
_WORDS = {
    Reason.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    Reason.QUANTITY_MIN: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.PRICE_STEP: ("51006", "Order price is not within the price limit."),
    Reason.DUPLICATE: ("51016", "Client order ID already exists."),
    Reason.POSITION_SIDE: ("51000", "Parameter posSide error"),
}

D = TypeVar("D", Draft, DerivativeDraft)


class Waits(NamedTuple):
    """What a waiting order waits for, and its limit price then (None: at market)."""

    trigger: Trigger
    at: Decimal
    price: Decimal | None


class Terms(ABC, Generic[D]):
    """How one market reads, takes, refuses and shows orders. `types`: the ordTypes that it knows, of which `at_market`
    have no price."""

    types: ClassVar[tuple[str, ...]] = ("market", "limit", "post_only", "fok", "ioc")
    at_market: ClassVar[tuple[str, ...]] = ("market",)
    forces: ClassVar[dict[str, TimeInForce]] = {"fok": TimeInForce.FOK, "ioc": TimeInForce.IOC}

    def place(self, params: Params, venue: Venue, key: Key) -> VenueOrder:
        """The order as taken. Raises OKXError and OrderError."""
        kind, price = params.need("ordType"), params.decimal("px")
        draft = self.draft(params, venue, key, None if kind in self.at_market else price, "clOrdId")
        if kind not in self.types:
            raise bad_parameter("ordType")
        if kind not in self.at_market and price is None:
            raise bad_parameter("px")
        force = self.forces.get(kind, TimeInForce.GTC)
        draft = replace(draft, time_in_force=force, post_only=kind == "post_only")
        return self.take(draft, params, venue)

    @abstractmethod
    def draft(self, params: Params, venue: Venue, key: Key, price: Decimal | None, id_name: str) -> D:
        """An order at that price or at market, as far as all kinds of orders say the same.

        Raises OKXError and OrderError. `id_name`: the parameter with the client's own id.
        """

    @abstractmethod
    def take(self, draft: D, params: Params, venue: Venue) -> VenueOrder:
        """The order as taken. Raises OrderError."""

    @abstractmethod
    def waiting_draft(self, params: Params, venue: Venue, key: Key, waits: Waits, id_name: str) -> D:
        """An order that waits. Raises OKXError and OrderError."""

    @abstractmethod
    def take_waiting(self, draft: D, venue: Venue, waits: Waits) -> VenueOrder:
        """The order, taken to wait. Raises Refused."""

    @abstractmethod
    def refusal(self, reason: Reason, draft: D, venue: Venue) -> OrderError:
        """The venue's refusal in OKX's code and words."""

    @abstractmethod
    def fields(self, order: VenueOrder, venue: Venue) -> Row:
        """What an order shows of its market: its position, margin mode and unit."""


class SpotTerms(Terms[Draft]):
    """Orders on pairs."""

    def draft(self, params: Params, venue: Venue, key: Key, price: Decimal | None, id_name: str) -> Draft:
        item = venue.instruments.get(params.need("instId"))
        mode, side, size = params.need("tdMode"), params.need("side"), params.decimal("sz")
        if item is None:
            raise OrderError(*NO_INSTRUMENT)
        _check_known(mode, (_spot_mode(key),), side)
        if params.get("posSide") not in (None, "net"):
            raise bad_parameter("posSide")
        if size is None:
            raise missing_parameter("sz")
        target = params.get("tgtCcy", "base_ccy|quote_ccy") or ("quote_ccy" if side == "buy" else "base_ccy")
        by_quote = price is None and target == "quote_ccy"
        return Draft(
            uid=key.uid,
            api_key=key.api_key,
            instrument=item,
            side=Side(side),
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            quantity=None if by_quote else size,
            price=price,
            quote_quantity=size if by_quote else None,
            marks=_marks(params),
            client_order_id=params.get(id_name, CLIENT_ID) or "",
        )

    def take(self, draft: Draft, params: Params, venue: Venue) -> VenueOrder:
        """A market order without banAmend is cut down to what the balance allows."""
        step = draft.instrument.quantity_step or Decimal(1)
        if draft.quote_quantity is not None and draft.side is Side.SELL:
            best = venue.book(draft.instrument.symbol).bids[0][0]
            draft = replace(draft, quantity=floor_to(draft.quote_quantity / best, step), quote_quantity=None)
        try:
            return venue.place(draft)
        except Refused as refused:
            shrinks = draft.type is OrderType.MARKET and not params.flag("banAmend")
            if refused.reason is not Reason.FUNDS or not shrinks:
                raise self.refusal(refused.reason, draft, venue) from None
        free = venue.balance(draft.uid, _paid_currency(draft)).free
        selling = draft.side is Side.SELL
        try:
            return venue.place(
                replace(draft, quantity=floor_to(free, step))
                if selling
                else replace(draft, quantity=None, quote_quantity=free)
            )
        except Refused:
            raise self.refusal(Reason.FUNDS, draft, venue) from None

    def waiting_draft(self, params: Params, venue: Venue, key: Key, waits: Waits, id_name: str) -> Draft:
        draft = self.draft(params, venue, key, waits.price, id_name)
        if draft.quote_quantity is not None and draft.side is Side.SELL:
            raise bad_parameter("tgtCcy")
        return draft

    def take_waiting(self, draft: Draft, venue: Venue, waits: Waits) -> VenueOrder:
        return venue.place_waiting(draft, waits.trigger, waits.at, backed=False)

    def refusal(self, reason: Reason, draft: Draft, venue: Venue) -> OrderError:
        if reason is Reason.FUNDS:
            return OrderError("51008", f"Order failed. Insufficient {_paid_currency(draft)} balance in account.")
        if reason is Reason.QUANTITY_MAX:
            return OrderError(*_TOO_MUCH_AT_MARKET)
        return _plain_refusal(reason)

    def fields(self, order: VenueOrder, venue: Venue) -> Row:
        unit = "base_ccy" if order.quote_quantity is None else "quote_ccy"
        return {
            "instType": "SPOT",
            "ccy": "",
            "posSide": "net",
            "tdMode": _spot_mode(venue.keys[order.api_key]),
            # What the size is counted in, where OKX tells it: of market orders.
            "tgtCcy": unit if order.type is OrderType.MARKET else "",
            "lever": "",
            "reduceOnly": "false",
            "pnl": "",
            "rebateCcy": order.instrument.quote,
        }


class ContractTerms(Terms[DerivativeDraft]):
    """Orders on contracts."""

    types: ClassVar[tuple[str, ...]] = (*Terms.types, "optimal_limit_ioc")
    at_market: ClassVar[tuple[str, ...]] = ("market", "optimal_limit_ioc")
    forces: ClassVar[dict[str, TimeInForce]] = Terms.forces | {"optimal_limit_ioc": TimeInForce.IOC}

    def draft(self, params: Params, venue: Venue, key: Key, price: Decimal | None, id_name: str) -> DerivativeDraft:
        if account_mode(key) == SPOT_MODE:
            raise OrderError("51010", "Request unsupported under current account mode")
        mode, side, size = params.need("tdMode"), params.need("side"), params.decimal("sz")
        _check_known(mode, tuple(MarginMode), side)
        if size is None:
            raise missing_parameter("sz")
        if params.get("tgtCcy") is not None:
            raise OrderError("59110", "The instrument type does not support the tgtCcy parameter.")
        hedge, marks = venue.derivatives.hedge(key.uid), _marks(params)
        return DerivativeDraft(
            uid=key.uid,
            api_key=key.api_key,
            instrument=venue.derivatives.instruments[params.need("instId")],
            side=Side(side),
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            contracts=size,
            price=price,
            reduce_only=params.flag("reduceOnly") and not hedge,
            position=position_side(params, hedge),
            margin=MarginMode(mode),
            marks=marks,
            client_order_id=params.get(id_name, CLIENT_ID) or "",
        )

    def take(self, draft: DerivativeDraft, params: Params, venue: Venue) -> VenueOrder:
        try:
            return venue.derivatives.place(draft)
        except Refused as refused:
            raise self.refusal(refused.reason, draft, venue) from None

    def waiting_draft(self, params: Params, venue: Venue, key: Key, waits: Waits, id_name: str) -> DerivativeDraft:
        draft = self.draft(params, venue, key, waits.price, id_name)
        return replace(draft, trigger=waits.trigger, trigger_price=waits.at)

    def take_waiting(self, draft: DerivativeDraft, venue: Venue, waits: Waits) -> VenueOrder:
        return venue.derivatives.place(draft)

    def refusal(self, reason: Reason, draft: DerivativeDraft, venue: Venue) -> OrderError:
        item = draft.instrument
        if reason is Reason.REDUCE_ONLY:
            return _not_reducing(draft, venue)
        if reason is Reason.MARGIN:
            return OrderError("51008", f"Order failed. Insufficient {settle_of(item)} margin in account.")
        if reason is Reason.BAND:
            highest, lowest = price_limit(item, venue)
            words = f"Order price is not within the price limit (max buy price: {highest} , min sell price: {lowest} )"
            return OrderError("51006", words)
        if reason is Reason.QUANTITY_MAX:
            if draft.type is OrderType.MARKET:
                return OrderError(*_TOO_MUCH_AT_MARKET)
            return OrderError("51101", "The sz of the current order can't be more than the maximum (contracts).")
        return _plain_refusal(reason)

    def fields(self, order: VenueOrder, venue: Venue) -> Row:
        item, margin = order.instrument, order.margin or MarginMode.CROSS
        told = order.reduce_only and order.position is None  # in long/short mode closing orders reduce without a flag
        return {
            "instType": kind_of(item),
            "ccy": "",
            "posSide": position_word(order.position),
            "tdMode": margin.value,
            "tgtCcy": "",
            "lever": digits(venue.derivatives.leverage(order.uid, item.native_symbol, margin, order.position)),
            "reduceOnly": "true" if told else "false",
            "pnl": digits(order.profit),
            "rebateCcy": settle_of(item),
        }


TERMS: dict[Market, Terms[Any]] = {Market.SPOT: SpotTerms(), Market.FUTURES: ContractTerms()}


def terms_of(name: str, venue: Venue) -> Terms[Any]:
    """The terms of the pair or contract of that name."""
    return TERMS[Market.FUTURES if name in venue.derivatives.instruments else Market.SPOT]


def position_sides(hedge: bool) -> dict[str, PositionSide | None]:
    """The sides that a position may have in that mode: OKX's word, and ours (None in net mode)."""
    return {side.value: side for side in PositionSide} if hedge else {"net": None}


def position_word(side: PositionSide | None) -> str:
    """OKX's word for the side of a position."""
    return side.value if side else "net"


def position_side(params: Params, hedge: bool) -> PositionSide | None:
    """The side as the account's mode wants it: none or net in net mode, long or short in long/short mode."""
    told, sides = params.get("posSide"), position_sides(hedge)
    if told is None and not hedge:
        return None
    if told not in sides:
        raise OrderError(*_WORDS[Reason.POSITION_SIDE])
    return sides[told]


def price_limit(item: Instrument, venue: Venue) -> tuple[Decimal, Decimal]:
    """The highest price of a buy and the lowest of a sell, on the price step."""
    mark, step = venue.derivatives.mark(item.symbol), item.price_step or Decimal(1)
    lowest = floor_to(mark * BAND_DOWN, step)
    return floor_to(mark * BAND_UP, step), lowest if lowest == mark * BAND_DOWN else lowest + step


def _check_known(mode: str, modes: tuple[str, ...], side: str) -> None:
    for name, value, known in (("tdMode", mode, modes), ("side", side, _SIDES)):
        if value not in known:
            raise bad_parameter(name)


def _spot_mode(key: Key) -> str:
    """The tdMode that spot orders have in that account mode: cross where margin is shared between currencies."""
    return "cross" if account_mode(key) in (MULTI_CURRENCY_MODE, PORTFOLIO_MODE) else "cash"


def _marks(params: Params) -> dict[str, str]:
    tag = params.get("tag", _TAG)
    return {} if tag is None else {"tag": tag}


def _paid_currency(draft: Draft) -> str:
    return draft.instrument.quote if draft.side is Side.BUY else draft.instrument.base


def _plain_refusal(reason: Reason) -> OrderError:
    return OrderError(*_WORDS.get(reason, _WORDS[Reason.QUANTITY_MIN]))


def _not_reducing(draft: DerivativeDraft, venue: Venue) -> OrderError:
    held = venue.derivatives.position(draft.uid, draft.instrument.native_symbol, draft.position, draft.margin)
    if held is None:
        words = "Order failed because you don't have any positions in this direction for this contract to close."
        return OrderError("51169", words)
    if held.side is opened_by(draft.side):
        return OrderError("51170", "A reduce-only order can't be the same direction as your existing positions.")
    return OrderError("51112", "Close order size exceeds available size for this position.")
