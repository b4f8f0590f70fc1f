"""keyctl completion: prints the script that completes keyctl's words in a shell. Reads no home and no secret."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result, Text

PROGRAMS = ("keyctl", "xkeyctl")
# The shells, and the ending of the file that each of them loads by itself.
SHELLS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}
_LOADED_FROM = {
    "bash": "~/.local/share/bash-completion/completions/{program}",
    "zsh": "a folder of $fpath, as _{program}",
    "fish": "~/.config/fish/completions/{program}.fish",
    "powershell": "a file that your $PROFILE reads",
}


@keyctl_command(
    examples="keyctl completion bash > ~/.local/share/bash-completion/completions/keyctl\n"
    "keyctl completion fish > ~/.config/fish/completions/keyctl.fish\n"
    "keyctl completion zsh --program xkeyctl"
)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.option("--program", type=click.Choice(PROGRAMS), default="keyctl", show_default=True, help="For which name.")
def command(app: App, shell: str, program: str) -> Result:
    """Print the completion script for a shell"""
    script = completion_script(shell, program)
    place = _LOADED_FROM[shell].format(program=program)
    return Result({"shell": shell, "program": program, "script": script, "place": place}, view=(Text(script.rstrip()),))


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
