"""A person's verdict on an order that no look-up can prove any more: checked, recorded with name and reason."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from keyctl.answers import clean_text
from keyctl.errors import CheckFailed, UsageProblem
from keyctl.exchanges.shipped import profile
from keyctl.journal.legs import LegState
from keyctl.journal.rows import StoredLeg
from keyctl.orders.settle import CALL_AND_SLACK_SECONDS

if TYPE_CHECKING:
    from keyctl.app import App

REASON_MIN = 5


def resolve(app: App, plan: str, account: str, verdict: LegState, reason: str, yes: bool) -> StoredLeg:
    """The leg with the person's verdict in the journal.

    Raises UsageProblem for a leg that does not exist or a reason that says nothing; CheckFailed when the leg is not
    unknown, or when "not taken" comes while a late copy of the order could still arrive.
    """
    reason = clean_text(reason)
    if len(reason) < REASON_MIN:
        raise UsageProblem(
            "the reason is too short", "give one, such as: --because 'not in the order history of the exchange'"
        )
    plan_id = app.journals.to_send().plan_id(plan)
    found = [leg for leg in app.journal.legs(plan_id) if leg.leg.account == account]
    if not found:
        raise UsageProblem(f"plan {plan_id} has no order on {account}", f"check the plan: keyctl orders show {plan_id}")
    stored = found[0]
    if stored.state not in (LegState.SENT, LegState.UNKNOWN):
        raise CheckFailed(f"the order is not unknown: it is {stored.state}", code="not_unknown", account=account)
    if verdict is LegState.ABSENT:
        _check_late_copy(app, stored)
    if not yes:
        word = "accepted" if verdict is LegState.ACCEPTED else "NOT accepted"
        question = f"{account}: {stored.leg.order.side} {stored.leg.order.symbol}. Record it as {word}? Type {account}"
        if not app.prompt.confirm_typed(question, account):
            raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed")
    if not app.journal.resolve(stored.row, verdict, getpass.getuser(), reason):
        raise CheckFailed("another process has recorded the outcome of this order", code="not_unknown", account=account)
    return next(leg for leg in app.journal.legs(plan_id) if leg.row == stored.row)


def _check_late_copy(app: App, stored: StoredLeg) -> None:
    settling = profile(stored.leg.exchange).settling
    window = settling.window_of(stored.leg.order) or settling.min_polling_seconds
    over = (stored.stamp_ms or 0) / 1000 + window + CALL_AND_SLACK_SECONDS
    left = over - app.clock.now()
    if left > 0:
        raise CheckFailed(
            f"the exchange may still accept this order for another {left:.0f} s",
            "wait, or let keyctl find out: keyctl orders settle --wait",
            code="window_open",
            account=stored.leg.account,
        )
