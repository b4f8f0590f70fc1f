"""What a thief could do with a key, against a thief who tries everything on random portfolios."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from keyctl.leaks.exposure import KeyFacts, Place, Wallet, exposures
from keyctl.model.words import Market

SPOT, FUTURES = Market.SPOT, Market.FUTURES
WALLETS: tuple[tuple[str, ...], ...] = (("spot",), ("spot", "futures"), ("both",), ("futures",), ("both", ""), ("", ""))
TOLD = (True, False, None)
PORTFOLIOS, KEYS = 1500, 5
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Thief:
    """Somebody with the key who walks money from wallet to wallet. `inside`: at an IP address that may use the key."""

    key: KeyFacts
    inside: bool

    def may_call(self, api: Market) -> bool:
        return self.inside or self.key.listed.get(api) is not True

    def walks(self, start: str) -> Iterator[tuple[str, str]]:
        """Every (wallet, deed) that can be reached with the money of one wallet."""
        reached, left = {start}, [start]
        while left:
            place = left.pop()
            yield from ((place, deed) for deed in self.deeds(place))
            # From a wallet that backs no order the money may go on to whichever one the API has.
            for other in {"spot", "futures"} - reached if place != "both" else ():
                if self.key.transfer is not False and self.may_call(SPOT):
                    reached.add(other)
                    left.append(other)

    def deeds(self, place: str) -> Iterator[str]:
        if self.key.withdraw is not False and self.may_call(SPOT):
            yield "withdraw"
        for market in (SPOT, FUTURES):
            if place in (market.value, "both") and self.key.trade.get(market) is not False and self.may_call(market):
                yield f"trade {market.value}"

    def takes(self, deeds: tuple[str, ...]) -> Decimal | None:
        """The money of all wallets that can be brought to one of these deeds; None where one of them is unknown."""
        if self.key.gone:
            return Decimal(0)
        found = [
            wallet.usd for wallet in self.key.wallets if any(deed in deeds for _, deed in self.walks(wallet.where))
        ]
        return None if None in found else sum((usd for usd in found if usd is not None), Decimal(0))


ANY = ("withdraw", "trade spot", "trade futures")


def figures(key: KeyFacts) -> list[Decimal | None]:
    inside, outside = Thief(key, True), Thief(key, False)
    backing = inside.takes(("trade futures",))
    if backing is None or (backing and key.leverage_max is None):
        positions = None
    else:
        positions = backing * (key.leverage_max or 1)
    # Withdrawing needs no walk: the call takes from every wallet.
    return [outside.takes(("withdraw",)), outside.takes(ANY), inside.takes(("withdraw",)), inside.takes(ANY), positions]


def worse_first(key: KeyFacts) -> tuple[object, ...]:
    sizes = [Decimal("1e99") if usd is None else usd for usd in figures(key)]
    return (0 if key.leaked else 1, [-usd for usd in sizes], -int(key.place), -(key.age_days or 0), key.label)


def tried(key: KeyFacts) -> dict[str, KeyFacts]:
    """The key after each change that a person could make, in the order in which equal ones are preferred."""
    after: dict[str, KeyFacts] = {}
    if key.leaked:
        after["replace"] = replace(key, leaked=False, gone=True)
    if key.withdraw in (True, None):
        after["withdraw_off"] = replace(key, withdraw=False)
    if key.transfer in (True, None) and not key.transfer_fixed:
        after["transfer_off"] = replace(key, transfer=False)
    if {key.listed.get(SPOT), key.listed.get(FUTURES)} != {True}:
        after["ip_list"] = replace(key, listed={SPOT: True, FUTURES: True})
    for market in (SPOT, FUTURES):
        if market not in key.markets and key.trade.get(market) in (True, None):
            after[f"{market.value}_off"] = replace(key, trade={**key.trade, market: False})
    if key.place > Place.VAULT:
        after["vault"] = replace(key, place=Place.VAULT)
    if key.age_days is not None and key.age_days >= key.age_limit_days:
        after["rotate"] = replace(key, age_days=0)
    return after


def helps_most(key: KeyFacts) -> str | None:
    if figures(key)[3] == 0 and not key.leaked:
        return None
    best, best_rank = None, worse_first(key)
    for name, after in tried(key).items():
        if worse_first(after) > best_rank:
            best, best_rank = name, worse_first(after)
    return best


def some_key(dice: random.Random, number: int) -> KeyFacts:
    def maybe(value: Decimal) -> Decimal | None:
        return None if dice.random() < 0.15 else value

    return KeyFacts(
        label=f"key-{number}",
        exchange="okx",
        markets=dice.choice(((SPOT,), (SPOT, FUTURES), (FUTURES,))),
        wallets=tuple(
            Wallet(where, maybe(Decimal(dice.choice((0, 10, 10, 500, 123456))))) for where in dice.choice(WALLETS)
        ),
        withdraw=dice.choice(TOLD),
        transfer=dice.choice(TOLD),
        trade={market: dice.choice(TOLD) for market in dice.choice(((SPOT, FUTURES), (SPOT,), ()))},
        listed={market: dice.choice(TOLD) for market in dice.choice(((SPOT, FUTURES), (SPOT,), ()))},
        transfer_fixed=dice.random() < 0.2,
        leverage_max=maybe(Decimal(dice.choice((1, 5, 125)))),
        age_days=dice.choice((None, 0, 89, 90, 400)),
        place=dice.choice(tuple(Place)),
        leaked=dice.random() < 0.1,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_it_equals_a_thief_who_tries_everything(seed: int) -> None:
    dice = random.Random(seed)
    changes: set[str | None] = set()
    for _ in range(PORTFOLIOS):
        keys = [some_key(dice, number) for number in range(KEYS)]
        found = exposures(keys)
        assert [item.facts for item in found] == sorted(keys, key=worse_first)
        for item in found:
            sums = item.sums
            told = [sums.withdrawn_anywhere, sums.lost_anywhere, sums.withdrawn, sums.lost, sums.positions]
            assert told == figures(item.facts), item.facts
            change = None if item.change is None else item.change.name
            assert change == helps_most(item.facts), item.facts
            changes.add(change)
    assert changes >= {None, "replace", "withdraw_off", "transfer_off", "ip_list", "futures_off", "vault", "rotate"}


def key(**facts: object) -> KeyFacts:
    whole = {
        **{"label": "a", "exchange": "okx", "markets": (SPOT, FUTURES), "wallets": (Wallet("spot", HUNDRED),)},
        **{"withdraw": False, "transfer": False, "trade": {SPOT: False, FUTURES: False}},
        "listed": {SPOT: True, FUTURES: True},
    }
    return KeyFacts(**{**whole, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize("unknown", [{"withdraw": None}, {"trade": {}}, {"trade": {SPOT: None, FUTURES: False}}])
def test_a_right_that_is_not_known_counts_as_on(unknown: dict[str, object]) -> None:
    assert exposures([key(**unknown)])[0].sums.lost == HUNDRED


def test_money_that_is_not_known_is_never_nothing() -> None:
    (item,) = exposures([key(withdraw=None, wallets=(Wallet("spot", None), Wallet("futures", HUNDRED)))])
    assert item.sums.lost is None and item.sums.known == HUNDRED


def test_a_key_that_only_reads_can_lose_nothing_and_needs_no_change() -> None:
    (item,) = exposures([key(place=Place.KEYRING, age_days=400)])
    assert item.sums.lost == 0 and item.sums.positions == 0 and item.change is None


def test_money_beside_the_market_is_within_reach_where_it_may_be_transferred() -> None:
    futures = (Wallet("futures", Decimal(50)),)
    spot_only = {"trade": {SPOT: True, FUTURES: False}, "wallets": futures}
    assert exposures([key(**spot_only)])[0].sums.lost == 0
    assert exposures([key(**spot_only, transfer=True)])[0].sums.lost == 50
    # The transfer needs the other API, whose list holds it.
    half = {SPOT: True, FUTURES: False}
    assert exposures([key(**spot_only, transfer=True, listed=half)])[0].sums.lost_anywhere == 0


def test_the_one_change_is_the_one_after_which_least_is_left() -> None:
    wide = key(withdraw=True, trade={SPOT: True, FUTURES: True}, listed={})
    (item,) = exposures([wide])
    assert item.change is not None and (item.change.name, item.change.command) == ("ip_list", "keyctl whitelist plan a")
    (item,) = exposures([replace(wide, listed={SPOT: True, FUTURES: True})])
    assert item.change is not None and item.change.name == "withdraw_off"
    (item,) = exposures([replace(wide, leaked=True)])
    assert item.change is not None and item.change.command == "keyctl leak a"
