"""A diagnosis as a row a check for people, JSON for programs, and as an exit code. No I/O."""

from __future__ import annotations

from dataclasses import asdict

from keyctl.clock import SILENT_OFFSET_MS
from keyctl.diagnosis.causes import WORDS, Cause
from keyctl.diagnosis.evidence import CHECKS, Evidence, Probe
from keyctl.diagnosis.fixes import fix_for
from keyctl.diagnosis.reasoning import Verdict, clock_refused_elsewhere, reasons
from keyctl.diagnosis.signs import causes_of, clock_code
from keyctl.errors import CheckFailed, KeyctlError, Unreached
from keyctl.exchanges.shipped import profile
from keyctl.model.words import Level
from keyctl.terminal.output import Result, Text

_UNREACHED = (Cause.UNREACHABLE, Cause.DNS, Cause.TLS, Cause.NO_ANSWER)
_RIGHTS = (Cause.TRADE_RIGHT, Cause.FUTURES_RIGHT, Cause.EXPIRED_KEY)
# Checks that people need not see when they came out well.
_OFFLINE = ("credential", "signing")
_CLOCKS = (Cause.CLOCK_AHEAD, Cause.CLOCK_BEHIND)


class Row:
    """One line: the check, its level, the word for people, the detail, and whether it shows the cause."""

    def __init__(self, check: str, level: Level, word: str, detail: str, marked: bool = False) -> None:
        self.check, self.level, self.word, self.detail, self.marked = check, level, word, detail, marked


def report(evidence: Evidence, verdict: Verdict, explain: bool = False) -> Result:
    """The whole result: exit OK without a fault, UNREACHED when the exchange was not reached, else CHECK.

    `explain` adds what each read left possible.
    """
    rows = rows_of(evidence, verdict)
    fixes = {cause: fix_for(cause, evidence) for cause in (*verdict.named, *verdict.others)}
    data = {
        "account": evidence.account,
        "exchange": evidence.exchange,
        "markets": list(evidence.markets),
        "cause": verdict.cause.value,
        "meaning": sentence(verdict.cause, evidence),
        "also_possible": [cause.value for cause in verdict.rivals],
        "also_found": [cause.value for cause in verdict.others],
        "evidence": [{"check": row.check, "level": row.level.value, "detail": row.detail} for row in rows],
        "fix": fixes[verdict.cause],
        "fixes": {cause.value: fix for cause, fix in fixes.items()},
        "failed": [asdict(item) for item in evidence.failed],
        "calls": evidence.calls,
    }
    lines = _lines(evidence, verdict, rows, fixes)
    if explain:
        data["because"] = reasons(evidence)
        lines += ["", "Why keyctl says so:", *(f"  {reason}" for reason in reasons(evidence))]
    view = (Text("\n".join(lines)),)
    if verdict.cause is Cause.HEALTHY:
        return Result(data, view)
    error = _error(evidence, verdict)
    return Result(data, view, error.exit_code, (error,))


def sentence(cause: Cause, evidence: Evidence) -> str:
    """The cause in words."""
    words = WORDS[cause][1].format(title=profile(evidence.exchange).title)
    if cause is Cause.RULE:
        return f"{words}: {', '.join(dict.fromkeys(rule for rule, _ in _failed(evidence)))}"
    if cause in _CLOCKS and clock_refused_elsewhere(evidence):
        code = f"{clock_code(evidence.exchange)} from {profile(evidence.exchange).title}"
        words += f": keyctl corrects it, but other programs on this machine get {code}"
    return words


def rows_of(evidence: Evidence, verdict: Verdict) -> list[Row]:
    """One row a check that was made, the missing rights after them; the cause's row is marked."""
    rows = [_row(evidence, probe, verdict) for check in CHECKS for probe in evidence.probes if probe.check == check]
    if limits := _limits(evidence):
        rows.append(Row("limits", Level.PASS, "told", limits))
    for cause in (*verdict.named, *verdict.others):
        if cause in _RIGHTS and (verdict.check == "key" or cause in verdict.others):
            key = evidence.of("key")
            if key is not None and key.ok:
                marked = cause is verdict.cause
                rows.append(Row("rights", Level.FAIL, WORDS[cause][0], sentence(cause, evidence), marked))
    if Cause.RULE in (*verdict.named, *verdict.others):
        rows += [
            Row(rule, Level.FAIL, "FAIL", f"{detail} ({', '.join(markets)})", verdict.cause is Cause.RULE)
            for (rule, detail), markets in _failed(evidence).items()
        ]
    if evidence.earlier:
        rows.append(Row("before", Level.PASS, "ok", f"this stored key was read successfully on {evidence.earlier}"))
    return rows


