"""What a key that sends orders may do: how often that is read, what serves when it cannot be, and the two gates: a key
that may withdraw sends no orders, and one that may not trade is not sent with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, StoreUnusable, Unreached
from keyctl.exchanges.catalogue import catalogue
from keyctl.home.profiles import RIGHT_NAMES, TRADE_RIGHTS, assigned_profile
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Kind, Market
from keyctl.network.session import Session

if TYPE_CHECKING:
    from keyctl.home.config import Config
    from keyctl.journal.notes import PermissionReading

# A right can be switched on at any time on the exchange's pages, and only a reading shows it.
LIVE_SECONDS = 3_600
# For keys without real money; and so old may a reading of any key be that serves while no newer one can be had.
USABLE_SECONDS = 86_400
_ABOUT_THE_KEY = ("signature", "permission", "ip", "account")


async def rights_of(session: Session, leaving: bool, warnings: list[str]) -> tuple[bool, KeyPermissions]:
    """Whether the key's rights were read just now, and what is known of them: withdrawing, trading, whose the key is.

    A reading that is new enough is not asked for again, unless it says that trading is off: that may have been switched
    on since. Where one cannot be had, one of the last 24 hours serves, with a warning; so does none for an order that
    only reduces (`leaving`), which this never stops. Raises KeyctlError.
    """
    known = session.journal.notes.permissions(session.account.id)
    age = None if known is None else session.network.clock.now() - known.at
    fresh = _younger(age, LIVE_SECONDS if session.account.kind is Kind.LIVE else USABLE_SECONDS)
    if known is not None and fresh and may_trade(known, session.market) is not False:
        return False, _as_told(known)
    try:
        permissions = session.exchange.permissions()
        if permissions is None:
            return True, KeyPermissions()
        return True, await session.fetch(*permissions)
    except KeyctlError as trouble:
        unread = f"{session.account.label}: the permissions of this key could not be read"
        if known is not None and age is not None and _younger(age, USABLE_SECONDS) and _says_nothing(session, trouble):
            warnings.append(f"{unread} ({trouble.message}); using those read {_words(age)} ago")
            return False, _as_told(known)
        if not leaving or isinstance(trouble, StoreUnusable):
            raise
        warnings.append(f"{unread} ({trouble.message})")
        return False, KeyPermissions()


def may_trade(told: KeyPermissions | PermissionReading, market: Market) -> bool | None:
    """Whether the key may trade on that market; None where it is not told."""
    return told.spot_trade if market is Market.SPOT else told.futures_trade


def forbidding(session: Session, config: Config) -> str | None:
    """The profile of the account, where it forbids trading on the session's market."""
    account = session.account
    asked = assigned_profile(config.account(account.label).profiles, account.profile)
    return asked.name if asked and TRADE_RIGHTS[session.market] in asked.forbidden else None


def check_trade(session: Session, told: KeyPermissions, config: Config) -> list[str]:
    """No warnings. Raises CheckFailed when the key is known not to trade on the session's market, or its profile
    forbids that."""
    account, market, title = session.account, session.market, session.exchange.profile.title
    what = RIGHT_NAMES[TRADE_RIGHTS[market]]
    where = {"account": account.label, "exchange": account.exchange, "market": market.value}
    look = f"find the cause: keyctl diagnose {account.label}" + (
        f" --market {market}" if len(account.markets) > 1 else ""
    )
    if (name := forbidding(session, config)) is not None:
        raise CheckFailed(
            f"{account.label}: its profile {name} forbids {what}",
            "use another account, or give it another profile: keyctl config edit",
            *(() if may_trade(told, market) is False else (look,)),  # with the right off its key is as it should be
            code="profile_forbids_trade",
            **where,
        )
    if may_trade(told, market) is False:
        raise CheckFailed(
            f"{account.label}: this API key has no permission for {what}; {title} reports it as off",
            look,
            code="key_may_not_trade",
            **where,
        )
    return []


def accepted_withdrawal(session: Session, told: KeyPermissions, config: Config) -> list[str]:
    """A warning of a key that may withdraw, in the person's own words, where they have accepted that; else none.

    Raises CheckFailed when the key is proven to be able to withdraw and the person has not accepted that.
    """
    account = session.account
    if not told.withdraw:
        return []
    if (accepted := config.accepts(account.label, "withdraw")) is None:
        raise CheckFailed(
            f"{account.label}: this API key can withdraw; keyctl blocks its orders",
            f"switch off its withdrawal at {session.exchange.profile.title}, then run: keyctl verify {account.label}",
            "to accept the risk, add [[accepted_risk]] with a reason: keyctl config edit",
            code="key_may_withdraw",
            account=account.label,
            exchange=account.exchange,
        )
    words = f"you accepted this risk: {accepted.reason} ({accepted.date})"
    return [f"{account.label}: this key can withdraw your funds; {words}"]


def is_about_key(error: ExchangeError, market: Market) -> bool:
    """Whether an exchange's error speaks of the key: its signature, rights, IP list or account."""
    found = catalogue(error.exchange).lookup(error.code, market, error.text, error.http)
    return bool(found) and found[0].category in _ABOUT_THE_KEY


def _as_told(known: PermissionReading) -> KeyPermissions:
    return KeyPermissions(withdraw=known.withdraw, spot_trade=known.spot_trade, futures_trade=known.futures_trade)


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
