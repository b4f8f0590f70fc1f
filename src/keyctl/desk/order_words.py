"""The words of `keyctl order` as a wish and a sizing. No I/O; bad ones are a UsageProblem."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keyctl.errors import UsageProblem
from keyctl.exchanges.encoding import plain
from keyctl.exchanges.typed_symbols import perpetuals_of, read_symbol
from keyctl.model.size import market_of, read_number
from keyctl.model.words import MarginMode, Market, PositionSide, Side, TimeInForce, Trigger
from keyctl.orders.wish import Wish

if TYPE_CHECKING:
    from keyctl.home.config import Config
    from keyctl.orders.sizing import Sizing

_SIZES = (("size", "SIZE"), ("quote", "--quote"), ("contracts", "--contracts"))


def wish_of(options: Mapping[str, Any], config: Config, now: float) -> Wish:
    """What the person asked for. `now` (Unix s) is what --until is held against. Raises UsageProblem."""
    if not options["side"] or not options["symbol"]:
        raise UsageProblem(
            "an order needs a side and a symbol", "give both, such as: keyctl order buy BTC/USDT 0.001 --price 60000"
        )
    (_check_for_position if options["for_position"] else _check_one_size)(options)
    price = _number(options, "price")
    trigger, trigger_price = _trigger(options)
    time_in_force = TimeInForce(options["tif"])
    if price is None and (options["post_only"] or time_in_force is not TimeInForce.GTC):
        raise UsageProblem("--post-only and --tif require --price")
    if options["post_only"] and time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        raise UsageProblem("--post-only cannot be combined with --tif ioc or fok")
    wish = Wish(
        symbol=read_symbol(options["symbol"]),
        side=Side(options["side"]),
        quantity=_number(options, "size"),
        quote=_number(options, "quote", "value"),
        price=price,
        time_in_force=time_in_force,
        post_only=options["post_only"],
        max_slippage=_slippage(options, config, price is not None or trigger is not None),
        contracts=_number(options, "contracts", "number of contracts"),
        position=PositionSide(options["position"]) if options["position"] else None,
        reduce_only=options["reduce_only"] or options["for_position"],
        leverage=_number(options, "leverage"),
        margin=MarginMode(options["margin"]) if options["margin"] else None,
        change_existing=options["change_existing"],
        trigger=trigger,
        trigger_price=trigger_price,
        expires_ms=_expires(options["until"], time_in_force, now),
        experimental=options["experimental"],
        for_position=options["for_position"],
    )
    return _check_words(wish)


def _check_words(wish: Wish) -> Wish:
    """The wish, unless it contradicts itself or asks of spot what only perpetuals have."""
    if market_of(wish.symbol) is Market.SPOT:
        for name, value in (
            ("--position", wish.position),
            ("--leverage", wish.leverage),
            ("--margin", wish.margin),
            ("--for-position", wish.for_position),
            ("--reduce-only", wish.reduce_only),
            ("--contracts", wish.contracts),
        ):
            if value:
                hint = f"for the perpetual, use {perpetuals_of(wish.symbol)}"
                raise UsageProblem(
                    f"{name} is for perpetuals, and {wish.symbol} is a spot symbol", hint, code="spot_symbol"
                )
    if wish.reduce_only and wish.position is wish.side.opens:
        raise UsageProblem(f"a {wish.side} cannot reduce a {wish.position} position", code="contradiction")
    return wish


def sizing_of(options: Mapping[str, Any], config: Config) -> Sizing | None:
    """How sizes are worked out; None where the size is each account's own. Raises UsageProblem."""
    percent, risk, stop = (_number(options, name) for name in ("percent", "risk", "stop"))
    chosen = [name for name in ("total", "percent", "risk") if options[name]]
    if len(chosen) > 1:
        raise UsageProblem(f"use either --{chosen[0]} or --{chosen[1]}")
    if options["split"] and not options["total"]:
        raise UsageProblem("--split requires --total")
    if (risk is None) is not (stop is None):
        raise UsageProblem("--risk and --stop must be used together", "to lose 1% at 58000: --risk 1 --stop 58000")
    if not chosen:
        return None
    from keyctl.orders.sizing import Sizing, Split

    for share in (percent, risk):
        if share is not None and share > 100:
            raise UsageProblem("--percent and --risk must be at most 100")
    # The default group's weights are for the default group, not for whoever else is named.
    group = options["group"] or ("" if options["labels"] or options["everything"] else "default")
    weights = config.weights.get(group, {})
    split = Split(options["split"] or (Split.WEIGHTS if weights else Split.EQUAL)) if options["total"] else None
    return Sizing(split, weights, percent, risk, stop)


