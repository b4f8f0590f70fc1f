"""keyctl request: only listed reads, any text as a parameter, and a dry run that is the call itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from keyctl.errors import ExitCode
from keyctl.exchanges.shipped import profile
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.server import TwinServer
from tests.support.desk import Desk, open_twin
from tests.support.world import ALL

READS = {
    "binance": ("GET", "/api/v3/account"),
    "bitfinex": ("POST", "/v2/auth/r/wallets"),
    "lbank": ("POST", "/v2/supplement/user_info_account.do"),
    "okx": ("GET", "/api/v5/account/balance"),
}
ODD_TEXTS = ["a b+c", "50%&x=1", "ü€漢字🙂", "quo\"te'\\", "#?/;:@", "", "=", "line\nend", "0.00000001"]


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


@pytest.fixture
def desk(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(twin, tmp_path, capsys)


def calls(desk: Desk, exchange: str) -> list[str]:
    return [line.path for line in desk.twin.venue(exchange).calls.lines]


@pytest.mark.parametrize("exchange", ALL)
def test_a_signed_read_shows_the_exchanges_answer(desk: Desk, exchange: str) -> None:
    desk.add("acct", exchange)
    ran = desk.run("request", "acct", *READS[exchange], "--json")
    assert ran.exit_code == ExitCode.OK
    assert ran.data["status"] == 200
    assert ran.data["body"]
    assert desk.twin.venue(exchange).calls.changing() == []
    piped = desk.run("request", "acct", *READS[exchange])
    assert json.loads(piped.stdout)


def test_a_public_read_is_sent_without_the_key(desk: Desk) -> None:
    desk.add("acct", "okx")
    ran = desk.run("request", "acct", "get", "/api/v5/market/ticker", "-p", "instId=BTC-USDT", "--json")
    assert ran.data["body"]["data"][0]["instId"] == "BTC-USDT"
    assert desk.twin.venue("okx").calls.lines[-1].key_hint == ""


@pytest.mark.parametrize(
    ("exchange", "path", "body"),
    [
        ("binance", "/api/v3/klines", "[[1,2,3,4,5]]"),
        ("binance", "/fapi/v1/trades", "[]"),
        ("binance", "/dapi/v1/klines", "[]"),
        ("bitfinex", "/v2/candles/trade:1D:tBTCUSD/hist", "[[1,2,3,4,5,6]]"),
        ("bitfinex", "/v2/trades/tBTCUSD/hist", "[]"),
        ("lbank", "/v2/kline.do", '{"result":"true","data":[],"error_code":0,"ts":1}'),
        ("lbank", "/v2/supplement/trades.do", '{"result":"true","data":[],"error_code":0,"ts":1}'),
        ("okx", "/api/v5/market/history-candles", '{"code":"0","data":[],"msg":""}'),
        ("okx", "/api/v5/market/trades", '{"code":"0","data":[],"msg":""}'),
    ],
)
def test_candles_and_trades_of_the_market_are_read_without_the_key(
    desk: Desk, exchange: str, path: str, body: str
) -> None:
    desk.add("acct", exchange)
    desk.twin.fault(Fault(kind=FaultKind.ANSWER, exchange=exchange, path=path, status=200, body=body))
    ran = desk.run("request", "acct", "GET", path, "--json")
    assert (ran.exit_code, ran.data["status"]) == (ExitCode.OK, 200)
    assert desk.twin.venue(exchange).calls.lines[-1].key_hint == ""


@pytest.mark.parametrize(
    ("exchange", "method", "path"),
    [
        ("binance", "POST", "/api/v3/order"),
        ("binance", "GET", "/sapi/v1/capital/withdraw/history"),
        ("lbank", "POST", "/v2/supplement/create_order.do"),
        ("lbank", "POST", "/v2/supplement/withdraw.do"),
        ("okx", "POST", "/api/v5/trade/order"),
        ("okx", "GET", "/api/v5/account/balance?ccy=BTC"),
        ("okx", "GET", "/api/v5/account/../trade/order"),
        ("okx", "DELETE", "/api/v5/account/balance"),
        ("bitfinex", "POST", "/v2/auth/w/order/submit"),
        ("bitfinex", "POST", "/v2/auth/r/orders/../../w/order/submit"),
        ("bitfinex", "POST", "/v2/auth/r/orders/a%2fb"),
    ],
)
def test_every_path_off_the_list_is_refused_before_anything_is_sent(
    desk: Desk, exchange: str, method: str, path: str
) -> None:
    desk.add("acct", exchange)
    for more in ((), ("--dry-run",)):
        ran = desk.run("request", "acct", method, path, "--json", *more)
        assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.USAGE, "path_not_readable")
    assert calls(desk, exchange) == []
    assert desk.store.openings == 0


@pytest.mark.parametrize("exchange", ALL)
def test_a_dry_run_sends_nothing(desk: Desk, exchange: str) -> None:
    made = desk.add("acct", exchange)
    ran = desk.run("request", "acct", *READS[exchange], "--dry-run", "--json")
    data = ran.data
    assert set(data) == {"method", "url", "headers", "body"}
    assert data["method"] == READS[exchange][0]
    assert data["url"].startswith(desk.twin.endpoint(exchange) + READS[exchange][1])
    assert calls(desk, exchange) == []
    assert made.secret not in ran.stdout
    assert made.passphrase is None or made.passphrase not in ran.stdout


def test_the_passphrase_is_redacted_in_both_forms(desk: Desk) -> None:
    made = desk.add("acct", "okx")
    for more in ((), ("--json",)):
        ran = desk.run("request", "acct", *READS["okx"], "--dry-run", *more)
        assert made.passphrase is not None and made.passphrase not in ran.stdout
        assert "OK-ACCESS-PASSPHRASE" in ran.stdout
        assert "<redacted>" in ran.stdout


def test_the_dry_run_of_binance_is_signed_over_the_query_as_it_stands(desk: Desk) -> None:
    made = desk.add("acct", "binance")
    odd = [option for number, text in enumerate(ODD_TEXTS) for option in ("-p", f"n{number}={text}")]
    data = desk.run("request", "acct", *READS["binance"], *odd, "--dry-run", "--json").data
    signed, _, signature = urlsplit(data["url"]).query.rpartition("&signature=")
    assert hmac.new(made.secret.encode(), signed.encode(), hashlib.sha256).hexdigest() == signature
    sent = dict(parse_qsl(signed, keep_blank_values=True))
    assert [sent[f"n{number}"] for number in range(len(ODD_TEXTS))] == ODD_TEXTS


def test_the_dry_run_of_okx_is_signed_over_path_and_query(desk: Desk) -> None:
    made = desk.add("acct", "okx")
    data = desk.run("request", "acct", *READS["okx"], "-p", "ccy=ü + %", "--dry-run", "--json").data
    parts = urlsplit(data["url"])
    text = f"{data['headers']['OK-ACCESS-TIMESTAMP']}GET{parts.path}?{parts.query}"
    expected = base64.b64encode(hmac.new(made.secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
    assert data["headers"]["OK-ACCESS-SIGN"] == expected


@pytest.mark.parametrize("text", ODD_TEXTS)
@pytest.mark.parametrize("exchange", ALL)
def test_parameters_hold_any_text_and_come_back_as_given(desk: Desk, exchange: str, text: str) -> None:
    desk.add("acct", exchange)
    data = desk.run("request", "acct", *READS[exchange], "-p", f"note={text}", "--dry-run", "--json").data
    if exchange == "bitfinex":
        sent = json.loads(data["body"])
    else:
        sent = dict(parse_qsl(data["body"] or urlsplit(data["url"]).query, keep_blank_values=True))
    assert sent["note"] == text


@pytest.mark.parametrize("exchange", ALL)
def test_the_twin_takes_the_signature_over_odd_parameters(desk: Desk, exchange: str) -> None:
    desk.add("acct", exchange)
    ran = desk.run("request", "acct", *READS[exchange], "-p", "note=ü b+c %&'", "--json")
    # Binance counts unread parameters as an error, after it has found the signature good.
    if exchange == "binance":
        assert ran.document["errors"][0]["exchange_code"] == "-1104"
    else:
        assert ran.exit_code == ExitCode.OK


def test_a_nonce_is_used_up_by_a_dry_run_and_ascends(desk: Desk) -> None:
    desk.add("acct", "bitfinex")
    nonces = []
    for more in (("--dry-run",), ("--dry-run",)):
        data = desk.run("request", "acct", *READS["bitfinex"], "--json", *more).data
        nonces.append(int(data["headers"]["bfx-nonce"]))
    assert nonces[0] < nonces[1]
    assert desk.run("request", "acct", *READS["bitfinex"]).exit_code == ExitCode.OK


def test_an_exchanges_error_is_exit_5_with_its_meaning(desk: Desk) -> None:
    made = desk.add("acct", "binance")
    made.key.ips = {"spot": ("203.0.113.7",)}
    ran = desk.run("request", "acct", *READS["binance"], "--json")
    error = ran.document["errors"][0]
    assert (ran.exit_code, error["exchange_code"], error["account"]) == (ExitCode.REFUSED, "-2015", "acct")
    assert "one code for three causes" in error["hints"][0]
    assert error["hints"][1] == "keyctl diagnose binance -2015"


def test_an_exchange_that_is_not_reached_is_exit_8(desk: Desk) -> None:
    desk.add("acct", "okx")
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="okx", times=None))
    assert desk.run("request", "acct", *READS["okx"], "--json").exit_code == ExitCode.UNREACHED


def test_control_characters_of_an_answer_do_not_reach_the_terminal(desk: Desk) -> None:
    desk.add("acct", "okx")
    body = '{"code":"0","data":[{"label":"\u202eevil\u200b"}],"msg":"\x7f"}'
    desk.twin.fault(Fault(FaultKind.ANSWER, exchange="okx", operation="balance", status=200, body=body))
    ran = desk.run("request", "acct", *READS["okx"])
    assert ran.stdout == '{"code":"0","data":[{"label":"evil"}],"msg":""}\n'


def test_a_terminal_gets_indented_json_with_every_digit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add("acct", "okx")
    body = '{"code":"0","data":[{"n":0.100000000000000000001,"m":1}],"msg":""}'
    desk.twin.fault(Fault(FaultKind.ANSWER, exchange="okx", operation="balance", status=200, body=body))
    monkeypatch.setattr("keyctl.terminal.output.is_terminal", lambda stream: True)
    ran = desk.run("request", "acct", *READS["okx"])
    assert '      "n": 0.100000000000000000001,' in ran.stdout.splitlines()


@pytest.mark.parametrize("exchange", ALL)
def test_the_list_of_paths_is_the_shipped_one(desk: Desk, exchange: str) -> None:
    listed = desk.run("request", "--paths", exchange, "--json").data["paths"]
    assert [(item["method"], item["path"]) for item in listed] == [
        (item.method, item.path) for item in profile(exchange).readable
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("acct",),
        ("acct", "GET"),
        ("acct", "--paths", "okx"),
        ("--paths", "nobody"),
        ("acct", "GET", "/x", "-p", "a"),
    ],
)
def test_wrong_usage_is_exit_2(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.add("acct", "okx")
    assert desk.run("request", *arguments, "--json").exit_code == ExitCode.USAGE


def test_a_parameter_that_is_no_text_is_refused(desk: Desk) -> None:
    desk.add("acct", "okx")
    ran = desk.run("request", "acct", *READS["okx"], "-p", "a=\udcff", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (ExitCode.USAGE, "bad_parameter")


def test_an_unknown_account_is_exit_3(desk: Desk) -> None:
    assert desk.run("request", "nobody", "GET", "/x", "--json").exit_code == ExitCode.SETUP
