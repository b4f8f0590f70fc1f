"""Answers that never came, in the words of every library: time-outs, resets, cut answers. And whether the call was an
order. Pure: patterns only.

After such an end of an order call the exchange may have accepted the order, whatever the library calls it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from keyctl.diagnosis.marked_lines import lines_with
from keyctl.model.words import Endpoint

# What a library says when a request was sent, or may have been, and no whole answer came back.
_NO_ANSWER = (
    # Python: requests, urllib3, httpx, aiohttp, asyncio, http.client, ccxt
    r"read ?timed? ?out|read operation timed out|ReadTimeout|RequestTimeout|TimeoutError|ServerTimeoutError",
    r"PoolTimeout|WriteTimeout|ReadError|WriteError|RemoteProtocolError|ServerDisconnected|ClientOSError|ClientPayloadError",
    r"RemoteDisconnected|without (?:sending a )?response|Connection aborted|ChunkedEncodingError|IncompleteRead",
    r"Connection broken|ConnectionResetError|ConnectionAbortedError|BrokenPipeError|Broken ?pipe|EndOfStream",
    # JavaScript, Go, Java, C#, curl, PHP
    r"socket hang ?up|ECONNRESET|ETIMEDOUT|ESOCKETTIMEDOUT|EPIPE|ECONNABORTED|timeout of \d+ ?ms exceeded",
    r"i/o timeout|context deadline exceeded|Client\.Timeout exceeded|unexpected EOF|: EOF\b",
    r"SocketTimeoutException|NoHttpResponseException|SocketException|HttpTimeoutException|stream was reset",
    r"TaskCanceledException|HttpClient\.Timeout|TimeoutException|operation (?:has )?timed out|request was canceled",
    r"cURL error (?:28|52|56)|curl: \((?:28|52|56)\)|Empty reply from server|Recv failure",
    # anyone
    r"connection (?:was )?(?:reset|closed|lost|dropped|aborted)|reset by peer",
    r"closed by (?:the )?(?:remote|peer|server)",
    r"(?:request|order|call|connection|response|operation|post) (?:has )?timed[ -]?out|timed[ -]out|\btime-?out\b",
    r"no (?:response|answer|reply)\b|response (?:was )?(?:cut|truncated|incomplete)",
    r"server disconnected|network error while",
    r"请求超时|连接超时|响应超时|超时|連線逾時|连接被重置|连接重置|タイムアウト|시간 ?초과|таймаут",
    r"превышено время ожидания",
)
# Nothing can have been sent: no connection was made at all.
_NO_CONNECTION = (
    r"ConnectTimeout|connect(?:ion)? timeout|ConnectTimeoutError|NewConnectionError|ConnectError|ConnectionRefused",
    r"connection refused|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|getaddrinfo|name or service not known|name resolution",
    r"nodename nor servname|no such host|could not resolve|UnknownHostException|Name does not resolve|No route to host",
    r"ENETUNREACH|EHOSTUNREACH|network is unreachable|CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLHandshake",
    r"cURL error (?:6|7|35|60)|curl: \((?:6|7|35|60)\)|ClientConnectorError|ProxyError|Tunnel connection failed",
)
# Each pattern above has one of these in it, in small letters.
_ANCHORS = (
    "timeout|time-out|timed|error|disconnected|without|abort|incomplete|broken|endofstream|hang|econn|"
    "epipe|eof|deadline|exception|reset|cancel|curl|empty reply|recv failure|connection|closed by|"
    "no response|no answer|no reply|response|超时|逾時|重置|タイムアウト|초과|таймаут|превышено|refused|enotfound|"
    "eai_again|getaddrinfo|not known|resol|no such host|unknownhost|no route|unreach|certificate|"
    "handshake|certverification|tunnel|etimedout"
).split("|")
# Words of time-outs that are an exchange's own sentence, a setting or a figure.
_NOT_LOST = (
    r"timeout waiting for response from backend|gateway time-?out|recvwindow|timeout[\"']?\s*[:=]\s*[\d{]|read timeout="
    r"|enable\w*timeout"
)
_ORDER = (
    r"\b(?:create|place|submit|send|post|put|new|cancel|amend|edit|modify)[_ -]?(?:\w{0,20}[_ -])?orders?\b",
    r"(?i:createOrder|placeOrder|newOrder|submitOrder|sendOrder|cancelOrder|create\w*Order|order_(?:market|limit)\w*)",
    r"/(?:order|orders|batchOrders|batch-orders|algoOrder|order-algo|create_order|cancel_order)\b",
    r"order/(?:submit|cancel|test|new|multi)|create_order\.do|cancel_order\.do",
    r"\border (?:timed|failed|placement|was|has|call|request)",
    r"\b(?:buy|sell|bought|sold|buying|selling|placed|placing)\b",
    r"\borders?\b(?![ -]?book)",
    r"下单|开仓|平仓|买入|卖出|委托|下單|注文|주문|ордер",
)
_ALGO = r"(?i)/algoOrder\b|/order-algo\b|\balgoClOrdId\b|\bclientAlgoId\b"
_PLACING = r"(?i)/v?\d?/?(?:trade/)?order\b|(?:create|place|submit|new|send)[_ ]?\w{0,12}[_ ]?order|order/submit"
_SENT = r"(?i)\bPOST\b|(?:create|place|submit|new|send)[_ ]?\w{0,12}[_ ]?order"
_READ = (
    r"(?i)\bGET\s+https?://|\bfetch_?(?:balance|ticker|ohlcv|markets|time|orders?|positions?|my_?trades)|exchangeInfo"
)


class Lost(NamedTuple):
    """One end without an answer: where, its words, and whether a connection had been made."""

    start: int
    end: int
    words: str
    connected: bool


def lost_in(text: str) -> Iterator[Lost]:
    """Every end without an answer in the text."""
    for start, end in lines_with(text, _ANCHORS):
        for match in _lost().finditer(text, start, end):
            around = text[max(0, match.start() - 30) : match.end() + 45]
            if re.search(_NOT_LOST, around, re.IGNORECASE) and not re.search(r"(?i)timed ?out|ReadTimeout", match[0]):
                continue
            yield Lost(match.start(), match.end(), match[0], match.lastgroup == "answer")


def is_order_call(text: str) -> bool | None:
    """Whether the text speaks of an order; False where it speaks of a read alone, None where it does not say."""
    if re.search(_READ, text) and not re.search(_SENT, text):
        return False
    return True if _order().search(text) else None


def endpoint_in(text: str) -> Endpoint | None:
    """The call that placed the order, where the text names it: that of algo orders, or else that of plain ones."""
    if re.search(_ALGO, text):
        return Endpoint.ALGO
    return Endpoint.ORDER if re.search(_PLACING, text) else None


@cache
def _lost() -> re.Pattern[str]:
    connection, answer = "|".join(_NO_CONNECTION), "|".join(_NO_ANSWER)
    return re.compile(f"(?P<connection>{connection})|(?P<answer>{answer})", re.IGNORECASE)


@cache
def _order() -> re.Pattern[str]:
    return re.compile("|".join(_ORDER), re.IGNORECASE)
