"""Drives the twin with lbank-connector-python.

Its class `Spot` cannot be made: `Spot.__init__` calls `BlockHttpClient.__init__(sign_method, api_key, ...)` and leaves
out `self`, so each argument stands one place too early and the API key is taken for the name of a signing method. Here
its calls and its client are put together as they were meant. The client sends JSON unless told otherwise, which LBank's
spot API does not read (10201); and its default address ends in /v2, with which its paths begin.
"""

from __future__ import annotations

import asyncio
from typing import Any

from driving import Given, main
from lbank.error import CommonError
from lbank.old_api import BlockHttpClient
from lbank.spot import Spot
from lbank.spot._trade import Trade
from lbank.spot._wallet import Wallet

SYMBOL = "btc_usdt"
METHODS = {"hmac": "HmacSHA256", "rsa": "RSA"}


class Client(BlockHttpClient, Trade, Wallet):  # type: ignore[misc]  # the SDK has no types
    """The SDK's calls on the SDK's client."""


def client_of(given: Given, *, is_json: bool = False) -> Any:
    method = METHODS[given["key_type"]]
    return Client(method, given["api_key"], given["secret"], given["endpoint"], is_json=is_json)


async def good(call: Any) -> Any:
    answer = await call
    assert int(answer.get("error_code", 0)) == 0, answer
    return answer["data"]


async def use(given: Given) -> dict[str, Any]:
    client, own_id = client_of(given), given["client_order_id"]
    rights = await good(client.get_supplement_auth())
    account = await good(client.trade_account())
    placed = await good(client.trade_create_order(SYMBOL, "buy", given["price"], given["quantity"], own_id))
    found = await good(client.trade_query_order(SYMBOL, origClientOrderId=own_id))
    listed = await good(client.trade_no_deal(SYMBOL, 1, 50))
    await good(client.trade_cancel_order(SYMBOL, origClientOrderId=own_id))
    final = await good(client.trade_query_order(SYMBOL, orderId=placed["order_id"]))
    return {
        "account": account["uid"],
        "reads": rights["enableReading"],
        "free": next(row["free"] for row in account["balances"] if row["asset"] == "usdt"),
        "order_ids": [placed["order_id"], found["orderId"], final["orderId"]],
        "client_order_id": found["clientOrderId"],
        "quantity": str(found["origQty"]),
        "price": str(found["price"]),
        "open": len(listed["orders"]),
        "states": [found["status"], final["status"]],
    }


def as_shipped(given: Given) -> dict[str, Any]:
    """What the SDK does without these repairs."""
    try:
        Spot("HmacSHA256", "api-key", "secret", given["endpoint"])
        made = "made"
    except CommonError as error:
        made = f"{type(error).__name__}: {error.message}"
    return {"spot": made, "json": asyncio.run(client_of(given, is_json=True).trade_account())["error_code"]}


def drive(given: Given) -> dict[str, Any]:
    return asyncio.run(use(given)) | {"as_shipped": as_shipped(given)}


def refused(given: Given) -> str:
    return str(asyncio.run(client_of(given).trade_account())["error_code"])


main("lbank-connector-python", drive, refused)
