"""A real Secret Service for tests: a gnome-keyring of its own, under a D-Bus of its own, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

PROGRAMS = ("gnome-keyring-daemon", "dbus-daemon")


def require() -> None:
    """Skips the test, or fails where KEYCTL_TEST_REQUIRE_KEYRING=1, when there is no gnome-keyring here."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        reason = f"no {' and no '.join(missing)} here: install gnome-keyring and dbus to run this test"
        if os.environ.get("KEYCTL_TEST_REQUIRE_KEYRING") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


class SecretService:
    """`with SecretService(folder) as service:` and then `service.environ`. Without `unlock` it stays locked."""

    def __init__(self, folder: Path, *, unlock: bool = True) -> None:
        folder.chmod(0o700)
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        self._unlock = unlock

    def __enter__(self) -> SecretService:
        self._bus = self._start("dbus-daemon", "--session", "--nofork", "--print-address=1", self._address())
        assert self._bus.stdout is not None
        self.environ["DBUS_SESSION_BUS_ADDRESS"] = self._bus.stdout.readline().strip()
        unlock = ["--unlock"] if self._unlock else []
        self._daemon = self._start("gnome-keyring-daemon", "--foreground", "--components=secrets", *unlock)
        assert self._daemon.stdin is not None and self._daemon.stdout is not None
        self._daemon.stdin.write("test-password")
        self._daemon.stdin.close()
        self._daemon.stdout.readline()
        return self

    def __exit__(self, *exception: object) -> None:
        self.go_on()
        for process in (self._daemon, self._bus):
            process.terminate()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        assert self._bus.stdin is not None
        self._bus.stdin.close()

    def hang(self) -> None:
        """The service stays on the bus and answers nothing any more."""
        self._daemon.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again, late."""
        self._daemon.send_signal(signal.SIGCONT)

    def _address(self) -> str:
        return f"--address=unix:path={self.environ['XDG_RUNTIME_DIR']}/bus"

    def _start(self, *command: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environ, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )
