"""Every table in every width: nothing wider than the terminal, no word broken, no column lost in silence.

One world with long labels, LBank's long order ids, a long symbol, positions, a failed account; each command is run once
and its result is rendered at each width.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest

from keyctl.cli import outcome
from keyctl.model.words import Algorithm
from keyctl.terminal.output import OutputOptions, Result, Table, render
from tests.support.world import ALL, RIGHTS, World

WIDTHS = (60, 80, 120, 200)
LABEL = "{}-desk-with-a-long-name"
COMMANDS = (
    "list",
    "show {okx}",
    "verify --all",
    "balance --all",
    "positions --all",
    "orders",
    "orders --drafts",
    "orders --open --all",
    "fills --all",
    "price BTC/USDT",
    "price BTC/USDT:USDT",
    "limits",
    "doctor",
    "doctor -v",
    "config show",
    "whitelist show --all",
    "whitelist plan --all",
    "exposure",
    "verify --all --foreign-use",
    "verify --all --watch-ip",
    "request --paths binance",
    "diagnose --search balance",
    "vault status",
    "funding rates USDT -a {bitfinex}",
    "funding book USDT -a {bitfinex}",
    "funding offers -a {bitfinex}",
    "funding credits -a {bitfinex}",
    "funding history -a {bitfinex}",
    "funding auto USDT -a {bitfinex}",
    "order sell BTC/USDT 0.001 --price 70000 --fanout --all --dry-run",
    "order sell BTC/USDT:USDT 0.005 --price 70000 -a {okx} --reduce-only --dry-run",
    "order buy BTC/USDT 0.001 --price 50000 --fanout --all --yes",
    "close BTC/USDT:USDT -a {okx} --dry-run",
    "cancel -a {lbank} --symbol BTC/USDT --yes",
    "leak {lbank} --yes",
)
# Nothing was lent or offered in this world, and no IP address has changed.
EMPTY = (
    "verify --all --watch-ip",
    *(f"funding {name} -a {{bitfinex}}" for name in ("offers", "credits", "history")),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("tables") / "world") as world:
        for exchange in ALL:
            algorithm = Algorithm.ED25519 if exchange == "binance" else Algorithm.HMAC
            world.add(exchange, LABEL.format(exchange), algorithm, rights=(*RIGHTS, "funding", "funding_write"))
        world.add("lbank", "lbank-second-account-of-the-desk", rights=("read", "spot_trade"))
        world.keyctl("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--fanout", "--all", "--yes")
        for exchange in ("okx", "bitfinex"):
            order = ("order", "buy", "BTC/USDT:USDT", "0.005", "--price", "61000", "-a", LABEL.format(exchange))
            world.keyctl(*order, "--leverage", "1", "--expect-value", "305")
        yield world


def results(world: World, command: str) -> Result:
    words = command.format(**{exchange: LABEL.format(exchange) for exchange in ALL}).split()
    app = world.app()
    app.output.people = True
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        found = outcome(words, app)
    app.close()
    assert isinstance(found, Result), command
    return found


def drawn(result: Result, width: int) -> str:
    out = io.StringIO()
    with patch.dict(os.environ, {"COLUMNS": str(width)}), redirect_stdout(out), redirect_stderr(io.StringIO()):
        assert render(result, OutputOptions(people=True, environ={"TERM": "dumb"}))
    return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_table_fits_every_width_and_breaks_no_word(desk: World, command: str) -> None:
    result = results(desk, command)
    tables = [block for block in result.view if isinstance(block, Table)]
    assert result.exit_code not in (1, 2), result.errors
    assert tables or command in EMPTY
    for width in WIDTHS:
        for table in tables:
            shown = drawn(Result({}, (table,)), width)
            longest = max((len(word) for row in table.rows for cell in row for word in cell.split()), default=0)
            # A word that is longer than the terminal, as a path may be, cannot stay whole.
            assert max(map(len, shown.splitlines()), default=0) <= max(width, longest), shown
            left_out = " ".join(shown.partition("not shown, because the terminal is too narrow: ")[2].split()).split(
                ", "
            )
            assert set(filter(None, left_out)) <= set(table.droppable)
            there = set(shown.split())
            for row in table.rows:
                for name, cell in zip(table.columns, row, strict=True):
                    words = {word for word in cell.split() if word != "-" and len(word) <= width - 24}
                    assert name in left_out or words <= there, (width, name, cell, shown)
