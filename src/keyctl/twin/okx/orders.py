"""OKX's signed calls on the twin: placing, looking up and canceling orders, balances, the account's configuration.

Source: [official] OKX V5 docs 2026-07, "Order book trading" and "Trading account".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from keyctl.model.venue import Instrument
from keyctl.model.words import Market, OrderType, Side, TimeInForce
from keyctl.twin.book import Draft, Reason, Refused, VenueOrder, floor_to
from keyctl.twin.keys import Key
from keyctl.twin.okx import data
from keyctl.twin.okx.gate import OKXError, OrderError, Params, bad_parameter
from keyctl.twin.okx.swaps import SWAP_HANDLERS
from keyctl.twin.okx.swaps import place as place_swap
from keyctl.twin.okx.swaps_data import kind_of
from keyctl.twin.purses import FUNDING
from keyctl.twin.venue import Venue

CLIENT_ID = r"^[A-Za-z0-9]{1,32}$"
_FILLS_REMEMBERED_MS = 90 * 86_400_000
_TYPES = ("market", "limit", "post_only", "fok", "ioc")
_MARKETS = {"SPOT": Market.SPOT, "SWAP": Market.FUTURES, "FUTURES": Market.FUTURES}
_WORDS = {
    Reason.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    Reason.QUANTITY_MIN: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.QUANTITY_MAX: ("51202", "Market order amount exceeds the maximum amount."),
    Reason.PRICE_STEP: ("51006", "Order price is not within the price limit."),
    Reason.DUPLICATE: ("51016", "Client order ID already exists."),
    Reason.FINAL: ("51400", "Cancellation failed as the order has been filled, canceled or does not exist."),
}


def _place(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    swap = venue.derivatives.instruments.get(params.need("instId"))
    order = _place_pair(params, venue, key) if swap is None else place_swap(swap, params, venue, key)
    ids = {"ordId": str(order.order_id), "clOrdId": order.client_order_id, "tag": order.marks.get("tag", "")}
    return [ids | {"ts": str(order.created_ms), "sCode": "0", "sMsg": "Order placed", "subCode": ""}]


def _place_pair(params: Params, venue: Venue, key: Key) -> VenueOrder:
    draft = _draft(params, venue, key)
    try:
        return venue.place(draft)
    except Refused as refused:
        shrinks = draft.type is OrderType.MARKET and not params.flag("banAmend")
        if refused.reason is not Reason.FUNDS or not shrinks:
            raise refusal(refused, draft) from None
        return _place_shrunk(draft, venue)


def _place_shrunk(draft: Draft, venue: Venue) -> VenueOrder:
    """A spot market order without banAmend, cut down to what the balance allows."""
    free = venue.balance(draft.uid, _paid_currency(draft)).free
    if draft.side is Side.SELL:
        smaller = replace(draft, quantity=floor_to(free, draft.instrument.quantity_step or Decimal(1)))
    else:
        smaller = replace(draft, quantity=None, quote_quantity=free)
    try:
        return venue.place(smaller)
    except Refused:
        raise refusal(Refused(Reason.FUNDS), draft) from None


def _draft(params: Params, venue: Venue, key: Key) -> Draft:
    """The order that the parameters ask for. Raises OKXError and OrderError."""
    kind, price = params.need("ordType"), params.decimal("px")
    draft = draft_of(params, venue, key, None if kind == "market" else price, "clOrdId")
    if kind not in _TYPES:
        raise bad_parameter("ordType")
    if kind != "market" and price is None:
        raise bad_parameter("px")
    if draft.quote_quantity is not None and draft.side is Side.SELL:
        best, step = venue.book(draft.instrument.symbol).bids[0][0], draft.instrument.quantity_step or Decimal(1)
        draft = replace(draft, quantity=floor_to(draft.quote_quantity / best, step), quote_quantity=None)
    force = TimeInForce(kind) if kind in ("fok", "ioc") else TimeInForce.GTC
    return replace(draft, time_in_force=force, post_only=kind == "post_only")


def draft_of(params: Params, venue: Venue, key: Key, price: Decimal | None, id_name: str) -> Draft:
    """An order on a pair at that price or at market, as far as the parameters say the same for all kinds of orders.

    Raises OKXError and OrderError. `id_name`: the parameter with the client's own id.
    """
    item = venue.instruments.get(params.need("instId"))
    mode, side, size = params.need("tdMode"), params.need("side"), params.decimal("sz")
    if item is None:
        raise OrderError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    modes = (data.spot_mode(key.account_level),)
    for name, value, known in (("tdMode", mode, modes), ("side", side, ("buy", "sell"))):
        if value not in known:
            raise bad_parameter(name)
    if params.get("posSide") not in (None, "net"):
        raise bad_parameter("posSide")
    if size is None:
        raise OKXError("50014", "Parameter sz can not be empty.", 400)
    target = params.get("tgtCcy", "base_ccy|quote_ccy") or ("quote_ccy" if side == "buy" else "base_ccy")
    by_quote = price is None and target == "quote_ccy"
    tag = params.get("tag", "[A-Za-z0-9]{1,16}")
    return Draft(
        uid=key.uid,
        api_key=key.api_key,
        instrument=item,
        side=Side(side),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        quantity=None if by_quote else size,
        price=price,
        quote_quantity=size if by_quote else None,
        client_order_id=params.get(id_name, CLIENT_ID) or "",
        marks={} if tag is None else {"tag": tag},
    )


def any_instrument(name: str, venue: Venue) -> Instrument | None:
    """The pair or swap of that name."""
    return venue.instruments.get(name) or venue.derivatives.instruments.get(name)


def refusal(refused: Refused, draft: Draft) -> OrderError:
    """The venue's refusal of an order on a pair in OKX's code and words."""
    if refused.reason is Reason.FUNDS:
        return OrderError("51008", f"Order failed. Insufficient {_paid_currency(draft)} balance in account.")
    return OrderError(*_WORDS.get(refused.reason, _WORDS[Reason.QUANTITY_MIN]))


def _paid_currency(draft: Draft) -> str:
    return draft.instrument.quote if draft.side is Side.BUY else draft.instrument.base


def _named_order(params: Params, venue: Venue, key: Key) -> VenueOrder | None:
    """The order by ordId, which wins, or the newest by clOrdId. Raises OKXError."""
    item = any_instrument(params.need("instId"), venue)
    order_id, client_id = params.whole("ordId"), params.get("clOrdId", CLIENT_ID)
    if item is None:
        raise OKXError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    if order_id is None and client_id is None:
        raise OKXError("50014", "Parameter ordId can not be empty.", 400)
    own_id = client_id if order_id is None else None

    def is_named(order: VenueOrder) -> bool:
        return order.is_of_the_book and own_id in (None, data.client_id(order))

    found = venue.find(key.uid, order_id=order_id, symbol=item.symbol, which=is_named)
    return found if found is not None and data.is_remembered(found, venue.now_ms()) else None


def _query(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    order = _named_order(params, venue, key)
    if order is None:
        raise OKXError("51603", "Order does not exist")
    return [data.order_data(order, venue)]


def _cancel(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    order = _named_order(params, venue, key)
    try:
        if order is None:
            raise Refused(Reason.FINAL)
        venue.cancel(order)
    except Refused as refused:
        raise OrderError(*_WORDS[refused.reason]) from None
    ids = {"ordId": str(order.order_id), "clOrdId": order.client_order_id, "ts": str(venue.now_ms())}
    return [ids | {"sCode": "0", "sMsg": ""}]


def chosen(params: Params, venue: Venue, key: Key, which: Callable[[VenueOrder], bool]) -> list[VenueOrder]:
    """The user's orders of which that is so and that instType and instId choose, oldest first."""
    kind, symbol = params.get("instType"), params.get("instId")
    item = None if symbol is None else any_instrument(symbol, venue)
    if kind not in (None, *_MARKETS) or (symbol is not None and item is None):
        return []
    market = _MARKETS.get(kind or "")
    if item is not None and market not in (None, item.market):
        return []
    found = venue.orders_of(key.uid, symbol=item.symbol if item else None, market=market, which=which)
    return [order for order in found if kind in (None, kind_of(order.instrument))]


