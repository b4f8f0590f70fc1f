"""keyctl scan: stored secrets are found wherever they are, in every form, and nothing else is; none is shown."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keyctl.app import App
from keyctl.exchanges.shipped import load, names, profile
from keyctl.leaks.scan_places import usual_places
from keyctl.leaks.scan_workers import look_through
from keyctl.model.credential import Binding
from keyctl.model.words import Algorithm, Kind
from keyctl.secret import Secret
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.vault.fingerprints import Fingerprints
from tests.support.canary import Canaries
from tests.support.leak_corpus import LETTERS, OPEN, PASSPHRASE, PEM_OPEN, PEM_WHOLE, WHOLE, Corpus, Form
from tests.support.leak_trial import judge, memory_app, store_keys
from tests.support.processes import forking
from tests.support.ran import Ran
from tests.support.world import World

SEED = 18


@pytest.fixture(scope="module")
def keys() -> dict[str, MadeKey]:
    """One key of each kind."""
    return {
        "okx-a": make_key("okx"),
        "binance-a": make_key("binance"),
        "lbank-a": make_key("lbank"),
        "bitfinex-a": make_key("bitfinex"),
        "ed": make_key("binance", Algorithm.ED25519),
        "rsa": make_key("binance", Algorithm.RSA),
        "bare": make_key("lbank", Algorithm.RSA),
    }


@pytest.fixture
def app(tmp_path: Path, keys: dict[str, MadeKey]) -> Iterator[App]:
    made = memory_app(tmp_path / "home")
    store_keys(made, keys)
    yield made
    made.close()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, and the working folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name, text in (("GIT_CONFIG_GLOBAL", os.devnull), ("GIT_CONFIG_NOSYSTEM", "1")):
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(folder)
    git("init", "-q")
    git("config", "user.name", "Somebody")
    git("config", "user.email", "some@body.test")
    return folder


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def scanned(app: App, *arguments: str) -> Ran:
    """A scan by an app of the test's own, its output without any secret of the accounts."""
    import io
    from contextlib import redirect_stderr, redirect_stdout

    from keyctl.cli import run

    out, err = io.StringIO(), io.StringIO()
    app.output.json, app.output.quiet, app.remarks = False, False, []
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["scan", *arguments], app)
    ran = Ran(code, out.getvalue(), err.getvalue())
    canaries = Canaries()
    for label in (account.label for account in app.accounts.all()):
        item = app.store.get(app.accounts.get(label).id)
        passphrase = None if item.passphrase is None else item.passphrase.reveal().decode()
        canaries.watch_secret(label, item.secret.reveal().decode(), passphrase)
    assert canaries.find(ran.stdout + ran.stderr) == []
    return ran


def finds(app: App, *arguments: str) -> list[tuple[str, str, int | None]]:
    """Account or exchange, kind and line of each find."""
    data = scanned(app, *arguments, "--json").data
    return [(find["account"] or find["exchange"], find["kind"], find["line"]) for find in data["finds"]]


def test_of_a_planted_corpus_everything_is_found_and_next_to_nothing_else(tmp_path: Path) -> None:
    """A fiftieth of what scripts/soak.d/scan looks through, with a secret in ten more forms for its size."""
    corpus = Corpus(tmp_path / "corpus", SEED)
    corpus.keys(12)
    corpus.build(files=200, secrets=60, decoys=100)
    app = memory_app(tmp_path / "home")
    store_keys(app, corpus.made)
    for is_open in (False, True):
        judged = judge(corpus, app, is_open=is_open)
        assert (judged.missed, judged.shown) == ((), ())
        assert judged.finds >= sum(plant.whole or is_open for plant in corpus.plants) * 0.9
        assert judged.false_share <= 0.01, judged.false
    app.close()


