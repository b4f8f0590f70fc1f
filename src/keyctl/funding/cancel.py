"""The courses of `funding cancel` and `funding autorenew`: taking back always works, making offers is claimed."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
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
from keyctl.funding.offer import check_period
from keyctl.funding.opening import Lender, account_for, lender
from keyctl.funding.reads import fetched, offers_of, rates_of
from keyctl.funding.send import send_setting
from keyctl.model.funding import AutoRenew, Offer
from keyctl.model.rate import rate_text
from keyctl.terminal.output import Note, Result, show_aside

if TYPE_CHECKING:
    from collections.abc import Collection

    from keyctl.app import App
    from keyctl.model.wire import Request

READ_BACKS = 4
READ_BACK_SECONDS = 1.0


async def cancel(app: App, label: str | None, offer_id: str | None, currency: str | None, yes: bool) -> Result:
    """Cancels one open offer, or all of one currency, and reads back that they are gone. Halts do not stop it."""
    app.journals.to_leave(claims=False)
    account = account_for(app, label, leaving=True)
    async with lender(app, account) as desk:
        offers = await offers_of(desk.session, currency)
        chosen = offers if currency else tuple(one for one in offers if one.offer_id == offer_id)
        if not chosen:
            what = f"no open {currency} offers" if currency else f"no open offer {offer_id}"
            if currency is None:
                raise UsageProblem(
                    f"{account.label} has {what}", "list them: keyctl funding offers", code="unknown_offer"
                )
            return Result({"offers": []}, view=(Note(f"{account.label} has {what}."),))
        by = desk.journal.offers.ids(desk.place, chosen[0].draft.currency)
        _ask(app, chosen, yes, by)
        trouble = await cancel_offers(desk, chosen, whole_currency=currency)
        rows = [view.offer_data(one, by.get(one.offer_id)) for one in chosen]
        if trouble is None:
            note = f"{account.label}: {len(chosen)} offer{'s' * (len(chosen) > 1)} canceled."
            return Result({"offers": rows}, view=(Note(note),), warnings=tuple(desk.warnings))
        return Result({"offers": rows}, exit_code=trouble.exit_code, errors=(trouble,))


async def cancel_offers(
    desk: Lender, offers: Collection[Offer], whole_currency: str | None = None
) -> KeyctlError | None:
    """Nothing once none of the offers is open any more, each canceled by one call; else what is left, and why.

    A call whose answer is lost is not repeated here: reading back tells what it did.
    """
    why: KeyctlError | None = None
    funding = desk.funding
    requests = (
        [funding.cancel_all_request(whole_currency)]
        if whole_currency is not None
        else [funding.cancel_request(one.offer_id) for one in offers]
    )
    with suppress(StoreUnusable):  # a cancel is not held up by a journal that is busy
        ids = [one.offer_id for one in offers]
        desk.journal.offers.note("funding_cancel", {"account": desk.account.label, "ids": ids})
    for request in requests:
        try:
            await _call(desk, request)
        except Unreached as trouble:  # NoAnswer too: it may have been taken
            why = trouble
            if not isinstance(trouble, NoAnswer):
                break
        except ExchangeRefused as refusal:  # one that has just been taken is not there any more
            why = refusal
    left = await _left_open(desk, {one.offer_id for one in offers})
    if left is None:
        return OutcomeUnknown(
            f"{desk.account.label}: whether the offers were canceled is unknown",
            "look at them: keyctl funding offers",
            code="cancel_unknown",
            account=desk.account.label,
        )
    if not left:
        return None
    if why is None:
        return OutcomeUnknown(
            f"{desk.account.label}: the cancel was accepted, but these are still open: {', '.join(sorted(left))}",
            "look again: keyctl funding offers",
            code="cancel_unknown",
            account=desk.account.label,
        )
    return why


async def _call(desk: Lender, request: Request) -> None:
    """Sends a cancel once. Raises Unreached, NoAnswer, ExchangeRefused."""
    response = await desk.session.call(request, leaving=True)
    error = desk.session.error_in(response)
    if error is not None:
        raise ExchangeRefused(error, account=desk.account.label)


async def _left_open(desk: Lender, ids: set[str]) -> set[str] | None:
    """Which of these offers are open; None where that cannot be read. Lists lag a little behind a cancel."""
    left: set[str] | None = None
    for number in range(READ_BACKS):
        if number:
            await desk.session.network.clock.sleep(READ_BACK_SECONDS)
        try:
            left = ids & {one.offer_id for one in await offers_of(desk.session, None)}
        except (ExchangeRefused, Unreached):
            continue
        if not left:
            return left
    return left


def _ask(app: App, offers: Collection[Offer], yes: bool, by: dict[str, str]) -> None:
    table = view.offers_table([(one, by.get(one.offer_id)) for one in offers])
    if yes:
        return
    if not app.prompt.has_terminal or app.no_input:
        raise NeedsPerson("canceling needs your confirmation, but there is no terminal", "in a script: --yes")
    show_aside((table,), app.output)
    if not app.prompt.confirm_typed(f"Type {len(offers)} to cancel them, or Enter to stop", str(len(offers))):
        raise CheckFailed("not confirmed; nothing was canceled", code="not_confirmed")


async def auto_renew(  # noqa: PLR0913 - the whole of one command
    app: App, label: str | None, currency: str, state: str, size: Decimal, rate: Decimal | None, days: int, yes: bool
) -> Result:
    """Shows the exchange's own auto-renew of a currency, or switches it and reads it back."""
    account = account_for(app, label, leaving=state == "off")
    if state == "show":
        async with lender(app, account) as desk:
            return _shown(desk, currency, await _auto_renew(desk, currency))
    on = state == "on"
    (app.journals.to_send if on else app.journals.to_leave)()
    async with lender(app, account, sends=on) as desk:
        wanted = AutoRenew(currency, days, rate or Decimal(0), size)
        words = f"{account.label}: auto-renew of {currency} {_words(wanted) if on else 'off'}"
        if on:
            check_period(desk, days)
            await rates_of(desk.session, currency)
        if not yes:
            if not app.prompt.has_terminal or app.no_input:
                raise NeedsPerson("this needs your confirmation, but there is no terminal", "in a script: --yes")
            app.prompt.show(words)
            if not app.prompt.confirm_typed(f"Type {state} to do it, or Enter to stop", state):
                raise CheckFailed("not confirmed; nothing was sent", code="not_confirmed")
        request = desk.funding.auto_renew_request(wanted, on=on)
        trouble: KeyctlError | None = None
        try:
            if on:
                await send_setting(desk.session, app.journal, request, "auto_renew", {"currency": currency, "on": True})
            else:
                app.journal.offers.note("auto_renew", {"account": account.label, "currency": currency, "on": False})
                await _call(desk, request)
        except NoAnswer as lost:
            trouble = lost
        found = await _auto_renew(desk, currency)
        if (found is not None) is on:
            return _shown(desk, currency, found)
        error = trouble or OutcomeUnknown(f"{account.label}: the exchange does not show the change of auto-renew")
        return Result({"auto_renew": _data(found)}, exit_code=ExitCode.UNKNOWN, errors=(error,))


async def _auto_renew(desk: Lender, currency: str) -> AutoRenew | None:
    funding = desk.funding
    return await fetched(
        desk.session,
        currency,
        lambda: funding.auto_renew_state_request(currency),
        lambda response: funding.read_auto_renew(response, currency),
    )


def _shown(desk: Lender, currency: str, found: AutoRenew | None) -> Result:
    words = f"{desk.account.label}: auto-renew of {currency} is {'off' if found is None else _words(found)}."
    return Result({"auto_renew": _data(found)}, view=(Note(words),), warnings=tuple(desk.warnings))


def _words(one: AutoRenew) -> str:
    rate = rate_text(one.rate) if one.rate else "FRR"
    limit = f", up to {one.size:f} {one.currency}" if one.size else ""
    return f"on, at {rate} for {one.days} days{limit}"


def _data(one: AutoRenew | None) -> dict[str, object]:
    if one is None:
        return {"on": False}
    rate = view.rate_data(one.rate) if one.rate else None
    return {"on": True, "currency": one.currency, "days": one.days, "rate": rate, "size": f"{one.size:f}"}
