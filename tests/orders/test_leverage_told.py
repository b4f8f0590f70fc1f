"""After a leverage was set and the order was not sent, nobody is told that nothing was sent."""

from __future__ import annotations

from typing import Any

import pytest

from keyctl import errors
from keyctl.desk.order_results import with_leverage
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, OutcomeUnknown
from keyctl.network.session import Session
from keyctl.orders import send
from keyctl.terminal.output import Note, Result, Table, failure
from keyctl.twin.faults import FaultKind
from tests.support.starts import PERPETUAL
from tests.support.world import RIGHTS, World

ORDER = ("order", "buy", PERPETUAL, "0.002", "--price", "50000", "--leverage", "3", "--expect-value", "100", "--json")


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_a_price_that_moved_after_the_leverage_was_set(
    world: World, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(exchange, "a", rights=RIGHTS)

    async def moved(*arguments: Any) -> None:
        raise CheckFailed("a: the market moved since the preview; nothing was sent", code="price_moved", account="a")

    monkeypatch.setattr(send, "refresh", moved)
    ran = world.keyctl(*ORDER, "-a", "a", *(("--leverage", "2") if exchange == "okx" else ()))
    assert ran.exit_code == ExitCode.CHECK, ran.stdout
    (error,) = ran.document["errors"]
    assert "no order was sent" in error["message"] and "nothing was sent" not in ran.stdout
    assert [text for text in ran.document["warnings"] if "leverage was changed: a BTC/USDT:USDT (leverage " in text]


def test_an_order_that_went_out_needs_no_such_words(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code == 0, ran.stdout
    assert not [text for text in ran.document["warnings"] if "leverage was changed" in text]


def test_a_setting_without_an_answer_may_have_changed_it(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    world.fault(kind=FaultKind.RESET_AFTER, exchange="binance", path="/fapi/v1/leverage")
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code == ExitCode.UNREACHED, ran.stdout
    assert [text for text in ran.document["warnings"] if "(leverage 3 cross), not confirmed" in text]


def test_a_setting_that_was_refused_changed_nothing(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    body = '{"code":-4028,"msg":"Leverage is not valid"}'
    world.fault(kind=FaultKind.ANSWER, exchange="binance", path="/fapi/v1/leverage", status=400, body=body)
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code != 0
    assert not [text for text in ran.document["warnings"] if "leverage was changed" in text]


PATH = "/fapi/v1/leverage"


def told(ran: Any) -> list[str]:
    """The warnings that say what was set."""
    return [text for text in ran.document["warnings"] if "leverage was changed" in text]


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.RESET_HEAD, FaultKind.GARBAGE])
def test_an_answer_that_proves_nothing_may_have_changed_it(world: World, kind: FaultKind) -> None:
    world.add("binance", "a", rights=RIGHTS)
    world.fault(kind=kind, exchange="binance", path=PATH, body="oops")
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code != 0 and told(ran), ran.stdout
    assert "nothing was sent" not in ran.stdout


@pytest.mark.parametrize("body", ['{"code":-1007,"msg":"Timeout"}', '{"code":424242,"msg":"x"}'])
def test_an_error_whose_meaning_is_open_may_have_changed_it(world: World, body: str) -> None:
    world.add("binance", "a", rights=RIGHTS)
    world.fault(kind=FaultKind.ANSWER, exchange="binance", path=PATH, status=408, body=body)
    assert "(leverage 3 cross), not confirmed" in told(world.keyctl(*ORDER, "-a", "a"))[0]


@pytest.mark.parametrize("where", ["call", "error_in"])
def test_a_fault_of_ours_after_the_setting_left(world: World, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("binance", "a", rights=RIGHTS)
    call, error_in = Session.call, Session.error_in
    calls = []

    async def broken_call(session: Session, request: Any, *arguments: Any) -> Any:
        response = await call(session, request, *arguments)
        if request.path == PATH and request.method == "POST":
            calls.append(request)
            if where == "call":
                raise ValueError("a fault of ours")
        return response

    def broken_error_in(session: Session, response: Any) -> Any:
        if calls:
            raise ValueError("a fault of ours")
        return error_in(session, response)

    monkeypatch.setattr(Session, "call", broken_call)
    monkeypatch.setattr(Session, "error_in", broken_error_in)
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code == ExitCode.FAULT and calls
    assert "no order was sent" in ran.document["errors"][0]["message"] and "nothing was sent" not in ran.stdout
    assert told(ran) == ["no order was sent; leverage was changed: a BTC/USDT:USDT (leverage 3 cross), not confirmed"]


def test_a_setting_that_never_left_changed_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("binance", "a", rights=RIGHTS)
    call = Session.call

    async def cooling(session: Session, request: Any, *arguments: Any) -> Any:
        if request.path == PATH:
            raise errors.Unreached("binance asked this machine to wait", code="cooling_down")
        return await call(session, request, *arguments)

    monkeypatch.setattr(Session, "call", cooling)
    ran = world.keyctl(*ORDER, "-a", "a")
    assert ran.exit_code != 0 and not [text for text in told(ran) if "leverage 3 cross), not confirmed" in text]


def test_a_leg_kept_back_by_another_is_not_told_that_nothing_was_sent(world: World) -> None:
    world.add("binance", "a", rights=RIGHTS)
    world.add("binance", "b", rights=RIGHTS)
    # The other's setting is refused.
    body = '{"code":-4028,"msg":"Leverage is not valid"}'
    world.fault(kind=FaultKind.ANSWER, exchange="binance", path=PATH, status=400, body=body)
    words = list(ORDER)
    words[words.index("--expect-value") + 1] = "200"
    ran = world.keyctl(*words, "-a", "a", "-a", "b", "--mode", "all", "--fanout")
    assert "legs" in ran.data, ran.stdout
    details = [leg["detail"] for leg in ran.data["legs"]]
    assert any("no order was sent: another order could not be sent" in text for text in details), ran.stdout
    assert "nothing was sent" not in ran.stdout and told(ran)


CHANGED = {("a", "BTC/USDT:USDT"): "(leverage 3 cross)", ("a", "ETH/USDT:USDT"): "(leverage 3 cross)"}


def test_the_view_says_it_as_well_as_the_data() -> None:
    words = "nothing was sent, because of b"
    legs = [{"account": "a", "symbol": "BTC/USDT:USDT", "outcome": "not_sent", "detail": words}]
    view = (Table(("account", "detail"), [("a", words)], (f"a: {words}",)), Note(words))
    result = with_leverage(Result({"legs": legs}, view, errors=(KeyctlError(words, words),)), CHANGED)
    table, note = result.view
    assert isinstance(table, Table) and isinstance(note, Note)
    shown = (*table.rows[0], *table.notes, note.text, result.errors[0].message, *result.errors[0].hints)
    assert "nothing was sent" not in " ".join((*shown, str(result.data)))


def test_an_order_that_went_out_hides_no_setting_of_another_symbol() -> None:
    legs = [{"account": "a", "symbol": "BTC/USDT:USDT", "outcome": "accepted", "detail": ""}]
    (warning,) = with_leverage(Result({"legs": legs}), CHANGED).warnings
    assert warning.endswith("leverage was changed: a ETH/USDT:USDT (leverage 3 cross)")


def test_a_command_that_broke_off_does_not_say_that_no_order_was_sent() -> None:
    (warning,) = with_leverage(failure(OutcomeUnknown("the command stopped unexpectedly")), CHANGED).warnings
    assert warning.startswith("leverage was changed: a BTC/USDT:USDT")
