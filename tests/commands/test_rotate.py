"""keyctl rotate: a new key takes an old one's place; killed at any step, nothing is lost and nothing is sent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keyctl.exchanges.shipped import profile
from keyctl.home.accounts import Accounts
from keyctl.journal.rotations import Rotations
from keyctl.model.words import Algorithm, Kind, Standing
from keyctl.twin.faults import FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.vault.encrypted_file import EncryptedFile
from tests.support.canary import Canaries
from tests.support.clocks import ShiftedClock
from tests.support.processes import forking
from tests.support.ran import Ran
from tests.support.world import ALL, IPS, World, credentials

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


def successor(world: World, label: str, **facts: Any) -> MadeKey:
    """A second key of the same account at the exchange."""
    old = world.made[label]
    exchange = world.account(label).exchange
    facts = {"uid": old.key.uid, "ips": IPS, "rights": ("read", "spot_trade"), **facts}
    made = make_key(exchange, old.algorithm, **facts)
    world.twin.add_key(exchange, made)
    return made


def rotate(world: World, label: str, made: MadeKey | None = None, *more: str) -> Ran:
    if made is None:
        return world.keyctl("rotate", label, *more, "--json")
    return world.keyctl("rotate", label, "--credentials-stdin", *more, "--json", stdin=credentials(made))


def finish(world: World, label: str) -> Ran:
    """Ends a rotation whose old key is deleted. Where a deleted key is answered as one whose IP list does not fit, a
    person sees that it is gone, and removes it."""
    ran = rotate(world, label, None, "--finish")
    if ran.exit_code == 0 or profile(world.account(label).exchange).key_gone:
        return ran
    if ran.document["errors"][0]["code"] in ("not_proven", "secret_missing"):  # a removal that was killed halfway
        assert world.keyctl("remove", f"{label}.old", "--yes").exit_code == 0
    return rotate(world, label, None, "--finish")


def secrets_in(world: World) -> dict[str, str]:
    """Every secret in the store by its API key, whatever the account list says."""
    vault = world.app().store._store._store  # type: ignore[attr-defined]
    return {item.api_key: item.secret.reveal().decode() for item in vault.get_all().values()}


def a_minute_later(world: World) -> ShiftedClock:
    """For keyctl and for the twin alike."""
    world.venue("okx").offset_ms = 60_000
    return ShiftedClock(60)


def key_of(world: World, label: str) -> str:
    app = world.app()
    return app.store.get(app.accounts.get(label).id).api_key


@pytest.mark.parametrize("exchange", ALL)
def test_a_rotation_from_the_first_key_to_the_last_proof(world: World, exchange: str) -> None:
    old = world.add(exchange, "a", Algorithm.ED25519 if exchange == "binance" else Algorithm.HMAC)
    world.keyctl("edit", "a", "--group", "desk")
    assert world.keyctl(*BUY, "-a", "a").exit_code == 0
    new = successor(world, "a")
    writes = len(world.venue(exchange).calls.changing())
    ran = rotate(world, "a", new)
    assert ran.exit_code == 0, ran.stdout
    assert "Delete the key" in " ".join(ran.data["rotation"]["todo"])
    assert key_of(world, "a") == new.api_key
    assert world.account("a").groups == ("desk",)
    assert (world.account("a.old").standing, world.account("a.old").groups) == (Standing.QUARANTINED, ())
    assert len(world.venue(exchange).calls.changing()) == writes, "reads only"
    still = rotate(world, "a", None, "--finish")
    assert (still.exit_code, still.document["errors"][0]["code"]) == (4, "old_key_works")
    assert secrets_in(world).keys() == {old.api_key, new.api_key}
    old.key.deleted = True
    done = finish(world, "a")
    assert done.exit_code == 0, done.stdout
    assert secrets_in(world) == {new.api_key: new.secret}
    assert [account.label for account in world.app().accounts.all()] == ["a"]
    canceled = world.keyctl("cancel", "--all", "--yes", "--json")
    assert canceled.exit_code == 0, "the old key's open order is the new one's now"
    canaries = Canaries()
    canaries.watch("old", old)
    canaries.watch("new", new)
    assert canaries.find(ran.stdout + ran.stderr + still.stdout + done.stdout) == []
    assert canaries.find_in_files(world.home, ()) == []


def test_the_new_key_sends_and_the_old_one_never_does(world: World) -> None:
    world.add("okx", "a")
    new = successor(world, "a")
    assert rotate(world, "a", new).exit_code == 0
    assert world.keyctl(*BUY, "-a", "a", "--json").exit_code == 0
    assert world.keyctl(*BUY, "-a", "a.old").exit_code == 3
    assert world.keyctl("enable", "a.old").exit_code == 4
    plan = world.keyctl(*BUY[:-1], "--fanout", "--all", "--again", "--dry-run", "--json").data
    assert [leg["account"] for leg in plan["legs"]] == ["a"]
    assert sum(world.placements().values()) == 1
    hints = {line.key_hint for line in world.venue("okx").calls.lines if line.operation == "place"}
    assert hints == {f"{new.api_key[:4]}...{new.api_key[-4:]}"}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"rights": ("read", "spot_trade", "withdraw")}, "withdrawals is on"),
        ({"uid": "7777777"}, "another account"),
        ({"ips": {}}, "no IP whitelist"),
        ({"ips": {"spot": ("192.0.2.1",), "futures": ("192.0.2.1",)}}, "does not work"),
    ],
)
def test_a_key_that_is_no_successor_changes_nothing(world: World, facts: dict[str, Any], words: str) -> None:
    old = world.add("okx", "a")
    bad = successor(world, "a", **facts)
    ran = rotate(world, "a", bad)
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (4, "not_a_successor")
    assert words in ran.document["errors"][0]["message"]
    assert key_of(world, "a") == old.api_key
    assert world.account("a.new").standing is Standing.QUARANTINED
    assert world.keyctl(*BUY, "-a", "a").exit_code == 0, "the old key is still in use"
    other = successor(world, "a")
    assert world.keyctl("rotate", "a", "--api-key", other.api_key, "--json").exit_code == 4, "one at a time"
    assert rotate(world, "a", None, "--abort").exit_code == 10
    assert rotate(world, "a", None, "--abort", "--yes").exit_code == 0
    assert secrets_in(world) == {old.api_key: old.secret}
    assert rotate(world, "a", other).exit_code == 0
    assert key_of(world, "a") == other.api_key


def test_rights_that_were_narrowed_at_the_exchange_let_the_same_key_go_on(world: World) -> None:
    world.add("binance", "a")
    new = successor(world, "a", rights=("read", "spot_trade", "futures_trade"))
    assert rotate(world, "a", new).exit_code == 4
    new.key.permissions["futures_trade"] = False
    assert rotate(world, "a").exit_code == 0
    assert key_of(world, "a") == new.api_key


def test_a_narrower_key_is_taken_with_a_word(world: World) -> None:
    world.add("binance", "a")
    ran = rotate(world, "a", successor(world, "a", rights=("read",)))
    assert ran.exit_code == 0 and "lacks" in ran.document["warnings"][0]


@pytest.mark.slow
def test_an_unknown_order_of_the_old_key_is_settled_before_the_cut(world: World) -> None:
    old = world.add("okx", "a")
    world.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="place")
    assert world.keyctl(*BUY, "-a", "a", clock=ShiftedClock()).exit_code == 7
    new = successor(world, "a")
    ran = rotate(world, "a", new)
    assert ran.exit_code == 7 and key_of(world, "a") == old.api_key
    later = world.keyctl("rotate", "a", "--json", clock=a_minute_later(world))
    assert later.exit_code == 0, later.stdout
    assert key_of(world, "a") == new.api_key
    assert world.placements() == {}


@pytest.mark.slow
def test_what_the_old_key_left_in_doubt_blocks_the_new_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that slipped in between the swap of the labels and the journal's bar."""
    world.add("okx", "a")
    new = successor(world, "a")
    swap = Accounts.cut_over

    def swap_late(self: Accounts, *names: str) -> None:
        world.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="place")
        assert world.keyctl(*BUY, "-a", "a", clock=ShiftedClock()).exit_code == 7
        swap(self, *names)

    monkeypatch.setattr(Accounts, "cut_over", swap_late)
    assert rotate(world, "a", new).exit_code == 7
    monkeypatch.undo()
    assert key_of(world, "a") == new.api_key, "the labels are swapped already"
    blocked = world.keyctl(*BUY, "-a", "a", "--json")
    assert (blocked.exit_code, blocked.document["status"]) == (7, "error")
    assert world.placements() == {}
    assert world.keyctl("rotate", "a", clock=a_minute_later(world)).exit_code == 0
    assert world.keyctl(*BUY, "-a", "a", "--again", clock=ShiftedClock(60)).exit_code == 0


