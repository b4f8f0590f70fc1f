"""Every fault state of the twin, diagnosed by the real command, and what was named: a confusion matrix.

A state counts as named right when it is the cause, or among the causes that `diagnose` says look the same from outside.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from keyctl.app import App
from keyctl.cli import run
from keyctl.diagnosis.causes import Cause
from keyctl.keys.enrol import enrol, new_account
from keyctl.model.account import Account
from keyctl.model.credential import Binding, Credential
from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.secret import Secret
from keyctl.twin.faces import all_faces
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.lbank.face import LBank
from keyctl.twin.server import TwinServer
from keyctl.twin.states import Stand, State, put_in_state, states
from tests.support.clocks import ShiftedClock
from tests.support.stores import MemoryStore
from tests.support.world import IPS, RIGHTS

BOTH = ("spot", "futures")
MARKETS = {"binance": BOTH, "bitfinex": BOTH, "lbank": BOTH, "okx": BOTH}
SECOND_TYPE = {"binance": Algorithm.ED25519, "lbank": Algorithm.RSA}
# Clocks and codes that differ by variation.
CLOCK_MS = (60_000, 11_000, 86_400_000)
VARIATIONS = ("as it comes", "another key type, more rights", "worked before, contract code 65")


@dataclass(frozen=True)
class Case:
    """One combination."""

    exchange: str
    market: str
    state: State
    variation: int

    def __str__(self) -> str:
        return f"{self.exchange} {self.market} {self.state} ({VARIATIONS[self.variation]})"


@dataclass(frozen=True)
class Named:
    """What diagnose said of one combination."""

    case: Case
    exit_code: int
    data: dict[str, Any]
    changing: int
    signed: int

    @property
    def causes(self) -> tuple[str, ...]:
        return (self.data["cause"], *self.data["also_possible"])

    @property
    def right(self) -> bool:
        return self.case.state.value in self.causes


def cases() -> list[Case]:
    """All combinations of exchange, market, state and variation."""
    return [
        Case(exchange, market, state, variation)
        for exchange, markets in MARKETS.items()
        for market in markets
        for state in states(exchange, market)
        for variation in range(len(VARIATIONS))
    ]


class Ward:
    """Two twins, the second as the exchange's other environment or region, and a fresh home for each case."""

    def __init__(self) -> None:
        # In memory where the system has such a folder: each case has a journal of its own, and disks are slow.
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="keyctl-ward-", dir=memory if memory.is_dir() else None))
        faces = all_faces()
        self.lbank = next(face for face in faces if isinstance(face, LBank))
        self.here, self.there = TwinServer(faces), TwinServer(all_faces())
        self._keys: dict[tuple[str, int], MadeKey] = {}

    def __enter__(self) -> Ward:
        self.here.start()
        self.there.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.here.stop()
        self.there.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def key(self, case: Case) -> MadeKey:
        """The key of an exchange and variation, made once."""
        name = (case.exchange, case.variation)
        if name not in self._keys:
            second = case.variation == 1
            algorithm = SECOND_TYPE.get(case.exchange, Algorithm.HMAC) if second else Algorithm.HMAC
            rights = (*RIGHTS, "transfer") if second else RIGHTS
            created = int(time.time() * 1000)  # an old key is not sound
            self._keys[name] = make_key(case.exchange, algorithm, rights=rights, ips=IPS, created_ms=created)
            self.here.add_key(case.exchange, self._keys[name])
        return self._keys[name]

    def enter(self, case: Case, also: State | None = None) -> App:
        """A fresh home with the account "desk", and the twin in the case's state, and in another one as well."""
        venue = self.here.venue(case.exchange)
        self.there.venue(case.exchange).keys.clear()
        self.lbank.contract_ip_code = 65 if case.variation == 2 else 10007
        stand = put_in_state(self.here, case.exchange, self.key(case), case.state, self.there)
        if also is not None:
            with patch("keyctl.twin.states.clear_state"):  # what the first one changed stays
                second = put_in_state(self.here, case.exchange, self.key(case), also, self.there)
            held = second.key if second.key is not self.key(case) else stand.key
            tls = next((one.endpoint for one in (stand, second) if one.endpoint.startswith("https")), stand.endpoint)
            stand = Stand(held, tls)
        with venue.lock:
            venue.offset_ms = venue.offset_ms // CLOCK_MS[0] * CLOCK_MS[case.variation]
            venue.calls.lines.clear()
        return self._app(case, stand)

    def diagnose(self, case: Case, *options: str, also: State | None = None) -> Named:
        """What the command says of the case, with another fault beside it."""
        app, venue, out = self.enter(case, also), self.here.venue(case.exchange), io.StringIO()
        places = patch("keyctl.diagnosis.live.other_places", self.places)
        with redirect_stdout(out), redirect_stderr(io.StringIO()), places:
            exit_code = run(["diagnose", "desk", "--market", case.market, "--json", *options], app)
        assert self.here.faults_of_its_own == [], self.here.faults_of_its_own
        document = json.loads(out.getvalue())
        assert document["data"], document
        hint = [line for line in venue.calls.lines if line.key_hint or "/prv/" in line.path]
        return Named(case, exit_code, document["data"], len(venue.calls.changing()), len(hint))

    def places(self, account: Account) -> dict[Cause, tuple[Binding, ...]]:
        """The second twin, where the exchange has another environment or region."""
        there = Binding(account.exchange, Kind.DEMO, "global", self.there.endpoint(account.exchange), None)
        return {
            Cause.ENVIRONMENT: (there,) if account.exchange in ("binance", "okx") else (),
            Cause.REGION: (there,) if account.exchange == "okx" else (),
        }

    def _app(self, case: Case, stand: Stand) -> App:
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        environ = {"KEYCTL_HOME": str(home), "HOME": str(home)}
        app = App(environ=environ, store=MemoryStore(), clock=ShiftedClock())
        binding = Binding(case.exchange, Kind.DEMO, "global", stand.endpoint, None)
        passphrase = Secret(stand.key.passphrase) if stand.key.passphrase else None
        sound = self.key(case)
        credential = Credential(sound.api_key, Secret(sound.secret), sound.algorithm, passphrase, binding)
        account = new_account(app.accounts, "desk", tuple(map(Market, ("spot", "futures"))), credential, ())
        enrol(app.accounts, app.store, account, credential)
        held = stand.key
        app.store.put(
            account.id,
            replace(credential, api_key=held.api_key, secret=Secret(held.secret), algorithm=held.algorithm),
        )
        # The person stored what they hold: the list knows that very key.
        app.accounts.replace(replace(account, api_key_hash=app.accounts.key_hash(held.api_key)))
        if case.variation == 2:
            app.journal.notes.note_permissions({account.id: KeyPermissions(withdraw=False)})
        return app


