"""Fingerprints: of whole secrets alone, made when a secret is stored or first seen, kept when it is gone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import StoreUnusable
from keyctl.home.folders import Home
from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from keyctl.vault import fingerprints
from keyctl.vault.fingerprints import BITS_MIN, FingerprintedStore, Fingerprints, entropy_bits, private_der, whole_forms
from tests.support.guesses import KINDS, guess_bits
from tests.support.stores import MemoryStore, make_credential, make_home
from tests.support.world import World

HEX = "0123456789ABCDEF0F1E2D3C4B5A6978"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def stored(home: Home, inner: MemoryStore | None = None, **labels: str) -> FingerprintedStore:
    return FingerprintedStore(inner or MemoryStore(), Fingerprints(home), lambda: labels)


def entries(home: Home) -> list[tuple[str, str, bool, int]]:
    kept = Fingerprints(home).read()
    assert kept is not None
    return [(entry.id, entry.label, entry.dead_since is not None, len(entry.prints)) for entry in kept.entries]


def test_a_thief_must_guess_a_whole_secret_of_every_kind(tell: Callable[[str, str], None]) -> None:
    """With the file, its key and a backup of the home: by a count of ours, not by the program's own."""
    for exchange, algorithm in KINDS:
        bits, what = guess_bits(exchange, algorithm)
        tell("guesses for a thief with fingerprints, their key and the home", f"{what}: 2^{bits:.0f}")
        assert bits >= 80, what


