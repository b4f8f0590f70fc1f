"""keyctl demo: the main job in six steps, on exchanges of our own inside this command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from keyctl.app import App
from keyctl.commands.framing import RUNS_LINES, keyctl_command
from keyctl.errors import ExitCode, KeyctlError
from keyctl.terminal.output import Note, Result, Table, document, render, say, show_aside

if TYPE_CHECKING:
    from keyctl.twin.server import TwinServer

INTRODUCTION = """\
Demo: simulated Binance, Bitfinex, LBank and OKX inside this command, on 127.0.0.1.
No account and no money are needed. Nothing leaves this machine."""


@keyctl_command(examples="keyctl demo\nkeyctl demo --serve --port 8800")
@click.option(
    "--serve", is_flag=True, help="Only run the simulated exchanges; use them from another terminal with keyctl --demo."
)
@click.option("--port", type=click.IntRange(1024, 65000), metavar="N", help="First of four ports for --serve.")
def command(app: App, serve: bool, port: int | None) -> Result:
    """Try the main steps without an account"""
    from keyctl.commands.demo_world import start_twin

    twin = start_twin(port)
    try:
        return _serve(app, twin) if serve else _play(app, twin)
    finally:
        twin.stop()


def _play(app: App, twin: TwinServer) -> Result:
    import tempfile
    from pathlib import Path

    from keyctl.commands import demo_world
    from keyctl.home.folders import demo_environment, demo_home

    with tempfile.TemporaryDirectory(prefix="keyctl-demo-") as folder:
        inner = App(app.output, demo_environment(app.environ), home=demo_home(Path(folder) / "demo"))
        inner.no_input = True
        try:
            demo_world.furnish(inner, twin)
            app.output.people = True
            return _Play(app, inner, twin).run()
        finally:
            inner.close()


class _Play:
    """The six steps; each is the real command, run as `keyctl --demo ...` would."""

    def __init__(self, outer: App, inner: App, twin: TwinServer) -> None:
        self._outer = outer
        self._inner = inner
        self._twin = twin
        self._outcome: Callable[[list[str], App], Result | int] = click.get_current_context().meta[RUNS_LINES]
        self._steps: list[dict[str, Any]] = []

    def run(self) -> Result:
        from keyctl.commands.demo_world import PRICE, SIZE, SYMBOL, counted_orders, lose_an_answer

        self._say(INTRODUCTION)
        order = ["order", "buy", SYMBOL, SIZE, "--price", PRICE, "--fanout", "--all", "--dry-run"]
        expected = (ExitCode.CHECK, ExitCode.CHECK, ExitCode.OK)
        for arguments, code in zip((["verify", "--all"], ["diagnose", "lbank-a"], order), expected, strict=True):
            plan = str(self._step(arguments, code).data.get("plan"))
        lose_an_answer(self._twin)
        self._say("(the simulated OKX accepts the next order and closes the connection before it responds)")
        sent = self._step(["order", "--plan", plan, "--yes"])
        self._step(["order", "--plan", plan, "--yes"])
        self._step(["cancel", "--plan", plan, "--yes"])
        return self._counted(counted_orders(self._twin), sent)

    def _step(self, arguments: list[str], expected: ExitCode = ExitCode.OK) -> Result:
        """Runs one command and shows it. Raises KeyctlError when it ends otherwise than the story says."""
        number = len(self._steps) + 1
        line = " ".join(["keyctl", "--demo", *arguments])
        if number > 1:
            self._pause()
        self._say(f"\n[{number}/6] $ {line}")
        try:
            result = self._outcome(["--demo", *arguments], self._inner)
            assert isinstance(result, Result)
            self._steps.append({"line": line, "result": document(result, " ".join(arguments[:1]))})
            if not self._outer.output.json:
                render(result, self._outer.output)
        finally:
            self._outer.output.demo_commands = ()  # what the demo says at its end is for real accounts
        if result.exit_code is not expected:
            raise KeyctlError(f"step {number} of the demo ended with exit {int(result.exit_code)}", code="demo_failed")
        return result

    def _counted(self, counted: dict[str, Any], sent: Result) -> Result:
        legs = {leg["exchange"]: leg["client_order_id"] for leg in sent.data["legs"]}
        rows = [
            (exchange, legs[exchange], str(orders[legs[exchange]]), str(orders.total()))
            for exchange, orders in counted.items()
        ]
        good = all(row[2:] == ("1", "1") for row in rows)
        words = (
            "Each exchange counted exactly one order per account."
            if good
            else "An exchange counted a different number of orders!"
        )
        data = {
            "steps": self._steps,
            "counted": {exchange: dict(orders) for exchange, orders in counted.items()},
        }
        table = Table(("exchange", "client order id", "counted", "orders in total"), rows)
        self._outer.output.command = "demo"
        return Result(
            data,
            view=(
                Note(""),
                table,
                Note(f"{words}\nThe demo is complete. With a real account: keyctl checklist EXCHANGE"),
            ),
            exit_code=ExitCode.OK if good else ExitCode.FAULT,
        )

    def _say(self, text: str) -> None:
        say(text, self._outer.output)

    def _pause(self) -> None:
        if self._outer.prompt.has_terminal and not self._outer.no_input and not self._outer.output.json:
            if self._outer.prompt.ask("Enter = next step, q = stop", default=" ").strip().lower() == "q":
                raise KeyboardInterrupt


def _serve(app: App, twin: TwinServer) -> Result:
    import threading

    from keyctl.commands import demo_world
    from keyctl.home.folders import demo_environment, find_home

    inner = App(app.output, demo_environment(app.environ), home=find_home(app.environ, demo=True))
    demo_world.clear_home(inner.home)
    try:
        demo_world.furnish(inner, twin)
    finally:
        inner.close()
    lines = demo_world.key_lines(twin)
    rows = [(line["exchange"], line["endpoint"], line["control"]) for line in lines]
    show_aside(
        (
            Table(("exchange", "endpoint", "control path"), rows),
            Note("In another terminal: keyctl --demo verify --all. Stop with Ctrl-C."),
        ),
        app.output,
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    return Result({"served": lines})
