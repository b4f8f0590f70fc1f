"""Makes tests/data/vault: a vault of this version with its key, and hostile files made from it. Run once per version.

python -m tests.vault.kit FOLDER NAME     (NAME such as v1)
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from keyctl.model.credential import Credential
from keyctl.model.words import Algorithm
from keyctl.secret import Secret
from keyctl.vault.encrypted_file import EncryptedFile, make_vault
from keyctl.vault.envelope import GivenKey
from keyctl.vault.sealing import canonical
from tests.support.stores import make_credential

PASSPHRASE = "made up for tests"
PEM = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(["Ab+/" * 16] * 26) + "\n-----END PRIVATE KEY-----\n"


def contents() -> dict[str, Credential]:
    """The made-up credentials of the vault, by account id."""
    return {
        "0011223344556677": make_credential("made-up secret 1", "made-up passphrase", "made-up-key-1"),
        "8899aabbccddeeff": replace(make_credential(PEM, None, "made-up-key-2"), algorithm=Algorithm.RSA),
    }


def make(folder: Path, name: str) -> None:
    """Writes NAME.json, NAME.key and the folder `hostile`."""
    key = os.urandom(32)
    (folder / f"{name}.key").write_bytes(key)
    keys = [GivenKey("keyfile", Secret(key)), GivenKey("passphrase", Secret(PASSPHRASE))]
    paths = folder / f"{name}.json", folder / "other.json"
    for path in paths:
        make_vault(path, keys)
        EncryptedFile(path, keys[0]).put_many(contents())
    whole, other = (json.loads(path.read_bytes()) for path in paths)
    (folder / "hostile").mkdir(exist_ok=True)
    for hostile, data in hostile_files(whole, other).items():
        (folder / "hostile" / f"{hostile}.json").write_bytes(data)
    paths[1].unlink()
    for leftover in (*folder.glob("*.bak*"), *folder.glob(".*.lock")):
        leftover.unlink()


def hostile_files(whole: dict[str, Any], other: dict[str, Any]) -> dict[str, bytes]:
    """Files that no vault may be taken from, by what is wrong with them."""
    text = canonical(whole)

    def changed(**fields: Any) -> bytes:
        return canonical({**whole, **fields})

    def passphrase_slot(**fields: Any) -> bytes:
        return changed(slots=[whole["slots"][0], {**whole["slots"][1], **fields}])

    return {
        "empty": b"",
        "cut": text[: len(text) * 2 // 3],
        "not-json": b"\x00\xff" * 600,
        "nested": b"[" * 200_000,
        "not-canonical": json.dumps(whole, sort_keys=True, indent=1).encode(),
        "duplicate-keys": text[:-1] + b',"version":1}',
        "number-of-5000-digits": text.replace(b'"generation":2', b'"generation":' + b"9" * 5000),
        "negative-generation": changed(generation=-1),
        "higher-generation": changed(generation=whole["generation"] + 1),
        "older-format": changed(version=0),
        "newer-format": changed(version=2),
        "version-true": changed(version=True),
        "other-cipher": changed(cipher="none"),
        "other-id": changed(id=other["id"]),
        "no-slots": changed(slots=[]),
        "one-slot-dropped": changed(slots=whole["slots"][:1]),
        "slots-turned": changed(slots=whole["slots"][::-1]),
        "slots-of-another-vault": changed(slots=other["slots"]),
        "content-of-another-vault": changed(data=other["data"], nonce=other["nonce"]),
        "a-slot-twice": changed(slots=[whole["slots"][0], whole["slots"][0]]),
        "short-nonce": changed(nonce="AAAA"),
        "empty-data": changed(data=""),
        "another-spelling-of-base64": changed(nonce=whole["nonce"] + "===="),
        "scrypt-n-a-terabyte": passphrase_slot(n=2**30),
        "scrypt-n-no-power-of-two": passphrase_slot(n=2**17 - 1),
        "scrypt-n-cheap": passphrase_slot(n=2**10),
        "scrypt-n-a-float": passphrase_slot(n=131072.0),
        "scrypt-n-halved": passphrase_slot(n=2**16),
        "scrypt-r-huge": passphrase_slot(r=2**20),
        "scrypt-p-huge": passphrase_slot(p=2**20),
        "kdf-none": passphrase_slot(kdf="none"),
    }


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
