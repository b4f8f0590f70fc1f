"""Whether a key that sends orders may withdraw: how often that is read, what serves when it cannot be, and the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, StoreUnusable, Unreached
from keyctl.exchanges.catalogue import catalogue
from keyctl.model import ExchangeError, Kind, Market
from keyctl.network.session import Session

if TYPE_CHECKING:
    from keyctl.home.config import Config

# A right can be switched on at any time on the exchange's pages, and only a reading shows it.
LIVE_SECONDS = 3_600
# For keys without real money; and so old may a reading of any key be that serves while no newer one can be had.
USABLE_SECONDS = 86_400
_ABOUT_THE_KEY = ("signature", "permission", "ip", "account")


async def withdrawal_of(session: Session, leaving: bool, warnings: list[str]) -> tuple[bool, bool | None, str | None]:
    """Whether the right to withdraw was read just now, what it is (None: not told), and whose the key is, if that was
    told with it.

    A reading that is new enough is not asked for again. Where one cannot be had, one of the last 24 hours serves, with
    a warning; so does none for an order that only reduces (`leaving`), which this never stops. Raises KeyctlError.
    """
    known = session.journal.notes.permissions(session.account.id)
    age = None if known is None else session.network.clock.now() - known.at
    if known is not None and _younger(age, LIVE_SECONDS if session.account.kind is Kind.LIVE else USABLE_SECONDS):
        return False, known.withdraw, None
    try:
        return True, *(await _withdrawal(session))
    except KeyctlError as trouble:
        unread = f"{session.account.label}: the rights of this key could not be read"
        if known is not None and age is not None and _younger(age, USABLE_SECONDS) and _says_nothing(session, trouble):
            warnings.append(f"{unread} ({trouble.message}); as read {_words(age)} ago")
            return False, known.withdraw, None
        if not leaving or isinstance(trouble, StoreUnusable):
            raise
        warnings.append(f"{unread} ({trouble.message})")
        return False, None, None


def check_withdrawal(session: Session, withdraw: bool | None, config: Config) -> None:
    """Raises CheckFailed when the key is proven to be able to withdraw and the person has not accepted that."""
    account = session.account
    if withdraw and config.accepts(account.label, "withdraw") is None:
        raise CheckFailed(
            f"{account.label}: this API key may withdraw; keyctl sends no orders with it",
            f"switch the withdrawal right off at {session.exchange.profile.title}, then: keyctl verify {account.label}",
            "or accept that risk with a reason in config.toml: [[accepted_risk]]",
            code="key_may_withdraw",
            account=account.label,
            exchange=account.exchange,
        )


def is_about_key(error: ExchangeError, market: Market) -> bool:
    """Whether an exchange's error speaks of the key: its signature, rights, IP list or account."""
    found = catalogue(error.exchange).lookup(error.code, market, error.text, error.http)
    return bool(found) and found[0].category in _ABOUT_THE_KEY


async def _withdrawal(session: Session) -> tuple[bool | None, str | None]:
    """Whether the key may withdraw, and whose it is; None for what is not told."""
    request = session.exchange.permissions_request()
    if request is None:
        return None, None
    told = await session.fetch(request, session.exchange.read_permissions)
    return told.withdraw, told.uid


def _says_nothing(session: Session, trouble: KeyctlError) -> bool:
    """Whether a reading failed for a reason other than the key itself, so that an older one still stands."""
    if isinstance(trouble, ExchangeRefused):
        return not is_about_key(trouble.error, session.market)
    return isinstance(trouble, Unreached)


def _younger(age: float | None, seconds: int) -> bool:
    """Whether a reading is not older than that. One from the future tells no age: this machine's clock was moved."""
    return age is not None and 0 <= age < seconds


def _words(age: float) -> str:
    return f"{age / 3600:.0f} h" if age >= 5400 else f"{age / 60:.0f} min"
