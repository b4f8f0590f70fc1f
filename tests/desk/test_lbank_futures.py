"""Orders on LBank's contract API, from the command to the twin: told first, sent once, and unknown until proven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from keyctl.model.words import OrderType, Side
from keyctl.twin.derivatives import DerivativeDraft
from keyctl.twin.faults import FaultKind
from tests.support.ran import Ran
from tests.support.skipping import SkipClock
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

SYMBOL = "BTC/USDT:USDT"
ORDER = ("order", "buy", SYMBOL, "0.002", "--price", "59000", "--leverage", "2", "-a", "lbank-a")
AGREED = ("--experimental", "--expect-value", "118", "--yes")


class Bench:
    """One LBank account, and keyctl run with a clock that skips."""

    def __init__(self, folder: Path) -> None:
        self.clock = SkipClock()
        self.world = World(folder, now_ms=self.clock.now_ms)

    def run(self, *arguments: str) -> Ran:
        return self.world.keyctl(*arguments, "--json", clock=self.clock)

    @property
    def placed(self) -> int:
        """Order calls that arrived, taken or not."""
        return sum(self.world.venue("lbank").calls.arrivals.values())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "bench")
    with made.world:
        made.world.add("lbank", rights=("read", "spot_trade", "futures_trade"))
        yield made


def test_without_the_word_experimental_the_contradictions_are_told_and_nothing_is_sent(bench: Bench) -> None:
    ran = bench.run(*ORDER, "--yes")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "experimental")
    told = " ".join(error["hints"])
    for word in ("orderPriceType", "posiDirection", "offsetFlag", "stays unknown until you decide", "--experimental"):
        assert word in told
    assert not [line for line in bench.world.venue("lbank").calls.lines if line.changes]


def test_the_word_alone_is_not_enough_the_value_is_wanted_too(bench: Bench) -> None:
    ran = bench.run(*ORDER, "--experimental", "--yes")
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "soft_limit")
    assert error["message"].endswith("an order on unconfirmed facts of LBank; nothing was sent")
    assert any(hint.startswith("posiDirection: ") for hint in error["hints"])
    assert bench.placed == 0


def test_a_dry_run_tells_the_contradictions_one_by_one(bench: Bench) -> None:
    ran = bench.run(*ORDER, "--experimental", "--dry-run")
    assert ran.exit_code == 0
    assert "confirmation limit: an order on unconfirmed facts of LBank:" in ran.document["warnings"]
    assert any(text.startswith("- posiDirection: ") for text in ran.document["warnings"])


def test_a_person_reads_the_contradictions_line_by_line_before_the_question(world: World) -> None:
    world.add("lbank", rights=("read", "spot_trade", "futures_trade"))
    person = keyctl_at_terminal([*ORDER, "--experimental"], world.home, COLUMNS="80")
    code, shown = person.waits_for("(the total in USD) to send").types("no\r").leaves()
    assert code == 4, shown
    lines = shown.partition("(the total in USD)")[0].splitlines()
    for word in ("orderPriceType", "posiDirection", "Margin mode", "offsetFlag", "Leverage", "Unknown orders"):
        assert [line for line in lines if line.startswith(f"- {word}: ")], word
    assert max(map(len, lines)) <= 80
    assert world.placements() == {}


@pytest.mark.parametrize("extra", [("--post-only",), ("--tif", "ioc"), ("--reduce-only",), ("--stop-at", "70000")])
def test_kinds_of_order_that_nobody_has_seen_there_are_refused_before_anything_is_sent(
    bench: Bench, extra: tuple[str, ...]
) -> None:
    ran = bench.run(*ORDER, *extra, *AGREED)
    assert ran.exit_code == 4, ran.stdout
    assert not [line for line in bench.world.venue("lbank").calls.lines if line.changes]


def test_a_margin_mode_that_cannot_be_read_is_not_promised(bench: Bench) -> None:
    ran = bench.run(*ORDER, "--margin", "isolated", *AGREED)
    assert ran.exit_code == 4 and "does not report the margin mode" in ran.document["errors"][0]["message"]
    assert bench.placed == 0


def test_an_order_whose_answer_is_lost_is_found_by_its_id(bench: Bench) -> None:
    bench.world.fault(exchange="lbank", operation="place", kind=FaultKind.RESET_AFTER)
    ran = bench.run(*ORDER, *AGREED)
    (leg,) = ran.data["legs"]
    assert (ran.exit_code, leg["outcome"]) == (0, "accepted")
    assert bench.placed == len(bench.world.venue("lbank").orders) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.HANG_BEFORE, FaultKind.HTML])
def test_an_order_that_no_look_up_shows_stays_unknown_until_a_person_decides(bench: Bench, kind: FaultKind) -> None:
    bench.world.fault(exchange="lbank", operation="place", kind=kind)
    ran = bench.run(*ORDER, *AGREED)
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (7, "unknown")
    for seconds in (60, 3600, 86_400):
        bench.clock.skip(seconds)
        settled = bench.run("orders", "settle", "--wait")
        assert settled.exit_code == 7, settled.stdout
        assert "you must decide" in settled.stdout
    assert bench.placed == 1 and bench.world.venue("lbank").orders == []
    # It blocks its account and symbol meanwhile.
    again = bench.run(*ORDER, "--again", *AGREED)
    assert again.exit_code == 7 and bench.placed == 1


@pytest.mark.parametrize("what", ["id", "symbol", "side"])
def test_an_answer_about_another_order_is_not_believed(bench: Bench, what: str) -> None:
    bench.world.fault(exchange="lbank", operation="place", kind=FaultKind.WRONG_ECHO, what=what)
    ran = bench.run(*ORDER, *AGREED)
    # The look-up by our id shows what was really taken.
    assert (ran.exit_code, ran.data["legs"][0]["outcome"]) == (0, "accepted")
    assert bench.placed == 1


def test_what_is_open_and_held_is_shown_and_an_open_order_can_be_canceled(bench: Bench) -> None:
    assert bench.run(*ORDER, *AGREED).exit_code == 0
    (row,) = bench.run("orders", "list", "--open", "lbank-a").data["orders"]
    assert (row["symbol"], row["side"], row["quantity"]) == (SYMBOL, "buy", "0.002")
    assert bench.run("positions", "lbank-a").data["positions"] == []
    plan = bench.run("orders", "list").data["orders"][0]["plan"]
    assert bench.run("cancel", "--plan", plan, "--yes").exit_code == 0
    assert bench.run("orders", "list", "--open", "lbank-a").data["orders"] == []
    assert [order.state for order in bench.world.venue("lbank").orders] == ["canceled"]


def test_a_filled_order_is_a_net_position(bench: Bench) -> None:
    filled = tuple("60012" if word == "59000" else word for word in ORDER)
    agreed = tuple("120.02" if word == "118" else word for word in AGREED)
    assert bench.run(*filled, *agreed).exit_code == 0
    (position,) = bench.run("positions", "lbank-a").data["positions"]
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", "0.002", "2")
    assert position["margin"] is None


def test_an_order_that_somebody_else_placed_is_canceled_by_its_order_id(bench: Bench) -> None:
    venue, made = bench.world.venue("lbank"), bench.world.made["lbank-a"]
    rules = venue.derivatives.instruments["BTCUSDT"]
    draft = DerivativeDraft(made.key.uid, "x", rules, Side.BUY, OrderType.LIMIT, Decimal("0.01"), Decimal(50000))
    order, other = venue.derivatives.place(draft), venue.derivatives.place(replace(draft, price=Decimal(40000)))
    venue.derivatives.cancel(other)
    ran = bench.run("cancel", "-a", "lbank-a", "--foreign", "--symbol", SYMBOL, "--yes")
    assert ran.exit_code == 0, ran.stdout
    assert order.state == "canceled"
    assert len([line for line in venue.calls.lines if line.operation == "cancel"]) == 1
