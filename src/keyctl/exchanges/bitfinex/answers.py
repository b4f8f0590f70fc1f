"""Bitfinex's answers: its notifications of success, its list of a key's rights."""

from __future__ import annotations

from keyctl.answers import Layout, Unreadable, clean_text, read_array
from keyctl.exchanges.bitfinex.errors import notification_in
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import JSON

# Fields of a notification [official], of a wallet [sdk], of a right.
_NOTIFICATION = Layout("status", {"data": 4, "status": 6})
WALLET = Layout("available", {"type": 0, "currency": 1, "balance": 2, "available": 4})
_RIGHT = Layout("write", {"scope": 0, "read": 1, "write": 2})
_ASKED = {"orders", "wallets", "funding"}


def data_in(body: bytes) -> JSON:
    """The data of a notification of success. Raises Unreadable for anything else."""
    told = notification_in(read_array(body))
    if told is None or (notification := _NOTIFICATION.row(told))["status"] != "SUCCESS":
        raise Unreadable("not a notification of success")
    return notification["data"]


def permissions_in(rows: list[JSON]) -> KeyPermissions:
    """What a key may do, by the names of the scopes; more scopes than the known ones may come [official]."""
    rights = _rights(rows)
    reads = [rights[scope][0] for scope in _ASKED if scope in rights]
    # Also ui_withdraw and eaas_withdraw; without a row "withdraw" their zeros prove nothing.
    withdraws = {scope: right for scope, right in rights.items() if "withdraw" in scope}
    may_withdraw = any(write for _, write in withdraws.values())
    extra = [scope for scope, (_, write) in rights.items() if write and scope not in _ASKED and scope not in withdraws]
    extra += [f"{scope} (read)" for scope, (read, _) in withdraws.items() if read]
    return KeyPermissions(
        read=any(reads) if reads else None,
        # One right for orders of both markets; to read positions takes "positions" as well.
        spot_trade=rights["orders"][1] if "orders" in rights else None,
        futures_trade=rights["orders"][1] if "orders" in rights else None,
        withdraw=may_withdraw if may_withdraw or "withdraw" in rights else None,
        transfer=rights["wallets"][1] if "wallets" in rights else None,
        extra=tuple(sorted(extra)),
        funding=rights["funding"][1] if "funding" in rights else None,
    )


def _rights(rows: list[JSON]) -> dict[str, tuple[bool, bool]]:
    rights: dict[str, tuple[bool, bool]] = {}
    for row in map(_RIGHT.row, rows):
        if row["read"] not in (0, 1) or row["write"] not in (0, 1):
            raise Unreadable("a permission is not reported as 0 or 1")
        scope = clean_text(row.text("scope"), 40)
        if scope in rights:
            raise Unreadable("a permission is reported twice")
        rights[scope] = (bool(row["read"]), bool(row["write"]))
    return rights
