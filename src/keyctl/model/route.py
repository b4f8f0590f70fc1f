"""Routes: how an account's calls leave this machine: directly, from one of its addresses, or through a proxy."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from keyctl.model.account import Account


class RouteKind(StrEnum):
    """The ways out."""

    DIRECT = "direct"
    LOCAL = "local"
    SOCKS5 = "socks5"
    HTTP = "http"


_PORTS = {RouteKind.SOCKS5: 1080, RouteKind.HTTP: 8080}
_SCHEMES = {"socks5": RouteKind.SOCKS5, "socks5h": RouteKind.SOCKS5, "http": RouteKind.HTTP}
_NAME = r"(?i)(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"


class Route(NamedTuple):  # quicker to define than a dataclass; keyctl list waits for it
    """One way out. `host` is the proxy, or the address of ours to leave from; empty for the direct way."""

    kind: RouteKind = RouteKind.DIRECT
    host: str = ""
    port: int = 0

    @property
    def proxied(self) -> bool:
        return self.kind in (RouteKind.SOCKS5, RouteKind.HTTP)

    @property
    def on_this_machine(self) -> bool:
        """Whether the first hop is no other machine; only then may an unencrypted call to loopback go this way."""
        return not self.proxied or is_loopback(self.host)

    def __str__(self) -> str:
        if self.kind is RouteKind.DIRECT:
            return "direct"
        if self.kind is RouteKind.LOCAL:
            return f"from {self.host}"
        return f"{self.kind}://{_bracketed(self.host)}:{self.port}"


DIRECT = Route()
# Binding to "any address" of one family leaves by that family and by no other.
BY_VERSION = {4: Route(RouteKind.LOCAL, "0.0.0.0"), 6: Route(RouteKind.LOCAL, "::")}


def route_of(account: Account, named: Route) -> Route:
    """An account's way out: `named`, which config.toml says, else through its own proxy, else directly."""
    return proxy_route(account.proxy) if named == DIRECT and account.proxy is not None else named


def route_name(account: Account, route: Route) -> str:
    """The name under which the address of an account's route is remembered.

    Exchanges on this machine see another address than those of the world, so theirs has a name of its own.
    """
    return f"{route} (loopback)" if account.endpoint else str(route)


def proxy_route(url: str) -> Route:
    """The route through a proxy written as socks5://HOST:PORT or http://HOST:PORT.

    Raises ValueError, with words that do not repeat the URL: somebody may have put a password there.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        kind = _SCHEMES.get(parts.scheme)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("proxy must be a URL such as socks5://127.0.0.1:1080") from None
    if parts.username is not None or parts.password is not None or "@" in url:
        raise ValueError("a proxy with a password is not supported: settings must not hold secrets")
    if kind is None:
        raise ValueError("proxy must begin with socks5:// or http://")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("proxy must be a scheme, a host and a port only")
    if not (_is_address(host) or re.fullmatch(_NAME, host)):
        raise ValueError("proxy has no valid host")
    return Route(kind, host, port or _PORTS[kind])


def local_route(address: str) -> Route:
    """The route that leaves from one of this machine's own addresses. Raises ValueError."""
    import ipaddress

    if not _is_address(address) or ipaddress.ip_address(address).is_unspecified:
        raise ValueError("local_address must be one IP address of this machine, such as 192.0.2.10")
    return Route(RouteKind.LOCAL, str(ipaddress.ip_address(address)))


def is_loopback(host: str) -> bool:
    """Whether the host is a literal loopback address (a name such as localhost is not)."""
    import ipaddress

    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
