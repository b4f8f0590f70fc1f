"""Private keys in every form in which people have them, told apart, and read into one: PKCS#8 in PEM.

Bytes become a key here and nowhere else; every other module gets what clean_private_key gives. No message holds any
of a key's text. Knows no exchange.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from keyctl.errors import SetupProblem
from keyctl.exchanges.key_text import (
    block_in,
    der_in,
    is_phrase,
    pem_lines,
    seed_in,
    text_of,
    unbased,
    unfolded,
    unreadable,
)
from keyctl.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

Ask = Callable[[], Secret]
_MAKE_ONE = "create a key pair that it accepts: keyctl keygen EXCHANGE"
_CONVERT_PIPE = "to convert it: openssl pkey -in FILE | keyctl add EXCHANGE --secret-stdin"


def clean_private_key(raw: bytes, ask: Ask | None = None, *, bare: bool = False) -> Secret:
    """The key as PKCS#8 in PEM, unencrypted. `ask` gives the passphrase of an encrypted one.

    `bare`: a key that came without PEM lines stays without them, as one line of base64.

    Raises SetupProblem: bad_private_key (cannot be read), wrong_key_type (not Ed25519 or RSA), key_encrypted (and
    there is nobody to ask); the words say what it is, and how it is converted.
    """
    key = _read(raw, ask)
    _check_type(key)
    return _base64(key) if bare and b"-----" not in raw else _pem(key)


def seed_key(raw: bytes, *, meant: bool) -> Secret | None:
    """The Ed25519 key whose seed the bytes are, in hexadecimal or base64; None for anything else.

    `meant`: an Ed25519 key is what they are said to be, so that base64 may lack its padding. Without that such a text
    is as likely an HMAC secret (Bitfinex's have 43 letters and digits).
    """
    text = text_of(raw)
    seed = None if text is None else seed_in(text.strip().strip("\"'"), meant)
    if seed is None:
        return None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(seed[:32])
    if len(seed) == 64 and key.public_key().public_bytes_raw() != seed[32:]:
        return None
    return _pem(key)


def _read(raw: bytes, ask: Ask | None) -> PrivateKeyTypes:
    text = text_of(raw)
    if text is None:
        return _from_der(raw, ask)
    text = unfolded(text)
    _refuse_other_things(text)
    if block := block_in(text):
        label, body = block
        return _from_block(label, body, ask)
    bare = text.strip().strip("\"'")
    if bare.startswith("{"):
        return _from_jwk(bare)
    der = der_in(bare)
    if der is not None:
        return _from_der(der, ask)
    raise unreadable("this text is not a private key in a form that keyctl knows")


def _refuse_other_things(text: str) -> None:
    """Raises SetupProblem for what is no key of the kind that signs requests, with its name."""
    known = (
        ("-----BEGIN PGP", "this is a PGP key", _MAKE_ONE),
        ("---- BEGIN SSH2 ENCRYPTED", "this is a private key in SSH2's format", "convert it: ssh-keygen -i -f FILE"),
        ("PuTTY-User-Key-File", "this is a PuTTY key file (.ppk)",
         "convert it: puttygen FILE -O private-openssh -o NEW"),
        ("AGE-SECRET-KEY-", "this is a key of age, which encrypts and cannot sign", _MAKE_ONE),
        ("-----BEGIN AGE ENCRYPTED", "this is a file that age encrypted",
         "age -d FILE | keyctl add EXCHANGE --secret-stdin"),
        ("<RSAKeyValue", "this is an RSA key in XML, as .NET writes it", _MAKE_ONE),
    )  # fmt: skip
    for mark, what, hint in known:
        if mark in text:
            raise SetupProblem(what, hint, code="wrong_key_type")
    if is_phrase(text.strip().strip("\"'")):
        raise SetupProblem(
            "this looks like the recovery phrase of a wallet, which is not an API key",
            "never give it to a program: whoever has it owns the coins",
            code="wrong_key_type",
        )
    if "PRIVATE KEY-----" in text or "-----BEGIN" not in text:
        return
    if "PUBLIC KEY-----" in text:
        raise SetupProblem(
            "this is a public key; keyctl needs the private one", "the public half belongs on the exchange's page",
            code="bad_private_key",
        )  # fmt: skip
    if "CERTIFICATE" in text:
        raise SetupProblem("this is a certificate, without a private key", _MAKE_ONE, code="bad_private_key")


def _from_block(label: str, body: str, ask: Ask | None) -> PrivateKeyTypes:
    """The key of a PEM block, by what its body is and whatever its label says."""
    if "Proc-Type:" in body:
        pem = _rebuilt(label, body)
        return _decrypted(lambda phrase: _load_pem(pem, phrase), ask)
    der = unbased("".join(body.split()))
    if der is None:
        raise unreadable("the private key's text is not base64: it is incomplete or was changed when copied")
    if der.startswith(b"openssh-key-v1\0"):
        return _from_openssh(der)
    return _from_der(der, ask)


def _rebuilt(label: str, body: str) -> bytes:
    """A block of the old encrypted form with its headers on lines of their own."""
    head = re.search(r"Proc-Type:\s*(\S+)\s+DEK-Info:\s*(\S+?,[0-9A-Fa-f]+)\s+(.*)", body, re.DOTALL)
    if head is None:
        raise unreadable("the encrypted private key's headers are not valid")
    lines = pem_lines("".join(head[3].split()))
    headers = f"Proc-Type: {head[1]}\nDEK-Info: {head[2]}"
    return f"-----BEGIN {label}-----\n{headers}\n\n{lines}\n-----END {label}-----\n".encode()


def _from_openssh(der: bytes) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    text = pem_lines(base64.b64encode(der).decode("ascii"))
    pem = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n".encode()
    if der[15:].startswith(b"\0\0\0\x04none"):
        try:
            return load_ssh_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise unreadable(
                "this OpenSSH private key cannot be read: it is incomplete or was changed when copied"
            ) from None
    raise SetupProblem(
        "this OpenSSH private key is encrypted",
        "create a copy without passphrase (delete it after adding): ssh-keygen -p -N '' -f COPY",
        code="key_encrypted",
    )


def _from_der(der: bytes, ask: Ask | None) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        return load_der_private_key(der, None)
    except TypeError:  # the library's word for "it is encrypted"
        return _decrypted(lambda phrase: load_der_private_key(der, phrase), ask)
    except (ValueError, UnsupportedAlgorithm):
        raise _told_apart(der) from None


def _told_apart(der: bytes) -> SetupProblem:
    """What bytes are that are no private key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        load_der_public_key(der)
        return SetupProblem(
            "this is a public key; keyctl needs the private one", "the public half belongs on the exchange's page",
            code="bad_private_key",
        )  # fmt: skip
    except (ValueError, UnsupportedAlgorithm):
        pass
    if b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" in der[:64]:  # pkcs7-data, in what begins a PKCS#12 file
        return SetupProblem(
            "this is a PKCS#12 file (.p12, .pfx)",
            "openssl pkcs12 -in FILE -nocerts -nodes | keyctl add EXCHANGE --secret-stdin",
            code="bad_private_key",
        )
    return unreadable("the private key cannot be read: it is incomplete or was changed when copied")


def _load_pem(pem: bytes, phrase: bytes) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, phrase)


