"""keyctl config: shows and checks the person's settings. keyctl never writes config.toml; the one answer that it keeps
itself, on the echo service, is in a file of its own."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group
from keyctl.errors import KeyctlError, NeedsPerson, SetupProblem, UsageProblem
from keyctl.home.config import Config, read_config
from keyctl.terminal.output import Note, Result, Table, Text


@keyctl_command(examples="keyctl config show\nkeyctl config show --origin")
@click.option("--origin", is_flag=True, help="Tell where each value comes from.")
def show(app: App, origin: bool) -> Result:
    """Show every setting that is in force"""
    config = app.config
    rows: list[tuple[str, ...]] = []
    settings = []
    for name, value in config.values().items():
        line = config.lines.get(name)
        source = "shipped" if name not in config.lines else f"config.toml line {line}" if line else "config.toml"
        shown = str(value) if isinstance(value, int) else format(value, "f")
        rows.append((name, shown, source) if origin else (name, shown))
        settings.append({"name": name, "value": shown, "origin": source})
    groups, warnings = _groups(app)
    for group, labels, source in groups:
        rows.append((f"groups.{group}", ", ".join(labels), *((source,) if origin else ())))
    risks = [
        {"account": risk.account, "risk": risk.risk, "reason": risk.reason, "date": risk.date.isoformat()}
        for risk in config.accepted_risks
    ]
    for risk in config.accepted_risks:
        text = f"{risk.risk}: {risk.reason} ({risk.date})"
        rows.append((f"accepted_risk {risk.account}", text, *(("config.toml",) if origin else ())))
    tables = _tables(config)
    rows += [(name, text, *(("config.toml",) if origin else ())) for name, text in tables]
    data = {
        "path": str(app.home.config_file),
        "settings": settings,
        "groups": {name: list(labels) for name, labels, _ in groups},
        "accepted_risks": risks,
        "tables": [{"name": name, "value": text} for name, text in tables],
    }
    columns = ("name", "value", "origin") if origin else ("name", "value")
    return Result(data, view=(Table(columns, rows),), warnings=warnings)


def _groups(app: App) -> tuple[list[tuple[str, tuple[str, ...], str]], tuple[str, ...]]:
    """Each group with the accounts that a command means by it and where it is defined; and what to warn of.

    Where the account list cannot be read, what config.toml says of groups is shown all the same.
    """
    listed = app.config.groups
    try:
        groups = app.groups
    except KeyctlError as error:
        return [(name, labels, "config.toml") for name, labels in listed.items()], (error.message,)
    found = []
    for name in groups.names():
        source = "config.toml" if name in listed else "keyctl edit --group"
        source = "defined twice" if name in groups.twice else source
        found.append((name, tuple(account.label for account in groups.members(name)), source))
    return found, groups.warnings()


def _tables(config: Config) -> list[tuple[str, str]]:
    """The person's own profiles, the settings of single accounts, and who is asked for our address."""
    found = []
    for name, profile in config.profiles.items():
        words = f"wants {', '.join(sorted(profile.wanted))}; forbids {', '.join(sorted(profile.forbidden))}"
        words += "" if profile.ip_list else "; no IP list asked for"
        words += f"; {profile.max_age_days} days" if profile.max_age_days else ""
        found.append((f"profiles.{name}", words))
    for label, settings in config.accounts.items():
        if settings.profiles:
            found.append((f"accounts.{label}.profile", ", ".join(profile.name for profile in settings.profiles)))
        found.append((f"accounts.{label}.route", str(settings.route)))
    found.append(("egress.echo_url", config.echo_url or "not set: what keyctl config set echo says holds"))
    found.append(("echo", ", ".join(config.echo_services) or "off: no service is asked for the public IP address"))
    return found


@keyctl_command(examples="keyctl config edit")
def edit(app: App) -> Result:
    """Open the settings in your editor, then check them"""
    import shlex
    import subprocess

    if not app.prompt.has_terminal:
        raise NeedsPerson("an editor needs a terminal", f"edit the file yourself: {app.home.config_file}")
    app.home.prepare()
    path = app.home.config_file
    variable = "VISUAL" if app.environ.get("VISUAL") else "EDITOR"
    try:
        words = shlex.split(app.environ.get(variable) or "vi") or ["vi"]
    except ValueError:
        raise SetupProblem(
            f"{variable} has a quote that is not closed", f"correct {variable}, or edit the file yourself: {path}"
        ) from None
    try:
        # A file that the editor makes anew must not be open to others, which read_config refuses.
        code = subprocess.run([*words, str(path)], umask=0o077).returncode
    except OSError as error:
        raise SetupProblem(
            f"the editor {words[0]} cannot be run: {error.strerror}", "set EDITOR to one that is there"
        ) from None
    if code != 0:
        raise SetupProblem(f"the editor ended with exit code {code}", "the file may be as it was")
    for problem in read_config(app.home).lost_routes().values():
        raise problem
    return Result({"path": str(path)}, view=(Note(f"{path} is in order."),))


@keyctl_command(
    examples="keyctl config set echo on\nkeyctl config set echo https://ip.example.org/\nkeyctl config set echo off"
)
@click.argument("name", type=click.Choice(["echo"]))
@click.argument("value", metavar="on|off|URL")
def set_(app: App, name: str, value: str) -> Result:
    """Agree that a service tells the public IP address

    echo: on asks one of two well-known services (api64.ipify.org, icanhazip.com) over https, at most once an hour; they
    see your IP address and no key. Or name the URL of a service of your own.
    """
    from keyctl.home.echo import keep

    if app.config.echo_url is not None:
        raise SetupProblem("config.toml sets echo_url, which overrides it", "change it there: keyctl config edit")
    try:
        keep(app.home, value)
    except ValueError as error:
        raise UsageProblem(f"the echo service {error}", "or use: keyctl config set echo on", code="bad_echo") from None
    services = read_config(app.home).echo_services
    words = f"{', then '.join(services)} may be asked" if services else "No service is asked"
    return Result(
        {"echo": value, "services": list(services)},
        view=(Note(f"{words} for the public IP address. See it: keyctl ip"),),
    )


@keyctl_command(examples="keyctl config path")
def path(app: App) -> Result:
    """Print where the settings file is"""
    return Result({"path": str(app.home.config_file)}, view=(Text(str(app.home.config_file)),))


command = keyctl_group(
    "config", "Show and check your settings", {"show": show, "set": set_, "edit": edit, "path": path}
)
