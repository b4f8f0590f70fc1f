"""60 situations of people who keep exchange keys, each run as a shell runs it, in a fresh home, and what comes of it.

The folders of tests/data/cases/keys hold a sentence on what is needed, the shell's line and its input, with names in
the place of keys. `SIBLINGS` names where the same kind is tried in other clothes.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keyctl.app import App
from keyctl.twin.key_making import make_key
from tests.support.canary import Canaries
from tests.support.preloaded import preloaded
from tests.support.private_keys import BAG, BODY, EC_KEY, ED, ED_PEM, ED_SSH, READ, RSA, RSA_PEM, SEED, pem
from tests.support.terminal import Person, in_pieces
from tests.vault.secret_service import require

FOLDER = Path(__file__).parents[1] / "data" / "cases" / "keys"
A, B = make_key("binance"), make_key("binance")
OKX, OKX_B, LBANK = make_key("okx"), make_key("okx"), make_key("lbank")
WORDS = {
    "@KEY@": A.api_key,
    "@SECRET@": A.secret,
    "@KEY2@": B.api_key,
    "@SECRET2@": B.secret,
    "@OKX_KEY@": OKX.api_key,
    "@OKX_SECRET@": OKX.secret,
    "@OKX_KEY2@": OKX_B.api_key,
    "@LBANK_KEY@": LBANK.api_key,
    "@ED_BODY@": BODY,
}
ENCODINGS = {"23_utf16.env": "utf-16", "25_latin1_comment.env": "latin-1"}
ENCRYPTED = ED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"Abcd1234!"))
X25519 = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
MADE: dict[str, tuple[str, str | bytes]] = {
    "12a": ("ec.pem", pem(EC_KEY)),
    "12c": ("x25519.pem", X25519),
    "12d": ("ed_seed_hex.txt", f"{SEED.hex()}\n"),
    "12h": ("edssh", ED_SSH),
    "12i": ("ed8enc.pem", ENCRYPTED),
    "12k": ("rsa_bag.pem", BAG + RSA_PEM),
    "12l": ("rsa_text.pem", READ["openssl rsa -text"][0]),
    "12r": ("rsa8_labelled_rsa.pem", RSA_PEM.replace(" PRIVATE", " RSA PRIVATE")),
    "12u": ("ed.der", ED.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
    "12v": ("ed_utf16.pem", ED_PEM.encode("utf-16")),
}


@dataclass
class Came:
    """What a case comes to: the shell's exit code, what is said, and the accounts that are stored, as "label kind"."""

    code: int
    says: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    key: object = None  # the private key that is stored
    shows: tuple[str, ...] = field(default=())  # secrets that it shows on purpose
    passphrase: str | None = None


def refused(code: int, *says: str) -> Came:
    return Came(code, says)


def read(*stored: str, says: tuple[str, ...] = (), passphrase: str | None = None) -> Came:
    return Came(0, says, stored, passphrase=passphrase)


def kept(key: object, *says: str) -> Came:
    return Came(0, ("Stored t1 in the vault.", *says), ("t1 live",), key)


