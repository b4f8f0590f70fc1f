"""keyctl add: what is stored, what is refused, and that a refusal leaves the store as it was."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyctl.errors import SetupProblem, StoreUnusable, UsageProblem
from keyctl.exchanges import shipped
from keyctl.keys import enrol
from keyctl.model.words import Algorithm, Kind, Market
from tests.support.ran import Ran
from tests.support.stores import MemoryStore, files_with, make_account, make_credential
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

BINANCE_KEY = "K" * 60 + "abcd"
BINANCE_SECRET = "Canary" * 10 + "Safe"
OKX = {
    "api_key": "01234567-89ab-cdef-0123-456789abcdef",
    "secret": "FEDCBA9876543210FEDCBA9876543210",
    "passphrase": "Canary+pass/1!",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A home with a vault; the twin is not started, because nothing here asks an exchange."""
    made = World(tmp_path / "world")
    made.key_file.parent.mkdir(parents=True)
    assert made.keyctl("vault", "init", "--key-file", str(made.key_file)).exit_code == 0
    yield made
    made.close_apps()


def add(world: World, *options: str, stdin: str = BINANCE_SECRET) -> Ran:
    base = ("add", "binance", "--label", "bin", "--api-key", BINANCE_KEY, "--no-verify", "--secret-stdin")
    return world.keyctl(*base, *options, stdin=stdin)


def snapshot(world: World) -> tuple[object, ...]:
    accounts = world.app().accounts.all()
    return accounts, world.app().store.get_many(()), (world.home / "state" / "vault.json").read_bytes()


def pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_stores_an_account_and_its_secret(world: World) -> None:
    ran = add(world, "--group", "desk", "--json")
    assert ran.exit_code == 0, ran.stderr
    account = world.account("bin")
    assert (account.exchange, account.kind, account.markets) == ("binance", Kind.LIVE, tuple(Market))
    assert (account.api_key_hint, account.groups, account.algorithm) == ("KKKK..abcd", ("desk",), Algorithm.HMAC)
    credential = world.app().store.get(account.id)
    assert (credential.api_key, credential.secret.reveal()) == (BINANCE_KEY, BINANCE_SECRET.encode())
    assert credential.binding == account.binding
    assert ran.data["account"]["api_key"] == "KKKK..abcd"


def test_the_secret_and_the_whole_key_are_in_no_file_and_no_output(world: World) -> None:
    first = add(world, "--debug")
    second = world.keyctl(
        "add", "okx", "--label", "okx-a", "--no-verify", "--credentials-stdin", "--json", stdin=json.dumps(OKX)
    )
    shown = first.stdout + first.stderr + second.stdout + second.stderr
    shown += world.keyctl("list", "--json").stdout + world.keyctl("show", "bin").stdout
    for text in (BINANCE_SECRET, OKX["secret"], OKX["passphrase"], BINANCE_KEY):
        assert files_with(world.folder, text) == []
        assert text not in shown


def test_credentials_come_as_json_with_their_key_type(world: World) -> None:
    text = json.dumps({"api_key": BINANCE_KEY, "secret": pem(Ed25519PrivateKey.generate()), "key_type": "ed25519"})
    ran = world.keyctl("add", "binance", "--label", "b", "--no-verify", "--credentials-stdin", stdin=text)
    assert ran.exit_code == 0, ran.stderr
    assert world.account("b").algorithm is Algorithm.ED25519


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.RSA])
def test_a_private_key_tells_its_own_type(world: World, algorithm: Algorithm) -> None:
    key = Ed25519PrivateKey.generate() if algorithm is Algorithm.ED25519 else generate_private_key(65537, 2048)
    assert add(world, stdin=pem(key)).exit_code == 0
    assert world.account("bin").algorithm is algorithm


