"""`keyctl --demo`: the twin and nothing else, whatever stands in the demo's home and whatever is asked for."""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyctl.app import App
from keyctl.commands import demo_world
from keyctl.home.folders import find_home
from keyctl.keys import hand_out
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm, Kind
from keyctl.secret import Secret
from keyctl.twin.key_making import make_key
from tests.support.command_list import commands
from tests.support.ran import Ran
from tests.support.stores import make_account
from tests.support.world import ALL, World, credentials

ORDER = ("order", "buy", "BTC/USDT", "0.005", "--price", "59000")


class Away(Exception):
    """A socket was about to leave this machine."""


class Watch:
    """Whom sockets and the resolver of this process are asked for; whoever is not on this machine is not reached."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or event not in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
            return
        if event == "socket.connect":
            if arguments[0].family == socket.AF_UNIX:
                return
            host = str(arguments[1][0])
        else:
            host = str(arguments[0])
        self.seen.append(host)
        try:
            here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = False
        if not here:
            raise Away(host)

    @property
    def away(self) -> list[str]:
        """The hosts that are not on this machine."""
        return [host for host in self.seen if not host.startswith("127.") and host != "::1"]


WATCH = Watch()
sys.addaudithook(WATCH)  # for the life of the process; silent but in these tests


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands here write beside where they are run."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def watch() -> Iterator[Watch]:
    WATCH.seen, WATCH.on = [], True
    yield WATCH
    WATCH.on = False


@pytest.fixture
def demo(world: World) -> World:
    """A demo's home as `keyctl demo --serve` makes it, at the world's twin."""
    app = App(environ=world.environ, home=find_home(world.environ, demo=True))
    demo_world.furnish(app, world.twin)
    app.close()
    return world


@pytest.fixture
def odd(demo: World) -> World:
    """The same with a live account in it, as earlier versions stored them, an echo service and a proxy."""
    intrude(demo, "okx-live", Kind.LIVE, None)
    config = find_home(demo.environ, demo=True).config_file
    config.write_text('[egress]\necho_url = "https://echo.example/ip"\n')
    config.chmod(0o600)
    return demo


def intrude(world: World, label: str, kind: Kind, endpoint: str | None) -> None:
    app = App(environ=world.environ, home=find_home(world.environ, demo=True))
    made = make_key("okx", Algorithm.HMAC)
    binding = Binding("okx", kind, "global", endpoint, None)
    account = replace(make_account(label), kind=kind, endpoint=endpoint, api_key_hash=app.accounts.key_hash(label))
    passphrase = Secret(made.passphrase or "")
    app.store.put(account.id, Credential(made.api_key, Secret(made.secret), made.algorithm, passphrase, binding))
    app.accounts.add(account)
    app.close()


def code(ran: Ran) -> tuple[int, str]:
    return ran.exit_code, ran.document["errors"][0]["code"]


# Whatever is asked for.

LINES: dict[str, tuple[str, ...]] = {
    "add": ("okx", "--label", "x", "--credentials-stdin"),
    "balance": (),
    "backup": ("a-copy",),
    "cancel": ("--all", "--yes", "--foreign"),
    "checklist": ("okx",),
    "close": ("--every-symbol", "--all", "--yes"),
    "completion": ("bash",),
    "config check": (),
    "config edit": (),
    "config path": (),
    "config set": ("echo", "on"),
    "config show": (),
    "diagnose": ("okx-live",),
    "disable": ("okx-live",),
    "doctor": (),
    "edit": ("okx-a", "--proxy", "socks5://203.0.113.5:1080"),
    "enable": ("okx-live",),
    "env": ("okx-live",),
    "exec": ("okx-live", "--", "true"),
    "export": ("backup",),
    "exposure": (),
    "funding auto": ("USD", "--yes"),
    "funding autorenew": ("show", "USD"),
    "funding book": ("USD",),
    "funding cancel": ("--all", "USD", "--yes"),
    "funding credits": (),
    "funding history": (),
    "funding loans": (),
    "funding offer": ("200", "USD", "--rate", "0.02%/day", "--days", "2", "--yes"),
    "funding offers": (),
    "funding rates": (),
    "funding report": (),
    "funding resolve": ("3", "--absent", "--reason", "not on its page", "--yes"),
    "funding settle": (),
    "group add": ("desk", "okx-a"),
    "group list": (),
    "group remove": ("desk", "--all"),
    "halt": ("--cancel",),
    "help": ("cron",),
    "import": ("keys.env",),
    "ip": (),
    "keygen": ("binance", "--env", "live"),
    "leak": ("okx-a", "--yes"),
    "limits": (),
    "list": (),
    "order": (*ORDER[1:], "--fanout", "--all", "--yes"),
    "orders export": (),
    "orders list": ("--open",),
    "orders refresh": ("--all",),
    "orders resolve": ("x", "a", "--as", "not-taken", "--because", "not in its history"),
    "orders settle": (),
    "orders show": ("x",),
    "positions": (),
    "fills": ("--all", "--symbol", "BTC/USDT:USDT"),
    "price": ("BTC/USDT",),
    "remove": ("nobody", "--yes"),
    "rename": ("okx-live", "okx-real"),
    "request": ("okx-live", "GET", "/api/v5/account/config"),
    "restore": ("a-copy", "--yes"),
    "reveal": ("okx-live",),
    "rotate": ("okx-live", "--credentials-stdin"),
    "scan": ("keys.env",),
    "show": ("okx-live",),
    "vault add-slot": ("passphrase",),
    "vault check": (),
    "vault init": (),
    "vault migrate": ("--to", "keyring"),
    "vault purge": ("--yes",),
    "vault rekey": (),
    "vault remove-slot": ("1",),
    "vault status": (),
    "vault use": ("1",),
    "verify": ("--all",),
    "version": (),
    "whitelist plan": ("--all",),
    "whitelist set": ("-a", "okx-a", "127.0.0.1"),
    "whitelist show": ("--all",),
}
# What meets the exchanges: it finds the twin, or the account that is none of the twin's is refused.
CALLS = {
    *("add", "balance", "cancel", "close", "doctor", "exposure", "fills", "leak", "order", "orders list", "positions"),
    *("price", "verify"),
    *(command for command in LINES if command.startswith("funding ") and command != "funding resolve"),
}


def test_every_command_has_a_line_here() -> None:
    assert {" ".join(words) for words in commands()} - {"demo"} == set(LINES)


@pytest.mark.parametrize("command", LINES)
def test_no_command_calls_another_machine(
    odd: World, watch: Watch, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where exec is not refused it becomes the other program, and this process would be gone.
    monkeypatch.setattr(hand_out, "replace_process", lambda *_: pytest.fail("exec would have run the command"))
    made = make_key("okx", Algorithm.HMAC)
    odd.keyctl("--demo", *command.split(), *LINES[command], stdin=credentials(made))
    assert watch.away == []
    assert bool(watch.seen) is (command in CALLS)


@pytest.mark.parametrize("command", ["balance", "diagnose", "price", "request", "verify"])
def test_nor_does_one_that_names_the_live_account(odd: World, watch: Watch, command: str) -> None:
    words = {
        "price": ("BTC/USDT", "-a", "okx-live"),
        "request": ("okx-live", "GET", "/api/v5/account/config"),
    }.get(command, ("okx-live",))
    assert code(odd.keyctl("--demo", command, *words, "--json")) == (3, "not_of_the_demo")
    assert watch.seen == []


def test_the_watch_would_see_a_call(world: World, watch: Watch) -> None:
    """The same account in a home that is no demo's: its exchange is looked for, and the watch lets nothing out."""
    app = world.app()
    made = make_key("okx", Algorithm.HMAC)
    ran = world.keyctl("add", "okx", "--label", "okx-live", "--credentials-stdin", stdin=credentials(made))
    app.close()
    assert ran.exit_code != 0
    assert watch.away


