"""keyctl request: signs and sends one read from the exchange's shipped list of reads, and shows the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.errors import ExchangeRefused, UsageProblem
from keyctl.terminal.output import Result, Table, Text

if TYPE_CHECKING:
    from keyctl.exchanges.masking import Mask
    from keyctl.model.account import Account
    from keyctl.model.wire import Request, Response


@keyctl_command(
    examples="keyctl request binance-main GET /api/v3/openOrders -p symbol=BTCUSDT\n"
    "keyctl request okx-main GET /api/v5/account/config --dry-run --json\n"
    "keyctl request --paths lbank"
)
@click.argument("account", required=False)
@click.argument("method", required=False)
@click.argument("path", required=False)
@click.option("-p", "--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Show the signed request, send nothing.")
@click.option("--paths", metavar="EXCHANGE", help="List what can be read there.")
def command(
    app: App,
    account: str | None,
    method: str | None,
    path: str | None,
    given: tuple[str, ...],
    dry_run: bool,
    paths: str | None,
) -> Result:
    """Send one signed read and show the answer

    Only the calls listed by --paths are possible; none of them can change an account.
    """
    if paths is not None:
        if account is not None:
            raise UsageProblem("--paths cannot be combined with other options", "keyctl request --paths EXCHANGE")
        return _list(paths)
    if account is None or method is None or path is None:
        raise UsageProblem(
            "request needs ACCOUNT, METHOD and PATH", "what can be read: keyctl request --paths EXCHANGE"
        )
    params = tuple(_pair(text) for text in given)
    return _preview(app, account, method, path, params) if dry_run else _send(app, account, method, path, params)


def _list(exchange: str) -> Result:
    from keyctl.exchanges.shipped import profile

    entries = profile(exchange).readable
    data = [{"method": item.method, "path": item.path, "signed": item.private} for item in entries]
    rows = [(item.method, item.path, "signed" if item.private else "public") for item in entries]
    return Result({"paths": data}, view=(Table(("method", "path", "call"), rows),))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageProblem("a parameter is written NAME=VALUE", "such as -p symbol=BTCUSDT", code="bad_parameter")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageProblem("a parameter is not valid UTF-8", code="bad_parameter") from None
    return name, value


def _preview(app: App, label: str, method: str, path: str, params: tuple[tuple[str, str], ...]) -> Result:
    """The request as it would go out, stamped with this machine's time and, where nonces count, a nonce of its own."""
    import secrets

    from keyctl.exchanges.encoding import public_wire
    from keyctl.exchanges.shipped import load
    from keyctl.model.wire import Stamp, WireRequest

    account = app.accounts.get(label)
    request = load(account.binding).readable_request(method, path, params)
    wire: WireRequest
    if request.private:
        exchange, signer = app.signer(account)
        nonce = app.journal.notes.next_nonce(account.api_key_hash) if exchange.profile.nonce else 0
        wire = signer.sign(request, Stamp(int(app.clock.now() * 1000), nonce, secrets.token_hex(16)))
    else:
        wire = public_wire(request)
    headers = {name: "<redacted>" if "passphrase" in name.lower() else value for name, value in wire.headers}
    body = wire.body.decode("utf-8")
    data = {"method": wire.method, "url": wire.url, "headers": headers, "body": body}
    lines = [f"{wire.method} {wire.url}", *(f"{name}: {value}" for name, value in headers.items())]
    return Result(data, view=(Text("\n".join([*lines, "", body] if body else lines), exact=True),))


def _send(app: App, label: str, method: str, path: str, params: tuple[tuple[str, str], ...]) -> Result:
    import asyncio

    from keyctl.exchanges.shipped import load

    account = app.accounts.get(label)
    request = load(account.binding).readable_request(method, path, params)
    app.note_use([account] if request.private else [], "read")
    try:
        response, mask = asyncio.run(_fetch(app, account, request))
    except ExchangeRefused as refusal:
        from keyctl.exchanges.catalogue import catalogue

        error = refusal.error
        meaning = catalogue(error.exchange).first_line(error)
        refusal.hints = (meaning, f"keyctl diagnose {error.exchange} {error.code}", *refusal.hints)
        raise
    return _shown(app, response, mask)


async def _fetch(app: App, account: Account, request: Request) -> tuple[Response, Mask]:
    from keyctl.network.session import Session

    exchange, signer = app.signer(account)
    async with app.network() as network:
        session = Session(account, exchange, signer, network, app.journal)
        if request.private:
            await session.warm()  # the stamp has to be in the exchange's time
        return await session.fetch(request, lambda response: response), session.mask


def _shown(app: App, response: Response, mask: Mask) -> Result:
    from keyctl.answers import Unreadable, read_json

    text = _visible(response.body.decode("utf-8", "replace"))
    try:
        body: Any = read_json(response.body)
    except Unreadable:
        text = mask.masked(text)
        return Result({"status": response.status, "body": text}, view=(Text(text, exact=True),))
    masked = _masked(body, mask)
    if masked != body:
        body, text = masked, _visible(_indented(masked))
    view = Text(_visible(_indented(body)) if app.output.for_people else text, exact=True)
    return Result({"status": response.status, "body": body}, view=(view,))


def _masked(value: Any, mask: Mask) -> Any:
    """The answer with its texts masked; numbers and names of fields stay."""
    if isinstance(value, str):
        return mask.masked(value)
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    return {name: _masked(item, mask) for name, item in value.items()} if isinstance(value, dict) else value


def _visible(text: str) -> str:
    """The text without control and direction characters; line ends and tabs stay."""
    import unicodedata

    return "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )


def _indented(value: Any, depth: int = 0) -> str:
    """JSON for people, two blanks a level; numbers keep every digit that the exchange sent."""
    import json
    from decimal import Decimal

    inner = "  " * (depth + 1)
    if isinstance(value, dict) and value:
        parts = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_indented(item, depth + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(parts) + "\n" + "  " * depth + "}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + _indented(item, depth + 1) for item in value) + "\n" + "  " * depth + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)