ROUND = ("refused=4 size=0", "mode=600", "stdout_is_file")
CASES = {
    "01": refused(3, "this data folder has no accounts", "/roothome/"),
    "02a": Came(0, (), ("binance-main live",), ED),
    "02b": refused(4, "not understood as NAME=value", "keyctl add EXCHANGE"),
    "02c": read("binance-main live"),
    "02d": refused(4, "--exchange NAME"),
    "02e": refused(4, "--secret-file FILE"),
    "04": Came(
        0,
        (
            "vault_forked",
            "exec=3",
            "check=3",
            "accepted=0",
            "on-b3",
            "on-b4",
            "Restored: binance-back",
            "handed on",
        ),
        (),
    ),
    "05": Came(0, ("stdout_is_file", "rc=4", "--to-file"), ("t1 live",)),
    "06a": read("binance-live live", "binance-test testnet"),
    "06b": read("binance-live live", "binance-testnet testnet"),
    "06c": read("okx-demo demo", passphrase="Abcd1234!"),
    "06d": read("binance-main live", says=("Binance.US is not an exchange that keyctl supports",)),
    "06e": read("okx-main demo", passphrase="Abcd1234!"),
    "07a": refused(4, "two different values for the passphrase"),
    "08a": refused(4, "the name of a variable", "envsubst <"),
    "08b": refused(4, "encrypted by sops", "sops -d"),
    "08d": refused(4, "a placeholder"),
    "08e": refused(4, "ends before a #"),
    "09a": Came(0, ROUND, ("okx-main live",), shows=("dbl\\\\x1A!",), passphrase="dbl\\\\x1A!"),
    "09b": Came(0, ROUND, ("okx-main live",), shows=("a'b1A!xxx",), passphrase="a'b1A!xxx"),
    "10a": refused(4, "cannot be entered (mode 000)", "chmod 700"),
    "11a": refused(3, "of a login that has ended"),
    "11b": refused(0, "is not installed"),
    "11c": refused(0, "stops when it starts"),
    "12a": refused(3, "an EC key (secp256r1)", "keyctl keygen"),
    "12c": refused(3, "an X25519 key, which encrypts and cannot sign"),
    "12d": refused(3, "the seed of an Ed25519 key", "--key-type ed25519"),
    "12e": kept(ED),
    "12h": kept(ED),
    "12i": refused(3, "encrypted by a passphrase", "openssl pkey -in FILE"),
    "12k": kept(RSA),
    "12l": kept(RSA),
    "12m": kept(ED),
    "12p": kept(ED),
    "12q": kept(ED),
    "12r": kept(RSA),
    "12s": kept(ED, "openssl rc=0"),
    "12u": kept(ED),
    "12v": kept(ED),
    "14a": read("binance-main live"),
    "14c": read("okx-main live", passphrase="Abcd1234!"),
    "14d": read("bitfinex-main live"),
    "14e": read("binance-main live"),
    "14f": read(
        "binance-main live",
        "binance-main-2 live",
        "lbank-main live",
        "okx-main live",
        "okx-main-2 live",
        says=("bitfinex2\t-\t\tthis API key is already listed above", "site eea", "Binance.US is not an exchange"),
    ),
    "14g": read("okx-main live", passphrase="Abcd1234!"),
    "14i": read("binance-main live"),
    "14j": read("binance-main live"),
    "14k": read("binance-1 live", "binance-2 live"),
    "14l": read("binance-main live", "okx-main live", passphrase="Abcd1234!"),
    "14n": read("binance-main live"),
    "14o": read("binance-main live"),
    "14q": read("binance-main live"),
    "14r": read("binance-main live"),
    "14s": read("binance-main live"),
    "14t": read("okx-main live", passphrase="12345678"),
    "14u": read("okx-main live", passphrase="Abcd1234!"),
    "15a": refused(2, "runs without a shell", "sh -c"),
    "15c": refused(2, "secret_on_command_line", "history"),
}
AT_TERMINAL = ("03", "13a")  # see the end of this module
ON_A_BUS = ("11b", "11c")

