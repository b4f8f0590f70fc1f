"""From evidence to a cause: pure reasoning, the signs of each exchange, the signature vectors, the fixes' words."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keyctl.app import App
from keyctl.diagnosis.causes import WORDS, Cause
from keyctl.diagnosis.evidence import Evidence, Probe, from_text, to_text
from keyctl.diagnosis.fixes import fix_for, seen_address
from keyctl.diagnosis.live import other_places
from keyctl.diagnosis.live_view import report
from keyctl.diagnosis.reasoning import judge
from keyctl.diagnosis.self_test import self_test
from keyctl.diagnosis.signs import causes_of
from keyctl.errors import ExitCode, SetupProblem, UsageProblem
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.credential_check import fitness
from keyctl.exchanges.shipped import load, names, profile
from keyctl.loader import open_data
from keyctl.model.account import Account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.secret import Secret
from keyctl.terminal.output import Text
from tests.support.stores import MemoryStore

RIGHTS = {"read": True, "spot_trade": True, "futures_trade": None, "withdraw": False, "ip_restricted": True}
KEY = Probe("key", "ok", "spot", facts=RIGHTS)
SPOT = Probe("spot", "ok", "spot")
SOUND = Evidence(
    "desk",
    "binance",
    "live",
    "global",
    "hmac",
    ("spot",),
    "2026-11-21T00:00:00+00:00",
    offset_ms=20,
    probes=(KEY, SPOT),
)


def refused(check: str, code: str, text: str = "", http: int = 400, kind: str = "") -> Probe:
    market = "futures" if check == "futures" else "spot"
    return Probe(check, "refused", market, code, http, text, kind)


def seen(*probes: Probe, **changes: Any) -> Evidence:
    return replace(SOUND, probes=probes, **changes)


def named(evidence: Evidence) -> tuple[str, ...]:
    return tuple(map(str, judge(evidence).named))


def test_a_key_that_is_answered_everywhere_is_healthy() -> None:
    assert named(SOUND) == ("healthy",)


@pytest.mark.parametrize(
    ("exchange", "probe", "first"),
    [
        (
            "binance",
            refused("key", "-1021", "Timestamp for this request was 1000ms ahead of the server's time."),
            "clock",
        ),
        ("binance", refused("key", "-1022"), "wrong_secret"),
        ("binance", refused("key", "-2014"), "key_format"),
        ("binance", refused("key", "-2015"), "ip_not_listed"),
        ("binance", refused("key", "-1003", "Too many requests", 429), "rate_limited"),
        ("binance", refused("key", "-1003", "Way too many requests; IP banned until 1.", 418), "banned"),
        ("lbank", refused("key", "10007"), "wrong_secret"),
        ("okx", refused("key", "50110", "Your IP 203.0.113.7 is not included"), "ip_not_listed"),
        ("okx", refused("key", "50111"), "unknown_key"),
        ("okx", refused("key", "50113"), "wrong_secret"),
        ("okx", refused("key", "50105"), "wrong_passphrase"),
        ("okx", refused("key", "50119"), "deleted_key"),
        ("bitfinex", refused("key", "10100", "apikey: digest invalid", 500), "wrong_secret"),
        ("bitfinex", refused("key", "10100", "apikey: invalid", 500), "unknown_key"),
        ("bitfinex", refused("key", "10114", "nonce: small", 500), "nonce_behind"),
    ],
)
def test_the_best_known_codes_lead_to_their_cause(exchange: str, probe: Probe, first: str) -> None:
    assert named(seen(probe, exchange=exchange))[0].startswith(first)


def test_10007_on_futures_is_the_list_only_when_the_same_key_signs_spot_calls() -> None:
    futures = refused("futures", "10007", "Authentication failed", 200)
    place: dict[str, Any] = {"exchange": "lbank", "markets": ("spot", "futures")}
    assert named(seen(KEY, SPOT, futures, **place)) == ("futures_ip_list", "futures_permission")
    assert named(seen(refused("key", "10022", "", 200), futures, **place)) == ("ip_not_listed",)
    wrong = refused("key", "10007", "Invalid signature", 200)
    assert named(seen(wrong, refused("futures", "10010", "", 200), **place)) == ("wrong_secret", "wrong_key_type")


def test_a_key_that_worked_before_is_rather_off_its_list_or_gone_than_mistyped() -> None:
    unknown = seen(refused("key", "10100", "apikey: invalid", 500), exchange="bitfinex")
    assert named(unknown)[0] == "unknown_key"
    assert set(named(replace(unknown, earlier="2026-11-01"))[:2]) == {"deleted_key", "ip_not_listed"}
    assert set(named(replace(unknown, earlier="2026-11-01"))) == set(named(unknown))


def test_another_environment_is_named_when_the_key_is_known_there_and_dropped_when_it_is_not() -> None:
    here = refused("key", "-2008")
    known = Probe("elsewhere", "ok", "spot", kind="other_environment")
    assert named(seen(here, known)) == ("other_environment",)
    assert "other_environment" in named(seen(here))
    unknown = refused("elsewhere", "-2008", kind="other_environment")
    assert "other_environment" not in named(seen(here, unknown))


def test_another_region_that_refuses_only_the_address_knows_the_key() -> None:
    there = refused("elsewhere", "50110", kind="other_region")
    assert named(seen(refused("key", "50119"), there, exchange="okx")) == ("other_region",)


@pytest.mark.parametrize("kind", ["unreached", "dns", "tls", "no_answer"])
def test_what_was_not_reached_says_nothing_about_the_key(kind: str) -> None:
    evidence = seen(Probe("clock", "trouble", kind=kind, detail="name not found"), offset_ms=None)
    result = report(evidence, judge(evidence))
    assert result.exit_code is ExitCode.UNREACHED
    assert result.data["cause"] == {"unreached": "unreachable"}.get(kind, kind)


def test_a_cool_down_that_is_known_from_before_may_be_a_limit_or_a_ban() -> None:
    assert named(seen(Probe("clock", "trouble", kind="cooling_down"))) == ("rate_limited", "banned")


def test_an_outage_hides_everything_else() -> None:
    assert named(seen(refused("key", "-1022"), refused("spot", "http-503", "", 503))) == ("maintenance",)


def test_a_clock_beyond_correction_is_the_cause_although_reads_work() -> None:
    assert named(replace(SOUND, offset_ms=10_001)) == ("clock_behind",)
    assert named(replace(SOUND, offset_ms=-10_001)) == ("clock_ahead",)
    assert named(replace(SOUND, exchange="okx", offset_ms=-10_000)) == ("healthy",)


def test_a_clock_that_keyctl_corrects_is_the_cause_where_the_exchange_refuses_programs_that_do_not() -> None:
    for ahead in (1_001, 3_000, 6_000, 10_000):
        wrong = replace(SOUND, offset_ms=-ahead)
        assert named(wrong) == ("clock_ahead",), ahead
        data = report(wrong, judge(wrong)).data
        assert "keyctl corrects it" in data["meaning"] and "-1021" in data["meaning"]
        assert all(word in data["fix"] for word in ("WSL2", "Docker", "VM", "chrony"))
    assert named(replace(SOUND, offset_ms=5_001)) == ("clock_behind",)
    assert named(replace(SOUND, offset_ms=5_000)) == named(replace(SOUND, offset_ms=-1_000)) == ("healthy",)
    assert named(replace(SOUND, exchange="bitfinex", offset_ms=-6_000)) == ("healthy",)


def test_what_was_not_measured_is_unknown_and_never_called_as_it_should_be() -> None:
    unmeasured = seen(
        Probe("clock", "unknown", detail="not measured: every reading took too long"), KEY, SPOT, offset_ms=None
    )
    result = report(unmeasured, judge(unmeasured))
    (clock,) = [row for row in result.data["evidence"] if row["check"] == "clock"]
    assert clock["level"] == "unknown"
    (text,) = [part.text for part in result.view if isinstance(part, Text)]
    assert " unknown  not measured: " in text and "clock was not measured" in text
    assert "clock are as they should be" not in text
    measured = seen(Probe("clock", "ok", detail="0.0 s from the exchange"), KEY, SPOT)
    assert "and clock are as they should be" in str(report(measured, judge(measured)).view)


def test_explain_tells_which_reads_led_to_the_verdict() -> None:
    evidence = seen(refused("key", "-2015"), SPOT)
    because = report(evidence, judge(evidence), explain=True).data["because"]
    assert any(line.startswith("key: refused -2015") and "ip_not_listed" in line for line in because)
    assert any(line.startswith("spot: answered, which rules out") for line in because)
    assert "because" not in report(evidence, judge(evidence)).data


def test_cause_and_fix_are_said_once() -> None:
    evidence = seen(refused("key", "-1022"))
    result = report(evidence, judge(evidence))
    (text,) = [part.text for part in result.view if isinstance(part, Text)]
    assert text.count(result.data["meaning"]) == 1 and text.count("\n  fix ") == text.count("\n  or ") + 1
    assert result.data["meaning"] not in str(result.errors[0]) and result.errors[0].hints == ()


def test_a_clock_refusal_is_told_by_the_side_that_was_measured() -> None:
    late = refused("key", "10600", "Request timeout", 200)
    assert named(seen(late, exchange="lbank", offset_ms=-3000))[0] == "clock_ahead"
    assert named(seen(late, exchange="lbank", offset_ms=3000))[0] == "clock_behind"


def test_a_missing_right_is_named_for_the_market_that_was_asked_about() -> None:
    off = replace(KEY, facts={**RIGHTS, "futures_trade": False})
    assert named(seen(off, SPOT)) == ("healthy",)
    assert named(seen(off, SPOT, markets=("futures",))) == ("futures_permission",)
    no_trade = replace(KEY, facts={**RIGHTS, "spot_trade": False, "futures_trade": False})
    assert named(seen(no_trade, SPOT, exchange="okx", markets=("futures",))) == ("trade_permission",)


def test_a_right_that_the_accounts_profile_does_not_want_is_not_missing() -> None:
    off = replace(KEY, facts={**RIGHTS, "spot_trade": False})
    assert named(seen(off, SPOT)) == ("trade_permission",)
    assert named(seen(off, SPOT, wanted=("read",))) == ("healthy",)


def test_a_second_fault_is_told_too() -> None:
    off = replace(KEY, facts={**RIGHTS, "spot_trade": False})
    futures = refused("futures", "65", "Invalid login IP address", 200)
    verdict = judge(seen(off, SPOT, futures, exchange="lbank", markets=("spot", "futures")))
    assert (verdict.cause, verdict.others) == (Cause.FUTURES_IP_LIST, (Cause.TRADE_RIGHT,))


def test_a_refusal_that_no_sign_explains_keeps_the_exchanges_words() -> None:
    evidence = seen(refused("key", "-9999", "Something new"))
    result = report(evidence, judge(evidence))
    assert result.data["cause"] == "refused"
    assert "keyctl diagnose binance -9999" in result.data["fix"]


def test_our_own_broken_signature_is_named_before_anything_else() -> None:
    broken = Probe("signing", "fail", kind="own_signature")
    assert named(seen(broken, refused("key", "-1022"))) == ("own_signature",)


# Signs and vectors.


@pytest.mark.parametrize("exchange", names())
def test_every_sign_is_a_known_code_of_its_exchange_and_names_its_source(exchange: str) -> None:
    with open_data(f"exchanges/{exchange}", "signs.csv") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert row["source"] and all(cause in tuple(Cause) for cause in row["causes"].split()), row
        market = Market(row["market"]) if row["market"] else None
        assert row["code"].startswith("http-") or catalogue(exchange).lookup(row["code"], market), row


@pytest.mark.parametrize("exchange", names())
def test_a_code_without_a_sign_falls_back_on_its_category(exchange: str) -> None:
    for row in catalogue(exchange).rows:
        probe = refused("spot", row.code)
        assert causes_of(exchange, probe)


@pytest.mark.parametrize("exchange", names())
def test_the_shipped_vector_comes_out(exchange: str) -> None:
    assert self_test(exchange).ok


@pytest.mark.parametrize("exchange", names())
def test_a_signature_that_comes_out_otherwise_is_seen(exchange: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.exchanges.signing import HMACKey

    monkeypatch.setattr(HMACKey, "sign", lambda self, message: b"\0" * 32)
    assert self_test(exchange).kind == "own_signature"


# Other places.


def account(exchange: str, kind: Kind, site: str, endpoint: str | None = None) -> Account:
    return Account(
        "id", "desk", exchange, kind, site, (Market.SPOT,), Algorithm.HMAC, "", "", datetime.now(UTC), endpoint=endpoint
    )


def test_a_key_is_looked_for_only_at_shipped_hosts_of_its_own_exchange() -> None:
    for exchange in names():
        for kind, sites in profile(exchange).hosts.items():
            for site in sites:
                places = [
                    place for found in other_places(account(exchange, Kind(kind), site)).values() for place in found
                ]
                assert all(place.exchange == exchange and place.endpoint is None for place in places)
                assert (kind, site) not in [(place.kind, place.site) for place in places]
                assert len(places) <= 4
                assert all(load(place) for place in places)
        assert other_places(account(exchange, Kind.DEMO, "global", "http://127.0.0.1:1")) == {}


def test_a_key_goes_neither_to_another_exchange_nor_from_loopback_to_a_shipped_host(tmp_path: Path) -> None:
    store = MemoryStore()
    app = App(environ={"KEYCTL_HOME": str(tmp_path), "HOME": str(tmp_path)}, store=store)
    home = replace(account("okx", Kind.LIVE, "global"), api_key_hash=app.accounts.key_hash(UUID))
    store.put("id", Credential(UUID, Secret(HEX), Algorithm.HMAC, Secret("Secret-1a!"), home.binding))
    assert app.signer_at(home, Binding("okx", Kind.LIVE, "eea", None, None))
    for wrong in (
        Binding("lbank", Kind.LIVE, "global", None, None),
        Binding("okx", Kind.DEMO, "global", "http://127.0.0.1:1", None),
    ):
        with pytest.raises(SetupProblem):
            app.signer_at(home, wrong)


# Stored credentials.


def stored(
    exchange: str, api_key: str, secret: str, algorithm: Algorithm = Algorithm.HMAC, passphrase: str = ""
) -> str:
    binding = Binding(exchange, Kind.LIVE, profile(exchange).site_default, None, None)
    given = Secret(passphrase) if passphrase else None
    return fitness(load(binding), Credential(api_key, Secret(secret), algorithm, given, binding)).cause


# The sample key of Binance's FIX page. [official]
PEM = (
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u\n"
    "-----END PRIVATE KEY-----"
)
UUID = "fb4e39e5-6a06-4291-9f80-d10176a0badd"
HEX = "093F44F700FC48F17DDB67390C895CE5"


@pytest.mark.parametrize(
    ("cause", "given"),
    [
        ("", ("binance", "a" * 64, "b" * 64)),
        ("", ("binance", "a" * 64, PEM, Algorithm.ED25519)),
        ("blank", ("binance", "a" * 64 + " ", "b" * 64)),
        ("blank", ("binance", "a" * 64, "b" * 64 + "\n")),
        ("blank", ("lbank", UUID, "\u200b" + HEX)),
        ("blank", ("okx", UUID, HEX, Algorithm.HMAC, "Secret-1a! ")),
        ("wrong_key_type", ("binance", "a" * 64, PEM)),
        ("wrong_key_type", ("binance", "a" * 64, "b" * 64, Algorithm.ED25519)),
        ("wrong_key_type", ("bitfinex", "a" * 43, PEM)),
        ("swapped", ("binance", PEM, "a" * 64, Algorithm.ED25519)),
        ("swapped", ("lbank", HEX, UUID)),
        ("swapped", ("okx", HEX, UUID, Algorithm.HMAC, "Secret-1a!")),
        ("key_format", ("binance", "a" * 63, "b" * 64)),
        ("key_format", ("bitfinex", "a" * 10, "b" * 43)),
    ],
)
def test_a_stored_credential_that_cannot_be_right_is_seen_without_a_call(cause: str, given: tuple[Any, ...]) -> None:
    assert stored(*given) == cause


# Fixes and records.


@pytest.mark.parametrize("exchange", names())
def test_every_cause_has_words_and_a_fix_in_the_exchanges_own_menu(exchange: str) -> None:
    evidence = replace(SOUND, exchange=exchange, kind="live", address="203.0.113.7")
    steps = profile(exchange).checklist.steps
    for cause in Cause:
        assert WORDS[cause][1]
        fix = fix_for(cause, evidence)
        assert fix or cause is Cause.HEALTHY
        if cause in (Cause.IP_LIST, Cause.READ_RIGHT, Cause.TRADE_RIGHT, Cause.FUTURES_RIGHT, Cause.FUTURES_IP_LIST):
            assert any(step in fix for step in steps) and f"keyctl checklist {exchange}, step" in fix
    assert "203.0.113.7" in fix_for(Cause.IP_LIST, evidence)


def test_the_address_comes_from_the_exchanges_own_words() -> None:
    told = refused("key", "50110", "Your IP 2001:db8::7 is not included in your API key's <API key> IP whitelist.", 401)
    evidence = seen(told, exchange="okx", address="203.0.113.7")
    assert seen_address(evidence) == "2001:db8::7"
    assert "2001:db8::7 (IPv6; or use IPv4" in fix_for(Cause.IP_LIST, evidence)


def test_a_record_gives_the_same_evidence_again() -> None:
    evidence = seen(KEY, SPOT, refused("futures", "65", "Invalid login IP address", 200), exchange="lbank")
    assert from_text(to_text(evidence)) == evidence


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.pop("probes"),
        lambda raw: raw.update(schema="other/1"),
        lambda raw: raw.update(offset_ms="5"),
        lambda raw: raw.update(extra=1),
        lambda raw: raw["probes"].append({"check": "rm", "outcome": "ok"}),
        lambda raw: raw["probes"].append({"check": "key", "outcome": 1}),
        lambda raw: raw["probes"].append({"check": "key", "outcome": "ok", "facts": []}),
    ],
)
def test_a_file_that_is_no_record_is_refused(change: Any) -> None:
    raw = json.loads(to_text(SOUND))
    change(raw)
    with pytest.raises(UsageProblem):
        from_text(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000])
def test_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem):
        from_text(text)
