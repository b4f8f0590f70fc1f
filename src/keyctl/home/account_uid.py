"""Which account at the exchange a label means: its id there, once known, is never changed but by a person."""

from __future__ import annotations

from keyctl.errors import CheckFailed
from keyctl.model.account import Account


def is_other(account: Account, told: str | None) -> bool:
    """Whether the exchange tells another account id than the one that is known of the label."""
    return told is not None and account.uid is not None and told != account.uid


def other_words(account: Account, told: str | None) -> str:
    """What to say of it, where the account is named already."""
    return f"its key belongs to exchange account {told}, but the label is for {account.uid}"


def how_to_accept(account: Account) -> str:
    """The one way in which the label may come to mean the other account."""
    return f"only if you mean that account, change it: keyctl edit {account.label} --new-uid"


def check_same(account: Account, told: str | None) -> None:
    """Nothing when the label's key belongs to the exchange account that it means, by what was told now, else by what
    verify was told last. Raises CheckFailed."""
    last = account.other_uid if told is None else told
    if is_other(account, last):
        raise CheckFailed(
            f"{account.label}: {other_words(account, last)}; nothing was sent with it",
            how_to_accept(account),
            code="other_exchange_account",
            account=account.label,
            exchange=account.exchange,
        )
