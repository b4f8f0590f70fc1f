"""Findings as a table for people, records for pipes, JSON for programs, and as an exit code. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from keyctl.errors import CheckFailed, ExitCode, KeyctlError, Unreached
from keyctl.home.profiles import KeyProfile, default_profile
from keyctl.model.verdict import Finding
from keyctl.model.wire import JSON
from keyctl.model.words import Level, Market
from keyctl.terminal.output import Note, Result, Table
from keyctl.verify.observations import Observation, Vantage

COLUMNS = ("account", "exchange", "market", "trade", "withdraw", "IP whitelist", "verdict", "note")
RECORD = ("account", "exchange", "market", "rule", "level", "detail", "fix")
# What an account must be known for; the other rules may stay unknown without spoiling a verdict.
_CORE = ("access", "signature", "trade", "withdraw", "ip_list", "our_ip")
_RIGHTS = ("read", "trade", "withdraw", "transfer", "ip_list", "extra_rights")
_TRADE = {Level.PASS: "on", Level.WARN: "off"}
_WITHDRAW = {Level.PASS: "off", Level.FAIL: "ON", Level.WARN: "ON"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One account's observation and its findings; from where it was seen, and the profile assigned to it."""

    seen: Observation
    findings: tuple[Finding, ...]
    vantage: Vantage = Vantage()
    profile: KeyProfile | None = None

    @property
    def failed(self) -> bool:
        return any(finding.level is Level.FAIL for finding in self.findings)

    @property
    def needs_person(self) -> bool:
        """Whether somebody should look: a fail, a warning, or no answer."""
        return bool(self.seen.trouble) or any(item.level in (Level.FAIL, Level.WARN) for item in self.findings)

    def of(self, market: Market) -> dict[str, Finding]:
        """This market's findings by rule."""
        return {finding.rule: finding for finding in self.findings if finding.market == market.value}


def report(checked: Sequence[Checked], *, terminal: bool, quiet: bool) -> Result:
    """The whole result: exit CHECK when something failed, else UNREACHED when an answer is missing."""
    errors = [error for item in checked if (error := _error(item)) is not None]
    shown = [item for item in checked if item.needs_person] if quiet else list(checked)
    view: tuple[Table | Note, ...] = ()
    if shown:
        view = (_summary(shown) if terminal else _records(shown, quiet),)
    view += tuple(Note(text) for item in shown for text in _thieves(item))
    legs = [leg for item in checked for leg in predictions(item)]
    if bouncing := _bouncing(legs):
        view += (Note(bouncing),)
    if any(item.failed for item in checked):
        code = ExitCode.CHECK
    else:
        code = ExitCode.UNREACHED if errors else ExitCode.OK
    findings = [asdict(finding) | {"level": finding.level.value} for item in checked for finding in item.findings]
    profiles = [_profile_data(item) for item in checked]
    return Result({"findings": findings, "profiles": profiles, "from_here": legs}, view, code, tuple(errors))


def predictions(item: Checked) -> list[dict[str, JSON]]:
    """For each market of an account whether its orders would bounce from here for the address that they come from.

    "passes" is said only where the key has just been accepted, "bounces" where the address is known to be missing.
    """
    legs: list[dict[str, JSON]] = []
    for market in item.seen.account.markets:
        by_rule = item.of(market)
        access, our_ip = by_rule["access"], by_rule["our_ip"]
        verdict, because = "unknown", our_ip.detail
        if access.level is Level.PASS:
            verdict, because = "passes", access.evidence
        elif our_ip.level in (Level.FAIL, Level.WARN):
            verdict = "bounces"
        legs.append(
            {
                "account": item.seen.account.label,
                "exchange": item.seen.account.exchange,
                "market": market.value,
                "route": item.vantage.route,
                "addresses": list(item.vantage.addresses),
                "verdict": verdict,
                "because": because,
            }
        )
    return legs


def _thieves(item: Checked) -> list[str]:
    """What a stolen key could do, for each account whose key is to lend."""
    details = [finding.detail for finding in item.findings if finding.rule == "funding" and "thief" in finding.detail]
    return [f"{item.seen.account.label}: lending is {detail}." for detail in dict.fromkeys(details)]


def _bouncing(legs: list[dict[str, JSON]]) -> str:
    names = [f"{leg['account']} {leg['market']} ({leg['route']})" for leg in legs if leg["verdict"] == "bounces"]
    return (
        f"From this IP address, {len(names)} of {len(legs)} orders would be rejected: {', '.join(names)}"
        if names
        else ""
    )


def _profile_data(item: Checked) -> dict[str, JSON]:
    """What of its profile a key lacks, has too much of, and what cannot be read, as names of rules."""
    account = item.seen.account
    asked = item.profile or default_profile(account.markets)
    found: dict[str, JSON] = {"account": account.label, "profile": asked.name, "assigned": item.profile is not None}
    about = [finding for finding in item.findings if finding.rule in _RIGHTS]
    for name, levels, states in (
        ("missing", (Level.FAIL, Level.WARN), ("off", "not set", "set, but")),
        ("too_much", (Level.FAIL, Level.WARN), ("on", "part of")),
        ("unreadable", (Level.UNKNOWN,), ("",)),
    ):
        found[name] = [
            f"{finding.market} {finding.rule}"
            for finding in about
            if finding.level in levels and finding.detail.casefold().startswith(states)
        ]
    return found


