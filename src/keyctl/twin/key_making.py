"""Whole keys for demos and tests, of the shape that an exchange's keys have."""

from __future__ import annotations

import secrets

from keyctl.model.words import Algorithm, Kind
from keyctl.twin.faces import face
from keyctl.twin.keys import CREATED_MS, RIGHTS, Key, MadeKey, private_key
from keyctl.twin.ways import letters


def make_key(  # noqa: PLR0913 - a key has so many sides, all but two by name
    exchange: str,
    algorithm: Algorithm = Algorithm.HMAC,
    *,
    rights: tuple[str, ...] = ("read", "spot_trade"),
    ips: dict[str, tuple[str, ...]] | None = None,
    uid: str | None = None,
    environment: Kind = Kind.LIVE,
    created_ms: int = CREATED_MS,
) -> MadeKey:
    """A new key of the shape that the exchange's keys have, for `Venue.add_key`. Random each time."""
    shape = face(exchange).keys
    secret, public = (shape.secret(), b"") if algorithm is Algorithm.HMAC else private_key(algorithm, bare=shape.bare)
    passphrase = "Twin-" + letters(12) + "1a!" if shape.passphrase else None
    api_key = shape.api_key()
    key = Key(
        api_key=api_key,
        algorithm=algorithm,
        secret=b"" if public else secret.encode(),
        public_key=public,
        passphrase=(passphrase or "").encode(),
        permissions={right: right in rights for right in (*RIGHTS, *rights)},  # an exchange may have more
        ips=dict(ips or {}),
        created_ms=created_ms,
        uid=uid if uid is not None else str(1_000_000 + secrets.randbelow(9_000_000)),
        environment=environment,
    )
    return MadeKey(api_key, secret, passphrase, algorithm, key)
