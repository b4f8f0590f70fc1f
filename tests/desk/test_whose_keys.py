"""Two keys of one exchange account are found out before the first order, without a verify, or declared by a person."""

from __future__ import annotations

import pytest

from keyctl.errors import ExitCode, StoreUnusable
from keyctl.home.accounts import Accounts
from keyctl.model.words import Side
from keyctl.twin.faults import FaultKind
from tests.support.starts import PERPETUAL
from tests.support.world import RIGHTS, World, open_position

ORDERS = {
    "binance": ("order", "buy", PERPETUAL, "0.002", "--price", "50000", "--leverage", "3"),
    "bitfinex": ("order", "buy", PERPETUAL, "0.002", "--price", "50000"),
    "lbank": ("order", "buy", "BTC/USDT", "0.002", "--price", "50000"),
    "okx": ("order", "buy", PERPETUAL, "0.002", "--price", "50000"),
}


@pytest.mark.parametrize("exchange", ORDERS)
def test_the_second_key_of_an_account_is_known_before_its_first_order(world: World, exchange: str) -> None:
    made = world.add(exchange, "first", rights=RIGHTS)
    world.add(exchange, "second", rights=RIGHTS, uid=made.key.uid)
    world.add(exchange, "third", rights=RIGHTS)
    order = (*ORDERS[exchange], "--expect-value", "100", "--json", "-a")
    assert world.keyctl(*order, "first").exit_code == 0
    second = world.keyctl(*order, "second")
    assert second.exit_code == ExitCode.CHECK, second.stdout
    assert second.document["errors"][0]["code"] == "repeated_order"
    assert world.keyctl(*order, "third").exit_code == 0
    assert sum(world.placements().values()) == 2
    assert world.account("first").uid == world.account("second").uid == made.key.uid


def test_accounts_that_cannot_be_written_stop_no_close(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.add("okx", "first", rights=RIGHTS)
    world.add("okx", "second", rights=RIGHTS, uid=made.key.uid)
    open_position(world, "first", PERPETUAL, Side.BUY, "2")

    def refuse(*_: object) -> None:
        raise StoreUnusable("accounts.json cannot be written")

    monkeypatch.setattr(Accounts, "note_uids", refuse)
    ran = world.keyctl("close", PERPETUAL, "--yes", "--json", "-a", "first", "-a", "second")
    assert ran.exit_code == 0, ran.stdout
    assert not world.venue("okx").derivatives.positions(made.key.uid)
    assert any("two keys of one account" in text for text in ran.document["warnings"])  # the journal has learned it


def test_a_key_that_stands_alone_costs_no_call_more(world: World) -> None:
    world.add("okx", "first")
    assert world.keyctl("order", "buy", "BTC/USDT", "0.002", "--price", "50000", "-a", "first", "--yes").exit_code == 0
    assert world.account("first").uid is None


def test_an_id_that_cannot_be_read_is_said_and_can_be_declared(world: World) -> None:
    made = world.add("bitfinex", "first")
    world.add("bitfinex", "second", uid=made.key.uid)
    world.fault(kind=FaultKind.ANSWER, exchange="bitfinex", path="*info/user", status=500, body="oops", times=None)
    order = ("order", "buy", "BTC/USDT", "0.002", "--price", "50000", "--fanout", "-a", "first", "-a", "second")
    drafted = world.keyctl(*order, "--dry-run", "--json")
    assert drafted.exit_code == 0, drafted.stdout
    assert any("keyctl edit first --same-as LABEL" in text for text in drafted.document["warnings"])
    declared = world.keyctl("edit", "first", "--same-as", "second")
    assert declared.exit_code == 0, declared.stderr
    refused = world.keyctl(*order, "--yes", "--json")
    assert refused.exit_code == ExitCode.USAGE
    assert refused.document["errors"][0]["code"] == "same_exchange_account"
    assert world.placements() == {}


def test_keys_of_two_exchanges_and_of_two_told_accounts_are_never_one(world: World) -> None:
    world.add("okx", "first")
    world.add("okx", "second")
    world.add("lbank", "third")
    assert world.keyctl("edit", "first", "--same-as", "third").exit_code == ExitCode.USAGE
    assert world.keyctl("edit", "first", "--same-as", "first").exit_code == ExitCode.USAGE
    assert world.keyctl("verify", "first", "second").exit_code in (0, ExitCode.CHECK)
    refused = world.keyctl("edit", "first", "--same-as", "second")
    assert refused.exit_code == ExitCode.CHECK
    assert "reports two accounts" in refused.stderr


def test_what_a_person_declares_is_refused_while_the_journal_is_lost(world: World) -> None:
    world.add("okx", "first")
    world.add("okx", "second")
    order = ("order", "buy", "BTC/USDT", "0.002", "--price", "50000", "-a", "first", "--yes")
    assert world.keyctl(*order).exit_code == 0
    for path in world.app().home.state.glob("journal.db*"):
        path.unlink()
    declared = world.keyctl("edit", "first", "--same-as", "second")
    assert declared.exit_code == ExitCode.STORE and "the file is missing" in declared.stderr, declared
    assert not (world.app().home.state / "journal.db").exists()
