"""The course of one live diagnosis: account to session, reads, verdict, Result; recorded and judged again offline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyctl.diagnosis.causes import Cause
from keyctl.diagnosis.evidence import Evidence, from_text, to_text
from keyctl.diagnosis.fixes import seen_address
from keyctl.diagnosis.live_view import report
from keyctl.diagnosis.probing import Subject, gather
from keyctl.diagnosis.reasoning import judge
from keyctl.errors import UsageProblem
from keyctl.exchanges.credential_check import Fitness
from keyctl.exchanges.shipped import load, profile
from keyctl.home.profiles import TRADE_RIGHTS, assigned_profile, default_profile
from keyctl.model.account import Account
from keyctl.model.credential import Binding
from keyctl.model.route import BY_VERSION, DIRECT, route_name
from keyctl.model.verdict import Finding
from keyctl.model.words import Kind, Market
from keyctl.network.egress import look_up
from keyctl.network.session import Session
from keyctl.terminal.output import Result
from keyctl.verify.course import house_of, vantage_of
from keyctl.verify.observations import Observation
from keyctl.verify.policy import judge as judge_rules

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.network.lines import Network

RECORD_MAX_BYTES = 1_000_000
# Causes whose fix is better with this machine's own address in it.
_LISTS = {Cause.IP_LIST, Cause.FUTURES_IP_LIST, Cause.IPV4_NOT_LISTED, Cause.IPV6_NOT_LISTED}


def diagnose_account(
    app: App, account: Account, market: Market | None, record: Path | None, explain: bool = False
) -> Result:
    """The account's verdict, from reads only. Raises SetupProblem when a secret cannot be had, StoreUnusable."""
    markets = (market,) if market else account.markets
    evidence = asyncio.run(_gather(app, account, markets))
    verdict = judge(evidence)
    signers = app.opened([account]).signers
    if account.id in signers:  # after the verdict: an exchange may quote our request
        mask = signers[account.id][1].mask
        probes = tuple(replace(probe, text=mask.masked(probe.text)) for probe in evidence.probes)
        evidence = replace(evidence, probes=probes)
    if record is not None:
        from keyctl.home.files import write_whole

        write_whole(record, to_text(evidence).encode())
    return report(evidence, verdict, explain)


def replay(path: Path, explain: bool = False) -> Result:
    """The verdict on a recorded diagnosis, without network or store. Raises UsageProblem."""
    try:
        with path.open("rb") as file:
            text = file.read(RECORD_MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        raise UsageProblem(f"{path} cannot be read", code="bad_record") from None
    evidence = from_text(text)
    profile(evidence.exchange)
    return report(evidence, judge(evidence), explain)


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
        exchange, signer = app.signer(account)
    async with app.network() as network:

        def session_at(binding: Binding) -> Session:
            return Session(account, *app.signer_at(account, binding), network, app.journal)

        def session_by(version: int) -> Session:
            return Session(account, exchange, signer, network, app.journal, route=BY_VERSION[version])

        session = Session(account, exchange, signer, network, app.journal)
        by_version = session_by if network.route(account) == DIRECT else None
        places = other_places(account)
        earlier, address = _earlier(app, account), _address(app, account, network)
        wanted = _wanted(app, account, markets)
        house = house_of(app, account, vantage_of(app, account, network))

        def judged(seen: Observation) -> Sequence[Finding]:
            return [item for item in judge_rules(seen, house) if item.market in markets]

        subject = Subject(session, fit, markets, earlier, address, wanted, places, session_at, by_version, judged)
        evidence = await gather(subject)
        if _LISTS & set(judge(evidence).named) and not seen_address(evidence):
            await look_up(network, app.journal.addresses, [account], app.config.echo_services)
            evidence = replace(evidence, address=_address(app, account, network))
        return evidence


def _earlier(app: App, account: Account) -> str:
    """The day of the last reading of this key's rights that worked; empty when there is none."""
    known = app.journal.notes.permissions(account.id)
    if known is None or known.withdraw is None:
        return ""
    return datetime.fromtimestamp(known.at, UTC).strftime("%Y-%m-%d")


def _address(app: App, account: Account, network: Network) -> str:
    """Where this account's calls leave from by the readings of the last hour; empty when that is not known."""
    if account.endpoint is not None:
        return urlsplit(account.endpoint).hostname or ""
    readings = app.journal.addresses.fresh(route_name(account, network.route(account)))
    return " and ".join(reading.address for reading in readings)


def _wanted(app: App, account: Account, markets: tuple[Market, ...]) -> tuple[str, ...]:
    """The rights that the account's profiles in the config want; trading where none is assigned, and on a market that
    was asked about alone, unless they forbid it."""
    asked = assigned_profile(app.config.account(account.label).profiles, account.profile)
    whole = asked or default_profile(account.markets)
    named = {TRADE_RIGHTS[market] for market in markets if markets != account.markets} - whole.forbidden
    return tuple(sorted(whole.wanted | named))
