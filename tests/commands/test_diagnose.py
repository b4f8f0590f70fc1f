"""`keyctl diagnose`, run as a person or a program runs it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from keyctl.cli import run
from keyctl.diagnosis.pasted import read_pasted
from keyctl.errors import ExitCode
from keyctl.exchanges.shipped import profile
from keyctl.model.words import Market
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.states import State
from tests.support.confusion import Case, Ward
from tests.support.world import World

HEAVY = ("httpx", "keyring", "cryptography", "rich", "asyncio", "ssl", "sqlite3")


def diagnoses(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run(["diagnose", *arguments, "--json"]) == ExitCode.OK
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["data"]["diagnoses"]
    return found


@pytest.fixture
def paste(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return put


def test_a_negative_code_needs_no_double_dash(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnoses(capsys, "binance", "-2015")
    assert found[0]["code"] == "-2015"
    assert found[0]["market"] == "spot"
    assert {"meaning", "likely_causes", "fix", "taken", "repeatable", "source", "category", "scope"} <= set(found[0])


def test_a_block_says_what_why_fix_and_whether_it_was_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "lbank", "10007", "--market", "spot"]) == ExitCode.OK
    shown = capsys.readouterr().out
    for label in ("what", "why", "fix", "order", "more"):
        assert f"\n  {label}" in shown
    assert "proves that the order was not accepted" in shown
    assert "contract" not in shown


def test_both_markets_are_shown_when_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert [item["market"] for item in diagnoses(capsys, "lbank", "10007")] == ["spot", "futures"]


def test_the_words_choose_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnoses(capsys, "binance", "-2010", "--market", "spot", "--text", "Market is closed.")
    assert [item["category"] for item in found] == ["instrument"]


def test_many_reasons_are_cut_for_people_but_not_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binance", "-2010"]) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out.count("  what") == 6
    assert "more reasons share this code" in captured.err
    assert len(diagnoses(capsys, "binance", "-2010")) > 10


def test_a_pasted_body_is_explained(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    paste('{"code":"1","data":[{"sCode":"51008","sMsg":"Insufficient USDT balance"}],"msg":""}')
    assert diagnoses(capsys, "okx")[0]["code"] == "51008"


def test_an_unknown_code_is_shown_as_it_came_with_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binance", "-9999", "--json"]) == ExitCode.CHECK
    problem = json.loads(capsys.readouterr().out)["errors"][0]
    assert problem["code"] == "not_in_catalogue"
    assert problem["exchange_code"] == "-9999"
    assert any("https://" in hint for hint in problem["hints"])


def test_an_unknown_exchange_is_a_usage_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binanc", "-2015"]) == ExitCode.USAGE
    assert "did you mean binance?" in capsys.readouterr().err


def test_a_misspelt_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "binance", "--markt"]) == ExitCode.USAGE
    assert run(["diagnose", "binance", "-1021", "--markt"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("exchange", "pasted", "code"),
    [
        ("okx", "2026-11-21 10:00:00 ERROR okx request failed: 50113 Invalid Sign", "50113"),
        ("binance", "GET https://api.binance.com/api/v3/account 418 I'm a teapot", "HTTP 418"),
        ("binance", "GET https://api.binance.com/api/v3/account 429 Too Many Requests", "HTTP 429"),
        ("okx", "requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url", "HTTP 429"),
        ("okx", "<html><head><title>503 Service Unavailable</title></head></html>", "HTTP 5XX"),
        ("bitfinex", "<html><head><title>Access denied</title></head><body>error code: 1020</body></html>", "HTTP403"),
        ("lbank", "<!DOCTYPE html><title>Rate limited</title>Error 1015", "HTTP 429"),
        ("lbank", "status_code=502 body=", "HTTP 5XX"),
        ("binance", "order failed: Market is closed.", "-2010"),
        ("bitfinex", "apikey: digest invalid", "10100"),
    ],
)
def test_log_lines_and_error_pages_without_a_body_are_understood(
    capsys: pytest.CaptureFixture[str], paste: Any, exchange: str, pasted: str, code: str
) -> None:
    paste(pasted)
    assert diagnoses(capsys, exchange)[0]["code"] == code


@pytest.mark.parametrize(
    "pasted",
    ["2026-11-21 10:00:00 okx said no", "50113 or 50111, who knows", "order 50113.5 at 10:50113 /50113", "1.50113"],
)
def test_a_number_that_need_not_be_a_code_is_not_taken_for_one(
    capsys: pytest.CaptureFixture[str], paste: Any, pasted: str
) -> None:
    paste(pasted)
    assert run(["diagnose", "okx"]) == ExitCode.USAGE
    assert "--search" in capsys.readouterr().err


def test_nothing_on_stdin_is_a_usage_error(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    paste("")
    assert run(["diagnose", "okx"]) == ExitCode.USAGE


@pytest.mark.parametrize("arguments", [["diagnose", "okx", "50110"], ["checklist", "okx"]])
def test_nothing_heavy_is_loaded(arguments: list[str]) -> None:
    code = (
        "import sys; from keyctl.cli import run\n"
        f"status = run({arguments!r})\n"
        f"sys.stderr.write(','.join(name for name in {HEAVY!r} if name in sys.modules))\n"
        "sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# Live.


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with Ward() as made:
        yield made


def test_an_account_is_diagnosed_line_by_line_to_the_cause_and_its_fix(
    ward: Ward, capsys: pytest.CaptureFixture[str]
) -> None:
    app = ward.enter(Case("lbank", "futures", State.FUTURES_IP_LIST, 2))
    assert run(["diagnose", "desk"], app) == ExitCode.CHECK
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["clock", "ok"],
        ["key", "ok"],
        ["spot", "ok"],
        ["futures", "MISSING"],
    ]
    assert lines[3].endswith("<- cause")
    assert any(line.split()[:1] == ["fix"] and "127.0.0.1" in line and "step 5" in line for line in lines)
    assert captured.err.startswith("error[futures_ip_list] desk: ")
    assert "hint: LBank 65: " in captured.err


def test_causes_that_look_the_same_from_outside_are_all_named_with_their_fixes(
    ward: Ward, capsys: pytest.CaptureFixture[str]
) -> None:
    app = ward.enter(Case("binance", "spot", State.IP_LIST, 0))
    assert run(["diagnose", "desk", "--market", "spot"], app) == ExitCode.CHECK
    shown = capsys.readouterr().out
    assert "(likely, not confirmed)" in shown and "look the same" in shown
    assert shown.count("\n  or ") == shown.count("\n  fix ") - 1 >= 1


def test_the_json_has_cause_rivals_evidence_fix_and_calls(ward: Ward) -> None:
    data = ward.diagnose(Case("okx", "spot", State.IP_LIST, 0)).data
    assert {"cause", "also_possible", "evidence", "fix", "calls"} <= set(data)
    assert all({"check", "level", "detail"} == set(row) for row in data["evidence"])
    assert "127.0.0.1" in data["fix"]


def limits_told(ward: Ward, exchange: str, state: State) -> list[str]:
    data = ward.diagnose(Case(exchange, "spot", state, 0)).data
    return [row["detail"] for row in data["evidence"] if row["check"] == "limits"]


def test_what_headers_tell_of_limits_and_bans_is_evidence(ward: Ward) -> None:
    (healthy,) = limits_told(ward, "binance", State.HEALTHY)
    assert healthy.startswith("X-MBX-USED-WEIGHT-1M 1 (weight used by this address")
    assert "Retry-After" not in healthy
    assert limits_told(ward, "binance", State.RATE_LIMIT) == ["Retry-After 7 (seconds to wait)"]
    assert limits_told(ward, "binance", State.BAN) == ["Retry-After 3600 (seconds to wait)"]
    assert limits_told(ward, "okx", State.HEALTHY) == []


def test_a_header_of_an_exchange_is_cut_before_it_is_shown(ward: Ward) -> None:
    app = ward.enter(Case("okx", "spot", State.HEALTHY, 0))
    ward.here.fault(
        Fault(FaultKind.ANSWER, exchange="okx", status=429, headers=(("Retry-After", "k" * 64),), times=None)
    )
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        run(["diagnose", "desk", "--json"], app)
    (row,) = [row for row in json.loads(out.getvalue())["data"]["evidence"] if row["check"] == "limits"]
    assert row["detail"] == "Retry-After kkkk..kkkk (seconds to wait)"


def test_a_record_holds_no_secret_and_gives_the_same_verdict_offline(ward: Ward, tmp_path: Path) -> None:
    for exchange, state in (("okx", State.IP_LIST), ("binance", State.WRONG_SECRET), ("lbank", State.EXPIRED_KEY)):
        case = Case(exchange, "spot", state, 0)
        file = tmp_path / f"{exchange}.json"
        live = ward.diagnose(case, "--record", str(file))
        text, key = file.read_text(), ward.key(case)
        for secret in (key.api_key, key.secret, key.passphrase or key.secret):
            assert secret not in text
        assert "signature" not in json.loads(text)
        assert file.stat().st_mode & 0o077 == 0
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(io.StringIO()):
            assert run(["diagnose", "--replay", str(file), "--json"]) == live.exit_code
        assert json.loads(out.getvalue())["data"] == live.data


def test_a_key_for_reading_only_is_healthy_without_the_right_to_trade(world: World) -> None:
    world.add("okx", rights=("read",))
    assert world.keyctl("diagnose", "okx-a", "--json").data["cause"] == "trade_permission"
    (world.home / "config").mkdir(exist_ok=True)
    world.app().home.config_file.write_text('[accounts.okx-a]\nprofile = "read"\n')
    ran = world.keyctl("diagnose", "okx-a", "--json")
    assert (ran.exit_code, ran.data["cause"]) == (ExitCode.OK, "healthy")


def test_a_file_that_is_no_record_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["diagnose", "--replay", str(tmp_path / "missing")]) == ExitCode.USAGE
    (tmp_path / "other").write_text("{}")
    assert run(["diagnose", "--replay", str(tmp_path / "other")]) == ExitCode.USAGE


def test_an_account_list_that_was_edited_sends_no_key_elsewhere(ward: Ward) -> None:
    from dataclasses import replace

    app = ward.enter(Case("okx", "spot", State.HEALTHY, 0))
    account = app.accounts.get("desk")
    app.accounts.replace(replace(account, endpoint=ward.there.endpoint("okx")))
    before = len(ward.there.venue("okx").calls.lines)
    assert run(["diagnose", "desk"], app) == ExitCode.SETUP
    assert len(ward.there.venue("okx").calls.lines) == before


def test_a_ban_from_before_is_kept_and_no_call_goes_out(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    app = ward.enter(Case("binance", "spot", State.BAN, 0))
    assert run(["diagnose", "desk"], app) == ExitCode.CHECK
    assert "for 3600 s" in capsys.readouterr().out
    calls = len(ward.here.venue("binance").calls.lines)
    assert run(["diagnose", "desk", "--json"], app) == ExitCode.CHECK
    assert json.loads(capsys.readouterr().out)["data"]["cause"] == "rate_limited"
    assert len(ward.here.venue("binance").calls.lines) == calls


def test_an_unknown_account_is_a_setup_error_and_a_market_it_lacks_a_usage_error(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ward.enter(Case("bitfinex", "spot", State.HEALTHY, 0))
    assert run(["diagnose", "nobody"], app) == ExitCode.SETUP
    monkeypatch.setattr("keyctl.commands.diagnose.profile", lambda name: profile(name)._replace(markets=(Market.SPOT,)))
    assert run(["diagnose", "desk", "--market", "futures"], app) == ExitCode.USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ["--last", "--search", "x"],
        ["desk", "--replay", "x"],
        ["--replay", "x", "--record", "y"],
        ["okx", "50110", "--record", "x"],
    ],
)
def test_options_that_do_not_go_together_are_a_usage_error(arguments: list[str]) -> None:
    assert run(["diagnose", *arguments]) == ExitCode.USAGE


# The newest error, search, pasted text.


def test_the_newest_error_of_an_order_is_explained_with_its_account_and_market(world: World) -> None:
    world.add("okx", "rich")
    assert world.keyctl("diagnose", "--last").exit_code == ExitCode.CHECK
    body = '{"code":"50110","data":[],"msg":"Your IP 203.0.113.7 is not included in your API key\'s IP whitelist."}'
    world.fault(kind="answer", exchange="okx", operation="place", status=401, body=body)
    order = ("order", "buy", "BTC/USDT", "0.001", "--price", "59000", "--expect-value", "59", "-a", "rich")
    sent = world.keyctl(*order, "--json")
    assert sent.exit_code == ExitCode.REFUSED, sent.stdout
    assert sent.document["errors"][0]["hints"][0].startswith("OKX 50110: Calling IP not on the key's whitelist")
    last = world.keyctl("diagnose", "--last", "--json")
    assert last.exit_code == ExitCode.OK, last.stdout
    assert (last.data["account"], last.data["market"], last.data["exchange_code"]) == ("rich", "spot", "50110")
    assert last.data["diagnoses"][0]["category"] == "ip"
    assert (last.data["cause"], last.data["markets"]) == ("healthy", ["spot"])
    world.venue("okx").pretended_address = "203.0.113.7"
    now = world.keyctl("diagnose", "--last")
    assert now.exit_code == ExitCode.CHECK
    assert "50110" in now.stdout and "add 203.0.113.7" in now.stdout


def test_an_error_about_the_order_alone_is_explained_without_a_call(world: World) -> None:
    world.add("okx", "poor")
    body = '{"code":"1","data":[{"sCode":"51008","sMsg":"Insufficient USDT balance"}],"msg":"All operations failed"}'
    world.fault(kind="answer", exchange="okx", operation="place", status=200, body=body)
    world.keyctl("order", "buy", "BTC/USDT", "0.001", "--price", "59000", "--expect-value", "59", "-a", "poor")
    calls = len(world.venue("okx").calls.lines)
    last = world.keyctl("diagnose", "--last")
    assert last.exit_code == ExitCode.OK and "next   keyctl diagnose poor" in last.stdout
    assert len(world.venue("okx").calls.lines) == calls


def test_the_newest_error_and_the_same_body_pasted_are_explained_alike(world: World, tmp_path: Path) -> None:
    world.add("okx", "poor")
    element = {"clOrdId": "", "ordId": "", "sCode": "51008", "sMsg": "Insufficient USDT balance", "subCode": "1000"}
    body = json.dumps({"code": "1", "data": [element], "msg": "All operations failed"})
    world.fault(kind="answer", exchange="okx", operation="place", status=200, body=body)
    world.keyctl("order", "buy", "BTC/USDT", "0.001", "--price", "59000", "--expect-value", "59", "-a", "poor")
    last, pasted = world.keyctl("diagnose", "--last", "--json").data, read_pasted(body)
    assert last["exchange_code"] == pasted.said[0].code == "51008"
    assert last["diagnoses"][0]["code"] == pasted.said[0].rows[0].code == "51008_1000"


def test_the_newest_error_of_an_account_that_is_gone_is_explained_all_the_same(world: World) -> None:
    world.add("okx", "gone")
    body = '{"code":"50110","data":[],"msg":"Your IP 203.0.113.7 is not included in your API key\'s IP whitelist."}'
    world.fault(kind="answer", exchange="okx", operation="place", status=401, body=body)
    world.keyctl("order", "buy", "BTC/USDT", "0.001", "--price", "59000", "--expect-value", "59", "-a", "gone")
    assert world.keyctl("remove", "gone", "--yes").exit_code == ExitCode.OK
    last = world.keyctl("diagnose", "--last", "--json")
    assert last.exit_code == ExitCode.OK and last.data["exchange_code"] == "50110"


def test_a_search_lists_codes_of_all_exchanges(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diagnose", "--search", "ip whitelist", "--json"]) == ExitCode.OK
    found = json.loads(capsys.readouterr().out)["data"]["diagnoses"]
    assert len({row["exchange"] for row in found}) >= 3
    assert run(["diagnose", "okx", "--search", "passphrase"]) == ExitCode.OK
    assert "50105" in capsys.readouterr().out
    assert run(["diagnose", "--search", "nothing like this"]) == ExitCode.CHECK


def test_a_pasted_exception_needs_no_exchange_when_it_names_one(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    paste('ccxt.base.errors.AuthenticationError: okx {"msg":"Invalid OK-ACCESS-KEY","code":"50111"}')
    found = diagnoses(capsys)
    assert (found[0]["exchange"], found[0]["code"]) == ("okx", "50111")


def test_a_code_alone_is_told_for_every_exchange_that_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert {item["exchange"] for item in diagnoses(capsys, "-1022")} == {"binance"}
    assert {item["exchange"] for item in diagnoses(capsys, "10001")} == {"bitfinex", "lbank"}
    assert run(["diagnose", "99999"]) == ExitCode.CHECK


def test_a_label_of_digits_is_still_an_account(world: World) -> None:
    world.add("okx", "10007")
    assert world.keyctl("diagnose", "10007", "--json").data["account"] == "10007"


def test_a_text_of_an_unknown_exchange_is_a_usage_error(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    paste("HTTP/1.1 429 for the desk")
    assert run(["diagnose"]) == ExitCode.USAGE
    assert "cannot see which exchange the text is from" in capsys.readouterr().err


def test_a_pasted_text_has_its_outcomes_in_json(capsys: pytest.CaptureFixture[str], paste: Any) -> None:
    refusal = '{"code":-2010,"msg":"Account has insufficient balance for requested action."}'
    paste(f"binance order Read timed out\nbinance {refusal}")
    assert run(["diagnose", "--json", "--explain"]) == ExitCode.OK
    data = json.loads(capsys.readouterr().out)["data"]
    assert [(item["kind"], item["code"]) for item in data["outcomes"]] == [("lost", ""), ("refused", "-2010")]
    assert (data["taken"], data["order"], data["unread_characters"]) == ("maybe", True, 0)
    assert all(item["because"] for item in data["outcomes"])
    assert data["diagnoses"][0]["message"] is not None


def test_a_log_of_any_encoding_is_read(tmp_path: Path) -> None:
    log = tmp_path / "bot.log"
    log.write_bytes(b'Ausf\xfchrung fehlgeschlagen: okx {"code":"50113","msg":"Invalid Sign"}\n')
    with log.open("rb") as file:
        command = [sys.executable, "-m", "keyctl", "diagnose", "--json"]
        environ = {"HOME": str(tmp_path), "KEYCTL_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, env=environ, check=False)
    assert json.loads(done.stdout)["data"]["diagnoses"][0]["code"] == "50113", done.stderr


def test_explain_names_what_led_to_the_verdict(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    app = ward.enter(Case("okx", "spot", State.IP_LIST, 0))
    assert run(["diagnose", "desk", "--market", "spot", "--explain"], app) == ExitCode.CHECK
    assert "Why keyctl says so:" in capsys.readouterr().out
    assert run(["diagnose", "okx", "50113", "--explain"]) == ExitCode.OK
    assert "rows chosen by the code 50113" in capsys.readouterr().out


def test_slow_answers_leave_the_clock_unknown(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyctl.clock.ROUND_TRIP_MAX_SECONDS", -1.0)
    data = ward.diagnose(Case("okx", "spot", State.HEALTHY, 0)).data
    (clock,) = [row for row in data["evidence"] if row["check"] == "clock"]
    assert clock["level"] == "unknown" and "not measured" in clock["detail"]


def test_a_clock_that_keyctl_corrects_is_named_for_the_other_programs(ward: Ward) -> None:
    app = ward.enter(Case("binance", "spot", State.HEALTHY, 0))
    ward.here.venue("binance").offset_ms = -3_000
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        assert run(["diagnose", "desk", "--market", "spot", "--json"], app) == ExitCode.CHECK
    data = json.loads(out.getvalue())["data"]
    assert data["cause"] == "clock_ahead" and "-1021" in data["meaning"] and "WSL2" in data["fix"]


def test_a_refusal_that_another_command_meets_is_explained_by_the_catalogue(world: World) -> None:
    world.add("okx", ips={"spot": ("203.0.113.9",)})
    ran = world.keyctl("request", "okx-a", "GET", "/api/v5/account/config", "--json")
    hints = ran.document["errors"][0]["hints"]
    assert sum("Calling IP not on the key's whitelist" in hint for hint in hints) == 1


def test_the_twin_is_put_into_a_state_over_its_control_path(ward: Ward) -> None:
    ward.enter(Case("okx", "spot", State.HEALTHY, 0))
    control = ward.here.control("okx")
    api_key = ward.key(Case("okx", "spot", State.HEALTHY, 0)).api_key
    assert control.post_state({"state": "ip_not_listed", "api_key": api_key})["state"] == "ip_not_listed"
    assert ward.here.venue("okx").keys[api_key].ips["spot"] == ("203.0.113.9",)
    control.post_state({"state": "healthy", "api_key": api_key})
    assert ward.here.venue("okx").keys[api_key].ips["spot"] == ("127.0.0.1",)
    with pytest.raises(ValueError, match="not made at the exchange"):
        control.post_state({"state": "unreachable", "api_key": api_key})


PASTED_ADDRESSES = [
    ("binance", '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 47.98.123.45"}'),
    ("okx", '{"code":"50110","data":[],"msg":"Your IP 47.98.123.45 is not included in your API key\'s IP whitelist."}'),
    ("lbank", 'sent from 47.98.123.45\n{"result":"false","error_code":10022,"msg":"API key permission denied"}'),
    ("bitfinex", 'from 47.98.123.45: ["error",10100,"apikey: invalid"]'),
]


@pytest.mark.parametrize(("exchange", "body"), PASTED_ADDRESSES, ids=lambda value: value[:7])
def test_an_address_in_a_pasted_error_is_compared_with_the_lists_kept_here(
    world: World, exchange: str, body: str
) -> None:
    for label in ("on-it", "lacks-it", "keeps-none"):
        world.add(exchange, label, ips={})
    world.add("okx" if exchange != "okx" else "binance", "elsewhere")
    assert world.keyctl("whitelist", "set", "-a", "on-it", "47.98.123.45").exit_code == 0
    assert world.keyctl("whitelist", "set", "-a", "lacks-it", "47.98.123.99").exit_code == 0
    ran = world.keyctl("diagnose", exchange, "--json", stdin=body)
    (found,) = ran.data["addresses"]
    assert found["address"] == "47.98.123.45"
    listed = {item["account"]: item["listed"] for item in found["lists"]}
    assert listed == {"on-it": True, "lacks-it": False, "keeps-none": None}
    shown = " ".join(world.keyctl("diagnose", exchange, stdin=body).stdout.split())
    assert "on-it spot: on the whitelist you stored" in shown or "on-it futures: on the whitelist you stored" in shown
    assert "missing on the whitelist you stored" in shown and "keyctl whitelist plan lacks-it" in shown
    assert not any(line.key_hint for line in world.venue(exchange).calls.lines), "nothing is asked"


def test_the_list_that_the_exchange_reported_goes_before_the_one_that_is_kept(world: World) -> None:
    world.add("okx", ips={"spot": ("127.0.0.1", "47.98.123.0/24")})
    world.keyctl("verify", "okx-a")
    world.keyctl("whitelist", "set", "-a", "okx-a", "9.9.9.9")
    shown = " ".join(world.keyctl("diagnose", "okx", stdin=PASTED_ADDRESSES[1][1]).stdout.split())
    assert "okx-a spot: on the whitelist that OKX reported" in shown


def test_an_error_about_something_else_compares_no_address(world: World) -> None:
    world.add("binance")
    body = '10.0.0.1 {"code":-2010,"msg":"Account has insufficient balance for requested action."}'
    assert "addresses" not in world.keyctl("diagnose", "binance", "--json", stdin=body).data


def test_a_pasted_text_is_explained_although_the_account_list_cannot_be_read(world: World) -> None:
    world.add("binance")
    (world.app().home.config / "accounts.json").write_text("{broken", encoding="utf-8")
    ran = world.keyctl("diagnose", "binance", "--json", stdin=PASTED_ADDRESSES[0][1])
    assert ran.exit_code == 0 and ran.data["diagnoses"]
    assert "were not compared" in " ".join(ran.document["warnings"])
