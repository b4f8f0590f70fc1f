"""Bad input: one clear line and a hint, exit 2, 3 or 4, nothing sent, and every file of the home as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.ran import Ran
from tests.support.world import ALL, World, credentials

BUY = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000")
ON = ("-a", "okx-a", "--yes")


def snapshot(world: World) -> dict[str, bytes]:
    """What the home keeps for ever, byte by byte. Cool-downs, nonces and readings may be noted in the journal."""
    return {
        str(path.relative_to(world.home)): path.read_bytes()
        for path in sorted(world.home.rglob("*"))
        if path.is_file()
        and path.name in ("accounts.json", "vault.json", "vault-source.json", "home-id", "config.toml")
    }


def refused(world: World, *arguments: str, code: int, says: str = "", stdin: str = "", name: str = "") -> Ran:
    """Runs keyctl, and holds the refusal to what every refusal must be."""
    before = snapshot(world)
    ran = world.keyctl(*arguments, stdin=stdin)
    lines = ran.stderr.strip().splitlines()
    errors = [line for line in lines if line.startswith("error[")]
    assert ran.exit_code == code, ran
    assert len(errors) == 1, ran.stderr
    assert says.lower() in errors[0].lower()
    assert any(line.startswith("hint: ") for line in lines), ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    if name:
        assert errors[0].startswith(f"error[{name}]"), errors[0]
    assert snapshot(world) == before
    assert world.placements() == {}
    return ran


@pytest.fixture
def desk(world: World) -> World:
    """One account, on which every bad order is tried."""
    world.add("okx")
    return world


def add(world: World, made: MadeKey, *options: str, exchange: str = "okx", label: str = "new") -> tuple[str, ...]:
    return (
        *("add", exchange, "--label", label, "--endpoint", world.twin.endpoint(exchange)),
        *("--credentials-stdin", "--no-verify", *options),
    )


def changed(made: MadeKey, **fields: object) -> str:
    return json.dumps(json.loads(credentials(made)) | fields)


# Keys.


def test_an_exchange_that_is_not_known_is_named_with_a_near_one(desk: World) -> None:
    ran = refused(desk, "add", "binanse", code=2, says="binanse")
    assert "binance" in ran.stderr


def test_a_label_is_taken_once(desk: World) -> None:
    made = make_key("okx")
    refused(
        desk, *add(desk, made, label="okx-a"), code=3, says="okx-a", stdin=credentials(made), name="duplicate_label"
    )


def test_an_api_key_is_stored_once(desk: World) -> None:
    refused(desk, *add(desk, desk.made["okx-a"]), code=3, stdin=credentials(desk.made["okx-a"]), name="duplicate_key")


@pytest.mark.parametrize(
    "option", ["--secret", "--api-secret", "--secret-key", "--private-key", "--passphrase", "--password"]
)
@pytest.mark.parametrize("glued", [True, False])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(desk: World, option: str, glued: bool) -> None:
    secret = "SECRETSECRETSECRETSECRET"
    words = (f"{option}={secret}",) if glued else (option, secret)
    ran = refused(desk, "add", "okx", "--label", "new", *words, code=2, name="secret_on_command_line")
    assert secret not in ran.stderr
    ran = refused(desk, "add", "okx", "key", secret, code=2)
    assert secret not in ran.stderr


@pytest.mark.parametrize("option", ["--secret-stdin=", "--sekret ", "--secret_value ", "--key-secret=", "-s"])
def test_a_mistyped_secret_option_does_not_repeat_the_secret(desk: World, option: str) -> None:
    secret = "SECRETSECRETSECRETSECRET"
    ran = refused(desk, "add", "okx", "--label", "new", *f"{option}{secret}".split(), code=2)
    assert secret not in ran.stderr


@pytest.mark.parametrize(
    "pem",
    [
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nnot base64 at all\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n",
    ],
    ids=["short", "cut", "no base64", "public", "encrypted"],
)
@pytest.mark.parametrize("key_type", [None, "ed25519", "rsa"])
def test_a_malformed_pem_is_refused(desk: World, pem: str, key_type: str | None) -> None:
    made = make_key("binance", Algorithm.ED25519)
    stdin = changed(made, secret=pem, key_type=key_type)
    ran = refused(desk, *add(desk, made, exchange="binance"), code=3, stdin=stdin)
    assert pem.splitlines()[1:2] == [] or pem.splitlines()[1] not in ran.stderr


def test_a_key_of_another_type_than_said_is_refused(desk: World) -> None:
    made = make_key("binance", Algorithm.ED25519)
    refused(
        desk,
        *add(desk, made, exchange="binance"),
        code=3,
        stdin=changed(made, key_type="rsa"),
        name="wrong_key_type",
    )


@pytest.mark.parametrize("exchange", ALL)
def test_a_shape_that_the_exchange_does_not_have_is_refused(desk: World, exchange: str) -> None:
    """Blanks, invisible characters, quotes, cut values; and key and secret in each other's place, where that shows."""
    made = make_key(exchange)
    bad: list[dict[str, Any]] = [
        {"secret": made.secret[:8] + " " + made.secret[8:]},
        {"secret": made.secret[:8] + "\n" + made.secret[8:]},
        {"secret": "\ufeff" + made.secret},
        {"secret": made.secret + "\u200b"},
        {"secret": f'"{made.secret}"'},
        {"secret": ""},
        {"secret": "\x00" * 20},
        {"secret": made.secret[:5]},
        {"api_key": made.api_key[:8] + " " + made.api_key[8:]},
        {"api_key": "\u200b" + made.api_key},
        {"api_key": ""},
        {"api_key": None},
        {"api_key": made.api_key[:5]},
        {"secret": 12345},
        {"surprise": "x"},
    ]
    if exchange in ("lbank", "okx"):
        bad.append({"api_key": made.secret, "secret": made.api_key})
    for fields in bad:
        ran = refused(desk, *add(desk, made, exchange=exchange), code=3, stdin=changed(made, **fields))
        assert made.secret not in ran.stderr


