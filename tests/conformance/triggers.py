"""Stops and take-profits that ccxt and keyctl place at one account of the twin, and what each of them sees there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from keyctl.model.words import OrderType, Trigger
from keyctl.twin.book import VenueOrder
from tests.conformance.ccxt_clients import DrivenByCCXT, client_of
from tests.support.world import RIGHTS, World

OWN_ID = "theirs1"


@dataclass(frozen=True)
class Kind:
    """A buy that waits; the market is at 60000."""

    trigger: Trigger
    at: int
    price: int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """As keyctl is told it."""
        name = "--stop-at" if self.trigger is Trigger.STOP else "--take-profit-at"
        return (name, str(self.at), *(() if self.price is None else ("--price", str(self.price))))

    @property
    def params(self) -> dict[str, Any]:
        """As ccxt is told it."""
        return {"stopLossPrice" if self.trigger is Trigger.STOP else "takeProfitPrice": self.at}


STOP, RESTING = Kind(Trigger.STOP, 61_000), Kind(Trigger.TAKE_PROFIT, 59_000, 58_900)
KINDS = {
    "stop": STOP,
    "stop-limit": Kind(Trigger.STOP, 61_000, 61_100),
    "take-profit": Kind(Trigger.TAKE_PROFIT, 59_000),
    "take-profit-limit": RESTING,
}


@dataclass(frozen=True)
class Waiting:
    """What is known of one that waits. `size` in the venue's own unit."""

    number: str
    own_id: str | None
    side: str
    size: Decimal
    trigger: str
    at: Decimal
    price: Decimal | None


class TwoHands(DrivenByCCXT):
    """An account of one venue that ccxt and keyctl share: what both do there, and what each of them sees."""

    exchange: ClassVar[str]
    client_name: ClassVar[str]
    symbol: ClassVar[str] = "BTC/USDT:USDT"
    # What keyctl calls 0.005 BTC.
    size: ClassVar[Decimal] = Decimal("0.005")
    options: ClassVar[dict[str, Any]]
    # What ccxt must be told to list the waiting orders, and to place them as the account wants them.
    listing: ClassVar[dict[str, Any]] = {"trigger": True}
    extra: ClassVar[dict[str, Any]] = {}
    own_id_name: ClassVar[str]
    account_level: ClassVar[str] = "2"

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with World(tmp_path) as world:
            world.add(self.exchange, rights=RIGHTS).key.account_level = self.account_level
            yield world
            assert not world.twin.faults_of_its_own

    @pytest.fixture
    def client(self, world: World) -> Iterator[Any]:
        made = world.made[self.label]
        account = made.api_key, made.secret, made.passphrase
        client = client_of(self.client_name, world.twin.endpoint(self.exchange), *account, self.options)
        client.load_markets()
        yield client
        client.session.close()

    # What is done.

    @property
    def label(self) -> str:
        return f"{self.exchange}-a"

    def place(self, client: Any, kind: Kind, **more: Any) -> Any:
        type_ = "market" if kind.price is None else "limit"
        params = kind.params | self.extra | {self.own_id_name: OWN_ID} | more
        return client.create_order(self.symbol, type_, "buy", float(self.size), kind.price, params)

    def keyctl_places(self, world: World, kind: Kind) -> Any:
        leverage = ("--leverage", "2") if ":" in self.symbol else ()
        value = f"{(kind.price or kind.at) * 0.005:.2f}"
        words = ("order", "buy", self.symbol, "0.005", *kind.words, *leverage, "--expect-value", value)
        ran = world.keyctl(*words, "-a", self.label, "--json")
        assert ran.exit_code == 0, ran.stdout
        return ran.data["legs"][0]

    def placed_by(self, placer: str, world: World, client: Any, kind: Kind) -> str:
        """The number under which the new order waits."""
        number = (
            self.place(client, kind)["id"] if placer == "ccxt" else self.keyctl_places(world, kind)["exchange_order_id"]
        )
        assert isinstance(number, str)
        return number

    def fire(self, world: World, kind: Kind) -> None:
        assert world.venue(self.exchange).trigger(self.symbol, Decimal(kind.at))

    def cancel_foreign(self, world: World) -> list[tuple[str | None, str]]:
        words = ("cancel", "--foreign", "--symbol", self.symbol, "-a", self.label, "--yes", "--json")
        ran = world.keyctl(*words)
        assert ran.exit_code == 0, ran.stdout
        return [(row["client_order_id"], row["outcome"]) for row in ran.data["legs"]]

    # What is seen.

    def waiting(self, client: Any) -> list[Any]:
        found: list[Any] = client.fetch_open_orders(self.symbol, params=self.listing)
        return found

    def fetched(self, client: Any, number: str) -> Any:
        return client.fetch_order(number, self.symbol, {"trigger": True})

    def rows(self, world: World) -> list[Any]:
        told = world.keyctl("orders", "list", "--open", "--symbol", self.symbol, "--json")
        assert told.exit_code == 0, told.stdout
        found: list[Any] = told.data["orders"]
        return found

    def ended(self, world: World) -> str:
        """How keyctl's own order ended, as the journal has learned from the list of open orders: none is left open."""
        assert world.keyctl("cancel", "--all", "--yes", "--json").data["legs"] == []
        (leg,) = world.keyctl("orders", "list", "--json").data["orders"]
        return str(leg["status"])

    def the_order(self, world: World) -> VenueOrder:
        (order,) = world.venue(self.exchange).orders
        return order

    def expected(self, kind: Kind, number: str, own_id: str) -> Waiting:
        price = None if kind.price is None else Decimal(kind.price)
        return Waiting(number, own_id, "buy", self.size, kind.trigger.value, Decimal(kind.at), price)

    def held(self, order: VenueOrder) -> Waiting:
        """As the venue has it."""
        assert order.is_waiting and order.trigger is not None and order.trigger_price is not None
        assert (order.price is None) is (order.type is OrderType.MARKET)
        facts = order.side.value, order.quantity, order.trigger.value, order.trigger_price, order.price
        return Waiting(str(order.algo_id), order.client_order_id, *facts)

    def listed(self, row: Any) -> Waiting:
        """As keyctl lists it."""
        price = None if row["price"] is None else Decimal(row["price"])
        facts = row["side"], Decimal(row["quantity"]), row["trigger"], Decimal(row["trigger_price"]), price
        return Waiting(row["exchange_order_id"], row["client_order_id"], *facts)

    def seen(self, seen: Any) -> Waiting:
        """As ccxt shows it."""
        raise NotImplementedError

    def became(self, seen: Any) -> str:
        """The number of what it became, of which ccxt knows only in the venue's own words."""
        raise NotImplementedError

    def number(self, seen: Any) -> str:
        """The number of an order that does not wait."""
        raise NotImplementedError

    def own_id_of_the_book(self, seen: Any) -> Any:
        """The client's id of what a waiting order became."""
        raise NotImplementedError
