"""What is refused as a new passphrase: what is short, or stands on every list of those who guess. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Set

from keyctl.errors import SetupProblem
from keyctl.secret import Secret

LENGTH_MIN = 12
_DISTINCT_MIN = 5
# What people put around a word so that it is long enough.
_PADDING_MAX = 8
_RUNS_MAX = 4
# The words that lists of leaked passwords are made of, and those of this trade.
_COMMON = frozenset(
    "abc access account admin administrator adminadmin apikey backup baseball batman bitcoin btc changeme "
    "changemenow charlie computer correcthorsebatterystaple correcthorse crypto cryptocurrency default demo "
    "dragon ethereum football freedom guest hello helloworld hunter iloveyou jesus keyctl killer letmein login "
    "lovely mario master michael monkey mypassword mypassphrase ninja nothing ololo passw pass passphrase "
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
        raise _weak("the passphrase is too common")


def _is_common(text: str, common: Set[str]) -> bool:
    plain = text.casefold()
    return len(set(plain)) < _DISTINCT_MIN or _is_padded(plain, common) or any(map(_is_run, (plain, plain[::-1])))


def _is_padded(plain: str, common: Set[str]) -> bool:
    """Whether it is a common word, once or several times, with no more than a few other signs, or a run of them."""
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", plain)
    for form in (plain, core.translate(_LEET)):
        word = re.sub(r"[^a-z]", "", form)
        others = re.sub(r"[a-z]", "", plain if form is plain else plain.replace(core, ""))
        once = re.sub(r"^(.+?)\1+$", r"\1", word)
        few = len(others) <= _PADDING_MAX or _is_run(others)
        if few and not any(sign.isalpha() for sign in others) and {word, once} & common:
            return True
    return False


def _is_run(text: str) -> bool:
    """Whether it is made of a few runs along the alphabet, the digits or a keyboard, whatever stands between them."""
    rest = re.sub(r"[\W_]", "", text)
    if not rest:
        return False
    for _ in range(_RUNS_MAX):
        longest = range(min(len(rest), len(max(_RUNS, key=len))), 2, -1)
        length = next((size for size in longest if any(rest[:size] in run for run in _RUNS)), 0)
        rest = rest[length:]
        if not rest or not length:
            return not rest
    return False


def _weak(why: str) -> SetupProblem:
    return SetupProblem(
        why, "use four or more random words, or what your password manager creates", code="weak_passphrase"
    )