def test_a_key_and_secret_that_are_the_same_are_refused(desk: World) -> None:
    made = make_key("binance")
    refused(desk, *add(desk, made, exchange="binance"), code=3, stdin=changed(made, secret=made.api_key))


@pytest.mark.parametrize(
    "stdin", ["", "{", "[]", "null", '"text"', "nonsense", '{"secret":"a","secret":"b"}', "[" * 5000]
)
def test_credentials_that_are_not_an_object_are_refused(desk: World, stdin: str) -> None:
    refused(desk, *add(desk, make_key("okx")), code=3, stdin=stdin)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080",
        "http://192.168.1.1:80",
        "http://127.0.0.1.example.org",
        "http://[::2]:80",
        "http://0.0.0.0:80",
        "http://2130706433:80",
        "http://user@127.0.0.1:80",
        "http://127.0.0.1:80/path",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:80?x=1",
        "https://127.0.0.1:80",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "127.0.0.1:80",
        "",
    ],
)
def test_an_endpoint_elsewhere_is_refused(desk: World, url: str) -> None:
    made = make_key("okx")
    words = ("add", "okx", "--label", "new", "--endpoint", url, "--credentials-stdin", "--no-verify")
    refused(desk, *words, code=2, stdin=credentials(made), name="bad_endpoint")


@pytest.mark.parametrize(
    "label",
    [
        "",
        " ",
        "Okx",
        "okx a",
        "a" * 42,
        "../x",
        "a/b",
        "-x",
        "a,b",
        "a:b",
        "ok\u0131",
        "\u202eabc",
        "[/x]",
        "a\nb",
        "okx",
    ],
)
def test_an_evil_label_is_refused(desk: World, label: str) -> None:
    made = make_key("okx")
    ran = desk.keyctl(*add(desk, made, label=label), stdin=credentials(made))
    assert ran.exit_code in (2, 3, 10), ran
    refused(desk, "show", f"x{label}", code=3)


