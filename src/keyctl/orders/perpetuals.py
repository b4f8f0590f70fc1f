"""What an order on a perpetual needs beside size and price: its position, margin mode, leverage, and what must be set.

Pure: the state was read in pre-flight, and whatever must change is sent by `leverage`, never here.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import UsageProblem
from keyctl.exchanges.encoding import plain
from keyctl.model.futures import FuturesState, Setup
from keyctl.model.size import is_dated
from keyctl.model.words import MarginMode, PositionSide
from keyctl.orders.checks import StandsInTheWay, refusal
from keyctl.orders.wish import Terms

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.home.config import Limits
    from keyctl.model.account import Account
    from keyctl.model.futures import Position
    from keyctl.model.order import Order
    from keyctl.model.venue import Instrument
    from keyctl.model.wire import Request
    from keyctl.orders.wish import Wish

_OWN_PAGES = "check it on the exchange's own pages"


def terms_of(
    account: Account, exchange: Exchange, wish: Wish, instrument: Instrument, state: FuturesState, limits: Limits
) -> Terms:
    """The order's terms on this account.

    Raises StandsInTheWay where a mode, or a position that would be touched, stops this leg alone, and CheckFailed for
    a leverage over the cap.
    """
    closing = wish.reduces
    side = wish.side.closes if closing else (wish.position or wish.side.opens)
    position = wish.position
    if state.hedge and position is None:
        if not closing:
            raise _in_the_way(
                account,
                "the account is in hedge mode, where an order belongs to a long or a short position",
                f"add --position {side} (to open) or --position {wish.side.closes} (to close)",
            )
        position = side
    held = _held(state, side, wish.margin)
    if closing:
        if held is None and state.odd:
            terms = Terms(side, position, state.hedge, True, None, None, None)
            return _closing_unread(account, exchange, wish, instrument, state, terms)
        if held is None or (state.margin is None and wish.margin not in (None, held.margin)):
            text = f"there is no {side} position in {instrument.symbol} to reduce"
            raise _in_the_way(account, text, f"check what is open: keyctl positions {account.label}")
        margin = wish.margin or held.margin or state.margin
        in_order = _leverage_in_order(exchange, instrument)
        leverage = held.leverage or Decimal(1) if in_order else state.leverage(side)
        return Terms(side, position, state.hedge, True, leverage, margin, None, held=held.contracts)
    if state.odd and not state.hedge and wish.position is not None and held is None:
        # It may be one of the other side, which this order would then reduce.
        raise _in_the_way(account, f"its position in {instrument.symbol} cannot be read", _OWN_PAGES)
    if not state.hedge and wish.position is not None and any(item.side is not side for item in state.positions):
        other = next(item for item in state.positions if item.side is not side)
        raise _in_the_way(
            account,
            f"the account can hold one position per symbol, now a {other.side}: a {wish.side} would reduce it",
            "to reduce it, add --reduce-only",
            f"to close it first: keyctl close {instrument.symbol} -a {account.label}",
        )
    return _opening(account, exchange, wish, instrument, state, limits, side, position, held)


def _closing_unread(
    account: Account, exchange: Exchange, wish: Wish, instrument: Instrument, state: FuturesState, terms: Terms
) -> Terms:
    """The terms of an order that reduces a position which cannot be read: its exchange holds it to that. Raises
    StandsInTheWay where something about the position is needed."""
    unread = f"its position in {instrument.symbol} cannot be read"
    margin = wish.margin or state.margin
    if wish.for_position:
        raise _in_the_way(account, unread, _OWN_PAGES)
    if margin is None:
        raise _in_the_way(account, unread, "give the margin mode: --margin cross or --margin isolated")
    leverage = None if _leverage_in_order(exchange, instrument) else state.leverage(terms.side)
    return replace(terms, leverage=leverage, margin=margin)


def _held(state: FuturesState, side: PositionSide, margin: MarginMode | None) -> Position | None:
    """The position of that side; of two, where each order chooses its margin mode, that of the wanted mode."""
    found = [item for item in state.positions if item.side is side]
    return next((item for item in found if item.margin is margin), found[0] if found else None)


def check_held(account: Account, terms: Terms, order: Order) -> None:
    """Raises StandsInTheWay for an order that would close more than the account holds.

    OKX refuses such an order whole [official]; elsewhere it would be cut without a word.
    """
    if terms.held is not None and order.contracts > terms.held:
        raise _in_the_way(
            account,
            f"the order closes {plain(order.contracts)} contracts; the {terms.side} position has {plain(terms.held)}",
            f"to close all of it: keyctl close {order.symbol} -a {account.label} --position {terms.side}",
        )


def _opening(  # noqa: PLR0913 - the part of terms_of for orders that open
    account: Account,
    exchange: Exchange,
    wish: Wish,
    instrument: Instrument,
    state: FuturesState,
    limits: Limits,
    side: PositionSide,
    position: PositionSide | None,
    held: Position | None,
) -> Terms:
    if is_dated(instrument.symbol):
        # At OKX the leverage of a dated contract is that of all contracts on its index [official].
        raise refusal(
            account,
            f"{instrument.symbol} has an expiry date, and keyctl only closes positions in such contracts",
            "not_offered",
            market="futures",
        )
    in_order = _leverage_in_order(exchange, instrument)
    has = (held.leverage if held else None) if in_order else state.leverage(side)
    leverage = wish.leverage or has or (Decimal(1) if in_order else None)
    margin = wish.margin or state.margin or (held.margin if held else None)
    if margin is None and exchange.market_of(instrument.symbol).margin_known:
        margin = MarginMode.CROSS
    if state.leverage_margin not in (None, margin):
        raise _in_the_way(
            account,
            f"the order would use {margin} margin, but {instrument.symbol} uses {state.leverage_margin} margin",
            "choose one: --margin cross or --margin isolated",
        )
    if leverage is None:
        raise _in_the_way(account, "the account's leverage cannot be read", "to set it, add --leverage N")
    if wish.margin is not None and not exchange.market_of(instrument.symbol).margin_known:
        raise _in_the_way(account, f"{exchange.profile.title} does not report the margin mode", "remove --margin")
    soft = _check_leverage(account, wish, instrument, leverage, limits)
    differs = []
    if has is not None and has != leverage:
        differs.append(f"leverage from {plain(has)}x to {plain(leverage)}x")
    if state.margin is not None and state.margin is not margin:
        differs.append(f"margin mode from {state.margin} to {margin}")
    if held is not None and held.margin is not None and state.margin is None and held.margin is not margin:
        differs.append(f"margin mode from {held.margin} to {margin}")
    if differs and not state.is_empty and not wish.change_existing:
        known = f"{held.side} position" if held else "position" if state.positions else "open orders"
        what = f"your {known}" if state.positions or state.open_orders else "a position or order that cannot be read"
        raise _in_the_way(
            account,
            f"changing {' and '.join(differs)} would affect {what} in {instrument.symbol}",
            "to change it anyway, add --change-existing",
            "to keep the exchange's values, remove --leverage and --margin",
        )
    setup = Setup(side, leverage, margin)
    if state.margin is not None and state.margin is not margin and not _can_set(exchange, instrument, state, setup):
        raise _in_the_way(account, f"{exchange.profile.title} supports only {state.margin} margin there")
    try:
        _settings(exchange, instrument, state, setup)
    except UsageProblem as problem:
        raise refusal(account, problem.message, "bad_leverage", market="futures") from None
    return Terms(side, position, state.hedge, False, leverage, margin, setup, soft)


def _can_set(exchange: Exchange, instrument: Instrument, state: FuturesState, setup: Setup) -> bool:
    return bool(_settings(exchange, instrument, state, Setup(setup.side, None, setup.margin)))


def _settings(exchange: Exchange, instrument: Instrument, state: FuturesState, setup: Setup) -> tuple[Request, ...]:
    """The writes that bring the state to what is wanted. Raises UsageProblem for a leverage that cannot be."""
    settings = exchange.market_of(instrument.symbol).settings
    return () if settings is None else settings.requests(instrument, state, setup)


def _leverage_in_order(exchange: Exchange, instrument: Instrument) -> bool:
    """Whether leverage is a field of each order, and no setting of account and symbol."""
    return exchange.market_of(instrument.symbol).settings is None


def _check_leverage(
    account: Account, wish: Wish, instrument: Instrument, leverage: Decimal, limits: Limits
) -> tuple[str, ...]:
    told = "" if wish.leverage else f" (set at {account.exchange} for {instrument.symbol})"
    if leverage > limits.leverage_hard:
        raise refusal(
            account,
            f"leverage {plain(leverage)}x{told} is above the cap of {limits.leverage_hard}x",
            "over_leverage_limit",
            f"use --leverage {limits.leverage_hard}, or raise leverage_hard: keyctl config edit",
            market="futures",
        )
    if instrument.leverage_max is not None and leverage > instrument.leverage_max:
        raise refusal(
            account,
            f"leverage {plain(leverage)}x is above {account.exchange}'s maximum of {plain(instrument.leverage_max)}x "
            f"for {instrument.symbol}",
            "over_leverage_limit",
            f"use --leverage {plain(instrument.leverage_max)}",
            market="futures",
        )
    return (f"leverage {plain(leverage)}x",) if leverage > limits.leverage_soft else ()


def confirmed(exchange: Exchange, instrument: Instrument, state: FuturesState, terms: Terms) -> str:
    """Empty when the state is as the terms want it, else what is different."""
    setup = terms.setup
    if state.hedge is not terms.hedge:
        return f"the position mode is {'hedge' if state.hedge else 'one-way'} now"
    if setup is None:
        return ""
    has = state.leverage(setup.side)
    if not _leverage_in_order(exchange, instrument) and has != setup.leverage:
        return f"leverage is {'unknown' if has is None else f'{plain(has)}x'}, wanted {setup.leverage}x"
    if state.margin is not None and state.margin is not setup.margin:
        return f"margin mode is {state.margin}, wanted {setup.margin}"
    return ""


def _in_the_way(account: Account, text: str, *hints: str) -> StandsInTheWay:
    return StandsInTheWay(
        f"{account.label}: {text}", *hints, account=account.label, exchange=account.exchange, market="futures"
    )
