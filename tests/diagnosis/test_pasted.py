"""Texts as people paste them: the facts that were written down beside each, half of them before the code."""

from __future__ import annotations

import json
import random
import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from keyctl.diagnosis.outcomes import Reading, Said
from keyctl.diagnosis.pasted import read_pasted
from keyctl.diagnosis.pasted_view import told
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.shipped import names
from keyctl.model.words import Taken
from keyctl.terminal.output import Note, Text
from tests.support.log_lines import noise

DATA = Path(__file__).parents[1] / "data" / "pasted"


def cases(name: str) -> list[dict[str, Any]]:
    with (DATA / f"{name}.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["case"]
    return found


def wrong(case: dict[str, Any], text: str) -> list[str]:
    """What keyctl makes of the text otherwise than the facts say."""
    reading = read_pasted(text)
    said = explained(reading)
    found = {
        "venue": said.exchange if said else "",
        "code": said.code.removeprefix("HTTP").strip() if said else "",
        "cause": cause_of(said),
        "taken": "no" if reading.proves else "maybe",
    }
    why = " ".join(row.likely_causes for row in said.rows) if said else ""
    different = [f"{name}: {value!r}, not {case[name]!r}" for name, value in found.items() if value != case[name]]
    return different + ([f"why: {why[:80]!r}"] if case.get("why", "") not in why else [])


def explained(reading: Reading) -> Said | None:
    """The outcome that is explained first: the newest with a meaning, else what there is."""
    having = [said for said in reading.said if said.rows]
    return having[-1] if having else reading.first


def cause_of(said: Said | None) -> str:
    if said is None:
        return ""
    return (
        said.rows[0].category if said.rows else {"lost": "no_answer", "unsent": "no_answer"}.get(said.kind, said.kind)
    )


@pytest.mark.parametrize("case", cases("first") + cases("second"), ids=lambda case: case["name"])
def test_a_pasted_text_is_read_as_its_facts_say(case: dict[str, Any]) -> None:
    assert wrong(case, case["text"]) == []


def test_the_batch_has_a_hundred_and_twenty_texts_of_every_exchange() -> None:
    batch = cases("first") + cases("second")
    assert len(batch) == len({case["text"] for case in batch}) == 120
    for exchange in names():
        assert sum(case["venue"] == exchange for case in batch) >= 12


def test_nothing_is_called_proven_where_an_order_may_live() -> None:
    for case in cases("first") + cases("second") + cases("cases"):
        for text in (case["text"], *case.get("siblings", ())):
            if case["taken"] == "maybe":
                shown = said_to_people(text)
                assert "proves" not in shown and '"taken": "no"' not in shown, text


@pytest.mark.parametrize("case", cases("cases"), ids=lambda case: case["name"])
def test_a_known_case_and_its_siblings_come_out_right(case: dict[str, Any]) -> None:
    assert len(case["siblings"]) == 3
    for text in (case["text"], *case["siblings"]):
        assert wrong(case, text) == [], text


def said_to_people(text: str) -> str:
    """What is shown and what programs get, in one piece; the data's lines on single rows left out."""
    reading = read_pasted(text)
    if reading.first is None:
        return ""
    result = told(reading, explain=True)
    shown = " ".join(part.text for part in result.view if isinstance(part, Text | Note))
    return f"{shown} {json.dumps({'taken': result.data['taken']})}"


def test_a_lost_answer_of_an_order_is_told_first_with_how_to_find_out() -> None:
    for text in (
        "binance POST /api/v3/order Read timed out",
        'okx order ECONNRESET\nokx {"code":"50113","msg":"Invalid Sign"}',
    ):
        shown = said_to_people(text)
        first = shown.splitlines()[0]
        assert "no response to an order call: the exchange may have accepted it" in first
        assert "do not resend it yet" in shown and "open orders" in shown and "keyctl orders settle" in shown


def test_a_read_that_got_no_answer_is_not_called_an_order() -> None:
    shown = said_to_people("ccxt.base.errors.RequestTimeout: binance GET https://api.binance.com/api/v3/time")
    assert "no response to a read" in shown and "may have accepted" not in shown


def test_every_outcome_of_a_text_is_told_in_its_order() -> None:
    text = 'binance [{"code":-4164,"msg":"Order\'s notional must be no smaller than 5"},{"orderId":7,"status":"NEW"}]'
    shown = said_to_people(text)
    assert "2 outcomes" in shown
    assert shown.index("rejected with -4164") < shown.index("accepted: the exchange has this order")


@pytest.mark.parametrize("number", [*range(50_000, 60_000, 7), *range(10_000, 10_802, 3), *range(-5_100, -999, 11)])
def test_a_whole_number_beside_prices_is_never_a_code(number: int) -> None:
    for text in (
        f"okx: buy BTC-USDT px {number}, Read timed out",
        f"binance last {number} bid {number}",
        f"lbank {number} ms",
    ):
        assert not [said.code for said in read_pasted(text).said if said.code], text


SECRETS = ("Hunter2024!", "velvet otter lagoon", "Zq9#kL", "correcthorse")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "text",
    [
        "okx error code: 50113 Invalid Sign. {{'OK-ACCESS-PASSPHRASE': '{}'}}",
        'okx {{"msg":"Invalid Sign","code":"50113"}} passphrase: "{}"',
        "okx code 50105 Request header OK-ACCESS-PASSPHRASE incorrect. passphrase={}",
        "okx code 50113 Invalid Sign ('password', '{}')",
        "binance APIError(code=-1022): Signature for this request is not valid. secret: {}",
        "lbank error_code 10007 signature={}&api_key=x",
        "okx code 50113 密码：{}",
        "okx order Read timed out, secret_key is {}",
    ],
)
def test_a_value_beside_a_word_for_a_secret_is_never_shown_again(text: str, secret: str) -> None:
    reading = read_pasted(text.format(secret))
    result = told(reading, explain=True)
    shown = str(result.view) + json.dumps(result.data, default=str)
    assert reading.said and secret not in shown
    assert all(part not in shown for part in secret.split() if len(part) > 4)


