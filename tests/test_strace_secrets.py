"""Under strace no write, send or exec carries a secret, but where handing it on is what the command is for.

Every command runs in processes of its own on the twin: with the vault, with a real Secret Service, with --debug.
A build with a planted leak is caught, for each of five leaks.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import keyctl
from tests.support.command_list import commands
from tests.support.secret_course import BUY, Course, Step, every_command, with_keyring
from tests.support.tracing import read_trace, require_strace
from tests.support.world import World
from tests.vault.secret_service import SecretService, require

pytestmark = pytest.mark.slow

# Where a secret must have been seen, or the search itself is blind.
SEEN = {"add", "demo", "env", "exec", "export", "reveal", "vault init"}
DEBUG = ("--debug",)


def test_no_call_carries_a_secret_of_the_vault(tmp_path: Path) -> None:
    """Without and with --debug, side by side: each in a world of its own."""
    require_strace()
    with World(tmp_path / "plain") as plain, World(tmp_path / "debug") as debug:
        courses = [Course(plain, tmp_path / "plain"), Course(debug, tmp_path / "debug", more=DEBUG)]
        for course in courses:
            course.furnish()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda course: course.go(every_command(course)), courses))
        for course in courses:
            check(course)


@pytest.mark.keyring
def test_no_call_carries_a_secret_of_the_keyring(tmp_path: Path) -> None:
    require_strace()
    require()
    folder = tmp_path / "keyring"
    folder.mkdir()
    with SecretService(folder) as service, World(tmp_path / "world") as world:
        bus = {name: service.environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
        course = Course(world, tmp_path, environ=bus, more=DEBUG)
        course.furnish()
        course.go(with_keyring(course))
        check(course)
        assert course.bytes_to("UNIX-STREAM") > 50_000, "the keyring was used"


def check(course: Course) -> None:
    course.watch_stored()
    leaks = course.leaks()
    assert leaks == [], "\n".join(leaks)
    run = {step.command for step, _ in course.runs}
    assert {" ".join(words) for words in commands()} - run == set(), "every command was run"
    seen = course.handed_on()
    assert {name for name, found in seen.items() if found} == SEEN
    assert course.bytes_to("TCP:") > 20_000, "the exchanges were talked to"


# Each is put behind the text of a module, in a copy of the package; HMACKey is made of the secret of every HMAC key.
_AT_SIGNING = """

def _leaking(make):
    def leak(self, secret, *more):
        _leak(secret.reveal())
        make(self, secret, *more)
    return leak

HMACKey.__init__ = _leaking(HMACKey.__init__)
"""
LEAKS = {
    "a log line": """
def _leak(secret):
    import logging
    logging.getLogger("keyctl.exchanges.signing").warning("signing with %s", secret.decode())
""",
    "an argument of a program": """
def _leak(secret):
    import subprocess
    subprocess.run(["true", "--key=" + base64.b64encode(secret).decode()])
""",
    "a file that is gone again": """
def _leak(secret):
    import tempfile
    with tempfile.TemporaryFile() as file:
        for start in range(0, len(secret), 7):
            file.write(secret[start : start + 7])
            file.flush()
""",
    "the words of an error": """
def _leak(secret):
    raise SetupProblem(f"the secret {secret!r} cannot be used", code="bad_credential")
""",
    "a header of a request": """
def _leak(secret):
    from dataclasses import replace
    from keyctl.network.line import Line
    prepare = Line.prepare
    Line.prepare = lambda self, wire: prepare(self, replace(wire, headers=(*wire.headers, ("X-Trace", secret.hex()))))
""",
}


@pytest.mark.parametrize("leak", [None, *LEAKS])
def test_a_build_with_a_planted_leak_is_caught(tmp_path: Path, leak: str | None) -> None:
    """And the same build without one is not."""
    require_strace()
    build = tmp_path / "build"
    shutil.copytree(Path(keyctl.__file__).parent, build / "keyctl")
    if leak is not None:
        with open(build / "keyctl" / "exchanges" / "signing.py", "a", encoding="utf-8") as module:
            module.write("\n\n" + LEAKS[leak] + _AT_SIGNING)
    start = (
        f"import sys; sys.path.insert(0, {str(build)!r}); import keyctl; from keyctl.__main__ import main; "
        f"assert keyctl.__file__.startswith({str(build)!r}); main()"
    )
    with World(tmp_path / "world") as world:
        made = world.add("okx")
        course = Course(world, tmp_path, more=DEBUG, program=("-I", "-c", start))
        course.canaries.watch("okx", made)
        course.run(Step("order", [*BUY, "-a", "okx-a", "--yes"], codes=(0, 3)))
        assert course.trouble == []
        assert bool(course.leaks()) is (leak is not None)
        secret_itself = [found for found in course.leaks() if "sendto" in found]
        assert bool(secret_itself) is (leak == "a header of a request")


def test_the_reading_of_a_record_is_not_blind(tmp_path: Path) -> None:
    """strace's own words, as it writes them."""

    def hexed(text: str) -> str:
        return "".join(f"\\x{byte:02x}" for byte in text.encode())

    record = tmp_path / "record"
    pipe, path, socket = hexed("pipe:[7]"), hexed("/tmp/a"), "TCP:[127.0.0.1:5->127.0.0.1:9]"
    record.write_text(
        f'5  execve("{path}", ["{hexed("a")}", "{hexed("b")}"], ["{hexed("X=1")}"]) = 0\n'
        f'5  writev(2<{hexed("/dev/null")}<char 1:3>>, [{{iov_base="{hexed("on")}", iov_len=2}}, '
        f'{{iov_base="{hexed("e")}", iov_len=1}}], 2) = 3\n'
        f'6  execve("{path}", ["{hexed("two")}"], ["{hexed("Y=2")}"] <unfinished ...>\n'
        f'6  write(1<{pipe}>, "{hexed("three")}", 5) = 5\n'
        f'5  sendto(9<{socket}>, "{hexed("four")}", 4, 0, NULL, 0) = 4\n'
        f'5  write(4<{path}>, "{hexed("five")}"..., 9000000) = 9000000\n'
        f"5  sendfile(4<{path}>, 3<{path}>, NULL, 9) = 9\n"
        f"5  mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 4<{path}>, 0) = 0x7f\n"
        f"5  mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4<{path}>, 0) = 0x7f\n"
    )
    trace = read_trace(record)
    found = [(item.process, item.number, item.target, item.data, item.foreign) for item in trace.payloads]
    assert found == [
        (5, -1, "arguments", b"/tmp/aab", False),
        (5, -1, "environment", b"X=1", False),
        (5, 2, "/dev/null<char 1:3>", b"one", False),
        (6, -1, "arguments", b"/tmp/atwo", False),
        (6, -1, "environment", b"Y=2", False),
        (6, 1, "pipe:[7]", b"three", True),
        (5, 9, socket, b"four", False),
        (5, 4, "/tmp/a", b"five", False),
    ]
    assert trace.unseen == ["write: more than strace shows", "sendfile", "mmap of /tmp/a"]
