"""The course of `keyctl exposure`: rights, lists, age, balances, leverage, place of every key. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.desk.overview import parts_of, read_wallets, wallets_of
from keyctl.desk.seen_view import unread
from keyctl.errors import KeyctlError, StoreUnusable, UsageProblem
from keyctl.exchanges.shipped import profile
from keyctl.home.files import write_whole
from keyctl.journal.halts import Scope
from keyctl.leaks.exposure import KeyFacts, Place, Wallet, exposures
from keyctl.leaks.exposure_page import page
from keyctl.leaks.exposure_view import report
from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Market, Standing
from keyctl.orders.holdings import Part, Prices, Seen
from keyctl.orders.venue_reads import Shared, instrument_of
from keyctl.terminal.output import Note, Result
from keyctl.verify.course import check
from keyctl.verify.ip_lists import open_entry
from keyctl.verify.view import report as verify_report

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.model.venue import Balances
    from keyctl.verify.view import Checked

# The perpetual by which an exchange's largest leverage is known.
_LEVERED = "BTC/USDT:USDT"
_USED = (Standing.ACTIVE, Standing.DISABLED, Standing.QUARANTINED)


def exposure(app: App, labels: tuple[str, ...], html: str | None, done: Callable[[], None] = lambda: None) -> Result:
    """What could be done with every stored key, or with these, disabled ones too: their keys work on the exchange.

    Raises SetupProblem when no secret can be had, UsageProblem where the page cannot be written, StoreUnusable.
    """
    chosen = [app.accounts.get(label) for label in labels] or [
        account for account in app.accounts.all() if account.standing in _USED
    ]
    target = None if html is None else _target(html)
    checked = check(app, chosen, done)
    held = asyncio.run(_holdings(app, chosen))
    leaked = {halt.owner for halt in app.journals.halts().all() if halt.scope is Scope.KEY}
    place = place_of(app)
    keys = [
        _facts(app, item, held, place, bool({item.seen.account.id, item.seen.account.api_key_hash} & leaked))
        for item in checked
    ]
    found = exposures(keys)
    result = report(found, unread(held.seen), people=app.output.for_people)
    result = replace(result, warnings=(*result.warnings, *held.never_read()))
    if target is None:
        return result
    verified = verify_report(checked, terminal=True, quiet=False)
    text = page(result, found, verified, app.clock.utc(), str(app.home.root))
    write_whole(target, text.encode())
    note = Note(f"Page for your files: {target}")
    return replace(result, data={**result.data, "page": str(target)}, view=(*result.view, note))


def _target(html: str) -> Path:
    """Where the page goes. Raises UsageProblem before anything is read."""
    path = Path(html).expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise UsageProblem(
            f"--html: {path} cannot be written: its folder does not exist", "give a file, such as --html keys.html"
        )
    return path


def place_of(app: App) -> Place:
    """Where this home's secrets lie."""
    from keyctl.vault.moves import is_vault_chosen

    if not is_vault_chosen(app.home):
        return Place.KEYRING
    from keyctl.vault.encrypted_file import read_header
    from keyctl.vault.envelope import slot_kinds

    only_typed = set(slot_kinds(read_header(app.home.vault_file))) == {"passphrase"}
    return Place.VAULT if only_typed else Place.VAULT_WITH_KEY_HERE


@dataclass(frozen=True, slots=True)
class _Held:
    """Balances of every wallet, the wallets that are not read, what currencies are worth, and the largest leverage by
    exchange."""

    seen: list[Seen[Balances]]
    left: list[Part]
    prices: Prices
    leverages: dict[str, Decimal | None]

    def wallets(self, account: Account) -> tuple[Wallet, ...]:
        """What each wallet of an account is worth. One that was not read is unknown, also because the account is stored
        without its market; one that keyctl never reads is not among them."""
        found = [Wallet(item.part.where, _worth(account, item, self.prices)) for item in self._of(account)]
        without = [part for part in self.left if part.account.id == account.id and part.where]
        return (*found, *(Wallet(part.where, None) for part in without))

    def _of(self, account: Account) -> list[Seen[Balances]]:
        return [item for item in self.seen if item.part.account.id == account.id]

    def never_read(self) -> list[str]:
        """What to say of wallets that keyctl never reads."""
        names: dict[str, list[str]] = {}
        for part in self.left:
            if not part.where:
                names.setdefault(part.account.label, []).append(part.name)
        return [
            f"{label}: not counted, because keyctl does not read them: {', '.join(all_)}"
            for label, all_ in names.items()
        ]


async def _holdings(app: App, accounts: Sequence[Account]) -> _Held:
    async with app.network() as network:
        parts, _ = parts_of(app, network, accounts, None, wallets_of)
        seen, left, prices = await read_wallets(parts)
        shared = Shared()
        leverages: dict[str, Decimal | None] = {}
        for item in seen:
            name = item.part.account.exchange
            if item.trouble is not None or leverages.get(name) is not None:
                continue
            try:
                leverages[name] = (await instrument_of(item.part.session, _LEVERED, shared)).leverage_max
            except KeyctlError as trouble:
                if isinstance(trouble, StoreUnusable):
                    raise
                leverages[name] = None
        return _Held(seen, left, prices, leverages)


def _facts(app: App, item: Checked, held: _Held, place: Place, leaked: bool) -> KeyFacts:
    account, told = item.seen.account, item.seen.permissions or KeyPermissions()
    facts = profile(account.exchange)
    listed = told.ip_restricted
    if listed and open_entry(told.ips or ()):
        listed = False  # an entry that takes nearly every address
    since = told.created or account.key_created
    return KeyFacts(
        label=account.label,
        exchange=account.exchange,
        markets=account.markets,
        wallets=held.wallets(account),
        withdraw=told.withdraw,
        transfer=told.transfer,
        trade={Market.SPOT: told.spot_trade, Market.FUTURES: told.futures_trade},
        listed={market: listed if market in facts.ip_list.markets else None for market in Market},
        transfer_fixed=bool(told.spends),
        leverage_max=held.leverages.get(account.exchange),
        age_days=max((item.seen.at - (since or account.created)).days, 0),
        age_known=since is not None,
        age_limit_days=app.config.key_age_days,
        place=place,
        leaked=leaked,
    )


def _worth(account: Account, item: Seen[Balances], prices: Prices) -> Decimal | None:
    if item.trouble is not None or item.odd:
        return None
    worth = Decimal(0)
    for wallet in item.found:
        for currency, total in wallet.total.items():
            price = prices.of(account, currency)
            if total and price is None:
                return None
            worth += total * (price or 0)
    return max(worth, Decimal(0))
