"""LBank on the twin: the spot API under /v2/ (signatures, clock, addresses, rights) and the way to the contract API.

Wire facts: [official] LBank API docs, 2026-08-11. HTTP is 200 for business errors too; only error_code tells.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

from keyctl.model.venue import Instrument
from keyctl.twin.call import Answer, Call, Operation, decode_form, digits, json_answer
from keyctl.twin.derivatives import DerivativeRules
from keyctl.twin.face import Face
from keyctl.twin.keys import Key
from keyctl.twin.lbank import contract, orders, public, trades, ways
from keyctl.twin.lbank.wire import (
    METHODS,
    PAST_MS,
    SIGNING_HEADERS,
    Refusal,
    bad,
    good,
    is_echostr,
    is_late,
    pairs_as_dict,
    signature_fits,
)
from keyctl.twin.venue import Venue

PublicCall = Callable[[Venue, dict[str, str]], Answer]
SignedCall = Callable[[Venue, Key, dict[str, str]], Answer]

PUBLIC: dict[str, tuple[str, PublicCall]] = {
    "timestamp": ("time", public.clock),
    "currencyPairs": ("instruments", public.pairs),
    "accuracy": ("instruments", public.accuracy),
    "withdrawConfigs": ("instruments", public.currencies),
    "supplement/ticker/bookTicker": ("ticker", public.book_ticker),
    "ticker/24hr": ("ticker", public.day_ticker),
    "depth": ("book", public.depth),
}


class LBank(Face):
    """LBank's spot REST API v2, and its contract API.

    `contract_ip_code` is what the contract API tells an address off the key's futures list: 10007, or 65. Which one
    the exchange gives is not proven.
    """

    name: ClassVar[str] = "lbank"
    keys, troubles, limits = ways.KEYS, ways.TROUBLES, ways.LIMITS
    list_fields = ("data", "orders", "resultList")
    echo_fields: ClassVar[dict[str, tuple[str, ...]]] = {
        "id": ("custom_id", "clientOrderId"),
        "symbol": ("symbol",),
        "side": ("type", "side"),
    }

    def __init__(self, contract_ip_code: int = 10007) -> None:
        self.contract_ip_code = contract_ip_code

    def instruments(self) -> tuple[Instrument, ...]:
        return (
            _instrument("BTC", "0.01", "0.0001", "0.0001", "5"),
            _instrument("ETH", "0.01", "0.0001", "0.001", None),
            _instrument("SOL", "0.001", "0.01", "0.01", "5"),
        )

    def perpetuals(self) -> tuple[Instrument, ...]:
        return contract.perpetuals()

    def derivative_rules(self) -> DerivativeRules:
        return contract.RULES

    def operation(self, call: Call) -> Operation:
        name = _spot_name(call.path)
        if name in PUBLIC:
            return Operation(PUBLIC[name][0])
        if name == "supplement/system_status":
            return Operation("status")
        if call.path.startswith(contract.PREFIX):
            return contract.operation(call)
        form = dict(decode_form(call.body.decode("utf-8", "replace")))
        custom_id = form.get("custom_id") or form.get("origClientOrderId")
        operation, _, _ = SIGNED.get(name, ("other", "", _restrictions))
        changes = operation in ("place", "cancel", "cancel_all")
        return Operation(operation, changes, custom_id, form.get("api_key"))

    def handle(self, call: Call, venue: Venue) -> Answer:
        if call.path.startswith(contract.PREFIX):
            return contract.handle(call, venue, self.contract_ip_code)
        name = _spot_name(call.path)
        try:
            if name == "supplement/system_status" and call.method == "POST":
                return good({"status": "0" if venue.maintenance else "1"}, venue.now_ms())
            if name in PUBLIC and call.method == "GET":
                return PUBLIC[name][1](venue, dict(decode_form(call.query)))
            if name not in SIGNED or call.method != "POST":
                raise Refusal(10601, "Interface closed")
            if venue.maintenance:
                raise Refusal(10116, "Upgrading")
            _, right, answer = SIGNED[name]
            key, form = _authenticated(call, venue)
            if not key.allows(call.address) or not key.may(right):
                raise Refusal(10022, "API key permission denied, invalid IP or permissions")
            return answer(venue, key, form)
        except Refusal as refusal:
            return bad(refusal, venue.now_ms())


def _instrument(base: str, price_step: str, step: str, minimum: str, money: str | None) -> Instrument:
    return Instrument(
        symbol=f"{base}/USDT",
        native_symbol=f"{base.lower()}_usdt",
        base=base,
        quote="USDT",
        price_step=Decimal(price_step),
        quantity_step=Decimal(step),
        min_quantity=Decimal(minimum),
        max_quantity=None,
        min_notional=None if money is None else Decimal(money),
    )


def _spot_name(path: str) -> str:
    """The name of a spot call, or "" for a path of another form."""
    fits = path.startswith("/v2/") and path.endswith(".do")
    return path.removeprefix("/v2/").removesuffix(".do") if fits else ""


def _authenticated(call: Call, venue: Venue) -> tuple[Key, dict[str, str]]:
    """The key that signed the call, and the form. Checked in the exchange's order: clock, key, signature."""
    if any(not call.headers.get(name) for name in SIGNING_HEADERS):
        raise Refusal(10202, "timestamp, signature_method or echostr is null")
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = decode_form(call.body.decode("utf-8", "replace")) if kind == "application/x-www-form-urlencoded" else []
    form = pairs_as_dict(pairs)
    if form is None or call.query:
        raise Refusal(10003, "Invalid parameter")
    window = form.get("window", str(PAST_MS))
    if not window.isascii() or not window.isdigit() or len(window) > 6:
        raise Refusal(10003, "Invalid parameter")
    if is_late(call.headers["timestamp"], venue.now_ms(), min(int(window), PAST_MS)):
        raise Refusal(10600, "Request timeout")
    if not is_echostr(call.headers["echostr"]):
        raise Refusal(10031, "echostr invalid")
    if call.headers["signature_method"] not in METHODS:
        raise Refusal(10203, "Wrong signature method")
    if not form.get("api_key") or not form.get("sign"):
        raise Refusal(10201, "api_key or sign is null")
    key = venue.key(form["api_key"])
    if key is None:
        raise Refusal(10005, "Secret key does not exist")
    if not signature_fits(key, call, form):
        raise Refusal(10007, "Invalid signature")
    return key, form


