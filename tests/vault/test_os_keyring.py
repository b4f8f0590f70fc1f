"""The system's keyring: the contract on a backend in memory and on a real Secret Service, errors in our own words."""

import gc
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import secretstorage
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError

from keyctl.errors import SetupProblem
from keyctl.terminal.prompt import Prompt
from keyctl.vault import os_keyring
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import GivenKey
from keyctl.vault.items import ITEM_CHARACTERS_MAX, read_record
from keyctl.vault.key_source import Source, forget_keyring_key, make_keyring_key, remember_source
from keyctl.vault.opening import open_store
from keyctl.vault.os_keyring import OSKeyring, lock_state, open_keyring
from tests.support.odd import FakeItem, FakeService
from tests.support.stores import CANARY, StoreContract, make_credential, make_home, same
from tests.vault.secret_service import SecretService, require


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


@pytest.fixture
def service() -> FakeService:
    return FakeService()


class TestItemsInMemory(StoreContract):
    @pytest.fixture
    def store(self, service: FakeService) -> OSKeyring:
        return OSKeyring(service, "items in memory", "home-a")


@pytest.mark.parametrize("more", [{}, {"added": "by another program"}])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("length", [10, 3000])
def test_of_two_items_with_our_attributes_neither_is_taken(
    service: FakeService, more: dict[str, str], first: bool, length: int
) -> None:
    """Nothing says which is ours: not the order in which they are found, nor what else is written on them."""
    store = OSKeyring(service, "items in memory", "home-a")
    store.put("a", make_credential("ours" * length))
    store.put("b", make_credential("another's"))
    items = service.collection.items
    for item in [item for item in items if item.attributes["username"].split("/")[0] == "a"]:
        double = FakeItem(service.collection, item.attributes | more, item.secret)
        items.insert(0 if first else len(items), double)
    found = store.get_each(["a", "b", "c"])
    assert set(found) == {"a", "b"}
    assert isinstance(found["a"], SetupProblem) and found["a"].code == "secret_doubled"
    assert same(store.get("b"), make_credential("another's"))
    for read in (lambda: store.get("a"), lambda: store.get_present(["b", "a"])):
        with pytest.raises(SetupProblem) as caught:
            read()
        assert caught.value.code == "secret_doubled"
    store.put("a", make_credential("new"))
    assert same(store.get("a"), make_credential("new")), "a new secret takes the place of both"
    store.delete("a")
    assert {item.attributes["username"] for item in items} == {"b"}, "nothing of either is left"


def test_one_damaged_item_is_its_own_trouble(backend: DictBackend) -> None:
    store = make(backend)
    for name in ("a", "b", "c"):
        store.put(name, make_credential(f"secret of {name}"))
    backend.items["keyctl:home-a", "b"] = "nonsense"
    found = store.get_each(["a", "b", "c", "d"])
    assert set(found) == {"a", "b", "c"}
    assert isinstance(found["b"], SetupProblem) and found["b"].code == "secret_damaged"
    assert not isinstance(found["a"], SetupProblem) and not isinstance(found["c"], SetupProblem)


