"""LBank: spot v2 and the contract API, with HMAC or RSA signatures. Pure, as base.py asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyctl.answers import (
    Unreadable,
    clean_text,
    integer_of,
    moment_of,
    object_of,
    read_object,
    text_of,
)
from keyctl.exchanges.base import OrderAPI, UnknownSymbol
from keyctl.exchanges.lbank import contract
from keyctl.exchanges.lbank.answers import data_in, flag, instant, step_of
from keyctl.exchanges.lbank.around import LBankAround
from keyctl.exchanges.lbank.contract_orders import ContractOrders
from keyctl.exchanges.lbank.errors import error_in
from keyctl.exchanges.lbank.orders import SpotOrders
from keyctl.exchanges.lbank.signing import LBankSigner
from keyctl.exchanges.profile import Profile
from keyctl.exchanges.shapes import (
    check_asymmetric,
    check_named,
    check_shape,
    free_and_total,
    letters_and_digits,
    own_key,
    split_symbol,
    withdraw_flag,
)
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import secret_fits
from keyctl.model.credential import Binding
from keyctl.model.order import Order
from keyctl.model.symbol_text import small_letters
from keyctl.model.told import ExchangeError
from keyctl.model.venue import Balances, Instrument, KeyPermissions, Ticker
from keyctl.model.wire import Request, Response
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.traded import Trades

_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HEX_32 = r"[0-9A-Fa-f]{32}"
_ID_LENGTH = 28
_KNOWN_RIGHTS = {"enableReading", "enableSpotTrading", "enableFuturesTrading", "enableWithdrawals", "enableTransfer"}


class LBank(LBankAround):
    """LBank's spot API, and its contract API. Numbers of errors mean other things there: look up by market and code."""

    def __init__(self, profile: Profile, binding: Binding) -> None:
        super().__init__(profile, binding)
        self.lists = {Market.SPOT: SpotOrders(self), Market.FUTURES: ContractOrders(self)}
        self.order_apis = {api.name: api for api in self.lists.values()}

    def signer(self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None) -> Signer:
        return LBankSigner(api_key, own_key(self.profile, algorithm, secret))

    def check_credential(
        self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None
    ) -> tuple[str, ...]:
        check_shape(algorithm in self.profile.algorithms, f"LBank has no {algorithm} keys", "--key-type hmac or rsa")
        check_shape(passphrase is None, "LBank keys have no passphrase")
        swapped = re.fullmatch(_UUID, api_key) is None and secret_fits(secret, _UUID)
        check_shape(not swapped, "the API key and the secret look swapped", "the API key is the one with four dashes")
        check_shape(re.fullmatch(_UUID, api_key) is not None, "an LBank API key is a UUID: 36 characters, four dashes")
        if algorithm is Algorithm.RSA:
            return check_asymmetric(secret, "rsa")
        check_shape(
            secret_fits(secret, _HEX_32),
            "an LBank HmacSHA256 secret has 32 characters 0-9 A-F",
            "if the key was made with the method RSA: --key-type rsa",
        )
        upper = secret_fits(secret, "[0-9A-F]{32}")
        return () if upper else ("LBank's own samples write the secret in upper case; this one has lower case",)

    def time_request(self, market: Market = Market.SPOT) -> Request | None:
        if market is Market.FUTURES:
            return self.read("GET", "futures", f"{contract.PATH}/pub/getTime", private=False)
        return self.read("GET", "spot", "/v2/timestamp.do", private=False)

    def read_time(self, response: Response) -> int:
        data = data_in(response)
        # The contract API's official sample is empty; this is what it has been seen to send.
        return moment_of(data.get("serverTime") if isinstance(data, dict) else data)

    def instrument_request(self, symbol: str) -> Request:
        if ":" in symbol:
            contract.native_contract(symbol)
            return self.read("GET", "futures", f"{contract.PATH}/pub/instrument", contract.GROUP, private=False)
        return self.read("GET", "spot", "/v2/accuracy.do", ("symbol", _native(symbol)), private=False)

    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        if ":" in symbol:
            return contract.instrument_in(data_in(response), symbol)
        native, data = _native(symbol), data_in(response)
        rows = [object_of(row) for row in (data if isinstance(data, list) else [data])]
        row = next((row for row in rows if row.get("symbol") == native), None)
        if row is None:
            raise UnknownSymbol(symbol)
        base, quote = split_symbol(symbol)
        return Instrument(
            symbol=symbol,
            native_symbol=native,
            base=base,
            quote=quote,
            price_step=step_of(row.get("priceAccuracy")),
            quantity_step=step_of(row.get("quantityAccuracy")),
            min_quantity=row.decimal("minTranQua"),
            max_quantity=None,
            # Missing for some pairs.
            min_notional=None if row.get("minOrderAmount") is None else row.decimal("minOrderAmount"),
        )

    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        symbol = ("symbol", native_symbol)
        if market is Market.FUTURES:
            return self.read("GET", "futures", f"{contract.PATH}/pub/marketOrder", symbol, ("depth", 5), private=False)
        return self.read("GET", "spot", "/v2/supplement/ticker/bookTicker.do", symbol, private=False)

    def read_ticker(self, response: Response, native_symbol: str) -> Ticker:
        data = object_of(data_in(response))
        if "bids" in data:
            return contract.ticker_in(data, native_symbol)
        check_named(data.get("symbol"), native_symbol)
        ticker = Ticker(data.decimal("bidPrice"), data.decimal("askPrice"))
        if ticker.bid <= 0 or ticker.ask <= 0:
            raise Unreadable("a side of the book is empty")
        return ticker

    def permissions_request(self) -> Request | None:
        return self.read("POST", "spot", "/v2/supplement/api_Restrictions.do")

    def read_permissions(self, response: Response) -> KeyPermissions:
        answer = read_object(response.body)
        # The official sample of this call alone has no error_code [official, stored 2026-08-11].
        if "error_code" not in answer and str(answer.get("result")).lower() == "true":
            data = answer.object("data")
        else:
            data = object_of(data_in(response))
        more = sorted(name for name in data if name.startswith("enable") and name not in _KNOWN_RIGHTS)
        created = data.get("createTime")
        return KeyPermissions(
            read=flag(data.get("enableReading")),
            spot_trade=flag(data.get("enableSpotTrading")),
            futures_trade=flag(data.get("enableFuturesTrading")),
            withdraw=withdraw_flag("enableWithdrawals", data, flag),
            transfer=flag(data.get("enableTransfer")),
            ip_restricted=flag(data.get("ipRestrict")),
            created=None if created is None else instant(integer_of(created)),
            extra=tuple(clean_text(name, 40) for name in more if flag(data[name])),
        )

    def probe_request(self, market: Market) -> Request | None:
        return self.balance_request() if market is Market.SPOT else self.wallet_request()

    def balance_request(self) -> Request:
        return self.read("POST", "spot", "/v2/supplement/user_info_account.do")

    def read_balances(self, response: Response) -> Balances:
        data = object_of(data_in(response))
        free, total = free_and_total(data.get("balances"))
        uid = data.get("uid")
        return Balances(free, None if uid is None else text_of(uid), total)

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _ID_LENGTH)

    def order_api(self, order: Order) -> OrderAPI:
        return self.lists[order.market]

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code in ("10008", "8")  # 8 on the contract API

    def trades(self, market: Market, native_symbol: str = "") -> Trades | None:
        from keyctl.exchanges.lbank.fills import LBankTrades  # no order waits for them

        return LBankTrades(self) if market is Market.SPOT else None

    error_in = staticmethod(error_in)


def _native(symbol: str) -> str:
    return small_letters("_".join(split_symbol(symbol)))


EXCHANGE = LBank
