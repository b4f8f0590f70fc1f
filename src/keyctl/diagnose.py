"""From an error code, or an error body that somebody pasted, to what it means. Pure: no network, no store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.catalogue import catalogue
from keyctl.errors import UsageProblem
from keyctl.exchanges import names, profile
from keyctl.masking import hide_beside
from keyctl.plain_text import clean_text

if TYPE_CHECKING:
    from keyctl.errors import KeyctlError
    from keyctl.model import JSON, Diagnosis, Market

# Compiled when first used: most calls name a code and need none of them.
_BODY = r"(?s)[\[{].*[\]}]"
_CODE_IN_WORDS = r"(?i)code[^\w-]{1,4}(-?[0-9]{1,9})"
_LONE_CODE = r"-?[A-Za-z0-9_]{1,40}"
_UUID = r"(?i)\b([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}([0-9a-f]{4})\b"
_LONG_RUN = r"\b([A-Za-z0-9]{4})[A-Za-z0-9+/_-]{24,}([A-Za-z0-9]{4})\b"
_SUCCESS = ("0", "")
_NOTIFICATION_SIZE = 8
# "HTTP/1.1 429", "HTTPError: 429", ccxt's "GET https://... 418", "status code 503", the title of an error page.
_STATUS_IN_WORDS = (
    r"(?i)(?:\bHTTP(?:/[0-9.]+| status| error| code|Error)?[ :=]{1,2}|\b(?:GET|POST|PUT|DELETE) https?://\S+ "
    r"|\bstatus(?:[ _]code)?[ :=]{1,3}|<(?:title|h1|h2)>\s{0,9})([45][0-9]{2})\b"
)
_PAGE = r"(?i)<html|<!doctype html"
# What a content network says on its own pages, and the status that it says it with.
_EDGE_PAGE = r"(?i)error(?: code)?:? (10[0-2][0-9])\b"
_EDGE_LIMIT = "1015"
_NUMBER = r"(?<![\w.:/-])-?[0-9]{3,9}(?![\w./-]|:[0-9])"
# Codes of an offline explanation are explained already.
_EXPLAINED = ("not_in_catalogue", "no_error_code")


@dataclass(frozen=True, slots=True)
class Reported:
    """An error as an exchange wrote it: its code, and its words made safe to show (ids and keys masked)."""

    code: str
    text: str = ""


def explain(exchange: str, error: Reported, market: Market | None = None) -> tuple[Diagnosis, ...]:
    """What the error may mean there, best first; empty when the catalogue does not have it.

    Raises UsageProblem for an exchange that is not shipped.
    """
    return catalogue(exchange).lookup(error.code, market, error.text)


def read_pasted(pasted: str, exchange: str = "") -> Reported:
    """The code and words in a pasted error: an answer's body, a log line that holds one, a code or an HTTP status in
    words, an error page. With an exchange also a number or words of its catalogue; for words the code is empty.

    Raises UsageProblem when there is nothing of that in it, and for an exchange that is not shipped.
    """
    from keyctl.answers import Unreadable, read_json

    found = re.search(_BODY, pasted)
    if found is not None:
        try:
            reported = _from_json(read_json(found[0].encode()))
        except (Unreadable, UnicodeEncodeError):
            reported = None
        if reported is not None:
            return reported
    page = re.search(_PAGE, pasted) is not None
    if (named := re.search(_CODE_IN_WORDS, pasted)) and not page:
        return Reported(named[1], safe_words(pasted[named.end() :].lstrip(" ):,\"'}")))
    if status := re.search(_STATUS_IN_WORDS, pasted):
        return Reported(status[1], safe_words(pasted[status.end() :].lstrip(" ):,")))
    if page and (edge := re.search(_EDGE_PAGE, pasted)):
        return Reported("429" if edge[1] == _EDGE_LIMIT else "403", safe_words(edge[0]))
    if re.fullmatch(_LONE_CODE, pasted.strip()):
        return Reported(pasted.strip())
    if exchange and (known := _known_in(pasted, exchange)) is not None:
        return known
    raise UsageProblem(
        "no error code in the text on stdin",
        "paste the body of the exchange's answer, or name the code: keyctl diagnose EXCHANGE CODE",
        'or look for its words: keyctl diagnose --search "WORDS"',
        code="no_error_code",
    )


def exchange_in(pasted: str) -> tuple[str, Market | None]:
    """The exchange that a pasted text names (as itself, in a host, or in another program's name for it), and the market
    where the name tells it. Raises UsageProblem when it names none or more than one.
    """
    named: dict[str, str] = {}
    for word in re.findall(r"[a-z][a-z0-9]{2,40}", pasted.casefold()):
        for name in names():
            if word.startswith(name):
                named[name] = max(named.get(name, ""), word.removeprefix(name))
    if len(named) != 1:
        raise UsageProblem(
            "the text names no exchange" if not named else "the text names more than one exchange",
            "name it: keyctl diagnose EXCHANGE < answer.txt",
            code="no_exchange",
        )
    ((name, rest),) = named.items()
    return name, _market_in(name, rest, pasted)


def search(text: str, exchange: str | None = None, market: Market | None = None) -> tuple[Diagnosis, ...]:
    """Rows of all catalogues (or of one) in which every word of the text stands; those with it in their meaning first.

    Raises UsageProblem for an exchange that is not shipped, and for a text without a word.
    """
    words = clean_text(text).casefold().split()
    if not words:
        raise UsageProblem("--search needs a word", 'for example: keyctl diagnose --search "ip list"')
    found: list[tuple[bool, Diagnosis]] = []
    for name in [exchange] if exchange else names():
        book = catalogue(name)
        scopes = book.scopes.get(market, ()) if market else ()
        for row in book.rows:
            if market is not None and row.scope not in scopes:
                continue
            first = f"{row.code} {row.name} {row.meaning}".casefold()
            if all(word in f"{first} {row.text_match} {row.likely_causes} {row.fix}".casefold() for word in words):
                found.append((not all(word in first for word in words), row))
    return tuple(row for _, row in sorted(found, key=lambda pair: pair[0]))


def meaning_of(error: KeyctlError) -> str:
    """What the exchange's code in an error means, in one line; empty where there is none or it is explained already."""
    if not error.exchange or not error.exchange_code or error.code in _EXPLAINED or error.exchange not in names():
        return ""
    from keyctl.model import ExchangeError, Market

    told = getattr(error, "error", None) or ExchangeError(error.exchange, 0, error.exchange_code, error.message)
    market = next((item for item in Market if item == error.market), None)
    found = catalogue(error.exchange).lookup(told.code, market, told.text)
    return f"{profile(error.exchange).title} {told.code}: {found[0].meaning}" if found else ""


def safe_words(text: str) -> str:
    """An exchange's words on one line, with anything that may be a key cut to its first and last four characters."""
    shown = hide_beside(clean_text(text))
    return re.sub(_LONG_RUN, r"\1..\2", re.sub(_UUID, r"\1..\2", shown)) if shown else ""


def _known_in(pasted: str, exchange: str) -> Reported | None:
    """The one number in a log line that is a code of that exchange; else the words, where its catalogue has them."""
    codes = {row.code for row in catalogue(exchange).rows}
    found = [match for match in re.finditer(_NUMBER, pasted) if match[0] in codes]
    if len({match[0] for match in found}) == 1:
        return Reported(found[0][0], safe_words(pasted[found[0].end() :].lstrip(" ):,\"'}")))
    words = safe_words(pasted)
    return Reported("", words) if words and catalogue(exchange).lookup("", None, words) else None


def _market_in(name: str, rest: str, pasted: str) -> Market | None:
    """The market that a suffix such as "usdm", or a host, tells."""
    from keyctl.model import Market

    facts = profile(name)
    for market in Market:
        if rest and rest in facts.scopes.get(market, ()) and rest not in facts.scopes[Market.SPOT]:
            return market
    for sites in facts.hosts.values():
        for roles in sites.values():
            for role, host in roles.items():
                if (
                    role in tuple(Market)
                    and host.partition("//")[2] in pasted
                    and list(roles.values()).count(host) == 1
                ):
                    return Market(role)
    return None


def _from_json(value: JSON) -> Reported | None:
    if isinstance(value, list):
        return _from_array(value)
    return _from_object(value) if isinstance(value, dict) else None


def _from_array(value: list[JSON]) -> Reported | None:
    """["error", CODE, TEXT], or a notification [.., CODE, STATUS, TEXT] with a status other than SUCCESS."""
    if len(value) >= 3 and value[0] == "error":
        return Reported(_code(value[1]), _words(value[2]))
    if len(value) >= _NOTIFICATION_SIZE and isinstance(value[6], str) and value[6] != "SUCCESS":
        return Reported(_code(value[5]) or f"NOTIF_{value[6]}", _words(value[7]))
    return None


def _from_object(value: dict[str, JSON]) -> Reported | None:
    """The first element's own code where there is one, else the code at the top, else the error's name."""
    inner = value.get("data")
    for element in inner if isinstance(inner, list) else []:
        if isinstance(element, dict) and _code(element.get("sCode")) not in _SUCCESS:
            sub_code = _code(element.get("subCode"))
            code = _code(element["sCode"]) + (f"_{sub_code}" if sub_code else "")
            return Reported(code, _words(element.get("sMsg")))
    text = next((value[name] for name in ("msg", "message", "error") if isinstance(value.get(name), str)), "")
    for name in ("error_code", "code", "error"):
        if code := _code(value.get(name)):
            return Reported(code, _words(text))
    return Reported("", _words(text)) if text else None


def _code(value: JSON) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return clean_text(str(value), 40)


def _words(value: JSON) -> str:
    return safe_words(value) if isinstance(value, str) else ""
