"""Opens the accounts of a home as every command does, and prints what it took once all modules were loaded.

vault_opener.py SMALL_HOME     (a home with one account, opened first; the home to measure is KEYCTL_HOME)
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from cryptography.hazmat.primitives.kdf import scrypt as library

from keyctl.app import App


def count_derivations() -> list[int]:
    """A list that grows by one whenever the library derives a key from a passphrase, whoever asks for it."""
    made: list[int] = []
    original = library.Scrypt

    class Counted:
        def __init__(self, **cost: Any) -> None:
            self._scrypt = original(**cost)

        def derive(self, passphrase: bytes) -> bytes:
            made.append(1)
            return self._scrypt.derive(passphrase)

    library.Scrypt = Counted  # type: ignore[assignment, misc]
    return made


def open_all(environ: dict[str, str]) -> dict[str, float]:
    """Opens every account once; milliseconds until their secrets, and then their signers, are at hand."""
    start = time.perf_counter()
    app = App(environ=environ)
    accounts = app.accounts.all()
    found = app.store.get_many([account.id for account in accounts])
    opened = time.perf_counter()
    app.opened(accounts)
    signers = time.perf_counter()
    app.close()
    assert len(found) == len(accounts)
    return {"accounts": len(accounts), "open": (opened - start) * 1000, "signers": (signers - opened) * 1000}


def main(small_home: str) -> None:
    environ = dict(os.environ)
    key_only = {name: value for name, value in environ.items() if not name.startswith("KEYCTL_VAULT_")}
    open_all({**key_only, "KEYCTL_HOME": small_home})
    made = count_derivations()
    told = open_all(environ)
    sys.stdout.write(json.dumps({**told, "derivations": len(made)}))


main(*sys.argv[1:])
