"""Signing keys: from here on a secret can only sign bytes. Knows no exchange, no store and no network."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Literal, Protocol

from keyctl.errors import SetupProblem
from keyctl.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

Hash = Literal["sha256", "sha384", "sha512"]
RSA_BITS_MIN = 2048


class SigningKey(Protocol):
    """A secret that can only sign."""

    def sign(self, message: bytes) -> bytes:
        """The raw signature of the message."""


class HMACKey:
    """HMAC over the secret's UTF-8 text; no exchange here decodes the secret first."""

    __slots__ = ("_state",)

    def __init__(self, secret: Secret, hash_name: Hash) -> None:
        self._state = hmac.new(secret.reveal(), digestmod=getattr(hashlib, hash_name))

    def sign(self, message: bytes) -> bytes:
        """The raw HMAC of the message."""
        state = self._state.copy()
        state.update(message)
        return state.digest()


class Ed25519Key:
    """Ed25519 from a PKCS#8 PEM private key."""

    __slots__ = ("_key",)

    def __init__(self, secret: Secret) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = _load_private(secret, checked=True)
        if not isinstance(key, Ed25519PrivateKey):
            raise _wrong_key("Ed25519")
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """The raw signature, 64 bytes."""
        return self._key.sign(message)


class RSAKey:
    """RSASSA-PKCS1-v1_5 with SHA-256, from PEM or bare base64 PKCS#8.

    The expensive consistency check (40 ms and more) belongs to `check_private_key` at `add`; a key that comes from
    an authenticated store is loaded without it.
    """

    __slots__ = ("_key",)

    def __init__(self, secret: Secret) -> None:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        key = _load_private(secret, checked=False)
        if not isinstance(key, RSAPrivateKey):
            raise _wrong_key("RSA")
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """The raw signature, as long as the key's modulus."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(message, PKCS1v15(), SHA256())


def new_private_key(kind: Literal["ed25519", "rsa"], bits: int = RSA_BITS_MIN) -> Secret:
    """A fresh private key as PKCS#8 PEM; `bits` is for RSA. Raises ValueError below 2048 bits."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if kind == "rsa" and bits < RSA_BITS_MIN:
        raise ValueError("an RSA key has at least 2048 bits")
    # 65537: the exponent that FIPS 186-5 and all exchanges take.
    key = Ed25519PrivateKey.generate() if kind == "ed25519" else generate_private_key(65537, bits)
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_key_of(secret: Secret) -> bytes:
    """The public half of a private key, as SubjectPublicKeyInfo in DER. Raises SetupProblem (bad_private_key)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _load_private(secret, checked=False)
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise _wrong_key("Ed25519 or RSA")
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_private_key(secret: Secret, kind: Literal["ed25519", "rsa"]) -> int:
    """The key's size in bits (256 for Ed25519). Raises SetupProblem when it cannot be read or is of another type."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    key = _load_private(secret, checked=True)
    if kind == "ed25519" and isinstance(key, Ed25519PrivateKey):
        return 256
    if kind == "rsa" and isinstance(key, RSAPrivateKey):
        return key.key_size
    raise _wrong_key("Ed25519" if kind == "ed25519" else "RSA")


def private_key_type(secret: Secret) -> Literal["ed25519", "rsa"] | None:
    """What kind of private key a stored secret is; None for one that is no private key.

    Raises SetupProblem (bad_private_key, wrong_key_type) for a PEM block that cannot sign.
    """
    is_block = secret_fits(secret, r"(?s)\s*-----BEGIN.*")
    if not is_block and not secret_fits(secret, r"M[A-Za-z0-9+/]{40,}={0,2}"):
        return None
    try:
        check_private_key(secret, "ed25519")
        return "ed25519"
    except SetupProblem as problem:
        if problem.code != "wrong_key_type":
            if is_block:
                raise
            return None
    check_private_key(secret, "rsa")
    return "rsa"


def secret_fits(secret: Secret, pattern: str) -> bool:
    """Whether the secret's whole text matches a pattern, so that exchanges can check a shape without seeing it."""
    return re.fullmatch(pattern.encode("ascii"), secret.reveal()) is not None


def _load_private(secret: Secret, *, checked: bool) -> Ed25519PrivateKey | RSAPrivateKey | object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    raw = secret.reveal().strip()
    try:
        if raw.startswith(b"-----BEGIN"):
            return load_pem_private_key(raw, None, unsafe_skip_rsa_key_validation=not checked)
        der = base64.b64decode(b"".join(raw.split()), validate=True)
        return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=not checked)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        raise SetupProblem(
            "the private key cannot be read",
            "give the whole PEM file, unencrypted, from -----BEGIN PRIVATE KEY----- to the END line",
            code="bad_private_key",
        ) from None


def _wrong_key(wanted: str) -> SetupProblem:
    return SetupProblem(
        f"this is not an {wanted} private key",
        "choose the type that the key has with --key-type",
        code="wrong_key_type",
    )
