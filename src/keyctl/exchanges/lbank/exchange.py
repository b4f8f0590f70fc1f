"""LBank: spot v2 and the contract API, with HMAC or RSA signatures. Pure, as base.py asks."""

from __future__ import annotations

import re

from keyctl.answers import (
    clean_text,
    integer_of,
    object_of,
    read_object,
)
from keyctl.exchanges.base import Exchange, OrderAPI
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.lbank.answers import data_in, flag, instant
from keyctl.exchanges.lbank.contract_orders import ContractOrders
from keyctl.exchanges.lbank.errors import error_in
from keyctl.exchanges.lbank.markets import ContractMarket, SpotMarket
from keyctl.exchanges.lbank.orders import SpotOrders
from keyctl.exchanges.lbank.signing import LBankSigner
from keyctl.exchanges.shapes import (
    check_asymmetric,
    check_shape,
    letters_and_digits,
    own_key,
    withdraw_flag,
)
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import secret_fits
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import Response
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret

_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HEX_32 = r"[0-9A-Fa-f]{32}"
_ID_LENGTH = 28
_KNOWN_RIGHTS = {"enableReading", "enableSpotTrading", "enableFuturesTrading", "enableWithdrawals", "enableTransfer"}


class LBank(Exchange):
    """LBank's spot API, and its contract API. Numbers of errors mean other things there: look up by market and code."""

    markets = (SpotMarket, ContractMarket)
    orders = (SpotOrders, ContractOrders)

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
            "if the key was created with the method RSA, use --key-type rsa",
        )
        upper = secret_fits(secret, "[0-9A-F]{32}")
        return () if upper else ("LBank's own samples write the secret in upper case; this one has lower case",)

    def permissions(self) -> Read[KeyPermissions]:
        return Read(self.read("POST", "spot", "/v2/supplement/api_Restrictions.do"), _permissions)

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _ID_LENGTH)

    def order_api(self, order: Order) -> OrderAPI:
        return self.order_apis["contract" if order.market is Market.FUTURES else "spot"]

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code in ("10008", "8")  # 8 on the contract API

    error_in = staticmethod(error_in)


def _permissions(response: Response) -> KeyPermissions:
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


EXCHANGE = LBank
