"""What the names in other programs' files say: which part of a key, which exchange, live or not. Pure; no values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from keyctl.exchanges.shipped import names, profile

Part = Literal["api_key", "secret", "passphrase"]
PARTS: tuple[Part, ...] = ("api_key", "secret", "passphrase")
# How people name the parts, without what stands between the words; of those that fit, the longest is meant.
_PARTS: dict[str, Part] = {
    **dict.fromkeys(("apikey", "key", "accesskey", "apiaccesskey", "publicapikey", "apikeyid"), "api_key"),
    **dict.fromkeys(
        ("secret", "apisecret", "secretkey", "apisecretkey", "privatekey", "apiprivatekey", "apikeysecret")
        + ("keysecret", "privatekeypem", "secretapikey", "apiprivate", "rsaprivatekey", "edprivatekey"),
        "secret",
    ),
    **dict.fromkeys(
        ("passphrase", "apipassphrase", "password", "apipassword", "apikeypassphrase", "apipass", "passwd")
        + ("secretpassphrase", "secretkeypassphrase", "keypassphrase"),
        "passphrase",
    ),
}
# Words that say which environment a key is of. "demo" is what an exchange has one of; the others mean its testnet.
LIVE = frozenset({"live", "prod", "production", "real", "mainnet", "main"})
TEST = frozenset({"test", "testnet", "sandbox", "testing", "spottestnet"})
DEMO = frozenset({"demo", "paper", "papertrading", "simulated", "simulation", "demotrading", "mock"})
_SWITCHES = frozenset({"is", "use", "mode", "set", "enable", "enabled", "flag", "trading", "x", "env", "environment"})
# Names whose text says which exchange, which environment, or how the person calls the key.
EXCHANGE_NAMES = frozenset({"exchange", "exchangeid", "exchangename", "connector", "connectorname", "venue", "broker"})
OWN_NAMES = frozenset({"name", "id", "label", "account", "accountname", "alias", "title", "nickname"})
KIND_NAMES = frozenset({"environment", "env", "mode", "network", "kind", "server", "accounttype", "tradingmode"})
# Words that only say where in its file a program keeps keys.
_FRAME = frozenset(
    "exchange exchanges auth default api apis account accounts key keys credential credentials config configs ccxt "
    "sync async settings freqtrade environment env services service args secrets stringdata data spec containers "
    "profile profiles connector connectors my bot app trading trade trader spot futures future swap margin usdm coinm "
    "v5 x the".split()
)
# Exchanges of other programs, so that their keys are never taken for one that keyctl has. Names as ccxt has them.
_OTHERS = frozenset(
    "bybit kraken krakenfutures kucoin kucoinfutures gate gateio bitget mexc mexcglobal huobi htx bitmex deribit "
    "coinbase coinbasepro coinbaseadvanced coinbaseexchange coinbaseinternational bitstamp gemini phemex bingx bitmart "
    "cryptocom ascendex bitflyer bithumb upbit poloniex hitbtc whitebit xt coinex digifinex probit woofipro "
    "hyperliquid dydx vertex paradex lighter aster oanda alpaca backpack bitvavo bitpanda bitso btcmarkets "
    "independentreserve luno coinspot swyftx okcoin exmo tokocrypto indodax zaif bitbank coincheck gmo blofin "
    "toobit weex ourbit orangex hashkey bullish bequant bigone btcturk paribu latoken p2b timex wazirx coindcx "
    "coinmetro cryptomus defx derive foxbit mercado novadax oxfun ndax kuna zonda yobit tradeogre".split()
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SHOWN = re.compile(
    r"(?:[a-z]{1,16}|[A-Z]{1,16}|[A-Z][a-z]{1,15}|[a-z]{2,12}(?:[A-Z][a-z]{2,12}){1,3})[0-9]{0,3}|[0-9]{1,3}"
)
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Place:
    """The exchange that names tell: `exchange` as keyctl has it and the site, or `other`: one that keyctl lacks."""

    exchange: str = ""
    site: str = ""
    other: str = ""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in small letters: BINANCE_API_KEY, binanceApiKey and binance-api-key have the same."""
    return tuple(word.lower() for word in _WORD.findall(name))


def part_in(words: tuple[str, ...]) -> tuple[Part | None, tuple[str, ...]]:
    """The part of a key that a name's words stand for, and the words that are left; None where they stand for none.

    Of several runs that fit, the longest counts; of equal ones the last.
    """
    best: tuple[int, int, Part] | None = None
    for start in range(len(words)):
        for end in range(start + 1, min(start + 4, len(words)) + 1):
            part = _PARTS.get("".join(words[start:end]))
            if part is not None and (best is None or end - start >= best[1] - best[0]):
                best = (start, end, part)
    if best is None:
        return None, words
    return best[2], (*words[: best[0]], *words[best[1] :])


def place_in(words: tuple[str, ...]) -> Place:
    """The exchange that the words name, by the longest name that fits; one of another program where none does."""
    best: dict[str, tuple[int, Place]] = {}
    for start in range(len(words)):
        for end in range(start + 1, min(start + 3, len(words)) + 1):
            run = "".join(words[start:end])
            place = place_of(run)
            if place is not None:
                rank = "other" if run in _OTHERS else "ours"
                if rank not in best or len(run) > best[rank][0]:
                    best[rank] = (len(run), place)
    return best.get("ours", best.get("other", (0, Place())))[1]


@cache
def place_of(word: str) -> Place | None:
    """What one word means as the name of an exchange; None for a word that is none."""
    word = re.sub(r"[^a-z0-9]", "", word.lower())
    for exchange in names():
        facts = profile(exchange)
        if word == exchange:
            return Place(exchange)
        if word in facts.known_as:
            return Place(exchange, facts.known_as[word])
        if word in facts.not_ours:
            return Place(other=facts.not_ours[word])
    return Place(other=word) if word in _OTHERS else None


def kinds_in(words: tuple[str, ...]) -> set[str]:
    """Which of "live", "test" and "demo" the words say."""
    joined = {"".join(words[start : start + 2]) for start in range(len(words))} | set(words)
    said = {"live": LIVE - {"main"}, "test": TEST, "demo": DEMO}
    return {kind for kind, known in said.items() if joined & known}


def switch_in(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Which kind a switch such as `use_testnet` turns on, and the words that are left; "" for other names."""
    for start in range(len(words)):
        for end in (start + 2, start + 1):
            run = "".join(words[start:end])
            for kind, known in (("test", TEST), ("demo", DEMO)):
                if run in known and end <= len(words):
                    rest = (*words[:start], *words[end:])
                    return kind, tuple(word for word in rest if word not in _SWITCHES)
    return "", words


def label_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words by which a person tells keys of one exchange apart; without others those that say live or not."""
    known = frozenset().union(*(set(profile(name).known_as) | {name} for name in names()))
    left = [word for word in words if word not in _FRAME and word not in LIVE and word not in TEST | DEMO]
    text = "-".join(left)
    for name in sorted(known, key=len, reverse=True):
        text = re.sub(rf"(?:^|-){'-?'.join(_WORD.findall(name))}(?=-|$)", "", text)
    found = tuple(word for word in text.split("-") if word)
    return found or tuple(dict.fromkeys(word for word in words if word in LIVE | TEST | DEMO))


def looks_like_name(text: str) -> bool:
    """Whether a text from a file may be shown as a name: whole words with single signs between them, and short.

    A key, a secret or a passphrase mixes letters, digits and cases inside a word, and so it never passes.
    """
    return len(text) <= _SHOWN_MAX and all(map(_SHOWN.fullmatch, re.split(r"[_. :/-]{1,2}", text)))
