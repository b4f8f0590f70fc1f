"""Rights, IP lists and ages judged, against an oracle of its own; what is not told never passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from typing import Any

import pytest

from keyctl.clock import Offset
from keyctl.exchanges.shipped import load
from keyctl.home.profiles import RISKS, SHIPPED, combined, own_profile
from keyctl.model.account import Account
from keyctl.model.credential import Binding
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.verdict import Finding
from keyctl.model.wire import Response
from keyctl.model.words import Algorithm, Kind, Level, Market
from keyctl.verify.observations import Answer, House, Observation, Vantage
from keyctl.verify.policy import RULES, address_in, judge
from tests.support.market_calls import read_permissions

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
REASON = "asked for by the auditor (2026-01-01)"
OWN = own_profile("strict", ("spot_trade",), ("futures_trade", "transfer", "other"), True, 30)
LOOSE = own_profile("loose", (), (), False, None)
PROFILES = {
    "default": None,
    "read": SHIPPED["read"],
    "spot": SHIPPED["spot"],
    "futures": SHIPPED["futures"],
    "funding": SHIPPED["funding"],
    "both": combined([SHIPPED["spot"], SHIPPED["futures"]]),
    "strict": OWN,
    "loose": LOOSE,
}
# The same profiles in the oracle's own words: wanted, forbidden, IP list asked for, days, whether it was assigned.
WORDS: dict[str, tuple[str, str, bool, int, bool]] = {
    "default": ("spot", "", True, 90, False),
    "read": ("", "spot futures transfer", True, 90, True),
    "spot": ("spot", "", True, 90, True),
    "futures": ("futures", "", True, 90, True),
    "funding": ("", "spot futures transfer other", True, 90, True),
    "both": ("spot futures", "", True, 90, True),
    "strict": ("spot", "futures transfer other", True, 30, True),
    "loose": ("", "", False, 90, True),
}


def oracle(told: dict[str, Any], state: str, profile: str, risks: set[str], own_futures: bool) -> dict[str, str]:
    """The levels for a spot account, written down anew from the rules in words."""
    wanted, forbidden, list_asked, days, assigned = WORDS[profile]
    known = state == "worked"
    levels = {"access": {"worked": "pass", "refused": "fail", "trouble": "unknown"}[state]}
    levels["read"] = "unknown" if not known else "fail" if told["read"] is False else "pass"

    def one(right: str, risk: str) -> str:
        """A right against the profile: on, off or not told."""
        if told[right] is True:
            if right in forbidden:
                return "warn" if risk in risks else "fail"
            if right not in wanted:
                return "warn"
            return "pass" if known else "unknown"
        if not known or told[right] is None:
            return "unknown"
        if right in wanted:
            return "fail" if assigned else "warn"
        return "pass"

    worst = ("fail", "warn", "unknown", "pass")
    trades = [one("spot", "extra_rights")] + ([one("futures", "extra_rights")] if "futures" in wanted else [])
    levels["trade"] = min(trades, key=worst.index)
    levels["transfer"] = one("transfer", "transfer")
    if told["withdraw"] is True:
        levels["withdraw"] = "warn" if "withdraw" in risks else "fail"
    else:
        levels["withdraw"] = "pass" if known and told["withdraw"] is False else "unknown"
    levels["ip_list"] = "unknown" if not known or told["listed"] is None else "pass"
    if known and told["listed"] is False:
        levels["ip_list"] = "fail" if list_asked and "no_ip_list" not in risks else "warn"
    levels["our_ip"] = "pass" if known and told["listed"] else "unknown"
    levels["extra_rights"] = "pass" if known else "unknown"
    futures_extra = told["futures"] is True and "futures" not in wanted and (own_futures or "futures" in forbidden)
    if told["futures"] is None and "futures" in forbidden:
        levels["extra_rights"] = "unknown"
    if futures_extra or told["other"]:
        barred = (futures_extra and "futures" in forbidden) or (told["other"] and "other" in forbidden)
        levels["extra_rights"] = "fail" if barred and "extra_rights" not in risks else "warn"
    levels["key_age"] = oracle_age(told["age"], days, told["listed"], known, "old_key" in risks)
    return levels


def oracle_age(age: int, days: int, listed: bool | None, known: bool, accepted: bool) -> str:
    """Both rules on the age of a Binance key, the worse of the two."""
    if not known:
        return "unknown"
    own = "pass" if age < days - 14 else "warn" if age < days else "warn" if accepted else "fail"
    theirs = "pass" if listed or age < 16 else "warn" if age < 30 else "fail"
    if listed is None and theirs != "pass":
        theirs = "unknown"
    return min((own, theirs), key=("fail", "warn", "unknown", "pass").index)


def rights_of(told: dict[str, Any]) -> KeyPermissions:
    return KeyPermissions(
        read=told["read"],
        spot_trade=told["spot"],
        futures_trade=told["futures"],
        withdraw=told["withdraw"],
        transfer=told["transfer"],
        ip_restricted=told["listed"],
        extra=("options",) if told["other"] else (),
        created=NOW - timedelta(days=told["age"]),
    )


NAMES = ("read", "spot", "futures", "withdraw", "transfer", "listed")
RISK_SETS = (set[str](), {"withdraw"}, {"transfer", "no_ip_list"}, {"extra_rights", "old_key"}, set(RISKS))


def check_against_oracle(told: dict[str, Any], state: str, profile: str, risks: set[str]) -> None:
    answers = {"worked": WORKED, "refused": refused("binance"), "trouble": Answer("a signed spot read", trouble="gone")}
    answer = answers[state]
    observation = seen("binance", rights_of(told), markets={Market.SPOT: answer})
    if state != "worked":
        observation = replace(observation, introspection=answer)
    found = by_rule(observation, House(90, dict.fromkeys(risks, REASON), PROFILES[profile]))
    expected = oracle(told, state, profile, risks, own_futures=True)
    lends = found.pop("funding", None)
    assert (lends is None) is (profile != "funding")
    assert lends is None or lends.level is Level.UNKNOWN  # none of these exchanges tells it
    assert tuple(found) == RULES
    assert {rule: found[rule].level.value for rule in expected} == expected, told


AGES = (0, 16, 30, 89, 90)


@pytest.mark.parametrize("profile", PROFILES)
def test_all_rights_lists_and_ages_come_out_as_the_oracle_says(profile: str) -> None:
    others = cycle((False, True))
    for *values, age in product(*[TOLD] * len(NAMES), AGES):
        told = {**dict(zip(NAMES, values, strict=True)), "age": age, "other": next(others)}
        check_against_oracle(told, "worked", profile, set())


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("risks", RISK_SETS, ids=lambda risks: "+".join(sorted(risks)) or "none")
def test_accepted_risks_and_unanswered_calls_come_out_as_the_oracle_says(profile: str, risks: set[str]) -> None:
    # 31 turns: prime to the 3^6 rights, so that every turn meets every value of every right.
    turns = cycle([*product(STATES, AGES, (False, True)), ("worked", 90, True)])
    for values in product(TOLD, repeat=len(NAMES)):
        state, age, other = next(turns)
        told = {**dict(zip(NAMES, values, strict=True)), "age": age, "other": other}
        check_against_oracle(told, state, profile, risks)


@pytest.mark.parametrize("exchange", REFUSALS)
@pytest.mark.parametrize("state", STATES)
def test_every_exchange_is_judged_by_the_same_rules(exchange: str, state: str) -> None:
    answers = {"worked": WORKED, "refused": refused(exchange), "trouble": Answer("a signed spot read", trouble="gone")}
    for read, spot, withdraw, transfer, listed in product(TOLD, repeat=5):
        told: dict[str, Any] = {"read": read, "spot": spot, "futures": None, "withdraw": withdraw, "transfer": transfer}
        told |= {"listed": listed, "age": 0, "other": False}
        observation = seen(exchange, rights_of(told), markets={Market.SPOT: answers[state]})
        if state != "worked":
            observation = replace(observation, introspection=answers[state])
        found = by_rule(observation)
        expected = oracle(told, state, "default", set(), own_futures=False)
        del expected["key_age"]  # each exchange ends keys by its own rule
        if exchange == "okx" and state == "refused":
            expected["our_ip"] = "fail"  # OKX says in words that the address is not on the list
        assert {rule: found[rule].level.value for rule in expected} == expected


def test_without_an_answer_no_profile_passes_anything() -> None:
    dark = Answer("a signed spot read", trouble="gone")
    for profile in PROFILES.values():
        observation = seen(rights=None, introspection=dark, markets={Market.SPOT: dark}, permissions=None, offset=None)
        assert {finding.level for finding in judge(observation, House(90, {}, profile))} == {Level.UNKNOWN}


def test_flags_of_the_account_are_no_rights_of_the_key() -> None:
    """Binance's account call says canWithdraw of the account, whatever the key may do: no reader takes it."""
    body = b'{"canTrade":true,"canWithdraw":true,"canDeposit":true,"uid":7,"balances":[],"permissions":["SPOT"]}'
    exchange = load(Binding("binance", Kind.LIVE, "global", None, None))
    rights = read_permissions(exchange, Response(200, {}, body))
    assert (rights.withdraw, rights.spot_trade, rights.read) == (None, None, None)
    assert by_rule(seen("binance", rights))["withdraw"].level is Level.UNKNOWN


