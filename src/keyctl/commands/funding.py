"""keyctl funding: lend margin funding, with a key that may do nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group
from keyctl.errors import UsageProblem
from keyctl.terminal.output import Result

if TYPE_CHECKING:
    from keyctl.model.funding import OfferDraft

_ACCOUNT = click.option("-a", "--account", "label", metavar="LABEL", help="The account that lends.")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_SINCE = click.option(
    "--since", default="30d", show_default=True, metavar="TIME", help="2026-11-29T13:00Z, or 24h, 30d."
)


@keyctl_command(examples="keyctl funding rates\nkeyctl funding rates USD BTC --json", needs_words=True)
@click.argument("currencies", nargs=-1)
@_ACCOUNT
def rates(app: App, currencies: tuple[str, ...], label: str | None) -> Result:
    """Show FRR and the best rates of currencies

    FRR is the exchange's flash return rate. Every rate is shown for a day and for a year, without interest on interest.
    """
    from keyctl.funding import lists

    return asyncio.run(lists.rates(app, label, [_currency(name) for name in currencies]))


@keyctl_command(examples="keyctl funding book USD\nkeyctl funding book USDT --rows 25", needs_words=True)
@click.argument("currency")
@_ACCOUNT
@click.option("--rows", "shown", type=click.IntRange(1, 250), default=12, show_default=True, help="Lines of each side.")
def book(app: App, currency: str, label: str | None, shown: int) -> Result:
    """Show what lenders offer and borrowers want"""
    from keyctl.funding import lists

    return asyncio.run(lists.book(app, label, _currency(currency), shown))


@keyctl_command(examples="keyctl funding offers\nkeyctl funding offers USD -a lender", needs_words=True)
@click.argument("currency", required=False)
@_ACCOUNT
def offers(app: App, currency: str | None, label: str | None) -> Result:
    """List open offers, and those whose outcome is unknown"""
    from keyctl.funding import lists

    return asyncio.run(lists.offers(app, label, _maybe_currency(currency)))


@keyctl_command(examples="keyctl funding credits", needs_words=True)
@click.argument("currency", required=False)
@_ACCOUNT
def credits_(app: App, currency: str | None, label: str | None) -> Result:
    """List what is lent and used in positions"""
    from keyctl.funding import lists

    return asyncio.run(lists.lent(app, label, _maybe_currency(currency), used=True))


@keyctl_command(examples="keyctl funding loans", needs_words=True)
@click.argument("currency", required=False)
@_ACCOUNT
def loans(app: App, currency: str | None, label: str | None) -> Result:
    """List what is lent and not used"""
    from keyctl.funding import lists

    return asyncio.run(lists.lent(app, label, _maybe_currency(currency), used=False))


@keyctl_command(examples="keyctl funding history USD --since 7d", needs_words=True)
@click.argument("currency", required=False)
@_ACCOUNT
@_SINCE
def history(app: App, currency: str | None, label: str | None, since: str) -> Result:
    """List what was lent of your offers"""
    from keyctl.funding import lists

    return asyncio.run(lists.history(app, label, _maybe_currency(currency), since))


@keyctl_command(
    examples="keyctl funding offer 500 USD --rate 0.02%/day --days 2\n"
    "keyctl funding offer 500 USD --rate 7.3%/year --days 2 --yes\n"
    "keyctl funding offer 500 USD --days 2 --frr\n"
    "keyctl funding offer 500 USD --days 2 --frr +0.002%/day",
    needs_words=True,
)
@click.argument("size")
@click.argument("currency")
@_ACCOUNT
@click.option("--rate", metavar="R", help="A fixed rate, with its unit: 0.02%/day or 7.3%/year.")
@click.option("--frr", is_flag=False, flag_value="+0%/day", metavar="[+DELTA]", help="Follow FRR, plus a delta.")
@click.option("--days", type=int, required=True, metavar="N", help="The period, 2 to 120 days.")
@click.option("--hidden", is_flag=True, help="Not shown in the book; the exchange's fee is higher.")
@click.option("--again", is_flag=True, help="Send the same offer again within a minute.")
@click.option("--expect-value", metavar="USD", help="Confirm by the value in USD (1% off at most).")
@_YES
def offer(app: App, size: str, currency: str, label: str | None, **options: Any) -> Result:
    """Offer to lend

    Periods above 30 days and rates far from FRR ask; in a script --expect-value confirms them. A response that is lost
    is looked up, and the offer is never sent again.
    """
    from keyctl.funding.offer import OfferConsent
    from keyctl.funding.offer import offer as course

    draft = _draft(_size(size), _currency(currency), options)
    expected = None if options["expect_value"] is None else _size(options["expect_value"])
    return asyncio.run(course(app, label, draft, OfferConsent(options["yes"], expected, options["again"])))


@keyctl_command(examples="keyctl funding cancel 41215275\nkeyctl funding cancel --all USD --yes", needs_words=True)
@click.argument("offer_id", required=False)
@_ACCOUNT
@click.option("--all", "currency", metavar="CURRENCY", help="All open offers of one currency.")
@_YES
def cancel(app: App, offer_id: str | None, label: str | None, currency: str | None, yes: bool) -> Result:
    """Cancel an open offer, or all of one currency"""
    from keyctl.funding.cancel import cancel as course

    if (offer_id is None) is (currency is None):
        raise UsageProblem("give an offer's id, or --all CURRENCY", "list them: keyctl funding offers")
    if offer_id is not None and not (offer_id.isascii() and offer_id.isdecimal()):
        raise UsageProblem(f"'{offer_id[:20]}' is not an offer's id", "list them: keyctl funding offers")
    return asyncio.run(course(app, label, offer_id, _maybe_currency(currency), yes))


@keyctl_command(
    examples="keyctl funding autorenew show USD\nkeyctl funding autorenew on USD --rate 0.02%/day --days 2\n"
    "keyctl funding autorenew off USD --yes",
    needs_words=True,
)
@click.argument("state", type=click.Choice(["on", "off", "show"]))
@click.argument("currency")
@_ACCOUNT
@click.option("--amount", "size", metavar="SIZE", help="Renew up to this size [default: no limit].")
@click.option("--rate", metavar="R", help="Fixed rate with its unit [default: FRR].")
@click.option("--days", type=int, default=2, show_default=True, metavar="N", help="Number of days.")
@_YES
def autorenew(app: App, state: str, currency: str, label: str | None, **options: Any) -> Result:
    """Show or switch the exchange's own auto-renew

    It offers again what borrowers give back, whether or not keyctl runs; a halt does not switch it off.
    """
    from keyctl.funding import auto_renew
    from keyctl.model.funding import AutoRenew

    name = _currency(currency)
    if state != "on" and (options["size"] is not None or options["rate"] is not None):
        raise UsageProblem(f"--amount and --rate require: keyctl funding autorenew on {name}; nothing was sent")
    if state == "show":
        return asyncio.run(auto_renew.show(app, label, name))
    if state == "off":
        return asyncio.run(auto_renew.switch_off(app, label, name, options["yes"]))
    size = Decimal(0) if options["size"] is None else _size(options["size"])
    rate = Decimal(0) if options["rate"] is None else _rate(options["rate"])
    return asyncio.run(auto_renew.switch_on(app, label, AutoRenew(name, options["days"], rate, size), options["yes"]))


@keyctl_command(
    examples="keyctl funding auto USD\nkeyctl funding auto USD --explain\n"
    "keyctl funding auto USD --yes --quiet   (for cron)\n"
    "keyctl funding auto USD --amount 5000 --yes   (without Wallets read)",
    needs_words=True,
)
@click.argument("currency")
@_ACCOUNT
@click.option("--strategy", type=click.Choice(["ladder", "gap", "frr"]), help="How rates are found (config.toml).")
@click.option("--amount", "size", metavar="SIZE", help="Total that may be lent, including what is lent now.")
@click.option("--explain", is_flag=True, help="Also show the book.")
@click.option("--yes", is_flag=True, help="Cancel and place; without it nothing is sent.")
def auto(app: App, currency: str, label: str | None, **options: Any) -> Result:
    """Lend a currency by rules; a dry run without --yes

    Offers that are still good stay, the others are canceled and placed again. Only offers that auto has placed are
    canceled. Rules are in config.toml under [funding]. Exit 4 when a rate is outside its bounds.
    """
    from keyctl.funding.auto import auto as course
    from keyctl.funding.auto_look import AutoWish

    total = None if options["size"] is None else _size(options["size"])
    wish = AutoWish(_currency(currency), options["strategy"], total, options["yes"], options["explain"])
    result = asyncio.run(course(app, label, wish))
    return replace(result, view=()) if app.output.quiet and not result.errors else result  # cron mails what is printed


@keyctl_command(
    examples="keyctl funding report\nkeyctl funding report USD --since 2026-01-01T00:00Z --csv", needs_words=True
)
@click.argument("currency", required=False)
@_ACCOUNT
@_SINCE
@click.option("--csv", "as_csv", is_flag=True, help="Print each payment of interest as CSV.")
def report(app: App, currency: str | None, label: str | None, since: str, as_csv: bool) -> Result:
    """Show interest, utilization, average rate and period

    Interest is what the exchange paid, after its fee. Utilization is the share of the funding wallet that is lent now.
    """
    from keyctl.funding.report import report as course

    if as_csv and app.output.json:
        raise UsageProblem("use either --csv or --json")
    return asyncio.run(course(app, label, _maybe_currency(currency), since, as_csv))


@keyctl_command(examples="keyctl funding settle --wait")
@_ACCOUNT
@click.option("--wait", is_flag=True, help="Wait until every outcome is known or proven unknowable.")
def settle(app: App, label: str | None, wait: bool) -> Result:
    """Find out what happened to unknown offers (reads only)"""
    from keyctl.funding import lists

    return asyncio.run(lists.settle(app, label, wait))


@keyctl_command(
    examples="keyctl funding resolve 3 --absent --reason 'not on the page'\nkeyctl funding resolve 3 --offer 41215275"
)
@click.argument("number", type=int)
@click.option("--offer", "offer_id", metavar="ID", help="It was accepted, under this id.")
@click.option("--absent", is_flag=True, help="It was not accepted.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the offer.")
@_YES
def resolve(app: App, number: int, offer_id: str | None, absent: bool, reason: str, yes: bool) -> Result:
    """Decide what happened to an offer that stays unknown"""
    from keyctl.funding import lists

    return lists.resolve(app, number, offer_id, absent, reason, yes)


command = keyctl_group(
    "funding",
    "Lend margin funding with a key that may do nothing else",
    {
        "rates": rates,
        "book": book,
        "offers": offers,
        "credits": credits_,
        "loans": loans,
        "history": history,
        "offer": offer,
        "cancel": cancel,
        "autorenew": autorenew,
        "auto": auto,
        "report": report,
        "settle": settle,
        "resolve": resolve,
    },
)


def _currency(text: str) -> str:
    """A currency in capitals. Raises UsageProblem for anything else."""
    if not (text.isascii() and text.isalnum() and text.isupper() and 2 <= len(text) <= 12):
        raise UsageProblem(
            f"'{text[:20]}' is not a currency; nothing was sent",
            "give it alone and in capitals, such as USD or USDT",
            code="unknown_currency",
        )
    return text


def _maybe_currency(text: str | None) -> str | None:
    return None if text is None else _currency(text)


def _size(text: str) -> Decimal:
    """A plain number above zero. Raises UsageProblem, with every number that another writing may mean."""
    import re

    from keyctl.model.typed_numbers import meant_numbers

    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,8})?", text) and Decimal(text) > 0:
        return Decimal(text)
    meant = meant_numbers(text)
    hint = f"did you mean {' or '.join(meant)}?" if meant else "write digits and one point, such as 500 or 150.5"
    raise UsageProblem(f"'{text[:40]}' is not a size; nothing was sent", hint, code="bad_size")


def _rate(text: str) -> Decimal:
    """A rate with its unit. Raises UsageProblem."""
    from keyctl.model.rate import HOW, read_rate

    try:
        rate = read_rate(text)
    except ValueError:
        raise UsageProblem(f"'{text[:40]}' is not a rate; nothing was sent", HOW, code="bad_rate") from None
    if rate <= 0:
        raise UsageProblem(f"a rate of {text[:40]} is too small; nothing was sent", HOW, code="bad_rate")
    return rate


def _draft(size: Decimal, currency: str, options: dict[str, Any]) -> OfferDraft:
    """The offer as typed. Raises UsageProblem unless it has one rate."""
    from keyctl.model.funding import OfferDraft, OfferKind
    from keyctl.model.rate import HOW, read_rate

    fixed, frr = options["rate"], options["frr"]
    if (fixed is None) is (frr is None):
        raise UsageProblem("use either --rate R or --frr [+DELTA]; nothing was sent", HOW, code="bad_rate")
    if fixed is not None:
        return OfferDraft(currency, size, OfferKind.FIXED, _rate(fixed), options["days"], options["hidden"])
    try:
        if not frr.startswith("+"):
            raise ValueError
        delta = read_rate(frr)
    except ValueError:
        raise UsageProblem(
            f"'{frr[:40]}' is not a delta on FRR; nothing was sent",
            "write it as --frr or --frr +0.002%/day",
            code="bad_rate",
        ) from None
    return OfferDraft(currency, size, OfferKind.FRR, delta, options["days"], options["hidden"])
