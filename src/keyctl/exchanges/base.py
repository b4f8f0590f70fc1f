"""The contract that each exchange's module fulfils: an Exchange, its markets, and the order APIs that take its orders.

Pure: no network, no clock, no store. What is asked is a `Read`, a request with its reader; builders of writes end in
`_request`. Readers are called only with answers for which `read_error` returned None, and raise `Unreadable` when they
cannot be sure. What an exchange lacks is None.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges.hosts import Hosts, Read, Reads
from keyctl.exchanges.profile import Profile
from keyctl.exchanges.signer import Signer
from keyctl.exchanges.told import told_by
from keyctl.exchanges.wallets import Wallet
from keyctl.model.credential import Binding
from keyctl.model.futures import FuturesState, OddRow, OpenOrder, Position, Setup
from keyctl.model.order import Leg, Order, OrderRef, OrderStatus, Placed
from keyctl.model.told import ExchangeError, ToldError
from keyctl.model.venue import Balances, Instrument, KeyPermissions, PriceBand, Ticker
from keyctl.model.wire import JSON, Request, Response
from keyctl.model.words import Algorithm, Endpoint, MarginMode, Market
from keyctl.secret import Secret

if TYPE_CHECKING:
    from keyctl.exchanges.funding import Funding
    from keyctl.exchanges.history import History
    from keyctl.exchanges.traded import Trades


class OrderAPI(ABC):
    """One family of endpoints that takes, shows and cancels orders, with an id space of its own.

    `name` stands in the journal and in every open order, and never changes. `offers`: the kinds of order, by market,
    that it takes natively and keyctl can send there, of: limit, market, post_only, ioc, fok, gtd, stop_market,
    stop_limit, take_profit_market, take_profit_limit, reduce_only. `endpoint`: whose rows of the catalogue judge its
    refusals. `echo_names`: the fields in which its answers echo a client order id, and those in which they give an
    order id. `dated_ids`: a client order id names an order only together with the UTC day on which the exchange took
    it. `goes_on_at`: the API at which an order goes on once its trigger was reached; none where it keeps its number.
    """

    name: ClassVar[str]
    offers: ClassVar[Mapping[Market, frozenset[str]]] = {}
    endpoint: ClassVar[Endpoint] = Endpoint.ORDER
    echo_names: ClassVar[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())
    dated_ids: ClassVar[bool] = False
    goes_on_at: ClassVar[str] = ""

    def __init__(self, venue: Exchange) -> None:
        self.venue = venue

    @property
    def becomes(self) -> NumberedOrders | None:
        """The order API at which its orders go on."""
        api = self.venue.order_apis.get(self.goes_on_at)
        return api if isinstance(api, NumberedOrders) else None

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


class Settings(ABC):
    """Leverage and margin mode of a symbol, where they are settings of the account."""

    def __init__(self, market: MarketAPI) -> None:
        self.market = market

    @abstractmethod
    def requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        """The writes that bring the state to what is wanted, in the order to be sent; none when it is so already."""

    @abstractmethod
    def read(self, response: Response, request: Request) -> None:
        """Nothing, when the answer says that the setting was taken and echoes nothing else. Raises Unreadable."""

    def is_already_set(self, error: ExchangeError) -> bool:
        """Whether an error answer to one of the requests means that it was so already."""
        return False


class MarketAPI(ABC):
    """One market as its exchange serves it: clock, rules, prices, what an account has and sets there, open orders.

    `market`: our word for it, `role`: the host that serves it, `wallet_name`: the exchange's name for the wallet that
    backs its orders. `margin_known`: whether the margin mode of an account
    can be read, or is chosen by each order; else none can be asked for. What a market does not have is None.
    """

    market: ClassVar[Market]
    role: ClassVar[str]
    wallet_name: ClassVar[str] = ""
    margin_known: ClassVar[bool] = True
    # What one contract of any of its perpetuals holds, in the base currency, where that is one and the same.
    contract_size: ClassVar[Decimal | None] = None
    # Why keyctl lists no trades there, where it has no `trades`.
    trades_unread: ClassVar[str] = "keyctl does not read trades there"

    def __init__(self, venue: Exchange) -> None:
        self.venue = venue

    # Public.

    def has(self, symbol: str) -> bool:
        """Whether it lists that symbol, if the exchange does: where two markets stand under one word of ours."""
        return True

    def lists(self, native_symbol: str) -> bool:
        """The same of the exchange's own name, of which two of our markets may have one (Binance: BTCUSDT)."""
        return True

    @abstractmethod
    def clock(self) -> Read[int] | None:
        """The exchange's time in Unix milliseconds, from the host that orders go to."""

    @abstractmethod
    def instrument(self, symbol: str) -> Read[Instrument]:
        """The rules of one symbol: BASE/QUOTE, or BASE/QUOTE:SETTLE for a perpetual.

        Raises UsageProblem for text that is no symbol; its reader UnknownSymbol when it is not listed.
        """

    @abstractmethod
    def ticker(self, native_symbol: str) -> Read[Ticker]:
        """Best bid and ask. Its reader raises Unreadable for an answer about another symbol."""

    def band(self, instrument: Instrument) -> Read[PriceBand] | None:
        """The prices that are taken now."""
        return None

    def names(self, natives: tuple[str, ...]) -> tuple[Read[dict[str, str]], ...]:
        """What these native names mean: our symbols by native name, each symbol once. None where the rows of its lists
        tell that."""
        return ()

    # Signed.

    @abstractmethod
    def wallet(self, settle: str | None = None) -> Read[Balances]:
        """The wallet that backs its orders, at least its part in the currency `settle`. Of perpetuals `free` is what
        new positions may use, `total` the equity."""

    def probe(self) -> Request | None:
        """A harmless signed read on the market's own API; None where it has none, or this kind no host for it."""
        return self.wallet().request if self.venue.has_host(self.role) else None

    def margin(self) -> Read[MarginMode | None] | None:
        """The margin mode in which spot orders go out, None for cash; None where they have none.

        Its reader raises CheckFailed for an account mode that stands in the way.
        """
        return None

    @abstractmethod
    def open_orders(self, symbols: tuple[str, ...]) -> tuple[Read[tuple[OpenOrder | OddRow, ...]], ...]:
        """All open orders and the rows that cannot be read, of every order API of the market, whichever list has them.

        `symbols` are those that the person trades, for exchanges that list by symbol only. Its readers raise Unreadable
        for a page that may lack some.
        """

    def positions(self) -> Read[tuple[Position | OddRow, ...]] | None:
        """All open positions, and the rows that cannot be read. Its reader raises Unreadable for an answer that may
        lack some."""
        return None

    def state(self, instrument: Instrument, margin: MarginMode | None) -> Reads[FuturesState] | None:
        """Position mode, margin mode, leverage, position and open orders of one perpetual; with the number of rows that
        may be a position or order of it and cannot be read.

        `margin` is the wanted margin mode, for venues that keep a leverage for each.
        """
        return None

    @property
    def settings(self) -> Settings | None:
        """How leverage and margin mode are set; None where each order carries its own leverage, and on spot."""
        return None

    @property
    def trades(self) -> Trades | None:
        """Its lists of trades."""
        return None


