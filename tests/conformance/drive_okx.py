"""Drives the twin with python-okx."""

from __future__ import annotations

from typing import Any

from driving import Given, main
from okx.Account import AccountAPI
from okx.Trade import TradeAPI

LIVE = "0"


def client_of(kind: Any, given: Given) -> Any:
    return kind(given["api_key"], given["secret"], given["passphrase"], flag=LIVE, domain=given["endpoint"])


def one(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["code"] == "0", answer
    rows: list[dict[str, Any]] = answer["data"]
    (row,) = rows
    return row


def drive(given: Given) -> dict[str, Any]:
    own_id = given["client_order_id"]
    account, trade = client_of(AccountAPI, given), client_of(TradeAPI, given)
    config = one(account.get_account_config())
    balance = one(account.get_account_balance("USDT"))
    placed = one(
        trade.place_order(
            instId="BTC-USDT",
            tdMode="cash",
            side="buy",
            ordType="limit",
            sz=given["quantity"],
            px=given["price"],
            clOrdId=own_id,
        )
    )
    found = one(trade.get_order("BTC-USDT", clOrdId=own_id))
    listed = trade.get_order_list(instType="SPOT", instId="BTC-USDT")
    canceled = one(trade.cancel_order("BTC-USDT", clOrdId=own_id))
    final = one(trade.get_order("BTC-USDT", ordId=placed["ordId"]))
    return {
        "account": config["uid"],
        "free": balance["details"][0]["availBal"],
        "order_ids": [row["ordId"] for row in (placed, found, canceled, final)],
        "client_order_id": found["clOrdId"],
        "quantity": found["sz"],
        "price": found["px"],
        "open": len(listed["data"]),
        "states": [found["state"], final["state"]],
    }


def refused(given: Given) -> str:
    return str(client_of(AccountAPI, given).get_account_balance()["code"])


main("python-okx", drive, refused)
