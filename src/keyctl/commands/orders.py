"""keyctl orders: what the journal knows, clearing up what is unknown, and comparing what is open."""

from __future__ import annotations

from typing import Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group, symbol_asked, takes_accounts
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Note, Result, Table, Text, counting

_COLUMNS = ("plan", "account", "symbol", "side", "quantity", "price", "state", "status")
_FOR_PEOPLE = ("time (UTC)", "account", "symbol", "side", "size", "filled", "price", "state", "plan", "id")
# The least needed first, where room is short.
_DROPPABLE = ("id", "plan", "filled", "time (UTC)")


@keyctl_command(
    examples="keyctl orders --most 20\nkeyctl orders --open\nkeyctl orders --open okx-main --symbol BTC/USDT:USDT",
    needs_words=True,
    lists=True,
)
@takes_accounts
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many orders at most.")
@click.option("--drafts", is_flag=True, help="Also drafts: plans of --dry-run that were not sent.")
@click.option("--open", "only_open", is_flag=True, help="Read from the exchanges what is open now, whoever sent it.")
@click.option("--group", metavar="NAME", help="With --open: the accounts of a group.")
@click.option("--all", "everything", is_flag=True, help="With --open: all accounts of one environment (the default).")
@click.option("--symbol", metavar="SYMBOL", help="With --open: only orders in that symbol.")
def list_orders(
    app: App,
    accounts: tuple[str, ...],
    most: int,
    drafts: bool,
    only_open: bool,
    group: str | None,
    everything: bool,
    symbol: str | None,
) -> Result:
    """List orders from the journal, or what is open

    The newest is last on a terminal, and first in pipes and JSON. Accounts have their current label. With --open,
    keyctl reads the exchanges. An account that could not be read is shown as failed, its known orders as stale.
    """
    if only_open:
        from keyctl.desk.overview import open_orders

        symbol = symbol_asked(app, symbol)
        chosen = app.accounts.select(accounts, group, everything or not (accounts or group), app.config.groups)
        with counting("orders", len(chosen), app.output) as done:
            return open_orders(app, chosen, symbol, done)
    if accounts or group or everything or symbol:
        raise UsageProblem(
            "accounts, --group, --all and --symbol require --open", "such as: keyctl orders --open --all"
        )
    from keyctl.desk.order_view import stored_data

    labels = {account.id: account.label for account in app.accounts.all()}
    stored = app.journal.recent(most, drafts)
    data = [stored_data(leg) | {"account": labels.get(leg.leg.account_id, leg.leg.account)} for leg in stored]
    if not data:
        return Result(
            {"orders": data}, view=(Note("No orders yet." if drafts else "No orders yet (drafts not included)."),)
        )
    if not app.output.for_people:
        return Result({"orders": data}, view=(_table(data),))
    rows = [_row(item) for item in reversed(data)]
    return Result({"orders": data}, view=(Table(_FOR_PEOPLE, rows, droppable=_DROPPABLE),))


@keyctl_command(examples="keyctl orders show k3x7")
@click.argument("plan")
def show(app: App, plan: str) -> Result:
    """Show the history of a plan"""
    from keyctl.desk.order_view import event_data, stored_data, story

    plan_id = app.journal.plan_id(plan)
    stored = app.journal.legs(plan_id)
    events = app.journal.events(plan_id)
    data = {
        "plan": plan_id,
        "legs": [stored_data(leg) for leg in stored],
        "events": [event_data(event, stored) for event in events],
    }
    return Result(data, view=(Text(story(plan_id, stored, events)),))


@keyctl_command(examples="keyctl orders settle\nkeyctl orders settle --wait")
@click.option("--wait", is_flag=True, help="Wait until every time window is over and each outcome is proven.")
def settle(app: App, wait: bool) -> Result:
    """Find out what happened to unknown orders (reads only)"""
    import asyncio

    from keyctl.desk.settle import settle_unknown

    return asyncio.run(settle_unknown(app, wait))


