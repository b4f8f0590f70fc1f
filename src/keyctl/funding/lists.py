"""The courses of the commands that only look: rates, book, offers, credits, loans, history, settle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyctl.desk.fills import read_since
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, NeedsPerson, OutcomeUnknown, UsageProblem
from keyctl.exchanges.shipped import profile
from keyctl.funding import view
from keyctl.funding.opening import account_for, lender
from keyctl.funding.reads import fetched, lent_by, offers_of, own_trades, rates_of
from keyctl.funding.settle import settle_offer
from keyctl.journal.offers import SentState, StoredOffer
from keyctl.orders.settle import CALL_AND_SLACK_SECONDS
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.legs import Journal

DEFAULT_CURRENCIES = ("USD", "USDT")


async def rates(app: App, label: str | None, currencies: Sequence[str]) -> Result:
    """FRR and the best rates of some currencies."""
    async with lender(app, account_for(app, label)) as desk:
        found = {name: await rates_of(desk.session, name) for name in currencies or DEFAULT_CURRENCIES}
    data = [view.rates_data(name, one) for name, one in found.items()]
    return Result({"rates": data}, view=(view.rates_table(found),))


async def book(app: App, label: str | None, currency: str, shown: int) -> Result:
    """The book of one currency."""
    async with lender(app, account_for(app, label)) as desk:
        funding = desk.funding
        levels = await fetched(desk.session, currency, lambda: funding.book_request(currency), funding.read_book)
    data = [view.level_data(level) for level in levels]
    return Result({"currency": currency, "book": data}, view=(view.book_table(levels, shown),))


async def offers(app: App, label: str | None, currency: str | None) -> Result:
    """Open offers, and submissions whose outcome is unknown."""
    async with lender(app, account_for(app, label)) as desk:
        found = await offers_of(desk.session, currency)
        by = {
            name: command
            for one in {offer.draft.currency for offer in found}
            for name, command in desk.journal.offers.ids(desk.place, one).items()
        }
        unknown = [one for one in desk.journal.offers.unsettled(desk.place) if currency in (None, one.draft.currency)]
    rows = [(one, by.get(one.offer_id)) for one in found]
    table = view.offers_table(rows) if rows else Note("No open offers.")
    data = {
        "offers": [view.offer_data(one, command) for one, command in rows],
        "unknown": [view.submitted_data(one) for one in unknown],
    }
    return Result(data, view=(table,), warnings=tuple(map(_unknown_words, unknown)))


async def lent(app: App, label: str | None, currency: str | None, *, used: bool) -> Result:
    """What is lent and used (credits), or not used (loans)."""
    async with lender(app, account_for(app, label)) as desk:
        found = await lent_by(desk.session, currency, (used,))
    name = "credits" if used else "loans"
    table = view.lent_table(found) if found else Note(f"No {name}.")
    return Result({name: [view.lent_data(one) for one in found]}, view=(table,))


async def history(app: App, label: str | None, currency: str | None, since: str) -> Result:
    """What was taken of own offers."""
    since_ms, back_ms = read_since(since, app.clock.now())
    async with lender(app, account_for(app, label)) as desk:
        start = since_ms or desk.now_ms() - back_ms
        found = await own_trades(desk.session, currency, start)
        names = {one.currency for one in found}
        by = {offer: how for name in names for offer, how in desk.journal.offers.ids(desk.place, name).items()}
    table = view.trades_table(found, by) if found else Note("Nothing was lent.")
    data = [view.trade_data(one, by.get(one.offer_id)) for one in found]
    return Result({"history": data}, view=(table,))


async def settle(app: App, label: str | None, wait: bool) -> Result:
    """Finds out what happened to offers without an outcome, by reading only."""
    app.journals.to_send()
    account = account_for(app, label)
    async with lender(app, account) as desk:
        await desk.session.warm()
        waiting = desk.journal.offers.unsettled(desk.place)
        done = [(one, await settle_offer(desk.session, desk.journal, one, wait)) for one in waiting]
    rows = [view.submitted_data(one) | {"state": str(it.state), "detail": it.words} for one, it in done]
    lines = [f"offer {one.row}: {view.draft_words(one.draft)}: {it.state}: {it.words}" for one, it in done]
    errors = tuple(still_unknown(one, it.words) for one, it in done if it.state is SentState.UNKNOWN or not it.recorded)
    notes = (Note("\n".join(lines) if lines else "No offer is unknown."),)
    return Result({"offers": rows}, view=notes, exit_code=ExitCode.UNKNOWN if errors else ExitCode.OK, errors=errors)


def resolve(app: App, row: int, offer_id: str | None, absent: bool, reason: str, yes: bool) -> Result:
    """A person's verdict on an offer that stays unknown: its id at the exchange, or that it was never accepted."""
    if (offer_id is None) is not absent:
        raise UsageProblem("use either --offer ID or --absent")
    journal = app.journals.to_send()
    stored = next((one for one in journal.offers.unsettled() if one.row == row), None)
    if stored is None:
        raise UsageProblem(f"no unknown offer has the number {row}", "list them: keyctl funding settle")
    _check_may_resolve(app, journal, stored, offer_id)
    what = "as NOT accepted" if absent else f"as offer {offer_id}"
    if not yes:
        if not app.prompt.has_terminal or app.no_input:
            raise NeedsPerson("this needs your confirmation, but there is no terminal", "in a script: --yes")
        text = f"{stored.account}: {view.draft_words(stored.draft)}. Record it {what}? Type {stored.account}"
        if not app.prompt.confirm_typed(text, stored.account):
            raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed")
    who = app.environ.get("USER") or app.environ.get("LOGNAME") or str(os.getuid())
    state = SentState.ABSENT if absent else SentState.ACCEPTED
    if not journal.offers.resolve(row, state, offer_id, f"resolved by {who}: {reason or 'no reason given'}"):
        raise CheckFailed(f"offer {row} has an outcome by now; nothing was changed", code="already_settled")
    return Result(
        {"offer": view.submitted_data(journal.offers.one(row))}, view=(Note(f"Offer {row} recorded {what}."),)
    )


