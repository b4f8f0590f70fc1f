"""keyctl whitelist: what is kept, what is refused, what to type and to take off; it opens no secret and no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import ExitCode
from keyctl.model.words import Kind, Market
from keyctl.twin.key_making import make_key
from keyctl.twin.server import TwinServer
from tests.support.clocks import ShiftedClock
from tests.support.desk import Desk, open_twin
from tests.support.world import ALL

BOTH = (Market.SPOT, Market.FUTURES)
ONE, TWO, THREE = "8.8.4.4", "9.9.9.9", "1.1.1.1"


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


@pytest.fixture
def desk(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(twin, tmp_path, capsys)


def live(desk: Desk, exchange: str, **facts: Any) -> None:
    """An account of the real exchange, which these commands never call."""
    desk.add(f"{exchange}-a", exchange, **facts)
    accounts = desk.app().accounts
    from dataclasses import replace

    accounts.replace(replace(accounts.get(f"{exchange}-a"), endpoint=None, kind=Kind.LIVE))


def lists(desk: Desk, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = desk.run("whitelist", *arguments, "--json").data["whitelists"]
    return {(row["account"], "+".join(row["markets"])): row for row in rows}


def test_each_exchanges_form_is_printed_in_the_order_given(desk: Desk) -> None:
    for exchange in ALL:
        live(desk, exchange, groups=("desk",))
    ran = desk.run("whitelist", "set", "--group", "desk", TWO, ONE, "--json")
    assert ran.exit_code == ExitCode.OK
    found = lists(desk, "plan", "--group", "desk")
    assert {name: row["type"] for (name, _), row in found.items()} == {
        "binance-a": [f"{TWO},{ONE}"],
        "bitfinex-a": [TWO, ONE],
        "lbank-a": [f"{TWO},{ONE}"],
        "okx-a": [f"{TWO},{ONE}"],
    }
    assert {row["limit"] for row in found.values()} == {30, 20, 4}


def test_a_list_that_one_of_the_exchanges_would_not_take_is_kept_for_none(desk: Desk) -> None:
    live(desk, "lbank", groups=("desk",))
    live(desk, "okx", groups=("desk",))
    five = [f"8.8.4.{number}" for number in range(1, 6)]
    ran = desk.run("whitelist", "set", "--group", "desk", *five, "--json")
    assert (ran.exit_code, ran.document["errors"][0]["account"]) == (ExitCode.CHECK, "lbank-a")
    assert "at most 4" in ran.document["errors"][0]["message"]
    assert all(row["kept"] == [] for row in lists(desk, "show", "--group", "desk").values())


@pytest.mark.parametrize("entry", ["10.0.0.1", "127.0.0.1", "0.0.0.0/0", "203.0.113.7", "8.8.8.0/24"])
def test_what_can_do_no_good_is_refused(desk: Desk, entry: str) -> None:
    live(desk, "binance")
    ran = desk.run("whitelist", "set", "-a", "binance-a", ONE, entry, "--json")
    assert ran.exit_code == ExitCode.CHECK
    assert entry in ran.document["errors"][0]["message"]


@pytest.mark.parametrize("entry", ["localhost", "8.8.8.8/24", "8.8.8", "::1%lo"])
def test_what_is_no_address_is_wrong_usage(desk: Desk, entry: str) -> None:
    live(desk, "okx")
    assert desk.run("whitelist", "set", "-a", "okx-a", entry).exit_code == ExitCode.USAGE


def test_doubles_are_named_and_kept_once_and_doubts_are_warnings(desk: Desk) -> None:
    live(desk, "lbank")
    ran = desk.run("whitelist", "set", "-a", "lbank-a", f"{ONE},{ONE}", "2606:4700::1111", "--json")
    assert ran.exit_code == ExitCode.OK
    assert [row["kept"] for row in ran.data["whitelists"]] == [[ONE, "2606:4700::1111"]]
    assert any("twice" in text for text in ran.document["warnings"])
    assert any("IPv6" in text for text in ran.document["warnings"])


def test_a_market_may_have_a_list_of_its_own(desk: Desk) -> None:
    live(desk, "lbank", markets=BOTH)
    desk.run("whitelist", "set", "-a", "lbank-a", ONE)
    found = lists(desk, "show", "lbank-a")
    assert set(found) == {("lbank-a", "spot"), ("lbank-a", "futures")}
    desk.run("whitelist", "set", "-a", "lbank-a", "--market", "futures", TWO)
    found = lists(desk, "show", "lbank-a")
    assert [found["lbank-a", market]["kept"] for market in ("spot", "futures")] == [[ONE], [TWO]]
    desk.run("whitelist", "set", "-a", "lbank-a", "--market", "futures", "--forget")
    assert lists(desk, "show", "lbank-a")["lbank-a", "futures"]["kept"] == [ONE]
    rows = [line.split("\t") for line in desk.run("whitelist", "plan", "lbank-a").stdout.splitlines()]
    where = {row[2]: row[4] for row in rows if row[3] == "where"}
    assert "step 4" in where["spot"] and "step 5" in where["futures"]


def test_a_market_that_the_account_lacks_has_no_list(desk: Desk) -> None:
    live(desk, "okx")
    assert desk.run("whitelist", "set", "-a", "okx-a", "--market", "futures", ONE).exit_code == ExitCode.USAGE


def test_where_the_api_lists_addresses_the_difference_is_exact(desk: Desk) -> None:
    desk.add("okx-a", "okx", make_key("okx", ips={"spot": ("127.0.0.1", TWO, "8.8.8.0/24")}), markets=BOTH)
    desk.run("whitelist", "set", "-a", "okx-a", "127.0.0.1", ONE)
    before = lists(desk, "plan", "okx-a")["okx-a", "spot+futures"]
    assert (before["told"], before["add"], before["told_at"]) == (None, None, None)
    assert desk.run("verify", "okx-a").exit_code == ExitCode.OK
    after = lists(desk, "plan", "okx-a")["okx-a", "spot+futures"]
    assert after["add"] == [ONE]
    assert after["remove"] == [TWO, "8.8.8.0/24"]
    rows = [line.split("\t") for line in desk.run("whitelist", "plan", "okx-a").stdout.splitlines()]
    assert [row[3:] for row in rows][:4] == [
        ["type", f"127.0.0.1,{ONE}"],
        ["add", ONE],
        ["remove", TWO],
        ["remove", "8.8.8.0/24"],
    ]
    desk.run("whitelist", "set", "-a", "okx-a", "127.0.0.1", TWO, "8.8.8.0/24")
    [row] = desk.run("whitelist", "plan", "okx-a").stdout.splitlines()
    assert row.split("\t")[3] == "ok"


def test_where_the_api_tells_only_that_a_list_is_set_nothing_is_said_of_its_addresses(desk: Desk) -> None:
    for exchange, listed in (("binance", True), ("lbank", True), ("bitfinex", None)):
        desk.add(f"{exchange}-a", exchange)
        desk.run("verify", f"{exchange}-a")
        desk.run("whitelist", "set", "-a", f"{exchange}-a", "127.0.0.1")
        row = lists(desk, "plan", f"{exchange}-a")[f"{exchange}-a", "spot"]
        assert (row["told_set"], row["told"], row["add"], row["remove"]) == (listed, None, None, None)
        assert "compare" in desk.run("whitelist", "plan", f"{exchange}-a").stdout


def test_a_key_without_a_list_gets_the_whole_list_added(desk: Desk) -> None:
    desk.add("binance-a", "binance", make_key("binance", ips={}))
    desk.run("verify", "binance-a")
    desk.run("whitelist", "set", "-a", "binance-a", "127.0.0.1")
    row = lists(desk, "plan", "binance-a")["binance-a", "spot"]
    assert (row["told"], row["add"], row["remove"]) == ([], ["127.0.0.1"], [])


def test_our_own_address_that_is_missing_is_named(desk: Desk) -> None:
    desk.add("okx-a", "okx", make_key("okx", ips={"spot": (TWO,)}))
    desk.run("verify", "okx-a")  # OKX's refusal names the address that it sees
    desk.run("whitelist", "set", "-a", "okx-a", TWO)
    ran = desk.run("whitelist", "plan", "okx-a")
    assert "127.0.0.1 (direct (loopback)) is your IP address, but not on it" in ran.stdout
    assert lists(desk, "plan", "okx-a")["okx-a", "spot"]["ours_missing"] == ["127.0.0.1"]


def test_a_plan_of_a_list_that_became_impossible_is_exit_4(desk: Desk) -> None:
    """A group's list meets an account that joined later, whose exchange takes fewer addresses."""
    live(desk, "okx", groups=("desk",))
    desk.run("whitelist", "set", "--group", "desk", *[f"8.8.4.{number}" for number in range(1, 7)])
    live(desk, "lbank", groups=("desk",))
    ran = desk.run("whitelist", "plan", "--group", "desk", "--json")
    assert ran.exit_code == ExitCode.CHECK
    assert [error["account"] for error in ran.document["errors"]] == ["lbank-a"]


