"""What must be known before the first claim: clock, symbol rules, prices, balances, rights. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, NoAnswer, SetupProblem, StoreUnusable, Unreached
from keyctl.exchanges.catalogue import command_for
from keyctl.home.account_uid import is_other
from keyctl.model.futures import FuturesState
from keyctl.model.noun import Noun
from keyctl.model.venue import Balances, Instrument, KeyPermissions, PriceBand, Ticker
from keyctl.model.words import MarginMode, Market
from keyctl.network.clock_check import ClockWrong, check_clock, check_dates
from keyctl.network.session import Session
from keyctl.orders.checks import StandsInTheWay
from keyctl.orders.cross_price import usd_per_quote
from keyctl.orders.key_rights import accepted_withdrawal, check_trade, forbidding, is_about_key, may_trade, rights_of
from keyctl.orders.venue_reads import Shared, instrument_of, key_of, once, rules_asked, ticker_of
from keyctl.orders.wish import VenueView

if TYPE_CHECKING:
    from keyctl.home.config import Config
    from keyctl.orders.wish import Wish

T = TypeVar("T")
TICKER_SECONDS = 5.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Look(Noun):
    """One lane's pre-flight: the view, or the trouble that stops this leg alone; warnings; what the key may do, and
    whether that was read just now."""

    session: Session
    view: VenueView | None
    trouble: KeyctlError | None
    warnings: tuple[str, ...]
    rights_read: bool = False
    rights: KeyPermissions = KeyPermissions()

    @property
    def told_uid(self) -> str | None:
        """The id of the exchange account that the key belongs to, where one of these reads told it."""
        return self.rights.uid or (self.view.balances.uid if self.view and self.view.balances else None)


async def look_all(sessions: list[Session], symbol: str, config: Config, wishes: Sequence[Wish]) -> list[Look]:
    """Every lane's pre-flight, side by side, in the order of the sessions, for what is wished on each.

    Raises CheckFailed for what stops the whole plan: a symbol that a venue lacks, a key that may withdraw or may not
    trade (which is a warning for an order that only reduces).
    """
    shared = Shared()
    looks: list[Look] = []
    for answer in await asyncio.gather(
        *(
            look(session, symbol, shared, wish, forbidding(session, config) is not None)
            for session, wish in zip(sessions, wishes, strict=True)
        ),
        return_exceptions=True,
    ):
        if isinstance(answer, BaseException):
            raise answer
        looks.append(answer)
    if sessions:
        sessions[0].journal.notes.note_permissions(
            {
                item.session.account.id: item.rights
                for item in looks
                if item.rights_read and not is_other(item.session.account, item.told_uid)
            }
        )
    return [
        item if item.trouble is not None else _gated(item, config, wish)
        for item, wish in zip(looks, wishes, strict=True)
    ]


def left_alone(session: Session, trouble: KeyctlError) -> Look:
    """The look of a lane that is not asked anything, since its order cannot go now."""
    return Look(session, None, trouble, ())


def _gated(item: Look, config: Config, wish: Wish) -> Look:
    """The look after the gates of rights, which warn of an order that only reduces and let it out."""
    warnings = list(item.warnings)
    for gate in (accepted_withdrawal, check_trade):
        try:
            warnings += gate(item.session, item.rights, config)
        except CheckFailed as stopped:
            if not wish.reduces:
                raise
            warnings.append(stopped.message)
    return replace(item, warnings=tuple(warnings))


async def look(session: Session, symbol: str, shared: Shared, wish: Wish, barred: bool = False) -> Look:
    """One lane's pre-flight. Trouble with reaching the exchange or its clock is data; the rest raises.

    Of a key that does not trade, or is `barred` from it by its profile, no more is read than its rights.
    An order that only reduces can do without what it does not need: rights, free margin, price bands and, where it is
    of the venue's own market type, a price.
    """
    read_now, rights, at = False, KeyPermissions(), None
    warnings: list[str] = []
    leaving = wish.reduces and session.market is Market.FUTURES
    try:
        try:
            await session.warm()
        except ExchangeRefused as refusal:  # it carries no key, so it says nothing of one
            refusal.hints = (command_for(refusal.error, session.market), *refusal.hints)
            return left_alone(session, refusal)
        dated = session.exchange.profile.dated
        warnings += [] if dated else check_clock(session)
        # While one lane asks for its venue's rules, the others make their own reads: one round trip less for all.
        others_ask = rules_asked(session, symbol, shared)
        instrument = None if others_ask else await instrument_of(session, symbol, shared)
        read_now, rights = await rights_of(session, leaving, warnings)
        if (barred or may_trade(rights, session.market) is False) and not wish.reduces:
            return Look(session, None, None, tuple(warnings), read_now, rights)  # the gate says why
        market, futures, band, setting = session.exchange.market_of(symbol), None, None, 0
        spot_margin = await _spot_margin(session) if session.market is Market.SPOT else None
        balances: Balances | None
        if session.market is Market.SPOT:
            balances = await session.fetch(*market.wallet())
            instrument = instrument or await instrument_of(session, symbol, shared)
            # Wide bounds around an average: only a price that the person gave can be outside them, and without them the
            # venue itself refuses it.
            if wish.price is not None and wish.trigger is None:
                rules = instrument
                band = await _or_none(True, lambda: _band(session, rules, shared))
        else:
            instrument = instrument or await instrument_of(session, symbol, shared)
            wallet = market.wallet(instrument.settle)
            balances = await _or_none(leaving, lambda: session.fetch(*wallet))
            at = session.network.clock.now()
            setting = setting_number(session, symbol)
            futures = await futures_state(session, instrument, wish.margin)
            band = await _or_none(leaving, lambda: _band(session, instrument, shared))
        warnings += check_dates(session, leaving) if dated else []
        ticker = await _ticker(session, instrument, shared, wish, futures)
        at = ticker.at if at is None else min(at, ticker.at)
        usd, doubt = await usd_per_quote(session, instrument, shared)
    except (Unreached, ClockWrong, StandsInTheWay, SetupProblem) as trouble:
        return Look(session, None, trouble, tuple(warnings), read_now, rights)
    except ExchangeRefused as refusal:
        return Look(session, None, refused_read(session, refusal), tuple(warnings), read_now, rights)
    view = VenueView(instrument, ticker, at, usd, balances, futures, band, spot_margin, setting, doubt)
    return Look(session, view, None, tuple(warnings), read_now, rights)


def setting_number(session: Session, symbol: str) -> int:
    """The number of the last leverage setting there; noted before the setting itself is read."""
    journal = session.journal
    return journal.settings.number(journal.exchange_accounts.of(session.account.id), symbol)


async def _or_none(leaving: bool, ask: Callable[[], Awaitable[T | None]]) -> T | None:
    """What was asked for; None where it could not be read and an order that only reduces can do without it."""
    try:
        return await ask()
    except KeyctlError as trouble:
        if not leaving or isinstance(trouble, StoreUnusable):
            raise
        return None


async def _ticker(
    session: Session, instrument: Instrument, shared: Shared, wish: Wish, futures: FuturesState | None
) -> Ticker:
    """The best prices. Where they cannot be used, an order of the venue's own market type that only reduces is valued
    at the mark or entry price of its position instead."""
    try:
        return await ticker_of(session, instrument.native_symbol, shared)
    except NoAnswer as trouble:
        if not wish.reduces or futures is None:
            raise
        prices = [position.mark_price or position.entry_price for position in futures.positions]
        if wish.price is None and wish.max_slippage is None and prices and (price := prices[0]) is not None:
            return Ticker(price, price, session.network.clock.now())
        trouble.hints = ("to send it without a price limit, add --max-slippage none", *trouble.hints)
        raise


async def futures_state(session: Session, instrument: Instrument, margin: MarginMode | None) -> FuturesState:
    """Position mode, margin mode, leverage, positions and open orders of one perpetual, as the account has them now.

    Where the venue keeps leverages for each margin mode and no mode is wanted, they are those of the open position.
    """
    exchange = session.exchange
    asked = exchange.market_of(instrument.symbol).state(instrument, margin)
    assert asked is not None  # there are no perpetuals without
    responses = [await session.fetch(request, lambda response: response) for request in asked.requests]
    try:
        state = asked.read(tuple(responses))
    except Unreadable as problem:
        raise NoAnswer(f"{exchange.name}'s response is {problem}", code="unreadable_answer") from None
    except CheckFailed as reason:
        raise _stands_in_the_way(session, reason) from None
    held = {position.margin for position in state.positions}
    if margin is None and len(held) == 1 and state.leverage_margin not in (None, *held):
        return await futures_state(session, instrument, held.pop())
    return state


async def _band(session: Session, instrument: Instrument, shared: Shared) -> PriceBand | None:
    band = session.exchange.market_of(instrument.symbol).band(instrument)
    if band is None:
        return None

    def ask() -> Awaitable[PriceBand]:
        return session.fetch(*band)

    return await once(shared, key_of(session, band.request, "band", instrument.native_symbol), ask)


def refused_read(session: Session, refusal: ExchangeRefused) -> KeyctlError:
    """The refusal as trouble of this lane alone. Raises CheckFailed when the key itself was refused: that is a matter
    of rights, and stops the whole plan."""
    error = refusal.error
    refusal.hints = (command_for(error, session.market), *refusal.hints)
    if is_about_key(error, session.market):
        raise CheckFailed(
            f"{session.account.label}: {refusal.message}",
            *refusal.hints,
            code="key_refused",
            account=session.account.label,
            exchange=error.exchange,
            market=session.market.value,
            exchange_code=error.code,
        ) from None
    return refusal


async def _spot_margin(session: Session) -> MarginMode | None:
    margin = session.exchange.market(Market.SPOT).margin()
    try:
        return None if margin is None else await session.fetch(*margin)
    except CheckFailed as reason:
        raise _stands_in_the_way(session, reason) from None


def _stands_in_the_way(session: Session, reason: CheckFailed) -> StandsInTheWay:
    """An account mode in which the venue has no such orders, as trouble of this lane alone."""
    label, market = session.account.label, session.market.value
    return StandsInTheWay(
        f"{label}: {reason.message}", *reason.hints, account=label, exchange=session.exchange.name, market=market
    )
