"""Where keyctl keeps its things: config, state and cache folders, and the random identity that ties them together."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyctl.errors import SetupProblem, StoreUnusable
from keyctl.home.files import locked, read_owned, write_whole

HALT_MARK = "halted"
ADDRESS_MARK = "addresses-told"
DEMO_MARK = "this-is-a-keyctl-demo"
_NAME = "keyctl"
_IDENTITY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Home:
    """One world: its folders move together, and no other home sees its accounts, secrets or limits.

    In the home of a demo only the twin's accounts are used, and only this machine is called.
    """

    config: Path
    state: Path
    cache: Path
    is_default: bool
    is_demo: bool = False

    @property
    def root(self) -> Path:
        """The folder by which people know this home: its config folder, or what KEYCTL_HOME names."""
        return self.config if self.is_default else self.config.parent

    @property
    def config_file(self) -> Path:
        """The person's settings; keyctl config edit puts here what they wrote, and nothing else writes it."""
        return self.config / "config.toml"

    @property
    def echo_file(self) -> Path:
        """Whether an echo service may be asked for this machine's public IP address."""
        return self.config / "echo.json"

    @property
    def accounts_file(self) -> Path:
        return self.config / "accounts.json"

    @property
    def vault_file(self) -> Path:
        """In the state folder: config folders are what people put under version control."""
        return self.state / "vault.json"

    @property
    def vault_source_file(self) -> Path:
        """Says that this home uses a vault, and where its key file is."""
        return self.state / "vault-source.json"

    @property
    def demo_mark(self) -> Path:
        """Says that this is a demo's home, and where its exchanges are."""
        return self.root / DEMO_MARK

    @property
    def halt_mark(self) -> Path:
        """There while halts are in force; a hint for showing them, so that nobody opens the journal for nothing."""
        return self.state / HALT_MARK

    @property
    def address_mark(self) -> Path:
        """There since a public IP address was told here; so that nobody opens the journal for none."""
        return self.state / ADDRESS_MARK

    def prepare(self) -> None:
        """Makes the folders that are missing, all for this user alone. Raises StoreUnusable when that is impossible."""
        for folder in (self.config, self.state, self.cache):
            _make_private(folder)
        if self.is_demo and not self.demo_mark.exists():
            self.demo_mark.touch(mode=0o600)

    def identity(self) -> str:
        """The random id of this home, 32 hex characters, made at the first call and kept for ever.

        Raises StoreUnusable when it is damaged, and SetupProblem when the accounts are here but their state is not:
        a moved state folder must not bring fresh limits with it.
        """
        path = self.state / "home-id"
        found = self._read_identity(path)
        if found is not None:
            return found
        if self.accounts_file.exists():
            raise SetupProblem(
                f"{self.accounts_file} belongs to another state folder than {self.state}",
                "set KEYCTL_HOME, XDG_CONFIG_HOME and XDG_STATE_HOME as before",
                "to start again, move accounts.json away and add the accounts",
                code="other_home",
            )
        self.prepare()
        with locked(path):
            found = self._read_identity(path)
            if found is None:
                found = os.urandom(16).hex()
                write_whole(path, found.encode() + b"\n")
        return found

    @staticmethod
    def _read_identity(path: Path) -> str | None:
        data = read_owned(path)
        if data is None:
            return None
        text = data.decode("ascii", "replace").removesuffix("\n")
        if not _IDENTITY.fullmatch(text):
            raise StoreUnusable(f"{path} is damaged", "restore it from a backup; nothing was changed")
        return text


def find_home(environ: Mapping[str, str] = os.environ, *, demo: bool = False) -> Home:
    """The home that the environment names: KEYCTL_HOME, else the XDG folders. Changes nothing on disk.

    With `demo`, a home of its own below the state folder of that home; KEYCTL_HOME may name one as well. Raises
    SetupProblem without HOME, or when KEYCTL_HOME is not an absolute path.
    """
    given = environ.get("KEYCTL_HOME", "")
    if given:
        root = Path(given)
        if not root.is_absolute():
            raise SetupProblem("KEYCTL_HOME is not an absolute path", "give the full path", code="bad_home")
        is_demo = (root / DEMO_MARK).exists()
        home = Home(root / "config", root / "state", root / "cache", is_default=False, is_demo=is_demo)
    else:
        home = Home(
            _xdg_folder(environ, "XDG_CONFIG_HOME", ".config"),
            _xdg_folder(environ, "XDG_STATE_HOME", ".local/state"),
            _xdg_folder(environ, "XDG_CACHE_HOME", ".cache"),
            is_default=True,
        )
    if demo:
        return demo_home(home.state / "demo")
    return home


def demo_home(root: Path) -> Home:
    """A demo's home below a folder, not made yet."""
    return Home(root / "config", root / "state", root / "cache", is_default=False, is_demo=True)


def none_stored(home: Home) -> SetupProblem:
    """The error for a command over all accounts in a home that has none, which may be the wrong home."""
    return SetupProblem(
        f"this data folder has no accounts: {home.root}",
        "to store one: keyctl add EXCHANGE",
        "for another data folder, run keyctl as its user, or set KEYCTL_HOME",
        code="no_accounts",
    )


def demo_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a home of the demo: what is said there of the person's own vault is not about its vault."""
    return {name: value for name, value in environ.items() if not name.startswith("KEYCTL_VAULT_")}


def _xdg_folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    # Relative values are to be ignored: XDG Base Directory Specification 0.8, "Environment variables".
    base = environ.get(variable, "")
    if base.startswith("/"):
        return Path(base) / _NAME
    user_home = environ.get("HOME", "")
    if not user_home.startswith("/"):
        raise SetupProblem(
            "cannot find the home folder: HOME is not set",
            "set HOME, or set KEYCTL_HOME to a folder of yours",
            code="no_home",
        )
    return Path(user_home) / default / _NAME


def _make_private(folder: Path) -> None:
    """Makes a folder and its missing parents with mode 0700 whatever the umask, and closes an open one of ours."""
    try:
        missing = [folder, *folder.parents]
        for path in reversed([path for path in missing if not path.exists()]):
            path.mkdir(mode=0o700, exist_ok=True)
        facts = folder.stat()
        if not stat.S_ISDIR(facts.st_mode):
            raise StoreUnusable(f"{folder} is not a folder")
        if facts.st_uid != os.geteuid():
            raise StoreUnusable(f"{folder} belongs to another user", "run keyctl as the user who owns it")
        if facts.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StoreUnusable(f"{folder} cannot be created: {error.strerror}") from None
