"""The vault: the store contract, damage, two writers, kills, and what lies on disk."""

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import SetupProblem
from keyctl.secret import Secret
from keyctl.vault import envelope
from keyctl.vault.encrypted_file import EncryptedFile, make_vault, read_header
from keyctl.vault.envelope import GivenKey
from keyctl.vault.sealing import canonical
from keyctl.vault.upkeep import examine
from tests.support.processes import forking
from tests.support.stores import CANARY, StoreContract, files_with, make_credential, same

KEY = GivenKey("keyfile", Secret(b"k" * 32))
PASSPHRASE = GivenKey("passphrase", Secret("a long passphrase"))
FAST = 2**15
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


def make(folder: Path, *keys: GivenKey) -> Path:
    path = folder / "vault.json"
    make_vault(path, keys or (KEY,), scrypt_n=FAST)
    return path


def refusal(path: Path, key: GivenKey = KEY) -> SetupProblem:
    with pytest.raises(SetupProblem) as caught:
        EncryptedFile(path, key).get_many(())
    return caught.value


def in_children(*works: Callable[[], None]) -> None:
    children = [FORK.Process(target=work) for work in works]
    with forking():
        for child in children:
            child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0


class TestVault(StoreContract):
    @pytest.fixture
    def store(self, folder: Path) -> EncryptedFile:
        return EncryptedFile(make(folder), KEY)


def test_opens_by_key_file_and_by_passphrase(folder: Path) -> None:
    path = make(folder, KEY, PASSPHRASE)
    EncryptedFile(path, KEY).put("a", make_credential())
    assert same(EncryptedFile(path, PASSPHRASE).get("a"), make_credential())
    assert envelope.slot_kinds(read_header(path)) == ("keyfile", "passphrase")


def test_shipped_passphrase_slots_take_the_full_cost(folder: Path) -> None:
    document, _ = envelope.new_document([PASSPHRASE])
    (slot,) = document["slots"]
    assert (slot["kdf"], slot["n"], slot["r"], slot["p"]) == ("scrypt", 131072, 8, 1)


@pytest.mark.parametrize("key", [GivenKey("keyfile", Secret(b"x" * 32)), GivenKey("passphrase", Secret("wrong"))])
def test_a_wrong_key_gets_the_one_error(folder: Path, key: GivenKey) -> None:
    error = refusal(make(folder, KEY, PASSPHRASE), key)
    assert (error.message, error.code) == (
        "the vault did not open: wrong passphrase or key, or damaged vault",
        "vault_locked",
    )


def test_every_flipped_bit_gets_the_one_error(folder: Path) -> None:
    path = make(folder)
    EncryptedFile(path, KEY).put("a", make_credential())
    whole = path.read_bytes()
    header = len(whole) - len(json.loads(whole)["data"]) if whole.endswith(b"}") else 0
    chance = random.Random(20_000)
    bits = {chance.randrange(len(whole) * 8) for _ in range(600)}
    bits |= {chance.randrange(header * 8) for _ in range(600)}
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert refusal(path).message == "the vault did not open: wrong passphrase or key, or damaged vault", bit


