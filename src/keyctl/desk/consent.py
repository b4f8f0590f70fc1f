"""How a person, or a script for them, agrees to what is about to be sent: by its total value."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import CheckFailed, NeedsPerson
from keyctl.orders.value import is_typed, rounded

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.orders.plan import Plan
    from keyctl.orders.preview import Preview

VALUE_TOLERANCE = Decimal("0.01")
WORD = "close"


class Consent(NamedTuple):
    """How the person agrees: `--yes`, `--expect-value`, or by typing; `--again` for a repeat within a minute.

    `all_or_nothing`: where one leg cannot go, none goes. `expected_usd` may be off by one part in a hundred; what is
    typed may not.
    """

    yes: bool = False
    expected_usd: Decimal | None = None
    again: bool = False
    all_or_nothing: bool = False


def ask(app: App, shown: Preview, consent: Consent) -> None:
    """Returns when the person, or the script for them, has agreed to the plan's total value.

    Where a value in it cannot be worked out there is no total: a person types the word instead, a script says `--yes`,
    and a value that it expects is refuted only by known values above it. Raises CheckFailed for another value or a
    refusal, NeedsPerson when there is nobody to ask.
    """
    plan, total = shown.plan, rounded(shown.plan.value_usd)
    if consent.expected_usd is not None:
        _check_expected(plan, consent.expected_usd)
        return
    if consent.yes and not _must_be_typed(plan):
        return
    in_a_script = "--yes" if plan.unvalued else f"--expect-value {total:f}"
    if not app.prompt.has_terminal or app.no_input:
        if consent.yes:
            parts = [text.partition(":\n") for text in plan.touched]  # what it is, and facts about it line by line
            raise CheckFailed(
                f"the plan touches a confirmation limit: {'; '.join(name for name, _, _ in parts)}; nothing was sent",
                *(line.removeprefix("- ") for _, _, facts in parts for line in facts.splitlines()),
                f"in a script, confirm it by its value: --expect-value {total:f}",
                code="soft_limit",
            )
        raise NeedsPerson(
            "the order needs your confirmation, but there is no terminal; nothing was sent",
            f"in a script: {'--yes' if plan.unvalued else f'--yes, or {in_a_script}'}",
        )
    for text in plan.touched:
        app.prompt.show(f"warning: {text}")
    question = f"Type {total:f} (the total in USD) to send, or Enter to stop"
    if plan.unvalued:
        question = f"The total is unknown. Type {WORD} to send, or Enter to stop"
    typed = app.prompt.ask(question, option=in_a_script.split()[0])
    if not (typed.strip() == WORD if plan.unvalued else is_typed(typed, plan.value_usd)):
        raise CheckFailed("not confirmed; nothing was sent", code="not_confirmed")


def _must_be_typed(plan: Plan) -> bool:
    """Whether a soft limit is touched that needs the value and not only a yes."""
    if not plan.unvalued:
        return bool(plan.touched)
    # Without a total there is nothing to type; what keeps such orders from harm is that they can only reduce.
    return bool(plan.soft) or any(leg.soft for leg in plan.legs if not leg.leg.exempt)


def _check_expected(plan: Plan, expected: Decimal) -> None:
    known = plan.value_usd
    off = known - expected if plan.unvalued else abs(expected - known)
    if off > known * VALUE_TOLERANCE:
        least = "at least " if plan.unvalued else ""
        raise CheckFailed(
            f"the plan is worth {least}{rounded(known):f} USD, not {expected} USD; nothing was sent",
            "check the size and its unit",
            code="value_differs",
        )
