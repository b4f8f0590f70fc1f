"""One odd account beside two good ones, in both stores: named and left out, and nobody else is kept from anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from keyctl.model.words import Side
from keyctl.twin.faults import FaultKind
from keyctl.twin.keys import MadeKey
from tests.support.clocks import ShiftedClock
from tests.support.odd import DOUBLED, KINDS, KeyringWorld, VaultWorld, furnish, made_odd, write_config
from tests.support.perpetuals import SYMBOL
from tests.support.proxies import FakeEcho
from tests.support.ran import Ran
from tests.support.world import credentials, open_position

STORES: dict[str, type[VaultWorld]] = {"vault": VaultWorld, "keyring": KeyringWorld}
ORDER = ("order", "buy", "BTC/USDT", "0.001", "--price", "58000", "--again")
GOOD = {"good", "peer"}
# Such kinds are seen without opening a secret.
SEEN_IN_LISTS = ("unknown_exchange", "account_unread", "bad_config")
# What a command over public data or names alone cannot see.
SECRET = ("secret_missing", "secret_damaged", "secret_doubled", "binding_mismatch", "key_mismatch", "bad_private_key")

Case = tuple[VaultWorld, MadeKey]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Case]]:
    with ExitStack() as stack:
        found: dict[str, Case] = {}
        for name, store in STORES.items():
            world = stack.enter_context(store(tmp_path_factory.mktemp(name) / "world"))
            found[name] = world, furnish(world)
            assert set(world.ids) == {*GOOD, "odd"}
        yield found


@pytest.fixture
def case(cases: dict[str, Case], store: str) -> Case:
    return cases[store]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every store with every kind of odd account that it can have."""
    if "kind" in metafunc.fixturenames:
        pairs = [(store, kind) for store in STORES for kind in KINDS if store == "keyring" or kind != DOUBLED]
        metafunc.parametrize(("store", "kind"), pairs)
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("store", STORES)


def by_account(ran: Ran, name: str) -> dict[str, list[dict[str, object]]]:
    rows: dict[str, list[dict[str, object]]] = {}
    for row in ran.data[name]:
        rows.setdefault(row["account"], []).append(row)
    return rows


def errors_of(ran: Ran, label: str) -> set[str]:
    return {error["code"] for error in ran.document["errors"] if error["account"] == label}


def orders_at(world: VaultWorld, uid: str) -> int:
    return sum(order.uid == uid for exchange in ("binance", "okx") for order in world.venue(exchange).orders)


def uid_of(world: VaultWorld, label: str) -> str:
    return world.made[label].key.uid


def test_orders_go_to_the_others(case: Case, kind: str) -> None:
    world, stranger = case
    before = {uid: orders_at(world, uid) for uid in (uid_of(world, "odd"), stranger.key.uid)}
    peers = orders_at(world, uid_of(world, "peer"))
    with made_odd(world, kind, stranger) as code:
        ran = world.keyctl(*ORDER, "--fanout", "--all", "--yes", "--json")
        strict = world.keyctl(*ORDER, "--fanout", "--all", "--yes", "--mode", "all", "--json")
        alone = world.keyctl(*ORDER, "-a", "odd", "--yes", "--json")
        split = world.keyctl(
            *("order", "buy", "BTC/USDT", "0.003", "--total", "--split", "equal", "--price", "58000", "--again"),
            *("--fanout", "--all", "--dry-run", "--json"),
        )
    assert ran.exit_code == 6, ran.stdout
    legs = by_account(ran, "legs")
    assert {label for label, rows in legs.items() if rows[0]["outcome"] == "accepted"} == GOOD
    assert errors_of(ran, "odd") == {code}
    assert (strict.exit_code, strict.document["errors"][0]["code"]) == (4, "not_all_ready")
    assert (alone.exit_code, errors_of(alone, "odd")) == (3, {code}), alone.stdout
    shares = {label: rows[0]["quantity"] for label, rows in by_account(split, "legs").items() if label in GOOD}
    assert shares == dict.fromkeys(GOOD, "0.001"), "the odd one's share is not given to the others"
    assert {uid: orders_at(world, uid) for uid in before} == before, "no order at another account"
    assert orders_at(world, uid_of(world, "peer")) == peers + 1


