"""P15: a scan for 100 stored secrets, locked and with the store open, against reading the same bytes and against tools
that look for fixed texts; of a history against git's own stream piped into such a tool; and of the pre-commit hook."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.desk import Desk
from bench.goals import Line
from bench.startup import KEYCTL
from bench.timing import Command, Run, in_turns, middle, python, ratio
from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key

NUMBERS = {"P15"}
ACCOUNTS = 100
FILES, BYTES = 5_000, 250_000_000
HISTORY_BYTES, REVISIONS = 60_000_000, 20
_READ = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        file = os.open(os.path.join(folder, name), os.O_RDONLY)
        while os.read(file, 1 << 20):
            pass
        os.close(file)
"""


def measure(folder: Path, numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of P15."""
    with Desk(folder) as desk:
        environ = desk.home("scanned", desk.keys(ACCOUNTS))
    texts = folder / "texts"
    _write_texts(texts, FILES, BYTES)
    patterns = folder / "patterns"
    patterns.write_text("".join(f"{make_key('binance', Algorithm.HMAC).secret}\n" for _ in range(ACCOUNTS)))
    ripgrep = shutil.which("rg")
    tool = "rg" if ripgrep else "grep (no rg here)"
    fixed = f"rg -uuu -F -f {patterns}" if ripgrep else f"LC_ALL=C grep -a -F -f {patterns}"
    environ = {**environ, "GIT_CONFIG_GLOBAL": os.devnull}

    runs = in_turns(
        {
            "read": Command(python("-I", "-c", _READ, str(texts)), environ),
            "locked": _keyctl(environ, texts),
            "open": _keyctl(environ, texts, "--open"),
            "tool": Command(["sh", "-c", f"{fixed} {'' if ripgrep else '-r '}{texts} || true"], environ),
            "git grep": Command(
                ["sh", "-c", f"cd {texts} && git grep --no-index -a -F -f {patterns} || true"], environ
            ),
        },
        repeats,
    )
    size = f"{BYTES / 1e6:.0f} MB in {FILES} files, {ACCOUNTS} accounts"
    goals = (("locked", "read", 5), ("open", "read", 5), ("locked", "tool", 2.5), ("locked", "git grep", 1.2))
    for mode, over, goal in goals:
        name = {"read": "a read-only pass", "tool": tool}.get(over, over)
        note = f"{_seconds(runs[mode])} over {_seconds(runs[over])}; {size}"
        yield Line("P15", f"scan, {mode}, over {name}", ratio(runs[mode], runs[over], "wall"), goal, note=note)
    yield from _histories(folder, fixed, tool, environ, repeats)


def _keyctl(environ: dict[str, str], place: Path, *options: str) -> Command:
    return Command(python("-c", KEYCTL, "scan", str(place), "--quiet", *options), environ)


def _histories(folder: Path, fixed: str, tool: str, environ: dict[str, str], repeats: int) -> Iterable[Line]:
    repository = folder / "repository"
    _write_history(repository)
    stream = f"git -C {repository} cat-file --batch-all-objects --batch | {fixed} || true"
    hooked = folder / "hooked"
    _write_texts(hooked, FILES, FILES * 2_000)
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "all"), ("gc", "-q")):
        _git(hooked, *arguments)
    (hooked / "one-more.txt").write_text("a clean line\n")
    _git(hooked, "add", ".")
    called = f"cd {hooked} && exec {' '.join(python('-c'))} '{KEYCTL}' scan --staged --quiet"
    runs = in_turns(
        {
            "stream": Command(["sh", "-c", stream], environ),
            "locked": _keyctl(environ, repository / ".git"),
            "open": _keyctl(environ, repository / ".git", "--open"),
            "hook": Command(["sh", "-c", called], environ),
        },
        repeats,
    )
    for mode in ("locked", "open"):
        note = f"{_seconds(runs[mode])} over {_seconds(runs['stream'])}"
        what = f"scan of a history, {mode}, over git's stream into {tool}"
        yield Line("P15", what, ratio(runs[mode], runs["stream"], "wall"), 3, note=note)
    note = f"a clean commit of one file in {FILES}; {_seconds(runs['hook'])}"
    yield Line("P15", "the pre-commit hook", middle(runs["hook"], "wall"), 0.3, "s", note=note)


def _seconds(runs: Sequence[Run]) -> str:
    return f"{middle(runs, 'wall'):.2f} s ({middle(runs, 'cpu'):.2f} of CPU)"


def _write_texts(folder: Path, files: int, size: int) -> None:
    """Files as of code: lines of the standard library, in an order of their own."""
    rnd, lines = random.Random(1), _lines()
    each = size // files
    for number in range(files):
        place = folder / f"{number % 100:02}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_bytes(_text(lines, rnd, each))


def _write_history(repository: Path) -> None:
    """Revisions of files that change a little each time, packed."""
    rnd, lines = random.Random(2), _lines()
    repository.mkdir()
    _git(repository, "init", "-q")
    files = {f"{number}.txt": _text(lines, rnd, 20_000) for number in range(HISTORY_BYTES // REVISIONS // 20_000)}
    for revision in range(REVISIONS):
        for name, text in files.items():
            files[name] = text + _text(lines, rnd, 200)
            (repository / name).write_bytes(files[name])
        _git(repository, "add", ".")
        _git(repository, "commit", "-qm", f"revision {revision}")
    _git(repository, "gc", "-q")


def _lines() -> list[bytes]:
    found: list[bytes] = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        found += path.read_bytes().splitlines(keepends=True)
    return found


def _text(lines: list[bytes], rnd: random.Random, size: int) -> bytes:
    parts, length = list[bytes](), 0
    while length < size:
        at = rnd.randrange(len(lines))
        part = b"".join(lines[at : at + 40])
        parts.append(part)
        length += len(part)
    return b"".join(parts)[:size]


def _git(repository: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=some@body.test", "-c", "core.autocrlf=false")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True, env=environ)
