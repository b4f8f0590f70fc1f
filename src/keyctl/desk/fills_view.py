"""Trades as a table for people, records for pipes, rows for programs, and CSV. No I/O.

A part that could not be read is a row with the state "failed", a row that could not be read one with the state "odd";
neither is left out, and what is lacking makes the list incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from keyctl.clock import rfc3339
from keyctl.desk.seen_view import OK, Row, part_row, result, rows_of, shown
from keyctl.errors import ExitCode, KeyctlError
from keyctl.exchanges.encoding import plain
from keyctl.journal.rows import StoredLeg
from keyctl.model.fills import Fill
from keyctl.orders.fills import FillsRead
from keyctl.orders.holdings import Seen
from keyctl.terminal.csv_text import csv_text
from keyctl.terminal.output import Note, Result, Table, Text

FIELDS = (
    *("time", "symbol", "native_symbol", "side", "price", "quantity", "fee", "fee_currency", "liquidity", "profit"),
    *("profit_currency", "position", "trade_id", "exchange_order_id", "client_order_id", "plan"),
)
CSV_COLUMNS = ("time", "account", "exchange", "market", *FIELDS[1:], "state", "detail")
_COLUMNS = ("account", "time (UTC)", "symbol", "size", "price", "fee", "profit")
_NOT_TOLD = "unknown"

Ours = Mapping[tuple[str, Fill], StoredLeg]


def fills(
    seen: Sequence[Seen[FillsRead]], ours: Ours, since: str, people: bool, as_csv: bool, warnings: Iterable[str]
) -> Result:
    """All trades, newest first; `ours` are the journal's legs by account id and trade, `since` is when they begin.

    Exit PARTIAL where a list is not complete.
    """
    rows = rows_of(seen, lambda item: _rows(item, ours), FIELDS)
    rows.sort(key=lambda row: row["time"] or "", reverse=True)
    data = {"since": since, "accounts": [_part(item) for item in seen], "fills": rows, "complete": _complete(seen)}
    told = [*warnings, *(line for item in seen for line in _remarks(item))]
    view: list[Table | Text | Note] = []
    if as_csv:
        # What writes lines adds the last line feed.
        view.append(Text(csv_of(rows).removesuffix("\n"), exact=True))
    elif rows:
        view.append(shown(people, rows, _COLUMNS, [_cells(row) for row in rows], ("profit", "fee")))
    if not as_csv and not any(row["state"] == OK for row in rows):
        whole = all(item.trouble is None for item in seen)
        view.append(Note(f"No trades since {since}" + ("." if whole else " on the accounts that could be read.")))
    ended = result(data, seen, view, told)
    lacks = [error for item in seen for error in _errors(item)]
    if not lacks:
        return ended
    code = ExitCode.PARTIAL if ended.exit_code is ExitCode.OK else ended.exit_code
    return replace(ended, exit_code=code, errors=(*ended.errors, *lacks))


def csv_of(rows: Sequence[Row]) -> str:
    """The rows as CSV; what was not told is empty."""
    return csv_text(CSV_COLUMNS, ([row[name] or "" for name in CSV_COLUMNS] for row in rows))


def _rows(item: Seen[FillsRead], ours: Ours) -> Iterable[Row]:
    for read in item.found:
        for fill in read.fills:
            yield row_of(fill, ours.get((item.part.account.id, fill)))


def row_of(fill: Fill, leg: StoredLeg | None) -> Row:
    """One trade for programs; `plan` is None where the journal does not know its order."""
    return {
        "time": rfc3339(fill.at_ms / 1000),
        "symbol": fill.symbol,
        "native_symbol": fill.native_symbol,
        "side": str(fill.side),
        "price": plain(fill.price),
        "quantity": plain(fill.quantity),
        "fee": None if fill.fee is None else plain(fill.fee),
        "fee_currency": fill.fee_currency,
        "liquidity": None if fill.maker is None else "maker" if fill.maker else "taker",
        "profit": None if fill.profit is None else plain(fill.profit),
        "profit_currency": None if fill.profit is None else fill.profit_currency,
        "position": None if fill.position is None else str(fill.position),
        "trade_id": fill.trade_id,
        "exchange_order_id": fill.exchange_order_id,
        "client_order_id": fill.client_order_id or (leg.leg.client_order_id if leg else None),
        "plan": leg.leg.plan_id if leg else None,
    }


def _part(item: Seen[FillsRead]) -> Row:
    read = item.found[0] if item.found else FillsRead()
    return part_row(item) | {
        "fills": len(read.fills),
        "odd": len(item.odd),
        "symbols_asked": None if read.symbols is None else list(read.symbols),
        "lacks": read.lacks,
    }


def _complete(seen: Sequence[Seen[FillsRead]]) -> bool | None:
    """Whether no trade is lacking; None where nobody knows, since only known symbols could be asked for."""
    if any(item.trouble or item.odd or any(read.lacks for read in item.found) for item in seen):
        return False
    return None if any(read.symbols is not None for item in seen for read in item.found) else True


def _remarks(item: Seen[FillsRead]) -> Iterable[str]:
    place = f"{item.part.account.label} {item.part.where}"
    for read in item.found:
        if read.symbols is not None:
            title = item.part.session.exchange.profile.title
            asked = ", ".join(read.symbols) or "none"
            yield f"{place}: {title} lists trades by symbol; symbols read: {asked}; for another one, add --symbol"
        if read.others:
            many = "1 trade" if read.others == 1 else f"{read.others} trades"
            yield f"{place}: {many} of margin trading not shown"


def _errors(item: Seen[FillsRead]) -> Iterable[KeyctlError]:
    account = item.part.account
    for read in item.found:
        for word in read.lacks:
            error = KeyctlError(
                f"{account.label} {item.part.where}: incomplete: {word}",
                code="incomplete",
                exchange=account.exchange,
                account=account.label,
                market=item.part.where,
            )
            error.exit_code = ExitCode.PARTIAL
            yield error


def _cells(row: Row) -> tuple[str, ...]:
    if row["state"] != OK:
        return (row["account"], row["state"], row["symbol"] or "?", *("?",) * (len(_COLUMNS) - 3))
    moment = str(row["time"])[:16].replace("T", " ")
    fee = _money(row["fee"], row["fee_currency"])
    # Spot trades realize nothing by themselves.
    profit = _money(row["profit"], row["profit_currency"]) if row["market"] != "spot" else "n/a"
    return (row["account"], moment, row["symbol"], f"{row['side']} {row['quantity']}", row["price"], fee, profit)


def _money(amount: str | None, currency: str | None) -> str:
    return _NOT_TOLD if amount is None else f"{amount} {currency or '?'}"
