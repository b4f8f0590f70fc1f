"""keyctl edit, rename, disable, enable."""

import json

import pytest

from keyctl.model.words import Market, Standing
from keyctl.twin.key_making import make_key
from tests.support.canary import Canaries
from tests.support.proxies import FakeProxy
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import IPS, World, credentials

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


def test_markets_and_groups_change_and_nothing_else(world: World) -> None:
    world.add("okx", "a")
    before = world.account("a")
    assert world.keyctl("edit", "a", "--market", "both", "--group", "desk", "--group", "x").exit_code == 0
    assert world.keyctl("edit", "a", "--no-group", "x").exit_code == 0
    after = world.account("a")
    assert (after.markets, after.groups) == ((Market.SPOT, Market.FUTURES), ("desk",))
    assert (after.id, after.created, after.api_key_hash) == (before.id, before.created, before.api_key_hash)


def test_nothing_to_change_and_unknown_groups_are_refused(world: World) -> None:
    world.add("okx", "a")
    assert world.keyctl("edit", "a").exit_code == 2
    assert world.keyctl("edit", "a", "--no-group", "desk").exit_code == 2
    assert world.keyctl("edit", "a", "--group", "Not a name").exit_code == 3


def test_a_new_passphrase_is_stored_and_works(world: World) -> None:
    made = world.add("okx", "a")
    new = world.folder / "passphrase"
    new.write_text("Other$Pass#1'x\n")
    new.chmod(0o600)
    canaries = Canaries()
    canaries.watch("a", made)
    made.key.passphrase = b"Other$Pass#1'x"
    assert world.keyctl("verify", "a").exit_code == 4
    ran = world.keyctl("edit", "a", "--passphrase-file", str(new))
    assert ran.exit_code == 0, ran.stderr
    assert canaries.find(ran.stdout + ran.stderr) == []
    findings = world.keyctl("verify", "a", "--json").data["findings"]
    assert {row["level"] for row in findings if row["rule"] == "signature"} == {"pass"}


def test_a_passphrase_is_asked_for_at_the_terminal_only(world: World) -> None:
    world.add("okx", "a")
    assert world.keyctl("edit", "a", "--ask-passphrase").exit_code == 10
    person = keyctl_at_terminal(["edit", "a", "--ask-passphrase"], world.home)
    code, seen = person.waits_for("Passphrase of the key (hidden):").types("An0ther-Pass\n").leaves()
    assert code == 0 and "An0ther" not in seen


def test_a_passphrase_on_the_command_line_is_refused_unseen(world: World) -> None:
    world.add("okx", "a")
    ran = world.keyctl("edit", "a", "--passphrase", "Hunter2-Hunter2")
    assert ran.exit_code == 2 and "Hunter2" not in ran.stdout + ran.stderr


def test_an_exchange_without_passphrases_takes_none(world: World) -> None:
    world.add("binance", "a")
    assert world.keyctl("edit", "a", "--passphrase-command", "echo x").exit_code == 2


def far(world: World, exchange: str) -> str:
    return world.twin.endpoint(exchange).removeprefix("http://")


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_proxy_carries_every_call_of_the_account_until_it_is_taken_away(world: World, kind: str) -> None:
    world.add("okx", "a")
    world.add("binance", "b")
    with FakeProxy(kind) as proxy:
        ran = world.keyctl("edit", "a", "--proxy", proxy.url, "--json")
        assert (ran.exit_code, ran.data["account"]["proxy"]) == (0, proxy.url)
        assert world.keyctl(*BUY, "--fanout", "--all").exit_code == 0
        assert set(proxy.seen.destinations) == {far(world, "okx")}
        assert proxy.seen.sent.count(b" HTTP/1.1\r\n") == len(world.venue("okx").calls.lines) > 3
        before = len(proxy.seen.destinations)
        assert "directly" in world.keyctl("edit", "a", "--no-proxy").stderr
        assert world.keyctl("verify", "a").exit_code in (0, 4)
        assert len(proxy.seen.destinations) == before
    assert world.account("a").proxy is None