# Orders.


@pytest.mark.parametrize(
    "size",
    [
        *("1e3", "1_000", "\uff11", "\u0661", "inf", "nan", "-1", "+1", "0", "0.0", "1" * 19, ".5", "5.", "1,5"),
        *("0x10", " 1", "1 ", "1\n", "one", "1" * 5000, "0." + "1" * 19, "1.2.3"),
    ],
)
def test_a_size_is_a_plain_number_above_zero(desk: World, size: str) -> None:
    for line in (
        ("order", "buy", "BTC/USDT", "--price", "58000", *ON, "--", size),
        ("order", "buy", "BTC/USDT", "--quote", size, "--price", "58000", *ON),
    ):
        refused(desk, *line, code=2, name="bad_number")
    refused(desk, "order", "buy", "BTC/USDT", "0.005", f"--price={size}", *ON, code=2, name="bad_number")
    refused(desk, *BUY, *ON, f"--expect-value={size}", code=2, name="bad_number")


@pytest.mark.parametrize(
    "symbol", ["", "BTC", "BTCUSDT", "BTC-USDT", "BTC/USDT:", "BTC/", "/", "\u0412TC/USDT", "a b/c"]
)
def test_a_symbol_is_base_and_quote(desk: World, symbol: str) -> None:
    refused(desk, "order", "buy", symbol, "0.005", "--price", "58000", *ON, code=2)


@pytest.mark.parametrize("exchange", ALL)
def test_a_symbol_that_the_venue_lacks_is_refused(world: World, exchange: str) -> None:
    world.add(exchange)
    words = ("order", "buy", "NOPE/USDT", "0.005", "--price", "58000", "-a", f"{exchange}-a", "--yes")
    refused(world, *words, code=4, says="NOPE/USDT")


@pytest.mark.parametrize("exchange", ALL)
def test_a_size_below_the_minimum_is_refused_and_never_raised(world: World, exchange: str) -> None:
    world.add(exchange)
    for size in ("0.000001", "0.000000000000000001"):
        words = ("order", "buy", "BTC/USDT", size, "--price", "58000", "-a", f"{exchange}-a", "--yes")
        refused(world, *words, code=4)


def test_a_size_above_the_maximum_is_refused(desk: World) -> None:
    refused(desk, "order", "buy", "BTC/USDT", "999999999999", "--price", "58000", *ON, code=4)


def test_one_bad_leg_stops_every_leg(world: World) -> None:
    world.add_all()
    words = ("order", "buy", "BTC/USDT", "0.00001", "--price", "58000", "--fanout", "--all", "--yes")
    refused(world, *words, code=4)


