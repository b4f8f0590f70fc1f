"""keyctl keygen: makes a key pair for an exchange that takes public keys. The private half never leaves the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import UsageProblem
from keyctl.home.account_entries import account_data
from keyctl.model.words import Kind, Market
from keyctl.terminal.output import Note, Result, Text


@keyctl_command(
    examples="keyctl keygen binance --type ed25519\nkeyctl keygen binance --type rsa --bits 4096 --out key.pem\n"
    "keyctl keygen binance --label binance-new --again   (shows the public key)"
)
@click.argument("exchange")
@click.option("--type", "kind", type=click.Choice(["ed25519", "rsa"]), help="Key type [default: ed25519 if supported]")
@click.option(
    "--bits", type=click.Choice(["2048", "4096"]), default="2048", show_default=True, help="Key size, for RSA."
)
@click.option("--label", help="Label of the account [default: EXCHANGE-new]")
@click.option("--out", metavar="F", help="Also write the public key to a new file.")
@click.option("--again", is_flag=True, help="Print the public key of a pending pair; create none.")
@click.option("--env", type=click.Choice([kind.value for kind in Kind]), help="Environment of the key [default: live]")
@click.option("--site", help="Regional site of the exchange.")
@click.option(
    "--market", type=click.Choice([*(market.value for market in Market), "both"]), help="Markets that it will trade."
)
@click.option("--group", "groups", multiple=True, help="Add the account to a group (repeatable).")
@click.option("--endpoint", metavar="URL", help="Loopback URL to use instead of the exchange's hosts.")
@click.option("--ca-file", metavar="F", help="CA file of an https loopback endpoint.")
def command(app: App, exchange: str, **options: Any) -> Result:
    """Create a key pair; the private key stays in the store"""
    from keyctl.exchanges.shipped import profile
    from keyctl.home.demo_only import check_place
    from keyctl.home.grouping import check_not_listed
    from keyctl.keys import keygen
    from keyctl.keys.enrol import Place

    facts = profile(exchange)
    if options["groups"]:
        check_not_listed(options["groups"], app.config.groups)
    label = options["label"] or f"{exchange}-new"
    out = None if options["out"] is None else Path(options["out"]).absolute()
    if out is not None:
        keygen.check_free(out)
    if not options["again"]:
        kind: Literal["ed25519", "rsa"] = options["kind"] or ("ed25519" if "ed25519" in facts.algorithms else "rsa")
        if options["bits"] != "2048" and kind != "rsa":
            raise UsageProblem("--bits requires --type rsa", code="bad_bits")
        endpoint = check_place(app.home, exchange, options["env"], options["endpoint"])
        place = Place(options["env"], options["site"], endpoint, options["ca_file"])
        wish = keygen.Wish(kind, int(options["bits"]), place, options["market"], options["groups"])
        keygen.make_pair(app.accounts, app.store, facts, label, wish)
    account, credential = keygen.pending_pair(app.accounts, app.store, label, exchange)
    public = keygen.public_key(facts, credential)
    if out is not None:
        keygen.write_public(out, public)
    data = {
        "account": account_data(account),
        "public_key": public.text,
        "form": facts.public_key_form,
        "fingerprint": public.fingerprint,
        "file": None if out is None else str(out),
    }
    steps = (
        f"SHA-256 of the public key: {public.fingerprint}",
        f"Paste the public key at {facts.checklist.page}, then add the API key that you get there:",
        f"keyctl add {exchange} --from-keygen {label}",
    )
    return Result(data, view=(Text(public.text, exact=True), *map(Note, steps)))
