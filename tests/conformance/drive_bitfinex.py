"""Drives the twin with bitfinex-api-py."""

from __future__ import annotations

from typing import Any

from bfxapi import Client
from bfxapi.exceptions import InvalidCredentialError
from driving import Given, main

SYMBOL = "tBTCUST"


def client_of(given: Given) -> Any:
    return Client(given["api_key"], given["secret"], rest_host=given["endpoint"] + "/v2").rest.auth


def drive(given: Given) -> dict[str, Any]:
    client = client_of(given)
    user = client.get_user_info()
    wallets = client.get_wallets()
    placed = client.submit_order(
        "EXCHANGE LIMIT", SYMBOL, given["quantity"], given["price"], cid=int(given["client_order_id"])
    )
    listed = client.get_orders(symbol=SYMBOL)
    found = client.get_orders(ids=[placed.data.id])[0]
    canceled = client.cancel_order(id=placed.data.id)
    final = client.get_orders_history(symbol=SYMBOL, ids=[placed.data.id])[0]
    return {
        "account": str(user.id),
        "free": str(
            next(one.available_balance for one in wallets if (one.wallet_type, one.currency) == ("exchange", "UST"))
        ),
        "order_ids": [str(order.id) for order in (placed.data, found, canceled.data, final)],
        "client_order_id": str(found.cid),
        "quantity": str(found.amount_orig),
        "price": str(found.price),
        "open": len(listed),
        "states": [placed.status, found.order_status, canceled.status, final.order_status],
    }


def refused(given: Given) -> str:
    try:
        client_of(given).get_wallets()
    except InvalidCredentialError as error:
        return type(error).__name__
    return "nothing"


main("bitfinex-api-py", drive, refused)
