"""The demo's world: a home of its own, a vault, and one account at each exchange of the twin. Made-up keys only."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

from keyctl.errors import SetupProblem
from keyctl.exchanges.shipped import profile
from keyctl.home.demo_only import note_twin
from keyctl.home.folders import Home
from keyctl.keys.enrol import Place, binding_for, enrol, new_account
from keyctl.model.credential import Credential
from keyctl.model.words import Algorithm, Market
from keyctl.secret import Secret
from keyctl.twin.faces import all_faces
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.server import TwinServer

if TYPE_CHECKING:
    from keyctl.app import App

SYMBOL = "BTC/USDT"
SIZE = "0.005"
# Below every twin's best bid, so that the orders rest in the books and can be canceled.
PRICE = "59000"
HERE = "127.0.0.1"
ELSEWHERE = "203.0.113.9"

# The LBank key's futures list lacks this machine's address on purpose.
LOST_ANSWER_AT = "okx"
MISSING_LIST_AT = "lbank"


def start_twin(first_port: int | None) -> TwinServer:
    """A running twin of all exchanges: on free ports, or on consecutive ones from `first_port`.

    Raises SetupProblem when a port is taken.
    """
    faces = all_faces()
    ports = {face.name: first_port + index for index, face in enumerate(faces)} if first_port else None
    try:
        return TwinServer(faces, ports=ports).start()
    except OSError as error:
        raise SetupProblem(
            f"the demo cannot listen on {HERE} ({error.strerror})", "choose other ports with --port", code="port_taken"
        ) from None


def clear_home(home: Home) -> None:
    """Removes an earlier demo home. Only a folder that holds a demo's mark is removed; another one raises."""
    root = home.state.parent
    if not root.exists():
        return
    if not home.demo_mark.exists():
        raise SetupProblem(f"{root} is not a demo's folder; it was left as it is", code="not_a_demo")
    shutil.rmtree(root)


def furnish(app: App, twin: TwinServer) -> None:
    """Puts a vault and one account at each exchange into the app's empty home."""
    from keyctl.vault.encrypted_file import make_vault
    from keyctl.vault.envelope import GivenKey
    from keyctl.vault.key_file import make_key_file
    from keyctl.vault.key_source import Source, remember_source

    home = app.home
    home.identity()
    home.prepare()
    note_twin(home, {exchange: twin.endpoint(exchange) for exchange in twin.exchanges})
    key_file = home.root / "vault.key"
    make_vault(
        home.vault_file,
        [GivenKey("keyfile", make_key_file(key_file, home))],
        before=lambda: remember_source(home, Source("keyfile", key_file)),
    )
    for exchange in twin.exchanges:
        _add_account(app, twin, exchange)


def lose_an_answer(twin: TwinServer) -> None:
    """The next order at one exchange is taken, and then the connection breaks before the answer."""
    twin.fault(Fault(FaultKind.RESET_AFTER, exchange=LOST_ANSWER_AT, operation="place"))


def counted_orders(twin: TwinServer) -> dict[str, Counter[str]]:
    """What each exchange itself counts: orders taken, by client order id."""
    return {exchange: Counter(twin.venue(exchange).placements) for exchange in twin.exchanges}


def _add_account(app: App, twin: TwinServer, exchange: str) -> None:
    algorithm = Algorithm.ED25519 if Algorithm.ED25519 in profile(exchange).algorithms else Algorithm.HMAC
    futures = ELSEWHERE if exchange == MISSING_LIST_AT else HERE
    made = make_key(
        exchange,
        algorithm,
        rights=("read", "spot_trade", "futures_trade"),
        ips={"spot": (HERE,), "futures": (futures,)},
        created_ms=_recently(app),
    )
    twin.add_key(exchange, made)
    binding = binding_for(profile(exchange), Place(endpoint=twin.endpoint(exchange)))
    credential = Credential(
        made.api_key, Secret(made.secret), made.algorithm, Secret(made.passphrase) if made.passphrase else None, binding
    )
    account = new_account(app.accounts, f"{exchange}-a", (Market.SPOT, Market.FUTURES), credential, ("desk",))
    enrol(app.accounts, app.store, account, credential)


def _recently(app: App) -> int:
    return int((app.clock.now() - 20 * 86_400) * 1000)


def key_lines(twin: TwinServer) -> list[dict[str, Any]]:
    """For `--serve`: each exchange's endpoint and control path."""
    return [
        {
            "exchange": exchange,
            "endpoint": twin.endpoint(exchange),
            "control": f"{twin.endpoint(exchange)}/_twin/counters",
        }
        for exchange in twin.exchanges
    ]
