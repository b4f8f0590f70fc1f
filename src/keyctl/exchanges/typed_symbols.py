"""Symbols as people type them: a legal one, or a refusal with every symbol that the writing may mean. Pure; no guesses.

Writings met: an exchange's own name (BTCUSDT, BTC-USDT-SWAP, BTCUSD_PERP, tBTCF0:USTF0, BTCUSDT_261225), a chart's
(BINANCE:BTCUSDT.P), full-width letters, other dashes, blanks. What is not clear is not named at all.
"""

from __future__ import annotations

import re
import unicodedata

from keyctl.errors import UsageProblem
from keyctl.exchanges.shipped import names
from keyctl.exchanges.venue_names import mentions
from keyctl.exchanges.writings import is_date, writings
from keyctl.model.size import read_symbol as read_exactly
from keyctl.model.words import Market

# Quote currencies that the exchanges list. A name without a sign may be split at each that ends it: ADAEUR, since
# Binance has AEUR as a quote beside EUR [exchangeInfo, recorded 2026-11].
_QUOTES = (
    *("USDT", "USDC", "USD", "FDUSD", "TUSD", "BUSD", "USDP", "USD1", "USDE", "USDS", "DAI", "AEUR", "EURI"),
    *("BTC", "ETH", "BNB", "TRX", "XRP", "SOL", "DOGE", "DOT", "XAUT", "OKB"),
    *("EUR", "GBP", "TRY", "BRL", "JPY", "AUD", "AED", "SGD", "ARS", "MXN", "ZAR", "PLN", "RON", "UAH", "IDRT", "COP"),
    *("CZK", "CHF"),
)
_DOLLARS = ("USDT", "USDC", "USD")
# Quotes in which linear perpetuals are listed; Binance's ETHBTC settles in BTC [its "BTC Margined Futures", 2026-11].
_LINEAR = ("USDT", "USDC", "USD1", "BTC")
# Coins whose name ends like a pair's.
_COINS = frozenset({"WSTETH", "FRXETH", "SFRXETH", "SOLVBTC", "UNIBTC", "PUMPBTC", "CRVUSD", "RLUSD", "PYUSD", "SUSD"})
# Codes that other exchanges have for a currency: Kraken's Assets (altname), BitMEX's XBTUSD [official, seen 2026-11].
_ELSEWHERE = {"XBT": ("BTC", "Kraken and BitMEX"), "XDG": ("DOGE", "Kraken")}

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹘﹣－⁻", "-"),
        **dict.fromkeys("⁄∕╱⧸／\\|", "/"),
        **dict.fromkeys("∶ː꞉：﹕", ":"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
    }
)
_NAME = r"[A-Z0-9]{1,12}"
_SYMBOL = re.compile(rf"({_NAME})/({_NAME})(?::({_NAME}))?(?:-([0-9]{{6}}))?")
_JOINED_MAX = 16  # as far as a word of one case is shown at all; see typed_words
# How long a base joined to a quote is at least; longer where the quote ends names of coins too, such as STETH.
_SHORTEST = {
    **dict.fromkeys(("USDT", "USDC", "FDUSD"), 1),
    **dict.fromkeys(("BTC", "ETH", "USD", "BNB", "SOL", "DAI"), 3),
}


def read_symbol(text: str, market: Market | None = None) -> str:
    """The symbol in capitals. Raises UsageProblem (bad_symbol) with all that the writing may mean; with a market, all
    that it may mean there."""
    try:
        return read_exactly(text)
    except UsageProblem as problem:
        if problem.code != "bad_symbol":
            raise
        meant = meant_symbols(text, market)
        hints = [f"write it as {_listed(meant)}"] if meant else [*_elsewhere_hint(text), *problem.hints]
        if not meant and not _plain(text).isascii():
            hints.insert(0, "check its characters: some are not A to Z or 0 to 9")
        raise UsageProblem(problem.message, *hints, code="bad_symbol") from None


def meant_symbols(text: str, market: Market | None = None) -> tuple[str, ...]:
    """Every symbol that another writing of one may mean, spot first; empty where that is not clear, or where the text
    could be something else, such as a secret: a symbol in it would show it."""
    plain = _plain(text)
    # Of one case but for a small t before the rest, as one exchange writes.
    if plain not in (plain.upper(), plain.lower(), f"t{plain[1:].upper()}"):
        return ()
    found = _readings(plain)
    if any(code in _ELSEWHERE for symbol in found for code in re.split("[/:-]", symbol)):
        return ()
    kept = [symbol for symbol in dict.fromkeys(found) if symbol != text]
    return tuple(symbol for symbol in kept if market is None or (":" in symbol) is (market is Market.FUTURES))


def perpetuals_of(symbol: str) -> str:
    """The perpetuals that a spot symbol has, each as it is written."""
    base, _, quote = symbol.partition("/")
    return _listed(tuple(_kinds(base, quote)) or (f"{symbol}:{quote}",))


