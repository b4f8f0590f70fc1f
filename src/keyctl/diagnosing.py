"""The course of one live diagnosis: account to session, reads, verdict, Result; recorded and judged again offline."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyctl.credential_check import Fitness
from keyctl.diagnosis.causes import Cause
from keyctl.diagnosis.evidence import Evidence, from_text, to_text
from keyctl.diagnosis.probing import Subject, gather
from keyctl.diagnosis.reasoning import judge
from keyctl.diagnosis_view import report
from keyctl.errors import UsageProblem
from keyctl.exchanges import load, profile
from keyctl.model import Account, Binding, Kind, Market
from keyctl.output import Result
from keyctl.session import Session

if TYPE_CHECKING:
    from keyctl.app import App

RECORD_MAX_BYTES = 1_000_000


def diagnose_account(app: App, account: Account, market: Market | None, record: Path | None) -> Result:
    """The account's verdict, from reads only. Raises SetupProblem when a secret cannot be had, StoreUnusable."""
    markets = (market,) if market else account.markets
    evidence = asyncio.run(_gather(app, account, markets))
    if record is not None:
        from keyctl.files import write_whole

        write_whole(record, to_text(evidence).encode())
    return report(evidence, judge(evidence))


def replay(path: Path) -> Result:
    """The verdict on a recorded diagnosis, without network or store. Raises UsageProblem."""
    try:
        with path.open("rb") as file:
            text = file.read(RECORD_MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        raise UsageProblem(f"{path} cannot be read", code="bad_record") from None
    evidence = from_text(text)
    profile(evidence.exchange)
    return report(evidence, judge(evidence))


def other_places(account: Account) -> dict[Cause, tuple[Binding, ...]]:
    """The exchange's own other environments and regions; none for an account on loopback."""
    if account.endpoint is not None:
        return {}
    hosts, name = profile(account.exchange).hosts, account.exchange
    others = [kind for kind in hosts if kind != account.kind]
    environments = [(kind, account.site if account.site in hosts[kind] else next(iter(hosts[kind]))) for kind in others]
    regions = [(account.kind.value, site) for site in hosts.get(account.kind, {}) if site != account.site]

    def bindings(places: list[tuple[str, str]]) -> tuple[Binding, ...]:
        return tuple(Binding(name, Kind(kind), site, None, None) for kind, site in places)

    return {Cause.ENVIRONMENT: bindings(environments), Cause.REGION: bindings(regions)}


async def _gather(app: App, account: Account, markets: tuple[Market, ...]) -> Evidence:
    fit: Fitness = app.fitness(account)
    exchange, signer = load(account.binding), None
    if not fit.cause:
        exchange, signer = app.signers([account])[account.id]
    async with app.network() as network:

        def session_at(binding: Binding) -> Session:
            return Session(account, *app.signer_at(account, binding), network, app.journal)

        session = Session(account, exchange, signer, network, app.journal)
        places = other_places(account)
        subject = Subject(session, fit, markets, _earlier(app, account), _address(account), places, session_at)
        return await gather(subject)


def _earlier(app: App, account: Account) -> str:
    """The day of the last reading of this key's rights that worked; empty when there is none."""
    known = app.journal.notes.permissions(account.id)
    if known is None or known.withdraw is None:
        return ""
    return datetime.fromtimestamp(known.at, UTC).strftime("%Y-%m-%d")


def _address(account: Account) -> str:
    """Where this account's calls leave from; empty when that is not known."""
    return (urlsplit(account.endpoint).hostname or "") if account.endpoint else ""
