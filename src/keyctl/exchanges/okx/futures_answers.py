"""OKX's contracts (swaps and dated ones) as our nouns: rules, account state, positions, wallet, price band.

Field names: [official] OKX docs V5, "Trading account", "Order book trading" and "Public data", captures of 2025-11 and
2026-07. What is missing or odd is Unreadable.
"""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import Row, Unreadable, clean_text, object_of, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import UnknownSymbol
from keyctl.exchanges.listing import Names, each_of, odd_among
from keyctl.exchanges.okx.answers import NOT_LIVE, data_of, one_row, rows, why_not_trading
from keyctl.exchanges.okx.names import CHOSEN, contract_symbol, split_contract, type_of
from keyctl.exchanges.okx.open_orders import ORDER_NAMES
from keyctl.model.futures import FuturesState, OddRow, Position
from keyctl.model.venue import Balances, Instrument, PriceBand
from keyctl.model.wire import JSON, Response
from keyctl.model.words import MarginMode, Market, PositionSide

# Kinds of positions that are not contracts of the futures market here. [official] docs V5, "Get positions", instType;
# EVENTS: [third-party] nautilus_trader, 2026-09.
_OTHER_KINDS = ("MARGIN", "OPTION", "EVENTS")
_SPOT_MODE, _PORTFOLIO_MODE = "1", "4"
_SPOT_MARGINS = {"1": None, "2": None, "3": MarginMode.CROSS, "4": MarginMode.CROSS}
_HEDGE = {"net_mode": False, "long_short_mode": True}


def contract_instrument(row: Row, symbol: str) -> Instrument:
    """A contract's rules. OKX counts contracts of ctVal x ctMult; steps and bounds are turned into base currency where
    the contract is linear. Raises UnknownSymbol when it settles in another currency than asked for."""
    base, quote_currency, settle = split_contract(symbol)
    told = row.get("settleCcy")
    if settle == CHOSEN:
        settle = text_of(told)  # the one that the account has chosen, where the list tells it
    elif told != settle:
        raise UnknownSymbol(symbol)
    kinds = {"linear": base, "inverse": quote_currency}
    kind = row.text("ctType")
    if kind not in kinds or row.get("ctValCcy") != kinds[kind]:
        raise Unreadable("a contract of a kind that is not known")
    size, inverse = row.positive("ctVal") * row.positive("ctMult"), kind == "inverse"

    def quantity(name: str) -> Decimal:
        contracts = row.positive(name)
        return contracts if inverse else contracts * size

    return Instrument(
        symbol=symbol,
        native_symbol=row.text("instId"),
        base=base,
        quote=quote_currency,
        price_step=row.positive("tickSz"),
        quantity_step=quantity("lotSz"),
        min_quantity=quantity("minSz"),
        max_quantity=quantity("maxLmtSz") if row.get("maxLmtSz") else None,
        min_notional=None,
        active=row.get("state") == "live",
        not_trading=why_not_trading(row),
        # Of a state that is not known it is not told whether a position can be left: OKX itself decides.
        may_reduce=row.get("state") not in ("live", *NOT_LIVE),
        settle=settle,
        contract_size=size,
        inverse=inverse,
        leverage_max=row.optional("lever"),
        market_quantity_max=quantity("maxMktSz") if row.get("maxMktSz") else None,
    )


def futures_state(responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode) -> FuturesState:
    """The state from account/config, leverage-info, positions and orders-pending, in that order.

    `open_orders` is 100 for a hundred or more. Raises CheckFailed(code="account_mode") for an account whose mode does
    not let it trade swaps, or not in a way that can be checked.
    """
    config, leverages, held, pending = responses
    account = one_row(config)
    _check_account_mode(account)
    hedge = _HEDGE.get(account.text("posMode"))
    if hedge is None:
        raise Unreadable("missing the position mode")
    native = instrument.native_symbol
    found, odd_positions = odd_among(positions(held))
    if any(item.native_symbol != native or item.hedge is not hedge for item in found):
        raise Unreadable("a position of another symbol or position mode than asked for")
    orders, odd_orders = odd_among(each_of(data_of(pending), _named, ORDER_NAMES))
    if any(row["instId"] != native for row in orders):
        raise Unreadable("an open order of another symbol than asked for")
    odd = (*odd_positions, *odd_orders)
    if any(item.native_symbol not in (None, native) for item in odd):
        raise Unreadable("a row of another symbol than asked for")
    long, short = _leverages(leverages, instrument, margin, hedge)
    own_ids = frozenset(str(row.get("clOrdId")) for row in orders)
    return FuturesState(hedge, None, long, short, found, len(orders), margin, own_ids, len(odd))


