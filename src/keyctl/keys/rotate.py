"""The course of `keyctl rotate`: a new key takes an old one's place, step by step, each of them on disk.

At every moment both secrets are stored until the old key is proven dead, and the label stands for one verified key.
Whatever is interrupted is taken up again by the same command.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keyctl.errors import CheckFailed, OutcomeUnknown, SetupProblem
from keyctl.home.account_entries import account_data
from keyctl.home.demo_only import check_of_twin
from keyctl.home.files import locked
from keyctl.home.selection import check_active
from keyctl.journal.rotations import Rotation, Step
from keyctl.keys.enrol import dismiss, new_account
from keyctl.keys.rotate_consent import ask_about, check_succession
from keyctl.keys.rotate_proof import prove_dead
from keyctl.keys.rotate_same_key import check_same_key
from keyctl.model.account import Account
from keyctl.model.credential import Credential
from keyctl.model.words import Outcome, Standing
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.keys.rotate_rules import Succession
    from keyctl.verify.observations import Observation

# Instead of the exchange's own words, where a person has removed the old key here.
REMOVED = "the old account was already removed"
_LABEL_MAX = 36


@dataclass(frozen=True, slots=True)
class Pair:
    """The two accounts of a rotation; None for one that somebody has removed."""

    old: Account | None
    new: Account | None

    def label(self, rotation: Rotation) -> str:
        """The label that the account has now; it may have been renamed since the rotation began."""
        swapped = self.new is not None and self.new.standing is not Standing.QUARANTINED
        own = self.new if swapped else self.old
        return rotation.label if own is None else own.label


def rotate(app: App, label: str, options: Mapping[str, Any], wait: bool, yes: bool) -> Result:
    """Takes the new key in, checks it, and cuts over. Raises CheckFailed for a key of another exchange account or with
    wider rights, OutcomeUnknown while an order of the old key is in doubt, NeedsPerson where only a person can tell;
    nothing of the old key is touched then."""
    with _alone(app):
        account = app.accounts.get(label)
        check_of_twin(app.home, account)
        rotation = app.journal.rotations.of(account.id)
        if rotation is not None and not rotation.is_cut and not _has_secret(app, rotation.new_id):
            app.journal.rotations.end(rotation)  # interrupted before the new secret was stored: nothing is lost
            rotation = None
        if rotation is None:
            rotation = _begin(app, account, options)
        else:
            check_same_key(app, rotation, options)
        if rotation.step is Step.BEGUN:
            _take_in(app, rotation)
        notes: tuple[str, ...] = ()
        if not rotation.is_cut:
            judged = asyncio.run(_check_and_settle(app, rotation, wait))
            ask_about(app, rotation, judged, yes)
            notes = judged.notes
            _cut_over(app, rotation)
        return _told(app, rotation, notes)


def finish(app: App, label: str) -> Result:
    """Removes the old key once its exchange refuses it. Raises CheckFailed while it works, or refuses unclearly."""
    with _alone(app):
        account = app.accounts.get(label)
        rotation = app.journal.rotations.of(account.id)
        if rotation is None or not rotation.is_cut:
            raise CheckFailed(
                f"{label} does not use a new key yet",
                f"first, run: keyctl rotate {label}",
                code="not_cut",
                account=label,
            )
        pair = _pair(app, rotation)
        evidence = REMOVED
        if pair.old is not None:
            evidence = "proven before"
            if rotation.step is not Step.PROVEN:
                if pair.new is None:
                    raise _gone(rotation)
                evidence = asyncio.run(prove_dead(app, rotation, pair.old, pair.new))
                app.journal.rotations.note(rotation, Step.PROVEN)
        # Unknown legs of a race with the cut go over, too: only the new key can look them up now.
        app.journal.rotations.hand_over(rotation)
        if pair.old is not None:
            dismiss(app.accounts, app.store, pair.old)
        app.journal.rotations.end(rotation)
        old = None if pair.old is None else account_data(pair.old)
        label = pair.label(rotation)
        data = {"rotation": {"label": label, "step": "done", "old": old, "evidence": evidence}}
        dead = "was removed here" if old is None else f"is revoked ({evidence}) and was removed here"
        note = Note(f"{label}: the old key {dead}. The rotation is complete.")
        return Result(data, view=(note,))


def abort(app: App, label: str, yes: bool) -> Result:
    """Forgets the new key, before the cut. Raises CheckFailed after it, or when the label was not typed."""
    with _alone(app):
        rotation = app.journal.rotations.of(app.accounts.get(label).id)
        if rotation is None or rotation.is_cut:
            raise CheckFailed(
                f"{label} has no rotation that can be aborted",
                f"after the switch, run: keyctl rotate {label} --finish",
                code="not_begun",
            )
        pair = _pair(app, rotation)
        if pair.new is not None:
            if not yes and not app.prompt.confirm_typed(
                f"Delete the new key {pair.new.api_key_hint} and its secret from this machine? Type {rotation.label}",
                rotation.label,
            ):
                raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed")
            dismiss(app.accounts, app.store, pair.new)
        else:
            app.store.delete(rotation.new_id)
        app.journal.rotations.end(rotation)
        note = Note(f"{rotation.label} keeps its key. Delete the new one at the exchange.")
        return Result({"rotation": {"label": rotation.label, "step": "aborted"}}, view=(note,))


def _alone(app: App) -> Any:
    app.journals.to_send()
    return locked(app.home.state / "rotation")


def _begin(app: App, old: Account, options: Mapping[str, Any]) -> Rotation:
    """Asks for the new key, and stores it: first the journal's row, then the secret."""
    from keyctl.exchanges.shipped import load, profile
    from keyctl.keys.interview import Interview
    from keyctl.keys.keygen import pending_pair

    if old.standing is not Standing.DISABLED:
        check_active(old)
    app.credential(old)
    new_id, made = secrets.token_hex(8), None
    if options["from_keygen"]:
        pending, made = pending_pair(app.accounts, app.store, options["from_keygen"], old.exchange)
        if pending.binding != old.binding:
            raise CheckFailed(
                f"{pending.label} and {old.label} are for different exchanges or endpoints",
                f"create a new key pair: keyctl keygen {old.exchange}",
                code="binding_mismatch",
            )
        new_id = pending.id
    interview = Interview(app.prompt, app.accounts, profile(old.exchange), options)
    credential = interview.credential(old.binding, load(old.binding), made)
    rotation = app.journal.rotations.begin(old.id, new_id, old.label)
    app.store.put(new_id, credential)
    return rotation