def test_a_proxy_that_is_gone_sends_nothing_directly(world: World) -> None:
    world.add("okx", "a")
    with FakeProxy("socks5") as proxy:
        world.keyctl("edit", "a", "--proxy", proxy.url)
    ran = world.keyctl(*BUY, "-a", "a", "--json")
    assert ran.exit_code == 8 and world.venue("okx").calls.lines == []


def test_config_toml_goes_before_an_accounts_own_proxy(world: World) -> None:
    world.add("okx", "a")
    with FakeProxy("socks5") as own, FakeProxy("http") as named:
        world.keyctl("edit", "a", "--proxy", own.url)
        config = world.home / "config" / "config.toml"
        config.write_text(f'[accounts.a]\nproxy = "{named.url}"\n')
        assert world.keyctl("verify", "a").exit_code in (0, 4)
        assert named.seen.destinations and own.seen.destinations == []
        for change in (("--proxy", own.url), ("--no-proxy",)):
            ran = world.keyctl("edit", "a", *change, "--json")
            assert (ran.exit_code, ran.document["errors"][0]["code"]) == (3, "proxy_in_config")
        config.write_text('[accounts.a]\nprofile = "spot"\n')
        assert world.keyctl("verify", "a").exit_code in (0, 4)
        assert own.seen.destinations, "settings without a way out leave the account its own"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--proxy", "socks5://me:hunter2@127.0.0.1:1080"), "must not hold secrets"),
        (("--proxy", "ftp://127.0.0.1:1"), "must begin with socks5:// or http://"),
        (("--proxy", "http://127.0.0.1:99999"), "must be a URL"),
        (("--proxy", "http://127.0.0.1:1/path"), "and a port only"),
        (("--proxy", ""), "--no-proxy"),
        (("--proxy", "http://127.0.0.1:1", "--no-proxy"), "use either"),
    ],
)
def test_what_is_no_proxy_is_refused_and_a_password_in_it_not_repeated(
    world: World, given: tuple[str, ...], words: str
) -> None:
    world.add("okx", "a")
    ran = world.keyctl("edit", "a", *given)
    assert ran.exit_code == 2 and words in ran.stderr and "hint: " in ran.stderr
    assert "hunter2" not in ran.stdout + ran.stderr
    assert world.account("a").proxy is None


def test_a_proxy_is_kept_in_one_form_and_shown(world: World) -> None:
    world.add("okx", "a")
    world.keyctl("edit", "a", "--proxy", "socks5h://proxy.example")
    assert world.account("a").proxy == "socks5://proxy.example:1080"
    assert "proxy\tsocks5://proxy.example:1080" in world.keyctl("show", "a").stdout
    assert "connects through socks5://proxy.example:1080" in world.spawn("exec", "a", "--", "/bin/true").stderr
    world.keyctl("price", "BTC/USDT")  # makes the journal
    world.keyctl("halt", "--lift")
    checks = world.keyctl("doctor", "--json").data["checks"]
    assert any("socks5://proxy.example:1080" in check["detail"] for check in checks if check["name"] == "egress")


def test_an_account_whose_proxy_was_changed_to_something_else_goes_nowhere(world: World) -> None:
    world.add("okx", "a")
    before = len(world.venue("okx").calls.lines)
    path = world.home / "config" / "accounts.json"
    for wrong in ("http://me:x@127.0.0.1:1", "nonsense", 7, "http://127.0.0.1:1/"):
        document = json.loads(path.read_text())
        document["accounts"][0]["proxy"] = wrong
        path.write_text(json.dumps(document))
        assert "a: this version cannot use its entry in accounts.json: proxy" in world.keyctl("list").stderr
        for command in (("balance", "a"), ("verify", "a"), ("price", "BTC/USDT"), ("diagnose", "a")):
            assert world.keyctl(*command).exit_code == 3, command
    assert len(world.venue("okx").calls.lines) == before, "not directly either"


