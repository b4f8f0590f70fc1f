"""Who is in which group. One definition a name: config.toml's [groups], or the --group of add and edit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from keyctl.errors import UsageProblem
from keyctl.model.account import Account


class Definitions(NamedTuple):
    """The two places in which a group can be defined, each with the labels that it names."""

    config: tuple[str, ...]
    accounts: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"in config.toml under [groups] ({', '.join(self.config) or 'empty'}), "
            f"and by --group for {', '.join(self.accounts)}"
        )


class Groups:
    """The groups of one home, from its accounts and from what config.toml lists under [groups]. `twice` has the names
    that both define, with both definitions.

    A name that both define means nobody, even where both name the same accounts: the next change to one of them would
    part them unseen. Who names it is refused; everybody else goes on without it.
    """

    def __init__(self, accounts: Iterable[Account], listed: Mapping[str, tuple[str, ...]]) -> None:
        self._accounts = tuple(accounts)
        self._listed = listed
        self.twice = self._defined_twice()

    def names(self) -> tuple[str, ...]:
        """Every name that is defined anywhere, those of config.toml first."""
        return tuple(dict.fromkeys((*self._listed, *(name for account in self._accounts for name in account.groups))))

    def _defined_twice(self) -> dict[str, Definitions]:
        found = {}
        for name, labels in self._listed.items():
            here = tuple(account.label for account in self._accounts if name in account.groups)
            if here:
                found[name] = Definitions(labels, here)
        return found

    def of(self, account: Account) -> tuple[str, ...]:
        """The groups that an account is in, whether it takes part now or not."""
        listed = (name for name, labels in self._listed.items() if account.label in labels)
        return tuple(name for name in dict.fromkeys((*account.groups, *listed)) if name not in self.twice)

    def members(self, name: str) -> tuple[Account, ...]:
        """The accounts that a command means by this group: active ones only; nobody for a name that is defined twice,
        or not at all."""
        return tuple(account for account in self._accounts if not account.disabled and name in self.of(account))

    def check(self, name: str) -> None:
        """Nothing when the name means one thing. Raises UsageProblem (group_defined_twice) with both places."""
        both = self.twice.get(name)
        if both is not None:
            raise UsageProblem(
                f"group {name} is defined twice: {both}",
                "to remove it from config.toml: keyctl config edit",
                f"to remove it from an account: keyctl edit {both.accounts[0]} --no-group {name}",
                code="group_defined_twice",
            )

    def warnings(self) -> tuple[str, ...]:
        """A line for each name that no command would take, for those that show groups without naming one."""
        found = [f"group {name} is defined twice, so it is not used: {both}" for name, both in self.twice.items()]
        stored = {account.label for account in self._accounts}
        for name, labels in self._listed.items():
            gone = [label for label in labels if label not in stored]
            if gone and name not in self.twice:
                found.append(f"group {name} of config.toml has unknown accounts: {', '.join(gone)}")
        return tuple(found)


def check_not_listed(names: Iterable[str], listed: Mapping[str, tuple[str, ...]]) -> None:
    """Nothing when --group may define these. Raises UsageProblem (group_in_config) for one of config.toml."""
    for name in names:
        if name in listed:
            raise UsageProblem(
                f"group {name} is already defined in config.toml",
                "add the account there, under [groups]: keyctl config edit",
                code="group_in_config",
            )
