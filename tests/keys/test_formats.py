"""Files at random: what is read is what was written, no file makes keyctl fail, and no message holds its text."""

from __future__ import annotations

import io
import string
from random import Random

import pytest
from dotenv import dotenv_values

from keyctl.errors import SetupProblem
from keyctl.keys.environ import lines_for_shell
from keyctl.keys.formats.env_file import read_env
from keyctl.keys.formats.parsed import NotInFormat
from keyctl.keys.other_programs import read_foreign
from tests.support.files_campaign import damage, round_trips
from tests.support.other_files import FORMATS, random_file, random_passphrase

# A fiftieth of what scripts/soak.d/import-files tries.
FILES = 2_000 // len(FORMATS)


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
