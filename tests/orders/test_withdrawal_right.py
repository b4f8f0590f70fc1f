"""Whether a key may withdraw: read again each hour where real money is, and what serves when it cannot be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyctl.errors import CheckFailed, NoAnswer
from keyctl.model.size import read_number
from keyctl.model.words import Kind, Side, TimeInForce
from keyctl.network.session import READ_TRIES, Session
from keyctl.orders.key_rights import LIVE_SECONDS, USABLE_SECONDS, rights_of
from keyctl.orders.preflight import Look, look
from keyctl.orders.venue_reads import Shared
from keyctl.orders.wish import Wish
from keyctl.twin.faults import FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.world import ALL, RIGHTS, World

MINUTE = 60
WISH = Wish("BTC/USDT", Side.BUY, read_number("0.01", "size"), None, None, TimeInForce.IOC, False, None)
REFUSALS = {
    "binance": (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
    "bitfinex": (500, ["error", 10100, "apikey: invalid"]),
    "lbank": (200, {"result": "false", "error_code": 10022, "msg": "API key permission denied"}),
    "okx": (401, {"code": "50119", "msg": "API key doesn't exist", "data": []}),
}
# A key's rights with something in them that this version has never heard of, and whether withdrawing is told.
ODD_RIGHTS: dict[str, tuple[Any, bool]] = {
    "binance": ({"enableReading": True, "enableWithdrawals": False, "permitsTimeTravel": True}, True),
    "bitfinex": ([["orders", 1, 1], ["wallets", 1, 0], ["teleport", 0, 1]], False),
    "lbank": ({"result": "true", "error_code": 0, "data": {"enableReading": True, "enableTeleport": True}}, False),
    "okx": ({"code": "0", "msg": "", "data": [{"perm": "read_only,trade,teleport", "acctLv": "1"}]}, False),
}


class Desk:
    """One account at each venue, on a clock that tests move, taken as one of that kind."""

    def __init__(self, folder: Path) -> None:
        self.clock = ShiftedClock()
        self.world = World(folder, now_ms=lambda: int(self.clock.now() * 1000))

    def look(self, exchange: str, kind: Kind, wish: Wish = WISH) -> Look:
        """The pre-flight of an order, and its reading of rights noted as an order notes it."""
        app = self.world.app(self.clock)
        account = self.world.account(f"{exchange}-a")

        async def ask() -> Look:
            async with app.network() as network:
                signers = app.signer(account)
                session = Session(replace(account, kind=kind), *signers, network, app.journal)
                return await look(session, "BTC/USDT", Shared(), wish)

        try:
            found = asyncio.run(ask())
            if found.rights_read:
                app.journal.notes.note_permissions({account.id: found.rights})
            return found
        finally:
            app.close()

    def reading(self, exchange: str, *, leaving: bool) -> tuple[bool, bool | None, list[str]]:
        """What is known of the right to withdraw of a live account, for an order that only reduces or another."""
        app, account, warnings = self.world.app(self.clock), self.world.account(f"{exchange}-a"), list[str]()

        async def ask() -> tuple[bool, bool | None]:
            async with app.network() as network:
                signers = app.signer(account)
                session = Session(replace(account, kind=Kind.LIVE), *signers, network, app.journal)
                await session.warm()
                read_now, rights = await rights_of(session, leaving, warnings)
                return read_now, rights.withdraw

        try:
            return *asyncio.run(ask()), warnings
        finally:
            app.close()

    def asked(self, exchange: str) -> int:
        return sum(line.operation == "permissions" for line in self.world.venue(exchange).calls.lines)

    def break_reading(self, exchange: str, **facts: Any) -> None:
        """The next reading of rights fails, with all its tries: at OKX the same call tells the account's mode later."""
        facts = {"kind": FaultKind.HTML, "times": READ_TRIES, **facts}
        self.world.fault(exchange=exchange, operation="permissions", **facts)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "desk")
    with made.world:
        made.world.add_all(rights=RIGHTS)
        yield made
        assert made.world.twin.faults_of_its_own == []


