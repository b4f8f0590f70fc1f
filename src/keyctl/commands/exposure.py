"""keyctl exposure: what a thief could do with each key now, the worst first. Sends reads only."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, takes_accounts
from keyctl.home.folders import none_stored
from keyctl.terminal.output import Result, counting


@keyctl_command(
    examples="keyctl exposure\nkeyctl exposure okx-main\nkeyctl exposure --html keys-2026-11.html", needs_words=True
)
@takes_accounts
@click.option("--html", metavar="FILE", help="Also write one HTML page, with the result of verify.")
def command(app: App, accounts: tuple[str, ...], html: str | None) -> Result:
    """Show what a thief could do with each key

    In words and USD, the worst first, with the change that helps most. A permission, an IP whitelist or a balance
    that the exchange does not report counts as the worst and is shown as unknown. Disabled accounts are included.
    """
    from keyctl.leaks.exposure_course import exposure

    if not app.accounts.all():
        raise none_stored(app.home)
    with counting("exposure", len(accounts) or len(app.accounts.all()), app.output) as done:
        return exposure(app, accounts, html, done)
