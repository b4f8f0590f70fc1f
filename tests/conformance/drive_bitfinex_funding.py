"""Drives the twin's margin funding with bitfinex-api-py."""

from __future__ import annotations

from typing import Any

from bfxapi import Client
from bfxapi.exceptions import InvalidCredentialError
from driving import Given, main

SYMBOL = "fUSD"


def client_of(given: Given) -> Any:
    return Client(given["api_key"], given["secret"], rest_host=given["endpoint"] + "/v2").rest.auth


def drive(given: Given) -> dict[str, Any]:
    client = client_of(given)
    public = Client(rest_host=given["endpoint"] + "/v2").rest.public
    found = client.get_funding_offers(symbol=SYMBOL)
    submitted = client.submit_funding_offer(
        type="LIMIT", symbol=SYMBOL, amount="321.5", rate="0.00041", period=7, flags=0
    )
    spare = client.submit_funding_offer(type="FRRDELTAVAR", symbol=SYMBOL, amount="200", rate="0", period=2, flags=64)
    canceled = client.cancel_funding_offer(spare.data.id)
    credits_ = client.get_funding_credits(symbol=SYMBOL)
    loans = client.get_funding_loans(symbol=SYMBOL)
    trades = client.get_funding_trades_history(symbol=SYMBOL)
    ledgers = client.get_ledgers("USD", category=28)
    history = client.get_funding_offers_history(symbol=SYMBOL)
    renewed = client.toggle_auto_renew(status=True, currency="USD", amount="500", rate="0.0004", period=3)
    ticker = public.get_f_ticker(SYMBOL)
    book = public.get_f_book(SYMBOL, "P0", len=25)
    return {
        "offers": [[offer.id, offer.amount_orig, offer.rate, offer.period, offer.offer_status] for offer in found],
        "submitted": [submitted.data.id, submitted.status, submitted.data.amount, submitted.data.offer_type],
        "hidden": [spare.data.hidden, canceled.status],
        "credits": [[one.amount, one.rate, one.period, one.side] for one in credits_],
        "loans": [[one.amount, one.rate] for one in loans],
        "trades": [[one.offer_id, one.amount, one.rate] for one in trades],
        "interest": [one.amount for one in ledgers],
        "ended": {str(one.id): one.offer_status for one in history},
        "renewed": [renewed.data.currency, renewed.data.period, renewed.data.rate, renewed.data.threshold],
        "frr": ticker.frr,
        "best": [ticker.bid, ticker.ask],
        "book": [[row.rate, row.period, row.amount] for row in book],
    }


def refused(given: Given) -> str:
    try:
        client_of(given).get_funding_offers(symbol=SYMBOL)
    except InvalidCredentialError as error:
        return type(error).__name__
    return "nothing"


main("bitfinex-api-py", drive, refused)
