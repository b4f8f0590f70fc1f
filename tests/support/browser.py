"""A real headless browser, where this machine has one: it opens a page, and whatever it asks of a network is seen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
REQUIRE = "KEYCTL_TEST_REQUIRE_BROWSER"


def browser() -> str:
    """The browser's path. Skips the test, or fails where KEYCTL_TEST_REQUIRE_BROWSER=1, when there is none here."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = f"none of {', '.join(NAMES)} is installed"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def pictured(page: Path, width: int, height: int) -> tuple[bytes, list[bytes]]:
    """The page as a picture (PNG), and the first bytes of each connection that the browser wanted to make."""
    asked: list[bytes] = []
    picture = page.with_suffix(".png")
    with socket.create_server(("127.0.0.1", 0)) as proxy:  # all that it would fetch comes by here
        threading.Thread(target=_listen, args=(proxy, asked), daemon=True).start()
        done = subprocess.run(
            [
                *(browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                *(f"--proxy-server=127.0.0.1:{proxy.getsockname()[1]}", "--proxy-bypass-list=<-loopback>"),
                *(f"--user-data-dir={page.with_suffix('.profile')}", f"--window-size={width},{height}"),
                *("--hide-scrollbars", f"--screenshot={picture}", page.as_uri()),
            ],
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return picture.read_bytes(), asked


def _listen(proxy: socket.socket, asked: list[bytes]) -> None:
    while True:
        try:
            line, _ = proxy.accept()
        except OSError:
            return
        with line:
            asked.append(line.recv(200))
