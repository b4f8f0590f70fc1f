"""Balances and positions as tables for people, records for pipes, rows for programs, with sums in USD. No I/O.

A part that could not be read is a row with the state "failed" and an error, never a zero; a sum that lacks something
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from keyctl.desk.order_view import money
from keyctl.desk.seen_view import (
    FAILED,
    NOT_READ,
    ODD,
    OK,
    Row,
    list_row,
    not_listed,
    odd_words,
    part_row,
    result,
    rows_of,
    shown,
)
from keyctl.exchanges.encoding import plain
from keyctl.model.futures import Position
from keyctl.model.venue import Balances
from keyctl.orders.holdings import Part, Prices, Seen, Sizes
from keyctl.terminal.output import Note, Result, Table

T = TypeVar("T")
# What was read twice: label and wallet or market, with the label that it was read by first.
Again = dict[tuple[str, str], str]
_BALANCE = ("currency", "free", "total", "price_usd", "usd")
_POSITION = (
    *("symbol", "native_symbol", "side", "contracts", "size", "size_currency", "hedge", "margin", "leverage"),
    *("entry_price", "mark_price", "liquidation_price", "unrealized", "currency", "unrealized_usd", "notional_usd"),
)


def balances(
    seen: Sequence[Seen[Balances]], left: Sequence[Part], prices: Prices, people: bool, warnings: Iterable[str]
) -> Result:
    """All balances and their sum in USD, and the wallets that are `left` unread; `warnings` are told besides."""
    rows = rows_of(seen, lambda item: _holdings(item, prices), _BALANCE)
    uids = {item.part.account.label: uid for item in seen if (uid := _uid(item)) is not None}
    again = _read_by_two_keys((item, uids.get(item.part.account.label)) for item in seen)
    total, lacking = _sum(rows, "usd", again)
    sums = [part_row(item) | {"usd": _part_sum(rows, item)} for item in seen]
    cells = [(row["account"], row["wallet"], *_cells(row, ("currency", "free", "total", "usd"))) for row in rows]
    columns = ("account", "wallet", "currency", "free", "total", "USD")
    view: list[Table | Note] = [shown(people, rows if people else [*rows, *map(_unread_row, left)], columns, cells)]
    if people and len(seen) > 1:
        # Wallets that back no orders are shown where there is something in them.
        told = [row for row in sums if row["market"] is not None or row["usd"] != "0.00"]
        sum_cells = [(row["account"], row["wallet"], _money(row["usd"], row)) for row in told]
        view.append(Table(("account", "wallet", "USD"), sum_cells))
    if _any_read(seen):
        view.append(Note(f"Total {money(total)} USD{_but(seen, 'wallets', lacking, left)}"))
    view += _left_words(left)
    data = {
        "accounts": sums,
        "balances": rows,
        "not_read": [
            {"account": part.account.label, "exchange": part.account.exchange, "wallet": part.name, "why": part.unread}
            for part in left
        ],
        "total_usd": f"{total:.2f}" if _any_read(seen) else None,
        "complete": not _but(seen, "wallets", lacking, left),
    }
    return result(data, seen, view, (*warnings, *_told(again, lacking, "without a price in USD")))


def positions(
    seen: Sequence[Seen[Position]], prices: Prices, sizes: Sizes, people: bool, warnings: Iterable[str]
) -> Result:
    """All open positions, the sums of their sizes and of their unrealized profit in USD."""
    rows = rows_of(seen, lambda item: (_position(item, position, prices, sizes) for position in item.found), _POSITION)
    again = _read_by_two_keys((item, item.part.account.uid) for item in seen)
    size, lacking = _sum(rows, "notional_usd", again)
    profit, unknown = _sum(rows, "unrealized_usd", again)
    columns = ("account", "symbol", "size", "leverage", "entry", "mark", "liquidation", "open profit", "USD")
    view: list[Table | Note] = []
    if rows:
        view.append(shown(people, rows, columns, [_position_cells(row) for row in rows], ("mark", "entry", "leverage")))
    else:
        view.append(Note("No open positions."))  # with a failed part there is a row for it
    if rows and all(row["state"] == FAILED for row in rows) and any(item.trouble is None for item in seen):
        view.append(Note("No open positions on the accounts that could be read."))
    view += odd_words(seen, "position")
    if any(row["state"] == OK for row in rows):
        view.append(Note(f"Total size {money(size)} USD{_but(seen, 'accounts', lacking)}"))
        view.append(Note(f"Total open profit {money(profit)} USD{_but(seen, 'accounts', unknown)}"))
    view += not_listed(seen, lambda item: "positions")
    data = {
        "accounts": [list_row(item, "positions") for item in seen],
        "positions": rows,
        "notional_usd": f"{size:.2f}" if _any_read(seen) else None,
        "unrealized_usd": f"{profit:.2f}" if _any_read(seen) else None,
        "complete": not _but(seen, "accounts", {**lacking, **unknown}),
    }
    told = (*_told(again, lacking, "without a size in USD"), *_told({}, unknown, "without a profit in USD"))
    return result(data, seen, view, (*warnings, *told))


# Balances.


def _holdings(item: Seen[Balances], prices: Prices) -> Iterable[Row]:
    for wallet in item.found:
        for currency in sorted({*wallet.free, *wallet.total}):
            free, total = wallet.free.get(currency), wallet.total.get(currency)
            if not free and not total:
                continue
            price = prices.of(item.part.account, currency)
            yield {
                "currency": currency,
                "free": _text(free),
                "total": _text(total),
                "price_usd": _text(price),
                "usd": None if price is None or total is None else f"{total * price:.2f}",
            }


def _uid(item: Seen[Balances]) -> str | None:
    return (item.found[0].uid if item.found else None) or item.part.account.uid


def _part_sum(rows: Sequence[Row], item: Seen[Balances]) -> str | None:
    if item.trouble is not None:
        return None
    mine = [row for row in rows if (row["account"], row["wallet"]) == (item.part.account.label, item.part.name)]
    return f"{sum((Decimal(row['usd']) for row in mine if row['usd']), Decimal(0)):.2f}"


def _unread_row(part: Part) -> Row:
    account = part.account
    named = {"account": account.label, "exchange": account.exchange, "market": part.where or None, "wallet": part.name}
    return named | dict.fromkeys(_BALANCE) | {"state": NOT_READ, "detail": part.unread}


def _left_words(left: Sequence[Part]) -> list[Note]:
    """The wallets that are not in the sum, one line for those of one account and one reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for part in left:
        found.setdefault((part.account.label, part.unread), []).append(part.name)
    return [Note(f"Not read: {label}: {', '.join(names)} ({why})") for (label, why), names in found.items()]


