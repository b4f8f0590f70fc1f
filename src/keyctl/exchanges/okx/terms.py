"""An order in OKX's words: margin mode, position, kind. What differs by market stands in TERMS."""

from __future__ import annotations

from keyctl.answers import Row, Unreadable
from keyctl.errors import UsageProblem
from keyctl.model.order import Order
from keyctl.model.wire import JSON
from keyctl.model.words import MarginMode, Market, OrderType, PositionSide, Side, TimeInForce

Fields = tuple[tuple[str, JSON], ...]

_CLOSING = {PositionSide.LONG: Side.SELL, PositionSide.SHORT: Side.BUY}
_IN_BASE: Fields = (("tgtCcy", "base_ccy"),)


class SpotTerms:
    """Orders for pairs: in cash, or in the account's margin mode."""

    # Without tgtCcy a buy's size means quote currency; without banAmend OKX shrinks an order to the balance.
    market_fields: Fields = (*_IN_BASE, ("banAmend", True))
    immediate_market = "market"

    def mode(self, order: Order) -> str:
        """tdMode: the margin mode."""
        return "cash" if order.margin is None else str(order.margin)

    def fields(self, order: Order) -> Fields:
        """The fields of its position: none. Raises UsageProblem for what has no place there."""
        if order.reduce_only:
            raise UsageProblem("reduce-only is for perpetuals", code="not_offered")
        return ()

    def waiting_fields(self, order: Order) -> Fields:
        """The fields that say what its size means when it waits: a market buy's would mean quote currency."""
        return _IN_BASE if order.type is OrderType.MARKET and order.side is Side.BUY else ()

    def agrees(self, row: Row, order: Order) -> bool:
        """Whether an order object is of the order's mode, where it tells one."""
        return row.get("tdMode") in (self.mode(order), "", None)

    def position(self, row: Row) -> PositionSide | None:
        """The position of an open order: none."""
        return None

    def is_by_amount(self, row: Row, side: Side) -> bool:
        """Whether the size of a market order is an amount of quote currency. Raises Unreadable for another unit.

        [official] docs V5, "Place order" and "Place algo order", tgtCcy: it counts the quote currency in buys and the
        base currency in sells unless it says otherwise. Rows of the kind "trigger" do not repeat it.
        """
        told = row.get("tgtCcy")
        if told not in ("base_ccy", "quote_ccy", "", None):
            raise Unreadable("a size in a unit that is not known")
        return told == "quote_ccy" if told else side is Side.BUY

    def shrinks(self, order: Order) -> bool:
        """Whether OKX may make such an order smaller by itself: a market order, when the balance that was locked for it
        does not reach in the end. [official] docs V5, captured 2026-06, "Place order", tgtCcy."""
        return order.type is OrderType.MARKET

    def reduces(self, order: Order) -> bool:
        """Whether OKX holds it to reducing a position: there is none."""
        return False


class ContractTerms:
    """Orders for contracts. Their margin mode is cross where none is wanted."""

    market_fields: Fields = ()
    immediate_market = "optimal_limit_ioc"  # a market order that may not rest has a type of its own

    def mode(self, order: Order) -> str:
        """tdMode: the margin mode."""
        return str(order.margin or MarginMode.CROSS)

    def fields(self, order: Order) -> Fields:
        """Its position in long/short mode, else whether it may only reduce. Raises UsageProblem for an order that would
        open where it was meant to reduce."""
        if not order.hedge:
            return (("reduceOnly", True),) if order.reduce_only else ()
        if order.position is None:
            raise UsageProblem(
                "the OKX account is in long/short mode: each order must name its position",
                "choose one: --position long or --position short",
                code="position_missing",
            )
        if order.reduce_only and not self.reduces(order):
            raise UsageProblem(
                f"{order.side} with a {order.position} position opens it, which is not reducing",
                f"a {order.position} position is reduced by {_CLOSING[order.position]}",
                code="not_reducing",
            )
        return (("posSide", str(order.position)),)

    def waiting_fields(self, order: Order) -> Fields:
        """The fields that say what its size means when it waits: none, it is contracts."""
        return ()

    def agrees(self, row: Row, order: Order) -> bool:
        """Whether margin mode, position side and reduce-only are those of the order."""
        side = row.get("posSide")
        if row.get("tdMode") != self.mode(order):
            return False
        if order.hedge:
            return side == str(order.position)
        return side in ("net", "", None) and (row.get("reduceOnly") in ("true", True)) is order.reduce_only

    def position(self, row: Row) -> PositionSide | None:
        """The position of an open order, in long/short mode."""
        told = row.get("posSide")
        return PositionSide(str(told)) if told in tuple(PositionSide) else None

    def is_by_amount(self, row: Row, side: Side) -> bool:
        """Whether its size is an amount of quote currency: it is contracts."""
        return False

    def shrinks(self, order: Order) -> bool:
        """Whether OKX may make such an order smaller by itself: one that only reduces, when it is placed or later.

        [official] docs V5, captured 2026-06, order channel, amendSource 3 and 4; though "Place order" says that a new
        one beyond the position is rejected as a whole.
        """
        return self.reduces(order)

    def reduces(self, order: Order) -> bool:
        """Whether OKX holds it to reducing a position: by its side in long/short mode, else by its flag."""
        if order.hedge:
            return order.position is not None and order.side is _CLOSING[order.position]
        return order.reduce_only


TERMS: dict[Market, SpotTerms | ContractTerms] = {Market.SPOT: SpotTerms(), Market.FUTURES: ContractTerms()}


def order_kind(order: Order) -> str:
    """ordType of a plain order. Raises UsageProblem for what this endpoint cannot do, so that nothing of an order is
    ever dropped in silence."""
    if order.time_in_force is TimeInForce.GTD:
        raise UsageProblem("keyctl does not send good-till-date orders to OKX", code="not_offered")
    if order.type is OrderType.MARKET:
        if order.time_in_force is TimeInForce.FOK:
            raise UsageProblem("OKX has no fill-or-kill market orders", code="not_offered")
        return TERMS[order.market].immediate_market if order.time_in_force is TimeInForce.IOC else "market"
    if order.post_only:
        return "post_only"
    return {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}[order.time_in_force]
