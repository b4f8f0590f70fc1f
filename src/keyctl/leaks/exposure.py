"""What a thief could do with a key now, in USD, and the one change that helps most. Pure: what is unknown counts as on.

A thief has moves on each wallet of the account: to withdraw, to trade it away against an order of their own, or to
move it to where it can be traded. A move is open from anywhere unless an IP whitelist covers an API that it uses. Keys
are ordered by what a move yields, never by a made-up chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import IntEnum

from keyctl.model.words import Market

ZERO = Decimal(0)
_INFINITY = Decimal("Infinity")
BOTH = "both"


class Place(IntEnum):
    """Where a secret lies on this machine, the strongest first."""

    VAULT = 0
    VAULT_WITH_KEY_HERE = 1
    KEYRING = 2

    @property
    def words(self) -> str:
        """It in words, for people."""
        return {
            Place.VAULT: "in the vault, opened by a passphrase",
            Place.VAULT_WITH_KEY_HERE: "in the vault; its key is on this machine",
            Place.KEYRING: "in the system keyring, which your programs can read while it is unlocked",
        }[self]


@dataclass(frozen=True, slots=True)
class Wallet:
    """Money that one API reaches: of "spot", "futures", "both", or "" where no order can use it. `usd` is None where it
    is not known."""

    where: str
    usd: Decimal | None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """All that counts of one key. Rights and lists are None where the exchange does not report them.

    `trade` and `listed` are by market; `transfer_fixed`: trading includes transfers there. `leverage_max` is what the
    exchange allows. Without `age_known` the key is at least `age_days` old. `leaked`: marked so by `keyctl leak`;
    `gone`: it can do nothing any more.
    """

    label: str
    exchange: str
    markets: tuple[Market, ...]
    wallets: tuple[Wallet, ...] = ()
    withdraw: bool | None = None
    transfer: bool | None = None
    trade: Mapping[Market, bool | None] = field(default_factory=dict)
    listed: Mapping[Market, bool | None] = field(default_factory=dict)
    transfer_fixed: bool = False
    leverage_max: Decimal | None = None
    age_days: int | None = None
    age_known: bool = True
    age_limit_days: int = 90
    place: Place = Place.VAULT
    leaked: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One way to a wallet's money: which APIs it uses, and whether the money leaves the exchange."""

    apis: frozenset[Market]
    withdraws: bool
    market: Market | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """USD that moves yield; None where it is not known.

    `withdrawn` and `lost`: from an IP address that may use the key, the others from anywhere. `positions`: the largest
    that could be opened. `known`: as much of `lost` as is known.
    """

    withdrawn_anywhere: Decimal | None
    lost_anywhere: Decimal | None
    withdrawn: Decimal | None
    lost: Decimal | None
    positions: Decimal | None
    known: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """Something that the person can change, the command that helps with it, and the key as it is then."""

    name: str
    words: str
    command: str
    after: KeyFacts


@dataclass(frozen=True, slots=True)
class Exposure:
    """One key's verdict."""

    facts: KeyFacts
    sums: Sums
    change: Change | None


def exposures(keys: Sequence[KeyFacts]) -> tuple[Exposure, ...]:
    """Every key's exposure, the worst first."""
    return tuple(Exposure(facts, sums_of(facts), best_change(facts)) for facts in sorted(keys, key=rank))


def moves_of(facts: KeyFacts, wallet: Wallet) -> tuple[Move, ...]:
    """The moves that a thief has on a wallet; a right that is not known counts as on."""
    if facts.gone:
        return ()
    own = [market for market in Market if wallet.where in (market, BOTH)]
    found = [] if facts.withdraw is False else [Move(frozenset({Market.SPOT}), withdraws=True)]
    for market in Market:
        if facts.trade.get(market) is False:
            continue
        if market in own:
            found.append(Move(frozenset({market}), False, market))
        elif facts.transfer is not False:
            found.append(Move(frozenset({Market.SPOT, market}), False, market))
    return tuple(found)


