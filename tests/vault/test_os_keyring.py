"""The system's keyring: the contract on a backend in memory and on a real Secret Service, errors in our own words."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError

from keyctl.errors import SetupProblem
from keyctl.vault import os_keyring
from keyctl.vault.items import ITEM_CHARACTERS_MAX
from keyctl.vault.os_keyring import OSKeyring, open_keyring
from tests.support.stores import CANARY, StoreContract, make_credential, same


class DictBackend:
    """A keyring backend that keeps its items in a dictionary, and dies at a chosen write."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}
        self.writes_left = 10**6

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise OSError("the line broke")
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.items:
            raise PasswordDeleteError("not there")
        del self.items[service, username]


@pytest.fixture
def backend() -> DictBackend:
    return DictBackend()


def make(backend: DictBackend, home_id: str = "home-a") -> OSKeyring:
    return OSKeyring(backend, "a dictionary", home_id)


class TestOSKeyring(StoreContract):
    @pytest.fixture
    def store(self, backend: DictBackend) -> OSKeyring:
        return make(backend)


def test_items_fit_the_smallest_keyring_and_are_one_line(backend: DictBackend) -> None:
    make(backend).put("a", make_credential("x" * 5000))
    assert len(backend.items) > 3
    assert all(len(text) <= ITEM_CHARACTERS_MAX and "\n" not in text for text in backend.items.values())


def test_a_short_secret_is_one_item_and_replacing_leaves_no_parts(backend: DictBackend) -> None:
    store = make(backend)
    store.put("a", make_credential("x" * 5000))
    store.put("a", make_credential("short"))
    assert len(backend.items) == 1
    store.delete("a")
    assert backend.items == {}


@pytest.mark.parametrize("writes", range(6))
def test_an_interrupted_change_leaves_the_old_secret_whole(backend: DictBackend, writes: int) -> None:
    store = make(backend)
    store.put("a", make_credential("old" * 1000))
    backend.writes_left = writes
    try:
        store.put("a", make_credential("new" * 1000))
    except SetupProblem:
        assert store.get("a").secret.reveal() == b"old" * 1000
    else:
        assert store.get("a").secret.reveal() == b"new" * 1000


def test_another_home_finds_no_secret(backend: DictBackend) -> None:
    make(backend, "home-a").put("a", make_credential())
    with pytest.raises(SetupProblem) as caught:
        make(backend, "home-b").get("a")
    assert caught.value.code == "secret_missing"


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"keyctl":2,"tag":"t","parts":1,"text":""}', '{"keyctl":1}'])
def test_an_item_that_is_not_ours_is_called_damaged_and_can_be_replaced(backend: DictBackend, text: str) -> None:
    store = make(backend)
    backend.items["keyctl:home-a", "a"] = text
    with pytest.raises(SetupProblem) as caught:
        store.get("a")
    assert caught.value.code == "secret_damaged"
    store.put("a", make_credential())
    assert same(store.get("a"), make_credential())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoKeyringError("Install keyrings.alt"), "cannot be reached"),
        (RuntimeError("DBUS_SESSION_BUS_ADDRESS is unset"), "cannot be reached"),
        (KeyringLocked("Failed to unlock the collection!"), "is locked"),
        (InitError("Prompt dismissed.."), "no collection"),
        (OSError(1783, "The stub received bad data"), "too large"),
        (EOFError(CANARY), "EOFError"),
    ],
)
def test_errors_are_told_in_our_own_words(backend: DictBackend, error: Exception, words: str) -> None:
    def fail(service: str, username: str) -> str:
        raise error

    backend.get_password = fail  # type: ignore[method-assign]
    with pytest.raises(SetupProblem) as caught:
        make(backend).get("a")
    told = " ".join((caught.value.message, *caught.value.hints))
    assert caught.value.code == "store_unavailable"
    assert words in told
    assert "keyctl vault init" in told
    assert "keyrings.alt" not in told and CANARY not in told


def test_a_keyring_that_never_answers_ends_in_our_own_time_limit(backend: DictBackend) -> None:
    release = threading.Event()
    backend.get_password = lambda service, username: str(release.wait(60))  # type: ignore[method-assign]
    with pytest.raises(SetupProblem, match="did not answer") as caught:
        OSKeyring(backend, "stuck", "home", call_seconds=0.05).get("a")
    release.set()
    assert caught.value.code == "store_unavailable"


def test_without_an_allowed_backend_there_is_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_keyring, "ALLOWED", (("keyring.backends.fail", "Keyring", "none"),))
    with pytest.raises(SetupProblem) as caught:
        open_keyring("home")
    assert caught.value.code == "store_unavailable"
    assert any("vault init" in hint for hint in caught.value.hints)


def test_only_backends_of_operating_systems_are_allowed() -> None:
    names = {name for name, _, _ in os_keyring.ALLOWED}
    assert names == {
        f"keyring.backends.{name}" for name in ("macOS", "Windows", "SecretService", "libsecret", "kwallet")
    }


def test_neither_settings_file_nor_variable_brings_in_another_backend(tmp_path: Path) -> None:
    folder = tmp_path / "python_keyring"
    folder.mkdir()
    (folder / "keyringrc.cfg").write_text("[backend]\ndefault-keyring=evil.Keyring\nkeyring-path=" + str(tmp_path))
    (tmp_path / "evil.py").write_text("raise SystemExit('another backend was loaded')")
    program = "from keyctl.vault.os_keyring import open_keyring; open_keyring('home')"
    environ = {
        "PATH": os.defpath,
        "XDG_CONFIG_HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "evil.Keyring",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True)
    assert "another backend" not in done.stderr
    assert "SetupProblem" in done.stderr


# The rest runs on a real Secret Service: a gnome-keyring of its own, under a D-Bus of its own.


@pytest.fixture(scope="module")
def secret_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    missing = [name for name in ("gnome-keyring-daemon", "dbus-daemon") if shutil.which(name) is None]
    if missing:
        reason = f"no {' and no '.join(missing)} here: install gnome-keyring and dbus to run this test"
        if os.environ.get("KEYCTL_TEST_REQUIRE_KEYRING") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("keyring")
    folder.chmod(0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={folder}/bus"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert bus.stdout is not None
    environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    daemon.stdin.write("test-password")
    daemon.stdin.close()
    daemon.stdout.readline()
    yield environ
    for process in (daemon, bus):
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.keyring
class TestSecretService(StoreContract):
    @pytest.fixture
    def store(
        self, secret_service: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> OSKeyring:
        for name, value in secret_service.items():
            monkeypatch.setenv(name, value)
        return open_keyring(re.sub(r"\W", "-", request.node.name))

    def test_it_is_the_secret_service(self, store: OSKeyring) -> None:
        assert "Secret Service" in store.describe()

    def test_a_variable_does_not_choose_the_collection(self, store: OSKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEYRING_PROPERTY_PREFERRED_COLLECTION", "/nowhere")
        other = open_keyring("home")
        other.put("a", make_credential())
        assert same(other.get("a"), make_credential())
