"""A key used without being seen: `exec` and `env`; and `reveal`, for a person's eyes only."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from keyctl.errors import CheckFailed, NeedsPerson, UsageProblem
from keyctl.home.selection import check_active
from keyctl.keys.environ import (
    FORMS,
    FREQTRADE_NAME,
    child_environment,
    lines_for_screen,
    lines_for_shell,
    replace_process,
    variables,
)
from keyctl.terminal.output import Note, Result, is_terminal, remark, show_aside
from keyctl.terminal.prompt import given_descriptor

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account


_UNCHECKED = "unchecked"


def run(app: App, label: str, form: str, command: Sequence[str]) -> NoReturn:
    """Becomes the command, with the account's key in its environment. Raises SetupProblem, UsageProblem."""
    account = app.accounts.get(label)
    values = _values(app, account, form)
    _warn(app, account)
    app.note_use([account], "exec")
    environment = child_environment(app.environ, account.exchange.upper(), values)
    descriptor = given_descriptor(app.environ)
    for text in app.remarks:  # no result will show them
        remark(f"warning: {text}")
    app.close()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    replace_process(command, environment, [] if descriptor is None else [descriptor])


def print_variables(app: App, label: str, form: str, to_file: str | None = None) -> Result:
    """Writes the variables to stdout, for a pipe, or to a new file with mode 0600.

    Raises CheckFailed for a terminal or a plain file as stdout, UsageProblem (file_exists, bad_file), also with --json.
    """
    if to_file is not None:
        return _write_variables(app, label, form, Path(to_file).absolute())
    if app.output.json:
        raise UsageProblem(
            "keyctl never writes a secret into a JSON document",
            f"to run a program with the key: keyctl exec {label} -- CMD",
            code="secret_in_json",
        )
    if is_terminal(sys.stdout):
        raise CheckFailed(
            "this would show the secret on the screen",
            f"run the program with it: keyctl exec {label} -- CMD",
            f"to show it on the screen: keyctl reveal {label}",
            code="stdout_is_terminal",
        )
    if _is_plain_file(sys.stdout):
        raise CheckFailed(
            "this would write the secret to a plain file that others may be able to read",
            f"run the program with it: keyctl exec {label} -- CMD",
            f"to write a file that only you can read: keyctl env {label} --to-file FILE",
            code="stdout_is_file",
        )
    lines, names = _lines(app, label, form)
    sys.stdout.write(lines)
    return Result({"account": label, "form": form, "names": names})


def _write_variables(app: App, label: str, form: str, path: Path) -> Result:
    from keyctl.home.files import create_once

    lines, names = _lines(app, label, form)
    try:
        create_once(path, lines.encode(), mode=0o600)
    except FileExistsError:
        raise UsageProblem(f"{path} already exists", "choose another name", code="file_exists") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}", code="bad_file") from None
    note = f"{path} (mode 0600) now holds the secret of {label} in plain text. Delete it when you no longer need it."
    data = {"account": label, "form": form, "names": names, "file": str(path)}
    return Result(data, view=(Note(note), Note("Keep it out of git, backups and synced folders.")))


def _lines(app: App, label: str, form: str) -> tuple[str, list[str]]:
    """The lines, and the names in them; on stderr what the person should know of them."""
    account = app.accounts.get(label)
    values = _values(app, account, form)
    app.note_use([account], "exec")
    _warn(app, account)
    lines, for_shells = lines_for_shell(values)
    if for_shells:
        words = f"{' and '.join(for_shells)}: only a shell and keyctl import read this value unchanged; run the program"
        show_aside([Note(f"{words} with it instead: keyctl exec {label} -- CMD")], app.output)
    return lines, list(values)


def _check_roll_back(app: App) -> None:
    """Asks where the vault that was seen last cannot be noted: an older one put back later would not be noticed.

    Raises StoreUnusable without a terminal, CheckFailed without the word.
    """
    from keyctl.vault.moves import is_vault_chosen

    unwritten = app.journals.unwritten
    if unwritten is None or not is_vault_chosen(app.home):
        return
    if not app.prompt.has_terminal:
        raise unwritten
    question = (
        f"The journal cannot be written: {unwritten.reason}. An older vault that is put back later will not be "
        "noticed.\n"
        f"Type {_UNCHECKED} to pass the key on without that check"
    )
    if not app.prompt.confirm_typed(question, _UNCHECKED, option=""):
        raise CheckFailed("not confirmed; the key was not passed on", code="not_confirmed")


def _is_plain_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def reveal(app: App, label: str) -> Result:
    """Shows key, secret and passphrase on the terminal itself, once the label was typed. Raises NeedsPerson."""
    account = app.accounts.get(label)
    if not app.prompt.has_terminal:
        raise NeedsPerson(
            "keyctl shows a secret only at a terminal", f"to run a program with the key: keyctl exec {label} -- CMD"
        )
    question = f"This shows the secret of {label} on the screen. Type {label}"
    if not app.prompt.confirm_typed(question, label, option=""):
        raise CheckFailed("not confirmed; nothing was shown", code="not_confirmed", account=label)
    credential = app.credential(account)
    _check_roll_back(app)
    app.prompt.show_exactly(lines_for_screen(credential))
    return Result({"account": label}, view=(Note("Clear the screen and its scroll history when you are done."),))


def _values(app: App, account: Account, form: str) -> dict[str, str]:
    from keyctl.exchanges.shipped import names, profile

    facts = profile(account.exchange)
    check_active(account)
    more: dict[str, str] = {}
    if form in FORMS:
        wanted = [name.format(account.exchange.upper()) for name in FORMS[form]]
        if form == "freqtrade":
            more[FREQTRADE_NAME] = account.exchange
    elif form == account.exchange and facts.own_tool is not None:
        wanted = list(facts.own_tool.variables)
    else:
        own = [name for name in names() if profile(name).own_tool is not None]
        known = ", ".join([*FORMS, *(f"{name} (for its own accounts)" for name in own)])
        raise UsageProblem(f"'{form[:20]}' is not a form for {account.label}", f"known: {known}", code="unknown_form")
    credential = app.credential(account)
    _check_roll_back(app)
    return variables(credential, wanted, more)


def _warn(app: App, account: Account) -> None:
    """What the person should know before another program uses the key; on stderr."""
    from keyctl.exchanges.shipped import profile
    from keyctl.model.route import route_of
    from keyctl.model.words import Kind

    facts, notes = profile(account.exchange), []
    if facts.nonce and facts.key_note:
        notes.append(Note(facts.key_note))
    route = route_of(account, app.config.account(account.label).route)
    if route.kind != "direct":
        notes.append(
            Note(f"{account.label} connects through {route}: set the same in the program, or it connects directly")
        )
    if account.kind is not Kind.LIVE:
        notes.append(
            Note(f"{account.label} is a {account.kind} key: switch the program to the {account.kind} environment")
        )
    show_aside(notes, app.output)