class Exchange(Hosts, ABC):
    """One exchange's wire knowledge, bound to its hosts: its markets, and its order APIs by name."""

    markets: ClassVar[tuple[type[MarketAPI], ...]]
    orders: ClassVar[tuple[type[OrderAPI], ...]]

    def __init__(self, profile: Profile, binding: Binding) -> None:
        super().__init__(profile, binding)
        self.market_apis: tuple[MarketAPI, ...] = tuple(market(self) for market in self.markets)
        self.order_apis: Mapping[str, OrderAPI] = {api.name: api(self) for api in self.orders}

    # The key.

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

    @abstractmethod
    def permissions(self) -> Read[KeyPermissions] | None:
        """What the calling key may do; None where this kind has no call for it (Binance's testnet). A field that the
        answer lacks is None: unknown, never "off"."""

    # The account.

    def account(self) -> Read[str] | None:
        """The account's id, where no call that verify makes anyway tells it; else None."""
        return None

    def wallets(self) -> tuple[Wallet, ...]:
        """Every wallet that an account may have there, each once: those that can be read, and by name the others."""
        served = [api for api in self.market_apis if self.has_host(api.role)]
        return tuple(Wallet(api.wallet_name, (api.market,), *api.wallet()) for api in served)

    def is_no_such_wallet(self, error: ExchangeError) -> bool:
        """Whether an error answer to the read of a wallet means that the account never opened it."""
        return False

    @property
    def funding(self) -> Funding | None:
        """Its margin funding; None where it has none, or keyctl does not know it."""
        return None

    @property
    def history(self) -> History | None:
        """Its lists of withdrawals, transfers, logins and changes; None where keyctl reads none."""
        return None

    # Markets.

    def market_of(self, symbol: str) -> MarketAPI:
        """The market of a symbol. Raises UsageProblem for text that is no symbol of one."""
        market = Market.FUTURES if ":" in symbol else Market.SPOT
        return self._first(market, lambda api: api.has(symbol))

    def market(self, market: Market, native_symbol: str = "") -> MarketAPI:
        """The market by our word for it, where several stand under one, that of a native symbol; else the first, whose
        host's clock counts."""
        return self._first(market, lambda api: api.lists(native_symbol))

    def served(self, market: Market) -> tuple[MarketAPI, ...]:
        """The markets under one word of ours for which this kind of account has a host."""
        return tuple(api for api in self.market_apis if api.market is market and self.has_host(api.role))

    def _first(self, market: Market, fits: Callable[[MarketAPI], bool]) -> MarketAPI:
        for api in self.market_apis:
            if api.market is market and fits(api):
                return api
        raise UsageProblem(f"{self.profile.title} has no {market} market that keyctl knows", code="no_such_market")

    def native_name(self, symbol: str) -> str | None:
        """The venue's own name of a symbol, where the rows of its lists carry no other and it follows from ours."""
        return None

    def is_unknown_symbol(self, error: ExchangeError) -> bool:
        """Whether an error answer to a read about a symbol means that the exchange does not list it."""
        return False

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
        """The order API that took the leg, by the name that the journal has; where it has none, as it is chosen now.

        Raises SetupProblem for a name that this version does not know: any other API has no such order, which proves
        nothing, and may have another one under its number.
        """
        if not leg.api:
            return self.order_api(leg.order)
        api = self.order_apis.get(leg.api)
        if api is None:
            raise SetupProblem(
                f"{leg.account}: this version does not know the order API '{leg.api}' of its {leg.order.symbol} order"
                f" (plan {leg.plan_id})",
                "use the version of keyctl that sent it, or the exchange's own pages",
                code="unknown_order_api",
                account=leg.account,
                exchange=leg.exchange,
            )
        return api

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


class UnknownSymbol(Exception):
    """The exchange does not list the symbol; or lists under that name only what keyctl does not trade, which `instead`
    tells: "as a dated future only"."""

    def __init__(self, symbol: str, instead: str = "") -> None:
        super().__init__(symbol)
        self.instead = instead
