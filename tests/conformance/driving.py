"""What every driver does around its SDK: the key and the order come in on stdin, what was seen goes out as one line.

Drivers run in an environment that holds their SDK and nothing of this project, so this is the standard library alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Given = dict[str, str]


def main(package: str, drive: Callable[[Given], dict[str, Any]], refused: Callable[[Given], str]) -> None:
    """Drives the SDK with the key that was given, then with one character of its secret changed, and tells."""
    given: Given = json.load(sys.stdin)
    seen = drive(given) | {"refused": refused(given | {"secret": given["wrong_secret"]})}
    print(json.dumps({"package": package, "version": version(package), "seen": seen}))
