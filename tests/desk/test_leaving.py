"""What may stop an order that its venue holds to reducing, and what must not: line by line, at every venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyctl.desk import consent
from keyctl.errors import ExitCode
from keyctl.model.words import Kind, PositionSide, Side
from keyctl.network.session import READ_TRIES
from keyctl.orders import precedence
from keyctl.twin.faults import FaultKind
from tests.support.processes import race
from tests.support.ran import Ran
from tests.support.starts import FUTURES, PERPETUAL
from tests.support.trader import Shared, Trader
from tests.support.world import RIGHTS, open_position

MARGIN_PATHS = {"binance": "*/balance*", "bitfinex": "*/wallets", "okx": "*/account/balance*"}
RIGHTS_PATHS = {"binance": "*apiRestrictions*", "bitfinex": "*/permissions", "okx": "*/account/config*"}


class Desk(Trader):
    """A new account at one venue, long 0.02 BTC, in a world that all cases of this module share."""

    def __init__(self, shared: Shared, exchange: str, rights: tuple[str, ...] = RIGHTS) -> None:
        super().__init__(shared, exchange, rights)
        self.go_long()
        self.limits()

    def limits(self, **values: object) -> None:
        """Writes config.toml with these limits and no others."""
        lines = ["[limits]", *(f"{name} = {value}" for name, value in values.items())]
        self.world.app().home.config_file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def reduce(self, *words: str) -> Ran:
        return self.run("order", "sell", PERPETUAL, "0.02", "--reduce-only", "--yes", *words)

    def opening(self, size: str, price: str) -> Ran:
        """An order that opens, resting far below the market."""
        words = ("order", "buy", PERPETUAL, size, "--price", price, "--leverage", "3", "--change-existing")
        drafted = self.run(*words, "--dry-run")
        assert drafted.exit_code == 0, drafted.stdout
        return self.run(*words, "--expect-value", drafted.data["value_usd"])

    def unknown_opening(self) -> None:
        """An order that opens, and of which nobody knows what became."""
        self.world.fault(kind=FaultKind.RESET_BEFORE, exchange=self.exchange, operation="place")
        ran = self.opening("0.005", "50000")
        assert ran.exit_code == ExitCode.UNKNOWN, ran.stdout


@pytest.fixture(params=FUTURES)
def desk(request: pytest.FixtureRequest, shared: Shared) -> Iterator[Desk]:
    world = shared[0]
    made = Desk(shared, request.param)
    yield made
    world.twin.faults.clear()
    made.run("cancel", "--yes")
    world.keyctl("halt", "--lift")


def _day_used(desk: Desk) -> None:
    desk.limits(day_value_usd=1)


def _spent_softly(desk: Desk) -> None:
    """More than half of the day's cap is used: a soft limit, which a script could not pass with --yes alone."""
    desk.limits(day_value_usd=10**9)
    assert desk.opening("0.01", "50000").exit_code == 0
    journal = desk.world.app(desk.clock).journal
    used = journal.counts_today(Kind.DEMO).used  # of this order, which stays open, and of those of before
    journal.close()
    assert used >= 500
    desk.limits(day_value_usd=round(used * Decimal("1.2")))


def _other_value(desk: Desk) -> None:
    desk.limits(leg_value_usd=1, plan_value_usd=1)


def _rates(desk: Desk) -> None:
    desk.limits(day_value_usd=10**9)
    assert desk.opening("0.002", "50000").exit_code == 0
    desk.run("cancel", "--yes")
    desk.limits(orders_per_minute=1, orders_per_hour=1)


def _halted(desk: Desk) -> None:
    assert desk.world.keyctl("halt", "a leak").exit_code == 0


def _other_position(desk: Desk) -> None:
    """An unknown order that reduces the other side of an account in hedge mode; Bitfinex has no such mode."""
    if desk.exchange == "bitfinex":
        return
    venue, uid = desk.world.venue(desk.exchange), desk.world.made[desk.label].key.uid
    assert desk.close().exit_code == 0
    venue.derivatives.set_hedge(uid, True)
    for side, held in ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)):
        open_position(desk.world, desk.label, PERPETUAL, side, "2" if desk.exchange == "okx" else "0.02", held)
    desk.world.fault(kind=FaultKind.RESET_BEFORE, exchange=desk.exchange, operation="place")
    assert desk.close("--position", "short").exit_code == ExitCode.UNKNOWN
    with venue.lock:
        short = next(item for item in venue.derivatives.positions(uid) if item.side is PositionSide.SHORT)
    assert short.contracts


