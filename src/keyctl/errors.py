"""What can go wrong, as the user meets it: one base class, its few kinds, and the exit codes.

KeyctlError
 + UsageProblem       2   wrong usage: syntax, unknown names
 + SetupProblem       3   accounts, vault, keyring
 + CheckFailed        4   a check or a limit said no; nothing was sent
 + ExchangeRefused    5   the exchange answered with an error
 + OutcomeUnknown     7   an order's outcome is not known
 + Unreached          8   the exchange was not reached: no byte of the request has left
 |  + NoAnswer        8   bytes have left and no usable answer came back
 |  + NonceBusy       9   another process uses this API key's nonces
 |     + NonceUnkept  9   this API key's nonces cannot be counted here
 + StoreUnusable      9   journal or disk
 |  + JournalUnwritten 9  the journal can be read, and not written
 + NeedsPerson       10   a question needs a person and there is no terminal
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyctl.model.told import ExchangeError


class ExitCode(IntEnum):
    """The process's exit codes. The digits stand here alone."""

    OK = 0
    FAULT = 1
    USAGE = 2
    SETUP = 3
    CHECK = 4
    REFUSED = 5
    PARTIAL = 6
    UNKNOWN = 7
    UNREACHED = 8
    STORE = 9
    PERSON = 10
    INTERRUPTED = 130
    TERMINATED = 143


class KeyctlError(Exception):
    """One line of what failed, hints of what to do next, and where it happened. Never holds a secret.

    `code` is stable and machine-readable; a raiser may give a narrower one than its class's.
    """

    code = "fault"
    exit_code = ExitCode.FAULT
    repeatable = False

    def __init__(
        self,
        message: str,
        *hints: str,
        code: str | None = None,
        exchange: str | None = None,
        account: str | None = None,
        market: str | None = None,
        exchange_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints
        if code is not None:
            self.code = code
        self.exchange = exchange
        self.account = account
        self.market = market
        self.exchange_code = exchange_code

    def named(self, account: str, exchange: str, market: str) -> KeyctlError:
        """This error with its account named: what a connection says knows hosts only."""
        error = KeyctlError(
            f"{account}: {self.message.removeprefix(f'{account}: ')}",
            *self.hints,
            code=self.code,
            exchange=self.exchange or exchange,
            account=account,
            market=self.market or market,
            exchange_code=self.exchange_code,
        )
        error.exit_code, error.repeatable = self.exit_code, self.repeatable
        return error


class UsageProblem(KeyctlError):
    """Wrong usage: bad syntax, an unknown name."""

    code = "usage"
    exit_code = ExitCode.USAGE


class SetupProblem(KeyctlError):
    """An account, the vault or the keyring is not set up, locked or missing."""

    code = "not_set_up"
    exit_code = ExitCode.SETUP


class CheckFailed(KeyctlError):
    """A check or a limit said no. Nothing was sent."""

    code = "check_failed"
    exit_code = ExitCode.CHECK


class ExchangeRefused(KeyctlError):
    """The exchange answered with an error of its own; `error` holds it as data."""

    code = "exchange_refused"
    exit_code = ExitCode.REFUSED

    def __init__(self, error: ExchangeError, *hints: str, account: str | None = None, market: str | None = None):
        text = f": {error.words}" if error.words else ""
        super().__init__(
            f"{error.exchange} returned {error.code} (HTTP {error.http}){text}",
            *hints,
            exchange=error.exchange,
            account=account,
            market=market,
            exchange_code=error.code,
        )
        self.error = error


class OutcomeUnknown(KeyctlError):
    """Whether an order was taken is not known; it blocks its account and symbol until it has been read."""

    code = "outcome_unknown"
    exit_code = ExitCode.UNKNOWN


class Unreached(KeyctlError):
    """No byte of the request has left this machine: refused, DNS, connect time-out, TLS."""

    code = "not_reached"
    exit_code = ExitCode.UNREACHED
    repeatable = True


class NoAnswer(Unreached):
    """Bytes may have left, and no complete, readable answer came back. For a write this means unknown."""

    code = "no_answer"


class NonceBusy(Unreached):
    """Another process has used this API key's nonces for too long: no call with that key could leave. A matter of that
    one account, like an exchange that is not reached; it ends as the journal's trouble does."""

    code = "nonce_busy"
    exit_code = ExitCode.STORE


class NonceUnkept(NonceBusy):
    """The nonces of this API key cannot be counted, since nothing can be written: no call with that key could leave."""

    code = "nonce_not_kept"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"cannot save the nonce counter of this key, which its requests need: {why}",
            "make the data folder writable; other accounts are read anyway",
        )


class StoreUnusable(KeyctlError):
    """The journal or the disk cannot be used: full, locked, damaged, or newer than this program."""

    code = "store_unusable"
    exit_code = ExitCode.STORE


class JournalUnwritten(StoreUnusable):
    """The journal can be read and not written: what must be kept is refused, what only reads works without keeping."""

    code = "journal_unwritten"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the journal cannot be written: {reason}; nothing was sent",
            "make it writable, or free disk space; until then, reading and canceling work: keyctl cancel",
        )
        self.reason = reason


class NeedsPerson(KeyctlError):
    """A question needs a person and there is no terminal; the hint names the option to use."""

    code = "needs_person"
    exit_code = ExitCode.PERSON


def worst(troubles: Iterable[KeyctlError]) -> ExitCode:
    """How a run ends of which nothing worked: one refusal says more than silence, and silence more than a check."""
    codes = {trouble.exit_code for trouble in troubles}
    for code in (ExitCode.REFUSED, ExitCode.UNREACHED, ExitCode.STORE):
        if code in codes:
            return code
    return ExitCode.SETUP if codes == {ExitCode.SETUP} else ExitCode.CHECK