def test_an_account_that_may_withdraw_sends_nothing(world: World) -> None:
    world.add("binance", rights=("read", "spot_trade", "withdraw"))
    refused(world, *BUY, "-a", "binance-a", "--yes", code=4, says="withdraw")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-a", "okx-a", "-a", "okx-a", "--fanout", "--yes"), 2),
        (("-a", "okx-a", "-a", "okx-b", "--yes"), 2),
        (("-a", "nobody", "--yes"), 3),
        (("--fanout", "--group", "nowhere", "--yes"), 2),
        (("--fanout", "--yes"), 2),
        (("--all", "--yes"), 2),
        (("--fanout", "--all", "-a", "okx-a", "--yes"), 2),
        (("--yes",), 2),
        (("--quote", "100", *ON), 2),
        (("--max-slippage", "0.01", *ON), 2),
        (("--post-only", "--tif", "ioc", *ON), 2),
        (("--tif", "day", *ON), 2),
        (("--wait", "-1", *ON), 2),
        (("--plan", "zzzz", *ON), 2),
        (("--expect-value", "1", "-a", "okx-a"), 4),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_choice_that_is_not_clear_is_refused(desk: World, words: tuple[str, ...], code: int) -> None:
    refused(desk, *BUY, *words, code=code)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("buy", "BTC/USDT", "0.005", "--price", "70000", *ON), 4),
        (("sell", "BTC/USDT", "0.005", "--price", "50000", *ON), 4),
        (("buy", "BTC/USDT", "0.1", "--price", "58000", *ON), 4),
        (("buy", "BTC/USDT", "0.01", "--price", "58000", *ON), 4),
        (("buy", "BTC/USDT", "0.005", *ON), 4),
        (("buy", "BTC/USDT", "0.005", "--max-slippage", "0.5", *ON), 4),
        (("buy", "BTC/USDT", "0.005", "--max-slippage", "much", *ON), 2),
        (("buy", "BTC/USDT", *ON), 2),
        (("buy",), 2),
        ((), 2),
        (("hold", "BTC/USDT", "1", *ON), 2),
    ],
    ids=[
        "through buy",
        "through sell",
        "over cap",
        "soft",
        "market",
        "slip",
        "slip word",
        "no size",
        "buy",
        "",
        "hold",
    ],
)
def test_a_limit_or_a_missing_word_stops_the_order(desk: World, words: tuple[str, ...], code: int) -> None:
    refused(desk, "order", *words, code=code)


def test_more_than_is_free_is_refused(world: World) -> None:
    world.add("okx", balances={"USDT": 10})
    refused(world, *BUY, *ON, code=4, says="USDT")


# The rest of the command line.


@pytest.mark.parametrize(
    "words", [("@u",), ("padd", "user", "x", "@u"), ("newring", "x", "@s"), ("pipe", "1"), ("show", "@u")]
)
def test_a_call_of_the_kernels_tool_is_told_apart(desk: World, words: tuple[str, ...]) -> None:
    ran = refused(desk, *words, code=3 if words[0] == "show" else 2)
    if words[0] != "show":
        assert "kernel" in ran.stderr


@pytest.mark.parametrize("words", [("ordr",), ("verfiy",), ("orders", "lst"), ("vault", "inti"), ("list", "--jsn")])
def test_a_mistyped_word_is_answered_with_a_near_one(desk: World, words: tuple[str, ...]) -> None:
    ran = refused(desk, *words, code=2)
    assert "did you mean" in ran.stderr.lower()


@pytest.mark.parametrize(
    "words", [("cancel",), ("cancel", "--all", "--plan", "x"), ("cancel", "--plan", "zzzz", "--yes")]
)
def test_a_cancel_says_what_it_means(desk: World, words: tuple[str, ...]) -> None:
    refused(desk, *words, code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("okx-a", "POST", "/api/v5/trade/order"),
        ("okx-a", "GET", "/api/v5/account/../asset/withdrawal"),
        ("okx-a", "GET", "/api/v5/account/config?x=1"),
        ("okx-a", "GET", "https://example.org/api/v5/account/config"),
        ("okx-a", "DELETE", "/api/v5/account/config"),
        ("okx-a", "GET", "/api/v5/account/config", "-p", "noequals"),
        ("okx-a", "GET"),
        (),
    ],
    ids=" ".join,
)
def test_a_request_is_one_of_the_listed_reads(desk: World, words: tuple[str, ...]) -> None:
    calls = len(desk.venue("okx").calls.lines)
    refused(desk, "request", *words, code=2)
    assert len(desk.venue("okx").calls.lines) == calls


@pytest.mark.parametrize(
    "text",
    [
        "[limits\n",
        "[limits]\nleg_value_us = 1\n",
        "[limits]\nleg_value_usd = 'a'\n",
        "[limits]\nleg_value_usd = -1\n",
        "[limits]\nleg_value_usd = nan\n",
        "[groups]\ndesk = 'okx-a'\n",
        "secret = 'x'\n",
        "\xff",
    ],
)
def test_a_bad_config_stops_the_order(desk: World, text: str) -> None:
    path = desk.home / "config" / "config.toml"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    refused(desk, *BUY, *ON, code=3, says="config.toml", name="bad_config")


