"""The course of `funding auto`: look, decide, and with a yes cancel what is no longer good and place what is missing.

Made for cron: one run at a time for a currency, offers that are still good stay, and only offers that `auto` itself has
made are ever canceled.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExitCode, KeyctlError, StoreUnusable, worst
from keyctl.funding import auto_view
from keyctl.funding.auto_look import AutoWish, Seen, look
from keyctl.funding.cancel import cancel_offers
from keyctl.funding.fate import Fate
from keyctl.funding.offer import error_of, not_written, settle_first, wish_of
from keyctl.funding.opening import Lender, account_for, lender
from keyctl.funding.reads import available_to
from keyctl.funding.send import send_offer
from keyctl.funding.settle import Outcome
from keyctl.funding.strategy import Decision, Rung
from keyctl.journal.offers import AUTO, HOUR_SECONDS, SentState
from keyctl.terminal.output import Result
from keyctl.terminal.signals import Stop

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.home.funding_settings import FundingSettings
    from keyctl.model.account import Account


async def auto(app: App, label: str | None, wish: AutoWish) -> Result:
    """Shows what would be offered, and with a yes carries it out. Raises KeyctlError with nothing sent."""
    settings = app.config.funding.of(wish.currency)
    settings = replace(settings, strategy=wish.strategy or settings.strategy)
    account = account_for(app, label)
    if not wish.yes:
        async with lender(app, account) as desk:
            seen = await look(desk, wish, settings)
        return auto_view.result(wish, settings, seen, (), desk.warnings)
    try:
        return await _run(app, account, wish, settings)
    except StoreUnusable as trouble:  # never once something was canceled or placed
        raise not_written(account.label, trouble, "nothing was sent") from None


async def _run(app: App, account: Account, wish: AutoWish, settings: FundingSettings) -> Result:
    journal = app.journals.to_send()
    if halts := journal.halts.of(account.id, account.exchange, account.api_key_hash):
        raise halts[0].refusal(account.label, account.exchange)
    async with Stop() as stop, lender(app, account, sends=True) as desk:
        with only_one(app.home.state, desk.place, wish.currency, account.label):
            await settle_first(desk, wish.currency)
            seen = await look(desk, wish, settings)
            _check_rate(desk, seen.decision)
            return await _carry_out(desk, wish, settings, seen, stop)


async def _carry_out(desk: Lender, wish: AutoWish, settings: FundingSettings, seen: Seen, stop: Stop) -> Result:
    """Cancels and places what was decided; what was canceled is free before anything is placed. Whatever ends it, what
    was done until then is told: it raises nothing."""
    errors: list[KeyctlError] = []
    fates: dict[str, Fate] = {}
    if seen.decision.cancel and not await stop.asked_by_now():
        try:
            found = await cancel_offers(desk, [offer for offer, _ in seen.decision.cancel])
            fates = {fate.offer.offer_id: fate for fate in found}
            errors = [fate.error for fate in found if fate.error is not None and not fate.is_over]
            if not errors:
                await _wait_until_free(desk, wish.currency, seen, found, settings, stop)
                canceled = seen.decision.cancel
                seen = await look(desk, wish, settings, may_cancel=False)
                seen = replace(seen, decision=replace(seen.decision, cancel=canceled))
        except KeyctlError as trouble:
            errors = [trouble]
    done: list[tuple[Rung, Outcome]] = []
    for rung in () if errors else seen.decision.place:
        if await stop.asked_by_now():
            break
        try:
            outcome = await send_offer(
                desk.session, desk.journal, wish_of(rung.draft, seen.basis, AUTO, again=True), desk.app.config.limits
            )
        except StoreUnusable as trouble:
            errors.append(not_written(desk.account.label, trouble, "it was not sent"))
            break
        except KeyctlError as trouble:
            errors.append(trouble)
            break
        done.append((rung, outcome))
        if (error := error_of(desk, rung.draft, outcome)) is not None:
            errors.append(error)
            break  # what is not known, or not understood, is not tried with the next one
    code = stop.exit_code if stop.asked() and not errors else _code(done, errors)
    return auto_view.result(wish, settings, seen, done, desk.warnings, tuple(errors), code, fates)


def _check_rate(desk: Lender, decision: Decision) -> None:
    """Raises CheckFailed before anything is canceled where the new offers would pass the limit of an hour."""
    most = desk.app.config.limits.funding_offers_per_hour
    sent = desk.journal.offers.claimed_at(desk.place, HOUR_SECONDS)
    if decision.place and sent + len(decision.place) > most:
        raise CheckFailed(
            f"{desk.account.label}: {len(decision.place)} more offers would be above the limit of {most} in an hour; "
            "nothing was sent",
            "wait, or raise funding_offers_per_hour: keyctl config edit",
            code="too_many_offers",
            account=desk.account.label,
        )


async def _wait_until_free(
    desk: Lender, currency: str, seen: Seen, fates: Sequence[Fate], settings: FundingSettings, stop: Stop
) -> None:
    """Returns when what was canceled is available again, or after `wait_seconds`; then less is placed."""
    before = seen.basis.held.available
    if before is None:
        return
    # Of what had been taken in part when it was listed only the rest comes back.
    wanted = before + sum((fate.canceled or Decimal(0) for fate in fates), Decimal(0))
    clock = desk.session.network.clock
    until = clock.monotonic() + settings.wait_seconds
    while not await stop.asked_by_now():
        available = await available_to(desk.session, currency)
        if available is None or available >= wanted:
            return
        if clock.monotonic() >= until:
            desk.warnings.append(f"not all that was canceled is available after {settings.wait_seconds} s")
            return
        await clock.sleep(1.0)


def _code(done: list[tuple[Rung, Outcome]], errors: list[KeyctlError]) -> ExitCode:
    if not errors:
        return ExitCode.OK
    if any(error.exit_code is ExitCode.UNKNOWN for error in errors):
        return ExitCode.UNKNOWN
    accepted = any(outcome.state is SentState.ACCEPTED for _, outcome in done)
    return ExitCode.PARTIAL if accepted else worst(errors)


@contextmanager
def only_one(state: Path, place: str, currency: str, label: str) -> Iterator[None]:
    """Held while this process is the only `auto` of that currency. Raises CheckFailed while another one is."""
    folder = state / "locks"
    name = hashlib.sha256(f"{place} {currency}".encode()).hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / f"funding-{name}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreUnusable(f"{folder} cannot be used: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not isinstance(error, BlockingIOError):
                raise StoreUnusable(f"{folder} cannot be locked: {error.strerror}") from None
            raise CheckFailed(
                f"{label}: another keyctl funding auto {currency} is running; nothing was sent",
                "let it end",
                code="auto_running",
                account=label,
            ) from None
        yield
    finally:
        os.close(descriptor)
