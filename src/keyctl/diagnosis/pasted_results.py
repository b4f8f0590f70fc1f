"""The outcomes that a pasted value holds: its own, in an exchange's error shape, or those of values inside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from keyctl.diagnosis.wrapped_json import bodies_in
from keyctl.exchanges.shipped import error_shapes, names
from keyctl.model.told import ToldError
from keyctl.model.wire import JSON

_DEPTH_MAX = 6
_BODIES = ('{"', "{'", '["', "['", "[{")


def results_of(
    value: JSON, owners: tuple[str, ...], *, others: bool, depth: int = 0
) -> Iterator[tuple[str, ToldError | None]]:
    """Exchange and error (None: accepted) of each outcome; `others`: exchanges that are not among the owners count too,
    where none of the owners has such a shape."""
    for places in dict.fromkeys((owners, names() if others else owners)):
        for owner in places:
            if results := error_shapes(owner).results_in(value):
                yield from ((owner, told) for told in results)
                return
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    for item in inner if depth < _DEPTH_MAX else []:
        if isinstance(item, str) and item.startswith(_BODIES):
            for body in bodies_in(item):
                yield from results_of(body.value, owners, others=others, depth=depth + 1)
        elif isinstance(item, dict | list):
            yield from results_of(item, owners, others=others, depth=depth + 1)
