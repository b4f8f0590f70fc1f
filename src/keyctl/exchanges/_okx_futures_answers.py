"""OKX's perpetual swaps turned into our nouns: rules, account state, positions, open orders, wallet, price band.

Field names: [official] OKX docs V5, "Trading account", "Order book trading" and "Public data", captures of 2025-11 and
2026-07. What is missing or odd is Unreadable.
"""

from __future__ import annotations

import re
from decimal import Decimal

from keyctl.answers import Unreadable, array_of, clean_text, decimal_of, integer_of, object_of, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges._okx_answers import one_row, optional, positive, rows
from keyctl.exchanges.base import UnknownSymbol
from keyctl.model import (
    JSON,
    Balances,
    FuturesState,
    Instrument,
    MarginMode,
    Market,
    OpenOrder,
    OrderType,
    Position,
    PositionSide,
    PriceBand,
    Response,
    Side,
)

PAGE_LIMIT = 100
_SWAP = re.compile(r"([A-Z0-9]{1,20})-([A-Z0-9]{1,20})(_UM)?-SWAP")
_PAIR = re.compile(r"([A-Z0-9]{1,20})-([A-Z0-9]{1,20})")
_SPOT_MODE, _PORTFOLIO_MODE = "1", "4"
_SPOT_MARGINS = {"1": None, "2": None, "3": MarginMode.CROSS, "4": MarginMode.CROSS}
_HEDGE = {"net_mode": False, "long_short_mode": True}


def swap_instrument(row: dict[str, JSON], symbol: str, base: str, quote_currency: str, settle: str) -> Instrument:
    """A perpetual's rules. OKX counts contracts of ctVal x ctMult; steps and bounds are turned into base currency where
    the contract is linear. Raises UnknownSymbol when it settles in another currency than asked for."""
    if row.get("settleCcy") != settle:
        raise UnknownSymbol(symbol)
    kinds = {"linear": base, "inverse": quote_currency}
    kind = text_of(row.get("ctType"))
    if kind not in kinds or row.get("ctValCcy") != kinds[kind]:
        raise Unreadable("a contract of a kind that is not known")
    size, inverse = positive(row.get("ctVal")) * positive(row.get("ctMult")), kind == "inverse"

    def quantity(value: JSON) -> Decimal:
        contracts = positive(value)
        return contracts if inverse else contracts * size

    return Instrument(
        symbol=symbol,
        native_symbol=text_of(row.get("instId")),
        base=base,
        quote=quote_currency,
        price_step=positive(row.get("tickSz")),
        quantity_step=quantity(row.get("lotSz")),
        min_quantity=quantity(row.get("minSz")),
        max_quantity=quantity(row["maxLmtSz"]) if row.get("maxLmtSz") else None,
        min_notional=None,
        active=row.get("state") == "live",
        settle=settle,
        contract_size=size,
        inverse=inverse,
        leverage_max=optional(row.get("lever")),
        market_quantity_max=quantity(row["maxMktSz"]) if row.get("maxMktSz") else None,
    )


def futures_state(responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode) -> FuturesState:
    """The state from account/config, leverage-info, positions and orders-pending, in that order.

    `open_orders` is 100 for a hundred or more. Raises CheckFailed(code="account_mode") for an account whose mode does
    not let it trade swaps, or not in a way that can be checked.
    """
    config, leverages, held, pending = responses
    account = one_row(config)
    _check_account_mode(account)
    hedge = _HEDGE.get(text_of(account.get("posMode")))
    if hedge is None:
        raise Unreadable("missing the position mode")
    found = positions(held)
    if any(item.native_symbol != instrument.native_symbol or item.hedge is not hedge for item in found):
        raise Unreadable("a position of another symbol or position mode than asked for")
    orders = rows(pending)
    if any(row.get("instId") != instrument.native_symbol for row in orders):
        raise Unreadable("an open order of another symbol than asked for")
    long, short = _leverages(leverages, instrument, margin, hedge)
    own_ids = frozenset(str(row.get("clOrdId")) for row in orders)
    return FuturesState(hedge, None, long, short, found, len(orders), margin, own_ids)


