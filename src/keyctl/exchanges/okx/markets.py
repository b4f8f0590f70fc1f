"""OKX's markets: spot, and contracts (swaps and dated ones), served by one API and one trading account.

Facts, [official] OKX docs V5, captures of 2025-11 and 2026-07: sizes on the wire are contracts; the margin mode travels
with each order (tdMode); in long/short mode every order names its position (posSide) and closing orders reduce by
nature, in net mode `reduceOnly` does; cross leverage is one value per contract, isolated leverage in long/short mode
one per side; one wallet, one address list and one trading right serve spot and contracts. What is missing or odd is
Unreadable.
"""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from keyctl.answers import Row, Unreadable, clean_text, decimal_of, object_of, text_of
from keyctl.errors import CheckFailed
from keyctl.exchanges.base import MarketAPI, Settings, UnknownSymbol
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.hosts import Read, Reads
from keyctl.exchanges.listing import Names, each_of, odd_among
from keyctl.exchanges.okx import algo_orders, open_orders
from keyctl.exchanges.okx.answers import data_of, one_row, rows
from keyctl.exchanges.okx.names import (
    CHOSEN,
    INSTRUMENTS,
    contract_symbol,
    is_dated,
    is_named,
    split_contract,
    type_of,
)
from keyctl.exchanges.okx.orders import PAGE, unbounded
from keyctl.exchanges.shapes import balances_of, best_prices, check_named, split_symbol
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.venue import Balances, Instrument, PriceBand, Ticker
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import MarginMode, Market, PositionSide

if TYPE_CHECKING:
    from keyctl.exchanges.traded import Trades

CONFIG_PATH = "/api/v5/account/config"
# [official] OKX docs V5 (2026-07), "Get instruments": the states beside "live".
_NOT_LIVE = ("suspend", "rebase", "preopen", "test")
# Kinds of positions that are not contracts of the futures market here. [official] docs V5, "Get positions", instType;
# EVENTS: [third-party] nautilus_trader, 2026-09.
_OTHER_KINDS = ("MARGIN", "OPTION", "EVENTS")
_SPOT_MODE, _PORTFOLIO_MODE = "1", "4"
_SPOT_MARGINS = {"1": None, "2": None, "3": MarginMode.CROSS, "4": MarginMode.CROSS}
_HEDGE = {"net_mode": False, "long_short_mode": True}
_ANY_SIDE = ("long", "short", "net", "", None)


