"""What TAB offers for the words of a command: labels, groups, exchanges, plans, symbols, error codes.

Reads the account list, config.toml and two small text files; never the secret store, the journal or the network, and
writes nothing. Whatever cannot be read is not offered: a shell that waits for words must get no error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from keyctl.errors import KeyctlError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from keyctl.app import App
    from keyctl.home.folders import Home

# By a parameter's name, what it takes. Others are not completed.
OFFERED = {
    "account": ("label",),
    "accounts": ("label",),
    "code": ("code",),
    "exchange": ("exchange",),
    "exchanges": ("exchange",),
    "from_keygen": ("label",),
    "group": ("group",),
    "groups": ("group",),
    "into": ("group",),
    "label": ("label",),
    "labels": ("label",),
    "name": ("label", "exchange"),
    "out_of": ("group",),
    "paths": ("exchange",),
    "plan": ("plan",),
    "same_as": ("label",),
    "symbol": ("symbol",),
    "words": ("topic",),
}
# Options whose value is a name that must be new, and a word with another meaning.
_NEW = ("--label",)
_FILES = "[PATH]..."
# Codes that a shell takes as one word.
_CODE = re.compile(r"[a-z0-9._-]+")


class OfferedText(click.types.StringParamType):
    """A text for which words are offered; nothing else is different."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        given = ctx.params.get(param.name or "")
        named = given if isinstance(given, tuple) else ()
        found = {word: about for kind in self.kinds for word, about in _words(ctx, kind)}
        return [
            CompletionItem(word, help=about or None)
            for word, about in found.items()
            if word.startswith(incomplete) and word not in named
        ]


def offer_words(parameters: Iterable[click.Parameter]) -> None:
    """Gives those that take a text their words to offer."""
    for parameter in parameters:
        kinds = OFFERED.get(parameter.name or "")
        is_new = isinstance(parameter, click.Option) and set(parameter.opts) <= set(_NEW)
        if kinds and parameter.type is click.STRING and not is_new and parameter.metavar != _FILES:
            parameter.type = OfferedText(kinds)


def codes_below_zero(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """The error codes that begin like an option, where the command takes one."""
    if not (incomplete[:1] == "-" and incomplete[1:2].isdecimal()):
        return []
    types = ((parameter, parameter.type) for parameter in ctx.command.params)
    return [
        item
        for parameter, kind in types
        if isinstance(kind, OfferedText) and "code" in kind.kinds
        for item in kind.shell_complete(ctx, parameter, incomplete)
    ]


def prepare() -> None:
    """Lets Bash complete words with a colon in them, which it hands over in pieces."""
    from click.shell_completion import BashComplete, add_completion_class, split_arg_string

    class Bash(BashComplete):
        """Puts the pieces together again, and answers with what is behind the last colon alone."""

        _before = ""

        def get_completion_args(self) -> tuple[list[str], str]:
            pieces, place = split_arg_string(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
            words, glued = list[str](), False
            for piece in pieces[: place + 1]:
                is_colon = piece.strip(":") == "" != piece
                if words and (glued or is_colon):
                    words[-1] += piece
                    self._before = words[-1][: words[-1].rindex(":") + 1]
                else:
                    words.append(piece)
                    self._before = ""
                glued = is_colon
            if len(pieces) <= place:
                words.append("")
                self._before = ""
            return words[1:-1], words[-1]

        def format_completion(self, item: CompletionItem) -> str:
            return f"{item.type},{str(item.value).removeprefix(self._before)}"

    add_completion_class(Bash, "bash")


def _words(ctx: click.Context, kind: str) -> list[tuple[str, str]]:
    """Words of one kind, each with what is said beside it; none where they cannot be read."""
    with suppress(KeyctlError, OSError, KeyError, ValueError):
        return list(_READERS[kind](ctx))
    return []


def _app(ctx: click.Context) -> App:
    """The App, at the demo's home where the line has --demo: no callback runs while words are completed."""
    app: App = ctx.obj
    app.demo = bool(ctx.find_root().params.get("demo"))
    return app


def _labels(ctx: click.Context) -> list[tuple[str, str]]:
    return [(account.label, f"{account.exchange} {account.kind}") for account in _app(ctx).accounts.all()]


def _groups(ctx: click.Context) -> list[tuple[str, str]]:
    app = _app(ctx)
    names = list[str]()
    with suppress(KeyctlError):
        names += app.config.groups
    names += [name for account in app.accounts.all() for name in account.groups]
    return [(name, "group") for name in dict.fromkeys(names)]


def _exchanges(ctx: click.Context) -> list[tuple[str, str]]:
    from keyctl.loader import folder_names

    return [(name, "exchange") for name in folder_names("exchanges", "facts.toml")]


def _codes(ctx: click.Context) -> list[tuple[str, str]]:
    """Of the exchange, or the account's exchange, that the word before names."""
    from keyctl.exchanges.catalogue import catalogue

    name = str(ctx.params.get("name") or "")
    exchanges = [word for word, _ in _exchanges(ctx)]
    if name not in exchanges:
        name = next(
            account.exchange for account in (*_app(ctx).accounts.all(), None) if account and account.label == name
        )
    return [(code, "") for code in catalogue(name).codes if _CODE.fullmatch(code)]


def _seen(kind: str) -> Any:
    def words(ctx: click.Context) -> list[tuple[str, str]]:
        from keyctl.home.seen import words_seen

        home: Home = _app(ctx).home
        return [(word, "") for word in words_seen(home.state, kind)]

    return words


def _topics(ctx: click.Context) -> list[tuple[str, str]]:
    """The words after `keyctl help`: topics and commands, then a command's own commands."""
    from keyctl.commands.short_help import SHORT_HELP
    from keyctl.loader import module_names

    given = ctx.params.get("words") or ()
    if not given:
        return [*((name, "help topic") for name in module_names("commands/topics", ".txt")), *SHORT_HELP.items()]
    found: click.Command | None = ctx.find_root().command
    for word in given:
        found = found.get_command(ctx, word) if isinstance(found, click.Group) else None
    return [(name, "") for name in found.list_commands(ctx)] if isinstance(found, click.Group) else []


_READERS = {
    "label": _labels,
    "group": _groups,
    "exchange": _exchanges,
    "code": _codes,
    "plan": _seen("plan"),
    "symbol": _seen("symbol"),
    "topic": _topics,
}
