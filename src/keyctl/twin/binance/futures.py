"""Binance's futures markets on the twin: /fapi (USDS-M) and /dapi (COIN-M), prices, what an account has and has set.

Source: [official, mirrored] derivatives docs 2025-11-30, "Market Data", "Account" and "Trade".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from keyctl.model.venue import Instrument
from keyctl.model.words import MarginMode, PositionSide
from keyctl.twin.binance import futures_answers as answers
from keyctl.twin.binance.gate import FUTURES, WHOLE, BinanceError, Params
from keyctl.twin.binance.listing import recorded
from keyctl.twin.binance.names import (
    COINM,
    USDM,
    BinancePart,
    Product,
    PublicCall,
    SignedCall,
    find_perpetual,
    listed_at,
    need_perpetual,
)
from keyctl.twin.book import Reason, Refused
from keyctl.twin.call import digits
from keyctl.twin.instruments import listed
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.parts import Route
from keyctl.twin.perpetual import DerivativeRules
from keyctl.twin.venue import Venue

# In one-way mode; see futures_orders for hedge mode.
RULES = DerivativeRules(cuts_reducing=True, leverage=Decimal(20))
# Symbol, native symbol, price step, size step, largest size, largest market size, smallest value or the contract's
# size, highest leverage. Sizes in base currency, of COIN-M in contracts.
_LINEAR = (
    ("BTC/USDT:USDT", "BTCUSDT", "0.1", "0.001", "1000", "120", "100", 125),
    ("BTC/USDC:USDC", "BTCUSDC", "0.1", "0.001", "1000", "120", "50", 125),
    ("ETH/USDT:USDT", "ETHUSDT", "0.01", "0.001", "10000", "2000", "20", 100),
    ("SOL/USDT:USDT", "SOLUSDT", "0.01", "0.01", "1000000", "5000", "5", 75),
)
_INVERSE = (
    ("BTC/USD:BTC", "BTCUSD_PERP", "0.1", "1", "1000000", "60000", "100", 125),
    ("ETH/USD:ETH", "ETHUSD_PERP", "0.01", "1", "1000000", "60000", "10", 100),
)
_BAND = Decimal("0.05")
# Fields of positionRisk by version; COIN-M has its own.
_V3_LACKS = ("leverage", "marginType", "maxQty", "maxNotionalValue", "notionalValue", "isAutoAddMargin")
_V2_LACKS = ("maxQty", "notionalValue", "marginAsset", "initialMargin", "maintMargin", "positionInitialMargin",
             "openOrderInitialMargin", "adl", "bidNotional", "askNotional")  # fmt: skip
_COINM_LACKS = (*(name for name in _V2_LACKS if name not in ("maxQty", "notionalValue")), "notional",
                "maxNotionalValue", "isolatedWallet")  # fmt: skip


class FuturesMarket(BinancePart):
    """One product: its perpetuals, and the account that trades them.

    `rows`: what it lists; `wallet_lacks`: the fields of the other product's wallets; `with_both`: in hedge mode lists
    show the leg BOTH too.
    """

    product: ClassVar[Product]
    rows: ClassVar[tuple[tuple[str, str, str, str, str, str, str, int], ...]]
    wallet_lacks: ClassVar[tuple[str, ...]]
    with_both: ClassVar[bool] = False

    def listed(self) -> tuple[Instrument, ...]:
        return tuple(_perpetual(*row) for row in self.rows)

    def public(self) -> tuple[Route[PublicCall], ...]:
        def read(path: str, operation: str, answer: PublicCall) -> Route[PublicCall]:
            return Route("GET", f"{self.product.prefix}v1/{path}", operation, answer)

        return (
            read("ping", "status", lambda params, venue: {}),
            read("time", "time", lambda params, venue: {"serverTime": venue.now_ms()}),
            read("exchangeInfo", "instruments", self.exchange_info),
            read("depth", "book", self.depth),
            read("ticker/bookTicker", "ticker", self.prices(answers.best_row)),
            read("ticker/price", "ticker", self.prices(answers.price_row)),
            read("premiumIndex", "ticker", self.prices(answers.mark_row)),
        )

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            self.read("v1/positionSide/dual", "futures_state", self.position_mode),
            self.write("v1/positionSide/dual", "position_mode", self.set_position_mode),
            self.write("v1/marginType", "margin_mode", self.set_margin_mode),
            self.write("v1/leverage", "leverage", self.set_leverage),
        )

    def read(self, path: str, operation: str, answer: SignedCall) -> Route[SignedCall]:
        """The route of a signed read."""
        return Route("GET", self.product.prefix + path, operation, answer, FUTURES)

    def write(self, path: str, operation: str, answer: SignedCall) -> Route[SignedCall]:
        """The route of a call that changes an account."""
        return Route("POST", self.product.prefix + path, operation, answer, FUTURES, True)

    # Public calls.

    def exchange_info(self, params: Params, venue: Venue) -> Any:
        """The symbols, as recorded where they were."""
        items = listed_at(venue, self.product)
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}]
        head = {"timezone": "UTC", "serverTime": venue.now_ms(), "rateLimits": limits, "exchangeFilters": []}
        return head | {"assets": [], "symbols": [recorded(venue, item) or answers.symbol_data(item) for item in items]}

    def depth(self, params: Params, venue: Venue) -> Any:
        """The book of a symbol."""
        item, limit = need_perpetual(params, venue, self.product), params.whole("limit") or 500
        book = venue.derivatives.book(item.symbol)
        sides = {"bids": book.bids[:limit], "asks": book.asks[:limit]}
        levels = {side: [[digits(price), digits(size)] for price, size in rows] for side, rows in sides.items()}
        return {"lastUpdateId": 1027024, "E": venue.now_ms(), "T": venue.now_ms(), **levels}

    def prices(self, row: Callable[[Instrument, Venue], dict[str, Any]]) -> PublicCall:
        """What answers with such a row for each symbol, or the one asked for; of COIN-M always a list."""

        def answered(params: Params, venue: Venue) -> Any:
            one = find_perpetual(params, venue, self.product, needed=False)
            rows = [row(item, venue) for item in ([one] if one else listed_at(venue, self.product))]
            return rows[0] if one is not None and not self.product.inverse else rows

        return answered

    # What an account has.

    def balance(self, params: Params, venue: Venue, key: Key) -> Any:
        """The wallets."""
        params.check_all_read()
        rows = [answers.wallet_data(venue, key.uid, currency) for currency in _currencies(venue, self.product)]
        return [{name: value for name, value in row.items() if name not in self.wallet_lacks} for row in rows]

    def account(self, params: Params, venue: Venue, key: Key) -> Any:
        """Wallets and positions."""
        params.check_all_read()
        assets = [answers.asset_data(venue, key.uid, currency) for currency in _currencies(venue, self.product)]
        shown = []
        for item in listed_at(venue, self.product):
            for leg in _legs(venue, key, and_both=self.with_both):
                row = answers.position_data(venue, key.uid, item, leg)
                row |= {
                    "unrealizedProfit": row.pop("unRealizedProfit"),
                    "isolated": row.pop("marginType") == "isolated",
                }
                shown.append(row)
        head = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "updateTime": 0}
        total = next((row for row in assets if row["asset"] == "USDT"), None)
        if total is not None:
            head |= {"availableBalance": total["availableBalance"], "totalWalletBalance": total["walletBalance"]}
            head |= {"totalMarginBalance": total["marginBalance"], "multiAssetsMargin": False, "tradeGroupId": -1}
        return head | {"assets": assets, "positions": shown}

    def brackets(self, params: Params, venue: Venue, key: Key) -> Any:
        """The highest leverage."""
        one = find_perpetual(params, venue, self.product, needed=False)
        params.check_all_read()
        cap = ("qtyCap", "qtyFloor") if self.product.inverse else ("notionalCap", "notionalFloor")
        rows = []
        for item in [one] if one else listed_at(venue, self.product):
            bracket = {"bracket": 1, "initialLeverage": int(item.leverage_max or 1), cap[0]: 100_000_000, cap[1]: 0}
            rest = {"maintMarginRatio": Decimal("0.004"), "cum": Decimal(0)}
            rows.append({"symbol": item.native_symbol, "brackets": [bracket | rest]})
        return rows[0] if one is not None and not self.product.inverse else rows

    # What an account has set.

    def position_mode(self, params: Params, venue: Venue, key: Key) -> Any:
        """Hedge or one-way mode."""
        params.check_all_read()
        return {"dualSidePosition": venue.derivatives.hedge(key.uid)}

    def set_position_mode(self, params: Params, venue: Venue, key: Key) -> Any:
        """Hedge or one-way mode, changed. Raises BinanceError."""
        wanted = params.need("dualSidePosition", "^(true|false)$") == "true"
        params.check_all_read()
        if wanted is venue.derivatives.hedge(key.uid):
            raise BinanceError(-4059, "No need to change position side.")
        return _changed("Position side", lambda: venue.derivatives.set_hedge(key.uid, wanted), -4068, -4067)

    def set_margin_mode(self, params: Params, venue: Venue, key: Key) -> Any:
        """A symbol's margin mode, changed. Raises BinanceError."""
        item, wanted = need_perpetual(params, venue, self.product), params.need("marginType", "^(ISOLATED|CROSSED)$")
        params.check_all_read()
        mode = MarginMode.ISOLATED if wanted == "ISOLATED" else MarginMode.CROSS
        if mode is _mode(venue, key, item):
            raise BinanceError(-4046, "No need to change margin type.")
        book = venue.derivatives
        return _changed("Margin type", lambda: book.set_margin_mode(key.uid, item.native_symbol, mode), -4048, -4047)

    def set_leverage(self, params: Params, venue: Venue, key: Key) -> Any:
        """A symbol's leverage, changed. Raises BinanceError."""
        item, wanted = need_perpetual(params, venue, self.product), Decimal(params.need("leverage", WHOLE))
        params.check_all_read()
        engine, native = venue.derivatives, item.native_symbol
        lowered = wanted < engine.leverage(key.uid, native)
        if lowered and _mode(venue, key, item) is MarginMode.ISOLATED and engine.positions(key.uid, native):
            words = "Leverage reduction is not supported in Isolated Margin Mode with open positions."
            raise BinanceError(self.product.codes["isolated"], words)
        try:
            engine.set_leverage(key.uid, native, wanted)
        except Refused as refused:
            if refused.reason is Reason.LEVERAGE:
                raise BinanceError(-4028, f"Leverage {wanted} is not valid") from None
            raise BinanceError(-2019, "Margin is insufficient.") from None
        cap = {"maxQty": "1000"} if self.product.inverse else {"maxNotionalValue": "100000000"}
        return {"symbol": native, "leverage": int(wanted), **cap}


