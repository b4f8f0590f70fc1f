"""What keeps a keyring from working is told by what it is, and never with the library's own advice."""

import pytest

from keyctl.errors import SetupProblem
from keyctl.vault.keyring_trouble import translated

SPAWN = "org.freedesktop.DBus.Error.Spawn"


def made(kind: str, text: str = "use keyrings.alt", base: type[Exception] = Exception, **facts: str) -> Exception:
    error: Exception = type(kind, (base,), {})(text)
    vars(error).update(facts)
    return error


def behind(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


CASES = {
    "stale bus": (FileNotFoundError(2, "No such file"), "session bus of a login that has ended"),
    "refused bus": (ConnectionRefusedError(111, "refused"), "session bus of a login that has ended"),
    "not installed": (made("SecretServiceNotAvailableException", f"x [{SPAWN}.ExecFailed]"), "not installed"),
    "not installed, wrapped": (behind(made("InitError"), made("X", f"[{SPAWN}.ExecFailed]")), "not installed"),
    "dies": (made("DBusErrorResponse", "exited", name=f"{SPAWN}.ChildExited"), "stops when it starts"),
    "killed": (made("DBusErrorResponse", "x", name=f"{SPAWN}.ChildSignaled"), "stops when it starts"),
    "unknown": (
        made("DBusErrorResponse", "x", name="org.freedesktop.DBus.Error.ServiceUnknown"),
        "has no keyring program",
    ),
    "locked": (made("KeyringLocked"), "is locked"),
    "dismissed": (made("PromptDismissedException"), "is locked"),
    "no collection": (made("InitError"), "no collection yet"),
    "no keyring": (made("NoKeyringError", base=RuntimeError), "cannot reach the keyring"),
    "Windows": (made("error", "(1783, 'CredWrite')"), "too large"),
    "exotic": (made("OddError"), "OddError in some.backend"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_trouble_has_its_own_words(name: str) -> None:
    error, words = CASES[name]
    told = translated(error, "some.backend")
    assert isinstance(told, SetupProblem) and told.code == "store_unavailable"
    assert words in told.message
    assert any("keyctl vault init" in hint for hint in told.hints)
    assert "keyrings.alt" not in " ".join((told.message, *told.hints))


def test_an_error_of_ours_stays_as_it_is() -> None:
    ours = SetupProblem("x")
    assert translated(ours, "b") is ours
