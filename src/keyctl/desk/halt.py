"""The course of `keyctl halt`: the flag first, whatever else is wrong, then what it stops and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyctl.clock import rfc3339
from keyctl.errors import ExitCode, KeyctlError, SetupProblem, StoreUnusable, UsageProblem
from keyctl.exchanges import shipped
from keyctl.home.folders import none_stored
from keyctl.home.selection import find
from keyctl.journal.halts import Halt, Scope
from keyctl.plain_text import clean_text
from keyctl.terminal.output import Note, Result, failure

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account


_GO_ON = "this blocks orders of this data folder only; orders of other data folders are not blocked"
_STAY = "this lifts halts of this data folder only; halts of other data folders stay in force"


@dataclass(frozen=True, slots=True)
class What:
    """What is to be halted or lifted: accounts by label and exchanges by name; neither means the whole home."""

    labels: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return not (self.labels or self.exchanges)

    @property
    def named(self) -> str:
        """For a sentence: "all orders", or those of whom."""
        if self.whole:
            return "all orders"
        return f"orders of {', '.join(dict.fromkeys((*self.labels, *self.exchanges)))}"


def halt(app: App, what: What, reason: str, canceling: bool) -> Result:
    """Stops orders from now on, and cancels those that are open when that is wanted too.

    The flag is set before the account list, the config or the store are looked at; troubles with these come after it,
    in the result. Exit SETUP where the halt cannot be known to stop anything. Raises UsageProblem for an unknown
    exchange, StoreUnusable when the flag itself cannot be set; with `canceling` that is in the result too, since what
    is open can be canceled all the same.
    """
    _check_exchanges(what.exchanges)
    words = clean_text(reason) or "manually"
    scopes = [(Scope.HOME, "")] if what.whole else [(Scope.EXCHANGE, name) for name in what.exchanges]
    unset = _begin(app, scopes, words, canceling)
    accounts, troubles = known_accounts(app)
    chosen, unknown = _chosen(accounts, what)
    if not unset:
        unset = _begin(app, [(Scope.ACCOUNT, account.id) for account in chosen], words, canceling)
    troubles += _without_effect(app, accounts, what, _GO_ON) if not troubles else []
    troubles += unknown
    if unset:
        return _with_cancels(app, accounts, what, _not_in_force(app, [*unset, *troubles]))
    done = What(tuple(account.label for account in chosen), what.exchanges)
    notes = [] if done.whole and not what.whole else [_halted(app, done, words)]
    notes += _narrower(accounts, what, words)
    result = _result(app, accounts, notes, troubles)
    return _with_cancels(app, accounts, what, result) if canceling else result


def lift(app: App, what: What) -> Result:
    """Ends halts, each by the words that began it; the others stay, and are named. Raises as `halt` does."""
    _check_exchanges(what.exchanges)
    scopes = [(Scope.HOME, "")] if what.whole else [(Scope.EXCHANGE, name) for name in what.exchanges]
    app.journals.to_send().halts.lift(scopes)
    accounts, troubles = known_accounts(app)
    chosen, unknown = _chosen(accounts, what)
    app.journals.halts().lift([(Scope.ACCOUNT, account.id) for account in chosen])
    troubles += _without_effect(app, accounts, what, _STAY) if not troubles else []
    named = What(tuple(account.label for account in chosen), what.exchanges)
    lifted = f"The halt of {named.named} is lifted in the data folder {app.home.root}."
    notes = [] if named.whole and not what.whole else [lifted]
    kept = in_force(app, accounts)
    notes += [f"Still in force: {line}" for line in kept] or ["Orders are allowed again."]
    return _result(app, accounts, notes, [*troubles, *unknown])


def in_force(app: App, accounts: Sequence[Account]) -> list[str]:
    """A line for each halt that holds something, with the command that lifts it."""
    return [f"{_named(halt, accounts)}; to lift it: {_way_out(halt, accounts)}" for halt in _held(app, accounts)]


def halts_data(app: App, accounts: Sequence[Account]) -> list[dict[str, str | None]]:
    """The halts in force as data: scope, the labels or the exchange that it holds, since when, and why."""
    return [
        {
            "scope": str(halt.scope),
            "owner": {Scope.HOME: None, Scope.EXCHANGE: halt.owner}.get(halt.scope, _label(halt, accounts)),
            "since": rfc3339(halt.at),
            "reason": halt.reason,
        }
        for halt in _held(app, accounts)
    ]


def _held(app: App, accounts: Sequence[Account]) -> list[Halt]:
    """The halts in force, without those of accounts that are no longer stored, under no other key either."""
    one = (Scope.ACCOUNT, Scope.KEY)
    return [halt for halt in app.journals.halts().all() if halt.scope not in one or _label(halt, accounts)]


def _label(halt: Halt, accounts: Sequence[Account]) -> str | None:
    return next((account.label for account in accounts if halt.owner in (account.id, account.api_key_hash)), None)


def _named(halt: Halt, accounts: Sequence[Account]) -> str:
    label = _label(halt, accounts)
    return f"{label}: {halt.words}" if label else halt.words


def _way_out(halt: Halt, accounts: Sequence[Account]) -> str:
    return halt.way_out(_label(halt, accounts) or "")


def _check_exchanges(names: Sequence[str]) -> None:
    for name in names:
        if name not in shipped.names():
            raise UsageProblem(f"unknown exchange {name[:41]}", f"choose one of: {', '.join(shipped.names())}")


def known_accounts(app: App) -> tuple[tuple[Account, ...], list[KeyctlError]]:
    """The stored accounts; where the list cannot be read none, and what to say of that."""
    try:
        return app.accounts.all(), []
    except KeyctlError as error:
        trouble = SetupProblem(
            f"the account list of the data folder ({app.home.root}) cannot be read: {error.message}",
            "this blocks nothing outside this data folder; whether it blocks anything here is unknown",
            *error.hints,
            code="accounts_unreadable",
        )
        return (), [trouble]


def _begin(app: App, scopes: Sequence[tuple[Scope, str]], words: str, going_on: bool) -> list[KeyctlError]:
    """Sets the flags, if any are given. The trouble with that, which says first of all that nothing is halted by them,
    when the command goes on without them; else raises it: StoreUnusable."""
    if not scopes:
        return []
    try:
        app.journals.to_leave().halts.begin(scopes, words)
    except StoreUnusable as error:
        trouble = StoreUnusable(
            f"this halt is NOT in force: {error.message}",
            *error.hints,
            "to be safe, stop the programs that send orders, and cancel the orders at the exchanges",
            code=error.code,
        )
        if not going_on:
            raise trouble from None
        return [trouble]
    return []


def _not_in_force(app: App, troubles: Sequence[KeyctlError]) -> Result:
    """The result of a halt whose flag could not be set, before anything is canceled. What was halted is told where it
    can still be read."""
    try:
        data = _result(app, known_accounts(app)[0], (), ()).data
    except StoreUnusable:
        data = {"halted": None, "halts": [], "home": str(app.home.root)}
    return Result(data, (), ExitCode.STORE, tuple(troubles))


def _narrower(accounts: Sequence[Account], what: What, words: str) -> list[str]:
    """What to say where a name was given for a reason: more is halted than was meant."""
    scopes = {account.label: f"-a {account.label}" for account in accounts}
    scopes |= {name: f"--exchange {name}" for name in shipped.names()}
    if not what.whole or words not in scopes:
        return []
    return [
        f"To halt only {words}: keyctl halt {scopes[words]}",
        "To lift this halt after that: keyctl halt --lift",
    ]


def _chosen(accounts: Sequence[Account], what: What) -> tuple[list[Account], list[KeyctlError]]:
    """The accounts that are named, and an error for each name that none has."""
    chosen: list[Account] = []
    unknown: list[KeyctlError] = []
    for label in dict.fromkeys(what.labels):
        try:
            chosen.append(find(tuple(accounts), label))
        except SetupProblem as problem:
            known = label in shipped.names()
            wider = (
                f"to halt the exchange: keyctl halt --exchange {label}" if known else "to halt all orders: keyctl halt"
            )
            problem.hints = (*problem.hints, wider)
            unknown.append(problem)
    return chosen, unknown


def _without_effect(app: App, accounts: Sequence[Account], what: What, elsewhere: str) -> list[KeyctlError]:
    """What to say where the home has no account that the words could mean: it is likely the wrong home."""
    if not accounts:
        problem = none_stored(app.home)
        problem.hints = (elsewhere, *problem.hints[1:])
        return [problem]
    return [
        SetupProblem(
            f"no account at {name} is stored in the data folder {app.home.root}",
            elsewhere,
            code="no_accounts",
            exchange=name,
        )
        for name in what.exchanges
        if name not in {account.exchange for account in accounts}
    ]


def _halted(app: App, done: What, words: str) -> str:
    lifting = "".join([*(f" -a {label}" for label in done.labels), *(f" --exchange {name}" for name in done.exchanges)])
    sentence = f"{done.named[0].upper()}{done.named[1:]} are halted ({words}) in the data folder {app.home.root}."
    return f"{sentence}\nTo allow them again: keyctl halt --lift{lifting}"


def _result(app: App, accounts: Sequence[Account], notes: Sequence[str], troubles: Sequence[KeyctlError]) -> Result:
    home = app.journals.halts().home()
    data = {
        "halted": home.reason if home else None,
        "halts": halts_data(app, accounts),
        "home": str(app.home.root),
    }
    code = ExitCode.SETUP if troubles else ExitCode.OK
    return Result(data, tuple(Note(text) for text in notes), code, tuple(troubles))


def _with_cancels(app: App, accounts: Sequence[Account], what: What, halted: Result) -> Result:
    """The halt's result with that of canceling what is open where it stops orders; the halt stands whatever fails.

    One whose flag could not be set ends STORE, save where what became of an order is unknown.
    """
    from keyctl.desk.cancel import Choice, cancel

    in_vain = halted.exit_code is ExitCode.STORE
    held = tuple(account.label for account in accounts if what.whole or _is_held(app, account, what))
    if not (what.whole or held):
        return halted
    try:
        canceled = asyncio.run(
            cancel(app, Choice(everything=what.whole, accounts=() if what.whole else held), yes=True)
        )
    except KeyctlError as error:
        known = {problem.code for problem in halted.errors}
        canceled = failure(error) if in_vain or error.code not in known else Result({})
    codes = (canceled.exit_code, halted.exit_code)
    if in_vain:
        code = ExitCode.UNKNOWN if ExitCode.UNKNOWN in codes else ExitCode.STORE
    else:
        code = codes[0] if codes[0] is not ExitCode.OK else codes[1]
    return Result(
        {**halted.data, **canceled.data},
        (*halted.view, *canceled.view),
        code,
        (*halted.errors, *canceled.errors),
        canceled.warnings,
        canceled.some_accepted,
    )


def _is_held(app: App, account: Account, what: What) -> bool:
    """Whether the words mean this account: by its exchange, its label, or as another key of a named one."""
    if account.exchange in what.exchanges or account.label in what.labels:
        return True
    named = {other.id for other in app.accounts.all() if other.label in what.labels}
    try:
        return any(halt.owner in named for halt in app.journals.halts().of(account.id, account.exchange))
    except StoreUnusable:
        return False
