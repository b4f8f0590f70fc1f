"""LBank's contract market on the twin: symbols and prices, the wallet, positions and leverage.

LBank documents none of the signed calls: it is one reading of what is known. Fields as third-party clients have them;
directions as the one of them that was tried live (posiDirection 0 long, 1 short, 2 net).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.model.words import PositionSide
from keyctl.twin.book import ZERO, Reason, Refused
from keyctl.twin.call import Answer, digits
from keyctl.twin.derivatives import DerivativeRules, TwinPosition
from keyctl.twin.instruments import listed
from keyctl.twin.keys import Key
from keyctl.twin.lbank.wire import CONTRACT, LBankPart, Parameters, PublicCall, Refusal, SignedCall, done, is_decimal
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

MULTIPLE = Decimal(1)
RATIO = Decimal("0.2")
RULES = DerivativeRules(leverage=Decimal(20))
RIGHT = "futures_trade"
# The bucket of each direction: leverage is kept for each of them apart.
BUCKETS = {"0": PositionSide.LONG, "1": PositionSide.SHORT, "2": None}
_CODES = {
    Reason.QUANTITY_STEP: (44, "Illegal quantity"),
    Reason.QUANTITY_MIN: (194, "Below minimum volume"),
    Reason.QUANTITY_MAX: (193, "Above maximum volume"),
    Reason.NOTIONAL_MIN: (194, "Below minimum volume"),
    Reason.PRICE_STEP: (48, "Illegal price"),
    Reason.MARGIN: (100, "Margin not enough"),
    Reason.FUNDS: (35, "Balance not enough"),
    Reason.DUPLICATE: (22, "Order already exists"),
    Reason.REDUCE_ONLY: (31, "Positions not enough"),
    Reason.POSITION_SIDE: (5, "Invalid value"),
    Reason.LEVERAGE: (199, "Leverage too high"),
    Reason.FINAL: (71, "Order cannot be operated"),
}


class ContractMarket(LBankPart):
    """The perpetuals margined in USDT; a contract is one unit of the base currency."""

    def listed(self) -> tuple[Instrument, ...]:
        return (
            _perpetual("BTC", "0.1", "0.0001"),
            _perpetual("ETH", "0.01", "0.001"),
            _perpetual("SOL", "0.001", "0.01"),
        )

    def public(self) -> tuple[Route[PublicCall], ...]:
        return (
            Route("GET", CONTRACT + "pub/getTime", "time", _clock),
            Route("GET", CONTRACT + "pub/instrument", "instruments", _instruments),
            Route("GET", CONTRACT + "pub/marketData", "ticker", _market_data),
            Route("GET", CONTRACT + "pub/marketOrder", "book", _market_order),
        )

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", CONTRACT + "prv/account", "balance", _wallet),
            Route("POST", CONTRACT + "prv/position", "positions", _positions),
            Route("POST", CONTRACT + "prv/setLeverage", "leverage", _set_leverage, RIGHT, True),
        )


def _perpetual(base: str, price_step: str, step: str) -> Instrument:
    item = listed(
        f"{base}/USDT:USDT",
        f"{base}USDT",
        price_step=price_step,
        quantity_step=step,
        min_quantity=step,
        max_quantity="30",
        min_notional="5",
    )
    return replace(item, contract_size=MULTIPLE, leverage_max=Decimal(200), band_up=1 + RATIO, band_down=1 - RATIO)


def _swaps(venue: Venue, query: Parameters) -> list[tuple[str, Instrument]]:
    if query.get("productGroup", "SwapU") != "SwapU":
        raise illegal()
    found = list(venue.derivatives.instruments.items())
    if "symbol" not in query:
        return found
    chosen = [pair for pair in found if pair[0] == query["symbol"]]
    if not chosen:
        raise Refusal(8, "Product does not exist")
    return chosen


def _clock(venue: Venue, query: Parameters) -> Answer:
    return done({"serverTime": venue.now_ms()})


def _instruments(venue: Venue, query: Parameters) -> Answer:
    rows = [
        {
            "symbol": symbol,
            "symbolName": symbol,
            "baseCurrency": item.base,
            "priceCurrency": item.quote,
            "clearCurrency": item.quote,
            "exchangeID": "Exchange",
            "priceTick": item.price_step,
            "volumeTick": item.quantity_step,
            "volumeMultiple": MULTIPLE,
            "minOrderVolume": str(item.min_quantity),
            "maxOrderVolume": str(item.max_quantity),
            "minOrderCost": str(item.min_notional),
            "defaultLeverage": RULES.leverage,
            "indexPrice": digits(venue.derivatives.mark(item.symbol)),
            "priceLimitUpperValue": RATIO,
            "priceLimitLowerValue": RATIO,
        }
        for symbol, item in _swaps(venue, query)
    ]
    return done(rows)


def _market_data(venue: Venue, query: Parameters) -> Answer:
    rows = []
    for symbol, item in _swaps(venue, query):
        last = digits(venue.derivatives.book(item.symbol).bids[0][0])
        row = dict.fromkeys(("lastPrice", "markedPrice", "openPrice", "highestPrice", "lowestPrice"), last)
        row["markedPrice"] = digits(venue.derivatives.mark(item.symbol))
        rows.append({"symbol": symbol, **row, "prePositionFeeRate": "0.0001", "volume": "100", "turnover": "0"})
    return done(rows)


def _market_order(venue: Venue, query: Parameters) -> Answer:
    if "symbol" not in query:
        raise illegal()
    symbol, item = _swaps(venue, query)[0]
    book = venue.derivatives.book(item.symbol)
    sides = {"asks": book.asks, "bids": book.bids}
    rows = {
        name: [{"price": digits(price), "volume": digits(part), "orders": "1"} for price, part in side]
        for name, side in sides.items()
    }
    return done({"symbol": symbol, **rows})


def _wallet(venue: Venue, key: Key, parameters: Parameters) -> Answer:
    """The contract wallet of one asset, which is another one than the spot wallet."""
    _check_group(parameters)
    asset = parameters.get("asset", "USDT")
    total = digits(venue.derivatives.equity(key.uid, asset))
    available = digits(venue.derivatives.available(key.uid, asset))
    return done([{"asset": asset, "balance": total, "available": available}])


def _positions(venue: Venue, key: Key, parameters: Parameters) -> Answer:
    """A row for each symbol and direction of the account's mode, also where there is no position."""
    _check_group(parameters)
    chosen = (
        [instrument_of(venue, parameters)] if "symbol" in parameters else list(venue.derivatives.instruments.values())
    )
    buckets = ("0", "1") if venue.derivatives.hedge(key.uid) else ("2",)
    return done([_position(venue, key, item, direction) for item in chosen for direction in buckets])


