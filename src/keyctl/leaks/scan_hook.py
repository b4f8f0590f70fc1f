"""The pre-commit hook that keeps a stored secret out of a repository."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, StoreUnusable
from keyctl.leaks.git_objects import hooks_file
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App

_NAME = "pre-commit"


def install(app: App) -> Result:
    """Writes the hook of this folder's repository.

    Raises SetupProblem outside a repository, CheckFailed where another hook is there, StoreUnusable.
    """
    path, line = hooks_file(Path.cwd(), _NAME), _line(app)
    if path.exists():
        if line not in path.read_text("utf-8", "replace").splitlines():
            raise CheckFailed(f"{path} exists; nothing was changed", f"add this line to it: {line}", code="hook_exists")
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o755)
            with os.fdopen(descriptor, "w") as file:
                file.write(
                    "#!/bin/sh\n# Blocks commits with a stored secret; to skip it once: git commit "
                    f"--no-verify\n{line}\n"
                )
        except OSError as error:
            raise StoreUnusable(f"{path} cannot be written: {error.strerror}") from None
    note = Note(f"{path} now blocks commits that hold a stored secret.")
    return Result({"hook": str(path)}, view=(note,))


def _line(app: App) -> str:
    """How the hook calls this keyctl, for this home, whatever the search path is then."""
    called = Path(sys.argv[0]).absolute()
    is_script = called.name in ("keyctl", "xkeyctl") and os.access(called, os.X_OK)
    program = [str(called)] if is_script else [sys.executable, "-I", "-m", "keyctl"]
    home = [] if app.home.is_default else ["env", f"KEYCTL_HOME={app.home.root}"]
    return shlex.join([*home, *program, "scan", "--staged", "--quiet"]) + " || exit 1"
