"""Exchange and Signer: the contract that each exchange's module fulfils. Pure: no network, no clock, no store.

Builders end in `_request`; readers begin with `read_`, are called only with answers for which `read_error` returned
None, and raise `Unreadable` when they cannot be sure."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges.around import Around
from keyctl.exchanges.around import UnknownSymbol as UnknownSymbol
from keyctl.exchanges.masking import Mask
from keyctl.exchanges.profile import Profile
from keyctl.exchanges.signing import SigningKey
from keyctl.exchanges.told import told_by
from keyctl.model import (
    JSON,
    Algorithm,
    Balances,
    Binding,
    Endpoint,
    ExchangeError,
    Instrument,
    KeyPermissions,
    Leg,
    Market,
    Order,
    OrderRef,
    OrderStatus,
    Placed,
    Request,
    Response,
    SignedRequest,
    Stamp,
    Ticker,
    ToldError,
    WireRequest,
)
from keyctl.secret import Secret

T = TypeVar("T")
ORDER_WINDOW_MS = 5000


class Signer(ABC):
    """Turns a Request and a Stamp into the exact bytes to send. Given the same input it gives the same output."""

    def __init__(self, api_key: str, key: SigningKey, passphrase: Secret | None = None) -> None:
        self.api_key = api_key
        self.key = key
        self.passphrase = passphrase
        self.mask = Mask(api_key, passphrase)

    def passphrase_text(self) -> str:
        """The passphrase for a header, where an exchange wants it in clear. Raises SetupProblem without one."""
        if self.passphrase is None:
            raise SetupProblem("this account has no passphrase", code="bad_credential")
        # latin-1 cannot fail: a UnicodeDecodeError would carry the bytes in its text.
        return self.passphrase.reveal().decode("latin-1")

    @abstractmethod
    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        """The signed request, encoded as the exchange wants. The text signed is the text sent."""


class Read(NamedTuple, Generic[T]):
    """A read as data: what to ask, and how the answer is read; that raises Unreadable."""

    request: Request
    read: Callable[[Response], T]


class OrderAPI(ABC):
    """One family of endpoints that takes, shows and cancels orders, with an id space of its own.

    `name` stands in the journal and in every open order, and never changes. `offers`: the kinds of order, by market,
    that it takes natively and keyctl can send there, of: limit, market, post_only, ioc, fok, gtd, stop_market,
    stop_limit, take_profit_market, take_profit_limit, reduce_only. `endpoint`: whose rows of the catalogue judge its
    refusals. `echo_names`: the fields in which its answers echo a client order id, and those in which they give an
    order id. `dated_ids`: a client order id names an order only together with the UTC day on which the exchange took
    it. `becomes`: the API at which an order goes on once its trigger was reached; None where it keeps its number.
    """

    name: ClassVar[str]
    offers: ClassVar[Mapping[Market, frozenset[str]]] = {}
    endpoint: ClassVar[Endpoint] = Endpoint.ORDER
    echo_names: ClassVar[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())
    dated_ids: ClassVar[bool] = False
    becomes: NumberedOrders | None = None

    @abstractmethod
    def order_request(self, leg: Leg) -> Request:
        """The call that places the leg, with its client order id, and without any tag or broker id. Raises UsageProblem
        or ValueError for what the venue has no place for: nothing of an order is ever dropped in silence."""

    def test(self, leg: Leg) -> Read[None] | None:
        """The venue's own check of the order, that places nothing; None where there is none."""
        return None

    @abstractmethod
    def read_placed(self, response: Response, leg: Leg) -> Placed:
        """Proof that this very leg was taken. Raises Unreadable unless our id is echoed and all else echoed agrees."""

    def is_refusal_of(self, value: JSON, leg: Leg) -> bool:
        """Whether an error answer to order_request(leg), read as JSON, speaks of that leg alone.

        It does not when an order id is in it, or another's client order id: then it proves nothing about the leg.
        """
        own_names, order_names = self.echo_names
        unread = [value]
        while unread:
            item = unread.pop()
            if isinstance(item, list):
                unread += item
            elif isinstance(item, dict):
                others = any(item.get(name) not in (None, "", leg.client_order_id) for name in own_names)
                if others or any(item.get(name) not in (None, "") for name in order_names):
                    return False
                unread += item.values()
        return True

    @abstractmethod
    def lookups(self, leg: Leg, sent_ms: int) -> tuple[Read[OrderStatus | None], ...]:
        """The reads that together cover open orders, finished orders and fills of the leg, most telling first; each
        tells its order, or None.

        `sent_ms` is the first stamp of the leg in exchange time. Absence counts only when every one of them says so.
        """

    @abstractmethod
    def cancel_request(self, ref: OrderRef) -> Request:
        """The call that cancels that order, by exchange order id where it is known."""

    @abstractmethod
    def read_canceled(self, response: Response, leg: Leg, ref: OrderRef) -> None:
        """Nothing, when the exchange took the cancel of `ref`: the leg's order, or what it became. Raises
        Unreadable."""

    def holds_to_reducing(self, order: Order) -> bool:
        """Whether the venue itself refuses whatever in this order would do more than reduce a position."""
        return False