def _take_in(app: App, rotation: Rotation) -> None:
    """Lists the new key as a quarantined account; what is needed for that is in the store."""
    credential = app.store.get(rotation.new_id)
    pair = _pair(app, rotation)
    if pair.old is None:
        raise _gone(rotation)
    if pair.new is None or pair.new.standing is Standing.PENDING:
        label = pair.new.label if pair.new else _free_label(app, rotation.label, "new")
        account = new_account(app.accounts, label, pair.old.markets, credential, ())
        account = replace(
            account,
            id=rotation.new_id,
            standing=Standing.QUARANTINED,
            proxy=pair.old.proxy,
            profile=pair.old.profile,
        )
        (app.accounts.replace if pair.new else app.accounts.add)(account)
    app.journal.rotations.note(rotation, Step.TAKEN)


async def _check_and_settle(app: App, rotation: Rotation, wait: bool) -> Succession:
    """Reads with both keys, side by side; then clears up what is unknown of the old one. Sends reads only."""
    from keyctl.desk.order import sessions_for
    from keyctl.orders.settle import settle_all
    from keyctl.verify.course import told_facts
    from keyctl.verify.probes import observe_all

    pair = _pair(app, rotation)
    if pair.old is None or pair.new is None:
        raise _gone(rotation)
    async with app.network() as network:
        # Under the account's own label: the new key goes along the same route as the old one.
        both = [replace(account, label=pair.label(rotation)) for account in (pair.old, pair.new)]
        sessions = sessions_for(app, network, both)
        old, new = await observe_all(sessions)
        judged = check_succession(rotation, old, new)
        if new.permissions is not None:
            app.journal.notes.note_permissions({pair.new.id: new.permissions})
        app.accounts.replace(replace(pair.new, **told_facts(new)))
        refused = old.refusal
        app.journal.rotations.note(rotation, Step.CHECKED, refused[1].code if refused and not _works(old) else "")
        unknown = [leg for leg in app.journal.unsettled() if leg.leg.account_id == pair.old.id]
        for leg, result in await settle_all([(sessions[0], leg) for leg in unknown], app.journal, wait):
            if result.outcome is Outcome.UNKNOWN:
                raise _in_doubt(rotation, f"plan {leg.leg.plan_id}: {result.detail}")
    return judged


