"""Whether a key that is given to a rotation under way is the one that it has: another is never dropped in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keyctl.errors import CheckFailed
from keyctl.home.accounts import mask

if TYPE_CHECKING:
    from keyctl.app import App
    from keyctl.journal.rotations import Rotation

_SECRET_SOURCES = ("secret_stdin", "secret_file", "secret_command")


def check_same_key(app: App, rotation: Rotation, options: Mapping[str, Any]) -> None:
    """Nothing when no key is given, or the very key that was taken in. Raises CheckFailed (other_key) with its mask,
    SetupProblem for a secret that cannot be had: two new keys at once would be one too many."""
    if not any(options[name] for name in (*_SECRET_SOURCES, "credentials_stdin", "from_keygen", "api_key")):
        return
    api_key = app.store.get(rotation.new_id).api_key
    if not _gives_another(app, rotation, options, api_key):
        return
    step = "has been switched to" if rotation.is_cut else "is being switched to"
    going_on = (
        (f"when the old key is deleted at the exchange: keyctl rotate {rotation.label} --finish",)
        if rotation.is_cut
        else (
            f"to continue with {mask(api_key)}, give no key: keyctl rotate {rotation.label}",
            f"to drop it first: keyctl rotate {rotation.label} --abort",
        )
    )
    raise CheckFailed(
        f"{rotation.label} {step} the key {mask(api_key)}, not the key given now; nothing was stored",
        *going_on,
        code="other_key",
        account=rotation.label,
    )


def _gives_another(app: App, rotation: Rotation, options: Mapping[str, Any], api_key: str) -> bool:
    from keyctl.keys.intake import read_credentials

    if options["credentials_stdin"]:
        return (read_credentials().api_key or "").strip() != api_key
    if options["from_keygen"]:
        labels = {account.label for account in app.accounts.all() if account.id == rotation.new_id}
        return options["from_keygen"] not in labels
    given = options["api_key"]
    if given is not None:
        return bool(given.strip() != api_key)
    # A secret without its API key cannot be compared with what is stored without saying which it is.
    return any(options[name] for name in _SECRET_SOURCES)
