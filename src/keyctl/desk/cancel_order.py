"""One order of ours, canceled: sent once, read back, and sent again only when it was read to be still open.

Nothing of keyctl's own stands in its way: not a clock that could not be read, not a journal that cannot be written.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable
from keyctl.desk.cancel_view import CancelResult, leg_facts
from keyctl.desk.foreign_orders import LOOKS, PAUSE_SECONDS, SENDS
from keyctl.errors import ExitCode, KeyctlError, NoAnswer, StoreUnusable
from keyctl.exchanges.base import OrderAPI
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.told_orders import is_plain_id
from keyctl.journal.legs import LegState
from keyctl.journal.rows import StoredLeg
from keyctl.model.order import Leg, OrderRef, OrderStatus
from keyctl.model.words import OrderState, Outcome
from keyctl.network.session import Session
from keyctl.orders.comparing import forget_if_past
from keyctl.orders.judge import differences, judge_found
from keyctl.orders.settle import Absent, Found, Lookup, Unclear, look_up, settle_leg

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal


async def warm_if_possible(session: Session) -> None:
    """Reads the exchange's clock where this run does not know it; without it a cancel is stamped by ours."""
    if session.trouble is not None or session.offset is not None:
        return
    try:
        await session.warm()
    except KeyctlError:  # what is really wrong with the line or the account, the cancel itself will tell
        pass


async def cancel_order(session: Session, journal: Journal, stored: StoredLeg) -> CancelResult:
    """What became of the cancel of one order; trouble of any kind that is known is its result, and never raised."""
    if session.trouble is not None:
        return _not_sent(session, stored, session.trouble)
    attempt = _Attempt(session, journal, stored)
    try:
        return await attempt.run()
    except KeyctlError as error:
        if not attempt.sent:
            return _not_sent(session, stored, error)
        return CancelResult(
            leg_facts(stored), "unknown", error.message, ExitCode.UNKNOWN, attempt.became, hints=error.hints
        )


class _Attempt:
    """The course of one order's cancel. `sent`: a cancel may have left; `became`: the number of the order that it
    became."""

    def __init__(self, session: Session, journal: Journal, stored: StoredLeg) -> None:
        self.sent = False
        self.became: str | None = None
        self._session = session
        self._journal = journal
        self._stored = stored
        self._order_id = _usable(stored.exchange_order_id)
        self._unwritten = ""

    async def run(self) -> CancelResult:
        """One cancel, sent once; after a lost answer it is sent again only when the order was read to be still open.

        An order of unknown outcome is looked up first; while it stays unknown its cancel still goes out, by client
        order id, since a cancel can only lessen what is at risk. One that waits for a trigger is looked up first too:
        it may have become another order, and then that one is canceled. So is every one where the client order id alone
        may miss it; when that look-up fails the cancel goes out all the same, by what the journal knows.

        Raises KeyctlError.
        """
        over = await self._settled() or await self._looked_up_first()
        if over is not None:
            return over
        left, trouble = SENDS, ""
        while left:
            left -= 1
            trouble = await self._send()
            looked = await self._read_back(patient=not trouble)
            if not isinstance(looked, Found):
                return self._unseen(looked, trouble)
            if looked.status.state is not OrderState.OPEN:
                return self._finished(looked.status)
            self._order_id = _usable(looked.status.exchange_order_id)
            if self.became is None and looked.status.became is not None:
                # It is another order since: no cancel has named that one yet, whatever was said of the waiting one.
                self.became, left = looked.status.became, SENDS
            elif not trouble:
                break
        why = trouble or "the cancel was accepted, but the order is still open"
        return self._result("open", why, ExitCode.REFUSED)

    async def _settled(self) -> CancelResult | None:
        """The result where an order of unknown outcome turns out to be none, or over."""
        if self._stored.state == LegState.ACCEPTED:
            return None
        try:
            settled = await settle_leg(self._session, self._journal, self._stored)
        except StoreUnusable as error:
            self._unwritten = error.message
            return None
        if settled.outcome not in (Outcome.NOT_SENT, Outcome.REJECTED):
            return None
        word = "never taken" if settled.status is None else f"finished: {settled.status.state}"
        return self._result(word, settled.detail, ExitCode.OK)

    async def _looked_up_first(self) -> CancelResult | None:
        """The result where a look-up before the cancel shows that the order is over."""
        api = self._session.exchange.api_of(self._stored.leg)
        if self._stored.leg.order.trigger is None and not api.dated_ids:
            return None
        looked = await self._read_back(patient=False)
        if not isinstance(looked, Found):
            return None
        if looked.status.state is not OrderState.OPEN:
            return self._finished(looked.status)
        self._order_id, self.became = _usable(looked.status.exchange_order_id), looked.status.became
        return None

    async def _send(self) -> str:
        """Nothing when the cancel was taken, else why not. Raises KeyctlError when nothing has left."""
        try:
            trouble = await _send_cancel(self._session, self._stored, self._order_id, self.became)
        except NoAnswer as lost:
            trouble = lost.message
        self.sent = True
        return trouble

    async def _read_back(self, patient: bool) -> Lookup:
        """What the order looks like now; with `patient` a few looks, since some venues cancel a little later."""
        for _ in range(LOOKS if patient else 1):
            looked = await look_up(self._session, self._stored)
            if not isinstance(looked, Found):
                return looked
            self._note(looked.status)
            if looked.status.state is not OrderState.OPEN:
                break
            await self._session.network.clock.sleep(PAUSE_SECONDS)
        return looked

    def _note(self, status: OrderStatus) -> None:
        """Writes down what was read. Where that fails once it is not tried again, and the result tells of it."""
        if self._unwritten:
            return
        row = self._stored.row
        try:
            # An exchange that only acknowledges may have rejected what counted as accepted.
            if self._stored.state != LegState.ACCEPTED or status.state is OrderState.REJECTED:
                self._journal.record([(row, judge_found(self._stored.leg, status))], "look-up")
            self._journal.note_status([(row, status)])
        except StoreUnusable as error:
            self._unwritten = error.message

    def _unseen(self, looked: Absent | Unclear, trouble: str) -> CancelResult:
        if not trouble and (forgotten := forget_if_past(self._session, self._journal, self._stored, looked)):
            return self._result(str(forgotten.status), forgotten.detail, ExitCode.UNKNOWN)
        return self._result("unknown", trouble or looked.why or "not found", ExitCode.UNKNOWN)

    def _finished(self, status: OrderStatus) -> CancelResult:
        self.became = status.became
        word = "canceled" if status.state is OrderState.CANCELED else f"finished: {status.state}"
        told = differences(judge_found(self._stored.leg, status))
        return self._result(word, f"filled {plain(status.filled)}{told}", ExitCode.OK)

    def _result(self, outcome: str, detail: str, code: ExitCode) -> CancelResult:
        if self._unwritten:
            detail = f"{detail} (not recorded: {self._unwritten})"
        return CancelResult(leg_facts(self._stored), outcome, detail, code, self.became)