def test_cut_and_lengthened_files_get_the_one_error(folder: Path) -> None:
    path = make(folder)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole + b"\n", whole[: len(whole) // 2], b"[]", b"null", b"{" * 100_000):
        path.write_bytes(damaged)
        assert refusal(path).code == "vault_locked"


@pytest.mark.parametrize("field", ["slots", "nonce", "data", "id", "generation"])
def test_parts_of_another_vault_with_the_same_key_are_refused(folder: Path, field: str) -> None:
    (folder / "other").mkdir()
    path, other = make(folder), make(folder / "other")
    for vault in (path, other):
        EncryptedFile(vault, KEY).put("a", make_credential())
    EncryptedFile(other, KEY).put("b", make_credential())
    document = json.loads(path.read_bytes())
    document[field] = json.loads(other.read_bytes())[field]
    path.write_bytes(canonical(document))
    assert refusal(path).code == "vault_locked"


def test_slots_in_another_order_are_refused(folder: Path) -> None:
    path = make(folder, KEY, PASSPHRASE)
    document = json.loads(path.read_bytes())
    document["slots"].reverse()
    path.write_bytes(canonical(document))
    assert refusal(path).code == "vault_locked"


@pytest.mark.parametrize(
    "change", [{"n": 2**30}, {"n": 2**10}, {"n": 131072.0}, {"r": 1024}, {"p": 64}, {"p": 0}, {"kdf": "none"}]
)
def test_hostile_costs_are_refused_before_any_key_is_derived(
    folder: Path, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(folder, PASSPHRASE)
    document = json.loads(path.read_bytes())
    document["slots"][0] |= change
    path.write_bytes(canonical(document))
    monkeypatch.setattr(envelope, "derive", lambda *_: pytest.fail("a key was derived"))
    assert refusal(path, PASSPHRASE).code == "vault_locked"


def test_a_damaged_vault_is_left_as_it_is(folder: Path) -> None:
    path = make(folder)
    path.write_bytes(b"damaged")
    with pytest.raises(SetupProblem):
        EncryptedFile(path, KEY).put("a", make_credential())
    assert path.read_bytes() == b"damaged"


def test_a_link_or_an_open_mode_is_refused(folder: Path) -> None:
    path = make(folder)
    link = folder / "link.json"
    link.symlink_to(path)
    assert "is a link" in refusal(link).message
    path.chmod(0o644)
    assert "other users have access" in refusal(path).message


def test_the_key_is_derived_once_per_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(folder, PASSPHRASE)
    derived: list[int] = []
    original = envelope.derive

    def counted(*given: Any) -> Any:
        derived.append(1)
        return original(*given)

    monkeypatch.setattr(envelope, "derive", counted)
    store = EncryptedFile(path, PASSPHRASE)
    store.put("a", make_credential())
    store.put("b", make_credential())
    store.get_many(["a", "b"])
    assert len(derived) == 1


def test_files_are_private_and_hold_no_secret_and_sizes_tell_little(folder: Path) -> None:
    path = make(folder)
    before = path.stat().st_size
    store = EncryptedFile(path, KEY)
    store.put("a", make_credential(passphrase=CANARY))
    store.put("b", make_credential("another"))
    assert files_with(folder, CANARY) == []
    assert all(entry.stat().st_mode & 0o077 == 0 for entry in folder.iterdir())
    assert path.stat().st_size - before < 8


def test_three_earlier_versions_stay_and_open(folder: Path) -> None:
    path = make(folder)
    store = EncryptedFile(path, KEY)
    for number in range(6):
        store.put(f"a{number}", make_credential())
    kept = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    assert kept == ["vault.json", "vault.json.bak1", "vault.json.bak2", "vault.json.bak3"]
    found = [len(examine(EncryptedFile(folder / name, KEY)).ids) for name in kept]
    assert found == [6, 5, 4, 3]


def test_no_nonce_repeats(folder: Path) -> None:
    path = make(folder)
    store = EncryptedFile(path, KEY)
    nonces = set()
    for number in range(50):
        store.put("a", make_credential(str(number)))
        nonces.add(json.loads(path.read_bytes())["nonce"])
    assert len(nonces) == 50


def test_four_writers_at_once_lose_nothing(folder: Path) -> None:
    path = make(folder)

    def writer(name: str) -> Callable[[], None]:
        def work() -> None:
            store = EncryptedFile(path, KEY)
            for number in range(25):
                store.put(f"{name}-{number}", make_credential(f"{name} {number}"))

        return work

    in_children(*(writer(name) for name in "abcd"))
    found = EncryptedFile(path, KEY).get_many(f"{name}-{number}" for name in "abcd" for number in range(25))
    assert all(item.secret.reveal().decode() == name.replace("-", " ") for name, item in found.items())


@pytest.mark.parametrize("step", ["open", "fsync", "link", "replace", "rename", "close"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_vault(folder: Path, step: str) -> None:
    path = make(folder)
    EncryptedFile(path, KEY).put("a", make_credential("old"))
    EncryptedFile(path, KEY).put("b", make_credential("second"))
    kills = 0
    for occurrence in range(1, 20):
        child = FORK.Process(target=_put_and_die, args=(path, step, occurrence))
        with forking():
            child.start()
        child.join()
        found = EncryptedFile(path, KEY).get_many(["a", "b"])
        assert found["a"].secret.reveal() in (b"old", b"new")
        assert found["b"].secret.reveal() == b"second"
        if child.exitcode == 0:
            break
        kills += 1
    assert kills
    EncryptedFile(path, KEY).put("c", make_credential())
    assert not list(folder.glob(".*.tmp"))


def _put_and_die(path: Path, step: str, occurrence: int) -> None:
    """Replaces a credential and is killed just before that system call happens for the n-th time."""
    store = EncryptedFile(path, KEY)
    store.get("a")
    original = getattr(os, step)
    left = [occurrence]

    def dying(*given: object, **named: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*given, **named)

    setattr(os, step, dying)
    store.put("a", make_credential("new"))
    os._exit(0)


def test_a_written_file_that_does_not_open_never_replaces_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(folder)
    whole = path.read_bytes()
    store = EncryptedFile(path, KEY)
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"what the disk made of it")
    with pytest.raises(SetupProblem):
        store.put("a", make_credential())
    monkeypatch.undo()
    assert path.read_bytes() == whole


def test_a_second_vault_is_not_made_over_the_first(folder: Path) -> None:
    path = make(folder)
    whole = path.read_bytes()
    with pytest.raises(SetupProblem) as caught:
        make(folder)
    assert caught.value.code == "vault_exists"
    assert path.read_bytes() == whole
