"""keyctl version: which keyctl this is. Reads no home."""

from __future__ import annotations

import platform

from keyctl import __version__
from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result, Text


@keyctl_command(examples="keyctl version\nkeyctl version --json")
def command(app: App) -> Result:
    """Print the version"""
    data = {"version": __version__, "distribution": "keyctl-crypto", "python": platform.python_version()}
    return Result(data, view=(Text(f"keyctl {__version__} (keyctl-crypto)"),))
