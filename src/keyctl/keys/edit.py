"""What `edit`, `rename`, `disable` and `enable` do to a stored account. Asks no network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keyctl.errors import CheckFailed, SetupProblem, UsageProblem
from keyctl.home.account_entries import account_data
from keyctl.home.accounts import check_label
from keyctl.home.demo_only import check_outside
from keyctl.home.grouping import check_not_listed
from keyctl.home.selection import check_active
from keyctl.model.words import Standing
from keyctl.terminal.output import Note, Result

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.keys.intake import Sources
    from keyctl.model.account import Account


@dataclass(frozen=True, slots=True)
class Edit:
    """What shall change: a new passphrase (asked for, or from a source), markets, groups to enter and to leave, the
    proxy (a URL, or empty for none)."""

    ask_passphrase: bool
    passphrase: Sources
    market: str | None
    into: tuple[str, ...]
    out_of: tuple[str, ...]
    proxy: str | None = None

    @property
    def wants_passphrase(self) -> bool:
        return self.ask_passphrase or self.passphrase.given > 0


def edit(app: App, label: str, wish: Edit) -> Result:
    """Changes one account. A pending one that now has all it needs becomes active.

    Raises UsageProblem when nothing shall change or the proxy is no such URL, SetupProblem for a passphrase that cannot
    be right (bad_credential) and where config.toml says how the account goes (proxy_in_config).
    """
    from keyctl.exchanges.shipped import profile
    from keyctl.keys.enrol import markets_for

    if not (wish.wants_passphrase or wish.market or wish.into or wish.out_of or wish.proxy is not None):
        raise UsageProblem("no change given", "choose what to change: keyctl edit --help", code="nothing_to_change")
    account = app.accounts.get(label)
    for group in wish.into:
        check_label(group)
    if wish.into:
        check_not_listed(wish.into, app.config.groups)
    for group in wish.out_of:
        if group not in account.groups:
            known = ", ".join(account.groups) or "none (groups may also be in config.toml)"
            raise UsageProblem(f"{label} is not in group {group[:41]}", f"its groups: {known}", code="unknown_group")
    changed = account
    if wish.market:
        changed = replace(changed, markets=markets_for(profile(account.exchange), wish.market))
    groups = [name for name in dict.fromkeys((*account.groups, *wish.into)) if name not in wish.out_of]
    changed = replace(changed, groups=tuple(groups))
    if wish.proxy is not None:
        if wish.proxy:
            check_outside(app.home, "--proxy", "its exchanges are on this machine")
        changed = replace(changed, proxy=_proxy(app, account, wish.proxy))
    warnings: list[str] = []
    if wish.wants_passphrase:
        changed = _with_passphrase(app, changed, wish, warnings)
    app.accounts.replace(changed)
    way = "" if wish.proxy is None else f" It connects {f'through {changed.proxy}' if changed.proxy else 'directly'}."
    done = Note(f"Changed {label}.{way} Test it: keyctl verify {label}")
    return Result({"account": account_data(changed)}, view=(done,), warnings=tuple(warnings))


def _proxy(app: App, account: Account, url: str) -> str | None:
    """The proxy's URL as it is kept; None for an empty one: no proxy any more."""
    from keyctl.model.route import DIRECT, proxy_route

    label = account.label
    if app.config.account(label).route != DIRECT:
        raise SetupProblem(
            f"config.toml sets the proxy of {label}, and overrides this option",
            f"change proxy or local_address of [accounts.{label}]: keyctl config edit",
            code="proxy_in_config",
            account=label,
        )
    if (app.home.state / "journal.db").exists() and app.journal.rotations.of(account.id) is not None:
        raise CheckFailed(
            f"{label} is being rotated, and both of its keys must use the same connection",
            f"first: keyctl rotate {label}, then keyctl rotate {label} --finish",
            code="rotation_under_way",
            account=label,
        )
    try:
        return str(proxy_route(url)) if url else None
    except ValueError as error:
        raise UsageProblem(
            str(error), "for example: --proxy socks5://127.0.0.1:1080", code="bad_proxy", account=label
        ) from None


def _with_passphrase(app: App, account: Account, wish: Edit, warnings: list[str]) -> Account:
    """The account, once its stored credential has the new passphrase."""
    from keyctl.exchanges.shipped import load, profile
    from keyctl.keys.intake import clean_passphrase, read_source

    title = profile(account.exchange).title
    if not profile(account.exchange).passphrase:
        raise UsageProblem(f"keys of {title} have no passphrase", code="no_passphrase")
    app.store.get_many(())
    credential = app.credential(account)
    raw = read_source(wish.passphrase, warnings)
    if raw is None:
        raw = app.prompt.hidden("Passphrase of the key (hidden): ", option="--passphrase-file")
    fresh = replace(credential, passphrase=clean_passphrase(raw))
    if not fresh.api_key:
        raise UsageProblem(
            "the API key must be stored first",
            f"complete it: keyctl add {account.exchange} --from-keygen {account.label}",
        )
    adapter = load(account.binding)
    warnings += adapter.check_credential(fresh.api_key, fresh.secret, fresh.algorithm, fresh.passphrase)
    app.store.put(account.id, fresh)
    return replace(account, standing=Standing.ACTIVE) if account.standing is Standing.PENDING else account


def rename(app: App, label: str, new: str) -> Result:
    """Gives an account another label. What config.toml says of the old one is the person's to change."""
    account = app.accounts.get(label)
    app.accounts.check_new(new)
    app.accounts.replace(replace(account, label=new))
    config = app.config
    named = [f"groups.{name}" for name, labels in config.groups.items() if label in labels]
    named += [f"accounts.{label}"] if label in config.accounts else []
    named += ["accepted_risk"] if any(entry.account == label for entry in config.accepted_risks) else []
    warnings = (f"config.toml still says {label}: {', '.join(named)}; change it: keyctl config edit",) if named else ()
    data = {"account": account_data(app.accounts.get(new)), "was": label}
    return Result(data, view=(Note(f"{label} is now {new}."),), warnings=warnings)


def disable(app: App, labels: Iterable[str]) -> Result:
    """Takes accounts out of everything; their secrets stay."""
    changed = []
    for account in app.accounts.select(tuple(labels)):
        if account.standing is Standing.ACTIVE:
            account = replace(account, standing=Standing.DISABLED)
            app.accounts.replace(account)
        changed.append(account)
    names = ", ".join(account.label for account in changed)
    note = Note(f"Disabled {names}: in no group, not in --all, no orders. Its key still works at the exchange.")
    return Result({"accounts": [account_data(account) for account in changed]}, view=(note,))


def enable(app: App, labels: Iterable[str]) -> Result:
    """Lets disabled accounts take part again. Raises CheckFailed for one that is pending or quarantined."""
    chosen = app.accounts.select(tuple(labels))
    for account in chosen:
        if account.standing in (Standing.PENDING, Standing.QUARANTINED):
            raise _not_yet(account)
    changed = [replace(account, standing=Standing.ACTIVE) for account in chosen]
    for account in changed:
        app.accounts.replace(account)
    names = ", ".join(account.label for account in changed)
    return Result({"accounts": [account_data(account) for account in changed]}, view=(Note(f"Enabled {names}."),))


def _not_yet(account: Account) -> CheckFailed:
    """An account that has another way out than `enable`; two keys of one exchange account must never both send."""
    try:
        check_active(account)
    except SetupProblem as problem:
        return CheckFailed(problem.message, *problem.hints, code=problem.code, account=account.label)
    raise AssertionError(account.standing)
