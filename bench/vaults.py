"""P18: opening many accounts from the vault, by key file and by passphrase, once the program has started."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from bench.desk import Desk
from bench.goals import Line
from bench.timing import Command, in_turns, python
from keyctl.app import App
from keyctl.cli import outcome
from keyctl.terminal.output import Result

NUMBERS = {"P18"}
ACCOUNTS = 100
FEW = 1
ROOT = str(Path(__file__).parent.parent)
PHRASE = b"correct horse battery staple\n"


def measure(folder: Path, numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of P18."""
    with Desk(folder) as desk:
        many, few = desk.home("many", desk.keys(ACCOUNTS)), desk.home("few", desk.keys(FEW))
    for environ in (many, few):
        _add_passphrase(environ)
    opener = python(f"{ROOT}/bench/vault_opener.py", few["KEYCTL_HOME"])
    by_file = Command(opener, {**many, "PYTHONPATH": ROOT})
    runs = [json.loads(done.stdout) for done in in_turns({"file": by_file}, repeats)["file"]]
    times = sorted(told["open"] for told in runs)
    signers = median(told["signers"] for told in runs)
    note = f"{times[0]:.1f} to {times[-1]:.1f} in {len(times)} runs; their signers {signers:.1f} ms more"
    yield Line(
        "P18", f"{ACCOUNTS} accounts opened by key file, work after start-up", median(times), 10, "ms", note=note
    )
    yield Line("P18", "keys derived from a passphrase then", max(told["derivations"] for told in runs), 0, "")
    told = {count: _by_passphrase(opener, environ) for count, environ in ((FEW, few), (ACCOUNTS, many))}
    wrong = sum(abs(item["derivations"] - 1) for item in told.values())
    note = "; ".join(f"{count}: {item['derivations']} in {item['open']:.0f} ms" for count, item in told.items())
    yield Line("P18", f"by passphrase, not one derivation for {FEW} or {ACCOUNTS} accounts", wrong, 0, "", note=note)


def _add_passphrase(environ: dict[str, str]) -> None:
    """A slot for the passphrase beside the key file's."""
    reader = _phrase()
    done = outcome(["vault", "add-slot", "passphrase", "--passphrase-fd", str(reader)], App(environ=environ))
    os.close(reader)
    assert isinstance(done, Result) and not done.errors, done


def _by_passphrase(opener: list[str], environ: dict[str, str]) -> dict[str, Any]:
    """What the opener told when the vault was opened by its passphrase."""
    reader = _phrase()
    more = {"KEYCTL_VAULT_SOURCE": "passphrase", "KEYCTL_VAULT_PASSPHRASE_FD": str(reader), "PYTHONPATH": ROOT}
    done = subprocess.run(opener, env={**environ, **more}, pass_fds=[reader], capture_output=True, check=True)
    os.close(reader)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _phrase() -> int:
    """A descriptor from which the passphrase can be read once."""
    reader, writer = os.pipe()
    os.write(writer, PHRASE)
    os.close(writer)
    return reader
