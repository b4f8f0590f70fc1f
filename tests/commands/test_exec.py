"""keyctl exec, env and reveal: a key is used, and seen only by whom it is meant for."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from tests.support.canary import Canaries
from tests.support.ran import Ran
from tests.support.terminal import Person, keyctl_at_terminal
from tests.support.world import World

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
FORMS = {
    ("binance", "env"): ("BINANCE_API_KEY", "BINANCE_API_SECRET", None),
    ("okx", "env"): ("OKX_API_KEY", "OKX_API_SECRET", "OKX_API_PASSPHRASE"),
    ("okx", "ccxt"): ("OKX_APIKEY", "OKX_SECRET", "OKX_PASSWORD"),
    ("okx", "okx"): ("OKX_API_KEY", "OKX_SECRET_KEY", "OKX_PASSPHRASE"),
    ("bitfinex", "ccxt"): ("BITFINEX_APIKEY", "BITFINEX_SECRET", None),
    ("okx", "freqtrade"): (
        *("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET", "FREQTRADE__EXCHANGE__PASSWORD"),
    ),
}


def child(world: World, label: str, form: str, **variables: str) -> dict[str, str]:
    ran = world.spawn(
        "exec", label, "--as", form, "--", sys.executable, "-c", SHOW, environ={**world.environ, **variables}
    )
    assert ran.exit_code == 0, ran.stderr
    import json

    found: dict[str, str] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize(("exchange", "form"), FORMS)
def test_the_program_gets_exactly_the_chosen_names(world: World, exchange: str, form: str) -> None:
    made = world.add(exchange, "a")
    key, secret, passphrase = FORMS[exchange, form]
    got = child(world, "a", form, OKX_SECRET="stale", UNTOUCHED="yes", KEYCTL_EXTRA="ours")
    assert (got[key], got[secret]) == (made.api_key, made.secret)
    if passphrase:
        assert got[passphrase] == made.passphrase
    assert got["UNTOUCHED"] == "yes"
    assert not [name for name in got if name.startswith("KEYCTL_")]
    if exchange == "okx" and secret != "OKX_SECRET":
        assert "OKX_SECRET" not in got, "another key of the same exchange must not win"
    if form == "freqtrade":
        assert got["FREQTRADE__EXCHANGE__NAME"] == exchange


def test_a_private_key_arrives_with_its_lines(world: World) -> None:
    made = world.add("binance", "a", Algorithm.ED25519)
    assert child(world, "a", "ccxt")["BINANCE_SECRET"] == made.secret


def test_the_process_is_replaced_and_its_exit_code_is_the_programs_own(world: World) -> None:
    world.add("okx", "a")
    line = [sys.executable, "-I", "-m", "keyctl", "exec", "a", "--", "sh", "-c", "echo $$; exit 17"]
    with subprocess.Popen(line, env=world.environ, stdout=subprocess.PIPE, text=True) as running:
        shown, _ = running.communicate(timeout=30)
    assert (running.returncode, int(shown)) == (17, running.pid)


def test_a_program_whose_reader_leaves_ends_as_it_would_alone(world: World) -> None:
    world.add("okx", "a")
    program = f"{shlex.quote(sys.executable)} -I -m keyctl exec a -- yes | head -n 1"
    done = subprocess.run(["bash", "-c", program + "; exit ${PIPESTATUS[0]}"], env=world.environ, capture_output=True)
    assert done.returncode == 128 + 13, "SIGPIPE ends it"
    assert b"roken pipe" not in done.stderr


def test_the_passphrase_descriptor_is_not_handed_on(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"pass\npass\n")
    os.set_inheritable(read_end, True)
    program = (
        "from keyctl.keys.environ import replace_process\n"
        f"replace_process(['sh', '-c', 'ls /proc/self/fd/{read_end}'], {{'PATH': '/usr/bin:/bin'}}, [{read_end}])"
    )
    done = subprocess.run([sys.executable, "-c", program], pass_fds=[read_end], capture_output=True, text=True)
    assert done.returncode != 0 and "No such file" in done.stderr


def test_what_cannot_be_run_or_used_is_said(world: World) -> None:
    world.add("okx", "a")
    assert world.spawn("exec", "a", "--", "/nowhere/at/all").exit_code == 3
    assert world.spawn("exec", "a").exit_code == 2
    assert world.keyctl("exec", "a", "--as", "nonsense", "--", "true").exit_code == 2
    world.add("binance", "b")
    assert world.keyctl("exec", "b", "--as", "okx", "--", "true").exit_code == 2
    world.keyctl("disable", "a")
    assert world.keyctl("exec", "a", "--", "true").exit_code == 3
    assert world.keyctl("env", "a").exit_code == 3


def test_a_key_that_counts_nonces_comes_with_a_word_of_care(world: World) -> None:
    world.add("bitfinex", "a")
    assert "key of its own" in world.spawn("exec", "a", "--", "true").stderr


def test_env_prints_lines_that_a_shell_reads_back(world: World) -> None:
    made = world.add("binance", "a", Algorithm.ED25519)
    ran = world.keyctl("env", "a", "--as", "ccxt")
    assert ran.exit_code == 0
    program = ran.stdout + 'printf %s "$BINANCE_SECRET"'
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == made.secret.rstrip("\n") or done.stdout == made.secret


def test_env_refuses_a_terminal_and_a_document(world: World) -> None:
    canaries = Canaries()
    canaries.watch("a", world.add("okx", "a"))
    refused = world.keyctl("env", "a", "--json")
    assert (refused.exit_code, canaries.find(refused.stdout)) == (2, [])
    code, seen = keyctl_at_terminal(["env", "a"], world.home).leaves()
    assert code == 4 and canaries.find(seen) == []


def test_reveal_wants_the_label_typed_and_shows_all_on_the_terminal(world: World) -> None:
    made = world.add("okx", "a")
    assert world.keyctl("reveal", "a").exit_code == 10
    code, seen = keyctl_at_terminal(["reveal", "a"], world.home).waits_for("on the screen. Type").types("a\n").leaves()
    assert code == 0
    assert made.secret in seen and made.passphrase is not None and made.passphrase in seen and made.api_key in seen
    code, seen = keyctl_at_terminal(["reveal", "a"], world.home).waits_for("on the screen. Type").types("b\n").leaves()
    assert code == 4 and made.secret not in seen


def test_reveal_writes_to_the_screen_even_when_stdout_is_a_file(world: World, tmp_path: Path) -> None:
    made = world.add("okx", "a")
    out = tmp_path / "out"
    program = f"import os, sys; sys.stdout.flush(); os.dup2(os.open({str(out)!r}, os.O_WRONLY | os.O_CREAT), 1); "
    program += "from keyctl.cli import run; sys.exit(run(['reveal', 'a']))"
    person = Person(["-c", program], {**world.environ})
    code, seen = person.waits_for("on the screen. Type").types("a\n").leaves()
    assert code == 0 and made.secret in seen and made.secret not in out.read_text()


def test_no_secret_is_left_when_the_program_fails(world: World) -> None:
    canaries = Canaries()
    canaries.watch("a", world.add("okx", "a"))
    ran: Ran = world.spawn("exec", "a", "--debug", "--", "/nowhere")
    assert canaries.find(ran.stdout + ran.stderr) == []


def test_env_leaves_no_secret_in_a_plain_file(world: World) -> None:
    world.add("okx")
    out = world.folder / "out.env"
    for command in ("{} > {}", "{} >> {}"):
        line = command.format(f"{sys.executable} -I -m keyctl env okx-a", out)
        done = subprocess.run(["sh", "-c", f"umask 022; {line}"], env=world.environ, capture_output=True, text=True)
        assert done.returncode == 4 and "stdout_is_file" in done.stderr and "--to-file" in done.stderr
        assert out.read_bytes() == b""
    piped = subprocess.run(
        ["sh", "-c", f"{sys.executable} -I -m keyctl env okx-a | cat"],
        env=world.environ,
        capture_output=True,
        text=True,
    )
    assert world.made["okx-a"].secret in piped.stdout


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_env_writes_a_file_that_only_the_person_can_read(world: World, more: tuple[str, ...]) -> None:
    world.add("okx")
    path = world.folder / "bot.env"
    ran = world.keyctl("env", "okx-a", "--to-file", str(path), *more)
    assert ran.exit_code == 0 and path.stat().st_mode & 0o777 == 0o600
    assert world.made["okx-a"].secret in path.read_text()
    assert world.made["okx-a"].secret not in ran.stdout + ran.stderr
    again = world.keyctl("env", "okx-a", "--to-file", str(path))
    assert again.exit_code == 2 and "already exists" in again.stderr
    assert world.keyctl("env", "okx-a", "--to-file", str(world.folder / "no" / "x")).exit_code == 2
    world.keyctl("remove", "okx-a", "--yes")
    assert world.keyctl("import", str(path), "--yes").exit_code == 0


@pytest.mark.parametrize(
    "phrase", ["dbl\\\\x1A!", "a'b1A!xxx", "p$HOME`x`'1A", "#hash 1A!".replace(" ", ""), "q\"u\\o't$e1A"]
)
def test_what_env_gives_import_takes_back_unchanged(world: World, phrase: str) -> None:
    made = make_key("okx")
    entry = {"api_key": made.api_key, "secret": made.secret, "passphrase": phrase}
    line = ("add", "okx", "--label", "t", "--credentials-stdin", "--no-verify")
    assert world.keyctl(*line, stdin=json.dumps(entry)).exit_code == 0
    lines = world.spawn("env", "t").stdout
    world.keyctl("remove", "t", "--yes")
    assert world.keyctl("import", "-", "--yes", stdin=lines).exit_code == 0
    got = world.spawn("exec", "okx-main", "--", "sh", "-c", 'printf %s "$OKX_API_PASSPHRASE"')
    assert got.stdout == phrase
