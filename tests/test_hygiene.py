"""What may not be in any file of the project: paths of a machine, real-looking keys, waiting tests, skipped tests."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Put together here so that this file does not hold them itself.
PLACES = [f"/{name}/" for name in ("root", "work", "home/[a-z]+/(?!\\.)")]
EXAMPLE_HOMES = ("/home/trader/",)


@cache
def files() -> tuple[Path, ...]:
    """Every text file of the project: by git where there is a repository, else all that lie here."""
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    names = done.stdout.split("\0")[:-1] if done.returncode == 0 else []
    paths = [ROOT / name for name in names] or [path for path in ROOT.rglob("*") if "/." not in str(path)]
    return tuple(path for path in paths if path.is_file() and path.suffix not in (".csv", ".pyc"))


def texts(*suffixes: str) -> list[tuple[Path, str]]:
    chosen = [path for path in files() if not suffixes or path.suffix in suffixes]
    return [(path.relative_to(ROOT), path.read_text(encoding="utf-8", errors="replace")) for path in chosen]


def test_there_are_files_to_look_at() -> None:
    assert len(files()) > 50


def test_nothing_lies_beside_what_belongs_on_top() -> None:
    """A test once left a backup here, and a commit took it along."""
    folders = {path.relative_to(ROOT).parts[0] for path in files() if len(path.relative_to(ROOT).parts) > 1}
    assert folders <= {".ci", "bench", "completions", "docs", "requirements", "scripts", "src", "tests"}


@pytest.mark.parametrize("place", PLACES)
def test_no_file_names_a_place_of_somebodys_machine(place: str) -> None:
    for path, text in texts():
        for example in EXAMPLE_HOMES:
            text = text.replace(example, "")
        assert not re.search(rf"(?<![\w.~/}}]){place}", text), path


def test_no_private_key_lies_about_outside_the_tests() -> None:
    for path, text in texts():
        if path.parts[0] not in ("tests", "bench"):
            assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{20}", text), path


# Each prints its reason, and fails instead of skipping under the variable that .ci/run sets.
MAY_WAIT = {
    "tests/support/terminal.py": "a terminal pauses between the pieces of a paste, and that pause is what is tried",
    "tests/orders/test_kills.py": "the real program is killed after a random delay, and then waits for real",
    "tests/vault/trials.py": "a writer's process is killed after a random delay",
}
MAY_SKIP = {
    "tests/vault/secret_service.py": "KEYCTL_TEST_REQUIRE_KEYRING: needs gnome-keyring and dbus",
    "tests/conformance/conftest.py": "KEYCTL_TEST_REQUIRE_SDKS: needs the exchanges' SDKs in environments of their own",
    "tests/support/tracing.py": "KEYCTL_TEST_REQUIRE_KEYRING: needs strace",
    "tests/network/test_ip_versions.py": "KEYCTL_TEST_REQUIRE_IPV6: needs ::1; not set by .ci/run: containers lack it",
    "tests/test_hardening.py": "KEYCTL_TEST_REQUIRE_KEYRING: needs another user",
    "tests/support/browser.py": "KEYCTL_TEST_REQUIRE_BROWSER: needs a headless Chromium; not set by .ci/run",
}


def test_no_test_waits_or_is_skipped() -> None:
    """A wait makes a test slow or flaky; a skip makes it silent. A skip for a missing keyring says why."""
    for path, text in texts(".py"):
        if path.parts[0] != "tests":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called != "time.sleep" or path.as_posix() in MAY_WAIT, f"{path} line {node.lineno}"
                if called in ("pytest.skip", "pytest.mark.skip", "pytest.xfail", "pytest.mark.xfail"):
                    assert path.as_posix() in MAY_SKIP, f"{path} line {node.lineno}"


def test_no_test_module_is_imported() -> None:
    """What two of them share has a module of its own, so that each test can be read, moved and run by itself."""
    looked_at = 0
    for path, text in texts():
        if path.parts[0] not in ("tests", "scripts") or not (
            path.suffix == ".py" or "python" in text.split("\n", 1)[0]
        ):
            continue
        looked_at += 1
        for imported in imports_of(text):
            assert not re.search(r"(^|\.)test_", imported), f"{path} imports {imported}"
    assert looked_at > 100


def imports_of(text: str) -> Iterator[str]:
    """The modules, and the names in them, that Python code imports, wherever it does."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{name.name}" for name in node.names)


@pytest.mark.parametrize(
    "text",
    [
        "from tests.orders.test_plan import wish",
        "from tests.orders import test_plan",
        "import tests.orders.test_plan",
        "def late():\n    from .test_plan import wish",
    ],
)
def test_an_imported_test_module_is_seen(text: str) -> None:
    assert any(re.search(r"(^|\.)test_", imported) for imported in imports_of(text))


def test_no_code_looks_away_from_types_or_errors() -> None:
    for path, text in texts(".py"):
        if path.parts[0] == "src":
            assert not re.search(r"except\s*:", text), path
            assert not re.search(r"# type: ignore(?!\[)", text), path


def test_every_exception_that_is_caught_whole_says_why() -> None:
    """Only where a fault becomes somebody's result: a command, a lane, a table, a keyring's thread, a twin's answer."""
    allowed = {"cli.py", "fanout.py", "output.py", "os_keyring.py", "server.py"}
    for path, text in texts(".py"):
        if path.parts[0] == "src" and "except Exception" in text:
            assert path.name in allowed, path
