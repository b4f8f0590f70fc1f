"""An IP address in a pasted error, compared with the lists kept here: on whose it is, on whose it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from keyctl.diagnosis.outcomes import Reading, Said
from keyctl.exchanges.shipped import profile
from keyctl.terminal.output import Result, Text
from keyctl.verify.ip_lists import covers
from keyctl.verify.policy import address_in

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.model.words import Market

# What an address that is not on the list is answered as, by one exchange or another.
_MAY_BE_IP = ("ip", "permission", "signature")
_KEPT = "the whitelist you stored (keyctl whitelist)"


@dataclass(frozen=True, slots=True)
class Compared:
    """One account's list for one market. `source` says whose list it is; `listed` None: none is known here."""

    account: str
    market: str
    source: str
    listed: bool | None


def with_lists(app: App, pasted: str, reading: Reading, told: Result) -> Result:
    """The result with each address of an IP error compared with the lists of that exchange's accounts."""
    view, data = list(told.view), list[dict[str, object]]()
    for said in reading.said:
        address = _address(said, pasted)
        if not address or any(item["address"] == address for item in data):
            continue
        compared = [
            found
            for account in app.accounts.all()
            if account.exchange == said.exchange and not account.unread
            for market in account.markets
            if said.market in (None, market)
            for found in [_compared(app, account, market, address)]
        ]
        data.append({"address": address, "lists": [asdict(item) for item in compared]})
        view.append(Text("\n" + _words(address, profile(said.exchange).title, compared)))
    return replace(told, data={**told.data, "addresses": data}, view=tuple(view)) if data else told


def _address(said: Said, pasted: str) -> str:
    """The address in the words of an error that may be about one, else in the text around it: Bitfinex and LBank name
    none, and whoever pastes an error may have written it beside."""
    if said.kind != "refused" or not said.exchange or not any(row.category in _MAY_BE_IP for row in said.rows):
        return ""
    return address_in(said.text) or address_in(pasted)


def _compared(app: App, account: Account, market: Market, address: str) -> Compared:
    """What the exchange itself told of the key's list goes before the list that the person keeps."""
    book, facts = app.journal.addresses, profile(account.exchange)
    told = book.told(account.id) if market in facts.ip_list.markets else None
    if told is not None and told.entries:
        return Compared(
            account.label, market, f"the whitelist that {facts.title} reported", covers(told.entries, address)
        )
    kept = book.kept(account.id, app.groups.of(account), market)
    return Compared(account.label, market, _KEPT if kept else "", covers(kept, address) if kept else None)


def _words(address: str, title: str, compared: Sequence[Compared]) -> str:
    lines = [f"{address} and the IP whitelists that keyctl knows of your {title} accounts:"]
    for item in compared:
        state = {True: "on", False: "missing on", None: "no whitelist is known"}[item.listed]
        lines.append(f"  {item.account} {item.market}: {state} {item.source}".rstrip())
    if not compared:
        lines.append("  none: no account at that exchange is stored")
    lines += [f"  next   keyctl whitelist plan {item.account}" for item in compared if item.listed is False]
    return "\n".join(dict.fromkeys(lines))
