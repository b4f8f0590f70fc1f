"""keyctl list."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Standing
from tests.support.stores import make_account
from tests.support.world import World

# Half a day ahead, so that the 90 days are whole however long the tests before these take.
NOW = datetime.now(UTC) + timedelta(hours=12)


def test_an_empty_list_says_how_to_begin(world: World) -> None:
    ran = world.keyctl("list")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "keyctl add EXCHANGE" in ran.stderr


def test_lists_accounts_as_records_in_a_pipe_and_as_data(world: World) -> None:
    world.app().accounts.add(make_account("a", groups=("desk",), created=NOW))
    world.app().accounts.add(make_account("b", standing=Standing.DISABLED, created=NOW))
    assert world.keyctl("ls").stdout.splitlines() == [
        "a\tokx\tlive\tspot\thmac abcd..wxyz\tdesk\t90 d\t-",
        "b (disabled)\tokx\tlive\tspot\thmac abcd..wxyz\t\t90 d\t-",
    ]
    entries = world.keyctl("list", "--json").data["accounts"]
    assert [(entry["label"], entry["disabled"]) for entry in entries] == [("a", False), ("b", True)]


def test_needs_no_store_and_no_heavy_import(world: World) -> None:
    world.app().accounts.add(make_account("a"))
    world.key_file.unlink()
    assert world.spawn("list").exit_code == 0
    program = (
        "import sys; from keyctl.cli import run; run(['list']);"
        "print(sorted({'httpx','keyring','cryptography','rich','asyncio','ssl','sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=world.environ, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_key_that_its_exchange_deletes_unused_counts_from_its_last_use(world: World) -> None:
    app, created = world.app(), NOW - timedelta(days=40)
    app.accounts.add(make_account("without", created=created, ip_list=False))
    app.accounts.add(make_account("used", created=created, ip_list=False))
    app.accounts.add(make_account("listed", created=created, ip_list=True))
    app.journal.notes.note_permissions({"id-used": KeyPermissions(withdraw=False)})
    app.close()
    days = {entry["label"]: entry["days_left"] for entry in world.keyctl("list", "--json").data["accounts"]}
    assert days == {"without": 14 - 40, "used": 13, "listed": 50}
    assert "OVERDUE 26 d" in world.keyctl("list").stdout
