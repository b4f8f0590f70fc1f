"""A desk for tests: a home with accounts whose exchanges are the twin's, and keyctl run inside this process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from keyctl.app import App
from keyctl.cli import run
from keyctl.clock import Clock
from keyctl.model.account import Account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Kind, Market
from keyctl.secret import Secret
from keyctl.twin.faces import all_faces
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.server import TwinServer
from tests.support.clocks import ShiftedClock
from tests.support.ran import Ran
from tests.support.stores import MemoryStore
from tests.support.world import IPS


@dataclass
class Desk:
    """Accounts at one twin; every run is a new App over the same home and secrets."""

    twin: TwinServer
    home: Path
    capsys: pytest.CaptureFixture[str]
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=ShiftedClock)

    def app(self) -> App:
        environ = {"KEYCTL_HOME": str(self.home), "HOME": str(self.home)}
        return App(environ=environ, store=self.store, clock=self.clock)

    def add(
        self,
        label: str,
        exchange: str,
        key: MadeKey | None = None,
        *,
        markets: tuple[Market, ...] = (Market.SPOT,),
        endpoint: str | None = None,
        **facts: Any,
    ) -> MadeKey:
        """The key of a new account, known to the twin and stored in the home."""
        from keyctl.keys.enrol import enrol, new_account

        made = key or make_key(exchange, ips=IPS)
        self.twin.add_key(exchange, made)
        place = endpoint or self.twin.endpoint(exchange)
        binding = Binding(exchange, Kind.DEMO, "global", place, None)
        passphrase = Secret(made.passphrase) if made.passphrase else None
        credential = Credential(made.api_key, Secret(made.secret), made.algorithm, passphrase, binding)
        accounts = self.app().accounts
        account: Account = new_account(accounts, label, markets, credential, ())
        enrol(accounts, self.store, replace(account, **facts), credential)
        return made

    def run(self, *arguments: str) -> Ran:
        """Exit code and output of one command."""
        self.capsys.readouterr()
        code = run(list(arguments), self.app())
        captured = self.capsys.readouterr()
        assert self.twin.faults_of_its_own == []
        return Ran(code, captured.out, captured.err)

    def findings(self, *arguments: str) -> dict[tuple[str, str, str], dict[str, str]]:
        """The findings of one verify by account, market and rule."""
        rows = self.run("verify", *arguments, "--json").data["findings"]
        return {(row["account"], row["market"], row["rule"]): row for row in rows}


def open_twin() -> TwinServer:
    """A twin with every exchange, not yet listening."""
    return TwinServer(all_faces())
