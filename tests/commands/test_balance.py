"""keyctl balance: what is owned, side by side, in USD; what could not be read is never zero."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from keyctl.exchanges.shipped import load
from keyctl.model.credential import Binding
from keyctl.model.words import Algorithm, Kind
from keyctl.twin.faults import FaultKind
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, World
from tests.twin.caller import get

SPOT = ("--market", "spot")
BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--yes")


def add(world: World, exchange: str, balances: dict[str, Any], label: str | None = None) -> None:
    made = world.add(
        exchange, label, Algorithm.HMAC, *SPOT, balances=dict.fromkeys(("BTC", "ETH", "SOL", "USDC"), 0) | balances
    )
    world.venue(exchange).purses.purse(made.key.uid, "funding").clear()


@pytest.fixture
def desk(world: World) -> World:
    """An account at each exchange with 1 BTC and 1,000 USDT."""
    for exchange in ALL:
        add(world, exchange, {"BTC": Decimal(1), "USDT": Decimal(1000)})
    return world


def test_every_account_is_shown_with_its_value(desk: World) -> None:
    ran = desk.keyctl("balance", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert [row for row in ran.data["balances"] if row["market"] is None] == []
    rows = {(row["account"], row["currency"]): row for row in ran.data["balances"]}
    assert {account for account, _ in rows} == {f"{exchange}-a" for exchange in ALL}
    for exchange in ALL:
        bid = desk.venue(exchange).book("BTC/USDT").bids[0][0]
        bitcoin, dollars = rows[f"{exchange}-a", "BTC"], rows[f"{exchange}-a", "USDT"]
        assert (bitcoin["free"], bitcoin["total"]) == ("1", "1")
        assert Decimal(bitcoin["usd"]) == round(bid, 2)
        assert (dollars["total"], dollars["usd"]) == ("1000", "1000.00")
    assert Decimal(ran.data["total_usd"]) == sum(Decimal(row["usd"]) for row in ran.data["balances"])
    assert {row["state"] for row in ran.data["accounts"]} == {"ok"}
    assert desk.keyctl("balance", "--market", "spot", "--json").data["complete"] is True


@pytest.mark.parametrize("exchange", ALL)
def test_funds_in_orders_are_owned_and_not_free(desk: World, exchange: str) -> None:
    assert desk.keyctl(*BUY, "-a", f"{exchange}-a").exit_code == 0
    (dollars,) = (
        row for row in desk.keyctl("balance", f"{exchange}-a", "--json").data["balances"] if row["currency"] == "USDT"
    )
    assert (dollars["free"], dollars["total"], dollars["usd"]) == ("710", "1000", "1000.00")


@pytest.mark.parametrize("exchange", ALL)
def test_an_account_that_is_not_reached_is_failed_and_never_zero(desk: World, exchange: str) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange=exchange, operation="balance", times=None)
    ran = desk.keyctl("balance", "--all", "--json")
    assert ran.exit_code == 6
    failed = [row for row in ran.data["balances"] if row["state"] == "failed"]
    assert {row["account"] for row in failed} == {f"{exchange}-a"} and all(row["detail"] for row in failed)
    assert {row[name] for row in failed for name in ("currency", "free", "total", "usd")} == {None}
    assert ran.data["complete"] is False
    (error,) = ran.document["errors"]
    assert (error["account"], error["exchange"]) == (f"{exchange}-a", exchange)
    assert all(row["wallet"] in error["message"] for row in failed)
    summed = [row for row in ran.data["accounts"] if row["account"] == f"{exchange}-a"]
    assert {(row["state"], row["usd"]) for row in summed} == {("failed", None)} and len(summed) == len(failed)
    assert f"{exchange}-a" in desk.keyctl("balance", "--all").stdout


def test_all_failed_ends_as_the_failure_does(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, operation="balance", times=None)
    ran = desk.keyctl("balance", "--all")
    assert ran.exit_code == 8 and "Total " not in ran.stderr
    assert desk.keyctl("balance", "--all", "--json").data["total_usd"] is None
    desk.twin.faults.clear()
    body = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    desk.fault(kind=FaultKind.ANSWER, exchange="binance", operation="balance", status=401, body=body, times=None)
    refused = desk.keyctl("balance", "binance-a", "--json")
    assert refused.exit_code == 5
    (error,) = refused.document["errors"]
    assert error["exchange_code"] == "-2015"
    assert "find the cause: keyctl diagnose binance -2015 --market spot" in error["hints"]


def test_a_currency_without_a_price_is_shown_and_not_counted(world: World) -> None:
    add(world, "okx", {"USDT": Decimal(10), "NOPE": Decimal(5)})
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    rows = {row["currency"]: row for row in ran.data["balances"]}
    assert (rows["NOPE"]["total"], rows["NOPE"]["price_usd"], rows["NOPE"]["usd"]) == ("5", None, None)
    assert (ran.data["total_usd"], ran.data["complete"]) == ("10.00", False)
    assert "NOPE" in " ".join(ran.document["warnings"])


def test_prices_that_cannot_be_read_make_the_sum_incomplete(world: World) -> None:
    add(world, "okx", {"BTC": Decimal(1), "USDT": Decimal(10)})
    world.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="ticker", times=None)
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    assert (ran.data["total_usd"], ran.data["complete"]) == ("10.00", False)


def test_a_price_is_asked_for_once_at_each_venue(world: World) -> None:
    for label in ("one", "two", "three"):
        add(world, "okx", {"BTC": Decimal(1), "ETH": Decimal(1)}, label)
    assert world.keyctl("balance", "--all").exit_code == 0
    paths = [line.path for line in world.venue("okx").calls.lines]
    assert paths.count("/api/v5/market/ticker") == 2
    assert world.venue("okx").calls.changing() == []


def test_two_keys_of_one_exchange_account_are_counted_once(world: World) -> None:
    first = world.add("binance", "first", Algorithm.HMAC, *SPOT)
    world.add("binance", "second", Algorithm.HMAC, *SPOT, uid=first.key.uid)
    once = world.keyctl("balance", "first", "--json").data["total_usd"]
    both = world.keyctl("balance", "--all", "--json")
    assert both.data["total_usd"] == once
    assert "first and second" in " ".join(both.document["warnings"])


def test_an_empty_account_is_nothing_and_not_failed(world: World) -> None:
    add(world, "okx", {"USDT": Decimal(0)})
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    assert ran.data["balances"] == []
    assert [row["wallet"] for row in ran.data["accounts"]] == ["trading", "funding"]
    assert {(row["state"], row["usd"]) for row in ran.data["accounts"]} == {("ok", "0.00")}


def test_an_account_without_that_market_is_not_asked(world: World) -> None:
    add(world, "okx", {"USDT": Decimal(10)})
    ran = world.keyctl("balance", "--market", "futures", "--json")
    assert ran.exit_code == 4
    assert ran.document["errors"][0]["code"] == "no_such_market"
    assert world.venue("okx").calls.lines == []


def test_in_a_pipe_there_is_one_record_a_balance(desk: World) -> None:
    shown = desk.keyctl("balance", "okx-a", "--header").stdout.splitlines()
    assert shown[0].split("\t")[:6] == ["account", "exchange", "market", "wallet", "currency", "free"]
    held = [["okx-a", "okx", "spot", "trading", name] for name in ("BTC", "USDT")]
    assert [line.split("\t")[:5] for line in shown[1:]] == [*held, ["okx-a", "okx", "", "earn", ""]]
    assert shown[-1].split("\t")[-2:] == ["not_read", "not supported by keyctl"]


def test_at_a_terminal_the_table_fits_and_a_failure_stands_in_it(desk: World) -> None:
    desk.fault(kind=FaultKind.RESET_BEFORE, exchange="okx", operation="balance", times=None)
    code, shown = keyctl_at_terminal(["balance", "--all"], desk.home, COLUMNS="80").leaves()
    assert code == 6
    lines = shown.splitlines()
    assert all(len(line) <= 80 for line in lines)
    failed = [line for line in lines if line.split()[:3] == ["okx-a", "trading", "failed"]]
    assert len(failed) == 2, "a row and a sum"
    assert not any("0" in line for line in failed)
    text = " ".join(shown.split())
    assert "without 2 of 11 wallets (could not be read) and " in text and " wallets left out (below)" in text
    assert "Not read: okx-a: earn (not supported by keyctl)" in shown
    assert "Not read: lbank-a: contract (the account is not set up for futures)" in text


# Every wallet.

BESIDE = {
    "binance": ("funding", "margin", "isolated BTC/USDT", "isolated ETH/BTC"),
    "bitfinex": ("funding", "margin"),
    "lbank": (),
    "okx": ("funding",),
}
BOTH = ("read", "spot_trade", "futures_trade")


def owned_by_currency(world: World, exchange: str, uid: str) -> dict[str, Decimal]:
    """What the twin itself says that a user owns, over its control path: all wallets added up."""
    told = get(world.twin.endpoint(exchange), "/_twin/wallets").data[uid]
    total: dict[str, Decimal] = defaultdict(Decimal)
    for wallet in told.values():
        for currency, held in wallet.items():
            parts = {name: Decimal(text) for name, text in held.items()}
            owed = parts.get("borrowed", Decimal(0)) + parts.get("interest", Decimal(0))
            total[currency] += parts["free"] + parts["locked"] - owed
    return {currency: amount for currency, amount in total.items() if amount}


def filled(world: World, exchange: str, random: Random) -> str:
    """An account with another amount in each of its wallets; its user's id."""
    uid = world.add(exchange, rights=BOTH, balances={name: random.randint(0, 9) for name in ("BTC", "USDT")}).key.uid
    wallet = world.venue(exchange).derivatives.wallet(uid, "USDT")
    wallet.free = Decimal(random.randint(0, 900)) if exchange != "okx" else wallet.free
    for name in BESIDE[exchange]:
        pair = name.removeprefix("isolated ").split("/")
        for currency in pair if "/" in name else random.sample(("BTC", "ETH", "USDT", "USD", "NOPE"), 3):
            amounts = {field: str(random.randint(0, 10**6) / Decimal(1000)) for field in ("free", "locked")}
            owes = {field: str(random.randint(0, 10**6) / Decimal(1000)) for field in ("borrowed", "interest")}
            borrows = exchange == "binance" and name != "funding"
            world.venue(exchange).purses.put(uid, name, currency, **amounts, **(owes if borrows else {}))
    return uid


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exchange", ALL)
def test_no_coin_is_missing_and_none_is_counted_twice(world: World, exchange: str, seed: int) -> None:
    uid = filled(world, exchange, Random(f"{exchange} {seed}"))
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0, ran.stdout
    rows = ran.data["balances"]
    places = [(row["wallet"], row["currency"]) for row in rows]
    assert len(set(places)) == len(places)
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row["currency"]] += Decimal(row["total"])
    assert {currency: amount for currency, amount in found.items() if amount} == owned_by_currency(world, exchange, uid)
    counted = sum((Decimal(row["usd"]) for row in rows if row["usd"]), Decimal(0))
    assert Decimal(ran.data["total_usd"]) == counted
    assert world.venue(exchange).calls.changing() == []
    assert get(world.twin.endpoint(exchange), "/_twin/counters").data["limits_passed"] == []


