"""A secret pasted where another word belongs is not repeated; a typo is, with what was likely meant."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from secrets import token_hex

import click
import pytest

from keyctl.cli import root
from keyctl.terminal.typed_words import nearly, shown_word, takes_secret, without_strangers
from keyctl.twin.key_making import make_key
from tests.support.canary import Canaries
from tests.support.world import World

SECRETS = (
    *(make_key("binance").secret, make_key("okx").secret, make_key("okx").passphrase or "", "Hunter2-Aa!"),
    token_hex(32),  # of one case, and longer than what a message shows of a word
)


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words; groups are walked into."""

    def walk(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
        yield words, command
        if isinstance(command, click.Group):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                found = command.get_command(ctx, name)
                assert found is not None
                yield from walk((*words, name), found)

    yield from walk((), root)


def lines(secret: str) -> Iterator[tuple[str, ...]]:
    """The secret in the place of every word that a command takes: command, argument, option, value, one too many."""
    for words, command in commands():
        if words[:1] in (("demo",), ("completion",)):
            continue
        yield (*words, secret)
        yield (*words, f"--{secret}")
        yield (*words, secret, secret)
        arguments = [item for item in command.params if isinstance(item, click.Argument)]
        fill = ["x"] * len(arguments)
        for place in range(len(arguments)):
            yield (*words, *fill[:place], secret, *fill[place + 1 :])
        for option in command.params:
            if isinstance(option, click.Option) and not option.is_flag:
                yield (*words, *fill, option.opts[0], secret)
                yield (*words, *fill, f"{option.opts[0]}={secret}")
                yield (*words, *fill, option.opts[0], f"a={secret},{secret}")


@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_no_command_repeats_a_secret_in_the_place_of_another_word(
    world: World, number: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(tmp_path)
    world.add("okx")
    secret = SECRETS[number]
    canaries = Canaries()
    canaries.watch_text("secret", secret)
    shown, tried = {}, 0
    for line in lines(secret):
        if line[0] in ("halt", "backup") or "--because" in line or "--reason" in line:
            continue  # a reason is free text, and shown as such; a backup is a folder of that name then
        tried += 1
        for made in (*tmp_path.iterdir(), *tmp_path.rglob(secret)):  # a file of that name would be known
            shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
        ran = world.keyctl(*line, "--no-input", "--json" if tried % 3 == 0 else "--debug")
        told = (ran.stdout + ran.stderr).replace(str(world.folder), "")
        if canaries.find(told) or secret[:12] in told or secret[-12:] in told:
            shown[line] = told[:300]
    assert tried > 300
    assert shown == {}


TYPOS = [
    (("lst",), "'lst'", "Did you mean 'list'?"),
    (("show", "okx-b"), "okx-b", "did you mean okx-a?"),
    (("verify", "--group", "dsk"), "dsk", "did you mean desk?"),
    (("checklist", "okxx"), "okxx", "did you mean okx?"),
    (("orders", "shw"), "'shw'", "Did you mean 'show'?"),
    (("verify", "--al"), "--al", "--all"),
    (("orders", "show", "abcd1234"), "abcd1234", "keyctl orders"),
    (("price", "BTC-USDT"), "BTC-USDT", "BTC/USDT"),
    (("order", "buy", "NOPE/USDT:USDT-261225", "1", "-a", "okx-a", "--price", "1"), "NOPE/USDT:USDT-261225", ""),
    (("import", "/nowhere/bot.env"), "/nowhere/bot.env", ""),
]


@pytest.mark.parametrize(("line", "word", "hint"), TYPOS)
def test_a_typo_is_shown_with_what_was_likely_meant(world: World, line: tuple[str, ...], word: str, hint: str) -> None:
    world.add(
        "okx",
        None,
        *(),
    )
    world.keyctl("edit", "okx-a", "--group", "desk")
    ran = world.keyctl(*line)
    assert ran.exit_code not in (0, 1)
    assert word in ran.stderr and hint in ran.stderr, ran


def test_a_path_shows_the_folder_that_is_there(world: World) -> None:
    ran = world.keyctl("import", f"{world.folder}/some.env")
    assert f"{world.folder}/some.env cannot be read" in ran.stderr
    ran = world.keyctl("import", f"{world.folder}/{SECRETS[0]}")
    assert SECRETS[0] not in ran.stderr and str(world.folder) in ran.stderr


@pytest.mark.parametrize(
    "option", ["--secretkey", "--secret", "--api-secret", "--apisecret", "--pass", "--pwd", "--privatekey"]
)
@pytest.mark.parametrize("form", ["{} {}", "{}={}"])
def test_a_secret_as_an_option_is_told_with_how_to_take_it_out_of_the_history(
    world: World, monkeypatch: pytest.MonkeyPatch, option: str, form: str
) -> None:
    for shell, words in (
        ("/bin/bash", "history -d -2"),
        ("/usr/bin/zsh", "fc -R"),
        ("/usr/bin/fish", "history delete"),
    ):
        monkeypatch.setenv("SHELL", shell)
        ran = world.keyctl("add", "binance", *form.format(option, SECRETS[0]).split(" "), "--json")
        (error,) = ran.document["errors"]
        assert (ran.exit_code, error["code"]) == (2, "secret_on_command_line")
        assert words in json.dumps(error["hints"]) and "Did you mean" not in ran.stdout
        assert SECRETS[0] not in ran.stdout


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("okx-main", "okx-main"),
        ("BTC/USDT", "BTC/USDT"),
        ("abcdefghijklmnop", "abcdefghijklmnop"),
        ("abcdefghijklmnopq", "(17 characters)"),
        ("Hunter2", "(7 characters)"),
        ("hunter2!", "(8 characters)"),
        ("A" * 24, "AAAA..AAAA"),
        ("4907CC41B660DDB4E2C04CE9369C9280", "4907..9280"),
        ("2026-12-31T18:00Z", "2026-12-31T18:00Z"),
        ("312269865356374016", "312269865356374016"),
    ],
)
def test_an_unknown_word_is_shown_whole_only_when_no_secret_looks_like_it(word: str, shown: str) -> None:
    assert shown_word(word) == shown