class OKXMarket(MarketAPI):
    """What both have in common."""

    role, wallet_name = "rest", "trading"

    @abstractmethod
    def listing(self, symbol: str) -> tuple[tuple[str, str], ...]:
        """The parameters of public/instruments that find the symbol."""

    @abstractmethod
    def rules(self, row: Row, symbol: str) -> Instrument:
        """The symbol's rules from its row. Raises UnknownSymbol, Unreadable."""

    def clock(self) -> Read[int]:
        return Read(self.ask("/api/v5/public/time", private=False), lambda response: one_row(response).moment("ts"))

    def instrument(self, symbol: str) -> Read[Instrument]:
        """Its reader raises CheckFailed (not_trading) besides, for one that is listed without its rules."""
        request = self.ask("/api/v5/public/instruments", *self.listing(symbol), private=False)
        return Read(request, lambda response: self._instrument(response, symbol))

    def ticker(self, native_symbol: str) -> Read[Ticker]:
        request = self.ask("/api/v5/market/ticker", ("instId", native_symbol), private=False)
        return Read(request, lambda response: _ticker(one_row(response), native_symbol))

    def open_orders(self, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
        # What waits is read first: an order that fires meanwhile is then listed twice, and never left out.
        algo = partial(algo_orders.open_orders, market=self.market)
        waiting = (("/api/v5/trade/orders-algo-pending", (("ordType", kind),), algo) for kind in algo_orders.LISTED)
        plain_ones = "/api/v5/trade/orders-pending", (), partial(open_orders.open_orders, market=self.market)
        lists = (*waiting, plain_ones)
        return tuple(
            Read(self.ask(path, *which, ("instType", kind), PAGE), read)
            for kind in INSTRUMENTS[self.market]
            for path, which, read in lists
        )

    @property
    def trades(self) -> Trades:
        from keyctl.exchanges.okx.fills import OKXTrades  # no order waits for them

        return OKXTrades(self.venue)

    def ask(self, path: str, *params: tuple[str, JSON], private: bool = True) -> Request:
        """A read."""
        return self.venue.read("GET", "rest", path, *params, private=private)

    def _instrument(self, response: Response, symbol: str) -> Instrument:
        found = [row for row in rows(response) if is_named(row.get("instId"), symbol, self.market)]
        if not found:
            raise UnknownSymbol(symbol)
        if len(found) > 1:
            raise Unreadable("two instruments of that name")
        self._check_open(found[0], symbol)
        _check_currencies(found[0], symbol)
        return self.rules(found[0], symbol)

    def _check_open(self, row: Row, symbol: str) -> None:
        """Nothing for an instrument with rules. One that is not open yet is listed with its name and state alone."""
        if (state := row.get("state")) in _NOT_LIVE and not any(row.get(name) for name in ("tickSz", "lotSz", "minSz")):
            raise CheckFailed(
                f"OKX lists {symbol} and has not opened it for trading yet ({state})",
                code="not_trading",
                exchange="okx",
                market=str(self.market),
            )


class SpotMarket(OKXMarket):
    """Pairs, in cash or in the account's margin mode."""

    market = Market.SPOT

    def listing(self, symbol: str) -> tuple[tuple[str, str], ...]:
        return ("instType", "SPOT"), ("instId", "-".join(split_symbol(symbol)))

    def rules(self, row: Row, symbol: str) -> Instrument:
        """OKX bounds value in USD, not in the quote currency, so no notional bounds are given."""
        return Instrument(
            symbol=symbol,
            native_symbol=row.text("instId"),
            base=symbol.partition("/")[0],
            quote=symbol.partition("/")[2],
            price_step=row.positive("tickSz"),
            quantity_step=row.positive("lotSz"),
            min_quantity=row.positive("minSz"),
            max_quantity=row.optional("maxLmtSz"),
            min_notional=None,
            active=row.get("state") == "live",
            not_trading=_why_not_trading(row),
        )

    def margin(self) -> Read[MarginMode | None]:
        return Read(self.ask(CONFIG_PATH), _spot_margin)

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        return Read(self.ask("/api/v5/account/balance"), _spot_balances)


class ContractMarket(OKXMarket):
    """Swaps and dated contracts, margined in coins or in dollars. Algo orders do not count as open where leverage is to
    be changed: they block that at OKX itself (59668, 59669)."""

    market = Market.FUTURES

    def listing(self, symbol: str) -> tuple[tuple[str, str], ...]:
        """Of contracts with a date all of one index are asked for, since a date does not tell an X-Perp from another
        one."""
        base, quote, settle = split_contract(symbol)
        if is_dated(symbol):
            return ("instType", "FUTURES"), ("uly", f"{base}-{quote}")
        return ("instType", "SWAP"), ("instId", f"{base}-{quote}{'_UM' * (settle == CHOSEN == quote)}-SWAP")

    def rules(self, row: Row, symbol: str) -> Instrument:
        """OKX counts contracts of ctVal x ctMult; steps and bounds are turned into base currency where
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
        size = row.positive("ctVal") * row.positive("ctMult")
        unit = {"linear": size, "inverse": Decimal(1)}[kind]
        return Instrument(
            symbol=symbol,
            native_symbol=row.text("instId"),
            base=base,
            quote=quote_currency,
            price_step=row.positive("tickSz"),
            quantity_step=row.positive("lotSz") * unit,
            min_quantity=row.positive("minSz") * unit,
            max_quantity=row.positive("maxLmtSz") * unit if row.get("maxLmtSz") else None,
            min_notional=None,
            active=row.get("state") == "live",
            not_trading=_why_not_trading(row),
            # Of a state that is not known it is not told whether a position can be left: OKX itself decides.
            may_reduce=row.get("state") not in ("live", *_NOT_LIVE),
            settle=settle,
            contract_size=size,
            inverse=kind == "inverse",
            leverage_max=row.optional("lever"),
            market_quantity_max=row.positive("maxMktSz") * unit if row.get("maxMktSz") else None,
        )

    def band(self, instrument: Instrument) -> Read[PriceBand]:
        request = self.ask("/api/v5/public/price-limit", ("instId", instrument.native_symbol), private=False)
        return Read(request, lambda response: _price_band(one_row(response), instrument))

    def wallet(self, settle: str | None = None) -> Read[Balances]:
        currency = () if settle is None else (("ccy", settle),)
        return Read(self.ask("/api/v5/account/balance", *currency), _margin_balances)

    def probe(self) -> None:
        """None: the API is that of spot."""

    def positions(self) -> Read[tuple[Position | OddRow, ...]]:
        # Without instType all of them are listed; with SWAP those in dated contracts and X-Perps are silently missing.
        return Read(self.ask("/api/v5/account/positions"), _positions)

    def state(self, instrument: Instrument, margin: MarginMode | None) -> Reads[FuturesState]:
        symbol, kind = ("instId", instrument.native_symbol), type_of(instrument.native_symbol)
        mode = margin or MarginMode.CROSS
        asked = (
            self.ask(CONFIG_PATH),
            self.ask("/api/v5/account/leverage-info", symbol, ("mgnMode", str(mode))),
            self.ask("/api/v5/account/positions", kind, symbol),
            self.ask("/api/v5/trade/orders-pending", kind, symbol, PAGE),
        )
        return Reads(asked, lambda responses: _state(responses, instrument, mode))

    @property
    def settings(self) -> Settings:
        return ContractSettings(self)


class ContractSettings(Settings):
    """The leverage of a contract."""

    def requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        if wanted.leverage is None or state.leverage(wanted.side) == wanted.leverage:
            return ()
        margin = wanted.margin or MarginMode.CROSS
        fields: list[tuple[str, JSON]] = [
            ("instId", instrument.native_symbol),
            ("lever", plain(wanted.leverage)),
            ("mgnMode", str(margin)),
        ]
        if state.hedge and margin is MarginMode.ISOLATED:
            fields.append(("posSide", str(wanted.side)))
        return (unbounded(self.market.venue, "/api/v5/account/set-leverage", *fields),)

    def read(self, response: Response, request: Request) -> None:
        asked = dict(request.params)
        found = rows(response)
        if not found:
            raise Unreadable("not saying what was set")
        for row in found:
            same = row.agrees({name: asked[name] for name in ("instId", "mgnMode")})
            # Without a side in the request the one value holds for all of them.
            same = same and row.get("posSide") in ((asked["posSide"],) if "posSide" in asked else _ANY_SIDE)
            if not same or row.decimal("lever") != decimal_of(asked["lever"]):
                raise Unreadable("about another setting than the one asked for")


def _ticker(row: Row, native: str) -> Ticker:
    check_named(row.get("instId"), native)
    return best_prices(row.decimal("bidPx"), row.decimal("askPx"))


def _check_currencies(row: Row, symbol: str) -> None:
    """Nothing when the currencies that an instrument names are those of the symbol. Raises Unreadable."""
    base, quote = symbol.partition(":")[0].split("/")
    for name, wanted in (("baseCcy", base), ("quoteCcy", quote), ("uly", f"{base}-{quote}")):
        if row.get(name) not in (wanted, "", None):
            raise Unreadable("an instrument of other currencies than its name")


def _why_not_trading(row: Row) -> str:
    """The state of an instrument that is not live, for a sentence; empty for one that is."""
    return "" if row.get("state") == "live" else f"its state is {clean_text(str(row.get('state')), 40)}"


def _state(responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode) -> FuturesState:
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
    found, odd_positions = odd_among(_positions(held))
    if any(item.native_symbol != native or item.hedge is not hedge for item in found):
        raise Unreadable("a position of another symbol or position mode than asked for")
    orders, odd_orders = odd_among(each_of(data_of(pending), _named, open_orders.ORDER_NAMES))
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


def _spot_margin(response: Response) -> MarginMode | None:
    """In multi-currency and portfolio margin mode spot orders are cross, else cash. [official] docs V5, "Trade mode".

    Raises Unreadable for an account mode that is not known, CheckFailed where such an order could borrow by itself.
    """
    account = one_row(response)
    mode = account.text("acctLv")
    if mode not in _SPOT_MARGINS:
        raise Unreadable("an unknown account mode")
    if _SPOT_MARGINS[mode] is not None and account.get("autoLoan") is not False:
        raise CheckFailed(
            f"OKX auto-borrow is on or unknown (acctLv {mode}, autoLoan)",
            "switch auto-borrow off on OKX's own pages; keyctl does not send orders that could become a loan",
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
    raise Unreadable("missing the leverage, or reporting it for sides that the position mode does not have")


def _positions(response: Response) -> tuple[Position | OddRow, ...]:
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


def _margin_balances(response: Response) -> Balances:
    """The one wallet, as swaps may use it: `availEq` is there for every mode that can trade them. `eq` is the total.

    A currency of which the account has nothing is not in the answer.
    """
    details = one_row(response).objects("details")
    return balances_of((row.text("ccy"), _first_told(row, "availEq", "availBal"), row.decimal("eq")) for row in details)


def _spot_balances(response: Response) -> Balances:
    """Free and total balances from account/balance. Raises Unreadable."""
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for detail in one_row(response).objects("details"):
        # Which of the two is filled depends on the account mode; neither means: not told.
        available = _first_told(detail, "availBal", "availEq")
        if available is not None:
            free[detail.text("ccy")] = available
        equity = detail.optional("eq")  # one account for spot and swaps: unrealized profit is in it
        if equity is not None:
            total[detail.text("ccy")] = equity
    return Balances(free, None, total)


def _first_told(row: Row, *names: str) -> Decimal | None:
    return next((told for name in names if (told := row.optional(name)) is not None), None)


def funding_balances(response: Response) -> Balances:
    """The funding account from asset/balances: `bal` is what is owned [sdk][ccxt]. Raises Unreadable."""
    return balances_of((row.text("ccy"), row.optional("availBal"), row.decimal("bal")) for row in rows(response))


def _price_band(row: Row, instrument: Instrument) -> PriceBand:
    """The band of public/price-limit: none where it is not in effect."""
    if row.get("instId") != instrument.native_symbol or not isinstance(row.get("enabled", True), bool):
        raise Unreadable("the price limit of another symbol than asked for")
    if row.get("enabled") is False:
        return PriceBand(None, None)
    return PriceBand(row.positive("buyLmt"), row.positive("sellLmt"))
