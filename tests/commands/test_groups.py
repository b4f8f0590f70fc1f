"""One meaning of a group: what defines it, who is in it, and that every command agrees on that."""

from __future__ import annotations

import json

import pytest

from keyctl.model.words import Algorithm
from tests.support.ran import Ran
from tests.support.stores import make_account
from tests.support.world import RIGHTS, World, credentials

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "--json")


@pytest.fixture
def three(world: World) -> World:
    """Accounts okx-a and lbank-a in the group desk by --group, and binance-a in none."""
    world.add("okx", None, Algorithm.HMAC, "--group", "desk", rights=RIGHTS)
    world.add("lbank", None, Algorithm.HMAC, "--group", "desk", rights=RIGHTS)
    world.add("binance", rights=RIGHTS)
    return world


def configure(world: World, text: str) -> None:
    path = world.home / "config" / "config.toml"
    path.write_text(text)
    path.chmod(0o600)


def code(ran: Ran) -> tuple[int, str]:
    return ran.exit_code, ran.document["errors"][0]["code"]


def seen(world: World, group: str) -> list[set[str]]:
    """Who is in a group, as config show, list, show and an order say."""
    listed = world.keyctl("list", "--json").data["accounts"]
    shown = [world.keyctl("show", entry["label"], "--json").data["account"] for entry in listed]
    order = world.keyctl(*BUY, "--dry-run", "--fanout", "--group", group)
    return [
        set(world.keyctl("config", "show", "--json").data["groups"].get(group, [])),
        {entry["label"] for entry in listed if group in entry["groups"]},
        {entry["label"] for entry in shown if group in entry["groups"]},
        {leg["account"] for leg in order.data.get("legs", [])},
    ]


def test_config_list_show_and_the_order_agree(three: World) -> None:
    configure(three, '[groups]\nwide = ["binance-a", "okx-a"]\nweighted = {lbank-a = 2, okx-a = 1}\n')
    for group, members in (
        ("desk", {"okx-a", "lbank-a"}),
        ("wide", {"okx-a", "binance-a"}),
        ("weighted", {"okx-a", "lbank-a"}),
    ):
        assert seen(three, group) == [members] * 4, group
    three.keyctl("disable", "okx-a")
    for group, members in (("desk", {"lbank-a"}), ("wide", {"binance-a"}), ("weighted", {"lbank-a"})):
        assert seen(three, group) == [members] * 4, group
    origins = three.keyctl("config", "show", "--origin").stdout.splitlines()
    assert "groups.wide\tbinance-a\tconfig.toml" in origins
    assert "groups.desk\tlbank-a\tkeyctl edit --group" in origins


@pytest.mark.parametrize("listed", ['["binance-a"]', '["okx-a", "lbank-a"]', "{binance-a = 2}"])
def test_a_name_with_two_definitions_is_refused_by_every_command_that_names_it(three: World, listed: str) -> None:
    configure(three, f"[groups]\ndesk = {listed}\n")
    for words in (
        [*BUY, "--fanout", "--group", "desk"],
        ["close", "BTC/USDT:USDT", "--group", "desk", "--yes", "--json"],
        ["verify", "--group", "desk", "--json"],
        ["balance", "--group", "desk", "--json"],
        ["positions", "--group", "desk", "--json"],
        ["orders", "--open", "--group", "desk", "--json"],
        ["price", "BTC/USDT", "--group", "desk", "--json"],
        ["whitelist", "show", "--group", "desk", "--json"],
        ["whitelist", "set", "--group", "desk", "203.0.113.7", "--json"],
    ):
        ran = three.keyctl(*words)
        assert code(ran) == (2, "group_defined_twice"), words
        message = ran.document["errors"][0]["message"]
        assert "config.toml under [groups]" in message and "--group for okx-a, lbank-a" in message
    assert three.placements() == {}


def test_it_stops_nobody_who_does_not_name_it(three: World) -> None:
    configure(three, '[groups]\ndesk = ["binance-a"]\n')
    assert three.keyctl(*BUY, "-a", "okx-a").exit_code == 0
    assert three.keyctl(*BUY, "--fanout", "--all", "--again").exit_code == 0
    assert three.keyctl("close", "--every-symbol", "--all", "--yes").exit_code == 0
    assert three.keyctl("halt", "--cancel").exit_code == 0
    assert three.keyctl("cancel", "--all", "--yes").exit_code == 0


def test_who_shows_groups_without_naming_one_says_that_it_means_nobody(three: World) -> None:
    configure(three, '[groups]\ndesk = ["binance-a"]\n')
    assert seen(three, "desk") == [set()] * 4
    for words in ("list", "config show", "show okx-a", "whitelist show --all", "whitelist plan --all"):
        assert "group desk is defined twice" in three.keyctl(*words.split()).stderr, words
    checks = three.keyctl("doctor", "--json").data["checks"]
    assert [check["level"] for check in checks if check["name"] == "groups"] == ["warn"]


