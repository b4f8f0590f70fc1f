"""What five guides promise of making a key: one row a promise, a command on the twin, and what must appear."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.proxies import FakeEcho
from tests.support.world import World

HERE = "47.98.123.45"
# Row, what the guide promises, the command, what must appear. F: LBank for a cockpit, I: LBank for market makers,
# L: Bitfinex for lending, O: OKX for a terminal, G: Binance in general.
PROMISES = (
    ("F3", "whitelist the IP address of the tool", "checklist lbank", f"in LBank's form (step 4), type: {HERE}"),
    ("F7", "futures account first", "checklist lbank --profile futures", "Open the futures account first"),
    ("F8", "the exact IP address is displayed", "ip", HERE),
    ("F8", "also for a key that is stored", "whitelist plan lbank-a", f"keyctl whitelist set -a lbank-a {HERE}"),
    (
        "F10",
        "read and trade, withdrawal off",
        "checklist lbank --profile futures",
        "Leave Spot trading and Withdraw OFF",
    ),
    ("F11", "the secret is displayed once", "checklist lbank", "the secret is shown once"),
    (
        "F12",
        "lost: delete it, make a new one",
        "diagnose --search 'lost my secret'",
        "delete that key and create a new one",
    ),
    ("F34", "a password manager", "checklist lbank", "second copy of the secret in a password manager"),
    ("I5", "which verification method", "checklist lbank", "HmacSHA256 (secret of 32 characters). RSA (PKCS#8"),
    ("I7", "read only", "checklist lbank --profile read", "Leave Spot trading, Futures trading (older screens: Trade)"),
    ("I7", "trade", "checklist lbank --profile spot", "tick Read and Spot trading"),
    ("I11", "cannot be recovered", "checklist lbank", "A lost secret cannot be read again"),
    ("I12", "never share keys", "diagnose --search 'share key'", "Never share the key or the secret"),
    (
        "I14",
        "delete unused keys",
        "diagnose --search 'no longer use'",
        "Delete keys that you no longer use at the exchange",
    ),
    ("L6", "margin funding alone", "checklist bitfinex --profile funding", "Margin Funding read and write"),
    ("L7", "orders off", "checklist bitfinex --profile funding", "Account Info, Orders, Margin Trading, Wallets write"),
    ("L8", "withdrawal never", "checklist bitfinex --profile funding", "Withdrawals and Bitfinex Pay OFF"),
    ("L9", "a red flag", "diagnose --search 'withdrawal permission'", "is a warning sign"),
    ("L13", "find the IP address", "checklist bitfinex", f"in Bitfinex's form (step 4), type: {HERE}"),
    ("L15", "lost: a new key", "diagnose bitfinex --search 'lost secret'", "delete that key and create a new one"),
    ("L21", "never share the secret", "checklist bitfinex", "Never share the key or the secret"),
    ("L24", "2FA on the account", "checklist bitfinex", "Switch on 2FA for the login of the account"),
    ("O3", "linked to an app, or not", "checklist okx", "not Linking (Binding) third-party apps"),
    ("O10", "general key: your own IPs", "checklist okx", f"in OKX's form (step 5), type: {HERE}"),
    ("O15", "the official website only", "checklist okx", "Type the page's address yourself and check it"),
    ("O16", "lost passphrase", "checklist okx", "keep it, it cannot be recovered"),
    ("O19", "what differs", "diagnose okx --search 'linked key'", "works only from that app's IP addresses"),
    ("O20", "perpetuals need a mode", "checklist okx --profile futures", "Set the account mode to futures mode"),
    ("G2", "the web page, not the app", "checklist binance", "cannot be created in the app is not confirmed"),
    ("G17", "which signature kind", "checklist binance", "the private key stays with you"),
    ("G21", "where to keep it", "checklist binance", "an encrypted backup: keyctl export FILE"),
    ("G21", "and whether it is kept", "doctor", "no backup made here has the secret of"),
    ("G22", "never in chats", "checklist binance", "Never keep it in chats, notes, e-mail drafts, screenshots"),
    ("G23", "level 1, read only", "checklist binance --profile read", "leave Enable Reading on, all others OFF"),
    ("G25", "level 2, spot", "checklist binance --profile spot", "tick Enable Spot & Margin Trading. All others OFF"),
    ("G26", "options", "checklist binance", "Enable Vanilla Options OFF"),
    (
        "G26",
        "level 3, futures",
        "checklist binance --profile futures",
        "a key older than it can never get Enable Futures",
    ),
    ("G34", "how many IP addresses", "checklist binance", "up to 30 IP addresses, separated by commas"),
    ("G36", "when keys end", "checklist binance", "That such a key ends after 90 days is not confirmed"),
    ("G37", "what is my IP address", "checklist binance", f"in Binance's form (step 5), type: {HERE}"),
    ("G38", "home addresses change", "checklist binance", "Home connections change their IP address"),
    ("G38", "a way to watch it", "diagnose --search 'home connection'", "keyctl verify --all --watch-ip"),
    ("G40", "home IP for debugging", "whitelist plan binance-a", "until\t8.8.4.4: "),
    ("G40", "and remove it after", "verify binance-a", "8.8.4.4 is to come off at"),
    ("G42", "sub-accounts", "checklist binance", "Sub-accounts keep strategies apart"),
    ("G42", "sub-accounts (OKX)", "checklist okx", "sub-accounts cannot withdraw"),
    ("G63", "lost secret", "diagnose binance --search 'secret lost'", "cannot be read again"),
    ("G64", "the API is free", "diagnose --search 'what does the API costs'", "The API costs nothing"),
    ("G66", "customer service", "diagnose --search 'support asks'", "whoever asks is a scammer"),
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """What a command shows, run once, in a home with an echo service and accounts of Binance and LBank."""
    with FakeEcho(HERE) as echo, World(tmp_path_factory.mktemp("promises") / "w") as world:
        world.keyctl("config", "set", "echo", echo.url)
        world.add("binance")
        world.add("lbank")
        world.keyctl("whitelist", "set", "-a", "binance-a", "127.0.0.1")
        world.keyctl("whitelist", "set", "-a", "binance-a", "8.8.4.4", "--until", "2h")
        known: dict[str, str] = {}

        def run(line: str) -> str:
            if line not in known:
                ran = world.keyctl(*shlex.split(line))
                known[line] = ran.stdout + ran.stderr
            return known[line]

        yield run


@pytest.mark.parametrize(
    ("line", "part"), [row[2:] for row in PROMISES], ids=[f"{row}-{words}" for row, words, _, _ in PROMISES]
)
def test_a_promise_is_kept(shown: Callable[[str], str], line: str, part: str) -> None:
    assert part in shown(line)


def test_no_promise_stands_twice_and_none_is_kept_by_another_ones_words() -> None:
    assert len({row[2:] for row in PROMISES}) == len(PROMISES) >= 30


def test_what_is_out_and_the_risk_are_said_once() -> None:
    lines = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("- Out: options, margin borrowing, copy trading, withdrawals")]
    assert [line for line in lines if "Nothing here is financial advice" in line]
