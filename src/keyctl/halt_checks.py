"""Where a halt stops orders before their claim: early in the preview, and again just before they are sent.

The claim asks once more, inside its own transaction. Orders that their venue holds to reducing pass every halt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed
from keyctl.preflight import Look, look_all
from keyctl.session import Session

if TYPE_CHECKING:
    from keyctl.config import Config
    from keyctl.model import Leg
    from keyctl.plan import Wish


async def look_where_allowed(parts: Sequence[tuple[Session, Wish]], symbol: str, config: Config) -> list[Look]:
    """As look_all, but an account whose orders are halted is not asked: its look says why it cannot take part.

    Raises CheckFailed, beside what look_all raises, when a halt of the home stops every order.
    """
    halts = [None if wish.reduces else _refusal(session) for session, wish in parts]
    journal = parts[0][0].journal
    if all(halts) and (home := journal.halts.home()) is not None:
        raise home.refusal(parts[0][0].account.label)
    asked = [part for part, halt in zip(parts, halts, strict=True) if halt is None]
    looks = iter(await look_all([session for session, _ in asked], symbol, config, [wish.margin for _, wish in asked]))
    return [
        next(looks) if halt is None else Look(session, None, halt, (), False, None)
        for (session, _), halt in zip(parts, halts, strict=True)
    ]


def refusal_of(session: Session, leg: Leg) -> CheckFailed | None:
    """Why a planned order is halted; None when it may go, as one that its venue holds to reducing always may."""
    return None if leg.exempt else _refusal(session)


def passing(session: Session, leg: Leg) -> list[str]:
    """What to say of an order that goes out although its account's orders are halted."""
    halts = session.journal.halts.of(session.account.id, session.account.exchange) if leg.exempt else ()
    return [f"{leg.account}: {halt.words}; this order only reduces, so it is not stopped" for halt in halts[:1]]


def check_not_all_halted(pairs: Sequence[tuple[Session, Leg]]) -> dict[str, CheckFailed]:
    """By client order id, why orders that were planned are halted now. Raises CheckFailed when all of them are."""
    refused = {leg.client_order_id: refusal_of(session, leg) for session, leg in pairs}
    found = {name: refusal for name, refusal in refused.items() if refusal is not None}
    if found and len(found) == len(pairs):
        raise next(iter(found.values()))
    return found


def _refusal(session: Session) -> CheckFailed | None:
    account = session.account
    halts = session.journal.halts.of(account.id, account.exchange)
    return halts[0].refusal(account.label, account.exchange) if halts else None
