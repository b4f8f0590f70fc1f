"""keyctl edit: changes what may change of a stored account. A new secret is a new key: see `keyctl rotate`."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, refuses_secrets, takes_passphrase
from keyctl.model.words import Market
from keyctl.terminal.output import Result


@keyctl_command(
    examples="keyctl edit okx-main --ask-passphrase\nkeyctl edit okx-main --passphrase-file F\n"
    "keyctl edit desk-1 --market both --group desk --no-group old\n"
    "keyctl edit desk-1 --proxy socks5://127.0.0.1:1080"
)
@click.argument("label")
@click.option("--ask-passphrase", is_flag=True, help="Ask for a new passphrase (hidden).")
@takes_passphrase
@click.option(
    "--market", type=click.Choice([*(market.value for market in Market), "both"]), help="Markets that it trades."
)
@click.option("--group", "into", multiple=True, help="Add the account to a group (repeatable).")
@click.option("--no-group", "out_of", multiple=True, help="Remove it from a group (repeatable).")
@click.option("--proxy", metavar="URL", help="Connect through socks5://HOST:PORT or http://HOST:PORT.")
@click.option("--no-proxy", is_flag=True, help="Connect directly again.")
@click.option("--same-as", metavar="LABEL", help="Treat it as another key of that label's exchange account.")
@click.option("--new-uid", is_flag=True, help="Use the label for another exchange account; needs a terminal.")
@refuses_secrets
def command(
    app: App,
    label: str,
    ask_passphrase: bool,
    passphrase_file: str | None,
    passphrase_command: str | None,
    market: str | None,
    into: tuple[str, ...],
    out_of: tuple[str, ...],
    proxy: str | None,
    no_proxy: bool,
    same_as: str | None,
    new_uid: bool,
) -> Result:
    """Change an account's passphrase, markets, groups, proxy

    The label: keyctl rename. Another key or secret: keyctl rotate. A proxy in config.toml overrides --proxy. With
    --new-uid keyctl asks the exchange which account the key belongs to.
    """
    from keyctl.errors import UsageProblem
    from keyctl.keys.edit import Edit, edit
    from keyctl.keys.intake import Sources

    if new_uid or same_as:
        from keyctl.desk.whose_keys import declare_same
        from keyctl.keys.new_uid import take_new_uid

        others = (ask_passphrase, passphrase_file, passphrase_command, market, into, out_of, proxy, no_proxy)
        if any(others) or (new_uid and same_as):
            word = "--new-uid" if new_uid else "--same-as"
            raise UsageProblem(
                f"{word} cannot be combined with other options",
                "check the options: keyctl edit --help",
                code="two_ways",
            )
        return declare_same(app, label, same_as) if same_as else take_new_uid(app, label)
    if no_proxy and proxy is not None:
        raise UsageProblem("use either --proxy or --no-proxy", code="two_ways")
    if proxy == "":
        raise UsageProblem("--proxy is empty", "to connect directly again, use --no-proxy", code="bad_proxy")
    sources = Sources(False, passphrase_file, passphrase_command)
    return edit(app, label, Edit(ask_passphrase, sources, market, into, out_of, "" if no_proxy else proxy))
