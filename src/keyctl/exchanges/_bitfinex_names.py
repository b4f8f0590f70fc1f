"""Bitfinex's names of currencies and pairs, to and from the names that other exchanges use."""

from __future__ import annotations

from keyctl.exchanges._shapes import split_symbol

# Bitfinex's name -> the common name. Several of Bitfinex's names mean another coin elsewhere (its LUNA is Luna
# Classic, its UST is Tether), so an order must never go out under an untranslated name. From ccxt 4.5.90.
_COMMON = {
    "UST": "USDT",
    "UDC": "USDC",
    "TSD": "TUSD",
    "TERRAUST": "USTC",
    "EUT": "EURT",
    "EUS": "EURS",
    "XCH": "XCHF",
    "ALG": "ALGO",
    "AMP": "AMPL",
    "ATO": "ATOM",
    "BCHABC": "XEC",
    "BCHN": "BCH",
    "DAT": "DATA",
    "DOG": "MDOGE",
    "DSH": "DASH",
    "EDO": "PNT",
    "HTX": "HT",
    "IDX": "ID",
    "IOT": "IOTA",
    "IQX": "IQ",
    "LUNA": "LUNC",
    "LUNA2": "LUNA",
    "MNA": "MANA",
    "PAS": "PASS",
    "QSH": "QASH",
    "QTM": "QTUM",
    "RBT": "RBTC",
    "SNG": "SNGLS",
    "STJ": "STORJ",
    "VSY": "VSYS",
    "WAX": "WAXP",
    "YGG": "YEED",
    "YYW": "YOYOW",
    "ZBT": "ZB",
}
_NATIVE = {common: native for native, common in _COMMON.items()}


def common_name(native: str) -> str:
    """The common name of a Bitfinex currency."""
    return _COMMON.get(native, native)


def native_symbol(symbol: str) -> str | None:
    """Bitfinex's trading symbol for BASE/QUOTE; None where a name given means another coin there.

    A colon stands between the sides when one has more than three letters [official]. Raises UsageProblem for text
    that is no symbol.
    """
    sides = []
    for name in split_symbol(symbol):
        native = _NATIVE.get(name, name)
        if common_name(native) != name:
            return None
        sides.append(native)
    colon = ":" if max(map(len, sides)) > 3 else ""
    return f"t{colon.join(sides)}"