def _found(params: Params, venue: Venue, key: Key, *, is_open: bool | None) -> list[VenueOrder]:
    """The user's remembered orders of the book that the filters choose, newest first."""
    begin, end = params.whole("begin") or 0, params.whole("end")
    now = venue.now_ms()
    late = now + 1 if end is None else end

    def is_shown(order: VenueOrder) -> bool:
        return order.is_of_the_book and is_open in (None, order.is_open)

    found = chosen(params, venue, key, is_shown)
    kept = [o for o in found if begin <= o.booked_ms <= late and data.is_remembered(o, now)]
    return kept[::-1][: params.whole("limit") or 100]


def _open_orders(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    return [data.order_data(order, venue) for order in _found(params, venue, key, is_open=True)]


def _history(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    params.need("instType")
    return [data.order_data(order, venue) for order in _found(params, venue, key, is_open=False)]


def _fills(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """Trades of the last three months, newest first, earlier than `after` and later than `before` where those name a
    bill."""
    only, begin, end = params.whole("ordId"), params.whole("begin") or 0, params.whole("end")
    after, before = params.whole("after"), params.whole("before")
    orders = chosen(params, venue, key, lambda order: order.is_of_the_book)
    late = venue.now_ms() + 1 if end is None else end
    early = max(begin, venue.now_ms() - _FILLS_REMEMBERED_MS)
    rows = [row for o in orders if only in (None, o.order_id) for row in data.fills_data(o)]
    kept = [
        row
        for row in rows
        if early <= int(row["ts"]) <= late
        and (after is None or int(row["billId"]) < after)
        and (before is None or int(row["billId"]) > before)
    ]
    return sorted(kept, key=lambda row: -int(row["billId"]))[: min(params.whole("limit") or 100, 100)]


def _balance(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    wanted = tuple((params.get("ccy") or "").split(",")) if params.get("ccy") else ()
    return [data.balance_data(key, venue, wanted)]


def _funding(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    wanted = (params.get("ccy") or "").split(",")
    held = venue.purses.of(key.uid).get(FUNDING, {})
    return [data.funding_data(name, one) for name, one in held.items() if wanted == [""] or name in wanted]


def _bills(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    """Bills of the funding account, newest first, earlier than `after` and later than `before`, both in ms."""
    after, before = params.whole("after"), params.whole("before")
    found = [
        item
        for item in venue.happenings_of(key.uid, *data.BILL_TYPES)
        if (after is None or item.at_ms < after) and (before is None or item.at_ms > before)
    ]
    return [data.bill_data(item) for item in found[: min(params.whole("limit") or 100, 100)]]


def _currencies(params: Params, venue: Venue, key: Key) -> list[dict[str, Any]]:
    names = sorted({name for item in venue.instruments.values() for name in (item.base, item.quote)})
    return [data.currency_data(name) for name in names]


HANDLERS: dict[str, Callable[[Params, Venue, Key], list[dict[str, Any]]]] = {
    "place": _place,
    "query": _query,
    "cancel": _cancel,
    "open_orders": _open_orders,
    "history": _history,
    "fills": _fills,
    "balance": _balance,
    "permissions": lambda params, venue, key: [data.config_data(key, venue)],
    "funding": _funding,
    "currencies": _currencies,
    "bills": _bills,
    **SWAP_HANDLERS,
}