def spot_margin(response: Response) -> MarginMode | None:
    """In multi-currency and portfolio margin mode spot orders are cross, else cash. [official] docs V5, "Trade mode".

    Raises Unreadable for an account mode that is not known, CheckFailed where such an order could borrow by itself.
    """
    account = one_row(response)
    mode = text_of(account.get("acctLv"))
    if mode not in _SPOT_MARGINS:
        raise Unreadable("an unknown account mode")
    if _SPOT_MARGINS[mode] is not None and account.get("autoLoan") is not False:
        raise CheckFailed(
            f"the OKX account borrows by itself, or does not tell (acctLv {mode}, autoLoan)",
            "switch auto-borrow off on OKX's own pages; keyctl sends no order that could become a loan",
            code="account_mode",
            exchange="okx",
            market=str(Market.SPOT),
        )
    return _SPOT_MARGINS[mode]


def _check_account_mode(account: dict[str, JSON]) -> None:
    mode = text_of(account.get("acctLv"))
    reasons = {
        _SPOT_MODE: "in spot mode, which cannot trade perpetuals",
        # [official]: there the cross leverage of swaps cannot be read, and reduceOnly is not documented to hold.
        _PORTFOLIO_MODE: "in portfolio margin mode, where keyctl can neither read the leverage nor rely on reduce-only",
    }
    if mode in reasons:
        raise CheckFailed(
            f"the OKX account is {reasons[mode]} (acctLv {mode})",
            "keyctl trades perpetuals in futures mode and in multi-currency margin mode; the account mode is changed "
            "on OKX's own pages, with nothing open",
            code="account_mode",
            exchange="okx",
            market=str(Market.FUTURES),
        )


def _leverages(response: Response, instrument: Instrument, margin: MarginMode, hedge: bool) -> tuple[Decimal, Decimal]:
    """Leverage of long and short. One row (net) in net mode; one for each side in long/short mode.

    Cross leverage is one value for both sides, so that one row says it all in either mode.
    """
    told: dict[str, Decimal] = {}
    for row in rows(response):
        if row.get("instId") != instrument.native_symbol or row.get("mgnMode") != str(margin):
            raise Unreadable("the leverage of another symbol or margin mode than asked for")
        side = text_of(row.get("posSide"))
        if side in told:
            raise Unreadable("two leverages for one side")
        told[side] = positive(row.get("lever"))
    if set(told) == {"net"} and not (hedge and margin is MarginMode.ISOLATED):
        return told["net"], told["net"]
    if set(told) == {"long", "short"} and hedge:
        return told["long"], told["short"]
    raise Unreadable("missing the leverage, or telling it for other sides than the position mode has")


def positions(response: Response) -> tuple[Position, ...]:
    """All open positions in an answer of account/positions; entries of size zero are closed ones."""
    found = [_position(row) for row in rows(response) if decimal_of(row.get("pos")) != 0]
    return tuple(found)


def _position(row: dict[str, JSON]) -> Position:
    """In net mode the sign of `pos` gives the side; in long/short mode it is above zero on both sides."""
    size, told = decimal_of(row.get("pos")), text_of(row.get("posSide"))
    if told == "net":
        side = PositionSide.LONG if size > 0 else PositionSide.SHORT
    elif told in tuple(PositionSide) and size > 0:
        side = PositionSide(told)
    else:
        raise Unreadable("a position without a side")
    if row.get("instType") != "SWAP" or row.get("mgnMode") not in tuple(MarginMode):
        raise Unreadable("a position of another kind than asked for")
    native = text_of(row.get("instId"))
    symbol = swap_symbol(native, row.get("ccy"))
    return Position(
        symbol=symbol,
        native_symbol=native,
        side=side,
        contracts=abs(size),
        hedge=told != "net",
        margin=MarginMode(str(row["mgnMode"])),
        leverage=optional(row.get("lever")),
        entry_price=optional(row.get("avgPx")),
        mark_price=optional(row.get("markPx")),
        liquidation_price=optional(row.get("liqPx")),
        unrealized=optional(row.get("upl")),
        currency=symbol.partition(":")[2],
        notional_usd=optional(row.get("notionalUsd")),
    )