def _restrictions(venue: Venue, key: Key, form: dict[str, str]) -> Answer:
    """What the key may do. This one answer has no error_code, as in the documented sample."""
    data = {
        "enableSpotTrading": key.may("spot_trade"),
        "createTime": key.created_ms,
        "enableReading": key.may("read"),
        "ipRestrict": bool(key.ips.get("spot")),
        "enableWithdrawals": key.may("withdraw"),
    }
    return json_answer({"result": "true", "data": data})


def _coins(venue: Venue, key: Key, form: dict[str, str]) -> Answer:
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


def _account(venue: Venue, key: Key, form: dict[str, str]) -> Answer:
    """Balances; the three flags are the account's and say nothing about the key."""
    balances = [
        {"asset": name.lower(), "free": digits(one.free), "locked": digits(one.locked)}
        for name, one in venue.balances.get(key.uid, {}).items()
    ]
    flags = {"canTrade": True, "canWithdraw": True, "canDeposit": True}
    return good({"uid": key.uid, "balances": balances, **flags}, venue.now_ms())


# Name of the call -> operation, the right it needs, what answers it.
SIGNED: dict[str, tuple[str, str, SignedCall]] = {
    "supplement/api_Restrictions": ("permissions", "read", _restrictions),
    "supplement/user_info": ("balance", "read", _coins),
    "supplement/user_info_account": ("balance", "read", _account),
    "supplement/create_order": ("place", "spot_trade", orders.place),
    "supplement/create_order_test": ("test_order", "spot_trade", orders.place_test),
    "supplement/cancel_order": ("cancel", "spot_trade", orders.cancel),
    "supplement/cancel_order_by_symbol": ("cancel_all", "spot_trade", orders.cancel_all),
    "supplement/orders_info": ("query", "read", orders.query),
    "spot/trade/orders_info": ("query", "read", orders.query),
    "supplement/orders_info_no_deal": ("open_orders", "read", orders.open_orders),
    "supplement/orders_info_history": ("history", "read", orders.finished_orders),
    "spot/trade/orders_info_history": ("history", "read", orders.finished_orders),
    "supplement/transaction_history": ("fills", "read", trades.trades),
    "transaction_history": ("fills", "read", trades.past_trades),
}
