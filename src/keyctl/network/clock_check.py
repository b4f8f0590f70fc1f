"""Whether the clocks of this machine and of an exchange agree well enough to stamp an order."""

from __future__ import annotations

from keyctl.errors import CheckFailed
from keyctl.network.session import Session

# A machine that was asleep, or whose clock was set, is found out by a reading that is older than this or lies ahead.
FRESH_SECONDS = 10.0


class ClockWrong(CheckFailed):
    """This machine's clock or the exchange's is more than ten seconds off."""

    code = "clock_wrong"


def check_clock(session: Session) -> list[str]:
    """A warning when the clocks differ by more than a second. Raises ClockWrong above ten, or when it is not known."""
    offset = session.offset
    if session.exchange_clock is None or (offset is not None and offset.silent):
        return []
    title = session.exchange.profile.title
    if offset is None:
        raise ClockWrong(
            f"{title}'s clock could not be read in under two seconds, so the time of an order could be wrong",
            "try again on a faster connection",
            code="clock_unknown",
            account=session.account.label,
            exchange=session.exchange.name,
        )
    seconds = offset.ms / 1000
    if not offset.usable:
        raise ClockWrong(
            f"this machine's clock is {abs(seconds):.1f} s {'behind' if seconds > 0 else 'ahead of'} {title}'s",
            "set the clock (NTP), then try again",
            account=session.account.label,
            exchange=session.exchange.name,
        )
    corrected = "requests there carry no time" if session.exchange.profile.dated else "keyctl corrects for it"
    return [f"{title}: clocks differ by {seconds:+.1f} s; {corrected}"]


def is_clock_old(session: Session) -> bool:
    """Whether the exchange's clock was read in this run, but so long ago, by this machine's, that ours may have been
    set since."""
    clock = session.exchange_clock
    if clock is None:
        return False
    samples = session.network.clock_reads((session.exchange.name, clock.request.base)).samples
    return bool(samples) and not 0 <= session.network.clock.now() - samples[-1].after <= FRESH_SECONDS


def clock_trouble(session: Session) -> str:
    """Why the exchange's clock is not usable for an order, nor for the proof that one was never accepted; empty when it
    is: read in this run, and at most ten seconds off."""
    try:
        check_clock(session)
    except ClockWrong as wrong:
        return wrong.message
    return ""


def check_dates(session: Session, leaving: bool) -> list[str]:
    """As check_clock, once answers have come, where their dates are all that tells the time.

    An order that only reduces (`leaving`) goes without: nothing that is signed there carries a time.
    """
    if session.offset is None and leaving:
        return [f"{session.exchange.profile.title}: its responses carry no time, so the clock was not checked"]
    return check_clock(session)
