"""Cancels and lists of orders that go off in the worst moment: what became of them is named, canceled, never hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from keyctl.desk import cancel_order, foreign_orders
from keyctl.model.words import OrderState
from keyctl.network.session import Session
from keyctl.twin.faults import FaultKind
from tests.support.skipping import SkipClock
from tests.support.waiting_places import SWAP, calls, fire, place, places, the_order
from tests.support.world import RIGHTS, World


@pytest.fixture
def world(tmp_path: Any) -> Any:
    clock = SkipClock()
    with World(tmp_path, now_ms=clock.now_ms) as made:
        for exchange in ("binance", "okx"):
            made.add(exchange, rights=RIGHTS)
        yield made


def forget(world: World) -> None:
    """A new journal: every order so far is somebody else's."""
    world.forget_journal()


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, act: Callable[[], None]) -> None:
    """Acts before the call of that number, from 1 on."""
    real, count = getattr(owner, name), [0]

    async def acted(*arguments: Any, **named: Any) -> Any:
        count[0] += 1
        if count[0] == number:
            act()
        return await real(*arguments, **named)

    monkeypatch.setattr(owner, name, acted)


def cancel_foreign(world: World, exchange: str, symbol: str) -> Any:
    return world.keyctl("cancel", "--foreign", "--symbol", symbol, "-a", f"{exchange}-a", "--yes", "--json")


@places
def test_a_foreign_one_that_fires_before_its_cancel_is_not_called_canceled(
    world: World, exchange: str, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(world, exchange, symbol, "take-profit-limit")
    forget(world)
    before(monkeypatch, foreign_orders, "_send", 1, lambda: fire(world, exchange, symbol, 59_000))
    ended = cancel_foreign(world, exchange, symbol)
    assert the_order(world, exchange).is_open
    assert (ended.exit_code, [row["outcome"] for row in ended.data["legs"]]) == (7, ["unknown"]), ended.stdout
    again = cancel_foreign(world, exchange, symbol)
    assert (again.exit_code, [row["outcome"] for row in again.data["legs"]]) == (0, ["canceled"]), again.stdout
    assert the_order(world, exchange).state is OrderState.CANCELED


@places
def test_one_that_fires_while_the_lists_are_read_is_on_one_of_them(
    world: World, exchange: str, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(world, exchange, symbol, "take-profit-limit")
    kept, markets = Session.fetch, ("SWAP",) if symbol == SWAP else ("SPOT",)
    fired: list[None] = []

    async def fetch(self: Session, request: Any, *arguments: Any, **named: Any) -> Any:
        got = await kept(self, request, *arguments, **named)
        waiting = request.path.rpartition("/")[2] in ("openAlgoOrders", "orders-algo-pending")
        if waiting and dict(request.params).get("instType") in (None, *markets) and not fired:
            fired.append(None)
            fire(world, exchange, symbol, 59_000)
        return got

    monkeypatch.setattr(Session, "fetch", fetch)
    ran = world.keyctl("orders", "list", "--open", f"{exchange}-a", "--json")
    assert the_order(world, exchange).is_open and fired
    numbers = {row["exchange_order_id"] for row in ran.data["orders"]}
    assert str(the_order(world, exchange).order_id) in numbers, ran.stdout


@places
def test_one_that_fires_after_a_lost_cancel_gets_a_cancel_of_its_own(
    world: World, exchange: str, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(world, exchange, symbol, "take-profit-limit")
    world.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="cancel")
    before(monkeypatch, cancel_order, "_send_cancel", 2, lambda: fire(world, exchange, symbol, 59_000))
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (0, "canceled"), ended.stdout
    assert the_order(world, exchange).state is OrderState.CANCELED
    assert len(calls(world, exchange, "cancel")) == 3


@places
def test_what_one_of_ours_became_is_canceled_once_beside_foreign_ones(world: World, exchange: str, symbol: str) -> None:
    place(world, exchange, symbol, "take-profit-limit")
    fire(world, exchange, symbol, 59_000)
    ended = cancel_foreign(world, exchange, symbol)
    assert ended.exit_code == 0, ended.stdout
    assert [row["foreign"] for row in ended.data["legs"] if row["outcome"] == "canceled"] == [False]
    assert len(calls(world, exchange, "cancel")) == 1


def test_what_one_of_ours_became_is_known_as_ours_where_the_exchange_tells_it(world: World) -> None:
    plan = place(world, "okx", SWAP, "take-profit-limit").data["plan"]
    fire(world, "okx", SWAP, 59_000)
    (shown,) = world.keyctl("orders", "list", "--open", "okx-a", "--json").data["orders"]
    assert (shown["plan"], shown["trigger"]) == (plan, None)


def test_the_same_number_on_another_symbol_is_another_order(world: World) -> None:
    """Binance counts order ids by symbol."""
    to = ("-a", "binance-a", "--leverage", "2", "--expect-value", "290", "--json")
    assert world.keyctl("order", "buy", "ETH/USDT:USDT", "0.1", "--price", "2900", *to).exit_code == 0
    foreign = the_order(world, "binance")
    forget(world)
    assert world.keyctl("order", "buy", SWAP, "0.005", "--price", "58000", *to).exit_code == 0
    venue = world.venue("binance")
    mine = next(order for order in venue.orders if order is not foreign)
    with venue.lock:
        foreign.order_id, foreign.client_order_id = mine.order_id, "somebodyelse"
    ended = world.keyctl("cancel", "--foreign", "-a", "binance-a", "--yes", "--json")
    assert [row["outcome"] for row in ended.data["legs"]] == ["canceled", "canceled"], ended.stdout
    assert not mine.is_open and not foreign.is_open


@places
def test_a_leg_whose_later_order_is_forgotten_stays_unknown_and_says_what_to_do(
    world: World, exchange: str, symbol: str
) -> None:
    place(world, exchange, symbol, "take-profit-limit")
    fire(world, exchange, symbol, 59_000)
    # The waiting order's own record stays; only what it became is gone.
    code = (
        '{"code": -2013, "msg": "Order does not exist."}' if exchange == "binance" else '{"code": "51603", "data": []}'
    )
    path = "/fapi/v1/order" if exchange == "binance" else "/api/v5/trade/order"
    status = 400 if exchange == "binance" else 200
    world.fault(kind=FaultKind.ANSWER, exchange=exchange, path=path, status=status, body=code, times=None)
    ended = world.keyctl("cancel", "--all", "--yes", "--json")
    assert (ended.exit_code, ended.data["legs"][0]["outcome"]) == (7, "unknown"), ended.stdout
    assert "keyctl orders resolve" in ended.data["legs"][0]["detail"]


def test_a_loan_is_never_risked_by_a_spot_order(world: World) -> None:
    """In modes that share margin, OKX may borrow by itself when an order goes beyond the balance."""
    from keyctl.twin.okx import wallets

    world.made["okx-a"].key.account_level = "3"
    shown = wallets.config_data
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wallets, "config_data", lambda key, venue: shown(key, venue) | {"autoLoan": True})
        ran = world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--json", "--yes")
    assert (ran.exit_code, calls(world, "okx", "place")) == (4, []), ran.stdout
    assert "borrow" in ran.stdout