def _check_may_resolve(app: App, journal: Journal, stored: StoredOffer, offer_id: str | None) -> None:
    """Raises UsageProblem for an id that cannot be this offer's, CheckFailed while it may still be on its way."""
    if offer_id is not None:
        if not (offer_id.isascii() and offer_id.isdecimal()):
            raise UsageProblem(f"'{offer_id[:20]}' is not an offer's id", "list them: keyctl funding offers")
        if offer_id in {*journal.offers.ids(stored.exchange_account, stored.draft.currency), *stored.known}:
            raise UsageProblem(
                f"offer {offer_id} is another one: it was known before, or is that of another submission",
                "list them: keyctl funding offers",
                code="other_offer",
            )
    left = journal.offers.in_flight_seconds(stored)
    if offer_id is None:
        window = profile(stored.exchange).settling.min_polling_seconds + CALL_AND_SLACK_SECONDS
        left = max(left, stored.stamp_ms / 1000 + window - app.clock.now())
    if left > 0:
        raise CheckFailed(
            f"offer {stored.row} may still be on its way for {left:.0f} s",
            "wait, or let keyctl find out: keyctl funding settle --wait",
            code="window_open",
            account=stored.account,
        )


def _unknown_words(one: StoredOffer) -> str:
    words = f"offer {one.row}: {view.draft_words(one.draft)} is unknown: the exchange may have accepted it"
    return f"{words}; run: keyctl funding settle --wait"


def still_unknown(one: StoredOffer, words: str) -> KeyctlError:
    """The error for a submission that stays without an outcome, and why it does."""
    return OutcomeUnknown(
        f"{one.account}: offer {one.row}, {view.draft_words(one.draft)}, is still unknown: {words}",
        "find out its outcome: keyctl funding settle --wait",
        f"if you know it from the exchange's own pages: keyctl funding resolve {one.row} --absent",
        code="offer_unknown",
        account=one.account,
        exchange=one.exchange,
    )
