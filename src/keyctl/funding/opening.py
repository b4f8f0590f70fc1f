"""The account that lends, opened for one command: its session, its clock read, what to warn of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges import shipped
from keyctl.funding.gate import FUNDING, check_key, funding_of
from keyctl.home.selection import check_active, check_can_leave
from keyctl.network.clock_check import check_clock

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.exchanges.funding import Funding
    from keyctl.journal.legs import Journal
    from keyctl.model.account import Account
    from keyctl.network.session import Session


@dataclass(slots=True)
class Lender:
    """One account's line to its exchange's funding; `warnings` are for the result."""

    app: App
    session: Session
    warnings: list[str] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return self.session.account

    @property
    def funding(self) -> Funding:
        return funding_of(self.session)

    @property
    def journal(self) -> Journal:
        return self.app.journal

    @property
    def place(self) -> str:
        """The name of the exchange account, under which offers are kept."""
        return self.app.journal.exchange_accounts.of(self.account.id)

    def now_ms(self) -> int:
        """Now, in exchange time."""
        return self.session.stamp().at_ms


def account_for(app: App, label: str | None, *, leaving: bool = False) -> Account:
    """The account that is named, else the only one that can lend: at an exchange with funding, with the profile funding
    where several are. With `leaving` one that is named may be disabled. Raises UsageProblem, SetupProblem."""
    if label is not None:
        account = app.accounts.get(label)
        (check_can_leave if leaving else check_active)(account)
        if account.exchange not in shipped.names() or not shipped.profile(account.exchange).funding:
            raise UsageProblem(f"{label}: its exchange has no margin funding", code="no_funding", account=label)
        return account
    lend = [name for name in shipped.names() if shipped.profile(name).funding]
    found = [account for account in app.accounts.all() if account.exchange in lend and not account.disabled]
    if len(found) > 1:
        found = [account for account in found if account.profile == FUNDING] or found
    if not found:
        raise SetupProblem(
            "no account can lend: none is stored at an exchange with margin funding",
            f"create a key for it: keyctl checklist {lend[0]} --profile {FUNDING}",
            code="no_accounts",
        )
    if len(found) > 1:
        names = ", ".join(account.label for account in found)
        raise UsageProblem(
            f"several accounts can lend: {names}", f"choose one: -a {found[0].label}", code="which_account"
        )
    return found[0]


@asynccontextmanager
async def lender(app: App, account: Account, *, sends: bool = False) -> AsyncIterator[Lender]:
    """The account, with its clock read. With `sends` its clock must be usable, and its key may lend and do no more.

    Raises SetupProblem, Unreached, CheckFailed.
    """
    opened = app.opened([account])
    async with app.network() as network:
        session = opened.session(account, network, app.journal)
        if session.trouble is not None:
            raise session.trouble
        found = Lender(app, session)
        if sends:
            await session.warm()
            found.warnings += await check_key(session, app.config)
            found.warnings += check_clock(session)
        yield found
