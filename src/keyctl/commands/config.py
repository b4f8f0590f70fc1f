"""keyctl config: shows and checks the person's settings. What config.toml says is the person's text alone; the one
answer that keyctl keeps itself, on the echo service, is in a file of its own."""

from __future__ import annotations

import click

from keyctl.app import App
from keyctl.commands.framing import keyctl_command, keyctl_group
from keyctl.errors import CheckFailed, ExitCode, KeyctlError, NeedsPerson, SetupProblem, UsageProblem
from keyctl.home.config import Config, read_config
from keyctl.terminal.output import Note, Result, Table, Text, show_aside


@keyctl_command(examples="keyctl config show\nkeyctl config show --origin")
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
def show(app: App, origin: bool) -> Result:
    """Show all settings in effect"""
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
        words += "" if profile.ip_list else "; IP whitelist not required"
        words += f"; {profile.max_age_days} days" if profile.max_age_days else ""
        found.append((f"profiles.{name}", words))
    for label, settings in config.accounts.items():
        if settings.profiles:
            found.append((f"accounts.{label}.profile", ", ".join(profile.name for profile in settings.profiles)))
        found.append((f"accounts.{label}.route", str(settings.route)))
    found.append(("egress.echo_url", config.echo_url or "not set: keyctl config set echo decides"))
    found.append(("echo", ", ".join(config.echo_services) or "off: keyctl asks no service for your public IP address"))
    return found


@keyctl_command(examples="keyctl config edit")
def edit(app: App) -> Result:
    """Open the settings in your editor, then check them

    Without a config.toml a commented template is opened. A text with a mistake is kept aside and never applied.
    """
    from keyctl.home import config_edit

    if not app.prompt.has_terminal:
        raise NeedsPerson("an editor needs a terminal", f"edit the file yourself: {app.home.config_file}")
    words = _editor(app)
    draft = config_edit.begin(app.home)
    if draft.resumed is not None:
        show_aside((Note("This is your last text, which was not applied."),), app.output)
    try:
        _run_editor([*words, str(draft.path)])
    except SetupProblem:
        config_edit.discard(draft)
        raise
    changed = config_edit.apply(app.home, draft)
    path = app.home.config_file
    words_out = f"{path} is in order." if changed else f"Nothing was changed in {path}."
    return Result({"path": str(path), "changed": changed}, view=(Note(words_out),))


def _editor(app: App) -> list[str]:
    """The editor's command line. Raises SetupProblem."""
    import shlex

    variable = "VISUAL" if app.environ.get("VISUAL") else "EDITOR"
    try:
        return shlex.split(app.environ.get(variable) or "vi") or ["vi"]
    except ValueError:
        raise SetupProblem(
            f"{variable} has a quote that is not closed",
            f"correct {variable}, or edit the file yourself: {app.home.config_file}",
        ) from None


def _run_editor(line: list[str]) -> None:
    import subprocess

    try:
        # A file that the editor makes anew must not be open to others, which read_config refuses.
        code = subprocess.run(line, umask=0o077).returncode
    except OSError as error:
        raise SetupProblem(
            f"the editor {line[0]} cannot be run: {error.strerror}", "set EDITOR to an installed editor"
        ) from None
    if code != 0:
        raise SetupProblem(f"the editor ended with exit code {code}", "config.toml was not changed")


@keyctl_command(examples="keyctl config check\nkeyctl config check --quiet    (for a script: silent when all is well)")
def check(app: App) -> Result:
    """Check the settings, and the names in them

    Exit 3 for a file that cannot be read, 4 where it names accounts that are not stored or defines a group twice.
    """
    config = read_config(app.home)
    for problem in config.lost_routes().values():
        raise problem
    stored = {account.label for account in app.accounts.all()}
    named = {f"[accounts.{label}]": label for label in config.accounts}
    named |= {f"[[accepted_risk]] {risk.risk}": risk.account for risk in config.accepted_risks}
    problems = [
        CheckFailed(
            f"{where} names an account that is not stored: {label[:41]}",
            "to correct the name: keyctl config edit",
            code="unknown_account",
        )
        for where, label in named.items()
        if label not in stored
    ]
    problems += [
        CheckFailed(words, "to correct it: keyctl config edit", code="bad_group") for words in app.groups.warnings()
    ]
    path = app.home.config_file
    data = {"path": str(path), "exists": path.exists(), "problems": [problem.message for problem in problems]}
    if problems:
        return Result(data, exit_code=ExitCode.CHECK, errors=tuple(problems))
    words = f"{path} is in order." if path.exists() else f"There is no {path}; the default settings are in force."
    return Result(data, view=(Note(words),))


@keyctl_command(
    examples="keyctl config set echo on\nkeyctl config set echo https://ip.example.org/\nkeyctl config set echo off"
)
@click.argument("name", type=click.Choice(["echo"]))
@click.argument("value", metavar="on|off|URL")
def set_(app: App, name: str, value: str) -> Result:
    """Allow a service to return your public IP address

    echo: on asks one of two well-known services (api64.ipify.org, icanhazip.com) over https, at most once an hour. They
    see your IP address, but no key. Or give the URL of your own service.
    """
    from keyctl.home.echo import keep

    if app.config.echo_url is not None:
        raise SetupProblem("config.toml sets echo_url, which overrides it", "change it there: keyctl config edit")
    try:
        keep(app.home, value)
    except ValueError as error:
        raise UsageProblem(
            f"the echo service {error}", "to use well-known services: keyctl config set echo on", code="bad_echo"
        ) from None
    services = read_config(app.home).echo_services
    words = f"{', then '.join(services)} may be asked" if services else "keyctl asks no service"
    return Result(
        {"echo": value, "services": list(services)},
        view=(Note(f"{words} for the public IP address. To show it: keyctl ip"),),
    )


@keyctl_command(examples="keyctl config path")
def path(app: App) -> Result:
    """Print the path of the settings file"""
    return Result({"path": str(app.home.config_file)}, view=(Text(str(app.home.config_file)),))


command = keyctl_group(
    "config",
    "Show and check your settings",
    {"show": show, "check": check, "set": set_, "edit": edit, "path": path},
)
