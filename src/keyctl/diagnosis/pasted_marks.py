"""Numbers that a text itself makes a code or an HTTP status, and words of pages and of accepted orders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from keyctl.diagnosis.marked_lines import lines_with

# What HTTP itself says beside a status: no words of the exchange.
REASONS = re.compile(
    r"(?i)\b[45]\d\d\b.{0,20}(?:too many requests|bad request|unauthorized|forbidden|service unavailable)"
)
LONE_CODE = r"-?[0-9]{1,6}(?:_[0-9]{1,5})?|ERR_[A-Z_]{1,36}|HTTP ?[45][0-9]{2}"
# "NAME -2015", "NAME: 50111 Invalid ...": the number first, and no other figure after it.
SHORT_LINE = r"[\s:,#(\[-]{1,3}?(-?[0-9]{2,6})(?![\w.,:/%-])(?:\W+(?!ms\b|s\b|usd|btc|eth|x\b)[^\d]*)?\W*$"
# What says that an order is at the exchange: in unified answers of libraries, in bodies of others, in words of logs.
ACCEPTED = (
    r"""["']status["']\s*:\s*["'](?:NEW|FILLED|PARTIALLY_FILLED|open|closed)["']"""
    r"""|["']SUCCESS["']|\b(?:ordId|orderId|order_id)["']?\s{0,2}[:=]\s{0,2}["']?[0-9A-Za-z-]{6,}"""
    r"""|\bsCode["']?\s{0,2}[:=]\s{0,2}["']?0\b"""
    r"""|(?i:\border (?:was )?(?:successfully )?(?:accepted|filled)\b)"""
)
# What leaves open what became of an order, beside a rejection: the state of another one, and another try.
STATES = re.compile(
    r"\b(?:NEW|FILLED|PARTIALLY_FILLED|SUCCESS|EXECUTED|PARTIAL(?:LY)?)\b"
    r"|\d{6,}\W{1,3}(?i:is |was )?(?i:live|open|active)\b|成交"
)
TRIES = re.compile(
    r"(?i)\b(?:partial(?:ly)? fill\w*|filled|accepted|attempts?|retr(?:y|ies|ied|ying)|again|resen[dt]\w*|hung|stuck"
    r"|(?:1st|2nd|3rd|first|second|third|next|last) (?:try|order)|g[ia]ven? up|unanswered|never (?:came|answered))\b"
    r"|重试|再次|重新"
)
_UNIT = r"(?!\d|[.,]\d|%|\s*(?:ms|msec|s|sec|seconds?|min|usdt?|usdc|btc|eth|eur|x|kb|mb|lots?|contracts?|times|of)\b)"
_CODE = re.compile(
    r"""(?ix)
    (?: \(\s*(?P<http>[1-5]\d\d)\s*,\s*(?P<tuple>-?\d{3,6})\s*,\s*["']            # (401, -2015, '...
      | \(\#(?P<hash>\d{3,6})\)                                                   # permission invalid(#10001)
      | (?:s_?code|err(?:or)?[ _-]?(?:code|no|number|num)|err_?code|ret_?code|code|错误码|错误代码|錯誤碼|エラーコード)
        ["']?\s{0,2}[:=\#(\[是为：]{0,3}\s{0,2}["']?(?P<coded>-?\d{1,6}(?:_\d{1,4})?)["']?
      | (?<![a-z])(?:api)?(?:error|exception)\b["']?[\s:\#(\[=]{1,3}(?P<error>-?\d{4,6})
      | (?P<symbol>\bERR_[A-Z]{2,16}(?:_[A-Z]{2,16}){0,3}\b)
    )"""
    + _UNIT
)
# Codes of other things.
_OTHER = re.compile(
    r"(?i)(?:status|exit|return|respon[sc]e|http|close|country|zip|promo|invite|referral|currency|asset|symbol|qr|source"
    r"|machine|byte|process|shortcut|op|auth|verification|sms|2fa)[ _-]*$"
)
_STATUS = re.compile(r"(?<![\w.,:/-])[45]\d\d(?![\w-]|[.,:]\d|\s*ms\b)")
_STATUS_BEFORE = re.compile(
    r"""(?ix)
    (?: \bHTTP(?:/[0-9.]+|\ ?status|\ error|\ code|Error)?(?:\ (?:is|code))?[\s:=]{1,3}
      | \b(?:GET|POST|PUT|DELETE)\ https?://\S+\s | \bstatus(?:[ _]?code)?["']?(?:\ (?:is|of))?[\s:=(\[]{1,3}["']?
      | \bResponse\ \[ | <(?:title|h1|h2)>\s{0,9}(?:[\w.-]{1,60}\s\|\s)? | \bError\ code:?\s
      | (?:https?://|\bapi[\w-]*\.)[\w./?=&%-]+\s
    )$"""
)
_STATUS_AFTER = re.compile(
    r"(?i)\s(?:(?:client|server) error|bad gateway|service (?:temporarily )?unavailable|gateway time-?out|forbidden"
    r"|unauthori[sz]ed|too many requests|internal server error|bad request|web server|unavailable for)"
)
_CODE_ANCHORS = ("code", "error", "exception", "(#", "err_", "errno", "错误", "錯誤", "コード", ", '", ', "')
_PAGE = re.compile(r"(?i)<html|<!doctype html")
# What content networks say on their own pages, and the status that they say it with.
_EDGE_CODE = re.compile(r"(?i)error(?: code)?:? (10[0-2][0-9])\b")
_EDGE_WORDS = re.compile(
    r"(?i)you have been blocked|attention required! \| cloudflare|request could not be satisfied|checking your browser"
    r"|access denied|incapsula incident|request blocked"
)
_EDGE_LIMIT = "1015"