class NumberedOrders(OrderAPI):
    """An order API at which orders go on that waited at another one."""

    @abstractmethod
    def by_id(self, leg: Leg, order_id: str, waited_as: str) -> Read[OrderStatus]:
        """The read of the order of that id, which the leg's order became: the leg's status under the number that it
        `waited_as`, with state and fill of this one."""


class Exchange(Around):
    """One exchange's wire knowledge, bound to the hosts of one kind and site (or to one loopback endpoint).

    `order_apis` are its order APIs by name.
    """

    order_apis: Mapping[str, OrderAPI]

    def __init__(self, profile: Profile, binding: Binding) -> None:
        self.profile = profile
        self.binding = binding
        sites = profile.hosts.get(binding.kind, {})
        if binding.endpoint is not None:
            self._hosts: dict[str, str] | None = None
        elif binding.site in sites:
            self._hosts = sites[binding.site]
        else:
            known = ", ".join(sites) if sites else "none"
            raise UsageProblem(
                f"{profile.title} has no {binding.kind} site '{binding.site}'",
                f"sites for {binding.kind}: {known}",
                code="unknown_site",
            )

    @property
    def name(self) -> str:
        return self.profile.name

    def host(self, role: str) -> str:
        """The scheme and host for a role such as "spot". Raises UsageProblem where this kind has no such host."""
        if self._hosts is None:
            assert self.binding.endpoint is not None
            return self.binding.endpoint
        if role not in self._hosts:
            raise UsageProblem(f"{self.profile.title} {self.binding.kind} has no {role} API", code="no_such_host")
        return self._hosts[role]

    def has_host(self, role: str) -> bool:
        """Whether this kind and site serve that role (Binance's testnet has no key introspection, for example)."""
        return self._hosts is None or role in self._hosts

    def read(self, method: str, role: str, path: str, *params: tuple[str, JSON], private: bool = True) -> Request:
        """A request that only reads."""
        return Request(method, self.host(role), path, params, private=private, repeatable=True)

    def write(self, method: str, role: str, path: str, *params: tuple[str, JSON]) -> Request:
        """A request that can change an account; it is never repeated, and asks for the shortest window."""
        return Request(method, self.host(role), path, params, private=True, window_ms=ORDER_WINDOW_MS)

    def readable_request(self, method: str, path: str, params: tuple[tuple[str, str], ...]) -> Request:
        """A request for `keyctl request`. Raises UsageProblem for a path that is not in the shipped list of reads."""
        for entry in self.profile.readable:
            pattern = re.escape(entry.path).replace(r"\{\}", r"[A-Za-z0-9:._-]+")
            if entry.method == method.upper() and re.fullmatch(pattern, path):
                return self.read(entry.method, entry.host, path, *params, private=entry.private)
        raise UsageProblem(
            f"{method.upper()[:10]} {path[:80]} is not in the list of reads for {self.profile.title}",
            "keyctl signs no other call by hand; the list: keyctl request --paths " + self.name,
            code="path_not_readable",
        )

    @abstractmethod
    def signer(self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None) -> Signer:
        """A signer for this exchange. Raises SetupProblem when the secret does not fit the algorithm."""

    @abstractmethod
    def check_credential(
        self, api_key: str, secret: Secret, algorithm: Algorithm, passphrase: Secret | None
    ) -> tuple[str, ...]:
        """Warnings about a new credential (a short RSA key, say). Offline; swapped fields are recognised.

        Raises SetupProblem when its shape cannot be right: key and secret swapped, wrong length, unreadable PEM.
        The caller has trimmed line ends and refused blanks, quotes and invisible characters already.
        """

    # Time, symbols, prices: public.

    @abstractmethod
    def time_request(self, market: Market = Market.SPOT) -> Request | None:
        """The call that tells the exchange's clock, on the host that orders go to; None where there is none."""

    @abstractmethod
    def read_time(self, response: Response) -> int:
        """The exchange's time in Unix milliseconds."""

    @abstractmethod
    def instrument_request(self, symbol: str) -> Request:
        """The call that tells the rules of one symbol: BASE/QUOTE, or BASE/QUOTE:SETTLE for a perpetual."""

    @abstractmethod
    def read_instrument(self, response: Response, symbol: str) -> Instrument:
        """The symbol's rules. Raises UnknownSymbol when it is not listed, Unreadable when its rules are missing."""

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        """Whether an error answer to instrument_request means that the exchange does not list the symbol."""
        return False

    @abstractmethod
    def ticker_request(self, native_symbol: str, market: Market = Market.SPOT) -> Request:
        """The call that tells best bid and ask; native symbols of two markets can be alike (Binance: BTCUSDT)."""

    @abstractmethod
    def read_ticker(self, response: Response, native_symbol: str) -> Ticker:
        """Best bid and ask of that symbol. Raises Unreadable for an answer about another one."""

    # The key itself: signed reads.

    @abstractmethod
    def permissions_request(self) -> Request | None:
        """The call that tells what the calling key may do; None where this kind has none (Binance's testnet)."""

    @abstractmethod
    def read_permissions(self, response: Response) -> KeyPermissions:
        """What the key may do. A field that the answer lacks is None: unknown, never "off"."""

    @abstractmethod
    def probe_request(self, market: Market) -> Request | None:
        """A harmless signed read on that market's own API; None where the market has no API of its own."""

    @abstractmethod
    def balance_request(self) -> Request:
        """The call that tells spot balances."""

    @abstractmethod
    def read_balances(self, response: Response) -> Balances:
        """Free spot balances in ccxt's currency names."""

    # Orders.

    @abstractmethod
    def new_client_order_id(self, random: bytes) -> str:
        """A client order id made from 16 or more random bytes, in this exchange's own alphabet and length."""

    @abstractmethod
    def order_api(self, order: Order) -> OrderAPI:
        """The order API that takes an order: the one place where that is chosen."""

    def offers(self, market: Market) -> frozenset[str]:
        """The kinds of order that its order APIs take in that market."""
        return frozenset[str]().union(*(api.offers.get(market, ()) for api in self.order_apis.values()))

    def api_of(self, leg: Leg) -> OrderAPI:
        """The order API that took the leg, by the name that the journal has, else as it would be chosen now."""
        return self.order_apis.get(leg.api) or self.order_api(leg.order)

    def is_no_such_order(self, request: Request, error: ExchangeError) -> bool:
        """Whether an error answer means "no such order", or to a cancel "none that is open": by the code and the HTTP
        status that the profile names for that very call. The same code from elsewhere proves nothing."""
        return any(fact.fits(request, error) for fact in self.profile.no_such_order)

    @staticmethod
    @abstractmethod
    def error_in(body: JSON, status: int = 0) -> ToldError | None:
        """The error that a body tells, live or pasted; `status` is 0 where the HTTP status is not known."""

    def read_error(self, response: Response) -> ExchangeError | None:
        """The error of a live answer; None for none, and for HTTP 200 with an unreadable body. Never raises."""
        return told_by(response, self.error_in, self.name)


