"""How a secret comes in, and which texts are refused before anything is stored."""

import io
import os
import sys
import time
from pathlib import Path

import pytest

from keyctl.errors import KeyctlError, SetupProblem, UsageProblem
from keyctl.exchanges.signing import new_private_key
from keyctl.keys import intake
from keyctl.keys.intake import (
    Sources,
    clean_api_key,
    clean_passphrase,
    clean_secret,
    read_credentials,
    read_source,
)
from keyctl.model.words import Algorithm
from keyctl.secret import Secret

PEM = new_private_key("ed25519").reveal().decode()


def stdin_is(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def read(sources: Sources) -> tuple[bytes | None, list[str]]:
    warnings: list[str] = []
    secret = read_source(sources, warnings)
    return None if secret is None else secret.reveal(), warnings


def test_no_source_gives_nothing_and_two_are_refused() -> None:
    assert read(Sources()) == (None, [])
    with pytest.raises(UsageProblem):
        read(Sources(stdin=True, file="f"))


def test_stdin_gives_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_is(monkeypatch, b"abc\n")
    assert read(Sources(stdin=True)) == (b"abc\n", [])


def test_a_terminal_as_stdin_is_refused_because_it_echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_is(monkeypatch, b"")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with pytest.raises(UsageProblem) as caught:
        read(Sources(stdin=True))
    assert caught.value.code == "stdin_is_terminal"


def test_a_file_gives_its_bytes_and_a_warning_when_others_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("abc\n")
    path.chmod(0o600)
    assert read(Sources(file=str(path))) == (b"abc\n", [])
    path.chmod(0o644)
    data, (warning,) = read(Sources(file=str(path)))
    assert data == b"abc\n" and "chmod 600" in warning


def test_a_descriptor_of_the_shell_works_as_a_file() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"abc")
    os.close(write_end)
    assert read(Sources(file=f"/dev/fd/{read_end}")) == (b"abc", [])
    os.close(read_end)


def test_a_command_gives_what_it_prints_without_a_shell() -> None:
    program = "import sys; print(sys.argv[1]); print('noise', file=sys.stderr)"
    data, _ = read(Sources(command=f"{sys.executable} -c \"{program}\" '$HOME;id'"))
    assert data == b"$HOME;id\n"


def test_what_a_command_says_on_stderr_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    read(Sources(command=f"{sys.executable} -c \"import sys; print('abc'); sys.stderr.write('canary')\""))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("command", "code", "exit_code"),
    [
        ("'", "bad_command", 2),
        ("  ", "bad_command", 2),
        ("/no/such/program", "bad_input", 3),
        (f"{sys.executable} -c \"import sys; print('canary'); sys.exit(3)\"", "bad_input", 3),
        (f"{sys.executable} -c pass", "bad_input", 3),
    ],
)
def test_a_command_that_fails_is_refused_without_its_output(command: str, code: str, exit_code: int) -> None:
    with pytest.raises(KeyctlError) as caught:
        read(Sources(command=command))
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert "canary" not in caught.value.message


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "COMMAND_SECONDS", 0.2)
    with pytest.raises(SetupProblem, match="did not end"):
        read(Sources(command=f'{sys.executable} -c "import signal; signal.pause()"'))


@pytest.mark.parametrize("line", ["cat f | head -1", "cat f|head", "a && b", "cat < f", "cat f > g", "a; b", "(a)"])
def test_a_command_that_wants_a_shell_is_told_how_to_use_one(line: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read(Sources(command=line))
    assert "without a shell" in caught.value.message and "sh -c" in caught.value.hints[0]


def test_a_shell_that_is_named_works() -> None:
    assert read(Sources(command="sh -c 'echo abc | cat'")) == (b"abc\n", [])


@pytest.mark.parametrize("line", ["cat $HOME/x", "cat ~/x", "cat /nowhere/*"])
def test_a_failing_command_with_signs_of_a_shell_says_so(line: str) -> None:
    with pytest.raises(SetupProblem) as caught:
        read(Sources(command=line))
    assert any("to use variables, ~ and * in a shell" in hint for hint in caught.value.hints)


@pytest.mark.slow  # the quick tests are watched for coverage, which would be timed too
def test_a_command_that_prints_without_end_is_ended_at_once() -> None:
    begun = time.perf_counter()
    with pytest.raises(SetupProblem, match="more than 65536 bytes"):
        read(Sources(command="yes"))
    assert time.perf_counter() - begun < 5


def test_too_much_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x" * 65_537)
    with pytest.raises(SetupProblem):
        read(Sources(file=str(path)))
    with pytest.raises(SetupProblem):
        read(Sources(file=str(tmp_path / "gone")))


def test_only_line_ends_are_trimmed() -> None:
    assert clean_secret(Secret(b"abc\r\n")).reveal() == b"abc"
    assert clean_api_key("abc\n") == "abc"
    assert clean_passphrase(Secret("two words!\n")).reveal() == b"two words!"


def test_a_pem_block_keeps_its_lines_and_gets_plain_line_ends() -> None:
    assert clean_secret(Secret("\n" + PEM.replace("\n", "\r\n"))).reveal() == PEM.encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b" canary",
        b"canary ",
        b"can ary",
        b"can\nary",
        b"can\tary",
        b'"canary"',
        b"'canary'",
        "“canary”".encode(),
        "\ufeffcanary".encode(),
        "can\u200bary".encode(),
        "can\u00a0ary".encode(),
        "саnary".encode(),
        b"can\x00ary",
        b"\xff\xfecanary",
        "\u200b".encode() + PEM.encode(),
        PEM.replace("VwBC", "Vw\u200bBC").encode(),
    ],
)
def test_a_secret_with_what_no_secret_holds_is_refused_without_being_shown(text: bytes) -> None:
    with pytest.raises(SetupProblem) as caught:
        clean_secret(Secret(text))
    assert (caught.value.code, caught.value.exit_code) == ("bad_input", 3)
    assert "canary" not in " ".join((caught.value.message, *caught.value.hints))


@pytest.mark.parametrize("text", ["", " a", "a ", '"quoted"', "'q'", "a\u200bb", "a\tb", "pässword"])
def test_a_passphrase_with_a_doubtful_edge_is_refused(text: str) -> None:
    with pytest.raises(SetupProblem):
        clean_passphrase(Secret(text))


def test_a_passphrase_may_hold_quotes_and_blanks_inside() -> None:
    assert clean_passphrase(Secret('it\'s "fine" $x')).reveal() == b'it\'s "fine" $x'


def test_credentials_come_as_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_is(monkeypatch, b'{"api_key": "k", "secret": "s", "passphrase": null, "key_type": "rsa"}')
    pasted = read_credentials()
    assert pasted.secret is not None
    assert (pasted.api_key, pasted.secret.reveal(), pasted.passphrase) == ("k", b"s", None)
    assert pasted.key_type is Algorithm.RSA
    assert "'s'" not in repr(pasted)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"canary",
        b"[]",
        b'{"api_key": "canary"',
        b'{"secret": "canary", "secret": "canary"}',
        b'{"canary": "x"}',
        b'{"secret": 5}',
        b'{"secret": ["canary"]}',
        b'{"key_type": "canary"}',
        b'{"secret": "\\ud800canary"}',
        b"\xff\xfe",
        b"[" * 60_000,
    ],
)
def test_any_other_text_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    stdin_is(monkeypatch, text)
    with pytest.raises(SetupProblem) as caught:
        read_credentials()
    assert caught.value.exit_code == 3
    assert "canary" not in " ".join((caught.value.message, *caught.value.hints))