def swap_symbol(native: str, margin_currency: JSON) -> str:
    """BASE/QUOTE:SETTLE of a swap's instId: BTC-USDT-SWAP settles in USDT, BTC-USD-SWAP in BTC, and BTC-USD_UM-SWAP in
    the currency that the account has chosen for it. Raises Unreadable for what is no swap."""
    match = _SWAP.fullmatch(native)
    if match is None:
        raise Unreadable("not a swap's name")
    base, quote_currency, chosen = match.groups()
    if chosen:
        settle = clean_text(text_of(margin_currency), 20)
    else:
        settle = base if quote_currency == "USD" else quote_currency
    return f"{base}/{quote_currency}:{settle}"


def open_orders(response: Response, market: Market) -> tuple[OpenOrder, ...]:
    """The orders in an answer of trade/orders-pending. Raises Unreadable for a full page: the next may have more."""
    found = rows(response)
    if len(found) >= PAGE_LIMIT:
        raise Unreadable("a full page, so there may be more open orders than it shows")
    return tuple(_open_order(row, market) for row in found)


def open_order_names(row: dict[str, JSON], market: Market) -> tuple[str, str, Side, PositionSide | None]:
    """Our symbol, the venue's, side and position of an open order. Raises Unreadable for one of another kind."""
    futures = market is Market.FUTURES
    native, told = text_of(row.get("instId")), row.get("posSide")
    if row.get("instType") != ("SWAP" if futures else "SPOT") or row.get("side") not in tuple(Side):
        raise Unreadable("an open order of another kind than asked for")
    if not futures and _PAIR.fullmatch(native) is None:
        raise Unreadable("not a pair's name")
    symbol = swap_symbol(native, row.get("ccy")) if futures else native.replace("-", "/")
    position = PositionSide(str(told)) if futures and told in tuple(PositionSide) else None
    return symbol, native, Side(str(row["side"])), position


def _open_order(row: dict[str, JSON], market: Market) -> OpenOrder:
    symbol, native, side, position = open_order_names(row, market)
    size, filled = decimal_of(row.get("sz")), decimal_of(row.get("accFillSz"))
    client_id = row.get("clOrdId") or row.get("algoClOrdId")  # the second of what a waiting order became
    if not 0 <= filled <= size:
        raise Unreadable("a fill that cannot be")
    return OpenOrder(
        symbol=symbol,
        native_symbol=native,
        market=market,
        side=side,
        type=OrderType.MARKET if row.get("ordType") in ("market", "optimal_limit_ioc") else OrderType.LIMIT,
        quantity=size,
        filled=filled,
        price=optional(row.get("px")),
        exchange_order_id=text_of(row.get("ordId")),
        client_order_id=clean_text(client_id, 40) if isinstance(client_id, str) and client_id else None,
        reduce_only=row.get("reduceOnly") in ("true", True),
        position=position,
        created_ms=integer_of(row["cTime"]) if row.get("cTime") else None,
    )


def margin_balances(response: Response) -> Balances:
    """The one wallet, as swaps may use it: `availEq` is there for every mode that can trade them. `eq` is the total.

    A currency of which the account has nothing is not in the answer.
    """
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for detail in map(object_of, array_of(one_row(response).get("details"))):
        currency = text_of(detail.get("ccy"))
        available = optional(detail.get("availEq"))
        available = optional(detail.get("availBal")) if available is None else available
        if currency in total:
            raise Unreadable("a currency told twice")
        if available is not None:
            free[currency] = available
        total[currency] = decimal_of(detail.get("eq"))
    return Balances(free, None, total)


def price_band(response: Response, instrument: Instrument) -> PriceBand:
    """The band of public/price-limit: none where it is not in effect."""
    row = one_row(response)
    if row.get("instId") != instrument.native_symbol or not isinstance(row.get("enabled", True), bool):
        raise Unreadable("the price limit of another symbol than asked for")
    if row.get("enabled") is False:
        return PriceBand(None, None)
    return PriceBand(positive(row.get("buyLmt")), positive(row.get("sellLmt")))
