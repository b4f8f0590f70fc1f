"""Two machines, one synced folder: whatever the order of their writes, no account is lost and nothing is silent."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from keyctl.twin.key_making import make_key
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

ORDERS = sorted(set(itertools.permutations("aabb")))
SYNCED = ("state/vault.json", "config/accounts.json", "state/vault-source.json")


class Machines:
    """A and B start with one account; `syncs` lets one's files take the place of the other's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.homes = {"a": world.home, "b": world.folder / "b"}
        self.keys: dict[str, str] = {}
        self.add("a", "common")
        shutil.copytree(self.homes["a"], self.homes["b"])

    def keyctl(self, machine: str, *line: str, stdin: str = "") -> Ran:
        self.world.environ["KEYCTL_HOME"] = str(self.homes[machine])
        return self.world.keyctl(*line, stdin=stdin)

    def add(self, machine: str, label: str) -> Ran:
        made = make_key("okx")
        entry = {"api_key": made.api_key, "secret": made.secret, "passphrase": made.passphrase}
        self.keys[label] = made.api_key
        line = ("add", "okx", "--label", label, "--credentials-stdin", "--no-verify")
        return self.keyctl(machine, *line, stdin=json.dumps(entry))

    def add_in(self, order: Sequence[str], first: int = 0) -> list[str]:
        """Adds an account on each of these machines in turn, and gives the labels."""
        labels = [f"{machine}{number}" for number, machine in enumerate(order, first)]
        for label in labels:
            assert self.add(label[0], label).exit_code == 0
        return labels

    def syncs(self, source: str, target: str, *more: str) -> None:
        for name in (*SYNCED, *more):
            shutil.copyfile(self.homes[source] / name, self.homes[target] / name)

    def kept_keys(self, machine: str) -> set[str]:
        self.world.environ["KEYCTL_HOME"] = str(self.homes[machine])
        app = self.world.app()
        found = {app.store.get(account.id).api_key for account in app.accounts.all()}
        app.close()
        return found


@pytest.fixture
def machines(world: World) -> Iterator[Machines]:
    yield Machines(world)


def codes(ran: Ran) -> list[str]:
    return [error["code"] for error in ran.document["errors"]]


@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_no_order_of_two_machines_writes_loses_an_account(machines: Machines, order: tuple[str, ...]) -> None:
    written: dict[str, list[str]] = {"a": [], "b": []}
    for number, machine in enumerate(order):
        written[machine].append(f"{machine}{number}")
        assert machines.add(machine, f"{machine}{number}").exit_code == 0
    machines.syncs("b", "a")
    told = machines.keyctl("a", "vault", "check", "--json")
    assert (told.exit_code, codes(told)) == (3, ["vault_forked"])
    assert codes(machines.keyctl("a", "exec", "common", "--json", "--", "true")) == ["vault_forked"]
    assert machines.add("a", "more").exit_code == 3, "nothing is written over the other line"
    assert "another machine's vault" in machines.keyctl("a", "doctor").stdout
    accepted = machines.keyctl("a", "vault", "check", "--accept-generation")
    assert accepted.exit_code == 0, accepted
    (kept,) = (machines.homes["a"] / "state").glob("vault.fork-*.json")
    before = machines.kept_keys("a")
    looked = machines.keyctl("a", "import", str(kept), "--from-vault", "--dry-run", "--yes", "--json")
    assert (looked.exit_code, machines.kept_keys("a")) == (0, before), looked
    back = machines.keyctl("a", "import", str(kept), "--from-vault", "--yes", "--json")
    assert back.exit_code == 0, back
    assert looked.data["states"] == back.data["states"]
    assert {item["state"] for item in back.data["states"]} == {"same", "new"}
    expected = {machines.keys[label] for label in ("common", *written["a"], *written["b"])}
    assert machines.kept_keys("a") == expected
    assert machines.keyctl("a", "vault", "check").exit_code == 0


def test_a_vault_that_comes_from_ours_is_no_fork(machines: Machines) -> None:
    for number in range(3):
        machines.add("b", f"b{number}")
    machines.syncs("b", "a")
    assert machines.keyctl("a", "vault", "check").exit_code == 0
    assert machines.add("a", "later").exit_code == 0
    assert len(machines.kept_keys("a")) == 5