def _cut_over(app: App, rotation: Rotation) -> None:
    """Swaps the labels in one step, then bars the old key from orders in the journal."""
    app.accounts.cut_over(
        rotation.old_id, rotation.new_id, _free_label(app, _pair(app, rotation).label(rotation), "old")
    )
    if not app.journal.rotations.cut(rotation):
        raise _in_doubt(rotation, "another process has just sent this order")


def _told(app: App, rotation: Rotation, notes: tuple[str, ...]) -> Result:
    """What the person has to do at the exchange now."""
    from keyctl.exchanges.shipped import profile

    pair = _pair(app, rotation)
    if pair.new is None:
        raise _gone(rotation)
    facts, label = profile(pair.new.exchange), pair.label(rotation)
    todo = [
        f"1 Open {facts.checklist.page}",
        f"2 Delete the key {pair.old.api_key_hint if pair.old else 'that was removed here'}; "
        f"keep {pair.new.api_key_hint}, which {label} uses now",
        f"3 Run: keyctl rotate {label} --finish",
    ]
    data = {
        "rotation": {
            "label": label,
            "step": str(Step.CUT),
            "old": None if pair.old is None else account_data(pair.old),
            "new": account_data(pair.new),
            "todo": todo,
        }
    }
    head = Note(
        f"{label} uses its new key. The old one is stored as {pair.old.label if pair.old else '-'} and not used."
    )
    return Result(data, view=(head, *(Note(f"  [ ] {line}") for line in todo)), warnings=notes)


def _has_secret(app: App, account_id: str) -> bool:
    try:
        credential: Credential = app.store.get(account_id)
    except SetupProblem as problem:
        if problem.code != "secret_missing":
            raise
        return False
    return bool(credential.api_key)


def _pair(app: App, rotation: Rotation) -> Pair:
    by_id = {account.id: account for account in app.accounts.all()}
    return Pair(by_id.get(rotation.old_id), by_id.get(rotation.new_id))


def _free_label(app: App, label: str, ending: str) -> str:
    taken = {account.label for account in app.accounts.all()}
    names = [f"{label[:_LABEL_MAX]}.{ending}", *(f"{label[: _LABEL_MAX - 2]}.{ending}{n}" for n in range(2, 10))]
    return next(name for name in names if name not in taken)


def _works(seen: Observation) -> bool:
    return any(answer is not None and answer.worked for answer in seen.markets.values())


def _in_doubt(rotation: Rotation, detail: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{rotation.label}: an order of the old key is unknown ({detail})",
        f"find out its outcome first: keyctl rotate {rotation.label} --wait",
        account=rotation.label,
    )


def _gone(rotation: Rotation) -> SetupProblem:
    return SetupProblem(
        f"an account of the rotation of {rotation.label} was removed",
        "check the stored accounts: keyctl list",
        code="unknown_account",
        account=rotation.label,
    )