def asked_text(wish: Wish, sizing: Sizing | None) -> str:
    """The size and prices of a wish as they were asked for: the same text for the same wish, whatever prices and
    balances make of it later."""
    sizes = (("base", wish.quantity), ("quote", wish.quote), ("contracts", wish.contracts))
    words = [f"{unit} {plain(number)}" for unit, number in sizes if number is not None]
    words += ["size of the position"] if wish.for_position else []
    if sizing is not None:
        shares = (("percent", sizing.percent), ("risk", sizing.risk), ("stop", sizing.stop))
        words += [f"{name} {plain(number)}" for name, number in shares if number is not None]
        words += [f"split {sizing.split}"] if sizing.split is not None else []
    prices = (("price", wish.price), ("trigger", wish.trigger_price))
    words += [f"{name} {'none' if price is None else plain(price)}" for name, price in prices]
    return ", ".join(words)


def _check_one_size(options: Mapping[str, Any]) -> None:
    given = [word for name, word in _SIZES if options[name]]
    if options["percent"] or options["risk"]:
        if given:
            raise UsageProblem(f"--percent and --risk calculate the size; remove {given[0]}")
        return
    if len(given) != 1:
        raise UsageProblem("give one size: SIZE in the base currency, --quote VALUE or --contracts N")


def _check_for_position(options: Mapping[str, Any]) -> None:
    """Raises UsageProblem for words that do not fit an order whose size is a position."""
    if not (options["stop_at"] or options["take_profit_at"]):
        raise UsageProblem(
            "--for-position requires --stop-at or --take-profit-at",
            f"to close a position now: keyctl close {options['symbol']} -a LABEL",
        )
    sizes = (*_SIZES, *((name, f"--{name}") for name in ("total", "split", "percent", "risk", "stop", "leverage")))
    given = [word for name, word in sizes if options[name]]
    if given:
        raise UsageProblem(f"--for-position uses the size of the position; remove {given[0]}")


def _trigger(options: Mapping[str, Any]) -> tuple[Trigger | None, Decimal | None]:
    stop, profit = _number(options, "stop_at", "price"), _number(options, "take_profit_at", "price")
    if stop is not None and profit is not None:
        raise UsageProblem("use either --stop-at or --take-profit-at")
    if stop is not None:
        return Trigger.STOP, stop
    return (Trigger.TAKE_PROFIT, profit) if profit is not None else (None, None)


def _slippage(options: Mapping[str, Any], config: Config, has_price: bool) -> Decimal | None:
    given = options["max_slippage"]
    if given and has_price:
        raise UsageProblem("--max-slippage cannot be combined with --price")
    if given == "none":
        return None
    return read_number(given, "slippage") if given else config.limits.max_slippage


def _expires(text: str | None, time_in_force: TimeInForce, now: float) -> int | None:
    if (text is None) is (time_in_force is TimeInForce.GTD):
        raise UsageProblem("--tif gtd and --until must be used together", "--tif gtd --until 2026-12-31T18:00Z")
    if text is None:
        return None
    try:
        until = datetime.fromisoformat(text)
        if until.tzinfo is None:
            raise UsageProblem("--until needs a time zone", "for UTC, use 2026-12-31T18:00Z", code="bad_time")
        seconds = until.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):  # beyond the year 9999 in UTC there is no day to show
        raise UsageProblem(f"'{text[:40]}' is not a time", "use the form 2026-12-31T18:00Z", code="bad_time") from None
    if seconds <= now:
        raise UsageProblem("--until is in the past", code="bad_time")
    return int(seconds) * 1000


def _number(options: Mapping[str, Any], name: str, what: str = "") -> Decimal | None:
    return read_number(options[name], what or name) if options[name] else None
