"""Binance's order APIs of perpetuals on the twin: what plain and algo orders share, and those of plain orders.

Source: [official, mirrored] derivatives docs 2025-11-30, "Trade"; error texts from "Error Codes" or as answered live.
Since 2026-07-15 the answers to placing and canceling tell no average price.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from keyctl.model.words import Market, OrderState, OrderType, Side
from keyctl.twin.binance import futures_asked as asked
from keyctl.twin.binance.gate import FUTURES, BinanceError, Params
from keyctl.twin.binance.listing import Asked, check_row
from keyctl.twin.binance.names import (
    COINM,
    USDM,
    Product,
    PublicCall,
    SignedCall,
    eight,
    find_perpetual,
    need_perpetual,
)
from keyctl.twin.binance.orders import NEW_ID, NO_ORDER, OWN_ID, STATUS, UNKNOWN_ORDER
from keyctl.twin.book import Reason, Refused, VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.keys import Key
from keyctl.twin.parts import OrderAPI, Route
from keyctl.twin.perpetual import opened_by
from keyctl.twin.venue import Venue

_CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_AHEAD_MS = 600_000
# Parameters that only conditional orders use.
_OF_CONDITIONAL = ("stopPrice", "activationPrice", "callbackRate", "workingType", "priceProtect", "closePosition")


class ProductOrders(OrderAPI[PublicCall, SignedCall]):
    """What a product's plain and algo orders have in common. Numbers and client ids of one never mean one of the other.

    `order_id` and `own_id` are the parameters that name an order, `wanted` how a refusal writes them; `by_symbol`:
    whether the symbol has to be there too.
    """

    product: ClassVar[Product]
    order_id: ClassVar[str]
    own_id: ClassVar[str]
    wanted: ClassVar[str]
    by_symbol: ClassVar[bool] = True

    def read(self, path: str, operation: str, answer: SignedCall, own_id: str = "") -> Route[SignedCall]:
        """The route of a read."""
        return Route("GET", f"{self.product.prefix}v1/{path}", operation, answer, FUTURES, own_id=own_id)

    def write(self, method: str, path: str, operation: str, answer: SignedCall, own_id: str = "") -> Route[SignedCall]:
        """The route of a call that changes an account."""
        return Route(method, f"{self.product.prefix}v1/{path}", operation, answer, FUTURES, True, own_id)

    @abstractmethod
    def number(self, order: VenueOrder) -> int:
        """The number by which these calls know an order."""

    @abstractmethod
    def client_id(self, order: VenueOrder) -> str:
        """The client order id by which these calls know an order."""

    @abstractmethod
    def knows(self, order: VenueOrder) -> bool:
        """Whether an order is or was one of these."""

    @abstractmethod
    def is_live(self, order: VenueOrder) -> bool:
        """Whether an order can be canceled by these calls."""

    @abstractmethod
    def is_remembered(self, order: VenueOrder, venue: Venue) -> bool:
        """Whether look-ups still show an order."""

    @abstractmethod
    def row(self, order: VenueOrder) -> dict[str, Any]:
        """An order as look-ups show it."""

    @abstractmethod
    def canceled(self, order: VenueOrder) -> dict[str, Any]:
        """The answer to a cancel."""

    def query(self, params: Params, venue: Venue, key: Key) -> Any:
        """An order by either id."""
        return self.row(self.named(params, venue, key, NO_ORDER))

    def cancel(self, params: Params, venue: Venue, key: Key) -> Any:
        """The order that was canceled by either id. Raises BinanceError."""
        order = self.named(params, venue, key, UNKNOWN_ORDER)
        if not self.is_live(order):
            raise BinanceError(*UNKNOWN_ORDER)
        venue.derivatives.cancel(order)
        return self.canceled(order)

    def cancel_all(self, params: Params, venue: Venue, key: Key) -> Any:
        """A word, when the orders of the symbol are canceled."""
        item = need_perpetual(params, venue, self.product)
        params.check_all_read()
        for order in self.live(venue, key, item.symbol):
            venue.derivatives.cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def take(self, draft: DerivativeDraft, venue: Venue) -> VenueOrder:
        """The order as taken. Raises BinanceError."""
        try:
            return venue.derivatives.place(draft)
        except Refused as refused:
            raise asked.refusal(refused, draft, venue, self.product) from None

    def named(self, params: Params, venue: Venue, key: Key, missing: tuple[int, str]) -> VenueOrder:
        """The order that is named. Raises BinanceError."""
        item = find_perpetual(params, venue, self.product, needed=self.by_symbol)
        number, client_id = params.whole(self.order_id), params.get(self.own_id, asked.CLIENT_ID)
        if number is None and client_id is None:
            raise BinanceError(-1102, f"Param {self.wanted} must be sent, but both were empty/null!")
        params.check_all_read()

        def is_named(order: VenueOrder) -> bool:
            fits = number in (None, self.number(order)) and client_id in (None, self.client_id(order))
            return fits and self.is_of_product(order)

        found = venue.find(key.uid, symbol=item.symbol if item else None, which=is_named)
        if found is None or not self.is_remembered(found, venue):
            raise BinanceError(*missing)
        return found

    def is_of_product(self, order: VenueOrder) -> bool:
        """Whether an order is or was one of these, on that product."""
        item = order.instrument
        return self.knows(order) and item.market is Market.FUTURES and item.inverse is self.product.inverse

    def live(self, venue: Venue, key: Key, symbol: str | None) -> list[VenueOrder]:
        """Those that can be canceled, of a symbol or of all."""

        def is_shown(order: VenueOrder) -> bool:
            return self.is_of_product(order) and self.is_live(order)

        return venue.orders_of(key.uid, symbol=symbol, market=Market.FUTURES, which=is_shown)


class FuturesOrders(ProductOrders):
    """Orders that go to the book at once, and those that algo orders became."""

    order_id, own_id = "orderId", OWN_ID
    wanted = "'origClientOrderId' or 'orderid'"

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            self.write("POST", "order", "place", self.place, NEW_ID),
            self.write("DELETE", "order", "cancel", self.cancel, OWN_ID),
            self.write("DELETE", "allOpenOrders", "cancel_all", self.cancel_all),
            self.read("order", "query", self.query, OWN_ID),
            self.read("openOrder", "query", self.query_open, OWN_ID),
            self.read("openOrders", "open_orders", self.open_orders),
            self.read("allOrders", "history", self.history),
        )

    def number(self, order: VenueOrder) -> int:
        return order.order_id

    def client_id(self, order: VenueOrder) -> str:
        """One that had a trigger bears its user's id as an algo order only. The documents do not say which one it bears
        on the book; this one is the twin's, so that nobody comes to rely on another."""
        return order.client_order_id if order.trigger is None else f"algo_{algo_number(order)}"

    def knows(self, order: VenueOrder) -> bool:
        return order.is_of_the_book

    def is_live(self, order: VenueOrder) -> bool:
        return order.is_open

    def is_remembered(self, order: VenueOrder, venue: Venue) -> bool:
        in_vain = order.state in (OrderState.CANCELED, OrderState.EXPIRED) and not order.filled
        return asked.is_remembered(venue, order.booked_ms, in_vain=in_vain)

    def place(self, params: Params, venue: Venue, key: Key) -> Any:
        """The answer to a new order; without RESULT it tells nothing of fills."""
        draft, answer_type = _draft(params, venue, key, self.product)
        _check(draft, venue, self.product)
        order = self.take(draft, venue)
        shown = self.core(order)
        if answer_type == "ACK":
            shown |= {"status": "NEW", "executedQty": "0", "cumQty": "0"}
        return shown

    def test(self, params: Params, venue: Venue, key: Key) -> Any:
        """Nothing, when the order would be taken; it is not."""
        draft, _ = _draft(params, venue, key, self.product)
        _check(draft, venue, self.product)
        try:
            venue.derivatives.check(draft)
        except Refused as refused:
            raise asked.refusal(refused, draft, venue, self.product) from None
        return {}

    def query_open(self, params: Params, venue: Venue, key: Key) -> Any:
        """An open order by either id."""
        order = self.named(params, venue, key, NO_ORDER)
        if not order.is_open:
            raise BinanceError(*NO_ORDER)
        return self.row(order)

    def open_orders(self, params: Params, venue: Venue, key: Key) -> Any:
        """The open orders of a symbol, or of all."""
        item = find_perpetual(params, venue, self.product, needed=False)
        params.get("pair")
        params.check_all_read()
        return [self.row(order) for order in self.live(venue, key, item.symbol if item else None)]

    def history(self, params: Params, venue: Venue, key: Key) -> Any:
        """The orders of one symbol within the times, less than seven days, from `orderId` on."""
        item = need_perpetual(params, venue, self.product)
        first, (early, late) = params.whole("orderId") or 0, asked.times_of(params, venue, self.product)
        limit = asked.limit_of(params, self.product)
        params.get("fromId")
        params.check_all_read()
        found = venue.orders_of(key.uid, symbol=item.symbol, which=self.knows)
        within = [order for order in found if order.order_id >= first and early <= order.booked_ms <= late]
        return [self.row(order) for order in within if self.is_remembered(order, venue)][-limit:]

    def canceled(self, order: VenueOrder) -> dict[str, Any]:
        return self.core(order)

    def core(self, order: VenueOrder) -> dict[str, Any]:
        """The fields that every order answer has."""
        status = "PARTIALLY_FILLED" if order.filled else "NEW"
        kind = "MARKET" if order.type is OrderType.MARKET else "LIMIT"
        pair = {"pair": order.instrument.native_symbol.partition("_")[0]} if order.instrument.inverse else {}
        return {
            "symbol": order.instrument.native_symbol,
            **pair,
            "orderId": order.order_id,
            "clientOrderId": self.client_id(order),
            "price": digits(order.price or Decimal(0)),
            "origQty": digits(order.quantity),
            "executedQty": digits(order.filled),
            "cumQty": digits(order.filled),
            "status": STATUS.get(order.state, status),
            "timeInForce": lifetime(order),
            "type": kind,
            "origType": kind,
            "reduceOnly": order.reduce_only,
            "closePosition": False,
            "side": order.side.name,
            "positionSide": position_side(order),
            "stopPrice": "0",
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "priceMatch": "NONE",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "updateTime": order.updated_ms,
            **({} if order.instrument.inverse else {"goodTillDate": order.expires_ms or 0}),
        }

    def row(self, order: VenueOrder) -> dict[str, Any]:
        """With its average price and its time."""
        core = self.core(order)
        del core["cumQty"]
        total = (
            {"cumBase": eight(order.base_filled)}
            if order.instrument.inverse
            else {"cumQuote": eight(order.quote_filled)}
        )
        return core | total | {"avgPrice": digits(order.average_price or Decimal(0)), "time": order.booked_ms}


