"""The contract that every exchange fulfils. A test class inherits ExchangeContract, says how its exchange answers, and
adds only what is its own: vectors, error bodies, odd fields. One class on purpose, long as it is: what a new exchange
must show is then one name and one page.

    class TestAcme(ExchangeContract):
        name = "acme"
        ...
"""

from __future__ import annotations

import copy
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyctl.answers import Unreadable
from keyctl.errors import SetupProblem, UsageProblem
from keyctl.exchanges import shipped
from keyctl.exchanges.base import Exchange, UnknownSymbol
from keyctl.exchanges.encoding import public_wire
from keyctl.exchanges.signer import Signer
from keyctl.model.credential import Binding
from keyctl.model.order import Leg, Order
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import Request, Response, SignedRequest, Stamp
from keyctl.model.words import Algorithm, Kind, Market, OrderState, OrderType, Side, TimeInForce
from keyctl.secret import Secret
from tests.support.market_calls import (
    balance_request,
    instrument_request,
    permissions_request,
    probe_request,
    read_balances,
    read_instrument,
    read_permissions,
    read_ticker,
    read_time,
    ticker_request,
    time_request,
)
from tests.support.order_calls import (
    cancel_request,
    lookup_requests,
    order_request,
    read_canceled,
    read_lookup,
    read_placed,
)

SENT_MS = 1_790_000_000_123
STAMP = Stamp(at_ms=SENT_MS, nonce=1_790_000_000_123_456, token="0123456789abcdef0123456789abcdef")
# Names under which venues take broker, tag or affiliate marks; none may be in an order.
BROKER_NAMES = {"tag", "broker", "brokerid", "broker_id", "affiliate", "aff_code", "meta", "source", "channel"}
FUZZ = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)


def answer(value: object, status: int = 200) -> Response:
    """An answer with that JSON; Decimal values are written as JSON numbers."""
    return Response(status, {"content-type": "application/json"}, json.dumps(value).encode())


def sent_params(wire: SignedRequest) -> dict[str, Any]:
    """What the exchange would read from a signed request: query, then form or JSON body."""
    params: dict[str, Any] = dict(parse_qsl(urlsplit(wire.url).query, keep_blank_values=True))
    body = wire.body.decode("utf-8")
    if body.startswith("{"):
        params.update(json.loads(body))
    elif body:
        params.update(parse_qsl(body, keep_blank_values=True))
    return params


def damaged(value: Any) -> Iterator[Any]:
    """Copies of a JSON value, each with one thing in it removed or replaced."""
    spoiled: tuple[Any, ...] = (None, "", "x", [], {}, -1, True, "1E-999999", "🦊")
    for path in _paths(value):
        for junk in spoiled:
            changed = copy.deepcopy(value)
            _at(changed, path[:-1])[path[-1]] = junk
            yield changed
        changed = copy.deepcopy(value)
        del _at(changed, path[:-1])[path[-1]]
        yield changed


