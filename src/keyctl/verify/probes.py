"""Live reads of one account, nothing else: clock, what the key may do, and whether each market takes its signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from keyctl.answers import read_json
from keyctl.errors import ExchangeRefused, Unreached
from keyctl.exchanges.catalogue import catalogue, lacks_permission
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.wire import Request, Response
from keyctl.model.words import Market
from keyctl.network.session import Session
from keyctl.verify.observations import Answer, Observation

T = TypeVar("T")
PERMISSION_CALL = "the permission call"


async def observe_all(sessions: list[Session], done: Callable[[], None] = lambda: None) -> list[Observation]:
    """What each account shows, side by side, in the order of the sessions; `done` is called as each one ends.

    Raises what is no matter of one account, such as StoreUnusable, once every lane has ended.
    """

    async def lane(session: Session) -> Observation:
        try:
            return await observe(session)
        finally:
            done()

    results = await asyncio.gather(*map(lane, sessions), return_exceptions=True)
    seen: list[Observation] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        seen.append(result)
    return seen


async def observe(session: Session) -> Observation:
    """What the account's exchange answers to reads. Trouble and refusals are data in it, never raised."""
    account, exchange = session.account, session.exchange
    clock_trouble = ""
    try:
        await session.warm()
    except (Unreached, ExchangeRefused) as error:
        clock_trouble = error.message
        if isinstance(error, Unreached):
            return _dark(session, clock_trouble)
    introspection, permissions = await _introspect(session)
    markets: dict[Market, Answer | None] = {}
    uid = permissions.uid if permissions else None
    for market in _spot_first(account.markets):
        markets[market], told_uid = await _market(session, market, introspection, permissions, markets)
        uid = uid or told_uid
    uid = uid or await _account_id(session)
    return Observation(
        account,
        session.network.clock.utc(),
        exchange.market(Market.SPOT).clock() is not None,
        session.offset,
        clock_trouble,
        introspection,
        permissions,
        markets,
        uid,
    )


async def _introspect(session: Session) -> tuple[Answer | None, KeyPermissions | None]:
    permissions = session.exchange.permissions()
    if permissions is None:
        return None, None
    return await _ask(session, Market.SPOT, PERMISSION_CALL, *permissions)


async def _account_id(session: Session) -> str | None:
    """The account's id where a call of its own tells it; None where the key may not ask, or nothing tells it."""
    account = session.exchange.account()
    if account is None:
        return None
    return (await _ask(session, Market.SPOT, "the account call", *account))[1]


async def _market(
    session: Session,
    market: Market,
    introspection: Answer | None,
    permissions: KeyPermissions | None,
    known: dict[Market, Answer | None],
) -> tuple[Answer | None, str | None]:
    """Whether the key is taken on that market, and the account's id where the answer tells it.

    A right that is told to be off needs no call: a refusal would only say so again. Where it is on, an API of its own
    is asked all the same, since it may have an IP list, a ban or an outage of its own.
    """
    exchange = session.exchange
    own, right = exchange.profile.own_api(market), permissions.futures_trade if permissions is not None else None
    if market is not Market.SPOT and (right is False or (right is not None and not own)):
        return introspection, None
    if own and not exchange.has_host(market):
        return None, None
    api = exchange.market(market)
    request = api.probe()
    if request is None:
        return known.get(Market.SPOT) or introspection, None
    by = f"a signed {market} read"
    if market is not Market.SPOT:
        return (await _ask(session, market, by, request, lambda response: read_json(response.body)))[0], None
    answer, balances = await _ask(session, market, by, request, api.wallet().read)
    funding = exchange.funding if permissions is not None and permissions.funding else None
    if answer.error is not None and funding is not None and lacks_permission(answer.error, market):
        # A key that may lend alone reads no wallet; that it is accepted shows by what it may read.
        request = funding.offers_request(None)
        return (await _ask(session, market, "a signed funding read", request, lambda _: None))[0], None
    return answer, balances.uid if balances else None


async def _ask(
    session: Session, market: Market, by: str, request: Request, reader: Callable[[Response], T]
) -> tuple[Answer, T | None]:
    try:
        return Answer(by), await session.fetch(request, reader)
    except ExchangeRefused as refusal:
        if _says_nothing(refusal.error, market):
            return Answer(by, trouble=refusal.message), None
        return Answer(by, error=refusal.error), None
    except Unreached as trouble:
        return Answer(by, trouble=trouble.message), None


def _says_nothing(error: ExchangeError, market: Market) -> bool:
    """Whether an error is about the exchange or the pace of calls, and so says nothing about the key."""
    if error.http in (408, 418, 429) or (error.code.startswith("http-") and not 400 <= error.http < 500):
        return True
    found = catalogue(error.exchange).lookup(error.code, market, error.text, error.http)
    return bool(found) and found[0].category in ("server", "rate_limit")


def _dark(session: Session, trouble: str) -> Observation:
    """The account whose exchange could not be reached at all."""
    account, exchange = session.account, session.exchange
    asked = Answer("the clock call", trouble=trouble)
    return Observation(
        account,
        session.network.clock.utc(),
        exchange.market(Market.SPOT).clock() is not None,
        None,
        trouble,
        asked,
        None,
        dict.fromkeys(account.markets, asked),
    )


def _spot_first(markets: tuple[Market, ...]) -> list[Market]:
    return sorted(markets, key=list(Market).index)
