"""How rows of withdrawals, transfers, logins and changes are read at each exchange. No twin."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from keyctl.exchanges import shipped
from keyctl.exchanges.history import unread_in
from keyctl.exchanges.shipped import load
from keyctl.model.account_events import EventKind, EventsPage
from keyctl.model.credential import Binding
from keyctl.model.wire import Response
from keyctl.model.words import Kind

MOVEMENT: list[Any] = [
    *(13105603, "ETH", "ETHEREUM", None, None, 1569348774000, 1569348774000, None, None, "COMPLETED", None, None),
    *(-0.26300954, -0.00135, None, None, "0x12ab", None, None, None, "0x34cd", None),
]
LOGIN: list[Any] = [1184594, None, 1569348774000, None, "203.0.113.7", None, None, "{}"]
CHANGE: list[Any] = [1569348774000, None, "settings: api key created", None, None, "203.0.113.7", "Mozilla/5.0"]
BILL = {"billId": "12344", "ccy": "BTC", "balChg": "-2", "bal": "12", "type": "2", "ts": "1597026383085"}


def read(exchange: str, step: int, *rows: Any) -> EventsPage:
    body: Any = {"code": "0", "data": list(rows), "msg": ""} if exchange == "okx" else list(rows)
    found = load(Binding(exchange, Kind.LIVE, "global", None, None))
    assert found.history is not None
    return found.history.reads(0, 1)[step].read(Response(200, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(("amount", "kind", "where"), [(-0.263, "withdrawal", "to"), (2, "deposit", "at")])
def test_a_movement_at_bitfinex_is_a_withdrawal_where_it_is_below_zero(amount: float, kind: str, where: str) -> None:
    row = [*MOVEMENT]
    row[12] = amount
    (event,) = read("bitfinex", 0, row).events
    assert (event.kind, event.amount, event.currency) == (kind, Decimal(str(amount)), "ETH")
    assert (event.words, event.at_ms, event.event_id) == (f"completed {where} 0x12ab", 1569348774000, "13105603")


def test_a_login_and_a_change_at_bitfinex_name_their_ip_address() -> None:
    (login,), (change,) = read("bitfinex", 1, LOGIN).events, read("bitfinex", 2, CHANGE).events
    assert (login.kind, login.ip_address, login.words) == (EventKind.LOGIN, "203.0.113.7", "")
    assert (change.kind, change.ip_address, change.words) == (
        EventKind.CHANGE,
        "203.0.113.7",
        "settings: api key created",
    )


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("1", "deposit"),
        ("2", "withdrawal"),
        ("20", "transfer"),
        ("131", "transfer"),
        ("13", "change"),
        ("9999", "change"),
    ],
)
def test_a_bill_at_okx_is_of_the_kind_that_its_type_says(number: str, kind: str) -> None:
    (event,) = read("okx", 0, BILL | {"type": number}).events
    assert (event.kind, event.amount, event.currency, event.at_ms) == (kind, Decimal(-2), "BTC", 1597026383085)
    assert number in ("9999",) or "type" not in event.words


@pytest.mark.parametrize("row", [[], [1, "BTC"], "text", [*MOVEMENT[:12], "x", *MOVEMENT[13:]], {}])
def test_a_row_that_cannot_be_read_is_odd_beside_the_others(row: Any) -> None:
    page = read("bitfinex", 0, MOVEMENT, row)
    assert (len(page.events), len(page.odd)) == (1, 1)


@pytest.mark.parametrize("change", [{"ts": "0x1"}, {"balChg": ""}, {"type": None}, {"ts": "9" * 20}])
def test_a_bill_that_cannot_be_read_is_odd(change: dict[str, Any]) -> None:
    assert len(read("okx", 0, BILL | change).odd) == 1


def test_a_full_page_may_not_be_all() -> None:
    rows = [BILL | {"billId": str(number)} for number in range(100)]
    assert read("okx", 0, *rows).full and not read("okx", 0, *rows[1:]).full


@pytest.mark.parametrize("name", shipped.names())
def test_whatever_is_not_read_has_its_reason_and_all_reads_are_shipped_ones(name: str) -> None:
    exchange = load(Binding(name, Kind.LIVE, shipped.profile(name).site_default, None, None))
    history = exchange.history
    requests = [] if history is None else [read.request for read in history.reads(1_700_000_000_000, 1_700_000_060_000)]
    assert requests or set(unread_in(history)) == set(EventKind)
    assert history is None or len(history.lists) == len(requests)
    assert EventKind.WITHDRAWAL in unread_in(history) or requests
    readable = {(entry.method, entry.path) for entry in exchange.profile.readable}
    assert {(request.method, request.path) for request in requests} <= readable
    assert all(request.repeatable and request.private for request in requests)