class USDMOrders(FuturesOrders):
    """Plain orders on USDS-M."""

    name, product = "usdm", USDM

    def signed(self) -> tuple[Route[SignedCall], ...]:
        path = self.product.prefix + "v1/order/test"
        return (*super().signed(), Route("POST", path, "test_order", self.test, FUTURES))


class COINMOrders(FuturesOrders):
    """Plain orders on COIN-M."""

    name, product = "coinm", COINM


def _draft(params: Params, venue: Venue, key: Key, product: Product) -> tuple[DerivativeDraft, str]:
    """The order that the parameters ask for, and the type of answer. Raises BinanceError."""
    need_perpetual(params, venue, product), asked.side_of(params)
    kind = params.need("type")
    if kind in _CONDITIONAL:
        words = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        raise BinanceError(-4120, words)
    if kind not in ("LIMIT", "MARKET"):
        raise BinanceError(-1116, "Invalid orderType.")
    for name in ("timeInForce", "quantity", "price") if kind == "LIMIT" else ("quantity",):
        params.need(name)
    if kind == "MARKET":
        params.check_not_sent("price", "timeInForce")
    lifetime, ends = _lifetime(params, venue, product)
    answer_type = params.get("newOrderRespType") or "ACK"
    if answer_type not in ("ACK", "RESULT"):
        raise BinanceError(-1136, "Invalid newOrderRespType.")
    for name in (*_OF_CONDITIONAL, "priceMatch"):
        params.get(name)
    draft = asked.draft_of(params, venue, key, product, OrderType(kind.lower()), lifetime, NEW_ID)
    check_row(venue, draft.instrument, Asked(kind, draft.side, draft.contracts, draft.price))
    return replace(draft, expires_ms=ends), answer_type


