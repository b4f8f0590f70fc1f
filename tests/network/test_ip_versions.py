"""An exchange whose host has addresses of both IP versions, and a key whose list has only one of ours.

The real way of a live account: a name that resolves to ::1 and 127.0.0.1, TLS, and the twin behind it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from keyctl.app import App
from keyctl.cli import run
from keyctl.errors import ExitCode
from keyctl.exchanges.shipped import profile
from keyctl.keys.enrol import enrol, new_account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Kind, Market
from keyctl.network import lines
from keyctl.network.line import tls_context
from keyctl.secret import Secret
from keyctl.twin.faces import all_faces
from keyctl.twin.key_making import make_key
from keyctl.twin.server import TwinServer
from tests.support.certificates import make_certificate
from tests.support.clocks import ShiftedClock
from tests.support.stores import MemoryStore
from tests.support.world import ALL

ADDRESS = {4: "127.0.0.1", 6: "::1"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
RIGHTS = ("read", "spot_trade", "futures_trade")


def need_ipv6() -> None:
    """Skips the test, or fails where KEYCTL_TEST_REQUIRE_IPV6=1, when this machine cannot listen on ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((ADDRESS[6], 0))
    except OSError as error:
        if os.environ.get("KEYCTL_TEST_REQUIRE_IPV6") == "1":
            raise
        pytest.skip(f"this machine has no ::1 ({error})")


@dataclass
class Twofold:
    """A live account at an exchange whose name the test resolves: `order` is the order of the IP versions."""

    exchange: str
    folder: Path
    twin: TwinServer
    capsys: pytest.CaptureFixture[str]
    order: tuple[int, ...] = (6, 4)

    def resolve(self, host: str) -> list[tuple[Any, ...]]:
        """As the machine's resolver answers for a host of that exchange. Raises gaierror for every other name."""
        sites = profile(self.exchange).hosts["live"]["global"].values()
        if host not in {urlsplit(url).hostname for url in sites}:
            raise socket.gaierror("no such name in this test")
        port = urlsplit(self.twin.endpoint(self.exchange)).port
        return [(FAMILY[version], socket.SOCK_STREAM, 6, "", (ADDRESS[version], port)) for version in self.order]

    def diagnose(self, listed: tuple[str, ...], *options: str, config: str = "") -> tuple[int, dict[str, Any]]:
        """Exit code and data of a diagnosis of a key with that IP list."""
        now_ms = int(time.time() * 1000)  # a key that is due to be replaced would be the finding
        made = make_key(self.exchange, rights=RIGHTS, ips={"spot": listed, "futures": listed}, created_ms=now_ms)
        self.twin.add_key(self.exchange, made)
        environ = {"KEYCTL_HOME": str(self.folder / "home"), "HOME": str(self.folder)}
        app = App(environ=environ, store=MemoryStore(), clock=ShiftedClock())
        binding = Binding(self.exchange, Kind.LIVE, "global", None, None)
        passphrase = Secret(made.passphrase) if made.passphrase else None
        credential = Credential(made.api_key, Secret(made.secret), made.algorithm, passphrase, binding)
        enrol(app.accounts, app.store, new_account(app.accounts, "desk", (Market.SPOT,), credential, ()), credential)
        if config:
            app.home.config_file.write_text(config)
            app.home.config_file.chmod(0o600)
        code = run(["diagnose", "desk", "--json", *options], app)
        app.close()
        assert self.twin.faults_of_its_own == []
        return code, json.loads(self.capsys.readouterr().out)["data"]


@pytest.fixture(params=ALL)
def twofold(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Twofold]:
    need_ipv6()
    exchange: str = request.param
    host = urlsplit(profile(exchange).hosts["live"]["global"][_role(exchange)]).hostname or ""
    certificate = make_certificate(tmp_path, host)
    trusted = tls_context(str(certificate.ca_file))
    trusted.check_hostname = False  # an exchange has several hosts, the certificate one name
    monkeypatch.setattr(lines, "tls_context", lambda ca_file=None: trusted)
    with TwinServer(all_faces(), ssl_context=certificate.server, ipv6=True) as twin:
        made = Twofold(exchange, tmp_path, twin, capsys)

        async def getaddrinfo(loop: object, host: str, port: object, **options: object) -> list[tuple[Any, ...]]:
            return made.resolve(host)

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        yield made


