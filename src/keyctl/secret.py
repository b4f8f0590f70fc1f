"""Secret: a value that never shows itself. Only the modules named in docs/architecture.md call reveal()."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Bytes that print as `<secret>` and refuse to be pickled or copied.

    Python cannot wipe memory; what this class prevents is a secret slipping into a log, a message or a file.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The secret's bytes."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("<secret>", spec)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are not compared with ==; use hmac.compare_digest on what reveal() returns")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")
