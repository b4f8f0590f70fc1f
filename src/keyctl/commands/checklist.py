"""keyctl checklist: how to make a safe API key at one exchange. Asks no network."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.exchanges import profile
from keyctl.exchanges.profile import IPListFacts, Profile
from keyctl.terminal.output import Result, Text

_READABLE = {
    "list": "keyctl verify reads the list and compares it",
    "set": "keyctl verify sees only whether a list is set: compare the addresses by hand",
    "no": "the API does not tell: check it by hand",
}


@keyctl_command(examples="keyctl checklist lbank\nkeyctl checklist okx --json")
@click.argument("exchange")
def command(app: App, exchange: str) -> Result:
    """Show how to make a safe key at an exchange"""
    facts = profile(exchange)
    notes = _notes(facts)
    data = {
        "exchange": facts.name,
        "page": facts.checklist.page,
        "steps": list(facts.checklist.steps),
        "ip_list": {
            "limit": facts.ip_list.limit,
            "separator": facts.ip_list.separator,
            "cidr": facts.ip_list.cidr,
            "readable": facts.ip_list.readable,
            "step": facts.ip_list.step,
            "required_for": facts.ip_list.required_for,
        },
        "notes": list(notes),
    }
    lines = [f"A safe key at {facts.title}", f"  page  {facts.checklist.page}", ""]
    lines += [f"  [ ] {number}. {step}" for number, step in enumerate(facts.checklist.steps, 1)]
    lines += ["", *(f"  allows  {line}" for line in _ip_list(facts.ip_list))]
    lines += [f"  note    {note}" for note in notes]
    lines += ["", f"then: keyctl add {facts.name}"]
    return Result(data, view=(Text("\n".join(lines)),))


def _ip_list(facts: IPListFacts) -> list[str]:
    limit = "the number of addresses is not documented" if facts.limit is None else f"at most {facts.limit} addresses"
    cidr = {True: "address ranges are taken", False: "no address ranges", None: "address ranges: not documented"}
    separator = {",": "commas", " ": "blanks", "\n": "line ends"}.get(facts.separator, facts.separator)
    lines = [f"{limit}, separated by {separator}; {cidr[facts.cidr]}"]
    if facts.required_for:
        lines.append(f"required for {facts.required_for}")
    lines.append(f"{_READABLE.get(facts.readable, facts.readable)} (step {facts.step})")
    return lines


def _notes(facts: Profile) -> tuple[str, ...]:
    lifetime = facts.lifetime
    ends = [lifetime.note]
    if not lifetime.note and lifetime.no_ip_days is not None:
        ends.append(f"a key without an IP list ends after {lifetime.no_ip_days} days")
    if not lifetime.note and lifetime.unused_no_ip_days is not None:
        ends.append(f"a key without an IP list ends after {lifetime.unused_no_ip_days} days without use")
    return tuple(note for note in (*ends, facts.key_note, *facts.checklist.notes) if note)
