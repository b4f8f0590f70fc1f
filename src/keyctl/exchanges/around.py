"""Around an order: what an exchange tells and lets set before one, and what it shows afterwards.

Wallets of perpetuals, position mode, margin mode, leverage, positions, open orders, price bands, the venue's own test
of an order. An exchange without one of these keeps the default. Pure, as all of `exchanges`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from keyctl.answers import Unreadable
from keyctl.exchanges.traded import Traded
from keyctl.model import (
    Balances,
    ExchangeError,
    FuturesState,
    Instrument,
    MarginMode,
    Market,
    OddRow,
    OpenOrder,
    Position,
    PriceBand,
    Request,
    Response,
    Setup,
)


class Around(Traded, ABC):
    """The part of an exchange's contract that is not the order itself."""

    # Whether leverage is a field of each order (Bitfinex) and not a setting of account and symbol.
    leverage_in_order: ClassVar[bool] = False
    # Whether the margin mode of an account can be read, or is chosen by each order; else none can be asked for.
    margin_known: ClassVar[bool] = True
    # What the person must know before orders of a market that rests on unconfirmed facts; they need --experimental.
    experimental: ClassVar[dict[Market, tuple[str, ...]]] = {}
    # What an account may have at the venue that the lists do not show: of "positions", and of the open orders of "spot"
    # and "futures".
    unlisted: ClassVar[dict[str, tuple[str, ...]]] = {}

    def account_request(self) -> Request | None:
        """The signed read that tells the account's id, where no call that verify makes anyway does; else None."""
        return None

    def read_account_id(self, response: Response) -> str:
        """The id of the exchange account that the key belongs to."""
        raise Unreadable("the answer to something that was never asked")

    def spot_margin_request(self) -> Request | None:
        """The signed read that tells in which margin mode spot orders go out; None where they have none."""
        return None

    def read_spot_margin(self, response: Response) -> MarginMode | None:
        """That margin mode; None for cash, without margin. Raises CheckFailed for an account mode that stands in the
        way."""
        raise Unreadable("the answer to something that was never asked")

    def band_request(self, instrument: Instrument) -> Request | None:
        """The public call that tells which prices are taken now, or the mark price for it; None where none."""
        return None

    def read_band(self, response: Response, instrument: Instrument) -> PriceBand:
        """The highest price of a buy and the lowest of a sell that the venue takes now."""
        raise Unreadable("the answer to something that was never asked")

    def margin_requests(self) -> tuple[Request, ...]:
        """The reads of all futures wallets; empty where they are part of balance_request()."""
        return ()

    @abstractmethod
    def margin_request(self, instrument: Instrument) -> Request:
        """The read of the wallet that backs that perpetual."""

    @abstractmethod
    def read_margin(self, response: Response) -> Balances:
        """Balances of a futures wallet: `free` is what new positions may use, `total` the equity."""

    @abstractmethod
    def futures_state_requests(self, instrument: Instrument, margin: MarginMode | None) -> tuple[Request, ...]:
        """The signed reads that tell position mode, margin mode, leverage, position and open orders of one perpetual.

        `margin` is the wanted margin mode, for venues that keep a leverage for each.
        """

    @abstractmethod
    def read_futures_state(
        self, responses: tuple[Response, ...], instrument: Instrument, margin: MarginMode | None
    ) -> FuturesState:
        """The state from the answers to futures_state_requests, in that order; with the number of rows that may be a
        position or order of the perpetual and cannot be read."""

    def setup_requests(self, instrument: Instrument, state: FuturesState, wanted: Setup) -> tuple[Request, ...]:
        """The writes that bring the state to what is wanted, in the order to be sent; none when it is so already."""
        return ()

    def read_setup(self, response: Response, request: Request, wanted: Setup) -> None:
        """Nothing, when the answer says that the setting was taken and echoes nothing else. Raises Unreadable."""
        raise Unreadable("the answer to something that was never asked")

    def is_already_set(self, error: ExchangeError) -> bool:
        """Whether an error answer to a setup request means that it was so already."""
        return False

    def native_name(self, symbol: str) -> str | None:
        """The venue's own name of a symbol, where the rows of its lists carry no other and it follows from ours."""
        return None

    def names_requests(self, market: Market, natives: tuple[str, ...]) -> tuple[Request, ...]:
        """The public reads that tell what these native names mean; none where the rows of its lists tell that."""
        return ()

    def read_names(self, response: Response, market: Market) -> dict[str, str]:
        """Our symbols by native name, from an answer to names_requests; each symbol once."""
        raise Unreadable("the answer to something that was never asked")

    @abstractmethod
    def positions_requests(self) -> tuple[Request, ...]:
        """The signed reads that list all open positions; empty where keyctl reads none."""

    @abstractmethod
    def read_positions(self, step: int, response: Response) -> tuple[Position | OddRow, ...]:
        """The positions in the answer to positions_requests()[step], and the rows that cannot be read.

        Raises Unreadable for an answer that may lack some.
        """

    @abstractmethod
    def open_orders_requests(self, market: Market, symbols: tuple[str, ...]) -> tuple[Request, ...]:
        """The signed reads that list all open orders of a market. `symbols` are those that the person trades, for
        exchanges that list by symbol only."""

    @abstractmethod
    def read_open_orders(self, step: int, response: Response, market: Market) -> tuple[OpenOrder | OddRow, ...]:
        """The orders in the answer to open_orders_requests()[step], and the rows that cannot be read.

        Raises Unreadable for a page that may lack some.
        """


class UnknownSymbol(Exception):
    """The exchange does not list the symbol; or lists under that name only what keyctl does not trade, which `instead`
    tells: "as a dated future only"."""

    def __init__(self, symbol: str, instead: str = "") -> None:
        super().__init__(symbol)
        self.instead = instead