def test_the_end_of_a_ban_is_told_as_a_time() -> None:
    shown = said_to_people(
        'binance {"code":-1003,"msg":"Way too much request weight used; IP banned until 1764374400000."}'
    )
    assert "until  2025-11-29 00:00 UTC" in shown


def test_a_log_is_read_from_its_end_and_what_was_cut_is_said() -> None:
    heartbeat = "2026-01-02 03:04:05 INFO bot heartbeat equity 50111.00 latency 51008 ms, all well\n"
    body = 'binance {"code":-1013,"msg":"Filter failure: LOT_SIZE"}'
    short, long = read_pasted(heartbeat * 1_200 + body), read_pasted(heartbeat * 20_000 + body)
    assert [said.code for said in short.said] == [said.code for said in long.said] == ["-1013"]
    assert short.cut == 0 and short.proves
    assert long.cut > 0 and not long.proves
    (cut,) = [part.text for part in told(long).view if isinstance(part, Note)]
    assert "500000 characters were read" in cut and str(long.cut) in cut


@pytest.mark.slow  # the quick tests are watched for coverage, which would be timed too
def test_a_log_of_five_megabytes_is_read_within_a_second() -> None:
    log = "\n".join(noise(72_000))
    assert len(log) > 5_000_000
    read_pasted("okx code 50011")  # catalogues are read once
    start = time.process_time()
    read_pasted(log)
    assert time.process_time() - start < 1


