"""What a person types is the total as it was shown and nothing near it; where there is no total, a word or a yes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

import pytest

from keyctl.app import App
from keyctl.desk.consent import Consent, ask
from keyctl.desk.order_view import money, total_data, total_text
from keyctl.errors import CheckFailed, NeedsPerson
from keyctl.model.words import Kind
from keyctl.orders import preflight
from keyctl.orders.plan import Plan, PlannedLeg
from keyctl.orders.preview import Preview
from keyctl.orders.value import Value, is_typed, rounded
from tests.support.ran import Ran
from tests.support.spot_wishes import planned, wish
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import RIGHTS, World

D = Decimal
SYMBOL = "BTC/USDT:USDT"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1200.24", "1200.24"), ("1,200.24", "1200.24"), (" 1200.24 ", "1200.24"), ("1200.240", "1200.24"),
        ("1,234,567.80", "1234567.8"), ("1234567.8", "1234567.8"), ("01200.24", "1200.24"),
        ("60", "60"), ("60.00", "60"), ("60.0", "60.001"), ("60.01", "60.006"), ("0.0012", "0.001234"),
        ("0.50", "0.5"), ("100000000000000000000000000000.01", "100000000000000000000000000000.01"),
    ],
)  # fmt: skip
def test_the_total_as_shown_is_taken(typed: str, value: str) -> None:
    assert is_typed(typed, D(value))


@pytest.mark.parametrize(
    "typed",
    [
        "1190", "1200", "1201", "1200.2", "1200.23", "1200.25", "1200.241", "1212.24", "120024", "12.0024", "1.200,24",
        "1200,24", "12,00.24", "1,200.24,", ",1200.24", "1 200.24", "+1200.24", "-1200.24", "1200.24 USD", "$1200.24",
        "1.20024e3", "1_200.24", "\uff11\uff12\uff10\uff10.\uff12\uff14", "0x4b0", "", " ", "y", "yes",
        "close", "NaN", "inf", "1200.24\n1200.24", "1200.24.", "9" * 500,
    ],
)  # fmt: skip
def test_nothing_near_the_total_and_no_other_writing_is_taken(typed: str) -> None:
    assert not is_typed(typed, D("1200.24"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1200.24", "1,200.24"), ("60", "60.00"), ("0.01", "0.01"), ("0.00123456", "0.0012"), ("0", "0.00"),
        ("0.000000099", "0.000000099"), ("-5.5", "-5.50"), ("1" + "0" * 35 + ".005", "1" + ",000" * 11 + ",000.00"),
    ],
)  # fmt: skip
def test_a_value_is_shown_so_that_it_can_be_typed(value: str, shown: str) -> None:
    if len(value) < 30:
        assert money(D(value)) == shown
    if D(value) > 0:
        assert is_typed(f"{rounded(D(value)):f}", D(value)) and is_typed(money(D(value)), D(value))


# The question.


@dataclass
class Answering:
    """A prompt with one answer; `asked` is what was asked and shown."""

    answer: str | None
    asked: list[str] = field(default_factory=list)

    @property
    def has_terminal(self) -> bool:
        return self.answer is not None

    def show(self, text: str) -> None:
        self.asked.append(text)

    def ask(self, text: str, **options: str) -> str:
        self.asked.append(text)
        assert self.answer is not None
        return self.answer


@dataclass
class Office:
    """What `ask` needs of an App."""

    prompt: Answering
    no_input: bool = False


def leg(value: str | None, *soft: str) -> PlannedLeg:
    """A leg of that value; without one it is of those that can only reduce."""
    made = replace(planned(wish()), soft=soft, value=None if value is None else Value(D(value), D(value)))
    return made if value is not None else replace(made, leg=replace(made.leg, exempt=True))


def agrees(legs: list[PlannedLeg], answer: str | None = None, **consent: Any) -> str:
    """ "sent" where it goes on, else the error's code; and what was asked, in `agrees.asked`."""
    prompt = Answering(answer)
    shown = Preview(Plan("p", Kind.DEMO, tuple(legs), ()), (), (), 0.0, True)
    try:
        ask(cast(App, Office(prompt)), shown, Consent(**consent))
    except (CheckFailed, NeedsPerson) as error:
        return error.code
    return "sent"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1200.24", "sent"),
        ("1,200.24", "sent"),
        ("1190", "not_confirmed"),
        ("1212", "not_confirmed"),
        ("y", "not_confirmed"),
    ],
)
def test_the_one_per_cent_is_that_of_expect_value_alone(typed: str, code: str) -> None:
    assert agrees([leg("1000.24"), leg("200")], typed) == code


@pytest.mark.parametrize(
    ("expected", "code"),
    [("1200.24", "sent"), ("1190", "sent"), ("1212", "sent"), ("1188", "value_differs"), ("1213", "value_differs")],
)
def test_an_expected_value_may_be_off_by_one_per_cent(expected: str, code: str) -> None:
    assert agrees([leg("1200.24")], expected_usd=D(expected)) == code


