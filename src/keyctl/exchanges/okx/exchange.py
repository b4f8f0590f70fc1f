"""OKX, spot and perpetual swaps (API V5): how its requests are signed and built, its answers read. Facts: okx.toml."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyctl.answers import Row, clean_text
from keyctl.exchanges.base import Exchange, OrderAPI
from keyctl.exchanges.encoding import encode_query
from keyctl.exchanges.hosts import Read
from keyctl.exchanges.okx.algo_orders import CANCEL_ALGOS, AlgoOrders
from keyctl.exchanges.okx.answers import one_row
from keyctl.exchanges.okx.errors import UUID, error_in
from keyctl.exchanges.okx.markets import CONFIG_PATH, ContractMarket, SpotMarket, funding_balances
from keyctl.exchanges.okx.orders import PlainOrders
from keyctl.exchanges.shapes import (
    check_distinct,
    check_no_pem,
    check_shape,
    letters_and_digits,
    signing_key,
)
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.signing import SigningKey, secret_fits
from keyctl.exchanges.wallets import Wallet, unread
from keyctl.model.order import Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import Request, SignedRequest, Stamp, WireRequest
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.history import History

_CLIENT_ID_LENGTH = 28
_KNOWN_RIGHTS = {"read_only", "trade", "withdraw"}


class OKXSigner(Signer):
    """Signs time + METHOD + path?query + body with HMAC-SHA256 in base64, all of it in headers.

    Source: [official] OKX docs V5, "REST Authentication", 2026-07. `expTime` and the demo header are not signed.
    """

    def __init__(self, api_key: str, key: SigningKey, passphrase: Secret | None, *, simulated: bool) -> None:
        super().__init__(api_key, key, passphrase)
        self.simulated = simulated

    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        query = encode_query(request.params) if request.method == "GET" else ""
        target = request.path + (f"?{query}" if query else "")
        body = "" if request.method == "GET" else _body(request)
        timestamp = _timestamp(stamp.at_ms)
        headers = [
            ("OK-ACCESS-KEY", self.api_key),
            ("OK-ACCESS-SIGN", self.signature(timestamp + request.method + target + body)),
            ("OK-ACCESS-TIMESTAMP", timestamp),
            ("OK-ACCESS-PASSPHRASE", self.passphrase_text()),
            ("Content-Type", "application/json"),
        ]
        if request.window_ms is not None:
            headers.append(("expTime", str(stamp.at_ms + request.window_ms)))
        if self.simulated:
            headers.append(("x-simulated-trading", "1"))
        url = request.base + target
        return SignedRequest(WireRequest(request.method, url, tuple(headers), body.encode(), request.repeatable))

    def signature(self, prehash: str) -> str:
        """The OK-ACCESS-SIGN header for the text to sign."""
        return base64.b64encode(self.key.sign(prehash.encode())).decode("ascii")


class OKX(Exchange):
    """OKX's V5 API: spot in cash mode, and contracts. Demo keys use the live hosts and a header of their own."""

    markets = (SpotMarket, ContractMarket)
    orders = (PlainOrders, AlgoOrders)

    def signer(self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None) -> Signer:
        check_shape(passphrase is not None, "OKX needs the passphrase of the API key")
        simulated = self.binding.kind is Kind.DEMO and self.binding.endpoint is None
        return OKXSigner(api_key, signing_key(algorithm, secret), passphrase, simulated=simulated)

    def check_credential(
        self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None
    ) -> tuple[str, ...]:
        check_distinct(api_key, secret)
        check_no_pem(secret)
        swapped = secret_fits(secret, UUID) and not re.fullmatch(UUID, api_key)
        check_shape(not swapped, "API key and secret are swapped", "the API key is the one with four dashes")
        check_shape(
            re.fullmatch(UUID, api_key) is not None,
            "an OKX API key has 32 hexadecimal digits in five groups with dashes",
            "copy the API key again, without spaces",
        )
        check_shape(
            secret_fits(secret, "[0-9A-Fa-f]{32}"),
            "an OKX secret has 32 hexadecimal digits",
            "copy it again; if it is lost, create a new key",
        )
        hint = "enter the one you chose for this key; it cannot be recovered"
        check_shape(passphrase is not None and len(passphrase) > 0, "OKX needs the passphrase of the API key", hint)
        assert passphrase is not None
        check_shape(secret_fits(passphrase, "[!-~]+"), "the passphrase contains spaces or non-ASCII characters", hint)
        if not secret_fits(passphrase, ".{8,32}"):
            return ("OKX passphrases have 8 to 32 characters; this one does not",)
        return ()

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        return error.code == "51001"

    def permissions(self) -> Read[KeyPermissions]:
        return Read(self.read("GET", "rest", CONFIG_PATH), lambda response: _permissions(one_row(response)))

    def wallets(self) -> tuple[Wallet, ...]:
        """One trading account serves spot and contracts. [official] "Get asset valuation" names earn besides."""
        trading = self.market(Market.SPOT)
        return (
            Wallet(trading.wallet_name, (Market.SPOT, Market.FUTURES), *trading.wallet()),
            Wallet("funding", (), self.read("GET", "rest", "/api/v5/asset/balances"), funding_balances),
            *unread("earn"),
        )

    def new_client_order_id(self, random: bytes) -> str:
        return letters_and_digits(random, _CLIENT_ID_LENGTH)

    def order_api(self, order: Order) -> OrderAPI:
        return self.order_apis["plain" if order.trigger is None else "algo"]

    @property
    def history(self) -> History:
        from keyctl.exchanges.okx.history import OKXHistory  # no order waits for it

        return OKXHistory(self)

    error_in = staticmethod(error_in)


def _permissions(row: Row) -> KeyPermissions:
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


def _body(request: Request) -> str:
    """The JSON body without blanks, in the order given, ASCII only. One call takes a list of up to ten, of which keyctl
    sends one."""
    text = json.dumps(dict(request.params), separators=(",", ":"))
    return f"[{text}]" if request.path == CANCEL_ALGOS else text


def _timestamp(at_ms: int) -> str:
    """ISO time in UTC with exactly three decimals, by integer arithmetic: a float could round to the next ms."""
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


EXCHANGE = OKX
