"""Every command of keyctl, by the words that it is called with."""

from __future__ import annotations

import click

from keyctl.cli import root


def commands(group: click.Group = root, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command of the program, as the words that name it."""
    found = []
    for name in group.commands:
        child = group.commands[name]
        words = (*before, name)
        found += commands(child, words) if isinstance(child, click.Group) else [words]
    return found
