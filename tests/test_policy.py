"""Rights, IP lists and ages judged, against an oracle of its own; what is not told never passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from keyctl.clock import Offset
from keyctl.model import Account, Algorithm, ExchangeError, Finding, KeyPermissions, Kind, Level, Market
from keyctl.observations import Answer, House, Observation
from keyctl.policy import RULES, address_in, judge

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOLD = (True, False, None)
WORKED = Answer("a signed spot read")
CALL = Answer("the permission call")
HOUSE = House(90)
REFUSALS = {
    "binance": ("-2015", 401, "Invalid API-key, IP, or permissions for action."),
    "okx": ("50110", 401, "Your IP 203.0.113.7 is not included in your API key's IP whitelist"),
    "lbank": ("10022", 200, "API key permission denied, invalid IP or permissions"),
    "bitfinex": ("10100", 500, "apikey: digest invalid"),
}


def account(exchange: str = "binance", *markets: Market, **facts: Any) -> Account:
    base = Account(
        "id1", "acct", exchange, Kind.LIVE, "global", markets or (Market.SPOT,), Algorithm.HMAC, "abcd..wxyz", "hash",
        NOW - timedelta(days=1),
    )  # fmt: skip
    return replace(base, **facts)


def seen(exchange: str = "binance", rights: KeyPermissions | None = None, **facts: Any) -> Observation:
    base = Observation(
        account(exchange), NOW, True, Offset(3, 3), "", CALL, rights or KeyPermissions(), {Market.SPOT: WORKED}
    )
    return replace(base, **facts)


def by_rule(observation: Observation, house: House = HOUSE, market: Market = Market.SPOT) -> dict[str, Finding]:
    return {finding.rule: finding for finding in judge(observation, house) if finding.market == market}


def refused(exchange: str) -> Answer:
    code, http, text = REFUSALS[exchange]
    return Answer("a signed spot read", error=ExchangeError(exchange, http, code, text))


STATES = ("worked", "refused", "trouble")


def combinations(exchange: str) -> Iterator[tuple[KeyPermissions, str, bool]]:
    for read, trade, withdraw, transfer, listed in product(TOLD, repeat=5):
        rights = KeyPermissions(
            read=read, spot_trade=trade, withdraw=withdraw, transfer=transfer, ip_restricted=listed, created=NOW
        )
        for state, accepted in product(STATES, (False, True)):
            yield rights, state, accepted


def oracle(rights: KeyPermissions, state: str, accepted: bool) -> dict[str, str]:
    """The levels, written down anew from the rules in words."""
    known = state == "worked"

    def told(value: bool | None, on: str, off: str) -> str:
        return "unknown" if not known or value is None else on if value else off

    levels = {
        "access": {"worked": "pass", "refused": "fail", "trouble": "unknown"}[state],
        "read": "fail" if known and rights.read is False else "pass" if known else "unknown",
        "trade": told(rights.spot_trade, "pass", "warn"),
        "withdraw": told(rights.withdraw, "?", "pass"),
        "transfer": told(rights.transfer, "?", "pass"),
        "ip_list": told(rights.ip_restricted, "pass", "fail"),
        "our_ip": told(rights.ip_restricted, "pass", "unknown"),
    }
    if rights.withdraw is True:
        levels["withdraw"] = "warn" if accepted else "fail"
    if rights.transfer is True:
        levels["transfer"] = "warn"
    return levels


@pytest.mark.parametrize("exchange", REFUSALS)
def test_every_combination_of_rights_comes_out_as_the_oracle_says(exchange: str) -> None:
    answers = {"worked": WORKED, "refused": refused(exchange), "trouble": Answer("a signed spot read", trouble="gone")}
    for rights, state, accepted in combinations(exchange):
        observation = seen(exchange, rights, markets={Market.SPOT: answers[state]})
        if state != "worked":
            observation = replace(observation, introspection=answers[state])
        found = by_rule(observation, House(90, {"withdraw": "cold wallet only (2026-01-01)"} if accepted else {}))
        expected = oracle(rights, state, accepted)
        if exchange == "okx" and state == "refused":
            expected["our_ip"] = "fail"  # OKX says in words that the address is not on the list
        assert tuple(found) == RULES
        assert {rule: found[rule].level.value for rule in expected} == expected


def test_nothing_passes_when_nothing_is_told() -> None:
    dark = Answer("the clock call", trouble="connection refused")
    observation = seen(permissions=None, introspection=dark, offset=None, markets={Market.SPOT: dark})
    assert {finding.level for finding in judge(observation, HOUSE)} == {Level.UNKNOWN}


def test_rights_stay_unknown_when_the_permission_call_alone_was_refused() -> None:
    observation = seen(permissions=None, introspection=refused("binance"))
    found = by_rule(observation)
    passed = {rule for rule, finding in found.items() if finding.level is Level.PASS}
    assert passed == {"clock", "access", "signature", "read"}
    assert "-2015" in found["withdraw"].detail


@pytest.mark.parametrize(
    ("offset_ms", "level"),
    [(0, "pass"), (1000, "pass"), (-1001, "warn"), (10_000, "warn"), (10_001, "fail"), (-60_000, "fail")],
)
def test_the_clock_is_corrected_up_to_ten_seconds(offset_ms: int, level: str) -> None:
    assert by_rule(seen(offset=Offset(offset_ms, 3)))["clock"].level.value == level


def test_an_exchange_without_a_clock_passes_as_not_applicable() -> None:
    found = by_rule(seen("bitfinex", has_clock=False, offset=None))["clock"]
    assert (found.level, found.detail) == (Level.PASS, "not applicable")


def test_slow_clock_readings_are_unknown() -> None:
    assert by_rule(seen(offset=None))["clock"].level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("exchange", "age", "listed", "level"),
    [
        ("binance", 0, True, "pass"),
        ("binance", 75, True, "pass"),
        ("binance", 76, True, "warn"),
        ("binance", 90, True, "fail"),
        ("binance", 15, False, "pass"),
        ("binance", 16, False, "warn"),
        ("binance", 30, False, "fail"),
        ("lbank", 30, False, "fail"),
        ("lbank", 30, None, "unknown"),
        ("lbank", 91, None, "fail"),
        ("okx", 1, False, "warn"),
        ("okx", 1, True, "pass"),
        ("bitfinex", 31, False, "pass"),
    ],
)
def test_a_told_age_is_judged_by_the_own_rule_and_the_exchanges(
    exchange: str, age: int, listed: bool | None, level: str
) -> None:
    rights = KeyPermissions(created=NOW - timedelta(days=age), ip_restricted=listed)
    assert by_rule(seen(exchange, rights))["key_age"].level.value == level


@pytest.mark.parametrize(("days", "level"), [(0, "unknown"), (75, "unknown"), (76, "warn"), (500, "warn")])
def test_an_age_that_is_not_told_counts_from_the_day_it_was_added(days: int, level: str) -> None:
    observation = seen("okx", KeyPermissions(ip_restricted=True), account=account("okx"))
    observation = replace(observation, account=account("okx", created=NOW - timedelta(days=days)))
    found = by_rule(observation)["key_age"]
    assert found.level.value == level
    assert "not told" in found.detail


def test_a_trading_right_that_has_ended_fails() -> None:
    rights = KeyPermissions(created=NOW, ip_restricted=True, trade_expires=NOW - timedelta(hours=1))
    assert by_rule(seen("binance", rights))["key_age"].level is Level.FAIL


def test_a_creation_date_in_the_future_is_not_believed() -> None:
    rights = KeyPermissions(created=NOW + timedelta(days=400), ip_restricted=True)
    assert by_rule(seen("binance", rights))["key_age"].level is Level.UNKNOWN


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0"])
def test_a_list_that_takes_every_address_is_no_list(entry: str) -> None:
    rights = KeyPermissions(ip_restricted=True, ips=("203.0.113.7", entry))
    found = by_rule(seen("okx", rights))
    assert (found["ip_list"].level, found["our_ip"].level) == (Level.FAIL, Level.UNKNOWN)


def test_rights_that_nobody_asked_for_are_named() -> None:
    found = by_rule(seen("bitfinex", KeyPermissions(extra=("funding", "bfxpay"))))["extra_rights"]
    assert (found.level, found.detail) == (Level.WARN, "on: funding, bfxpay")


def test_a_futures_right_is_extra_on_a_spot_account_where_futures_are_a_right_of_their_own() -> None:
    rights = KeyPermissions(spot_trade=True, futures_trade=True)
    assert by_rule(seen("binance", rights))["extra_rights"].level is Level.WARN
    assert by_rule(seen("okx", rights))["extra_rights"].level is Level.PASS


def test_transfers_that_come_with_trading_are_said_and_not_passed() -> None:
    found = by_rule(seen("okx", KeyPermissions(spot_trade=True, spends="funding transfers")))["transfer"]
    assert found.level is Level.UNKNOWN
    assert "funding transfers" in found.detail


def lbank_futures(code: str, text: str) -> Observation:
    rights = KeyPermissions(read=True, spot_trade=True, withdraw=False, ip_restricted=True, created=NOW)
    answer = Answer("a signed futures read", error=ExchangeError("lbank", 200, code, text))
    both = account("lbank", Market.SPOT, Market.FUTURES)
    return seen("lbank", rights, account=both, markets={Market.SPOT: WORKED, Market.FUTURES: answer})


def test_a_futures_refusal_beside_a_working_spot_call_names_the_separate_list_as_likely() -> None:
    observation = lbank_futures("10007", "Authentication failed")
    spot, futures = by_rule(observation), by_rule(observation, market=Market.FUTURES)
    assert {finding.level for finding in spot.values()} == {Level.PASS, Level.UNKNOWN}
    assert futures["access"].level is Level.FAIL
    assert "10007" in futures["access"].detail
    assert "the same key just signed a spot call" in futures["access"].evidence
    assert "likely, not proven" in futures["access"].fix
    assert {rule for rule, finding in futures.items() if finding.level is Level.PASS} == {"clock"}
    assert "not proven" in futures["ip_list"].detail
    assert "step 5" in futures["ip_list"].fix


def test_a_code_that_names_the_address_fails_our_ip() -> None:
    found = by_rule(lbank_futures("65", "Invalid login IP address"), market=Market.FUTURES)
    assert found["our_ip"].level is Level.FAIL


def test_a_working_futures_call_proves_nothing_about_its_own_list() -> None:
    rights = KeyPermissions(withdraw=False, ip_restricted=True, created=NOW)
    both = account("lbank", Market.SPOT, Market.FUTURES)
    answers: dict[Market, Answer | None] = {Market.SPOT: WORKED, Market.FUTURES: Answer("a signed futures read")}
    observation = seen("lbank", rights, account=both, markets=answers)
    futures = by_rule(observation, market=Market.FUTURES)
    assert (futures["ip_list"].level, futures["our_ip"].level) == (Level.UNKNOWN, Level.UNKNOWN)
    assert by_rule(observation)["ip_list"].level is Level.PASS


def test_a_market_that_this_kind_of_account_lacks_is_unknown() -> None:
    both = account("binance", Market.SPOT, Market.FUTURES, kind=Kind.TESTNET)
    observation = seen(account=both, introspection=None, permissions=None)
    observation = replace(observation, markets={Market.SPOT: WORKED, Market.FUTURES: None})
    futures = by_rule(observation, market=Market.FUTURES)
    assert {rule for rule, finding in futures.items() if finding.level is Level.PASS} == {"clock"}


def test_a_wrong_signature_is_the_signatures_own_failure() -> None:
    error = ExchangeError("binance", 400, "-1022", "Signature for this request is not valid.")
    answer = Answer("a signed spot read", error=error)
    observation = seen(permissions=None, introspection=answer, markets={Market.SPOT: answer})
    found = by_rule(observation)
    assert (found["access"].level, found["signature"].level) == (Level.FAIL, Level.FAIL)
    assert "keyctl diagnose binance -1022 --market spot" in found["signature"].fix


def test_an_edge_servers_403_is_not_taken_for_the_ip_list() -> None:
    answer = Answer("a signed spot read", error=ExchangeError("binance", 403, "http-403", ""))
    found = by_rule(seen(permissions=None, introspection=answer, markets={Market.SPOT: answer}))
    assert (found["access"].level, found["our_ip"].level) == (Level.FAIL, Level.UNKNOWN)


def test_the_fixes_use_the_exchanges_own_menu_words() -> None:
    found = by_rule(seen("binance", KeyPermissions(withdraw=True, ip_restricted=False)))
    assert "Enable Withdrawals OFF" in found["withdraw"].fix
    assert "keyctl checklist binance, step 5" in found["ip_list"].fix


def test_the_address_is_found_in_an_exchanges_words() -> None:
    assert address_in(REFUSALS["okx"][2]) == "203.0.113.7"
    assert address_in("permissions for action, request ip: 2001:db8::7") == "2001:db8::7"
    assert address_in("no address here, code 10022.") == ""
