"""The commented text with which `keyctl config edit` begins where there is no config.toml. Pure.

A line that begins with "# " explains; one that begins with "#" alone is a setting: without that sign it is in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal

from keyctl.home.config import EVENTS_KEEP_DAYS, Limits
from keyctl.home.key_age import KEY_AGE_DAYS

_ABOUT = {
    "leg_value_usd": "the most that one order may be worth, in USD",
    "plan_value_usd": "all orders of one plan",
    "day_value_usd": "all orders of 24 hours",
    "soft_fraction": "from this share of a limit on, keyctl asks",
    "price_through_hard": "a limit price so far beyond the best price is blocked (0.05 is 5%)",
    "price_through_soft": "so far beyond it, keyctl asks",
    "price_away_soft": "so far on the other side of it, keyctl asks",
    "price_apart_soft": "prices of exchanges so far apart: keyctl asks",
    "leverage_hard": "the highest leverage",
    "leverage_soft": "above it, keyctl asks",
    "legs_per_plan": "orders in one plan",
    "orders_per_minute": "of one account",
    "orders_per_hour": "of one account",
    "repeat_seconds": "the same order again within this time needs --again",
    "max_slippage": "how far a market order may go from the best price",
    "rounding_max": "how much of a size may be lost by rounding it down",
    "funding_currency_usd": "lent and offered of one currency",
    "funding_offer_usd": "one funding offer",
    "funding_offers_per_hour": "of one account",
}
_HEAD = """\
# Settings of keyctl. It only reads this file. No secret belongs here.
# Every setting below has its default value. To change one, remove the # in front
# of it and in front of its [table], and change the value.
# To check the file: keyctl config check

"""
_TAIL = """
# Groups of accounts, by label. A group that keyctl group add keeps needs no entry.
#[groups]
#desk = ["desk-1", "desk-2"]
#weighted = {desk-1 = 2, desk-2 = 1}

# A key that can withdraw sends no orders, unless you accept that risk.
#[[accepted_risk]]
#account = "desk-2"
#risk = "withdraw"
#reason = "treasury key, kept on an offline machine"
#date = 2026-11-21

# How one account connects, and what its key is for: read, spot, futures, funding.
#[accounts.desk-2]
#proxy = "socks5://127.0.0.1:1080"
#profile = ["spot", "futures"]
"""


def template() -> str:
    """The whole text, with the values that are shipped."""
    return _HEAD + "\n".join(_settings()) + "\n" + _TAIL


def _settings() -> Iterator[str]:
    yield f"#key_age_days = {KEY_AGE_DAYS}  # renew a key after so many days"
    yield f"#events_keep_days = {EVENTS_KEEP_DAYS}  # keep what happened to orders for so many days"
    yield ""
    yield "#[limits]"
    shipped = Limits()
    for item in fields(Limits):
        value = getattr(shipped, item.name)
        shown = format(value, "f") if isinstance(value, Decimal) else str(value)
        yield f"#{item.name} = {shown}  # {_ABOUT[item.name]}"