IMPORT, KEY, PROMPT = "keys/test_other_programs.py", "exchanges/test_private_key.py", "terminal/test_prompt.py"
_SHOWN = (f"{IMPORT}::test_nothing_of_a_file_is_shown_but_names", f"{IMPORT}::test_a_canary_in_every_position")
_READ = (
    f"{IMPORT}::test_a_file_that_people_have_is_read",
    "keys/test_formats.py::test_what_is_read_is_what_was_written",
)
_KIND = (f"{IMPORT}::test_live_or_not_comes_from_every_hint", f"{IMPORT}::test_live_and_test_keys_of_one_file_stay")
_WORDS = (
    f"{IMPORT}::test_a_text_that_stands_for_another_is_told",
    f"{IMPORT}::test_a_real_passphrase_is_no_placeholder",
)
_CUT = (f"{IMPORT}::test_a_passphrase_cut_before_a_hash_is_refused",)
_CLEAN = (f"{KEY}::test_a_key_is_read_and_kept_as_clean_pkcs8", f"{KEY}::test_what_exec_hands_on_is_what_openssl_reads")
_OTHER = (f"{KEY}::test_another_thing_is_told_for_what_it_is",)
_SEED = (f"{KEY}::test_a_seed_becomes_the_key_when", f"{KEY}::test_hexadecimal_digits_stay_text_only_when")
_BUS = ("vault/test_keyring_trouble.py::test_each_trouble_has_its_own_words",)
_HALT, _EXEC, _DOCTOR = "commands/test_halt.py", "commands/test_exec.py", "commands/test_doctor.py"
_FORKS, _INTAKE, _TYPED = "vault/test_forks.py", "keys/test_intake.py", "terminal/test_typed_words.py"
# By the beginning of a case's name; each of these tests runs over three files, forms or moments, or there are three.
SIBLINGS = {
    "01": (
        f"{_HALT}::test_in_a_home_without_accounts_it_stands_names",
        f"{_HALT}::test_the_home_is_named_to_people_as_well",
        f"{_HALT}::test_canceling_and_closing_everything_in_a_home_without",
    ),
    "02": _SHOWN,
    "03": (f"{PROMPT}::test_a_paste_in_pieces_is_read_whole", f"{PROMPT}::test_a_refused_first_line_leaves_no_rest"),
    "04": (f"{_FORKS}::test_no_order_of_two_machines_writes_loses", f"{_FORKS}::test_a_rekey_on_one_side"),
    "05": (f"{_EXEC}::test_env_leaves_no_secret_in_a_plain_file", f"{_EXEC}::test_env_writes_a_file_that_only"),
    "06": _KIND,
    "06d": (f"{IMPORT}::test_a_key_of_another_exchange_is_never_taken_for_one_of_ours",),
    "07": (f"{IMPORT}::test_two_values_for_one_part_are_refused",),
    "08": _WORDS,
    "08e": _CUT,
    "09": (
        f"{_EXEC}::test_what_env_gives_import_takes_back",
        "keys/test_formats.py::test_what_env_writes_import_reads",
    ),
    "10": (
        f"{_DOCTOR}::test_a_folder_that_cannot_be_entered",
        f"{_DOCTOR}::test_a_disk_that_refuses_gets_words",
        "journal/test_reading.py::test_what_only_reads_works",
    ),
    "11": _BUS,
    "12": _CLEAN,
    "12a": _OTHER,
    "12c": _OTHER,
    "12d": _SEED,
    "12i": (*_OTHER, f"{KEY}::test_an_encrypted_key_is_read_with_its_passphrase"),
    "13": (f"{PROMPT}::test_a_private_key_in_one_line_ends_at_enter",),
    "14": _READ,
    "14k": (f"{IMPORT}::test_numbered_names_become_accounts_of_their_own", *_READ),
    "14s": (f"{IMPORT}::test_two_values_that_are_equal_are_one", *_READ),
    "14t": (f"{IMPORT}::test_numbers_without_quotes_are_the_text", *_READ),
    "15": (f"{_INTAKE}::test_a_command_that_wants_a_shell_is_told", f"{_INTAKE}::test_a_failing_command_with_signs"),
    "15c": (
        f"{_TYPED}::test_a_secret_as_an_option_is_told",
        "commands/test_bad_input.py::test_a_mistyped_secret_option",
    ),
}


def number_of(name: str) -> str:
    return name.partition("-")[0]


NAMES = {number_of(path.name): path.name for path in sorted(FOLDER.iterdir())}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with preloaded(tmp_path_factory.mktemp("bin")) as file:
        yield file


@dataclass
class Case:
    """One case's folder and home. `run` gives the shell's exit code and what it showed."""

    inputs: Path
    folder: Path
    environ: dict[str, str]

    def run(self, line: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout


@pytest.fixture
def case(request: pytest.FixtureRequest, program: Path, tmp_path: Path) -> Iterator[Case]:
    name = request.getfixturevalue("name")
    inputs, folder = tmp_path / "in", tmp_path / "tmp"
    inputs.mkdir()
    folder.mkdir()
    for source in (FOLDER / name).iterdir():
        text = source.read_text(encoding="latin-1" if ENCODINGS.get(source.name) == "latin-1" else "utf-8")
        for word, value in WORDS.items():
            text = text.replace(word, value)
        (inputs / source.name).write_bytes(text.encode(ENCODINGS.get(source.name, "utf-8")))
    if number_of(name) in MADE:
        file, content = MADE[number_of(name)]
        (inputs / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMP": str(folder), "IN": str(inputs)}
    environ |= {"KEYCTL": str(program), "KEYCTL_HOME": str(folder / "home"), "TERM": "dumb"}
    made = Case(inputs, folder, environ)
    assert made.run(f"{program} vault init --key-file {folder}/key")[0] == 0
    yield made
    subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=True)


def canaries() -> Canaries:
    found = Canaries()
    for number, made in enumerate((A, B, OKX, OKX_B, LBANK)):
        found.watch(str(number), made)
    for number, text in enumerate((BODY, SEED.hex(), RSA_PEM.splitlines()[5], "Right1234!", "LoginPw99!", "#def12")):
        found.watch_text(f"text {number}", text)
    return found


@pytest.mark.parametrize("name", NAMES.values())
def test_the_case_comes_to_what_was_needed(case: Case, name: str) -> None:
    wanted = CASES[number_of(name)]
    if number_of(name) in ON_A_BUS:
        require()
    code, shown = case.run((case.inputs / "cmd").read_text())
    assert code == wanted.code, shown
    for words in wanted.says:
        assert words in shown, shown
    assert "internal error" not in shown and "Traceback" not in shown
    for text in wanted.shows:
        assert text in shown
    assert canaries().find(shown) == [], shown
    app = App(environ=case.environ)
    try:
        accounts = app.accounts.all()
        if number_of(name) != "04":
            assert tuple(sorted(f"{item.label} {item.kind}" for item in accounts)) == wanted.stored, shown
        for account in accounts:
            credential = app.store.get(account.id)
            secret = credential.secret.reveal().decode()
            if wanted.key is not None:
                assert shape(load_pem_private_key(secret.encode(), None)) == shape(wanted.key)
            else:
                assert secret in (A.secret, B.secret, OKX.secret), account.label
            if account.exchange == "okx" and wanted.passphrase is not None:
                assert credential.passphrase is not None
                assert credential.passphrase.reveal().decode() == wanted.passphrase
    finally:
        app.close()


def shape(key: object) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]


