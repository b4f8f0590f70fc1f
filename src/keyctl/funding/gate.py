"""Which keys may lend: Margin Funding, and nothing that a thief could trade, move or withdraw with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, UsageProblem
from keyctl.exchanges.catalogue import lacks_permission
from keyctl.home.profiles import RIGHT_NAMES, SHIPPED, KeyProfile, combined

if TYPE_CHECKING:
    from keyctl.exchanges.funding import Funding
    from keyctl.home.config import Config
    from keyctl.model.account import Account
    from keyctl.model.venue import KeyPermissions
    from keyctl.network.session import Session

FUNDING, _OTHER = "funding", "other"
# What may be accepted for one account with a reason, by permission; trading is one of the extra rights.
_RISKS = {"withdraw": "withdraw", "transfer": "transfer"}


def funding_of(session: Session) -> Funding:
    """The funding part of the account's exchange. Raises UsageProblem where it has none."""
    found = session.exchange.funding
    if found is None:
        raise UsageProblem(f"{session.exchange.profile.title} has no margin funding", code="no_funding")
    return found


def profile_of(account: Account, config: Config) -> KeyProfile:
    """What is asked of the account's key when it lends: its profiles where one of them lends, else the shipped one."""
    chosen = config.account(account.label).profiles
    return combined(chosen) if any(FUNDING in profile.wanted for profile in chosen) else SHIPPED[FUNDING]


async def check_key(session: Session, config: Config) -> list[str]:
    """What to warn of. Raises CheckFailed for a key that cannot lend, or that may do more than its profile allows.

    A key whose permissions the exchange does not tell is used with a warning; where they cannot be read, nothing is
    sent. Raises Unreached, ExchangeRefused.
    """
    account, exchange = session.account, session.exchange
    permissions = exchange.permissions()
    told: KeyPermissions | None = None
    if permissions is not None:
        try:
            told = await session.fetch(*permissions)
        except ExchangeRefused as refusal:
            if not lacks_permission(refusal.error, session.market):
                raise
    if told is None:
        return [f"{account.label}: {exchange.profile.title} does not report what this key may do"]
    check_rights(account, told, profile_of(account, config), config)
    return []


def check_rights(account: Account, told: KeyPermissions, profile: KeyProfile, config: Config) -> None:
    """Raises CheckFailed for a key that cannot lend, or may do what its profile forbids."""
    checklist = f"create a key with Margin Funding alone: keyctl checklist {account.exchange} --profile {FUNDING}"
    if told.funding is False:
        raise CheckFailed(
            f"{account.label}: this key may not lend (Margin Funding write is off); nothing was sent",
            checklist,
            code="key_may_not_lend",
            account=account.label,
            exchange=account.exchange,
        )
    on = [right for right in sorted(profile.forbidden - {_OTHER}) if getattr(told, right)]
    on += [_OTHER] if told.extra and _OTHER in profile.forbidden else []
    too_much = [right for right in on if config.accepts(account.label, _RISKS.get(right, "extra_rights")) is None]
    if too_much:
        names = ", ".join(", ".join(told.extra) if right == _OTHER else RIGHT_NAMES[right] for right in too_much)
        raise CheckFailed(
            f"{account.label}: this key may do more than lend: {names}; nothing was sent",
            checklist,
            f"or allow it for this account in config.toml: profile = ['spot', '{FUNDING}'] under "
            f"[accounts.{account.label}], then: keyctl verify {account.label}",
            code="key_may_do_more",
            account=account.label,
            exchange=account.exchange,
        )
