"""What OKX lists on the twin, pairs and contracts, and how it names their kinds. Sizes of contracts are contracts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from keyctl.model.venue import Instrument
from keyctl.twin.instruments import listed
from keyctl.twin.okx.gate import NO_INSTRUMENT, OKXError
from keyctl.twin.venue import Venue

# Symbol, price step, size step, smallest size, largest limit size.
_PAIRS = (
    ("BTC/USDT", "0.1", "0.00000001", "0.00001", "9999999999"),
    ("ETH/USDT", "0.01", "0.000001", "0.0001", "9999999999"),
    ("SOL/USDT", "0.01", "0.000001", "0.001", "9999999999"),
    ("BTC/USDC", "0.1", "0.00000001", "0.00001", "9999999999"),
    ("ETH/BTC", "0.00001", "0.000001", "0.001", "9999999999"),
)
# Native name, what it settles in, contract size, price step, size step and smallest size in contracts.
_CONTRACTS = (
    ("BTC-USDT-SWAP", "USDT", "0.01", "0.1", "0.01"),
    ("ETH-USDT-SWAP", "USDT", "0.1", "0.01", "0.01"),
    ("SOL-USDT-SWAP", "USDT", "1", "0.01", "0.01"),
    ("BTC-USDC-SWAP", "USDC", "0.0001", "0.1", "1"),
    ("BTC-USD-SWAP", "BTC", "100", "0.1", "1"),
    ("ETH-USD-SWAP", "ETH", "10", "0.01", "1"),
    # Contracts in US dollars, for which every user of the twin has chosen USDC.
    ("SOL-USD_UM-SWAP", "USDC", "0.01", "0.01", "1"),
    ("BTC-USDT-281229", "USDT", "0.01", "0.1", "0.01"),
    ("BTC-USD-281229", "BTC", "100", "0.1", "1"),
    ("BTC-USD_UM_XPERP-310404", "USDC", "0.0001", "0.1", "1"),
    ("ETH-USD_UM_XPERP-310404", "USDC", "0.001", "0.01", "1"),
)
_LARGEST, _LARGEST_AT_MARKET = Decimal(100_000_000), Decimal(12_000)
BAND_UP, BAND_DOWN = Decimal("1.03"), Decimal("0.97")


def pairs() -> tuple[Instrument, ...]:
    """The twin's pairs with steps and minima as OKX has them; it knows no smallest value."""
    return tuple(
        listed(
            symbol,
            symbol.replace("/", "-"),
            price_step=price_step,
            quantity_step=step,
            min_quantity=smallest,
            max_quantity=largest,
        )
        for symbol, price_step, step, smallest, largest in _PAIRS
    )


def contracts() -> tuple[Instrument, ...]:
    """The twin's contracts; steps and bounds in base currency for linear ones."""
    return tuple(_contract(*row) for row in _CONTRACTS)


def _contract(native: str, settle: str, size: str, price_step: str, step: str) -> Instrument:
    base, family, ending = native.split("-")
    quote, _, in_dollars = family.partition("_")
    one = Decimal(1) if settle == base else Decimal(size)
    date = "" if ending == "SWAP" else f"-{ending}"
    item = listed(
        f"{base}/{quote}:{quote if in_dollars else settle}{date}",
        native,
        price_step=price_step,
        quantity_step=Decimal(step) * one,
        min_quantity=Decimal(step) * one,
        max_quantity=_LARGEST * one,
    )
    return replace(
        item,
        settle=settle,
        contract_size=Decimal(size),
        leverage_max=Decimal(100),
        market_quantity_max=_LARGEST_AT_MARKET * one,
        band_up=BAND_UP,
        band_down=BAND_DOWN,
    )


def kind_of(item: Instrument) -> str:
    """OKX's word for the type of an instrument."""
    if item.settle is None:
        return "SPOT"
    return "SWAP" if item.native_symbol.endswith("-SWAP") else "FUTURES"


def any_instrument(name: str, venue: Venue) -> Instrument | None:
    """The pair or contract of that name."""
    return venue.instruments.get(name) or venue.derivatives.instruments.get(name)


def need_instrument(name: str, venue: Venue) -> Instrument:
    """The pair or contract of that name. Raises OKXError."""
    found = any_instrument(name, venue)
    if found is None:
        raise OKXError(*NO_INSTRUMENT)
    return found


def need_contract(name: str, venue: Venue) -> Instrument:
    """The contract of that name. Raises OKXError."""
    found = venue.derivatives.instruments.get(name)
    if found is None:
        raise OKXError(*NO_INSTRUMENT)
    return found