def sums_of(facts: KeyFacts) -> Sums:
    """What the moves yield."""
    moves = [(wallet, moves_of(facts, wallet)) for wallet in facts.wallets]

    def total(wanted: Sequence[bool]) -> Decimal | None:
        known = [wallet.usd for (wallet, _), is_wanted in zip(moves, wanted, strict=True) if is_wanted]
        return None if None in known else sum((usd for usd in known if usd is not None), ZERO)

    backing = total([any(move.market is Market.FUTURES for move in found) for _, found in moves])
    if backing == ZERO:
        positions: Decimal | None = ZERO
    else:
        positions = None if backing is None or facts.leverage_max is None else backing * facts.leverage_max
    return Sums(
        total([any(move.withdraws and _from_anywhere(facts, move) for move in found) for _, found in moves]),
        total([any(_from_anywhere(facts, move) for move in found) for _, found in moves]),
        total([any(move.withdraws for move in found) for _, found in moves]),
        total([bool(found) for _, found in moves]),
        positions,
        sum((wallet.usd for wallet, found in moves if found and wallet.usd is not None), ZERO),
    )


def _from_anywhere(facts: KeyFacts, move: Move) -> bool:
    return all(facts.listed.get(api) is not True for api in move.apis)


def rank(facts: KeyFacts) -> tuple[object, ...]:
    """What keys are ordered by, the worst first; a sum that is not known counts as the largest."""
    sums = sums_of(facts)
    by_size = (sums.withdrawn_anywhere, sums.lost_anywhere, sums.withdrawn, sums.lost, sums.positions)
    return (
        not facts.leaked,
        *(-_INFINITY if usd is None else -usd for usd in by_size),
        -facts.place,
        -(facts.age_days or 0),
        facts.label,
    )


def changes_of(facts: KeyFacts) -> tuple[Change, ...]:
    """What could be changed, each by itself."""
    label, found = facts.label, list[Change]()
    checklist = f"keyctl checklist {facts.exchange}"
    if facts.leaked:
        gone = replace(facts, leaked=False, gone=True)
        found.append(Change("replace", "replace it, because it has leaked", f"keyctl leak {label}", gone))
    if facts.withdraw is not False:
        off = replace(facts, withdraw=False)
        found.append(Change("withdraw_off", "switch withdrawals off", checklist, off))
    if facts.transfer is not False and not facts.transfer_fixed:
        off = replace(facts, transfer=False)
        found.append(Change("transfer_off", "switch transfers off", checklist, off))
    if any(facts.listed.get(market) is not True for market in Market):
        listed = replace(facts, listed=dict.fromkeys(Market, True))
        found.append(Change("ip_list", "set an IP whitelist", f"keyctl whitelist plan {label}", listed))
    for market in Market:
        if market not in facts.markets and facts.trade.get(market) is not False:
            off = replace(facts, trade={**facts.trade, market: False})
            found.append(Change(f"{market}_off", f"switch off {market} trading, which is not used", checklist, off))
    if facts.place is not Place.VAULT:
        command = "vault migrate --to vault" if facts.place is Place.KEYRING else "vault add-slot passphrase"
        safer = replace(facts, place=Place.VAULT)
        found.append(Change("vault", "keep it in a vault with a passphrase", f"keyctl {command}", safer))
    if facts.age_days is not None and facts.age_days >= facts.age_limit_days:
        found.append(
            Change("rotate", "replace it, because it is old", f"keyctl rotate {label}", replace(facts, age_days=0))
        )
    return tuple(found)


def best_change(facts: KeyFacts) -> Change | None:
    """The change after which the key is ranked last; None where none makes a difference, or where the key can move
    nothing. Of equal ones the first."""
    now = rank(facts)
    if sums_of(facts).lost == ZERO and not facts.leaked:
        return None
    better = [change for change in changes_of(facts) if rank(change.after) > now]
    return max(better, key=lambda change: rank(change.after), default=None)
