"""Keys of the twin: what an exchange holds of an API key, and the making of whole keys for demos and tests.

The secrets here are made up for the twin; they never show in a repr, and no key of a person ever comes here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from keyctl.model.words import Algorithm, Kind

RIGHTS = ("read", "spot_trade", "futures_trade", "withdraw", "transfer")
CREATED_MS = 1_750_000_000_000


@dataclass(slots=True)
class Key:
    """An API key as its exchange knows it. `ips` maps a market ("spot", "futures") to its list; none: no list.

    `account_level` is the mode of the key's account, in the exchange's own word, where it is not the usual one.
    `secret` is the HMAC secret's text as bytes; asymmetric keys have `public_key` (PEM) instead.
    """

    api_key: str
    algorithm: Algorithm = Algorithm.HMAC
    secret: bytes = field(default=b"", repr=False)
    public_key: bytes = field(default=b"", repr=False)
    passphrase: bytes = field(default=b"", repr=False)
    permissions: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(RIGHTS, False) | {"read": True})
    ips: dict[str, tuple[str, ...]] = field(default_factory=dict)
    created_ms: int = CREATED_MS
    uid: str = "1000001"
    environment: Kind = Kind.LIVE
    deleted: bool = False
    expired: bool = False
    label: str = ""
    account_level: str = ""

    def may(self, right: str) -> bool:
        """Whether the key has a right, by its neutral name."""
        return self.permissions.get(right, False)

    def allows(self, address: str, market: str = "spot") -> bool:
        """Whether the key's list for the market takes the address; without a list every address is taken."""
        entries = self.ips.get(market, ())
        caller = ipaddress.ip_address(address)
        return not entries or any(caller in ipaddress.ip_network(entry, strict=False) for entry in entries)

    def hmac(self, message: bytes, hash_name: str = "sha256") -> bytes:
        """The raw HMAC of the message under the key's secret."""
        return hmac.new(self.secret, message, getattr(hashlib, hash_name)).digest()

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether a raw Ed25519 or RSA (PKCS#1 v1.5, SHA-256) signature of the message is this key's."""
        if not self.public_key:
            return False
        public = load_pem_public_key(self.public_key)
        try:
            if isinstance(public, Ed25519PublicKey):
                public.verify(signature, message)
            elif isinstance(public, RSAPublicKey):
                public.verify(signature, message, PKCS1v15(), SHA256())
            else:
                return False
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A whole key: what the user would hold (the secret as text: HMAC secret or private PEM), and the venue's Key."""

    api_key: str
    secret: str = field(repr=False)
    passphrase: str | None = field(repr=False)
    algorithm: Algorithm
    key: Key


def private_key(algorithm: Algorithm, *, bare: bool = False) -> tuple[str, bytes]:
    """A private key as the user holds it, and its public PEM."""
    private = Ed25519PrivateKey.generate() if algorithm is Algorithm.ED25519 else generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if bare:
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return base64.b64encode(der).decode(), public
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public