@pytest.mark.parametrize(
    ("exchange", "path", "gone", "body"),
    [
        ("binance", "/sapi/v1/asset/get-funding-asset", "funding", '{"code":-2015,"msg":"Invalid API-key"}'),
        ("binance", "/sapi/v1/margin/account", "cross margin", '{"code":-2015,"msg":"Invalid API-key"}'),
        ("binance", "/sapi/v1/margin/isolated/account", "isolated margin", '{"code":-1000,"msg":"Unknown"}'),
        ("binance", "/dapi/v1/balance", "COIN-M futures", '{"code":-2015,"msg":"Invalid API-key"}'),
        ("okx", "/api/v5/asset/balances", "funding", '{"code":"50120","msg":"no permission","data":[]}'),
        ("lbank", "/cfd/openApi/v1/prv/account", "contract", '{"success":false,"error_code":10007,"msg":"no"}'),
    ],
)
def test_a_wallet_without_permission_takes_no_other_away(
    world: World, exchange: str, path: str, gone: str, body: str
) -> None:
    filled(world, exchange, Random(exchange))
    whole = world.keyctl("balance", "--json").data
    world.fault(kind=FaultKind.ANSWER, exchange=exchange, path=path, status=401, body=body, times=None)
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 6
    kept = ("wallet", "currency", "total")
    left = [[row[name] for name in kept] for row in whole["balances"] if row["wallet"] != gone]
    assert [[row[name] for name in kept] for row in ran.data["balances"] if row["state"] == "ok"] == left
    (failed,) = (row for row in ran.data["balances"] if row["state"] == "failed")
    assert failed["wallet"] == gone and failed["currency"] is None
    (error,) = ran.document["errors"]
    assert gone in error["message"] and "spot" not in error["message"]
    assert ran.data["complete"] is False