def test_a_stored_plan_goes_on_with_the_others(case: Case, kind: str) -> None:
    world, stranger = case
    plan = world.keyctl(*ORDER, "--fanout", "--all", "--dry-run", "--json").data["plan"]
    before = {uid: orders_at(world, uid) for uid in (uid_of(world, "odd"), stranger.key.uid)}
    with made_odd(world, kind, stranger) as code:
        ran = world.keyctl("order", "--plan", plan, "--yes", "--again", "--json")
    assert ran.exit_code == 6, ran.stdout
    assert {label for label, rows in by_account(ran, "legs").items() if rows[0]["outcome"] == "accepted"} == GOOD
    assert errors_of(ran, "odd") == {code}
    assert {uid: orders_at(world, uid) for uid in before} == before
    rest = world.keyctl("order", "--plan", plan, "--yes", "--again", "--json")
    assert rest.exit_code == 0, "its own order goes when the account is well again"


def test_positions_of_the_others_are_closed(case: Case, kind: str) -> None:
    world, stranger = case
    for label in ("good", "peer", "odd"):
        open_position(world, label, SYMBOL, Side.BUY, "1" if label == "good" else "0.01")
    held = {label: world.venue(exchange).derivatives for label, exchange in (("good", "okx"), ("peer", "binance"))}
    with made_odd(world, kind, stranger) as code:
        shown = world.keyctl("positions", "--json")
        draft = world.keyctl("close", SYMBOL, "--all", "--dry-run", "--json")
        ran = world.keyctl("close", SYMBOL, "--all", "--yes", "--again", "--json")
        alone = world.keyctl("close", SYMBOL, "-a", "odd", "--yes", "--json")
    for seen in (shown, draft, ran):
        assert (seen.exit_code, errors_of(seen, "odd")) == (6, {code}), seen.stdout
    assert {row["account"] for row in shown.data["positions"] if row["state"] == "ok"} == GOOD
    assert shown.data["complete"] is False
    assert {label for label, engine in held.items() if not engine.positions(uid_of(world, label))} == GOOD
    assert (alone.exit_code, errors_of(alone, "odd")) == (3, {code}), alone.stdout
    assert len(held["peer"].positions(uid_of(world, "odd"))) == 1
    assert world.keyctl("close", SYMBOL, "--all", "--yes", "--again").exit_code == 0
    assert held["peer"].positions(uid_of(world, "odd")) == []


@pytest.mark.parametrize("how", ["cancel", "cancel --foreign", "halt --cancel"])
def test_orders_of_the_others_are_canceled(case: Case, kind: str, how: str) -> None:
    world, stranger = case
    world.keyctl("cancel", "--all", "--yes")
    assert world.keyctl(*ORDER, "--fanout", "--all", "--yes").exit_code == 0
    arguments = ("halt", "--cancel") if how == "halt --cancel" else (*how.split(), "--all", "--yes")
    with made_odd(world, kind, stranger) as code:
        listed = world.keyctl("orders", "--open", "--json")
        ran = world.keyctl(*arguments, "--json")
        alone = world.keyctl("cancel", "-a", "odd", "--yes", "--json")
    assert (listed.exit_code, errors_of(listed, "odd")) == (6, {code}), listed.stdout
    assert {row["account"] for row in listed.data["orders"] if row["state"] == "ok"} == GOOD
    assert any(row["state"] == "stale" for row in listed.data["orders"] if row["account"] == "odd")
    assert ran.exit_code == 6, ran.stdout
    outcomes = {label: rows[0]["outcome"] for label, rows in by_account(ran, "legs").items()}
    assert outcomes == {**dict.fromkeys(GOOD, "canceled"), "odd": "not_sent"}
    assert errors_of(ran, "odd")
    assert alone.exit_code == 3, alone.stdout
    if how == "halt --cancel":
        assert ran.data["halted"]
        assert world.keyctl("halt", "--lift").exit_code == 0
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0


def test_the_others_are_read(case: Case, kind: str) -> None:
    world, stranger = case
    with made_odd(world, kind, stranger) as code:
        balance = world.keyctl("balance", "--json")
        alone = world.keyctl("balance", "odd", "--json")
        verify = world.keyctl("verify", "--all", "--json")
        price = world.keyctl("price", "BTC/USDT", "--json")
    assert (balance.exit_code, errors_of(balance, "odd")) == (6, {code}), balance.stdout
    assert {row["account"] for row in balance.data["accounts"] if row["state"] == "ok"} == GOOD
    assert balance.data["complete"] is False, "a sum without an account says so"
    assert (alone.exit_code, errors_of(alone, "odd")) == (3, {code}), alone.stdout
    assert verify.exit_code == 4, verify.stdout
    access = {(row["account"], row["level"]) for row in verify.data["findings"] if row["rule"] == "access"}
    assert access == {("good", "pass"), ("peer", "pass"), ("odd", "fail")}
    assert price.exit_code == 0, price.stdout
    assert {row["exchange"] for row in price.data["prices"] if row["bid"]} == {"okx", "binance"}


