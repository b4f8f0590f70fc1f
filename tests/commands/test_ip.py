"""keyctl ip, and the public IP address in `checklist`, `add` and `whitelist plan`: told by a service that the person
agreed to, or by the last exchange that named it; asked of nobody otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.exchanges.shipped import names, profile
from keyctl.home import echo as consent
from keyctl.secret import Secret
from keyctl.terminal.prompt import Prompt
from keyctl.twin.key_making import make_key
from tests.support.clocks import ShiftedClock
from tests.support.proxies import FakeEcho
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import IPS, World, credentials

ASKED = "May keyctl ask them?"
HERE, SIX = "47.98.123.45", "2606:4700::1111"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A home without an account; its twin listens for those that a test adds."""
    with World(tmp_path / "w") as made:
        yield made


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEcho]:
    """A service that listens in the place of both shipped ones."""
    with FakeEcho(HERE) as service:
        monkeypatch.setattr(consent, "SERVICES", (service.url,))
        yield service


def add(world: World, exchange: str = "okx", *options: str) -> Ran:
    made = make_key(exchange, ips=IPS)
    world.twin.add_key(exchange, made)
    place = ("--endpoint", world.twin.endpoint(exchange), "--credentials-stdin", *options)
    return world.keyctl("add", exchange, "--label", f"{exchange}-a", *place, stdin=credentials(made))


@pytest.mark.parametrize("exchange", names())
def test_an_empty_home_shows_it_in_the_exchanges_form(world: World, echo: FakeEcho, exchange: str) -> None:
    assert world.keyctl("config", "set", "echo", "on").exit_code == ExitCode.OK
    step = profile(exchange).ip_list.step
    for _ in range(2):
        shown = world.keyctl("checklist", exchange).stdout
        assert f"IP      {HERE} (from 127.0.0.1, just now)" in shown
        assert f"IP      in {profile(exchange).title}'s form (step {step}), type: {HERE}\n" in shown
    data = world.keyctl("checklist", exchange, "--json").data
    assert (data["type"], data["public_ip"][0]["address"]) == ([HERE], HERE)
    assert len(echo.requests) == 1, "a reading of this hour is shown again"
    assert not world.app().accounts.all()


@pytest.mark.parametrize("exchange", names())
def test_add_shows_it_in_the_exchanges_form(world: World, echo: FakeEcho, exchange: str) -> None:
    world.keyctl("config", "set", "echo", "on")
    ran = add(world, exchange)
    facts = profile(exchange)
    assert f"in {facts.title}'s form (step {facts.ip_list.step}), type: {HERE}" in ran.stderr


def test_a_person_sees_it_beside_the_steps_before_the_key_is_typed(world: World, echo: FakeEcho) -> None:
    world.keyctl("config", "set", "echo", echo.url)
    at = keyctl_at_terminal(["add", "okx", "--no-verify"], world.home)
    at.waits_for("[ ] 1 ").waits_for(f"Your public IP address: in OKX's form (step 5), type: {HERE}")
    at.waits_for("Label [okx-main]: ").types("\x04")
    code, seen = at.leaves()
    assert code == ExitCode.PERSON, seen


def test_the_command_prints_it_for_scripts_and_add_shows_it(world: World, echo: FakeEcho) -> None:
    world.keyctl("config", "set", "echo", "on")
    ran = world.keyctl("ip", "--json")
    assert [(row["route"], row["version"], row["address"]) for row in ran.data["addresses"]] == [("direct", 4, HERE)]
    assert world.keyctl("ip").stdout.split("\t")[2] == HERE
    ran = add(world, "lbank")
    assert f"in LBank's form (step 4), type: {HERE}" in ran.stderr
    assert f"{HERE}" in world.keyctl("whitelist", "plan", "lbank-a").stdout
    assert len(echo.requests) == 2, "once by the direct route, once by that of an exchange on this machine"
    for request in echo.requests:
        lines = request.decode().split("\r\n")
        told = {line.partition(":")[0].casefold() for line in lines[1:] if line}
        assert (lines[0], told) == ("GET /ip HTTP/1.1", {"host", "user-agent", "accept", "accept-encoding"})


