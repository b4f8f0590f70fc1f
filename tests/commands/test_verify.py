"""keyctl verify against the twin: findings, exit codes, tables, what is remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.exchanges.shipped import profile
from keyctl.model.account import Account
from keyctl.model.words import Algorithm, Market
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from keyctl.verify.course import verify_new
from keyctl.verify.policy import RULES
from tests.support.clocks import ShiftedClock
from tests.support.desk import Desk, open_twin
from tests.support.world import ALL, IPS

BOTH = (Market.SPOT, Market.FUTURES)
DAY_MS = 86_400_000


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


@pytest.fixture
def desk(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(twin, tmp_path, capsys)


def key_of(exchange: str, *more: str, days: int = 1, ips: dict[str, tuple[str, ...]] | None = None) -> MadeKey:
    """A fresh key that reads and trades on spot, with our address on its lists unless told otherwise."""
    created = int(time.time() * 1000) - days * DAY_MS
    return make_key(exchange, rights=("read", "spot_trade", *more), ips=IPS if ips is None else ips, created_ms=created)


def full_desk(desk: Desk) -> Desk:
    for exchange in ALL:
        desk.add(f"{exchange}-a", exchange, key_of(exchange))
    return desk


def test_all_good_keys_exit_zero_and_nothing_was_changed(desk: Desk) -> None:
    ran = full_desk(desk).run("verify", "--all", "--json")
    document = ran.document
    assert (ran.exit_code, document["status"], document["errors"]) == (ExitCode.OK, "success", [])
    findings = document["data"]["findings"]
    assert {tuple(row) for row in findings} == {
        ("account", "exchange", "market", "rule", "level", "detail", "evidence", "fix")
    }
    assert {row["rule"] for row in findings} == set(RULES)
    assert {row["level"] for row in findings} == {"pass", "unknown"}
    for exchange in ALL:
        assert desk.twin.venue(exchange).calls.changing() == []


def test_what_an_exchange_does_not_tell_is_unknown(desk: Desk) -> None:
    found = full_desk(desk).findings("--all")
    assert found["bitfinex-a", "spot", "ip_list"]["level"] == "unknown"
    assert "keyctl checklist bitfinex, step 4" in found["bitfinex-a", "spot", "ip_list"]["fix"]
    assert found["bitfinex-a", "spot", "clock"]["evidence"].endswith("of whole seconds")
    assert found["okx-a", "spot", "key_age"]["level"] == "unknown"
    assert found["binance-a", "spot", "our_ip"]["level"] == "pass"


@pytest.mark.parametrize("exchange", ALL)
def test_a_key_that_may_withdraw_fails(desk: Desk, exchange: str) -> None:
    desk.add("acct", exchange, key_of(exchange, "withdraw"))
    ran = desk.run("verify", "acct", "--json")
    withdraw = next(row for row in ran.data["findings"] if row["rule"] == "withdraw")
    assert (ran.exit_code, withdraw["level"]) == (ExitCode.CHECK, "fail")
    assert "OFF" in withdraw["fix"]
    assert [error["account"] for error in ran.document["errors"]] == ["acct"]


@pytest.mark.parametrize("exchange", ALL)
def test_an_accepted_risk_makes_the_withdrawal_right_a_warning_with_its_reason(desk: Desk, exchange: str) -> None:
    desk.add("acct", exchange, key_of(exchange, "withdraw"))
    risk = (
        '[[accepted_risk]]\naccount = "acct"\nrisk = "withdraw"\nreason = "sweeps to cold store"\ndate = 2026-01-31\n'
    )
    config = desk.app().home.config_file
    config.write_text(risk)
    config.chmod(0o600)
    found = desk.findings("acct")["acct", "spot", "withdraw"]
    assert found["level"] == "warn"
    assert "sweeps to cold store" in found["detail"]
    assert "withdrawal whitelist: " + profile(exchange).withdrawal_whitelist in found["fix"]
    assert desk.run("verify", "acct").exit_code == ExitCode.OK


@pytest.mark.parametrize("exchange", ["binance", "lbank", "okx"])
def test_a_key_without_an_ip_list_fails(desk: Desk, exchange: str) -> None:
    desk.add("acct", exchange, key_of(exchange, ips={}))
    found = desk.findings("acct")
    assert found["acct", "spot", "ip_list"]["level"] == "fail"
    assert found["acct", "spot", "our_ip"]["level"] == "unknown"
    assert desk.run("verify", "acct").exit_code == ExitCode.CHECK


@pytest.mark.parametrize("exchange", ALL)
def test_a_list_without_our_address_is_a_refusal_and_nothing_passes(desk: Desk, exchange: str) -> None:
    desk.add("acct", exchange, key_of(exchange, ips={"spot": ("203.0.113.7",)}))
    ran = desk.run("verify", "acct", "--json")
    found = {row["rule"]: row["level"] for row in ran.data["findings"]}
    assert ran.exit_code == ExitCode.CHECK
    assert found.pop("clock") == "pass"
    assert found["access"] == "fail"
    assert "pass" not in found.values()
    error = ran.document["errors"][0]
    assert error["exchange_code"]
    assert any(hint.startswith(f"keyctl diagnose {exchange}") for hint in error["hints"])


def test_an_exchange_that_names_the_address_fails_our_ip(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx", ips={"spot": ("203.0.113.7",)}))
    found = desk.findings("acct")["acct", "spot", "our_ip"]
    assert found["level"] == "fail"
    assert "127.0.0.1" in found["detail"]


@pytest.mark.parametrize("exchange", ALL)
def test_a_wrong_secret_fails_the_signature(desk: Desk, exchange: str) -> None:
    made = desk.add("acct", exchange, key_of(exchange))
    other = make_key(exchange)
    made.key.secret = other.key.secret
    found = desk.findings("acct")
    assert found["acct", "spot", "signature"]["level"] == "fail"
    assert found["acct", "spot", "withdraw"]["level"] == "unknown"


def test_lbanks_separate_futures_list_is_named_as_likely(desk: Desk) -> None:
    key = key_of("lbank", ips={"spot": ("127.0.0.1",), "futures": ("203.0.113.7",)})
    desk.add("lbank-a", "lbank", key, markets=BOTH)
    ran = desk.run("verify", "lbank-a", "--json")
    found = {(row["market"], row["rule"]): row for row in ran.data["findings"]}
    assert ran.exit_code == ExitCode.CHECK
    assert found["spot", "access"]["level"] == "pass"
    assert found["futures", "access"]["level"] == "fail"
    assert "likely (not confirmed)" in found["futures", "access"]["fix"]
    assert "the same key just signed a spot call" in found["futures", "access"]["evidence"]
    assert ran.document["errors"][0]["market"] == "futures"


def test_an_old_key_fails_and_the_config_may_say_when(desk: Desk) -> None:
    desk.add("acct", "binance", key_of("binance", days=40))
    assert desk.findings("acct")["acct", "spot", "key_age"]["level"] == "pass"
    config = desk.app().home.config_file
    config.write_text("key_age_days = 30\n")
    config.chmod(0o600)
    assert desk.findings("acct")["acct", "spot", "key_age"]["level"] == "fail"


def test_an_extra_right_and_transfers_warn(desk: Desk) -> None:
    desk.add("acct", "binance", key_of("binance", "transfer", "futures_trade"))
    found = desk.findings("acct")
    assert found["acct", "spot", "transfer"]["level"] == "warn"
    assert "futures" in found["acct", "spot", "extra_rights"]["detail"]
    assert desk.run("verify", "acct").exit_code == ExitCode.OK


def test_a_clock_that_is_far_off_fails_with_its_fix(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx"))
    desk.clock = ShiftedClock(ahead=60)
    found = desk.findings("acct")["acct", "spot", "clock"]
    assert found["level"] == "fail"
    assert "NTP" in found["fix"]


def test_a_clock_that_is_a_little_off_warns(desk: Desk) -> None:
    desk.add("acct", "lbank", key_of("lbank"))
    desk.clock = ShiftedClock(ahead=-5)
    assert desk.findings("acct")["acct", "spot", "clock"]["level"] == "warn"


def test_an_exchange_that_is_not_reached_is_exit_8_and_all_unknown(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx"))
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="okx", times=None))
    ran = desk.run("verify", "acct", "--json")
    assert ran.exit_code == ExitCode.UNREACHED
    assert {row["level"] for row in ran.data["findings"]} == {"unknown"}
    assert ran.document["errors"][0]["code"] == "not_reached"


def test_a_failed_check_comes_before_an_exchange_that_is_not_reached(desk: Desk) -> None:
    desk.add("okx-a", "okx", key_of("okx"))
    desk.add("binance-a", "binance", key_of("binance", "withdraw"))
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="okx", times=None))
    ran = desk.run("verify", "--all", "--json")
    assert ran.exit_code == ExitCode.CHECK
    assert {error["account"] for error in ran.document["errors"]} == {"okx-a", "binance-a"}


def test_readings_of_the_withdrawal_right_and_account_ids_are_remembered(desk: Desk) -> None:
    made = desk.add("okx-a", "okx", key_of("okx", "withdraw"))
    desk.add("binance-a", "binance", key_of("binance"))
    desk.run("verify", "--all")
    app = desk.app()
    okx, binance = app.accounts.get("okx-a"), app.accounts.get("binance-a")
    notes = app.journal.notes
    readings = [notes.permissions(account.id) for account in (okx, binance)]
    app.close()
    assert [reading.withdraw if reading else "missing" for reading in readings] == [True, False]
    assert okx.uid == made.key.uid


def test_a_reading_that_failed_leaves_no_note(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx", ips={"spot": ("203.0.113.7",)}))
    desk.run("verify", "acct")
    app = desk.app()
    known = app.journal.notes.permissions(app.accounts.get("acct").id)
    app.close()
    assert known is None


def test_in_a_pipe_each_finding_is_one_tab_separated_record(desk: Desk) -> None:
    desk.add("acct", "binance", key_of("binance", "withdraw"))
    ran = desk.run("verify", "acct")
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    assert [row[3] for row in rows] == list(RULES)
    assert {len(row) for row in rows} == {7}
    assert ["acct", "binance", "spot", "withdraw", "fail"] in [row[:5] for row in rows]
    assert "error[check_failed] acct: failed: spot withdraw" in ran.stderr


def test_on_a_terminal_the_summary_fits_eighty_columns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    desk.add("binance-a", "binance", key_of("binance"))
    key = key_of("lbank", ips={"spot": ("127.0.0.1",), "futures": ("203.0.113.7",)})
    desk.add("lbank-a", "lbank", key, markets=BOTH)
    desk.add("okx-a", "okx", key_of("okx"), markets=BOTH)
    desk.add("bitfinex-a", "bitfinex", key_of("bitfinex"))
    monkeypatch.setattr("keyctl.terminal.output.is_terminal", lambda stream: True)
    ran = desk.run("verify", "--all")
    lines = ran.stdout.splitlines()
    table = [line.split() for line in lines[2:7]]
    assert table[0][:8] == ["lbank-a", "lbank", "futures", "unknown", "unknown", "likely", "missing", "rejected"]
    assert [row[:7] for row in table[1:]] == [
        ["bitfinex-a", "bitfinex", "spot", "on", "off", "unknown", "unknown"],
        ["binance-a", "binance", "spot", "on", "off", "ok", "ok"],
        ["lbank-a", "lbank", "spot", "on", "off", "ok", "ok"],
        ["okx-a", "okx", "both", "on", "off", "ok", "ok"],
    ]
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("1  lbank-a futures: access: 10007") for line in lines)


def test_quiet_is_silent_when_all_is_well_and_names_only_what_needs_a_person(desk: Desk) -> None:
    full_desk(desk)
    ran = desk.run("verify", "--all", "--quiet")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (ExitCode.OK, "", "")
    desk.add("bad", "binance", key_of("binance", "withdraw"))
    ran = desk.run("verify", "--all", "--quiet")
    assert [line.split("\t")[:4] for line in ran.stdout.splitlines()] == [["bad", "binance", "spot", "withdraw"]]


def test_no_bar_and_no_colour_reaches_a_pipe(desk: Desk) -> None:
    full_desk(desk)
    ran = desk.run("verify", "--all")
    assert ran.stderr == ""
    assert "\x1b" not in ran.stdout


@pytest.mark.parametrize("arguments", [("--all",), ("nobody",), ("--group", "desk"), ()])
def test_without_any_account_it_says_how_to_store_one(desk: Desk, arguments: tuple[str, ...]) -> None:
    ran = desk.run("verify", *arguments, "--json")
    assert ran.exit_code == ExitCode.SETUP
    assert ran.document["errors"][0]["hints"][0] == "to store one: keyctl add EXCHANGE"


def test_a_group_is_verified_alone(desk: Desk) -> None:
    desk.add("okx-a", "okx", key_of("okx"), groups=("desk",))
    desk.add("binance-a", "binance", key_of("binance"))
    assert {account for account, _, _ in desk.findings("--group", "desk")} == {"okx-a"}


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.RSA])
def test_asymmetric_keys_are_verified_too(desk: Desk, algorithm: Algorithm) -> None:
    desk.add("acct", "binance", make_key("binance", algorithm, ips=IPS, created_ms=int(time.time() * 1000)))
    assert desk.run("verify", "acct").exit_code == ExitCode.OK


def test_no_secret_is_in_any_output(desk: Desk) -> None:
    made = [desk.add(f"{exchange}-a", exchange, key_of(exchange, "withdraw")) for exchange in ALL]
    shown = ""
    for arguments in (["--json"], ["--debug"], []):
        ran = desk.run("verify", "--all", *arguments)
        shown += ran.stdout + ran.stderr
    for key in made:
        assert key.secret not in shown
        assert key.api_key not in shown
        assert key.passphrase is None or key.passphrase not in shown


def test_after_add_an_exchange_that_is_not_reached_is_a_warning(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx"))
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="okx", times=None))
    app = desk.app()
    account: Account = app.accounts.get("acct")
    result: Any = verify_new(app, account)
    app.close()
    assert result.exit_code == ExitCode.OK
    assert "not tested" in result.warnings[0]
    assert result.errors == ()


def test_after_add_a_failed_check_is_exit_4(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx", "withdraw"))
    app = desk.app()
    result = verify_new(app, app.accounts.get("acct"))
    app.close()
    assert result is not None
    assert result.exit_code == ExitCode.CHECK


def without_secret(desk: Desk, label: str) -> None:
    app = desk.app()
    app.store.delete(app.accounts.get(label).id)
    app.close()


def bound_elsewhere(desk: Desk, label: str) -> None:
    """The account list of somebody who would like to have the key sent to another host."""
    app = desk.app()
    account = app.accounts.get(label)
    app.accounts.replace(replace(account, endpoint="http://127.0.0.1:9"))
    app.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(without_secret, "not in the store"), (bound_elsewhere, "different exchanges")],
    ids=["missing", "bound"],
)
def test_an_account_without_a_usable_secret_fails_alone(
    desk: Desk, spoil: Callable[[Desk, str], None], words: str
) -> None:
    full_desk(desk)
    spoil(desk, "lbank-a")
    ran = desk.run("verify", "--all", "--json")
    found = {(row["account"], row["rule"]): row for row in ran.data["findings"]}
    assert ran.exit_code == ExitCode.CHECK
    assert {row["level"] for (account, _), row in found.items() if account != "lbank-a"} == {"pass", "unknown"}
    assert {rule for account, rule in found if account == "lbank-a"} == set(RULES)
    access = found["lbank-a", "access"]
    assert (access["level"], words in access["detail"], "keyctl" in access["fix"] or "again" in access["fix"]) == (
        ("fail", True, True)
    )
    levels = {row["level"] for (account, rule), row in found.items() if account == "lbank-a" and rule != "access"}
    assert levels == {"unknown"}
    (error,) = ran.document["errors"]
    assert (error["account"], error["hints"]) == ("lbank-a", [access["fix"]])
    assert [leg["verdict"] for leg in ran.data["from_here"] if leg["account"] == "lbank-a"] == ["unknown"]
    assert desk.twin.venue("lbank").calls.lines == []


def test_no_usable_secret_at_all_is_a_matter_of_the_store(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx"))
    without_secret(desk, "acct")
    ran = desk.run("verify", "--all", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"], ran.document["errors"][0]["account"]) == (
        (ExitCode.SETUP, "secret_missing", "acct")
    )


def test_a_failed_account_is_pointed_to_its_diagnosis(desk: Desk) -> None:
    desk.add("acct", "okx", key_of("okx", "withdraw"))
    (error,) = desk.run("verify", "acct", "--json").document["errors"]
    assert error["hints"] == ["keyctl diagnose acct"]