def _records(checked: Sequence[Checked], quiet: bool) -> Table:
    rows = [
        (item.account, item.exchange, item.market, item.rule, item.level.value, item.detail, item.fix)
        for one in checked
        for item in one.findings
        if not quiet or item.level in (Level.FAIL, Level.WARN)
    ]
    return Table(RECORD, rows)


def _summary(checked: Sequence[Checked]) -> Table:
    """One row for each market of an account, trouble first; what is so for several is said once."""
    rows: list[tuple[str, ...]] = []
    named: dict[str, list[str]] = {}
    found = [(item, name, by_rule) for item in checked for name, by_rule in _market_rows(item)]
    for item, name, by_rule in sorted(found, key=lambda row: _urgency(_verdict(row[0], row[2]))):
        account = item.seen.account
        numbers = []
        for text in _notes(item, by_rule):
            # A note with its account's own label in it is said with the label of the first.
            shape = text.replace(account.label, "\0")
            if shape not in named:
                named[shape] = [text]
            named[shape].append(f"{account.label} {name}")
            numbers.append(str([*named].index(shape) + 1))
        rows.append((account.label, account.exchange, name, *_cells(item, by_rule), ",".join(numbers)))
    notes = [f"{', '.join(accounts)}: {text}" for text, *accounts in named.values()]
    return Table(COLUMNS, rows, tuple(notes), droppable=("exchange",))


def _urgency(verdict: str) -> int:
    """Which rows come first: what failed, what could not be checked, what only needs a look, what is fine."""
    return {"warn": 2, "unknown": 3, "ok": 4}.get(verdict, 1)


def _market_rows(item: Checked) -> list[tuple[str, dict[str, Finding]]]:
    """The account's markets; two that came out alike are one row, "both"."""
    rows = [(market.value, item.of(market)) for market in item.seen.account.markets]
    if len(rows) == 2 and _alike(rows[0][1]) == _alike(rows[1][1]):
        return [("both", rows[0][1])]
    return rows


def _alike(by_rule: dict[str, Finding]) -> list[tuple[str, Level]]:
    return [(rule, finding.level) for rule, finding in by_rule.items()]


def _cells(item: Checked, by_rule: dict[str, Finding]) -> tuple[str, ...]:
    ip_list, our_ip = by_rule["ip_list"], by_rule["our_ip"]
    if our_ip.level is Level.FAIL:
        listed = "not listed"
    elif ip_list.level is Level.FAIL:
        listed = "missing"
    elif ip_list.level is Level.PASS:
        listed = "ok" if our_ip.level is Level.PASS else "set"
    else:
        listed = "likely missing" if "missing" in ip_list.detail else "unknown"
    return (
        _TRADE.get(by_rule["trade"].level, "unknown"),
        _WITHDRAW.get(by_rule["withdraw"].level, "unknown"),
        listed,
        _verdict(item, by_rule),
    )


def _verdict(item: Checked, by_rule: dict[str, Finding]) -> str:
    levels = {finding.level for finding in by_rule.values()}
    if by_rule["access"].level is Level.FAIL:
        return "rejected" if item.seen.markets else "no secret"
    if Level.FAIL in levels:
        return "FAIL"
    if item.seen.trouble:
        return "unknown"
    if Level.WARN in levels:
        return "warn"
    return "unknown" if any(by_rule[rule].level is Level.UNKNOWN for rule in _CORE) else "ok"


def _notes(item: Checked, by_rule: dict[str, Finding]) -> list[str]:
    """What a person should know of a row: fails and warnings, then what of the core could not be known."""
    notes: dict[tuple[str, str], list[str]] = {}
    wanted = [finding for finding in by_rule.values() if finding.level in (Level.FAIL, Level.WARN)]
    if by_rule["access"].level is not Level.FAIL:
        wanted += [by_rule[rule] for rule in _CORE if by_rule[rule].level is Level.UNKNOWN]
    for finding in wanted:
        notes.setdefault((finding.detail, finding.fix), []).append(finding.rule)
    return [f"{', '.join(rules)}: {detail}{f'. {fix}' if fix else ''}" for (detail, fix), rules in notes.items()]


def _error(item: Checked) -> KeyctlError | None:
    account = item.seen.account
    fails = [finding for finding in item.findings if finding.level is Level.FAIL]
    if fails:
        names = ", ".join(dict.fromkeys(f"{finding.market} {finding.rule}" for finding in fails))
        markets = {finding.market for finding in fails}
        refusal = item.seen.refusal
        hints = [f"keyctl diagnose {account.label}"]
        if not item.seen.markets:
            hints = [fails[0].fix]
        elif refusal:
            hints.insert(0, f"keyctl diagnose {account.exchange} {refusal[1].code} --market {refusal[0]}")
        return CheckFailed(
            f"{account.label}: failed: {names}",
            *hints,
            account=account.label,
            exchange=account.exchange,
            market=markets.pop() if len(markets) == 1 else None,
            exchange_code=refusal[1].code if refusal else None,
        )
    if item.seen.trouble:
        return Unreached(
            f"{account.label}: {item.seen.trouble}",
            f"to try again: keyctl verify {account.label}",
            account=account.label,
            exchange=account.exchange,
        )
    return None
