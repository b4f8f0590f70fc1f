"""Files at random: what is read is what was written, no file makes keyctl fail, and no message holds its text."""

from __future__ import annotations

import io
import string
from random import Random

import pytest
from dotenv import dotenv_values

from keyctl.errors import SetupProblem
from keyctl.keys.environ import lines_for_shell
from keyctl.keys.formats import NotInFormat
from keyctl.keys.formats.env_file import read_env
from keyctl.keys.other_programs import Reading, read_foreign
from tests.support.canary import Canaries
from tests.support.other_files import FORMATS, File, Key, random_file, random_passphrase, spoiled

# A fiftieth of what scripts/soak.d/import-files tries.
FILES = 2_000 // len(FORMATS)


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


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_read_is_what_was_written(kind: str) -> None:
    assert round_trips(kind, range(FILES)) == FILES


@pytest.mark.parametrize("kind", FORMATS)
def test_no_damaged_file_makes_it_fail_or_shows_its_text(kind: str) -> None:
    refused = damage(kind, range(FILES))
    assert kind in ("env", "ini") or refused > FILES / 20


def test_values_between_quotes_are_those_of_python_dotenv() -> None:
    """The oracle: what most bots read such files with."""
    for seed in range(FILES):
        random = Random(f"dotenv {seed}")
        file = random_file(random, "env")
        text = file.data.decode("utf-16" if file.data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        theirs = dotenv_values(stream=io.StringIO(text), interpolate=False)
        ours = {entry.path[0]: entry.value.reveal().decode() for entry in read_env(text).entries}
        assert ours == theirs, seed


def _values() -> list[str]:
    random = Random("round trip")
    every = [f"a{char}b" for char in string.printable[:95]] + [char * 3 for char in string.punctuation]
    pairs = [f"x{one}{two}" for one in "'\"\\$`#! " for two in "'\"\\$`#! "] + [f"'{char}" for char in '"\\$`']
    return [
        *every,
        *pairs,
        *(random_passphrase(random) for _ in range(400)),
        *(random_passphrase(random)[::-1] for _ in range(400)),
    ]


def test_what_env_writes_import_reads_and_so_does_a_shell_and_python_dotenv(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import subprocess

    values = {f"VALUE_{number}": value for number, value in enumerate(_values())}
    lines, for_shells = lines_for_shell(values)
    back = read_env(lines)
    assert back.troubles == []
    assert {entry.path[0]: entry.value.reveal().decode() for entry in back.entries} == values
    (tmp_path / "lines").write_text(lines)
    shown = "\n".join(f"printf '%s\\0' \"${name}\"" for name in values)
    (tmp_path / "script").write_text(f". {tmp_path}/lines\n{shown}\n")
    done = subprocess.run(["sh", tmp_path / "script"], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == list(values.values())
    for name, value in values.items():
        if name not in for_shells:
            line, _ = lines_for_shell({name: value})
            assert dotenv_values(stream=io.StringIO(line), interpolate=False) == {name: value}
    assert 0 < len(for_shells) < len(values) / 2


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("x.json", '{"binance": {"apiKey": "a",\n"apiKey": "b"}}', 2),
        ("x.json", '{\n"binance": {"apiKey": CANARY}}', 2),
        ("x.json", '{"a": "\\q"}', 1),
        ("x.json", '{"a": [1, 2', 1),
        ("x.json", '{"a": "CANARY}', 1),
        ("x.json", '{"a": ' + "[" * 100, 1),
        ("x.json", '{"a": {' * 100, 1),
        ("x.yml", "a: &CANARY b\n", 1),
        ("x.yml", "a: 1\nb: *CANARY\n", 2),
        ("x.yml", "a: 1\nb: !CANARY c\n", 2),
        ("x.yml", "a: b\na: CANARY\n", 2),
        ("x.yml", "a: 'CANARY\n", 2),
        ("x.yml", "a: {b: [CANARY\n", 2),
        ("x.yml", "a:\n\t- CANARY\n", 2),
        ("x.yml", "{" * 100, 1),
        ("x.toml", 'a = "CANARY"\na = "CANARY"\n', 2),
        ("x.toml", "a = CANARY\n", 1),
        ("x.toml", "[a\n", 1),
        ("x.csv", 'label,api_key,secret\na,"CANARY', 2),
    ],
)
def test_what_breaks_a_format_is_refused_with_its_line(name: str, text: str, line: int) -> None:
    with pytest.raises(SetupProblem) as caught:
        read_foreign(text.encode(), name)
    assert caught.value.code == "bad_file"
    assert f"line {line}" in caught.value.message or f"line {line + 1}" in caught.value.message, caught.value.message
    assert "CANARY" not in " ".join((caught.value.message, *caught.value.hints))


def test_the_error_of_a_format_has_a_line_and_words() -> None:
    assert str(NotInFormat(3, "not TOML")) == "line 3: not TOML"
