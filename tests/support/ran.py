"""Ran: what one run of keyctl gave, in whichever way it was run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of keyctl gave."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)  # type: ignore[no-any-return]

    @property
    def data(self) -> dict[str, Any]:
        return self.document["data"]  # type: ignore[no-any-return]
