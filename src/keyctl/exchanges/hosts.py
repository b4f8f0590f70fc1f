"""Hosts: an exchange's facts, bound to the hosts of one kind and site, and the requests that go there. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from keyctl.errors import UsageProblem
from keyctl.exchanges.profile import Profile
from keyctl.model.credential import Binding
from keyctl.model.wire import JSON, Request, Response

T = TypeVar("T")
ORDER_WINDOW_MS = 5000


class Read(NamedTuple, Generic[T]):
    """A read as data: what to ask, and how the answer is read; that raises Unreadable."""

    request: Request
    read: Callable[[Response], T]


class Reads(NamedTuple, Generic[T]):
    """The same, where it takes several answers, in the order of their requests."""

    requests: tuple[Request, ...]
    read: Callable[[tuple[Response, ...]], T]


class Hosts:
    """One exchange's hosts (or one loopback endpoint) and facts. No request can go anywhere else."""

    def __init__(self, profile: Profile, binding: Binding) -> None:
        self.profile = profile
        self.binding = binding
        sites = profile.hosts.get(binding.kind, {})
        if binding.endpoint is not None:
            self._hosts: dict[str, str] | None = None
        elif binding.site in sites:
            self._hosts = sites[binding.site]
        else:
            known = ", ".join(sites) if sites else "none"
            raise UsageProblem(
                f"{profile.title} has no {binding.kind} site '{binding.site}'",
                f"sites for {binding.kind}: {known}",
                code="unknown_site",
            )

    @property
    def name(self) -> str:
        return self.profile.name

    def host(self, role: str) -> str:
        """The scheme and host for a role such as "spot". Raises UsageProblem where this kind has no such host."""
        if self._hosts is None:
            assert self.binding.endpoint is not None
            return self.binding.endpoint
        if role not in self._hosts:
            raise UsageProblem(f"{self.profile.title} {self.binding.kind} has no {role} API", code="no_such_host")
        return self._hosts[role]

    def has_host(self, role: str) -> bool:
        """Whether this kind and site serve that role (Binance's testnet has no key introspection, for example)."""
        return self._hosts is None or role in self._hosts

    def read(self, method: str, role: str, path: str, *params: tuple[str, JSON], private: bool = True) -> Request:
        """A request that only reads."""
        return Request(method, self.host(role), path, params, private=private, repeatable=True)

    def write(self, method: str, role: str, path: str, *params: tuple[str, JSON]) -> Request:
        """A request that can change an account; it is never repeated, and asks for the shortest window."""
        return Request(method, self.host(role), path, params, private=True, window_ms=ORDER_WINDOW_MS)

    def readable_request(self, method: str, path: str, params: tuple[tuple[str, str], ...]) -> Request:
        """A request for `keyctl request`. Raises UsageProblem for a path that is not in the shipped list of reads."""
        for entry in self.profile.readable:
            pattern = re.escape(entry.path).replace(r"\{\}", r"[A-Za-z0-9:._-]+")
            if entry.method == method.upper() and re.fullmatch(pattern, path):
                return self.read(entry.method, entry.host, path, *params, private=entry.private)
        raise UsageProblem(
            f"{method.upper()[:10]} {path[:80]} is not in the list of reads for {self.profile.title}",
            "list the reads that keyctl signs: keyctl request --paths " + self.name,
            code="path_not_readable",
        )