def _failed(evidence: Evidence) -> dict[tuple[str, str], list[str]]:
    """The markets of each failed rule, by the rule and what it says."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in evidence.failed:
        found.setdefault((item.rule, item.detail), []).append(item.market)
    return found


def _limits(evidence: Evidence) -> str:
    """What the exchange's headers told of rate limits and bans, the newest of each, with what it counts."""
    told: dict[str, str] = {}
    for probe in evidence.probes:
        limits = probe.facts.get("limits")
        told |= limits if isinstance(limits, dict) else {}
    words = {**profile(evidence.exchange).limits, "Retry-After": "seconds to wait"}
    return "; ".join(f"{name} {value} ({words[name]})" for name, value in told.items() if name in words)


def _row(evidence: Evidence, probe: Probe, verdict: Verdict) -> Row:
    if probe.check == "clock" and verdict.cause in _CLOCKS and verdict.check == "clock":
        others = "keyctl corrects this; other programs on this machine do not"
        words = others if clock_refused_elsewhere(evidence) else "orders would be rejected"
        return Row("clock", Level.FAIL, WORDS[verdict.cause][0], f"{probe.detail}; {words}", True)
    if probe.outcome == "unknown":
        return Row(probe.check, Level.UNKNOWN, "unknown", probe.detail)
    if probe.check == "version":
        marked = verdict.check == "version"
        return Row(probe.check, Level.FAIL if marked else Level.PASS, "ONE" if marked else "same", probe.detail, marked)
    if probe.ok:
        if probe.check == "elsewhere":
            return Row(probe.check, Level.FAIL, "KNOWN", probe.detail, verdict.check == "elsewhere")
        return Row(probe.check, Level.PASS, "ok", probe.detail or "answered")
    if probe.check == "elsewhere":
        return Row(probe.check, Level.PASS, "no", probe.detail)
    possible = causes_of(evidence.exchange, probe)
    shown = next((cause for cause in verdict.named if cause in possible), possible[0])
    marked = probe.check == verdict.check
    return Row(probe.check, Level.FAIL, WORDS[shown][0] if marked else "REFUSED", probe.detail, marked)


def _untold(evidence: Evidence) -> str:
    """The first market whose trading right is wanted and not told by an exchange that tells others; else empty."""
    key = evidence.of("key")
    if key is None or not key.ok:
        return ""
    wanted = [market for market in evidence.markets if f"{market}_trade" in evidence.wanted]
    return next((market for market in wanted if key.facts.get(f"{market}_trade") is None), "")


def _lines(evidence: Evidence, verdict: Verdict, rows: list[Row], fixes: dict[Cause, str]) -> list[str]:
    rows = [row for row in rows if row.check not in _OFFLINE or row.level is not Level.PASS]
    check_width = max([len(row.check) for row in rows] + [len("also found")])
    word_width = max([len(row.word) for row in rows] + [2])
    lines = [
        f"  {row.check:<{check_width}}  {row.word:<{word_width}}  {row.detail}{'     <- cause' if row.marked else ''}"
        for row in rows
    ]

    def add(name: str, words: str) -> None:
        lines.append(f"  {name:<{check_width}}  {words}")

    if verdict.cause is Cause.HEALTHY:
        clock = evidence.of("clock")
        measured = clock is not None and clock.ok
        add(
            "cause",
            "none: key, permissions, IP address" + (" and clock" if measured else "") + " are as they should be",
        )
        if not measured:
            add("unknown", "the clock was not measured: compare this machine's time with an NTP server")
        elif evidence.offset_ms is not None and abs(evidence.offset_ms) > SILENT_OFFSET_MS:
            add("note", "keyctl corrects its clock for this exchange; other programs on this machine may not")
        if untold := _untold(evidence):
            title = profile(evidence.exchange).title
            add("note", f"{title} does not report whether the key may trade {untold}; only an order shows it")
        return lines
    certain = not verdict.rivals
    add("cause", sentence(verdict.cause, evidence) + ("" if certain else " (likely, not confirmed)"))
    add("fix", fixes[verdict.cause])
    for cause in verdict.rivals:
        add("or", sentence(cause, evidence))
        add("fix", fixes[cause])
    if verdict.rivals:
        add("note", f"{profile(evidence.exchange).title} reports no more; from outside these causes look the same")
    for cause in verdict.others:
        add("also found", sentence(cause, evidence))
        add("fix", fixes[cause])
    return lines


def _error(evidence: Evidence, verdict: Verdict) -> KeyctlError:
    """The error beside the report: which cause and of which account; the report has the words and the fix."""
    kind = Unreached if verdict.cause in _UNREACHED else CheckFailed
    probe = evidence.of(verdict.check)
    count = len(verdict.named)
    return kind(
        f"{evidence.account}: " + ("1 cause found" if count == 1 else f"{count} causes are possible"),
        code=verdict.cause.value,
        exchange=evidence.exchange,
        account=evidence.account,
        market=probe.market or None if probe else None,
        exchange_code=probe.code or None if probe and probe.outcome == "refused" else None,
    )
