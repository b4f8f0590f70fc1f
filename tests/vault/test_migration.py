"""Moving all secrets to the other store: nothing is lost wherever it is interrupted, and one store is in use."""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.home.folders import Home
from keyctl.model.credential import Credential
from keyctl.secret import Secret
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import GivenKey
from keyctl.vault.key_file import make_key_file
from keyctl.vault.key_source import Source, remember_source
from keyctl.vault.migration import Stores, migrate
from keyctl.vault.moves import Move, SteadyStore, StoreKind, is_vault_chosen, move_under_way, note_move, stores_held
from keyctl.vault.os_keyring import OSKeyring
from tests.support.stores import CANARY, files_with, make_credential, make_home, same
from tests.vault.trials import dying_at, forked

LINES_MAX = 3000  # more than a whole move takes: else none would ever come to its end
MOVES_KILLED = 12
DIRECTIONS: tuple[StoreKind, ...] = ("vault", "keyring")
SECRETS = {
    "a": make_credential(),
    "b": make_credential("x" * 1700, api_key="key-2"),
    "c": make_credential(passphrase="pass", api_key="key-3"),
}


class FileBackend:
    """A keyring backend whose items outlive a killed process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def items(self) -> dict[str, str]:
        return json.loads(self._path.read_bytes()) if self._path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.items().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self.items(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        items = self.items()
        del items[f"{service} {username}"]
        self._write(items)

    def _write(self, items: dict[str, str]) -> None:
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(items))
        temporary.rename(self._path)


class Place:
    """A home with both stores, the secrets in one of them."""

    def __init__(self, folder: Path, in_use: StoreKind, secrets: dict[str, Credential] = SECRETS) -> None:
        self.home: Home = make_home(folder)
        self.backend = FileBackend(folder / "keyring")
        self.key_file = folder / "vault.key"
        self.stores = Stores(self.vault, self.keyring, self.make_vault)
        if in_use == "vault":
            self.make_vault()
        self.stores.open(in_use).put_many(secrets)

    def vault(self) -> EncryptedFile:
        return EncryptedFile(self.home.vault_file, self._key())

    def keyring(self) -> OSKeyring:
        return OSKeyring(self.backend, "a file", self.home.identity())

    def make_vault(self) -> None:
        def note() -> None:
            remember_source(self.home, Source("keyfile", self.key_file))

        make_vault(self.home.vault_file, [self._key()], before=note)

    def in_use(self) -> StoreKind:
        return "vault" if is_vault_chosen(self.home) else "keyring"

    def whole(self, kind: StoreKind, ids: Iterable[str] = SECRETS) -> bool:
        """Whether that store has every one of the secrets."""
        if kind == "vault" and not self.home.vault_file.exists():
            return False
        found = self.stores.open(kind).get_present(ids)
        return all(name in found and same(found[name], SECRETS[name]) for name in ids)

    def _key(self) -> GivenKey:
        return GivenKey("keyfile", make_key_file(self.key_file, self.home))


def other(kind: StoreKind) -> StoreKind:
    return "vault" if kind == "keyring" else "keyring"


def emptied(place: Place, kind: StoreKind) -> bool:
    if kind == "keyring":
        return place.backend.items() == {}
    return not [path for path in place.home.state.glob("*vault*") if path.suffix != ".lock"]


@pytest.mark.parametrize("to", DIRECTIONS)
def test_all_secrets_are_there_afterwards_and_gone_here(tmp_path: Path, to: StoreKind) -> None:
    place = Place(tmp_path, other(to))
    moved = migrate(place.home, to, SECRETS, place.stores)
    assert (moved.secrets, moved.missing) == (3, ())
    assert place.in_use() == to
    assert place.whole(to)
    assert emptied(place, other(to))
    assert files_with(place.home.state, CANARY) == []
    assert migrate(place.home, to, SECRETS, place.stores).secrets == 0, "once more changes nothing"


@pytest.mark.slow
@pytest.mark.parametrize("to", DIRECTIONS)
def test_killed_at_any_line_and_started_again_it_loses_nothing(tmp_path: Path, to: StoreKind) -> None:
    chance = random.Random(6)
    kills = 0
    for number in range(MOVES_KILLED):
        (tmp_path / str(number)).mkdir()
        place = Place(tmp_path / str(number), other(to))
        while _move_and_die(place, to, chance.randrange(1, LINES_MAX)):
            kills += 1
            assert place.whole(place.in_use()), f"after {kills} kills the {place.in_use()} is in use and lacks a secret"
        assert place.in_use() == to
        assert place.whole(to)
        assert emptied(place, other(to))
        assert move_under_way(place.home) is None
    assert kills > MOVES_KILLED / 2


def _move_and_die(place: Place, to: StoreKind, line: int) -> bool:
    def work() -> None:
        sys.settrace(dying_at(line))
        migrate(place.home, to, SECRETS, place.stores)

    code = os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def test_a_vaults_other_secrets_come_along(tmp_path: Path) -> None:
    place = Place(tmp_path, "vault")
    migrate(place.home, "keyring", ["a"], place.stores)
    assert place.whole("keyring")


def test_an_account_without_a_secret_is_named_and_stops_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, "keyring")
    assert migrate(place.home, "vault", [*SECRETS, "bare"], place.stores).missing == ("bare",)
    assert place.whole("vault")


@pytest.mark.parametrize("to", DIRECTIONS)
def test_a_copy_that_reads_back_differently_removes_nothing(
    tmp_path: Path, to: StoreKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, other(to))
    store = EncryptedFile if to == "vault" else OSKeyring
    put_many = store.put_many
    monkeypatch.setattr(
        store,
        "put_many",
        lambda self, secrets: put_many(self, {**secrets, "a": replace(SECRETS["a"], secret=Secret("another"))}),
    )
    with pytest.raises(SetupProblem) as caught:
        migrate(place.home, to, SECRETS, place.stores)
    assert caught.value.code == "copy_differs"
    assert f"in use now: the {other(to)}" in caught.value.hints[-1]
    assert place.in_use() == other(to)
    assert place.whole(other(to))


@pytest.mark.parametrize("to", DIRECTIONS)
def test_an_unfinished_copy_is_taken_back_when_asked_the_other_way(
    tmp_path: Path, to: StoreKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, other(to))
    store = EncryptedFile if to == "vault" else OSKeyring
    with monkeypatch.context() as patch:
        patch.setattr(store, "put_many", lambda *_: (_ for _ in ()).throw(StoreUnusable("the disk is full")))
        with pytest.raises(StoreUnusable):
            migrate(place.home, to, SECRETS, place.stores)
    assert migrate(place.home, other(to), SECRETS, place.stores).abandoned
    assert place.in_use() == other(to)
    assert place.whole(other(to))
    assert emptied(place, to)


def test_after_the_switch_there_is_only_forwards(tmp_path: Path) -> None:
    place = Place(tmp_path, "keyring")
    place.make_vault()
    place.vault().put_many(SECRETS)
    note_move(place.home, Move("vault", True, tuple(SECRETS)))
    assert place.in_use() == "vault"
    with pytest.raises(SetupProblem) as caught:
        migrate(place.home, "keyring", SECRETS, place.stores)
    assert caught.value.code == "move_unfinished"
    migrate(place.home, "vault", SECRETS, place.stores)
    assert emptied(place, "keyring")


def test_a_process_that_opened_the_old_store_cannot_change_it_any_more(tmp_path: Path) -> None:
    place = Place(tmp_path, "keyring")
    early = SteadyStore(place.home, place.keyring(), is_vault=False)
    early.put("a", SECRETS["a"])
    migrate(place.home, "vault", SECRETS, place.stores)
    changes: list[Callable[[], object]] = [lambda: early.put("d", make_credential()), lambda: early.delete("a")]
    for change in changes:
        with pytest.raises(SetupProblem) as caught:
            change()
        assert caught.value.code == "store_moved"
    assert emptied(place, "keyring")
    assert place.whole("vault")


def test_a_secret_that_came_into_the_keyring_too_late_is_brought_in(tmp_path: Path) -> None:
    """A process may store the secret before the move and list the account after it."""
    place = Place(tmp_path, "keyring")
    migrate(place.home, "vault", ["a", "b"], place.stores)
    assert not place.whole("vault")
    assert migrate(place.home, "vault", SECRETS, place.stores).secrets == 1
    assert place.whole("vault")
    assert emptied(place, "keyring")


def test_changes_wait_while_secrets_are_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, "keyring")
    monkeypatch.setattr("keyctl.home.files.LOCK_SECONDS", 0.0)
    monkeypatch.setattr("keyctl.home.files.locked.__wrapped__.__defaults__", (0.0,))
    with stores_held(place.home):
        with pytest.raises(StoreUnusable) as caught:
            SteadyStore(place.home, place.keyring(), is_vault=False).put("d", make_credential())
    assert caught.value.code == "store_locked"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format":"keyctl-move","version":1,"to":"cloud","switched":true,"ids":[]}']
)
def test_a_damaged_note_of_a_move_stops_everything(tmp_path: Path, text: str) -> None:
    place = Place(tmp_path, "vault")
    note_move(place.home, Move("vault", True, ()))
    (place.home.state / "vault-move.json").write_text(text)
    with pytest.raises(StoreUnusable):
        place.in_use()