def test_a_leg_of_the_old_key_is_never_claimed_after_the_cut(world: World) -> None:
    world.add("okx", "a")
    plan = world.keyctl(*BUY[:-1], "-a", "a", "--dry-run", "--json").data["plan"]
    new = successor(world, "a")
    assert rotate(world, "a", new).exit_code == 0
    ran = world.keyctl("order", "--plan", plan, "--yes", "--json")
    assert ran.exit_code == 0, "a draft goes over to the new key"
    places = [line for line in world.venue("okx").calls.lines if line.operation == "place"]
    assert [line.key_hint for line in places] == [f"{new.api_key[:4]}...{new.api_key[-4:]}"]


def test_a_refusal_that_was_there_before_proves_nothing(world: World) -> None:
    old = world.add("okx", "a")
    old.key.deleted = True
    assert rotate(world, "a", successor(world, "a")).exit_code == 10, "whose the dead key was is not known"
    assert rotate(world, "a", None, "--yes").exit_code == 0
    ran = rotate(world, "a", None, "--finish")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (4, "not_proven")
    assert world.keyctl("remove", "a.old", "--yes").exit_code == 0
    assert rotate(world, "a", None, "--finish").exit_code == 0


@pytest.mark.parametrize("what", ["ips", "rights"])
@pytest.mark.parametrize("exchange", ALL)
def test_an_edited_ip_list_and_rights_that_were_taken_off_prove_nothing(world: World, exchange: str, what: str) -> None:
    old = world.add(exchange, "a")
    assert rotate(world, "a", successor(world, "a")).exit_code == 0
    if what == "ips":
        old.key.ips = {"spot": ("203.0.113.9",), "futures": ("203.0.113.9",)}
    else:
        old.key.permissions = dict.fromkeys(old.key.permissions, False)
    ran = rotate(world, "a", None, "--finish")
    assert ran.exit_code == 4 and ran.document["errors"][0]["code"] in ("not_proven", "old_key_works")
    assert old.api_key in secrets_in(world)


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMIT, FaultKind.HTML, FaultKind.RESET_BEFORE])
def test_an_exchange_that_cannot_answer_proves_nothing(world: World, kind: FaultKind) -> None:
    old = world.add("okx", "a")
    assert rotate(world, "a", successor(world, "a")).exit_code == 0
    old.key.deleted = True
    world.fault(kind=kind, exchange="okx", times=None)
    assert rotate(world, "a", None, "--finish").exit_code in (4, 5, 8)
    assert old.api_key in secrets_in(world)


