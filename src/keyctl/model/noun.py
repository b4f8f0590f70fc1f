"""Noun: the methods that frozen data classes share, made once."""

from __future__ import annotations

from typing import ClassVar


class Noun:
    """The base of a frozen data class: shown, compared and hashed field by field, as data classes are.

    Left to itself, @dataclass writes and compiles these methods anew for each class: half of the time that making the
    fifty classes of a fan-out takes, and a twentieth of the whole process. So a class that every order loads is a Noun,
    decorated with `@dataclass(frozen=True, slots=True, eq=False, repr=False)`.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__qualname__}({shown})"

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__match_args__))
