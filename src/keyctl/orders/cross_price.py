"""What a quote currency is worth in USD, by prices of its own venue: two that agree, or one that is told as one.

A price that is wrong by a factor would take every value cap with it, so none is trusted alone. Public reads only.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, NoAnswer, UsageProblem
from keyctl.exchanges.encoding import plain
from keyctl.orders.venue_reads import instrument_of, ticker_of

if TYPE_CHECKING:
    from keyctl.model.venue import Instrument, Ticker
    from keyctl.network.session import Session
    from keyctl.orders.venue_reads import Shared

AGREE_WITHIN = Decimal("0.02")
_DIGITS = Context(prec=12)
# Coins that are quoted in most currencies, for a second opinion on one of them.
_BRIDGES = ("BTC", "ETH")


async def usd_per_quote(session: Session, instrument: Instrument, shared: Shared) -> tuple[Decimal | None, str]:
    """What one unit of the quote currency is worth in USD by the venue's own prices, and what to doubt in that.

    None where it cannot be worked out. Raises Unreached.
    """
    if instrument.quote in session.exchange.profile.dollars:
        return Decimal(1), ""
    return await cross_price(session, instrument, shared)


async def cross_price(session: Session, instrument: Instrument, shared: Shared) -> tuple[Decimal | None, str]:
    """USD for one unit of the instrument's quote currency, and "".

    With the name of the source where there is but one; None, and why, where there is none or two disagree. The sources
    are QUOTE/USDT, BASE/USDT against the instrument itself, USDT/QUOTE, and a large coin's price in both; the last two
    are asked only where others are missing. Raises Unreached.
    """
    base, quote = instrument.base, instrument.quote
    suffix = "" if instrument.settle is None else ":USDT"
    found: dict[str, Decimal] = {}
    if ticker := await _ticker(session, f"{quote}/USDT{suffix}", shared):
        found[f"{quote}/USDT"] = ticker.ask
    if base != "USDT" and (ticker := await _ticker(session, f"{base}/USDT{suffix}", shared)):
        own = await ticker_of(session, instrument.native_symbol, shared)
        found[f"{base}/USDT by {base}/{quote}"] = (ticker.bid + ticker.ask) / (own.bid + own.ask)
    if len(found) < 2 and not suffix and (ticker := await _ticker(session, f"USDT/{quote}", shared)):
        found[f"USDT/{quote}"] = 1 / ticker.bid
    for coin in _BRIDGES if not suffix else ():
        if len(found) < 2 and coin not in (base, quote):
            ticker = await _ticker(session, f"{coin}/{quote}", shared)
            dollars = await _ticker(session, f"{coin}/USDT", shared) if ticker else None
            if ticker and dollars:
                found[f"{coin}/USDT by {coin}/{quote}"] = (dollars.bid + dollars.ask) / (ticker.bid + ticker.ask)
    return agreed(found)


def agreed(found: Mapping[str, Decimal]) -> tuple[Decimal | None, str]:
    """The price that these sources agree on, as `cross_price`; that of a pair of the currency itself is preferred."""
    if not found:
        return None, "the exchange has no usable price for it in USDT"
    if max(found.values()) > min(found.values()) * (1 + AGREE_WITHIN):
        return None, "its prices disagree: " + ", ".join(
            f"{name} says {plain(_short(usd))}" for name, usd in found.items()
        )
    direct = [usd for name, usd in found.items() if " by " not in name]
    return _short((direct or list(found.values()))[0]), "" if len(found) > 1 else next(iter(found))


def _short(number: Decimal) -> Decimal:
    return _DIGITS.plus(number)


async def _ticker(session: Session, symbol: str, shared: Shared) -> Ticker | None:
    """Best bid and ask of a symbol that the venue lists and trades, where they can be read and used."""
    try:
        rules = await instrument_of(session, symbol, shared)
        return await ticker_of(session, rules.native_symbol, shared) if rules.active else None
    except (CheckFailed, ExchangeRefused, NoAnswer, UsageProblem):
        return None
