"""The source as data: every module's imports, names and texts, read with `ast` and never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import keyctl

ROOT = Path(keyctl.__file__).parent
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Import:
    """One import: of what, on which line, and when it happens: on loading, when a function runs, or for types only."""

    name: str
    line: int
    when: str


@dataclass(frozen=True)
class Module:
    """One module by its name below the package: "app", "commands.order", "twin" for a package's own file."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self.tree, "load"))

    def own(self, *when: str) -> set[str]:
        """The modules of this package that it imports, at the given times (default: at any)."""
        known = names()
        found = {_own_name(item.name, known) for item in self.imports if not when or item.when in when}
        return {name for name in found if name is not None and name != self.name}

    @property
    def outside(self) -> set[str]:
        """The packages of others that it imports, at any time."""
        return {item.name.split(".")[0] for item in self.imports} - {"keyctl"}

    @cached_property
    def docstrings(self) -> set[int]:
        """The identities of the constants that are docstrings."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Module | Definition) and ast.get_docstring(node) is not None:
                found.add(id(node.body[0].value))  # type: ignore[attr-defined]
        return found


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        text = path.read_text(encoding="utf-8")
        found.append(Module(".".join(parts) or "keyctl", text, ast.parse(text)))
    return tuple(found)


@cache
def names() -> frozenset[str]:
    return frozenset(item.name for item in modules())


@cache
def module(name: str) -> Module:
    return next(item for item in modules() if item.name == name)


def _imports(node: ast.AST, when: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(item.name, child.lineno, when) for item in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"a relative import on line {child.lineno}"
            yield Import(child.module or "", child.lineno, when)
            yield from (Import(f"{child.module}.{item.name}", child.lineno, when) for item in child.names)
        else:
            yield from _imports(child, _when(child, when))


def _when(node: ast.AST, when: str) -> str:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return "types"
    if when == "load" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return "run"
    return when


def _own_name(name: str, known: frozenset[str]) -> str | None:
    if not name.startswith("keyctl."):
        return None
    inner = name.removeprefix("keyctl.")
    return inner if inner in known else None
