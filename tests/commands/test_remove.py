"""keyctl remove: secret and account go together, and only when the person means it."""

import pytest

from keyctl.errors import SetupProblem
from tests.support.stores import make_account, make_credential
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World


@pytest.fixture
def stored(world: World) -> World:
    for label in ("a", "b"):
        world.app().store.put(f"id-{label}", make_credential())
        world.app().accounts.add(make_account(label))
    return world


def labels(world: World) -> list[str]:
    return [account.label for account in world.app().accounts.all()]


def test_removes_account_and_secret_and_no_other(stored: World) -> None:
    ran = stored.keyctl("rm", "a", "--yes", "--json")
    assert (ran.exit_code, ran.data["account"]["label"]) == (0, "a")
    assert labels(stored) == ["b"]
    stored.app().store.get("id-b")
    with pytest.raises(SetupProblem):
        stored.app().store.get("id-a")


def test_without_a_terminal_it_wants_the_option(stored: World) -> None:
    ran = stored.keyctl("remove", "a", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["hints"]) == (10, ["use --yes"])
    assert labels(stored) == ["a", "b"]


def test_at_a_terminal_the_label_must_be_typed(stored: World) -> None:
    at = keyctl_at_terminal(["remove", "a"], stored.home).waits_for("from this machine? Type a: ").types("yes\n")
    assert at.leaves()[0] == 4
    assert labels(stored) == ["a", "b"]
    at = keyctl_at_terminal(["remove", "a"], stored.home).waits_for("from this machine? Type a: ").types("a\n")
    assert at.leaves()[0] == 0
    assert labels(stored) == ["b"]


def test_a_locked_store_removes_nothing(stored: World) -> None:
    stored.key_file.unlink()
    assert stored.keyctl("remove", "a", "--yes").exit_code == 3
    assert labels(stored) == ["a", "b"]


def test_an_interrupted_removal_can_be_repeated(stored: World) -> None:
    stored.app().store.delete("id-a")
    assert stored.keyctl("remove", "a", "--yes").exit_code == 0
    assert labels(stored) == ["b"]


def test_several_go_at_once_each_after_its_own_label_and_none_before_the_last(stored: World) -> None:
    person = keyctl_at_terminal(["remove", "a", "b"], stored.home)
    assert person.waits_for("Type a: ").types("a\n").waits_for("Type b: ").types("a\n").leaves()[0] == 4
    assert labels(stored) == ["a", "b"]
    ran = stored.keyctl("remove", "a", "b", "a", "--yes", "--json")
    assert [item["label"] for item in ran.data["accounts"]] == ["a", "b"] and labels(stored) == []
