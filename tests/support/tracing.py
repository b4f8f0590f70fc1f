"""System calls: a program run under strace, and every byte that it gave to the kernel to write, to send or to run.

Not seen: what goes through memory that is shared with a file. `Trace.unseen` names such ways, so that none is missed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REQUIRE = "KEYCTL_TEST_REQUIRE_KEYRING"  # where the check installs what it needs, a missing tool is a failure
STRING_MAX = 4_000_000
WRITES = ("write", "writev", "pwrite64", "pwritev", "pwritev2")
SENDS = ("sendto", "sendmsg", "sendmmsg")
RUNS = ("execve", "execveat")
# Names of files, of other things in the file system, and of the process itself.
NAMES = (
    *("open", "openat", "openat2", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat"),
    *("symlink", "symlinkat", "mknod", "mknodat", "memfd_create", "prctl", "setxattr", "fsetxattr", "bind", "connect"),
)
# These carry bytes that strace does not show.
BLIND = ("sendfile", "splice", "tee", "vmsplice", "copy_file_range", "io_uring_setup", "io_submit", "process_vm_writev")
_LINE = re.compile(r"(?P<process>\d+) +(?P<name>[a-z0-9_]+)\((?P<rest>.*)")
_TARGET = re.compile(r"(?P<number>\d+)<(?P<target>(?:->|[^<>]|<[^<>]*>)*)>")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_MAPPED = re.compile(r"PROT_[A-Z_|]*WRITE[A-Z_|]*, [A-Z_|]*MAP_SHARED[A-Z_|]*, (?P<rest>\d+<.*)")


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes of one call. `target` is a path, a pipe or a socket with its ends; for a run: "arguments", "environment".

    `foreign` when a program wrote them that the traced one had started.
    """

    process: int
    call: str
    number: int
    target: str
    data: bytes
    foreign: bool


@dataclass(slots=True)
class Trace:
    """All payloads of one run in their order, and the ways by which bytes went unseen."""

    payloads: list[Payload] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


def can_trace() -> bool:
    """Whether this machine has strace and lets it trace a process of ours."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def require_strace() -> None:
    """Skips the test, or fails where KEYCTL_TEST_REQUIRE_KEYRING=1, when there is no strace that may trace here."""
    if not can_trace():
        if os.environ.get(REQUIRE) == "1":
            pytest.fail("strace is missing where it must not be")
        pytest.skip("strace is not installed, or may not trace here")


def traced(command: Sequence[str], record: Path) -> list[str]:
    """The command line that runs a command under strace; `record` is what `read_trace` reads."""
    calls = ",".join(f"?{name}" for name in (*WRITES, *SENDS, *RUNS, *NAMES, *BLIND, "mmap"))
    options = ["-f", "-v", "-yy", "-xx", "-s", str(STRING_MAX), "--seccomp-bpf", "-e", "signal=none", "-o", str(record)]
    return ["strace", *options, "-e", f"trace={calls}", *command]


def read_trace(record: Path) -> Trace:
    """What the record of a run says."""
    trace = Trace()
    runs: dict[int, int] = {}
    first = None
    for line in record.read_text(encoding="ascii", errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue  # the second half of a call that was interrupted by another, or an exit
        process, name, rest = int(found["process"]), found["name"], found["rest"]
        first = process if first is None else first
        # The first run of the first process is ours; whatever runs after that is another program.
        foreign = runs.get(process, 0) > (process == first)
        trace.payloads += _payloads(process, name, rest, foreign, trace.unseen)
        if name in RUNS and " = -1 " not in rest:
            runs[process] = runs.get(process, 0) + 1
    return trace


def _payloads(process: int, name: str, rest: str, foreign: bool, unseen: list[str]) -> list[Payload]:
    if name in BLIND:
        unseen.append(name)
        return []
    if name == "mmap":
        shared = _MAPPED.search(rest)
        target = "" if shared is None else _target(shared["rest"])[1]
        if target and not target.endswith("journal.db-shm"):  # SQLite's index of pages: numbers only
            unseen.append(f"mmap of {target}")
        return []
    if any(more for _, more in _STRING.findall(rest)):
        unseen.append(f"{name}: more than strace shows")
    number, target = _target(rest) if name in (*WRITES, *SENDS) else (-1, "a name")
    if name not in RUNS:
        return [Payload(process, name, number, target, _bytes(rest), foreign)]
    arguments, _, environment = rest.partition("], [")
    return [
        Payload(process, name, -1, "arguments", _bytes(arguments), foreign),
        Payload(process, name, -1, "environment", _bytes(environment), foreign),
    ]


def _target(text: str) -> tuple[int, str]:
    found = _TARGET.match(text)
    if found is None:
        return -1, ""
    return int(found["number"]), re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), found["target"])


def _bytes(text: str) -> bytes:
    """All strings of a call, one after another: the pieces of one message belong together."""
    return b"".join(bytes.fromhex(string.replace("\\x", "")) for string, _ in _STRING.findall(text))