def _forms() -> list[tuple[str, str, Form, bool]]:
    listed: list[tuple[str, str, Form, bool]] = []
    for label in ("okx-a", "binance-a", "bitfinex-a", "bare"):
        listed += [(label, form, make, True) for form, make in WHOLE.items()]
        listed += [(label, form, make, False) for form, make in OPEN.items()]
    for label in ("ed", "rsa"):
        listed += [(label, form, make, True) for form, make in PEM_WHOLE.items()]
        listed += [(label, form, make, False) for form, make in PEM_OPEN.items()]
    return listed


def test_every_form_is_found_with_the_store_open_and_locked_where_the_secret_is_whole(
    app: App, keys: dict[str, MadeKey], tmp_path: Path
) -> None:
    folder, expected = tmp_path / "forms", dict[str, bool]()
    folder.mkdir()
    rnd = Corpus(folder, SEED).rnd
    for label, form, make, whole in _forms():
        name = f"{label} {form}".replace(" ", "-")
        expected[name] = whole
        (folder / name).write_bytes(b"first line\nk = " + make(keys[label].secret, rnd) + b"\nlast line\n")
    for form, make in PASSPHRASE.items():
        expected[f"passphrase-{form}".replace(" ", "-")] = False
        text = keys["okx-a"].passphrase
        assert text is not None
        (folder / f"passphrase-{form}".replace(" ", "-")).write_bytes(make(text, rnd))
    for is_open in (False, True):
        ran = scanned(app, str(folder), "--json", *(["--open"] if is_open else []))
        found = {Path(find["path"]).name for find in ran.data["finds"]}
        wanted = {name for name, whole in expected.items() if whole or is_open}
        assert wanted - found == set()
    assert found == set(expected)


@pytest.mark.parametrize("secret", [None, "a-secret_with/signs+of-base64=9"])
def test_passphrases_of_all_lengths_and_signs_are_found_in_every_form(
    tmp_path: Path, keys: dict[str, MadeKey], secret: str | None
) -> None:
    """Also beside an account whose secret has signs, which makes other words long."""
    app, folder, rnd = memory_app(tmp_path / "home"), tmp_path / "forms", random.Random(SEED)
    folder.mkdir()
    wanted, made = set[str](), dict[str, MadeKey]()
    for number in range(40):
        word = "".join(rnd.choices(LETTERS, k=rnd.randrange(8, 30)))
        for _ in range(number % 4):
            at = rnd.randrange(len(word) + 1)
            word = word[:at] + rnd.choice("!@#$%^&*()-_=+.,:;?/") + word[at:]
        label = f"account-{number}"
        made[label] = replace(make_key("okx"), passphrase=word)
        for form, make in PASSPHRASE.items():
            name = f"{label}-{form.replace(' ', '-')}"
            wanted.add(name)
            (folder / name).write_bytes(b"first line\n" + make(word, rnd) + b"\nlast line\n")
    if secret is not None:
        made["signs"] = replace(keys["lbank-a"], secret=secret)
    store_keys(app, made)
    assert {Path(find["path"]).name for find in scanned(app, str(folder), "--open", "--json").data["finds"]} == wanted
    app.close()


