"""keyctl completion: prints, or puts in its place, the script that completes keyctl's words in a shell. Reads no home
and no secret; a file that it did not write stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.terminal.output import Note, Result, Text

PROGRAMS = ("keyctl", "xkeyctl")
# The shells, and the ending of the file that each of them loads by itself.
SHELLS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}
_LOADED_FROM = {
    "bash": "~/.local/share/bash-completion/completions/{program}",
    "zsh": "a folder of $fpath, as _{program}",
    "fish": "~/.config/fish/completions/{program}.fish",
    "powershell": "a file that your $PROFILE reads",
}
# Where --install writes: the variable of the base folder, that folder without it, and the file in it.
_INSTALLED = {
    "bash": ("XDG_DATA_HOME", ".local/share", "bash-completion/completions/{program}"),
    "zsh": ("XDG_DATA_HOME", ".local/share", "zsh/site-functions/_{program}"),
    "fish": ("XDG_CONFIG_HOME", ".config", "fish/completions/{program}.fish"),
    "powershell": ("XDG_CONFIG_HOME", ".config", "powershell/{program}-completion.ps1"),
}
# What must be in which file so that the shell finds it; fish finds it by itself.
_LINES = {
    "bash": ("~/.bashrc, if the package bash-completion is not installed", (". '{file}'",)),
    "zsh": (
        "~/.zshrc, before anything that runs compinit",
        ("fpath=('{folder}' $fpath)", "autoload -Uz compinit && compinit"),
    ),
    "fish": ("", ()),
    "powershell": ("the file $PROFILE", (". '{file}'",)),
}
_MARK = "# Written by keyctl completion --install, sha256 "


@keyctl_command(
    examples="keyctl completion bash --install\nkeyctl completion zsh --program xkeyctl --install\n"
    "keyctl completion fish > ~/.config/fish/completions/keyctl.fish"
)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.option(
    "--program", type=click.Choice(PROGRAMS), default="keyctl", show_default=True, help="Program name to complete."
)
@click.option("--install", is_flag=True, help="Write it where the shell looks for it.")
def command(app: App, shell: str, program: str, install: bool) -> Result:
    """Print or install the completion script for a shell"""
    script = completion_script(shell, program)
    place = _LOADED_FROM[shell].format(program=program)
    data = {"shell": shell, "program": program, "script": script, "place": place}
    if not install:
        return Result(data, view=(Text(script.rstrip()),))
    path = _file(app.environ, shell, program)
    changed = _write(path, script)
    where, lines = _LINES[shell]
    lines = tuple(line.format(file=path, folder=path.parent) for line in lines)
    view = [Note(f"Wrote {path}" if changed else f"{path} is up to date.")]
    view += [Note(f"Add to {where}:"), *(Note(f"  {line}") for line in lines)] if lines else []
    view += [Note("Then open a new shell.")] if changed else []
    return Result(data | {"file": str(path), "changed": changed, "add": list(lines)}, view=tuple(view))


def completion_script(shell: str, program: str) -> str:
    """The script by which a shell asks the program for the words that fit. Raises KeyError for another shell."""
    from click.shell_completion import ShellComplete, get_completion_class

    from keyctl.commands.framing import COMPLETION_VARIABLE

    found = get_completion_class(shell)
    if found is None:
        raise KeyError(shell)
    completer = found(click.Group(program), {}, program, COMPLETION_VARIABLE)
    # The base class's way: Bash's own would first start a Bash to look at its version.
    return ShellComplete.source(completer).strip() + "\n"


def _file(environ: Mapping[str, str], shell: str, program: str) -> Path:
    """Where the script is installed. Raises SetupProblem without a home folder."""
    variable, default, name = _INSTALLED[shell]
    base, user_home = environ.get(variable, ""), environ.get("HOME", "")
    if base.startswith("/"):
        return Path(base) / name.format(program=program)
    if not user_home.startswith("/"):
        raise SetupProblem("no home folder: HOME is not set", "set HOME to your home folder", code="no_home")
    return Path(user_home) / default / name.format(program=program)


def _write(path: Path, script: str) -> bool:
    """Puts the script there, and tells whether that changed anything.

    Raises SetupProblem (not_written_by_keyctl) for a file of somebody else's, a link, or one that was edited since;
    StoreUnusable.
    """
    from keyctl.home.files import WRITABLE_BY_OTHERS, read_owned, write_whole

    stored = read_owned(path, forbidden_mode=WRITABLE_BY_OTHERS, problem=SetupProblem)
    fresh = marked(script)
    if stored in (fresh, script.encode()):
        return False
    if stored is not None and stored != marked(stored.decode(errors="replace").partition(_MARK)[0]):
        raise SetupProblem(
            f"{path} exists, and keyctl did not write it as it is now; it was not changed",
            f"move it away, then run this again: mv '{path}' '{path}.old'",
            code="not_written_by_keyctl",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{path.parent} cannot be created: {error.strerror}") from None
    write_whole(path, fresh, mode=0o644)
    return True


def marked(script: str) -> bytes:
    """The script with the last line by which it is known again; the first one belongs to the shell."""
    import hashlib

    return f"{script}{_MARK}{hashlib.sha256(script.encode()).hexdigest()}\n".encode()