def test_without_a_list_it_says_how_to_keep_one(desk: Desk) -> None:
    live(desk, "okx")
    assert "keyctl whitelist set -a okx-a" in desk.run("whitelist", "plan", "okx-a").stdout
    assert "no whitelist is stored" in desk.run("whitelist", "show", "okx-a").stdout
    assert "not read yet: keyctl verify okx-a" in desk.run("whitelist", "show", "okx-a").stdout


@pytest.mark.parametrize(
    "arguments", [("-a", "okx-a"), ("-a", "okx-a", "--forget", ONE), (ONE,), ("--group", "x", ONE)]
)
def test_a_wish_that_is_not_clear_is_wrong_usage(desk: Desk, arguments: tuple[str, ...]) -> None:
    live(desk, "okx")
    assert desk.run("whitelist", "set", *arguments).exit_code == ExitCode.USAGE


def test_nothing_is_opened_for_it(desk: Desk) -> None:
    desk.add("okx-a", "okx")
    before = len(desk.twin.venue("okx").calls.lines)
    for arguments in (("set", "-a", "okx-a", "127.0.0.1"), ("show", "okx-a"), ("plan", "okx-a")):
        assert desk.run("whitelist", *arguments).exit_code == ExitCode.OK
    assert desk.store.openings == 0
    assert len(desk.twin.venue("okx").calls.lines) == before


