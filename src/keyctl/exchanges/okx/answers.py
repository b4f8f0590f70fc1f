"""OKX's envelopes, orders, instruments and key settings turned into our nouns. What is missing or odd is Unreadable."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from keyctl.answers import Unreadable, array_of, clean_text, decimal_of, object_of, read_object, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges.okx.orders import closes, order_kind, trade_mode
from keyctl.exchanges.told_orders import Figures, check_echo, size_told, status_told
from keyctl.model import (
    JSON,
    Balances,
    Instrument,
    KeyPermissions,
    Leg,
    MarginMode,
    Market,
    Order,
    OrderState,
    OrderStatus,
    OrderType,
    Response,
)

_STATES = {
    "live": OrderState.OPEN,
    "partially_filled": OrderState.OPEN,
    "filled": OrderState.CLOSED,
    "canceled": OrderState.CANCELED,
    "mmp_canceled": OrderState.CANCELED,
}
_NUMBERS = ("sz", "px", "slTriggerPx", "slOrdPx", "tpTriggerPx", "tpOrdPx")
# [official] OKX docs V5 (2026-07), "Get instruments": the states beside "live".
NOT_LIVE = ("suspend", "rebase", "preopen", "test")
_KNOWN_RIGHTS = {"read_only", "trade", "withdraw"}


def rows(response: Response) -> list[dict[str, JSON]]:
    """The objects in `data` of a successful answer. Raises Unreadable unless code is "0"."""
    return [object_of(row) for row in data_of(response)]


def data_of(response: Response) -> list[JSON]:
    """What is in `data` of a successful answer. Raises Unreadable unless code is "0"."""
    body = read_object(response.body)
    if body.get("code") != "0":
        raise Unreadable("the answer does not say success")
    return array_of(body.get("data"))


def one_row(response: Response) -> dict[str, JSON]:
    """The single object in `data`. Raises Unreadable for none or several."""
    found = rows(response)
    if len(found) != 1:
        raise Unreadable("not exactly one element")
    return found[0]


def taken_row(
    response: Response, leg: Leg, own_id: str = "clOrdId", sent: Iterable[tuple[str, JSON]] = ()
) -> dict[str, JSON]:
    """The element of a trade answer that carries our client order id and sCode "0". Raises Unreadable.

    OKX repeats no more of a request; whatever of `sent` it did repeat would have to agree.
    """
    row = one_row(response)
    if row.get("sCode") != "0" or row.get(own_id) != leg.client_order_id:
        raise Unreadable("the answer does not carry our client order id with success")
    shrinks = ("sz",) if may_shrink(leg.order) else ()
    check_echo(row, (("instId", leg.native_symbol), *sent), numbers=_NUMBERS, shrinks=shrinks)
    return row


def order_status(row: dict[str, JSON], leg: Leg) -> OrderStatus:
    """The leg's order as an order object shows it. Raises Unreadable when the object is about another order.

    The price changes only where pxAmendType asks for it, which keyctl does not; for sizes see may_shrink.
    """
    order = leg.order
    same = (
        row.get("clOrdId") == leg.client_order_id
        and row.get("instId") == leg.native_symbol
        and row.get("side") == str(order.side)
        and row.get("ordType") in (order_kind(order), "", None)
        and (order.type is not OrderType.MARKET or row.get("tgtCcy") in ("base_ccy", "", None))
        and (is_same_pair(row, order) if order.market is Market.SPOT else is_same_swap(row, order))
        and (order.type is OrderType.MARKET or decimal_of(row.get("px")) == order.price)
    )
    if not same:
        raise Unreadable("the answer describes another order than ours")
    return fill_of(row, leg, row.get("ordId"))


def may_shrink(order: Order) -> bool:
    """Whether OKX may make such an order smaller by itself.

    [official] docs V5, captured 2026-06: one that only reduces, when it is placed or later (order channel, amendSource
    3 and 4; though "Place order" says that a new one beyond the position is rejected as a whole); a spot market order,
    when the balance that was locked for it does not reach in the end ("Place order", tgtCcy).
    """
    if order.market is Market.SPOT:
        return order.type is OrderType.MARKET
    return closes(order) if order.hedge else order.reduce_only


def fill_of(row: dict[str, JSON], leg: Leg, order_id: JSON) -> OrderStatus:
    """The status of the leg with state, size, fill and fee of an order object. Raises Unreadable."""
    state, fee = _STATES.get(str(row.get("state"))), optional(row.get("fee"))
    if state is None:
        raise Unreadable("an unknown state")
    figures = Figures(
        size_told(row.get("sz"), leg.order, may_shrink=may_shrink(leg.order)),
        decimal_of(row.get("accFillSz")),
        optional(row.get("avgPx")),
        fee=None if fee is None else -fee or Decimal(0),  # OKX writes a paid fee with a minus sign
    )
    return status_told(leg, order_id, state, figures, text_of(row["feeCcy"]) if row.get("feeCcy") else None)


def is_same_pair(row: dict[str, JSON], order: Order) -> bool:
    """Whether a spot order is of the order's mode, where the answer tells one."""
    return row.get("tdMode") in (trade_mode(order), "", None)


