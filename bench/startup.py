"""P1 to P3: how much longer a quick command takes than the interpreter, or than importing click; what it imports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.desk import Desk
from bench.goals import Line
from bench.timing import Command, in_turns, middle, plain_environ, python, ratio, run

# What the installed console script does.
KEYCTL = "import sys; from keyctl.__main__ import main; sys.exit(main())"
HEAVY = ("httpx", "keyring", "cryptography", "rich", "asyncio", "ssl", "sqlite3")
_SEEN = f"""
import atexit, sys
atexit.register(lambda: sys.stderr.write("seen: " + " ".join(name for name in {HEAVY!r} if name in sys.modules)))
"""


def quick_commands(environ: dict[str, str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """The commands of P2 by name, each with its arguments and environment."""
    completion = {"_KEYCTL_COMPLETE": "bash_complete", "COMP_WORDS": "keyctl or", "COMP_CWORD": "1"}
    return {
        "--help": (["--help"], environ),
        "completion": ([], environ | completion),
        "list (3 accounts)": (["list"], environ),
        "checklist lbank": (["checklist", "lbank"], environ),
        "diagnose binance -2015": (["diagnose", "binance", "-2015"], environ),
        "diagnose okx 50111": (["diagnose", "okx", "50111"], environ),
    }


def measure(folder: Path, numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of P1, P2 and P3."""
    if "P1" in numbers:
        environ = plain_environ(folder)
        runs = in_turns(
            {
                "pass": Command(python("-c", "pass"), environ),
                "version": Command(python("-c", KEYCTL, "--version"), environ),
            },
            repeats,
        )
        for what in ("cpu", "wall"):
            value = ratio(runs["version"], runs["pass"], what)
            yield Line("P1", f"--version over an empty python, {what}", value, 4.5)
    if numbers & {"P2", "P3"}:
        with Desk(folder) as desk:
            environ = desk.home("quick", desk.keys(3), config="")
        commands = quick_commands(environ)
        if "P2" in numbers:
            yield from _p2(commands, environ, repeats)
        if "P3" in numbers:
            for name, (arguments, used) in {"--version": (["--version"], environ), **commands}.items():
                done = run(Command(python("-c", _SEEN + KEYCTL, *arguments), used))
                seen = done.stderr.rpartition("seen: ")[2].split()
                yield Line("P3", f"heavy packages imported by {name}", len(seen), 0, "", note=" ".join(seen))


def _p2(commands: dict[str, tuple[list[str], dict[str, str]]], environ: dict[str, str], repeats: int) -> Iterable[Line]:
    measured = {"click": Command(python("-c", "import click"), environ)}
    measured |= {name: Command(python("-c", KEYCTL, *given), used) for name, (given, used) in commands.items()}
    runs = in_turns(measured, repeats)
    for name in commands:
        for what in ("cpu", "wall"):
            note = f"{middle(runs[name], what) * 1000:.0f} ms" if what == "wall" else ""
            yield Line(
                "P2", f"{name} over import click, {what}", ratio(runs[name], runs["click"], what), 1.6, note=note
            )
