"""A Noun is shown, compared and hashed as the data class that it would be without that base."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace
from decimal import Decimal

import pytest

from keyctl.model.noun import Noun


@dataclass(frozen=True, slots=True)
class Plain:
    name: str
    size: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shared(Noun):
    name: str
    size: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Other(Noun):
    name: str
    size: Decimal = Decimal(1)


def test_it_is_shown_as_a_data_class_is() -> None:
    assert repr(Shared("a\n", Decimal("1.5"))) == repr(Plain("a\n", Decimal("1.5"))).replace("Plain", "Shared")


def test_it_is_compared_and_hashed_field_by_field() -> None:
    assert Shared("a") == Shared("a", Decimal("1.0"))
    assert Shared("a") != Shared("b") and Shared("a") != Shared("a", Decimal(2))
    assert Shared("a") != Other("a") and Shared("a") != ("a", Decimal(1))
    assert hash(Shared("a")) == hash(Plain("a")) == hash(replace(Shared("b"), name="a"))
    assert len({Shared("a"), Shared("a"), Shared("b")}) == 2


def test_it_stays_frozen_and_small() -> None:
    with pytest.raises(FrozenInstanceError):
        Shared("a").name = "b"  # type: ignore[misc]
    assert not hasattr(Shared("a"), "__dict__")
