"""A scan held against a corpus: what was missed, what was found where nothing is, whether a secret showed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyctl.app import App
from keyctl.cli import outcome
from keyctl.keys.enrol import enrol, new_account
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Kind, Market
from keyctl.secret import Secret
from keyctl.terminal.output import Result, document
from keyctl.twin.keys import MadeKey
from tests.support.canary import Canaries
from tests.support.leak_corpus import Corpus, Plant
from tests.support.stores import MemoryStore


@dataclass(frozen=True)
class Judged:
    """What a scan was worth."""

    missed: tuple[Plant, ...]
    false: tuple[dict[str, Any], ...]
    finds: int
    shown: tuple[str, ...]

    @property
    def false_share(self) -> float:
        return len(self.false) / max(1, self.finds)


def store_keys(app: App, made: dict[str, MadeKey]) -> None:
    """Accounts with these keys, in the app's store."""
    for label, key in made.items():
        exchange = exchange_of(key)
        credential = Credential(
            key.api_key,
            Secret(key.secret),
            key.algorithm,
            None if key.passphrase is None else Secret(key.passphrase),
            Binding(exchange, Kind.LIVE, "global", None, None),
        )
        enrol(app.accounts, app.store, new_account(app.accounts, label, (Market.SPOT,), credential, ()), credential)


def exchange_of(made: MadeKey) -> str:
    """The exchange whose keys have that shape; the corpus makes them for four."""
    if made.passphrase:
        return "okx"
    if len(made.api_key) == 36:
        return "lbank"
    return "bitfinex" if len(made.api_key) == 43 else "binance"


def judge(corpus: Corpus, app: App, *, is_open: bool) -> Judged:
    """One scan of the corpus, with the store open or locked."""
    arguments = ["scan", str(corpus.folder), "--json", *(["--open"] if is_open else [])]
    result = outcome(arguments, app)
    assert isinstance(result, Result), result
    canaries = Canaries()
    for label, made in corpus.made.items():
        canaries.watch(label, made)
    text = json.dumps(document(result, "scan"), default=str)
    found = list(result.data["finds"])
    places: Counter[tuple[str, str, str]] = Counter(map(_place_of, found))
    wanted = [plant for plant in corpus.plants if plant.whole or is_open]
    missed = tuple(plant for plant in wanted if not places[_key(corpus, plant)])
    real = {_key(corpus, plant) for plant in corpus.plants}
    false = tuple(find for find in found if _place_of(find) not in real)
    return Judged(missed, false, len(found), tuple(canaries.find(text)))


def _key(corpus: Corpus, plant: Plant) -> tuple[str, str, str]:
    in_tree = plant.place.startswith("left/")
    place = str(corpus.folder / plant.place) if in_tree else plant.place
    return place, plant.account or plant.exchange, plant.kind


def _place_of(find: dict[str, Any]) -> tuple[str, str, str]:
    place = find["path"] if find["path"] is not None else "message" if find["commit"] else ""
    return place, find["account"] or find["exchange"], find["kind"]


def memory_app(home: Path) -> App:
    """An App with a store in memory."""
    return App(environ={"KEYCTL_HOME": str(home), "HOME": str(home)}, store=MemoryStore())
