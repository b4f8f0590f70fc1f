"""Drives the twin with binance-sdk-spot."""

from __future__ import annotations

from typing import Any

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError
from binance_sdk_spot.spot import Spot
from driving import Given, main


def client_of(given: Given) -> Any:
    name = "api_secret" if given["key_type"] == "hmac" else "private_key"
    options: dict[str, Any] = {"api_key": given["api_key"], name: given["secret"], "base_path": given["endpoint"]}
    return Spot(config_rest_api=ConfigurationRestAPI(**options, timeout=10_000, retries=0)).rest_api


def drive(given: Given) -> dict[str, Any]:
    client, own_id = client_of(given), given["client_order_id"]
    account = client.get_account().data()
    placed = client.new_order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=float(given["quantity"]),
        price=float(given["price"]),
        new_client_order_id=own_id,
    ).data()
    # The answer to a new order has three shapes; the SDK hands over the one that fits.
    placed = getattr(placed, "actual_instance", placed)
    found = client.get_order("BTCUSDT", orig_client_order_id=own_id).data()
    listed = client.get_open_orders("BTCUSDT").data()
    canceled = client.delete_order("BTCUSDT", orig_client_order_id=own_id).data()
    final = client.get_order("BTCUSDT", order_id=found.order_id).data()
    return {
        "account": str(account.uid),
        "free": next(row.free for row in account.balances if row.asset == "USDT"),
        "order_ids": [str(order.order_id) for order in (placed, found, canceled, final)],
        "client_order_id": found.client_order_id,
        "quantity": found.orig_qty,
        "price": found.price,
        "open": len(getattr(listed, "root", listed)),
        "states": [found.status, canceled.status, final.status],
    }


def refused(given: Given) -> str:
    try:
        client_of(given).get_account()
    except BadRequestError as error:
        return f"{type(error).__name__} {error.status_code}"
    return "nothing"


main("binance-sdk-spot", drive, refused)
