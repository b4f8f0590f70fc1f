"""The course of `funding cancel`: taking back always works, and what became of each offer is read back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.errors import (
    CheckFailed,
    ExchangeRefused,
    ExitCode,
    KeyctlError,
    NeedsPerson,
    NoAnswer,
    OutcomeUnknown,
    StoreUnusable,
    Unreached,
    UsageProblem,
)
from keyctl.funding import view
from keyctl.funding.fate import Became, Fate, fates_of
from keyctl.funding.lists import still_unknown
from keyctl.funding.opening import Lender, account_for, lender
from keyctl.funding.reads import offers_of
from keyctl.orders.settle import CANNOT_READ
from keyctl.terminal.output import Note, Result, Table, show_aside

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from keyctl.app import App
    from keyctl.journal.offers import StoredOffer
    from keyctl.model.funding import Offer
    from keyctl.model.wire import Request

COLUMNS = ("offer", "currency", "outcome", "detail")


async def cancel(app: App, label: str | None, offer_id: str | None, currency: str | None, yes: bool) -> Result:
    """Cancels one open offer, or all of one currency, and tells what became of each. Halts do not stop it."""
    app.journals.to_leave(claims=False)
    account = account_for(app, label, leaving=True)
    async with lender(app, account) as desk:
        try:
            offers = await offers_of(desk.session, currency)
        except (ExchangeRefused, NoAnswer) as unread:  # what takes back goes out all the same
            return await _cancel_unseen(desk, offer_id, currency, yes, unread)
        chosen = offers if currency else tuple(one for one in offers if one.offer_id == offer_id)
        unknown = _without_outcome(desk, currency)
        if not chosen and currency is None:
            raise UsageProblem(
                f"{account.label} has no open offer {offer_id}",
                "list them: keyctl funding offers",
                code="unknown_offer",
            )
        if not chosen and not unknown:
            return Result({"offers": []}, view=(Note(f"{account.label} has no open {currency} offers."),))
        by = {} if not chosen else desk.journal.offers.ids(desk.place, chosen[0].draft.currency)
        _ask(app, chosen, unknown, yes, by)
        fates = await cancel_offers(desk, chosen, whole_currency=currency)
    return _result(desk, fates, by, unknown)


async def _cancel_unseen(
    desk: Lender, offer_id: str | None, currency: str | None, yes: bool, unread: KeyctlError
) -> Result:
    """Cancels what cannot be listed. What became of it is unknown, unless nothing is listed as open afterwards."""
    app, label, what = desk.app, desk.account.label, f"all {currency} offers" if currency else f"offer {offer_id}"
    if not yes:
        _need_terminal(app)
        app.prompt.show(f"{label}: open offers cannot be listed ({unread.message})")
        word = currency or offer_id or ""
        if not app.prompt.confirm_typed(f"Type {word} to cancel {what} all the same, or Enter to stop", word):
            raise CheckFailed("not confirmed; nothing was canceled", code="not_confirmed")
    funding = desk.funding
    request = funding.cancel_request(offer_id) if offer_id else funding.cancel_all_request(currency or "")
    with suppress(StoreUnusable):
        ids = [offer_id] if offer_id else []
        desk.journal.offers.note("funding_cancel", {"account": label, "ids": ids, "currency": currency})
    why = unread.message
    try:
        await _call(desk, request)
    except (NoAnswer, ExchangeRefused) as lost:  # reading back tells what it did
        why = lost.message
    with suppress(ExchangeRefused, *CANNOT_READ):
        left = [one for one in await offers_of(desk.session, currency) if offer_id in (None, one.offer_id)]
        if not left:
            note = f"{label}: {what}: none is open any more. Check what was lent: keyctl funding history"
            unknown = _without_outcome(desk, currency)
            errors = tuple(still_unknown(one, "it is in no list of open offers") for one in unknown)
            code = exit_code(errors, len(errors))
            return Result({"offers": []}, (Note(note),), code, errors, warnings=tuple(desk.warnings))
        why = f"still open: {', '.join(one.offer_id for one in left)}"
    error = OutcomeUnknown(
        f"{label}: {what}: whether the cancel was carried out is unknown: {why}",
        "check again: keyctl funding offers",
        code="cancel_unknown",
        account=label,
        exchange=desk.account.exchange,
    )
    return Result({"offers": []}, exit_code=ExitCode.UNKNOWN, errors=(error,), warnings=tuple(desk.warnings))


def _without_outcome(desk: Lender, currency: str | None) -> list[StoredOffer]:
    """The offers of that currency that may be open without being listed yet."""
    return [one for one in desk.journal.offers.unsettled(desk.place) if one.draft.currency == currency]


def _result(desk: Lender, fates: Sequence[Fate], by: dict[str, str], unknown: Sequence[StoredOffer]) -> Result:
    errors = [one.error for one in fates if one.error is not None]
    errors += [still_unknown(one, "it is in no list of open offers") for one in unknown]
    rows = [(one.offer.offer_id, one.offer.draft.currency, str(one.became), one.words) for one in fates]
    good = sum(one.became is Became.CANCELED for one in fates)
    return Result(
        {"offers": [view.offer_data(one.offer, by.get(one.offer.offer_id)) | one.data for one in fates]},
        view=(Table(COLUMNS, rows), Note(f"{desk.account.label}: {good} of {len(fates)} offers canceled.")),
        exit_code=exit_code(errors, len(fates) + len(unknown)),
        errors=tuple(errors),
        warnings=tuple(desk.warnings),
        some_accepted=good > 0,
    )


def exit_code(errors: Sequence[KeyctlError], offers: int) -> ExitCode:
    """How a cancel of so many offers ends: unknown before all else, partial where some of them are over."""
    codes = [error.exit_code for error in errors]
    if not codes:
        return ExitCode.OK
    if ExitCode.UNKNOWN in codes:
        return ExitCode.UNKNOWN
    return ExitCode.PARTIAL if len(codes) < offers else max(codes)


async def cancel_offers(desk: Lender, offers: Collection[Offer], whole_currency: str | None = None) -> tuple[Fate, ...]:
    """What became of each of these offers, canceled by one call each, or by one for the whole currency.

    A call whose answer is lost is not repeated: reading back tells what it did. Raises nothing that exchange or journal
    do: some of the calls may have been taken.
    """
    funding = desk.funding
    calls: list[tuple[tuple[str, ...], Request]] = [
        ((one.offer_id,), funding.cancel_request(one.offer_id)) for one in offers
    ]
    if whole_currency is not None:
        calls = [(tuple(one.offer_id for one in offers), funding.cancel_all_request(whole_currency))]
    with suppress(StoreUnusable):  # a cancel is not held up by a journal that is busy
        ids = [one.offer_id for one in offers]
        desk.journal.offers.note("funding_cancel", {"account": desk.account.label, "ids": ids})
    troubles: dict[str, KeyctlError] = {}
    sent, stopped = 0, None
    for ids_, request in calls:
        try:
            if stopped is None:
                await _call(desk, request)
                sent += 1
        except NoAnswer as lost:  # it may have been taken
            sent += 1
            troubles |= dict.fromkeys(ids_, lost)
        except ExchangeRefused as refusal:  # of one that has just been taken too
            sent += 1
            troubles |= dict.fromkeys(ids_, refusal)
        except (Unreached, StoreUnusable) as trouble:  # nothing of it has left, and nothing of the next ones would
            stopped = trouble
        if stopped is not None:
            troubles |= dict.fromkeys(ids_, stopped)
    if not sent and stopped is not None:
        return tuple(Fate(one, Became.OPEN, f"not canceled: {stopped.message}", error=stopped) for one in offers)
    return tuple(_with_error(desk, fate, troubles.get(fate.offer.offer_id)) for fate in await fates_of(desk, offers))


def _with_error(desk: Lender, fate: Fate, trouble: KeyctlError | None) -> Fate:
    """The fate, with why an offer is not over or how it ended is unknown."""
    label, name = desk.account.label, fate.offer.offer_id
    if fate.became in (Became.CANCELED, Became.TAKEN):
        return fate
    if fate.became is Became.OPEN and trouble is not None:
        return replace(fate, words=f"still open: {trouble.message}", error=trouble)
    but = "the cancel was accepted, but it is " if fate.became is Became.OPEN else ""
    error = OutcomeUnknown(
        f"{label}: offer {name}: {but}{fate.words}",
        "check again: keyctl funding offers",
        "check what was lent: keyctl funding history",
        code="cancel_unknown",
        account=label,
        exchange=desk.account.exchange,
    )
    return replace(fate, error=error)


async def _call(desk: Lender, request: Request) -> None:
    """Sends a cancel once. Raises Unreached, NoAnswer, ExchangeRefused, StoreUnusable."""
    response = await desk.session.call(request, leaving=True)
    error = desk.session.error_in(response)
    if error is not None:
        raise ExchangeRefused(error, account=desk.account.label)


def _need_terminal(app: App) -> None:
    if not app.prompt.has_terminal or app.no_input:
        raise NeedsPerson("canceling needs your confirmation, but there is no terminal", "in a script: --yes")


def _ask(app: App, offers: Sequence[Offer], unknown: Sequence[StoredOffer], yes: bool, by: dict[str, str]) -> None:
    """Lists the offers. Returns when the person agrees. Raises NeedsPerson, CheckFailed."""
    if yes:
        return
    _need_terminal(app)
    show_aside((view.offers_table([(one, by.get(one.offer_id)) for one in offers]),), app.output)
    for one in unknown:
        app.prompt.show(f"  offer {one.row}: {view.draft_words(one.draft)}, whose outcome is unknown")
    number = str(len(offers) + len(unknown))
    if not app.prompt.confirm_typed(f"Type {number} to cancel them, or Enter to stop", number):
        raise CheckFailed("not confirmed; nothing was canceled", code="not_confirmed")
