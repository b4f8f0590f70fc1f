"""Whether a new key takes an old one's place: what speaks against it ends the rotation, what is not told is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, NeedsPerson, Unreached
from keyctl.keys.rotate_rules import Succession, judge_succession

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.rotations import Rotation
    from keyctl.verify.observations import Observation


def check_succession(rotation: Rotation, old: Observation, new: Observation) -> Succession:
    """What is to be asked and to be told of the two keys. Raises Unreached, or CheckFailed for what speaks against."""
    if new.trouble:
        raise Unreached(f"{rotation.label}: {new.trouble}", "nothing was changed; run it again", account=rotation.label)
    judged = judge_succession(old, new)
    if judged.objections:
        raise CheckFailed(
            f"the new key cannot take {rotation.label}'s place: {'; '.join(judged.objections)}",
            f"change it at the exchange, then run: keyctl rotate {rotation.label}",
            f"to use another key: keyctl rotate {rotation.label} --abort",
            code="not_a_successor",
            account=rotation.label,
            exchange=new.account.exchange,
        )
    return judged


def ask_about(app: App, rotation: Rotation, judged: Succession, yes: bool) -> None:
    """Returns when nothing is open, or the person, or the script for them, has said that the new key is the right one.

    Raises CheckFailed for another word, NeedsPerson when there is nobody to ask.
    """
    if not judged.questions or yes:
        return
    words = "; ".join(judged.questions)
    if not app.prompt.has_terminal or app.no_input:
        raise NeedsPerson(
            f"{rotation.label}: {words}; nothing was changed",
            f"compare both keys at the exchange; if they match: keyctl rotate {rotation.label} --yes",
        )
    app.prompt.show(f"warning: {words}")
    if not app.prompt.confirm_typed(f"Type {rotation.label} if the new key is the right one", rotation.label):
        raise CheckFailed(
            "not confirmed; the old key is still in use",
            f"to use another key: keyctl rotate {rotation.label} --abort",
            code="not_confirmed",
        )
