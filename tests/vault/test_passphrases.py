"""What is refused as a new passphrase, and what is not."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyctl.errors import SetupProblem
from keyctl.exchanges.shipped import names
from keyctl.secret import Secret
from keyctl.vault.passphrases import check_new_passphrase

# From public lists of the most used passwords, padded as people pad them, and from keyboards.
WEAK = [
    *("", "x", "tiny", "elevenchars"),
    *("password1234", "Password123!", "p@ssw0rd2026", "passwordpassword", "PASSWORDPASSWORD"),
    *("correcthorsebatterystaple", "123456789012", "111111111111", "121212121212", "1234567890qwerty"),
    *("qwertyuiop123", "qwertyuiopasdf", "abcdefghijkl", "letmein12345", "iloveyou2024", "welcome12345"),
    *("bitcoin12345", "binance2026!!", "changeme1234", "admin1234567"),
    *("zyxwvutsrqpo", "098765432109", "aaaaaaaaaaaaaaaaaaaa", "abababababab", "qwerty-asdfgh"),
]
GOOD = [
    *("a long passphrase", "made up for tests", "orbit lamp velvet crane"),
    *("Tr0ub4dor&3-and-more", "mein Fahrrad ist kaputt", "correct horse battery stapler"),
    *("правильная лошадь батарея скрепка btc", "мой длинный пароль 42 okx"),
    *("8402-9175-3316-2048-p-77", "9$73#81p!64&20%55", "test-8402-9175-3316-2048"),
]


@pytest.mark.parametrize("text", WEAK)
def test_a_short_or_common_passphrase_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SetupProblem) as caught:
        check_new_passphrase(Secret(text), names())
    assert caught.value.code == "weak_passphrase"
    assert not text or text not in " ".join((caught.value.message, *caught.value.hints))


@pytest.mark.parametrize("text", GOOD)
def test_words_that_nobody_guesses_are_taken(text: str) -> None:
    check_new_passphrase(Secret(text))


@given(st.integers(min_value=12, max_value=40))
def test_what_a_password_manager_makes_is_taken(length: int) -> None:
    check_new_passphrase(Secret(secrets.token_urlsafe(length)))


@given(st.text(min_size=12, max_size=200))
def test_any_text_is_judged(text: str) -> None:
    try:
        check_new_passphrase(Secret(text.encode("utf-8", "surrogatepass")))
    except SetupProblem as refusal:
        assert refusal.code == "weak_passphrase"


@pytest.mark.parametrize("text", ["qwertyuiop" * 6500, "a" * 65000, "0123456789" * 6500, "x1-" * 21000])
def test_a_long_text_is_judged_by_its_first_signs(text: str) -> None:
    """As a file descriptor may bring it: work that grows with its square would take hours."""
    try:
        check_new_passphrase(Secret(text))
    except SetupProblem as refusal:
        assert refusal.code == "weak_passphrase"
