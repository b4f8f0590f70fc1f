"""The nouns: what keyctl talks about. Frozen data without behaviour beyond checks of its own shape; no I/O.

Each module here is imported when one of its nouns is first asked for: making all classes takes longer than `--help`.
"""

# ruff: noqa: I001 - nouns stand together by module, not one line each
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyctl.model.account import (
        Account as Account,
    )
    from keyctl.model.account_events import (
        AccountEvent as AccountEvent,
        EventKind as EventKind,
        EventsPage as EventsPage,
    )
    from keyctl.model.credential import (
        Binding as Binding,
        Credential as Credential,
    )
    from keyctl.model.diagnosis import (
        Diagnosis as Diagnosis,
    )
    from keyctl.model.fills import (
        Fill as Fill,
        FillsAsked as FillsAsked,
        FillsPage as FillsPage,
    )
    from keyctl.model.futures import (
        FuturesState as FuturesState,
        OddRow as OddRow,
        OpenOrder as OpenOrder,
        Position as Position,
        Setup as Setup,
    )
    from keyctl.model.order import (
        Leg as Leg,
        LegResult as LegResult,
        Order as Order,
        OrderRef as OrderRef,
        OrderStatus as OrderStatus,
        Placed as Placed,
    )
    from keyctl.model.told import (
        ExchangeError as ExchangeError,
    )
    from keyctl.model.told import (
        ToldError as ToldError,
    )
    from keyctl.model.venue import (
        Balances as Balances,
        Instrument as Instrument,
        KeyPermissions as KeyPermissions,
        PriceBand as PriceBand,
        Ticker as Ticker,
    )
    from keyctl.model.verdict import (
        Finding as Finding,
    )
    from keyctl.model.wire import (
        JSON as JSON,
        Request as Request,
        Response as Response,
        SignedRequest as SignedRequest,
        Stamp as Stamp,
        WireRequest as WireRequest,
    )
    from keyctl.model.words import (
        Algorithm as Algorithm,
        Endpoint as Endpoint,
        Kind as Kind,
        Level as Level,
        MarginMode as MarginMode,
        Market as Market,
        OrderState as OrderState,
        OrderType as OrderType,
        Outcome as Outcome,
        PositionSide as PositionSide,
        Side as Side,
        Standing as Standing,
        Taken as Taken,
        TimeInForce as TimeInForce,
        Trigger as Trigger,
    )

# By module, so that a name is looked up without importing the others; a test holds that it is complete.
MODULES = {
    "words": (
        "Market",
        "Side",
        "OrderType",
        "TimeInForce",
        "Trigger",
        "PositionSide",
        "MarginMode",
        "Kind",
        "Standing",
        "Algorithm",
        "Outcome",
        "OrderState",
        "Level",
        "Endpoint",
        "Taken",
    ),
    "account": ("Account",),
    "account_events": ("AccountEvent", "EventKind", "EventsPage"),
    "credential": ("Binding", "Credential"),
    "order": ("Order", "OrderRef", "Leg", "Placed", "OrderStatus", "LegResult"),
    "wire": ("JSON", "Stamp", "Request", "WireRequest", "SignedRequest", "Response"),
    "venue": ("Instrument", "Ticker", "PriceBand", "Balances", "KeyPermissions"),
    "fills": ("Fill", "FillsAsked", "FillsPage"),
    "futures": ("Position", "FuturesState", "Setup", "OpenOrder", "OddRow"),
    "verdict": ("Finding",),
    "diagnosis": ("Diagnosis",),
    "told": ("ToldError", "ExchangeError"),
}

if not TYPE_CHECKING:  # type checkers see the imports above, and so a wrong name is still an error for them

    def __getattr__(name: str) -> object:
        for module, nouns in MODULES.items():
            if name in nouns:
                found = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = found
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
