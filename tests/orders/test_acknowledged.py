"""An exchange that only acknowledges orders: nothing is accepted until a look-up shows it, and it may still say no.

None of the shipped exchanges is one; the fact is set on one for these tests.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyctl.exchanges import shipped
from keyctl.journal.legs import Journal
from keyctl.model.order import LegResult
from keyctl.model.words import Kind, OrderState
from keyctl.orders import fanout
from keyctl.orders.comparing import NEW_SECONDS
from tests.support.skipping import SkipClock
from tests.support.world import RIGHTS, World

ORDER = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "-a", "binance-a", "--yes", "--json")


@pytest.fixture
def clock() -> SkipClock:
    return SkipClock()


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    real = shipped.profile
    monkeypatch.setattr(shipped, "profile", lambda name: real(name)._replace(acknowledges=True))
    world.add("binance")
    return world


def story(world: World) -> list[str]:
    """What happened to the first leg, in order."""
    leg = world.app().journal.everything()[0]
    kinds = [str(event["kind"]) for event in world.app().journal.events(leg.leg.plan_id)]
    return [kind for kind in kinds if kind in ("acknowledged", "accepted", "rejected", "unknown", "looked_up")]


def test_a_look_up_in_the_same_command_shows_the_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    while_checked = list[tuple[str, str]]()
    real = Journal.acknowledge

    def seen(journal: Journal, results: list[tuple[int, LegResult]]) -> None:
        real(journal, results)
        while_checked.extend((leg.state, leg.detail) for leg in journal.everything())

    monkeypatch.setattr(Journal, "acknowledge", seen)
    ran = world.keyctl(*ORDER)
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"], leg["status"]) == (0, "accepted", "open"), ran.stdout
    assert while_checked == [("sent", "acknowledged, being checked")]
    assert story(world) == ["acknowledged", "accepted"]


def test_what_no_look_up_shows_is_unknown_and_found_later(world: World) -> None:
    venue = world.twin.venue("binance")
    venue.hide_seconds = 3600
    ran = world.keyctl(*ORDER)
    assert (ran.exit_code, [leg["outcome"] for leg in ran.data["legs"]]) == (7, ["unknown"])
    (leg,) = world.app().journal.everything()
    assert (leg.state, leg.exchange_order_id) == ("unknown", str(venue.orders[0].order_id))
    assert story(world)[0] == "acknowledged" and story(world)[-1] == "unknown"
    venue.orders[0].visible_from_ms = 0
    assert world.keyctl("orders", "settle").exit_code == 0
    assert world.app().journal.everything()[0].state == "accepted"
    assert world.placements() and max(world.placements().values()) == 1


def test_one_that_was_acknowledged_right_before_an_end_is_looked_up_and_never_sent_again(
    world: World, clock: SkipClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(fanout, "_clear_up", ended)
        with pytest.raises(SystemExit):
            world.keyctl(*ORDER)
    journal = world.app().journal
    (leg,) = journal.everything()
    assert (leg.state, leg.detail, journal.used_today(leg.kind) > 0) == ("sent", "acknowledged, being checked", True)
    assert world.keyctl(*ORDER, clock=clock).exit_code == 4, "a repeat"
    assert world.keyctl("orders", "settle").exit_code == 0
    assert world.app().journal.everything()[0].state == "accepted"
    assert list(world.placements().values()) == [1]


def reject(world: World) -> Kind:
    """An order that was accepted and counts, and that its exchange rejects now."""
    assert world.keyctl(*ORDER).exit_code == 0
    journal = world.app().journal
    (leg,) = journal.everything()
    assert (leg.state, journal.used_today(leg.kind) > 0) == ("accepted", True)
    venue = world.twin.venue("binance")
    with venue.lock:
        venue.end(venue.orders[0], OrderState.REJECTED, "risk")
    return leg.kind


def test_a_rejection_that_is_found_later_is_one_gives_back_its_value_and_is_told_once(world: World) -> None:
    kind = reject(world)
    told = [world.keyctl("orders", "--open", "--json") for _ in range(2)]
    assert [[change["status"] for change in ran.data["changed"]] for ran in told] == [["rejected"], []], told[0].stdout
    journal = world.app().journal
    assert (journal.everything()[0].state, journal.used_today(kind)) == ("rejected", Decimal(0))


def test_so_is_one_that_a_cancel_finds(world: World) -> None:
    kind = reject(world)
    ran = world.keyctl("cancel", "--all", "--yes", "--json")
    assert ran.exit_code == 0 and "finished: rejected" in ran.stdout
    journal = world.app().journal
    assert (journal.everything()[0].state, journal.used_today(kind)) == ("rejected", Decimal(0))
    assert world.keyctl("orders", "--open", "--json").data["changed"] == []


def test_a_rejection_that_an_order_of_the_same_perpetual_comes_upon_is_still_told(world: World) -> None:
    """Beside an order nothing is said of others: what has to be told is left to the commands that tell it."""
    world.add("binance", "own", rights=RIGHTS)
    venue = world.twin.venue("binance")
    perpetual = ("BTC/USDT:USDT", "0.002", "--price", "58000", "-a", "own", "--leverage", "1", "--yes", "--json")
    assert world.keyctl("order", "buy", *perpetual).exit_code == 0
    with venue.lock:
        venue.end(venue.orders[-1], OrderState.REJECTED, "risk")
    with world.app().journal._database.transaction() as connection:
        connection.execute("UPDATE legs SET claimed_at=claimed_at-?", (2 * NEW_SECONDS,))
    assert world.keyctl("order", "buy", *perpetual, "--again").exit_code == 0
    told = world.keyctl("orders", "--open", "--json")
    assert [change["status"] for change in told.data["changed"]] == ["rejected"], told.stdout
