"""A course through every command, as processes under strace: what was run, what the kernel was given, what leaked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyctl.model.words import Algorithm
from keyctl.twin.faults import FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.canary import Canaries
from tests.support.ran import Ran
from tests.support.terminal import Person
from tests.support.tracing import Payload, Trace, read_trace, traced
from tests.support.world import IPS, RIGHTS, World, credentials

KEYS = {
    "binance": Algorithm.ED25519,
    "bitfinex": Algorithm.HMAC,
    "lbank": Algorithm.RSA,
    "okx": Algorithm.HMAC,
}
PHRASE = "open sesame, and more"
BUY = ("buy", "BTC/USDT", "0.005", "--price", "58000")
PERPETUAL = "BTC/USDT:USDT"
PROGRAM = ("-I", "-m", "keyctl")
# The demo makes its own keys; this tells them to us through a pipe that nobody else knows.
DEMO = """
import json, os, sys
from keyctl.commands import demo_world
from keyctl.__main__ import main
make, tell = demo_world.make_key, int(sys.argv.pop(1))
def told(*given, **named):
    made = make(*given, **named)
    os.write(tell, json.dumps([made.secret, made.passphrase]).encode() + b"\\n")
    return made
demo_world.make_key = told
main()
"""
_HEADER = re.compile(rb"(?i)\r\nOK-ACCESS-PASSPHRASE: [^\r\n]*(?=\r\n)")

Allowed = Callable[[Payload], bool]


def nothing(payload: Payload) -> bool:
    """No call of the step may carry a secret."""
    return False


def to_stdout(payload: Payload) -> bool:
    """`env` hands the key to the pipe that it was given."""
    return payload.call == "write" and payload.number == 1 and payload.target.startswith("pipe:")


def to_terminal(payload: Payload) -> bool:
    """`reveal` shows it to the person."""
    return payload.call == "write" and payload.target.startswith(("/dev/tty", "/dev/pts/"))


def to_program(payload: Payload) -> bool:
    """`exec` gives it to the program that it becomes, in its environment."""
    return payload.target == "environment"


def by_secret_command(payload: Payload) -> bool:
    """The person's own command prints the secret into our pipe."""
    return payload.foreign and payload.number == 1 and payload.target.startswith("pipe:")


def to_key_file(payload: Payload) -> bool:
    """The key of a vault or a backup is written into the file that was named for it."""
    return payload.call == "write" and Path(payload.target).name.lstrip(".").startswith("key-of-")


def to_us(payload: Payload) -> bool:
    """What DEMO tells this test."""
    return payload.call == "write" and payload.number > 2 and payload.target.startswith("pipe:")


@dataclass(frozen=True, slots=True)
class Step:
    """One run of keyctl: the command's words, its arguments, and the one way in which a secret may go on."""

    command: str
    arguments: Sequence[object] = ()
    stdin: str = ""
    codes: tuple[int, ...] = (0,)
    allowed: Allowed = nothing
    home: Path | None = None
    typed: str | None = None
    """What a person types at the terminal; None: there is no terminal."""
    phrase: str | None = None
    """A passphrase for the descriptor that the argument FD stands for."""


