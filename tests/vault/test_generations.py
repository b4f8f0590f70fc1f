"""An older vault that was put back is noticed, by a memory that is kept outside of it."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.journal import schema
from keyctl.journal.database import Database
from keyctl.journal.notes import VaultNotes
from keyctl.secret import Secret
from keyctl.terminal.prompt import Prompt
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import GivenKey
from keyctl.vault.generations import Generations
from keyctl.vault.upkeep import rekey
from tests.support.stores import make_credential
from tests.support.terminal import Person as AtTerminal
from tests.support.world import World

KEY = GivenKey("keyfile", Secret(b"k" * 32))


class Person(Prompt):
    """Types one word at every question."""

    def __init__(self, word: str | None) -> None:
        super().__init__(no_input=True)
        self.word = word
        self.asked = 0

    @property
    def has_terminal(self) -> bool:
        return self.word is not None

    def confirm_typed(self, text: str, expected: str, *, option: str = "--yes") -> bool:
        self.asked += 1
        return self.word == expected


class Place:
    """A folder with a vault and the journal's memory of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vault.json"
        self.notes = VaultNotes(Database(folder / "journal.db"))
        make_vault(self.path, [KEY])

    def open(self, word: str | None = None, *, accept: bool = False) -> EncryptedFile:
        self.person = Person(word)
        return EncryptedFile(self.path, KEY, Generations(lambda: self.notes, self.person, accept=accept))

    def go_back(self) -> None:
        """Puts the vault back as it was before the last change."""
        shutil.copy(self.path.with_name("vault.json.bak1"), self.path)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.notes.close()


def refusal(store: EncryptedFile) -> SetupProblem:
    with pytest.raises(SetupProblem) as caught:
        store.get_many(())
    return caught.value


def test_an_older_vault_stops_where_nobody_can_be_asked(place: Place) -> None:
    store = place.open()
    store.put("a", make_credential())
    store.put("a", make_credential("newer"))
    place.go_back()
    error = refusal(place.open())
    assert (error.code, error.exit_code) == ("vault_older", 3)
    assert any("--accept-generation" in hint for hint in error.hints)
    assert refusal(store).code == "vault_older", "a process that had it open before notices too"


def test_a_change_on_top_of_an_older_vault_is_refused_and_changes_nothing(place: Place) -> None:
    place.open().put("a", make_credential())
    place.go_back()
    whole = place.path.read_bytes()
    with pytest.raises(SetupProblem):
        place.open().put("b", make_credential())
    assert place.path.read_bytes() == whole


@pytest.mark.parametrize(("word", "asked_later"), [("older", 0), ("no", 1)])
def test_a_person_is_asked_and_remembered(place: Place, word: str, asked_later: int) -> None:
    place.open().put("a", make_credential())
    place.go_back()
    if word == "older":
        place.open(word).get_many(())
    else:
        assert refusal(place.open(word)).code == "vault_older"
    assert place.person.asked == 1
    if word == "older":
        place.open().put("b", make_credential())
        place.open().get("b")
    else:
        assert refusal(place.open(word)).code == "vault_older"
    assert place.person.asked == asked_later


def test_an_accepted_generation_counts_from_then_on(place: Place) -> None:
    place.open().put("a", make_credential())
    place.go_back()
    place.open(accept=True).get_many(())
    place.open().get_many(())


def test_a_rekey_does_not_make_an_older_vault_look_new(place: Place) -> None:
    place.open().put("a", make_credential())
    rekey(place.open(), [KEY])
    place.go_back()
    assert refusal(place.open()).code == "vault_older"


def test_another_vault_of_this_home_is_counted_by_itself(place: Place) -> None:
    place.open().put("a", make_credential())
    place.path.unlink()
    make_vault(place.path, [KEY])
    place.open().get_many(())


def test_a_writer_between_our_two_reads_is_no_older_vault(place: Place) -> None:
    """The file is read, another process writes and notes its generation, and only then the memory is asked."""
    store = place.open()
    asked: list[str] = []
    original = place.notes.vault_generation

    def late(vault_id: str) -> int:
        if not asked:
            asked.append(vault_id)
            place.open().put("a", make_credential())
        return original(vault_id)

    place.notes.vault_generation = late  # type: ignore[method-assign]
    store.get("a")
    assert asked


def test_a_change_without_its_note_is_noted_by_the_next_reader(place: Place) -> None:
    """As after a kill between the rename and the note."""
    EncryptedFile(place.path, KEY).put("a", make_credential())
    vault_id = place.open().open().document["id"]
    assert place.notes.vault_generation(vault_id) == 2


def test_a_journal_of_the_first_version_is_brought_up_to_date_with_all_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    old = sqlite3.connect(path)
    old.executescript(schema.TABLES)
    old.execute("INSERT INTO halt VALUES (1, 0, 'kept')")
    old.execute("PRAGMA user_version=1")
    old.commit()
    old.close()
    for _ in range(2):
        notes = VaultNotes(Database(path))
        notes.note_vault("id", 7)
        notes.note_vault("id", 3)
        assert notes.vault_generation("id") == 7
        notes.close()
    new = sqlite3.connect(path)
    assert new.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert new.execute("SELECT reason FROM halt").fetchone() == ("kept",)
    new.close()


@pytest.mark.parametrize(("typed", "goes"), [("unchecked", True), ("yes", False)])
def test_in_a_folder_that_cannot_be_written_a_person_decides(world: World, typed: str, goes: bool) -> None:
    world.add("okx")
    journal = world.home / "state" / "journal.db"
    for path in (journal, journal.with_name("journal.db-wal"), journal.with_name("journal.db-shm")):
        path.unlink(missing_ok=True)
    code = (
        "import sys\n"
        "from keyctl.vault import generations\n"
        "from keyctl.errors import StoreUnusable\n"
        "from keyctl.app import App\n"
        "def refuse(*a, **k): raise StoreUnusable('the journal cannot be used')\n"
        "generations.unwritable = lambda folder: 'Read-only file system'\n"
        "app = App()\n"
        "app.journals.vault_notes = type('N', (), {'vault_generation': refuse})\n"
        "account = app.accounts.get('okx-a')\n"
        "try: print('opened', app.store.get(account.id).api_key[:4])\n"
        "except StoreUnusable as error: print('refused', error.hints[0])\n"
    )
    environ = {**world.environ, "KEYCTL_HOME": str(world.home)}
    seen = AtTerminal(["-c", code], environ).waits_for("without that check").types(f"{typed}\n").leaves()[1]
    assert ("opened" in seen) is goes and ("refused cannot write" in " ".join(seen.split())) is not goes, seen


def test_without_a_person_a_folder_that_cannot_be_written_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("okx")

    def refuse(*arguments: object) -> int:
        raise StoreUnusable("the journal cannot be used")

    monkeypatch.setattr("keyctl.journal.notes.VaultNotes.vault_generation", refuse)
    monkeypatch.setattr("keyctl.vault.generations.unwritable", lambda folder: "Read-only file system")
    ran = world.keyctl("exec", "okx-a", "--", "true")
    assert ran.exit_code == 9 and "Read-only file system" in ran.stderr
