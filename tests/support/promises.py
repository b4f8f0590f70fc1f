"""What five guides promise to people who make, connect, check and retire keys: one row a promise.

A row is a command on the world of tests/commands/test_promises.py and what must appear. Guides: F LBank for a trading
cockpit, I LBank for market makers, L Bitfinex for lending, O OKX for a terminal, G Binance in general; a number is a
sentence's. What a guide says and its exchange documents otherwise is promised here as the exchange has it.
"""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """`command` after `keyctl`, its words separated by blanks; `shown`: texts that must all appear, `never` must not.

    `typed` is what the command reads from its input.
    """

    row: str
    promise: str
    command: str
    shown: tuple[str, ...]
    exit_code: int = 0
    never: tuple[str, ...] = ()
    typed: str = ""


SOUND = "binance-a bitfinex-a lbank-a okx-a"
LBANK_COCKPIT = (
    Promise("F2", "trade only, withdrawals off", "checklist lbank", ("Leave Withdraw OFF",)),
    Promise("F6", "a key that may withdraw can move the funds", "verify wd", ("ON: this key can move the money",), 4),
    Promise("F9", "where keys are made", "checklist lbank", ("API Management", "Create New API")),
    Promise("F11", "the secret is shown once", "checklist lbank", ("the secret is shown once",)),
    Promise("F13", "keys are bound to IP addresses", "verify lb-far", ("not on", "whitelist"), 4),
    Promise("F16", "spot and futures have lists of their own", "verify lbank-a", ("separate IP list for futures",)),
    Promise("F22", "only a reference to the key is shown", "list", ("lbank-a", "..")),
    Promise("F24", "the test says what the key may do", "verify lbank-a", ("trade pass on", "withdraw pass off")),
    Promise("F25", "connected, with the balance", "balance lbank-a", ("lbank-a", "contract", "USD in all")),
    Promise(
        "F28", "10007 is no proof of an IP miss", "diagnose lbank 10007", ("10022",), never=("is not on the IP list",)
    ),
    Promise(
        "F29",
        "reads and does not trade: the permission is named, nothing is sent",
        "order buy BTC/USDT 0.001 --price 58000 -a lb-ro --yes",
        ("no permission for spot trading", "keyctl diagnose lb-ro"),
        4,
    ),
    Promise("F29", "the hint names the cause", "diagnose lb-ro", ("the key may not trade",), 4),
    Promise("F42", "every exchange from one screen", f"balance {SOUND}", tuple(SOUND.split())),
)
LBANK_MARKET_MAKERS = (
    Promise("I6", "several addresses, commas without blanks", "checklist lbank", ("commas and no blanks",)),
    Promise("I8", "never withdrawals", "checklist lbank", ("Withdraw OFF",)),
    Promise("I13", "use an IP whitelist", "verify lb-open", ("not set: the key works from anywhere",), 4),
    Promise("I13", "and the hint says the same", "diagnose lb-open", ("not set: the key works from anywhere",), 4),
)
BITFINEX_LENDING = (
    Promise("L1", "no call that moves funds", "request --paths bitfinex", ("/v2/auth/r/wallets",), never=("/w/",)),
    Promise("L4", "where keys are made", "checklist bitfinex", ("https://setting.bitfinex.com/api",)),
    Promise("L8", "never withdrawals", "checklist bitfinex", ("Withdrawals",)),
    Promise("L17", "what lies in the funding wallet is seen", "balance bitfinex-a", ("funding", "USDT", "500")),
    Promise("L28", "delete the key from the tool at any time", "remove spare --yes", ("Forgot",)),
)
OKX_TERMINAL = (
    Promise("O7", "the passphrase is needed as well", "checklist okx", ("Passphrase",)),
    Promise("O10", "the IP whitelist is read back", "verify okx-a", ("ok",)),
    Promise("O14", "a trade key is sound with a list and no withdrawals", "diagnose okx-a", ("none: key",)),
    Promise("O18", "one key for one purpose", "checklist okx", ("for one purpose",)),
    Promise("O20", "the funding account is seen", "balance okx-a", ("trading", "funding USDC 7", "earn")),
)
BINANCE_IN_GENERAL = (
    Promise(
        "G10", "total assets over several accounts", f"balance {SOUND}", ("USD in all", "not read: binance-a: earn")
    ),
    Promise("G10", "margin and funding count", "balance binance-a", ("funding", "isolated margin")),
    Promise("G11", "accounting: as data", "balance binance-a --json", ('"not_read"', '"wallet": "funding"')),
    Promise("G14", "all keys at a glance", "list", ("binance-a", "okx-a")),
    Promise("G24", "balances and positions", "positions binance-a", ("no open positions",)),
    Promise(
        "G28",
        "withdrawals are refused for orders",
        "order buy BTC/USDT 0.001 --price 58000 -a wd --dry-run",
        ("may withdraw",),
        4,
    ),
    Promise(
        "G43", "a reading key is not ordered with", "verify reads", ("trade fail ON: the profile read forbids it",), 4
    ),
    Promise(
        "G43",
        "its profile keeps it from orders",
        "order buy BTC/USDT 0.001 --price 58000 -a reads --yes",
        ("its profile read forbids spot trading",),
        4,
    ),
    Promise("G56", "-2010 is the balance", "diagnose binance -2010", ("balance",)),
    Promise("G57", "-2014 is the key's format", "diagnose binance -2014", ("format",)),
    Promise("G60", "-4131 is no missing permission", "diagnose binance -4131", ("are wrong",)),
)

PROMISES = (*LBANK_COCKPIT, *LBANK_MARKET_MAKERS, *BITFINEX_LENDING, *OKX_TERMINAL, *BINANCE_IN_GENERAL)