@keyctl_command(examples="keyctl orders refresh\nkeyctl orders refresh -a okx-main --json")
@click.option("-a", "--account", "labels", multiple=True, metavar="LABEL", help="The orders of an account.")
@click.option("--group", metavar="NAME", help="The orders of the accounts of a group.")
@click.option(
    "--all", "everything", is_flag=True, help="All accounts of one environment; without a choice, all accounts."
)
def refresh(app: App, labels: tuple[str, ...], group: str | None, everything: bool) -> Result:
    """Compare open orders in the journal with the exchanges

    Made for cron: shows only what changed. keyctl looks up by its id an order that an exchange no longer lists; that
    response decides. Exit 6 when some account could not be read. Events older than events_keep_days are removed.
    """
    from keyctl.desk.refresh import refresh as compare

    chosen = tuple(account for account in app.accounts.all() if not account.disabled)
    if labels or group or everything:
        chosen = app.accounts.select(labels, group, everything, app.config.groups)
    with counting("orders", len(chosen), app.output) as done:
        return compare(app, chosen, done)


@keyctl_command(examples="keyctl orders resolve k3x7 okx-main --as not-taken --because 'not in history'")
@click.argument("plan")
@click.argument("account")
@click.option("--as", "verdict", type=click.Choice(["accepted", "not-taken"]), required=True, help="What you found.")
@click.option("--because", required=True, metavar="TEXT", help="How you know; the journal keeps it with your name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def resolve(app: App, plan: str, account: str, verdict: str, because: str, yes: bool) -> Result:
    """Record yourself what happened to an unknown order"""
    from keyctl.desk.order_view import stored_data
    from keyctl.desk.resolve import resolve as decide
    from keyctl.journal.legs import LegState

    state = LegState.ACCEPTED if verdict == "accepted" else LegState.ABSENT
    leg = decide(app, plan, account, state, because, yes)
    return Result({"leg": stored_data(leg)}, view=(Note(f"{account}: {leg.detail}"),))


@keyctl_command(examples="keyctl orders export --json > orders.json")
def export(app: App) -> Result:
    """Export the whole journal of orders"""
    from keyctl.desk.order_view import event_data, stored_data

    stored = app.journal.everything()
    data = [stored_data(leg) for leg in stored]
    plans = [*dict.fromkeys(leg.leg.plan_id for leg in stored), None]
    events = [event_data(event, stored) for plan_id in plans for event in app.journal.events(plan_id)]
    return Result({"orders": data, "events": events}, view=(_table(data),))


def _table(data: list[dict[str, object]]) -> Table:
    return Table(_COLUMNS, [tuple(_cell(item, name) for name in _COLUMNS) for item in data])


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    """One order for people: its time to the minute, its state with what the exchange said of it last."""
    from keyctl.desk.order_view import state_word

    sent_at = "not sent" if item["sent_at"] is None else str(item["sent_at"])[:16].replace("T", " ")
    known = "-" if item["filled"] is None else str(item["filled"])
    state = str(item["status"] or state_word(item["state"]))
    size, price = _cell(item, "quantity"), "market" if item["price"] is None else str(item["price"])
    numbers = (size, known, price, state, str(item["plan"]), _cell(item, "exchange_order_id"))
    return (sent_at, str(item["account"]), str(item["symbol"]), str(item["side"]), *numbers)


def _cell(item: dict[str, object], name: str) -> str:
    if name == "quantity" and item["taken_quantity"] is not None:
        return f"{item['taken_quantity']} ({item['quantity']} sent)"
    return "-" if item[name] is None else str(item[name])


command = keyctl_group(
    "orders",
    "List orders, and find out what happened to unknown ones",
    {"list": list_orders, "show": show, "settle": settle, "refresh": refresh, "resolve": resolve, "export": export},
    default="list",
)
