"""No damaged answer crashes a reader, and none is taken for proof that it is not, or read as what it does not say.

What an answer proves, what it tells on perpetuals of positions, leverage, wallets, open orders and bands, and what
became of orders that wait for a trigger, is judged a second time from its raw bytes, by code that shares nothing with
the readers (tests/support/*_oracle.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keyctl.model.order import OrderStatus
from keyctl.model.words import Outcome
from keyctl.orders.judge import judge_placed
from tests.support import waiting_oracle
from tests.support.answer_oracle import proves_refused, proves_taken
from tests.support.answers_campaign import CALL_SECONDS, Figures, _as_told, _check, campaign, socket_campaign
from tests.support.around_oracle import READERS, plainly, second_reading
from tests.support.futures_samples import FuturesSample, harvest_futures
from tests.support.mutations import each_replaced, harvest
from tests.support.rude_server import ENDLESS
from tests.support.waiting_samples import WaitingSample, harvest_waiting

COUNT = 100_000
SOCKETS = 1_000
BLOCKS_MAX = 30_000  # of Python's allocator; a leak of one object per answer would be 100,000 or more


@pytest.mark.slow
def test_100_000_damaged_answers_neither_crash_a_reader_nor_prove_what_they_do_not() -> None:
    figures = campaign(COUNT, seed=3, samples=harvest())
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.blocks_grown < BLOCKS_MAX
    # The verdicts are not all the same: damage that leaves the proof whole is still read.
    assert min(figures.outcomes[outcome] for outcome in (Outcome.ACCEPTED, Outcome.REJECTED)) > COUNT / 100
    assert figures.outcomes[Outcome.UNKNOWN] > COUNT / 10
    assert figures.unreadable > COUNT / 20


@pytest.mark.slow
def test_100_000_damaged_answers_around_perpetuals_are_read_as_they_are_or_not_at_all() -> None:
    figures = campaign(COUNT, seed=4, samples=harvest_futures())
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.blocks_grown < BLOCKS_MAX
    assert min(figures.outcomes[outcome] for outcome in (Outcome.ACCEPTED, Outcome.REJECTED)) > COUNT / 100
    assert figures.outcomes[Outcome.UNKNOWN] > COUNT / 10
    assert figures.unreadable > COUNT / 20
    assert min(figures.read[reader] for reader in READERS) > COUNT / 500


@pytest.mark.slow
def test_100_000_damaged_answers_about_waiting_orders_are_read_as_they_are_or_not_at_all() -> None:
    figures = campaign(COUNT, seed=5, samples=harvest_waiting())
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.blocks_grown < BLOCKS_MAX
    assert min(figures.outcomes[outcome] for outcome in (Outcome.ACCEPTED, Outcome.REJECTED)) > COUNT / 100
    assert figures.outcomes[Outcome.UNKNOWN] > COUNT / 10
    assert figures.unreadable > COUNT / 20
    assert min(figures.read[reader] for reader in waiting_oracle.READERS) > COUNT / 500


def test_each_value_in_an_answer_about_a_waiting_order_may_be_anything() -> None:
    figures, kinds = Figures(), dict[tuple[Any, ...], WaitingSample]()
    for sample in harvest_waiting():
        if sample.exchange.read_error(sample.response) is None and sample.reader != "placed":
            told = plainly(sample.read(sample.response))
            what = (told.state, told.became is None) if isinstance(told, OrderStatus) else bool(told)
            step = sample.step if sample.reader == "open_orders" else min(sample.step, 1)  # the rest are lists alike
            kinds.setdefault((sample.exchange.name, sample.leg.order.market, sample.reader, step, what), sample)
    for sample in kinds.values():
        for response in each_replaced(sample.response):
            figures.answers += 1
            _check(sample, response, figures)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.unreadable > figures.answers / 10
    assert set(figures.read) >= set(waiting_oracle.READERS)


def test_answers_as_the_exchanges_give_them_are_judged_alike_by_the_oracle() -> None:
    for sample in (*harvest(), *harvest_futures(), *harvest_waiting()):
        if not isinstance(sample, WaitingSample):
            if isinstance(sample, FuturesSample) and sample.reader in READERS:
                assert plainly(sample.read(sample.response)) == second_reading(sample, sample.response), sample
        elif sample.reader in waiting_oracle.READERS and sample.exchange.read_error(sample.response) is None:
            assert _as_told(sample, sample.response, sample.read(sample.response)), sample
        if sample.reader == "placed":
            outcome = judge_placed(sample.exchange, sample.leg, sample.response).outcome
            proven = proves_taken(sample.leg, sample.response), proves_refused(sample.leg, sample.response)
            assert proven == (outcome is Outcome.ACCEPTED, outcome is Outcome.REJECTED), sample.response.body


def test_a_refusal_that_names_another_order_proves_nothing_of_ours() -> None:
    for sample in harvest():
        if (sample.exchange.name, sample.reader) == ("okx", "placed") and b'"sCode":"51' in sample.response.body:
            mine = sample.leg.client_order_id.encode()
            assert judge_placed(sample.exchange, sample.leg, sample.response).outcome is Outcome.REJECTED
            for other in (b"kc00000000000000000000000000", mine + b'","ordId":"1'):
                body = sample.response.body.replace(b'"ordId":"",', b"").replace(mine, other)
                answer = replace(sample.response, body=body)
                assert judge_placed(sample.exchange, sample.leg, answer).outcome is Outcome.UNKNOWN, body


def test_an_order_echoed_as_rejected_is_not_accepted() -> None:
    for sample in harvest():
        for word, instead in ((b'"NEW"', b'"REJECTED"'), (b'"ACTIVE"', b'"POSTONLY CANCELED"')):
            if sample.reader == "placed" and word in sample.response.body:
                answer = replace(sample.response, body=sample.response.body.replace(word, instead))
                assert judge_placed(sample.exchange, sample.leg, answer).outcome is Outcome.UNKNOWN


@pytest.mark.slow
def test_1000_damaged_answers_over_sockets_end_in_time_and_prove_nothing_that_they_do_not() -> None:
    figures = socket_campaign(SOCKETS)
    print(figures)
    assert not figures.findings, figures.findings[:5]
    assert figures.slowest < CALL_SECONDS + 0.5
    assert figures.blocks_grown < BLOCKS_MAX
    assert figures.most_memory_mib < 200
    assert min(figures.outcomes[outcome] for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)) > SOCKETS / 20
    assert set(figures.kinds_without_answer) >= set(ENDLESS)
