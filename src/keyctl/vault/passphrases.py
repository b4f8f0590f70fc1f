"""What is refused as a new passphrase: what is short, or stands on every list of those who guess. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Set

from keyctl.errors import SetupProblem
from keyctl.secret import Secret

LENGTH_MIN = 12
_DISTINCT_MIN = 5
# The words that lists of leaked passwords are made of, and those of this trade.
_COMMON = frozenset(
    "abc access account admin administrator adminadmin apikey backup baseball batman bitcoin btc changeme "
    "changemenow charlie computer correcthorsebatterystaple correcthorse crypto cryptocurrency default demo "
    "dragon ethereum football freedom guest hello helloworld hunter iloveyou jesus keyctl killer letmein login "
    "lovely mario master michael monkey mypassword mypassphrase ninja nothing ololo p passw pass passphrase "
    "passwd password passwort princess qazwsx qazwsxedc qwe qwert qwerty qwertyuiop root satoshi secret shadow "
    "starwars sunshine superman system test thisisapassword thisismypassword trader trading trustno trustnoone "
    "user vault wallet welcome whatever zaq".split()
)
_RUNS = (
    "0123456789" * 3,
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)
_LEET = str.maketrans("013457@$!", "oieastasi")


def check_new_passphrase(secret: Secret, names: Collection[str] = ()) -> None:
    """Nothing for one that may be used; `names` are guessed first too, as those of the exchanges are here.

    Raises SetupProblem (weak_passphrase), which says nothing of the text.
    """
    text = secret.reveal().decode("utf-8", "replace")
    if len(text) < LENGTH_MIN:
        raise _weak(f"the passphrase is shorter than {LENGTH_MIN} characters")
    if _is_common(text, {*_COMMON, *names}):
        raise _weak("the passphrase is among the first that are guessed")


def _is_common(text: str, common: Set[str]) -> bool:
    plain = text.casefold()
    if len(set(plain)) < _DISTINCT_MIN:
        return True
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", plain)  # what was only put before or after it
    letters = {re.sub(r"[^a-z]", "", form) for form in (plain, core.translate(_LEET))}
    words = {re.sub(r"^(.+?)\1+$", r"\1", word) for word in letters} | letters
    return bool(words & common) or any(_is_run(re.sub(r"[\W_]", "", form)) for form in (plain, plain[::-1]))


def _is_run(text: str) -> bool:
    """Whether it is made of a few runs along the alphabet, the digits or a keyboard."""
    pieces, rest = 0, text
    while rest:
        length = max((n for run in _RUNS for n in range(len(rest), 2, -1) if rest[:n] in run), default=0)
        if not length:
            return False
        pieces, rest = pieces + 1, rest[length:]
    return pieces <= 4


def _weak(why: str) -> SetupProblem:
    return SetupProblem(
        why, "use four or more random words, or what your password manager creates", code="weak_passphrase"
    )