def _role(exchange: str) -> str:
    return next(iter(profile(exchange).hosts["live"]["global"]))


def shown(data: dict[str, Any], check: str) -> list[dict[str, str]]:
    return [row for row in data["evidence"] if row["check"] == check]


@pytest.mark.parametrize("order", [(6, 4), (4, 6)])
@pytest.mark.parametrize("listed", [4, 6])
def test_the_ip_version_that_the_list_lacks_is_named_whichever_is_used_first(
    twofold: Twofold, listed: int, order: tuple[int, ...]
) -> None:
    twofold.order = order
    code, data = twofold.diagnose((ADDRESS[listed],))
    missing = 10 - listed
    assert (code, data["cause"], data["also_possible"]) == (ExitCode.CHECK, f"ipv{missing}_not_listed", [])
    assert f"IPv{missing} address" in data["fix"] and f"use IPv{listed}" in data["fix"]
    (row,) = shown(data, "version")
    assert row["level"] == "fail" and row["detail"].startswith(f"IPv{order[1]}: ")
    assert data["calls"] <= 6
    assert twofold.twin.venue(twofold.exchange).calls.changing() == []


def test_a_list_that_lacks_both_is_still_a_list_that_lacks_us(twofold: Twofold) -> None:
    code, data = twofold.diagnose(("203.0.113.9",))
    assert code == ExitCode.CHECK
    assert "ip_not_listed" in (data["cause"], *data["also_possible"])
    assert [row["level"] for row in shown(data, "version")] == ["pass"]
    assert data["calls"] <= 6


def test_a_list_with_both_is_sound(twofold: Twofold) -> None:
    code, data = twofold.diagnose(tuple(ADDRESS.values()))
    assert (code, data["cause"]) == (ExitCode.OK, "healthy")
    assert [row["level"] for row in shown(data, "version")] == ["pass"]


@pytest.mark.parametrize("only", [4, 6])
def test_a_host_with_one_ip_version_is_asked_once(twofold: Twofold, only: int) -> None:
    twofold.order = (only,)
    _, data = twofold.diagnose(("203.0.113.9",))
    assert shown(data, "version") == []
    assert not data["cause"].startswith("ipv")


def test_an_account_that_leaves_from_an_address_of_its_own_has_no_choice(twofold: Twofold) -> None:
    config = '[accounts.desk]\nlocal_address = "127.0.0.1"\n'
    code, data = twofold.diagnose((ADDRESS[4],), config=config)
    assert (code, data["cause"], shown(data, "version")) == (ExitCode.OK, "healthy", [])


def test_a_version_that_leads_nowhere_is_told_and_blamed_for_nothing(twofold: Twofold) -> None:
    reach = twofold.resolve

    def astray(host: str) -> list[Any]:
        return [(*item[:4], (item[4][0], 1 if item[0] is socket.AF_INET6 else item[4][1])) for item in reach(host)]

    twofold.resolve = astray  # type: ignore[method-assign]  # of this one name service
    code, data = twofold.diagnose((ADDRESS[4],))
    assert (code, data["cause"]) == (ExitCode.OK, "healthy")
    (row,) = shown(data, "version")
    assert row["level"] == "pass" and "IPv6: " in row["detail"]


def test_a_record_gives_the_same_verdict_offline(twofold: Twofold, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    _, data = twofold.diagnose((ADDRESS[4],), "--record", str(record))
    app = App(environ={"KEYCTL_HOME": str(tmp_path / "other"), "HOME": str(tmp_path)})
    assert run(["diagnose", "--replay", str(record), "--json"], app) == ExitCode.CHECK
    again = json.loads(twofold.capsys.readouterr().out)["data"]
    assert (again["cause"], again["fix"]) == ("ipv6_not_listed", data["fix"])
