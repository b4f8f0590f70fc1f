"""A file's bytes as text: UTF-8, UTF-16 as Windows writes it, or a letter of an old code page in a comment."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_of(data: bytes) -> str | None:
    """The text, with line ends as they are; None for bytes that are no text.

    Bytes that are not UTF-8 are read as Latin-1: every ASCII character stays what it is, and a key or passphrase that
    holds anything else is refused by the checks of its text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    if b"\0" in data:
        for encoding, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
            if zeros and zeros.count(0) > 0.9 * len(zeros):
                return _decoded(data, encoding)
        return None
    text = _decoded(data, "utf-8")
    return data.decode("latin-1") if text is None else text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