def is_same_swap(row: dict[str, JSON], order: Order) -> bool:
    """Whether margin mode, position side and reduce-only are those of the order."""
    side = row.get("posSide")
    if row.get("tdMode") != str(order.margin or MarginMode.CROSS):
        return False
    if order.hedge:
        return side == str(order.position)
    return side in ("net", "", None) and (row.get("reduceOnly") in ("true", True)) is order.reduce_only


def check_currencies(row: dict[str, JSON], symbol: str) -> None:
    """Nothing when the currencies that an instrument names are those of the symbol. Raises Unreadable."""
    base, quote = symbol.partition(":")[0].split("/")
    for name, wanted in (("baseCcy", base), ("quoteCcy", quote), ("uly", f"{base}-{quote}")):
        if row.get(name) not in (wanted, "", None):
            raise Unreadable("an instrument of other currencies than its name")


def instrument(row: dict[str, JSON], symbol: str) -> Instrument:
    """A spot symbol's rules. OKX bounds value in USD, not in the quote currency, so no notional bounds are given."""
    return Instrument(
        symbol=symbol,
        native_symbol=text_of(row.get("instId")),
        base=symbol.partition("/")[0],
        quote=symbol.partition("/")[2],
        price_step=positive(row.get("tickSz")),
        quantity_step=positive(row.get("lotSz")),
        min_quantity=positive(row.get("minSz")),
        max_quantity=optional(row.get("maxLmtSz")),
        min_notional=None,
        active=row.get("state") == "live",
        not_trading=why_not_trading(row),
    )


def why_not_trading(row: dict[str, JSON]) -> str:
    """The state of an instrument that is not live, for a sentence; empty for one that is."""
    return "" if row.get("state") == "live" else f"its state is {clean_text(str(row.get('state')), 40)}"


def check_open(row: dict[str, JSON], symbol: str) -> None:
    """Nothing for an instrument with rules. One that is not open yet is listed with its name and state alone, and for
    that raises CheckFailed(code="not_trading")."""
    if (state := row.get("state")) in NOT_LIVE and not any(row.get(name) for name in ("tickSz", "lotSz", "minSz")):
        raise CheckFailed(
            f"OKX lists {symbol} and has not opened it for trading yet ({state})",
            code="not_trading",
            exchange="okx",
            market=str(Market.FUTURES if ":" in symbol else Market.SPOT),
        )


def permissions(row: dict[str, JSON]) -> KeyPermissions:
    """The calling key's rights from account/config: `perm`, `ip` and `uid`; all else there is about the account."""
    told, ips = row.get("perm"), row.get("ip")
    words = {right.strip() for right in told.split(",")} - {""} if isinstance(told, str) else set[str]()
    rights = words or None
    bound = tuple(clean_text(item, 60) for item in ips.split(",") if item.strip()) if isinstance(ips, str) else None
    uid = row.get("uid")
    return KeyPermissions(
        read=None if rights is None else "read_only" in rights,
        spot_trade=None if rights is None else "trade" in rights,
        futures_trade=None if rights is None else "trade" in rights,
        withdraw=_may_withdraw(words),
        ip_restricted=None if bound is None else bool(bound),
        ips=bound,
        uid=uid if isinstance(uid, str) and uid else None,
        extra=tuple(sorted(clean_text(right, 60) for right in (rights or set()) - _KNOWN_RIGHTS)),
        # `perm` never lists transfers. [official] OKX docs 2026-07: Trade covers funding transfers and settings.
        spends="funding transfers and changes of settings" if rights and "trade" in rights else "",
    )


def _may_withdraw(words: set[str]) -> bool | None:
    """Whether one of these rights is to withdraw. [official] There are three words; what another one allows is not
    known, and then neither is this."""
    if any("withdraw" in word.lower() for word in words):
        return True
    return False if words and words <= _KNOWN_RIGHTS else None


def spot_balances(row: dict[str, JSON]) -> Balances:
    """Free and total balances from account/balance. Raises Unreadable."""
    free: dict[str, Decimal] = {}
    total: dict[str, Decimal] = {}
    for detail in array_of(row.get("details")):
        if not isinstance(detail, dict):
            raise Unreadable("a balance is not an object")
        # Which of the two is filled depends on the account mode; neither means: not told.
        available = optional(detail.get("availBal"))
        available = optional(detail.get("availEq")) if available is None else available
        if available is not None:
            free[text_of(detail.get("ccy"))] = available
        equity = optional(detail.get("eq"))  # one account for spot and swaps: unrealized profit is in it
        if equity is not None:
            total[text_of(detail.get("ccy"))] = equity
    return Balances(free, None, total)


def optional(value: JSON) -> Decimal | None:
    """A number, or None where OKX leaves the text empty."""
    return None if value in ("", None) else decimal_of(value)


def positive(value: JSON) -> Decimal:
    """A number above zero. Raises Unreadable."""
    number = decimal_of(value)
    if number <= 0:
        raise Unreadable("a number that is not positive")
    return number
