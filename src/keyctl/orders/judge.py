"""What an answer to an order proves: taken, refused, or neither. Pure; the strictest reading wins."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from keyctl.answers import Unreadable, clean_text, read_json
from keyctl.exchanges.base import Exchange
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.masking import Mask
from keyctl.model.order import Leg, LegResult, OrderStatus
from keyctl.model.wire import Response
from keyctl.model.words import Market, OrderState, Outcome, Taken


def judge_placed(exchange: Exchange, leg: Leg, response: Response, mask: Mask | None = None) -> LegResult:
    """The leg's result as its own answer proves it.

    Accepted needs our id echoed and everything else echoed to agree. Rejected needs a catalogue row that says that
    this code, at this HTTP status and from this endpoint, proves the order was not taken, in an answer that names no
    order but ours. Everything else is unknown; so is an order that is echoed as rejected, and one at an exchange that
    only acknowledges, until a look-up shows it.
    `mask` hides the account's secrets in what is kept and shown of the answer; it changes no verdict.
    """
    mask = mask or Mask()
    error, api = exchange.read_error(response), exchange.api_of(leg)
    if error is not None:
        book = catalogue(exchange.name)
        proven = book.taken(error, leg.order.market, api.endpoint) is Taken.NO
        row = book.row_name(error, leg.order.market)
        error = replace(error, masked=mask.masked(error.text))
        if proven and api.is_refusal_of(read_json(response.body), leg):
            detail = clean_text(f"{error.code} {error.words}".strip())
            return LegResult(leg, Outcome.REJECTED, error=error, detail=detail, catalogue_row=row)
        words = f'"{error.words}" ' if error.words else ""
        detail = clean_text(
            f"the response {error.code} {words}(HTTP {error.http}) does not prove what became of the order"
        )
        return LegResult(leg, Outcome.UNKNOWN, error=error, detail=detail, catalogue_row=row)
    if response.status != 200:
        return LegResult(leg, Outcome.UNKNOWN, detail=f"HTTP {response.status} does not prove what became of the order")
    try:
        placed = api.read_placed(response, leg)
    except Unreadable as problem:
        return LegResult(
            leg, Outcome.UNKNOWN, detail=clean_text(f"the response cannot be used: {mask.masked(str(problem))}")
        )
    order_id = placed.exchange_order_id
    if placed.state is OrderState.REJECTED:
        return LegResult(
            leg, Outcome.UNKNOWN, order_id, detail="the response shows the order as rejected, but does not prove it"
        )
    if exchange.profile.acknowledges:
        return LegResult(leg, Outcome.UNKNOWN, order_id, detail="acknowledged, being checked", acknowledged=True)
    result = LegResult(leg, Outcome.ACCEPTED, order_id, detail="accepted")
    return with_differences(result, placed.quantity, placed.odd)


def judge_found(leg: Leg, status: OrderStatus) -> LegResult:
    """The result of a leg whose order a look-up has shown."""
    return with_differences(_found(leg, status), status.quantity, status.odd)


def with_status(result: LegResult, status: OrderStatus, detail: str = "") -> LegResult:
    """An accepted leg's result with what a later look-up has shown of its order, its state as detail unless given."""
    odd = tuple(dict.fromkeys((*result.odd, *status.odd)))
    return with_differences(replace(result, status=status, detail=detail or str(status.state)), status.quantity, odd)


def with_differences(result: LegResult, quantity: Decimal | None, odd: tuple[str, ...]) -> LegResult:
    """The result with what the exchange tells otherwise than the order was sent, or cannot be, in its detail too."""
    sent = result.leg.order.quantity
    taken = quantity if quantity is not None and quantity < sent else None
    result = replace(result, taken_quantity=taken, odd=odd)
    return replace(result, detail=f"{result.detail}{differences(result)}")


def differences(result: LegResult) -> str:
    """The same in words, to be put behind others: both sizes of an order that was made smaller, and odd figures."""
    words = ""
    if result.taken_quantity is not None:
        why = " (reduce-only)" if result.leg.order.market is Market.FUTURES else ""
        words += (
            f"; the exchange made it smaller{why}: {plain(result.taken_quantity)} of {plain(result.leg.order.quantity)}"
        )
    return words + (f"; unexpected in the response: {', '.join(result.odd)}" if result.odd else "")


def _found(leg: Leg, status: OrderStatus) -> LegResult:
    if status.state is OrderState.REJECTED and status.filled == 0:
        return LegResult(leg, Outcome.REJECTED, status.exchange_order_id, status, detail="the exchange rejected it")
    if unfilled(leg, status):
        return LegResult(leg, Outcome.REJECTED, status.exchange_order_id, status, detail=_unfilled_words(leg))
    return LegResult(leg, Outcome.ACCEPTED, status.exchange_order_id, status, detail=f"{status.state}")


def unfilled(leg: Leg, status: OrderStatus) -> bool:
    """Whether an order that may end at once, as an immediate or a post-only one, has ended without any fill."""
    finished = status.state in (OrderState.CANCELED, OrderState.EXPIRED, OrderState.CLOSED)
    return leg.order.ends_at_once and finished and status.filled == 0


def _unfilled_words(leg: Leg) -> str:
    if leg.order.post_only:
        return "the exchange canceled this post-only order unfilled"
    return "nothing could be filled at once"
