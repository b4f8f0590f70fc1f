"""The course of `keyctl verify --foreign-use`: use that is not keyctl's, each find told once. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, ExitCode, KeyctlError, StoreUnusable, Unreached
from keyctl.home.files import unwritable
from keyctl.leaks.finds import Find
from keyctl.leaks.known_use import BACK_MS, OVERLAP_MS, changing, known_use
from keyctl.leaks.looking import Looked, look
from keyctl.model.account import Account
from keyctl.model.verdict import Finding
from keyctl.model.words import Level
from keyctl.terminal.output import Result, Table, remark

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.home.folders import Home

RULE = "foreign_use"
RECORD = ("account", "exchange", "market", "rule", "level", "detail", "fix")
_WORST = (ExitCode.CHECK, ExitCode.STORE, ExitCode.UNREACHED)
_COLUMNS = ("account", "level", "what")


def foreign_use(
    app: App, accounts: Sequence[Account], known_since_ms: int | None, done: Callable[[], None] = lambda: None
) -> Result:
    """What of the accounts' use is new and not keyctl's. `known_since_ms`: all before it is the person's own (Unix ms).

    A find is remembered as told once the result was shown: it is rather told twice than never. Exit CHECK on a find,
    STORE where that cannot be remembered, UNREACHED where an account could not be read. Raises JournalLost: without the
    journal nothing could be told to be keyctl's; StoreUnusable, SetupProblem.
    """
    app.journals.to_send()
    begun_ms, known = int(app.clock.now() * 1000), known_use(app.home)

    def since(account: Account, now_ms: int) -> int:
        return known_since_ms or known.since(account.id, now_ms)

    looked = asyncio.run(_look(app, accounts, since, done))
    findings: list[Finding] = []
    errors: list[KeyctlError] = []
    told: list[tuple[str, Sequence[Find], int]] = []
    for item in looked:
        start = since(item.account, item.end_ms or begun_ms)
        news = known.news(item.account.id, start, item.finds)
        findings += _findings(item, news)
        errors += _errors(item, news)
        # A list that cannot be read is asked for again, but not for ever: each day more makes more calls.
        told.append((item.account.id, news, max(start, item.end_ms - (OVERLAP_MS if item.complete else BACK_MS))))
    if why := unwritable(app.home.state):
        errors.append(StoreUnusable(f"keyctl cannot remember these results and will report them again: {why}"))
    app.once_shown.append(lambda: _remember(app.home, told, begun_ms))
    return _result(app, findings, errors)


def _remember(home: Home, told: Sequence[tuple[str, Sequence[Find], int]], now_ms: int) -> None:
    try:
        with changing(home) as known:
            for account_id, news, mark_ms in told:
                known.tell(account_id, news, mark_ms, now_ms)
    except StoreUnusable as trouble:
        remark(f"warning: keyctl cannot remember these results and will report them again: {trouble.message}")


async def _look(
    app: App, accounts: Sequence[Account], since: Callable[[Account, int], int], done: Callable[[], None]
) -> list[Looked]:
    async with app.network() as network:
        return await look(app, network, accounts, since, done)


def _findings(item: Looked, news: Sequence[Find]) -> list[Finding]:
    """One FAIL a find, else PASS where something could be read; and what is unknown."""
    account = item.account

    def say(level: Level, detail: str, evidence: str = "", fix: str = "") -> Finding:
        return Finding(account.label, account.exchange, "all", RULE, level, detail, evidence, fix)

    fix = f"if it was not you: keyctl leak {account.label}"
    found = [
        say(Level.FAIL, f"{find.time} UTC {find.kind}: {find.words}", "not in keyctl's journal", fix) for find in news
    ]
    if not news and item.answered:
        found.append(say(Level.PASS, f"nothing new; {item.ours} orders and trades are keyctl's"))
    if item.unknown:
        found.append(say(Level.UNKNOWN, "; ".join(item.unknown)))
    return found


def _errors(item: Looked, news: Sequence[Find]) -> list[KeyctlError]:
    account, errors = item.account, list[KeyctlError]()
    if news:
        many = "1 find that is" if len(news) == 1 else f"{len(news)} finds that are"
        errors.append(
            CheckFailed(
                f"{account.label}: {many} not from keyctl",
                f"if it was not you, run: keyctl leak {account.label}",
                code=RULE,
                account=account.label,
                exchange=account.exchange,
            )
        )
    if not item.answered:
        errors.append(
            Unreached(
                f"{account.label}: its history could not be read: {'; '.join(item.unknown[:2])}",
                f"to find the cause: keyctl verify {account.label}",
                account=account.label,
                exchange=account.exchange,
            )
        )
    return errors


def _result(app: App, findings: Sequence[Finding], errors: Sequence[KeyctlError]) -> Result:
    codes = {error.exit_code for error in errors}
    code = next((code for code in _WORST if code in codes), ExitCode.OK)
    shown = [item for item in findings if not app.output.quiet or item.level is Level.FAIL]
    if app.output.for_people:
        table = Table(_COLUMNS, [(item.account, item.level.value, item.detail) for item in shown])
    else:
        rows = [
            (*(getattr(item, name) for name in RECORD[:4]), item.level.value, item.detail, item.fix) for item in shown
        ]
        table = Table(RECORD, rows)
    data = {"findings": [asdict(item) | {"level": item.level.value} for item in findings]}
    return Result(data, (table,) if shown else (), code, tuple(errors))