class USDMMarket(FuturesMarket):
    """USDS-M."""

    product, rows = USDM, _LINEAR
    wallet_lacks = ("withdrawAvailable",)

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            *super().signed(),
            self.read("v2/balance", "balance", self.balance),
            self.read("v3/balance", "balance", self.balance),
            self.read("v2/account", "balance", self.account),
            self.read("v3/account", "balance", self.account),
            self.read("v2/positionRisk", "positions", self.positions_v2),
            self.read("v3/positionRisk", "positions", self.positions),
            self.read("v1/accountConfig", "futures_state", self.account_config),
            self.read("v1/symbolConfig", "futures_state", self.symbol_config),
            self.read("v1/leverageBracket", "futures_state", self.brackets),
        )

    def positions(self, params: Params, venue: Venue, key: Key) -> Any:
        """Only symbols with a position or open orders; no leverage, no margin type."""
        one = find_perpetual(params, venue, self.product, needed=False)
        params.check_all_read()
        items = [item for item in ([one] if one else listed_at(venue, self.product)) if _in_use(venue, key, item)]
        return _risk(venue, key, items, _V3_LACKS, and_both=False)

    def positions_v2(self, params: Params, venue: Venue, key: Key) -> Any:
        """All symbols."""
        one = find_perpetual(params, venue, self.product, needed=False)
        params.check_all_read()
        return _risk(venue, key, [one] if one else listed_at(venue, self.product), _V2_LACKS, and_both=False)

    def account_config(self, params: Params, venue: Venue, key: Key) -> Any:
        """What the account may do, and its position mode."""
        params.check_all_read()
        flags = {"canTrade": True, "canDeposit": True, "canWithdraw": True, "multiAssetsMargin": False}
        hedge = venue.derivatives.hedge(key.uid)
        return {"feeTier": 0, **flags, "dualSidePosition": hedge, "updateTime": 0, "tradeGroupId": -1}

    def symbol_config(self, params: Params, venue: Venue, key: Key) -> Any:
        """Margin mode and leverage of a symbol, or of all."""
        one = find_perpetual(params, venue, self.product, needed=False)
        params.check_all_read()
        engine = venue.derivatives
        return [
            {
                "symbol": item.native_symbol,
                "marginType": "CROSSED" if _mode(venue, key, item) is MarginMode.CROSS else "ISOLATED",
                "isAutoAddMargin": "false",
                "leverage": int(engine.leverage(key.uid, item.native_symbol)),
                "maxNotionalValue": "100000000",
            }
            for item in ([one] if one else listed_at(venue, self.product))
        ]


