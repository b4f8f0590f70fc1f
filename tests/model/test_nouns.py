"""Nouns compare and show all of their fields, as data classes do by themselves."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from typing import Any

import keyctl
from keyctl.model.noun import Noun


def test_a_noun_goes_by_every_field() -> None:
    for module in pkgutil.walk_packages(keyctl.__path__, "keyctl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    classes: list[Any] = [each for each in Noun.__subclasses__() if dataclasses.is_dataclass(each)]
    assert len(classes) > 20
    for each in classes:
        fields = dataclasses.fields(each)
        assert each.__match_args__ == tuple(field.name for field in fields), each
        assert all(field.repr and field.compare for field in fields), each
        assert (each.__eq__, each.__hash__) == (Noun.__eq__, Noun.__hash__), each