def test_a_margin_account_that_was_never_opened_is_empty(world: World) -> None:
    world.add("binance", rights=BOTH)
    ran = world.keyctl("balance", "--json")
    assert ran.exit_code == 0
    (cross,) = (row for row in ran.data["accounts"] if row["wallet"] == "cross margin")
    assert (cross["state"], cross["usd"]) == ("ok", "0.00")


def test_a_second_key_counts_where_the_first_could_not_read(world: World) -> None:
    """Two keys of one exchange account, of which the first may not do futures."""
    first = world.add("binance", "first", rights=("read",))
    world.add("binance", "second", rights=BOTH, uid=first.key.uid)
    both = world.keyctl("balance", "--all", "--json")
    assert both.exit_code == 6
    assert both.data["total_usd"] == world.keyctl("balance", "second", "--json").data["total_usd"]


def test_what_is_not_read_is_named_beside_the_sum(world: World) -> None:
    world.add("binance", None, Algorithm.HMAC, *SPOT)
    ran = world.keyctl("balance", "--json")
    named = {row["wallet"]: row["why"] for row in ran.data["not_read"]}
    assert named["earn"] == "not supported by keyctl"
    assert named["USDS-M futures"] == "the account is not set up for futures"
    assert ran.data["complete"] is False
    shown = world.keyctl("balance")
    assert "wallets left out (below)" in shown.stderr


@pytest.mark.parametrize("exchange", ALL)
def test_every_wallet_is_asked_for_by_a_shipped_read(exchange: str) -> None:
    venue = load(Binding(exchange, Kind.LIVE, "global", None, None))
    asked = [wallet.request for wallet in venue.wallets() if wallet.request is not None]
    assert all(request.repeatable and request.private for request in asked)
    for request in asked:
        venue.readable_request(request.method, request.path, ())


def test_a_test_environment_says_which_wallets_it_does_not_report() -> None:
    told = {
        wallet.name: wallet.why for wallet in load(Binding("binance", Kind.TESTNET, "global", None, None)).wallets()
    }
    assert told["spot"] == "" and told["funding"] == "Binance's testnet API does not report it"