@pytest.mark.parametrize(
    ("values", "consent", "code"),
    [
        ([None], {"answer": "close"}, "sent"),
        ([None], {"answer": "0.00"}, "not_confirmed"),
        ([None], {"answer": "0"}, "not_confirmed"),
        ([None], {"answer": "yes"}, "not_confirmed"),
        ([None, "500"], {"answer": "500.00"}, "not_confirmed"),
        ([None, "500"], {"answer": "close"}, "sent"),
        ([None], {"yes": True}, "sent"),
        ([None], {}, "needs_person"),
        # What is known must not be above what is expected; what is not known may be anything.
        ([None], {"expected_usd": D("0.01")}, "sent"),
        ([None, "500"], {"expected_usd": D(900)}, "sent"),
        ([None, "500"], {"expected_usd": D(500)}, "sent"),
        ([None, "500"], {"expected_usd": D(400)}, "value_differs"),
    ],
)
def test_a_total_that_is_not_known_takes_a_word_or_a_yes(
    values: list[str | None], consent: dict[str, Any], code: str
) -> None:
    assert agrees([leg(value) for value in values], **consent) == code


def test_a_soft_limit_of_what_only_reduces_needs_no_value_where_there_is_none() -> None:
    assert agrees([leg(None, "this is a market order (no --price)")], yes=True) == "sent"
    assert agrees([leg(None), leg("500", "an order above 500 USD")], yes=True) == "soft_limit"


def test_a_total_says_what_is_known_of_it() -> None:
    plans = [Plan("p", Kind.DEMO, tuple(map(leg, values)), ()) for values in (["1200.24"], [None, "500"], [None])]
    assert [total_text(plan) for plan in plans] == [
        "1,200.24 USD in total",
        "at least 500.00 USD in total",
        "total value unknown",
    ]
    assert [total_data(plan) for plan in plans] == ["1200.24", None, None]


# Over the twin: leaving where the quote currency has no price.


def unpriced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*facts: Any) -> tuple[Decimal | None, str]:
        return None, "its prices disagree"

    monkeypatch.setattr(preflight, "usd_per_quote", unknown)


def hold(world: World) -> None:
    world.add("okx", rights=RIGHTS)
    words = ("order", "buy", SYMBOL, "0.005", "--leverage", "2", "-a", "okx-a", "--expect-value", "303")
    assert world.keyctl(*words).exit_code == 0


def codes(ran: Ran) -> list[str]:
    return [error["code"] for error in ran.document["errors"]]


def test_a_position_is_closed_where_its_value_cannot_be_worked_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(world)
    unpriced(monkeypatch)
    draft = world.keyctl("close", SYMBOL, "-a", "okx-a", "--dry-run", "--json")
    assert (draft.exit_code, draft.data["value_usd"]) == (0, None)
    assert any("cannot calculate" in text for text in draft.document["warnings"])
    assert "unknown" in world.keyctl("close", SYMBOL, "-a", "okx-a", "--dry-run").stdout
    asked = world.keyctl("close", SYMBOL, "-a", "okx-a", "--json")
    assert (asked.exit_code, asked.document["errors"][0]["hints"]) == (10, ["in a script: --yes"])
    ran = world.keyctl("close", SYMBOL, "-a", "okx-a", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    newest = world.keyctl("orders", "--json").data["orders"][0]
    assert (newest["state"], newest["value_usd"]) == ("accepted", None)
    assert world.keyctl("limits").exit_code == 0


def test_an_order_that_opens_is_refused_where_its_value_cannot_be_worked_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(world)
    unpriced(monkeypatch)
    before = len(world.placements())
    ran = world.keyctl("order", "buy", SYMBOL, "0.004", "--leverage", "2", "-a", "okx-a", "--yes", "--json")
    assert (ran.exit_code, codes(ran), len(world.placements())) == (4, ["value_unknown"], before)


def test_both_values_stand_in_a_preview_where_they_differ(world: World) -> None:
    world.add("binance")
    buy = ("order", "buy", "BTC/USDT", "0.005", "-a", "binance-a", "--dry-run")
    _, shown = keyctl_at_terminal([*buy, "--price", "58000"], world.home, COLUMNS="120").leaves()
    assert "290.00 USD in total" in shown and "300.06 USD at the best price" in shown, shown
    _, shown = keyctl_at_terminal([*buy, "--price", "59900"], world.home, COLUMNS="120").leaves()
    assert "299.50 USD in total" in shown and "at the best price" not in shown, shown
    told = world.keyctl(*buy, "--price", "58000", "--json").data
    assert (told["value_usd"], told["counted_usd"]) == ("290", "300.06")


@pytest.mark.parametrize(("typed", "code"), [("1190", 4), ("1,200.24", 0)])
def test_1190_is_not_1200_24(world: World, typed: str, code: int) -> None:
    """0.02 at the venue's own market type, which is counted at the best ask of 60012."""
    world.add("binance")
    config = world.home / "config" / "config.toml"
    config.write_text("[limits]\nleg_value_usd = 2000\n")
    config.chmod(0o600)
    words = ["order", "buy", "BTC/USDT", "0.02", "--max-slippage", "none", "-a", "binance-a"]
    person = keyctl_at_terminal(words, world.home, COLUMNS="120")
    person.waits_for("Type 1200.24 (the total in USD) to send").types(f"{typed}\n")
    left, shown = person.leaves()
    assert (left, len(world.placements())) == (code, 0 if code else 1), shown


@pytest.mark.parametrize("size", [("0.005",), ("--quote", "100"), ("--percent", "50"), ("0.005", "--total")])
def test_a_slip_in_the_price_is_told_as_that_and_not_as_a_missing_balance(world: World, size: tuple[str, ...]) -> None:
    world.add("okx", balances={"USDT": D(100)})
    ran = world.keyctl("order", "buy", "BTC/USDT", *size, "--price", "5700000", "--fanout", "-a", "okx-a", "--json")
    assert (ran.exit_code, codes(ran)) == (4, ["price_through"]), ran.stdout