class COINMMarket(FuturesMarket):
    """COIN-M."""

    product, rows = COINM, _INVERSE
    wallet_lacks = ("maxWithdrawAmount", "marginAvailable")
    with_both = True

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            *super().signed(),
            self.read("v1/balance", "balance", self.balance),
            self.read("v1/account", "balance", self.account),
            self.read("v1/positionRisk", "positions", self.positions),
            self.read("v2/leverageBracket", "futures_state", self.brackets),
        )

    def positions(self, params: Params, venue: Venue, key: Key) -> Any:
        """All symbols, or those of a pair or a margin asset; in hedge mode BOTH is there too."""
        pair, asset = params.get("pair"), params.get("marginAsset")
        params.check_all_read()
        items = [
            item
            for item in listed_at(venue, self.product)
            if pair in (None, item.native_symbol.partition("_")[0]) and asset in (None, item.settle)
        ]
        return _risk(venue, key, items, _COINM_LACKS, and_both=True)


def _perpetual(  # noqa: PLR0913 - the columns of a table
    symbol: str, native: str, tick: str, step: str, most: str, most_market: str, last: str, leverage: int
) -> Instrument:
    item = listed(symbol, native, price_step=tick, quantity_step=step, min_quantity=step, max_quantity=most)
    return replace(
        item,
        min_notional=None if item.inverse else Decimal(last),
        contract_size=Decimal(last) if item.inverse else Decimal(1),
        leverage_max=Decimal(leverage),
        market_quantity_max=Decimal(most_market),
        band_up=1 + _BAND,
        band_down=1 - _BAND,
    )


