"""The faces of the twin by the names of their exchanges. No exchange is named here."""

from __future__ import annotations

import importlib
import pkgutil

import keyctl.twin
from keyctl.twin.face import Face


def face(exchange: str) -> Face:
    """The face of one exchange: the one Face in the module of that name. Raises ModuleNotFoundError."""
    found = _face_in(f"keyctl.twin.{exchange}.face")
    if found is None:
        raise ModuleNotFoundError(f"the twin has no exchange {exchange}")
    return found


def all_faces() -> list[Face]:
    """A face for every exchange that the twin has, in alphabetical order."""
    found = (
        _face_in(f"keyctl.twin.{item.name}.face") for item in pkgutil.iter_modules(keyctl.twin.__path__) if item.ispkg
    )
    return [item for item in found if item is not None]


def _face_in(module_name: str) -> Face | None:
    module = importlib.import_module(module_name)
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Face) and value.__module__ == module_name:
            if value is not Face:
                return value()
    return None
