"""Private keys in all the forms in which people have them: 70 variants, and what becomes of each."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from keyctl.errors import SetupProblem
from keyctl.exchanges.signing import private_key_type
from keyctl.keys.intake import clean_secret
from keyctl.model.words import Algorithm
from keyctl.secret import Secret
from tests.support.canary import Canaries
from tests.support.private_keys import BODY, BOTH, EC_KEY, ED, ED_PEM, READ, RSA, RSA_PEM, SEED, b64, der, jwk, pem
from tests.support.world import World

PHRASE = b"Open-Sesame-1!"

# What `ssh-keygen -t ed25519` wrote for a key made for this test, under the passphrase above.
SSH_ENCRYPTED = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDX+K74Ei\n"
    "mep4Tb9v0izg1UAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIIN1Xq+gBsPsQyiI\n"
    "+eZZ0plthgVm/KLReTOd3XNN8Is8AAAAkEYcoqrqgjJoj6ZpMb7u7zsbHTZwMnIRyJa+gy\n"
    "9zic0XgNWo6vLltwEcoo3wDRaO0d4yXfnrDhSOfyxVA7GZLPeOXR0JMpsqE83zr0a/q/mv\n"
    "afCG5slrYHSZP3dJ6nAT/jOF3G4FW0zNnc0GrkH7ofP1e+iBybQxeuOP2mg4MgEGyI5HRH\n"
    "LtIRMAAGpR5N/Eqg==\n"
    "-----END OPENSSH PRIVATE KEY-----\n"
)


# Encrypted: read with its passphrase, and told where there is nobody to ask.
ENCRYPTED: dict[str, tuple[bytes | str, object]] = {
    "encrypted PKCS#8 Ed25519": (pem(ED, phrase=PHRASE), ED),
    "encrypted PKCS#8 RSA": (pem(RSA, phrase=PHRASE), RSA),
    "encrypted PKCS#8 in one line": (pem(RSA, phrase=PHRASE).replace("\n", ""), RSA),
    "encrypted PKCS#1": (pem(RSA, PrivateFormat.TraditionalOpenSSL, PHRASE), RSA),
    "encrypted PKCS#1, indented": (pem(RSA, PrivateFormat.TraditionalOpenSSL, PHRASE).replace("\n", "\n  "), RSA),
}
# Refused, each with words that say what it is and a hint of what to do.
REFUSED: dict[str, tuple[bytes | str, str, str]] = {
    "EC SEC1": (pem(EC_KEY, PrivateFormat.TraditionalOpenSSL), "EC key (secp256r1)", "keyctl keygen"),
    "EC PKCS#8": (pem(EC_KEY), "EC key (secp256r1)", "keyctl keygen"),
    "EC with parameters": (
        f"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{pem(EC_KEY)}",
        "EC key (secp256r1)",
        "keyctl keygen",
    ),
    "secp256k1": (pem(ec.generate_private_key(ec.SECP256K1())), "EC key (secp256k1)", "keyctl keygen"),
    "X25519": (pem(x25519.X25519PrivateKey.generate()), "X25519 key, which encrypts", "keyctl keygen"),
    "X448": (pem(x448.X448PrivateKey.generate()), "X448 key, which encrypts", "keyctl keygen"),
    "Ed448": (pem(ed448.Ed448PrivateKey.generate()), "Ed448 key", "keyctl keygen"),
    "encrypted OpenSSH": (SSH_ENCRYPTED, "OpenSSH private key is encrypted", "ssh-keygen -p"),
    "JWK EC": (jwk(kty="EC", crv="P-256", d=SEED), "JSON Web Key of P-256", "keyctl keygen"),
    "JWK without its private part": (jwk(kty="OKP", crv="Ed25519", x=BOTH[32:]), "a part of it is missing", "PEM"),
    "public key": (
        ED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "public key",
        "exchange's page",
    ),
    "public key in DER": (
        ED.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "public key",
        "page",
    ),
    "certificate": ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "certificate", "keyctl keygen"),
    "PKCS#12": (
        pkcs12.serialize_key_and_certificates(b"n", RSA, None, None, BestAvailableEncryption(PHRASE)),
        "PKCS#12",
        "openssl pkcs12",
    ),
    "PuTTY": ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY", "puttygen"),
    "PGP": (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "PGP",
        "keyctl keygen",
    ),
    "age": ("AGE-SECRET-KEY-1QQPQYQ", "age", "keyctl keygen"),
    "XML": ("<RSAKeyValue><D>AQ==</D></RSAKeyValue>", "RSA key in XML", "keyctl keygen"),
    "cut before END": ("\n".join(RSA_PEM.splitlines()[:-1]), "END line is missing", "whole block"),
    "cut in the middle": (RSA_PEM[:600] + "\n-----END PRIVATE KEY-----\n", "incomplete or was changed", "whole PEM"),
    "a letter changed": (RSA_PEM.replace(RSA_PEM[200:204], "????"), "not base64", "whole PEM"),
    "two keys": (ED_PEM + RSA_PEM, "two private keys", "belongs to"),
    "dashes lost": (
        ED_PEM.replace("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY----"),
        "BEGIN line",
        "whole block",
    ),
    "recovery phrase": (
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        "recovery phrase",
        "never",
    ),
    "seed in hex": (SEED.hex(), "seed of an Ed25519 key", "--key-type"),
    "seed in HEX": (SEED.hex().upper(), "seed of an Ed25519 key", "--key-type"),
    "seed with 0x": ("0x" + SEED.hex(), "seed of an Ed25519 key", "--key-type"),
    "seed in base64": (b64(SEED), "seed of an Ed25519 key", "--key-type"),
    "seed and public half in hex": (BOTH.hex(), "seed of an Ed25519 key", "--key-type"),
    "seed and public half in base64": (b64(BOTH), "seed of an Ed25519 key", "--key-type"),
    "numbers": (json.dumps(list(BOTH)), "seed of an Ed25519 key", "--key-type"),
}


def clean(data: bytes | str, kind: Algorithm | None = None, ask: Callable[[], Secret] | None = None) -> Secret:
    return clean_secret(Secret(data), kind, ask=ask)


def is_clean(found: Secret, key: object) -> bool:
    """Whether it is exactly what the library and OpenSSL write, and that key."""
    assert private_key_type(found) == ("ed25519" if key is ED else "rsa")
    return found.reveal() == pem(key).encode()


def watched() -> Canaries:
    canaries = Canaries()
    canaries.watch_secret("Ed25519", ED_PEM)
    canaries.watch_secret("RSA", RSA_PEM)
    canaries.watch_bytes("seed", SEED)
    canaries.watch_text("body", BODY)
    return canaries


@pytest.mark.parametrize("name", READ)
def test_a_key_is_read_and_kept_as_clean_pkcs8(name: str) -> None:
    data, key = READ[name]
    assert is_clean(clean(data), key)
    assert is_clean(clean(data, Algorithm.ED25519 if key is ED else Algorithm.RSA), key)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_an_encrypted_key_is_read_with_its_passphrase(name: str) -> None:
    data, key = ENCRYPTED[name]
    assert is_clean(clean(data, ask=lambda: Secret(PHRASE)), key)
    with pytest.raises(SetupProblem) as wrong:
        clean(data, ask=lambda: Secret(b"another"))
    assert "wrong passphrase, or damaged" in wrong.value.message
    with pytest.raises(SetupProblem) as nobody:
        clean(data)
    assert nobody.value.code == "key_encrypted" and any("openssl pkey" in hint for hint in nobody.value.hints)


@pytest.mark.parametrize("name", REFUSED)
def test_another_thing_is_told_for_what_it_is(name: str) -> None:
    data, words, hint = REFUSED[name]
    with pytest.raises(SetupProblem) as caught:
        clean(data)
    told = " ".join((caught.value.message, *caught.value.hints))
    assert words in caught.value.message and hint in told, told
    assert watched().find(told) == []


def test_the_table_has_at_least_the_62_variants_that_were_tried() -> None:
    assert len({**READ, **ENCRYPTED, **REFUSED}) >= 62


@pytest.mark.parametrize("name", [name for name in REFUSED if name.startswith(("seed", "numbers"))])
def test_a_seed_becomes_the_key_when_the_type_is_said(name: str) -> None:
    assert is_clean(clean(REFUSED[name][0], Algorithm.ED25519), ED)


def test_a_seed_with_another_public_half_is_refused() -> None:
    with pytest.raises(SetupProblem):
        clean((SEED + bytes(32)).hex(), Algorithm.ED25519)


@pytest.mark.parametrize("text", [SEED.hex(), "0123456789abcdef" * 4], ids=["a seed", "digits"])
def test_hexadecimal_digits_stay_text_only_when_that_is_said(text: str) -> None:
    assert clean(text, Algorithm.HMAC).reveal() == text.encode()


def test_a_key_without_pem_lines_stays_so_where_the_exchange_writes_them_so() -> None:
    bare = b64(der(RSA))
    assert clean_secret(Secret(bare), bare=True).reveal() == bare.encode()
    assert clean_secret(Secret(base64.encodebytes(der(RSA))), bare=True).reveal() == bare.encode()
    assert is_clean(clean_secret(Secret(RSA_PEM), bare=True), RSA)


@pytest.mark.parametrize("text", ["A1b2" * 16, "0123456789ABCDEF" * 2, "aB3" * 14 + "x", "M" + "aB3" * 21])
def test_a_secret_of_an_exchange_is_no_private_key(text: str) -> None:
    assert clean(text).reveal() == text.encode()


@pytest.mark.parametrize("name", ["one line", "CR only", "indented", "OpenSSH Ed25519", "JWK RSA", "DER RSA PKCS#1"])
def test_what_exec_hands_on_is_what_openssl_reads(world: World, name: str) -> None:
    data, key = READ[name]
    path = world.folder / "key"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(0o600)
    line = ["add", "binance", "--label", "t", "--api-key", "A1b2" * 16, "--secret-file", str(path), "--no-verify"]
    assert world.keyctl(*line).exit_code == 0
    ran = world.spawn("exec", "t", "--", "sh", "-c", 'printf %s "$BINANCE_API_SECRET" | openssl pkey -check -noout')
    assert (ran.exit_code, ran.stdout) == (0, "Key is valid\n"), ran
    stored = world.app().store.get(world.account("t").id).secret.reveal()
    assert stored == pem(key).encode()
    assert load_pem_private_key(stored, None)


def test_a_key_file_at_the_command_line_shows_nothing(world: World, tmp_path: Path) -> None:
    canaries = watched()
    files = [(name, data) for name, (data, _) in ENCRYPTED.items()]
    files += [(name, data) for name, (data, _, _) in REFUSED.items()]
    for number_, (name, data) in enumerate(files):
        path = tmp_path / f"k{number_}"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        for more in ((), ("--json",), ("--debug",)):
            line = (
                "add",
                "binance",
                "--label",
                "t",
                "--api-key",
                "A1b2" * 16,
                "--secret-file",
                str(path),
                "--no-verify",
            )
            ran = world.keyctl(*line, *more)
            assert ran.exit_code == 3, (name, ran)
            assert canaries.find(ran.stdout + ran.stderr) == [], name
            ran = world.keyctl("import", str(path), "--yes", *more)
            assert ran.exit_code in (3, 4), (name, ran)
            assert canaries.find(ran.stdout + ran.stderr) == [], name