def test_both_keys_of_a_rotation_go_the_same_way(world: World) -> None:
    old = world.add("okx", "a")
    new = make_key("okx", uid=old.key.uid, ips=IPS)
    world.twin.add_key("okx", new)
    with FakeProxy("socks5") as proxy:
        world.keyctl("edit", "a", "--proxy", proxy.url)
        assert world.keyctl("rotate", "a", "--credentials-stdin", stdin=credentials(new)).exit_code == 0
        refused = world.keyctl("edit", "a", "--no-proxy", "--json")
        assert (refused.exit_code, refused.document["errors"][0]["code"]) == (4, "rotation_under_way")
        assert world.account("a").proxy == world.account("a.old").proxy == proxy.url
        old.key.deleted = True
        assert world.keyctl("rotate", "a", "--finish").exit_code == 0
        assert proxy.seen.sent.count(b" HTTP/1.1\r\n") == len(world.venue("okx").calls.lines) > 4
    assert world.keyctl("edit", "a", "--no-proxy").exit_code == 0


def test_a_disabled_account_takes_part_in_nothing_and_keeps_its_secret(world: World) -> None:
    world.add("okx", "a")
    world.add("binance", "b")
    world.keyctl("edit", "a", "--group", "desk")
    world.keyctl("edit", "b", "--group", "desk")
    assert world.keyctl("disable", "a").exit_code == 0
    for choice in (("--all",), ("--group", "desk")):
        plan = world.keyctl(*BUY[:-1], "--fanout", *choice, "--dry-run", "--json").data
        assert [leg["account"] for leg in plan["legs"]] == ["b"]
    refused = world.keyctl(*BUY, "-a", "a", "--json")
    assert (refused.exit_code, refused.document["errors"][0]["code"]) == (3, "account_disabled")
    assert world.placements() == {}
    assert world.keyctl("enable", "a").exit_code == 0
    assert world.keyctl(*BUY, "-a", "a").exit_code == 0


def test_an_older_account_list_without_standings_is_read(world: World) -> None:
    world.add("okx", "a")
    world.keyctl("disable", "a")
    path = world.home / "config" / "accounts.json"
    document = json.loads(path.read_text())
    for name in ("standing", "key_created", "ip_list", "proxy"):
        del document["accounts"][0][name]
    path.write_text(json.dumps(document))
    assert world.account("a").standing is Standing.DISABLED


def test_rename_keeps_all_but_the_label_and_says_what_config_still_names(world: World) -> None:
    made = world.add("okx", "a")
    (world.home / "config" / "config.toml").write_text('[groups]\ndesk = ["a"]\n')
    ran = world.keyctl("rename", "a", "b")
    assert ran.exit_code == 0
    assert "groups.desk" in ran.stderr
    assert world.account("b").api_key_hint.startswith(made.api_key[:4])
    assert world.keyctl("rename", "a", "c").exit_code == 3
    assert world.keyctl("rename", "b", "okx").exit_code == 3
    assert world.keyctl("verify", "b").exit_code in (0, 4)


def test_list_counts_the_days_until_a_key_is_due(world: World) -> None:
    world.add("binance", "a", ips={})
    assert world.keyctl("list").stdout.split("\t")[-1].strip() == "90 d" or "89 d" in world.keyctl("list").stdout
    world.keyctl("verify", "a")
    entry = world.keyctl("list", "--json").data["accounts"][0]
    assert entry["key_created"] and entry["ip_list"] is False
    assert entry["days_left"] < 0, "the twin's keys are old, and without a list they end after 30 days"
    assert "OVERDUE" in world.keyctl("list").stdout
    assert make_key("binance").secret not in world.keyctl("list").stdout
