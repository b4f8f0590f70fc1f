"""keyctl leak: what to do once a key has leaked. First of all where to delete it."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, since_asked, takes_key
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl leak okx-main\n"
    "keyctl leak okx-main --yes --close --credentials-stdin < next-key.json\n"
    "keyctl leak okx-main --since 7d   (the same command again continues)",
    needs_words=True,
)
@click.argument("label")
@click.option("--close", is_flag=True, help="Also close its positions in perpetuals.")
@click.option("--since", metavar="TIME", help="Look back to 2026-11-29T13:00Z, or 30m, 24h, 7d [default: 24h]")
@click.option("--yes", is_flag=True, help="Cancel and close without confirmation.")
@click.option("--anew", is_flag=True, help="The key that replaced a leaked one has leaked too.")
@click.option("--false-alarm", is_flag=True, help="The key has not leaked: allow its orders again.")
@takes_key
def command(
    app: App, label: str, close: bool, since: str | None, yes: bool, anew: bool, false_alarm: bool, **options: Any
) -> Result:
    """Act when a key has leaked, step by step

    Blocks new orders with the key, cancels what is open, shows what is not from keyctl, and proves that the key is
    deleted. The next key is given as to `rotate`. If interrupted, run the same command again.
    """
    from keyctl.leaks import playbook

    if false_alarm:
        if close or since or anew or any(options.values()):
            raise UsageProblem(
                "--false-alarm cannot be combined with other options", f"keyctl leak {label} --false-alarm"
            )
        return playbook.false_alarm(app, label, yes)
    return playbook.leak(app, label, playbook.Wishes(since_asked(app, since), close, yes, anew, options))
