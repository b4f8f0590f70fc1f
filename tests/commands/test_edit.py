"""keyctl edit, rename, disable, enable."""

import json

from keyctl.model import Market, Standing
from keyctl.twin import make_key
from tests.support.canary import Canaries
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

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
    for name in ("standing", "key_created", "ip_list"):
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
