"""Fault states of a key and its exchange, made from documented settings of the twin, for tests and demos.

`put_in_state` changes the venue (its keys, clock, faults) and answers how the user stands then: the key as that user
holds it, and the address under which the exchange is called. One state at a time; `clear_state` first for the next.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from keyctl.model.words import Algorithm, Kind
from keyctl.twin.faces import face
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey, private_key
from keyctl.twin.ways import State as State

if TYPE_CHECKING:
    from keyctl.twin.serving import Server

ELSEWHERE = "203.0.113.9"
DAY_MS = 86_400_000
NONCE_FAR_AHEAD = 9_007_199_254_740_990


_FUTURES_ONLY = {State.FUTURES_IP_LIST, State.FUTURES_RIGHT}
_CONNECTIONS = (State.UNREACHABLE, State.TLS, State.NO_ANSWER)
_ANSWERS = (State.RATE_LIMIT, State.BAN, State.MAINTENANCE)
_HELD_WRONGLY = (State.SWAPPED, State.BLANK, State.KEY_TYPE, State.WRONG_SECRET)
# What a running server can be put into over its control path: nothing that lies with the user, no closed door.
AT_THE_VENUE = frozenset(State) - {*_HELD_WRONGLY, State.UNREACHABLE, State.TLS}


@dataclass(frozen=True, slots=True)
class Stand:
    """How the user stands: the key as held, and the endpoint that is called."""

    key: MadeKey
    endpoint: str


def states(exchange: str, market: str) -> tuple[State, ...]:
    """The states that the twin can show for an exchange and market, healthy first."""
    troubles = face(exchange).troubles
    lacking = troubles.lacking | (_FUTURES_ONLY if market == "spot" else troubles.spot_only)
    return tuple(state for state in State if state not in lacking)


def put_in_state(server: Server, exchange: str, key: MadeKey, state: State, other: Server | None = None) -> Stand:
    """The venue and the key are in that state from now on; how the user stands then.

    `other` is a second server that plays the exchange's other environment or region; keys of such states live there.
    Raises ValueError for a state that the exchange does not have.
    """
    if state in face(exchange).troubles.lacking:
        raise ValueError(f"{exchange} has no state {state}")
    clear_state(server, exchange, key)
    stand = Stand(key, server.endpoint(exchange))
    with server.venue(exchange).lock:
        if state in _CONNECTIONS or state in _ANSWERS:
            _break_calls(server, exchange, state)
            if state is State.TLS:
                return replace(stand, endpoint=stand.endpoint.replace("http://", "https://"))
            return stand
        if state in _HELD_WRONGLY:
            return replace(stand, key=_held_wrongly(exchange, key, state))
        _change_venue(server, exchange, key, state, other)
    return stand


def clear_state(server: Server, exchange: str, key: MadeKey) -> None:
    """The venue is sound again and knows the key as it was before its first state."""
    venue, held = server.venue(exchange), key.key
    server.faults.clear()
    server.refuse(exchange, False)
    with venue.lock:
        venue.offset_ms, venue.maintenance, venue.pretended_address = 0, False, None
        venue.nonces.clear()
        sound = venue.sound_keys.setdefault(key.api_key, deepcopy(held))
        for field in fields(sound):
            setattr(held, field.name, deepcopy(getattr(sound, field.name)))
        venue.keys[key.api_key] = held


def _break_calls(server: Server, exchange: str, state: State) -> None:
    if state is State.UNREACHABLE:
        server.refuse(exchange, True)
    elif state is State.NO_ANSWER:
        server.fault(Fault(FaultKind.RESET_BEFORE, exchange=exchange, times=None))
    elif state is State.RATE_LIMIT:
        server.fault(replace(face(exchange).troubles.throttled, exchange=exchange, times=None))
    elif state is State.BAN:
        server.fault(replace(face(exchange).troubles.banned, exchange=exchange, times=None))
    elif state is State.MAINTENANCE:
        server.venue(exchange).maintenance = True


def _held_wrongly(exchange: str, key: MadeKey, state: State) -> MadeKey:
    """The key as a user holds it who copied something wrong; the venue's side stays as it is."""
    if state is State.SWAPPED:
        return replace(key, api_key=key.secret, secret=key.api_key)
    if state is State.BLANK:
        # A private key as a file may end in blanks.
        if key.algorithm is not Algorithm.HMAC:
            return replace(key, api_key=key.api_key + " ")
        return replace(key, secret=key.secret + " ")
    if state is State.WRONG_SECRET:
        return replace(key, secret=make_key(exchange, key.algorithm).secret)
    # Where the exchange has a second type, a key of that type; elsewhere a private key in place of the secret.
    second = face(exchange).keys.second
    if second is None:
        return replace(key, secret=private_key(Algorithm.ED25519)[0])
    kind = second if key.algorithm is Algorithm.HMAC else Algorithm.HMAC
    return replace(key, secret=make_key(exchange, kind).secret, algorithm=kind)


def _change_venue(server: Server, exchange: str, key: MadeKey, state: State, other: Server | None) -> None:  # noqa: C901 - a branch for each state
    venue, held, demo_by_header = server.venue(exchange), key.key, face(exchange).troubles.demo_by_header
    if state in (State.UNKNOWN_KEY, State.REGION) or (state is State.ENVIRONMENT and not demo_by_header):
        venue.keys.pop(key.api_key, None)
        if state is not State.UNKNOWN_KEY and other is not None:
            other.add_key(exchange, held)
    elif state is State.ENVIRONMENT:
        held.environment = Kind.DEMO
        if other is not None:  # its demo is served there as on a port of its own, without the header
            other.add_key(exchange, replace(held, environment=Kind.LIVE))
    elif state is State.DELETED_KEY:
        held.deleted = True
    elif state is State.EXPIRED_KEY:
        _expire(exchange, key, venue.now_ms())
    elif state is State.PASSPHRASE:
        held.passphrase = b"Another-1a!"
    elif state is State.IP_LIST:
        held.ips = {"spot": (ELSEWHERE,), "futures": (ELSEWHERE,)}
    elif state is State.FUTURES_IP_LIST:
        held.ips = {**held.ips, "futures": (ELSEWHERE,)}
    elif state is State.READ_RIGHT:
        held.permissions["read"] = False
    elif state is State.TRADE_RIGHT:
        held.permissions["spot_trade"] = False
    elif state is State.FUTURES_RIGHT:
        held.permissions |= {"futures_trade": False, "futures_read": False}
    elif state in (State.CLOCK_AHEAD, State.CLOCK_BEHIND):
        venue.offset_ms = 60_000 if state is State.CLOCK_BEHIND else -60_000
    elif state is State.NONCE:
        venue.nonces[key.api_key] = NONCE_FAR_AHEAD


def _expire(exchange: str, key: MadeKey, now_ms: int) -> None:
    """A key past its life: it ends, or its trading right lapses where it has no IP list."""
    held = key.key
    held.created_ms, held.ips = now_ms - 40 * DAY_MS, {}
    if face(exchange).troubles.lapses:
        held.permissions["spot_trade"] = False
    else:
        held.expired = True
