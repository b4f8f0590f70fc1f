"""Reads of one account against the twin: what is asked, in which order, and that nothing could be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import StoreUnusable
from keyctl.model.account import Account
from keyctl.model.words import Market
from keyctl.network.session import Session
from keyctl.twin.faults import Fault, FaultKind
from keyctl.twin.key_making import make_key
from keyctl.twin.server import TwinServer
from keyctl.verify.observations import Observation
from keyctl.verify.probes import observe_all
from tests.support.desk import Desk, open_twin
from tests.support.world import ALL

BOTH = (Market.SPOT, Market.FUTURES)


@pytest.fixture
def twin() -> Iterator[TwinServer]:
    with open_twin() as server:
        yield server


@pytest.fixture
def desk(twin: TwinServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(twin, tmp_path, capsys)


def observed(desk: Desk) -> dict[str, Observation]:
    """What every stored account shows, by label."""
    app = desk.app()
    accounts: tuple[Account, ...] = app.accounts.all()
    signers = {account.id: app.signer(account) for account in accounts}

    async def look() -> list[Observation]:
        async with app.network() as network:
            sessions = [Session(account, *signers[account.id], network, app.journal) for account in accounts]
            return await observe_all(sessions)

    try:
        return {item.account.label: item for item in asyncio.run(look())}
    finally:
        app.close()


def test_rights_are_read_from_every_exchange_by_reads_alone(desk: Desk) -> None:
    for exchange in ALL:
        desk.add(f"{exchange}-a", exchange)
    for label, item in observed(desk).items():
        assert item.permissions is not None, label
        assert (item.permissions.spot_trade, item.permissions.withdraw) == (True, False), label
        assert item.introspection is not None and item.introspection.worked
        answer = item.markets[Market.SPOT]
        assert answer is not None and answer.worked
        assert item.trouble == ""
    for exchange in ALL:
        assert desk.twin.venue(exchange).calls.changing() == []


def test_account_ids_are_learned_where_the_exchange_tells_them(desk: Desk) -> None:
    made = {exchange: desk.add(f"{exchange}-a", exchange) for exchange in ALL}
    found = observed(desk)
    for exchange in ("binance", "okx"):
        assert found[f"{exchange}-a"].uid == made[exchange].key.uid


def test_a_futures_right_that_is_told_to_be_off_needs_no_futures_call(desk: Desk) -> None:
    desk.add("binance-a", "binance", make_key("binance", rights=("read", "spot_trade")), markets=BOTH)
    item = observed(desk)["binance-a"]
    assert item.markets[Market.FUTURES] is item.introspection
    assert not [line.path for line in desk.twin.venue("binance").calls.lines if line.path.startswith("/fapi")]


def test_a_futures_right_that_is_told_to_be_on_is_no_proof_that_the_futures_api_takes_the_key(desk: Desk) -> None:
    rights = ("read", "spot_trade", "futures_trade")
    desk.add("binance-a", "binance", make_key("binance", rights=rights), markets=BOTH)
    desk.twin.fault(Fault(FaultKind.ANSWER, path="/fapi/*", status=403, times=None))
    item = observed(desk)["binance-a"]
    futures = item.markets[Market.FUTURES]
    assert item.permissions is not None and item.permissions.futures_trade
    assert futures is not None and not futures.worked


def test_one_api_for_both_markets_is_asked_once(desk: Desk) -> None:
    desk.add("okx-a", "okx", markets=BOTH)
    item = observed(desk)["okx-a"]
    futures = item.markets[Market.FUTURES]
    assert futures is not None and futures.worked


def test_a_futures_refusal_is_data_beside_a_working_spot_answer(desk: Desk) -> None:
    key = make_key("lbank", ips={"spot": ("127.0.0.1",), "futures": ("10.0.0.1",)})
    desk.add("lbank-a", "lbank", key, markets=BOTH)
    item = observed(desk)["lbank-a"]
    spot, futures = item.markets[Market.SPOT], item.markets[Market.FUTURES]
    assert spot is not None and spot.worked
    assert futures is not None and futures.error is not None
    assert futures.error.code in ("10007", "65")


def test_an_exchange_that_is_not_reached_is_left_alone(desk: Desk) -> None:
    desk.add("binance-a", "binance")
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="binance", times=None))
    item = observed(desk)["binance-a"]
    assert item.trouble
    assert item.permissions is None
    assert [line.operation for line in desk.twin.venue("binance").calls.lines if line.status is not None] == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.HTML, operation="permissions", times=None),
        Fault(FaultKind.GARBAGE, operation="permissions", times=None),
        Fault(FaultKind.HALF_BODY, operation="permissions", times=None),
        Fault(FaultKind.RATE_LIMIT, operation="permissions", times=None, retry_after=1),
    ],
    ids=lambda fault: fault.kind.value,
)
def test_an_answer_that_says_nothing_about_the_key_is_trouble_and_not_a_refusal(desk: Desk, fault: Fault) -> None:
    desk.add("okx-a", "okx")
    desk.twin.fault(fault)
    item = observed(desk)["okx-a"]
    assert item.introspection is not None and item.introspection.trouble
    assert item.introspection.error is None
    assert item.permissions is None


def test_one_bad_answer_is_asked_again(desk: Desk) -> None:
    desk.add("bitfinex-a", "bitfinex")
    desk.twin.fault(Fault(FaultKind.GARBAGE, exchange="bitfinex", operation="permissions", times=1))
    assert observed(desk)["bitfinex-a"].permissions is not None


def test_one_dark_exchange_does_not_stop_the_others(desk: Desk) -> None:
    for exchange in ALL:
        desk.add(f"{exchange}-a", exchange)
    desk.twin.fault(Fault(FaultKind.RESET_ACCEPT, exchange="lbank", times=None))
    found = observed(desk)
    assert {label for label, item in found.items() if item.trouble} == {"lbank-a"}


def test_trouble_of_the_whole_machine_is_raised_once_every_lane_has_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(session: Session) -> Observation:
        if session.account.exchange == "okx":
            raise StoreUnusable("the disk is full")
        ended.append(session.account.label)
        return Observation(session.account, session.network.clock.utc())

    ended: list[str] = []
    for exchange in ALL:
        desk.add(f"{exchange}-a", exchange)
    monkeypatch.setattr("keyctl.verify.probes.observe", broken)
    with pytest.raises(StoreUnusable):
        observed(desk)
    assert len(ended) == 3