def _setting_held(desk: Desk) -> None:
    journal = desk.world.app(desk.clock).journal
    account = desk.world.account(desk.label)
    journal.settings.take(desk.label, journal.exchange_accounts.of(account.id), PERPETUAL, "leverage 5")
    journal.close()


def _no_rights_read(desk: Desk) -> None:
    # So often is a read tried; at OKX the same call tells the position mode later, which an order does need.
    desk.world.fault(kind=FaultKind.ANSWER, exchange=desk.exchange, path=RIGHTS_PATHS[desk.exchange], status=500,
                     body="oops", times=READ_TRIES)  # fmt: skip


def _no_margin_read(desk: Desk) -> None:
    # Binance and OKX tell modes and leverages on other paths; Bitfinex's wallets are read for the margin alone.
    desk.world.fault(kind=FaultKind.ANSWER, exchange=desk.exchange, path=MARGIN_PATHS[desk.exchange], status=500,
                     body="oops", times=None)  # fmt: skip


PASSES: dict[str, Callable[[Desk], None]] = {
    "the day's cap": _day_used,
    "half of the day's cap": _spent_softly,
    "the caps of an order and a plan": _other_value,
    "order rates": _rates,
    "a halt": _halted,
    "an unknown order that opens": Desk.unknown_opening,
    "an unknown order of the other position": _other_position,
    "a leverage that another run holds": _setting_held,
    "rights that cannot be read": _no_rights_read,
    "a margin that cannot be read": _no_margin_read,
}


@pytest.mark.parametrize("what", PASSES)
def test_it_stops_no_close_and_yes_alone_is_enough_in_a_script(desk: Desk, what: str) -> None:
    PASSES[what](desk)
    ran = desk.close("--position", "long")
    assert ran.exit_code == 0, ran.stdout
    uid = desk.world.made[desk.label].key.uid
    left = desk.world.venue(desk.exchange).derivatives.positions(uid)
    assert not [item for item in left if item.side is PositionSide.LONG]


@pytest.mark.parametrize("what", [what for what in PASSES if what != "an unknown order of the other position"])
def test_it_stops_no_order_that_only_reduces(desk: Desk, what: str) -> None:
    PASSES[what](desk)
    ran = desk.reduce()
    assert ran.exit_code == 0, ran.stdout
    assert desk.flat


def test_a_key_that_may_withdraw_is_warned_of(shared: Shared) -> None:
    for exchange in FUTURES:
        desk = Desk(shared, exchange, (*RIGHTS, "withdraw"))
        ran = desk.reduce()
        assert ran.exit_code == 0, ran.stdout
        assert any("can withdraw" in text for text in ran.document["warnings"])
        assert desk.flat


def test_without_a_usable_price_only_a_limit_cannot_be_made(desk: Desk) -> None:
    book = desk.world.venue(desk.exchange).derivatives.book(PERPETUAL)
    asks, bids = list(book.asks), list(book.bids)
    book.asks[:] = [(bids[0][0] / 2, Decimal(1))]  # crossed: no price can be told from it
    try:
        ran = desk.close()
        assert ran.exit_code not in (0, ExitCode.UNKNOWN), ran.stdout
        assert any("--max-slippage none" in hint for error in ran.document["errors"] for hint in error["hints"])
        ran = desk.close("--max-slippage", "none")
        assert ran.exit_code == 0, ran.stdout
    finally:
        book.asks[:], book.bids[:] = asks, bids
    assert desk.flat


# What stops it.


def elsewhere(run: Callable[[], Ran]) -> int:
    """The exit code of a run in another process."""
    (code,) = race(1, lambda number: int(run().exit_code))
    return code


def test_a_missing_yes_stops_it(desk: Desk) -> None:
    ran = desk.run("close", PERPETUAL)
    assert (ran.exit_code, desk.flat) == (ExitCode.PERSON, False)


def test_the_bounds_of_a_price_stop_it(desk: Desk) -> None:
    ran = desk.close("--max-slippage", "0.06")
    assert (ran.exit_code, desk.flat) == (ExitCode.CHECK, False), ran.stdout


def test_the_venues_filters_stop_it(desk: Desk) -> None:
    ran = desk.run("order", "sell", PERPETUAL, "0.0000001", "--reduce-only", "--yes")
    assert (ran.exit_code, desk.flat) == (ExitCode.CHECK, False), ran.stdout


def test_no_connection_stops_it(desk: Desk) -> None:
    desk.world.fault(kind=FaultKind.RESET_UNREAD, exchange=desk.exchange, times=None)
    ran = desk.close()
    assert (ran.exit_code, desk.flat) == (ExitCode.UNREACHED, False), ran.stdout