def _named(value: JSON) -> Row:
    """A row that names its instrument. Raises Unreadable."""
    row = object_of(value)
    row.text("instId")
    return row


def spot_margin(response: Response) -> MarginMode | None:
    """In multi-currency and portfolio margin mode spot orders are cross, else cash. [official] docs V5, "Trade mode".

    Raises Unreadable for an account mode that is not known, CheckFailed where such an order could borrow by itself.
    """
    account = one_row(response)
    mode = account.text("acctLv")
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


def _check_account_mode(account: Row) -> None:
    mode = account.text("acctLv")
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
        side = row.text("posSide")
        if side in told:
            raise Unreadable("two leverages for one side")
        told[side] = row.positive("lever")
    if set(told) == {"net"} and not (hedge and margin is MarginMode.ISOLATED):
        return told["net"], told["net"]
    if set(told) == {"long", "short"} and hedge:
        return told["long"], told["short"]
    raise Unreadable("missing the leverage, or telling it for other sides than the position mode has")


def positions(response: Response) -> tuple[Position | OddRow, ...]:
    """All open positions in contracts in an answer of account/positions; entries of size zero are closed ones, and
    those of other kinds are left out."""
    return each_of(data_of(response), _position, Names("instId", read_symbol=contract_symbol))


def _position(value: JSON) -> Position | None:
    """In net mode the sign of `pos` gives the side; in long/short mode it is above zero on both sides."""
    row = object_of(value)
    if row.get("instType") in _OTHER_KINDS:
        return None
    size = row.decimal("pos")
    if size == 0:
        return None
    told = row.text("posSide")
    if told == "net":
        side = PositionSide.of(size)
    elif told in tuple(PositionSide) and size > 0:
        side = PositionSide(told)
    else:
        raise Unreadable("a position without a side")
    native = row.text("instId")
    symbol = contract_symbol(native)
    if ("instType", row.get("instType")) != type_of(native) or row.get("mgnMode") not in tuple(MarginMode):
        raise Unreadable("a position of another kind than its name says")
    settle, chosen = split_contract(symbol)[2], row.get("ccy")  # of its margin, where the account may choose that
    return Position(
        symbol=symbol,
        native_symbol=native,
        side=side,
        contracts=abs(size),
        hedge=told != "net",
        margin=MarginMode(str(row["mgnMode"])),
        leverage=row.optional("lever"),
        entry_price=row.optional("avgPx"),
        mark_price=row.optional("markPx"),
        liquidation_price=row.optional("liqPx"),
        unrealized=row.optional("upl"),
        currency=clean_text(text_of(chosen), 20) if settle == CHOSEN and chosen else settle,
        notional_usd=row.optional("notionalUsd"),
    )


def margin_balances(response: Response) -> Balances:
    """The one wallet, as swaps may use it: `availEq` is there for every mode that can trade them. `eq` is the total.

    A currency of which the account has nothing is not in the answer.
    """
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for detail in one_row(response).objects("details"):
        currency = detail.text("ccy")
        available = detail.optional("availEq")
        available = detail.optional("availBal") if available is None else available
        if currency in total:
            raise Unreadable("a currency told twice")
        if available is not None:
            free[currency] = available
        total[currency] = detail.decimal("eq")
    return Balances(free, None, total)


def price_band(response: Response, instrument: Instrument) -> PriceBand:
    """The band of public/price-limit: none where it is not in effect."""
    row = one_row(response)
    if row.get("instId") != instrument.native_symbol or not isinstance(row.get("enabled", True), bool):
        raise Unreadable("the price limit of another symbol than asked for")
    if row.get("enabled") is False:
        return PriceBand(None, None)
    return PriceBand(row.positive("buyLmt"), row.positive("sellLmt"))
