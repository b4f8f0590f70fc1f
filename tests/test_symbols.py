"""Symbols as the exchanges write them, met where ours belong: the hint names the one that was meant."""

from __future__ import annotations

import pytest

from keyctl.errors import UsageProblem
from keyctl.sizes import read_symbol


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BTCUSDT", "BTC/USDT or BTC/USDT:USDT"),
        ("ethusdc", "ETH/USDC or ETH/USDC:USDC"),
        ("BTCEUR", "BTC/EUR"),
        ("1000PEPEUSDT", "1000PEPE/USDT or 1000PEPE/USDT:USDT"),
        ("btc_usdt", "BTC/USDT or BTC/USDT:USDT"),
        ("eth_btc", "ETH/BTC"),
        ("BTC-USDT", "BTC/USDT or BTC/USDT:USDT"),
        ("SOL-EUR", "SOL/EUR"),
        ("BTC-USDT-SWAP", "BTC/USDT:USDT"),
        ("BTC-USD-SWAP", "BTC/USD:BTC"),
        ("eth-usdc-swap", "ETH/USDC:USDC"),
        ("BTCUSD_PERP", "BTC/USD:BTC"),
        ("ETHUSD_PERP", "ETH/USD:ETH"),
        ("tBTCUSD", "BTC/USD"),
        ("tBTCUST", "BTC/USDT or BTC/USDT:USDT"),
        ("tBTCF0:USTF0", "BTC/USDT:USDT"),
    ],
)
def test_an_exchanges_own_name_leads_to_the_symbol_that_was_meant(written: str, meant: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_symbol(written)
    assert caught.value.hints == (f"use {meant}",)


@pytest.mark.parametrize("written", ["BTC", "", "buy", "BTC USDT", "USDT", "/", "BTC/USDT/SWAP/X"])
def test_where_it_is_not_clear_what_was_meant_the_form_is_told(written: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read_symbol(written)
    assert caught.value.hints[0].startswith("write BASE/QUOTE")