# A number with words after it: a code only where they are the exchange's own for it.
_BEFORE_WORDS = re.compile(r"(?<![\w.,:/%-])(-?\d{4,6})(?=[\s:,)\]\"'=-]{1,4}[A-Za-z])(?=([^\n]{0,300}))")


class Mark(NamedTuple):
    """A number in the text that is a code, with the HTTP status beside it (0: none). `sure`: called a code outright."""

    start: int
    end: int
    code: str
    status: int = 0
    sure: bool = False


def codes_in(text: str) -> Iterator[Mark]:
    """Every number that the text calls a code or an error."""
    for match in _codes(text):
        if match["coded"] and _OTHER.search(text[max(0, match.start() - 16) : match.start()]):
            continue
        kind = match.lastgroup or ""
        code = match[kind]
        status = int(match["http"]) if match["http"] else 0
        if code in ("0", "200"):
            continue
        yield Mark(match.start(), match.end(kind), code, status, kind in ("coded", "tuple", "symbol"))


def _codes(text: str) -> Iterator[re.Match[str]]:
    for start, end in lines_with(text, _CODE_ANCHORS):
        yield from _CODE.finditer(text, start, end)


def before_words_in(text: str) -> Iterator[tuple[Mark, str]]:
    """Every number that words follow, with the rest of its line."""
    for match in _BEFORE_WORDS.finditer(text):
        yield Mark(match.start(), match.end(), match[1]), match[2]


def statuses_in(text: str) -> Iterator[Mark]:
    """Every HTTP status of an error that the text tells as one."""
    for match in _STATUS.finditer(text):
        before, after = text[max(0, match.start() - 160) : match.start()], text[match.end() : match.end() + 40]
        if _STATUS_BEFORE.search(before) or _STATUS_AFTER.match(after):
            yield Mark(match.start(), match.end(), match[0], int(match[0]))


def is_page(text: str) -> bool:
    """Whether the text has a page for people in it."""
    return _PAGE.search(text) is not None


def edge_in(text: str) -> Mark | None:
    """The status of a content network's own page."""
    if (match := _EDGE_CODE.search(text)) and is_page(text):
        status = 429 if match[1] == _EDGE_LIMIT else 403
        return Mark(match.start(), match.end(), str(status), status)
    if (match := _EDGE_WORDS.search(text)) and is_page(text):
        return Mark(match.start(), match.end(), "403", 403)
    return None
