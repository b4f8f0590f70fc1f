"""A desk to measure on: a certificate, the venues' process, and homes with many accounts, written in one go."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.timing import plain_environ, python
from keyctl.app import App
from keyctl.cli import outcome
from keyctl.keys.enrol import new_account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm, Kind, Market
from keyctl.secret import Secret
from keyctl.terminal.output import Result

MIXED = (("binance", "ed25519"), ("okx", "hmac"), ("lbank", "hmac"), ("bitfinex", "hmac"), ("binance", "hmac"))
CONFIG = """\
[limits]
plan_value_usd = 1000000
day_value_usd = 100000000
orders_per_minute = 100000
orders_per_hour = 1000000
"""


class Desk:
    """A folder with the venues running. `with Desk(folder) as desk: desk.home("fifty", desk.keys(50))`"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Desk:
        _make_certificates(self.ca_file, self.folder / "server.pem")
        self._server = subprocess.Popen(
            python("-m", "bench.venue_process", str(self.folder / "server.pem")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None and self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()

    def ask(self, **question: Any) -> Any:
        """The venue process's answer."""
        assert self._server is not None and self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def keys(self, count: int, kinds: Sequence[tuple[str, str]] = MIXED, futures: bool = False) -> list[dict[str, Any]]:
        """So many new keys, spread evenly over kinds of (exchange, algorithm); with `futures` they may trade those, and
        their users have an open position each."""
        made: list[dict[str, Any]] = []
        for number, (exchange, algorithm) in enumerate(kinds):
            share = count // len(kinds) + (number < count % len(kinds))
            made += self.ask(do="keys", keys=(exchange, algorithm, share, futures))
        return made

    def home(
        self,
        name: str,
        keys: Iterable[dict[str, Any]],
        config: str = CONFIG,
        markets: tuple[Market, ...] = (Market.SPOT,),
    ) -> dict[str, str]:
        """The environment of a new home with a vault and an account for each key; no config.toml if it is empty."""
        folder = self.folder / name
        folder.mkdir()
        environ = plain_environ(folder)
        app = App(environ=environ)
        done = outcome(["vault", "init", "--key-file", str(folder / "vault.key")], app)
        assert isinstance(done, Result) and not done.errors, done
        if config:
            app.home.config_file.write_text(config)
            app.home.config_file.chmod(0o600)
        accounts = app.accounts
        made = []
        for number, facts in enumerate(keys):
            credential = credential_of(facts, str(self.ca_file))
            made.append((new_account(accounts, f"account-{number}", markets, credential, ()), credential))
        for account, credential in made:
            app.store.put(account.id, credential)
        accounts._change(lambda _: tuple(account for account, _ in made))
        app.close()
        return environ


def credential_of(facts: dict[str, Any], ca_file: str) -> Credential:
    """The credential of a key of the venues, bound to its loopback endpoint."""
    passphrase = facts["passphrase"]
    return Credential(
        facts["api_key"],
        Secret(facts["secret"]),
        Algorithm(facts["algorithm"]),
        None if passphrase is None else Secret(passphrase),
        Binding(facts["exchange"], Kind.DEMO, "global", facts["endpoint"], ca_file),
    )


def _make_certificates(ca_file: Path, server_file: Path) -> None:
    """A CA made for this run, and a certificate of 127.0.0.1 with its key in one file."""
    now = datetime.now(UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyctl bench CA")])

    def builder(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder(ca_name, name, public, x509.random_serial_number())
        return made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))

    ca = builder(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, None), True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyctl bench")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = builder(name, key.public_key()).add_extension(address, False).sign(ca_key, SHA256())
    ca_file.write_bytes(ca.sign(ca_key, SHA256()).public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server_file.touch(mode=0o600)
    server_file.write_bytes(leaf.public_bytes(Encoding.PEM) + private)