def test_a_proxy_of_the_config_is_no_way_out_either(demo: World, watch: Watch) -> None:
    config = find_home(demo.environ, demo=True).config_file
    config.write_text('[accounts.okx-a]\nproxy = "socks5://203.0.113.5:1080"\n')
    config.chmod(0o600)
    ran = demo.keyctl("--demo", "balance", "okx-a", "--json")
    assert ran.exit_code == 8
    assert "the demo connects to this machine only" in ran.document["errors"][0]["message"]
    assert watch.seen == []


def test_its_home_is_the_twins_by_whatever_way_it_is_named(odd: World, watch: Watch) -> None:
    odd.environ["KEYCTL_HOME"] = str(odd.home / "state" / "demo")
    assert code(odd.keyctl("verify", "okx-live", "--json")) == (3, "not_of_the_demo")
    made = make_key("okx", Algorithm.HMAC)
    assert code(
        odd.keyctl("add", "okx", "--env", "live", "--credentials-stdin", "--json", stdin=credentials(made))
    ) == (
        2,
        "not_in_demo",
    )
    assert watch.seen == []


# Adding.


def test_what_is_added_is_added_at_the_twin(demo: World, watch: Watch) -> None:
    made = make_key("okx", Algorithm.HMAC)
    demo.twin.add_key("okx", made)
    words = ("--demo", "add", "okx", "--label", "mine", "--credentials-stdin", "--json")
    ran = demo.keyctl(*words, stdin=credentials(made))
    stored = ran.data["account"]
    assert (stored["kind"], stored["endpoint"]) == ("demo", demo.twin.endpoint("okx"))
    assert watch.seen and watch.away == []
    order = demo.keyctl("--demo", *ORDER, "-a", "mine", "--yes", "--json")
    assert order.exit_code == 0, order.stdout