def test_a_find_names_place_date_account_kind_and_form(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    (repository / "bot.env").write_text(f"# a\nSECRET={keys['okx-a'].secret}\n")
    git("add", ".")
    git("commit", "-qm", "m", "--date", "2026-03-04T05:06:07+02:00")
    (repository / "bot.env").unlink()
    git("commit", "-qam", "removed")
    ran = scanned(app, ".", "--json")
    (find,) = ran.data["finds"]
    assert ran.exit_code == 4
    assert find == {
        "account": "okx-a",
        "exchange": "okx",
        "kind": "secret",
        "form": "as it is",
        "key": "in use",
        "dead_since": None,
        "path": "bot.env",
        "line": 2,
        "repository": str(repository / ".git"),
        "commit": git("rev-parse", "HEAD~1"),
        "object": git("rev-parse", "HEAD~1:bot.env"),
        "author_date": "2026-03-04T03:06:07Z",
    }
    shown = scanned(app, ".")
    assert shown.stdout.splitlines()[0].split("\t") == [
        f"{find['commit']} 2026-03-04 bot.env:2",
        "okx-a",
        "secret, as it is; in use",
    ]
    assert "keyctl leak okx-a" in shown.stderr


def test_histories_are_searched_whole(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    """A branch, a stash, an amended commit, a blob and a commit that nothing reaches, a message, a tag's message."""

    def put(name: str, label: str) -> None:
        (repository / name).write_text(f"{keys[label].secret}\n")
        git("add", name)

    git("commit", "-q", "--allow-empty", "-m", "begin")
    git("checkout", "-qb", "side")
    put("branch", "okx-a")
    git("commit", "-qm", "m")
    git("checkout", "-q", "-")
    put("stash", "binance-a")
    git("stash", "-q")
    put("amended", "lbank-a")
    git("commit", "-qm", "m")
    git("rm", "-q", "amended")
    git("commit", "-q", "--amend", "--allow-empty", "-m", "m")
    put("never", "bitfinex-a")
    git("rm", "-qf", "--cached", "never")
    (repository / "never").unlink()
    git("commit", "-q", "--allow-empty", "-m", f"see {keys['okx-a'].secret}")
    git("tag", "-a", "t", "-m", f"see {keys['binance-a'].secret}")
    git("reflog", "expire", "--expire=now", "--all")
    found = {
        (find["account"], find["path"], find["commit"] is not None)
        for find in scanned(app, ".", "--json").data["finds"]
        if "COMMIT_EDITMSG" not in str(find["path"])  # where git keeps the last message
    }
    assert found == {
        ("okx-a", "branch", True),
        ("binance-a", "stash", True),
        ("lbank-a", "amended", True),
        ("bitfinex-a", None, False),
        ("okx-a", None, True),
        ("binance-a", None, True),
    }


def test_the_history_of_a_further_working_folder_and_of_a_folder_inside_is_searched(
    app: App, keys: dict[str, MadeKey], repository: Path, tmp_path: Path
) -> None:
    (repository / "inside").mkdir()
    (repository / "inside" / "a").write_text(keys["okx-a"].secret)
    git("add", ".")
    git("commit", "-qm", "m")
    git("rm", "-q", "inside/a")
    git("commit", "-qm", "removed")
    (repository / "inside").mkdir(exist_ok=True)
    git("worktree", "add", "-q", str(tmp_path / "further"))
    for place in (tmp_path / "further", repository / "inside"):
        assert finds(app, str(place)) == [("okx-a", "secret", 1)], place


def test_a_repository_cannot_make_git_run_anything(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    (repository / "a").write_text(keys["okx-a"].secret)
    git("add", ".")
    git("commit", "-qm", "m")
    trap = repository / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.external", "gpg.program", "core.sshCommand", "diff.x.textconv"):
        git("config", name, str(trap))
    git("config", "log.showSignature", "true")
    (repository / ".gitattributes").write_text("* diff=x filter=x\n")
    git("config", "filter.x.clean", str(trap))
    assert {name for name, _, _ in finds(app, ".")} == {"okx-a"}
    assert finds(app, "--staged") == []
    assert not (repository / "sprung").exists()


def test_a_huge_file_is_read_in_pieces_and_its_lines_are_counted(
    app: App, keys: dict[str, MadeKey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of 64 KiB here; the secret is over the border of two of them, and in several workers' hands."""
    from keyctl.leaks import scan_files, scan_workers

    monkeypatch.setattr(scan_files, "PIECE_BYTES", 65_536)
    monkeypatch.setattr(scan_workers, "_ALONE_BYTES", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    line = b"0123456 89\n"
    before = 65_536 * 3 // len(line) - 2
    (tmp_path / "huge.log").write_bytes(line * before + keys["rsa"].secret.encode() + line * 9_000)
    with forking():
        assert finds(app, str(tmp_path / "huge.log")) == [("rsa", "private key", before + 1)]


def test_a_long_word_at_the_border_of_two_pieces_is_no_key(app: App, tmp_path: Path) -> None:
    """The part of it in either piece has the length of a key, and a telling name before it."""
    from keyctl.leaks.scan_search import OVERLAP, PIECE_BYTES

    word = "".join(random.Random(SEED).choices(LETTERS, k=320))
    for border, part in ((PIECE_BYTES, 64), (PIECE_BYTES - OVERLAP, len(word) - 64)):
        before = b"BINANCE_API_SECRET="
        filler = b".\n" * ((border - part - len(before)) // 2 + 1)
        text = filler[-(border - part - len(before)) :] + before + word.encode() + b"\n" + b".\n" * PIECE_BYTES
        assert text[border - part :].startswith(word.encode())
        (tmp_path / "huge.log").write_bytes(text)
        assert finds(app, str(tmp_path / "huge.log")) == []


def test_a_worker_that_breaks_off_is_no_clean_scan(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.leaks import scan_workers

    monkeypatch.setattr(scan_workers, "_ALONE_BYTES", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(scan_workers, "read_piece", lambda piece: os._exit(7))
    for name in ("a", "b"):
        (tmp_path / name).write_text("text\n")
    with forking():
        assert scanned(app, str(tmp_path / "a"), str(tmp_path / "b")).exit_code == 1
    assert look_through is scan_workers.look_through


def test_what_cannot_be_read_is_told_and_no_pass(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyctl.leaks import scan_workers

    def refuse(piece: object) -> None:
        raise PermissionError(13, "denied")

    (tmp_path / "a").write_text("text\n")
    monkeypatch.setattr(scan_workers, "read_piece", refuse)
    ran = scanned(app, str(tmp_path / "a"), "--json")
    assert (ran.exit_code, ran.data["unread"]) == (6, [str(tmp_path / "a")])


def test_a_damaged_history_is_told_and_no_pass(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    (repository / "a").write_text("text\n")
    git("add", ".")
    git("commit", "-qm", "m")
    name = git("rev-parse", "HEAD:a")
    loose = repository / ".git" / "objects" / name[:2] / name[2:]
    loose.chmod(0o600)
    loose.write_bytes(b"no object")
    ran = scanned(app, ".", "--json")
    assert ran.exit_code == 6
    assert any(".git" in item for item in ran.data["unread"])


def test_the_name_of_a_file_counts_and_is_not_shown(app: App, keys: dict[str, MadeKey], tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "in\ntwo lines").write_text("nothing\n")
    (folder / f"{keys['okx-a'].secret}.txt").write_text(f"a\n{keys['bitfinex-a'].secret}\n")
    ran = scanned(app, str(folder), "--json")
    assert {(find["account"], find["line"], find["path"]) for find in ran.data["finds"]} == {
        ("okx-a", None, f"{folder}/<hidden>"),
        ("bitfinex-a", 2, f"{folder}/<hidden>"),
    }


def test_standard_input_is_searched(world: World) -> None:
    made = world.add("okx")
    ran = world.keyctl("scan", "-", "--json", stdin=f"a\nb\nc {made.secret}\n")
    assert [(find["path"], find["line"]) for find in ran.data["finds"]] == [("stdin", 3)]
    assert (ran.data["files"], ran.data["bytes"]) == (1, 7 + len(made.secret))
    assert world.keyctl("scan", "-", stdin="nothing\n").exit_code == 0


def test_a_key_that_was_removed_is_found_as_dead(world: World, tmp_path: Path) -> None:
    made = world.add("okx")
    assert world.keyctl("remove", "okx-a", "--yes").exit_code == 0
    (tmp_path / "notes").write_text(made.secret)
    (find,) = world.keyctl("scan", str(tmp_path / "notes"), "--json").data["finds"]
    assert find["account"] == "okx-a"
    assert find["key"].startswith("revoked since 20") and find["dead_since"]


def test_an_account_without_fingerprints_is_named_until_the_store_was_opened(world: World, tmp_path: Path) -> None:
    made = world.add("okx")
    Fingerprints(world.app().home).path.unlink()
    (tmp_path / "notes").write_text(made.secret)
    ran = world.keyctl("scan", str(tmp_path / "notes"), "--json")
    assert (ran.exit_code, ran.data["without_fingerprints"], ran.data["finds"]) == (0, ["okx-a"], [])
    assert "okx-a" in ran.document["warnings"][0]
    world.app().store.get_each([world.account("okx-a").id])
    ran = world.keyctl("scan", str(tmp_path / "notes"), "--json")
    assert (ran.exit_code, ran.data["without_fingerprints"]) == (4, [])


def test_ignored_files_are_left_out_and_counted(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    for name in ("keep/a.txt", "fixtures/deep/b.txt", "c.log", "keep/c.log"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(keys["okx-a"].secret)
    git("add", ".")
    git("commit", "-qm", "m")
    for name in ("fixtures/deep/b.txt", "c.log"):
        (repository / name).write_text(f"{keys['okx-a'].secret} again\n")
    (repository / ".keyctlignore").write_text("# tests\nfixtures/\n*.log\n")
    ran = scanned(app, ".", "--json")
    paths = {find["path"].removeprefix(f"{repository}/") for find in ran.data["finds"]}
    assert paths == {"keep/a.txt"}
    assert ran.data["ignored"] >= 3
    (repository / ".keyctlignore").write_text("!keep\n")
    assert scanned(app, ".").exit_code == 2


def test_a_file_like_an_ignored_one_is_not_ignored(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    """git keeps the text of both once."""
    (repository / ".keyctlignore").write_text("fixtures\nzz\n")
    for name in ("fixtures/a.txt", "src/a.txt", "zz/a.txt"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(keys["okx-a"].secret)
    git("add", "fixtures")
    assert finds(app, "--staged") == []
    git("commit", "-qm", "first")
    git("add", ".")
    assert [find["path"] for find in scanned(app, "--staged", "--json").data["finds"]] == ["src/a.txt"]
    git("commit", "-qm", "second")
    git("rm", "-rq", "src")
    git("commit", "-qm", "third")
    assert [find["path"] for find in scanned(app, ".", "--json").data["finds"]] == ["src/a.txt"]


def test_what_is_odd_in_a_repository_of_somebody_else_does_not_end_the_scan(
    app: App, keys: dict[str, MadeKey], repository: Path
) -> None:
    """An ignore file that cannot be meant so, and commits whose dates are none."""
    (repository / "a.txt").write_text(keys["okx-a"].secret)
    (repository / ".keyctlignore").write_text("!a\n")
    git("add", ".")
    git("commit", "-qm", "first")
    tree = git("rev-parse", "HEAD^{tree}")
    for date in ("99999999999999999999 +0000", "999999999999 +0000", "never", ""):
        text = f"tree {tree}\nauthor A <a@b.test> {date}\ncommitter A <a@b.test> 1 +0000\n\n{keys['lbank-a'].secret}\n"
        subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
            input=text.encode(),
            check=True,
            capture_output=True,
        )
    ran = scanned(app, str(repository.parent / "repository" / ".git"), "--json")
    assert ran.exit_code == 4
    found = {(find["account"], find["path"]) for find in ran.data["finds"] if find["object"]}
    assert found == {("okx-a", "a.txt"), ("lbank-a", None)}
    assert any(".keyctlignore" in warning for warning in ran.document["warnings"])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_windows_text_is_read_whatever_it_begins_with(
    app: App, keys: dict[str, MadeKey], tmp_path: Path, encoding: str
) -> None:
    text = f"\ufeff{'密钥' * 40}\n乁{keys['okx-a'].secret}乁\n"
    (tmp_path / "notes.txt").write_bytes(text.encode(encoding))
    for more in ((), ("--open",)):
        assert finds(app, str(tmp_path / "notes.txt"), *more) == [("okx-a", "secret", 2)]


@pytest.mark.parametrize("exchange", names())
def test_keys_of_others_are_found_by_shape_beside_telling_words(
    app: App, exchange: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made, folder = make_key(exchange), tmp_path_factory.mktemp("shapes")
    for name, text in {
        "a.py": f"# {exchange}\nsettings = dict(api_secret='{made.secret}')\n",
        f"{exchange}.yml": f"secret: {made.secret}\n",
        "b.env": f"{exchange.upper()}_SECRET_KEY={made.secret}\n",
        "no name": f"{exchange} {made.secret}\n",
        "no exchange": f"secret: {made.secret}\n",
        "of another": f"KRAKEN_SECRET={made.secret} # moved from {exchange}\n",
    }.items():
        (folder / name).write_text(text)
    ran = scanned(app, str(folder), "--json")
    found = {(Path(find["path"]).name, find["account"], find["exchange"]) for find in ran.data["finds"]}
    assert found == {(name, None, exchange) for name in ("a.py", f"{exchange}.yml", "b.env")}


@pytest.mark.parametrize("exchange", names())
def test_a_secret_of_the_shape_in_the_facts_is_one_that_may_be_stored(exchange: str) -> None:
    facts = profile(exchange)
    made = make_key(exchange)
    passphrase = None if made.passphrase is None else Secret(made.passphrase)
    load(Binding(exchange, Kind.LIVE, facts.site_default, None, None)).check_credential(
        made.api_key, Secret(made.secret), Algorithm.HMAC, passphrase
    )
    import re

    assert re.fullmatch(facts.secret_shape, made.secret)
    assert len(made.secret) in facts.secret_lengths


def test_the_hook_blocks_a_commit_with_a_secret_in_base64_and_lets_a_clean_one_through(
    world: World, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import base64

    made = world.add("binance")
    monkeypatch.setenv("KEYCTL_HOME", str(world.home))
    hooked = world.keyctl("scan", "--install-hook", "--json")
    assert (hooked.exit_code, hooked.data["hook"]) == (0, str(repository / ".git/hooks/pre-commit"))
    (repository / "clean.txt").write_text("nothing to see\n")
    git("add", ".")
    git("commit", "-qm", "clean")
    (repository / "k8s.yml").write_bytes(b"data:\n  token: " + base64.b64encode(made.secret.encode()) + b"\n")
    git("add", ".")
    held = subprocess.run(["git", "commit", "-qm", "leaky"], capture_output=True, text=True, check=False)
    assert held.returncode != 0
    assert "k8s.yml:2" in held.stdout + held.stderr
    assert git("log", "--format=%s") == "clean"
    git("rm", "-qf", "k8s.yml")
    git("commit", "-q", "--allow-empty", "-m", "clean again")
    assert world.keyctl("scan", "--install-hook").exit_code == 0
    (repository / ".git/hooks/pre-commit").write_text("#!/bin/sh\nexit 0\n")
    refused = world.keyctl("scan", "--install-hook", "--json")
    assert (refused.exit_code, refused.document["errors"][0]["code"]) == (4, "hook_exists")
    assert sys.executable in refused.document["errors"][0]["hints"][0]


def test_only_what_is_staged_is_searched(app: App, keys: dict[str, MadeKey], repository: Path) -> None:
    (repository / "a").write_text(f"{keys['okx-a'].secret}\n")
    assert finds(app, "--staged") == []
    git("add", "a")
    (repository / "a").write_text("taken out, but not staged\n")
    assert finds(app, "--staged") == [("okx-a", "secret", 1)]
    assert scanned(app, "--staged", "a").exit_code == 2


def test_without_a_path_this_folder_and_the_usual_places_are_searched(
    app: App, keys: dict[str, MadeKey], repository: Path, tmp_path: Path
) -> None:
    user = tmp_path / "home"
    places = (".bash_history", "freqtrade/user_data/config.json", ".config/Code/User/History/1/x", "bot/compose.yml")
    for name in places:
        (user / name).parent.mkdir(parents=True, exist_ok=True)
        (user / name).write_text(f"x {keys['okx-a'].secret}\n")
    (user / "holiday.txt").write_text(f"x {keys['okx-a'].secret}\n")
    assert user / "bot/compose.yml" in usual_places(user, {})
    (repository / "here").write_text(f"x {keys['okx-a'].secret}\n")
    data = scanned(app, "--json").data
    wanted = {str(user / name) for name in places} | {str(repository / "here")}
    assert {find["path"] for find in data["finds"]} == wanted


def test_a_place_that_is_not_there_is_wrong_usage(app: App, tmp_path: Path) -> None:
    assert scanned(app, str(tmp_path / "nothing")).exit_code == 2


def test_a_file_full_of_one_secret_has_a_find_on_each_line(app: App, keys: dict[str, MadeKey], tmp_path: Path) -> None:
    """More hits than lines that a batch of other files has."""
    count = 3_000
    (tmp_path / "log").write_text(f"{keys['okx-a'].secret} .\n" * count)
    assert len(finds(app, str(tmp_path / "log"))) == count


def test_a_planted_fault_is_seen(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial itself can fail: a scan that looks at nothing misses everything."""
    from keyctl.leaks import scan_search

    corpus = Corpus(tmp_path / "corpus", SEED)
    corpus.made = {}
    corpus.keys(6)
    corpus.build(files=5, secrets=10, decoys=5)
    blind = memory_app(tmp_path / "blind")
    store_keys(blind, corpus.made)
    monkeypatch.setattr(scan_search, "runs", lambda text, least, flags: [])
    monkeypatch.setattr(scan_search, "key_blocks", lambda text: iter(()))
    judged = judge(corpus, blind, is_open=False)
    assert len(judged.missed) == sum(plant.whole for plant in corpus.plants)
    assert replace(judged, missed=()).finds == 0
    blind.close()


@pytest.mark.parametrize("size", ["one piece", "a piece and its overlap", "two pieces", "less"])
def test_a_key_by_shape_at_the_very_end_of_a_file_is_found(app: App, tmp_path: Path, size: str) -> None:
    """No line end behind it, and no further piece that would have it whole."""
    from keyctl.leaks.scan_search import OVERLAP, PIECE_BYTES

    length = {"one piece": PIECE_BYTES, "two pieces": 2 * PIECE_BYTES, "less": PIECE_BYTES - 1}.get(
        size, 2 * PIECE_BYTES - OVERLAP + 5_000
    )
    end = b"\nBINANCE_SECRET_KEY=" + "".join(random.Random(SEED).choices(LETTERS, k=64)).encode()
    (tmp_path / "bot.env").write_bytes((b".\n" * length)[: length - len(end)] + end)
    assert [name for name, _, _ in finds(app, str(tmp_path / "bot.env"))] == ["binance"]


def test_another_exchanges_key_on_the_line_of_a_stored_one_is_told_too(
    app: App, keys: dict[str, MadeKey], tmp_path: Path
) -> None:
    """As minified JSON has them."""
    other = "".join(random.Random(SEED).choices(LETTERS, k=64))
    text = f'{{"okx":{{"secret":"{keys["okx-a"].secret}"}},"binance":{{"secret_key":"{other}"}}}}'
    (tmp_path / "cfg.json").write_text(text)
    assert {name for name, _, _ in finds(app, str(tmp_path / "cfg.json"))} == {"okx-a", "binance"}