def test_secret_and_passphrase_come_from_files_and_commands(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(OKX["secret"] + "\n")
    secret.chmod(0o644)
    ran = world.keyctl(
        *("add", "okx", "--label", "o", "--no-verify", "--api-key", OKX["api_key"], "--secret-file", str(secret)),
        *("--passphrase-command", f"{sys.executable} -c \"print('{OKX['passphrase']}')\""),
    )
    assert ran.exit_code == 0, ran.stderr
    assert "other users can read" in ran.stderr
    passphrase = world.app().store.get(world.account("o").id).passphrase
    assert passphrase is not None and passphrase.reveal().decode() == OKX["passphrase"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "code"),
    [
        (("add", "binanze"), "", 2, "unknown_exchange"),
        (("add", "binance", "bin", "Canary"), "", 2, "extra_words"),
        (("add", "binance", "--label", "UP", "--secret-stdin"), "", 3, "bad_label"),
        (("add", "binance", "--label", "okx", "--secret-stdin"), "", 3, "bad_label"),
        (("add", "binance", "--label", "b", "--site", "mars"), "", 2, "unknown_site"),
        (("add", "bitfinex", "--label", "b", "--key-type", "rsa"), "", 2, "no_key_type"),
        (("add", "binance", "--label", "b", "--passphrase-file", "f"), "", 2, "no_passphrase"),
        (("add", "binance", "--label", "b", "--secret-stdin", "--secret-file", "f"), "", 2, "two_sources"),
        (("add", "binance", "--label", "b", "--api-key", "x", "--credentials-stdin"), "{}", 2, "usage"),
        (("add", "binance", "--label", "b", "--credentials-stdin"), "{}", 3, "bad_input"),
        (("add", "binance", "--label", "b", "--credentials-stdin"), '{"api_key": "k", "canary": 1}', 3, "bad_input"),
        (("add", "binance", "--api-key", "x", "--secret-stdin"), "Canary", 10, "needs_person"),
        (("add", "binance", "--label", "b", "--secret-stdin"), "Canary", 10, "needs_person"),
        (("add", "binance", "--label", "b", "--api-key", BINANCE_KEY), "", 10, "needs_person"),
        (
            ("add", "okx", "--label", "b", "--api-key", OKX["api_key"], "--secret-stdin"),
            OKX["secret"],
            10,
            "needs_person",
        ),
        (
            ("add", "binance", "--label", "b", "--env", "live", "--endpoint", "http://127.0.0.1:1"),
            "",
            2,
            "bad_endpoint",
        ),
        (("add", "binance", "--label", "b", "--ca-file", "f"), "", 2, "bad_endpoint"),
    ],
)
def test_bad_input_gets_one_line_a_hint_and_changes_nothing(
    world: World, arguments: tuple[str, ...], stdin: str, exit_code: int, code: str
) -> None:
    before = snapshot(world)
    ran = world.keyctl(*arguments, "--json", "--no-verify", stdin=stdin)
    (error,) = ran.document["errors"]
    assert (ran.exit_code, error["code"]) == (exit_code, code)
    assert "Canary" not in ran.stdout + ran.stderr
    assert snapshot(world) == before


def test_a_market_that_the_exchange_lacks_is_named() -> None:
    facts = shipped.profile("okx")._replace(markets=(Market.SPOT,))
    with pytest.raises(UsageProblem, match="does not support a futures market"):
        enrol.markets_for(facts, "futures")


@pytest.mark.parametrize("bad", ["", " ", f"{BINANCE_SECRET} x", f'"{BINANCE_SECRET}"', "short", BINANCE_KEY])
def test_a_secret_of_the_wrong_shape_changes_nothing(world: World, bad: str) -> None:
    before = snapshot(world)
    ran = add(world, stdin=bad)
    assert ran.exit_code == 3
    assert "hint:" in ran.stderr or "empty" in ran.stderr
    assert "Canary" not in ran.stderr
    assert snapshot(world) == before


def test_a_cut_private_key_changes_nothing(world: World) -> None:
    before = snapshot(world)
    whole = pem(Ed25519PrivateKey.generate())
    ran = add(world, stdin=whole.replace("M", "", 1))
    assert ran.exit_code == 3
    assert snapshot(world) == before


