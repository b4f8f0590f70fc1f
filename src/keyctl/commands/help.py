"""keyctl help: short pages on what several commands share, and each command's own help. Reads no home."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.loader import module_names, open_data
from keyctl.terminal.output import Note, Result, Table, Text

# What each page is about, in the order in which they are listed.
TOPICS = {
    "exit-codes": "What the number means with which a command ends",
    "safety": "What keyctl does to protect you, and what you do",
    "cron": "Run keyctl from cron: full path, silence, the store",
    "vault": "Keep secrets in an encrypted file, and open it",
    "json": "Output for programs: JSON, records, CSV",
    "lending": "Lend margin funding with a key of its own",
}
_FOLDER = "commands/topics"


@keyctl_command(examples="keyctl help\nkeyctl help exit-codes\nkeyctl help orders settle")
@click.argument("words", metavar="[TOPIC|COMMAND]", nargs=-1)
def command(app: App, words: tuple[str, ...]) -> Result:
    """Show a help topic, or a command's help"""
    if not words:
        rows = [(f"keyctl help {name}", about) for name, about in TOPICS.items()]
        data = {"topics": [{"name": name, "about": about} for name, about in TOPICS.items()]}
        return Result(data, view=(Table(("topic", "about"), rows), Note("For a command's help: keyctl help COMMAND")))
    name = " ".join(words)
    text = topic_text(name) if name in TOPICS else _command_help(words)
    return Result({"name": name, "text": text}, view=(Text(text),))


def topic_text(name: str) -> str:
    """The page of a topic. Raises KeyError for another name."""
    if name not in module_names(_FOLDER, ".txt"):
        raise KeyError(name)
    with open_data(_FOLDER, f"{name}.txt") as file:
        return file.read().rstrip()


def _command_help(words: tuple[str, ...]) -> str:
    """The help page of a command. Raises UsageProblem (unknown_topic)."""
    ctx = click.get_current_context().find_root()
    found: click.Command = ctx.command
    for word in words:
        child = found.get_command(ctx, word) if isinstance(found, click.Group) else None
        if child is None:
            raise _unknown(words, found.list_commands(ctx) if isinstance(found, click.Group) else [])
        ctx = click.Context(child, ctx, info_name=child.name)
        found = child
    return found.get_help(ctx)


def _unknown(words: tuple[str, ...], commands: list[str]) -> UsageProblem:
    import difflib

    near = difflib.get_close_matches(words[-1], [*TOPICS, *commands] if len(words) == 1 else commands, n=1)
    hints = [f"did you mean: keyctl help {' '.join((*words[:-1], *near))}"] if near else []
    return UsageProblem(
        f"'{' '.join(words)}' is neither a command nor a help topic",
        *hints,
        "to list the topics: keyctl help",
        "to list the commands: keyctl --help",
        code="unknown_topic",
    )
