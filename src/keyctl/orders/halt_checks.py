"""Where a halt stops orders before their claim: early in the preview, and again just before they are sent.

The claim asks once more, inside its own transaction. Orders that their venue holds to reducing pass every halt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed
from keyctl.network.session import Session

if TYPE_CHECKING:
    from keyctl.journal.halts import Halt
    from keyctl.model.order import Leg
    from keyctl.orders.wish import Wish


def halted(parts: Sequence[tuple[Session, Wish]]) -> dict[str, CheckFailed]:
    """By account id, why orders of that account are halted; one that only reduces is not.

    Raises CheckFailed when a halt of the home stops every order.
    """
    if not parts[0][0].journal.halts.all():
        return {}
    found = {
        session.account.id: halt
        for session, wish in parts
        if not wish.reduces and (halt := _refusal(session)) is not None
    }
    if len(found) == len(parts) and (home := parts[0][0].journal.halts.home()) is not None:
        raise home.refusal(parts[0][0].account.label)
    return found


def refusal_of(session: Session, leg: Leg) -> CheckFailed | None:
    """Why a planned order is halted; None when it may go, as one that its venue holds to reducing always may."""
    return None if leg.exempt else _refusal(session)


def passing(session: Session, leg: Leg) -> list[str]:
    """What to say of an order that goes out although its account's orders are halted."""
    halts = _halts(session) if leg.exempt else ()
    return [
        f"{leg.account}: {halt.words}; this order is reduce-only, so the halt does not block it" for halt in halts[:1]
    ]


def check_not_all_halted(pairs: Sequence[tuple[Session, Leg]]) -> dict[str, CheckFailed]:
    """By client order id, why orders that were planned are halted now. Raises CheckFailed when all of them are."""
    if not pairs or not pairs[0][0].journal.halts.all():
        return {}
    refused = {leg.client_order_id: refusal_of(session, leg) for session, leg in pairs}
    found = {name: refusal for name, refusal in refused.items() if refusal is not None}
    if found and len(found) == len(pairs):
        raise next(iter(found.values()))
    return found


def _refusal(session: Session) -> CheckFailed | None:
    halts = _halts(session)
    return halts[0].refusal(session.account.label, session.account.exchange) if halts else None


def _halts(session: Session) -> tuple[Halt, ...]:
    account = session.account
    return session.journal.halts.of(account.id, account.exchange, account.api_key_hash)
