"""keyctl limits: every cap before an order, what is used of it, and the line that would change it."""

from __future__ import annotations

from typing import Any

from keyctl.app import App
from keyctl.framing import keyctl_command
from keyctl.output import Note, Result, Table

_MEANING = {
    "leg_value_usd": "value of one order, USD",
    "plan_value_usd": "value of a plan, USD",
    "day_value_usd": "value in 24 h, USD",
    "soft_fraction": "share of a cap that asks",
    "price_through_hard": "limit price through the best price",
    "price_through_soft": "the same, asks",
    "price_away_soft": "limit price away from the market, asks",
    "leverage_hard": "leverage",
    "leverage_soft": "leverage that asks",
    "legs_per_plan": "legs of a plan",
    "orders_per_minute": "orders of an account in a minute",
    "orders_per_hour": "orders of an account in an hour",
    "repeat_seconds": "seconds in which a repeat asks",
    "max_slippage": "slippage of immediate orders",
    "rounding_max": "share of a size that rounding may take",
}


@keyctl_command(examples="keyctl limits")
def command(app: App) -> Result:
    """Show the caps on orders and what is used of them"""
    from dataclasses import fields

    from keyctl.config import Limits
    from keyctl.halting import halts_data, in_force

    used = _used(app)
    lines = app.config.lines
    entries: list[dict[str, Any]] = []
    for item in fields(Limits):
        name = item.name
        value = getattr(app.config.limits, name)
        line = lines.get(f"limits.{name}")
        where = f"line {line}" if line else "shipped"
        entries.append({"name": name, "value": str(value), "used": used.get(name), "set_in": where})
    rows = [
        (_MEANING[entry["name"]], entry["value"], entry["used"] or "-", entry["name"], entry["set_in"])
        for entry in entries
    ]
    halted, accounts = app.halts.home(), app.accounts.all()
    words = [f"Change one in {app.home.config_file} under [limits], for example: leg_value_usd = 500"]
    words += in_force(app, accounts)
    return Result(
        {"limits": entries, "halted": halted.reason if halted else None, "halts": halts_data(app, accounts)},
        view=(Table(("cap", "value", "used", "name", "set in"), rows), Note("\n".join(words))),
    )


def _used(app: App) -> dict[str, str]:
    """What is used of the caps that count: of the day by kind of account, of the rates by the busiest account."""
    from keyctl.model import Kind

    day = {kind: app.journal.used_today(kind) for kind in Kind}
    shown = ", ".join(f"{value:.2f} {kind}" for kind, value in day.items() if value)
    used = {"day_value_usd": shown or "0"}
    for name, seconds in (("orders_per_minute", 60), ("orders_per_hour", 3600)):
        counts = app.journal.claimed_since(seconds)
        busiest = max(counts, key=lambda label: counts[label], default=None)
        used[name] = f"{counts[busiest]} {busiest}" if busiest else "0"
    return used