def test_a_right_that_is_wanted_for_a_market_which_the_account_lacks_is_missed() -> None:
    rights = KeyPermissions(read=True, spot_trade=False, futures_trade=False, created=NOW)
    found = by_rule(seen("binance", rights), House(90, {}, SHIPPED["futures"]))["trade"]
    assert (found.level, found.detail) == (Level.FAIL, "off: futures orders would be rejected")
    rights = replace(rights, futures_trade=None)
    found = by_rule(seen("binance", rights), House(90, {}, SHIPPED["futures"]))["trade"]
    assert (found.level, found.detail) == (Level.UNKNOWN, "the exchange does not report whether futures trading is on")


def test_transfers_that_come_with_trading_fail_where_they_are_forbidden_and_pass_where_they_are_wanted() -> None:
    observation = seen("okx", KeyPermissions(spot_trade=True, spends="funding transfers"))
    assert by_rule(observation, House(90, {}, OWN))["transfer"].level is Level.FAIL
    moves = own_profile("moves", ("spot_trade", "transfer"), (), True, None)
    assert by_rule(observation, House(90, {}, moves))["transfer"].level is Level.PASS
    accepted = by_rule(observation, House(90, {"transfer": REASON}, OWN))["transfer"]
    assert accepted.level is Level.WARN and REASON in accepted.detail


