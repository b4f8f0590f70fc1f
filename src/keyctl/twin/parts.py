"""What a face is composed of: markets and order APIs, each with the instruments that it lists and the calls it answers.

A part keeps no state: all state is the venue's, which each call is given.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from keyctl.model.venue import Instrument

A = TypeVar("A")
P = TypeVar("P")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Route(Generic[A]):
    """One call: where it goes, what the log and the faults name it (see call.OPERATIONS), and what answers it.

    `right`: what a key needs for it, in the twin's neutral words or the venue's. `changes`: whether it can change an
    account. `own_id`: the parameter that bears the client order id of the order that the call is about.
    """

    method: str
    path: str
    operation: str
    answer: A
    right: str = "read"
    changes: bool = False
    own_id: str = ""


class Part(ABC, Generic[P, S]):
    """A market or an order API. P answers calls that anybody may make, S those that a key has signed."""

    def listed(self) -> tuple[Instrument, ...]:
        """The symbols that it lists, with their steps and minima."""
        return ()

    def public(self) -> tuple[Route[P], ...]:
        """The calls that anybody may make."""
        return ()

    def signed(self) -> tuple[Route[S], ...]:
        """The calls that need a key."""
        return ()


class OrderAPI(Part[P, S]):
    """One family of endpoints that takes, shows and cancels orders, with an id space of its own.

    Its module, class and `name` are those of its other side, the OrderAPI in the exchange's own folder.
    """

    name: ClassVar[str]


def by_call(routes: Iterable[Route[A]]) -> dict[tuple[str, str], Route[A]]:
    """The routes by method and path. Raises ValueError where two parts want to answer one call."""
    found: dict[tuple[str, str], Route[A]] = {}
    for route in routes:
        if (route.method, route.path) in found:
            raise ValueError(f"two parts answer {route.method} {route.path}")
        found[route.method, route.path] = route
    return found
