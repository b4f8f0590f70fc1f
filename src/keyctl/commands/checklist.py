"""keyctl checklist: how to make a safe API key at one exchange."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.exchanges.checklists import PURPOSES, common, list_step, steps_of
from keyctl.exchanges.profile import IPListFacts, Profile
from keyctl.exchanges.shipped import profile
from keyctl.terminal.output import Result, Text

_READABLE = {
    "list": "keyctl verify reads the IP whitelist and compares it",
    "set": "keyctl verify sees only whether an IP whitelist is set: compare its IP addresses manually",
    "no": "the API does not report it: check it manually",
}


@keyctl_command(examples="keyctl checklist lbank\nkeyctl checklist binance --profile read\nkeyctl checklist okx --json")
@click.argument("exchange")
@click.option("--profile", "purpose", type=click.Choice(PURPOSES), help="What the key is for [default: trading]")
def command(app: App, exchange: str, purpose: str | None) -> Result:
    """Show how to make a safe key at an exchange

    Includes your public IP address for the IP whitelist, as last seen. keyctl asks an echo service for
    it only after you allow that: keyctl config set echo on
    """
    from keyctl.verify.public_ip import ip_step

    facts = profile(exchange)
    steps, step, notes = steps_of(facts, purpose), list_step(facts, purpose), _notes(facts)
    lines = [f"A safe key at {facts.title}" + (f" for profile {purpose}" if purpose else "")]
    lines += [f"  page    {facts.checklist.page}", *(f"  first   {line}" for line in common().first), ""]
    lines += [f"  [ ] {number}. {text}" for number, text in enumerate(steps, 1)]
    ours = ip_step(app, facts, step)
    lines += ["", *(f"  IP      {line}" for line in ours.lines), f"          {common().whitelist}"]
    lines += [*(f"  allows  {line}" for line in _ip_list(facts.ip_list, step))]
    lines += [f"  always  {line}" for line in (*common().always, *common().copies)]
    lines += [f"  note    {note}" for note in notes]
    lines += ["", f"then, run: keyctl add {facts.name}{f' --profile {purpose}' if purpose else ''}"]
    data = {
        "exchange": facts.name,
        "profile": purpose,
        "page": facts.checklist.page,
        "first": list(common().first),
        "steps": list(steps),
        "ip_list": {
            "limit": facts.ip_list.limit,
            "separator": facts.ip_list.separator,
            "cidr": facts.ip_list.cidr,
            "readable": facts.ip_list.readable,
            "step": step,
            "required_for": facts.ip_list.required_for,
        },
        "public_ip": ours.data,
        "type": list(ours.typed),
        "always": [*common().always, *common().copies, common().whitelist],
        "notes": list(notes),
    }
    return Result(data, view=(Text("\n".join(lines)),))


def _ip_list(facts: IPListFacts, step: int) -> list[str]:
    limit = "number of IP addresses: not documented" if facts.limit is None else f"at most {facts.limit} IP addresses"
    cidr = {True: "ranges accepted", False: "ranges not accepted", None: "ranges: not documented"}
    separator = {",": "commas", " ": "spaces", "\n": "line ends"}.get(facts.separator, facts.separator)
    lines = [
        f"{limit}, {f'separated by {separator}' if separator else 'separator: not documented'}; {cidr[facts.cidr]}"
    ]
    if facts.required_for:
        lines.append(f"required for {facts.required_for}")
    lines.append(f"{_READABLE.get(facts.readable, facts.readable)} (step {step})")
    return lines


def _notes(facts: Profile) -> tuple[str, ...]:
    lifetime = facts.lifetime
    ends = [lifetime.note]
    if not lifetime.note and lifetime.no_ip_days is not None:
        ends.append(f"a key without an IP whitelist expires after {lifetime.no_ip_days} days")
    if not lifetime.note and lifetime.unused_no_ip_days is not None:
        ends.append(f"a key without an IP whitelist expires after {lifetime.unused_no_ip_days} days without use")
    return tuple(note for note in (*ends, facts.key_note, *facts.checklist.notes) if note)