def _decrypted(load: Callable[[bytes], PrivateKeyTypes], ask: Ask | None) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm

    if ask is None:
        raise SetupProblem(
            "this private key is encrypted by a passphrase",
            "use a terminal: keyctl add asks for the passphrase",
            _CONVERT_PIPE,
            code="key_encrypted",
        )
    try:
        return load(ask().reveal())
    except UnsupportedAlgorithm:
        raise SetupProblem(
            "this private key is encrypted in a way that keyctl cannot read", _CONVERT_PIPE, code="key_encrypted"
        ) from None
    except (ValueError, TypeError):
        raise SetupProblem(
            "the private key did not open: wrong passphrase, or damaged", "nothing was stored", code="bad_private_key"
        ) from None


def _from_jwk(text: str) -> PrivateKeyTypes:
    """The key in a JSON Web Key. Raises SetupProblem for one of a kind that cannot serve, or that lacks something."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        fields: Any = json.loads(text)
        kind = (fields["kty"], fields.get("crv", ""))
        if kind == ("OKP", "Ed25519"):
            return Ed25519PrivateKey.from_private_bytes(unbased(fields["d"]) or b"")
        if kind[0] == "RSA":
            e, n, d, p, q, dp, dq, qi = (
                int.from_bytes(unbased(fields[name]) or b"", "big")
                for name in ("e", "n", "d", "p", "q", "dp", "dq", "qi")
            )
            return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n)).private_key()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise unreadable("this JSON is not a private key, or a part of it is missing") from None
    curve = kind[1] if isinstance(kind[1], str) and re.fullmatch("[A-Za-z0-9-]{1,12}", kind[1]) else "another kind"
    raise SetupProblem(
        f"this is a JSON Web Key of {curve}, which these exchanges do not accept", _MAKE_ONE, code="wrong_key_type"
    )


def _check_type(key: PrivateKeyTypes) -> None:
    """Nothing for Ed25519 and RSA. Raises SetupProblem (wrong_key_type) that says what the key is."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519

    if isinstance(key, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        return
    what = "a key of another kind, such as DSA"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        what = f"an EC key ({key.curve.name}), as Coinbase uses it"
    elif isinstance(key, x25519.X25519PrivateKey | x448.X448PrivateKey):
        name = "X25519" if isinstance(key, x25519.X25519PrivateKey) else "X448"
        what = f"an {name} key, which encrypts and cannot sign"
    elif isinstance(key, ed448.Ed448PrivateKey):
        what = "an Ed448 key, not Ed25519"
    raise SetupProblem(f"this is {what}; these exchanges do not accept it", _MAKE_ONE, code="wrong_key_type")


def _pem(key: PrivateKeyTypes) -> Secret:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _base64(key: PrivateKeyTypes) -> Secret:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Secret(base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())))
