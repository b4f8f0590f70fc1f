"""The course of `funding auto`: look, decide, and with a yes cancel what is no longer good and place what is missing.

Made for cron: one run at a time for a currency, offers that are still good stay, and only offers that `auto` itself has
made are ever canceled.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExitCode, KeyctlError, StoreUnusable, Unreached, worst
from keyctl.funding import auto_view
from keyctl.funding.auto_look import AutoWish, Seen, look
from keyctl.funding.cancel import cancel_offers
from keyctl.funding.offer import error_of, settle_first, wish_of
from keyctl.funding.opening import Lender, account_for, lender
from keyctl.funding.reads import held_by
from keyctl.funding.send import send_offer
from keyctl.funding.settle import Outcome
from keyctl.funding.strategy import Decision, Rung
from keyctl.journal.offers import AUTO, HOUR_SECONDS, SentState
from keyctl.terminal.output import Result
from keyctl.terminal.signals import Stop

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.home.funding_settings import FundingSettings


async def auto(app: App, label: str | None, wish: AutoWish) -> Result:
    """Shows what would be offered, and with a yes carries it out. Raises KeyctlError with nothing sent."""
    settings = app.config.funding.of(wish.currency)
    settings = replace(settings, strategy=wish.strategy or settings.strategy)
    account = account_for(app, label)
    if not wish.yes:
        async with lender(app, account) as desk:
            seen = await look(desk, wish, settings)
        return auto_view.result(wish, settings, seen, (), desk.warnings)
    journal = app.journals.to_send()
    if halts := journal.halts.of(account.id, account.exchange, account.api_key_hash):
        raise halts[0].refusal(account.label, account.exchange)
    async with Stop() as stop, lender(app, account, sends=True) as desk:
        with only_one(app.home.state, desk.place, wish.currency, account.label):
            await settle_first(desk, wish.currency)
            seen = await look(desk, wish, settings)
            return await _carry_out(desk, wish, settings, seen, stop)


async def _carry_out(desk: Lender, wish: AutoWish, settings: FundingSettings, seen: Seen, stop: Stop) -> Result:
    """Cancels and places what was decided; what was canceled is free before anything is placed."""
    _check_rate(desk, seen.decision)
    errors: list[KeyctlError] = []
    if seen.decision.cancel and not stop.asked():
        offers = [offer for offer, _ in seen.decision.cancel]
        trouble = await cancel_offers(desk, offers)
        if trouble is not None:
            return auto_view.result(wish, settings, seen, (), desk.warnings, (trouble,), trouble.exit_code)
        await _wait_until_free(desk, wish.currency, seen, settings)
        canceled = seen.decision.cancel
        seen = await look(desk, wish, settings, may_cancel=False)
        seen = replace(seen, decision=replace(seen.decision, cancel=canceled))
    done: list[tuple[Rung, Outcome]] = []
    for rung in seen.decision.place:
        if await stop.asked_by_now():
            break
        try:
            outcome = await send_offer(
                desk.session, desk.journal, wish_of(rung.draft, seen.basis, AUTO, again=True), desk.app.config.limits
            )
        except (CheckFailed, Unreached, StoreUnusable) as trouble:
            errors.append(trouble)
            break
        done.append((rung, outcome))
        if (error := error_of(desk, rung.draft, outcome)) is not None:
            errors.append(error)
            break  # what is not known, or not understood, is not tried with the next one
    code = _code(done, errors) if errors or not stop.asked() else stop.exit_code
    return auto_view.result(wish, settings, seen, done, desk.warnings, tuple(errors), code)


def _check_rate(desk: Lender, decision: Decision) -> None:
    """Raises CheckFailed before anything is canceled where the new offers would pass the limit of an hour."""
    most = desk.app.config.limits.funding_offers_per_hour
    sent = desk.journal.offers.claimed_since(HOUR_SECONDS).get(desk.account.label, 0)
    if decision.place and sent + len(decision.place) > most:
        raise CheckFailed(
            f"{desk.account.label}: {len(decision.place)} more offers would be above the limit of {most} in an hour; "
            "nothing was sent",
            "wait, or raise funding_offers_per_hour: keyctl config edit",
            code="too_many_offers",
            account=desk.account.label,
        )


async def _wait_until_free(desk: Lender, currency: str, seen: Seen, settings: FundingSettings) -> None:
    """Returns when what was canceled is available again, or after `wait_seconds`; then less is placed."""
    before = seen.basis.held.available
    if before is None:
        return
    wanted = before + sum((offer.left for offer, _ in seen.decision.cancel), Decimal(0))
    clock = desk.session.network.clock
    until = clock.monotonic() + settings.wait_seconds
    while True:
        held = await held_by(desk.session, currency)
        if held.available is None or held.available >= wanted or held.lent_size > seen.basis.held.lent_size:
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
        except BlockingIOError:
            raise CheckFailed(
                f"{label}: another keyctl funding auto {currency} is running; nothing was sent",
                "let it end",
                code="auto_running",
                account=label,
            ) from None
        yield
    finally:
        os.close(descriptor)
