"""The one door to signers: opens the secrets of many accounts at once, and tells of each why it cannot be used.

One odd account is its own trouble: it never keeps another from closing, canceling or being read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import TYPE_CHECKING

from keyctl.errors import ExitCode, KeyctlError, SetupProblem
from keyctl.home.selection import check_active, check_readable
from keyctl.model.account import Account
from keyctl.model.credential import Credential
from keyctl.model.words import Market, Standing

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.exchanges.signer import Signer
    from keyctl.home.accounts import Accounts
    from keyctl.journal.legs import Journal
    from keyctl.network.lines import Network
    from keyctl.network.session import Session
    from keyctl.terminal.output import Result
    from keyctl.vault.store import SecretStore


@dataclass(frozen=True, slots=True)
class Opened:
    """Exchange and signer by account id, and by account id why an account has none."""

    signers: Mapping[str, tuple[Exchange, Signer]]
    troubles: Mapping[str, SetupProblem]

    def session(self, account: Account, network: Network, journal: Journal, market: Market = Market.SPOT) -> Session:
        """The account's session; a barred one where it has no signer, no known way out or no CA file."""
        from keyctl.network.session import Session  # late: those who only want secrets need no network

        if account.id in self.troubles:
            return Session.barred(account, self.troubles[account.id], network, journal, market)
        exchange, signer = self.signers[account.id]
        return _session(account, exchange, signer, network, journal, market)


def open_signers(store: SecretStore, accounts: Accounts, wanted: Iterable[Account]) -> Opened:
    """Signers of all these accounts from one opening of the store. Raises SetupProblem when that does not open."""
    from keyctl.exchanges.shipped import load

    chosen = tuple(wanted)
    credentials, troubles = open_credentials(store, accounts, chosen)
    signers: dict[str, tuple[Exchange, Signer]] = {}
    for account in chosen:
        if account.id in troubles:
            continue
        try:
            if account.standing is Standing.PENDING:
                check_active(account)
            credential = credentials[account.id]
            exchange = load(credential.binding)
            signer = exchange.signer(credential.api_key, credential.secret, credential.algorithm, credential.passphrase)
            signers[account.id] = exchange, signer
        except KeyctlError as trouble:
            troubles[account.id] = own_trouble(account, trouble)
    return Opened(signers, troubles)


def open_credentials(
    store: SecretStore, accounts: Accounts, wanted: Iterable[Account]
) -> tuple[dict[str, Credential], dict[str, SetupProblem]]:
    """The credentials of accounts by id from one opening of the store, each the one that was stored; and why an account
    has none: secret_missing, secret_damaged, secret_doubled, binding_mismatch, key_mismatch, account_unread.

    Raises SetupProblem when the store does not open.
    """
    chosen = tuple(wanted)
    readable = [account for account in chosen if not account.unread]
    found = store.get_each([account.id for account in readable])
    credentials: dict[str, Credential] = {}
    troubles: dict[str, SetupProblem] = {}
    for account in chosen:
        try:
            check_readable(account)
            accounts.check_of_twin(account)
            item = found.get(account.id)
            if item is None:
                raise _secret_missing(account)
            if isinstance(item, SetupProblem):
                raise item
            _check_is_stored_one(account, item, accounts)
            credentials[account.id] = item
        except SetupProblem as trouble:
            troubles[account.id] = own_trouble(account, trouble)
    return credentials, troubles


def keyless_session(account: Account, network: Network, journal: Journal, market: Market = Market.SPOT) -> Session:
    """A session for public calls along the account's own way; a barred one where the account cannot be used."""
    from keyctl.exchanges.shipped import load
    from keyctl.network.session import Session

    try:
        check_readable(account)
        return _session(account, load(account.binding), None, network, journal, market)
    except KeyctlError as trouble:
        return Session.barred(account, own_trouble(account, trouble), network, journal, market)


def own_trouble(account: Account, trouble: KeyctlError) -> SetupProblem:
    """The trouble as one of this account alone, which names it."""
    return SetupProblem(
        trouble.message if trouble.message.startswith(f"{account.label}: ") else f"{account.label}: {trouble.message}",
        *(hint.replace("LABEL", account.label).replace("EXCHANGE", account.exchange) for hint in trouble.hints),
        code=trouble.code,
        account=account.label,
        exchange=account.exchange,
    )


def beside(result: Result, troubles: Sequence[KeyctlError]) -> Result:
    """The result of the other accounts, with those that were left out as errors beside it; then it is partial."""
    if not troubles:
        return result
    code = ExitCode.PARTIAL if result.exit_code is ExitCode.OK else result.exit_code
    return replace(result, exit_code=code, errors=(*result.errors, *troubles))


def _session(
    account: Account, exchange: Exchange, signer: Signer | None, network: Network, journal: Journal, market: Market
) -> Session:
    from keyctl.network.session import Session

    try:
        network.check(account)
    except SetupProblem as trouble:
        return Session.barred(account, own_trouble(account, trouble), network, journal, market)
    return Session(account, exchange, signer, network, journal, market)


def _check_is_stored_one(account: Account, credential: Credential, accounts: Accounts) -> None:
    """Raises SetupProblem when the secret is bound elsewhere, or is of another API key than was stored: neither an
    edited list nor an exchanged secret may send an order to another place or exchange account."""
    if credential.binding != account.binding:
        raise disagreement(account, credential)
    if account.standing is Standing.PENDING and not credential.api_key:
        return
    if not compare_digest(accounts.key_hash(credential.api_key), account.api_key_hash):
        raise SetupProblem(
            f"{account.label}: the store holds a different API key than was stored for it",
            "nothing was sent; someone, or another program, has replaced the secret",
            f"remove the account: keyctl remove {account.label}",
            f"then add it again: keyctl add {account.exchange}",
            code="key_mismatch",
            account=account.label,
            exchange=account.exchange,
        )


def _secret_missing(account: Account) -> SetupProblem:
    return SetupProblem(
        f"{account.label}: its secret is not in the store",
        f"remove the account: keyctl remove {account.label}",
        f"then add it again: keyctl add {account.exchange}",
        code="secret_missing",
        account=account.label,
        exchange=account.exchange,
    )


def disagreement(account: Account, credential: Credential) -> SetupProblem:
    """The error for a secret that is bound to another place than the account list says."""
    return SetupProblem(
        f"{account.label}: the account list and the stored secret have different exchanges or endpoints",
        "nothing was sent; remove the account and add it again",
        code="binding_mismatch",
        account=account.label,
        exchange=credential.binding.exchange,
    )