@dataclass(slots=True)
class Course:
    """Where the runs go on, what they left, and what was found in it."""

    world: World
    folder: Path
    canaries: Canaries = field(default_factory=Canaries)
    environ: dict[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    program: tuple[str, ...] = PROGRAM
    runs: list[tuple[Step, Trace]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    last: Ran = field(default_factory=lambda: Ran(0, "", ""))

    def __post_init__(self) -> None:
        self.environ = {**self.world.environ, **self.environ}
        self.canaries.watch_text("a passphrase", PHRASE)
        if self.world.key_file.exists():
            self.canaries.watch_bytes("the vault's key", self.world.key_file.read_bytes())

    def furnish(self) -> None:
        """One account at each exchange, all kinds of keys among them."""
        for exchange, algorithm in KEYS.items():
            self.canaries.watch(exchange, self.world.add(exchange, algorithm=algorithm, rights=RIGHTS))

    def new_key(
        self,
        exchange: str,
        algorithm: Algorithm = Algorithm.HMAC,
        uid: str | None = None,
        rights: tuple[str, ...] = RIGHTS,
    ) -> MadeKey:
        """One more key at the exchange, watched for."""
        made = make_key(exchange, algorithm, rights=rights, ips=IPS, uid=uid)
        self.world.twin.add_key(exchange, made)
        self.canaries.watch(f"new {exchange}", made)
        return made

    def put(self, name: str, text: str) -> Path:
        """A private file of the person's."""
        path = self.world.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def go(self, steps: Iterator[Step]) -> None:
        """Runs the steps one after another; each is made when it is its turn."""
        for step in steps:
            self.run(step)

    def run(self, step: Step) -> Ran:
        """One step under strace; what the kernel was given is kept."""
        record = self.folder / f"calls-{len(self.runs)}"
        line = [*step.command.split(), *self.more, *map(str, step.arguments)]
        environ = self.environ if step.home is None else {**self.environ, "KEYCTL_HOME": str(step.home)}
        if step.command == "demo":
            ran = self._demo(record, line, environ)
        elif step.typed is not None:
            strace, *rest = traced([sys.executable, *self.program, *line], record)
            code, seen = Person(rest, environ, strace).waits_for("Type ").types(f"{step.typed}\n").leaves()
            ran = Ran(code, seen, "")
        else:
            ran = self._process(record, line, environ, step)
        if ran.exit_code not in step.codes:
            self.trouble.append(f"{' '.join(line)}: exit {ran.exit_code}: {ran.stdout[-300:]} {ran.stderr[-600:]}")
        self.runs.append((step, read_trace(record)))
        record.unlink()
        self.last = ran
        return ran

    def _process(self, record: Path, line: list[str], environ: dict[str, str], step: Step) -> Ran:
        reader, writer = os.pipe()
        os.write(writer, f"{step.phrase or ''}\n".encode())
        os.close(writer)
        line = [str(reader) if word == "FD" else word for word in line]
        done = subprocess.run(
            traced([sys.executable, *self.program, *line], record),
            input=step.stdin, capture_output=True, text=True, env=environ, pass_fds=[reader], timeout=120, check=False,
        )  # fmt: skip
        os.close(reader)
        return Ran(done.returncode, done.stdout, done.stderr)

    def _demo(self, record: Path, line: list[str], environ: dict[str, str]) -> Ran:
        reader, tell = os.pipe()
        done = subprocess.run(
            traced([sys.executable, "-I", "-c", DEMO, str(tell), *line], record),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environ, pass_fds=[tell], timeout=120,
        )  # fmt: skip
        os.close(tell)
        with os.fdopen(reader) as told:
            for number, text in enumerate(told):
                self.canaries.watch_secret(f"demo key {number}", *json.loads(text))
        return Ran(done.returncode, done.stdout, done.stderr)

    def watch_stored(self) -> None:
        """Watches for all that is in the vault now: key pairs that keygen made are known to nobody before."""
        app = self.world.app()
        for account in app.accounts.all():
            stored = app.store.get(account.id)
            phrase = None if stored.passphrase is None else stored.passphrase.reveal().decode()
            self.canaries.watch_secret(f"stored {account.label}", stored.secret.reveal().decode(), phrase)
        app.close()

    def leaks(self) -> list[str]:
        """Every secret that went another way than its step allows; and every way that could not be looked into."""
        ports = () if not self.world.twin.exchanges else (self.world.twin.endpoint("okx").rpartition(":")[2],)
        found = list(self.trouble)
        for step, trace in self.runs:
            found += [f"{step.command}: unseen: {what}" for what in trace.unseen]
            okx = None if step.command == "demo" else ports
            for (call, target), data in _streams(trace, step.allowed, okx).items():
                found += [f"{step.command}: {call} to {target}: {what}" for what in self.canaries.find(bytes(data))]
        return found

    def handed_on(self) -> dict[str, list[str]]:
        """The secrets that went the allowed way, by command: proof that a secret would be seen."""
        found: dict[str, list[str]] = {}
        for step, trace in self.runs:
            data = b"".join(payload.data for payload in trace.payloads if step.allowed(payload))
            if data:
                found.setdefault(step.command, []).extend(self.canaries.find(data))
        return found

    def bytes_to(self, target: str) -> int:
        """How much went to places whose name begins like that."""
        every = (payload for _, trace in self.runs for payload in trace.payloads)
        return sum(len(payload.data) for payload in every if payload.target.startswith(target))


def _streams(trace: Trace, allowed: Allowed, okx: tuple[str, ...] | None) -> dict[tuple[str, str], bytearray]:
    """All that went to each place, in one piece: a secret in two writes is a secret.

    OKX's protocol has the passphrase in a header of its own; that line, to that exchange, is left out.
    """
    streams: dict[tuple[str, str], bytearray] = {}
    for payload in trace.payloads:
        if allowed(payload):
            continue
        data = payload.data
        peer = re.fullmatch(r"TCP:\[127\.0\.0\.1:\d+->127\.0\.0\.1:(\d+)\]", payload.target)
        if peer is not None and (okx is None or peer[1] in okx):
            data = _HEADER.sub(b"", data, count=1)
        streams.setdefault((payload.call, payload.target), bytearray()).extend(data)
    return streams


def with_keyring(course: Course) -> Iterator[Step]:
    """Every command in a home whose secrets are in the system's keyring; at the end they are moved to a vault."""
    yield Step("vault migrate", ["--to", "keyring"])
    yield from every_command(course)
    key = course.world.folder / "keys" / "key-of-vault"
    yield Step("vault migrate", ["--to", "vault", "--key-file", key], allowed=to_key_file)


def every_command(course: Course) -> Iterator[Step]:
    """Each command of the program at least once, working and failing, in an order in which the later ones can work."""
    yield from _looks()
    yield from _intake(course)
    yield from _uses()
    yield from _orders(course)
    yield from _lending(course)
    yield from _leaks(course)
    yield from _changes(course)
    yield from _vaults(course)
    yield Step("demo", ["--no-input"], allowed=to_us)


def _looks() -> Iterator[Step]:
    yield from (Step("list"), Step("show", ["okx-a"]), Step("show", ["nobody"], codes=(3,)))
    yield from (Step("price", ["BTC/USDT"]), Step("checklist", ["okx"]), Step("completion", ["bash"]))
    yield from (Step("completion", ["fish", "--install"]), Step("completion", ["bash", "--install"]))
    yield from (
        Step("config path"),
        Step("config show", ["--origin"]),
        Step("config check"),
        Step("config edit", codes=(10,)),
    )
    yield from (Step("group add", ["trio", "okx-a"]), Step("group list"), Step("group remove", ["trio", "--all"]))
    yield from (Step("limits"), Step("doctor", codes=(0, 4)), Step("diagnose", ["okx", "50113"]))
    yield from (Step("version"), Step("help"), Step("help", ["safety"]), Step("help", ["nothing"], codes=(2,)))


def _intake(course: Course) -> Iterator[Step]:
    endpoint = course.world.twin.endpoint("binance")
    for way in ("stdin", "file", "command"):
        made = course.new_key("binance")
        line = ["binance", "--label", f"by-{way}", "--endpoint", endpoint, "--api-key", made.api_key, "--no-verify"]
        path = course.put(f"secret-{way}", made.secret + "\n")
        ways: dict[str, list[str | Path]] = {"stdin": [], "file": [path], "command": [f"cat {path}"]}
        allowed = by_secret_command if way == "command" else nothing
        stdin = made.secret if way == "stdin" else ""
        yield Step("add", [*line, f"--secret-{way}", *ways[way]], stdin, allowed=allowed)
    made, place = course.new_key("okx"), ("--endpoint", course.world.twin.endpoint("okx"))
    yield Step("add", ["okx", "--label", "okx-b", *place, "--credentials-stdin"], credentials(made), codes=(0, 4))
    spoilt = json.dumps({**json.loads(credentials(made)), "secret": made.secret + "\u200b"})
    yield Step("add", ["okx", "--label", "okx-c", *place, "--credentials-stdin"], spoilt, codes=(3,))
    made = course.new_key("binance")
    path = course.put("bot.env", f"BINANCE_API_KEY={made.api_key}\nBINANCE_API_SECRET='{made.secret}'\nBROKEN='a' 'b\n")
    yield from (Step("import", [path, "--yes"]), Step("remove", ["binance-main", "--yes"]))  # it is no twin's
    yield Step("keygen", ["binance", "--label", "pair", "--endpoint", endpoint])
    yield Step("keygen", ["lbank", "--label", "rsa-pair", "--out", course.world.folder / "public.pem"])


def _uses() -> Iterator[Step]:
    yield Step("verify", ["--all"], codes=(0, 4))
    yield Step("diagnose", ["okx-a"], codes=(0, 4))
    yield from (Step("balance", ["--all"], codes=(0, 6)), Step("positions", ["--all"], codes=(0, 6)))
    yield Step("request", ["okx-a", "GET", "/api/v5/account/config"])
    yield Step("request", ["okx-a", "GET", "/api/v5/account/config", "--dry-run"])
    yield Step("exec", ["okx-a", "--", "/bin/true"], allowed=to_program)
    yield Step("exec", ["binance-a", "--as", "ccxt", "--", "/nowhere/at/all"], codes=(3,), allowed=to_program)
    yield Step("env", ["okx-a"], allowed=to_stdout)
    yield Step("reveal", ["okx-a"], allowed=to_terminal, typed="okx-a")
    yield Step("reveal", ["okx-a"], codes=(4,), typed="okx")
    yield Step("whitelist set", ["-a", "okx-a", "127.0.0.1"])
    yield from (Step("whitelist show", ["okx-a"]), Step("whitelist plan", ["--all"], codes=(0, 4)))


def _orders(course: Course) -> Iterator[Step]:
    four = [word for exchange in KEYS for word in ("-a", f"{exchange}-a")]
    yield Step("order", [*BUY, "--fanout", *four, "--dry-run", "--json"])
    plan = course.last.data["plan"]
    yield Step("order", ["--plan", plan, "--yes"])
    course.world.fault(kind=FaultKind.RESET_AFTER, exchange="okx", operation="place")
    yield Step("order", [*BUY, "-a", "okx-a", "--yes", "--again"], codes=(0, 7))
    course.world.fault(kind=FaultKind.GARBAGE, exchange="binance", operation="place")
    yield Step("order", [*BUY, "-a", "binance-a", "--yes", "--again", "--json"], codes=(0, 7))
    yield from _perpetuals()
    yield from (
        Step("orders list"),
        Step("orders list", ["--open", "--all"]),
        Step("orders settle", codes=(0, 7)),
        Step("orders refresh", codes=(0, 6)),
        Step("orders export"),
    )
    yield Step("orders show", [plan])
    yield Step("orders resolve", [plan, "okx-a", "--as", "accepted", "--because", "seen", "--yes"], codes=(2, 4))
    yield from (Step("cancel", ["--all", "--yes"], codes=(0, 6, 7)), Step("halt", ["a test"]), Step("halt", ["--lift"]))


def _perpetuals() -> Iterator[Step]:
    three = [word for exchange in KEYS if exchange != "lbank" for word in ("-a", f"{exchange}-a")]
    yield Step("order", ["buy", PERPETUAL, "0.005", "--leverage", "2", "--fanout", *three, "--expect-value", "909.18"])
    resting = ["buy", PERPETUAL, "0.002", "--price", "59000", "--leverage", "2", "-a", "lbank-a"]
    yield Step("order", [*resting, "--experimental", "--expect-value", "118", "--yes"], codes=(0, 7))
    yield Step("positions", ["--all"])
    yield Step("fills", ["--all", "--symbol", "BTC/USDT"], codes=(0, 6))
    yield Step("close", [PERPETUAL, *three, "--yes"])


def _lending(course: Course) -> Iterator[Step]:
    made, place = course.new_key("bitfinex", rights=("read", "funding")), course.world.twin.endpoint("bitfinex")
    line = ["bitfinex", "--label", "lend", "--profile", "funding", "--endpoint", place, "--credentials-stdin"]
    yield Step("add", line, credentials(made), codes=(0, 4))
    for shown in ("rates", "offers", "credits", "loans", "history", "report", "settle"):
        yield Step(f"funding {shown}", ["-a", "lend"])
    yield Step("funding book", ["USD", "-a", "lend"])
    offer = ["200", "USD", "--rate", "0.02%/day", "--days", "2", "-a", "lend", "--yes"]
    yield Step("funding offer", offer, codes=(0, 4))
    yield Step("funding auto", ["USD", "-a", "lend"], codes=(0, 4))
    yield Step("funding autorenew", ["show", "USD", "-a", "lend"], codes=(0, 4))
    yield Step("funding resolve", ["3", "--absent", "--reason", "a test"], codes=(2,))
    yield Step("funding cancel", ["--all", "USD", "-a", "lend", "--yes"], codes=(0, 4))


def _leaks(course: Course) -> Iterator[Step]:
    clean = course.put("clean.txt", "nothing\n")
    yield from (Step("config set", ["echo", "off"]), Step("ip", codes=(3,)))
    yield from (Step("scan", [clean]), Step("scan", [clean, "--open"]))
    yield Step("exposure", codes=(0, 6))
    yield Step("leak", ["okx-b", "--yes"], codes=(4,))


def _changes(course: Course) -> Iterator[Step]:
    world = course.world
    phrase = course.put("passphrase", str(world.made["okx-a"].passphrase))
    yield Step("edit", ["okx-a", "--passphrase-file", phrase, "--group", "desk"])
    yield from (Step("disable", ["okx-a"]), Step("enable", ["okx-a"]), Step("rename", ["bitfinex-a", "bitfinex-b"]))
    old = world.made["okx-a"]
    new = course.new_key("okx", uid=old.key.uid)
    yield Step("rotate", ["okx-a", "--credentials-stdin"], credentials(new))
    yield Step("rotate", ["okx-a", "--finish"], codes=(4,))
    old.key.deleted = True
    yield Step("rotate", ["okx-a", "--finish"])
    yield Step("remove", ["by-stdin", "--yes"])


def _vaults(course: Course) -> Iterator[Step]:
    """Those that work on the vault of this home and those that make another; in a home with a keyring they say no."""
    world, here = course.world, (0, 3, 4)
    phrase = ("--passphrase-fd", "FD")
    for line in (("add-slot", "passphrase", *phrase), ("use", "1"), ("rekey",), ("remove-slot", "2"), ("check",)):
        yield Step(f"vault {line[0]}", line[1:], codes=here, phrase=PHRASE)
    yield from (Step("vault status"), Step("vault purge", ["--yes"], codes=here))
    yield Step("vault migrate", ["--to", "nowhere"], codes=(2,))
    other, backups = world.folder / "other", world.folder / "backups"
    backups.mkdir()
    key = world.folder / "keys" / "key-of-other"
    yield Step("vault init", ["--key-file", key, *phrase], allowed=to_key_file, home=other, phrase=PHRASE)
    course.canaries.watch_bytes("the other vault's key", key.read_bytes())
    yield Step("export", [backups / "by-phrase", *phrase], phrase=PHRASE)
    yield Step("import", [backups / "by-phrase", *phrase, "--yes"], home=other, phrase=PHRASE)
    key = world.folder / "keys" / "key-of-backup"
    yield Step("export", [backups / "by-file", "--key-file", key], allowed=to_key_file)
    course.canaries.watch_bytes("the backup's key", key.read_bytes())
    yield Step("backup", [backups / "home"])
    yield Step("restore", [backups / "home", "--yes"], home=world.folder / "restored")