def _paths(value: Any, base: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield (*base, name)
        yield from _paths(item, (*base, name))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


class ExchangeContract(ABC):
    """What a subclass gives: the facts below and the answers of its exchange as JSON values."""

    name: ClassVar[str]
    native_symbol: ClassVar[str]  # BTC/USDT in the exchange's own words
    kind: ClassVar[Kind] = Kind.LIVE
    api_key: ClassVar[str]
    secret: ClassVar[str]
    algorithm: ClassVar[Algorithm] = Algorithm.HMAC
    passphrase: ClassVar[str | None] = None
    client_order_id_pattern: ClassVar[str] = r"kc[a-z0-9]{26}"

    def quantity_texts(self, text: str) -> set[str]:
        """How a quantity may stand on the wire: as a positive text; Bitfinex sells with a minus sign."""
        return {text}

    @abstractmethod
    def placed(self, leg: Leg) -> Any:
        """The answer to a successful order_request(leg)."""

    @abstractmethod
    def placed_by_another(self, leg: Leg) -> dict[str, Any]:
        """Answers that look successful and belong to another order, by what differs (id, symbol, side, ...)."""

    @abstractmethod
    def found(self, step: int, leg: Leg) -> Any:
        """The answer to lookup_requests()[step] with the leg's open, unfilled order in it."""

    @abstractmethod
    def found_another(self, step: int, leg: Leg) -> dict[str, Any]:
        """As found(), with our client order id and another side, size or symbol: must be Unreadable."""

    @abstractmethod
    def not_found(self, step: int) -> Response:
        """The answer (or error answer) that says: no such order."""

    @abstractmethod
    def canceled(self, leg: Leg) -> Any:
        """The answer to a cancel request that was taken; the exchange order id is 4711 or its like."""

    @abstractmethod
    def answers(self) -> dict[str, Any]:
        """Sample answers: "time" (None without a clock), "instrument", "ticker", "permissions", "balances"."""

    @abstractmethod
    def permissions_without_facts(self) -> list[Any]:
        """Permission answers that are well formed and tell nothing."""

    # What is made from it.

    def exchange(self, **changes: Any) -> Exchange:
        facts = shipped.profile(self.name)
        binding = Binding(self.name, self.kind, facts.site_default, None, None)
        return shipped.load(replace(binding, **changes))

    def leg(self, **changes: Any) -> Leg:
        order = Order("BTC/USDT", Market.SPOT, Side.BUY, OrderType.LIMIT, Decimal("0.005"), Decimal("60000"))
        order = replace(order, **changes)
        client_order_id = self.exchange().new_client_order_id(bytes(range(200, 232)))
        return Leg(
            "plan", 0, "label", "account", self.name, order, self.native_symbol, client_order_id, date(2026, 9, 21)
        )

    def signer(self, exchange: Exchange | None = None) -> Signer:
        passphrase = None if self.passphrase is None else Secret(self.passphrase)
        return (exchange or self.exchange()).signer(self.api_key, Secret(self.secret), self.algorithm, passphrase)

    def sent(self, request: Request) -> SignedRequest:
        return self.signer().sign(request, STAMP)

    def check(self, **changes: Any) -> tuple[str, ...]:
        passphrase = None if self.passphrase is None else Secret(self.passphrase)
        values = {"api_key": self.api_key, "secret": Secret(self.secret), "passphrase": passphrase, **changes}
        algorithm = values.pop("algorithm", self.algorithm)
        return self.exchange().check_credential(values["api_key"], values["secret"], algorithm, values["passphrase"])

    def reads(self, exchange: Exchange) -> list[Request]:
        leg = self.leg()
        optional = [time_request(exchange), permissions_request(exchange)]
        optional += [probe_request(exchange, market) for market in Market]
        return [
            instrument_request(exchange, "BTC/USDT"),
            ticker_request(exchange, self.native_symbol),
            balance_request(exchange),
            *lookup_requests(exchange, leg, SENT_MS),
            *(request for request in optional if request is not None),
        ]

    def writes(self, exchange: Exchange) -> list[Request]:
        leg = self.leg()
        return [
            order_request(exchange, leg),
            cancel_request(exchange, leg, None),
            cancel_request(exchange, leg, "4711"),
        ]

    # Requests.

    def test_reads_may_be_repeated_and_writes_never(self) -> None:
        exchange = self.exchange()
        assert all(request.repeatable for request in self.reads(exchange))
        assert not any(request.repeatable for request in self.writes(exchange))
        assert all(request.private for request in self.writes(exchange))

    def test_requests_go_to_shipped_https_hosts_only(self) -> None:
        exchange = self.exchange()
        shipped = set(exchange.profile.hosts[self.kind][exchange.binding.site].values())
        assert all(host.startswith("https://") and not host.endswith("/") for host in shipped)
        assert {request.base for request in self.reads(exchange) + self.writes(exchange)} <= shipped

    def test_a_loopback_endpoint_stands_for_all_hosts(self) -> None:
        exchange = self.exchange(kind=Kind.DEMO, endpoint="http://127.0.0.1:5555")
        bases = {request.base for request in self.reads(exchange) + self.writes(exchange)}
        assert bases == {"http://127.0.0.1:5555"}

    def test_an_unknown_site_is_refused(self) -> None:
        with pytest.raises(UsageProblem):
            self.exchange(site="atlantis")

    def test_public_reads_can_go_out_unsigned(self) -> None:
        exchange = self.exchange()
        for request in self.reads(exchange):
            if not request.private:
                assert public_wire(request).headers == ()

    def test_an_order_carries_its_client_order_id_and_no_mark_of_a_broker(self) -> None:
        for leg in self.legs():
            wire = self.sent(order_request(self.exchange(), leg))
            params = sent_params(wire)
            assert leg.client_order_id in {str(value) for value in params.values()}
            assert not {name.lower() for name in params} & BROKER_NAMES
            assert not {name.lower() for name, _ in wire.headers} & BROKER_NAMES
            assert not wire.repeatable

    def legs(self) -> list[Leg]:
        """Every kind of order that the contract asks for; override to leave out what a venue lacks."""
        return [
            self.leg(),
            self.leg(side=Side.SELL),
            self.leg(post_only=True),
            self.leg(time_in_force=TimeInForce.IOC),
            self.leg(time_in_force=TimeInForce.FOK),
            self.leg(side=Side.SELL, type=OrderType.MARKET, price=None),
            self.leg(type=OrderType.MARKET, price=None, quote_quantity=Decimal("300")),
        ]

    def test_decimals_are_never_written_with_an_exponent(self) -> None:
        leg = self.leg(quantity=Decimal("1E-8"), price=Decimal("6E+4"))
        params = sent_params(self.sent(order_request(self.exchange(), leg)))
        values = {str(value) for value in params.values()}
        assert self.quantity_texts("0.00000001") & values
        assert "60000" in values
        assert not [value for value in values if re.fullmatch(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", value)]

    def test_signing_the_same_twice_gives_the_same_bytes(self) -> None:
        for request in self.writes(self.exchange()):
            assert self.sent(request) == self.sent(request)

    def test_a_signed_request_shows_neither_key_nor_secret(self) -> None:
        wire = self.sent(order_request(self.exchange(), self.leg()))
        shown = repr(wire) + repr(self.signer()) + str(wire)
        assert self.api_key not in shown
        everything = wire.url.encode() + b"".join(value.encode() for _, value in wire.headers) + wire.body
        assert self.secret.encode() not in everything

    @FUZZ
    @given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
    def test_odd_text_arrives_as_it_was_given(self, text: str) -> None:
        entry = next(entry for entry in shipped.profile(self.name).readable if entry.private and "{}" not in entry.path)
        wire = self.sent(self.exchange().readable_request(entry.method, entry.path, (("note", text),)))
        assert wire.url.isascii() and not re.search(r"[\s\x00-\x1f]", wire.url)
        assert sent_params(wire)["note"] == text

    # Answers.

    def test_the_answer_to_our_order_proves_it(self) -> None:
        for leg in self.legs():
            assert read_placed(self.exchange(), answer(self.placed(leg)), leg).exchange_order_id

    def test_an_answer_about_another_order_proves_nothing(self) -> None:
        leg = self.leg()
        for what, value in self.placed_by_another(leg).items():
            with pytest.raises(Unreadable):
                placed = read_placed(self.exchange(), answer(value), leg)
                pytest.fail(f"another {what} was taken for ours: {placed}")

    def test_every_look_up_finds_the_order(self) -> None:
        leg = self.leg()
        for step, _ in enumerate(lookup_requests(self.exchange(), leg, SENT_MS)):
            status = read_lookup(self.exchange(), step, answer(self.found(step, leg)), leg)
            assert status is not None
            assert (status.state, status.quantity, status.filled) == (OrderState.OPEN, Decimal("0.005"), Decimal(0))
            assert status.client_order_id in (leg.client_order_id, None)

    def test_a_look_up_never_takes_another_order_for_ours(self) -> None:
        leg = self.leg()
        for step, _ in enumerate(lookup_requests(self.exchange(), leg, SENT_MS)):
            for what, value in self.found_another(step, leg).items():
                with pytest.raises(Unreadable):
                    found = read_lookup(self.exchange(), step, answer(value), leg)
                    pytest.fail(f"step {step}: another {what} gave {found}")

    def test_an_order_with_another_client_order_id_is_never_ours(self) -> None:
        exchange, leg = self.exchange(), self.leg()
        other = replace(leg, client_order_id=exchange.new_client_order_id(bytes(range(100, 132))))
        for step, _ in enumerate(lookup_requests(exchange, leg, SENT_MS)):
            try:
                found = read_lookup(exchange, step, answer(self.found(step, other)), leg)
            except Unreadable:
                continue
            assert found is None

    def test_no_such_order_is_told_from_other_errors(self) -> None:
        exchange, leg = self.exchange(), self.leg()
        other = ExchangeError(self.name, 502, "http-502", "")
        for step, request in enumerate(lookup_requests(exchange, leg, SENT_MS)):
            response = self.not_found(step)
            error = exchange.read_error(response)
            if error is None:
                assert read_lookup(exchange, step, response, leg) is None
            else:
                assert exchange.is_no_such_order(request, error)
            assert not exchange.is_no_such_order(request, other)
        assert not exchange.is_no_such_order(cancel_request(exchange, leg, None), other)
        assert not exchange.is_unknown_symbol(other)

    def test_a_taken_cancel_is_read(self) -> None:
        leg = self.leg()
        read_canceled(self.exchange(), answer(self.canceled(leg)), leg)

    def test_time_is_in_milliseconds(self) -> None:
        exchange, sample = self.exchange(), self.answers()["time"]
        if sample is None:
            assert exchange.profile.dated
        else:
            assert 1_400_000_000_000 < read_time(exchange, answer(sample)) < 4_000_000_000_000

    def test_symbol_rules_are_read(self) -> None:
        rules = read_instrument(self.exchange(), answer(self.answers()["instrument"]), "BTC/USDT")
        assert (rules.symbol, rules.native_symbol, rules.base, rules.quote) == (
            "BTC/USDT",
            self.native_symbol,
            "BTC",
            "USDT",
        )
        assert rules.active

    def test_another_symbol_is_not_taken_for_the_one_asked_for(self) -> None:
        with pytest.raises((UnknownSymbol, Unreadable)):
            read_instrument(self.exchange(), answer(self.answers()["instrument"]), "XYZ/USDT")

    @pytest.mark.parametrize(
        "symbol", ["BTCUSDT", "BTC/", "/USDT", "BTC/USDT/X", "ＢＴＣ/USDT", "BTC/USDT\n", "btc/usdt"]
    )
    def test_only_plain_symbols_are_accepted(self, symbol: str) -> None:
        with pytest.raises(UsageProblem):
            instrument_request(self.exchange(), symbol)

    def test_best_prices_are_read(self) -> None:
        ticker = read_ticker(self.exchange(), answer(self.answers()["ticker"]), self.native_symbol)
        assert 0 < ticker.bid <= ticker.ask

    def test_free_balances_are_read(self) -> None:
        free = read_balances(self.exchange(), answer(self.answers()["balances"])).free
        assert free["USDT"] > 0 and all(isinstance(value, Decimal) for value in free.values())

    def test_what_is_owned_is_more_than_what_is_free(self) -> None:
        """Funds in orders are owned too; the samples that have some show more than is free."""
        balances = read_balances(self.exchange(), answer(self.answers()["balances"]))
        assert balances.free.keys() <= balances.total.keys()
        assert all(balances.total[currency] >= free for currency, free in balances.free.items())

    def test_rights_that_are_not_told_are_unknown(self) -> None:
        for value in self.permissions_without_facts():
            told = read_permissions(self.exchange(), answer(value))
            assert told == KeyPermissions(), "what an answer lacks must never be read as off"

    def test_damaged_answers_are_unreadable_or_still_right(self) -> None:
        exchange, leg, samples = self.exchange(), self.leg(), self.answers()

        def looked_up(step: int) -> Callable[[Response], object]:
            return lambda response: read_lookup(exchange, step, response, leg)

        readers: list[tuple[Any, Callable[[Response], object]]] = [
            (samples["instrument"], lambda response: read_instrument(exchange, response, "BTC/USDT")),
            (samples["ticker"], lambda response: read_ticker(exchange, response, self.native_symbol)),
            (samples["balances"], partial(read_balances, exchange)),
            (samples["permissions"], partial(read_permissions, exchange)),
            (self.placed(leg), lambda response: read_placed(exchange, response, leg)),
            (self.canceled(leg), lambda response: read_canceled(exchange, response, leg)),
        ]
        if samples["time"] is not None:
            readers.append((samples["time"], partial(read_time, exchange)))
        for step, _ in enumerate(lookup_requests(exchange, leg, SENT_MS)):
            readers.append((self.found(step, leg), looked_up(step)))
        for sample, read in readers:
            for value in damaged(sample):
                exchange.read_error(answer(value))
                try:
                    read(answer(value))
                except (Unreadable, UnknownSymbol):
                    continue

    @FUZZ
    @given(
        status=st.sampled_from([200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 502, 503]),
        body=st.one_of(
            st.binary(max_size=60),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
                lambda inner: st.one_of(
                    st.lists(inner, max_size=4),
                    st.dictionaries(st.sampled_from(["code", "msg", "data", "sCode", "sMsg", "result"]), inner),
                ),
                max_leaves=8,
            ).map(lambda value: json.dumps(value).encode()),
        ),
    )
    def test_no_body_makes_the_error_reader_raise(self, status: int, body: bytes) -> None:
        error = self.exchange().read_error(Response(status, {}, body))
        if error is None:
            assert status < 400
        else:
            assert error.code and len(error.code) <= 60 and len(error.text) <= 400
            assert (error.exchange, error.http) == (self.name, status)

    @pytest.mark.parametrize("status", [403, 418, 429, 500, 502, 503])
    def test_a_bad_status_without_a_readable_body_is_an_error_of_its_own(self, status: int) -> None:
        error = self.exchange().read_error(Response(status, {}, b"<html>Bad Gateway</html>"))
        assert error is not None and error.code == f"http-{status}"

    def test_an_unreadable_success_is_no_error_and_no_success(self) -> None:
        response, leg = Response(200, {}, b'{"half":'), self.leg()
        assert self.exchange().read_error(response) is None
        with pytest.raises(Unreadable):
            read_placed(self.exchange(), response, leg)

    # Credentials, ids, facts.

    def test_a_good_credential_passes_without_a_warning(self) -> None:
        assert self.check() == ()

    @pytest.mark.parametrize(
        "secret", ["short", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"], ids=["short", "pem"]
    )
    def test_a_secret_of_the_wrong_shape_is_refused_and_not_shown(self, secret: str) -> None:
        with pytest.raises(SetupProblem) as caught:
            self.check(secret=Secret(secret))
        assert secret not in caught.value.message + " ".join(caught.value.hints)

    def test_a_key_pasted_twice_is_refused(self) -> None:
        with pytest.raises(SetupProblem):
            self.check(secret=Secret(self.api_key))

    @pytest.mark.parametrize("api_key", ["", "x", "-----BEGIN PRIVATE KEY-----"], ids=["empty", "short", "pem"])
    def test_an_api_key_of_the_wrong_shape_is_refused(self, api_key: str) -> None:
        with pytest.raises(SetupProblem):
            self.check(api_key=api_key)

    def test_client_order_ids_fit_the_exchange_and_follow_the_random_bytes(self) -> None:
        exchange = self.exchange()
        samples = [bytes(16), b"\xff" * 16, bytes(range(16)), bytes(range(1, 17)), b"\xff" * 32]
        ids = [exchange.new_client_order_id(sample) for sample in samples]
        assert all(re.fullmatch(self.client_order_id_pattern, text) for text in ids)
        assert len(set(ids[:4])) == 4
        assert ids == [exchange.new_client_order_id(sample) for sample in samples]

    def test_only_listed_reads_can_be_signed_by_hand(self) -> None:
        exchange = self.exchange()
        order = order_request(exchange, self.leg())
        for method, path in [
            (order.method, order.path),
            ("GET", "/"),
            ("DELETE", "/api/v3/order"),
            ("PUT", order.path),
        ]:
            with pytest.raises(UsageProblem):
                exchange.readable_request(method, path, ())
        for entry in exchange.profile.readable:
            assert exchange.readable_request(entry.method, entry.path.replace("{}", "x"), ()).repeatable
            assert not re.search(r"withdraw/apply|transfer$|withdrawal$", entry.path)

    def test_the_shipped_facts_hang_together(self) -> None:
        facts = shipped.profile(self.name)
        assert facts.site_default in facts.sites(Kind.LIVE)
        assert set(facts.scopes) == {str(market) for market in facts.markets} and all(facts.scopes.values())
        assert 1 <= facts.ip_list.step <= len(facts.checklist.steps)
        assert facts.ip_list.readable in ("list", "set", "no")
        assert facts.settling.horizon_seconds >= 3600
        assert facts.docs.startswith("https://") and facts.readable
        assert self.algorithm in facts.algorithms and facts.passphrase == (self.passphrase is not None)