def test_every_hash_is_over_the_whole_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is hashed can be told from less than all of the secret: each form leads back to it."""
    import base64

    def undone(word: bytes) -> set[bytes]:
        text = word.decode()
        found = {word}
        for alphabet in (b"+/", b"-_"):
            try:
                raw = base64.b64decode(text + "=" * (-len(text) % 4), alphabet)
                found |= {raw, raw.strip()}
            except ValueError:
                continue
        if re.fullmatch("[0-9A-Fa-f]+", text) and len(text) % 2 == 0:
            found.add(bytes.fromhex(text))
        return found

    for exchange, algorithm in KINDS:
        secret = make_key(exchange, algorithm).secret.encode()
        der = private_der(secret)
        whole = {secret.strip()} if der is None else {secret.strip(), der, der[-32:] if len(der) == 48 else der}
        for form, word in whole_forms(secret).items():
            assert undone(word) & whole, (exchange, algorithm, form)


@pytest.mark.parametrize(
    "secret", ["1234567890" * 2, "a" * 64, HEX[:19], HEX[:20], "Twin-passphrase-1a!"[:19], "correct horse"]
)
def test_a_short_or_simple_text_has_no_fingerprint(secret: str) -> None:
    assert whole_forms(secret.encode()) == {}


def test_the_bits_of_a_text_are_no_more_than_its_alphabet_gives() -> None:
    assert entropy_bits(HEX.encode()) == 32 * 4
    assert entropy_bits(b"0123456789" * 4) == pytest.approx(40 * math.log2(10))
    assert BITS_MIN == 96


def test_passphrases_have_none(home: Home) -> None:
    credential = make_credential(HEX, passphrase="Long-Enough-Passphrase-With-1-Sign!")
    hashed, original = list[bytes](), fingerprints.hash_of

    def watched(key: bytes, word: bytes) -> str:
        hashed.append(word)
        return original(key, word)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprints, "hash_of", watched)
        stored(home).put("a", credential)
    assert hashed and not any(b"Passphrase" in word or b"UGFzc3BocmFz" in word for word in hashed)


def test_the_file_tells_no_secret_and_is_for_this_user_alone(home: Home) -> None:
    stored(home, a="one").put("a", make_credential(HEX))
    path = Fingerprints(home).path
    assert path.stat().st_mode & 0o077 == 0
    assert HEX not in path.read_text()
    other = make_home(home.root.parent, "other")
    stored(other).put("a", make_credential(HEX))
    hashes = [set(re.findall(r'"([0-9a-f]{32})"', Fingerprints(each).path.read_text())) for each in (home, other)]
    assert hashes[0] and not hashes[0] & hashes[1]


def test_they_are_made_at_the_next_opening_for_accounts_that_have_none(home: Home) -> None:
    inner = MemoryStore()
    inner.put("old", make_credential(HEX))
    assert Fingerprints(home).read() is None
    stored(home, inner, old="older").get_each(["old"])
    assert entries(home) == [("old", "older", False, 4)]
    before = Fingerprints(home).path.stat().st_mtime_ns
    stored(home, inner, old="older").get_many(["old"])
    assert Fingerprints(home).path.stat().st_mtime_ns == before


def test_a_removed_secret_keeps_its_fingerprints_as_dead(home: Home) -> None:
    store = stored(home, a="one")
    store.put("a", make_credential(HEX))
    store.delete("a")
    assert entries(home) == [("a", "one", True, 4)]


def test_a_secret_that_another_takes_the_place_of_is_dead(home: Home) -> None:
    store = stored(home, a="one")
    store.put("a", make_credential(HEX))
    store.put("a", make_credential(HEX))
    assert entries(home) == [("a", "one", False, 4)]
    store.put("a", make_credential(HEX[::-1]))
    assert entries(home) == [("a", "one", True, 4), ("a", "one", False, 4)]


def test_one_that_never_became_an_account_leaves_none(home: Home) -> None:
    store = stored(home)
    store.put("a", make_credential(HEX))
    store.delete("a")
    assert entries(home) == []


def rubbish(whole: str) -> dict[str, str]:
    """What may stand in the file instead, by name."""
    document = json.loads(whole)

    def changed(change: Callable[[dict[str, Any]], object]) -> str:
        copy = json.loads(whole)
        change(copy)
        return json.dumps(copy)

    return {
        "text": "damaged",
        "empty": "",
        "half": whole[: len(whole) // 2],
        "list": "[1, 2]",
        "deep": "[" * 100_000,
        "newer": json.dumps({**document, "version": 2}),
        "no accounts": json.dumps({**document, "accounts": 7}),
        "no key": json.dumps({**document, "key": ""}),
        "a long key": json.dumps({**document, "key": "00" * 65}),
        "a number as key": json.dumps({**document, "key": 7}),
        "an entry of text": json.dumps({**document, "accounts": ["x"]}),
        "prints of text": changed(lambda copy: copy["accounts"][0].update(prints="xxxx")),
        "an endless length": changed(lambda copy: copy["accounts"][0]["prints"][0].__setitem__(1, float("inf"))),
        "a short hash": changed(lambda copy: copy["accounts"][0]["prints"][0].__setitem__(3, "00")),
        "a date without zone": changed(lambda copy: copy["accounts"][0].update(dead_since="2026-01-01T00:00:00")),
    }


RUBBISH = (
    *("text", "empty", "half", "list", "deep", "newer", "no accounts", "no key", "a long key", "a number as key"),
    *("an entry of text", "prints of text", "an endless length", "a short hash", "a date without zone"),
)


@pytest.mark.parametrize("way", [*RUBBISH, "bytes", "a link", "open to others", "a folder"])
def test_trouble_with_them_keeps_no_secret_away_and_is_told_once(home: Home, way: str) -> None:
    path, inner, told = Fingerprints(home).path, MemoryStore(), list[str]()
    stored(home, inner, z="zero").put("z", make_credential(HEX[::-1]))
    texts = rubbish(path.read_text())
    assert set(texts) == set(RUBBISH)
    if way in texts:
        path.write_text(texts[way])
    elif way == "bytes":
        path.write_bytes(b"\xff\xfe\0rubbish")
    elif way == "a link":
        path.rename(path.with_suffix(".there"))
        path.symlink_to(path.with_suffix(".there"))
    elif way == "open to others":
        path.chmod(0o644)
    else:
        path.unlink()
        path.mkdir()
    before = None if way == "a folder" else path.read_bytes()
    store = FingerprintedStore(inner, Fingerprints(home), lambda: {"a": "one"}, told.append)
    store.put("a", make_credential(HEX))
    assert store.get("a").secret.reveal().decode() == HEX
    assert set(store.get_each(["a", "z"])) == {"a", "z"}
    store.delete("a")
    assert set(inner.credentials) == {"z"}
    assert way == "a folder" or path.read_bytes() == before
    assert len(told) == 1 and "fingerprints cannot be read" in told[0]


def test_a_home_whose_fingerprints_are_damaged_works_and_says_so_once(world: World) -> None:
    world.add("okx")
    Fingerprints(world.app().home).path.write_text("{half")
    for words in (
        ("verify", "okx-a"),
        ("balance", "okx-a"),
        ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "-a", "okx-a"),
        ("env", "okx-a", "--to-file", str(world.folder / "out.env")),
    ):
        ran = world.keyctl(*words)
        assert ran.exit_code == 0, (words, ran.stdout, ran.stderr)
        assert ran.stderr.count("fingerprints cannot be read") == 1, words
    ran = world.spawn("exec", "okx-a", "--", "true")
    assert (ran.exit_code, ran.stderr.count("fingerprints cannot be read")) == (0, 1)
    (world.folder / "leak.txt").write_text(f"OKX_API_SECRET={world.made['okx-a'].secret}\n")
    locked = world.keyctl("scan", str(world.folder / "leak.txt"), "--json")
    assert locked.exit_code == 4 and locked.data["without_fingerprints"] == ["okx-a"]
    assert [error["code"] for error in locked.document["errors"]] == ["secrets_found", "fingerprints_damaged"]
    (world.folder / "leak.txt").write_text(f"{world.made['okx-a'].secret}\n")
    assert world.keyctl("scan", str(world.folder / "leak.txt")).exit_code == 9
    opened = world.keyctl("scan", "--open", str(world.folder / "leak.txt"))
    assert opened.exit_code == 4 and opened.stderr.count("fingerprints cannot be read") == 1
    assert Fingerprints(world.app().home).path.read_text() == "{half"


def test_a_disk_that_refuses_them_keeps_no_secret_away(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise StoreUnusable(f"{path} cannot be written")

    monkeypatch.setattr(fingerprints, "write_whole", refuse)
    inner = MemoryStore()
    stored(home, inner).put("b", make_credential(HEX))
    assert list(stored(home, inner).get_each(["b"])) == ["b"]


def test_a_rotated_key_is_known_as_dead(world: World) -> None:
    from keyctl.twin.key_making import make_key as make
    from tests.support.world import IPS, credentials

    old = world.add("okx")
    new = make("okx", Algorithm.HMAC, uid=old.key.uid, ips=IPS)
    world.twin.add_key("okx", new)
    assert world.keyctl("rotate", "okx-a", "--credentials-stdin", "--yes", stdin=credentials(new)).exit_code == 0
    old.key.deleted = True
    ran = world.keyctl("rotate", "okx-a", "--finish", "--json")
    assert ran.exit_code == 0, ran.stdout
    kept = json.loads(Fingerprints(world.app().home).path.read_text())["accounts"]
    assert [entry["dead_since"] is None for entry in kept] == [False, True]
