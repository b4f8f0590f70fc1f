"""What an exchange's own words must not show on their way out: parts of our request that an answer quotes.

Masking happens after an answer was judged and before anything is printed, logged or written down. Only words that came
from outside pass through here: never ids, numbers, symbols or codes that were read, and nothing that keyctl itself
knows. The one home of these rules.
"""

from __future__ import annotations

import re
from functools import cached_property

from keyctl.secret import Secret

HIDDEN = "<hidden>"
_SHORTEST = 8
_KEY_SHOWN = 4
# A value that stands beside such a word in pasted text. Words of the language stay: "passphrase: incorrect".
_BESIDE = re.compile(
    r"(?i)((?:pass[-_ ]?phrase|pass[-_ ]?word|passwd|pwd|secret[-_ ]?(?:access[-_ ]?)?(?:key)?|private[-_ ]?key|"
    r"signature|[-_]sign|\bsign|token|authorization|credential|(?:api|access)[-_ ]?key|X-MBX-APIKEY|bfx-apikey)"
    r"(?:['\"\\]|&quot;|%22)*\s*(?::|=>?|%3D|\bis\b|\bwas\b)\s*(?:b?['\"\\]|&quot;|%22)*)"
    r"([^\s'\"&,;{}<>\\]+)"
)
_PLAIN_WORD = re.compile(r"[A-Za-z]?[a-z]*|[A-Z]+|-?[0-9]{1,6}")


class Mask:
    """Hides one account's passphrase and the middle of its API key in words of its exchange."""

    def __init__(self, api_key: str = "", passphrase: Secret | None = None) -> None:
        self._api_key = api_key
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return "<mask>"

    def masked(self, words: str) -> str:
        """The words with every form of what must not show replaced, also where half of it or more is quoted."""
        if not words:
            return words
        for form in self._forms:
            words = words.replace(form, HIDDEN)
        for form in self._forms:
            words = _without_runs(words, form)
        if len(self._api_key) > 2 * _KEY_SHOWN and self._api_key in words:
            words = words.replace(self._api_key, f"{self._api_key[:_KEY_SHOWN]}..{self._api_key[-_KEY_SHOWN:]}")
        # A short one may be part of a word or of a number; as a whole value it is what it looks like.
        return HIDDEN if self._short and words.strip().strip("'\"") == self._short else words

    @cached_property
    def _short(self) -> str:
        text = self._text
        return text if len(text) < _SHORTEST or text.isdigit() else ""

    @cached_property
    def _text(self) -> str:
        return "" if self._passphrase is None else self._passphrase.reveal().decode("utf-8", "replace")

    @cached_property
    def _forms(self) -> tuple[str, ...]:
        """The ways in which an answer may quote a passphrase of 8 characters or more; longest first."""
        import base64  # these three take 4 ms to load, for which every `diagnose` of a code would wait
        import json
        from urllib.parse import quote

        text = self._text
        if not text or self._short:
            return ()
        raw = text.encode()
        found = {text, text[::-1], quote(text, safe=""), quote(text), quote(text, safe="").lower()}
        found |= {json.dumps(text)[1:-1], repr(text)[1:-1], raw.hex(), raw.hex().upper()}
        found |= {text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")}
        for shift in range(3):
            inner = raw[shift : shift + (len(raw) - shift) // 3 * 3]
            found |= {base64.b64encode(inner).decode(), base64.urlsafe_b64encode(inner).decode()}
        return tuple(sorted((form for form in found if len(form) >= _SHORTEST), key=len, reverse=True))


def hide_beside(text: str) -> str:
    """Pasted text without the values that stand beside words such as passphrase, secret or signature."""
    return _BESIDE.sub(
        lambda found: found[0] if _PLAIN_WORD.fullmatch(found[2].rstrip(".!")) else f"{found[1]}{HIDDEN}", text
    )


def _without_runs(words: str, form: str) -> str:
    """The words without runs of at least half of a form, and of 8 characters."""
    least = max(_SHORTEST, len(form) // 2)
    runs = {form[start : start + least] for start in range(len(form) - least + 1)}
    place = 0
    while place <= len(words) - least:
        if words[place : place + least] not in runs:
            place += 1
            continue
        end = place + least
        while end < len(words) and words[end - least + 1 : end + 1] in runs:
            end += 1
        words = words[:place] + HIDDEN + words[end:]
        place += len(HIDDEN)
    return words
