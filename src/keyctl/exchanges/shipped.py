"""The exchanges that are shipped: their names, and loading one by name. No exchange is named here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from keyctl.errors import UsageProblem
from keyctl.exchanges.profile import Profile, read_profile
from keyctl.loader import folder_names

if TYPE_CHECKING:
    from typing import Protocol

    from keyctl.exchanges.base import Exchange
    from keyctl.model.credential import Binding
    from keyctl.model.told import ToldError
    from keyctl.model.wire import JSON

    class ErrorShapes(Protocol):
        """One exchange's reader of errors, for live answers and pasted bodies alike."""

        def error_in(self, body: JSON, status: int = 0) -> ToldError | None:
            """The error that a body tells; None where it tells none. `status`: 0 where it is not known."""
            ...

        def results_in(self, body: JSON) -> tuple[ToldError | None, ...]:
            """Error or None (accepted) for each order that a body tells of; () for a body of another exchange."""
            ...


def names() -> tuple[str, ...]:
    """The names of all exchanges, sorted. Reads folder names only."""
    return folder_names("exchanges", "facts.toml")


@cache
def profile(name: str) -> Profile:
    """The exchange's shipped facts. Raises UsageProblem for a name that is not shipped."""
    if name not in names():
        import difflib

        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join(names())
        # A long word is not repeated: somebody may have pasted a key where the exchange's name belongs.
        shown = f" '{name}'" if len(name) <= 20 else ""
        raise UsageProblem(f"unknown exchange{shown}", hint, code="unknown_exchange")
    return read_profile(name)


def load(binding: Binding) -> Exchange:
    """The exchange that a binding names, talking to the hosts of that binding only.

    Raises UsageProblem for an unknown exchange, kind or site.
    """
    facts = profile(binding.exchange)
    module = import_module(f"keyctl.exchanges.{binding.exchange}.exchange")
    exchange: Exchange = module.EXCHANGE(facts, binding)
    return exchange


@cache
def error_shapes(name: str) -> ErrorShapes:
    """How that exchange writes errors in its bodies; quick to load, without its signer. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    shapes: ErrorShapes = import_module(f"keyctl.exchanges.{name}.errors")
    return shapes
