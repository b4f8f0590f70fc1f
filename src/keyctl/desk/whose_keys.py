"""Whose each key is: read once where two keys of one exchange are stored, since they may be of one account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, KeyctlError, StoreUnusable, UsageProblem
from keyctl.home.account_uid import is_other
from keyctl.model.words import Market
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.network.session import Session


async def learn_uids(app: App, sessions: Sequence[Session]) -> None:
    """Makes known to the journal which of these keys are of one exchange account.

    An account id that nobody has told yet is asked for, where another key of the same exchange is stored, and kept.
    What cannot be read stays unknown; the preview then says so. Raises StoreUnusable for the journal; where the
    accounts' file cannot be written, the id is asked for again next time.
    """
    untold = [session for session in sessions if session.trouble is None and session.account.uid is None]
    accounts = app.accounts.all() if untold else ()
    mates = [session for session in untold if any(_may_be_one(session.account, other) for other in accounts)]
    told = dict(zip((session.account.id for session in mates), await asyncio.gather(*map(_uid_of, mates)), strict=True))
    news = {account_id: uid for account_id, uid in told.items() if uid is not None}
    app.journal.exchange_accounts.know([session.account for session in sessions], news)
    if news:
        with suppress(StoreUnusable):  # the journal has it, and that is what orders are held against
            app.accounts.note_uids(news)


def declare_same(app: App, label: str, other: str) -> Result:
    """Counts the key `label` as one of the exchange account that `other` is of, because a person says so.

    Raises UsageProblem for keys of different exchanges or kinds, CheckFailed where the exchange has told two ids,
    JournalLost where it could not be kept, StoreUnusable.
    """
    one, two = app.accounts.get(label), app.accounts.get(other)
    if one.id == two.id or (one.exchange, one.kind) != (two.exchange, two.kind):
        raise UsageProblem(
            f"{label} and {other} are not keys of the same exchange and environment",
            "give --same-as another key of the same exchange account",
            code="not_same_account",
        )
    if one.uid is not None and two.uid is not None and one.uid != two.uid:
        raise CheckFailed(
            f"{one.exchange} reports two accounts: {label} is {one.uid}, {other} is {two.uid}",
            f"if one of them is wrong, run: keyctl verify {label}",
            code="not_same_account",
            account=label,
            exchange=one.exchange,
        )
    journal = app.journals.to_send()
    journal.exchange_accounts.know([one, two])
    journal.exchange_accounts.join(two.id, one.id)
    note = Note(f"{label} and {other} count as two keys of one exchange account.")
    return Result({"account": label, "same_as": other}, view=(note,))


def _may_be_one(account: Account, other: Account) -> bool:
    return account.id != other.id and (account.exchange, account.kind) == (other.exchange, other.kind)


async def _uid_of(session: Session) -> str | None:
    """The account id that the exchange tells of the key; None where it tells none or could not be asked."""
    exchange = session.exchange
    try:
        await session.warm()
        if (account := exchange.account()) is not None:
            return await session.fetch(*account)
        if (permissions := exchange.permissions()) is not None:
            uid = (await session.fetch(*permissions)).uid
            if uid is not None:
                return None if is_other(session.account, uid) else uid
        return (await session.fetch(*exchange.market(Market.SPOT).wallet())).uid
    except KeyctlError as trouble:
        if isinstance(trouble, StoreUnusable):
            raise
        return None