def test_the_second_definition_is_refused_where_it_would_be_made(three: World) -> None:
    configure(three, '[groups]\nwide = ["binance-a"]\n')
    made = three.made["okx-a"]
    (three.folder / "keys.json").write_text(json.dumps({"apiKey": made.api_key, "secret": made.secret}))
    for words in (
        ["edit", "okx-a", "--group", "wide"],
        ["add", "okx", "--label", "b", "--group", "wide", "--credentials-stdin"],
        ["keygen", "binance", "--group", "wide"],
        ["import", str(three.folder / "keys.json"), "--exchange", "okx", "--group", "wide", "--yes"],
    ):
        assert code(three.keyctl(*words, "--json", stdin=credentials(made))) == (2, "group_in_config"), words
    assert three.keyctl("edit", "okx-a", "--group", "narrow").exit_code == 0


def test_the_way_out_is_open(three: World) -> None:
    """Taking the accounts out one by one leaves the definition of config.toml."""
    configure(three, '[groups]\ndesk = ["binance-a"]\n')
    for label in ("okx-a", "lbank-a"):
        assert three.keyctl("edit", label, "--no-group", "desk").exit_code == 0
    assert seen(three, "desk") == [{"binance-a"}] * 4


def test_without_an_account_list_config_show_still_shows_what_the_file_says(three: World) -> None:
    configure(three, '[groups]\nwide = ["binance-a", "gone"]\n')
    assert "has unknown accounts: gone" in three.keyctl("list").stderr
    (three.home / "config" / "accounts.json").write_bytes(b"[broken")
    ran = three.keyctl("config", "show", "--json")
    assert (ran.exit_code, ran.data["groups"]) == (0, {"wide": ["binance-a", "gone"]})


def test_a_disabled_account_still_defines_its_group(world: World) -> None:
    """Or enabling it would change what the name means."""
    world.app().accounts.add(make_account("a", groups=("desk",)))
    world.app().accounts.add(make_account("b"))
    world.keyctl("disable", "a")
    configure(world, '[groups]\ndesk = ["b"]\n')
    assert code(world.keyctl("whitelist", "show", "--group", "desk", "--json")) == (2, "group_defined_twice")


# keyctl group.


def test_group_add_and_remove_keep_what_edit_keeps(three: World) -> None:
    ran = three.keyctl("group", "add", "pair", "okx-a", "-a", "binance-a", "--json")
    assert (ran.exit_code, ran.data["accounts"]) == (0, ["okx-a", "binance-a"])
    assert three.account("okx-a").groups == ("desk", "pair")
    assert seen(three, "pair") == [{"okx-a", "binance-a"}] * 4
    assert three.keyctl("group", "add", "pair", "okx-a").exit_code == 0, "again"
    assert three.account("okx-a").groups == ("desk", "pair")
    listed = {row["name"]: row["accounts"] for row in three.keyctl("group", "list", "--json").data["groups"]}
    assert listed == {"desk": ["okx-a", "lbank-a"], "pair": ["okx-a", "binance-a"]}
    assert three.keyctl("group", "remove", "pair", "okx-a", "--json").data["accounts"] == ["binance-a"]
    assert three.keyctl("group", "remove", "desk", "--all", "--json").data["accounts"] == []
    assert [account.groups for account in three.app().accounts.all()] == [(), (), ("pair",)]


def test_group_list_names_where_each_is_defined(three: World) -> None:
    configure(three, '[groups]\nwide = ["binance-a", "okx-a"]\ndesk = ["binance-a"]\n')
    rows = [line.split("\t") for line in three.keyctl("group", "list").stdout.splitlines()]
    assert rows == [["wide", "okx-a, binance-a", "config.toml"], ["desk", "", "defined twice"]]
    assert three.keyctl("group", "remove", "desk", "--all").exit_code == 0, "one of the two definitions goes"
    assert seen(three, "desk") == [{"binance-a"}] * 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("add", "wide", "okx-a"), (2, "group_in_config")),
        (("remove", "wide", "--all"), (2, "group_in_config")),
        (("remove", "nothing", "--all"), (2, "unknown_group")),
        (("remove", "desk", "okx-a", "binance-a"), (2, "unknown_group")),
        (("remove", "desk"), (2, "no_account")),
        (("remove", "desk", "okx-a", "--all"), (2, "no_account")),
        (("add", "desk"), (2, "no_account")),
        (("add", "pair", "okx-a", "nobody"), (3, "unknown_account")),
        (("add", "Not a name", "okx-a"), (3, "bad_label")),
    ],
)
def test_what_cannot_be_done_to_a_group_changes_nothing(
    three: World, words: tuple[str, ...], expected: tuple[int, str]
) -> None:
    configure(three, '[groups]\nwide = ["binance-a", "okx-a"]\n')
    before = (three.home / "config" / "accounts.json").read_bytes()
    assert code(three.keyctl("group", *words, "--json")) == expected
    assert (three.home / "config" / "accounts.json").read_bytes() == before