def test_a_pair_made_by_keygen_takes_over(world: World) -> None:
    world.add("binance", "a", Algorithm.ED25519)
    pair = world.keyctl("keygen", "binance", "--endpoint", world.twin.endpoint("binance"), "--json").data
    new = successor(world, "a")
    new.key.public_key = (pair["public_key"] + "\n").encode()
    ran = world.keyctl("rotate", "a", "--from-keygen", "binance-new", "--api-key", new.api_key, "--json")
    assert ran.exit_code == 0, ran.stdout
    assert key_of(world, "a") == new.api_key
    assert {account.label for account in world.app().accounts.all()} == {"a", "a.old"}


def test_the_new_key_is_asked_for_at_the_terminal_only(world: World) -> None:
    world.add("okx", "a")
    assert world.keyctl("rotate", "a").exit_code == 10
    assert world.keyctl("rotate", "a", "--finish").exit_code == 4
    assert world.keyctl("rotate", "a", "--finish", "--abort").exit_code == 2
    assert world.keyctl("rotate", "nobody").exit_code == 3
    assert world.app().journal.rotations.all() == ()


def test_both_keys_go_the_account_s_way_and_none_directly(world: World) -> None:
    """The proxy is a port that nobody listens on: whatever went directly would arrive."""
    import socket

    old = world.add("okx", "a")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        proxy = f"socks5://127.0.0.1:{closed.getsockname()[1]}"
        (world.home / "config" / "config.toml").write_text(f'[accounts.a]\nproxy = "{proxy}"\n')
        new = successor(world, "a")
        assert rotate(world, "a", new).exit_code == 8
        assert world.keyctl("verify", "a.new").exit_code == 8
        assert world.venue("okx").calls.lines == []
    (world.home / "config" / "config.toml").unlink()
    assert rotate(world, "a").exit_code == 0
    assert secrets_in(world).keys() == {old.api_key, new.api_key}


