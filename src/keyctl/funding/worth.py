"""What a currency that is lent is worth in USD: two prices of its own exchange, the lower and the higher way."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExchangeRefused, NoAnswer, UsageProblem
from keyctl.model.noun import Noun
from keyctl.orders.cross_price import agreed
from keyctl.orders.venue_reads import Shared, instrument_of, ticker_of

if TYPE_CHECKING:
    from keyctl.network.session import Session

# How much above the exchange's minimum the smallest offer is: a price may move before the exchange looks at its own. An
# offer of 150.0 UST was refused when UST was worth less than a dollar.
DOLLAR_MARGIN, OTHER_MARGIN = Decimal("1.002"), Decimal("1.02")
_EXACT_DOLLAR = "USD"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Worth(Noun):
    """USD for one unit: `low` for the exchange's minimum, `high` for limits; `doubt` names the source where there is
    only one."""

    low: Decimal
    high: Decimal
    doubt: str = ""


async def worth_of(session: Session, currency: str) -> Worth:
    """What the currency is worth. Raises CheckFailed where that cannot be worked out, Unreached."""
    if currency == _EXACT_DOLLAR:
        return Worth(1 / DOLLAR_MARGIN, Decimal(1))
    if currency in session.exchange.profile.dollars:
        return Worth(1 / OTHER_MARGIN, Decimal(1))
    shared, prices, asks = Shared(), dict[str, Decimal](), list[Decimal]()
    for quote in ("USD", "USDT"):
        try:
            rules = await instrument_of(session, f"{currency}/{quote}", shared)
            ticker = await ticker_of(session, rules.native_symbol, shared)
        except (CheckFailed, ExchangeRefused, NoAnswer, UsageProblem):
            continue
        prices[f"{currency}/{quote}"] = ticker.bid
        asks.append(ticker.ask)
    price, doubt = agreed(prices)
    if price is None:
        raise CheckFailed(
            f"the value of {currency} in USD cannot be worked out: {doubt}; no offer was sent", code="value_unknown"
        )
    return Worth(min(prices.values()) / OTHER_MARGIN, max(asks), doubt)
