"""LBank's spot market on the twin: symbols, prices and depth, balances, and what a key may do."""

from __future__ import annotations

from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.twin.call import Answer, digits, json_answer
from keyctl.twin.instruments import listed
from keyctl.twin.keys import Key
from keyctl.twin.lbank.wire import LBankPart, Parameters, PublicCall, Refusal, SignedCall, good, places, spot_path
from keyctl.twin.parts import Route
from keyctl.twin.venue import Venue

VOLUME = Decimal("6890.2789")
NO_PAIR, BAD_PARAMETER = 10008, 10003


class SpotMarket(LBankPart):
    """The pairs in USDT."""

    def listed(self) -> tuple[Instrument, ...]:
        return (
            _pair("BTC", "0.01", "0.0001", "0.0001", "5"),
            _pair("ETH", "0.01", "0.0001", "0.001", None),
            _pair("SOL", "0.001", "0.01", "0.01", "5"),
        )

    def public(self) -> tuple[Route[PublicCall], ...]:
        return (
            Route("GET", spot_path("timestamp"), "time", _clock),
            Route("POST", spot_path("supplement/system_status"), "status", _status),
            Route("GET", spot_path("currencyPairs"), "instruments", _pairs),
            Route("GET", spot_path("accuracy"), "instruments", _accuracies),
            Route("GET", spot_path("withdrawConfigs"), "instruments", _currencies),
            Route("GET", spot_path("supplement/ticker/bookTicker"), "ticker", _book_ticker),
            Route("GET", spot_path("ticker/24hr"), "ticker", _day_ticker),
            Route("GET", spot_path("depth"), "book", _depth),
        )

    def signed(self) -> tuple[Route[SignedCall], ...]:
        return (
            Route("POST", spot_path("supplement/api_Restrictions"), "permissions", _restrictions),
            Route("POST", spot_path("supplement/user_info"), "balance", _coins),
            Route("POST", spot_path("supplement/user_info_account"), "balance", _account),
        )


def _pair(base: str, price_step: str, step: str, minimum: str, money: str | None) -> Instrument:
    return listed(
        f"{base}/USDT",
        f"{base.lower()}_usdt",
        price_step=price_step,
        quantity_step=step,
        min_quantity=minimum,
        min_notional=money,
    )


def known(venue: Venue, symbol: str) -> Instrument:
    """The instrument of a symbol in LBank's form (btc_usdt). Raises Refusal 10008."""
    found = venue.instruments.get(symbol)
    if found is None:
        raise Refusal(NO_PAIR, "Trading pair not supported")
    return found


def _clock(venue: Venue, query: Parameters) -> Answer:
    """The venue's time in milliseconds."""
    return good(venue.now_ms(), venue.now_ms())


def _status(venue: Venue, query: Parameters) -> Answer:
    return good({"status": "0" if venue.maintenance else "1"}, venue.now_ms())


def _pairs(venue: Venue, query: Parameters) -> Answer:
    """The native symbols."""
    return good(list(venue.instruments), venue.now_ms())


def _accuracies(venue: Venue, query: Parameters) -> Answer:
    """Decimals and minima of one symbol or of all."""
    wanted = [known(venue, query["symbol"])] if "symbol" in query else list(venue.instruments.values())
    return good([_accuracy(item) for item in wanted], venue.now_ms())


def _accuracy(item: Instrument) -> dict[str, str]:
    row = {
        "symbol": item.native_symbol,
        "quantityAccuracy": str(places(item.quantity_step)),
        "minTranQua": str(item.min_quantity),
        "priceAccuracy": str(places(item.price_step)),
    }
    # The real list lacks this field for some symbols.
    return row | ({} if item.min_notional is None else {"minOrderAmount": str(item.min_notional)})


def _book_ticker(venue: Venue, query: Parameters) -> Answer:
    """Best bid and ask of one symbol."""
    item = known(venue, query.get("symbol", ""))
    book = venue.book(item.symbol)
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    row = {"bidPrice": bid, "bidQty": bid_size, "askPrice": ask, "askQty": ask_size}
    texts = {name: digits(value) for name, value in row.items()}
    return good({"symbol": item.native_symbol, **texts}, venue.now_ms())


def _day_ticker(venue: Venue, query: Parameters) -> Answer:
    """The 24 hours of one symbol, or of all with symbol=all."""
    symbol = query.get("symbol", "")
    wanted = list(venue.instruments.values()) if symbol == "all" else [known(venue, symbol)]
    return good([_day(venue, item) for item in wanted], venue.now_ms())


def _day(venue: Venue, item: Instrument) -> dict[str, object]:
    last = venue.book(item.symbol).bids[0][0]
    row = {"high": last, "low": last, "latest": last, "vol": VOLUME, "turnover": VOLUME * last, "change": Decimal(0)}
    texts = {name: digits(value) for name, value in row.items()}
    return {"symbol": item.native_symbol, "ticker": texts, "timestamp": venue.now_ms()}


def _depth(venue: Venue, query: Parameters) -> Answer:
    """Bids and asks, best first, `size` of each (60)."""
    book = venue.book(known(venue, query.get("symbol", "")).symbol)
    size = query.get("size", "60")
    if not size.isascii() or not size.isdigit():
        raise Refusal(BAD_PARAMETER, "Invalid parameter")
    sides = {"asks": book.asks, "bids": book.bids}
    rows = {name: [[digits(price), digits(part)] for price, part in side[: int(size)]] for name, side in sides.items()}
    return good({**rows, "timestamp": venue.now_ms()}, venue.now_ms())


def _currencies(venue: Venue, query: Parameters) -> Answer:
    """The list of currencies with their chains, which ccxt asks for when it loads markets."""
    names = sorted({side.lower() for item in venue.instruments.values() for side in (item.base, item.quote)})
    rows = [{"assetCode": name, "chain": "twin", "amountScale": "8", "transferAmtScale": "8"} for name in names]
    return good(rows, venue.now_ms())


def _restrictions(venue: Venue, key: Key, form: Parameters) -> Answer:
    """What the key may do. This one answer has no error_code, as in the documented sample."""
    data = {
        "enableSpotTrading": key.may("spot_trade"),
        "createTime": key.created_ms,
        "enableReading": key.may("read"),
        "ipRestrict": bool(key.ips.get("spot")),
        "enableWithdrawals": key.may("withdraw"),
    }
    return json_answer({"result": "true", "data": data})


def _coins(venue: Venue, key: Key, form: Parameters) -> Answer:
    rows = [
        {
            "usableAmt": digits(one.free),
            "assetAmt": digits(one.free + one.locked),
            "freezeAmt": digits(one.locked),
            "coin": name.lower(),
            "networkList": [],
        }
        for name, one in venue.balances.get(key.uid, {}).items()
    ]
    return good(rows, venue.now_ms())


def _account(venue: Venue, key: Key, form: Parameters) -> Answer:
    """Balances; the three flags are the account's and say nothing about the key."""
    balances = [
        {"asset": name.lower(), "free": digits(one.free), "locked": digits(one.locked)}
        for name, one in venue.balances.get(key.uid, {}).items()
    ]
    flags = {"canTrade": True, "canWithdraw": True, "canDeposit": True}
    return good({"uid": key.uid, "balances": balances, **flags}, venue.now_ms())