@pytest.mark.parametrize("answer", [None, "off"])
def test_without_consent_no_request_leaves_and_the_step_says_how(
    world: World, echo: FakeEcho, answer: str | None
) -> None:
    if answer:
        world.keyctl("config", "set", "echo", answer)
    ran = world.keyctl("ip", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.SETUP, "no_echo")
    assert "keyctl config set echo on" in world.keyctl("checklist", "okx").stdout
    assert add(world).exit_code == ExitCode.OK
    for words in (("verify", "--all"), ("whitelist", "plan", "--all"), ("diagnose", "okx-a"), ("doctor",)):
        world.keyctl(*words)
    assert world.keyctl("verify", "--all", "--watch-ip").exit_code == ExitCode.SETUP
    assert echo.requests == []


def test_a_checklist_in_an_empty_home_makes_no_file(tmp_path: Path) -> None:
    world = World(tmp_path / "w")
    assert world.keyctl("checklist", "okx").exit_code == ExitCode.OK
    assert world.keyctl("ip").exit_code == ExitCode.SETUP
    assert not world.home.exists()


def test_it_is_asked_again_after_an_hour_and_the_old_one_stays_where_nobody_answers(
    world: World, echo: FakeEcho
) -> None:
    clock = ShiftedClock()
    world.keyctl("config", "set", "echo", "on")
    world.keyctl("ip", clock=clock)
    clock.ahead, echo.address = 1800.0, "8.8.4.4"
    assert "30 min ago" in world.keyctl("ip", clock=clock).stdout
    clock.ahead = 3700.0
    assert "8.8.4.4\tjust now" in world.keyctl("ip", clock=clock).stdout
    clock.ahead, echo.status = 3 * 3700.0, 503
    assert "8.8.4.4\t2 h ago" in world.keyctl("ip", clock=clock).stdout
    world.keyctl("ip", clock=clock)
    assert len(echo.requests) == 3, "one that failed is left alone for an hour too"


def test_the_second_service_is_asked_where_the_first_is_silent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEcho("", status=503) as first, FakeEcho(HERE) as second:
        monkeypatch.setattr(consent, "SERVICES", (first.url, second.url))
        world.keyctl("config", "set", "echo", "on")
        assert HERE in world.keyctl("ip").stdout
        assert (len(first.requests), len(second.requests)) == (1, 1)