def test_an_accepted_risk_does_not_keep_alive_what_the_exchange_ends() -> None:
    rights = KeyPermissions(created=NOW - timedelta(days=40), ip_restricted=False)
    house = House(30, {"old_key": REASON, "no_ip_list": REASON})
    found = by_rule(seen("binance", rights), house)
    assert (found["key_age"].level, found["ip_list"].level) == (Level.FAIL, Level.WARN)


def test_profiles_together_want_what_one_of_them_wants() -> None:
    whole = combined([SHIPPED["read"], SHIPPED["spot"]])
    assert (sorted(whole.wanted), sorted(whole.forbidden)) == (
        ["read", "spot_trade"],
        ["futures_trade", "transfer", "withdraw"],
    )


@pytest.mark.parametrize(
    ("name", "wanted", "forbidden"),
    [
        ("spot", (), ()),
        ("mine", ("withdraw",), ()),
        ("mine", ("fly",), ()),
        ("mine", (), ("read",)),
        ("mine", ("transfer",), ("transfer",)),
        ("mine", ("other",), ()),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(
    name: str, wanted: tuple[str, ...], forbidden: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError):
        own_profile(name, wanted, forbidden, True, None)


# Our address against lists.

HERE = "203.0.113.7"


def from_here(kept: tuple[str, ...], *addresses: str) -> House:
    return House(90, {}, None, Vantage("direct", addresses or (HERE,), {Market.SPOT: kept, Market.FUTURES: kept}))


def test_an_address_on_the_kept_list_is_still_unknown_where_the_exchange_does_not_tell() -> None:
    found = by_rule(seen("bitfinex"), from_here((HERE,)))["our_ip"]
    assert found.level is Level.UNKNOWN
    assert HERE in found.detail and "does not report its own" in found.detail


def test_an_address_that_is_not_on_the_kept_list_warns_and_fails_once_the_key_was_refused() -> None:
    house = from_here(("198.51.100.4",))
    warned = by_rule(seen("bitfinex"), house)["our_ip"]
    assert warned.level is Level.WARN and HERE in warned.detail
    answer = refused("binance")
    observation = seen("binance", permissions=None, introspection=answer, markets={Market.SPOT: answer})
    failed = by_rule(observation, house)["our_ip"]
    assert failed.level is Level.FAIL and "was rejected" in failed.evidence
    dark = Answer("a signed spot read", trouble="gone")
    observation = seen("binance", permissions=None, introspection=dark, markets={Market.SPOT: dark})
    assert by_rule(observation, house)["our_ip"].level is Level.WARN


def test_a_refusal_for_another_reason_is_not_laid_on_the_address() -> None:
    answer = Answer("a signed spot read", error=ExchangeError("binance", 400, "-1021", "outside of the recvWindow"))
    observation = seen("binance", permissions=None, introspection=answer, markets={Market.SPOT: answer})
    assert by_rule(observation, from_here(("198.51.100.4",)))["our_ip"].level is Level.WARN
    assert by_rule(observation, from_here((HERE,)))["our_ip"].level is Level.UNKNOWN


def test_the_other_ip_version_alone_off_the_list_spoils_nothing_that_works() -> None:
    found = by_rule(seen("bitfinex"), from_here((HERE,), HERE, "2001:db8::1"))["our_ip"]
    assert found.level is Level.UNKNOWN
    assert "2001:db8::1 is not" in found.detail


def test_proof_by_a_call_stands_above_the_kept_list() -> None:
    rights = KeyPermissions(ip_restricted=True, created=NOW)
    assert by_rule(seen("binance", rights), from_here(("198.51.100.4",)))["our_ip"].level is Level.PASS


@pytest.mark.parametrize(
    "entries", [("0.0.0.0/1", "128.0.0.0/1"), ("0.0.0.0/0",), ("::/1",), ("0.0.0.0",), ("1.0.0.0/7",)]
)
def test_a_list_that_takes_half_the_internet_is_no_list(entries: tuple[str, ...]) -> None:
    rights = KeyPermissions(ip_restricted=True, ips=entries)
    found = by_rule(seen("okx", rights), from_here((HERE,)))
    assert (found["ip_list"].level, found["our_ip"].level) == (Level.FAIL, Level.UNKNOWN)


def test_nothing_passes_when_nothing_is_told() -> None:
    dark = Answer("the clock call", trouble="connection refused")
    observation = seen(permissions=None, introspection=dark, offset=None, markets={Market.SPOT: dark})
    assert {finding.level for finding in judge(observation, HOUSE)} == {Level.UNKNOWN}


def test_rights_stay_unknown_when_the_permission_call_alone_was_refused() -> None:
    observation = seen(permissions=None, introspection=refused("binance"))
    found = by_rule(observation)
    passed = {rule for rule, finding in found.items() if finding.level is Level.PASS}
    assert passed == {"clock", "access", "signature", "read", "unused"}
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
    assert "unknown" in found.detail


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
    assert "likely (not confirmed)" in futures["access"].fix
    assert {rule for rule, finding in futures.items() if finding.level is Level.PASS} == {"clock"}
    assert "not confirmed" in futures["ip_list"].detail
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


LENDS = KeyPermissions(read=True, spot_trade=False, futures_trade=False, withdraw=False, transfer=False, funding=True)


def test_a_key_that_may_only_lend_passes_with_what_a_thief_could_and_could_not_do() -> None:
    found = by_rule(seen("bitfinex", LENDS), House(90, {}, SHIPPED["funding"]))
    assert found["funding"].level is Level.PASS
    assert "could lend everything for 120 days at a bad rate, borrow" in found["funding"].detail
    assert "but could not trade or transfer or withdraw" in found["funding"].detail
    assert {found[rule].level for rule in ("read", "trade", "withdraw", "transfer", "extra_rights")} == {Level.PASS}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"spot_trade": True}, "trade"),
        ({"futures_trade": True}, "extra_rights"),
        ({"transfer": True}, "transfer"),
        ({"withdraw": True}, "withdraw"),
        ({"extra": ("bfxpay",)}, "extra_rights"),
        ({"funding": False}, "funding"),
    ],
)
def test_a_key_that_may_do_more_than_lend_or_may_not_lend_fails(change: dict[str, Any], rule: str) -> None:
    found = by_rule(seen("bitfinex", replace(LENDS, **change)), House(90, {}, SHIPPED["funding"]))
    assert found[rule].level is Level.FAIL, found


def test_what_an_exchange_does_not_tell_is_not_among_what_a_thief_could_not_do() -> None:
    told = replace(LENDS, withdraw=None, transfer=None)
    found = by_rule(seen("bitfinex", told), House(90, {}, SHIPPED["funding"]))["funding"]
    assert found.detail.endswith("but could not trade")


def test_a_key_that_may_lend_is_told_where_nobody_asked_for_it() -> None:
    found = by_rule(seen("bitfinex", replace(LENDS, spot_trade=True)), House(90, {}))
    assert found["extra_rights"].detail == "on: funding"
    assert "funding" not in found, "and there is no finding of its own"
