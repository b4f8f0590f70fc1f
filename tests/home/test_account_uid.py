"""Which exchange account a label means: never changed by what an exchange tells, only by a person at a terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keyctl.errors import CheckFailed
from keyctl.home.account_uid import check_same
from keyctl.model.words import Side
from keyctl.twin.faults import FaultKind
from keyctl.twin.key_making import make_key
from tests.support.perpetuals import SYMBOL
from tests.support.ran import Ran
from tests.support.stores import make_account
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, IPS, RIGHTS, World, credentials, open_position

OTHER = "7777777"
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


def verified(world: World, exchange: str) -> str:
    """An account whose id at the exchange is known; that id."""
    made = world.add(exchange, "a", rights=RIGHTS)
    world.keyctl("verify", "a")
    assert world.account("a").uid == made.key.uid
    return made.key.uid


def moved(world: World, exchange: str) -> None:
    """The key is of another account at the exchange now."""
    key = world.made["a"].key
    venue = world.venue(exchange)
    for currency, one in venue.balances[key.uid].items():
        venue.balance(OTHER, currency).free = one.free
    key.uid = OTHER


def finding(ran: Ran) -> set[tuple[str, str]]:
    return {(row["level"], row["detail"]) for row in ran.data["findings"] if row["rule"] == "account"}


def code_of(ran: Ran) -> tuple[int, str]:
    return ran.exit_code, ran.document["errors"][0]["code"]


@pytest.mark.parametrize("exchange", ALL)
def test_an_id_is_told_once_and_never_overwritten(world: World, exchange: str) -> None:
    uid = verified(world, exchange)
    assert finding(world.keyctl("verify", "a", "--json")) == {("pass", f"account {uid}")}
    moved(world, exchange)
    for _ in range(2):
        ran = world.keyctl("verify", "a", "--json")
        assert ran.exit_code == 4
        assert finding(ran) == {("fail", f"its key belongs to exchange account {OTHER}, but the label is for {uid}")}
        assert world.account("a").uid == uid
    placed = len(world.venue(exchange).orders)
    order = world.keyctl(*BUY, "-a", "a", "--json")
    assert code_of(order) == (4, "other_exchange_account"), order.stdout
    assert "keyctl edit a --new-uid" in order.document["errors"][0]["hints"][0]
    assert len(world.venue(exchange).orders) == placed
    world.made["a"].key.uid = uid
    world.keyctl("verify", "a")
    assert world.keyctl(*BUY, "-a", "a").exit_code == 0, "the exchange tells the known account again"


@pytest.mark.parametrize("exchange", ["binance", "lbank"])
def test_an_order_sees_it_by_itself_where_balances_tell_it(world: World, exchange: str) -> None:
    verified(world, exchange)
    world.add("okx", "b", rights=RIGHTS)
    moved(world, exchange)
    ran = world.keyctl(*BUY, "--fanout", "-a", "a", "-a", "b", "--json")
    assert ran.exit_code == 6, ran.stdout
    assert [error["code"] for error in ran.document["errors"]] == ["other_exchange_account"]
    assert world.venue(exchange).orders == [] and len(world.venue("okx").orders) == 1
    assert world.keyctl(*BUY, "--fanout", "-a", "a", "-a", "b", "--again", "--mode", "all").exit_code == 4


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_a_position_there_can_be_closed_with_a_warning(world: World, exchange: str) -> None:
    uid = verified(world, exchange)
    moved(world, exchange)
    assert world.keyctl("verify", "a").exit_code == 4
    open_position(world, "a", SYMBOL, Side.BUY, "1" if exchange == "okx" else "0.01")
    ran = world.keyctl("close", SYMBOL, "-a", "a", "--yes", "--json")
    assert ran.exit_code == 0, ran.stdout
    words = (
        f"a: its key belongs to exchange account {OTHER}, but the label is for {uid}; this order is reduce-only there"
    )
    assert words in ran.document["warnings"]
    assert world.venue(exchange).derivatives.positions(OTHER) == []


def test_a_person_says_that_the_label_means_another_account(world: World) -> None:
    uid = verified(world, "binance")
    moved(world, "binance")
    alone = world.keyctl("edit", "a", "--new-uid", "--json")
    assert alone.exit_code == 10, "no script can say it"
    assert world.keyctl("edit", "a", "--new-uid", "--market", "spot").exit_code == 2
    person = keyctl_at_terminal(["edit", "a", "--new-uid"], world.home, COLUMNS="200")
    person.waits_for(f"use it for exchange account {OTHER} from now on").types("yes\n")
    assert person.leaves()[0] == 4
    assert world.account("a").uid == uid
    person = keyctl_at_terminal(["edit", "a", "--new-uid"], world.home, COLUMNS="200")
    person.waits_for(f"use it for exchange account {OTHER} from now on").types("a\n")
    assert person.leaves()[0] == 0
    assert (world.account("a").uid, world.account("a").other_uid) == (OTHER, None)
    assert world.keyctl(*BUY, "-a", "a").exit_code == 0
    person = keyctl_at_terminal(["edit", "a", "--new-uid"], world.home, COLUMNS="200")
    code, seen = person.leaves()
    assert code == 4 and "which is already known" in seen


def test_no_label_changes_its_account_while_an_order_is_unknown(world: World) -> None:
    uid = verified(world, "binance")
    world.fault(exchange="binance", operation="place", kind=FaultKind.RESET_AFTER)
    world.fault(exchange="binance", operation="query", kind=FaultKind.HTML, times=None)
    assert world.keyctl(*BUY, "-a", "a").exit_code == 7
    moved(world, "binance")
    person = keyctl_at_terminal(["edit", "a", "--new-uid"], world.home, COLUMNS="200")
    code, seen = person.leaves()
    assert code == 4 and f"is still unknown at exchange account {uid}" in seen
    assert world.account("a").uid == uid


def successor(world: World, exchange: str, **facts: Any) -> Any:
    made = make_key(exchange, world.made["a"].algorithm, **{"ips": IPS, "rights": RIGHTS, **facts})
    world.twin.add_key(exchange, made)
    return made


def rotate(world: World, made: Any = None, *more: str) -> Ran:
    if made is None:
        return world.keyctl("rotate", "a", *more, "--json")
    return world.keyctl("rotate", "a", "--credentials-stdin", *more, "--json", stdin=credentials(made))


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("known", [True, False])
def test_rotate_takes_no_key_of_another_account(world: World, exchange: str, known: bool) -> None:
    uid = verified(world, exchange) if known else world.add(exchange, "a", rights=RIGHTS).key.uid
    old = world.made["a"]
    old.key.deleted = known  # then only the id that is kept can tell
    ran = rotate(world, successor(world, exchange, uid=OTHER), "--yes")
    assert code_of(ran) == (4, "not_a_successor"), ran.stdout
    assert "another account" in ran.document["errors"][0]["message"]
    assert rotate(world, None, "--abort", "--yes").exit_code == 0
    assert rotate(world, successor(world, exchange, uid=uid)).exit_code == 0
    assert world.account("a").uid == uid


def test_where_the_account_is_not_told_rotate_says_so_and_asks(world: World) -> None:
    old = world.add("bitfinex", "a", rights=RIGHTS)
    world.fault(kind=FaultKind.HTML, exchange="bitfinex", operation="other", times=None)
    ran = rotate(world, successor(world, "bitfinex", uid=old.key.uid))
    assert ran.exit_code == 10
    assert "does not report whether both keys belong to one account" in ran.document["errors"][0]["message"]
    assert world.account("a").api_key_hint.startswith(old.api_key[:4]), "the old key is still in use"
    person = keyctl_at_terminal(["rotate", "a"], world.home, COLUMNS="200")
    person.waits_for("Type a if the new key is the right one").types("no\n")
    assert person.leaves()[0] == 4
    person = keyctl_at_terminal(["rotate", "a"], world.home, COLUMNS="200")
    person.waits_for("Type a if the new key is the right one").types("a\n")
    assert person.leaves()[0] == 0
    assert not world.account("a").api_key_hint.startswith(old.api_key[:4])


def test_a_longer_ip_list_is_asked_about(world: World) -> None:
    old = world.add("okx", "a", rights=RIGHTS)
    wider = {"spot": ("127.0.0.1", "192.0.2.7"), "futures": ("127.0.0.1", "192.0.2.7")}
    ran = rotate(world, successor(world, "okx", uid=old.key.uid, ips=wider))
    assert ran.exit_code == 10
    assert "its IP whitelist also has 192.0.2.7" in ran.document["errors"][0]["message"]
    assert rotate(world, None, "--yes").exit_code == 0


def test_what_was_told_now_goes_before_what_was_told_last() -> None:
    account = make_account("a", uid="1", other_uid="2")
    check_same(account, "1")
    for known, told in ((account, None), (account, "3"), (replace(account, other_uid=None), "2")):
        with pytest.raises(CheckFailed) as caught:
            check_same(known, told)
        assert caught.value.code == "other_exchange_account"
    check_same(replace(account, other_uid=None), None)
    check_same(replace(account, uid=None), "5")


@pytest.mark.parametrize("exchange", ALL)
def test_a_list_that_was_edited_to_fit_a_strangers_key_sends_no_order_there(world: World, exchange: str) -> None:
    """Secret and list exchanged together: the id that is kept tells it, where the exchange does."""
    verified(world, exchange)
    stranger = successor(world, exchange, uid=OTHER)
    world.venue(exchange).balance(OTHER, "USDT").free = Decimal(100_000)
    app = world.app()
    account = app.accounts.get("a")
    vault: Any = app.store._store._store  # type: ignore[attr-defined]
    change = {"api_key": stranger.api_key, "secret": stranger.secret, "passphrase": stranger.passphrase or None}
    vault.change_records(lambda old: {**old, account.id: old[account.id] | change})
    path = world.home / "config" / "accounts.json"
    document = json.loads(path.read_text())
    document["accounts"][0]["api_key_hash"] = app.accounts.key_hash(stranger.api_key)
    path.write_text(json.dumps(document))
    assert world.keyctl("verify", "a").exit_code == 4
    assert world.keyctl(*BUY, "-a", "a").exit_code == 4
    assert world.venue(exchange).orders == []
    assert world.account("a").uid == account.uid


def test_a_label_takes_no_new_meaning_while_the_journal_is_lost(world: World) -> None:
    uid = verified(world, "binance")
    assert world.keyctl(*BUY, "-a", "a").exit_code == 0
    moved(world, "binance")
    for path in world.app().home.state.glob("journal.db*"):
        path.unlink()
    person = keyctl_at_terminal(["edit", "a", "--new-uid"], world.home, COLUMNS="200")
    code, shown = person.leaves()
    assert code == 9 and "the journal was lost" in shown
    assert world.account("a").uid == uid