def test_a_line_is_followed_64_versions_back_and_no_further(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyctl.vault.encrypted_file.LINE_MAX", 4)
    for number in range(4):
        machines.add("b", f"b{number}")
    machines.syncs("b", "a")
    assert machines.keyctl("a", "vault", "check").exit_code == 0
    for number in range(5):
        machines.add("b", f"c{number}")
    machines.syncs("b", "a")
    assert codes(machines.keyctl("a", "vault", "check", "--json")) == ["vault_forked"]


def test_keys_that_both_lines_have_can_still_be_used_to_leave(machines: Machines) -> None:
    machines.add("a", "mine")
    machines.add("b", "theirs")
    machines.syncs("b", "a")
    machines.world.environ["KEYCTL_HOME"] = str(machines.homes["a"])
    app = machines.world.app()
    common, theirs = app.accounts.get("common"), app.accounts.get("theirs")
    assert set(app.store.get_present([common.id])) == {common.id}
    with pytest.raises(Exception, match="another machine's vault"):
        app.store.get_present([theirs.id])
    app.close()


@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_with_the_own_copy_overwritten_too_it_is_told_what_is_gone(machines: Machines, order: tuple[str, ...]) -> None:
    mine = [label for label in machines.add_in(order) if label.startswith("a")]
    listed = (machines.homes["a"] / "config" / "accounts.json").read_bytes()
    machines.syncs("b", "a", "state/vault.json.own")
    (machines.homes["a"] / "config" / "accounts.json").write_bytes(listed)
    told = machines.keyctl("a", "vault", "check", "--json")
    assert codes(told) == ["vault_forked"]
    accepted = machines.keyctl("a", "vault", "check", "--accept-generation")
    assert accepted.exit_code == 0, accepted
    assert all(label in accepted.stdout + accepted.stderr for label in mine), accepted
    assert list((machines.homes["a"] / "state").glob("vault.fork-*.json")) == []


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("moment", range(5))
def test_a_rekey_on_one_side_loses_nothing(machines: Machines, side: str, moment: int) -> None:
    """Before, between and after the writes of both, on either side."""
    order = ("a", "b", "a", "b")
    labels = machines.add_in(order[:moment])
    assert machines.keyctl(side, "vault", "rekey").exit_code == 0
    labels += machines.add_in(order[moment:], moment)
    machines.syncs("b", "a")
    told = {"a": "vault_older", "b": "vault_forked"}[side]  # the side without the rekey is a version behind
    assert codes(machines.keyctl("a", "vault", "check", "--json")) == [told]
    assert machines.keyctl("a", "vault", "check", "--accept-generation").exit_code == 0
    (kept,) = (machines.homes["a"] / "state").glob("vault.fork-*.json")
    assert machines.keyctl("a", "import", str(kept), "--from-vault", "--yes").exit_code == 0
    assert machines.kept_keys("a") == {machines.keys[label] for label in ("common", *labels)}


@pytest.mark.parametrize(("typed", "comes"), [("gone", True), ("no", False)])
def test_what_was_removed_here_comes_back_only_when_its_label_is_typed(
    machines: Machines, typed: str, comes: bool
) -> None:
    machines.add("a", "gone")
    other = machines.homes["a"] / "state" / "other.json"
    shutil.copy(machines.homes["a"] / "state" / "vault.json", other)
    machines.keyctl("a", "remove", "gone", "--yes")
    quiet = machines.keyctl("a", "import", str(other), "--from-vault", "--yes", "--json")
    assert (quiet.exit_code, codes(quiet)) == (4, ["no_keys"])
    label = "okx-back" if typed == "gone" else typed
    person = keyctl_at_terminal(["import", str(other), "--from-vault"], machines.homes["a"])
    code, seen = (
        person.waits_for("removed here").waits_for("To restore the other one, type").types(f"{label}\n").leaves()
    )
    assert code == (0 if comes else 4), seen
    assert (machines.keys["gone"] in machines.kept_keys("a")) is comes


def test_a_vault_of_another_key_is_refused(machines: Machines, tmp_path: Path) -> None:
    with World(tmp_path / "other") as other:
        other.add("okx")
        vault = other.home / "state" / "vault.json"
        ran = machines.keyctl("a", "import", str(vault), "--from-vault", "--yes", "--json")
    assert ran.exit_code == 3 and codes(ran) == ["vault_locked"]