@pytest.mark.parametrize("cut", [False, True], ids=["before the switch", "after it"])
@pytest.mark.parametrize("way", ["credentials", "api-key", "secret-file", "from-keygen"])
def test_another_key_is_never_dropped_in_silence(world: World, cut: bool, way: str) -> None:
    world.add("binance", "a", Algorithm.ED25519)
    first = successor(world, "a", rights=("read", "spot_trade", "withdraw"))
    assert rotate(world, "a", first).exit_code == 4
    if cut:
        first.key.permissions["withdraw"] = False
        assert rotate(world, "a").exit_code == 0
    before = secrets_in(world)
    second = successor(world, "a")
    path = world.folder / "secret"
    path.write_text(second.secret)
    path.chmod(0o600)
    if way == "from-keygen":
        world.keyctl("keygen", "binance", "--label", "pair")
        before = secrets_in(world)
    ran = {
        "credentials": lambda: rotate(world, "a", second),
        "api-key": lambda: rotate(world, "a", None, "--api-key", second.api_key, "--secret-file", str(path)),
        "secret-file": lambda: rotate(world, "a", None, "--secret-file", str(path)),
        "from-keygen": lambda: rotate(world, "a", None, "--from-keygen", "pair", "--api-key", second.api_key),
    }[way]()
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (4, "other_key")
    assert f"{first.api_key[:4]}..{first.api_key[-4:]}" in error["message"] and "nothing was stored" in error["message"]
    assert ("--finish" if cut else "--abort") in " ".join(error["hints"])
    assert secrets_in(world) == before and second.api_key not in before


def test_the_same_key_given_again_goes_on(world: World) -> None:
    world.add("okx", "a")
    new = successor(world, "a", rights=("read", "spot_trade", "withdraw"))
    assert rotate(world, "a", new).exit_code == 4
    new.key.permissions["withdraw"] = False
    assert rotate(world, "a", new).exit_code == 0
    assert rotate(world, "a", new).exit_code == 0, "and after the switch it only says what is left to do"
    assert key_of(world, "a") == new.api_key


def test_a_rename_in_the_middle_is_followed(world: World) -> None:
    old = world.add("okx", "a")
    bad = successor(world, "a", rights=("read", "spot_trade", "withdraw"))
    assert rotate(world, "a", bad).exit_code == 4
    assert world.keyctl("rename", "a", "b").exit_code == 0
    bad.key.permissions["withdraw"] = False
    assert rotate(world, "b").exit_code == 0
    assert {account.label for account in world.app().accounts.all()} == {"b", "b.old"}
    old.key.deleted = True
    assert rotate(world, "b", None, "--finish").data["rotation"]["label"] == "b"


# Killed at each step.

POINTS: tuple[tuple[type, str], ...] = (
    (Rotations, "begin"),
    (EncryptedFile, "put"),
    (Accounts, "add"),
    (Accounts, "replace"),
    (Rotations, "note"),
    (Accounts, "cut_over"),
    (Rotations, "cut"),
    (Rotations, "hand_over"),
    (EncryptedFile, "delete"),
    (Accounts, "remove"),
    (Rotations, "end"),
)


