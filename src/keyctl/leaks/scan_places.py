"""The usual places: where programs leave keys in plain text on a trader's machine. Paths and patterns only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from keyctl.exchanges.shipped import names, profile

# Below the user's home.
_SHELLS = (
    *(".bash_history", ".zsh_history", ".zhistory", ".histfile", ".sh_history", ".ksh_history", ".lesshst", ".netrc"),
    *(".local/share/fish/fish_history", ".config/fish", ".local/share/powershell/PSReadLine", ".python_history"),
    *(".node_repl_history", ".psql_history", ".sqlite_history", ".mysql_history", ".rediscli_history", ".viminfo"),
    *(".profile", ".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".zshrc", ".zshenv", ".zprofile"),
)
_BOTS = (
    *("freqtrade/user_data", "ft_userdata", ".freqtrade", "hummingbot/conf", "hummingbot/logs", "hummingbot_files"),
    *("jesse", "OctoBot/user", ".octobot", "gekko/config.js", "gunbot", "superalgos", ".config/ccxt", ".ccxt"),
    *(".kraken", ".config/kraken", "keys.local.json", "*.env", ".env", ".env.*", "*.pem", "*.key"),
)
_EDITORS = (
    *(".config/Code/User", ".config/VSCodium/User", ".config/Cursor/User", ".vscode-server/data/User", ".cursor"),
    *(".config/JetBrains", ".config/sublime-text/Local", ".config/zed", ".local/share/zed", ".vim", ".vimrc"),
    *(".local/state/nvim", ".local/share/nvim/swap", ".emacs.d/auto-save-list", ".emacs.d/backups", ".nano"),
    *(".jupyter", ".ipython/profile_default/history.sqlite", ".local/share/jupyter", ".claude", ".codex", ".aider*"),
)
_SERVICES = (
    *("docker-compose*.y*ml", "compose*.y*ml", "*/docker-compose*.y*ml", "*/compose*.y*ml", ".docker/config.json"),
    *(".config/systemd/user", ".config/environment.d", ".local/share/systemd/user", ".pm2", ".config/autostart"),
)
_OF_THE_SYSTEM = (
    *("/etc/systemd/system", "/etc/default", "/etc/environment", "/etc/cron.d", "/etc/crontab", "/etc/supervisor"),
    *("/opt/*/docker-compose*.y*ml", "/srv/*/docker-compose*.y*ml", "/opt/*/.env", "/srv/*/.env"),
)


def usual_places(user_home: Path | None, environ: Mapping[str, str]) -> list[Path]:
    """Those of the usual places that are there."""
    found = dict.fromkeys(_found(user_home, environ))
    return list(found)


def _found(user_home: Path | None, environ: Mapping[str, str]) -> Iterator[Path]:
    tools = [tool.file for tool in (profile(name).own_tool for name in names()) if tool is not None]
    for pattern in (*_SHELLS, *_BOTS, *tools, *_EDITORS, *_SERVICES) if user_home is not None else ():
        assert user_home is not None
        yield from sorted(user_home.glob(pattern))
    history = environ.get("HISTFILE", "")
    if history.startswith("/") and Path(history).is_file():
        yield Path(history)
    for pattern in _OF_THE_SYSTEM:
        yield from sorted(Path("/").glob(pattern.lstrip("/")))
