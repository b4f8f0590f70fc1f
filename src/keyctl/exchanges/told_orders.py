"""What an exchange tells of an order, held against the order: one judgment of echoes, sizes, states and figures.

An echo that differs makes it another order. A state and a fill that exclude each other prove nothing. A figure that
cannot be right, and leaves the outcome as it is, is told as odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from keyctl.answers import Unreadable, decimal_of, text_of
from keyctl.exchanges.encoding import plain
from keyctl.model.noun import Noun
from keyctl.model.order import Leg, Order, OrderStatus, Placed
from keyctl.model.wire import JSON
from keyctl.model.words import OrderState, OrderType, Side

_ANOTHER = "the response describes another order than the one that was sent"
# Order ids are whole numbers of up to 64 bits (Binance, OKX, Bitfinex) or UUIDs (LBank).
_PLAIN_ID = re.compile(r"(?=.*[1-9A-Za-z])(?:[0-9]{1,20}|(?![0-9]+$)[0-9A-Za-z][0-9A-Za-z-]{0,63})")
_ID_LENGTH = 64
# Averages are told rounded, or are worked out of rounded sums.
_AVERAGE_SLACK = Decimal("0.0001")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Figures(Noun):
    """An order's size and fill as its exchange counts them (contracts), with what it says of money.

    `average` is the average price, `traded` the amount of money that changed hands, `fee` what was paid: None where
    not told. `estimated`: the order was sent by an amount of money, so that its size is our own estimate.
    """

    size: Decimal
    filled: Decimal
    average: Decimal | None = None
    traded: Decimal | None = None
    fee: Decimal | None = None
    estimated: bool = False


def size_told(value: JSON, order: Order, *, may_shrink: bool) -> Decimal:
    """The size that an order has at its exchange, as that counts. Raises Unreadable for another order's.

    Where the exchange may make such an order smaller by itself, a smaller size is ours, too.
    """
    size = decimal_of(value)
    if size != order.contracts and not (may_shrink and 0 < size < order.contracts):
        raise Unreadable(_ANOTHER)
    return size


def quantity_of(contracts: Decimal, order: Order) -> Decimal:
    """A size as its exchange counts it, in the unit of `Order.quantity`."""
    if contracts == order.contracts:
        return order.quantity
    return contracts if order.inverse or order.contract_size is None else contracts * order.contract_size


def order_id_told(value: JSON) -> tuple[str, tuple[str, ...]]:
    """An order id and, where it cannot be one, what is odd about it. Raises Unreadable for none, or endless text."""
    order_id = text_of(value)
    if len(order_id) > _ID_LENGTH:
        raise Unreadable("an order id is too long")
    return order_id, () if is_plain_id(order_id) else (f"order id {order_id}",)


def is_plain_id(order_id: str) -> bool:
    """Whether an exchange could have given that order id, so that it may name the order in a cancel."""
    return _PLAIN_ID.fullmatch(order_id) is not None


def status_told(
    leg: Leg, order_id: JSON, state: OrderState, figures: Figures, fee_currency: str | None = None
) -> OrderStatus:
    """The status of the leg's order. Raises Unreadable for a state and a fill that exclude each other, or cannot be."""
    order = leg.order
    if figures.filled < 0:
        raise Unreadable("a fill that cannot be")
    _check_possible(order, state, figures)
    told_id, odd = order_id_told(order_id)
    return OrderStatus(
        exchange_order_id=told_id,
        client_order_id=leg.client_order_id,
        state=state,
        quantity=quantity_of(figures.size, order),
        filled=quantity_of(figures.filled, order),
        price=order.price,
        average_price=figures.average if figures.filled and figures.average and figures.average > 0 else None,
        fee=figures.fee,
        fee_currency=fee_currency,
        odd=(*odd, *_odd_figures(order, state, figures)),
    )


def placed_told(
    leg: Leg, order_id: JSON, size: Decimal | None = None, state: OrderState | None = None, fill: Figures | None = None
) -> Placed:
    """What the answer to a new order proves, once its echo agrees: its size as its exchange counts, its state and fill
    where they are told, too. Raises Unreadable for a state and a fill that exclude each other."""
    told_id, odd = order_id_told(order_id)
    if state is not None and fill is not None:
        _check_possible(leg.order, state, fill)
        odd += _odd_figures(leg.order, state, fill)
    return Placed(told_id, state, None if size is None else quantity_of(size, leg.order), odd)


def check_echo(
    told: dict[str, JSON],
    sent: Iterable[tuple[str, JSON]],
    *,
    numbers: tuple[str, ...] = (),
    shrinks: tuple[str, ...] = (),
) -> None:
    """Nothing when whatever of a request an answer repeats is what was sent: `numbers` as such, all else as text.

    Numbers in `shrinks` may be smaller. Raises Unreadable.
    """
    for name, value in sent:
        echoed = told.get(name)
        if echoed is None:
            continue
        if name in numbers:
            number, wanted = decimal_of(echoed), decimal_of(value)
            same = number == wanted or (name in shrinks and 0 < number < wanted)
        else:
            same = echoed is value or str(echoed) == (str(value).lower() if isinstance(value, bool) else value)
        if not same:
            raise Unreadable(f"the answer echoes another {name}")


def _check_possible(order: Order, state: OrderState, figures: Figures) -> None:
    filled = figures.filled
    if filled > figures.size and not figures.estimated:
        raise Unreadable("a fill that cannot be: more than the order")
    if state is OrderState.CLOSED and filled <= 0:
        raise Unreadable("contradicting itself: filled, with nothing filled")
    if state is OrderState.REJECTED and filled > 0:
        raise Unreadable("contradicting itself: rejected, with something filled")
    # Without a fill such an order would count as rejected, and might be sent again.
    moved = any(amount is not None and amount > 0 for amount in (figures.average, figures.traded, figures.fee))
    if order.ends_at_once and state is not OrderState.OPEN and filled <= 0 and moved:
        raise Unreadable("contradicting itself: nothing filled, with money that was traded")


def _odd_figures(order: Order, state: OrderState, figures: Figures) -> tuple[str, ...]:
    found, filled, average = [], figures.filled, figures.average
    size = "estimated from the amount to spend" if figures.estimated else "its size"
    if filled < 0:
        found.append(f"filled {plain(filled)}")
    if filled > figures.size:
        found.append(f"filled {plain(filled)}, more than the {plain(figures.size)} {size}")
    is_over = state is OrderState.CLOSED
    if not figures.estimated and filled > 0 and is_over is not (filled == figures.size):
        found.append(f"filled {plain(filled)} of {plain(figures.size)}, and the order is {state}")
    if average is not None and (average < 0 or (filled > 0 and _is_beyond(average, order))):
        found.append(f"average price {plain(average)}{_limit_words(order, average)}")
    if figures.traded is not None and figures.traded < 0:
        found.append(f"traded {plain(figures.traded)}")
    return tuple(found)


def _is_beyond(average: Decimal, order: Order) -> bool:
    """Whether an average price is worse than the order's limit, by more than rounding."""
    if order.type is not OrderType.LIMIT or order.price is None:
        return False
    slack = order.price * _AVERAGE_SLACK
    return average > order.price + slack if order.side is Side.BUY else average < order.price - slack


def _limit_words(order: Order, average: Decimal) -> str:
    return f", worse than the limit {plain(order.price)}" if average > 0 and order.price is not None else ""
