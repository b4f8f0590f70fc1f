"""Slots, rekey, a look at everything, and removing what is old."""

import json
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem
from keyctl.secret import Secret
from keyctl.vault import encrypted_file
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import KINDS, GivenKey, SlotKind, slot_kinds
from keyctl.vault.upkeep import add_slot, backups, check_opens, examine, purge, rekey, remove_slot
from tests.support.stores import make_credential, same

FAST = 2**15
KEYS = {kind: GivenKey(kind, Secret(kind.encode().ljust(32, b"."))) for kind in KINDS}
KEY, PASSPHRASE = KEYS["keyfile"], KEYS["passphrase"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vault.json"
    make_vault(path, [KEY])
    EncryptedFile(path, KEY).put("a", make_credential())
    return path


def opens(path: Path, key: GivenKey) -> bool:
    try:
        return same(EncryptedFile(path, key).get("a"), make_credential())
    except SetupProblem as error:
        assert error.code == "vault_locked"
        return False


def code_of(problem: pytest.ExceptionInfo[SetupProblem]) -> str:
    return problem.value.code


def test_every_kind_of_key_opens_its_slot_and_no_other(path: Path) -> None:
    for kind in KINDS:
        if kind != "keyfile":
            add_slot(EncryptedFile(path, KEY), KEYS[kind], scrypt_n=FAST)
    for kind in KINDS:
        assert opens(path, KEYS[kind])
        other: SlotKind = "keyring" if kind != "keyring" else "credential"
        assert not opens(path, GivenKey(kind, KEYS[other].value))


def test_there_is_one_slot_of_a_kind(path: Path) -> None:
    with pytest.raises(SetupProblem) as caught:
        add_slot(EncryptedFile(path, KEY), GivenKey("keyfile", Secret(b"n" * 32)))
    assert code_of(caught) == "slot_exists"


def test_a_removed_slot_opens_no_more_and_the_last_one_stays(path: Path) -> None:
    add_slot(EncryptedFile(path, KEY), PASSPHRASE, scrypt_n=FAST)
    assert slot_kinds(remove_slot(EncryptedFile(path, PASSPHRASE), "keyfile")) == ("passphrase",)
    assert not opens(path, KEY)
    assert opens(path, PASSPHRASE)
    for kind, code in (("passphrase", "last_slot"), ("keyring", "no_slot")):
        with pytest.raises(SetupProblem) as caught:
            remove_slot(EncryptedFile(path, PASSPHRASE), kind)  # type: ignore[arg-type]
        assert code_of(caught) == code


def test_rekey_renews_the_inner_key_and_every_slot(path: Path) -> None:
    add_slot(EncryptedFile(path, KEY), PASSPHRASE, scrypt_n=FAST)
    before = EncryptedFile(path, KEY).open()
    rekey(EncryptedFile(path, KEY), [KEY, PASSPHRASE], scrypt_n=FAST)
    after = EncryptedFile(path, KEY).open()
    assert opens(path, KEY) and opens(path, PASSPHRASE)
    assert after.data_key != before.data_key
    assert after.document["id"] == before.document["id"]
    for old, new in zip(before.document["slots"], after.document["slots"], strict=True):
        assert all(old[name] != new[name] for name in ("salt", "nonce", "wrapped"))


def test_rekey_wants_a_key_for_every_slot(path: Path) -> None:
    add_slot(EncryptedFile(path, KEY), PASSPHRASE, scrypt_n=FAST)
    whole = path.read_bytes()
    with pytest.raises(SetupProblem) as caught:
        rekey(EncryptedFile(path, KEY), [KEY])
    assert code_of(caught) == "slots_changed"
    assert path.read_bytes() == whole


def test_a_mistyped_passphrase_is_noticed_before_it_becomes_the_new_one(path: Path) -> None:
    document = add_slot(EncryptedFile(path, KEY), PASSPHRASE, scrypt_n=FAST)
    check_opens(document, [KEY, PASSPHRASE])
    with pytest.raises(SetupProblem):
        check_opens(document, [GivenKey("passphrase", Secret("mistyped"))])


def test_an_inner_key_that_sealed_too_often_must_be_renewed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_file, "SAVES_MAX", 4)
    store = EncryptedFile(path, KEY)
    store.put("b", make_credential())
    store.put("b", make_credential())
    with pytest.raises(SetupProblem) as caught:
        store.put("b", make_credential())
    assert code_of(caught) == "rekey_due"
    rekey(store, [KEY])
    store.put("b", make_credential())


def test_a_look_at_everything_finds_what_is_odd(path: Path) -> None:
    store = EncryptedFile(path, KEY)
    store.change_records(lambda records: {**records, "odd": {"v": 99}})
    add_slot(store, PASSPHRASE, scrypt_n=FAST)
    newest, older = backups(path)[:2]
    newest.chmod(0o644)
    older.write_bytes(b"damaged")
    path.with_name(".vault.json.0123.tmp").touch()
    report = examine(EncryptedFile(path, KEY))
    assert (report.ids, report.unreadable, report.weak) == (("a", "odd"), ("odd",), ("passphrase",))
    assert report.loose == ("vault.json.bak1",)
    assert report.leftovers == (".vault.json.0123.tmp",)
    assert [copy.generation for copy in report.copies] == [None, None, 1]


@pytest.mark.parametrize("lost", [b"damaged", None])
def test_for_a_lost_vault_the_newest_backup_that_opens_is_named(path: Path, lost: bytes | None) -> None:
    EncryptedFile(path, KEY).put("b", make_credential())
    if lost is None:
        path.unlink()
    else:
        path.write_bytes(lost)
    with pytest.raises(SetupProblem) as caught:
        examine(EncryptedFile(path, KEY))
    assert any("vault.json.bak1 opens with this key (generation 2, 1 secrets)" in hint for hint in caught.value.hints)


def test_purge_leaves_the_vault_alone(path: Path) -> None:
    assert purge(EncryptedFile(path, KEY)) == ("vault.json.bak1",)
    assert sorted(entry.name for entry in path.parent.glob("*vault.json*")) == [".vault.json.lock", "vault.json"]
    assert opens(path, KEY)


def test_the_backups_of_a_damaged_vault_are_not_purged(path: Path) -> None:
    path.write_bytes(b"damaged")
    with pytest.raises(SetupProblem):
        purge(EncryptedFile(path, KEY))
    assert backups(path)


def test_what_is_open_prints_without_keys_and_secrets(path: Path) -> None:
    opened = EncryptedFile(path, KEY).open()
    assert repr(opened.data_key) not in repr(opened)
    assert json.dumps(opened.records["a"]["secret"]) not in repr(opened)
