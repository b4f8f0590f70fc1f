"""Shows by an exchange's own error that an old key is dead, while the new one is answered. Sends reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keyctl.answers import read_json
from keyctl.desk.order import sessions_for
from keyctl.errors import CheckFailed, ExchangeRefused
from keyctl.exchanges.shipped import profile
from keyctl.model.words import Market

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.rotations import Rotation
    from keyctl.model.account import Account
    from keyctl.model.told import ExchangeError
    from keyctl.network.session import Session


async def prove_dead(app: App, rotation: Rotation, old: Account, new: Account) -> str:
    """The exchange's words that prove it. Raises CheckFailed when it does not, Unreached, or ExchangeRefused when the
    new key is refused itself."""
    async with app.network() as network:
        both = [replace(account, label=new.label) for account in (old, new)]
        with_old, with_new = sessions_for(app, network, both)
        await with_new.warm()
        await signed_read(with_new)
        try:
            await signed_read(with_old)
        except ExchangeRefused as refusal:
            _check_proof(rotation, old, new.label, refusal.error)
            return f"{refusal.error.exchange} rejects it with {refusal.error.code} and accepts the new key"
    raise CheckFailed(
        f"the old key {old.api_key_hint} still works",
        f"delete it at the exchange, then run: keyctl rotate {new.label} --finish",
        code="old_key_works",
        account=rotation.label,
        exchange=old.exchange,
    )


def proves_death(error: ExchangeError) -> bool:
    """Whether the exchange's error to a key that it took before means that the key is gone: never one that an edited IP
    list, another address of ours or a right that was taken off gives as well."""
    return error.code in profile(error.exchange).key_gone


async def signed_read(session: Session) -> None:
    """One call that the exchange takes from whoever holds the key. Raises ExchangeRefused, Unreached."""
    request, _ = session.exchange.permissions() or session.exchange.market(Market.SPOT).wallet()
    await session.fetch(request, lambda response: read_json(response.body))


def _check_proof(rotation: Rotation, old: Account, label: str, error: ExchangeError) -> None:
    seen = (
        f"check that it is gone ({profile(error.exchange).checklist.page}), then: keyctl remove {old.label}",
        f"then, run: keyctl rotate {label} --finish",
    )
    if rotation.refused == error.code:
        raise CheckFailed(
            f"the old key was rejected with {error.code} before you deleted it, so this proves nothing",
            *seen,
            code="not_proven",
            account=rotation.label,
        )
    if not proves_death(error):
        raise CheckFailed(
            f"the old key is rejected with {error.code}; this does not prove that it was deleted",
            *seen,
            code="not_proven",
            account=rotation.label,
            exchange=error.exchange,
            exchange_code=error.code,
        )
