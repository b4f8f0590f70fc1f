"""keyctl exposure on the twin: figures as the exchanges report them, and a page that asks nothing of any network."""

from __future__ import annotations

import re
import stat
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from keyctl.model.words import Algorithm
from tests.support.browser import browser, pictured
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import ALL, RIGHTS, World

FUNDS = {"USDT": Decimal(1000), "BTC": Decimal(0), "ETH": Decimal(0), "SOL": Decimal(0), "USDC": Decimal(0)}


def rows(ran: Ran) -> dict[str, dict[str, Any]]:
    return {row["account"]: row for row in ran.data["exposures"]}


@pytest.fixture
def desk(world: World) -> World:
    world.add("okx", balances=FUNDS)
    world.add("okx", "okx-wide", rights=(*RIGHTS, "withdraw"), ips={}, balances=FUNDS)
    world.add("okx", "okx-read", rights=("read",), balances=FUNDS)
    return world


def test_keys_come_worst_first_with_figures_and_the_change_that_helps_most(desk: World) -> None:
    ran = desk.keyctl("exposure", "--json")
    assert ran.exit_code == 0, ran.stdout
    assert list(rows(ran)) == ["okx-wide", "okx-a", "okx-read"]
    wide, narrow, read = rows(ran).values()
    assert wide["withdrawn_anywhere_usd"] == wide["lost_usd"] == wide["lost_anywhere_usd"] != "0.00"
    assert (wide["change"], narrow["change"], read["change"]) == ("ip_list", "vault", None)
    assert (narrow["lost_anywhere_usd"], narrow["withdrawn_usd"]) == ("0.00", "0.00")
    assert narrow["lost_usd"] == wide["lost_usd"]
    assert (read["lost_usd"], read["can"]) == ("0.00", ["see balances and orders, but move nothing"])
    assert {row["place"] for row in rows(ran).values()} == {"vault_with_key_here"}


def test_a_leaked_key_comes_first_whatever_it_can_do(desk: World) -> None:
    desk.keyctl("leak", "okx-a", "--yes")
    first = desk.keyctl("exposure", "--json").data["exposures"][0]
    assert (first["account"], first["leaked"], first["command"]) == ("okx-a", True, "keyctl leak okx-a")


def test_a_disabled_key_still_works_at_its_exchange_and_is_shown(desk: World) -> None:
    desk.keyctl("disable", "okx-wide")
    assert list(rows(desk.keyctl("exposure", "--json")))[0] == "okx-wide"
    assert list(rows(desk.keyctl("exposure", "okx-read", "--json"))) == ["okx-read"]


def test_what_cannot_be_read_is_unknown_and_ranked_as_the_worst(desk: World) -> None:
    desk.made["okx-read"].key.ips = {"spot": ("203.0.113.9",), "futures": ("203.0.113.9",)}
    ran = desk.keyctl("exposure", "--json")
    assert ran.exit_code == 6
    first = ran.data["exposures"][0]
    assert (first["account"], first["lost_usd"], first["rights"]["withdraw"]) == ("okx-read", None, None)
    assert "unknown" in first["can"][0]


def test_a_wallet_of_a_market_that_the_account_is_not_stored_for_is_unknown(world: World) -> None:
    world.add("binance", None, Algorithm.HMAC, "--market", "spot", rights=RIGHTS, ips={})
    (row,) = world.keyctl("exposure", "--json").data["exposures"]
    assert row["lost_usd"] is None and Decimal(row["known_usd"]) > 0


def test_people_see_a_table_and_a_sentence_for_each_key(desk: World) -> None:
    person = keyctl_at_terminal(["exposure"], desk.home, COLUMNS="80")
    code, text = person.leaves()
    assert code == 0
    told = " ".join(text.split())
    assert "A thief could withdraw" in told and "To set an IP whitelist: keyctl whitelist plan okx-wide" in told
    assert max(map(len, text.splitlines())) <= 80


class Page(HTMLParser):
    """Everything in a page that a browser could load, run or send."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        bad = {"src", "href", "action", "srcset", "data", "poster", "background", "ping"}
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in bad or name.startswith("on")]
        self.loads += [tag] if tag in ("script", "link", "iframe", "img", "form", "object", "embed", "base") else []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def made_page(desk: World, path: Path) -> str:
    ran = desk.keyctl("exposure", "--html", str(path), "--json")
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["page"] == str(path) and stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text(encoding="utf-8")


def test_the_page_is_whole_in_itself_and_has_the_result_of_verify(desk: World, tmp_path: Path) -> None:
    text = made_page(desk, tmp_path / "keys.html")
    page = Page(text)
    assert page.loads == [] and not re.search(r"url\(|@import|https?://(?!www\.okx\.com)", text)
    assert "default-src 'none'" in text
    words = " ".join(page.words)
    assert "A thief could withdraw" in words and "FAIL" in words and "verify" in words
    verify = desk.keyctl("verify", "--all", "--json").data["findings"]
    worst = [row["detail"] for row in verify if row["level"] == "fail"]
    assert worst and all(detail in words for detail in worst)
    for made in desk.made.values():
        assert made.secret not in text and made.api_key not in text


def test_what_is_not_counted_is_said_beside_the_page_and_in_it(world: World, tmp_path: Path) -> None:
    for exchange in ALL:
        world.add(exchange, rights=RIGHTS)
    told = world.keyctl("exposure", "--json").document["warnings"]
    assert any("not counted" in warning for warning in told)
    ran = world.keyctl("exposure", "--html", str(tmp_path / "keys.html"), "--json")
    assert ran.document["warnings"] == told
    words = " ".join(Page((tmp_path / "keys.html").read_text(encoding="utf-8")).words)
    assert all(warning in words for warning in told)


def test_a_label_and_an_exchange_s_words_are_text_in_the_page() -> None:
    from datetime import UTC, datetime

    from keyctl.errors import KeyctlError
    from keyctl.leaks.exposure import KeyFacts, exposures
    from keyctl.leaks.exposure_page import page
    from keyctl.terminal.output import Result, Table

    evil = "<script>alert(1)</script><img src=x onerror=y>\"'\x1b[31m"
    found = exposures([KeyFacts(label=evil, exchange="okx", markets=())])
    result = Result({}, errors=(KeyctlError(evil),))
    verified = Result({}, (Table((evil,), [(evil,)], (evil,)),))
    text = page(result, found, verified, datetime.now(UTC), evil)
    assert Page(text).loads == [] and "\x1b" not in text and "&lt;script&gt;" in text


@pytest.mark.parametrize("name", ["nowhere/keys.html", "."])
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_read(
    desk: World, tmp_path: Path, name: str
) -> None:
    desk.venue("okx").calls.lines.clear()
    assert desk.keyctl("exposure", "--html", str(tmp_path / name)).exit_code == 2
    assert desk.venue("okx").calls.lines == []


@pytest.mark.parametrize("width", [360, 1280])
def test_a_real_browser_opens_it_without_an_outside_request(desk: World, tmp_path: Path, width: int) -> None:
    browser()
    made_page(desk, tmp_path / "keys.html")
    picture, asked = pictured(tmp_path / "keys.html", width, 2000)
    assert asked == []
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (width, 2000)
    assert len(picture) > 20_000  # there is something on it


def test_the_watch_sees_a_request_where_there_is_one(tmp_path: Path) -> None:
    browser()
    page = tmp_path / "page.html"
    page.write_text('<img src="http://192.0.2.1/outside.png">', encoding="utf-8")
    assert b"outside.png" in pictured(page, 360, 200)[1][0]