def named_elsewhere(symbol: str) -> str:
    """What to say of a symbol with a currency's code that only other exchanges use; empty where it has none."""
    for code in re.split("[/:-]", symbol):
        if code in _ELSEWHERE:
            name, where = _ELSEWHERE[code]
            meant = re.sub(rf"\b{code}\b", name, symbol)
            return f"{code} is the code of {name} at {where}; if you mean {name}, write it as {meant}"
    return ""


def _listed(symbols: tuple[str, ...]) -> str:
    *others, last = symbols
    return f"{', '.join(others)} or {last}" if others else last


def _elsewhere_hint(text: str) -> list[str]:
    return [
        f"{code} is the code of {name} at {where}; if you mean {name}, write {name}"
        for code, (name, where) in _ELSEWHERE.items()
        if _plain(text).upper().startswith(code)
    ]


def _plain(text: str) -> str:
    """The text with signs of one form, without blanks around signs; other blanks are signs themselves."""
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).strip()
    return re.sub(r"\s+", " ", re.sub(r"\s*([/:_-])\s*", r"\1", text))


def _readings(text: str) -> list[str]:
    """All that a text may mean."""
    exchange, market, rest = _chart(text)
    if exchange:
        return _charted(exchange, market, rest)
    told = [writings(name).own(text) for name in names()]
    sure = [symbol for writing in told if writing.sure for symbol in writing.symbols]
    return sure or [*_common(text.upper()), *(symbol for writing in told for symbol in writing.symbols)]


def _chart(text: str) -> tuple[str, Market | None, str]:
    """Exchange, market and rest of EXCHANGE:NAME; empty, None and the whole without a known exchange before it."""
    before, sign, rest = text.partition(":")
    if sign and rest.upper() not in _QUOTES:
        for found in mentions(before):
            if (found.start, found.end) == (0, len(before)):
                return found.exchange, found.market, rest
    return "", None, text


def _charted(exchange: str, market: Market | None, rest: str) -> list[str]:
    """All that a chart's name may mean: without a mark of another it is the spot pair."""
    found = list(writings(exchange).charted(rest.upper())) or _readings(rest)
    spot = [symbol for symbol in found if ":" not in symbol]
    if market is Market.FUTURES:
        return [symbol for symbol in found if symbol not in spot]
    return spot or found


def _common(name: str) -> list[str]:
    """All that a name in capitals may mean by the ways in which many exchanges write."""
    if match := _SYMBOL.fullmatch(name):
        return _whole(*match.groups())
    if match := re.fullmatch(r"(.+)[-_/]([0-9]{6})", name):
        return [f"{symbol}-{match[2]}" for symbol in _contracts(match[1])] if is_date(match[2]) else []
    if match := re.fullmatch(r"(.+?)(?:[-_]SWAP|[-_/: ]PERP|[-_]PERPETUAL|PERP|\.P)", name):
        return _contracts(match[1])
    pairs = _separated(name) or _joined(name)
    return [symbol for base, quote in pairs for symbol in (f"{base}/{quote}", *_kinds(base, quote))]


def _whole(base: str, quote: str, settle: str | None, day: str | None) -> list[str]:
    """What BASE/QUOTE[:SETTLE][-YYMMDD] means."""
    if day is None:
        return [f"{base}/{quote}:{settle}" if settle else f"{base}/{quote}"]
    if not is_date(day):
        return []
    return [f"{base}/{quote}:{settle}-{day}"] if settle else [f"{symbol}-{day}" for symbol in _kinds(base, quote)]


def _contracts(name: str) -> list[str]:
    """What a name before a date or a perpetual's mark means, without it."""
    match = _SYMBOL.fullmatch(name)
    if match and match[3]:
        return _whole(*match.groups())
    pairs = [(match[1], match[2])] if match else _separated(name) or _joined(name)
    return [symbol for base, quote in pairs for symbol in _kinds(base, quote) or [f"{base}/{quote}:{quote}"]]


def _kinds(base: str, quote: str) -> list[str]:
    """The perpetuals of a pair that an exchange may list."""
    if quote == "USD":
        return [f"{base}/USD:{base}", f"{base}/USD:USD"]
    return [f"{base}/{quote}:{quote}"] if quote in _LINEAR else []


def _separated(name: str) -> list[tuple[str, str]]:
    """Base and quote with one sign between them; none where the quote may be named first (USDT_BTC)."""
    match = re.fullmatch(rf"({_NAME})[-_/: ]({_NAME})", name)
    if match is None or match[2] not in _QUOTES or match[1] == match[2]:
        return []
    quote_first = match[1] in _DOLLARS and match[2] in ("BTC", "ETH", "BNB", "TRX", "XRP", "SOL", "DOGE", "DOT")
    return [] if quote_first else [(match[1], match[2])]


def _joined(name: str) -> list[tuple[str, str]]:
    """Every base and quote of which the name can be made."""
    if len(name) > _JOINED_MAX or name in _COINS or name in _QUOTES or not re.fullmatch("[A-Z0-9]+", name):
        return []
    split = [(name.removesuffix(quote), quote) for quote in sorted(_QUOTES, key=len, reverse=True)]
    return [(base, quote) for base, quote in split if base != name and _SHORTEST.get(quote, 2) <= len(base) <= 12]
