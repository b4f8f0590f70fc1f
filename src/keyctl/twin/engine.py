"""What a venue's perpetuals need of the venue itself, which is above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keyctl.model.words import Market

if TYPE_CHECKING:
    from threading import RLock

    from keyctl.twin.book import Balance, Draft, VenueOrder
    from keyctl.twin.perpetual import DerivativeDraft


class Engine(Protocol):
    """What the perpetuals need of the venue that they belong to; it documents each."""

    lock: RLock
    orders: list[VenueOrder]

    def now_ms(self) -> int: ...
    def next_id(self) -> int: ...
    def balance(self, uid: str, currency: str) -> Balance: ...
    def orders_of(
        self, uid: str, *, symbol: str | None = None, is_open: bool | None = None, market: Market | None = Market.SPOT
    ) -> list[VenueOrder]: ...
    def check_duplicate(self, draft: Draft | DerivativeDraft) -> None: ...
    def enlist(self, order: VenueOrder) -> VenueOrder: ...
    def set_off(self, order: VenueOrder, at_ms: int) -> None: ...
