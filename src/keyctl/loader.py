"""Names of the modules in a package folder, and loading one by name. Imports nothing until asked."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent


@cache
def module_names(folder: str, ending: str = ".py") -> tuple[str, ...]:
    """The sorted names of the files in keyctl/`folder` with that ending, private ones left out."""
    names = (path.name.removesuffix(ending) for path in (_PACKAGE / folder).glob(f"*{ending}"))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def load_module(folder: str, name: str) -> ModuleType:
    """The module keyctl.`folder`.`name`. Raises KeyError when no such file is shipped."""
    if name not in module_names(folder):
        raise KeyError(name)
    return import_module(f"keyctl.{folder}.{name}")


def data_path(folder: str, file_name: str) -> Path:
    """The path of a shipped data file."""
    return _PACKAGE / folder / file_name
