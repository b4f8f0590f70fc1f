"""The house: which module may import which, which room knows what, and how large its pieces may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

import pytest

from keyctl import exchanges
from tests.support.source import Definition, Module, module, modules

# The floors of the house, lowest first. A module imports from lower floors, and from the other modules of its own.
# Only imports for type checking may look up: they do not exist when the program runs.
FLOORS = {
    "nouns": "keyctl model model.* secret errors",
    "tools": (
        "plain_text symbol_text typed_words typed_numbers routes answers loader clock files signals hardening sizes "
        "environ installation"
    ),
    "keys and choices": "signing masking private_key key_text selection grouping",
    "exchanges": "exchanges exchanges.*",
    "twin": "twin twin.*",
    "knowledge": (
        "catalogue diagnose pasted pasted_marks pasted_results outcomes phrases wrapped_json venue_names lost_answers "
        "marked_lines account_uid key_age wish plan make_order order_checks order_value price_checks day_counts "
        "perpetuals sizing leaks judge profiles rights whitelist typed_symbols"
    ),
    "outside": (
        "home folders demo_world accounts account_entries account_settings config config_text database notes "
        "addresses "
        "rotations exchange_accounts venue_settings guards halts claims story endings "
        "journal journal_rows journal_schema journal_file journal_mark "
        "journal_opening journal_reading journal_successor sqlite_file "
        "records network pacing targets transport tunnels"
    ),
    "secrets": "intake prompt credential_check vault vault.*",
    "line": "session opening",
    "work": (
        "preflight clock_check settle precedence plan_checks fanout dispatch halt_checks leverage sending "
        "policy observations probes egress told_addresses diagnosis diagnosis.* pricing succession overview strangers "
        "comparing cross_price listed_names venue_reads withdrawal_right elsewhere fills"
    ),
    "newcomers": "newcomers interview enrol keygen foreign key_names key_hints references formats formats.*",
    "pictures": (
        "output order_view order_advice order_results verify_view whitelist_view diagnose_view pasted_view "
        "diagnosis_view overview_view seen_view open_orders_view fills_view closing_view canceling_view "
        "protection_view"
    ),
    "courses": (
        "trading consent order_words protection "
        "seeing seeing_fills refreshing closing in_the_way clearing canceling cancel_order naming halting resolving "
        "verifying vaulting "
        "vault_keys diagnosing watching whitelisting account_changes handing_out exporting importing "
        "whose_keys rotating rotation_consent rotation_proof account_meaning doctor leftovers "
        "home_health home_backup restoring from_backup bringing same_key"
    ),
    "wiring": "app",
    "demo": "demonstration",
    "people": "framing cli commands commands.* __main__",
}

# No path of any kind, not even for type checking, from the left to the right: "who must never know whom".
FORBIDDEN = {
    "model model.* secret errors": "*",
    "answers loader sizes selection grouping signing": (
        "exchanges.* vault* transport network session journal app commands.*"
    ),
    "exchanges exchanges.*": "transport network session vault* journal clock app commands.* twin* output prompt",
    "vault vault.*": "exchanges* transport network session journal app commands.* output twin*",
    "targets transport tunnels routes": "exchanges* vault* journal session app commands.* twin* output secret",
    "journal claims guards exchange_accounts venue_settings journal_rows records notes addresses rotations halts story "
    "endings database sqlite_file journal_schema journal_file journal_mark "
    "journal_opening journal_reading journal_successor": (
        "vault* transport network session exchanges* app commands.* secret signing"
    ),
    "session": "vault* app commands.* prompt intake output twin*",
    "wish plan make_order order_checks perpetuals sizing judge policy diagnose catalogue key_age leaks profiles": (
        "transport network session vault* journal notes database app commands.* prompt output twin*"
    ),
    "order_value price_checks day_counts": (
        "transport network session vault* journal notes database app commands.* prompt output twin*"
    ),
    "pasted pasted_marks pasted_results outcomes phrases wrapped_json venue_names lost_answers marked_lines "
    "typed_symbols": (
        "transport network session vault* journal notes database app commands.* prompt output twin* secret"
    ),
    "rights whitelist account_uid": (
        "transport network session vault* journal notes database app commands.* prompt output twin*"
    ),
    "diagnosis.causes diagnosis.evidence diagnosis.signs diagnosis.reasoning diagnosis.fixes": (
        "transport network session vault* journal notes database app commands.* prompt output twin* secret"
    ),
    "overview fills strangers comparing elsewhere cross_price listed_names venue_reads withdrawal_right preflight "
    "settle precedence plan_checks fanout dispatch halt_checks leverage sending probes diagnosis.*": (
        "vault* app commands.* prompt output intake twin*"
    ),
    "output order_view verify_view prompt": "exchanges.binance vault* transport network session app commands.*",
    "twin twin.*": (
        "exchanges* signing session transport network vault* journal app commands.* answers secret output prompt"
    ),
    "commands.*": "transport network journal database cli vault.os_keyring signing",
}
# One noun may name another, and types of errors.
EXCUSED = {
    ("model.credential", "secret"): "a Credential holds a Secret",
    ("model.order", "errors"): "a LegResult carries what kept its leg back, for type checking only",
    ("errors", "model.told"): "an ExchangeRefused carries the ExchangeError, for type checking only",
    ("commands.orders", "journal"): "it names the states that a leg can be in",
}

# Each package of others has one door. The twin checks signatures with its own code, so it has a second one.
DOORS = {
    "httpx": "targets",
    "h11": "transport",
    "certifi": "transport",
    "httpcore": "",
    "requests": "",
    "urllib3": "",
    "keyring": "vault.os_keyring",
    "cryptography": "signing private_key vault.* twin.*",
    "sqlite3": (
        "database halts claims story endings journal_rows records rotations exchange_accounts venue_settings journal "
        "journal_opening journal_reading journal_successor sqlite_file"
    ),
    "dotenv": "formats.env_file",
    "yaml": "formats.yaml_file",
    "rich": "output",
    "click": "cli framing commands.*",
    "termios": "prompt",
    "subprocess": "intake commands.config environ demonstration",
    "socket": "twin.*",
    "pickle": "",
}

# Where a secret's text may be seen, and why.
REVEALERS = {
    "signing": "turns it into a key that can only sign",
    "vault.record": "writes it into the record that the store keeps",
    "vault.envelope": "derives the vault's key from the passphrase or the key file",
    "vault.key_source": "reads the key file's 32 bytes",
    "key_hints": "reads what stands beside a key in a file: exchange, environment, label",
    "masking": "hides a passphrase in the words of an answer that quotes it",
    "foreign": "compares what other programs' files hold, before the checks of its text",
    "environ": "hands it on to one program, a pipe or the screen",
    "exchanges.base": "some exchanges want the passphrase in a header",
    "private_key": "opens an encrypted private key with the passphrase that was asked for",
    "intake": "checks the text of what came in before anything else",
}

LINES_MAX = 300
LONGER = {
    "policy": (350, "one judge with a method for each rule"),
}
FUNCTION_LINES_MAX = 60

# Where an exchange's name may stand in code: their own rooms, and the demo, which is a story about them.
NAMERS = "exchanges.* twin.* demonstration commands.demo"

ALL = tuple(item.name for item in modules())


def fits(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())


def floor_of(name: str) -> int:
    found = [number for number, patterns in enumerate(FLOORS.values()) if fits(name, patterns)]
    assert len(found) == 1, f"{name} stands on {len(found)} floors: give it one in FLOORS"
    return found[0]


@pytest.mark.parametrize("name", ALL)
def test_a_module_imports_downwards_only(name: str) -> None:
    up = {other for other in module(name).own("load", "run") if floor_of(other) > floor_of(name)}
    assert not up, f"{name} imports from above itself: {sorted(up)}"


def test_the_imports_on_loading_have_no_ring() -> None:
    # A module of the twin may import a sister by `from keyctl.twin import sister`, while the package lists its faces.
    graph = {item.name: item.own("load") - {item.name.rpartition(".")[0]} for item in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as ring:
        pytest.fail(" -> ".join(ring.args[1]))


@pytest.mark.parametrize("name", ALL)
def test_a_module_does_not_know_what_it_must_not(name: str) -> None:
    known = module(name).own()
    for here, there in FORBIDDEN.items():
        if fits(name, here):
            wrong = {other for other in known if fits(other, there) and (name, other) not in EXCUSED}
            wrong -= {other for other in wrong if other.split(".")[0] == name.split(".")[0]}
            assert not wrong, f"{name} must not know {sorted(wrong)}"


@pytest.mark.parametrize("exchange", exchanges.names())
def test_an_exchange_imports_no_other_exchange(exchange: str) -> None:
    others = "|".join(set(exchanges.names()) - {exchange})
    for item in modules():
        if re.fullmatch(rf"(exchanges|twin)\._?{exchange}(_\w+)?", item.name):
            assert not [other for other in item.own() if re.search(rf"\._?({others})", other)], item.name


def test_a_command_imports_no_other_command() -> None:
    for item in modules():
        if item.name.startswith("commands."):
            assert not [other for other in item.own() if other.startswith("commands.")], item.name


@pytest.mark.parametrize("package", DOORS)
def test_a_package_of_others_has_one_door(package: str) -> None:
    through = {item.name for item in modules() if package in item.outside}
    wrong = {name for name in through if not fits(name, DOORS[package])}
    assert not wrong, f"{package} is imported by {sorted(wrong)}"


def test_only_packages_with_a_door_are_imported() -> None:
    outside = {package for item in modules() for package in item.outside}
    assert outside - set(sys.stdlib_module_names) - set(DOORS) == set()


def test_secrets_are_revealed_only_where_the_reason_is_written_down() -> None:
    revealing = {item.name for item in modules() if ".reveal(" in item.text}
    assert revealing == set(REVEALERS)


def test_a_secret_is_never_taken_by_another_way_than_reveal() -> None:
    """A name put together at run time could pass by the test above."""
    for item in modules():
        for node in ast.walk(item.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in item.docstrings:
                # The list of commands has one of that name.
                assert node.value != "reveal" or item.name == "commands", item.name


@pytest.mark.parametrize("name", [name for name in ALL if not fits(name, NAMERS)])
def test_no_exchange_is_named_in_code_outside_its_rooms(name: str) -> None:
    item = module(name)
    named = re.compile("|".join(exchanges.names()), re.IGNORECASE)
    for node in ast.walk(item.tree):
        for attribute in ("id", "attr", "arg", "name"):
            word = getattr(node, attribute, None)
            assert not (isinstance(word, str) and named.search(word)), f"{name}: {word}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in item.docstrings:
            if named.search(node.value):
                assert _is_example(name, node.value), f"{name} line {node.lineno}: {node.value[:60]!r}"


def _is_example(name: str, text: str) -> bool:
    """Help shows commands as people type them; code never compares with such a text."""
    return fits(name, "cli commands.*") and ("keyctl " in text or "such as " in text)


def test_nothing_can_withdraw_or_transfer() -> None:
    """Neither code nor an exchange's data holds the path of a call that moves money out."""
    for item in modules():
        for node in ast.walk(item.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in item.docstrings:
                assert not re.search(r"/\S*(withdraw|transfer)", node.value, re.IGNORECASE), (
                    f"{item.name}: {node.value}"
                )
    for exchange in exchanges.names():
        for entry in exchanges.profile(exchange).readable:
            assert not re.search("withdraw|transfer", entry.path, re.IGNORECASE), entry.path


@pytest.mark.parametrize("name", ALL)
def test_a_module_is_small(name: str) -> None:
    most, _ = LONGER.get(name, (LINES_MAX, ""))
    assert module(name).lines <= most


@pytest.mark.parametrize("name", ALL)
def test_a_function_is_small(name: str) -> None:
    for node in ast.walk(module(name).tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


def test_nine_functions_of_ten_have_less_than_forty_lines() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for item in modules()
        for node in ast.walk(item.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert sum(length < 40 for length in lengths) >= 0.9 * len(lengths)


@pytest.mark.parametrize("name", ALL)
def test_what_is_public_says_what_it_is(name: str) -> None:
    item = module(name)
    assert ast.get_docstring(item.tree), "the module has no docstring"
    missing = [path for path, node in _public(item) if not ast.get_docstring(node)]
    assert missing == []


def _public(item: Module) -> list[tuple[str, Definition]]:
    """Public classes and functions; methods too, but for properties and for what a base class has documented."""
    found: list[tuple[str, Definition]] = []
    for node in item.tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            found.append((node.name, node))
            if isinstance(node, ast.ClassDef) and not _keeps_a_contract(node):
                found += [
                    (f"{node.name}.{child.name}", child)
                    for child in node.body
                    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not child.name.startswith("_")
                    and not any("property" in ast.unparse(mark) for mark in child.decorator_list)
                ]
    return found


def _keeps_a_contract(node: ast.ClassDef) -> bool:
    """Whether the methods are documented elsewhere: in a base class, or in the Protocol that the docstring names."""
    return bool(node.bases) or "SecretStore" in (ast.get_docstring(node) or "")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["order", "--help"], ["add", "--help"], ["verify", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, keyctl.cli\n"
        f"keyctl.cli.run({arguments!r})\n"
        "heavy = {'httpx', 'h11', 'keyring', 'cryptography', 'rich', 'sqlite3', 'asyncio', 'yaml', 'dotenv'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