def test_an_unknown_close_stops_the_next_one_only_until_its_window_is_over(desk: Desk) -> None:
    desk.world.fault(kind=FaultKind.RESET_BEFORE, exchange=desk.exchange, operation="place")
    assert desk.close().exit_code == ExitCode.UNKNOWN
    sized = desk.reduce("--again")
    assert (sized.exit_code, desk.flat) == (ExitCode.UNKNOWN, False), sized.stdout
    before = desk.clock.skipped
    ran = desk.close()
    assert ran.exit_code == 0, ran.stdout
    assert desk.flat and desk.clock.skipped - before < 16


def test_what_another_order_closed_meanwhile_needs_no_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.desk import close as closing

    ask = consent.ask

    def slowly(*arguments: Any) -> None:
        monkeypatch.setattr(closing, "ask", ask)
        assert elsewhere(desk.close) == 0  # by another run, while this one waits for its yes
        ask(*arguments)

    monkeypatch.setattr(closing, "ask", slowly)
    placed = sum(desk.world.placements().values())
    ran = desk.close()
    assert ran.exit_code == 0, ran.stdout
    assert desk.flat and sum(desk.world.placements().values()) == placed + 1
    assert any("another order has closed this position" in text for text in ran.document["warnings"])


def test_what_another_order_left_is_closed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.desk import close as closing

    ask = consent.ask

    def slowly(*arguments: Any) -> None:
        monkeypatch.setattr(closing, "ask", ask)
        assert elsewhere(lambda: desk.run("order", "sell", PERPETUAL, "0.01", "--reduce-only", "--yes")) == 0
        ask(*arguments)

    monkeypatch.setattr(closing, "ask", slowly)
    ran = desk.close()
    assert ran.exit_code == 0, ran.stdout
    assert desk.flat
    assert [Decimal(leg["quantity"]) for leg in ran.data["legs"]] == [Decimal("0.01")]


def test_what_is_reduced_during_the_wait_for_another_account_is_read_again_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyctl.desk import close as closing

    second = Desk((desk.world, desk.clock), desk.exchange)
    ask, wait = consent.ask, precedence.wait_for_others
    half = ("order", "sell", PERPETUAL, "0.01", "--reduce-only", "--yes")

    def slowly(*arguments: Any) -> None:
        assert elsewhere(lambda: desk.run(*half)) == 0
        ask(*arguments)

    async def long(*arguments: Any) -> Any:
        found = await wait(*arguments)
        assert elsewhere(lambda: second.run(*half)) == 0
        return found

    monkeypatch.setattr(closing, "ask", slowly)
    monkeypatch.setattr(closing, "wait_for_others", long)
    ran = desk.close("-a", second.label)
    assert ran.exit_code == 0, ran.stdout
    assert desk.flat and second.flat
    assert [Decimal(leg["quantity"]) for leg in ran.data["legs"]] == [Decimal("0.01")] * 2


def test_a_close_looks_up_no_order_that_cannot_change_it(desk: Desk) -> None:
    desk.unknown_opening()
    journal = desk.world.app(desk.clock).journal
    label = desk.label
    (opening,) = [leg for leg in journal.unsettled() if leg.leg.account == label]
    looked = len(journal.events(opening.leg.plan_id))
    assert desk.close().exit_code == 0
    assert desk.flat and len(journal.events(opening.leg.plan_id)) == looked
    journal.close()


def test_a_second_key_that_is_found_out_late_keeps_no_other_account_from_closing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keyctl.desk import close as closing

    other = Desk((desk.world, desk.clock), desk.exchange)
    mate = f"{desk.label}-mate"
    desk.world.add(desk.exchange, mate, rights=RIGHTS, uid=desk.world.made[desk.label].key.uid)
    monkeypatch.setattr(closing, "_one_key_each", lambda seen, journal: (list(seen), []))
    ran = desk.close("-a", mate, "-a", other.label)
    assert ran.exit_code == ExitCode.PARTIAL, ran.stdout
    assert desk.flat and other.flat
    assert [error["account"] for error in ran.document["errors"]] == [desk.label]  # which was named after its mate


def test_the_printed_close_of_what_is_left_can_be_pasted(desk: Desk, tmp_path: Path) -> None:
    """Opened, half of it reduced, and the rest closed, all within a minute."""
    assert desk.run("order", "sell", PERPETUAL, "0.01", "--reduce-only", "--yes").exit_code == 0
    assert desk.close().exit_code == 0
    assert desk.flat
