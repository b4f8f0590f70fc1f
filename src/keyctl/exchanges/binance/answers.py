"""Binance's answers about a key, in our nouns. What is odd is unknown."""

from __future__ import annotations

from datetime import UTC, datetime

from keyctl.answers import Row, clean_text
from keyctl.exchanges.shapes import flag_of, withdraw_flag
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import JSON

# Rights that have a field of their own in KeyPermissions; enableFixReadOnly adds nothing to reading.
_KNOWN_RIGHTS = frozenset(
    "enableReading enableSpotAndMarginTrading enableFutures enableWithdrawals enableInternalTransfer"
    " permitsUniversalTransfer enableFixReadOnly".split()
)


def permissions(body: Row) -> KeyPermissions:
    """The rights in an apiRestrictions answer; rights that are on and that we do not know go to `extra`."""
    transfers = [flag_of(body.get(name)) for name in ("enableInternalTransfer", "permitsUniversalTransfer")]
    return KeyPermissions(
        read=flag_of(body.get("enableReading")),
        spot_trade=flag_of(body.get("enableSpotAndMarginTrading")),
        futures_trade=flag_of(body.get("enableFutures")),
        withdraw=withdraw_flag("enableWithdrawals", body, flag_of),
        transfer=True if True in transfers else None if None in transfers else False,
        ip_restricted=flag_of(body.get("ipRestrict")),
        created=_moment(body.get("createTime")),
        trade_expires=_moment(body.get("tradingAuthorityExpirationTime")),
        extra=tuple(
            sorted(
                clean_text(name, 60)
                for name, value in body.items()
                if name.startswith(("enable", "permits")) and name not in _KNOWN_RIGHTS and value not in (False, None)
            )
        ),
    )


def _moment(value: JSON) -> datetime | None:
    """A time in ms as a moment; None when it is not told."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**14:
        return None
    return datetime.fromtimestamp(value // 1000, UTC)
