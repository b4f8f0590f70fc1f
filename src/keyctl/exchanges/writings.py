"""What a writing of a symbol means that is one exchange's own: BTCUSD_PERP, BTC-USD-SWAP, tBTCUSD. Offline.

Each exchange tells its own in `_<name>_writings`.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    class Writings(Protocol):
        """One exchange's own writings."""

        def own(self, text: str) -> Writing:
            """What the text, in the letters that were typed, means as this exchange's own name."""
            ...

        def charted(self, name: str) -> tuple[str, ...]:
            """What a chart's name of this exchange's pair or perpetual means, in capitals; empty where it means what
            it means at every exchange."""
            ...


class Writing(NamedTuple):
    """The symbols that a text may mean; `sure`: nobody else writes so, and nothing else is meant."""

    symbols: tuple[str, ...] = ()
    sure: bool = False


def writings(name: str) -> Writings:
    """The own writings of a shipped exchange."""
    found: Writings = import_module(f"keyctl.exchanges.{name}.writings")
    return found


def is_date(day: str) -> bool:
    """Whether the text is a day as YYMMDD, as at the end of a dated future's name."""
    try:
        return len(day) == 6 and bool(datetime.strptime(day, "%y%m%d"))
    except ValueError:
        return False
