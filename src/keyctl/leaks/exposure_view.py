"""What `keyctl exposure` shows: each key, the worst first, in words and USD, with the one change that helps most."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from keyctl.desk.order_view import money
from keyctl.errors import ExitCode, KeyctlError
from keyctl.leaks.exposure import ZERO, Exposure
from keyctl.model.words import Market
from keyctl.terminal.output import Note, Result, Table

COLUMNS = ("account", "USD at risk", "from anywhere", "IP whitelist", "age", "change that helps most")
RECORD = ("account", "exchange", "lost_usd", "lost_anywhere_usd", "withdrawn_usd", "positions_usd", "can", "change")
NOTHING = "none: keep only the funds it needs there"
SAFE = "none: it cannot move funds"


def report(found: Sequence[Exposure], troubles: Sequence[KeyctlError], *, people: bool) -> Result:
    """The whole result; exit PARTIAL where an account's wallets could not be read."""
    rows = [data_of(item) for item in found]
    if people:
        notes = tuple(f"{row['account']}: {words_of(item)}" for row, item in zip(rows, found, strict=True))
        table = Table(COLUMNS, [cells_of(item) for item in found], notes)
    else:
        table = Table(RECORD, [tuple(_record(name, row[name]) for name in RECORD) for row in rows])
    code = ExitCode.PARTIAL if troubles else ExitCode.OK
    view = (table,) if rows else (Note("no account is stored"),)
    return Result({"exposures": rows}, view, code, tuple(troubles))


def data_of(item: Exposure) -> dict[str, Any]:
    """One key for programs; a sum that is not known is None."""
    facts, sums = item.facts, item.sums
    return {
        "account": facts.label,
        "exchange": facts.exchange,
        "lost_usd": _usd(sums.lost),
        "lost_anywhere_usd": _usd(sums.lost_anywhere),
        "withdrawn_usd": _usd(sums.withdrawn),
        "withdrawn_anywhere_usd": _usd(sums.withdrawn_anywhere),
        "positions_usd": _usd(sums.positions),
        "known_usd": _usd(sums.known),
        "leverage_max": None if facts.leverage_max is None else format(facts.leverage_max, "f"),
        "ip_list": {str(market): facts.listed.get(market) for market in Market},
        "rights": {
            "withdraw": facts.withdraw,
            "transfer": facts.transfer,
            **{f"{market}_trade": facts.trade.get(market) for market in Market},
        },
        "age_days": facts.age_days,
        "age_known": facts.age_known,
        "place": facts.place.name.lower(),
        "leaked": facts.leaked,
        "can": can(item),
        "change": None if item.change is None else item.change.name,
        "change_words": change_words(item),
        "command": None if item.change is None else item.change.command,
    }


def cells_of(item: Exposure) -> tuple[str, ...]:
    """One key's row for people."""
    facts, sums = item.facts, item.sums
    least = f"unknown, at least {money(sums.known)}" if sums.lost is None and sums.known else usd(sums.lost)
    return (facts.label, least, usd(sums.lost_anywhere), list_word(item), age_words(item), change_words(item))


def words_of(item: Exposure) -> str:
    """One key in sentences."""
    leaked = "It has leaked. " if item.facts.leaked else ""
    sentences = f"{leaked}A thief could {'; '.join(can(item))}. The secret is {item.facts.place.words}."
    change = item.change
    return sentences if change is None else f"{sentences} To {change.words}: {change.command}"


def can(item: Exposure) -> list[str]:
    """What a thief could do, the worst first."""
    facts, sums, found = item.facts, item.sums, list[str]()
    least = f" (at least {money(sums.known)})" if sums.known else ""
    if sums.withdrawn != ZERO:
        words = f"withdraw {usd(sums.withdrawn)} USD{'' if sums.withdrawn is not None else least}"
        found.append(f"{words}{_from(sums.withdrawn_anywhere, sums.withdrawn)}{_if(facts.withdraw)}")
    if sums.lost != ZERO and any(facts.trade.get(market) is not False for market in Market):
        sure = True in [facts.trade.get(market) for market in Market]
        words = f"trade away {usd(sums.lost)} USD{'' if sums.lost is not None else least}"
        found.append(f"{words}{_from(sums.lost_anywhere, sums.lost)}{_if(sure)}")
    if sums.positions != ZERO:
        size = "of unknown size" if sums.positions is None else f"of up to {usd(sums.positions)} USD"
        times = "" if facts.leverage_max is None else f" with {facts.leverage_max.normalize():f}x leverage"
        found.append(f"open positions {size}{times}{_if(facts.trade.get(Market.FUTURES))}")
    return found or ["see balances and orders, but move nothing"]


def change_words(item: Exposure) -> str:
    """The one change that helps most, in words."""
    if item.change is not None:
        return item.change.words
    return SAFE if item.sums.lost == ZERO else NOTHING


def list_word(item: Exposure) -> str:
    """Whether an IP whitelist holds the key, over the account's markets."""
    told = {item.facts.listed.get(market) for market in item.facts.markets}
    return "missing" if False in told else "unknown" if None in told else "ok"


def age_words(item: Exposure) -> str:
    """How old the key is."""
    days = item.facts.age_days
    if days is None:
        return "unknown"
    words = "1 day" if days == 1 else f"{days} days"
    return words if item.facts.age_known else f"{words} or more"


def usd(value: Decimal | None) -> str:
    """A sum for people; what is not known is never 0."""
    return "unknown" if value is None else money(value)


def _from(anywhere: Decimal | None, whole: Decimal | None) -> str:
    if anywhere == ZERO:
        return " from its IP whitelist only"
    return " from anywhere" if anywhere == whole else f", {usd(anywhere)} of it from anywhere"


def _if(right: bool | None) -> str:
    return "" if right else " (permission unknown)"


def _usd(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _record(name: str, value: object) -> str:
    if value is None:
        return "none" if name == "change" else "unknown"
    return "; ".join(value) if isinstance(value, list) else str(value)
