"""The control path's view of perpetuals: what users hold and have set, and how a test or demo changes it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keyctl.model.words import MarginMode, PositionSide
from keyctl.twin.book import VenueOrder
from keyctl.twin.call import digits
from keyctl.twin.perpetual import TwinPosition

if TYPE_CHECKING:
    from keyctl.twin.venue import Venue

_KNOWN = ("symbol", "uid", "mark", "trigger", "hedge", "margin_mode", "leverage", "margin", "side", "wallet")


def futures_data(venue: Venue) -> dict[str, Any]:
    """{"marks": {symbol: text}, "users": {uid: {"hedge", "margin_modes", "leverages", "wallets", "positions"}}}.

    A leverage is given as [symbol, margin mode or null, side or null, text]; sizes are in contracts.
    """
    book = venue.derivatives
    uids = sorted({key.uid for key in venue.keys.values()})
    return {
        "marks": {symbol: digits(price) for symbol, price in book.marks.items()},
        "users": {uid: _user_data(venue, uid) for uid in uids} if book.instruments else {},
    }


def _user_data(venue: Venue, uid: str) -> dict[str, Any]:
    book, held = venue.derivatives, venue.derivatives.settings()
    names = {native: item.symbol for native, item in book.instruments.items()}
    return {
        "hedge": book.hedge(uid),
        "margin_modes": {names[native]: mode.value for (user, native), mode in held.margin.items() if user == uid},
        "leverages": [
            [names[native], mode and mode.value, side and side.value, digits(leverage)]
            for (user, native, mode, side), leverage in held.leverage.items()
            if user == uid
        ],
        "wallets": {
            currency: {"free": digits(wallet.free), "locked": digits(wallet.locked)}
            for currency, wallet in book.wallets(uid).items()
        },
        "positions": [_position_data(venue, position) for position in book.positions(uid)],
    }


def _position_data(venue: Venue, position: TwinPosition) -> dict[str, Any]:
    book = venue.derivatives
    return {
        "symbol": position.instrument.symbol,
        "side": position.side.value,
        "hedge": position.hedge,
        "contracts": digits(position.contracts),
        "entry_price": digits(position.entry_price),
        "margin": position.margin.value,
        "leverage": digits(book.leverage_of(position)),
        "locked": digits(position.locked),
        "unrealized": digits(book.unrealized_of(position)),
    }


def perpetual_order_data(order: VenueOrder) -> dict[str, Any]:
    """What the orders' list says further of an order on a perpetual."""
    return {
        "position": order.position and order.position.value,
        "reduce_only": order.reduce_only,
        "margin": order.margin and order.margin.value,
        "leverage": None if order.leverage is None else digits(order.leverage),
    }


def change_futures(venue: Venue, asked: dict[str, Any]) -> None:
    """Carries out what is asked. Raises ValueError, KeyError, and Refused where the venue refuses it."""
    book, unknown = venue.derivatives, set(asked) - set(_KNOWN)
    if unknown:
        raise ValueError("unknown settings: " + ", ".join(sorted(unknown)))
    item = book.instrument(asked["symbol"]) if "symbol" in asked else None
    if "symbol" in asked and item is None:
        raise ValueError("unknown symbol")
    for_symbol = {"mark", "trigger", "margin_mode", "leverage"} & set(asked)
    if for_symbol and item is None:
        raise ValueError("symbol is needed for: " + ", ".join(sorted(for_symbol)))
    if item is not None and "mark" in asked:
        book.set_mark(item.symbol, Decimal(asked["mark"]))
    if item is not None and "trigger" in asked:
        book.trigger(item.symbol, Decimal(asked["trigger"]))
    if "hedge" in asked:
        if not isinstance(asked["hedge"], bool):
            raise ValueError("hedge is true or false")
        book.set_hedge(asked["uid"], asked["hedge"])
    if item is not None and "margin_mode" in asked:
        book.set_margin_mode(asked["uid"], item.native_symbol, MarginMode(asked["margin_mode"]))
    if item is not None and "leverage" in asked:
        margin = MarginMode(asked["margin"]) if asked.get("margin") else None
        side = PositionSide(asked["side"]) if asked.get("side") else None
        book.set_leverage(asked["uid"], item.native_symbol, Decimal(asked["leverage"]), margin, side)
    for currency, free in asked.get("wallet", {}).items():
        book.wallet(asked["uid"], currency).free = Decimal(free)