@pytest.mark.parametrize(
    "option", ["--secret", "--api-secret", "--secret-key", "--private-key", "--passphrase", "--password"]
)
@pytest.mark.parametrize("form", ["two words", "one word"])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(world: World, option: str, form: str) -> None:
    given = (option, "Canary") if form == "two words" else (f"{option}=Canary",)
    ran = world.keyctl("add", "binance", *given, "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (2, "secret_on_command_line")
    assert "Canary" not in ran.stdout + ran.stderr
    assert f"{option} " not in world.keyctl("add", "--help").stdout


def test_a_label_and_a_key_are_stored_once(world: World) -> None:
    assert add(world).exit_code == 0
    before = snapshot(world)
    again = add(world, "--json")
    assert (again.exit_code, again.document["errors"][0]["code"]) == (3, "duplicate_label")
    other = world.keyctl(
        *("add", "binance", "--label", "other", "--api-key", BINANCE_KEY, "--secret-stdin", "--json", "--no-verify"),
        stdin=BINANCE_SECRET,
    )
    assert (other.exit_code, other.document["errors"][0]["code"]) == (3, "duplicate_key")
    assert snapshot(world) == before


def test_a_locked_vault_is_told_before_the_secret_is_read(world: World) -> None:
    world.key_file.unlink()
    ran = add(world, "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (3, "bad_key_file")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9:1/", "http://127.9.9.9:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_loopback_endpoints(url: str, endpoint: str) -> None:
    assert enrol.loopback_endpoint(url, None) == (endpoint, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:80",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://user@127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1/path",
        "http://127.0.0.1?x",
        "http://127.1",
        "http://2130706433",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "https://127.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "",
    ],
)
def test_every_other_endpoint_is_refused(url: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        enrol.loopback_endpoint(url, None)
    assert caught.value.code == "bad_endpoint"


def test_https_on_loopback_takes_a_ca_file_that_is_there(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with pytest.raises(UsageProblem):
        enrol.loopback_endpoint("https://127.0.0.1:1", str(ca_file))
    ca_file.write_text("")
    assert enrol.loopback_endpoint("https://127.0.0.1:1", str(ca_file)) == ("https://127.0.0.1:1", str(ca_file))
    with pytest.raises(UsageProblem):
        enrol.loopback_endpoint("http://127.0.0.1:1", str(ca_file))


def test_an_endpoint_makes_the_account_a_demo_one(world: World) -> None:
    assert add(world, "--endpoint", "http://127.0.0.1:1").exit_code == 0
    account = world.account("bin")
    assert (account.kind, account.endpoint) == (Kind.DEMO, "http://127.0.0.1:1")


def test_when_the_list_cannot_be_written_the_secret_is_taken_out_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, accounts = MemoryStore(), world.app().accounts

    def full(account: object) -> None:
        assert store.credentials
        raise StoreUnusable("disk full")

    monkeypatch.setattr(accounts, "add", full)
    with pytest.raises(StoreUnusable):
        enrol.enrol(accounts, store, make_account("a"), make_credential())
    assert store.credentials == {}


def test_when_the_store_refuses_no_account_is_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store, accounts = MemoryStore(), world.app().accounts

    def locked(account_id: str, credential: object) -> None:
        raise SetupProblem("locked")

    monkeypatch.setattr(store, "put", locked)
    with pytest.raises(SetupProblem):
        enrol.enrol(accounts, store, make_account("a"), make_credential())
    assert accounts.all() == ()


def test_a_person_is_guided_and_sees_no_secret(world: World) -> None:
    at = keyctl_at_terminal(["add", "okx", "--no-verify"], world.home)
    at.waits_for("May keyctl ask them? (yes, no) [no]: ").types("\n")
    at.waits_for("[ ] 1 ").waits_for("Label [okx-main]: ").types("\n")
    at.waits_for("API key: ").types(OKX["api_key"] + "\n")
    at.waits_for("echoed): ").types(OKX["secret"] + "\n")
    at.waits_for("Passphrase of the key (hidden): ").types(OKX["passphrase"] + "\n")
    code, seen = at.leaves()
    assert code == 0, seen
    assert "Stored okx-main in the vault." in seen
    assert OKX["secret"] not in seen and OKX["passphrase"] not in seen
    assert world.account("okx-main").api_key_hint == "0123..cdef"


def test_a_person_may_paste_a_private_key(world: World) -> None:
    whole = pem(Ed25519PrivateKey.generate())
    at = keyctl_at_terminal(["add", "binance", "--no-verify", "--label", "b"], world.home)
    at.waits_for("May keyctl ask them?").types("no\n")
    at.waits_for("Key type (").types("ed25519\n")
    at.waits_for("API key: ").types(BINANCE_KEY + "\n")
    code, seen = at.waits_for("echoed): ").types(whole).leaves()
    assert code == 0, seen
    assert whole.splitlines()[1] not in seen


def test_no_secret_shows_in_the_arguments_or_variables_of_a_process(world: World) -> None:
    """The child reports its own /proc entries while the secret is being read."""
    report = world.folder / "report"
    script = world.folder / "tell"
    script.write_text(
        f"#!/bin/sh\ncat /proc/$PPID/cmdline /proc/self/environ > {report} 2>/dev/null\necho {BINANCE_SECRET}\n"
    )
    script.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-m", "keyctl", "add", "binance", "--label", "b", "--api-key", BINANCE_KEY]
        + ["--no-verify", "--secret-command", str(script)],
        env=world.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "keyctl" in report.read_bytes().decode()
    assert BINANCE_SECRET not in report.read_bytes().decode()
