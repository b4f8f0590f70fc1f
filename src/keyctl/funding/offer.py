"""The course of `funding offer`: what is held and worth, checks, preview, the person's yes, one send."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from keyctl.desk.consent import VALUE_TOLERANCE
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, NeedsPerson, OutcomeUnknown, StoreUnusable
from keyctl.funding import view
from keyctl.funding.opening import Lender, account_for, lender
from keyctl.funding.reads import Held, held_by, rates_of
from keyctl.funding.send import send_offer
from keyctl.funding.settle import Outcome, settle_offer
from keyctl.funding.worth import Worth, worth_of
from keyctl.home.funding_settings import DAYS_ASKED
from keyctl.journal.offers import OfferWish, SentState, over_limit, without_outcome
from keyctl.model.funding import FundingRates, OfferDraft, OfferKind
from keyctl.model.noun import Noun
from keyctl.model.rate import per_day, rate_text
from keyctl.orders.value import rounded
from keyctl.terminal.output import Note, Result, show_aside

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account

# For how long what was read before a question holds after it.
PREVIEW_SECONDS = 30
STATE_CODES = {
    SentState.ACCEPTED: ExitCode.OK,
    SentState.REJECTED: ExitCode.REFUSED,
    SentState.UNKNOWN: ExitCode.UNKNOWN,
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OfferConsent(Noun):
    """How the person agrees: `--yes`, `--expect-value`, or by typing; `again` for a repeat within a minute."""

    yes: bool = False
    expected_usd: Decimal | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Basis(Noun):
    """What an offer's decision rests on: how many claims the journal had counted before the reads, and what they
    showed."""

    claims: int
    held: Held
    rates: FundingRates
    worth: Worth


async def offer(app: App, label: str | None, draft: OfferDraft, consent: OfferConsent) -> Result:
    """Makes one offer. Raises KeyctlError with nothing sent."""
    account = account_for(app, label)
    try:
        return await _offer(app, account, draft, consent)
    except StoreUnusable as trouble:  # never from the first byte on
        raise not_written(account.label, trouble, "nothing was sent") from None


async def _offer(app: App, account: Account, draft: OfferDraft, consent: OfferConsent) -> Result:
    app.journals.to_send()
    async with lender(app, account, sends=True) as desk:
        check_period(desk, draft.days)
        await settle_first(desk, draft.currency)
        basis = await basis_of(desk, draft.currency)
        value = rounded(draft.size * basis.worth.high)
        check_offer(desk, draft, basis, app.config.limits.funding_offer_usd)
        asked = questions(desk, draft, basis)
        words = _preview(desk, draft, basis, value)
        show_aside((Note(words),), app.output)
        shown_at = app.clock.monotonic()
        _ask(app, draft, value, asked, consent)
        if app.clock.monotonic() - shown_at > PREVIEW_SECONDS:
            basis = await _looked_again(desk, draft, value, asked)
        outcome = await send_offer(
            desk.session, app.journal, wish_of(draft, basis, "offer", consent.again), app.config.limits
        )
        return _result(desk, draft, outcome)


async def _looked_again(desk: Lender, draft: OfferDraft, value: Decimal, asked: list[str]) -> Basis:
    """What the offer rests on now, after a person took their time. Raises CheckFailed where it is no longer what was
    shown to them."""
    basis = await basis_of(desk, draft.currency)
    check_offer(desk, draft, basis, desk.app.config.limits.funding_offer_usd)
    now, new = rounded(draft.size * basis.worth.high), questions(desk, draft, basis)
    if abs(now - value) > value * VALUE_TOLERANCE or len(new) > len(asked):
        why = "; ".join(new) or f"it is worth {now:,.2f} USD now"
        raise CheckFailed(
            f"{desk.account.label}: the market has moved since the preview: {why}; nothing was sent",
            "run the command again",
            code="preview_expired",
            account=desk.account.label,
        )
    return basis


def not_written(label: str, trouble: StoreUnusable, so: str) -> StoreUnusable:
    """The error for an offer that cannot be written down, and so is not sent."""
    why = trouble.message.removesuffix("; nothing was sent")
    return StoreUnusable(
        f"{label}: the offer cannot be written into the journal: {why}; {so}",
        *trouble.hints,
        code=trouble.code,
        account=label,
    )


async def basis_of(desk: Lender, currency: str) -> Basis:
    """What is held, what rates are, what it is worth. The claims are counted first."""
    claims = desk.journal.claims()
    rates = await rates_of(desk.session, currency)
    return Basis(claims, await held_by(desk.session, currency), rates, await worth_of(desk.session, currency))


def wish_of(draft: OfferDraft, basis: Basis, by: str, again: bool = False) -> OfferWish:
    """What the claim is asked for."""
    known = tuple(offer.offer_id for offer in basis.held.offers)
    worth = basis.worth.high
    return OfferWish(draft, draft.size * worth, basis.held.size * worth, basis.claims, known, by, again)


async def settle_first(desk: Lender, currency: str) -> None:
    """One pass over earlier offers of that currency without an outcome. Raises OutcomeUnknown while one stays so."""
    for stored in desk.journal.offers.unsettled(desk.place):
        if stored.draft.currency != currency:
            continue
        if desk.journal.offers.in_flight_seconds(stored):
            raise without_outcome(desk.account.label, desk.account.exchange, stored, desk.app.clock.now())
        outcome = await settle_offer(desk.session, desk.journal, stored)
        if outcome.state is SentState.UNKNOWN:
            raise OutcomeUnknown(
                f"{desk.account.label}: an earlier offer of {view.draft_words(stored.draft)} is still unknown: "
                f"{outcome.words}; nothing was sent",
                "find out its outcome first: keyctl funding settle --wait",
                code="offer_unknown",
                account=desk.account.label,
                exchange=desk.account.exchange,
            )
        desk.warnings.append(f"an earlier offer of {view.draft_words(stored.draft)}: {outcome.words}")


def least_size(desk: Lender, worth: Worth) -> Decimal:
    """The smallest offer, in the currency, with the margin for prices that move."""
    return (desk.funding.minimum_usd / worth.low).quantize(Decimal("1e-8")) + Decimal("1e-8")


def check_period(desk: Lender, days: int) -> None:
    """Raises CheckFailed for a period that the exchange does not have."""
    funding = desk.funding
    if not funding.days_min <= days <= funding.days_max:
        raise CheckFailed(
            f"{days} days: {desk.session.exchange.profile.title} lends for {funding.days_min} to {funding.days_max} "
            "days; nothing was sent",
            f"give --days {funding.days_min} to {funding.days_max}",
            code="bad_period",
        )


def check_offer(desk: Lender, draft: OfferDraft, basis: Basis, most_usd: Decimal) -> None:
    """Raises CheckFailed for an offer below the minimum, above a limit or what is available, or too far from FRR."""
    label, least = desk.account.label, least_size(desk, basis.worth)
    if draft.size < least:
        raise CheckFailed(
            f"{label}: {draft.size:f} {draft.currency} is below the smallest offer, {least:f} {draft.currency} "
            f"({desk.funding.minimum_usd:f} USD and a margin); nothing was sent",
            f"offer at least {least:f}",
            code="below_minimum",
            account=label,
        )
    limits, worth = desk.app.config.limits, basis.worth.high
    if draft.size * worth > most_usd:
        raise over_limit(label, "the offer would be worth", draft.size * worth, "funding_offer_usd", limits)
    if (held := (basis.held.size + draft.size) * worth) > limits.funding_currency_usd:
        words = f"{draft.currency} lent and offered would be worth"
        raise over_limit(label, words, held, "funding_currency_usd", limits)
    available = basis.held.available
    if available is not None and draft.size > available:
        raise CheckFailed(
            f"{label}: insufficient balance: {available:f} {draft.currency} available in the funding wallet; nothing "
            "was sent",
            "reduce the size, or transfer to the funding wallet on the exchange's own pages",
            code="insufficient_balance",
            account=label,
        )
    if draft.kind is OfferKind.FRR and draft.rate > basis.rates.frr * desk.funding.delta_max:
        raise CheckFailed(
            f"{label}: a delta of {per_day(draft.rate)} is above {desk.funding.delta_max:.0%} of FRR "
            f"({per_day(basis.rates.frr)}); nothing was sent",
            "give a smaller delta",
            code="delta_too_large",
            account=label,
        )


def questions(desk: Lender, draft: OfferDraft, basis: Basis) -> list[str]:
    """What about an offer needs more than a yes."""
    found = questions_of(desk, draft, basis.rates.frr)
    if basis.worth.doubt:
        found.append(f"its value in USD rests on one price, {basis.worth.doubt}")
    return found


def questions_of(desk: Lender, draft: OfferDraft, frr: Decimal) -> list[str]:
    """What about terms needs more than a yes, whoever makes the offer of them."""
    settings, found = desk.app.config.funding.of(draft.currency), list[str]()
    if draft.days > DAYS_ASKED:
        found.append(f"{draft.days} days: the money cannot be called back before they are over")
    low, high = frr * settings.bound_low, frr * settings.bound_high
    if draft.kind is OfferKind.FIXED and not low <= draft.rate <= high:
        found.append(
            f"a rate of {rate_text(draft.rate)} is outside {per_day(low)} to {per_day(high)}; check for a typo"
        )
    return found


def _preview(desk: Lender, draft: OfferDraft, basis: Basis, value: Decimal) -> str:
    fee = desk.funding.hidden_fee if draft.hidden else desk.funding.fee
    rate = draft.rate if draft.kind is OfferKind.FIXED else basis.rates.frr + draft.rate
    kind = "" if desk.account.kind == "live" else f"{desk.account.kind.upper()}: "
    available = basis.held.available
    lines = [
        f"{kind}{desk.account.label}: lend {view.draft_words(draft)}, worth {value:,.2f} USD",
        f"  FRR {rate_text(basis.rates.frr)}, best offer {rate_text(basis.rates.ask)} for {basis.rates.ask_days} days",
        f"  interest {draft.size * rate * (1 - fee):.4f} {draft.currency} a day if all is lent, after the fee of "
        f"{fee:.0%}",
        f"  lent {basis.held.lent_size:f}, offered {basis.held.offered:f}, available "
        f"{'unknown (the key may not read wallets)' if available is None else f'{available:f}'}",
    ]
    return "\n".join(lines)


def _ask(app: App, draft: OfferDraft, value: Decimal, asked: list[str], consent: OfferConsent) -> None:
    """Returns when the person, or a script for them, agrees. Raises CheckFailed, NeedsPerson."""
    if consent.expected_usd is not None:
        if abs(consent.expected_usd - value) > value * VALUE_TOLERANCE:
            raise CheckFailed(
                f"the offer is worth {value:f} USD, not {consent.expected_usd} USD; nothing was sent",
                "check the size and its currency",
                code="value_differs",
            )
        return
    if consent.yes and not asked:
        return
    if not app.prompt.has_terminal or app.no_input:
        if consent.yes:
            raise CheckFailed(
                f"the offer needs more than a yes ({'; '.join(asked)}); nothing was sent",
                f"in a script, confirm it by its value: --expect-value {value:f}",
                code="soft_limit",
            )
        raise NeedsPerson(
            "the offer needs your confirmation, but there is no terminal; nothing was sent",
            f"in a script: --yes, or --expect-value {value:f}",
        )
    for text in asked:
        app.prompt.show(f"warning: {text}")
    if not app.prompt.confirm_typed(f"Type {draft.size:f} (the size) to send, or Enter to stop", f"{draft.size:f}"):
        raise CheckFailed("not confirmed; nothing was sent", code="not_confirmed")


def error_of(desk: Lender, draft: OfferDraft, outcome: Outcome) -> KeyctlError | None:
    """The error of an outcome; None for an accepted offer."""
    words = f"{desk.account.label}: offer of {view.draft_words(draft)}: {outcome.words}"
    place = {"account": desk.account.label, "exchange": desk.account.exchange}
    if not outcome.recorded:
        return OutcomeUnknown(
            f"{words}. keyctl sends no other {draft.currency} offer before it is",
            "free disk space, then run: keyctl funding settle",
            code="not_written_down",
            **place,
        )
    if outcome.state is SentState.REJECTED:
        return outcome.error
    if outcome.state is SentState.UNKNOWN:
        return OutcomeUnknown(
            f"{words}. Unknown: the exchange may have accepted it; it is never sent again",
            "find out its outcome: keyctl funding settle --wait",
            code="offer_unknown",
            **place,
        )
    return None


def _result(desk: Lender, draft: OfferDraft, outcome: Outcome) -> Result:
    error = error_of(desk, draft, outcome)
    data = view.draft_data(draft) | {
        "account": desk.account.label,
        "state": str(outcome.state),
        "offer_id": outcome.offer_id,
        "detail": outcome.words,
    }
    note = f"{desk.account.label}: offer {outcome.offer_id}: {view.draft_words(draft)}: {outcome.words}"
    return Result(
        {"offer": data},
        view=() if error else (Note(note),),
        exit_code=STATE_CODES[outcome.state] if outcome.recorded else ExitCode.UNKNOWN,
        errors=(error,) if error else (),
        warnings=tuple(desk.warnings),
    )
