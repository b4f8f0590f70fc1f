"""The house: which package may import which, which room knows what, and how hard its pieces may be to read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

import pytest

from keyctl.commands.short_help import SHORT_HELP
from keyctl.exchanges import shipped
from tests.support.source import Definition, Module, module, modules

# The rooms of the house, lowest first: packages, and the modules beside them. A module imports from lower rooms and
# from its own. It holds for every import, lazy ones and those for type checking too, but for what is EXCUSED.
ORDER = (
    "errors plain_text secret loader hardening model clock answers exchanges terminal twin home vault journal network "
    "orders opening app desk funding verify keys diagnosis leaks upkeep commands cli __main__"
).split()
MODULES_ON_TOP_MAX = 14

# Floors inside a room, lowest first, where it has some: nothing imports from a floor above its own.
FLOORS = {
    "exchanges": (
        "signing masking private_key key_text profile writings",
        "*",
        "catalogue phrases venue_names typed_symbols credential_check",
    ),
    "terminal": ("typed_words signals tables csv_text", "prompt", "output", "watch"),
    "home": ("files config_text", "selection grouping account_uid key_age profiles", "*"),
    "network": ("target tunnels line pacing lines", "session", "*"),
    "orders": ("wish plan make checks value price_checks perpetuals sizing judge", "*"),
    "desk": ("pricing foreign_orders", "*_view order_advice order_results", "*"),
    "funding": ("strategy worth gate", "reads view opening settle", "*"),
    "verify": ("rights ip_lists steps", "policy observations probes address_hints", "*view", "*"),
    "keys": (
        "environ",
        "intake",
        "interview enrol keygen other_programs key_names key_hints references formats formats.* rotate_rules",
        "*",
    ),
    "diagnosis": (
        "codes pasted pasted_marks pasted_results outcomes wrapped_json lost_answers marked_lines",
        "causes evidence fixes probing reasoning self_test signs",
        "*_view",
        "*",
    ),
    "leaks": ("evidence finds known_use", "exposure *view *page", "*"),
    "upkeep": ("installation", "folder_health", "*"),
}

# No path of any kind, not even for type checking, from the left to the right: "who must never know whom".
FORBIDDEN = {
    "model model.* secret errors": "*",
    "answers loader model.size home.selection home.grouping exchanges.signing": (
        "exchanges.* vault* network.line network.lines network.session journal.legs app commands.*"
    ),
    "exchanges exchanges.*": (
        "network.line network.lines network.session vault* journal.legs clock app commands.* twin* "
        "terminal.output terminal.prompt"
    ),
    "vault vault.*": (
        "exchanges* network.line network.lines network.session journal.legs app commands.* terminal.output twin*"
    ),
    "network.target network.line network.tunnels model.route": (
        "exchanges* vault* journal.legs network.session app commands.* twin* terminal.output secret"
    ),
    "journal.legs journal.claims journal.guards journal.exchange_accounts journal.venue_settings "
    "journal.rows journal.records journal.notes journal.addresses journal.rotations journal.halts "
    "journal.story journal.endings journal.database journal.sqlite_file journal.schema journal.file "
    "journal.mark journal.opening journal.access journal.reading journal.successor journal.offers": (
        "vault* network.line network.lines network.session exchanges* app commands.* secret exchanges.signing"
    ),
    "network.session": ("vault* app commands.* terminal.prompt keys.intake terminal.output twin*"),
    "orders.wish orders.plan orders.make orders.checks orders.perpetuals orders.sizing orders.judge "
    "verify.policy diagnosis.codes exchanges.catalogue home.key_age leaks.exposure leaks.finds leaks.scan_runs "
    "home.profiles": (
        "network.line network.lines network.session vault* journal.legs journal.notes journal.database app "
        "commands.* terminal.prompt terminal.output twin*"
    ),
    "funding.strategy model.rate home.funding_settings": (
        "network.line network.lines network.session vault* journal.legs journal.notes journal.database app "
        "commands.* terminal.prompt terminal.output twin* exchanges.*"
    ),
    "orders.value orders.price_checks home.day_counts": (
        "network.line network.lines network.session vault* journal.legs journal.notes journal.database app "
        "commands.* terminal.prompt terminal.output twin*"
    ),
    "diagnosis.pasted diagnosis.pasted_marks diagnosis.pasted_results diagnosis.outcomes "
    "exchanges.phrases diagnosis.wrapped_json exchanges.venue_names diagnosis.lost_answers "
    "diagnosis.marked_lines exchanges.typed_symbols": (
        "network.line network.lines network.session vault* journal.legs journal.notes journal.database app "
        "commands.* terminal.prompt terminal.output twin* secret"
    ),
    "verify.rights verify.ip_lists verify.steps verify.new_key home.account_uid": (
        "network.line network.lines network.session vault* journal.legs journal.notes journal.database app "
        "commands.* terminal.prompt terminal.output twin*"
    ),
    "diagnosis.causes diagnosis.evidence diagnosis.signs diagnosis.reasoning diagnosis.fixes": (
        "network.line network.lines network.session vault* journal.legs journal.notes journal.database app "
        "commands.* terminal.prompt terminal.output twin* secret"
    ),
    "orders.holdings orders.fills desk.foreign_orders orders.comparing orders.elsewhere "
    "orders.cross_price orders.listed_names orders.venue_reads orders.key_rights orders.preflight "
    "orders.settle orders.precedence orders.plan_checks orders.fanout orders.preview orders.halt_checks "
    "orders.leverage orders.send verify.probes diagnosis.causes diagnosis.evidence diagnosis.fixes "
    "diagnosis.probing diagnosis.reasoning diagnosis.self_test diagnosis.signs": (
        "vault* app commands.* terminal.prompt terminal.output keys.intake twin*"
    ),
    "terminal.output desk.order_view verify.view terminal.prompt": (
        "exchanges.binance.* vault* network.line network.lines network.session app commands.*"
    ),
    "twin twin.*": (
        "exchanges* exchanges.signing network.session network.line network.lines vault* journal.legs app "
        "commands.* answers secret terminal.output terminal.prompt"
    ),
    "commands.*": ("network.line network.lines journal.legs journal.database cli vault.os_keyring exchanges.signing"),
}
# One noun may name another, and types of errors.
EXCUSED = {
    ("model.credential", "secret"): "a Credential holds a Secret",
    ("model.order", "errors"): "a LegResult carries what kept its leg back, for type checking only",
    ("errors", "model.told"): "an ExchangeRefused carries the ExchangeError, for type checking only",
    ("commands.orders", "journal.legs"): "it names the states that a leg can be in",
    ("model.size", "errors"): "what a person typed may be a UsageProblem",
}

# Each package of others has one door. The twin checks signatures with its own code, so it has a second one.
DOORS = {
    "httpx": "network.target",
    "h11": "network.line",
    "certifi": "network.line",
    "httpcore": "",
    "requests": "",
    "urllib3": "",
    "keyring": "vault.os_keyring",
    "cryptography": ("exchanges.signing exchanges.private_key vault.* twin.*"),
    "sqlite3": (
        "journal.database journal.halts journal.claims journal.story journal.endings journal.rows "
        "journal.records journal.rotations journal.exchange_accounts journal.venue_settings journal.legs "
        "journal.opening journal.reading journal.successor journal.sqlite_file journal.notes journal.offers"
    ),
    "dotenv": "keys.formats.env_file",
    "yaml": "keys.formats.yaml_file",
    "rich": "terminal.output",
    "click": ("cli commands.framing commands.*"),
    "termios": "terminal.prompt",
    "subprocess": ("keys.intake commands.config keys.environ commands.demo_world leaks.git_objects"),
    "socket": "twin.*",
    "pickle": "",
}

# Where a secret's text may be seen, and why.
REVEALERS = {
    "exchanges.signing": "turns it into a key that can only sign",
    "vault.record": "writes it into the record that the store keeps",
    "leaks.scan_needles": "makes the forms of it that a scan with the store open looks for",
    "vault.fingerprints": "hashes it, whole, under a key of its own, so that a scan can know it again",
    "vault.passphrases": "looks at a new passphrase of the vault or of an export, which it keeps nowhere",
    "vault.envelope": "derives the vault's key from the passphrase or the key file",
    "vault.key_source": "reads the key file's 32 bytes",
    "keys.key_hints": "reads what stands beside a key in a file: exchange, environment, label",
    "exchanges.masking": "hides a passphrase in the words of an answer that quotes it",
    "keys.other_programs": "compares what other programs' files hold, before the checks of its text",
    "keys.environ": "hands it on to one program, a pipe or the screen",
    "exchanges.signer": "some exchanges want the passphrase in a header",
    "exchanges.private_key": "opens an encrypted private key with the passphrase that was asked for",
    "keys.intake": "checks the text of what came in before anything else",
}

# Modules of that room which are no command.
OF_NO_COMMAND = {"commands.completing", "commands.demo_world", "commands.framing", "commands.short_help"}

FUNCTION_LINES_MAX = 60

# Where an exchange's name may stand in code: their own rooms, and the demo, which is a story about them.
NAMERS = " ".join(
    [f"exchanges.{name}.* twin.{name}.*" for name in shipped.names()] + ["commands.demo_world commands.demo"]
)

ALL = tuple(item.name for item in modules())


def fits(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())


def room_of(name: str) -> str:
    """The package that a module is in, or the module itself where it is in none."""
    return name.partition(".")[0]


def floor_of(name: str) -> int:
    """The floor of a module in its room; "*" takes what no other floor there names."""
    room, _, rest = name.partition(".")
    floors = FLOORS.get(room, ("*",))
    named = [number for number, patterns in enumerate(floors) if patterns != "*" and fits(rest, patterns)]
    return named[0] if named else floors.index("*")


def test_every_room_has_its_place_and_few_modules_stand_in_none() -> None:
    rooms = {room_of(name) for name in ALL} - {"keyctl"}
    assert rooms == set(ORDER)
    assert sum("." not in name and not _is_package(name) for name in ALL) <= MODULES_ON_TOP_MAX


def _is_package(name: str) -> bool:
    return any(other.startswith(f"{name}.") for other in ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_module_imports_downwards_only(name: str) -> None:
    known = {other for other in module(name).own() if other != "keyctl" and (name, other) not in EXCUSED}
    if name != "keyctl":
        up = {other for other in known if ORDER.index(room_of(other)) > ORDER.index(room_of(name))}
        assert not up, f"{name} imports from above its room: {sorted(up)}"
    sisters = {other for other in known if room_of(other) == room_of(name) and "." in other and "." in name}
    above = {other for other in sisters if floor_of(other) > floor_of(name)}
    assert not above, f"{name} imports from above its floor: {sorted(above)}"


def test_a_room_says_what_it_is_and_holds_nothing_else() -> None:
    """What a package imports, everything in it would load."""
    for item in modules():
        if _is_package(item.name):
            assert [type(node) for node in item.tree.body] == [ast.Expr] and ast.get_docstring(item.tree), item.name


def test_the_imports_have_no_ring() -> None:
    """Lazy imports and those for type checking count."""
    graph = {item.name: item.own() for item in modules()}
    for here, there in EXCUSED:
        graph.get(here, set()).discard(there)
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
            if there == "*":  # nouns may name each other
                wrong -= {other for other in wrong if room_of(other) == room_of(name)}
            assert not wrong, f"{name} must not know {sorted(wrong)}"


@pytest.mark.parametrize("exchange", shipped.names())
def test_an_exchange_imports_no_other_exchange(exchange: str) -> None:
    others = "|".join(set(shipped.names()) - {exchange})
    for item in modules():
        if re.match(rf"(exchanges|twin)\.{exchange}\b", item.name):
            assert not [other for other in item.own() if re.search(rf"\.({others})\b", other)], item.name


def test_a_command_imports_no_other_command() -> None:
    files = {f"commands.{name}" for name in SHORT_HELP} | {"commands.import_"}
    for item in modules():
        if item.name in files:
            assert not item.own() & files, item.name
    assert {name for name in ALL if name.startswith("commands.")} - files == OF_NO_COMMAND


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
                assert node.value != "reveal" or item.name == "commands.short_help", item.name


@pytest.mark.parametrize("name", [name for name in ALL if not fits(name, NAMERS)])
def test_no_exchange_is_named_in_code_outside_its_rooms(name: str) -> None:
    item = module(name)
    named = re.compile("|".join(shipped.names()), re.IGNORECASE)
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
    for exchange in shipped.names():
        for entry in shipped.profile(exchange).readable:
            assert not re.search("withdraw|transfer", entry.path, re.IGNORECASE), entry.path


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
