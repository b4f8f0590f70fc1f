"""keyctl add: stores one API key, after every check of its shape, and tests it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, takes_key
from keyctl.errors import UsageProblem
from keyctl.home.profiles import SHIPPED
from keyctl.model.words import Kind, Market
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.keys.interview import Interview
    from keyctl.model.account import Account


@keyctl_command(
    examples="keyctl add okx\n"
    "keyctl add binance --label desk-1 --api-key KEY --secret-file key.pem\n"
    "op read op://vault/okx | keyctl add okx --label okx-main --credentials-stdin\n"
    "keyctl add bitfinex --profile funding\n"
    "keyctl add binance --from-keygen binance-new"
)
@click.argument("exchange")
@click.argument("extra", nargs=-1, metavar="")
@click.option("--label", help="Label of the account, such as binance-main.")
@click.option("--env", type=click.Choice([kind.value for kind in Kind]), help="Environment of the key [default: live]")
@click.option("--site", help="Regional site of the exchange.")
@click.option(
    "--market",
    type=click.Choice([*(market.value for market in Market), "both"]),
    help="Markets that it trades [default: all supported]",
)
@click.option("--profile", type=click.Choice(list(SHIPPED)), help="What the key is for; it must not allow more.")
@click.option("--group", "groups", multiple=True, help="Add the account to a group (repeatable).")
@click.option("--endpoint", metavar="URL", help="Loopback URL to use instead of the exchange's hosts.")
@click.option("--ca-file", metavar="F", help="CA file of an https loopback endpoint.")
@click.option("--no-verify", is_flag=True, help="Store without a test call to the exchange.")
@takes_key
def command(app: App, exchange: str, **options: Any) -> Result:
    """Store an API key and test it"""
    from keyctl.exchanges import shipped
    from keyctl.exchanges.checklists import list_step, steps_of
    from keyctl.home.accounts import check_label
    from keyctl.home.demo_only import check_place
    from keyctl.home.grouping import check_not_listed
    from keyctl.keys.enrol import Place, binding_for, enrol, markets_for, new_account
    from keyctl.keys.interview import Interview
    from keyctl.verify.public_ip import agree_once, ip_step

    if options["extra"]:
        _refuse_extra()
    profile = shipped.profile(exchange)
    for group in options["groups"]:
        check_label(group)
        check_not_listed([group], app.config.groups)
    interview, purpose = Interview(app.prompt, app.accounts, profile, options), options["profile"]
    if purpose is not None:
        steps_of(profile, purpose)  # an exchange without such keys is told before anything is asked
    if options["from_keygen"]:
        account = _complete(app, exchange, interview, options)
    else:
        endpoint = check_place(app.home, exchange, options["env"], options["endpoint"])
        place = Place(options["env"], options["site"], endpoint, options["ca_file"])
        binding = binding_for(profile, place)
        adapter = shipped.load(binding)
        # A key that lends trades on no market: what is told of it is told once.
        markets = markets_for(profile, options["market"] or ("spot" if purpose == "funding" else None))
        if interview.typed:
            agree_once(app)
        guided = interview.guided and app.prompt.has_terminal
        ours = ip_step(app, profile, list_step(profile, purpose)) if guided else None
        label = interview.label(ours.lines if ours and ours.data else ())
        # Opened before the secret is asked for: a locked store is better known now than afterwards.
        app.store.get_many(())
        credential = interview.credential(binding, adapter)
        account = new_account(app.accounts, label, markets, credential, options["groups"])
        account = replace(account, profile=purpose)
        enrol(app.accounts, app.store, account, credential)
    return _told(app, account, interview, tested=not options["no_verify"])


def _told(app: App, account: Account, interview: Interview, *, tested: bool) -> Result:
    """What is said of an account that was stored: its test, the public IP address, and at last what is left to do."""
    from keyctl.exchanges.shipped import profile
    from keyctl.home.account_entries import account_data
    from keyctl.verify.course import verify_new
    from keyctl.verify.new_key import new_key
    from keyctl.verify.public_ip import ip_note

    stored = Note(f"Stored {account.label} in {app.store.describe()}.")
    checked = verify_new(app, account) if tested else None
    note, addresses = ip_note(app, account)
    findings, first = () if checked is None else checked.data["findings"], len(app.accounts.all()) == 1
    said = new_key(account.label, profile(account.exchange), account.profile, findings, first)
    notes = (*(() if note is None else (note,)), Note("\n".join(said.lines)))
    data = {"account": account_data(account), "public_ip": addresses, "key": said.data}
    if checked is None:
        return Result(data, view=(stored, *notes), warnings=tuple(interview.warnings))
    return Result(
        {**data, **checked.data},
        (stored, *checked.view, *notes),
        checked.exit_code,
        checked.errors,
        (*interview.warnings, *checked.warnings),
    )


def _complete(app: App, exchange: str, interview: Interview, options: dict[str, Any]) -> Account:
    """The account of a pair that keygen made, now with the API key that the exchange handed back."""
    from keyctl.exchanges.shipped import load
    from keyctl.home.demo_only import check_of_twin
    from keyctl.keys.keygen import completed, pending_pair

    for name in ("label", "env", "site", "market", "endpoint", "ca_file"):
        if options[name] is not None:
            raise UsageProblem(
                f"--{name.replace('_', '-')} was already given to keygen",
                "to change it, remove the account and run: keyctl keygen EXCHANGE",
                code="two_sources",
            )
    pending, pair = pending_pair(app.accounts, app.store, options["from_keygen"], exchange)
    check_of_twin(app.home, pending)
    credential = interview.credential(pending.binding, load(pending.binding), pair)
    groups = tuple(dict.fromkeys((*pending.groups, *options["groups"])))
    facts = {"groups": groups, "profile": options["profile"] or pending.profile}
    account = completed(app.accounts, pending, credential, facts)
    # The same private key with its API key replaces itself in one step; the account follows.
    app.store.put(account.id, credential)
    app.accounts.replace(account)
    return account


def _refuse_extra() -> NoReturn:
    """Click would repeat the words, and they may be a secret."""
    raise UsageProblem("keyctl add accepts one name: the exchange", "to set the label, add --label", code="extra_words")
