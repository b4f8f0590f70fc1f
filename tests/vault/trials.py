"""Trials of the vault: kills while it changes, writers at once, damaged files, nonces. For tests and for long runs."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import keyctl
from keyctl.errors import ExitCode, KeyctlError
from keyctl.journal.database import Database
from keyctl.journal.notes import VaultNotes
from keyctl.secret import Secret
from keyctl.terminal.prompt import Prompt
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import GivenKey, new_document, read_document, renewed, seal
from keyctl.vault.generations import Generations
from keyctl.vault.sealing import canonical
from keyctl.vault.upkeep import rekey
from tests.support.processes import forking
from tests.support.stores import make_credential

KEY = GivenKey("keyfile", Secret(b"k" * 32))
PASSPHRASE = GivenKey("passphrase", Secret("a long passphrase"))
FAST = 2**15
NAMES = ("a", "b", "c", "d", "e")
STEPS = 5
LINES_MAX = 2600
DELAY_MAX_SECONDS = 0.03
CRASHED = 99
_OURS = str(Path(keyctl.__file__).parent)

Secrets = dict[str, str]


@dataclass
class Kills:
    """What was counted. `lost` must be empty: rounds after which the vault was neither the old nor the new one."""

    kills: int = 0
    rounds: int = 0
    during: Counter[str] = field(default_factory=Counter)
    old: int = 0
    new: int = 0
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {count}" for step, count in sorted(self.during.items()))
        return (
            f"kills {self.kills} ({steps}) in {self.rounds} rounds: "
            f"old {self.old}, new {self.new}, lost {len(self.lost)}"
        )


def kill_while_changing(folder: Path, kills: int, seed: int) -> Kills:
    """Children put, replace, delete and rekey, and are killed: at a random line of ours, or from outside."""
    chance = random.Random(seed)
    path = folder / "vault.json"
    make_vault(path, [KEY])
    state: Secrets = {}
    figures = Kills()
    while figures.kills < kills:
        figures.rounds += 1
        steps = [_random_step(chance) for _ in range(STEPS)]
        line = chance.randrange(1, LINES_MAX) if figures.rounds % 2 else 0
        done, killed = _run_child(path, steps, line, chance.random() * DELAY_MAX_SECONDS)
        allowed = _states(state, steps)[done : done + 2 if killed else done + 1]
        state, problem = _what_is_there(path, allowed)
        if problem:
            figures.lost.append(f"round {figures.rounds} after {done} of {steps}: {problem}")
            return figures
        if killed:
            figures.kills += 1
            figures.during[steps[done][0] if done < len(steps) else "end"] += 1
            figures.old += state == allowed[0]
            figures.new += state != allowed[0]
    return figures


def write_at_once(folder: Path, writers: int, entries: int) -> int:
    """So many processes put so many entries each, all into one vault; how many entries it holds whole then."""
    path = folder / "vault.json"
    make_vault(path, [KEY])

    def writer(number: int) -> None:
        with _opened(path) as store:
            for entry in range(entries):
                store.put(f"{number}-{entry}", make_credential(f"secret {number} {entry}"))

    children = [forked(partial(writer, number)) for number in range(writers)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * writers, codes
    names = [f"{number}-{entry}" for number in range(writers) for entry in range(entries)]
    with _opened(path) as store:
        found = store.get_many(names)
    return sum(found[name].secret.reveal().decode() == f"secret {name.replace('-', ' ')}" for name in names)


@dataclass
class Damages:
    """What was counted. `taken` must be empty: damaged files that were opened, or refused in other words."""

    refused: Counter[str] = field(default_factory=Counter)
    taken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ways = ", ".join(f"{way} {count}" for way, count in sorted(self.refused.items()))
        return f"damaged files refused {self.refused.total()} ({ways}), taken {len(self.taken)}"


def damage(folder: Path, count: int, seed: int) -> Damages:
    """Damages a vault in so many random ways and opens it each time."""
    chance = random.Random(seed)
    path, other = folder / "vault.json", folder / "other.json"
    for vault in (path, other):
        make_vault(vault, [KEY, PASSPHRASE], scrypt_n=FAST)
        EncryptedFile(vault, KEY).put_many({name: make_credential(f"{vault.name} {name}") for name in NAMES})
    whole, foreign = path.read_bytes(), other.read_bytes()
    ways = tuple(_ways(chance, foreign).items())
    figures = Damages()
    while figures.refused.total() < count and not figures.taken:
        name, way = chance.choice(ways)
        damaged = way(whole)
        if damaged in (whole, foreign):  # another whole vault under the same key is not damaged
            continue
        path.write_bytes(damaged)
        try:
            EncryptedFile(path, KEY).get_many(())
            figures.taken.append(f"{name}: opened")
        except KeyctlError as error:
            if (error.message, error.exit_code) != (
                "the vault did not open: wrong passphrase or key, or damaged vault",
                ExitCode.SETUP,
            ):
                figures.taken.append(f"{name}: {error.message}")
            figures.refused[name] += 1
    return figures


def repeated_nonces(saves: int) -> int:
    """How often a nonce came twice in so many saves, each hundredth of them with a new data key."""
    document, data_key = new_document([KEY])
    nonces: Counter[str] = Counter()
    for number in range(saves):
        if number % 100 == 99:
            document, data_key = renewed(document, [KEY])
            nonces[document["slots"][0]["nonce"]] += 1
        document = dict(read_document(seal(document, data_key, {"number": number})))
        nonces[document["nonce"]] += 1
    return nonces.total() - len(nonces)


def _random_step(chance: random.Random) -> tuple[str, str, str]:
    kind = chance.choices(("put", "delete", "rekey"), (5, 3, 2))[0]
    return kind, chance.choice(NAMES), f"{chance.randrange(10**6)}-" + "x" * chance.randrange(3000)


def _states(state: Secrets, steps: Sequence[tuple[str, str, str]]) -> list[Secrets]:
    """What the vault holds before the first step and after each."""
    states = [state]
    for kind, name, secret in steps:
        following = dict(states[-1])
        if kind == "put":
            following[name] = secret
        elif kind == "delete":
            following.pop(name, None)
        states.append(following)
    return states


def _run_child(path: Path, steps: Sequence[tuple[str, str, str]], line: int, delay_seconds: float) -> tuple[int, bool]:
    """How many steps the child reported as done, and whether it was killed."""
    read_end, write_end = os.pipe()

    def work() -> None:
        with _opened(path) as store:
            if line:
                sys.settrace(dying_at(line))
            for kind, name, secret in steps:
                if kind == "put":
                    store.put(name, make_credential(secret))
                elif kind == "delete":
                    store.delete(name)
                else:
                    rekey(store, [KEY])
                os.write(write_end, b".")

    child = forked(work)
    os.close(write_end)
    if not line:
        time.sleep(delay_seconds)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(read_end, "rb") as reports:
        done = len(reports.read())
    assert code in (0, -signal.SIGKILL), f"the child ended with {code} after {done} of {steps}"
    return done, code != 0


def dying_at(line: int) -> Callable[[FrameType, str, Any], Any]:
    """A trace function that kills this process when so many lines of ours have begun."""
    left = [line]

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "line":
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def _what_is_there(path: Path, allowed: Sequence[Secrets]) -> tuple[Secrets, str]:
    """What the vault holds, and what is wrong with that: it must open, not seem older, and be one of those allowed."""
    try:
        with _opened(path) as store:
            found = {name: item.secret.reveal().decode() for name, item in store.get_all().items()}
    except KeyctlError as error:
        return {}, error.message
    return found, "" if found in allowed else f"holds {sorted(found)}"


@contextmanager
def _opened(path: Path) -> Iterator[EncryptedFile]:
    """The vault with its memory, which is opened at the first use and closed at the end."""
    with ExitStack() as stack:

        def remember() -> VaultNotes:
            return stack.enter_context(closing(VaultNotes(Database(path.with_name("journal.db")))))

        yield EncryptedFile(path, KEY, Generations(remember, Prompt(no_input=True)))


def forked(work: Callable[[], None]) -> int:
    with forking():
        child = os.fork()
    if child == 0:
        code = CRASHED
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def _ways(chance: random.Random, foreign: bytes) -> dict[str, Callable[[bytes], bytes]]:
    def place(data: bytes) -> int:
        return chance.randrange(len(data))

    def flip(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]

    def overwrite(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + chance.randbytes(chance.randrange(1, 40)) + data[at + 40 :]

    def cut(data: bytes) -> bytes:
        return data[: place(data)]

    def drop(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + data[at + chance.randrange(1, 60) :]

    def double(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + data[max(0, at - chance.randrange(1, 60)) :]

    def insert(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + chance.choice((b" ", b"\n", b"0", b"A", b'"', b"\x00", b"{}", b",")) + data[at:]

    def splice(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + foreign[at:]

    def field_of_another(data: bytes) -> bytes:
        document = json.loads(data)
        name = chance.choice(("id", "slots", "nonce", "data", "generation"))
        document[name] = json.loads(foreign)[name] if name != "generation" else document[name] + chance.randrange(1, 9)
        return canonical(document)

    def slot_field(data: bytes) -> bytes:
        document = json.loads(data)
        slot = chance.choice(document["slots"])
        name = chance.choice(sorted(slot))
        values: Iterator[Any] = iter((slot[name], None, [], {}, True, -1, 2**16, "keyring", "AAAA", 1.5, 2**80))
        slot[name] = chance.choice(list(values))
        return canonical(document)

    def slots_turned(data: bytes) -> bytes:
        document = json.loads(data)
        document["slots"] = chance.choice((document["slots"][::-1], document["slots"][:1], document["slots"] * 2, []))
        return canonical(document)

    ways = (flip, overwrite, cut, drop, double, insert, splice, field_of_another, slot_field, slots_turned)
    return {way.__name__.replace("_", " "): way for way in ways}
