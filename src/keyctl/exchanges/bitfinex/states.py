"""Bitfinex's order statuses, which are texts, turned into our states."""

from __future__ import annotations

import re
from decimal import Decimal

from keyctl.answers import Unreadable
from keyctl.model.words import OrderState

# What a status text begins with; after it come prices and what the order was before ("EXECUTED @ 107.6(-0.2): was
# PARTIALLY FILLED @ 107.6(-0.1)"). [official] Bitfinex docs, "Abbreviation Glossary", order status, seen 2026-11; ccxt.
# What never rested counts as rejected when nothing was filled; INSUFFICIENT BALANCE (G1) may have been filled in part.
_STATES = (
    ("ACTIVE", OrderState.OPEN),
    ("PARTIALLY FILLED", OrderState.OPEN),
    ("EXECUTED", OrderState.CLOSED),
    ("FORCED EXECUTED", OrderState.CLOSED),  # the system's own order of a liquidation
    ("CANCELED", OrderState.CANCELED),
    ("IOC CANCELED", OrderState.CANCELED),
    ("FILLORKILL CANCELED", OrderState.CANCELED),
    ("POSTONLY CANCELED", OrderState.REJECTED),
    ("INSUFFICIENT BALANCE", OrderState.REJECTED),
    ("INSUFFICIENT MARGIN", OrderState.REJECTED),
)
_REASON = re.compile(r"RSN_[A-Z_]+")


def state_of(text: str, filled: Decimal, *, finished: bool = False) -> OrderState:
    """The state that a status text tells. Raises Unreadable for an unknown text.

    `finished`: the order was listed among finished ones, where the rest of a partly filled one is canceled [official].
    """
    state = _told_state(text.upper())
    if state is OrderState.REJECTED and filled:
        return OrderState.CANCELED
    return OrderState.CANCELED if finished and state is OrderState.OPEN and filled else state


def _told_state(text: str) -> OrderState:
    for beginning, state in _STATES:
        if text.startswith(beginning) and not text.removeprefix(beginning)[:1].isalnum():
            return state
    if _REASON.match(text):
        return OrderState.REJECTED
    raise Unreadable("an unknown order status")
