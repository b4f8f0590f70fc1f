"""What every client of others must manage at the twin, and what the twin must refuse it.

A test class inherits ClientContract and says which client drives and how its exchange refuses:

    class TestAcme(ClientContract):
        exchange, package = "acme", "acme-sdk"
        ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from keyctl.model.words import Algorithm, OrderState
from tests.conformance.stage import PLACES, Span, Stage, Taken, changed, spans


class ClientContract:
    """The client signs in, reads, places, finds and cancels; and no call of it passes with one character changed."""

    exchange: ClassVar[str]
    package: ClassVar[str]
    algorithm: ClassVar[Algorithm] = Algorithm.HMAC
    # The states of the order that the client saw, in its own words.
    states: ClassVar[list[Any]]
    # What the client makes of a wrong secret.
    refused: ClassVar[str]
    # For each place of a call: the (HTTP status, code) pairs that a changed character may bring.
    refusals: ClassVar[dict[str, set[tuple[int, Any]]]]
    # The answer to the balance call once more, unchanged and within its window.
    repeated: ClassVar[tuple[int, Any]]
    # The path of another signed read, and the answer there to what was signed for the balance.
    elsewhere: ClassVar[tuple[str, tuple[int, Any]]]

    def drive(self, run_sdk: Callable[..., dict[str, Any]], given: dict[str, str]) -> dict[str, Any]:
        """What the client saw. The exchange's own SDK, unless a test class has another."""
        return run_sdk(self.exchange, self.package, given)

    def test_it_signs_in_and_reads_its_balance(self, stage: Stage, seen: dict[str, Any]) -> None:
        assert seen["account"] in (stage.made.key.uid, None)
        assert Decimal(str(seen["free"])) == 100_000

    def test_it_places_one_order_finds_it_and_cancels_it(self, stage: Stage, seen: dict[str, Any]) -> None:
        given = stage.given
        assert stage.venue.placements == {given["client_order_id"]: 1}
        (order,) = stage.venue.orders
        assert (order.state, order.quantity, order.price) == (OrderState.CANCELED, Decimal("0.005"), Decimal(50_000))
        assert len(set(seen["order_ids"])) == 1
        assert seen["client_order_id"] == given["client_order_id"]
        assert (Decimal(str(seen["quantity"])), Decimal(str(seen["price"]))) == (order.quantity, order.price)
        assert (seen["open"], seen["states"]) == (1, self.states)
        assert stage.twin.faults_of_its_own == []

    def test_it_understands_that_its_secret_is_wrong(self, seen: dict[str, Any]) -> None:
        assert seen["refused"] == self.refused

    @pytest.mark.parametrize("place", PLACES)
    def test_no_call_passes_with_one_character_changed(self, stage: Stage, seen: dict[str, Any], place: str) -> None:
        """Each character of that place in turn, in each of the signed calls that the client made."""
        answers: dict[tuple[int, Any], str] = {}
        for taken in stage.signed():
            places = spans(self.exchange, taken.call)
            with stage.held_at(taken) as repeater:
                for part, index in _characters(place, places):
                    call = changed(taken.call, part, index)
                    answers.setdefault(repeater.send(call), f"{taken.call.method} {taken.call.path}: {part} {index}")
        assert set(answers) == (self.refusals[place] if answers or place not in ("query", "body") else set()), answers
        assert stage.venue.placements.total() == len(stage.venue.orders) == 1
        assert stage.twin.faults_of_its_own == []

    def test_a_call_sent_again_unchanged_shows_that_only_the_change_was_refused(
        self, stage: Stage, seen: dict[str, Any]
    ) -> None:
        read = _balance_call(stage)
        with stage.held_at(read) as repeater:
            assert repeater.send(read.call) == self.repeated

    def test_a_signature_opens_another_path_only_where_the_exchange_does_not_sign_the_path(
        self, stage: Stage, seen: dict[str, Any]
    ) -> None:
        read, (path, answer) = _balance_call(stage), self.elsewhere
        with stage.held_at(read) as repeater:
            assert repeater.send(replace(read.call, target=read.call.target.replace(read.call.path, path))) == answer


def _balance_call(stage: Stage) -> Taken:
    return next(taken for taken in stage.signed() if stage.operation(taken) == "balance")


def _characters(place: str, places: dict[str, Span]) -> list[tuple[str, int]]:
    """The characters of one place; those of time and signature are not also the query's or the body's."""
    if place not in places:
        return []
    found = [(places[place].part, index) for index in range(places[place].start, places[place].end)]
    if place in ("query", "body"):
        for inner in (places.get("timestamp"), places.get("signature")):
            if inner is not None:
                found = [
                    (part, index) for part, index in found if part != inner.part or not inner.start <= index < inner.end
                ]
    return found