def test_the_others_are_listed_looked_at_and_changed(case: Case, kind: str) -> None:
    world, stranger = case
    with made_odd(world, kind, stranger) as code:
        listed = world.keyctl("list", "--json")
        shown = [world.keyctl("list"), world.keyctl("show", "odd"), world.keyctl("show", "odd", "--json")]
        doctor = world.keyctl("doctor", "--json")
        lists = {what: world.keyctl("whitelist", what, "--all", "--json") for what in ("show", "plan")}
        changes = [
            world.keyctl("edit", "good", "--group", "desk"),
            world.keyctl("disable", "peer"),
            world.keyctl("enable", "peer"),
            world.keyctl("edit", "good", "--no-group", "desk"),
        ]
        with FakeEcho("127.0.0.1") as echo:
            path = world.home / "config" / "config.toml"
            path.write_text(f'{path.read_text()}[egress]\necho_url = "{echo.url}"\n')
            watched = world.keyctl("verify", "--all", "--watch-ip", "--json")
    assert listed.exit_code == 0, listed.stdout
    assert [ran.exit_code for ran in shown] == [0, 0, 0]
    (odd,) = [row for row in listed.data["accounts"] if row["label"] == "odd"]
    assert all(odd[name] is None for name in odd["unread"]), "what cannot be read is not told as something else"
    assert {row["account"] if "account" in row else row["label"] for row in listed.data["accounts"]} == {*GOOD, "odd"}
    assert bool(listed.document["warnings"]) is (code in ("unknown_exchange", "account_unread"))
    clocks = {(check["name"], check["level"]) for check in doctor.data["checks"] if check["name"].startswith("clock")}
    assert clocks >= {("clock, okx demo", "pass"), ("clock, binance demo", "pass")}
    named = [check for check in doctor.data["checks"] if check["name"] == "account"]
    assert bool(named) is (code not in SECRET), "what is seen without a secret"
    for ran in lists.values():
        assert {row["account"] for row in ran.data["whitelists"]} >= GOOD
        assert (ran.exit_code == 6) is (code in SEEN_IN_LISTS), ran.stdout
    assert [ran.exit_code for ran in changes] == [0, 0, 0, 0]
    assert watched.exit_code in (0, 6), watched.stdout
    assert bool(errors_of(watched, "odd")) is (code not in SECRET)


def test_what_is_unknown_of_the_others_is_cleared_up(case: Case, kind: str) -> None:
    world, stranger = case
    world.keyctl("cancel", "--all", "--yes")
    venues = [world.venue(exchange) for exchange in ("okx", "binance")]
    for venue in venues:
        venue.hide_queries = 1000
        world.fault(kind=FaultKind.RESET_AFTER, exchange=venue.name, operation="place", times=None)
    sent = world.keyctl(*ORDER, "--fanout", "--all", "--yes", "--json", clock=ShiftedClock())
    assert (sent.exit_code, {leg["outcome"] for leg in sent.data["legs"]}) == (7, {"unknown"}), sent.stdout
    world.twin.faults.clear()
    for venue in venues:
        venue.hide_queries = 0
        for order in venue.orders:
            order.hidden_queries = 0
    with made_odd(world, kind, stranger):
        settled = world.keyctl("orders", "settle", "--json", clock=ShiftedClock())
        canceled = world.keyctl("cancel", "--all", "--yes", "--json")
    assert settled.exit_code == 7, settled.stdout
    outcomes = {label: rows[0]["outcome"] for label, rows in by_account(settled, "legs").items()}
    assert outcomes == {**dict.fromkeys(GOOD, "accepted"), "odd": "unknown"}
    outcomes = {label: rows[0]["outcome"] for label, rows in by_account(canceled, "legs").items()}
    assert outcomes == {**dict.fromkeys(GOOD, "canceled"), "odd": "not_sent"}
    assert world.keyctl("orders", "settle", "--json").exit_code == 0
    assert world.keyctl("cancel", "--all", "--yes").exit_code == 0


