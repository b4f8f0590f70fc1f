"""Leverage and margin mode, set and read back before an order on a perpetual: what is not confirmed is not sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable
from keyctl.errors import CheckFailed, ExchangeRefused, KeyctlError, NoAnswer, Unreached
from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.encoding import plain
from keyctl.model.futures import FuturesState
from keyctl.model.told import ExchangeError
from keyctl.model.wire import Request
from keyctl.model.words import Market
from keyctl.orders.perpetuals import confirmed
from keyctl.orders.preflight import TICKER_SECONDS, futures_state, setting_number

if TYPE_CHECKING:
    from keyctl.exchanges.base import Settings
    from keyctl.journal.legs import Journal
    from keyctl.model.futures import Setup
    from keyctl.network.session import Session
    from keyctl.orders.plan import PlannedLeg

SETTING_SECONDS = 10.0


class NotConfirmed(CheckFailed):
    """Leverage, margin mode or position mode is not what the order needs, or could not be read back."""

    code = "leverage_not_confirmed"


async def confirm_all(
    legs: list[tuple[Session, PlannedLeg]],
    journal: Journal,
    stopping: Callable[[], Awaitable[bool]],
) -> tuple[dict[str, KeyctlError], dict[str, tuple[int, str]]]:
    """By client order id, why a leg may not be sent; legs that are not in there are confirmed. And for those the number
    of the setting under which they are and what it is, which their claim is held to.

    Each setting is sent once and read back; none is sent any more when `stopping`, or while another run of keyctl sets
    another value there.
    """
    perpetual = [(session, planned) for session, planned in legs if planned.terms is not None]
    found = await asyncio.gather(*(_confirm(session, planned, journal, stopping) for session, planned in perpetual))
    by_id = {planned.leg.client_order_id: item for (_, planned), item in zip(perpetual, found, strict=True)}
    return (
        {name: item for name, item in by_id.items() if isinstance(item, KeyctlError)},
        {name: item for name, item in by_id.items() if isinstance(item, tuple)},
    )


async def _confirm(
    session: Session,
    planned: PlannedLeg,
    journal: Journal,
    stopping: Callable[[], Awaitable[bool]],
) -> KeyctlError | tuple[int, str]:
    """The number of the setting that was read or made and its words, or why the leg may not be sent."""
    terms, state, number = planned.terms, planned.view.futures, planned.view.setting
    assert terms is not None and state is not None
    label = session.account.label
    try:
        if session.network.clock.now() - planned.view.ticker_at > TICKER_SECONDS:
            number = setting_number(session, planned.leg.order.symbol)
            state = await futures_state(session, planned.instrument, terms.margin)
        if terms.setup is not None:
            state, number = await _set_up(session, planned, state, number, terms.setup, journal, stopping)
    except KeyctlError as trouble:
        return trouble
    different = confirmed(session.exchange, planned.instrument, state, terms)
    if different:
        return NotConfirmed(
            f"{label}: {different}; the order was not sent",
            f"check it: keyctl positions {label}",
            account=label,
            exchange=session.exchange.name,
            market="futures",
        )
    return number, "" if terms.setup is None else _words(terms.setup)


async def _set_up(  # noqa: PLR0913 - what is set, where, and what may stop it
    session: Session,
    planned: PlannedLeg,
    state: FuturesState,
    number: int,
    wanted: Setup,
    journal: Journal,
    stopping: Callable[[], Awaitable[bool]],
) -> tuple[FuturesState, int]:
    """The state after what differs was set, read back, and the setting's number; the same where nothing differs."""
    settings = session.exchange.market_of(planned.instrument.symbol).settings
    requests = () if settings is None else settings.requests(planned.instrument, state, wanted)
    if settings is None or not requests:
        return state, number
    _check_shown(settings, planned, state, wanted, requests)
    label, symbol = session.account.label, planned.leg.order.symbol
    place = journal.exchange_accounts.of(session.account.id)
    number = journal.settings.take(label, place, symbol, _words(wanted))
    for request in requests:
        if await stopping():
            raise NotConfirmed(f"{label}: stopped before its leverage was set; the order was not sent")
        try:
            await _set(session, settings, planned, request, wanted, journal)
        except ExchangeRefused as refusal:
            if _is_refusal(refusal.error):
                journal.settings.release(place, symbol)
            raise
    return await futures_state(session, planned.instrument, wanted.margin), number


def _words(wanted: Setup) -> str:
    """What is set, in words that two runs compare and people read."""
    leverage = "" if wanted.leverage is None else f"leverage {plain(wanted.leverage)}"
    return " ".join(word for word in (leverage, wanted.margin or "") if word)


def _check_shown(
    settings: Settings, planned: PlannedLeg, state: FuturesState, wanted: Setup, requests: tuple[Request, ...]
) -> None:
    """Raises NotConfirmed for a change that the person was not shown: of a setting that was as wanted in the preview,
    or under a position or order that has come up since.
    """
    before = planned.view.futures
    assert before is not None
    what = ""
    if before.is_empty and not state.is_empty:
        what = f"a position or order in {planned.instrument.symbol} appeared"
    elif set(requests) - set(settings.requests(planned.instrument, before, wanted)):
        what = f"leverage or margin mode of {planned.instrument.symbol} changed"
    if what:
        raise NotConfirmed(
            f"{planned.leg.account}: {what} since the preview; the order was not sent",
            "run the command again",
            account=planned.leg.account,
            exchange=planned.leg.exchange,
            market="futures",
        )


async def _set(
    session: Session, settings: Settings, planned: PlannedLeg, request: Request, wanted: Setup, journal: Journal
) -> None:
    """One setting, sent once. Raises KeyctlError unless the venue says that it was taken."""
    exchange, label = session.exchange, session.account.label
    detail: dict[str, object] = {"account": label, "path": request.path}
    detail |= {name: str(value) for name, value in request.params}
    journal.event(planned.leg.plan_id, None, "setting", detail)
    changed, place = journal.settings.changed, (label, planned.leg.order.symbol)
    before = changed.get(place)
    changed[place] = (
        f"({_words(wanted)}), not confirmed"  # before the first byte: whatever breaks off, it has been told
    )
    try:
        response = await session.call(request, SETTING_SECONDS)
    except Unreached as trouble:
        if not isinstance(trouble, NoAnswer):
            _take_back(changed, place, before)
        raise
    error = session.error_in(response)
    if error is not None:
        already = settings.is_already_set(error)
        if already or _is_refusal(error):
            _take_back(changed, place, before)
        if already:
            return
        raise ExchangeRefused(error, account=label, market=session.market.value)
    changed[place] = f"({_words(wanted)})"
    try:
        settings.read(response, request)
    except Unreadable as problem:
        raise NoAnswer(
            f"{label}: {exchange.profile.title}'s response about the leverage is {problem}; the order was not sent",
            code="leverage_not_confirmed",
        ) from None


def _take_back(changed: dict[tuple[str, str], str], place: tuple[str, str], before: str | None) -> None:
    """Leaves of a setting that changed nothing only what an earlier one has done."""
    if before is None:
        del changed[place]
    else:
        changed[place] = before


def _is_refusal(error: ExchangeError) -> bool:
    """Whether the error proves that nothing was set: a code that the catalogue knows, no trouble of the server, and no
    time-out."""
    book = catalogue(error.exchange)
    rows = book.lookup(error.code, Market.FUTURES, error.text, error.http)
    return book.has(error.code) and all(row.category not in ("server", "clock") for row in rows)
