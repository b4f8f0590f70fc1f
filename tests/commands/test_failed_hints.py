"""What fails in add and verify is named by the command that they hint at: add, verify and diagnose agree."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from keyctl.errors import ExitCode
from tests.support.ran import Ran
from tests.support.world import ALL, IPS, RIGHTS, World, credentials

DAY_MS = 86_400_000
# Faults of a key that works, as options of the key and its profile, with the rules that fail by them.
FAULTS: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "withdraw": ({"rights": (*RIGHTS, "withdraw")}, "", {"withdraw"}),
    "no list": ({"ips": {}}, "", {"ip_list"}),
    "old": ({"created_ms": int(time.time() * 1000) - 400 * DAY_MS}, "", {"key_age"}),
    "forbidden": ({"rights": RIGHTS}, "read", {"trade"}),
    "not trading": ({"rights": ("read",)}, "spot", {"trade"}),
    "two at once": ({"rights": (*RIGHTS, "withdraw"), "ips": {}}, "", {"withdraw", "ip_list"}),
    "wrong address": ({"ips": {"spot": ("203.0.113.9",), "futures": ("203.0.113.9",)}}, "", {"access"}),
}
# Where the exchange does not report it: neither Bitfinex's list nor the age of a key at Bitfinex and OKX.
UNTOLD = {("bitfinex", "no list"), ("bitfinex", "old"), ("okx", "old")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("hints") / "world") as made:
        yield made
        assert made.twin.faults_of_its_own == []


def hinted(world: World, ran: Ran) -> list[str]:
    """The output of every command that the errors hint at, each run as it is printed."""
    hints = [hint for error in ran.document["errors"] for hint in error["hints"]]
    commands = [hint.partition("keyctl ")[2].split() for hint in hints if "keyctl " in hint]
    assert commands, ran.document["errors"]
    return [" ".join(world.keyctl(*command).stdout.split()) for command in commands]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("exchange", ALL)
def test_every_hint_after_a_failed_check_names_what_failed(world: World, exchange: str, fault: str) -> None:
    changes, profile, rules = FAULTS[fault]
    label = f"{exchange}-{fault.replace(' ', '-')}"
    options: dict[str, Any] = {"ips": IPS, "rights": RIGHTS, "created_ms": int(time.time() * 1000), **changes}
    made = world.add(exchange, label, **options)
    config = f'[accounts.{label}]\nprofile = "{profile}"\n' if profile else ""
    world.app().home.config_file.write_text(config, encoding="utf-8")
    verified = world.keyctl("verify", label, "--json")
    failed = [item for item in verified.data["findings"] if item["level"] == "fail"]
    if (exchange, fault) in UNTOLD:
        assert verified.exit_code == ExitCode.OK, failed
        return
    assert rules <= {item["rule"] for item in failed} or (exchange == "bitfinex" and "withdraw" in rules)
    assert verified.exit_code == ExitCode.CHECK
    assert world.keyctl("remove", label, "--yes").exit_code == 0
    added = world.keyctl(
        *("add", exchange, "--label", label, "--endpoint", world.twin.endpoint(exchange), "--credentials-stdin"),
        *("--market", "both", "--json"),
        stdin=credentials(made),
    )
    for ran in (verified, added):
        assert ran.exit_code == ExitCode.CHECK, ran.stdout
        shown = hinted(world, ran)
        if "access" in {item["rule"] for item in failed}:
            assert all("whitelist" in text or "IP" in text for text in shown), shown
            continue
        told = world.keyctl("diagnose", label, "--json").data
        assert told["cause"] != "healthy"
        for item in failed:
            missing = item["rule"] == "trade" and told["cause"] in ("trade_permission", "futures_permission")
            for text in shown:
                assert missing or (f"{item['rule']} " in text and item["detail"] in text), (item, text)
            assert missing or item["rule"] in {one["rule"] for one in told["failed"]}
        assert {one["rule"] for one in told["failed"]} <= {item["rule"] for item in failed}


def test_a_recorded_diagnosis_is_judged_again_with_its_failed_rules(world: World) -> None:
    world.add("okx", "recorded", rights=(*RIGHTS, "withdraw"))
    file = world.folder / "recorded.json"
    live = world.keyctl("diagnose", "recorded", "--record", str(file), "--json")
    again = world.keyctl("diagnose", "--replay", str(file), "--json")
    assert live.data["cause"] == again.data["cause"] == "rule_failed"
    assert live.data["failed"] == again.data["failed"] != []


def test_the_okx_checklist_does_not_claim_that_multi_currency_accounts_are_rejected(world: World) -> None:
    shown = " ".join(world.keyctl("checklist", "okx").stdout.split())
    assert "refuse such orders" not in shown and "as cross where the account is in multi-currency" in shown
