"""OKX's account on the twin: what it is, what its key may do, and what its trading and funding wallets have.

Source: [official] OKX V5 docs 2026-07, "Trading account" and "Funding account".
"""

from __future__ import annotations

from keyctl.twin.book import ZERO
from keyctl.twin.call import digits
from keyctl.twin.keys import Key
from keyctl.twin.margins import settle_of
from keyctl.twin.okx.answers import OKXPart, Row, SignedCall, reading, text
from keyctl.twin.okx.gate import SPOT_MODE, Params, account_mode
from keyctl.twin.parts import Route
from keyctl.twin.purses import FUNDING
from keyctl.twin.venue import Venue

_RIGHTS = (("read", "read_only"), ("withdraw", "withdraw"), ("spot_trade", "trade"))


class Wallets(OKXPart):
    """One trading wallet serves pairs and contracts; the funding wallet serves no order."""

    def signed(self) -> tuple[Route[SignedCall], ...]:
        def config(params: Params, venue: Venue, key: Key) -> list[Row]:
            return [config_data(key, venue)]

        return (
            Route("GET", "/api/v5/account/config", "permissions", reading(config)),
            Route("GET", "/api/v5/account/balance", "balance", reading(_balance)),
            Route("GET", "/api/v5/asset/balances", "balance", reading(_funding)),
            Route("GET", "/api/v5/asset/currencies", "other", reading(_currencies)),
        )


def config_data(key: Key, venue: Venue) -> Row:
    """The one entry of account/config: what the account is, and what the calling key may do."""
    return {
        "acctLv": account_mode(key),
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "greeksType": "PA",
        "feeType": "0",
        "ip": ",".join(key.ips.get("spot", ())),
        "kycLv": "3",
        "label": key.label,
        "level": "Lv1",
        "levelTmp": "",
        "mainUid": key.uid,
        "mgnIsoMode": "automatic",
        "opAuth": "0",
        "perm": ",".join(name for right, name in _RIGHTS if key.may(right)),
        "posMode": "long_short_mode" if venue.derivatives.hedge(key.uid) else "net_mode",
        "roleType": "0",
        "settleCcy": "",
        "settleCcyList": [],
        "spotBorrowAutoRepay": False,
        "spotOffsetType": "",
        "spotRoleType": "0",
        "stgyType": "0",
        "traderInsts": [],
        "type": "0",
        "uid": key.uid,
    }


def _balance(params: Params, venue: Venue, key: Key) -> list[Row]:
    """The one entry of account/balance."""
    wanted, now = _wanted(params), str(venue.now_ms())
    details = [
        {
            "ccy": name,
            "eq": text(balance.free + balance.locked),
            "cashBal": text(balance.free + balance.locked),
            "availBal": text(balance.free),
            "frozenBal": text(balance.locked),
            "ordFrozen": text(balance.locked),
            "uTime": now,
            **_margin_fields(key, venue, name),
        }
        for name, balance in venue.balances.get(key.uid, {}).items()
        if (not wanted or name in wanted) and (balance.free or balance.locked)
    ]
    return [{"adjEq": "", "details": details, "imr": "", "isoEq": "", "mgnRatio": "", "totalEq": "", "uTime": now}]


def _margin_fields(key: Key, venue: Venue, currency: str) -> dict[str, str]:
    """What the trading wallet says of a currency because of contracts; in spot mode nothing of margin."""
    book = venue.derivatives
    if account_mode(key) == SPOT_MODE:
        return {"upl": "", "availEq": ""}
    gain = book.unrealized(key.uid, currency)
    backing = sum((item.locked for item in book.positions(key.uid) if settle_of(item.instrument) == currency), ZERO)
    return {
        "eq": digits(book.equity(key.uid, currency)),
        "upl": digits(gain),
        "availEq": digits(book.available(key.uid, currency)),
        "imr": digits(backing),
    }


def _funding(params: Params, venue: Venue, key: Key) -> list[Row]:
    wanted = _wanted(params)
    return [
        {
            "ccy": name,
            "bal": text(held.free + held.locked),
            "availBal": text(held.free),
            "frozenBal": text(held.locked),
        }
        for name, held in venue.purses.of(key.uid).get(FUNDING, {}).items()
        if not wanted or name in wanted
    ]


def _wanted(params: Params) -> list[str]:
    named = params.get("ccy")
    return named.split(",") if named else []


def _currencies(params: Params, venue: Venue, key: Key) -> list[Row]:
    """The currencies, as far as clients read the list to learn them."""
    names = sorted({name for item in venue.instruments.values() for name in (item.base, item.quote)})
    closed = {"canDep": False, "canWd": False, "canInternal": False}
    return [{"ccy": name, "name": name, "chain": f"{name}-Twin", **closed} for name in names]
