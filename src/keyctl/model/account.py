"""An account: the facts of one API key, without its secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from keyctl.model.noun import Noun
from keyctl.model.words import Algorithm, Kind, Market, Standing

if TYPE_CHECKING:
    from keyctl.model.credential import Binding


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Account(Noun):
    """One API key at one exchange, without its secret. `endpoint` is set for loopback accounts only.

    `created` is when it was stored here. As the exchange last told them, else None: `key_created`, and `ip_list`,
    whether the key has a list of addresses. `proxy` is what `keyctl edit` was told; config.toml goes before it.
    `other_uid`: another account id than `uid` that its exchange told since; nothing may be opened then.
    `profile`: the shipped key profile that it was added with; those in config.toml go before it.
    `unread` names the facts that this version cannot read; such an account is listed and used for nothing.
    """

    id: str
    label: str
    exchange: str
    kind: Kind
    site: str
    markets: tuple[Market, ...]
    algorithm: Algorithm
    api_key_hint: str
    api_key_hash: str
    created: datetime
    endpoint: str | None = None
    ca_file: str | None = None
    uid: str | None = None
    groups: tuple[str, ...] = ()
    standing: Standing = Standing.ACTIVE
    key_created: datetime | None = None
    ip_list: bool | None = None
    proxy: str | None = None
    other_uid: str | None = None
    profile: str | None = None
    unread: tuple[str, ...] = ()

    @property
    def disabled(self) -> bool:
        """Whether it takes part in nothing, for whatever reason."""
        return self.standing is not Standing.ACTIVE

    @property
    def binding(self) -> Binding:
        """What the stored secret must agree with before it is used."""
        from keyctl.model.credential import Binding

        return Binding(self.exchange, self.kind, self.site, self.endpoint, self.ca_file)
