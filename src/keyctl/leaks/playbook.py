"""The course of `keyctl leak`: what to do once a key has leaked, each step in the evidence file, in order of haste.

Interrupted anywhere, the same command goes on. Cancels and closes are those of `keyctl cancel` and `keyctl close`, with
their claims and look-ups; nothing is sent around them. Until the key is proven dead whoever holds it goes on, so each
run cancels and looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keyctl.clock import rfc3339
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, SetupProblem, StoreUnusable
from keyctl.home.files import locked
from keyctl.journal.halts import Scope
from keyctl.leaks.evidence import BEGUN, DONE, OPEN, Evidence, all_of, begin, folder
from keyctl.leaks.leaked_key import LeakedKey, prove_dead
from keyctl.leaks.looking import Looked, look
from keyctl.leaks.playbook_view import Told, first_line, report, taken_back
from keyctl.terminal.output import at_once

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.model.account import Account
    from keyctl.terminal.output import Result

SINCE_MS = 86_400_000
HALT, CANCEL, CLOSE, ROTATE, DEAD, LOOK, SCAN = "halt", "cancel", "close", "rotate", "dead", "look", "scan"
# What is done again in each run until the key is dead, and once more after that.
_AGAIN = (CANCEL, CLOSE, LOOK)
# So long the same command means the leak that is over, not one of the key that took the leaked one's place.
OVER_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for. `since_ms`: since when to look (Unix ms; None: as before, or a day back). `close`:
    positions too. `yes`: cancel and close without a question. `anew`: the key that took a leaked one's place has leaked
    too. `new_key`: where the next key comes from, as the options of `rotate`."""

    since_ms: int | None = None
    close: bool = False
    yes: bool = False
    anew: bool = False
    new_key: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended, in words and for the evidence file; with `errors`, or where it waits for the person, it is not
    done."""

    words: str
    data: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[KeyctlError, ...] = ()
    exit_code: ExitCode = ExitCode.OK
    waits: bool = False


def leak(app: App, label: str, wishes: Wishes) -> Result:
    """Leads through everything, and does what a program may do. Raises SetupProblem for an unknown account."""
    account: Account | None = None
    try:
        account = app.accounts.get(label)
        evidence = _under_way(app, account, wishes)
    except SetupProblem:  # it may have been removed while its leak is under way
        evidence = next((item for item in all_of(app.home) if item.facts["account"] == label and _is_open(item)), None)
        if evidence is None:
            raise
    if evidence is None or not evidence.is_done(DEAD):
        at_once(first_line(account, evidence), app.output)
    with ExitStack() as held:
        evidence = _kept(app, account, evidence, wishes, held)
        evidence.know(account=label)  # it may have been renamed
        if wishes.since_ms is not None:
            evidence.know(since_ms=wishes.since_ms, since_asked=True)
        return _Playbook(app, evidence, wishes).run()


def _kept(app: App, account: Account | None, evidence: Evidence | None, wishes: Wishes, held: ExitStack) -> Evidence:
    """The evidence, begun where there is none, for this run alone as long as `held` is. Where no file can be kept the
    run goes on without one. Raises StoreUnusable while another run is at work."""
    try:
        if evidence is None and account is not None:
            folder(app.home).mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(folder(app.home) / "begin"):
                evidence = _under_way(app, account, wishes) or _begun(app, account)
                evidence.save()
        if evidence is not None and not evidence.unwritten:
            held.enter_context(locked(evidence.path))
            return evidence.reread()
    except (StoreUnusable, OSError) as trouble:
        if isinstance(trouble, StoreUnusable) and trouble.code == "store_locked":
            raise
    if evidence is None:
        assert account is not None
        evidence = _begun(app, account)
    evidence.save()  # says why it cannot
    return evidence


def _begun(app: App, account: Account) -> Evidence:
    return begin(app.home, account, app.clock, int(app.clock.now() * 1000) - SINCE_MS)


def false_alarm(app: App, label: str, yes: bool) -> Result:
    """Lets the key send orders again, once the person says that it has not leaked. Raises CheckFailed, NeedsPerson."""
    account = app.accounts.get(label)
    halts = app.journals.to_send().halts.of(account.id, account.exchange, account.api_key_hash)
    if not any(halt.scope is Scope.KEY for halt in halts):
        raise CheckFailed(f"{label}: its key is not marked as leaked", code="not_leaked", account=label)
    question = f"The key {account.api_key_hint} has not leaked and may send orders again? Type {label}"
    if not yes and not app.prompt.confirm_typed(question, label):
        raise CheckFailed("not confirmed; nothing was changed", code="not_confirmed")
    app.journals.halts().lift([(Scope.KEY, owner) for owner in (account.api_key_hash, account.id)])
    if (evidence := _under_way(app, account, Wishes(anew=True))) is not None:
        evidence.note(app.clock, HALT, OPEN, "withdrawn: a false alarm")
        evidence.know(finished=rfc3339(app.clock.now()))
    return taken_back(label)


def _under_way(app: App, account: Account, wishes: Wishes) -> Evidence | None:
    """The leak of this account's key, or of the key that this one took the place of, that is not over."""
    predecessor = None
    with suppress(KeyctlError):  # a journal that cannot be read must not keep the first line back
        rotation = app.journal.rotations.of(account.id)
        if rotation is not None and rotation.is_cut and rotation.new_id == account.id:
            predecessor = rotation.old_id
    for evidence in all_of(app.home):
        if evidence.account_id == account.id and _is_open(evidence):
            return evidence
        took_its_place = evidence.account_id == predecessor or evidence.facts.get("successor_id") == account.id
        if _has_its_name(app, evidence, account):  # of a rotation that is over, and forgotten
            evidence.know(successor_id=account.id)
            took_its_place = True
        if took_its_place and not wishes.anew and (_is_open(evidence) or _is_just_over(app, evidence)):
            return evidence
    return None


