"""World: a home with a vault and accounts on a running twin, and keyctl run in it, in this process or in its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from keyctl.app import App
from keyctl.cli import run
from keyctl.clock import Clock
from keyctl.exchanges.shipped import names
from keyctl.journal.mark import FILE_NAME
from keyctl.model.account import Account
from keyctl.model.words import Algorithm, MarginMode, OrderType, PositionSide, Side
from keyctl.twin.faces import all_faces
from keyctl.twin.faults import Fault
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from keyctl.twin.perpetual import DerivativeDraft
from keyctl.twin.server import TwinServer
from keyctl.twin.venue import Venue
from tests.support.ran import Ran

ALL = names()
# What orders on spot and on perpetuals need.
RIGHTS = ("read", "spot_trade", "futures_trade")
# The lists of a key that may be used from this machine.
IPS: dict[str, tuple[str, ...]] = {"spot": ("127.0.0.1",), "futures": ("127.0.0.1",)}


class World:
    """A folder with a keyctl home, and a twin. `with World(folder) as world: world.add("okx"); world.keyctl("list")`"""

    def __init__(self, folder: Path, **twin_options: Any) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.key_file = folder / "keys" / "vault.key"
        self.twin = TwinServer(all_faces(), **twin_options)
        self.made: dict[str, MadeKey] = {}
        self._apps: list[App] = []
        # One address that new accounts call instead of their exchange's own.
        self.gateway = ""
        self.environ = {
            "KEYCTL_HOME": str(self.home),
            "HOME": str(folder),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "TERM": "dumb",
        }

    def __enter__(self) -> Self:
        self.key_file.parent.mkdir(parents=True)
        self.twin.start()
        made = self.keyctl("vault", "init", "--key-file", str(self.key_file))
        assert made.exit_code == 0, made.stderr
        return self

    def __exit__(self, *exception: object) -> None:
        self.twin.stop()
        self.close_apps()

    def venue(self, exchange: str) -> Venue:
        return self.twin.venue(exchange)

    def fault(self, **facts: Any) -> Fault:
        """A fault that the twin will strike with; see keyctl.twin.faults."""
        return self.twin.fault(Fault(**facts))

    def add(
        self,
        exchange: str,
        label: str | None = None,
        algorithm: Algorithm = Algorithm.HMAC,
        *options: str,
        balances: dict[str, Any] | None = None,
        **key_options: Any,
    ) -> MadeKey:
        """A key at the twin, stored as an account `<exchange>-a` (or `label`) without verifying it."""
        label = label or f"{exchange}-a"
        key_options.setdefault("ips", IPS)
        made = make_key(exchange, algorithm, **key_options)
        self.twin.add_key(exchange, made)
        if balances is not None:
            for currency, free in balances.items():
                self.venue(exchange).balance(made.key.uid, currency).free = free
        ran = self.keyctl(
            "add",
            exchange,
            "--label",
            label,
            "--endpoint",
            self.gateway or self.twin.endpoint(exchange),
            "--credentials-stdin",
            "--no-verify",
            *options,
            stdin=credentials(made),
        )
        assert ran.exit_code == 0, ran.stderr
        self.made[label] = made
        return made

    def add_all(self, **key_options: Any) -> None:
        """One account at each exchange, with everything allowed that an order on spot needs."""
        for exchange in ALL:
            self.add(exchange, algorithm=Algorithm.ED25519 if exchange == "binance" else Algorithm.HMAC, **key_options)

    def account(self, label: str) -> Account:
        return App(environ=self.environ).accounts.get(label)

    def app(self, clock: Clock | None = None) -> App:
        """An App in this world, with a clock of the test's if given. It is closed with the world at the latest."""
        app = self._new_app(clock)
        self._apps.append(app)
        return app

    def close_apps(self) -> None:
        """For a world whose twin was never started; `with` does it by itself."""
        for app in self._apps:
            app.close()

    def _new_app(self, clock: Clock | None) -> App:
        return App(environ=self.environ, clock=clock)

    def keyctl(self, *arguments: str, stdin: str = "", clock: Clock | None = None) -> Ran:
        """Runs keyctl in this process; stdin, stdout and stderr are no terminals."""
        out, err = io.StringIO(), io.StringIO()
        source = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "stdin", source):
            code = run(list(arguments), self._new_app(clock))
        return Ran(code, out.getvalue(), err.getvalue())

    def forget_journal(self) -> None:
        """As if no order had ever been sent from here: with its mark, since without it alone it would be lost."""
        home = self.app().home
        for path in (*home.state.glob("journal.db*"), home.config / FILE_NAME):
            path.unlink(missing_ok=True)

    def spawn(
        self, *arguments: str, stdin: str = "", environ: dict[str, str] | None = None, cwd: Path | None = None
    ) -> Ran:
        """Runs keyctl as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-I", "-m", "keyctl", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=environ or self.environ,
            cwd=cwd,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def placements(self) -> dict[str, int]:
        """Orders that the venues took, by client order id."""
        return {name: count for exchange in ALL for name, count in self.venue(exchange).placements.items()}


def credentials(made: MadeKey) -> str:
    """A key as `keyctl add --credentials-stdin` takes it."""
    entry = {"api_key": made.api_key, "secret": made.secret, "key_type": made.algorithm.value}
    if made.passphrase:
        entry["passphrase"] = made.passphrase
    return json.dumps(entry)


def open_position(
    world: World, label: str, symbol: str, side: Side, contracts: str, leg: PositionSide | None = None
) -> None:
    """A position that somebody opened on that account by hand."""
    exchange = world.account(label).exchange
    venue, key = world.venue(exchange), world.made[label].key
    instrument = venue.derivatives.instrument(symbol)
    assert instrument is not None
    draft = DerivativeDraft(
        key.uid,
        key.api_key,
        instrument,
        side,
        OrderType.MARKET,
        Decimal(contracts),
        position=leg,
        leverage=Decimal(3) if exchange == "bitfinex" else None,
        margin=MarginMode.ISOLATED if exchange == "bitfinex" else None,
    )
    with venue.lock:
        venue.derivatives.place(draft)
