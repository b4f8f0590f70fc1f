"""What config.toml says of key profiles, of single accounts and of the way out: read into plain data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from keyctl.errors import SetupProblem
from keyctl.home.echo import service_address
from keyctl.home.profiles import SHIPPED, KeyProfile, own_profile
from keyctl.model.route import DIRECT, Route, local_route, proxy_route

if TYPE_CHECKING:
    from keyctl.home.config_text import ConfigText

_PROFILE_KEYS = ("wanted", "forbidden", "ip_list", "max_age_days")
_NAME = r"[a-z0-9][a-z0-9._-]{0,40}"


class AccountSettings(NamedTuple):  # quicker to define than a dataclass; keyctl list waits for it
    """The person's settings for one account: the profiles that its key must fit (none: the default), its way out.

    `lost` is why the way out cannot be read, which is the trouble of that account alone.
    """

    profiles: tuple[KeyProfile, ...] = ()
    way: Route = DIRECT
    lost: SetupProblem | None = None

    @property
    def route(self) -> Route:
        """The way out. Raises SetupProblem (bad_config) where it cannot be read: never directly by mistake."""
        if self.lost is not None:
            raise self.lost
        return self.way


def read_profiles(text: ConfigText) -> dict[str, KeyProfile]:
    """The person's own profiles, from [profiles.NAME]. Raises SetupProblem (bad_config)."""
    return {
        name: _profile(text, name, text.table(raw, f"profiles.{name}"))
        for name, raw in text.table(text.raw.get("profiles", {}), "profiles").items()
    }


def _profile(text: ConfigText, name: str, raw: dict[str, Any]) -> KeyProfile:
    table = f"profiles.{name}"
    text.refuse_unknown(raw, _PROFILE_KEYS, table)
    if not re.fullmatch(_NAME, name):
        raise text.problem("a profile name may have a-z, 0-9, dot, dash and underscore", text.line(table, ""))
    ip_list = raw.get("ip_list", True)
    if not isinstance(ip_list, bool):
        raise text.problem("ip_list must be true or false", text.line(table, "ip_list"))
    age = text.whole(raw, table, "max_age_days", 1) if "max_age_days" in raw else None
    wanted, forbidden = _names(text, raw, table, "wanted"), _names(text, raw, table, "forbidden")
    try:
        return own_profile(name, wanted, forbidden, ip_list, age)
    except ValueError as error:
        raise text.problem(str(error), text.line(table, "")) from None


def read_accounts(text: ConfigText, own: dict[str, KeyProfile]) -> dict[str, AccountSettings]:
    """Settings by account label, from [accounts.LABEL]. Raises SetupProblem (bad_config), but not for a way out."""
    return {
        label: _account(text, f"accounts.{label}", text.table(raw, f"accounts.{label}"), {**SHIPPED, **own})
        for label, raw in text.table(text.raw.get("accounts", {}), "accounts").items()
    }


def _account(text: ConfigText, table: str, raw: dict[str, Any], known: dict[str, KeyProfile]) -> AccountSettings:
    text.refuse_unknown(raw, ("profile", "proxy", "local_address"), table)
    names = (raw["profile"],) if isinstance(raw.get("profile"), str) else _names(text, raw, table, "profile")
    for name in names:
        if name not in known:
            advice = f"profiles: {', '.join(known)}"
            raise text.problem("unknown profile", text.line(table, "profile"), advice)
    profiles = tuple(known[name] for name in names)
    try:
        return AccountSettings(profiles, _way(text, table, raw))
    except SetupProblem as problem:
        return AccountSettings(profiles, lost=problem)


def _way(text: ConfigText, table: str, raw: dict[str, Any]) -> Route:
    if "proxy" in raw and "local_address" in raw:
        raise text.problem("use either proxy or local_address", text.line(table, "local_address"))
    route = DIRECT
    for key, read in (("proxy", proxy_route), ("local_address", local_route)):
        if key in raw:
            try:
                route = read(raw[key] if isinstance(raw[key], str) else "")
            except ValueError as error:
                raise text.problem(str(error), text.line(table, key)) from None
            text.mark(raw, table, key)
    return route


def read_echo_url(text: ConfigText) -> str | None:
    """The address of the service that tells our own address, from [egress]; None: what `config set echo` says holds.

    Raises SetupProblem (bad_config) unless it is https, or http on this machine.
    """
    raw = text.table(text.raw.get("egress", {}), "egress")
    text.refuse_unknown(raw, ("echo_url",), "egress")
    if "echo_url" not in raw:
        return None
    try:
        url = service_address(raw["echo_url"] if isinstance(raw["echo_url"], str) else "")
    except ValueError as error:
        raise text.problem(f"echo_url {error}", text.line("egress", "echo_url")) from None
    text.mark(raw, "egress", "echo_url")
    return url


def _names(text: ConfigText, raw: dict[str, Any], table: str, key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise text.problem(f"{key} must be a list of names", text.line(table, key))
    if len(set(value)) != len(value):
        raise text.problem(f"{key} has a name twice", text.line(table, key))
    return tuple(value)