# Positions.


def _position(item: Seen[Position], position: Position, prices: Prices, sizes: Sizes) -> Row:
    unit = None if position.currency is None else prices.of(item.part.account, position.currency)
    profit = None if position.unrealized is None or unit is None else position.unrealized * unit
    size = sizes.of(item.part.session, position)
    return {
        "symbol": position.symbol,
        "native_symbol": position.native_symbol,
        "side": str(position.side),
        "contracts": plain(position.contracts),
        "size": None if size is None else plain(size[0]),
        "size_currency": None if size is None else size[1],
        "hedge": position.hedge,
        "margin": None if position.margin is None else str(position.margin),
        "leverage": _text(position.leverage),
        "entry_price": _text(position.entry_price),
        "mark_price": _text(position.mark_price),
        "liquidation_price": _text(position.liquidation_price),
        "unrealized": _text(position.unrealized),
        "currency": position.currency,
        "unrealized_usd": None if profit is None else f"{profit:.2f}",
        "notional_usd": None if position.notional_usd is None else f"{position.notional_usd:.2f}",
    }


def _position_cells(row: Row) -> tuple[str, ...]:
    if row["state"] in (FAILED, ODD):
        named = f"{row['native_symbol'] or '?'} {ODD}" if row["state"] == ODD else FAILED
        return (row["account"], named, *"???????")
    held = f"{row['contracts']} contracts" if row["size"] is None else f"{row['size']} {row['size_currency']}"
    leverage = f"{row['leverage'] or '?'}x {row['margin'] or ''}".rstrip()
    return (
        row["account"],
        row["symbol"],
        f"{row['side']} {held}",
        leverage,
        row["entry_price"] or "?",
        row["mark_price"] or "?",
        row["liquidation_price"] or "?",
        "?" if row["unrealized"] is None else f"{row['unrealized']} {row['currency'] or '?'}",
        _money(row["notional_usd"], row),
    )


# Sums.


def _sum(rows: Sequence[Row], name: str, again: Again) -> tuple[Decimal, dict[str, list[str]]]:
    """The sum of a field, each exchange account counted once, and by account what has no value in it."""
    total, lacking = Decimal(0), dict[str, list[str]]()
    for row in rows:
        if row["state"] == FAILED or (row["account"], row.get("wallet", row["market"])) in again:
            continue
        if row[name] is None:
            what = row.get("symbol") or row.get("native_symbol") or row.get("currency") or "?"
            lacking.setdefault(row["account"], []).append(f"{what} (odd)" if row["state"] == ODD else what)
        else:
            total += Decimal(row[name])
    return total, lacking


def _read_by_two_keys(told: Iterable[tuple[Seen[T], str | None]]) -> Again:
    """What was read by a second key of an exchange account as well, by the ids that the exchange told: each wallet
    counts by the first key that could read it."""
    first: dict[tuple[str, str, str], str] = {}
    again: Again = {}
    for item, uid in told:
        if uid is not None and item.trouble is None:
            label = item.part.account.label
            other = first.setdefault((item.part.account.exchange, uid, item.part.name), label)
            if other != label:
                again[label, item.part.name] = other
    return again


def _any_read(seen: Sequence[Seen[T]]) -> bool:
    """Whether there is a sum at all: of nothing that was read it would be a zero that nobody has seen."""
    return any(item.trouble is None for item in seen)


def _told(again: Again, lacking: dict[str, list[str]], why: str) -> list[str]:
    keys = dict.fromkeys((other, label) for (label, _), other in again.items())
    words = [f"{other} and {label} are two keys of one account, counted once" for other, label in keys]
    return [
        *words,
        *(f"{label}: {why}, not counted: {', '.join(dict.fromkeys(names))}" for label, names in lacking.items()),
    ]


def _but(seen: Sequence[Seen[T]], parts: str, lacking: dict[str, list[str]], left: Sequence[Part] = ()) -> str:
    """What a sum lacks, in words; empty when it is complete."""
    failed = sum(item.trouble is not None for item in seen)
    words = [f"{failed} of {len(seen)} {parts} (could not be read)"] if failed else []
    count = sum(map(len, lacking.values()))
    words += [f"{count} {'entry' if count == 1 else 'entries'} without a USD value"] if count else []
    words += [f"{len(left)} wallet{'s' * (len(left) > 1)} left out (below)"] if left else []
    return f", without {' and '.join(words)}" if words else ""


def _cells(row: Row, names: tuple[str, ...]) -> list[str]:
    if row["state"] == FAILED:
        return [FAILED, *("?" for _ in names[1:])]
    return [_money(row[name], row) if name == "usd" else row[name] or "?" for name in names]


def _money(text: str | None, row: Row) -> str:
    if row["state"] == FAILED:
        return FAILED
    return "?" if text is None else money(Decimal(text))


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