def _lifetime(params: Params, venue: Venue, product: Product) -> tuple[str, int | None]:
    """How long the order may rest, and when a GTD order ends: in whole seconds, 600 s ahead or more."""
    lifetime = asked.lifetime_of(params, *(() if product.inverse else ("GTD",)))
    if lifetime != "GTD":
        params.get("goodTillDate")
        return lifetime, None
    params.need("goodTillDate")
    ends = params.whole("goodTillDate") or 0
    if not venue.now_ms() + _AHEAD_MS < ends < 253402300799000:
        words = "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than"
        raise BinanceError(-5040, f"{words} 253402300799000")
    return lifetime, ends // 1000 * 1000


def _check(draft: DerivativeDraft, venue: Venue, product: Product) -> None:
    """What Binance refuses by rules of its own. Raises BinanceError.

    A reduce-only order beyond the position is cut to it (public report: nautilus_trader issue 3983, 2026-05-03); in
    hedge mode a closing order beyond its position is refused (public report: ccxt issue 8304, 2021-02-12).
    """
    engine, item = venue.derivatives, draft.instrument
    held = engine.position(draft.uid, item.native_symbol, draft.position) if draft.position is not None else None
    if held is not None and held.side is not opened_by(draft.side) and (draft.contracts or 0) > held.contracts:
        raise asked.refusal(Refused(Reason.REDUCE_ONLY), draft, venue, product)
    if draft.post_only and engine.would_cross(draft):
        raise BinanceError(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not"
            " be recorded in the order history",
        )
    if draft.type is OrderType.MARKET and item.band_up is not None and item.band_down is not None:
        book, mark = engine.book(item.symbol), engine.mark(item.symbol)
        best = (book.asks if draft.side is Side.BUY else book.bids)[0][0]
        if best > mark * item.band_up if draft.side is Side.BUY else best < mark * item.band_down:
            words = "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            raise BinanceError(product.codes["market"], words)


def algo_number(order: VenueOrder) -> int:
    """The number of an order that waits for its trigger, or did."""
    return order.order_id if order.algo_id is None else order.algo_id


def position_side(order: VenueOrder) -> str:
    """The leg in hedge mode, else BOTH."""
    return "BOTH" if order.position is None else order.position.name


def lifetime(order: VenueOrder) -> str:
    """How long the order may rest, as Binance names it; a market order has the default."""
    if order.type is OrderType.MARKET:
        return "GTC"
    return "GTX" if order.post_only else order.time_in_force.name
