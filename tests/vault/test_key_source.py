"""Where the vault's key comes from, and that no source is silently followed by another."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.secret import Secret
from keyctl.terminal.prompt import Prompt, given_descriptor
from keyctl.vault import envelope
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import GivenKey
from keyctl.vault.key_file import CREDENTIAL, make_key_file, read_key_file
from keyctl.vault.key_source import Source, VaultKey, remember_source, remembered_source
from keyctl.vault.moves import is_vault_chosen
from keyctl.vault.opening import open_store
from keyctl.vault.sealing import Document
from tests.support.stores import make_credential, make_home

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


@pytest.fixture
def given_by_systemd(tmp_path: Path) -> dict[str, str]:
    """The environment of a service whose unit has LoadCredential=keyctl-vault-key."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / CREDENTIAL).write_bytes(b"c" * 32)
    (folder / CREDENTIAL).chmod(0o400)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_a_systemd_credential_is_read_where_it_is_the_source(
    tmp_path: Path, given_by_systemd: dict[str, str], mode: int
) -> None:
    """With an access list for the service's user, as systemd makes it, the mode shows the group's read bit."""
    home = make_home(tmp_path)
    (Path(given_by_systemd["CREDENTIALS_DIRECTORY"]) / CREDENTIAL).chmod(mode)
    remember_source(home, Source("credential"))
    assert VaultKey(home, NOBODY, given_by_systemd).material() == b"c" * 32


def test_a_credential_that_is_there_is_not_used_where_it_is_not_the_source(
    tmp_path: Path, given_by_systemd: dict[str, str]
) -> None:
    home = make_home(tmp_path)
    remember_source(home, Source("passphrase"))
    with pytest.raises(SetupProblem) as caught:
        VaultKey(home, NOBODY, given_by_systemd).material()
    assert code(caught) == "vault_locked"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: path.unlink(), "bad_key_file"),
        (lambda path: path.chmod(0o644), "bad_key_file"),
        (lambda path: path.write_bytes(b"c" * 31), "bad_key_file"),
        (lambda path: path.rename(path.with_name("x")) and path.symlink_to(path.with_name("x")), "bad_key_file"),
        (None, "vault_locked"),
    ],
)
def test_a_missing_or_odd_credential_is_followed_by_nothing(
    tmp_path: Path, given_by_systemd: dict[str, str], change: Callable[[Path], None] | None, expected: str
) -> None:
    home = make_home(tmp_path)
    remember_source(home, Source("credential", tmp_path / "key"))
    make_key_file(tmp_path / "key", home)
    if change is None:
        given_by_systemd = {}
    else:
        path = Path(given_by_systemd["CREDENTIALS_DIRECTORY"]) / CREDENTIAL
        path.chmod(0o600)
        change(path)
    with pytest.raises(SetupProblem) as caught:
        VaultKey(home, NOBODY, given_by_systemd).material()
    assert (code(caught), caught.value.exit_code) == (expected, 3)


def test_the_source_variable_chooses_for_one_process(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    make_key_file(tmp_path / "key", home)
    remember_source(home, Source("passphrase", tmp_path / "key"))
    chosen = VaultKey(home, NOBODY, {"KEYCTL_VAULT_SOURCE": "keyfile"})
    assert (chosen.kind, chosen.material()) == ("keyfile", (tmp_path / "key").read_bytes())
    assert VaultKey(home, NOBODY, {}).kind == "passphrase"
    with pytest.raises(SetupProblem) as caught:
        VaultKey(home, NOBODY, {"KEYCTL_VAULT_SOURCE": "anything"}).material()
    assert code(caught) == "bad_source"


@pytest.mark.parametrize("text", ["", "[]", '{"format":"keyctl-vault-source","version":2,"key_file":null}'])
def test_a_damaged_note_of_the_source_is_no_passphrase(tmp_path: Path, text: str) -> None:
    home = make_home(tmp_path)
    remember_source(home, Source("credential"))
    home.vault_source_file.write_text(text)
    with pytest.raises(SetupProblem) as caught:
        VaultKey(home, NOBODY, {}).material()
    assert code(caught) == "bad_key_file"


def test_a_note_from_before_there_were_four_sources_is_understood(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    remember_source(home, Source("passphrase"))
    home.vault_source_file.write_text('{"format":"keyctl-vault-source","version":1,"key_file":"/k"}')
    assert remembered_source(home) == Source("keyfile", Path("/k"))


def test_the_number_of_a_descriptor_comes_from_a_variable(tmp_path: Path) -> None:
    assert given_descriptor({}) is None
    assert given_descriptor({"KEYCTL_VAULT_PASSPHRASE_FD": "7"}) == 7
    for bad in ("-1", "a passphrase", "1e3"):
        with pytest.raises(UsageProblem) as caught:
            given_descriptor({"KEYCTL_VAULT_PASSPHRASE_FD": bad})
        assert bad not in caught.value.message


def test_100_accounts_take_one_derivation_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path)
    passphrase = GivenKey("passphrase", Secret("open sesame"))
    make_vault(home.vault_file, [passphrase], scrypt_n=2**15)
    remember_source(home, Source("passphrase"))
    names = [f"account-{number}" for number in range(100)]
    EncryptedFile(home.vault_file, passphrase).put_many({name: make_credential(name) for name in names})
    derived: list[str] = []
    derive = envelope.derive

    def counted(slot: Document, material: bytes) -> bytes:
        derived.append(slot["kind"])
        return derive(slot, material)

    monkeypatch.setattr(envelope, "derive", counted)
    read_end, write_end = os.pipe()
    os.write(write_end, b"open sesame\n")
    os.close(write_end)
    store = open_store(home, Prompt(no_input=True, passphrase_fd=read_end), {})
    assert len(store.get_many(names)) == 100
    store.put("one-more", make_credential())
    assert [store.get(name).secret.reveal().decode() for name in names] == names
    assert derived == ["passphrase"]
    os.close(read_end)


def test_opening_the_vault_loads_no_network_and_no_event_loop(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = (
        "import sys\n"
        "from keyctl.app import App\n"
        "app = App()\n"
        "app.store.get_many(())\n"
        "app.close()\n"
        "print(sorted({'asyncio', 'httpx', 'ssl', 'keyring', 'rich', 'click'} & set(sys.modules)))\n"
    )
    environ = {"PATH": os.defpath, "KEYCTL_HOME": str(home), "HOME": str(tmp_path)}
    made = [sys.executable, "-m", "keyctl", "vault", "init", "--key-file", str(tmp_path / "key")]
    subprocess.run(made, env=environ, check=True, capture_output=True)
    done = subprocess.run([sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
