"""The fault matrix of the safety notes as data: each row with how it is made, what comes of it, and the exit alone."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from keyctl.errors import ExitCode
from keyctl.journal.legs import Journal
from keyctl.orders import fanout, leverage
from keyctl.twin.faults import FaultKind
from tests.support import breakage as make
from tests.support import broken_stores as stores
from tests.support.bench import FUTURES, LBANK_CONTRACTS, PLACES, RAW_BODY, WAITING, Cell, Place

OK, REFUSED, UNREACHED, UNKNOWN = ExitCode.OK, ExitCode.REFUSED, ExitCode.UNREACHED, ExitCode.UNKNOWN
CHECK, STORE, INTERRUPTED = ExitCode.CHECK, ExitCode.STORE, ExitCode.INTERRUPTED


@dataclass(frozen=True)
class Row:
    """One fault: its section in the notes, its name, its maker, the leg's outcome and the exit code of it alone.

    `taken`: orders that the venue takes (None: any). `then`: outcome and exit of `orders settle --wait`, so many
    seconds of `wait` later. `differs`: what is otherwise at one exchange, on its perpetuals ("okx futures"), with stops
    ("stop") or with those of one exchange ("okx stop"), and why. `others`: what becomes of a healthy lane. `on_disk`:
    the leg's state in the journal where it does not follow from the outcome; "" is not looked at. `places`: where the
    row runs.
    """

    section: str
    name: str
    make: make.Maker
    outcome: str
    alone: ExitCode
    taken: int | None = 0
    then: tuple[str, ExitCode] | None = None
    wait: int = 0
    differs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    others: str = "accepted"
    on_disk: str | None = None
    after: Callable[[Cell, Any], None] | None = None
    places: tuple[Place, ...] = PLACES

    def at(self, place: Place) -> Row:
        """The row as it is at one place."""
        changes: dict[str, Any] = {}
        for name in place.names:
            changes |= self.differs.get(name, {})
        return replace(self, **changes)

    @property
    def together(self) -> ExitCode:
        """The exit code when a healthy exchange takes its part of the same plan."""
        partial = (REFUSED, UNREACHED, CHECK)
        return ExitCode.PARTIAL if self.others == "accepted" and self.alone in partial else self.alone


def not_sent(section: str, name: str, maker: make.Maker, **changes: Any) -> Row:
    """Proven not sent: nothing has left."""
    return Row(section, name, maker, "not_sent", UNREACHED, **changes)


def found(section: str, name: str, maker: make.Maker, **changes: Any) -> Row:
    """Taken, no clear answer, and found by looking."""
    return Row(section, name, maker, "accepted", OK, taken=1, **changes)


def lost(section: str, name: str, maker: make.Maker, **changes: Any) -> Row:
    """Not taken, no clear answer: unknown until its absence is proven."""
    return Row(section, name, maker, "unknown", UNKNOWN, **{"then": ("not_sent", UNREACHED), **changes})


def _cooled_down(cell: Cell, row: Row) -> None:
    """The next command obeys: it does not call the exchange at all."""
    calls = len(cell.venue.calls.lines)
    other = (*cell.buying("0.1", "--price", "2900", coin="ETH"), "-a", cell.label, "--yes")
    refused = cell.bench.run(*other)
    assert refused.exit_code == UNREACHED
    assert refused.document["errors"][0]["code"] == "cooling_down"
    assert len(cell.venue.calls.lines) == calls


def _nothing_changed(cell: Cell, row: Row) -> None:
    """No call went out that could change an account: no setting either."""
    assert [line.operation for line in cell.venue.calls.lines if line.changes] == []


PAGE = f"<html><h1>{RAW_BODY}</h1>\x1b[31m\u202e</html>"
SEEN_AT_12 = make.hidden(12)

CONNECTING = [
    not_sent("refused", "closed port", make.refused),
    not_sent("refused", "RST at accept", make.fault(FaultKind.RESET_ACCEPT, operation=None, times=None)),
    not_sent("DNS failure", "a name that ends in .invalid", make.no_such_name),
    not_sent("connect time-out", "full backlog", make.full_backlog),
    Row("TLS", "a good certificate, to compare", make.certificate("a good certificate"), "accepted", OK, taken=1),
    *(
        not_sent("TLS", what, make.certificate(what))
        for what in ("an unknown CA", "another host's certificate", "an expired certificate", "a plain-text port")
    ),
    not_sent("proxy refusal", "SOCKS5 says not allowed", make.proxy("socks5", b"\x05\x02\0\x01\0\0\0\0\0\0")),
    not_sent("proxy refusal", "CONNECT says 407", make.proxy("http", b"HTTP/1.1 407 Who\r\n\r\n")),
    not_sent("proxy refusal", "no proxy there", make.proxy("socks5", None)),
]

SENDING = [
    lost("write error or time-out", "RST after the request line", make.fault(FaultKind.RESET_UNREAD)),
    found("taken, then lost", "silence", make.fault(FaultKind.HANG_AFTER)),
    found("taken, then lost", "RST before the headers", make.fault(FaultKind.RESET_AFTER)),
    found("taken, then lost", "RST in the headers", make.fault(FaultKind.RESET_HEAD)),
    found("taken, then lost", "RST in the body", make.fault(FaultKind.RESET_BODY)),
    found("taken, then lost", "half a body", make.fault(FaultKind.HALF_BODY)),
    lost("not taken, then silence", "silence", make.fault(FaultKind.HANG_BEFORE)),
    lost("not taken, then silence", "RST", make.fault(FaultKind.RESET_BEFORE)),
    found("without an end", "drip", make.fault(FaultKind.DRIP, seconds=0.05)),
    found("without an end", "endless headers", make.fault(FaultKind.ENDLESS_HEAD)),
    found("without an end", "gzip bomb", make.fault(FaultKind.GZIP_BOMB)),
    found("without an end", "a body of 1 GiB", make.fault(FaultKind.ENDLESS_BODY)),
    lost("without an end", "gzip bomb, not taken", make.fault(FaultKind.GZIP_BOMB, taken=False)),
    lost("without an end", "drip, not taken", make.fault(FaultKind.ANSWER, status=200, body="{")),
]

LIMITED = {
    "binance": (429, {"code": -1015, "msg": "Too many new orders; current limit is 10 orders per TEN_SECONDS."}),
    "bitfinex": (429, {"error": "ERR_RATE_LIMIT"}),
    "lbank": (429, {"result": "false", "error_code": 10004, "msg": "Request too frequent", "ts": 1}),
    "okx": (429, {"code": "50011", "msg": "Too Many Requests", "data": []}),
}
STATUSES = [
    Row(
        "429, 418", "429 with the exchange's own words", make.answer(LIMITED), "rejected", REFUSED,
        # LBank answers 200 there; with another status its code proves nothing.
        differs={"lbank": {"outcome": "unknown", "alone": UNKNOWN, "then": ("not_sent", UNREACHED)}},
        after=_cooled_down,
    ),
    lost("429, 418", "429, Retry-After 7", make.fault(FaultKind.RATE_LIMIT, retry_after=7), after=_cooled_down),
    lost("429, 418", "429 without Retry-After", make.fault(FaultKind.RATE_LIMIT), after=_cooled_down),
    lost(
        "429, 418", "418, Retry-After 1000", make.fault(FaultKind.RATE_LIMIT, status=418, retry_after=1000),
        after=_cooled_down, wait=1000,
    ),
    *(
        lost("500-530, HTML", f"{status}, not taken", make.fault(FaultKind.HTML, status=status, body=PAGE))
        for status in (500, 502, 503, 504, 520, 530)
    ),
    *(
        found("500-530, HTML", f"{status}, taken", make.fault(FaultKind.HTML, status=status, body=PAGE, taken=True))
        for status in (500, 502, 503, 504, 522)
    ),
    *(
        lost("3xx", f"{status}", make.redirect(status), after=make.second_server_saw_nothing)
        for status in (301, 302, 303, 307, 308)
    ),
    lost("4xx not in the catalogue", "403, HTML", make.fault(FaultKind.HTML, status=403, body=PAGE)),
    lost("4xx not in the catalogue", "401, empty", make.fault(FaultKind.ANSWER, status=401)),
    lost(
        "4xx not in the catalogue", "400, odd JSON",
        make.fault(FaultKind.ANSWER, status=400, body='{"code":424242,"msg":"[/] [link=x]\x1b[31m"}'),
    ),
    found("4xx not in the catalogue", "400, taken", make.fault(FaultKind.ANSWER, status=400, body="{}", taken=True)),
    Row("catalogued refusal", "no funds", make.unfunded, "rejected", REFUSED),
]  # fmt: skip

BODIES = {
    "no JSON": "\x00 not an answer {",
    "cut": '{"orderId": 1, "clientOrd',
    "BOM": "\ufeff{}",
    "NaN": '{"code": NaN}',
    "5,000-digit integer": '{"orderId": ' + "9" * 5000 + "}",
    "100,000 brackets": "[" * 100_000,
    "huge exponent": '{"orderId": 1E999999999}',
    "duplicate keys": '{"orderId": 1, "orderId": 2}',
    "empty": " ",
}
GZIP = (("Content-Encoding", "gzip"),)
_NO_ECHO = {"outcome": "accepted", "alone": OK, "then": None}
_WITHOUT_ECHO = {"id": (), "symbol": ("okx",), "side": ("okx", "lbank")}
_ELSEWHERE = {"then": ("accepted", OK), "taken": 1}
UNREADABLE = [
    *(found("200 unreadable", name, make.fault(FaultKind.GARBAGE, body=body)) for name, body in BODIES.items()),
    found("200 unreadable", "bad gzip", make.fault(FaultKind.GARBAGE, body="no gzip", headers=GZIP)),
    lost("200 unreadable", "cut, not taken", make.fault(FaultKind.GARBAGE, body=BODIES["cut"], taken=False)),
    *(
        lost(
            "200 with another", what, make.both(make.fault(FaultKind.WRONG_ECHO, what=what), SEEN_AT_12),
            **_ELSEWHERE, differs={exchange: _NO_ECHO for exchange in without},
        )
        for what, without in _WITHOUT_ECHO.items()
    ),
    found("200 with another", "two answers", make.fault(FaultKind.DOUBLE)),
]  # fmt: skip

DUPLICATE = {
    "binance": (400, {"code": -2010, "msg": "Duplicate order sent."}),
    "bitfinex": (500, ["error", 10001, "Invalid order: duplicate cid"]),
    "lbank": (200, {"result": "false", "error_code": 10036, "msg": "Duplicate customized ID", "ts": 1}),
    "okx": (
        200,
        {"code": "1", "msg": "", "data": [{"clOrdId": "", "ordId": "", "sCode": "51016", "sMsg": "exists"}]},
    ),
    "binance stop": (400, {"code": -4116, "msg": "ClientOrderId is duplicated."}),
    "okx stop": (
        200,
        {"code": "1", "msg": "", "data": [{"algoClOrdId": "", "algoId": "", "sCode": "51065", "sMsg": "exists"}]},
    ),
}
IMMEDIATE = make.ordering("0.005", "--price", "60100", "--tif", "ioc")
ORDERS = [
    found("order visible late", "after 0.1 s", make.both(make.hidden(0.1), make.fault(FaultKind.RESET_AFTER))),
    *(
        lost(
            "order visible late", f"after {seconds} s",
            make.both(make.hidden(seconds), make.fault(FaultKind.RESET_AFTER)), **_ELSEWHERE,
        )
        for seconds in (5, 12, 17)
    ),
    # The absence rule (window, 12 s, three looks) is over after 21 s, at Bitfinex after 46 s. What shows later has
    # counted as never taken by then: it is the rule's own limit, and the reason why `absent` is final and never resent.
    *(
        lost(
            "order visible late", f"after {seconds} s, past the rule",
            make.both(make.hidden(seconds), make.fault(FaultKind.RESET_AFTER)), taken=1,
        )
        for seconds in (60, 120)
    ),
    found("duplicate id to a first send", "a copy is there", make.answer(DUPLICATE, taken=True)),
    lost("duplicate id to a first send", "no copy is there", make.answer(DUPLICATE)),
    Row(
        "partial fill", "IOC filled in part, the rest cancelled",
        make.both(IMMEDIATE, make.asks_after_claim("60050", "0.002")), "accepted", OK, taken=1,
    ),
    Row(
        "partial fill", "IOC without a fill", make.both(IMMEDIATE, make.asks_after_claim("61000")),
        "rejected", REFUSED, taken=1,
    ),
    Row(
        "post-only", "would take",
        make.both(make.ordering("0.002", "--price", "58000", "--post-only"), make.asks_after_claim("57000")),
        "rejected", REFUSED, taken=None,
    ),
]  # fmt: skip

_NO_TIME = {"bitfinex": {"outcome": "accepted", "alone": OK, "taken": 1}}  # nothing signed there carries a time
# LBank's answer to an old stamp (10600) names a filter against repeated requests: it does not prove a refusal.
_LATE = {**_NO_TIME, "lbank": {"outcome": "unknown", "alone": UNKNOWN, "then": ("not_sent", UNREACHED), "wait": 60}}
# While its clock and ours are a minute apart, nothing proves that an order was never accepted.
_APART = {**_NO_TIME, "lbank": {"outcome": "unknown", "alone": UNKNOWN, "then": ("unknown", UNKNOWN), "wait": 60}}
TIMES = [
    Row("clock off", "5 s", make.clock_off(5_000), "accepted", OK, taken=1),
    *(
        Row("clock off", f"{seconds} s", make.clock_off(seconds * 1000), "not_sent", CHECK)
        for seconds in (60, -60)
    ),
    *(
        Row("clock off", f"jump by {seconds} s", make.clock_jump(seconds), "rejected", REFUSED, differs=_APART)
        for seconds in (60, -60)
    ),
    Row("suspend", "60 s after the claim", make.sleep_at(Journal, "claim", 60), "accepted", OK, taken=1),
    Row(
        "suspend", "60 s with the bytes on their way", make.sleep_on_the_way(60), "rejected", REFUSED,
        differs=_LATE,
    ),
    Row("suspend", "60 s with the answer on its way", make.sleep_when_taken(60), "accepted", OK, taken=1),
    found(
        "suspend", "an hour, and the answer lost",
        make.both(make.sleep_when_taken(3600), make.fault(FaultKind.RESET_AFTER)),
    ),
]  # fmt: skip
STEPS = ((Journal, "claim"), (fanout, "_write_all"), (fanout, "_answer"), (Journal, "record"))
ENDS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED, signal.SIGHUP: INTERRUPTED}
SIGNALS = [
    *(
        Row("signals", f"{number.name} before the claim", make.signal_at(number, Journal, "add_plan"), "not_sent", end,
            others="not_sent", after=_nothing_changed)
        for number, end in ENDS.items()
    ),
    *(
        Row("signals", f"{number.name} at {name.strip('_')}", make.signal_at(number, owner, name),
            "accepted", end, taken=1)
        for number, end in ENDS.items()
        for owner, name in STEPS
    ),
    lost(
        "signals", "SIGINT and no answer",
        make.both(make.signal_at(signal.SIGINT, fanout, "_answer"), make.fault(FaultKind.RESET_BEFORE)),
    ),
]  # fmt: skip
STORES = [
    *(
        Row("disk full", f"{how} before the claim", maker("claim"), "not_sent", STORE, others="not_sent")
        for how, maker in (("RLIMIT_FSIZE", stores.disk_full_at), ("SQLITE_FULL", stores.out_of_room_at))
    ),
    *(
        Row("disk full", f"{how} after the send", maker("record"), "accepted", UNKNOWN, taken=1, on_disk="sent",
            then=("accepted", OK))
        for how, maker in (("RLIMIT_FSIZE", stores.disk_full_at), ("SQLITE_FULL", stores.out_of_room_at))
    ),
    Row("journal", "locked", stores.locked, "not_sent", STORE, others="not_sent", on_disk=""),
    Row("journal", "locked at the claim", stores.locked_at_claim, "not_sent", STORE, others="not_sent"),
    Row("journal", "damaged", stores.damaged, "not_sent", STORE, others="not_sent", on_disk=""),
    Row("journal", "newer", stores.newer, "not_sent", STORE, others="not_sent", on_disk=""),
]  # fmt: skip
OTHERS = [
    not_sent(
        "maintenance at one exchange", "503 page",
        make.fault(FaultKind.HTML, operation=None, status=503, body=PAGE, times=None),
    ),
    not_sent(
        "limit at one exchange", "429 to each call", make.fault(FaultKind.RATE_LIMIT, operation=None, times=None),
    ),
]  # fmt: skip


def _can_go_later(cell: Cell, row: Row) -> None:
    """The setting was sent once and no order followed; when the venue is well again, the rest of the plan goes out."""
    cell.world.twin.faults.clear()
    calls = Counter(line.operation for line in cell.venue.calls.lines if line.changes)
    assert calls == {"leverage": 1}
    ((plan, state),) = [(plan, state) for plan, account, state in cell.bench.legs() if account == cell.label]
    assert state == "planned"
    later = cell.bench.run("order", "--plan", plan, "--yes", *cell.agreed(1))
    assert later.exit_code == OK, later.stdout
    assert set(cell.world.placements().values()) == {1} and len(cell.world.placements()) == cell.lanes


def unset(name: str, maker: make.Maker, **changes: Any) -> Row:
    """The leverage is not confirmed, so the leg is not sent. At Bitfinex it travels with the order."""
    return not_sent("leverage call", name, maker, **{"places": SETTING, "after": _can_go_later, **changes})


SETTING = (Place("binance", FUTURES), Place("okx", FUTURES), LBANK_CONTRACTS)
LEVERAGE = [
    unset("502, HTML", make.setting(FaultKind.HTML)),
    unset("500, odd JSON", make.setting(FaultKind.ANSWER, status=500, body='{"code":424242,"msg":"[/]"}')),
    unset("hangs, not set", make.hanging(FaultKind.HANG_BEFORE)),
    unset("hangs, set", make.hanging(FaultKind.HANG_AFTER)),
    unset("RST, set", make.setting(FaultKind.RESET_AFTER)),
    unset("RST, not set", make.setting(FaultKind.RESET_BEFORE)),
    unset("lies", make.setting(FaultKind.LIES)),
    unset("echoes another", make.setting(FaultKind.ECHO_OTHER)),
    unset("an object without anything", make.setting(FaultKind.GARBAGE, body="{}")),
    unset("no JSON", make.setting(FaultKind.GARBAGE, body=BODIES["no JSON"])),
    unset("redirect", make.setting(FaultKind.REDIRECT, location="http://127.0.0.1:1/")),
    unset("set, and 502 to the read-back", make.read_back(FaultKind.HTML)),
    unset("set, and the read-back is no JSON", make.read_back(FaultKind.GARBAGE, body=BODIES["no JSON"])),
    unset("set, and the read-back tells another", make.read_back(FaultKind.ECHO_OTHER)),
    Row(
        "leverage call", "SIGINT before it", make.signal_at(signal.SIGINT, leverage, "_confirm"), "not_sent",
        INTERRUPTED, others="not_sent", places=SETTING, after=_nothing_changed,
    ),
    Row(
        "leverage call", "SIGINT at its read-back", make.signal_at(signal.SIGINT, leverage, "futures_state"),
        "not_sent", INTERRUPTED, others="not_sent", places=SETTING,
    ),
]  # fmt: skip

# LBank's contract orders: look-ups can find an order there, and nothing proves that one was never taken.
_STAYS_OPEN: Mapping[str, Any] = {"then": ("unknown", UNKNOWN)}
AT_LBANK: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("taken, then lost", "silence"): {},
    ("taken, then lost", "RST before the headers"): {},
    ("taken, then lost", "half a body"): {},
    ("write error or time-out", "RST after the request line"): _STAYS_OPEN,
    ("not taken, then silence", "silence"): _STAYS_OPEN,
    ("not taken, then silence", "RST"): _STAYS_OPEN,
    ("500-530, HTML", "502, not taken"): _STAYS_OPEN,
    ("500-530, HTML", "502, taken"): {},
    ("4xx not in the catalogue", "403, HTML"): _STAYS_OPEN,
    ("200 unreadable", "cut"): {},
    ("200 unreadable", "cut, not taken"): _STAYS_OPEN,
    ("200 with another", "id"): {"wait": 12},
    ("200 with another", "side"): {"wait": 12, "outcome": "unknown", "alone": UNKNOWN, "then": ("accepted", OK)},
    ("order visible late", "after 12 s"): {"wait": 12},
    ("signals", "SIGINT at claim"): {},
    ("journal", "locked at the claim"): {},
}


# Stops that wait in an id space of their own. They go through every row in which the order may have left, or what is on
# disk is read again to look it up. Left out is what ends before the order's kind is known to anybody.
NOT_OF_A_KIND = {
    *("refused", "DNS failure", "connect time-out", "TLS", "proxy refusal", "journal"),
    *("maintenance at one exchange", "limit at one exchange", "leverage call"),
}
NOT_OF_STOPS: Mapping[tuple[str, str], str] = {
    ("catalogued refusal", "no funds"): "nobody looks at funds before the trigger is reached",
    ("partial fill", "IOC filled in part, the rest cancelled"): "OKX's go to the book as good-till-cancel only",
    ("partial fill", "IOC without a fill"): "as above",
    ("post-only", "would take"): "as above",
}


def _filled(cell: Cell, row: Row) -> None:
    """The fill is the one of the order that it became."""
    stored = cell.bench.run("orders", "list").data["orders"]
    assert [order["filled"] for order in stored if order["account"] == cell.label] == ["0.002"], stored


def _well_again(cell: Cell, row: Row) -> None:
    cell.world.twin.faults.clear()


_FIRED_UNSEEN = make.both(make.fault(FaultKind.RESET_AFTER), make.fires_when_taken("61000"))
OF_STOPS = [
    Row(
        "catalogued refusal", "the market has passed the trigger", make.passed_after_claim("61000"), "rejected",
        REFUSED, places=WAITING,
    ),
    found("trigger reached", "and the answer comes", make.fires_when_taken("61000"), places=WAITING),
    found("trigger reached", "and the answer is lost", _FIRED_UNSEEN, after=_filled, places=WAITING),
    lost(
        "trigger reached", "the answer is lost, what it became unreadable",
        make.both(_FIRED_UNSEEN, make.became_unreadable), taken=1, then=("accepted", OK), after=_well_again,
        places=WAITING,
    ),
    # A late copy lives for 30 s there, not for the 5 s of other orders: at 21 s nothing is proven yet.
    lost(
        "order visible late", "after 35 s, within the rule for OKX's stops",
        make.both(make.hidden(35), make.fault(FaultKind.RESET_AFTER)), **_ELSEWHERE,
        places=tuple(place for place in WAITING if place.exchange == "okx"),
    ),
]  # fmt: skip


def _with_lbank(row: Row) -> Row:
    changes = AT_LBANK.get((row.section, row.name))
    if changes is None:
        return row
    return replace(row, places=(*row.places, LBANK_CONTRACTS), differs={**row.differs, "lbank futures": changes})


def _with_stops(row: Row) -> Row:
    left_out = row.section in NOT_OF_A_KIND or (row.section, row.name) in NOT_OF_STOPS
    return row if left_out else replace(row, places=(*row.places, *WAITING))


_EVERYWHERE = (
    *CONNECTING, *SENDING, *STATUSES, *UNREADABLE, *ORDERS, *TIMES, *SIGNALS, *STORES, *OTHERS, *LEVERAGE,
)  # fmt: skip
ROWS = (*(_with_stops(_with_lbank(row)) for row in _EVERYWHERE), *OF_STOPS)
