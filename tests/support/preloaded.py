"""keyctl for shell lines: each call is forked from one process that has it imported, and so starts in no time.

A program file that a shell can run stands for it; that hands its arguments, environment and streams to the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyctl.__main__ import main
from tests.support.processes import forking
from tests.support.unwritable import give_up_what_root_may

_BYTES = 1024 * 1024
_CLIENT = """#!{python} -IS
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({place!r})
facts = json.dumps([sys.argv, dict(os.environ), os.getcwd()]).encode()
socket.send_fds(line, [len(facts).to_bytes(4, "big")], [0, 1, 2])
line.sendall(facts)
sys.exit(int(line.makefile().read() or 1))
"""


@contextmanager
def preloaded(folder: Path) -> Iterator[Path]:
    """The program file, for as long as the process behind it runs."""
    place, program = folder / "line", folder / "keyctl"
    program.write_text(_CLIENT.format(python=sys.executable, place=str(place)))
    program.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))
        door.listen()
        with forking():
            server = os.fork()
        if server == 0:
            _serve(door)
        try:
            yield program
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


def _serve(door: socket.socket) -> None:
    """Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    give_up_what_root_may()
    import keyctl.cli
    import keyctl.commands.add
    import keyctl.keys.import_  # noqa: F401

    while True:
        line, _ = door.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(line)
        line.close()


def _answer(line: socket.socket) -> None:
    """One call, in a process of its own, so that it may become another program. Never returns."""
    size, streams, _, _ = socket.recv_fds(line, 4, 3)
    facts = b""
    while len(facts) < int.from_bytes(size, "big"):
        facts += line.recv(_BYTES)
    arguments, environ, folder = json.loads(facts)
    child = os.fork()
    if child == 0:
        line.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin, sys.stdout, sys.stderr = (
            open(n, "w" if n else "r", encoding="utf-8", closefd=False) for n in range(3)
        )
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        sys.argv = arguments
        _end()
    for stream in streams:
        os.close(stream)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    line.sendall(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def _end() -> None:
    code = 1
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