# What only a terminal shows.


def shell(case: Case, program: Path) -> Person:
    environ = {**case.environ, "PS1": "SHELL> ", "HISTFILE": "/dev/null"}
    return Person(["--norc", "--noprofile", "-i"], environ, program="bash").waits_for("SHELL> ")


def a_home(folder: Path, program: Path) -> Case:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KEYCTL_HOME": str(folder / "home"), "TERM": "dumb"}
    made = Case(folder, folder, environ)
    assert made.run(f"{program} vault init --key-file {folder}/key")[0] == 0
    return made


ADD = "{python} -I -m keyctl add binance --label t1 --api-key {key} --key-type {type} --no-verify\n"
ONE_LINE = ED_PEM.rstrip().replace("\n", "\\n")
PASTES: dict[str, tuple[str, str]] = {
    "03 text before BEGIN": ("rsa", BAG + RSA_PEM),
    "03 the key alone": ("rsa", RSA_PEM),
    "03 a line before and one behind": ("rsa", f"x=1\n{RSA_PEM}echo behind\n"),
    "13a line ends written out": ("ed25519", f"{ONE_LINE}\n"),
    "13a in quotes": ("ed25519", f'"{ONE_LINE}"\n'),
    "13a without line ends": ("ed25519", ED_PEM.replace("\n", "") + "\n"),
}


@pytest.mark.parametrize("paste", PASTES)
def test_a_paste_at_the_hidden_question_ends_and_reaches_no_shell(program: Path, tmp_path: Path, paste: str) -> None:
    kind, text = PASTES[paste]
    case = a_home(tmp_path, program)
    at = shell(case, program).types(ADD.format(python=sys.executable, key=A.api_key, type=kind))
    at.waits_for("May keyctl ask them?").types("no\n").waits_for("echoed): ")
    in_pieces(at, text, 512).waits_for("SHELL> ").types("exit\n")
    _, seen = at.leaves()
    body = RSA_PEM.splitlines()[15] if kind == "rsa" else BODY
    assert body not in seen and "behind" not in seen and "command not found" not in seen, seen
    app = App(environ=case.environ)
    try:
        (account,) = app.accounts.all()
        stored = load_pem_private_key(app.store.get(account.id).secret.reveal(), None)
    finally:
        app.close()
    assert shape(stored) == shape(RSA if kind == "rsa" else ED)


# The table of tables.


def test_there_are_sixty_cases_each_with_what_it_comes_to() -> None:
    assert set(NAMES) == set(CASES) and len(CASES) + len(AT_TERMINAL) == 60
    assert all((FOLDER / name / "README").read_text().strip() for name in NAMES.values())


@cache
def names_in(file: str) -> tuple[str, ...]:
    tree = ast.parse((Path(__file__).parents[1] / file).read_text(encoding="utf-8"))
    return tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("number", [*CASES, *AT_TERMINAL])
def test_every_case_has_siblings_elsewhere(number: str) -> None:
    named = SIBLINGS.get(number) or SIBLINGS[number[:2]]
    for place in named:
        file, _, test = place.partition("::")
        assert any(name.startswith(test) for name in names_in(file)), place
