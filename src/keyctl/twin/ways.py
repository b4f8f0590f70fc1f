"""The ways of one exchange, as its face tells them: what its keys look like, what may be wrong there, its limits.

Written from the documents for the twin alone, so that it does not share keyctl's own reading of them.
"""

from __future__ import annotations

import fnmatch
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from keyctl.model.words import Algorithm
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.record import Logged

_LETTERS = string.ascii_letters + string.digits
ADDRESS, KEY = "address", "key"
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` calls (or weights) in any `seconds` to the paths, counted by the caller's address or by key.

    `weights` are by path, with "?symbol" for a call that names a symbol; a path that is not named weighs 1.
    """

    name: str
    paths: tuple[str, ...]
    most: int
    seconds: int
    per: str = ADDRESS
    weights: dict[str, int] = field(default_factory=dict)

    def weight(self, line: Logged) -> int:
        """What that call weighs."""
        light = self.weights.get(f"{line.path}?symbol") if line.by_symbol else None
        return self.weights.get(line.path, 1) if light is None else light

    def counts(self, path: str) -> bool:
        """Whether calls to that path count here."""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)


class State(StrEnum):
    """What may be wrong with a key, its user's machine or its exchange."""

    HEALTHY = "healthy"
    UNKNOWN_KEY = "unknown_key"
    DELETED_KEY = "deleted_key"
    EXPIRED_KEY = "expired_key"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - the name of a state
    SWAPPED = "swapped"
    BLANK = "blank"
    KEY_TYPE = "wrong_key_type"
    PASSPHRASE = "wrong_passphrase"  # noqa: S105 - the name of a state
    ENVIRONMENT = "other_environment"
    REGION = "other_region"
    IP_LIST = "ip_not_listed"
    FUTURES_IP_LIST = "futures_ip_list"
    READ_RIGHT = "read_permission"
    TRADE_RIGHT = "trade_permission"
    FUTURES_RIGHT = "futures_permission"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    NONCE = "nonce_behind"
    RATE_LIMIT = "rate_limited"
    BAN = "banned"
    MAINTENANCE = "maintenance"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    NO_ANSWER = "no_answer"


# The page of a firewall before the exchange.
BAN_PAGE = "<html><head><title>Access denied</title></head><body>error code: 1015</body></html>"


def letters(length: int) -> str:
    """That many random letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@dataclass(frozen=True, slots=True)
class KeyShape:
    """What API keys and HMAC secrets look like. `second`: the other type of key, where there is one. `bare`: private
    keys are given as base64 of their PKCS#8 form, without the lines of PEM."""

    api_key: Callable[[], str]
    secret: Callable[[], str]
    passphrase: bool = False
    second: Algorithm | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Troubles:
    """`lacking`: states that the exchange does not have, or that its documents do not describe; `spot_only` are those
    of its spot market alone. How it answers who asks too often, and whom it has shut out.

    `demo_by_header`: demo keys are known where live ones are, and told apart by a header. `lapses`: the trading right
    of a key without an IP list lapses, and the key does not end.
    """

    lacking: frozenset[State]
    throttled: Fault
    banned: Fault = field(default_factory=lambda: Fault(FaultKind.ANSWER, status=403, body=BAN_PAGE))
    spot_only: frozenset[State] = frozenset()
    demo_by_header: bool = False
    lapses: bool = False