def test_what_an_exchange_named_is_shown_with_its_age_and_without_consent(world: World, echo: FakeEcho) -> None:
    book = world.app(ShiftedClock()).journal.addresses
    book.note("direct", 4, HERE, "okx")
    book.note("direct", 6, SIX, "okx")
    later = ShiftedClock()
    later.ahead = 5 * 3600.0
    rows = [line.split("\t") for line in world.keyctl("ip", clock=later).stdout.splitlines()]
    assert rows == [["direct", "IPv4", HERE, "5 h ago", "okx"], ["direct", "IPv6", SIX, "5 h ago", "okx"]]
    assert world.keyctl("checklist", "okx", "--json").data["type"] == [f"{HERE},{SIX}"]
    ran = world.keyctl("checklist", "lbank")
    assert f"{SIX} (from okx, just now); LBank does not document whether it accepts IPv6" in ran.stdout
    assert f"type: {HERE}\n" in ran.stdout
    assert echo.requests == []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person at a terminal is shown and asked; they agree to all, and type a key that nobody else has."""
    seen: list[str] = []

    def choose(self: Prompt, text: str, *arguments: Any, **options: Any) -> str:
        seen.append(text)
        return "yes" if text == ASKED else "hmac"

    monkeypatch.setattr(Prompt, "has_terminal", property(lambda self: not self._no_input))
    monkeypatch.setattr(Prompt, "show", lambda self, text: seen.append(text))
    monkeypatch.setattr(Prompt, "choose", choose)
    monkeypatch.setattr(Prompt, "ask", lambda self, *_, **__: f"{len(seen):064x}")
    monkeypatch.setattr(Prompt, "hidden", lambda self, *_, **__: Secret(b"s" * 64))
    return seen


def test_a_person_who_types_the_key_is_asked_once_at_the_first_one(
    world: World, echo: FakeEcho, asked: list[str]
) -> None:
    ran = world.keyctl("add", "binance", "--label", "one", "--no-verify")
    assert "127.0.0.1" in asked[0] and "no key" in asked[0], "who would be asked, and what they see"
    assert asked[1] == ASKED
    assert f"type: {HERE}" in ran.stderr, ran
    assert world.keyctl("add", "binance", "--label", "two", "--no-verify").exit_code == 0
    assert asked.count(ASKED) == 1


@pytest.mark.parametrize("how", ["stdin", "file", "command", "credentials", "no-input"])
def test_nobody_is_asked_where_the_secret_is_not_typed(
    world: World, echo: FakeEcho, asked: list[str], how: str
) -> None:
    """A script runs at a terminal too, and its key comes from elsewhere: a question would hang it, or be answered by
    what was meant for something else."""
    secret = world.folder / "secret"
    secret.write_text("s" * 64)
    secret.chmod(0o600)
    words, stdin = {
        "stdin": (("--secret-stdin",), "s" * 64),
        "file": (("--secret-file", str(secret)), ""),
        "command": (("--secret-command", f"cat {secret}"), ""),
        "no-input": (("--no-input",), ""),
    }.get(how, ((), ""))
    if how == "credentials":
        ran = add(world)
    else:
        ran = world.keyctl("add", "binance", "--label", "b", "--api-key", "K" * 64, "--no-verify", *words, stdin=stdin)
    assert ran.exit_code == (ExitCode.PERSON if how == "no-input" else ExitCode.OK), ran
    assert ASKED not in asked
    assert (consent.agreed(world.app().home), echo.requests) == (None, [])


@pytest.mark.parametrize(
    "url", ["http://ip.example.org/", "https://user@ip.example.org/", "ftp://x", "example.org", "https://", "yes"]
)
def test_another_service_must_be_a_sound_url(world: World, url: str) -> None:
    ran = world.keyctl("config", "set", "echo", url, "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.USAGE, "bad_echo")
    assert consent.agreed(world.app().home) is None


def test_a_service_of_ones_own_is_asked_instead(world: World, echo: FakeEcho) -> None:
    with FakeEcho("8.8.4.4", json=True) as own:
        assert world.keyctl("config", "set", "echo", own.url, "--json").data["services"] == [own.url]
        assert "8.8.4.4" in world.keyctl("ip").stdout
        assert (len(own.requests), len(echo.requests)) == (1, 0)
    rows = {row["name"]: row["value"] for row in world.keyctl("config", "show", "--json").data["tables"]}
    assert rows["echo"] == own.url


def test_what_config_toml_says_goes_before_and_cannot_be_hidden(world: World, echo: FakeEcho) -> None:
    config = world.app().home.config_file
    config.write_text(f'[egress]\necho_url = "{echo.url}"\n', encoding="utf-8")
    assert HERE in world.keyctl("ip").stdout
    ran = world.keyctl("config", "set", "echo", "off")
    assert ran.exit_code == ExitCode.SETUP and "keyctl config edit" in ran.stderr


@pytest.mark.parametrize("text", ["", "[]", '{"echo": 1}', '{"echo": "ftp://x"}', "on"])
def test_an_answer_that_cannot_be_read_is_none(world: World, echo: FakeEcho, text: str) -> None:
    file = world.app().home.echo_file
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    assert world.keyctl("ip").exit_code == ExitCode.SETUP
    assert echo.requests == []


def test_both_shipped_services_are_https_and_take_no_key() -> None:
    assert len(consent.SERVICES) == 2
    for url in consent.SERVICES:
        assert url.startswith("https://") and url == consent.service_address(url) and "?" not in url
