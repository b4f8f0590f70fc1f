"""A checklist's steps as findings and `add` name them: of the profile that a person chose, where there is one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyctl.exchanges.checklists import steps_of

if TYPE_CHECKING:
    from keyctl.exchanges.profile import Profile


def purpose_of(facts: Profile, profile: str | None) -> str | None:
    """The profile's name where the exchange has a checklist of its own for it; None stands for that of trading."""
    return profile if profile in facts.checklist.by_profile else None


def page_of(facts: Profile, purpose: str | None = None) -> str:
    """The command that shows the checklist."""
    return f"keyctl checklist {facts.name}" + (f" --profile {purpose}" if purpose else "")


def rights_step(facts: Profile, purpose: str | None = None) -> tuple[int, str]:
    """The number and the text of the step on permissions, which every checklist has; (0, "") without one."""
    for number, step in enumerate(steps_of(facts, purpose), 1):
        if "withdraw" in step.casefold() and "OFF" in step:
            return number, step
    return 0, ""
