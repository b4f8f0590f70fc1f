"""What the lists of balances, positions and open orders share: rows, their states, errors, and what they do not show.

A part that could not be read is a row with the state "failed" and an error, never a zero. A row that could not be read
is one with the state "odd", and an error with their number. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from keyctl.clock import rfc3339
from keyctl.errors import ExchangeRefused, ExitCode, KeyctlError, worst
from keyctl.orders.holdings import Seen
from keyctl.terminal.output import Note, Result, Table, Text

T = TypeVar("T")
Row = dict[str, Any]
FAILED, ODD, OK, NOT_READ = "failed", "odd", "ok", "not_read"
# So many odd rows of an account are named in its error.
NAMED_MAX = 3


def part_row(item: Seen[T]) -> Row:
    """What is told of every part: account, exchange, market, whether it was read, why not, and when."""
    account, trouble = item.part.account, item.trouble
    return {
        "account": account.label,
        "exchange": account.exchange,
        "market": item.part.where or None,
        **({} if item.part.wallet is None else {"wallet": item.part.wallet.name}),
        "state": OK if trouble is None else FAILED,
        "detail": "" if trouble is None else trouble.message,
        "read_at": rfc3339(item.at),
    }


def list_row(item: Seen[T], what: str) -> Row:
    """part_row of a list of "positions", or of the open orders of a market, with the number of rows that could not be
    read and the kinds that are not in it."""
    return part_row(item) | {"odd": len(item.odd), "not_read": list(_unlisted(item, what))}


def rows_of(seen: Sequence[Seen[T]], expand: Callable[[Seen[T]], Iterable[Row]], fields: tuple[str, ...]) -> list[Row]:
    """The rows of every part that was read, its odd ones last, and one with empty fields for each that was not."""
    rows: list[Row] = []
    for item in seen:
        more = expand(item) if item.trouble is None else [dict.fromkeys(fields)]
        rows += [part_row(item) | row for row in more]
        for odd in item.odd:
            named = {"symbol": odd.symbol, "native_symbol": odd.native_symbol}
            named |= {"exchange_order_id": odd.exchange_order_id} if "exchange_order_id" in fields else {}
            rows.append(part_row(item) | dict.fromkeys(fields) | named | {"state": ODD, "detail": odd.why})
    return rows


def odd_words(seen: Sequence[Seen[T]], what: str) -> list[Note]:
    """How many rows could not be read, each of which may be one of those."""
    count = sum(len(item.odd) for item in seen)
    if not count:
        return []
    rows = "1 row" if count == 1 else f"{count} rows"
    return [Note(f"{rows} cannot be read and may be {'an' if what[0] in 'aeiou' else 'a'} {what}")]


def not_listed(seen: Sequence[Seen[T]], what: Callable[[Seen[T]], str]) -> list[Note]:
    """What the accounts may have that is not in the lists, one line for those of which the same is so."""
    accounts: dict[tuple[str, ...], list[str]] = {}
    for item in seen:
        kinds = _unlisted(item, what(item))
        if kinds:
            accounts.setdefault(kinds, []).append(f"{item.part.account.label} {item.part.where}")
    return [Note(f"Not read here: {', '.join(kinds)} ({', '.join(names)})") for kinds, names in accounts.items()]


def _unlisted(item: Seen[T], what: str) -> tuple[str, ...]:
    return () if item.trouble is not None else item.part.session.exchange.profile.unlisted.get(what, ())


def shown(
    people: bool,
    rows: Sequence[Row],
    columns: tuple[str, ...],
    cells: Sequence[tuple[str, ...]],
    droppable: tuple[str, ...] = (),
) -> Table:
    """The cells for people; for pipes every field of the rows, the state and its reason last."""
    if people:
        return Table(columns, cells, droppable=droppable)
    last = ("state", "detail")
    names = [name for name in (rows[0] if rows else {}) if name not in (*last, "read_at")]
    names = [*names, *last]
    return Table(tuple(names), [tuple(_field(row[name]) for name in names) for row in rows])


def _field(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def result(data: Row, seen: Sequence[Seen[T]], view: Sequence[Table | Text | Note], warnings: Iterable[str]) -> Result:
    """The Result: exit OK when every part was read, PARTIAL when some were or a row was odd, else what stood in the
    way."""
    troubles = [item.trouble for item in seen if item.trouble is not None]
    code = ExitCode.PARTIAL if any(item.odd for item in seen) else ExitCode.OK
    if troubles:
        code = worst(troubles) if len(troubles) == len(seen) else ExitCode.PARTIAL
    return Result(data, tuple(view), code, tuple(unread(seen)), tuple(dict.fromkeys(warnings)))


def unread(seen: Sequence[Seen[T]]) -> list[KeyctlError]:
    """Why parts or some of their rows could not be read, with what to do about it."""
    return [
        *(_error(items) for items in _alike(seen)),
        *(_odd_error(item) for item in seen if item.odd),
    ]


def _odd_error(item: Seen[T]) -> KeyctlError:
    account, where, count = item.part.account, item.part.where, len(item.odd)
    told = "; ".join(f"{odd.native_symbol or 'a row'}: {odd.why}" for odd in item.odd[:NAMED_MAX])
    error = KeyctlError(
        f"{account.label} {where}: {count} {'row' if count == 1 else 'rows'} cannot be read: {told}",
        "check it on the exchange's own pages",
        code="odd_rows",
        exchange=account.exchange,
        account=account.label,
        market=None if where == "both" else where,
    )
    error.exit_code = ExitCode.PARTIAL
    return error


def _alike(seen: Sequence[Seen[T]]) -> list[list[Seen[T]]]:
    """The parts that could not be read, those of one account together where the reason is the same."""
    found: dict[tuple[str, str, str], list[Seen[T]]] = {}
    for item in seen:
        if item.trouble is not None:
            found.setdefault((item.part.account.label, item.trouble.code, item.trouble.message), []).append(item)
    return list(found.values())


def _error(items: Sequence[Seen[T]]) -> KeyctlError:
    account, trouble = items[0].part.account, items[0].trouble
    assert trouble is not None
    markets = {item.part.market for item in items} - {None}
    market = markets.pop() if len(markets) == 1 else None
    names = ", ".join(item.part.name for item in items)
    hints = list(trouble.hints)
    if isinstance(trouble, ExchangeRefused):
        option = f" --market {market}" if market else ""
        hints = [
            f"find the cause: keyctl diagnose {account.exchange} {trouble.error.code}{option}",
            f"check the key: keyctl verify {account.label}",
        ]
    error = KeyctlError(
        f"{account.label} {names}: not read: {trouble.message.removeprefix(f'{account.label}: ')}",
        *(hints or [f"check the key: keyctl verify {account.label}"]),
        code=trouble.code,
        exchange=account.exchange,
        account=account.label,
        market=market,
        exchange_code=trouble.exchange_code,
    )
    error.exit_code, error.repeatable = trouble.exit_code, trouble.repeatable
    return error