def test_a_disabled_account_can_leave(case: Case) -> None:
    """By its name, and with all others; a group leaves it out, as it is in none."""
    world, _ = case
    world.keyctl("cancel", "--all", "--yes")
    assert world.keyctl(*ORDER, "--fanout", "--all", "--yes").exit_code == 0
    open_position(world, "peer", SYMBOL, Side.BUY, "0.01")
    open_position(world, "odd", SYMBOL, Side.BUY, "0.01")
    assert world.keyctl("disable", "peer", "odd").exit_code == 0
    try:
        assert world.keyctl(*ORDER, "-a", "peer", "--yes").exit_code == 3
        draft = world.keyctl("close", SYMBOL, "-a", "odd", "--dry-run", "--json")
        value = draft.data["value_usd"]
        sent = world.keyctl("order", "--plan", draft.data["plans"][0], "--expect-value", value, "--again", "--json")
        assert sent.exit_code == 0, sent.stdout
        reduced = (
            "order",
            "sell",
            SYMBOL,
            "0.002",
            "--reduce-only",
            "-a",
            "peer",
            "--expect-value",
            "120",
            "--again",
            "--json",
        )
        partly = world.keyctl(*reduced)
        assert partly.exit_code == 0, partly.stdout
        closed = world.keyctl("close", SYMBOL, "--all", "--yes", "--again", "--json")
        assert closed.exit_code == 0, closed.stdout
        assert {row["account"] for row in closed.data["legs"]} == {"peer"}
        foreign = world.keyctl("cancel", "-a", "odd", "--foreign", "--yes", "--json")
        assert [row["outcome"] for row in foreign.data["legs"]] == ["canceled"], foreign.stdout
        canceled = world.keyctl("cancel", "--all", "--foreign", "--yes", "--json")
        assert {row["account"]: row["outcome"] for row in canceled.data["legs"]} == dict.fromkeys(GOOD, "canceled")
    finally:
        world.keyctl("enable", "peer", "odd")


def test_an_order_of_another_label_is_not_sent_by_a_swapped_secret(case: Case) -> None:
    """Both secrets exchanged with each other: neither is used, and the third account is served."""
    world, _ = case
    before = {label: orders_at(world, uid_of(world, label)) for label in world.ids}
    odd, peer = world.record("odd"), world.record("peer")
    world.put("odd", peer)
    world.put("peer", odd)
    try:
        ran = world.keyctl(*ORDER, "--fanout", "--all", "--yes", "--json")
    finally:
        world.put("odd", odd)
        world.put("peer", peer)
        world.close_apps()
    assert ran.exit_code == 6
    assert errors_of(ran, "odd") == errors_of(ran, "peer") == {"key_mismatch"}
    after = {label: orders_at(world, uid_of(world, label)) for label in world.ids}
    assert after == before | {"good": before["good"] + 1}


def test_no_other_command_uses_an_exchanged_secret(case: Case) -> None:
    world, stranger = case
    with made_odd(world, "its secret is of a stranger's key", stranger):
        for arguments in (
            ("request", "odd", "GET", "/api/v3/account"),
            ("request", "odd", "GET", "/api/v3/account", "--dry-run"),
            ("diagnose", "odd"),
            ("exec", "odd", "--", "/bin/true"),
            ("rotate", "odd", "--api-key", "x" * 64),
        ):
            ran = world.keyctl(*arguments, "--json")
            assert ran.exit_code == 3, (arguments, ran.stdout)
        backup = world.folder / "backup.json"
        made = world.keyctl("export", str(backup), "--key-file", str(world.folder / "backup.key"), "--json")
        backup.unlink()
        (world.folder / "backup.key").unlink()
    assert made.exit_code == 0, made.stdout
    assert set(made.data["accounts"]) == GOOD
    assert "a different API key" in made.document["warnings"][0]


def test_an_odd_account_can_be_removed_and_added_again(case: Case, kind: str) -> None:
    """It is what the errors advise; the others stay."""
    world, stranger = case
    with made_odd(world, kind, stranger):
        ran = world.keyctl("remove", "odd", "--yes", "--json")
        assert ran.exit_code == 0, ran.stdout
        left = {row["label"] for row in world.keyctl("list", "--json").data["accounts"]}
        assert left == GOOD
        if isinstance(world, KeyringWorld):
            assert world.items("odd") == [], "nothing of it is left"
        write_config(world, "")
        made = world.made["odd"]
        place = ("--label", "odd", "--endpoint", world.twin.endpoint("binance"), "--credentials-stdin", "--no-verify")
        added = world.keyctl("add", "binance", *place, "--json", stdin=credentials(made))
        assert added.exit_code == 0, added.stdout
        assert world.keyctl("balance", "--json").exit_code == 0
        assert world.keyctl("remove", "odd", "--yes").exit_code == 0


def test_a_list_is_kept_for_the_others_of_a_group(case: Case, kind: str) -> None:
    world, stranger = case
    for label in ("good", "odd"):
        assert world.keyctl("edit", label, "--group", "lists").exit_code == 0
    try:
        with made_odd(world, kind, stranger) as code:
            ran = world.keyctl("whitelist", "set", "--group", "lists", "8.8.8.8", "--json")
        assert (ran.exit_code == 6) is (code in SEEN_IN_LISTS), ran.stdout
        assert "good" in {row["account"] for row in ran.data["whitelists"]}
    finally:
        for label in ("good", "odd"):
            assert world.keyctl("edit", label, "--no-group", "lists").exit_code == 0
