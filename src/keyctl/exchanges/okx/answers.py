"""OKX's envelopes, instruments and key settings turned into our nouns. What is missing or odd is Unreadable."""

from __future__ import annotations

from decimal import Decimal

from keyctl.answers import Row, Unreadable, clean_text, object_of, read_object
from keyctl.errors import CheckFailed
from keyctl.model.venue import Balances, Instrument, KeyPermissions
from keyctl.model.wire import JSON, Response
from keyctl.model.words import Market

# [official] OKX docs V5 (2026-07), "Get instruments": the states beside "live".
NOT_LIVE = ("suspend", "rebase", "preopen", "test")
_KNOWN_RIGHTS = {"read_only", "trade", "withdraw"}


def rows(response: Response) -> list[Row]:
    """The objects in `data` of a successful answer. Raises Unreadable unless code is "0"."""
    return [object_of(row) for row in data_of(response)]


def data_of(response: Response) -> list[JSON]:
    """What is in `data` of a successful answer. Raises Unreadable unless code is "0"."""
    body = read_object(response.body)
    if body.get("code") != "0":
        raise Unreadable("the answer does not say success")
    return body.array("data")


def one_row(response: Response) -> Row:
    """The single object in `data`. Raises Unreadable for none or several."""
    found = rows(response)
    if len(found) != 1:
        raise Unreadable("not exactly one element")
    return found[0]


def check_currencies(row: Row, symbol: str) -> None:
    """Nothing when the currencies that an instrument names are those of the symbol. Raises Unreadable."""
    base, quote = symbol.partition(":")[0].split("/")
    for name, wanted in (("baseCcy", base), ("quoteCcy", quote), ("uly", f"{base}-{quote}")):
        if row.get(name) not in (wanted, "", None):
            raise Unreadable("an instrument of other currencies than its name")


def instrument(row: Row, symbol: str) -> Instrument:
    """A spot symbol's rules. OKX bounds value in USD, not in the quote currency, so no notional bounds are given."""
    return Instrument(
        symbol=symbol,
        native_symbol=row.text("instId"),
        base=symbol.partition("/")[0],
        quote=symbol.partition("/")[2],
        price_step=row.positive("tickSz"),
        quantity_step=row.positive("lotSz"),
        min_quantity=row.positive("minSz"),
        max_quantity=row.optional("maxLmtSz"),
        min_notional=None,
        active=row.get("state") == "live",
        not_trading=why_not_trading(row),
    )


def why_not_trading(row: Row) -> str:
    """The state of an instrument that is not live, for a sentence; empty for one that is."""
    return "" if row.get("state") == "live" else f"its state is {clean_text(str(row.get('state')), 40)}"


def check_open(row: Row, symbol: str) -> None:
    """Nothing for an instrument with rules. One that is not open yet is listed with its name and state alone, and for
    that raises CheckFailed(code="not_trading")."""
    if (state := row.get("state")) in NOT_LIVE and not any(row.get(name) for name in ("tickSz", "lotSz", "minSz")):
        raise CheckFailed(
            f"OKX lists {symbol} and has not opened it for trading yet ({state})",
            code="not_trading",
            exchange="okx",
            market=str(Market.FUTURES if ":" in symbol else Market.SPOT),
        )


def permissions(row: Row) -> KeyPermissions:
    """The calling key's rights from account/config: `perm`, `ip` and `uid`; all else there is about the account."""
    told, ips = row.get("perm"), row.get("ip")
    words = {right.strip() for right in told.split(",")} - {""} if isinstance(told, str) else set[str]()
    rights = words or None
    bound = tuple(clean_text(item, 60) for item in ips.split(",") if item.strip()) if isinstance(ips, str) else None
    uid = row.get("uid")
    return KeyPermissions(
        read=None if rights is None else "read_only" in rights,
        spot_trade=None if rights is None else "trade" in rights,
        futures_trade=None if rights is None else "trade" in rights,
        withdraw=_may_withdraw(words),
        ip_restricted=None if bound is None else bool(bound),
        ips=bound,
        uid=uid if isinstance(uid, str) and uid else None,
        extra=tuple(sorted(clean_text(right, 60) for right in (rights or set()) - _KNOWN_RIGHTS)),
        # `perm` never lists transfers. [official] OKX docs 2026-07: Trade covers funding transfers and settings.
        spends="funding transfers and changes of settings" if rights and "trade" in rights else "",
    )


def _may_withdraw(words: set[str]) -> bool | None:
    """Whether one of these rights is to withdraw. [official] There are three words; what another one allows is not
    known, and then neither is this."""
    if any("withdraw" in word.lower() for word in words):
        return True
    return False if words and words <= _KNOWN_RIGHTS else None


def spot_balances(row: Row) -> Balances:
    """Free and total balances from account/balance. Raises Unreadable."""
    free: dict[str, Decimal] = {}
    total: dict[str, Decimal] = {}
    for detail in row.objects("details"):
        # Which of the two is filled depends on the account mode; neither means: not told.
        available = detail.optional("availBal")
        available = detail.optional("availEq") if available is None else available
        if available is not None:
            free[detail.text("ccy")] = available
        equity = detail.optional("eq")  # one account for spot and swaps: unrealized profit is in it
        if equity is not None:
            total[detail.text("ccy")] = equity
    return Balances(free, None, total)


def funding_balances(response: Response) -> Balances:
    """The funding account from asset/balances: `bal` is what is owned [sdk][ccxt]. Raises Unreadable."""
    free, total = dict[str, Decimal](), dict[str, Decimal]()
    for row in rows(response):
        currency = row.text("ccy")
        if currency in total:
            raise Unreadable("a currency told twice")
        total[currency] = row.decimal("bal")
        if (available := row.optional("availBal")) is not None:
            free[currency] = available
    return Balances(free, None, total)
