"""Backups that somebody made up or damaged: each is refused, or shown and asked, and none sends a key elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyctl.exchanges.shipped import names, profile
from keyctl.home.account_entries import stored_facts
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Kind
from keyctl.secret import Secret
from keyctl.twin.key_making import make_key
from keyctl.vault.backup import Entry, write_backup
from keyctl.vault.envelope import GivenKey
from keyctl.vault.key_file import make_key_file
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

Facts = dict[str, Any]
ELSEWHERE = "https://evil.example"


def bound(**changes: Any) -> Callable[[Facts, Credential], Credential]:
    """Facts and secret changed alike, as one who makes up a file would do it."""

    def change(facts: Facts, credential: Credential) -> Credential:
        facts.update(changes)
        binding = Binding(facts["exchange"], Kind(facts["kind"]), facts["site"], facts["endpoint"], facts["ca_file"])
        return replace(credential, binding=binding)

    return change


def facts_only(**changes: Any) -> Callable[[Facts, Credential], Credential]:
    def change(facts: Facts, credential: Credential) -> Credential:
        facts.update(changes)
        return credential

    return change


def secret_only(**changes: Any) -> Callable[[Facts, Credential], Credential]:
    return lambda facts, credential: replace(credential, **changes)


def without(name: str) -> Callable[[Facts, Credential], Credential]:
    def change(facts: Facts, credential: Credential) -> Credential:
        facts.pop(name)
        return credential

    return change


FORGED: dict[str, Callable[[Facts, Credential], Credential]] = {
    **{
        f"endpoint {url}": bound(endpoint=url, kind="demo")
        for url in (
            ELSEWHERE,
            "http://evil.example",
            "http://10.0.0.1",
            "http://localhost:80",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "http://[::2]:80",
            "ftp://127.0.0.1",
            "http://127.0.0.1/x",
            "",
            "x",
            "http://0x7f.1",
            "https://127.0.0.1:1",
            "http://127.0.0.1:99999",
        )
    },
    "endpoint live": bound(endpoint="http://127.0.0.1:9", kind="live"),
    "endpoint in facts alone": facts_only(endpoint=ELSEWHERE),
    "endpoint in the secret alone": lambda facts, credential: replace(
        credential, binding=replace(credential.binding, endpoint=ELSEWHERE)
    ),
    "CA file": bound(endpoint="https://127.0.0.1:9", kind="demo", ca_file="/etc/hostname"),
    "CA file without endpoint": bound(ca_file="/etc/hostname"),
    "CA file that is not there": bound(endpoint="https://127.0.0.1:9", kind="demo", ca_file="/nowhere"),
    "exchange": bound(exchange="nosuch"),
    "exchange as a path": bound(exchange="../okx"),
    "exchange of another": bound(exchange="binance"),
    "site": bound(site="nowhere"),
    "site as a path": bound(site="../x"),
    "kind testnet": bound(kind="testnet"),
    "kind in facts alone": facts_only(kind="demo"),
    "kind of no kind": facts_only(kind="paper"),
    "label": facts_only(label="Not A Label"),
    "label of an exchange": facts_only(label="okx"),
    "label with escapes": facts_only(label="a\x1b[31m"),
    "label too long": facts_only(label="a" * 100),
    "group": facts_only(groups=["Not A Group"]),
    "groups no list": facts_only(groups="desk"),
    "groups of numbers": facts_only(groups=[1]),
    "too many groups": facts_only(groups=[f"g{number}" for number in range(100)]),
    "groups twice": facts_only(groups=["desk", "desk"]),
    "markets none": facts_only(markets=[]),
    "markets unknown": facts_only(markets=["options"]),
    "markets twice": facts_only(markets=["spot", "spot"]),
    "key type": facts_only(key_type="ed25519"),
    "key type unknown": facts_only(key_type="dsa"),
    "key type of both": lambda facts, credential: (
        facts.update(key_type="rsa"),
        replace(credential, algorithm=type(credential.algorithm)("rsa")),
    )[1],
    "created no date": facts_only(created="yesterday"),
    "created without zone": facts_only(created="2026-01-01T00:00:00"),
    "created in year 1": facts_only(created="0001-01-01T00:00:00+00:00"),
    "created in year 9999": facts_only(created="9999-12-31T23:59:59+00:00"),
    "key created odd": facts_only(key_created="0001-01-01T00:00:00+00:00"),
    "uid odd": facts_only(uid="\x1b]0;x\x07"),
    "uid long": facts_only(uid="1" * 5000),
    "uid a number": facts_only(uid=7),
    "standing": facts_only(standing="king"),
    "IP list": facts_only(ip_list="yes"),
    "proxy odd": facts_only(proxy="file:///etc/passwd"),
    "proxy with password": facts_only(proxy="http://a:b@127.0.0.1:1"),
    "one fact more": facts_only(sudo=True),
    **{f"without {name}": without(name) for name in ("id", "label", "site", "endpoint", "created", "groups")},
    "API key empty": secret_only(api_key=""),
    "API key with blanks": secret_only(api_key="a b"),
    "API key of another shape": secret_only(api_key="x" * 64),
    "secret empty": secret_only(secret=Secret("")),
    "secret with an escape": secret_only(secret=Secret("\x1b[31m" + "A" * 27)),
    "secret of another shape": secret_only(secret=Secret("short")),
    "passphrase missing": secret_only(passphrase=None),
    "passphrase with blanks": secret_only(passphrase=Secret(" a")),
    "algorithm in the secret alone": lambda facts, credential: replace(
        credential, algorithm=type(credential.algorithm)("rsa")
    ),
}


@pytest.fixture
def other(tmp_path: Path):  # type: ignore[no-untyped-def]
    with World(tmp_path / "other") as world:
        yield world


def entry(world: World, label: str = "okx-x", **changes: Any) -> Entry:
    """A live account as keyctl itself would have written it."""
    made = make_key("okx")
    credential = Credential(
        made.api_key, Secret(made.secret), made.algorithm, Secret(made.passphrase or ""),
        Binding("okx", Kind.LIVE, "global", None, None),
    )  # fmt: skip
    from keyctl.keys.enrol import new_account

    account = new_account(world.app().accounts, label, profile("okx").markets, credential, ())
    return Entry(stored_facts(account) | changes, credential)


def forged(world: World, entries: dict[str, Entry]) -> tuple[Path, Path]:
    stick = world.folder / f"stick{time.monotonic_ns()}"
    stick.mkdir()
    key = make_key_file(stick / "backup.key", world.app().home)
    path = stick / "forged.backup"
    write_backup(path, GivenKey("keyfile", key), entries)
    return path, stick / "backup.key"


def imported(world: World, entries: dict[str, Entry], *options: str) -> Ran:
    path, key = forged(world, entries)
    return world.keyctl("import", str(path), "--key-file", str(key), "--yes", *options)


def test_there_are_sixty_of_them() -> None:
    assert len(FORGED) >= 60


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_account_is_refused_beside_a_good_one(other: World, name: str) -> None:
    good, bad = entry(other, "good"), entry(other)
    facts = dict(bad.facts)
    changed = FORGED[name](facts, bad.credential)
    ran = imported(other, {"1": good, "2": Entry(facts, changed)}, "--json")
    assert ran.exit_code == 0, ran
    assert [item["label"] for item in ran.data["accounts"]] == ["good"]
    assert len(ran.data["remarks"]) == 1, ran.data["remarks"]
    assert "\x1b" not in ran.stdout
    for line in (("list",), ("show", "good"), ("doctor",)):
        assert other.keyctl(*line).exit_code in (0, 4), line
    assert (
        changed.secret.reveal() not in b" ".join(p.read_bytes() for p in other.home.rglob("*.json"))
        or len(changed.secret) < 8
    )


def test_every_shipped_site_is_taken_and_no_other(other: World) -> None:
    shipped = {(name, kind, site) for name in names() for kind, sites in profile(name).hosts.items() for site in sites}
    assert ("okx", "live", "global") in shipped
    for kind, site in (("live", "eea"), ("demo", "us")):
        one = entry(other, f"okx-{site}")
        facts = dict(one.facts)
        changed = bound(kind=kind, site=site)(facts, one.credential)
        assert imported(other, {"1": Entry(facts, changed)}).exit_code == 0


def test_two_accounts_of_one_id_keep_their_own_keys(other: World) -> None:
    one, two = entry(other, "one"), entry(other, "two")
    two = Entry({**two.facts, "id": one.facts["id"]}, two.credential)
    assert imported(other, {"1": one, "2": two}).exit_code == 0
    app = other.app()
    kept = {account.label: app.store.get(account.id).api_key for account in app.accounts.all()}
    assert kept == {"one": one.credential.api_key, "two": two.credential.api_key}


def test_an_id_that_is_taken_here_gets_a_new_one(other: World) -> None:
    other.add("okx", "mine")
    mine = other.account("mine")
    one = entry(other, "one")
    assert imported(other, {"1": Entry({**one.facts, "id": mine.id}, one.credential)}).exit_code == 0
    assert other.account("one").id != mine.id
    assert other.app().store.get(mine.id).api_key == other.made["mine"].api_key


@pytest.mark.parametrize("bad", ["../../x", "x", "A" * 16, ""])
def test_an_id_of_another_shape_is_replaced(other: World, bad: str) -> None:
    one = entry(other, "one")
    assert imported(other, {"1": Entry({**one.facts, "id": bad}, one.credential)}).exit_code == 0
    assert len(other.account("one").id) == 16 and other.account("one").id != bad


def test_one_key_twice_is_stored_once(other: World) -> None:
    one = entry(other, "one")
    two = Entry({**one.facts, "label": "two", "id": "0" * 16}, one.credential)
    assert imported(other, {"1": one, "2": two}).exit_code == 0
    assert [account.label for account in other.app().accounts.all()] == ["one"]


def test_what_leads_elsewhere_is_shown_and_without_a_person_not_taken(other: World) -> None:
    one = entry(other, "one", proxy="socks5://10.0.0.1:1080", groups=["desk"])
    ran = imported(other, {"1": one})
    assert ran.exit_code == 0
    assert "proxy socks5://10.0.0.1:1080 not stored: it was not confirmed" in ran.stdout and "groups desk" in ran.stdout
    assert (other.account("one").proxy, other.account("one").groups) == (None, ("desk",))


def test_a_person_who_agrees_takes_a_proxy_too(other: World) -> None:
    path, key = forged(other, {"1": entry(other, "one", proxy="socks5://10.0.0.1:1080", groups=["desk"])})
    person = keyctl_at_terminal(["import", str(path), "--key-file", str(key)], other.home)
    code, seen = person.waits_for("10.0.0.1").waits_for("Type yes").types("yes\n").leaves()
    assert code == 0, seen
    assert other.account("one").proxy == "socks5://10.0.0.1:1080"


@pytest.mark.parametrize(
    ("power", "parallel", "fine"), [(17, 1, True), (18, 1, True), (19, 1, False), (20, 1, False), (18, 4, False)]
)
def test_the_cost_of_a_backups_key_is_bounded_before_it_is_paid(
    other: World, monkeypatch: pytest.MonkeyPatch, power: int, parallel: int, fine: bool
) -> None:
    from keyctl.vault import backup

    path = other.folder / "b"
    write_backup(path, GivenKey("passphrase", Secret("x")), {"1": entry(other)}, scrypt_n=2**15)
    document = json.loads(path.read_bytes())
    document["slots"][0] |= {"n": 2**power, "p": parallel}
    path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")))
    derived: list[int] = []

    def derive(slot: object, material: object) -> bytes:
        derived.append(1)
        return bytes(32)

    monkeypatch.setattr("keyctl.vault.envelope.derive", derive)
    with pytest.raises(Exception) as caught:
        backup.read_backup(path, GivenKey("passphrase", Secret("x")))
    assert getattr(caught.value, "code", "") == "backup_locked"
    assert bool(derived) is fine and ("more memory or time" in str(caught.value)) is not fine


@pytest.mark.slow  # the quick tests are watched for coverage, which would be timed too
def test_import_time_grows_with_the_number_of_accounts_not_its_square(other: World) -> None:
    entries = {str(number): entry(other, f"a{number}") for number in range(200)}
    begun = time.perf_counter()
    assert imported(other, entries).exit_code == 0
    assert time.perf_counter() - begun < 3
    assert len(other.app().accounts.all()) == 200
