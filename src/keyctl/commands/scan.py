"""keyctl scan: finds one's own secrets, and other keys of these exchanges, in files and histories."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl scan\nkeyctl scan ~/bots ~/notes --open\nkubectl get secrets -o yaml | keyctl scan -\n"
    "keyctl scan --install-hook"
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--open", "is_open", is_flag=True, help="Open the store: find every encoding, and passphrases.")
@click.option("--staged", is_flag=True, help="Search only what the next git commit would add.")
@click.option("--install-hook", is_flag=True, help="Install a git pre-commit hook for this here.")
def command(app: App, paths: tuple[str, ...], is_open: bool, staged: bool, install_hook: bool) -> Result:
    """Find your own secrets in files and git histories

    PATH is a file, a folder with its whole git history, or - for stdin. Without PATH: this folder, shell histories
    and the usual folders of bots, editors and services. Exit 4 when a secret was found; its text is never shown.
    """
    if (paths and (staged or install_hook)) or (staged and install_hook):
        raise UsageProblem("--staged and --install-hook cannot be combined with other arguments")
    if install_hook:
        from keyctl.leaks.scan_hook import install

        return install(app)
    from keyctl.leaks.scan import scan

    return scan(app, paths, is_open=is_open, is_staged=staged)
