"""What an exchange says never shows what we sent, and hiding it changes no verdict."""

from __future__ import annotations

import base64
import json
import sqlite3
from random import Random
from urllib.parse import quote

import pytest

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.masking import HIDDEN, Mask, hide_beside
from keyctl.model.told import ExchangeError
from keyctl.secret import Secret
from keyctl.twin.faults import FaultKind
from tests.support.canary import Canaries
from tests.support.masked_verdicts import KEY, phrases_of, recorded, verdict
from tests.support.world import World

PHRASE = "Twin-aB3$d&\"x'1a!"
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "-a", "okx-a", "--yes")


def ways(text: str) -> dict[str, str]:
    """The ways in which an answer could quote a passphrase."""
    raw = text.encode()
    return {
        "raw": text,
        "reversed": text[::-1],
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "percent": quote(text, safe=""),
        "JSON": json.dumps(text)[1:-1],
        "repr": repr(text)[1:-1],
        "HTML": text.replace("&", "&amp;").replace('"', "&quot;"),
        "first half": text[: len(text) // 2 + 1],
        "second half": text[len(text) // 2 :],
        **{f"base64 after {shift}": base64.b64encode(b"x" * shift + raw).decode() for shift in range(3)},
    }


@pytest.mark.parametrize("way", ways(PHRASE))
def test_every_form_of_a_passphrase_is_hidden(way: str) -> None:
    said = f"Invalid request, passphrase was {ways(PHRASE)[way]}, code 50105"
    shown = Mask(KEY, Secret(PHRASE)).masked(said)
    assert HIDDEN in shown and shown.startswith("Invalid request, passphrase was ") and shown.endswith(", code 50105")
    canaries = Canaries()
    canaries.watch_text("phrase", PHRASE)
    canaries.watch_text("first half", PHRASE[: len(PHRASE) // 2 + 1])
    canaries.watch_text("second half", PHRASE[len(PHRASE) // 2 :])
    assert canaries.find(said) != [] and canaries.find(shown) == []


def test_an_api_key_shows_its_ends() -> None:
    assert Mask(KEY).masked(f"key {KEY} is unknown") == "key 1111..8888 is unknown"


@pytest.mark.parametrize("phrase", ["Abc1!", "sign", "12345678", "1"])
def test_a_short_one_is_hidden_as_a_whole_value_only(phrase: str) -> None:
    mask = Mask("", Secret(phrase))
    assert mask.masked(f"Invalid {phrase} in order 9{phrase}9") == f"Invalid {phrase} in order 9{phrase}9"
    assert mask.masked(f'"{phrase}"') == HIDDEN


def test_words_of_others_stay() -> None:
    said = "Order placement failed due to insufficient balance (order 312269865356374016, BTC-USDT-SWAP)"
    assert Mask(KEY, Secret(PHRASE)).masked(said) == said and Mask().masked(said) == said
    assert repr(Mask(KEY, Secret(PHRASE))) == "<mask>"


@pytest.mark.parametrize(
    "text",
    [
        "request was {'OK-ACCESS-PASSPHRASE': 'CANARY2024!', 'x': 1}",
        '{"passphrase": "CANARY2024!"}',
        "passphrase=CANARY2024!&x=1",
        "OK-ACCESS-PASSPHRASE: CANARY2024!",
        "password is CANARY2024!",
        "secret_key => CANARY2024!",
        "apiSecret: 'CANARY2024!'",
        "OK-ACCESS-SIGN: CANARY2024+/=",
        '\\"passphrase\\":\\"CANARY2024!\\"',
        "&signature=CANARY2024",
        "Authorization: CANARY2024!",
        "passphrase&quot;:&quot;CANARY2024!&quot;",
    ],
)
def test_a_value_beside_a_telling_word_is_hidden(text: str) -> None:
    assert "CANARY" not in hide_beside(text) and HIDDEN in hide_beside(text)


@pytest.mark.parametrize(
    "text",
    [
        "passphrase: incorrect",
        "Signature: mismatch",
        "Invalid sign",
        "password is wrong",
        "secret key is invalid.",
        "token: 50111",
    ],
)
def test_words_beside_a_telling_word_stay(text: str) -> None:
    assert hide_beside(text) == text


def test_no_passphrase_changes_a_verdict() -> None:
    """Every body, with passphrases of the thousand, and with the longest word and the whole of its own text."""
    bodies = recorded()
    random = Random("verdicts")
    masks = [Mask(KEY, Secret(phrase)) for phrase in phrases_of(bodies, random)]
    turn = iter(masks * (len(bodies) // len(masks) + 1))
    for body in bodies:
        _, _, code, text = body
        before = verdict(*body, Mask())
        own = [Mask(KEY, Secret(phrase)) for phrase in (max(text.split(), key=len, default=""), text, code) if phrase]
        for mask in (*own, next(turn)):
            assert verdict(*body, mask) == before, body


# Every id, number and name that the transcripts of the interface show.
SHOWN_IDS = (
    *("7f3a", "1001", "8a1c-44", "8a1c44", "4401", "k3x7", "usr2wy4lvv", f"kc{'a1b2' * 6}c3", "312269865356374016"),
    *("lbank-main", "okx-main", "okx-a", "binance-a", "bitfinex-a", "hk-1", "desk", "10007", "-2015", "51000", "10114"),
    *("BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC", "BTCUSDT", "btc_usdt", "BTC-USDT", "tBTCUST", "BTC/USDT:USDT-261225"),
    *("203.0.113.7", "198.51.100.4", "198.51.100.9", "127.0.0.1", "60000.0", "0.00500", "300.00", "1,200.24"),
    *("2027-02-19", "06:00:00", "89"),
)


@pytest.mark.parametrize("name", SHOWN_IDS)
def test_every_id_of_the_transcripts_is_shown_whole(name: str) -> None:
    """In an answer, whatever the passphrase is, and in text that is pasted."""
    bodies, random = recorded(), Random("ids")
    others = [phrase for phrase in phrases_of(bodies, random) if name not in phrase and phrase not in name]
    assert len(others) > 900
    for words in (f"order {name} accepted", f"{name}: no answer", f"id={name}", json.dumps({"ordId": name})):
        for phrase in others[::5]:
            hidden = Mask(KEY, Secret(phrase)).masked(words)
            assert name in hidden, (phrase, hidden)
        assert name in hide_beside(words), words


def quoting(world: World, operation: str | None = None) -> str:
    """The twin's OKX answers with our own headers in its words; gives the passphrase that it quotes."""
    made = world.made["okx-a"]
    headers = {"OK-ACCESS-KEY": made.api_key, "OK-ACCESS-PASSPHRASE": made.passphrase}
    body = json.dumps({"code": "50113", "msg": f"Invalid Sign. request was {headers}", "data": []})
    world.fault(kind=FaultKind.ANSWER, exchange="okx", status=401, body=body, times=None, operation=operation)
    return str(made.passphrase)


@pytest.mark.parametrize("more", [(), ("--json",), ("--debug",)], ids=["plain", "json", "debug"])
def test_an_answer_that_quotes_our_request_shows_no_passphrase(world: World, more: tuple[str, ...]) -> None:
    world.add("okx")
    canaries = Canaries()
    canaries.watch_text("phrase", quoting(world, "place"))
    said = ""
    for before in (BUY, ("orders", "list"), ("diagnose", "--last")):
        ran = world.keyctl(*before, *more)
        said += ran.stdout + ran.stderr
        assert canaries.find(ran.stdout + ran.stderr) == [], before
    assert HIDDEN in said
    quoting(world)
    lines: list[tuple[str, ...]] = [
        BUY,
        (*BUY, "--again"),
        ("verify", "okx-a"),
        ("balance", "-a", "okx-a"),
        ("positions", "-a", "okx-a"),
        ("diagnose", "okx-a"),
        ("diagnose", "okx-a", "--record", str(world.folder / "record.json")),
        ("diagnose", "--last"),
        ("request", "okx-a", "GET", "/api/v5/account/config"),
        ("orders", "list", "--open", "-a", "okx-a"),
        ("orders", "settle"),
        ("orders", "list"),
        ("orders", "export"),
        ("cancel", "--all", "--yes"),
        ("rotate", "okx-a", "--finish"),
        ("whitelist", "plan", "--all"),
    ]
    said = ""
    for line in lines:
        ran = world.keyctl(*line, *more)
        said += ran.stdout + ran.stderr
        assert canaries.find(ran.stdout + ran.stderr) == [], line
    assert HIDDEN in said
    assert canaries.find_in_files(world.folder, ("vault.json*", "*.key")) == []


def test_the_row_that_judged_an_answer_is_kept_with_the_order(world: World) -> None:
    world.add("okx")
    body = json.dumps(
        {"code": "1", "msg": "", "data": [{"clOrdId": "x", "sCode": "51008", "sMsg": "Insufficient balance"}]}
    )
    world.fault(kind=FaultKind.ANSWER, exchange="okx", operation="place", status=200, body=body, times=1)
    world.keyctl(*BUY)
    journal = sqlite3.connect(world.home / "state" / "journal.db")
    ((row,),) = journal.execute("SELECT catalogue_row FROM legs").fetchall()
    journal.close()
    assert "51008" in row
    assert catalogue("okx").named(row)[0].code == "51008"
    assert catalogue("okx").named("") == ()


def test_words_that_are_kept_are_masked_and_never_judged_again(world: World) -> None:
    world.add("okx")
    phrase = quoting(world, "place")
    world.keyctl(*BUY)
    journal = sqlite3.connect(world.home / "state" / "journal.db")
    rows = journal.execute("SELECT error_text, detail FROM legs").fetchall()
    events = journal.execute("SELECT detail FROM events").fetchall()
    journal.close()
    assert HIDDEN in str(rows) and phrase not in str(rows) and phrase not in str(events)


def test_an_error_shows_its_masked_words() -> None:
    error = ExchangeError("okx", 401, "50113", f"bad {PHRASE}", Mask("", Secret(PHRASE)).masked(f"bad {PHRASE}"))
    assert error.words == f"bad {HIDDEN}" and error.text == f"bad {PHRASE}"
    assert ExchangeError("okx", 401, "50113", "bad").words == "bad"