def _set_leverage(venue: Venue, key: Key, parameters: Parameters) -> Answer:
    """Sets the leverage of one direction; the others keep theirs."""
    instrument, direction = instrument_of(venue, parameters), parameters.get("posiDirection", "2")
    if direction not in BUCKETS:
        raise illegal()
    leverage, engine, native = number_of(parameters, "leverage"), venue.derivatives, instrument.native_symbol
    # Each bucket is written down before one changes: the engine would else take one for another that is not set.
    kept = {side: engine.leverage(key.uid, native, None, side) for side in BUCKETS.values()}
    try:
        for side, value in (kept | {BUCKETS[direction]: leverage}).items():
            engine.set_leverage(key.uid, native, value, None, side)
    except Refused as refused:
        raise refusal(refused.reason) from None
    return done({"symbol": native, "leverage": digits(leverage), "posiDirection": direction})


def _check_group(parameters: Parameters) -> None:
    if parameters.get("productGroup") != "SwapU":
        raise illegal()


def _position(venue: Venue, key: Key, item: Instrument, direction: str) -> dict[str, object]:
    engine, side = venue.derivatives, BUCKETS[direction]
    held: TwinPosition | None = engine.position(key.uid, item.native_symbol, side)
    amount = ZERO if held is None else held.signed if side is None else held.contracts
    return {
        "symbol": item.native_symbol,
        "position": digits(amount),
        "openPrice": "0" if held is None else digits(held.entry_price),
        "posiDirection": direction,
        "leverage": digits(engine.leverage(key.uid, item.native_symbol, None, side)),
        "unrealizedProfit": "0" if held is None else digits(engine.unrealized_of(held)),
        "positionID": "" if held is None else str(held.position_id),
        "tradeUnitID": key.uid,
    }


def illegal() -> Refusal:
    """The refusal of a parameter that cannot be."""
    return Refusal(10005, "Illegal parameter")


def instrument_of(venue: Venue, parameters: Parameters) -> Instrument:
    """The perpetual that is named. Raises Refusal."""
    found = venue.derivatives.instruments.get(parameters.get("symbol", ""))
    if found is None:
        raise Refusal(8, "Product does not exist")
    return found


def number_of(parameters: Parameters, name: str) -> Decimal:
    """A decimal above zero. Raises Refusal."""
    text = parameters.get(name, "")
    if not is_decimal(text) or not Decimal(text):
        known = {"volume": (37, "Invalid quantity"), "price": (48, "Illegal price")}
        raise Refusal(*known.get(name, (5, "Invalid value")))
    return Decimal(text)


def refusal(reason: Reason) -> Refusal:
    """The engine's refusal in LBank's code and words."""
    return Refusal(*_CODES.get(reason, (-99, "System exception")))
