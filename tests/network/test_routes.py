"""Accounts with routes and profiles of their own: what config.toml may say, and where an account's traffic goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import Market
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.server import TwinServer
from tests.support.clocks import ShiftedClock
from tests.support.desk import Desk, open_twin
from tests.support.proxies import FakeEcho, FakeProxy
from tests.support.ran import Ran
from tests.support.world import ALL, IPS

BOTH = (Market.SPOT, Market.FUTURES)
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


@pytest.fixture
def desk(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(twin, tmp_path, capsys)


def configure(desk: Desk, text: str) -> None:
    home = desk.app().home
    home.prepare()
    home.config_file.write_text(text)
    home.config_file.chmod(0o600)


def calls(desk: Desk, exchange: str) -> int:
    return len(desk.twin.venue(exchange).calls.lines)


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_everything_of_an_account_goes_through_its_proxy_and_nothing_of_the_others(desk: Desk, kind: str) -> None:
    desk.add("okx-a", "okx")
    desk.add("lbank-a", "lbank", key_of("lbank", "read", "spot_trade"))
    with FakeProxy(kind) as proxy:
        configure(desk, f'[accounts.okx-a]\nproxy = "{proxy.url}"\n')
        assert desk.run("verify", "--all").exit_code == ExitCode.OK
        assert desk.run(*BUY, "--fanout", "--all").exit_code == ExitCode.OK
        through = proxy.seen.sent.count(b" HTTP/1.1\r\n")
    assert set(proxy.seen.destinations) == {desk.twin.endpoint("okx").removeprefix("http://")}
    assert through == calls(desk, "okx") > 3
    assert sum(desk.twin.venue("okx").placements.values()) == sum(desk.twin.venue("lbank").placements.values()) == 1


def test_when_the_proxy_refuses_the_leg_is_not_sent_and_the_venue_sees_nothing(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    desk.add("lbank-a", "lbank")
    with FakeProxy("socks5", b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x00") as proxy:
        configure(desk, f'[accounts.okx-a]\nproxy = "{proxy.url}"\n')
        ran = desk.run(*BUY, "--fanout", "--all", "--json")
    assert ran.exit_code == ExitCode.PARTIAL
    [error] = ran.document["errors"]
    assert (error["account"], error["code"]) == ("okx-a", "proxy_failed")
    assert calls(desk, "okx") == 0
    assert sum(desk.twin.venue("lbank").placements.values()) == 1


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_proxy_that_dies_before_the_burst_leaves_the_leg_unsent(desk: Desk, kind: str) -> None:
    """Its tunnel is cut after the last read of the pre-flight; the order finds no way, and takes no other one."""
    desk.add("okx-a", "okx")
    with FakeProxy(kind, last=b"GET /api/v5/account/balance") as proxy:
        configure(desk, f'[accounts.okx-a]\nproxy = "{proxy.url}"\n')
        ran = desk.run(*BUY, "-a", "okx-a", "--json")
    assert ran.exit_code == ExitCode.UNREACHED
    assert ran.data["legs"][0]["outcome"] == "not_sent"
    assert desk.twin.venue("okx").calls.arrivals == {}


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_proxy_that_dies_under_the_order_leaves_it_unknown(desk: Desk, kind: str) -> None:
    desk.add("okx-a", "okx")
    with FakeProxy(kind, last=b"POST /api/v5/trade/order", answered=False) as proxy:
        configure(desk, f'[accounts.okx-a]\nproxy = "{proxy.url}"\n')
        ran = desk.run(*BUY, "-a", "okx-a", "--json")
    assert ran.exit_code == ExitCode.UNKNOWN
    assert ran.data["legs"][0]["outcome"] == "unknown"
    assert list(desk.twin.venue("okx").calls.arrivals.values()) == [1]


def test_a_ban_of_one_address_does_not_silence_the_other_way_out(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    desk.add("okx-b", "okx")
    with FakeProxy("socks5") as proxy:
        configure(desk, f'[accounts.okx-a]\nproxy = "{proxy.url}"\n')
        desk.twin.fault(Fault(FaultKind.RATE_LIMIT, exchange="okx", times=1, retry_after=600))
        assert desk.run("verify", "okx-a").exit_code == ExitCode.UNREACHED
        assert desk.run("verify", "okx-b").exit_code == ExitCode.OK
        assert "asked this machine to wait" in desk.run("verify", "okx-a").stderr


def test_proxies_of_the_environment_are_not_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add("okx-a", "okx")
    with FakeProxy("http") as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert desk.run("verify", "okx-a").exit_code == ExitCode.OK
        assert proxy.seen.destinations == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('proxy = "socks5://me:hunter2@127.0.0.1:1080"', "must not hold secrets"),
        ('proxy = "socks4://127.0.0.1:1080"', "socks5://"),
        ("proxy = 1080", "socks5://"),
        ('local_address = "eth0"', "address of this machine"),
        ('proxy = "http://127.0.0.1:1"\nlocal_address = "127.0.0.1"', "use either"),
        ('profile = "trader"', "unknown profile"),
        ("profile = 7", "a list of names"),
        ('profile = ["spot", "spot"]', "twice"),
        ('proxies = "http://127.0.0.1:1"', "unknown key"),
    ],
)
def test_settings_that_cannot_be_meant_stop_every_call(desk: Desk, lines: str, words: str) -> None:
    desk.add("okx-a", "okx")
    configure(desk, f"[accounts.okx-a]\n{lines}\n")
    ran = desk.run("verify", "okx-a", "--json")
    assert ran.exit_code == ExitCode.SETUP
    error = ran.document["errors"][0]
    assert error["code"] == "bad_config" and words in error["message"] and "line" in error["message"]
    assert "hunter2" not in ran.stdout + ran.stderr
    assert calls(desk, "okx") == 0


def test_settings_for_a_label_that_is_not_stored_stop_every_call(desk: Desk) -> None:
    """By a slip of the pen the account that was meant would otherwise go directly."""
    desk.add("okx-a", "okx")
    configure(desk, '[accounts.okx-aa]\nproxy = "socks5://127.0.0.1:1080"\n')
    ran = desk.run("verify", "okx-a", "--json")
    assert ran.exit_code == ExitCode.SETUP
    assert "did you mean okx-a?" in ran.document["errors"][0]["hints"]
    assert calls(desk, "okx") == 0


@pytest.mark.parametrize(
    "url", ["http://ip.example.org/", "ftp://x/", "https://u:p@ip.example.org/", "https://", "https://x/#y", "8"]
)
def test_an_echo_service_must_be_https_or_on_this_machine(desk: Desk, url: str) -> None:
    desk.add("okx-a", "okx")
    configure(desk, f'[egress]\necho_url = "{url}"\n')
    assert desk.run("verify", "okx-a").exit_code == ExitCode.SETUP


@pytest.mark.parametrize(
    "lines",
    [
        '[profiles.spot]\nwanted = ["spot_trade"]',
        '[profiles.mine]\nwanted = ["withdraw"]',
        '[profiles.mine]\nwanted = "spot_trade"',
        '[profiles.mine]\nip_list = "yes"',
        "[profiles.mine]\nmax_age_days = 0",
        '[profiles."Mine!"]\nip_list = true',
        "[profiles.mine]\nmax_age = 30",
        "profiles = 3",
        '[[accepted_risk]]\naccount = "a"\nrisk = "everything"\nreason = "x"\ndate = 2026-01-01',
        '[[accepted_risk]]\naccount = "a"\nrisk = "old_key"\ndate = 2026-01-01',
        '[[accepted_risk]]\naccount = "a"\nrisk = "no_ip_list"\nreason = " "\ndate = 2026-01-01',
    ],
)
def test_a_profile_or_risk_that_makes_no_sense_is_named(desk: Desk, lines: str) -> None:
    configure(desk, lines + "\n")
    ran = desk.run("config", "show", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.SETUP, "bad_config")


def test_config_show_tells_profiles_routes_and_the_echo_service(desk: Desk) -> None:
    own = '[profiles.desk]\nwanted = ["spot_trade"]\nip_list = false\nmax_age_days = 30\n'
    route = '[accounts."okx.a"]\nprofile = "desk"\nproxy = "socks5://127.0.0.1:1080"\n'
    configure(desk, own + route + '[egress]\necho_url = "https://ip.example.org"\n')
    tables = {row["name"]: row["value"] for row in desk.run("config", "show", "--json").data["tables"]}
    assert tables == {
        "profiles.desk": "wants read, spot_trade; forbids withdraw; IP whitelist not required; 30 days",
        "accounts.okx.a.profile": "desk",
        "accounts.okx.a.route": "socks5://127.0.0.1:1080",
        "egress.echo_url": "https://ip.example.org/",
        "echo": "https://ip.example.org/",
    }


# Profiles over the wire.


def key_of(exchange: str, *rights: str, **facts: Any) -> Any:
    import time

    return make_key(exchange, rights=rights, ips=IPS, created_ms=int(time.time() * 1000), **facts)


def test_a_trading_key_on_a_read_only_account_fails(desk: Desk) -> None:
    desk.add("acct", "binance", key_of("binance", "read", "spot_trade"))
    assert desk.run("verify", "acct").exit_code == ExitCode.OK
    configure(desk, '[accounts.acct]\nprofile = "read"\n')
    ran = desk.run("verify", "acct", "--json")
    assert ran.exit_code == ExitCode.CHECK
    [profile] = ran.data["profiles"]
    assert profile == {
        "account": "acct",
        "profile": "read",
        "assigned": True,
        "missing": [],
        "too_much": ["spot trade"],
        "unreadable": [],
    }


def test_a_right_that_the_profile_wants_and_the_key_lacks_fails_once_the_profile_was_assigned(desk: Desk) -> None:
    desk.add("acct", "binance", key_of("binance", "read"))
    assert desk.run("verify", "acct").exit_code == ExitCode.OK
    configure(desk, '[accounts.acct]\nprofile = ["spot"]\n')
    ran = desk.run("verify", "acct", "--json")
    assert ran.exit_code == ExitCode.CHECK
    assert ran.data["profiles"][0]["missing"] == ["spot trade"]


def test_an_own_profile_sets_rights_list_and_age(desk: Desk) -> None:
    own = '[profiles.desk]\nwanted = ["spot_trade", "transfer"]\nforbidden = ["futures_trade"]\nmax_age_days = 1\n'
    desk.add("acct", "binance", key_of("binance", "read", "spot_trade", "futures_trade"))
    configure(desk, own + '[accounts.acct]\nprofile = "desk"\n')
    found = desk.findings("acct")
    levels = {rule: found["acct", "spot", rule]["level"] for rule in ("trade", "transfer", "extra_rights", "key_age")}
    assert levels == {"trade": "pass", "transfer": "fail", "extra_rights": "fail", "key_age": "warn"}


def test_accepted_risks_carry_their_reason_into_the_warning(desk: Desk) -> None:
    desk.add("acct", "binance", make_key("binance", rights=("read", "spot_trade"), ips={}))
    risk = '[[accepted_risk]]\naccount = "acct"\nrisk = "no_ip_list"\nreason = "roaming laptop"\ndate = 2026-11-01\n'
    configure(desk, risk)
    found = desk.findings("acct")["acct", "spot", "ip_list"]
    assert found["level"] == "warn" and "roaming laptop (2026-11-01)" in found["detail"]


# From here.


def from_here(ran: Ran) -> dict[tuple[str, str], dict[str, Any]]:
    return {(leg["account"], leg["market"]): leg for leg in ran.data["from_here"]}


def test_verify_predicts_which_legs_of_a_group_would_bounce(desk: Desk) -> None:
    for exchange in ("binance", "bitfinex"):
        desk.add(f"{exchange}-a", exchange, groups=("desk",))
    lbank = make_key("lbank", ips={"spot": ("127.0.0.1",), "futures": ("203.0.113.7",)})
    desk.add("lbank-a", "lbank", lbank, markets=BOTH, groups=("desk",))
    desk.add("okx-a", "okx", make_key("okx", ips={"spot": ("203.0.113.7",)}), groups=("desk",))
    desk.run("whitelist", "set", "-a", "lbank-a", "--market", "futures", "203.0.113.7")
    ran = desk.run("verify", "--group", "desk", "--json")
    legs = from_here(ran)
    verdicts = {name: leg["verdict"] for name, leg in legs.items()}
    assert verdicts == {
        ("binance-a", "spot"): "passes",
        ("bitfinex-a", "spot"): "passes",
        ("lbank-a", "spot"): "passes",
        ("lbank-a", "futures"): "bounces",  # OKX told our address, and it is not on the whitelist that is kept
        ("okx-a", "spot"): "bounces",
    }
    assert legs["okx-a", "spot"]["addresses"] == ["127.0.0.1"]
    assert "2 of 5 orders would be rejected" in desk.run("verify", "--group", "desk").stderr


def test_where_nothing_is_known_nothing_is_predicted(desk: Desk) -> None:
    key = make_key("lbank", ips={"spot": ("203.0.113.7",)})
    desk.add("lbank-a", "lbank", key)
    assert from_here(desk.run("verify", "lbank-a", "--json"))["lbank-a", "spot"]["verdict"] == "unknown"


def test_the_address_beside_the_key_in_an_error_is_learned_and_the_key_is_not_shown(desk: Desk) -> None:
    made = desk.add("okx-a", "okx", make_key("okx", ips={"spot": ("127.0.0.1",)}))
    desk.twin.venue("okx").pretended_address = "198.51.100.9"
    ran = desk.run("verify", "okx-a", "--json")
    leg = from_here(ran)["okx-a", "spot"]
    assert (leg["verdict"], leg["addresses"]) == ("bounces", ["198.51.100.9"])
    assert made.api_key not in ran.stdout + ran.stderr


def test_binances_request_ip_is_learned(desk: Desk) -> None:
    desk.add("binance-a", "binance")
    body = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 198.51.100.9"}'
    desk.twin.fault(Fault(FaultKind.ANSWER, exchange="binance", status=401, body=body, path="/api/v3/account", times=9))
    leg = from_here(desk.run("verify", "binance-a", "--json"))["binance-a", "spot"]
    assert leg["addresses"] == ["198.51.100.9"]


def test_verify_changes_nothing_at_any_exchange_with_routes_lists_and_echo(desk: Desk) -> None:
    for exchange in ALL:
        desk.add(f"{exchange}-a", exchange, key_of(exchange, "read", "spot_trade"))
    with FakeEcho("127.0.0.1") as echo:
        configure(desk, f'[egress]\necho_url = "{echo.url}"\n')
        assert desk.run("verify", "--all").exit_code == ExitCode.OK
    for exchange in ALL:
        assert desk.twin.venue(exchange).calls.changing() == []


# After a change of address.


def test_watch_ip_is_silent_until_the_address_changes_and_then_warns_until_it_is_dealt_with(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    quiet = ("verify", "--all", "--watch-ip", "--quiet")
    with FakeEcho("127.0.0.1") as echo:
        configure(desk, f'[egress]\necho_url = "{echo.url}"\n')
        assert desk.run("verify", "--all").exit_code == ExitCode.OK
        before, openings = calls(desk, "okx"), desk.store.openings
        ran = desk.run(*quiet)
        assert (ran.exit_code, ran.stdout, ran.stderr) == (ExitCode.OK, "", "")
        echo.address = "198.51.100.9"
        assert desk.run(*quiet).exit_code == ExitCode.OK  # asked within this hour
        desk.clock.ahead += 3700  # type: ignore[attr-defined]
        for _ in range(2):
            ran = desk.run(*quiet)
            assert (ran.exit_code, ran.stdout, len(ran.stderr.splitlines())) == (ExitCode.CHECK, "", 1)
            assert "198.51.100.9" in ran.stderr and "127.0.0.1" in ran.stderr and "okx-a" in ran.stderr
        assert (calls(desk, "okx"), desk.store.openings) == (before, openings)
        desk.run("whitelist", "set", "-a", "okx-a", "198.51.100.9")
        assert desk.run(*quiet).exit_code == ExitCode.OK


def test_a_kept_list_is_enough_to_be_warned_by(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    desk.add("lbank-a", "lbank")
    desk.run("whitelist", "set", "-a", "okx-a", "198.51.100.4")
    with FakeEcho("198.51.100.9") as echo:
        configure(desk, f'[egress]\necho_url = "{echo.url}"\n')
        ran = desk.run("verify", "--all", "--watch-ip", "--json")
    assert ran.exit_code == ExitCode.CHECK
    assert ran.data["routes"][0]["locked_out"] == ["okx-a"]


def test_watching_without_an_echo_service_says_how_to_set_one(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    ran = desk.run("verify", "--all", "--watch-ip", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.SETUP, "no_echo")


def test_an_address_that_cannot_be_learned_is_exit_8(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    with FakeEcho("", status=500) as echo:
        configure(desk, f'[egress]\necho_url = "{echo.url}"\n')
        assert desk.run("verify", "--all", "--watch-ip").exit_code == ExitCode.UNREACHED


def test_a_preview_says_when_our_address_has_changed_since_the_last_verify(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    with FakeEcho("127.0.0.1") as echo:
        configure(desk, f'[egress]\necho_url = "{echo.url}"\n')
        desk.run("verify", "okx-a")
        dry = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--dry-run", "--json")
        assert desk.run(*dry).document["warnings"] == []
        echo.address = "198.51.100.9"
        desk.clock = ShiftedClock(3700)
        desk.twin.venue("okx").offset_ms = 3_700_000
        ran = desk.run(*dry)
    assert ran.exit_code == ExitCode.OK
    [warning] = ran.document["warnings"]
    assert "198.51.100.9" in warning and "at the last verify it was 127.0.0.1" in warning
