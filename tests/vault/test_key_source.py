"""Where the vault's key comes from, and that no source is silently followed by another."""

import os
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem
from keyctl.prompt import Prompt
from keyctl.secret import Secret
from keyctl.vault import is_vault_chosen, open_store
from keyctl.vault.encrypted_file import make_vault
from keyctl.vault.envelope import GivenKey
from keyctl.vault.key_file import make_key_file, read_key_file
from keyctl.vault.key_source import Source, VaultKey, remember_source, remembered_source
from tests.support.stores import make_home

NOBODY = Prompt(no_input=True)


def code(problem: pytest.ExceptionInfo[SetupProblem]) -> str:
    return problem.value.code


def test_a_key_file_is_made_once_with_32_bytes_for_its_owner_alone(tmp_path: Path) -> None:
    home, path = make_home(tmp_path), tmp_path / "key"
    first = make_key_file(path, home).reveal()
    assert (len(first), path.stat().st_mode & 0o777) == (32, 0o400)
    assert make_key_file(path, home).reveal() == first


@pytest.mark.parametrize("mode", [0o440, 0o604, 0o700])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    home, path = make_home(tmp_path), tmp_path / "key"
    make_key_file(path, home)
    path.chmod(mode)
    with pytest.raises(SetupProblem) as caught:
        read_key_file(path, home)
    assert code(caught) == "bad_key_file"


def test_a_key_file_that_is_a_link_or_has_another_size_is_refused(tmp_path: Path) -> None:
    home, path = make_home(tmp_path), tmp_path / "key"
    make_key_file(path, home)
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "long").write_bytes(b"x" * 33)
    (tmp_path / "long").chmod(0o600)
    for name in ("link", "long"):
        with pytest.raises(SetupProblem) as caught:
            read_key_file(tmp_path / name, home)
        assert code(caught) == "bad_key_file"


def test_a_key_file_beside_the_vault_is_refused_even_through_a_link(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (tmp_path / "elsewhere").symlink_to(home.state)
    for path in (home.state / "key", tmp_path / "elsewhere" / "key"):
        with pytest.raises(SetupProblem) as caught:
            make_key_file(path, home)
        assert code(caught) == "bad_key_file"
        assert not path.exists()


def test_the_variable_comes_before_the_remembered_file_and_nothing_comes_after_it(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    remembered = tmp_path / "key"
    make_key_file(remembered, home)
    remember_source(home, Source("keyfile", remembered))
    assert remembered_source(home) == Source("keyfile", remembered)
    assert VaultKey(home, NOBODY, {}).material() == remembered.read_bytes()
    with pytest.raises(SetupProblem) as caught:
        VaultKey(home, NOBODY, {"KEYCTL_VAULT_KEY_FILE": str(tmp_path / "gone")}).material()
    assert code(caught) == "bad_key_file"


def test_without_key_file_and_terminal_the_vault_is_locked_at_once(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    remember_source(home, Source("passphrase"))
    with pytest.raises(SetupProblem) as caught:
        VaultKey(home, NOBODY, {}).material()
    assert (code(caught), caught.value.exit_code) == ("vault_locked", 3)


def test_a_passphrase_comes_from_a_file_descriptor_and_is_read_once(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"open sesame\n")
    os.close(write_end)
    key = VaultKey(make_home(tmp_path), Prompt(no_input=True, passphrase_fd=read_end), {})
    assert (key.kind, key.material(), key.material()) == ("passphrase", b"open sesame", b"open sesame")
    os.close(read_end)


def test_a_vault_that_is_gone_is_never_replaced_by_the_keyring(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    key = tmp_path / "key"
    make_vault(home.vault_file, [GivenKey("keyfile", make_key_file(key, home))])
    remember_source(home, Source("keyfile", key))
    home.vault_file.unlink()
    assert is_vault_chosen(home)
    with pytest.raises(SetupProblem) as caught:
        open_store(home, NOBODY, {}).get_many(())
    assert code(caught) == "vault_missing"


def test_a_key_prints_as_nothing(tmp_path: Path) -> None:
    assert "kkkk" not in repr(GivenKey("keyfile", Secret(b"k" * 32)))