def by_name(*apis: OrderAPI) -> Mapping[str, OrderAPI]:
    """Order APIs by their names."""
    return {api.name: api for api in apis}


def plain(number: Decimal) -> str:
    """A decimal as the exchanges take it: never with an exponent, no needless zeros (`1E-8` becomes 0.00000001)."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def encode_query(params: tuple[tuple[str, JSON], ...]) -> str:
    """Parameters as a query: everything but A-Z a-z 0-9 - _ . ~ percent-encoded as UTF-8, in the order given."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(text_value(value), safe='-_.~')}" for name, value in params)


def text_value(value: JSON) -> str:
    """A parameter's value as text: booleans in lower case, decimals plain."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int | str):
        return str(value)
    raise TypeError("a parameter is text, a whole number, a Decimal or a bool")


def public_wire(request: Request) -> WireRequest:
    """An unsigned read as bytes. Raises ValueError for a request that wants a signature."""
    if request.private or not request.repeatable:
        raise ValueError("only public reads go out unsigned")
    query = encode_query(request.params)
    url = request.base + request.path + (f"?{query}" if query else "")
    return WireRequest(request.method, url, (), b"", repeatable=True)


def check_shape(condition: bool, message: str, *hints: str) -> None:
    """Nothing when the condition holds. Raises SetupProblem(code="bad_credential") otherwise."""
    if not condition:
        raise SetupProblem(message, *hints, code="bad_credential")
