"""Questions at a real (pseudo) terminal: nothing hidden is echoed, and nobody is asked where nobody is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from keyctl.errors import NeedsPerson, SetupProblem, UsageProblem
from keyctl.keys import intake
from keyctl.secret import Secret
from keyctl.terminal.prompt import Prompt
from tests.support.terminal import Person, in_pieces

PROGRAM = """
from keyctl.terminal.prompt import Prompt
from keyctl.errors import KeyctlError
prompt = Prompt()
try:
    {code}
except KeyctlError as error:
    print("problem", error.code)
"""


def person(code: str) -> Person:
    return Person(["-c", PROGRAM.format(code=code)])


def test_a_hidden_answer_arrives_and_is_not_shown() -> None:
    at = person("print('length', len(prompt.hidden('Secret: ')))")
    code, seen = at.waits_for("Secret: ").types("hunter2-hunter2\n").leaves()
    assert (code, seen.strip().splitlines()[-1]) == (0, "length 15")
    assert "hunter2" not in seen


def test_a_pasted_private_key_is_read_to_its_last_line_unseen() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\n" + "Abcd" * 16 + "\nAbcd\n-----END PRIVATE KEY-----\n"
    at = person(f"print(prompt.hidden('Key: ').reveal() == {pem.rstrip()!r}.encode())")
    _, seen = at.waits_for("Key: ").types(pem).leaves()
    assert seen.strip().endswith("True")
    assert "Abcd" not in seen


def test_echo_is_on_again_after_an_interruption() -> None:
    program = "import termios\ntry: prompt.hidden('Secret: ')\nexcept KeyboardInterrupt: pass\n"
    check = "print('echo', bool(termios.tcgetattr(0)[3] & termios.ECHO))"
    at = Person(["-c", f"from keyctl.terminal.prompt import Prompt\nprompt = Prompt()\n{program}{check}"])
    _, seen = at.waits_for("Secret: ").types("half a secr\x03").leaves()
    assert "echo True" in seen
    assert "half" not in seen


def test_an_empty_answer_takes_the_default() -> None:
    _, seen = person("print('got', prompt.ask('Label', 'okx-main'))").waits_for("[okx-main]: ").types("\n").leaves()
    assert "got okx-main" in seen


def test_a_choice_is_asked_again_until_it_is_one() -> None:
    at = person("print('got', prompt.choose('Type', ['hmac', 'rsa']))").waits_for(": ").types("md5\n")
    _, seen = at.waits_for("Type one of: hmac, rsa").waits_for(": ").types("rsa\n").leaves()
    assert "got rsa" in seen


@pytest.mark.parametrize(("typed", "result"), [("okx-main", True), ("okx-mai", False), ("y", False), ("", False)])
def test_a_confirmation_is_the_very_text(typed: str, result: bool) -> None:
    at = person("print('got', prompt.confirm_typed('Type it', 'okx-main'))").waits_for(": ").types(f"{typed}\n")
    assert f"got {result}" in at.leaves()[1]


def test_ending_the_input_is_no_answer() -> None:
    _, seen = person("prompt.ask('Label')").waits_for("Label: ").types("\x04").leaves()
    assert "problem needs_person" in seen


def test_two_passphrases_must_agree() -> None:
    at = person("prompt.passphrase('New: ', twice=True)").waits_for("New: ").types("one\n")
    _, seen = at.waits_for("Repeat the passphrase: ").types("two\n").leaves()
    assert "problem passphrase_differs" in seen


def test_what_is_shown_cannot_steer_the_terminal() -> None:
    _, seen = person(r"prompt.show('red \x1b[31m and \u202e back')").leaves()
    assert "\x1b" not in seen and "\u202e" not in seen


def test_questions_at_a_terminal_do_not_touch_stdout(tmp_path: Path) -> None:
    out = tmp_path / "out"
    at = person(f"import os; os.dup2(os.open({str(out)!r}, os.O_WRONLY | os.O_CREAT), 1); prompt.ask('Label')")
    at.waits_for("Label: ").types("x\n").leaves()
    assert out.read_bytes() == b""


def test_no_input_asks_nobody_even_at_a_terminal() -> None:
    _, seen = person("Prompt(no_input=True).ask('Label')").leaves()
    assert "problem needs_person" in seen


def test_without_a_terminal_the_hint_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))
    prompt = Prompt()
    assert not prompt.has_terminal
    with pytest.raises(NeedsPerson) as caught:
        prompt.ask("Label", option="--label")
    assert (caught.value.hints, caught.value.exit_code) == (("use --label",), 10)
    for ask in (prompt.hidden, lambda text: prompt.confirm_typed(text, "x")):
        with pytest.raises(NeedsPerson):
            ask("Secret")
    prompt.show("nobody sees this")
    __import__("sys").stdin.close()


def test_a_passphrase_from_a_descriptor_must_be_there_and_not_empty() -> None:
    with pytest.raises(UsageProblem):
        Prompt(passphrase_fd=0).passphrase("P")
    with pytest.raises(UsageProblem):
        Prompt(passphrase_fd=987).passphrase("P")
    with open(os.devnull) as empty, pytest.raises(SetupProblem):
        Prompt(passphrase_fd=empty.fileno()).passphrase("P")


PEM = "-----BEGIN PRIVATE KEY-----\n" + "Abcd" * 16 + "\nAbcd\n-----END PRIVATE KEY-----\n"
BAG = "Bag Attributes\n    localKeyID: 01 02\n"


@pytest.mark.parametrize("before", ["", BAG, "my key\n\n", "x=1\n"])
@pytest.mark.parametrize("after", ["", "rm -rf nothing\n", "trailing words\nand more\n"])
def test_a_paste_in_pieces_is_read_whole_and_nothing_of_it_is_left_for_a_shell(before: str, after: str) -> None:
    program = "code = prompt.hidden('Key: ').reveal().decode(); import select, sys"
    program += "; left = select.select([0], [], [], 0.4)[0]; print('read', len(code), 'END' in code, bool(left))"
    at = in_pieces(person(program).waits_for("Key: "), before + PEM + after)
    code, seen = at.leaves()
    assert code == 0 and " True False" in seen, seen
    for word in ("Abcd", "BEGIN", "rm -rf", "trailing", "localKeyID"):
        assert word not in seen


def test_a_refused_first_line_leaves_no_rest_either() -> None:
    """The secret question refuses after it has read: the rest must be gone by then."""
    program = "prompt.passphrase('Word: '); import select; print('left', bool(select.select([0], [], [], 0.4)[0]))"
    _, seen = in_pieces(person(program).waits_for("Word: "), "one\n" + PEM).leaves()
    assert "left False" in seen and "Abcd" not in seen


@pytest.mark.parametrize(
    "line",
    [
        PEM.rstrip().replace("\n", "\\n"),
        PEM.rstrip().replace("\n", ""),
        PEM.rstrip().replace("\n", " "),
        '"' + PEM.rstrip().replace("\n", "\\n") + '"',
    ],
)
def test_a_private_key_in_one_line_ends_at_enter(line: str) -> None:
    at = person("print('got', len(prompt.hidden('Key: ')))").waits_for("Key: ").types(f"{line}\n")
    assert f"got {len(line)}" in at.leaves()[1]


def test_the_marks_of_a_bracketed_paste_are_taken_off() -> None:
    at = person("print('got', prompt.hidden('S: ').reveal())").waits_for("S: ").types("\x1b[200~abc\x1b[201~\n")
    assert "got b'abc'" in at.leaves()[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ab\x1b[Acd", "an ESC character"),
        ("ab\tcd", "a TAB character"),
        ("ab\x1b[200~cd", "bracketed paste"),
        ("\tabcd", "a TAB character"),
    ],
)
@pytest.mark.parametrize("clean", [intake.clean_secret, intake.clean_passphrase])
def test_a_key_that_was_pressed_is_named(text: str, words: str, clean: Callable[[Secret], Secret]) -> None:
    with pytest.raises(SetupProblem, match=words):
        clean(Secret(text))


def test_a_person_at_a_program_that_is_not_there_is_no_second_run_of_the_tests(tmp_path: Path) -> None:
    person = Person([], program=str(tmp_path / "nothing"))
    code, _ = person.leaves()
    assert code == 127