def _changed(what: str, change: Callable[[], None], held: int, ordered: int) -> Any:
    """A word, when the change was made. Raises BinanceError, by one code for a position and one for open orders."""
    try:
        change()
    except Refused as refused:
        code, why = (held, "position") if refused.reason is Reason.POSITION_EXISTS else (ordered, "open orders")
        raise BinanceError(code, f"{what} cannot be changed if there exists {why}.") from None
    return {"code": 200, "msg": "success"}


def _currencies(venue: Venue, product: Product) -> list[str]:
    return sorted({settle_of(item) for item in listed_at(venue, product)})


def _legs(venue: Venue, key: Key, *, and_both: bool) -> tuple[PositionSide | None, ...]:
    if not venue.derivatives.hedge(key.uid):
        return (None,)
    return (*((None,) if and_both else ()), PositionSide.LONG, PositionSide.SHORT)


def _risk(venue: Venue, key: Key, items: list[Instrument], lacks: tuple[str, ...], *, and_both: bool) -> list[Any]:
    rows = []
    for item in items:
        for leg in _legs(venue, key, and_both=and_both):
            row = answers.position_data(venue, key.uid, item, leg)
            rows.append({name: value for name, value in row.items() if name not in lacks})
    return rows


def _in_use(venue: Venue, key: Key, item: Instrument) -> bool:
    engine = venue.derivatives
    return bool(engine.positions(key.uid, item.symbol) or engine.open_orders(key.uid, item.symbol))


def _mode(venue: Venue, key: Key, item: Instrument) -> MarginMode:
    return venue.derivatives.margin_mode(key.uid, item.native_symbol)