def _usable(order_id: str | None) -> str | None:
    """The exchange's order id; None for one that cannot be right: then the order is named by our own."""
    return order_id if order_id is not None and is_plain_id(order_id) else None


def _not_sent(session: Session, stored: StoredLeg, error: KeyctlError) -> CancelResult:
    why = error.message.removeprefix(f"{session.account.label}: ")
    return CancelResult(leg_facts(stored), "not_sent", why, error.exit_code, hints=error.hints)


async def _send_cancel(session: Session, stored: StoredLeg, order_id: str | None, became: str | None) -> str:
    """Nothing when the exchange took the cancel or the order was finished; else why not.

    Raises KeyctlError when nothing has left, NoAnswer when something may have.
    """
    leg = stored.leg
    api = session.exchange.api_of(leg)
    if became is not None:
        assert api.becomes is not None
        return await _send_one(session, api.becomes, leg, replace(leg.ref(became), client_order_id=None))
    refs: tuple[OrderRef, ...] = (leg.ref(order_id),)
    if api.dated_ids and order_id is None and stored.stamp_ms:
        refs = tuple(replace(refs[0], date=day) for day in days_around(stored.stamp_ms))
    why, sent = "", False
    for ref in refs:
        try:
            trouble = await _send_one(session, api, leg, ref)
        except KeyctlError as error:
            if not sent and not isinstance(error, NoAnswer):
                raise
            trouble = error.message
        if not trouble:
            return ""
        why, sent = why or trouble, True
    return why


def days_around(stamp_ms: int) -> tuple[date, date]:
    """The UTC day of a time in Unix ms, and the nearer one of its neighbors: an order that is taken around midnight may
    count for another day than the one that our clock said."""
    stamp = datetime.fromtimestamp(stamp_ms / 1000, UTC)
    return stamp.date(), (stamp + timedelta(hours=12 if stamp.hour >= 12 else -12)).date()


async def _send_one(session: Session, api: OrderAPI, leg: Leg, ref: OrderRef) -> str:
    request = api.cancel_request(ref)
    response = await session.call(request, leaving=True)
    error = session.error_in(response)
    if error is not None:
        return "" if session.exchange.is_no_such_order(request, error) else f"{error.code} {error.words}".strip()
    try:
        api.read_canceled(response, leg, ref)
    except Unreadable as problem:
        return f"the response cannot be used: {session.mask.masked(str(problem))}"
    return ""
