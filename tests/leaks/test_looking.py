"""What is looked at of an account's history: all of it, as far as an exchange lists it; and whose each order is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.model.words import Side
from keyctl.twin.faults import FaultKind
from tests.support.foreign_orders import foreign
from tests.support.leaks import SWAP, finds, leak, look, told
from tests.support.world import ALL, RIGHTS, World, open_position

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "60100", "--yes")


def test_what_lies_before_an_exchange_s_lists_is_unknown(world: World) -> None:
    world.add("okx")
    assert not any("last month" in word for word in told(leak(world, "okx-a"))["unknown"])
    assert any("of the last month only" in word for word in told(leak(world, "okx-a", "--since", "60d"))["unknown"])


def test_a_row_that_cannot_be_read_hides_no_page_behind_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.twin.okx import history

    world.add("okx")
    venue, uid = world.venue("okx"), world.made["okx-a"].key.uid
    now, bill = venue.now_ms(), history.bill_data
    for number in range(150):
        venue.happened(uid, "deposit", amount=Decimal(1), at_ms=now - number * 1000)
    venue.happened(uid, "withdrawal", amount=Decimal("-1.5"), at_ms=now - 200_000)
    odd = venue.happened(uid, "deposit", at_ms=now - 10)
    monkeypatch.setattr(history, "bill_data", lambda item: bill(item) | ({"balChg": ""} if item is odd else {}))
    ran = leak(world, "okx-a")
    kinds = [find["kind"] for find in told(ran)["not_ours"]]
    assert (kinds.count("withdrawal"), kinds.count("deposit")) == (1, 150)
    assert any("1 rows could not be read" in word for word in told(ran)["unknown"])


@pytest.mark.parametrize("exchange", ALL)
def test_at_every_exchange_keyctls_own_orders_and_trades_are_its_own(world: World, exchange: str) -> None:
    world.add(exchange, rights=RIGHTS)
    label = f"{exchange}-a"
    for words in (BUY, ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")):
        placed = world.keyctl(*words, "-a", label, "--json")
        assert placed.exit_code == 0, placed.stdout
    ran = look(world)
    assert (ran.exit_code, finds(ran)) == (0, [])
    told = [row["detail"] for row in ran.data["findings"] if row["level"] == "pass"]
    assert told and not any("0 orders and trades" in text for text in told)


def test_an_order_under_an_id_of_ours_is_not_ours_for_that(world: World) -> None:
    """Whoever holds the key reads our ids, and exchanges take one again once its order is final."""
    world.add("okx", rights=RIGHTS)
    world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "-a", "okx-a")
    ours = world.venue("okx").orders[-1]
    world.keyctl("cancel", "--all", "--yes")
    foreign(world, "okx").client_order_id = ours.client_order_id
    assert len(finds(look(world))) == 1


def test_after_a_lost_journal_it_is_unknown_whose_the_orders_of_before_are(world: World) -> None:
    world.add("okx")
    assert world.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    (world.home / "state" / "journal.db").write_bytes(b"garbage" * 1000)
    leak(world, "okx-a")
    ran = leak(world, "okx-a")
    assert [find["kind"] for find in told(ran)["not_ours"]] == ["trade"]
    assert any("a new journal was started" in word for word in told(ran)["unknown"])
    assert "did not come from" not in told(ran)["ticket"]


@pytest.mark.parametrize("exchange", ["binance", "okx", "bitfinex"])
def test_a_stop_of_ours_that_has_fired_is_ours(world: World, exchange: str) -> None:
    """Where it goes on under another number the exchange is asked for that; what it does not tell stays a find."""
    label = f"{exchange}-a"
    world.add(exchange, rights=RIGHTS)
    venue = world.venue(exchange)
    open_position(world, label, SWAP, Side.BUY, "2" if exchange == "okx" else "0.02")
    for order in venue.orders:
        order.fills.clear()  # how it came about is not looked at here
    stop = ("order", "sell", SWAP, "0.005", "--stop-at", "58000", "--reduce-only", "--yes", "-a", label)
    assert world.keyctl(*stop).exit_code == 0
    assert venue.trigger(SWAP, Decimal(57000))
    if exchange == "okx":
        fault = world.fault(kind=FaultKind.HTML, exchange=exchange, operation="query", times=None)
        assert ["it may be the stop" in text for text in finds(look(world))] == [True] and fault.used
        world.twin.faults.clear()
        (world.home / "state" / "known-use.json").unlink()
    ran = look(world)
    assert (ran.exit_code, finds(ran)) == (0, [])