@pytest.mark.parametrize(("kind", "seconds"), [(Kind.LIVE, LIVE_SECONDS), (Kind.DEMO, USABLE_SECONDS)])
@pytest.mark.parametrize("exchange", ALL)
def test_rights_are_read_again_hourly_where_real_money_is_and_daily_elsewhere(
    desk: Desk, exchange: str, kind: Kind, seconds: int
) -> None:
    assert (LIVE_SECONDS, USABLE_SECONDS) == (60 * MINUTE, 24 * 60 * MINUTE)
    assert desk.look(exchange, kind).rights_read
    desk.clock.ahead += seconds - MINUTE
    asked = desk.asked(exchange)
    assert not desk.look(exchange, kind).rights_read
    assert desk.asked(exchange) == asked + (exchange == "okx"), "that one tells the account's mode by the same call"
    desk.world.made[f"{exchange}-a"].key.permissions["withdraw"] = True
    desk.clock.ahead += 2 * MINUTE
    found = desk.look(exchange, kind)
    assert (found.rights_read, found.rights.withdraw) == (True, True)


@pytest.mark.parametrize("exchange", ALL)
def test_a_reading_of_the_last_day_serves_with_a_warning_when_no_newer_one_can_be_had(
    desk: Desk, exchange: str
) -> None:
    assert desk.look(exchange, Kind.LIVE).rights.withdraw is False
    desk.break_reading(exchange)
    desk.clock.ahead += 2 * 60 * MINUTE
    found = desk.look(exchange, Kind.LIVE)
    assert found.view is not None and (found.rights_read, found.rights.withdraw) == (False, False)
    (told,) = (warning for warning in found.warnings if "permissions" in warning)
    assert told.startswith(f"{exchange}-a: the permissions of this key could not be read") and told.endswith("2 h ago")
    desk.clock.ahead += 22 * 60 * MINUTE
    desk.break_reading(exchange)
    stopped = desk.look(exchange, Kind.LIVE)
    assert stopped.view is None and isinstance(stopped.trouble, NoAnswer)


@pytest.mark.parametrize("exchange", ALL)
def test_a_refusal_of_the_key_itself_is_not_passed_over_by_an_older_reading(desk: Desk, exchange: str) -> None:
    desk.look(exchange, Kind.LIVE)
    status, body = REFUSALS[exchange]
    desk.break_reading(exchange, kind=FaultKind.ANSWER, status=status, body=json.dumps(body))
    desk.clock.ahead += 2 * 60 * MINUTE
    with pytest.raises(CheckFailed) as stopped:
        desk.look(exchange, Kind.LIVE)
    assert stopped.value.code == "key_refused"


def test_a_reading_from_the_future_is_none(desk: Desk) -> None:
    """This machine's clock was set back since: how old the reading is cannot be said."""
    desk.clock.ahead += 2 * 60 * MINUTE
    desk.look("okx", Kind.LIVE)
    desk.clock.ahead -= 2 * 60 * MINUTE
    desk.break_reading("okx")
    assert desk.look("okx", Kind.LIVE).view is None


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("hours", [0, 2, 30])
def test_an_order_that_only_reduces_is_never_stopped_by_a_reading(desk: Desk, exchange: str, hours: int) -> None:
    desk.world.made[f"{exchange}-a"].key.permissions["withdraw"] = True
    desk.look(exchange, Kind.LIVE)
    desk.clock.ahead += hours * 60 * MINUTE
    status, body = REFUSALS[exchange]
    desk.break_reading(exchange, kind=FaultKind.ANSWER, status=status, body=json.dumps(body))
    read, withdraw, warnings = desk.reading(exchange, leaving=True)
    assert (read, withdraw, len(warnings)) == ((False, True, 0) if hours == 0 else (False, None, 1))


@pytest.mark.parametrize("exchange", ALL)
def test_a_right_that_is_not_known_leaves_withdrawing_unknown_and_is_said(desk: Desk, exchange: str) -> None:
    body, told = ODD_RIGHTS[exchange]
    desk.break_reading(exchange, kind=FaultKind.ANSWER, times=None, status=200, body=json.dumps(body))
    words = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes", "-a", f"{exchange}-a", "--json")
    ran = desk.world.keyctl(*words, clock=desk.clock)
    assert ran.exit_code == 0, ran.stdout
    said = [warning for warning in ran.document["warnings"] if "cannot read whether this key can withdraw" in warning]
    assert len(said) == (0 if told else 1)
