"""The frame around every command: the options they share, examples in the help, and the App as first argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from keyctl.commands.completing import codes_below_zero, offer_words
from keyctl.errors import UsageProblem
from keyctl.model.words import Algorithm

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from keyctl.app import App
    from keyctl.terminal.output import Result

# Whatever name the program is called by: the variable follows from the name that cli.py gives to Click.
COMPLETION_VARIABLE = "_KEYCTL_COMPLETE"
# Under which a context knows how a whole command line is run, for a command that runs others.
RUNS_LINES = "keyctl.commands.framing.runs_lines"
_DECOYS = ("--secret", "--api-secret", "--secret-key", "--private-key", "--passphrase", "--password")
_KEY_TYPES = [kind.value for kind in Algorithm]
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class KeyctlCommand(click.Command):
    """A command that returns a Result. Its callback gets the App first.

    `sections` are headings for its help, each by the name of the parameter that it stands above. `needs_words`: an
    empty word is refused, for a command to which an option that is not given means more or another price. `lists`: what
    it shows may be had as CSV, and be watched.
    """

    def __init__(
        self,
        *args: Any,
        examples: str = "",
        sections: Mapping[str, str] | None = None,
        needs_words: bool = False,
        lists: bool = False,
        **kwargs: Any,
    ):
        kwargs.setdefault("params", []).extend([*(_list_options() if lists else ()), *_shared_options()])
        kwargs["context_settings"] = {**CONTEXT, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        offer_words(self.params)
        self.examples = examples
        self.sections = sections or {}
        self.needs_words = needs_words

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*codes_below_zero(ctx, incomplete), *super().shell_complete(ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.sections:
            return super().format_options(ctx, formatter)
        heading, found = "Options", dict[str, list[tuple[str, str]]]()
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue
            heading = self.sections.get(parameter.name or "", heading)
            if record := parameter.get_help_record(ctx):
                found.setdefault(heading, []).append(record)
        for heading, records in found.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_text("\b\n" + self.examples)

    def invoke(self, ctx: click.Context) -> Any:
        app: App = ctx.obj
        app.output.command = command_name(ctx)
        if self.needs_words:
            _check_not_empty(ctx)
        callback, seconds = self.callback, ctx.params.pop("watch", None)
        assert callback is not None
        if app.output.csv and app.output.json:
            raise UsageProblem("use either --csv or --json")
        if seconds is None:
            return ctx.invoke(callback, app, **ctx.params)
        from keyctl.terminal.watch import watched

        return watched(lambda: ctx.invoke(callback, app, **ctx.params), seconds, app.output)


def _check_not_empty(ctx: click.Context) -> None:
    """Raises UsageProblem for a word that is empty, as one from a shell's variable that is not set: to go on as if it
    had not been given would cancel in every symbol, or order at any price."""
    for parameter in ctx.command.params:
        given = ctx.params.get(parameter.name or "")
        if given == "" or (isinstance(given, tuple) and "" in given):
            name = (
                max(parameter.opts, key=len) if isinstance(parameter, click.Option) else parameter.human_readable_name
            )
            raise UsageProblem(f"{name} is empty", "give it a value, or remove it", code="empty_word")


def keyctl_command(
    examples: str = "", sections: Mapping[str, str] | None = None, **attributes: Any
) -> Callable[[Callable[..., Result]], KeyctlCommand]:
    """A decorator that makes a function a command; the first line of its docstring is the short help."""

    def decorate(function: Callable[..., Result]) -> KeyctlCommand:
        return click.command(cls=KeyctlCommand, examples=examples, sections=sections, **attributes)(function)

    return decorate


class KeyctlGroup(click.Group):
    """A command that has commands of its own; with a `default` the group's name alone means that one."""

    def __init__(self, *args: Any, default: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments, with the default command put in front where none is named."""
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        # While a shell completes words, the group's own commands are what can follow.
        if self.default is not None and not named and not ctx.resilient_parsing:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def keyctl_group(
    name: str, help_text: str, commands: Mapping[str, click.Command], default: str | None = None
) -> KeyctlGroup:
    """A group of commands, named by their keys."""
    for child_name, child in commands.items():
        child.name = child_name
    return KeyctlGroup(name, dict(commands), default=default, help=help_text, context_settings=CONTEXT)


def takes_accounts(function: Callable[..., Result]) -> Callable[..., Result]:
    """A decorator for commands over several accounts: `accounts` are the labels given as words and those after -a."""

    @wraps(function)
    def command(app: App, accounts: tuple[str, ...], labels: tuple[str, ...], **options: Any) -> Result:
        return function(app, tuple(dict.fromkeys((*accounts, *labels))), **options)

    named = click.option(
        "-a", "--account", "labels", multiple=True, metavar="LABEL", help="Account label, same as the argument."
    )
    return click.argument("accounts", nargs=-1)(named(command))


def symbol_asked(app: App, text: str | None) -> str | None:
    """The symbol that --symbol names, None without one. Raises UsageProblem for another writing.

    A currency's code that only other exchanges use is told with the result: a list filtered by it is empty.
    """
    if text is None:
        return None
    from keyctl.exchanges.typed_symbols import named_elsewhere, read_symbol

    symbol = read_symbol(text)
    if told := named_elsewhere(symbol):
        app.remarks.append(told)
    return symbol


def since_asked(app: App, text: str | None) -> int | None:
    """The moment that --since or its like names, in Unix ms; None without one. Raises UsageProblem."""
    from keyctl.desk.fills import read_since

    if text is None:
        return None
    now = app.clock.now()
    at_ms, back_ms = read_since(text, now)
    return at_ms or int(now * 1000) - back_ms


def refuses_secrets(function: Callable[..., Result]) -> Callable[..., Result]:
    """A decorator that answers to the options by which people would give a secret's text, with what to do instead."""
    return click.option(*_DECOYS, "decoy", hidden=True, expose_value=False, callback=_refuse_secret)(function)


def takes_passphrase(function: Callable[..., Result]) -> Callable[..., Result]:
    """A decorator with the options that say where an API key's passphrase comes from."""
    file = click.option("--passphrase-file", metavar="F", help="Read the passphrase from a file.")
    command = click.option("--passphrase-command", metavar="CMD", help="Run a command that prints the passphrase.")
    return file(command(function))


def takes_key(function: Callable[..., Result]) -> Callable[..., Result]:
    """A decorator with the options that say where a new key and its secret come from."""
    options = (
        click.option("--api-key", help="The API key; it is not secret alone."),
        click.option("--key-type", type=click.Choice(_KEY_TYPES), help="Key type [default: detected from the secret]"),
        click.option("--secret-stdin", is_flag=True, help="Read the secret from stdin."),
        click.option("--secret-file", metavar="F", help="Read the secret from a file."),
        click.option("--secret-command", metavar="CMD", help="Run a command (without a shell) that prints the secret."),
        takes_passphrase,
        click.option(
            "--credentials-stdin", is_flag=True, help="Read JSON from stdin: api_key, secret, passphrase, key_type."
        ),
        click.option("--from-keygen", metavar="LABEL", help="Complete the key pair that keyctl keygen created."),
        refuses_secrets,
    )
    for option in reversed(options):
        function = option(function)
    return function


def _refuse_secret(ctx: click.Context, param: click.Parameter, given: str | None) -> None:
    if given is not None:
        raise secret_on_command_line()


def secret_on_command_line() -> UsageProblem:
    """The error for a secret that was given as an option's value, with how it is taken out of the shell's history."""
    import os

    shell = os.path.basename(os.environ.get("SHELL", ""))
    delete = {
        "zsh": "delete its line from the history file ($HISTFILE, ~/.zsh_history), then run: fc -R",
        "fish": "delete it there: history delete --contains keyctl",
    }.get(shell, "delete it there (bash): history -d -2; history -w")
    return UsageProblem(
        "do not pass a secret as an option: it shows in `ps` and the shell history",
        f"your shell's history has it now; {delete}",
        "others may have seen it: create a new key on the exchange",
        "use --secret-stdin, --secret-file F or --secret-command 'CMD', or type it hidden when asked",
        code="secret_on_command_line",
    )


def command_name(ctx: click.Context) -> str:
    """The command as the user named it, without the program: "orders settle"."""
    names: list[str] = []
    current: click.Context | None = ctx
    while current is not None and current.parent is not None:
        names.append(current.command.name or "")
        current = current.parent
    return " ".join(reversed(names))


def _flag(name: str, field: str, text: str, value: bool = True) -> click.Option:
    """A flag that sets a field of the output options."""

    def store(ctx: click.Context, param: click.Parameter, given: bool) -> None:
        if given and ctx.obj is not None:
            setattr(ctx.obj.output, field, value)

    return click.Option([name], is_flag=True, expose_value=False, callback=store, help=text)


def _list_options() -> list[click.Option]:
    return [
        _flag("--csv", "csv", "Print CSV, with a header line"),
        click.Option(
            ["--watch"], type=click.FloatRange(min=2), metavar="S", help="Update in place; read again every S seconds."
        ),
    ]


def _shared_options() -> list[click.Option]:
    def no_input(ctx: click.Context, param: click.Parameter, given: bool) -> None:
        if given and ctx.obj is not None:
            ctx.obj.no_input = True

    return [
        _flag("--json", "json", "One JSON document on stdout, on failures too."),
        _flag("--quiet", "quiet", "Show only what needs your attention."),
        _flag("--no-color", "color", "No colors.", value=False),
        _flag("--header", "header", "In a pipe, print the column names first."),
        _flag("--debug", "debug", "Say more on stderr; never secrets."),
        click.Option(
            ["--no-input"], is_flag=True, expose_value=False, callback=no_input, help="Never prompt; fail instead."
        ),
    ]