def matrix(named: list[Named]) -> str:
    """The confusion matrix as text, a line for each exchange, market and state, and the sum."""
    lines = ["diagnose: state -> causes named, likeliest first (of so many variations)", ""]
    groups: dict[tuple[str, str], list[Named]] = {}
    for item in named:
        groups.setdefault((item.case.exchange, item.case.market), []).append(item)
    for (exchange, market), items in groups.items():
        lines.append(f"{exchange} {market}: {len({item.case.state for item in items})} states")
        for state in dict.fromkeys(item.case.state for item in items):
            of = [item for item in items if item.case.state is state]
            said = Counter(" = ".join(item.causes) for item in of)
            right = sum(item.right for item in of)
            words = "; ".join(f"{causes} ({count})" for causes, count in said.items())
            lines.append(f"  {'ok' if right == len(of) else 'WRONG':<6}{state.value:<20}{right}/{len(of)}  {words}")
        lines.append("")
    right, first = sum(item.right for item in named), sum(item.data["cause"] == item.case.state for item in named)
    alone = sum(item.right and len(item.causes) == 1 for item in named)
    lines.append(f"named right: {right} of {len(named)} ({100 * right / len(named):.1f} %)")
    lines.append(f"  as the one cause: {alone}; as the likeliest: {first}; most causes named at once: {most(named)}")
    lines.append(f"signed calls: at most {max(item.data['calls'] for item in named)}; calls that could change: 0")
    return "\n".join(lines)


def most(named: list[Named]) -> int:
    """The largest number of causes that were named together."""
    return max(len(item.causes) for item in named)