def test_on_a_terminal_the_plan_is_a_table(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    live(desk, "okx")
    desk.run("whitelist", "set", "-a", "okx-a", ONE)
    monkeypatch.setattr("keyctl.terminal.output.is_terminal", lambda stream: True)
    lines = desk.run("whitelist", "plan", "okx-a").stdout.splitlines()
    assert lines[0].split() == ["account", "exchange", "market", "what", "value"]
    assert any(line.split()[:5] == ["okx-a", "okx", "spot", "type", ONE] for line in lines)


def findings(desk: Desk, label: str) -> dict[str, dict[str, str]]:
    return {row["rule"]: row for row in desk.run("verify", label, "--json").data["findings"] if row["market"] == "spot"}


def test_an_address_for_a_time_is_typed_until_verify_says_to_take_it_off(desk: Desk) -> None:
    made = desk.add("binance-a", "binance")
    assert desk.run("whitelist", "set", "-a", "binance-a", TWO, "--until", "2h").exit_code == ExitCode.CHECK
    desk.run("whitelist", "set", "-a", "binance-a", "127.0.0.1")
    assert "ip_until" not in findings(desk, "binance-a")
    ran = desk.run("whitelist", "set", "-a", "binance-a", TWO, "--until", "2h", "--json")
    assert (ran.exit_code, ran.data["whitelists"][0]["kept"]) == (ExitCode.OK, ["127.0.0.1", TWO])
    assert f"\ttype\t127.0.0.1,{TWO}" in desk.run("whitelist", "plan", "binance-a").stdout
    running = findings(desk, "binance-a")["ip_until"]
    assert running["level"] == "warn" and f"{TWO} must be removed at" in running["detail"]
    desk.clock = ShiftedClock(ahead=7300.0)
    desk.twin.add_key("binance", made)
    over = findings(desk, "binance-a")["ip_until"]
    assert over["level"] == "fail" and "temporarily; its time ended" in over["detail"]
    assert "keyctl checklist binance, step 5" in over["fix"]
    assert "\ttype\t127.0.0.1\n" in desk.run("whitelist", "plan", "binance-a").stdout
    desk.run("whitelist", "set", "-a", "binance-a", "127.0.0.1")
    assert "ip_until" not in findings(desk, "binance-a"), "the list was kept without it"


def test_what_verify_says_ends_the_warning_also_where_it_was_added_to_one_market(desk: Desk) -> None:
    """The list for all markets was kept anew, and the end of the futures list stayed for ever."""
    made = desk.add("lbank-a", "lbank", markets=BOTH)
    desk.run("whitelist", "set", "-a", "lbank-a", "127.0.0.1")
    desk.run("whitelist", "set", "-a", "lbank-a", "--market", "futures", TWO, "--until", "2h")
    desk.clock = ShiftedClock(ahead=7300.0)
    desk.twin.add_key("lbank", made)

    def over() -> list[str]:
        rows = desk.run("verify", "lbank-a", "--json").data["findings"]
        return [row["fix"] for row in rows if row["rule"] == "ip_until"]

    (fix,) = over()
    assert "keyctl whitelist set -a lbank-a 127.0.0.1" in fix
    desk.run("whitelist", "set", "-a", "lbank-a", "127.0.0.1")
    assert over() == []


def test_a_list_of_its_own_keeps_what_was_added_to_it_for_a_time(desk: Desk) -> None:
    desk.add("lbank-a", "lbank", markets=BOTH)
    desk.run("whitelist", "set", "-a", "lbank-a", "--market", "futures", "127.0.0.1")
    desk.run("whitelist", "set", "-a", "lbank-a", "--market", "futures", TWO, "--until", "2h")
    desk.run("whitelist", "set", "-a", "lbank-a", "127.0.0.1")
    rows = desk.run("verify", "lbank-a", "--json").data["findings"]
    assert [row["market"] for row in rows if row["rule"] == "ip_until"] == ["futures"]


def test_where_the_exchange_reports_its_list_one_that_is_off_is_not_told_of(desk: Desk) -> None:
    key = make_key("okx", ips={"spot": ("127.0.0.1", TWO)})
    desk.add("okx-a", "okx", key)
    desk.run("whitelist", "set", "-a", "okx-a", "127.0.0.1")
    desk.run("whitelist", "set", "-a", "okx-a", TWO, THREE, "--until", "30m")
    assert findings(desk, "okx-a")["ip_until"]["detail"].startswith(TWO), "the other one was never put there"
    desk.clock = ShiftedClock(ahead=1801.0)
    row = lists(desk, "plan", "okx-a")["okx-a", "spot"]
    assert (row["kept"], row["remove"]) == (["127.0.0.1"], [TWO])


@pytest.mark.parametrize("words", [(ONE, "--until", "soon"), (ONE, "--until", "0h"), ("--forget", "--until", "2h")])
def test_an_end_that_is_none_is_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    live(desk, "okx")
    assert desk.run("whitelist", "set", "-a", "okx-a", *words).exit_code == ExitCode.USAGE


def test_an_address_for_a_time_must_fit_on_the_list_too(desk: Desk) -> None:
    live(desk, "lbank")
    desk.run("whitelist", "set", "-a", "lbank-a", *(f"8.8.4.{number}" for number in range(1, 5)))
    ran = desk.run("whitelist", "set", "-a", "lbank-a", ONE, TWO, "--until", "2h")
    assert ran.exit_code == ExitCode.CHECK and "at most 4" in ran.stderr


def test_set_shows_what_it_replaces(desk: Desk) -> None:
    live(desk, "okx", markets=BOTH, groups=("desk",))
    live(desk, "binance", groups=("desk",))
    assert desk.run("whitelist", "set", "--group", "desk", ONE, "--json").data["replaced"] == []
    ran = desk.run("whitelist", "set", "-a", "okx-a", "--market", "spot", TWO, "--json")
    assert ran.data["replaced"] == [{"account": "okx-a", "market": "spot", "kept": [ONE]}]
    again = desk.run("whitelist", "set", "-a", "okx-a", "--market", "spot", TWO, "--json")
    assert again.data["replaced"] == [], "the same list replaces nothing"
    ran = desk.run("whitelist", "set", "--group", "desk", THREE, "--json")
    assert [(row["account"], row["market"]) for row in ran.data["replaced"]] == [
        ("okx-a", "futures"),
        ("binance-a", "spot"),
    ]
    ran = desk.run("whitelist", "set", "-a", "okx-a", "--market", "spot", "--forget")
    assert f"okx-a spot: replaced {TWO}" in ran.stderr + ran.stdout


def test_a_private_address_is_refused_with_the_way_to_the_public_one(desk: Desk) -> None:
    live(desk, "okx")
    for entry in ("192.168.1.20", "10.0.0.0/8", "100.64.0.1", "fe80::1"):
        error = desk.run("whitelist", "set", "-a", "okx-a", entry, "--json").document["errors"][0]
        assert (
            f"okx-a: {entry} is private or reserved; an exchange only sees your public IP address" in error["message"]
        )
        assert "to find your public IP address: keyctl ip" in error["hints"]