def _has_its_name(app: App, evidence: Evidence, account: Account) -> bool:
    """Whether the account stands under the label of an open leak whose key is no longer stored, and of which no next
    key is known: then that one has leaked, and this one has taken its place."""
    known, own = evidence.facts, (account.label, account.exchange)
    if not _is_open(evidence) or known.get("successor_id") or (known["account"], known["exchange"]) != own:
        return False
    return all(other.id != evidence.account_id for other in app.accounts.all())


def _is_open(evidence: Evidence) -> bool:
    return not evidence.facts.get("finished")


def _is_just_over(app: App, evidence: Evidence) -> bool:
    """Whether it ended so lately that the same command may be one that was killed before its result was seen."""
    try:
        ended = datetime.fromisoformat(str(evidence.facts["finished"])).timestamp()
    except ValueError:
        return False
    return abs(app.clock.now() - ended) < OVER_SECONDS


class _Playbook:
    """One run over the steps."""

    def __init__(self, app: App, evidence: Evidence, wishes: Wishes) -> None:
        self._app = app
        self._evidence = evidence
        self._key = LeakedKey(app, evidence)
        self._wishes = wishes
        self._ended: dict[str, Ended] = {}

    def run(self) -> Result:
        """All steps that are not done, in order of haste; trouble with one keeps no other back."""
        self._step(HALT, self._halt)
        self._leave()
        acting = self._key.acting()
        self._step(ROTATE, self._rotate)
        self._step(DEAD, self._prove_dead)
        if self._key.has_next() and (self._key.acting() != acting or self._evidence.is_done(DEAD)):
            self._leave()  # the next key sees and cancels what the dead one could not
        self._step(LOOK, self._look)
        self._step(SCAN, self._scan)
        needed = [HALT, CANCEL, ROTATE, DEAD, LOOK, SCAN, *([CLOSE] if self._evidence.newest(CLOSE) else [])]
        if _is_open(self._evidence) and all(map(self._is_settled, needed)):
            self._evidence.know(finished=rfc3339(self._app.clock.now()))
        told = Told(self._evidence, self._key.label, self._key.siblings(), self._wishes.close, self._key.has_next())
        ended = self._ended.values()
        errors = [error for item in ended for error in item.errors]
        warnings = [word for item in ended for word in item.data.get("warnings", ())]
        return report(told, errors, [item.exit_code for item in ended if item.errors], warnings)

    def _step(self, step: str, action: Callable[[], Ended]) -> None:
        if self._is_settled(step):
            return
        evidence, clock = self._evidence, self._app.clock
        evidence.note(clock, step, BEGUN, "")
        try:
            ended = action()
        except KeyctlError as error:
            ended = Ended(error.message, errors=(error,), exit_code=error.exit_code)
        self._ended[step] = ended
        evidence.note(clock, step, OPEN if ended.errors or ended.waits else DONE, ended.words, ended.data)

    def _leave(self) -> None:
        self._step(CANCEL, self._cancel)
        if self._wishes.close:
            self._step(CLOSE, self._close)

    def _is_settled(self, step: str) -> bool:
        """Whether a step needs nothing more: some only once they were done after the key's death, by the next key."""
        if step == HALT:
            return self._evidence.is_done(HALT) and self._is_marked()
        if step == LOOK and self._wishes.since_ms is not None and step not in self._ended:
            return False
        entries = [(entry["step"], entry["state"]) for entry in self._evidence.entries]
        ends = [number for number, entry in enumerate(entries) if entry == (step, DONE)]
        if step not in _AGAIN or not ends:
            return bool(ends)
        deaths = [number for number, entry in enumerate(entries) if entry == (DEAD, DONE)]
        return bool(deaths) and (ends[-1] > deaths[0] or not self._key.has_next())

    # The steps.

    def _is_marked(self) -> bool:
        try:
            halts = self._app.journal.halts.all()
        except StoreUnusable:
            return False
        return any((halt.scope, halt.owner) == (Scope.KEY, self._evidence.halted_key) for halt in halts)

    def _halt(self) -> Ended:
        """Bars every process from orders with this key. Raises StoreUnusable."""
        try:
            journal = self._app.journals.to_leave()
            if not self._is_marked():
                journal.halts.begin([(Scope.KEY, self._evidence.halted_key)], "the key has leaked")
        except StoreUnusable as trouble:
            raise StoreUnusable(
                f"new orders with this key are NOT blocked: {trouble.message}",
                *trouble.hints,
                "stop the programs that send orders with it",
                code=trouble.code,
            ) from None
        return Ended("new orders with this key are blocked in this data folder")

    def _cancel(self) -> Ended:
        from keyctl.desk.cancel import Choice, cancel

        account = self._key.needed()
        done = asyncio.run(cancel(self._app, Choice(accounts=(account.label,), foreign=True), self._wishes.yes))
        legs = done.data["legs"]
        if done.errors and not legs:
            raise _unread(account, "open orders", done)
        gone = sum(leg["outcome"] == "canceled" for leg in legs)
        words = f"{gone} of {len(legs)} open orders canceled" if legs else "no open orders were found"
        kept = ("symbol", "side", "quantity", "price", "exchange_order_id", "client_order_id", "foreign")
        data = {"orders": [{name: leg.get(name) for name in (*kept, "plan", "outcome", "detail")} for leg in legs]}
        return Ended(words, {**data, "warnings": list(done.warnings)}, done.errors, done.exit_code)

    def _close(self) -> Ended:
        from keyctl.desk.close import What, close
        from keyctl.desk.consent import Consent
        from keyctl.model.words import Market

        account = self._key.needed()
        if Market.FUTURES not in account.markets:
            return Ended(f"{account.label} does not trade perpetuals here: nothing to close")
        what = What(None, None, self._app.config.limits.max_slippage)
        done = asyncio.run(close(self._app, [account], what, Consent(self._wishes.yes), False, 0))
        legs = done.data.get("legs", [])
        if done.errors and not legs:
            raise _unread(account, "positions", done)
        good = sum(leg["outcome"] == "accepted" for leg in legs)
        words = f"{good} of {len(legs)} closing orders accepted" if legs else "no open positions were found"
        kept = ("symbol", "side", "quantity", "exchange_order_id", "client_order_id", "plan", "outcome", "detail")
        data = {"orders": [{name: leg.get(name) for name in kept} for leg in legs], "warnings": list(done.warnings)}
        return Ended(words, data, done.errors, done.exit_code)

    def _rotate(self) -> Ended:
        """Brings the next key in, where the person gives one, by the course of `keyctl rotate`."""
        from keyctl.keys import rotate

        rotation, leaked = self._key.rotation(), self._key.leaked()
        begun = rotation is not None or any(self._wishes.new_key.values())
        if begun and leaked is not None and self._key.next_id() is None:
            if rotation is None and self._key.took_anothers_place():
                rotate.finish(self._app, leaked.label)  # that one goes first
            rotate.rotate(self._app, leaked.label, self._wishes.new_key, wait=False, yes=False)
        if (next_id := self._key.next_id()) is not None:
            return Ended("the next key has taken its place", {"successor_id": next_id})
        return Ended("no next key yet", waits=True)

    def _prove_dead(self) -> Ended:
        from keyctl.keys.rotate import REMOVED

        words = prove_dead(self._app, self._key)
        return Ended(words, {"rejected": words != REMOVED})

    def _look(self) -> Ended:
        account, facts = self._key.needed(), self._evidence.facts

        def since(item: Account, now_ms: int) -> int:
            """A day back by the exchange's clock, too: ours may be ahead."""
            asked = bool(facts.get("since_asked"))
            return int(facts["since_ms"]) if asked else min(int(facts["since_ms"]), now_ms - SINCE_MS)

        async def read() -> Looked:
            async with self._app.network() as network:
                (looked,) = await look(self._app, network, [account], since)
                return looked

        looked = asyncio.run(read())
        if looked.answered and account.id == self._evidence.account_id:
            self._evidence.know(worked_at=rfc3339(self._app.clock.now()))
        data = {"not_ours": [find.data for find in looked.finds], "ours": looked.ours, "unknown": list(looked.unknown)}
        finds = "1 find" if len(looked.finds) == 1 else f"{len(looked.finds)} finds"
        words = f"{finds} not from keyctl; {looked.ours} orders and trades from keyctl"
        if looked.answered:
            return Ended(words, data)
        error = CheckFailed(
            f"{account.label}: its history could not be read: {'; '.join(looked.unknown[:2])}",
            f"with the next key, run: keyctl rotate {account.label}",
            code="not_read",
            account=account.label,
        )
        return Ended(error.message, data, (error,), error.exit_code)

    def _scan(self) -> Ended:
        """Looks where it may have leaked from, and which other secrets are there."""
        from keyctl.leaks.scan import sources

        try:
            report = sources(self._app)
        except (OSError, RuntimeError) as broken:  # a worker that cannot begin or ends early must not end all of it
            raise SetupProblem(
                f"the usual places could not be scanned: {broken}", "run: keyctl scan --open", code="not_all_read"
            ) from None
        places = [{"where": find.where, "account": find.label, "exchange": find.exchange} for find in report.finds]
        words = f"{len(places)} secrets found" if len(places) != 1 else "1 secret found"
        unread = f"; {len(report.unread)} places could not be read" if report.unread else ""
        return Ended(
            f"{words} in {report.files} files{unread}",
            {"places": places, "unread": report.unread, "warnings": report.notes},
        )


def _unread(account: Account, what: str, done: Result) -> KeyctlError:
    """The one error where nothing could be read: the key may be dead already, and only a next one can look then."""
    first = done.errors[0]
    error = KeyctlError(
        f"{account.label}: {what} are unknown: {first.message}",
        f"check the exchange's own pages, or add the next key: keyctl rotate {account.label}",
        code=first.code,
        account=account.label,
        exchange=account.exchange,
        exchange_code=first.exchange_code,
    )
    error.exit_code = done.exit_code
    return error