def test_random_lines_of_logs_give_no_code() -> None:
    """A fiftieth of scripts/soak.d/pasted."""
    found = [line for line in noise(20_000) if read_pasted(line).said]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        'binance POST https://api.binance.com/api/v3/order 503 {"code":-1013,"msg":"Filter failure: LOT_SIZE"}',
        'okx order 312269865356374016 live then {"code":"50113","msg":"Invalid Sign"}',
        "binance batch: NEW, NEW, error code -4164",
        "okx sCode=51008 sMsg=Order failed. Insufficient USDT balance in account; sCode=0 ordId=3122698653",
        "binance attempt 1 hung for 30 s. attempt 2: APIError(code=-2013): Order does not exist.",
        "binance 1st try: 502\n2nd try: APIError(code=-2010): Account has insufficient balance for requested action.",
        'bitfinex ["on-req", SUCCESS] then ["error",10001,"Invalid order: minimum size for BTCUSD is 0.00006"]',
        'okx {"code":"1","data":[{"ordId":"","sCode":"51008","sMsg":"a"},{"ordId":"","sC',
        'okx {"code":"2","data":[{"ordId":"","sCode":"51008","sMsg":"a"}],"msg":"Partial success"}',
        "okx: Partial fill 0.5 of 1, then error 51008",
        "binance FILLED then APIError(code=-2010): Market is closed.",
        'lbank {"data":{"order_id":"a-b-1"},"error_code":0}\nlbank {"error_code":10016,"msg":"Currency is not enough"}',
    ],
)
def test_a_rejection_beside_anything_else_proves_nothing(text: str) -> None:
    reading = read_pasted(text)
    assert reading.said and not reading.proves
    assert "proves" not in said_to_people(text)


def test_a_figure_beside_one_word_is_not_a_message() -> None:
    for text in ("lbank volume=8.420;", "lbank price 0.01, volume 0.001", "lbank: Volume < 0.001 was the day's low"):
        assert read_pasted(text).said == (), text


def test_words_of_an_exchange_that_the_text_does_not_name_prove_nothing() -> None:
    assert read_pasted("binance: Margin is insufficient.").proves
    reading = read_pasted("Margin is insufficient.")
    assert reading.said[0].rows and not reading.proves
    assert "if the response came from the usdm API of Binance" in said_to_people("Margin is insufficient.")


def test_random_damage_never_turns_a_maybe_into_a_proof() -> None:
    """Cut, doubled and joined texts: where one part leaves an order alive, the whole does."""
    source = random.Random(7)
    alive = [case["text"] for case in cases("cases") if case["taken"] == "maybe" and case["cause"] == "no_answer"]
    refusals = [case["text"] for case in cases("cases") if case["taken"] == "no"]
    for _ in range(300):
        texts = [source.choice(alive), source.choice(refusals)]
        source.shuffle(texts)
        assert not read_pasted("\n".join(texts)).proves, texts
        whole = source.choice(refusals)
        read_pasted(whole[: source.randrange(len(whole))])


@pytest.mark.parametrize(
    "text", ["{" * 3000, "[" * 3000 + "1", '{"a":' * 2000, "\x00\ud800{'code': ", '{"code":' + "9" * 500]
)
def test_hostile_text_ends_quickly_and_tells_nothing(text: str) -> None:
    assert not read_pasted(text).proves


def test_the_catalogues_never_say_no_and_look_it_up_in_one_breath() -> None:
    for exchange in names():
        for row in catalogue(exchange).rows:
            doubt = re.search(r"look (it|the order) up|orders settle|reconcile|unknown", row.fix, re.IGNORECASE)
            again = re.search(r"(place|send|sent) (it )?(again|anew)|resend|retry", row.fix, re.IGNORECASE)
            safe = re.search(r"look|settle|wait|query|not|fix|cancel", row.fix, re.IGNORECASE)
            assert not (row.taken is Taken.NO and doubt), row
            assert not (row.taken is Taken.MAYBE and again and not safe), row


def test_colors_of_a_terminal_hide_nothing() -> None:
    (said,) = read_pasted('\x1b[31mokx\x1b[0m \x1b[1m{"code":"50113","msg":"Invalid Sign"}\x1b[0m').said
    assert (said.exchange, said.code) == ("okx", "50113")
