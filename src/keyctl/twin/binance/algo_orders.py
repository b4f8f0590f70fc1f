"""Binance's order APIs of stops and take-profits on perpetuals on the twin: algo orders, in an id space of their own.

Source: [official, captured 2026-01] USDS-M: New, Query, Cancel Algo Order, Query All Algo Orders, Cancel All Algo Open
Orders, Algo Order Update; in force since 2025-12-09. They watch the one price that the twin is told, whichever was
asked for.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.model.words import OrderType, Trigger
from keyctl.twin.binance import futures_asked as asked
from keyctl.twin.binance.futures_orders import ProductOrders, algo_number, lifetime, position_side
from keyctl.twin.binance.gate import BinanceError, Params
from keyctl.twin.binance.listing import Asked, check_row
from keyctl.twin.binance.names import COINM, USDM, Product, SignedCall, find_perpetual, need_perpetual
from keyctl.twin.binance.orders import STATUS
from keyctl.twin.book import VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.keys import Key
from keyctl.twin.parts import Route
from keyctl.twin.perpetual import opened_by
from keyctl.twin.venue import Venue

# A trailing stop is none of the twin's.
_KINDS = {
    "STOP": (Trigger.STOP, OrderType.LIMIT),
    "STOP_MARKET": (Trigger.STOP, OrderType.MARKET),
    "TAKE_PROFIT": (Trigger.TAKE_PROFIT, OrderType.LIMIT),
    "TAKE_PROFIT_MARKET": (Trigger.TAKE_PROFIT, OrderType.MARKET),
}
_NAMES = {Trigger.STOP: "STOP", Trigger.TAKE_PROFIT: "TAKE_PROFIT"}


class AlgoOrders(ProductOrders):
    """Orders that wait for a trigger. What one became is known to plain calls alone, by another number."""

    order_id, own_id = "algoId", "clientAlgoId"
    wanted = "'algoId' or 'clientAlgoId'"
    # The documents know no symbol here; ccxt sends it.
    by_symbol = False

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            self.write("POST", "algoOrder", "place", self.place, self.own_id),
            self.write("DELETE", "algoOrder", "cancel", self.cancel, self.own_id),
            self.read("openAlgoOrders", "open_orders", self.open_orders),
        )

    def number(self, order: VenueOrder) -> int:
        return algo_number(order)

    def client_id(self, order: VenueOrder) -> str:
        return order.client_order_id

    def knows(self, order: VenueOrder) -> bool:
        return order.trigger is not None

    def is_live(self, order: VenueOrder) -> bool:
        return order.is_waiting

    def is_remembered(self, order: VenueOrder, venue: Venue) -> bool:
        in_vain = _status(order) in ("CANCELED", "EXPIRED")
        return asked.is_remembered(venue, order.created_ms, in_vain=in_vain)

    def place(self, params: Params, venue: Venue, key: Key) -> Any:
        """The answer to a new order, which waits from now on. Margin and position are looked at when it goes off."""
        echo = {
            "workingType": _working_type(params),
            "priceProtect": "true" if asked.flag(params, "priceProtect") else "false",
            "selfTradePreventionMode": params.get("selfTradePreventionMode") or "EXPIRE_MAKER",
        }
        order = self.take(_draft(params, venue, key, self.product), venue)
        order.algo_id, order.echo = venue.next_algo_id(), echo
        return _core(order) | {"activatePrice": "", "callbackRate": ""}

    def open_orders(self, params: Params, venue: Venue, key: Key) -> Any:
        """The waiting orders of a symbol, or of all."""
        item = find_perpetual(params, venue, self.product, needed=False)
        only = params.whole("algoId")
        params.get("algoType"), params.get("pair")
        params.check_all_read()
        found = self.live(venue, key, item.symbol if item else None)
        return [self.row(order) for order in found if only in (None, algo_number(order))]

    def history(self, params: Params, venue: Venue, key: Key) -> Any:
        """The algo orders of a symbol, of seven days at most: the newest, or from `algoId` on the oldest.

        [own reading] Pages count from 1; the documents name the parameter only.
        """
        item = need_perpetual(params, venue, self.product)
        first, page = params.whole("algoId"), params.whole("page") or 1
        (early, late), limit = asked.times_of(params, venue, self.product), asked.limit_of(params, self.product)
        params.check_all_read()
        found = [
            order
            for order in venue.orders_of(key.uid, symbol=item.symbol, which=self.is_of_product)
            if algo_number(order) >= (first or 0)
            and early <= order.created_ms <= late
            and self.is_remembered(order, venue)
        ]
        start = (page - 1) * limit if first is not None else max(0, len(found) - page * limit)
        end = start + limit if first is not None else max(0, len(found) - (page - 1) * limit)
        return [self.row(order) for order in found[start:end]]

    def row(self, order: VenueOrder) -> dict[str, Any]:
        """It names the order that it became, by the number that plain calls know."""
        became = order.is_of_the_book
        return _core(order) | {
            "actualOrderId": str(order.order_id) if became else "",
            "actualPrice": digits(order.average_price or Decimal(0), 5),
            "tpTriggerPrice": "0.000",
            "tpPrice": "0.000",
            "slTriggerPrice": "0.000",
            "slPrice": "0.000",
            "tpOrderType": "",
        }

    def canceled(self, order: VenueOrder) -> dict[str, Any]:
        """Its code is a text here."""
        return {
            "algoId": algo_number(order),
            "clientAlgoId": order.client_order_id,
            "code": "200",
            "msg": "success",
        }


class USDMAlgoOrders(AlgoOrders):
    """Algo orders on USDS-M."""

    name, product = "usdm-algo", USDM

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            *super().signed(),
            self.write("DELETE", "algoOpenOrders", "cancel_all", self.cancel_all),
            self.read("algoOrder", "query", self.query, self.own_id),
            self.read("allAlgoOrders", "history", self.history),
        )


class COINMAlgoOrders(AlgoOrders):
    """Algo orders on COIN-M, of which the documents know neither a query nor a history."""

    name, product = "coinm-algo", COINM


def _draft(params: Params, venue: Venue, key: Key, product: Product) -> DerivativeDraft:
    """The order that the parameters ask for. Raises BinanceError."""
    if params.need("algoType") != "CONDITIONAL":
        raise BinanceError(-1130, "Data sent for parameter 'algoType' is not valid.")
    need_perpetual(params, venue, product), asked.side_of(params)
    name = params.need("type")
    if name not in _KINDS:
        raise BinanceError(-1116, "Invalid orderType.")
    trigger, kind = _KINDS[name]
    params.need("triggerPrice")
    closes = asked.flag(params, "closePosition")
    if kind is OrderType.LIMIT:
        params.need("price")
        if closes:
            raise BinanceError(-4136, f"Target strategy invalid for orderType {name},closePosition true")
    else:
        # [own reading] The documents name a time in force for the two limit types only.
        params.check_not_sent("price", "timeInForce")
    if not closes:
        params.need("quantity")
    elif params.get("quantity") is not None:
        raise BinanceError(-4137, "Quantity must be zero with closePosition equals true")
    else:
        params.check_not_sent("reduceOnly")
    lifetime, trigger_price = asked.lifetime_of(params), params.decimal("triggerPrice")
    # There is no GTD to end by the first; the second is sent by ccxt, as to plain orders.
    params.get("goodTillDate"), params.get("newOrderRespType")
    draft = asked.draft_of(params, venue, key, product, kind, lifetime, "clientAlgoId")
    if closes and draft.position is opened_by(draft.side):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    check_row(venue, draft.instrument, Asked(name, draft.side, draft.contracts, draft.price, trigger_price))
    return replace(draft, trigger=trigger, trigger_price=trigger_price, close_position=closes)


def _working_type(params: Params) -> str:
    named = params.get("workingType") or "CONTRACT_PRICE"
    if named not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise BinanceError(-4031, f"Invalid parameter working type: {named}")
    return named


def _status(order: VenueOrder) -> str:
    """The order's algoStatus. FINISHED says only that the order that it became is final."""
    if not order.triggered:
        return STATUS.get(order.state, "NEW")
    if order.refused:
        return "REJECTED"
    return "TRIGGERED" if order.is_open else "FINISHED"


def _core(order: VenueOrder) -> dict[str, Any]:
    assert order.trigger is not None
    return {
        "algoId": algo_number(order),
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": _NAMES[order.trigger] + ("_MARKET" if order.type is OrderType.MARKET else ""),
        "symbol": order.instrument.native_symbol,
        "side": order.side.name,
        "positionSide": position_side(order),
        "timeInForce": lifetime(order),
        "quantity": digits(order.quantity),
        "algoStatus": _status(order),
        "triggerPrice": digits(order.trigger_price or Decimal(0)),
        "price": digits(order.price or Decimal(0)),
        "icebergQuantity": None,
        "selfTradePreventionMode": order.echo.get("selfTradePreventionMode", "EXPIRE_MAKER"),
        "workingType": order.echo.get("workingType", "CONTRACT_PRICE"),
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": order.echo.get("priceProtect") == "true",
        "reduceOnly": order.reduce_only,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": 0,
    }
