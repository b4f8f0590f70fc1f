"""Names of the modules in a package folder, and loading one by name. Imports nothing until asked."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TextIO

# Kept as text: pathlib alone would take longer to import than all else that `keyctl --help` needs from here.
_PACKAGE = os.path.dirname(__file__)


@cache
def module_names(folder: str, ending: str = ".py") -> tuple[str, ...]:
    """The sorted names of the files in keyctl/`folder` with that ending, private ones left out."""
    names = (name.removesuffix(ending) for name in os.listdir(os.path.join(_PACKAGE, folder)) if name.endswith(ending))
    return tuple(sorted(name for name in names if not name.startswith("_")))


@cache
def folder_names(folder: str, holding: str) -> tuple[str, ...]:
    """The sorted names of the folders in keyctl/`folder` that hold a file of that name."""
    place = os.path.join(_PACKAGE, folder)
    return tuple(sorted(name for name in os.listdir(place) if os.path.isfile(os.path.join(place, name, holding))))


def load_module(folder: str, name: str) -> ModuleType:
    """The module keyctl.`folder`.`name`. Raises KeyError when no such file is shipped."""
    if name not in module_names(folder):
        raise KeyError(name)
    return import_module(f"keyctl.{folder}.{name}")


def open_data(folder: str, file_name: str) -> TextIO:
    """A shipped data file, open for reading, with its line ends as they are."""
    return open(os.path.join(_PACKAGE, folder, file_name), encoding="utf-8", newline="")