def dying(point: tuple[type, str], when: str, nth: int) -> Callable[[], None]:
    """Patches one step, in a child, so that the process is killed right before or after its nth time."""
    owner, name = point
    original = getattr(owner, name)
    calls = iter(range(1, 100))

    def step(*arguments: Any, **named: Any) -> Any:
        last = next(calls) == nth
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return lambda: setattr(owner, name, step)


def killed(patch: Callable[[], None], work: Callable[[], Ran]) -> bool:
    """Whether the work, done in a child, met its death."""
    with forking():
        child = os.fork()
    if not child:
        try:
            signal.alarm(30)
            patch()
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def check_whole(world: World, old: MadeKey, new: MadeKey, old_is_dead: bool) -> None:
    """No secret is lost, and the label stands for one key that its exchange takes."""
    there, listed = secrets_in(world), world.app().accounts.all()
    if not old_is_dead:
        assert there[old.api_key] == old.secret, "the old secret"
    named = {account.id for account in listed}
    rows = world.app().journal.rotations.all()
    assert len(rows) <= 1
    if new.api_key in there:
        assert there[new.api_key] == new.secret
        assert rows or any(account.api_key_hint[:4] == new.api_key[:4] for account in listed), "it can be found again"
    assert [account.standing for account in listed].count(Standing.ACTIVE) == 1
    account = world.account("a")
    assert account.standing is Standing.ACTIVE and account.id in named
    assert key_of(world, "a") == (new.api_key if old_is_dead else key_of(world, "a"))
    findings = world.keyctl("verify", "a", "--json").data["findings"]
    assert {row["level"] for row in findings if (row["rule"], row["market"]) == ("signature", "spot")} == {"pass"}


@pytest.fixture(params=ALL)
def venue_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, str]]:
    with World(tmp_path / "world") as world:
        yield world, request.param


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_step_and_taken_up_again(venue_world: tuple[World, str], when: str) -> None:
    """One rotation after another, each killed at one step; the twin counts that nothing but reads arrived."""
    world, exchange = venue_world
    old, deaths = world.add(exchange, "a"), set[tuple[type, str]]()
    for point in POINTS:
        for nth in (1, 2) if point == (Rotations, "note") else (1,):
            new = successor(world, "a")
            patch = dying(point, when, nth)
            died = killed(patch, lambda new=new: rotate(world, "a", new))  # type: ignore[misc]
            check_whole(world, old, new, old_is_dead=False)
            again = rotate(world, "a", new)
            assert again.exit_code == 0, (point, again.stdout)
            assert key_of(world, "a") == new.api_key
            old.key.deleted = True
            died = killed(patch, lambda: finish(world, "a")) or died
            deaths |= {point} if died else set()
            check_whole(world, old, new, old_is_dead=True)
            last = finish(world, "a")
            assert last.exit_code == 0 or last.document["errors"][0]["code"] == "not_cut", (point, last.stdout)
            assert secrets_in(world) == {new.api_key: new.secret}, point
            assert world.app().journal.rotations.all() == ()
            old = new
    assert deaths == set(POINTS), "each step was met"
    assert world.venue(exchange).calls.changing() == []
    assert world.account("a").kind is Kind.DEMO


def test_a_generated_secret_survives_every_kill(world: World) -> None:
    world.add("binance", "a", Algorithm.ED25519)
    for point in ((Rotations, "begin"), (EncryptedFile, "put"), (Accounts, "replace"), (Rotations, "note")):
        for when in ("before", "after"):
            pair = world.keyctl("keygen", "binance", "--endpoint", world.twin.endpoint("binance"), "--json").data
            secret = secrets_in(world)[""]
            new = successor(world, "a")
            new.key.public_key = (pair["public_key"] + "\n").encode()
            line = ("rotate", "a", "--from-keygen", "binance-new", "--api-key", new.api_key, "--json")
            assert killed(dying(point, when, 1), lambda line=line: world.keyctl(*line))  # type: ignore[misc]
            assert secret in secrets_in(world).values(), "the only copy"
            again = world.keyctl(*line)
            assert again.exit_code == 0, again.stdout
            assert secrets_in(world)[new.api_key] == secret
            world.made["a"].key.deleted = True
            assert finish(world, "a").exit_code == 0
            world.made["a"] = new
