"""Files of other programs at random: read as written, and damaged ones refused without showing their text."""

from __future__ import annotations

from random import Random

from keyctl.errors import SetupProblem
from keyctl.keys.other_programs import Reading, read_foreign
from tests.support.canary import Canaries
from tests.support.other_files import File, Key, random_file, spoiled


def read(file: File) -> list[Key]:
    """The keys that are found, those with something wrong left out."""
    found = read_foreign(file.data, file.name).found
    assert [item.wrong for item in found if item.wrong] == []
    keys = []
    for item in found:
        parts = {part: value.reveal().decode() for part, value in item.parts.items()}
        keys.append(Key(item.place.exchange, parts["api_key"], parts["secret"], parts.get("passphrase")))
    return sorted(keys, key=lambda key: key.exchange)


def told(reading: Reading) -> str:
    """Everything of a reading that may be shown."""
    words = [text for remark in reading.remarks for text in (remark.line, remark.name, remark.note)]
    for found in reading.found:
        words += [found.names, found.suffix, found.line, *found.wrong, *found.notes]
    return "\n".join([*words, *reading.advice])


def canaries_of(file: File) -> Canaries:
    canaries = Canaries()
    for key in file.keys:
        canaries.watch_secret(key.exchange, key.secret, key.passphrase)
        for half in (key.secret[: len(key.secret) // 2], key.secret[len(key.secret) // 2 :]):
            canaries.watch_text(f"half of {key.exchange}", half)
    return canaries


def round_trips(kind: str, seeds: range) -> int:
    """How many files were read; each of them as it was written, with nothing of it in what is told."""
    for seed in seeds:
        file = random_file(Random(f"{kind} {seed}"), kind)
        expected = sorted(file.keys, key=lambda key: key.exchange)
        assert read(file) == expected, f"seed {seed}:\n{file.data!r}"
        if seed % 20 == 0:
            shown = told(read_foreign(file.data, file.name))
            assert canaries_of(file).find(shown) == [], f"seed {seed}: {shown}"
    return len(seeds)


def damage(kind: str, seeds: range) -> int:
    """How many damaged files were refused as a whole; of the others keys may be read, and nothing is shown."""
    refused = 0
    for seed in seeds:
        random = Random(f"damaged {kind} {seed}")
        file = random_file(random, kind)
        data = spoiled(random, file.data)
        canaries = canaries_of(file)
        try:
            reading = read_foreign(data, file.name)
        except SetupProblem as problem:
            refused += 1
            assert canaries.find(" ".join((problem.message, *problem.hints))) == [], seed
        else:
            assert canaries.find(told(reading)) == [], f"seed {seed}: {told(reading)}"
    return refused