@pytest.mark.parametrize("secret", [b"\xff\xfe", b"[" * 100_000])
def test_an_item_that_is_no_text_of_ours_is_damaged_and_can_be_replaced(service: FakeService, secret: bytes) -> None:
    store = OSKeyring(service, "items in memory", "home-a")
    store.put("a", make_credential())
    store.put("b", make_credential())
    service.collection.items[0].secret = secret
    found = store.get_each(["a", "b"])
    assert isinstance(found["a"], SetupProblem) and found["a"].code == "secret_damaged"
    assert not isinstance(found["b"], SetupProblem)
    store.put("a", make_credential("new"))
    assert same(store.get("a"), make_credential("new"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoKeyringError("Install keyrings.alt"), "cannot reach"),
        (RuntimeError("DBUS_SESSION_BUS_ADDRESS is unset"), "cannot reach"),
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
    with pytest.raises(SetupProblem, match="did not respond") as caught:
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


@pytest.mark.parametrize(
    "backend_name",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyrings.alt.file.PlaintextKeyring",
        "unheard.of.Keyring",
    ],
)
def test_plain_text_null_chained_and_unknown_backends_are_never_used(
    backend_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is asked for by the variable that keyring obeys, and would be viable; our own choice is by class."""
    for module in ("keyrings/alt/file.py", "unheard/of.py"):
        path = tmp_path / module
        path.parent.mkdir(parents=True)
        class_name = "PlaintextKeyring" if "alt" in module else "Keyring"
        path.write_text(
            "from keyring.backend import KeyringBackend\n"
            f"class {class_name}(KeyringBackend):\n"
            "    priority = 99\n"
            "    def set_password(self, service, username, password):\n"
            f"        open({str(tmp_path / 'written')!r}, 'w').write(password)\n"
            "    get_password = delete_password = lambda self, service, username: None\n"
        )
    program = (
        "from keyctl.errors import SetupProblem\n"
        "from keyctl.vault.os_keyring import open_keyring\n"
        "from tests.support.stores import make_credential\n"
        "try:\n"
        "    open_keyring('home').put('a', make_credential())\n"
        "except SetupProblem as error:\n"
        "    print(error.code)\n"
    )
    environ = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2]))),
        "PYTHON_KEYRING_BACKEND": backend_name,
    }
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True)
    assert done.stdout == "store_unavailable\n", done.stderr
    assert not (tmp_path / "written").exists()


# The rest runs on a real Secret Service.


@pytest.fixture(scope="module")
def secret_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretService]:
    require()
    with SecretService(tmp_path_factory.mktemp("keyring")) as service:
        yield service


def enter(service: SecretService, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in service.environ.items():
        monkeypatch.setenv(name, value)


@pytest.mark.keyring
class TestSecretService(StoreContract):
    @pytest.fixture
    def store(
        self, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> OSKeyring:
        enter(secret_service, monkeypatch)
        return open_keyring(re.sub(r"\W", "-", request.node.name))

    def test_it_is_the_secret_service(self, store: OSKeyring) -> None:
        assert "Secret Service" in store.describe()

    def test_a_variable_does_not_choose_the_collection(self, store: OSKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEYRING_PROPERTY_PREFERRED_COLLECTION", "/nowhere")
        other = open_keyring("home")
        other.put("a", make_credential())
        assert same(other.get("a"), make_credential())

    def test_many_accounts_are_read_through_one_connection_and_one_session(
        self, store: OSKeyring, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Private keys too, each of which is several items."""
        secrets = {f"account-{number}": make_credential("x" * 1704 + str(number)) for number in range(30)}
        store.put_many(secrets)
        opened: list[str] = []

        def counted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                opened.append(name)
                return original(*given, **named)

            return call

        for module, name in ((secretstorage, "dbus_init"), (secretstorage.item, "open_session")):
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
        found = store.get_many(secrets)
        assert all(same(found[name], secrets[name]) for name in secrets)
        assert sorted(opened) == ["dbus_init", "open_session"]
        store.delete_many(secrets)
        assert store.get_present(secrets) == {}

    def test_the_vaults_key_is_one_item_that_opens_any_number_of_accounts(
        self, store: OSKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = make_home(tmp_path)
        key = GivenKey("keyring", make_keyring_key(home))
        make_vault(home.vault_file, [key])
        remember_source(home, Source("keyring"))
        secrets = {f"account-{number}": make_credential(str(number)) for number in range(50)}
        EncryptedFile(home.vault_file, key).put_many(secrets)
        reads: list[str] = []

        def noted(items: Any, name: str) -> Any:
            reads.append(name)
            return read_record(items, name)

        monkeypatch.setattr(os_keyring, "read_record", noted)
        opened = open_store(home, Prompt(no_input=True), {})
        assert len(opened.get_many(secrets)) == 50
        opened.get("account-7")
        assert reads == ["vault-key"]
        assert make_keyring_key(home).reveal() == key.material(), "a key that is there is never replaced"
        forget_keyring_key(home)
        with pytest.raises(SetupProblem) as caught:
            open_store(home, Prompt(no_input=True), {}).get_many(())
        assert caught.value.code == "vault_locked"


# keyring leaves its connection open when the service refuses it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.keyring
def test_a_locked_secret_service_is_called_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require()
    folder = tmp_path / "keyring"
    folder.mkdir()
    with SecretService(folder) as service, monkeypatch.context() as patch:
        enter(service, patch)
        open_keyring("home").put("a", make_credential())
    with SecretService(folder, unlock=False) as service:
        enter(service, monkeypatch)
        with pytest.raises(SetupProblem) as caught:
            open_keyring("home").get("a")
    told = " ".join((caught.value.message, *caught.value.hints))
    assert (caught.value.code, caught.value.exit_code) == ("store_unavailable", 3)
    assert "locked" in told and "keyctl vault init" in told
    del caught
    gc.collect()


@pytest.mark.keyring
def test_a_secret_service_that_stops_answering_ends_in_our_own_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require()
    with SecretService(tmp_path) as service:
        enter(service, monkeypatch)
        store = open_keyring("home", call_seconds=1.0)
        store.put("a", make_credential())
        service.hang()
        calls = (
            lambda: store.get("a"),
            lambda: open_keyring("home", call_seconds=1.0).get("a"),
            lambda: lock_state(1.0),
        )
        for call in calls:
            with pytest.raises(SetupProblem) as caught:
                call()
            assert caught.value.code == "store_unavailable"
            assert "did not respond" in caught.value.message
        service.go_on()
        assert same(open_keyring("home").get("a"), make_credential())


@pytest.mark.parametrize("address", [None, "unix:path=/nowhere/bus"])
def test_without_a_session_bus_the_hint_is_the_vault(
    address: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    if address is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(SetupProblem) as caught:
        open_keyring("home").get("a")
    assert (caught.value.code, caught.value.exit_code) == ("store_unavailable", 3)
    assert any("keyctl vault init" in hint for hint in caught.value.hints)
