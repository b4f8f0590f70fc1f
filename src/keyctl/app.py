"""App: opens each heavy thing on first use and hands it on. The only place where a secret becomes a signer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from keyctl.journal.access import JournalAccess
from keyctl.terminal.output import OutputOptions

if TYPE_CHECKING:
    from keyctl.clock import Clock
    from keyctl.errors import SetupProblem
    from keyctl.exchanges.base import Exchange
    from keyctl.exchanges.credential_check import Fitness
    from keyctl.exchanges.signer import Signer
    from keyctl.home.accounts import Accounts
    from keyctl.home.config import Config
    from keyctl.home.folders import Home
    from keyctl.home.grouping import Groups
    from keyctl.journal.legs import Journal
    from keyctl.model.account import Account
    from keyctl.model.credential import Binding, Credential
    from keyctl.model.route import Route
    from keyctl.network.lines import Network
    from keyctl.opening import Opened
    from keyctl.terminal.prompt import Prompt
    from keyctl.vault.store import SecretStore


class App:
    """What a command works with: parts that are handed in, the others opened lazily, all closed by close()."""

    def __init__(
        self,
        output: OutputOptions | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        home: Home | None = None,
        store: SecretStore | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.output = output or OutputOptions()
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.no_input = False
        self.demo = False
        self.remarks: list[str] = []  # of a command's result, whatever it is
        self.once_shown: list[Callable[[], None]] = []  # called when the result was shown, and only then
        self._home, self._store, self._clock = home, store, clock
        self._closing = ExitStack()
        self.journals = JournalAccess(lambda: self.home, lambda: self.clock, self._closing)

    @cached_property
    def home(self) -> Home:
        from keyctl.home.folders import find_home

        return self._home or find_home(self.environ, demo=self.demo)

    @cached_property
    def accounts(self) -> Accounts:
        from keyctl.home.accounts import Accounts

        return Accounts(self.home)

    @cached_property
    def config(self) -> Config:
        from keyctl.home.config import read_config

        return read_config(self.home)

    @cached_property
    def groups(self) -> Groups:
        """Who is in which group, by the account list and the config as they are now."""
        from keyctl.home.grouping import Groups

        return Groups(self.accounts.all(), self.config.groups)

    @cached_property
    def prompt(self) -> Prompt:
        from keyctl.terminal.prompt import Prompt, given_descriptor

        return Prompt(no_input=self.no_input, passphrase_fd=given_descriptor(self.environ))

    @cached_property
    def store(self) -> SecretStore:
        from keyctl.hardening import harden_process
        from keyctl.vault.fingerprints import FingerprintedStore, Fingerprints
        from keyctl.vault.opening import open_store

        harden_process()
        store = self._store or open_store(self.home, self.prompt, self.environ, self.journals.vault_notes)
        labels = lambda: {account.id: account.label for account in self.accounts.all()}  # noqa: E731
        return FingerprintedStore(store, Fingerprints(self.home), labels, self.remarks.append)

    def halted(self, account: Account) -> str | None:
        """Why orders of an account are halted, for a person; None when they may go. Quick where nothing is halted."""
        if not self.home.halt_mark.exists():
            return None
        halts = self.journals.halts().of(account.id, account.exchange, account.api_key_hash)
        return halts[0].words if halts else None

    @cached_property
    def clock(self) -> Clock:
        from keyctl.clock import Clock

        return self._clock or Clock()

    @property
    def journal(self) -> Journal:
        """The journal to read and to note in. While it is lost it is an empty one in memory: see `journals.lost`."""
        return self.journals.to_read()

    def network(self) -> Network:
        """Lines to the exchanges, each account's along its own route, for one `async with`.

        Raises SetupProblem when the config cannot be read: then nothing goes out, and nothing directly. A route that
        cannot be read keeps its own account from going out.
        """
        from keyctl.network.lines import Network

        routes, lost = self._routes() if self.config.accounts else ({}, {})
        return Network(self.clock, self.home.state, routes, lost, loopback_only=self.home.is_demo)

    def _routes(self) -> tuple[dict[str, Route], dict[str, SetupProblem]]:
        """The ways out by label, and why one is not known. Both keys of a rotation go the same way, whatever their
        labels are meanwhile."""
        labels = {account.id: account.label for account in self.accounts.all()}
        routes, lost = self.config.routes(labels.values()), self.config.lost_routes()
        for old_id, new_id in self.journal.rotations.successors().items():
            old, new = labels.get(old_id, ""), labels.get(new_id, "")
            for one, other in ((old, new), (new, old)):
                if one in routes and other:
                    routes.setdefault(other, routes[one])
                if one in lost and other:
                    lost.setdefault(other, lost[one])
        return routes, lost

    def opened(self, accounts: Iterable[Account]) -> Opened:
        """Signers of many accounts from one opening of the store, and beside them why an account has none.

        Raises SetupProblem only when the store itself does not open.
        """
        from keyctl.opening import open_signers

        return open_signers(self.store, self.accounts, accounts)

    def note_use(self, accounts: Iterable[Account], what: str) -> None:
        """Remembers that their keys are used now, for an order, a read or exec: what is never used is to be deleted."""
        from keyctl.home.last_use import note_use

        note_use(self.home.state, [account.id for account in accounts], what, self.clock.now())

    def signer(self, account: Account) -> tuple[Exchange, Signer]:
        """Exchange and signer of one account.

        Raises SetupProblem when its secret is missing, of another API key, or bound to another exchange, kind or
        endpoint than the account list says: an edited list must not send a key elsewhere.
        """
        opened = self.opened([account])
        for trouble in opened.troubles.values():
            raise trouble
        return opened.signers[account.id]

    def fitness(self, account: Account) -> Fitness:
        """Whether the stored credential can be right at all, in words; the credential itself stays here.

        Raises SetupProblem when it is missing, or bound to another place than the account list says.
        """
        from keyctl.exchanges.credential_check import fitness
        from keyctl.exchanges.shipped import load

        credential = self.credential(account)
        return fitness(load(account.binding), credential)

    def signer_at(self, account: Account, binding: Binding) -> tuple[Exchange, Signer]:
        """Exchange and signer for another host of the account's own exchange, to read there.

        Raises SetupProblem for another exchange, and for loopback instead of a shipped host or the reverse.
        """
        from keyctl.exchanges.shipped import load
        from keyctl.opening import disagreement

        credential = self.credential(account)
        same_exchange = binding.exchange == credential.binding.exchange
        if not same_exchange or (binding.endpoint is None) is not (credential.binding.endpoint is None):
            raise disagreement(account, credential)
        exchange = load(binding)
        signer = exchange.signer(credential.api_key, credential.secret, credential.algorithm, credential.passphrase)
        return exchange, signer

    def credential(self, account: Account) -> Credential:
        """The stored credential itself, for the few commands that hand it on: exec, env, reveal, edit.

        Raises SetupProblem when it is missing, of another API key, or bound to another place than the list says.
        """
        found, troubles = self.credentials([account])
        for trouble in troubles.values():
            raise trouble
        self.store.get(account.id)  # refuses a vault of another line, whose keys are taken for leaving alone
        return found[account.id]

    def credentials(self, accounts: Iterable[Account]) -> tuple[dict[str, Credential], dict[str, SetupProblem]]:
        """The stored credentials of accounts by id, and by id why there is none, for the backup of all."""
        from keyctl.opening import open_credentials

        return open_credentials(self.store, self.accounts, accounts)

    def close(self) -> None:
        """Closes what was opened."""
        self._closing.close()
