"""The course of `funding report`: interest, how much of the money works, at which rate and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keyctl.desk.fills import read_since
from keyctl.errors import ExchangeRefused
from keyctl.exchanges.catalogue import lacks_permission
from keyctl.exchanges.encoding import plain
from keyctl.funding import view
from keyctl.funding.opening import account_for, lender
from keyctl.funding.reads import Held, available_to, interest_of, lent_by, offers_of
from keyctl.model.funding import Interest
from keyctl.model.noun import Noun
from keyctl.model.rate import rate_text
from keyctl.terminal.output import Note, Result, Table

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.funding.opening import Lender

UNKNOWN = "unknown"
CSV_COLUMNS = ("time", "currency", "interest_after_fee", "entry")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Line(Noun):
    """One currency: interest after the fee (None: the ledger cannot be read), and what is held now."""

    currency: str
    earned: Decimal | None
    payments: int
    held: Held

    @property
    def utilisation(self) -> Decimal | None:
        """The share of the money that is lent; None where what is available cannot be read."""
        available, lent = self.held.available, self.held.lent_size
        if available is None:
            return None
        total = lent + self.held.offered + available
        return lent / total if total else Decimal(0)

    @property
    def average(self) -> tuple[Decimal, Decimal] | None:
        """The average rate and period of what is lent, by size; None while nothing is."""
        lent = self.held.lent_size
        if not lent:
            return None
        rate = sum((one.size * one.rate for one in self.held.lent), Decimal(0)) / lent
        return rate, sum((one.size * one.days for one in self.held.lent), Decimal(0)) / lent


async def report(app: App, label: str | None, currency: str | None, since: str, as_csv: bool) -> Result:
    """Interest since a time, and what is lent now, by currency."""
    since_ms, back_ms = read_since(since, app.clock.now())
    async with lender(app, account_for(app, label)) as desk:
        start = since_ms or desk.now_ms() - back_ms
        payments = await _payments(desk, currency, start)
        offers, lent = await offers_of(desk.session, currency), await lent_by(desk.session, currency)
        names = {currency} if currency else {one.draft.currency for one in offers} | {one.currency for one in lent}
        names |= {one.currency for one in payments or ()}
        lines = []
        for name in sorted(names):
            held = Held(
                tuple(one for one in offers if one.draft.currency == name),
                tuple(one for one in lent if one.currency == name),
                await available_to(desk.session, name),
            )
            mine = None if payments is None else [one for one in payments if one.currency == name]
            earned = None if mine is None else sum((one.size for one in mine), Decimal(0))
            lines.append(Line(name, earned, len(mine or ()), held))
    entries = _entries(payments)
    data = {"since": view.moment(start), "currencies": [_data(one) for one in lines], "payments": entries}
    warnings = () if payments is not None else ("the key may not read the ledger (Account History): interest unknown",)
    if as_csv:
        rows = [(one["time"], one["currency"], one["interest"], one["entry"]) for one in entries]
        return Result(data, view=(view.as_csv(CSV_COLUMNS, rows),), warnings=warnings)
    table = _table(lines) if lines else Note("Nothing is offered or lent, and no interest was paid.")
    return Result(data, view=(table,), warnings=warnings)


async def _payments(desk: Lender, currency: str | None, start_ms: int) -> tuple[Interest, ...] | None:
    """The interest since then; None where the key may not read the ledger."""
    try:
        return await interest_of(desk.session, currency, start_ms)
    except ExchangeRefused as refusal:
        if lacks_permission(refusal.error, desk.session.market):
            return None
        raise


def _table(lines: Sequence[Line]) -> Table:
    columns = ("currency", "interest", "lent", "offered", "utilization", "average rate", "days")
    return Table(columns, [_row(one) for one in lines])


def _row(one: Line) -> tuple[str, ...]:
    used, average = one.utilisation, one.average
    return (
        one.currency,
        UNKNOWN if one.earned is None else f"{one.earned:.8f}",
        plain(one.held.lent_size),
        plain(one.held.offered),
        UNKNOWN if used is None else f"{used * 100:.1f}%",
        "n/a" if average is None else rate_text(average[0]),
        "n/a" if average is None else f"{average[1]:.1f}",
    )


def _data(one: Line) -> dict[str, Any]:
    used, average = one.utilisation, one.average
    return {
        "currency": one.currency,
        "interest": None if one.earned is None else plain(one.earned),
        "payments": one.payments,
        "lent": plain(one.held.lent_size),
        "offered": plain(one.held.offered),
        "available": None if one.held.available is None else plain(one.held.available),
        "utilisation": None if used is None else f"{used:.6f}",
        "average_rate": None if average is None else view.rate_data(average[0]),
        "average_days": None if average is None else f"{average[1]:.2f}",
    }


def _entries(payments: Sequence[Interest] | None) -> list[dict[str, str]]:
    return [
        {
            "time": view.moment(one.at_ms),
            "currency": one.currency,
            "interest": plain(one.size),
            "entry": one.entry_id,
        }
        for one in payments or ()
    ]
