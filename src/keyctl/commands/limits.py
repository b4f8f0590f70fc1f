"""keyctl limits: every cap before an order, what is used of it, and the line that would change it."""

from __future__ import annotations

from typing import Any

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Note, Result, Table

SENT = "day_sent_usd"
_MEANING = {
    "leg_value_usd": "value of one order, USD",
    "plan_value_usd": "value of a plan, USD",
    "day_value_usd": "value in 24 h, USD",
    SENT: "value in 24 h with canceled orders, USD",
    "soft_fraction": "share of a cap that asks",
    "price_through_hard": "limit price past the best bid or ask",
    "price_through_soft": "the same, asks",
    "price_away_soft": "limit price away from the market, asks",
    "price_apart_soft": "market order's price between exchanges, asks",
    "leverage_hard": "leverage",
    "leverage_soft": "leverage that asks",
    "legs_per_plan": "orders of a plan",
    "orders_per_minute": "orders of an account in a minute",
    "orders_per_hour": "orders of an account in an hour",
    "repeat_seconds": "seconds in which a repeat asks",
    "max_slippage": "slippage of market orders",
    "rounding_max": "share of a size that rounding may take",
    "funding_currency_usd": "value lent and offered of one currency, USD",
    "funding_offer_usd": "value of one funding offer, USD",
    "funding_offers_per_hour": "funding offers of an account in an hour",
}


@keyctl_command(examples="keyctl limits")
def command(app: App) -> Result:
    """Show the limits of orders, and how much is used"""
    from dataclasses import fields

    from keyctl.desk.halt import halts_data, in_force
    from keyctl.home.config import Limits
    from keyctl.home.day_counts import sent_cap

    used = _used(app)
    lines = app.config.lines
    entries: list[dict[str, Any]] = []
    for item in fields(Limits):
        name = item.name
        value = getattr(app.config.limits, name)
        line = lines.get(f"limits.{name}")
        where = f"line {line}" if line else "shipped"
        entries.append({"name": name, "value": str(value), "used": used.get(name), "set_in": where})
        if name == "day_value_usd":  # follows from it: the cap on all that is sent, with what was canceled since
            value = sent_cap(app.config.limits)
            entries.append({"name": SENT, "value": str(value), "used": used[SENT], "set_in": "twice day_value_usd"})
    rows = [
        (_MEANING[entry["name"]], entry["value"], entry["used"] or "-", entry["name"], _where(entry["set_in"]))
        for entry in entries
    ]
    halted, accounts = app.journals.halts().home(), app.accounts.all()
    words = ["To change one, set it under [limits], such as leg_value_usd = 500: keyctl config edit"]
    words += in_force(app, accounts)
    return Result(
        {"limits": entries, "halted": halted.reason if halted else None, "halts": halts_data(app, accounts)},
        view=(Table(("limit", "value", "used", "name", "set in"), rows, droppable=("set in",)), Note("\n".join(words))),
    )


def _where(set_in: str) -> str:
    return "default" if set_in == "shipped" else set_in


def _used(app: App) -> dict[str, str]:
    """What is used of the caps that count: of the day by kind of account, of the rates by the busiest account."""
    from keyctl.model.words import Kind

    counts = {kind: app.journal.counts_today(kind) for kind in Kind}
    used = {
        "day_value_usd": ", ".join(f"{day.used:.2f} {kind}" for kind, day in counts.items() if day.used) or "0",
        SENT: ", ".join(f"{day.sent:.2f} {kind}" for kind, day in counts.items() if day.sent) or "0",
    }
    for name, seconds in (("orders_per_minute", 60), ("orders_per_hour", 3600)):
        orders = app.journal.claimed_since(seconds)
        busiest = max(orders, key=lambda label: orders[label], default=None)
        used[name] = f"{orders[busiest]} {busiest}" if busiest else "0"
    offers = app.journal.offers.claimed_since(3600)
    used["funding_offers_per_hour"] = ", ".join(f"{count} {label}" for label, count in offers.items()) or "0"
    return used
