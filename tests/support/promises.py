"""What five guides promise to people who make, connect, check and retire keys: one row a promise.

A row is a command on the world of tests/commands/test_promises.py and what must appear. Guides: F LBank for a trading
cockpit, I LBank for market makers, L Bitfinex for lending, O OKX for a terminal, G Binance in general; a number is a
sentence's. What a guide says and its exchange documents otherwise is promised here as the exchange has it.
"""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """`command` after `keyctl`, as a shell takes it; `shown`: texts that must all appear, `never` must not.

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
HERE = "47.98.123.45"
LBANK_COCKPIT = (
    Promise("F2", "trade only, withdrawals off", "checklist lbank", ("Leave Withdraw OFF",)),
    Promise(
        "F3", "whitelist the IP address of the tool", "checklist lbank", (f"in LBank's form (step 4), type: {HERE}",)
    ),
    Promise(
        "F6", "a key that may withdraw can move the funds", "verify wd", ("ON: this key can withdraw your funds",), 4
    ),
    Promise("F7", "futures account first", "checklist lbank --profile futures", ("Open the futures account first",)),
    Promise("F8", "the exact IP address is displayed", "ip", (HERE,)),
    Promise(
        "F8", "also for a key that is stored", "whitelist plan lbank-a", (f"keyctl whitelist set -a lbank-a {HERE}",)
    ),
    Promise(
        "F9",
        "where keys are made",
        "checklist lbank",
        (
            "API Management",
            "Create New API",
        ),
    ),
    Promise(
        "F10",
        "read and trade, withdrawal off",
        "checklist lbank --profile futures",
        ("Leave Spot trading and Withdraw OFF",),
    ),
    Promise("F11", "the secret is shown once", "checklist lbank", ("the secret is shown once",)),
    Promise(
        "F12",
        "lost: delete it, make a new one",
        "diagnose --search 'lost my secret'",
        ("delete that key and create a new one",),
    ),
    Promise(
        "F13",
        "keys are bound to IP addresses",
        "verify lb-far",
        (
            "not on",
            "whitelist",
        ),
        4,
    ),
    Promise("F16", "spot and futures have lists of their own", "verify lbank-a", ("separate IP list for futures",)),
    Promise(
        "F22",
        "only a reference to the key is shown",
        "list",
        (
            "lbank-a",
            "..",
        ),
    ),
    Promise(
        "F24",
        "the test says what the key may do",
        "verify lbank-a",
        (
            "trade pass on",
            "withdraw pass off",
        ),
    ),
    Promise(
        "F25",
        "connected, with the balance",
        "balance lbank-a",
        (
            "lbank-a",
            "contract",
            "Total ",
        ),
    ),
    Promise(
        "F28", "10007 is no proof of an IP miss", "diagnose lbank 10007", ("10022",), never=("is not on the IP list",)
    ),
    Promise(
        "F29",
        "reads and does not trade: the permission is named, nothing is sent",
        "order buy BTC/USDT 0.001 --price 58000 -a lb-ro --yes",
        (
            "no permission for spot trading",
            "keyctl diagnose lb-ro",
        ),
        4,
    ),
    Promise("F29", "the hint names the cause", "diagnose lb-ro", ("the key may not trade",), 4),
    Promise("F34", "a password manager", "checklist lbank", ("second copy of the secret in a password manager",)),
    Promise("F42", "every exchange from one screen", f"balance {SOUND}", tuple(SOUND.split())),
)
LBANK_MARKET_MAKERS = (
    Promise(
        "I5", "which verification method", "checklist lbank", ("HmacSHA256 (secret of 32 characters). RSA (PKCS#8",)
    ),
    Promise("I6", "several addresses, commas without blanks", "checklist lbank", ("commas and no blanks",)),
    Promise(
        "I7",
        "read only",
        "checklist lbank --profile read",
        ("Leave Spot trading, Futures trading (older screens: Trade)",),
    ),
    Promise("I7", "trade", "checklist lbank --profile spot", ("tick Read and Spot trading",)),
    Promise("I8", "never withdrawals", "checklist lbank", ("Withdraw OFF",)),
    Promise("I11", "cannot be recovered", "checklist lbank", ("A lost secret cannot be read again",)),
    Promise("I12", "never share keys", "diagnose --search 'share key'", ("Never share the key or the secret",)),
    Promise("I13", "use an IP whitelist", "verify lb-open", ("not set: the key works from any IP address",), 4),
    Promise(
        "I13", "and the hint says the same", "diagnose lb-open", ("not set: the key works from any IP address",), 4
    ),
    Promise(
        "I14",
        "delete unused keys",
        "diagnose --search 'no longer use'",
        ("Delete keys that you no longer use at the exchange",),
    ),
)
BITFINEX_LENDING = (
    Promise("L1", "no call that moves funds", "request --paths bitfinex", ("/v2/auth/r/wallets",), never=("/w/",)),
    Promise("L4", "where keys are made", "checklist bitfinex", ("https://setting.bitfinex.com/api",)),
    Promise("L6", "margin funding alone", "checklist bitfinex --profile funding", ("Margin Funding read and write",)),
    Promise(
        "L7",
        "orders off",
        "checklist bitfinex --profile funding",
        ("Account Info, Orders, Margin Trading, Wallets write",),
    ),
    Promise("L8", "never withdrawals", "checklist bitfinex", ("Withdrawals",)),
    Promise("L8", "withdrawal never", "checklist bitfinex --profile funding", ("Withdrawals and Bitfinex Pay OFF",)),
    Promise("L9", "a red flag", "diagnose --search 'withdrawal permission'", ("is a warning sign",)),
    Promise("L13", "find the IP address", "checklist bitfinex", (f"in Bitfinex's form (step 4), type: {HERE}",)),
    Promise(
        "L15", "lost: a new key", "diagnose bitfinex --search 'lost secret'", ("delete that key and create a new one",)
    ),
    Promise(
        "L17",
        "what lies in the funding wallet is seen",
        "balance bitfinex-a",
        (
            "funding",
            "USDT",
            "500",
        ),
    ),
    Promise("L21", "never share the secret", "checklist bitfinex", ("Never share the key or the secret",)),
    Promise("L24", "2FA on the account", "checklist bitfinex", ("Switch on 2FA for the login of the account",)),
    Promise("L28", "delete the key from the tool at any time", "remove spare --yes", ("Removed",)),
)
OKX_TERMINAL = (
    Promise("O3", "linked to an app, or not", "checklist okx", ("not Linking (Binding) third-party apps",)),
    Promise("O7", "the passphrase is needed as well", "checklist okx", ("Passphrase",)),
    Promise("O10", "the IP whitelist is read back", "verify okx-a", ("ok",)),
    Promise("O10", "general key: your own IPs", "checklist okx", (f"in OKX's form (step 5), type: {HERE}",)),
    Promise("O14", "a trade key is sound with a list and no withdrawals", "diagnose okx-a", ("none: key",)),
    Promise("O15", "the official website only", "checklist okx", ("Type the page's address yourself and check it",)),
    Promise("O16", "lost passphrase", "checklist okx", ("keep it, it cannot be recovered",)),
    Promise("O18", "one key for one purpose", "checklist okx", ("for one purpose",)),
    Promise("O19", "what differs", "diagnose okx --search 'linked key'", ("works only from that app's IP addresses",)),
    Promise(
        "O20",
        "the funding account is seen",
        "balance okx-a",
        (
            "trading",
            "funding USDC 7",
            "earn",
        ),
    ),
    Promise(
        "O20", "perpetuals need a mode", "checklist okx --profile futures", ("Set the account mode to futures mode",)
    ),
)
BINANCE_IN_GENERAL = (
    Promise("G2", "the web page, not the app", "checklist binance", ("cannot be created in the app is not confirmed",)),
    Promise(
        "G10",
        "total assets over several accounts",
        f"balance {SOUND}",
        (
            "Total ",
            "Not read: binance-a: earn",
        ),
    ),
    Promise(
        "G10",
        "margin and funding count",
        "balance binance-a",
        (
            "funding",
            "isolated margin",
        ),
    ),
    Promise(
        "G11",
        "accounting: as data",
        "balance binance-a --json",
        (
            '"not_read"',
            '"wallet": "funding"',
        ),
    ),
    Promise(
        "G14",
        "all keys at a glance",
        "list",
        (
            "binance-a",
            "okx-a",
        ),
    ),
    Promise("G17", "which signature kind", "checklist binance", ("the private key stays with you",)),
    Promise("G21", "where to keep it", "checklist binance", ("an encrypted backup: keyctl export FILE",)),
    Promise("G21", "and whether it is kept", "doctor", ("no backup from this data folder has the secret of",)),
    Promise(
        "G22", "never in chats", "checklist binance", ("Never keep it in chats, notes, e-mail drafts, screenshots",)
    ),
    Promise(
        "G23", "level 1, read only", "checklist binance --profile read", ("leave Enable Reading on, all others OFF",)
    ),
    Promise("G24", "balances and positions", "positions binance-a", ("No open positions",)),
    Promise(
        "G25",
        "level 2, spot",
        "checklist binance --profile spot",
        ("tick Enable Spot & Margin Trading. All others OFF",),
    ),
    Promise("G26", "options", "checklist binance", ("Enable Vanilla Options OFF",)),
    Promise(
        "G26",
        "level 3, futures",
        "checklist binance --profile futures",
        ("a key older than it can never get Enable Futures",),
    ),
    Promise(
        "G28",
        "withdrawals are refused for orders",
        "order buy BTC/USDT 0.001 --price 58000 -a wd --dry-run",
        ("can withdraw",),
        4,
    ),
    Promise("G34", "how many IP addresses", "checklist binance", ("up to 30 IP addresses, separated by commas",)),
    Promise("G36", "when keys end", "checklist binance", ("That such a key ends after 90 days is not confirmed",)),
    Promise("G37", "what is my IP address", "checklist binance", (f"in Binance's form (step 5), type: {HERE}",)),
    Promise("G38", "home addresses change", "checklist binance", ("Home connections change their IP address",)),
    Promise("G38", "a way to watch it", "diagnose --search 'home connection'", ("keyctl verify --all --watch-ip",)),
    Promise("G40", "home IP for debugging", "whitelist plan binance-a", ("until 8.8.4.4: ",)),
    Promise("G40", "and remove it after", "verify binance-a", ("8.8.4.4 must be removed at",)),
    Promise("G42", "sub-accounts", "checklist binance", ("Sub-accounts keep strategies apart",)),
    Promise("G42", "sub-accounts (OKX)", "checklist okx", ("sub-accounts cannot withdraw",)),
    Promise("G43", "a reading key is not ordered with", "verify reads", ("trade fail ON: profile read forbids it",), 4),
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
    Promise("G63", "lost secret", "diagnose binance --search 'secret lost'", ("cannot be read again",)),
    Promise("G64", "the API is free", "diagnose --search 'what does the API costs'", ("The API costs nothing",)),
    Promise("G66", "customer service", "diagnose --search 'support asks'", ("whoever asks is a scammer",)),
)

PROMISES = (*LBANK_COCKPIT, *LBANK_MARKET_MAKERS, *BITFINEX_LENDING, *OKX_TERMINAL, *BINANCE_IN_GENERAL)
