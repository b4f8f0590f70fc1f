"""The course of `funding autorenew`: the exchange's own way of offering again what comes back, shown or switched.

Switched on it makes offers by itself: it is claimed like one, and asks what an offer of these terms would ask.
"""

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
)
from keyctl.funding import view
from keyctl.funding.offer import check_period, questions_of
from keyctl.funding.opening import Lender, account_for, lender
from keyctl.funding.reads import fetched, rates_of
from keyctl.funding.send import send_setting
from keyctl.model.funding import AutoRenew, OfferDraft, OfferKind
from keyctl.model.rate import rate_text
from keyctl.orders.settle import CANNOT_READ
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App


async def show(app: App, label: str | None, currency: str) -> Result:
    """How auto-renew of a currency is set."""
    async with lender(app, account_for(app, label)) as desk:
        return _shown(desk, currency, await _auto_renew(desk, currency))


async def switch_off(app: App, label: str | None, currency: str, yes: bool) -> Result:
    """Switches it off and reads it back. Halts do not stop it."""
    app.journals.to_leave()
    account = account_for(app, label, leaving=True)
    async with lender(app, account) as desk:
        _ask(app, f"{account.label}: auto-renew of {currency} off", "off", yes, [])
        trouble: KeyctlError | None = None
        with suppress(StoreUnusable):  # what takes back is not held up by a journal that is busy
            app.journal.offers.note("auto_renew", {"account": account.label, "currency": currency, "on": False})
        try:
            response = await desk.session.call(
                desk.funding.auto_renew_request(AutoRenew(currency, 2, Decimal(0), Decimal(0)), on=False), leaving=True
            )
            if (error := desk.session.error_in(response)) is not None:
                trouble = ExchangeRefused(error, account=account.label)
        except NoAnswer as lost:
            trouble = lost
        return await _read_back(desk, currency, None, trouble)


async def switch_on(app: App, label: str | None, wanted: AutoRenew, yes: bool) -> Result:
    """Switches it on, once, and reads it back. Raises KeyctlError with nothing sent."""
    app.journals.to_send()
    account, currency = account_for(app, label), wanted.currency
    async with lender(app, account, sends=True) as desk:
        check_period(desk, wanted.days)
        rates = await rates_of(desk.session, currency)
        kind = OfferKind.FIXED if wanted.rate else OfferKind.FRR
        asked = questions_of(desk, OfferDraft(currency, wanted.size, kind, wanted.rate, wanted.days), rates.frr)
        _ask(app, f"{account.label}: auto-renew of {currency} {_words(wanted)}", "on", yes, asked)
        request = desk.funding.auto_renew_request(wanted, on=True)
        trouble: KeyctlError | None = None
        try:
            await send_setting(desk.session, app.journal, request, "auto_renew", {"currency": currency, "on": True})
        except (NoAnswer, ExchangeRefused) as lost:
            trouble = lost
        return await _read_back(desk, currency, wanted, trouble)


def _ask(app: App, words: str, state: str, yes: bool, asked: list[str]) -> None:
    """Returns when the person agrees. Raises NeedsPerson, CheckFailed."""
    if yes and not asked:
        return
    if not app.prompt.has_terminal or app.no_input:
        if yes:
            raise CheckFailed(
                f"auto-renew needs more than a yes ({'; '.join(asked)}); nothing was sent",
                "confirm it at a terminal, without --yes",
                code="soft_limit",
            )
        raise NeedsPerson("this needs your confirmation, but there is no terminal", "in a script: --yes")
    app.prompt.show(words)
    for text in asked:
        app.prompt.show(f"warning: {text}")
    if not app.prompt.confirm_typed(f"Type {state} to do it, or Enter to stop", state):
        raise CheckFailed("not confirmed; nothing was sent", code="not_confirmed")


async def _read_back(desk: Lender, currency: str, wanted: AutoRenew | None, trouble: KeyctlError | None) -> Result:
    """How it is set now, which alone tells what the call did. `wanted` None: off."""
    label = desk.account.label
    try:
        found = await _auto_renew(desk, currency)
    except (ExchangeRefused, *CANNOT_READ) as unread:
        error: KeyctlError = OutcomeUnknown(
            f"{label}: whether auto-renew of {currency} was changed is unknown: {trouble or unread}",
            f"check it: keyctl funding autorenew show {currency}",
            code="auto_renew_unknown",
            account=label,
        )
        return Result({"auto_renew": None}, exit_code=ExitCode.UNKNOWN, errors=(error,))
    if _is_as_wanted(found, wanted):
        if found is not None:
            desk.warnings.append("limits and halts of keyctl do not block what the exchange offers by itself")
        return _shown(desk, currency, found)
    if isinstance(trouble, ExchangeRefused):
        return Result({"auto_renew": _data(found)}, exit_code=trouble.exit_code, errors=(trouble,))
    now = "off" if found is None else _words(found)
    why = f": {trouble.message}" if trouble is not None else ""
    error = OutcomeUnknown(
        f"{label}: the exchange does not show the change of auto-renew, which is {now}{why}",
        f"check again: keyctl funding autorenew show {currency}",
        code="auto_renew_unknown",
        account=label,
    )
    return Result({"auto_renew": _data(found)}, exit_code=ExitCode.UNKNOWN, errors=(error,))


def _is_as_wanted(found: AutoRenew | None, wanted: AutoRenew | None) -> bool:
    """Whether it is set so. What rate is told of one that follows FRR, and what size of one without a limit, is not
    documented."""
    if found is None or wanted is None:
        return found is wanted
    same_rate = not wanted.rate or found.rate == wanted.rate
    return same_rate and found.days == wanted.days and (not wanted.size or found.size == wanted.size)


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
