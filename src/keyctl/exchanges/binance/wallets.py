"""Binance's wallets beside spot and futures: what is in funding, cross margin and isolated margin.

[official] Binance wallet and margin docs, read 2026-11: "Funding Wallet (USER_DATA)", "Query Cross Margin Account
Details", "Query Isolated Margin Account Info".
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from keyctl.answers import Row, Unreadable, object_of, read_array, read_object
from keyctl.exchanges.shapes import balances_of
from keyctl.model.venue import Balances
from keyctl.model.wire import Response

# "Margin account does not exist.": one that was never opened. [ccxt]
NO_MARGIN_ACCOUNT = "-3003"
# [official] "Query User Wallet Balance" names these beside those that keyctl reads.
OTHERS = ("earn", "options", "trading bots", "copy trading", "portfolio margin")
_FUNDING_PARTS = ("free", "locked", "freeze", "withdrawing")


def read_funding(response: Response) -> Balances:
    """The funding wallet. Raises Unreadable."""
    rows = map(object_of, read_array(response.body))
    return balances_of((row.text("asset"), row.decimal("free"), _owned(row)) for row in rows)


def read_cross_margin(response: Response) -> Balances:
    """The cross margin account: what is owned is what is left after all that is owed. Raises Unreadable."""
    rows = read_object(response.body).objects("userAssets")
    return balances_of((row.text("asset"), row.decimal("free"), row.decimal("netAsset")) for row in rows)


def read_isolated_margin(response: Response) -> Balances:
    """The isolated margin accounts of all pairs together. Raises Unreadable."""
    free, total = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    pairs = set[str]()
    for row in read_object(response.body).objects("assets"):
        pair = row.text("symbol")
        if pair in pairs:
            raise Unreadable("a pair reported twice")
        pairs.add(pair)
        for side in (row.object("baseAsset"), row.object("quoteAsset")):
            currency = side.text("asset")
            free[currency] += side.decimal("free")
            total[currency] += side.decimal("netAsset")
    return Balances(dict(free), None, dict(total))


def _owned(row: Row) -> Decimal:
    return sum((row.optional(part) or Decimal(0) for part in _FUNDING_PARTS), Decimal(0))


# The name of each, and the call that tells it. Documented as reads, POST or not: they take no instruction and answer
# with what there is.
BESIDE = (
    ("funding", "POST", "/sapi/v1/asset/get-funding-asset", read_funding),
    ("cross margin", "GET", "/sapi/v1/margin/account", read_cross_margin),
    ("isolated margin", "GET", "/sapi/v1/margin/isolated/account", read_isolated_margin),
)