@pytest.mark.parametrize(
    "options",
    [("--env", "live"), ("--env", "testnet"), ("--endpoint", "http://127.0.0.1:9"), ("--endpoint", "https://okx.com")],
)
@pytest.mark.parametrize("command", [("add", "binance", "--credentials-stdin"), ("keygen", "binance")])
def test_nothing_is_stored_for_another_place(demo: World, command: tuple[str, ...], options: tuple[str, ...]) -> None:
    made = make_key("binance", Algorithm.HMAC)
    before = demo.keyctl("--demo", "list").stdout
    assert code(demo.keyctl("--demo", *command, *options, "--json", stdin=credentials(made))) == (2, "not_in_demo")
    assert demo.keyctl("--demo", "list").stdout == before


@pytest.mark.parametrize(
    "words",
    [
        ("import", "keys.env"),
        ("vault", "migrate", "--to", "keyring"),
        ("vault", "init"),
        ("edit", "okx-a", "--proxy", "http://127.0.0.1:8080"),
    ],
)
def test_what_makes_no_sense_in_the_demo_is_refused(demo: World, words: tuple[str, ...]) -> None:
    ran = demo.keyctl("--demo", *words, "--json")
    assert code(ran) == (2, "not_in_demo")
    assert ran.document["errors"][0]["hints"] == ["for real accounts, remove --demo"]


def test_before_the_demo_ever_ran_nothing_can_be_added(world: World, watch: Watch) -> None:
    made = make_key("okx", Algorithm.HMAC)
    ran = world.keyctl("--demo", "add", "okx", "--credentials-stdin", "--json", stdin=credentials(made))
    assert code(ran) == (3, "no_twin")
    assert watch.seen == []


def test_a_key_pair_is_made_for_the_twin(demo: World) -> None:
    ran = demo.keyctl("--demo", "keygen", "binance", "--json")
    assert ran.data["account"]["endpoint"] == demo.twin.endpoint("binance")


# Accounts that are none of the twin's.


@pytest.mark.parametrize(
    ("kind", "endpoint"), [(Kind.LIVE, None), (Kind.TESTNET, None), (Kind.DEMO, None), (Kind.DEMO, "http://192.0.2.1")]
)
def test_an_odd_account_is_named_and_never_used(demo: World, watch: Watch, kind: Kind, endpoint: str | None) -> None:
    intrude(demo, "strange", kind, endpoint)
    ran = demo.keyctl("--demo", *ORDER, "--fanout", "--all", "--yes", "--json")
    assert {leg["account"] for leg in ran.data["legs"]} == {f"{name}-a" for name in ALL}
    for shows in (("list",), ("show", "strange")):
        assert "strange is a" in demo.keyctl("--demo", *shows).stderr
    checks = demo.keyctl("--demo", "doctor", "--json").data["checks"]
    assert [(check["level"], "strange" in check["detail"]) for check in checks if check["name"] == "demo"] == [
        ("fail", True)
    ]
    for words in (
        (*ORDER, "-a", "strange", "--yes"),
        ("env", "strange"),
        ("close", "--every-symbol", "-a", "strange", "--yes"),
        ("rotate", "strange", "--credentials-stdin"),
    ):
        ran = demo.keyctl("--demo", *words)
        assert (ran.exit_code, "error[not_of_the_demo]" in ran.stderr) == (3, True), words
    ran = demo.spawn("--demo", "exec", "strange", "--", "echo", "it ran")
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert watch.away == []
    assert demo.keyctl("--demo", "remove", "strange", "--yes").exit_code == 0
    assert "strange" not in demo.keyctl("--demo", "list").stdout


def test_outside_the_demo_a_demo_account_and_a_live_one_are_what_they_were(world: World) -> None:
    world.app().accounts.add(make_account("live-one"))
    world.add("okx")
    listed = world.keyctl("list", "--json")
    assert listed.document["warnings"] == []
    assert [entry["label"] for entry in listed.data["accounts"]] == ["live-one", "okx-a"]


def test_a_home_touched_before_the_demo_ran_is_still_the_demos(world: World) -> None:
    """`--demo halt` makes the folder; `demo --serve` may clear it, and clears no other."""
    assert world.keyctl("--demo", "halt").exit_code == 3
    home = find_home(world.environ, demo=True)
    assert (home.state / "journal.db").exists()
    demo_world.clear_home(home)
    assert not home.root.exists()


def test_the_mark_tells_where_the_exchanges_are(demo: World) -> None:
    mark: Path = find_home(demo.environ, demo=True).demo_mark
    assert json.loads(mark.read_text()) == {name: demo.twin.endpoint(name) for name in ALL}
    assert mark.stat().st_mode & 0o777 == 0o600