@pytest.mark.parametrize("cut", [64, 41, 40, 24, 17])
@pytest.mark.parametrize(
    "word", [token_hex(32), token_hex(32).upper(), f"{token_hex(16)}:{token_hex(16)}"], ids=["a", "A", "a:a"]
)
def test_a_word_of_one_case_is_hidden_where_a_message_has_cut_it(word: str, cut: int) -> None:
    said = f"'{word[:cut]}' is not a symbol"
    assert without_strangers(said, ["price", word], lambda known: False) == f"'{shown_word(word)}' is not a symbol"


def test_a_word_that_is_known_is_shown_and_one_after_a_secrets_option_is_not() -> None:
    assert without_strangers("no MyDesk-2025! here", ["MyDesk-2025!"], lambda word: True) == "no MyDesk-2025! here"
    assert without_strangers("'abc' is not", ["--password", "abc"], lambda word: False) == "'(3 characters)' is not"
    assert without_strangers("cut: Hunter2-Aa", ["Hunter2-Aa!bcdefgh"], lambda word: False) == "cut: (18 characters)"


@pytest.mark.parametrize("words", [("secret", "hunter2pass"), ("passphrase", "hunter2pass"), ("secret=hunter2pass",)])
def test_a_word_after_a_word_that_takes_a_secret_is_not_shown(world: World, words: tuple[str, ...]) -> None:
    shown = without_strangers("'hunter2pass' is too much", ["add", "binance", *words], lambda word: False)
    assert shown == "'(11 characters)' is too much"
    ran = world.keyctl("add", "binance", *words)
    assert ran.exit_code == 2 and "hunter2pass" not in ran.stdout + ran.stderr, ran


def test_no_command_is_a_word_that_takes_a_secret() -> None:
    assert [words for words, _ in commands() if any(map(takes_secret, words))] == []


def test_nearness_counts_letters() -> None:
    assert nearly("okx-mian", {"okx-main"}) and nearly("okxmain", {"okx-main"})
    assert not nearly("bitfinex", {"okx-main"})


@pytest.mark.parametrize(
    "option", ["--secret-file", "--secret-stdin", "--passphrase-fd", "--ask-passphrase", "--price"]
)
def test_options_that_name_a_source_take_no_secret(option: str) -> None:
    assert not takes_secret(option)
