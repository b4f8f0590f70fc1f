"""Vaults of every released version open, and the hostile files that are kept beside them do not."""

import resource
import shutil
from pathlib import Path

import pytest

from keyctl.errors import ExitCode, SetupProblem
from keyctl.home.files import SIZE_MAX
from keyctl.secret import Secret
from keyctl.vault import envelope
from keyctl.vault.encrypted_file import EncryptedFile
from keyctl.vault.envelope import GivenKey
from tests.support.stores import same
from tests.vault.kit import PASSPHRASE, contents

DATA = Path(__file__).parent.parent / "data" / "vault"
VERSIONS = sorted(path.stem for path in DATA.glob("v*.json"))
HOSTILE = sorted(path.stem for path in (DATA / "hostile").glob("*.json"))
KINDS = ("keyfile", "passphrase")


def key(kind: str, version: str = "v1") -> GivenKey:
    if kind == "passphrase":
        return GivenKey("passphrase", Secret(PASSPHRASE))
    return GivenKey("keyfile", Secret((DATA / f"{version}.key").read_bytes()))


def copy(path: Path, folder: Path) -> Path:
    copied = folder / "vault.json"
    shutil.copyfile(path, copied)
    copied.chmod(0o600)
    return copied


def refusal(path: Path, kind: str) -> SetupProblem:
    with pytest.raises(SetupProblem) as caught:
        EncryptedFile(path, key(kind)).get_many(())
    return caught.value


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_vault_of_every_released_version_opens(version: str, kind: str, tmp_path: Path) -> None:
    found = EncryptedFile(copy(DATA / f"{version}.json", tmp_path), key(kind, version)).get_all()
    expected = contents()
    assert found.keys() == expected.keys()
    assert all(same(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_the_one_error_and_stays(name: str, tmp_path: Path) -> None:
    path = copy(DATA / "hostile" / f"{name}.json", tmp_path)
    whole = path.read_bytes()
    for kind in KINDS:
        error = refusal(path, kind)
        assert (error.message, error.code) == (
            "the vault did not open: wrong passphrase or key, or damaged vault",
            "vault_locked",
        )
        assert error.exit_code is ExitCode.SETUP
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if name.startswith(("scrypt", "kdf")) and "halved" not in name]
)
def test_costs_out_of_bounds_are_refused_before_memory_is_taken(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy(DATA / "hostile" / f"{name}.json", tmp_path)
    monkeypatch.setattr(envelope, "derive", lambda *_: pytest.fail("a key was derived"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(path, "passphrase")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_newer_format_is_named_in_the_hint(tmp_path: Path) -> None:
    error = refusal(copy(DATA / "hostile" / "newer-format.json", tmp_path), "keyfile")
    assert any("newer keyctl" in hint for hint in error.hints)


def test_a_link_is_refused(tmp_path: Path) -> None:
    copy(DATA / "v1.json", tmp_path).rename(tmp_path / "elsewhere.json")
    (tmp_path / "vault.json").symlink_to(tmp_path / "elsewhere.json")
    assert "is a link" in refusal(tmp_path / "vault.json", "keyfile").message


def test_a_file_without_end_is_refused_unread(tmp_path: Path) -> None:
    path = copy(DATA / "v1.json", tmp_path)
    with path.open("r+b") as file:
        file.truncate(2**40)  # sparse: it takes no room
    assert f"larger than {SIZE_MAX}" in refusal(path, "keyfile").message
