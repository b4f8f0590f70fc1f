"""The key that has leaked and the one that takes its place: which acts now, and the proof that the first is dead."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.clock import rfc3339
from keyctl.errors import CheckFailed, ExchangeRefused, SetupProblem, StoreUnusable
from keyctl.exchanges.shipped import profile
from keyctl.journal.rotations import Rotation, Step

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.leaks.evidence import Evidence
    from keyctl.model.account import Account
    from keyctl.model.told import ExchangeError


class LeakedKey:
    """The key of one evidence file, as accounts and rotations are now."""

    def __init__(self, app: App, evidence: Evidence) -> None:
        self.evidence = evidence
        self._app = app

    @property
    def label(self) -> str:
        """The label under which its account is known now."""
        acting = self.acting()
        return str(self.evidence.facts["account"]) if acting is None else acting.label

    @property
    def page(self) -> str:
        """Where the exchange's keys are."""
        return profile(str(self.evidence.facts["exchange"])).checklist.page

    def leaked(self) -> Account | None:
        """The account whose key has leaked; None once it was removed here."""
        accounts = self._app.accounts.all()
        return next((account for account in accounts if account.id == self.evidence.account_id), None)

    def rotation(self) -> Rotation | None:
        """The rotation in which it is the old key."""
        found = self._any_rotation()
        return found if found is not None and found.old_id == self.evidence.account_id else None

    def took_anothers_place(self) -> bool:
        """Whether it is the new key of a rotation whose old one is not gone yet."""
        found = self._any_rotation()
        return found is not None and found.is_cut and found.new_id == self.evidence.account_id

    def _any_rotation(self) -> Rotation | None:
        """None also where the journal cannot be read."""
        try:
            return self._app.journal.rotations.of(self.evidence.account_id)
        except StoreUnusable:
            return None

    def next_id(self) -> str | None:
        """The id of the account that has taken its place; kept, since a rotation that is over is forgotten."""
        rotation = self.rotation()
        if rotation is not None and rotation.is_cut:
            self.evidence.know(successor_id=rotation.new_id)
        return self.evidence.facts.get("successor_id")

    def acting(self) -> Account | None:
        """The account whose key cancels and reads: the next one's once it is in use."""
        accounts = {account.id: account for account in self._app.accounts.all()}
        return accounts.get(self.next_id() or "") or accounts.get(self.evidence.account_id)

    def has_next(self) -> bool:
        """Whether another key acts in its place."""
        return self.acting() not in (None, self.leaked())

    def needed(self) -> Account:
        """As acting. Raises SetupProblem where there is none."""
        if (account := self.acting()) is not None:
            return account
        raise SetupProblem(f"{self.label}: neither the leaked key nor a next one is stored", code="unknown_account")

    def siblings(self) -> tuple[str, ...]:
        """The labels of other stored keys of the same exchange account."""
        acting = self.acting()
        own = (self.evidence.account_id, acting.id if acting else "")
        others = [account for account in self._app.accounts.all() if account.id not in own]
        try:
            places = self._app.journal.exchange_accounts
            place = places.of(self.evidence.account_id)
            return tuple(account.label for account in others if places.of(account.id) == place)
        except StoreUnusable:
            return ()

    def worked_at(self) -> str | None:
        """When the exchange is known to have accepted it: in a run for this leak, else when it last told its rights."""
        if (seen := self.evidence.facts.get("worked_at")) is not None:
            return str(seen)
        reading = self._app.journal.notes.permissions(self.evidence.account_id)
        return None if reading is None or reading.withdraw is None else rfc3339(reading.at)


def prove_dead(app: App, key: LeakedKey) -> str:
    """The exchange's own error that shows that it is gone; where a next key has taken its place it is removed here too.

    Raises CheckFailed while it works, or is rejected unclearly, ExchangeRefused when the next key is rejected itself.
    """
    from keyctl.keys import rotate

    rotation, acting = key.rotation(), key.acting()
    if rotation is None and key.leaked() is None and key.has_next():
        return rotate.REMOVED  # by a person who saw to it, as `rotate --finish` says where no error proves it
    if rotation is None or not rotation.is_cut or acting is None:
        return asyncio.run(_tried(app, key))
    try:
        return str(rotate.finish(app, acting.label).data["rotation"]["evidence"])
    except CheckFailed as unclear:
        if unclear.code != "not_proven":
            raise
    # It was rejected before the next key came; what was seen of it before that can still prove it.
    evidence = asyncio.run(_tried(app, key))
    app.journal.rotations.note(rotation, Step.PROVEN)
    rotate.finish(app, acting.label)
    return evidence


async def _tried(app: App, key: LeakedKey) -> str:
    """The proof by a read with the leaked key. Raises as `prove_dead` does, Unreached."""
    from keyctl.desk.order import sessions_for
    from keyctl.keys.rotate_proof import proves_death, signed_read

    leaked = key.leaked()
    if leaked is None:
        raise CheckFailed(
            f"{key.label}: the leaked key is not stored any more, so it cannot be tried",
            f"check that it is gone: {key.page}",
            code="not_proven",
        )
    async with app.network() as network:
        # Along the route of the account's own label, as `rotate` does.
        (session,) = sessions_for(app, network, [replace(leaked, label=key.label)])
        await session.warm()
        try:
            await signed_read(session)
        except ExchangeRefused as refusal:
            error, worked = refusal.error, key.worked_at()
            if worked is None or not proves_death(error):
                raise _not_proven(key, error) from None
            return f"{profile(error.exchange).title} rejects the key with {error.code}; it accepted it at {worked}"
    key.evidence.know(worked_at=rfc3339(app.clock.now()))
    raise CheckFailed(
        f"{key.label}: the leaked key {leaked.api_key_hint} still works",
        f"delete it on the exchange ({key.page}), then run: keyctl leak {key.label}",
        code="old_key_works",
        account=key.label,
        exchange=leaked.exchange,
    )


def _not_proven(key: LeakedKey, error: ExchangeError) -> CheckFailed:
    leaked, hints = key.leaked(), [f"check that it is gone: {key.page}"]
    if key.has_next() and leaked is not None:
        hints.append(f"once it is gone there, remove it here and run this again: keyctl remove {leaked.label}")
    return CheckFailed(
        f"{key.label}: the leaked key is rejected with {error.code}; this does not prove that it was deleted",
        *hints,
        code="not_proven",
        account=key.label,
        exchange=error.exchange,
        exchange_code=error.code,
    )