# The surroundings.


def program(world: World, words: tuple[str, ...], **options: object) -> subprocess.CompletedProcess[str]:
    line = options.pop("line", [sys.executable, "-I", "-m", "keyctl", *words])
    settings: dict[str, object] = {"env": world.environ, "stdin": subprocess.DEVNULL} | options
    return subprocess.run(line, capture_output=True, text=True, timeout=30, **settings)  # type: ignore[call-overload,no-any-return]


COMMANDS = (("list",), ("verify", "--all"), (*BUY, "-a", "okx-a", "--dry-run"), ("orders",), ("vault", "check"), ())


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0] if words else "alone")
@pytest.mark.parametrize("variables", [{}, {"HOME": "relative"}, {"KEYCTL_HOME": "relative", "HOME": "/"}])
def test_an_empty_environment_is_a_clear_error(world: World, words: tuple[str, ...], variables: dict[str, str]) -> None:
    done = program(world, words, env=variables)
    assert done.returncode == (3 if words else 0), done
    assert "Traceback" not in done.stderr
    assert not words or "hint: " in done.stderr


def test_a_home_that_cannot_be_made_is_the_stores_error(world: World) -> None:
    blocked = world.folder / "file"
    blocked.write_text("")
    done = program(world, ("vault", "init"), env={"KEYCTL_HOME": str(blocked / "home")})
    assert done.returncode == 9, done
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variables", [{"LANG": "C"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}])
def test_a_plain_locale_loses_nothing(desk: World, variables: dict[str, str]) -> None:
    for words in (("list",), ("checklist", "lbank"), ("show", "n\u00e9"), (*BUY, "--dry-run", "-a", "okx-a")):
        done = program(desk, words, env=desk.environ | variables)
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 3)
        if words == ("list",):
            assert done.stdout.startswith("okx-a\tokx\tdemo\t")


def test_an_open_umask_leaves_nothing_open(tmp_path: Path) -> None:
    with World(tmp_path / "open") as world:
        shutil.rmtree(world.home)
        done = program(world, ("vault", "init", "--key-file", str(world.folder / "k" / "vault.key")), umask=0)
        assert done.returncode != 0  # the folder of the key file is not made by itself
        shutil.rmtree(world.home, ignore_errors=True)
        (world.folder / "k").mkdir(mode=0o700)
        done = program(world, ("vault", "init", "--key-file", str(world.folder / "k" / "vault.key")), umask=0)
        assert done.returncode == 0, done.stderr
        made = make_key("okx")
        world.twin.add_key("okx", made)
        line = add(world, made)
        subprocess.run(
            [sys.executable, "-I", "-m", "keyctl", *line],
            **{"input": credentials(made), "text": True, "env": world.environ, "umask": 0, "check": True},  # type: ignore[call-overload]
        )
        assert program(world, (*BUY, "-a", "new", "--yes"), umask=0).returncode == 0
        for path in [world.home, *world.home.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, f"{path} is open: {path.stat().st_mode:o}"


@pytest.mark.parametrize("way", ["script", "module"])
def test_what_lies_in_the_working_folder_is_not_run(desk: World, tmp_path: Path, way: str) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    names = ("httpx", "click", "keyctl", "h11", "certifi", "cryptography", "sitecustomize", "json", "ssl", "rich")
    for name in names:
        (folder / f"{name}.py").write_text("raise SystemExit('evil code was run')\n")
    (folder / ".env").write_text("KEYCTL_HOME=/nowhere\n")
    script = Path(sys.executable).with_name("keyctl")
    line = [str(script)] if way == "script" else [sys.executable, "-I", "-m", "keyctl"]
    done = program(desk, (), line=[*line, *BUY, "-a", "okx-a", "--dry-run"], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "evil" not in done.stderr
