"""Stored orders that wait here, and were sent by a process with another journal: one of a copy of this home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from keyctl.errors import CheckFailed, ExchangeRefused, Unreached
from keyctl.journal.legs import ELSEWHERE, Journal
from keyctl.journal.rows import StoredLeg
from keyctl.network.session import Session
from keyctl.orders.judge import judge_found
from keyctl.orders.preflight import Look
from keyctl.orders.settle import Absent, Found, look_up


async def sent_elsewhere(session: Session, journal: Journal, stored: StoredLeg | None) -> CheckFailed | str | None:
    """Why a leg that waits to be sent must not be: its exchange has the order already, which is written down now.

    A text where that could not be looked up. None where the exchange does not have it, where it cannot be reached or
    does not tell its time (the other reads of the pre-flight say so), and without a leg.
    """
    if stored is None:
        return None
    planned_ms = int(datetime.combine(stored.leg.client_order_date, time(), UTC).timestamp() * 1000)
    try:
        await session.warm()
    except (Unreached, ExchangeRefused):
        return None
    looked = await look_up(session, replace(stored, first_stamp_ms=stored.first_stamp_ms or planned_ms))
    label, plan = stored.leg.account, stored.leg.plan_id
    if isinstance(looked, Absent):
        return None
    if not isinstance(looked, Found):
        return f"{label}: cannot look up whether another process has sent its order: {looked.why}"
    journal.record([(stored.row, judge_found(stored.leg, looked.status))], ELSEWHERE)
    return CheckFailed(
        f"{label}: another process has sent its order of plan {plan}; nothing was sent",
        "check that no other machine uses a copy of this data folder: keyctl doctor",
        code="sent_from_elsewhere",
        account=label,
        exchange=stored.leg.exchange,
    )


def without_sent(
    looks: Sequence[Look], told: Sequence[CheckFailed | str | None], warnings: Sequence[str]
) -> tuple[list[Look], list[str]]:
    """The looks, what was sent from elsewhere as trouble of its leg alone; the warnings, with what is not clear."""
    kept = [
        replace(look, view=None, trouble=why) if isinstance(why, CheckFailed) else look
        for look, why in zip(looks, told, strict=True)
    ]
    return kept, [*warnings, *(why for why in told if isinstance(why, str))]
