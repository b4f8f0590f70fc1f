"""How many secrets a thief must try who has a home's fingerprints, their key and a backup of the home.

The home tells of a secret which exchange it is of and how its key signs, so its length and alphabet; of the API key a
hash and eight characters. What is hashed is the whole secret, so there is nothing to try but whole secrets.
"""

from __future__ import annotations

import math
import re

from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from keyctl.vault.fingerprints import private_der, whole_forms

KINDS = (
    ("binance", Algorithm.HMAC),
    ("binance", Algorithm.ED25519),
    ("binance", Algorithm.RSA),
    ("bitfinex", Algorithm.HMAC),
    ("lbank", Algorithm.HMAC),
    ("lbank", Algorithm.RSA),
    ("okx", Algorithm.HMAC),
)
# What is left of a key's length once its public half is known, by modulus: NIST SP 800-57 part 1 rev. 5, table 2.
RSA_BITS = {1024: 80, 2048: 112, 3072: 128}
ED25519_BITS = 128


def guess_bits(exchange: str, algorithm: Algorithm) -> tuple[float, str]:
    """The bits of that kind of secret, and what it is."""
    secret = make_key(exchange, algorithm).secret
    assert whole_forms(secret.encode()), "it has no fingerprint at all"
    if algorithm is Algorithm.HMAC:
        size = next(
            size for letters, size in (("0-9A-F", 16), ("A-Za-z0-9", 62)) if re.fullmatch(f"[{letters}]+", secret)
        )
        return len(secret) * math.log2(size), f"{exchange}, HMAC secret of {len(secret)} characters"
    der = private_der(secret.encode())
    assert der is not None
    if algorithm is Algorithm.ED25519:
        return ED25519_BITS, f"{exchange}, Ed25519 key, with its public half (2^256 without)"
    return RSA_BITS[2048], f"{exchange}, RSA key of 2048 bits, with its public half"
