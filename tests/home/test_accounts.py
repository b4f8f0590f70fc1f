"""The account list: what is refused, what is chosen, and that two writers lose nothing."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from keyctl.errors import KeyctlError, SetupProblem, StoreUnusable, UsageProblem
from keyctl.home.account_entries import account_data
from keyctl.home.accounts import Accounts, mask
from keyctl.home.folders import Home
from keyctl.home.selection import check_one_kind
from keyctl.model.words import Kind, Market, Standing
from tests.support.processes import forking
from tests.support.stores import make_account, make_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


@pytest.fixture
def accounts(home: Home) -> Accounts:
    return Accounts(home)


def refused(code: str, call: object, *given: object) -> KeyctlError:
    with pytest.raises(KeyctlError) as caught:
        call(*given)  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value


def test_an_empty_home_has_no_accounts_and_reading_makes_no_file(accounts: Accounts, home: Home) -> None:
    assert accounts.all() == ()
    assert not home.accounts_file.exists()


def test_gives_back_what_was_added(accounts: Accounts, home: Home) -> None:
    full = make_account(
        "b",
        kind=Kind.DEMO,
        markets=(Market.SPOT, Market.FUTURES),
        endpoint="https://127.0.0.1:1",
        ca_file="/ca.pem",
        uid="7",
        groups=("desk",),
        standing=Standing.DISABLED,
    )
    accounts.add(make_account("a"))
    accounts.add(full)
    assert Accounts(home).all() == (make_account("a"), full)
    assert accounts.get("b") == full
    assert home.accounts_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("label", ["", "A", "-a", "a b", "a,b", "a:b", "ä", "a" * 42, "../a", "a\n", "binance"])
def test_labels_that_cannot_be_used(accounts: Accounts, label: str) -> None:
    error = refused("bad_label", accounts.add, make_account(label))
    assert error.exit_code == 3
    assert accounts.all() == ()


def test_a_label_or_a_key_is_stored_once(accounts: Accounts) -> None:
    accounts.add(make_account("a", api_key_hash=accounts.key_hash("the key")))
    refused("duplicate_label", accounts.add, make_account("a"))
    refused("duplicate_label", accounts.check_new, "a")
    refused("duplicate_key", accounts.add, make_account("b", api_key_hash=accounts.key_hash("the key")))
    assert "as a" in refused("duplicate_key", accounts.check_unused, "the key").message
    assert len(accounts.all()) == 1


def test_key_hashes_mean_nothing_in_another_home(tmp_path: Path, accounts: Accounts) -> None:
    other = Accounts(make_home(tmp_path, "other"))
    assert accounts.key_hash("k") != other.key_hash("k")


def test_an_unknown_account_gets_the_nearest_name(accounts: Accounts) -> None:
    accounts.add(make_account("okx-main"))
    error = refused("unknown_account", accounts.get, "okx-mian")
    assert (error.hints, error.exit_code) == (("did you mean okx-main?",), 3)


def test_replace_and_remove_find_their_account(accounts: Accounts) -> None:
    accounts.add(make_account("a"))
    accounts.add(make_account("b"))
    accounts.replace(make_account("a", uid="42"))
    assert accounts.get("a").uid == "42"
    refused("unknown_account", accounts.replace, make_account("c"))
    refused("duplicate_label", accounts.replace, make_account("b", id="id-a"))
    accounts.remove("a")
    refused("unknown_account", accounts.remove, "a")
    assert [account.label for account in accounts.all()] == ["b"]


def test_damaged_newer_and_foreign_files_stop_and_are_left_alone(
    accounts: Accounts, home: Home, tmp_path: Path
) -> None:
    accounts.add(make_account("a"))
    good = json.loads(home.accounts_file.read_text())
    bad = [
        "",
        "[]",
        "{",
        json.dumps(good | {"version": 2}),
        json.dumps(good | {"more": 1}),
        json.dumps(good | {"accounts": "a"}),
    ]
    for text in bad:
        home.accounts_file.write_text(text)
        with pytest.raises(StoreUnusable):
            accounts.all()
        with pytest.raises(StoreUnusable):
            accounts.add(make_account("b"))
        assert home.accounts_file.read_text() == text
    home.accounts_file.write_text(json.dumps(good | {"home": "0" * 32}))
    refused("other_home", accounts.all)


ODD: dict[str, tuple[dict[str, object], str]] = {
    "a kind of a newer version": ({"kind": "paper"}, "kind"),
    "a market of a newer version": ({"markets": ["options"]}, "markets"),
    "a key type of a newer version": ({"key_type": "mldsa"}, "key_type"),
    "a standing of a newer version": ({"standing": "resting"}, "standing"),
    "a fact of a newer version": ({"subaccount": 1.5}, "subaccount"),
    "a fact with a name that is no name": ({"\u202e": 1}, "another value"),
    "an endpoint that is no text": ({"endpoint": 7}, "endpoint"),
    "a moment without its zone": ({"created": "2026-01-01T00:00:00"}, "created"),
    "a proxy that cannot be read": ({"proxy": "ftp://x"}, "proxy"),
    "an id that is none": ({"id": None}, "id"),
    "a label that is none": ({"label": "A B"}, "label"),
    "markets that are no list": ({"markets": {"spot": 1}}, "markets"),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_entry_is_the_trouble_of_its_own_account(accounts: Accounts, home: Home, what: str) -> None:
    """It is listed, named, used for nothing, and stays as it stands when the others change."""
    for label in ("a", "odd", "c"):
        accounts.add(make_account(label))
    changes, fact = ODD[what]
    document = json.loads(home.accounts_file.read_text())
    document["accounts"][1] |= changes
    home.accounts_file.write_text(json.dumps(document))
    found = accounts.all()
    assert [account.label for account in found][::2] == ["a", "c"]
    assert found[1].unread == (fact,) and not found[0].unread
    refused("account_unread", lambda: accounts.replace(found[1]))
    accounts.replace(replace(found[0], groups=("desk",)))
    accounts.add(make_account("d"))
    accounts.remove("c")
    written = json.loads(home.accounts_file.read_text())["accounts"]
    assert written[1] == document["accounts"][1]
    assert [account.label for account in accounts.all()] == ["a", found[1].label, "d"]
    accounts.remove(found[1].label)
    assert [account.label for account in accounts.all()] == ["a", "d"]


def test_an_entry_that_is_no_object_and_two_of_one_name_are_odd(accounts: Accounts, home: Home) -> None:
    for label in ("a", "b", "c", "d"):
        accounts.add(make_account(label))
    document = json.loads(home.accounts_file.read_text())
    document["accounts"][1]["label"] = "c"
    document["accounts"].append("nonsense")
    home.accounts_file.write_text(json.dumps(document))
    found = accounts.all()
    assert [account.label for account in found] == ["a", "unread-2", "unread-3", "d", "unread-5"]
    assert [account.unread for account in found][:4] == [(), ("label",), ("label",), ()]
    refused("unknown_account", lambda: accounts.get("c"))


def test_what_an_odd_entry_holds_is_written_back_exactly_or_nothing_is(accounts: Accounts, home: Home) -> None:
    accounts.add(make_account("a"))
    document = json.loads(home.accounts_file.read_text())
    document["accounts"][0]["more"] = "NUMBER"
    for number, kept in (("0.1", True), ("12345678901234567890", True), ("0.12345678901234567890", False)):
        text = json.dumps(document).replace('"NUMBER"', number)
        home.accounts_file.write_text(text)
        if kept:
            accounts.add(make_account(f"b{len(number)}"))
            assert f'"more": {number}' in home.accounts_file.read_text()
        else:
            with pytest.raises(StoreUnusable):
                accounts.add(make_account("c"))
            assert home.accounts_file.read_text() == text


def test_an_account_of_unknown_kind_does_not_decide_what_all_means(accounts: Accounts, home: Home) -> None:
    for label in ("a", "odd"):
        accounts.add(make_account(label, kind=Kind.DEMO))
    document = json.loads(home.accounts_file.read_text())
    document["accounts"][1]["kind"] = "paper"
    home.accounts_file.write_text(json.dumps(document))
    assert [account.label for account in accounts.select(everything=True)] == ["a", "odd"]


def test_a_disabled_account_is_among_all_only_where_it_may_leave(accounts: Accounts) -> None:
    for standing in Standing:
        accounts.add(make_account(str(standing), standing=standing))
    assert [account.label for account in accounts.select(everything=True)] == ["active"]
    assert [account.label for account in accounts.select(everything=True, leaving=True)] == ["active", "disabled"]


def test_a_link_and_an_open_mode_stop(accounts: Accounts, home: Home, tmp_path: Path) -> None:
    accounts.add(make_account("a"))
    home.accounts_file.chmod(0o660)
    with pytest.raises(StoreUnusable, match="other users have access"):
        accounts.all()
    home.accounts_file.rename(tmp_path / "moved")
    home.accounts_file.symlink_to(tmp_path / "moved")
    with pytest.raises(StoreUnusable, match="link"):
        accounts.all()


def _add_twenty(home: Home, name: str) -> None:
    accounts = Accounts(home)
    for number in range(20):
        accounts.add(make_account(f"{name}{number}"))


def test_two_writers_at_once_lose_nothing(home: Home) -> None:
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_add_twenty, args=(home, name)) for name in "abc"]
    with forking():
        for child in children:
            child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert len(Accounts(home).all()) == 60


def test_choosing_by_name_keeps_the_order_and_refuses_doubles(accounts: Accounts) -> None:
    for label in ("a", "b"):
        accounts.add(make_account(label, standing=Standing.DISABLED))
    assert [account.label for account in accounts.select(("b", "a"))] == ["b", "a"]
    assert refused("account_twice", accounts.select, ("a", "b", "a")).exit_code == 2
    refused("unknown_account", accounts.select, ("a", "x"))


def test_groups_come_from_accounts_and_config_without_disabled_ones(accounts: Accounts) -> None:
    accounts.add(make_account("a", groups=("desk",)))
    accounts.add(make_account("b"))
    accounts.add(make_account("c", groups=("desk",), standing=Standing.DISABLED))
    assert [account.label for account in accounts.select(group="desk")] == ["a"]
    chosen = accounts.select(group="wide", groups={"wide": ("c", "b", "a")})
    assert [account.label for account in chosen] == ["a", "b"]
    assert refused("unknown_group", accounts.select, (), "dekk").exit_code == 2
    refused("unknown_account", accounts.select, (), "wide", False, {"wide": ("gone",)})


@pytest.mark.parametrize("listed", [("a",), ("b", "a"), ("gone",), ()])
def test_a_group_with_two_definitions_is_refused_whatever_they_say(accounts: Accounts, listed: tuple[str, ...]) -> None:
    accounts.add(make_account("a", groups=("desk",)))
    accounts.add(make_account("b"))
    problem = refused("group_defined_twice", accounts.select, (), "desk", False, {"desk": listed})
    assert problem.exit_code == 2
    assert "config.toml under [groups]" in problem.message and "--group for a" in problem.message
    for ways in ({"labels": ("a",)}, {"everything": True}):
        assert accounts.select(groups={"desk": listed}, **ways)


def test_all_means_the_live_ones_or_the_one_kind_there_is(accounts: Accounts) -> None:
    refused("no_accounts", accounts.select, (), None, True)
    accounts.add(make_account("t", kind=Kind.TESTNET))
    assert [account.label for account in accounts.select(everything=True)] == ["t"]
    accounts.add(make_account("d", kind=Kind.DEMO))
    refused("mixed_kinds", accounts.select, (), None, True)
    accounts.add(make_account("l"))
    accounts.add(make_account("off", standing=Standing.DISABLED))
    assert [account.label for account in accounts.select(everything=True)] == ["l"]


def test_exactly_one_way_of_choosing(accounts: Accounts) -> None:
    for given in ((), (("a",), "g"), ((), "g", True), (("a",), None, True)):
        with pytest.raises(UsageProblem):
            accounts.select(*given)


def test_kinds_are_not_mixed() -> None:
    check_one_kind((make_account("a"), make_account("b")))
    with pytest.raises(UsageProblem):
        check_one_kind((make_account("a"), make_account("b", kind=Kind.DEMO)))


def test_masks_show_four_characters_at_each_end_and_less_of_short_keys() -> None:
    assert mask("abcdefghijklmnopqrst") == "abcd..qrst"
    assert mask("abcdefgh") == "a..h"


def test_programs_are_told_neither_hash_nor_id() -> None:
    data = account_data(make_account("a"))
    assert "hash-a" not in str(data) and "id-a" not in str(data)
    assert data["created"] == "2026-01-02T03:04:05Z"


def test_a_setup_problem_never_repeats_a_bad_label(accounts: Accounts) -> None:
    with pytest.raises(SetupProblem) as caught:
        accounts.check_new("Secret That Went Astray")
    assert "Astray" not in caught.value.message
