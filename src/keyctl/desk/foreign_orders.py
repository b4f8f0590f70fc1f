"""Open orders that the journal does not have as open: canceled only when a person says so, and read back as gone.

Each cancel is written into the journal before it is sent, where that can be written, and what became of it after.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import ExitCode, KeyctlError, NoAnswer, StoreUnusable, Unreached, UsageProblem
from keyctl.exchanges.listing import odd_among
from keyctl.model.futures import OpenOrder
from keyctl.orders.holdings import Part, open_orders_of

if TYPE_CHECKING:
    from keyctl.journal.legs import Journal

# A cancel is sent once more only after the order was read to be still open; so often it is read back, so far apart.
SENDS = 2
LOOKS = 4
PAUSE_SECONDS = 0.5

_Number = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the cancel of an order: canceled, gone (nobody saw how), open, unknown or not_sent."""

    part: Part
    order: OpenOrder
    outcome: str
    detail: str
    exit_code: ExitCode


async def cancel_strangers(part: Part, orders: Sequence[OpenOrder], journal: Journal) -> list[Ended]:
    """Cancels these orders of one account and market, one after another, and reads the list of open orders until they
    are gone. A cancel that had no good answer is sent once more, and only when the order was read to be open still."""
    ended = [_not_ours_to_cancel(part, order) for order in orders if not _cancelable(part, order)]
    orders = [order for order in orders if _cancelable(part, order)]
    troubles: dict[_Number, KeyctlError] = {}
    final = set[_Number]()
    still, unsure, unread = set[_Number](), set[_Number](), ""
    left = list(orders)
    for _ in range(SENDS if orders else 0):
        for order in left:
            _note(journal, "foreign_cancel", _facts(part, order))
            troubles.pop(_number(order), None)
            try:
                if not await _send(part, order):
                    final.add(_number(order))
            except KeyctlError as trouble:
                troubles[_number(order)] = trouble
        still, unsure, unread = await _still_open(part, orders, set(troubles))
        left = [order for order in orders if _number(order) in troubles.keys() & still]
        if unread or not left:
            break
    ended += [
        _may_be_odd(part, order)
        if not unread and _number(order) in unsure - still
        else _may_have_fired(part, order)
        if order.trigger is not None and not unread and _number(order) in (final | troubles.keys()) - still
        else _ended(part, order, _trouble(order, troubles, final), still, unread)
        for order in orders
    ]
    for item in ended:
        _note(journal, "foreign_cancel_ended", {**_facts(part, item.order), "outcome": item.outcome})
    return ended


def _note(journal: Journal, kind: str, facts: dict[str, object]) -> None:
    """Writes it down where that is possible: a journal that cannot be written must not keep an order open."""
    with suppress(StoreUnusable):
        journal.event(None, None, kind, facts)


def _cancelable(part: Part, order: OpenOrder) -> bool:
    """Whether keyctl knows the exchange's call that cancels such an order: the list that shows it tells. Ids of one
    order API are another kind of id at the next, which might take them for that of another order."""
    api = part.session.exchange.order_apis.get(order.api)
    if api is None:
        return False
    try:
        api.cancel_request(order.ref)
    except UsageProblem:
        return False
    return True


def _number(order: OpenOrder) -> _Number:
    """What tells open orders of one account and market apart: numbers are those of a symbol and an order API."""
    return order.native_symbol, order.api, order.exchange_order_id


def _not_ours_to_cancel(part: Part, order: OpenOrder) -> Ended:
    title = part.session.exchange.profile.title
    detail = f"it waits for a trigger; keyctl cannot cancel such orders at {title}: cancel it on its own pages"
    return Ended(part, order, "not_sent", detail, ExitCode.CHECK)


def _may_have_fired(part: Part, order: OpenOrder) -> Ended:
    detail = "it no longer waits, and keyctl did not cancel it; it may have triggered and be open as another order"
    return Ended(part, order, "unknown", detail, ExitCode.UNKNOWN)


def _may_be_odd(part: Part, order: OpenOrder) -> Ended:
    detail = "it is not listed, but a row of the list of open orders cannot be read and may be this order"
    return Ended(part, order, "unknown", detail, ExitCode.UNKNOWN)


async def _send(part: Part, order: OpenOrder) -> bool:
    """One cancel, sent once: whether the exchange took it, or says that the order is final. Raises KeyctlError for
    everything else."""
    session, exchange = part.session, part.session.exchange
    request = exchange.order_apis[order.api].cancel_request(order.ref)
    response = await session.call(request, leaving=True)
    error = session.error_in(response)
    if error is not None and not exchange.is_no_such_order(request, error):
        raise KeyctlError(f"{error.code} {error.words}".strip(), code="cancel_refused", exchange_code=error.code)
    return error is None


async def _still_open(
    part: Part, orders: Sequence[OpenOrder], in_trouble: set[_Number]
) -> tuple[set[_Number], set[_Number], str]:
    """The numbers of these orders that are still listed, of those that a row which cannot be read may be, and why the
    list could not be read. A few looks, since some exchanges cancel a little later; orders whose cancel had no good
    answer are not waited for."""
    symbols = tuple(dict.fromkeys(order.symbol for order in orders))
    wanted = set(map(_number, orders))
    still, unsure = wanted, set[_Number]()
    for look in range(LOOKS):
        if look:
            await part.session.network.clock.sleep(PAUSE_SECONDS)
        try:
            listed, odd = odd_among(await open_orders_of(part, symbols))
        except KeyctlError as trouble:
            return wanted, set(), trouble.message
        still = wanted & set(map(_number, listed))
        unsure = {
            _number(order)
            for order in orders
            if any(row.may_be(order.native_symbol, order.exchange_order_id) for row in odd)
        }
        if still | unsure <= in_trouble:
            break
    return still, unsure, ""


def _trouble(
    order: OpenOrder, troubles: Mapping[_Number, KeyctlError], final: Collection[_Number]
) -> KeyctlError | None:
    """Why the exchange did not take the order's cancel; None where it did."""
    if _number(order) in final:
        return KeyctlError("the exchange reports no such open order", code="no_such_order")
    return troubles.get(_number(order))


def _ended(part: Part, order: OpenOrder, trouble: KeyctlError | None, still: set[_Number], unread: str) -> Ended:
    why = "" if trouble is None else trouble.message
    if unread:
        if trouble is not None and isinstance(trouble, Unreached) and not isinstance(trouble, NoAnswer):
            return Ended(part, order, "not_sent", why, trouble.exit_code)
        return Ended(
            part, order, "unknown", f"{why or 'accepted'}; open orders could not be read: {unread}", ExitCode.UNKNOWN
        )
    if _number(order) in still:
        return Ended(
            part, order, "open", why or "the cancel was accepted, but the order is still open", ExitCode.REFUSED
        )
    if trouble is not None:
        return Ended(part, order, "gone", f"no longer open, canceled or filled: {why}", ExitCode.OK)
    return Ended(part, order, "canceled", "no longer open", ExitCode.OK)


def _facts(part: Part, order: OpenOrder) -> dict[str, object]:
    filled: Decimal = order.filled
    return {
        "account": part.account.label,
        "exchange": part.account.exchange,
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": None if order.quantity is None else format(order.quantity, "f"),
        "quote_quantity": None if order.quote_quantity is None else format(order.quote_quantity, "f"),
        "filled": format(filled, "f"),
        "exchange_order_id": order.exchange_order_id,
        "client_order_id": order.client_order_id,
    }
