"""The root command, and the one place where an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import NoArgsIsHelpError

from keyctl import __version__
from keyctl.app import App
from keyctl.commands.framing import COMPLETION_VARIABLE, CONTEXT, RUNS_LINES, command_name, secret_on_command_line
from keyctl.commands.short_help import SECTIONS, SHORT_HELP
from keyctl.errors import ExitCode, KeyctlError, OutcomeUnknown, UsageProblem
from keyctl.loader import load_module, module_names
from keyctl.terminal.output import OutputOptions, Result, failure, render

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

ALIASES = {"ls": "list", "rm": "remove"}
KERNEL_TOOL_CALLS = ("padd", "newring", "pipe", "request2", "instantiate", "session", "timeout", "chown", "setperm")

WELCOME = """\
keyctl - API keys and orders for crypto exchanges. Secrets stay on this machine.
  Try it without an account    keyctl demo
  Create a safe key            keyctl checklist lbank
  Store and test it            keyctl add lbank
  Check every key              keyctl verify --all
  One order, many accounts
    keyctl order buy BTC/USDT 0.001 --price 60000 --fanout --all --dry-run
All commands: keyctl --help   (not the kernel's key tool of the same name)"""

# Errors of these kinds are about what was typed; others come after every word was understood.
_ABOUT_WORDS = (ExitCode.USAGE, ExitCode.SETUP, ExitCode.CHECK, ExitCode.STORE, ExitCode.PERSON)
DEMO_COMMANDS = tuple(name for name in SHORT_HELP if name != "demo")


class LazyCommands(MutableMapping[str, click.Command]):
    """The commands by name, each imported when it is looked up."""

    def __init__(self) -> None:
        self._added: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name in self._added:
            return self._added[name]
        wanted = ALIASES.get(name, name)
        if wanted not in set(self):
            raise KeyError(name)
        file_name = wanted if wanted in module_names("commands") else f"{wanted}_"
        command: click.Command = load_module("commands", file_name).command
        command.name = wanted
        self._added[wanted] = command
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._added[name] = command

    def __delitem__(self, name: str) -> None:
        del self._added[name]

    def __iter__(self) -> Iterator[str]:
        return iter(SHORT_HELP)

    def __len__(self) -> int:
        return len(SHORT_HELP)


class Root(click.Group):
    """The root command. Lists its commands without importing them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, SHORT_HELP))
        for heading, names in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), self._short_help(name)) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [
            *(CompletionItem(name, help=self._short_help(name)) for name in names),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def _short_help(self, name: str) -> str:
        return SHORT_HELP.get(name) or self.commands[name].get_short_help_str()


@click.group(
    cls=Root,
    commands=LazyCommands(),
    invoke_without_command=True,
    context_settings=CONTEXT,
    help="API keys and orders for crypto exchanges. Secrets stay on this machine.",
    epilog="More on exit codes, safety, cron and so on: keyctl help",
)
@click.version_option(__version__, prog_name="keyctl", message="%(prog)s %(version)s (keyctl-crypto)")
@click.option("--demo", is_flag=True, help="Use the accounts of the demo (keyctl demo --serve)")
@click.pass_context
def root(ctx: click.Context, demo: bool) -> Result | None:
    """The welcome when no command is named."""
    ctx.meta[RUNS_LINES] = outcome
    if demo:
        from keyctl.home.folders import demo_environment

        ctx.obj.demo = True
        ctx.obj.environ = demo_environment(ctx.obj.environ)
        ctx.obj.output.demo_commands = DEMO_COMMANDS
    if ctx.invoked_subcommand is None:
        from keyctl.terminal.output import Text

        shown = WELCOME
        with suppress(KeyctlError, OSError):  # whoever has no usable home is welcome too
            if os.path.lexists(ctx.obj.home.accounts_file):
                from keyctl.keys.first_screen import first_screen

                shown = first_screen(ctx.obj) or WELCOME
        return Result({"version": __version__}, view=(Text(shown),))
    return None


def run(arguments: list[str], app: App | None = None) -> int:
    """Runs one command and gives its exit code. Writes the result, or the error, to stdout and stderr."""
    output = OutputOptions(json=_wants_json(arguments))
    app = app or App(output=output)
    app.output.json = app.output.json or output.json
    if COMPLETION_VARIABLE in os.environ:
        from keyctl.commands.completing import prepare

        prepare()
    try:
        result = _with_remarks(outcome(arguments, app), app)
    finally:
        app.close()
    if isinstance(result, Result):
        _hide_strangers(result, arguments, app)
        if _show(result, app.output):
            for call in app.once_shown:
                call()
        if result.data:
            _note_seen(result, app)
        return int(result.exit_code)
    return result


def _note_seen(result: Result, app: App) -> None:
    """Keeps the symbols and plans of the result for TAB; nothing in it can change what the command ends with."""
    with suppress(Exception, KeyboardInterrupt):
        from keyctl.home.seen import note_seen, words_in

        if seen := words_in(result.data):
            note_seen(app.home.state, seen)


def outcome(arguments: list[str], app: App) -> Result | int:
    """The result of one command, errors turned into results; an int when Click has shown a help page itself."""
    try:
        value: Any = root.main(arguments, prog_name="keyctl", standalone_mode=False, obj=app)
        return value if isinstance(value, Result) else int(value or 0)
    except click.UsageError as error:
        if error.ctx is not None:
            app.output.command = app.output.command or command_name(error.ctx)
        return failure(_with_hint(_usage_problem(error, arguments), app))
    except click.ClickException as error:
        return failure(_with_hint(UsageProblem(error.format_message()), app))
    except KeyctlError as error:
        return failure(_with_hint(error, app))
    except (KeyboardInterrupt, click.Abort):
        return failure(_after_sending(app) or _interrupted())
    except OSError as error:
        if not isinstance(error.filename, str | bytes):
            return _fault(error, app)
        from keyctl.home.files import disk_trouble

        return failure(_after_sending(app) or _with_hint(disk_trouble(error), app))
    except Exception as error:  # noqa: BLE001 - the one place where a fault becomes an exit code
        return _fault(error, app)


def _fault(error: Exception, app: App) -> Result:
    if app.output.debug:
        _show_traceback(error)
    fault = KeyctlError(
        f"internal error ({type(error).__name__}); nothing was sent",
        "to see where, run again with --debug",
    )
    return failure(_after_sending(app) or fault)


def _hide_strangers(result: Result, arguments: list[str], app: App) -> None:
    """Takes words of the command line that nothing knows out of errors: a secret may have been pasted there."""
    told = [error for error in result.errors if error.exit_code in _ABOUT_WORDS]
    if not told:
        return
    from keyctl.exchanges.typed_symbols import meant_symbols
    from keyctl.terminal.typed_words import file_exists, nearly, without_strangers

    known = _known_words(app)

    def is_known(word: str) -> bool:
        return word in known or file_exists(word) or nearly(word, known) or bool(meant_symbols(word))

    for error in told:
        error.message = without_strangers(error.message, arguments, is_known)
        error.hints = tuple(without_strangers(hint, arguments, is_known) for hint in error.hints)


def _known_words(app: App) -> set[str]:
    """Commands, exchanges, labels and groups; without the latter two where the list cannot be read."""
    from keyctl.exchanges.shipped import names

    known = {*SHORT_HELP, *ALIASES, *names()}
    with suppress(KeyctlError, OSError):
        accounts = app.accounts.all()
        known |= {account.label for account in accounts} | {group for item in accounts for group in item.groups}
    return known


def _show(result: Result, output: OutputOptions) -> bool:
    """Whether the result was shown. Whatever breaks here or breaks in, the outcome and its exit code stand."""
    try:
        _explain(result)
        return render(result, output)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - what cannot be shown must not end as a traceback
        if output.debug:
            _show_traceback(error)
        with suppress(OSError, ValueError):
            sys.stderr.write(f"warning: the result was not shown ({type(error).__name__}); the exit code is its own\n")
        return False


def _with_remarks(result: Result | int, app: App) -> Result | int:
    """The result with what it must not go without: that a journal was begun, not read or not kept."""
    if not isinstance(result, Result):
        return result
    if (journal := app.journals.opened) and (changed := journal.settings.changed):
        from keyctl.desk.order_results import with_leverage

        result = with_leverage(result, changed)
    # Once each: what is watched reads again and again.
    remarks = dict.fromkeys((*app.remarks, *app.journals.remarks_beside(result.errors)))
    return replace(result, warnings=(*result.warnings, *remarks)) if remarks else result


def _explain(result: Result) -> None:
    """Puts the catalogue's first line before the hints of every error that an exchange's code stands in."""
    for error in result.errors:
        if error.exchange_code:
            from keyctl.diagnosis.codes import meaning_of

            meaning = meaning_of(error)
            if meaning and not any(meaning.partition(": ")[2] in words for words in (error.message, *error.hints)):
                error.hints = (meaning, *error.hints)


def _after_sending(app: App) -> OutcomeUnknown | None:
    """What to say when a command broke off after it may have sent orders: unknown, never "nothing was sent"."""
    journal = app.journals.opened
    if journal is not None and journal.offers.has_claimed:
        return OutcomeUnknown(
            "the command stopped unexpectedly; a funding offer may have been sent",
            "do not send it again; find out its outcome: keyctl funding settle --wait",
        )
    if journal is None or not journal.has_claimed:
        return None
    return OutcomeUnknown(
        "the command stopped unexpectedly; orders may have been sent",
        "do not resend; find out the outcome: keyctl orders settle --wait",
        "then check the orders: keyctl orders",
    )


def _with_hint(error: KeyctlError, app: App) -> KeyctlError:
    """The error, with the command's help as its hint where it has none: bad input is never left without a next step."""
    if app.demo and error.code == "no_accounts":
        error.hints = ("start its exchanges in another terminal: keyctl demo --serve",)
    if not error.hints and error.exit_code in (ExitCode.USAGE, ExitCode.SETUP, ExitCode.CHECK):
        error.hints = (f"check its options: {' '.join(('keyctl', app.output.command)).rstrip()} --help",)
    return error


def _usage_problem(error: click.UsageError, arguments: list[str]) -> UsageProblem:
    hints: list[str] = []
    if isinstance(error, click.NoSuchOption):
        from keyctl.terminal.typed_words import takes_secret

        if takes_secret(error.option_name):
            return secret_on_command_line()
        if error.option_name[1:2].isdecimal() or error.option_name[1:2] == ".":
            return UsageProblem(
                f"'{error.option_name}' starts a negative number, but sizes and prices must be above zero",
                "to sell, give the side: keyctl order sell SYMBOL SIZE",
                "put -- before an id that begins with -",
            )
        known = [name for name in error.possibilities or () if not takes_secret(name)]
        error = click.NoSuchOption(error.option_name, possibilities=known, ctx=error.ctx)
    if error.ctx is not None:
        hints.append(f"check its options: {error.ctx.command_path} --help")
    if isinstance(error, NoArgsIsHelpError) and isinstance(group := error.ctx.command, click.Group):
        # Click's own words are the whole help page.
        return UsageProblem(f"{error.ctx.command_path} what? {', '.join(group.list_commands(error.ctx))}", *hints)
    if arguments and (arguments[0] in KERNEL_TOOL_CALLS or arguments[0].startswith("@")):
        hints.insert(0, "this is keyctl for crypto exchanges; the kernel's key tool is /bin/keyctl")
    return UsageProblem(error.format_message(), *hints)


def _interrupted() -> KeyctlError:
    error = KeyctlError("interrupted", "what was sent before is in the journal: keyctl orders", code="interrupted")
    error.exit_code = ExitCode.INTERRUPTED
    return error


def _wants_json(arguments: list[str]) -> bool:
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before


def _show_traceback(error: BaseException) -> None:
    """File names and line numbers only: no values, so that nothing secret can be in it."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        sys.stderr.write(f"debug: {os.path.basename(code.co_filename)}:{trace.tb_lineno} in {code.co_name}\n")
        trace = trace.tb_next
