"""Files as people have them, recreated from public reports: what becomes of each key, and what is shown of the rest.

Each of the situations has siblings: the kind is mended, not the case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyctl.errors import SetupProblem
from keyctl.keys.key_names import looks_like_name, part_in, place_in, words_of
from keyctl.keys.other_programs import Reading, read_foreign
from keyctl.model.account import Account
from keyctl.model.words import Algorithm, Kind, Standing
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.canary import Canaries
from tests.support.ran import Ran
from tests.support.world import World

A, B = make_key("binance"), make_key("binance")
OKX, OKX_B = make_key("okx"), make_key("okx")
BFX, LBANK = make_key("bitfinex"), make_key("lbank")
ED = make_key("binance", Algorithm.ED25519)
PHRASE = OKX.passphrase or ""
OKX_LINES = f"OKX_API_KEY={OKX.api_key}\nOKX_API_SECRET={OKX.secret}\n"


def pair(key: str, secret: str, made=A) -> str:  # type: ignore[no-untyped-def]
    return f"{key}={made.api_key}\n{secret}={made.secret}\n"


def imported(world: World, name: str, content: str | bytes, *options: str) -> Ran:
    path = world.folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    ran = world.keyctl("import", str(path), "--yes", *options)
    assert canaries().find(ran.stdout + ran.stderr) == [], (name, ran)
    return ran


def canaries() -> Canaries:
    found = Canaries()
    for number, made in enumerate((A, B, OKX, OKX_B, BFX, LBANK, ED)):
        found.watch(str(number), made)
        if made.algorithm is Algorithm.HMAC:
            for half in (made.secret[: len(made.secret) // 2], made.secret[len(made.secret) // 2 :]):
                found.watch_text(f"half of {number}", half)
    return found


def stored(world: World) -> dict[str, Account]:
    return {account.label: account for account in world.app().accounts.all()}


def secrets_of(world: World, label: str) -> tuple[str, str, str | None]:
    found = world.app().store.get(world.account(label).id)
    phrase = found.passphrase
    return found.api_key, found.secret.reveal().decode(), None if phrase is None else phrase.reveal().decode()


# Every name of a key that programs are known to use: (file's name, text, label, whose).
READ: dict[str, tuple[str, str | bytes, str, MadeKey]] = {
    "API_SECRET": ("x.env", pair("BINANCE_API_KEY", "BINANCE_API_SECRET"), "binance-main", A),
    "APISECRET": ("x.env", pair("BINANCE_APIKEY", "BINANCE_APISECRET"), "binance-main", A),
    "KEY and SECRET": ("x.env", pair("BINANCE_KEY", "BINANCE_SECRET"), "binance-main", A),
    "API_KEY_SECRET": ("x.env", pair("BINANCE_API_KEY", "BINANCE_API_KEY_SECRET"), "binance-main", A),
    "ACCESS_KEY": ("x.env", pair("BINANCE_ACCESS_KEY", "BINANCE_SECRET_KEY"), "binance-main", A),
    "small letters": ("x.env", pair("binance_api_key", "binance_api_secret"), "binance-main", A),
    "camel case": ("x.env", pair("binanceApiKey", "binanceSecretKey"), "binance-main", A),
    "name at the end": ("x.env", pair("API_KEY_BINANCE", "API_SECRET_BINANCE"), "binance-main", A),
    "prefix": ("x.env", pair("MY_BINANCE_API_KEY", "MY_BINANCE_API_SECRET"), "binance-main", A),
    "other prefix": ("x.env", pair("BOT2_BINANCE_KEY", "BOT2_BINANCE_SECRET"), "binance-2", A),
    "suffix": ("x.env", pair("BINANCE_API_KEY_SUB", "BINANCE_API_SECRET_SUB"), "binance-sub", A),
    "VITE": ("x.env", pair("VITE_BINANCE_API_KEY", "VITE_BINANCE_API_SECRET"), "binance-vite", A),
    "export": ("x.sh", pair("export BINANCE_API_KEY", "export BINANCE_API_SECRET"), "binance-main", A),
    "PowerShell": ("x.ps1", pair("$env:BINANCE_API_KEY", "$env:BINANCE_API_SECRET"), "binance-main", A),
    "batch": ("x.bat", pair("set BINANCE_API_KEY", "set BINANCE_API_SECRET"), "binance-main", A),
    "BFX": ("x.env", pair("BFX_API_KEY", "BFX_API_SECRET", BFX), "bitfinex-main", BFX),
    "BFX short": ("x.env", pair("BFX_KEY", "BFX_SECRET", BFX), "bitfinex-main", BFX),
    "LBANK": ("x.env", pair("LBANK_API_KEY", "LBANK_SECRET_KEY", LBANK), "lbank-main", LBANK),
    "OKEX": ("x.env", OKX_LINES.replace("OKX", "OKEX") + f"OKEX_PASSPHRASE={PHRASE}\n", "okx-main", OKX),
    "OKX_API_PASSWORD": ("x.env", f"{OKX_LINES}OKX_API_PASSWORD={PHRASE}\n", "okx-main", OKX),
    "OKX_PASSWORD": ("x.env", f"{OKX_LINES}OKX_PASSWORD={PHRASE}\n", "okx-main", OKX),
    "OKX_API_PASS": ("x.env", f"{OKX_LINES}OKX_API_PASS={PHRASE}\n", "okx-main", OKX),
    "comment in YAML": ("x.yml", OKX_LINES.replace("=", ": ") + f"OKX_PASSPHRASE: {PHRASE} # mine\n", "okx-main", OKX),
    "hummingbot": (
        "x.yml",
        f"connector: okx\nokx_api_key: {OKX.api_key}\nokx_secret_key: {OKX.secret}\nokx_passphrase: {PHRASE}\n",
        "okx-main",
        OKX,
    ),
    "flat JSON": (
        "x.json",
        json.dumps({"BINANCE_API_KEY": A.api_key, "BINANCE_API_SECRET": A.secret}),
        "binance-main",
        A,
    ),
    "ccxt": ("x.json", json.dumps({"binance": {"apiKey": A.api_key, "secret": A.secret}}), "binance-main", A),
    "ccxt usdm": ("x.json", json.dumps({"binanceusdm": {"apiKey": A.api_key, "secret": A.secret}}), "binance-main", A),
    "ccxt okex5": (
        "x.json",
        json.dumps({"okex5": {"apiKey": OKX.api_key, "secret": OKX.secret, "password": PHRASE}}),
        "okx-main",
        OKX,
    ),
    "ccxt bitfinex2": (
        "x.json",
        json.dumps({"bitfinex2": {"apiKey": BFX.api_key, "secret": BFX.secret}}),
        "bitfinex-main",
        BFX,
    ),
    "freqtrade": (
        "x.json",
        f'{{\n// mine\n"exchange": {{"name": "binance", /* x */ "key": "{A.api_key}",\n'
        f'"secret": "{A.secret}",}},\n}}\n',
        "binance-main",
        A,
    ),
    "comment first": (
        "x.json",
        f'// mine\n{{"exchange": {{"name": "binance", "key": "{A.api_key}", "secret": "{A.secret}"}}}}',
        "binance-main",
        A,
    ),
    "ccxt_config": (
        "x.json",
        json.dumps(
            {
                "exchange": {
                    "name": "okx",
                    "key": "",
                    "secret": "",
                    "ccxt_config": {"apiKey": OKX.api_key, "secret": OKX.secret, "password": PHRASE},
                }
            }
        ),
        "okx-main",
        OKX,
    ),
    "JavaScript": (
        "x.js.txt",
        f"{{ exchange: 'binance', apiKey: '{A.api_key}', secret: '{A.secret}' }}",
        "binance-main",
        A,
    ),
    "a list with names": (
        "x.json",
        json.dumps([{"name": "desk1", "exchange": "binance", "apiKey": A.api_key, "secret": A.secret}]),
        "binance-desk1",
        A,
    ),
    "INI": ("x.ini", f"[binance]\napi_key = {A.api_key}\nsecret_key = {A.secret}\n", "binance-main", A),
    "INI of another ending": (
        "x.conf",
        f"; mine\n[binance]\napi_key: {A.api_key}\nsecret: {A.secret}\n",
        "binance-main",
        A,
    ),
    "TOML tables": (
        "x.toml",
        f'[exchanges.okx]\napi_key = "{OKX.api_key}"\nsecret = "{OKX.secret}"\npassphrase = "{PHRASE}"\n',
        "okx-main",
        OKX,
    ),
    "compose list": (
        "docker-compose.yml",
        "services:\n  bot:\n    environment:\n"
        f"      - BINANCE_API_KEY={A.api_key}\n      - BINANCE_API_SECRET={A.secret}\n",
        "binance-main",
        A,
    ),
    "compose mapping": (
        "docker-compose.yml",
        "services:\n  bot:\n    environment:\n"
        f"      BINANCE_API_KEY: {A.api_key}\n      BINANCE_API_SECRET: {A.secret}\n",
        "binance-main",
        A,
    ),
    "manifest": (
        "pod.yaml",
        f"spec:\n  env:\n  - name: BINANCE_API_KEY\n    value: {A.api_key}\n"
        f"  - name: BINANCE_API_SECRET\n    value: {A.secret}\n",
        "binance-main",
        A,
    ),
    "systemd": (
        "bot.service",
        f'[Service]\nEnvironment=BINANCE_API_KEY={A.api_key}\nEnvironment="BINANCE_API_SECRET={A.secret}"\n',
        "binance-main",
        A,
    ),
    "systemd in one line": (
        "bot.conf",
        f"[Service]\nEnvironment=BINANCE_API_KEY={A.api_key} 'BINANCE_API_SECRET={A.secret}'\n",
        "binance-main",
        A,
    ),
    "UTF-16": ("x.env", pair("BINANCE_API_KEY", "BINANCE_API_SECRET").encode("utf-16"), "binance-main", A),
    "UTF-16 without mark": (
        "x.env",
        pair("BINANCE_API_KEY", "BINANCE_API_SECRET").encode("utf-16-le"),
        "binance-main",
        A,
    ),
    "a Latin-1 comment": (
        "x.env",
        b"# caf\xe9\n" + pair("BINANCE_API_KEY", "BINANCE_API_SECRET").encode(),
        "binance-main",
        A,
    ),
    "the same pair twice": ("x.env", pair("BINANCE_API_KEY", "BINANCE_API_SECRET") * 2, "binance-main", A),
    "a PEM block without quotes": (
        "x.env",
        f"BINANCE_API_KEY={ED.api_key}\nBINANCE_PRIVATE_KEY={ED.secret}DEBUG=1\n",
        "binance-main",
        ED,
    ),
    "a PEM block in YAML": (
        "x.yml",
        f"binance:\n  api_key: {ED.api_key}\n  private_key: |\n    "
        + ED.secret.rstrip().replace("\n", "\n    ")
        + "\n",
        "binance-main",
        ED,
    ),
    "a PEM block in JSON": (
        "x.json",
        json.dumps({"binance": {"apiKey": ED.api_key, "privateKey": ED.secret}}),
        "binance-main",
        ED,
    ),
    "CSV": ("x.csv", f"exchange,label,api_key,secret\nbinance,main,{A.api_key},{A.secret}\n", "binance-main", A),
    "CSV with semicolons": (
        "x.csv",
        f"exchange;api key;secret key\nbinance;{A.api_key};{A.secret}\n",
        "binance-main",
        A,
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_that_people_have_is_read(world: World, name: str) -> None:
    file, content, label, made = READ[name]
    ran = imported(world, file, content)
    assert ran.exit_code == 0, ran
    assert list(stored(world)) == [label]
    assert secrets_of(world, label) == (made.api_key, made.secret, made.passphrase)


def test_numbers_without_quotes_are_the_text_that_stands_there() -> None:
    table = '{"okx": {"apiKey": "%s", "secret": "%s", "password": %s}}'
    for number in ("12345678", "0.10", "1e5", "-7"):
        (found,) = read_foreign((table % (OKX.api_key, OKX.secret, number)).encode(), "x.json").found
        assert found.parts["passphrase"].reveal() == number.encode()
    for number in ("12345678", "0o17", "1_000", "1e5", "2026-01-01", "yes", "~"):
        text = f"okx:\n  apiKey: {OKX.api_key}\n  secret: {OKX.secret}\n  password: {number}\n"
        (found,) = read_foreign(text.encode(), "x.yml").found
        assert found.parts["passphrase"].reveal() == number.encode()


def test_a_number_in_toml_is_told_and_not_guessed() -> None:
    text = f'[okx]\napi_key = "{OKX.api_key}"\nsecret = "{OKX.secret}"\npassphrase = 12_345_678\n'
    reading = read_foreign(text.encode(), "x.toml")
    assert [remark.line for remark in reading.remarks if "put quotes around it" in remark.note] == ["4"]


def test_numbered_names_become_accounts_of_their_own(world: World) -> None:
    text = "".join(pair(f"BINANCE_API_KEY_{n}", f"BINANCE_API_SECRET_{n}", made) for n, made in ((1, A), (2, B)))
    assert imported(world, "x.env", text).exit_code == 0
    assert secrets_of(world, "binance-1")[1] == A.secret and secrets_of(world, "binance-2")[1] == B.secret


@pytest.mark.parametrize("name", ["XYZ", "MYBROKER", "ACME"])
def test_an_exchange_that_is_named_goes_before_a_name_that_is_not_known(world: World, name: str) -> None:
    text = pair(f"{name}_API_KEY", f"{name}_API_SECRET")
    assert imported(world, "x.env", text).exit_code == 4
    assert imported(world, "x.env", text, "--exchange", "binance").exit_code == 0
    assert secrets_of(world, next(iter(stored(world))))[1] == A.secret


@pytest.mark.parametrize("name", ["BYBIT", "KRAKEN", "BINANCE_US", "BINANCEUS", "KUCOIN"])
def test_a_key_of_another_exchange_is_never_taken_for_one_of_ours(world: World, name: str) -> None:
    text = pair(f"{name}_API_KEY", f"{name}_API_SECRET")
    for options in ((), ("--exchange", "binance")):
        ran = imported(world, "x.env", text, *options)
        assert ran.exit_code == 4 and "not an exchange that keyctl supports" in ran.stderr
    assert stored(world) == {}


# What a file says of live or not: (text, kind, words in the preview).
LIVE_OR_NOT = {
    "nothing": (pair("BINANCE_API_KEY", "BINANCE_SECRET"), Kind.LIVE, "stored as live: the file does not say"),
    "LIVE": (pair("BINANCE_LIVE_API_KEY", "BINANCE_LIVE_SECRET"), Kind.LIVE, "live as the file says"),
    "PROD": (pair("BINANCE_PROD_API_KEY", "BINANCE_PROD_SECRET"), Kind.LIVE, "live as the file says"),
    "TEST": (pair("BINANCE_TEST_API_KEY", "BINANCE_TEST_SECRET"), Kind.TESTNET, "testnet as the file says"),
    "TESTNET before": (pair("TESTNET_BINANCE_API_KEY", "TESTNET_BINANCE_SECRET"), Kind.TESTNET, "testnet"),
    "TESTNET behind": (pair("BINANCE_API_KEY_TESTNET", "BINANCE_SECRET_TESTNET"), Kind.TESTNET, "testnet"),
    "SANDBOX": (pair("BINANCE_SANDBOX_KEY", "BINANCE_SANDBOX_SECRET"), Kind.TESTNET, "testnet"),
    "DEMO": (pair("BINANCE_DEMO_KEY", "BINANCE_DEMO_SECRET"), Kind.DEMO, "demo as the file says"),
    "a switch": (pair("BINANCE_API_KEY", "BINANCE_SECRET") + "BINANCE_TESTNET=true\n", Kind.TESTNET, "testnet"),
    "a switch of the file": (pair("BINANCE_API_KEY", "BINANCE_SECRET") + "USE_TESTNET=1\n", Kind.TESTNET, "testnet"),
    "a switch that is off": (
        pair("BINANCE_API_KEY", "BINANCE_SECRET") + "TESTNET=false\n",
        Kind.LIVE,
        "live as the file",
    ),
    "an address": (
        pair("BINANCE_API_KEY", "BINANCE_SECRET") + "BINANCE_BASE_URL=https://testnet.binance.vision/api\n",
        Kind.TESTNET,
        "testnet",
    ),
    "an address of demo": (
        pair("BINANCE_API_KEY", "BINANCE_SECRET") + "BASE_URL=https://demo-fapi.binance.com\n",
        Kind.DEMO,
        "demo",
    ),
    "environment": (pair("BINANCE_API_KEY", "BINANCE_SECRET") + "BINANCE_ENV=testnet\n", Kind.TESTNET, "testnet"),
    "OKX demo": (OKX_LINES.replace("OKX", "OKX_DEMO") + f"OKX_DEMO_PASSPHRASE={PHRASE}\n", Kind.DEMO, "demo"),
    "OKX testnet": (OKX_LINES.replace("OKX", "OKX_TESTNET") + f"OKX_TESTNET_PASSPHRASE={PHRASE}\n", Kind.DEMO, "demo"),
    "OKX paper": (OKX_LINES.replace("OKX", "OKX_PAPER") + f"OKX_PAPER_PASSPHRASE={PHRASE}\n", Kind.DEMO, "demo"),
    "OKX sandbox": (
        json.dumps({"okx": {"apiKey": OKX.api_key, "secret": OKX.secret, "password": PHRASE, "sandbox": True}}),
        Kind.DEMO,
        "demo",
    ),
    "a table": (
        json.dumps({"binance": {"testnet": {"apiKey": A.api_key, "secret": A.secret}}}),
        Kind.TESTNET,
        "testnet",
    ),
    "a table of tables": (
        json.dumps({"testnet": {"binance": {"apiKey": A.api_key, "secret": A.secret}}}),
        Kind.TESTNET,
        "testnet",
    ),
    "urls": (
        json.dumps({"binance": {"apiKey": A.api_key, "secret": A.secret, "url": "https://testnet.binance.vision"}}),
        Kind.TESTNET,
        "testnet",
    ),
}


@pytest.mark.parametrize("name", LIVE_OR_NOT)
def test_live_or_not_comes_from_every_hint(world: World, name: str) -> None:
    text, kind, words = LIVE_OR_NOT[name]
    ran = imported(world, "x.json" if text.startswith("{") else "x.env", text)
    assert ran.exit_code == 0, ran
    (account,) = stored(world).values()
    assert account.kind is kind
    assert kind.value in ran.stdout.split("\t") and words in ran.stdout


def test_live_and_test_keys_of_one_file_stay_apart(world: World) -> None:
    text = pair("BINANCE_LIVE_KEY", "BINANCE_LIVE_SECRET") + pair("BINANCE_TEST_KEY", "BINANCE_TEST_SECRET", B)
    assert imported(world, "x.env", text + "TESTNET=true\n").exit_code == 0
    kinds = {label: (account.kind, secrets_of(world, label)[1]) for label, account in stored(world).items()}
    assert kinds == {"binance-live": (Kind.LIVE, A.secret), "binance-test": (Kind.TESTNET, B.secret)}


@pytest.mark.parametrize(
    "text",
    [
        pair("BINANCE_LIVE_TESTNET_KEY", "BINANCE_LIVE_TESTNET_SECRET"),
        json.dumps({"binance": {"live": {"apiKey": A.api_key, "secret": A.secret, "sandbox": True}}}),
        json.dumps({"binance": {"testnet": {"apiKey": A.api_key, "secret": A.secret, "testnet": False}}}),
        pair("BINANCE_KEY", "BINANCE_SECRET") + "BINANCE_TESTNET=true\nBINANCE_URL=https://api.binance.com\n",
    ],
)
def test_a_file_that_says_both_is_not_stored_even_with_yes(world: World, text: str) -> None:
    name = "x.json" if text.startswith("{") else "x.env"
    ran = imported(world, name, text)
    assert ran.exit_code == 4 and "--env" in ran.stderr, ran
    assert stored(world) == {}


def test_env_does_not_turn_a_test_key_into_a_live_one(world: World) -> None:
    text = pair("BINANCE_TEST_KEY", "BINANCE_TEST_SECRET")
    ran = imported(world, "x.env", text, "--env", "live")
    assert ran.exit_code == 4 and "the file says testnet, but --env says live" in ran.stderr
    assert imported(world, "x.env", text, "--env", "testnet").exit_code == 0


@pytest.mark.parametrize("name", ["bitfinex", "lbank"])
def test_a_test_key_of_an_exchange_without_such_is_refused(world: World, name: str) -> None:
    made = {"bitfinex": BFX, "lbank": LBANK}[name]
    ran = imported(world, "x.env", pair(f"{name.upper()}_TEST_KEY", f"{name.upper()}_TEST_SECRET", made))
    assert ran.exit_code == 4 and "no test environment" in ran.stderr


@pytest.mark.parametrize(
    ("name", "site"), [("myokx", "eea"), ("okx_us", "us"), ("okx-eea", "eea"), ("okex5", "global")]
)
def test_a_site_comes_from_the_name(world: World, name: str, site: str) -> None:
    table = {name: {"apiKey": OKX.api_key, "secret": OKX.secret, "password": PHRASE}}
    ran = imported(world, "x.json", json.dumps(table))
    assert ran.exit_code == 0, ran
    assert next(iter(stored(world).values())).site == site
    assert site == "global" or f"site {site}" in ran.stdout


def test_a_site_comes_from_an_address(world: World) -> None:
    text = f"{OKX_LINES}OKX_PASSPHRASE={PHRASE}\nOKX_BASE_URL=https://eea.okx.com\n"
    assert imported(world, "x.env", text).exit_code == 0
    assert world.account("okx-main").site == "eea"


# Two values for one part: never the last, and never the first.
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "x.json",
            json.dumps(
                {
                    "okx": {
                        "apiKey": OKX.api_key,
                        "secret": OKX.secret,
                        "passphrase": "Right1234!",
                        "password": "LoginPw99!",
                    }
                }
            ),
        ),
        (
            "x.json",
            json.dumps(
                {
                    "okx": {
                        "apiKey": OKX.api_key,
                        "secret": OKX.secret,
                        "api_secret": OKX_B.secret,
                        "passphrase": "Right1234!",
                    }
                }
            ),
        ),
        ("x.env", f"{OKX_LINES}OKX_PASSPHRASE=Right1234!\nOKX_PASSWORD=LoginPw99!\n"),
        ("x.env", f"{OKX_LINES}OKX_SECRET_KEY={OKX_B.secret}\nOKX_PASSPHRASE=Right1234!\n"),
        ("x.ini", f"[okx]\napi_key={OKX.api_key}\nsecret={OKX.secret}\npassphrase=Right1234!\npassphrase=Other1234!\n"),
        (
            "x.yml",
            f"okx_api_key: {OKX.api_key}\nokx_secret: {OKX.secret}\nokx_pass: x\nokx_password: LoginPw99!\n"
            "okx_passphrase: Right1234!\n",
        ),
    ],
)
def test_two_values_for_one_part_are_refused(world: World, name: str, text: str) -> None:
    ran = imported(world, name, text)
    assert ran.exit_code == 4 and "two different values for the" in ran.stderr, ran
    assert stored(world) == {}
    assert "Right1234!" not in ran.stderr and "LoginPw99!" not in ran.stderr


def test_two_values_that_are_equal_are_one(world: World) -> None:
    text = f"{OKX_LINES}OKX_PASSPHRASE={PHRASE}\nOKX_PASSWORD={PHRASE}\n"
    assert imported(world, "x.env", text).exit_code == 0
    assert secrets_of(world, "okx-main")[2] == PHRASE


# Texts that stand for something else, and the command that is named.
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("${OKX_PW}", "envsubst <"),
        ("$OKX_PW", "envsubst <"),
        ("%OKX_PW%", "envsubst <"),
        ("op://vault/okx/passphrase", "op inject -i"),
        ("ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]", "sops -d"),
        ("$ANSIBLE_VAULT;1.1;AES256", "ansible-vault view"),
        ("vault://secret/okx#pw", "store of secrets"),
        ("arn:aws:secretsmanager:eu-1:1:secret:okx", "store of secrets"),
        ("{{ okx_pw }}", "template"),
        ("%(okx_pw)s", "template"),
        ("your-passphrase", "placeholder"),
        ("YOUR_API_PASSPHRASE", "placeholder"),
        ("<passphrase>", "placeholder"),
        ("changeme", "placeholder"),
        ("xxxxxxxx", "placeholder"),
        ("********", "placeholder"),
        ("REPLACE_ME", "placeholder"),
    ],
)
@pytest.mark.parametrize("part", ["PASSPHRASE", "API_SECRET"])
def test_a_text_that_stands_for_another_is_told_with_its_command(value: str, words: str, part: str) -> None:
    lines = {"API_KEY": OKX.api_key, "API_SECRET": OKX.secret, "PASSPHRASE": PHRASE, part: value}
    text = "".join(f"OKX_{name}='{value}'\n" for name, value in lines.items())
    (found,) = read_foreign(text.encode(), "my bot.env").found
    assert len(found.wrong) == 1 and words in found.wrong[0]
    assert value not in found.wrong[0]
    assert "|" not in found.wrong[0] or "'my bot.env'" in found.wrong[0]


@pytest.mark.parametrize(
    "value", ["Changeme1!", "p$HOME#x1A", "abc${x}1A!", "Pass:/word1A", "Your1Pass!", "#1Passphrase"]
)
def test_a_real_passphrase_is_no_placeholder(value: str) -> None:
    (found,) = read_foreign(f"{OKX_LINES}OKX_PASSPHRASE='{value}'\n".encode(), "x.env").found
    assert found.wrong == [] and found.parts["passphrase"].reveal() == value.encode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.env", OKX_LINES + "OKX_PASSPHRASE=abc #def12\n"),
        ("x.yml", OKX_LINES.replace("=", ": ") + "OKX_PASSPHRASE: abcd1 #def12\n"),
        ("x.ini", "[okx]\n" + OKX_LINES + "OKX_PASSPHRASE = abcd1 ;def12\n"),
    ],
)
def test_a_passphrase_cut_before_a_hash_is_refused(world: World, name: str, text: str) -> None:
    ran = imported(world, name, text)
    assert ran.exit_code == 4 and "ends before a #" in ran.stderr, ran
    assert stored(world) == {}


def test_warnings_of_the_exchange_are_shown(world: World) -> None:
    ran = imported(world, "x.env", f"{OKX_LINES}OKX_PASSPHRASE=aB1!\n")
    assert ran.exit_code == 0 and "8 to 32 characters" in ran.stdout


def test_a_missing_passphrase_makes_the_account_wait(world: World) -> None:
    ran = imported(world, "x.env", OKX_LINES)
    assert ran.exit_code == 0 and "passphrase missing" in ran.stdout
    assert world.account("okx-main").standing is Standing.PENDING


# Looking, and pipes.


def test_a_dry_run_shows_and_stores_nothing(world: World) -> None:
    path = world.folder / "x.env"
    path.write_text(pair("BINANCE_API_KEY", "BINANCE_API_SECRET"))
    ran = world.keyctl("import", str(path), "--dry-run")
    assert ran.exit_code == 0 and "binance-main" in ran.stdout and "Nothing was stored" in ran.stderr
    assert stored(world) == {}
    assert world.keyctl("import", str(path), "--dry-run", "--json").data["stored"] is False


def test_import_reads_a_pipe_and_a_named_pipe(world: World) -> None:
    import os
    import threading

    ran = world.keyctl("import", "-", "--yes", stdin=pair("BINANCE_API_KEY", "BINANCE_API_SECRET"))
    assert ran.exit_code == 0 and secrets_of(world, "binance-main")[1] == A.secret
    assert "still holds" not in ran.stderr
    named = world.folder / "pipe"
    os.mkfifo(named)
    writer = threading.Thread(target=lambda: named.write_text(pair("BFX_KEY", "BFX_SECRET", BFX)))
    writer.start()
    ran = world.keyctl("import", str(named), "--yes")
    writer.join()
    assert ran.exit_code == 0 and secrets_of(world, "bitfinex-main")[1] == BFX.secret


# What cannot be read, and what is shown of it.
SHOWN_NOTHING = {
    "two lines": ("x.key", f"{A.api_key}\n{A.secret}\n", "keyctl add EXCHANGE"),
    "three lines": ("x.txt", f"{OKX.api_key}\n{OKX.secret}\n{PHRASE}\n", "keyctl add EXCHANGE"),
    "a private key": ("x.pem", ED.secret, "--secret-file"),
    "a CSV without an exchange": ("x.csv", f"label,api_key,secret\nmain,{A.api_key},{A.secret}\n", "--exchange"),
    "a CSV without names": ("x.csv", f"main,{A.api_key},{A.secret}\n", "use these names"),
    "prose": ("x.txt", f"my key is {A.api_key} and the secret {A.secret}\n", "use these names"),
    "colons": ("x.txt", f"API key : {A.api_key}\nSecret : {A.secret}\n", "hint"),
    "a secret as a name": ("x.env", f"{A.secret}=1\n{OKX.secret}=2\n", "keyctl add EXCHANGE"),
    "a secret as a table": ("x.json", json.dumps({A.secret: {"a": 1}, PHRASE: 2}), "use these names"),
    "a secret as the exchange": (
        "x.json",
        json.dumps({"exchange": A.secret, "apiKey": "a", "secret": "b"}),
        "--exchange",
    ),
    "a passphrase as the name": ("x.json", json.dumps({"name": PHRASE, "apiKey": "a", "secret": "b"}), "--exchange"),
    "a secret as section": ("x.ini", f"[{A.secret}]\napi_key=1\nsecret=2\n", "hint"),
    "a secret as a column": ("x.csv", f"api_key,{A.secret}\n1,2\n", "hint"),
    "words behind": ("x.env", f'BINANCE_API_KEY="{A.api_key}" "{A.secret}"\n', "use these names"),
    "base64 lines": ("x.txt", f"{A.secret}==\n{OKX.secret}=\n", "keyctl add EXCHANGE"),
}


@pytest.mark.parametrize("name", SHOWN_NOTHING)
@pytest.mark.parametrize("more", [(), ("--json",), ("--debug",)], ids=["plain", "json", "debug"])
def test_nothing_of_a_file_is_shown_but_names(world: World, name: str, more: tuple[str, ...]) -> None:
    file, text, words = SHOWN_NOTHING[name]
    ran = imported(world, file, text, *more)
    assert ran.exit_code in (3, 4) and words in ran.stdout + ran.stderr, ran
    assert PHRASE not in ran.stdout + ran.stderr


def positions() -> Iterator[tuple[str, str]]:
    """A canary in every position of every format: names, values, comments, tables, broken places."""
    for secret in (A.secret, OKX.secret, PHRASE, BFX.secret):
        yield from (
            ("x.env", text.format(secret))
            for text in (
                "{0}",
                "{0}=",
                "={0}",
                "{0}=1",
                "A={0}",
                "# {0}",
                "A='{0}",
                'A="{0}" x',
                "export {0}",
                "{0}: 1",
                "A B={0}",
                "EXCHANGE={0}\nAPI_KEY=1\nSECRET=2",
                "{0}_API_KEY=1\n{0}_SECRET=2",
                "BINANCE_API_KEY={0}",
                "OKX_PASSPHRASE={0}",
                "BINANCE_API_KEY={0}\nBINANCE_SECRET={0}",
                "OKX_KEY=1\nOKX_SECRET=2\nOKX_PASSPHRASE={0} #x",
                "BINANCE_{0}_API_KEY=1\nBINANCE_{0}_SECRET=2",
                "Environment={0}",
                "Environment=A={0}",
                "BINANCE_ENV={0}",
                "BINANCE_API_KEY=1\nBINANCE_SECRET=2\nBINANCE_LABEL={0}",
                "BINANCE_URL=https://{0}/x",
                "TESTNET={0}",
            )
        )
        for text in (
            '{{"{0}": 1}}',
            '{{"a": "{0}"}}',
            '{{"a": {0}}}',
            '{{"a": "{0}}}',
            '{{"{0}" 1}}',
            '{{"a": 1, "{0}"}}',
            '// {0}\n{{"a": 1',
            '{{"exchange": "{0}", "key": "a", "secret": "b"}}',
            '{{"a": "\\{0}"}}',
            '{{"{0}": {{"apiKey": "a", "secret": "b"}}}}',
            '[{{"label": "{0}", "apiKey": "a", "secret": "b"}}]',
            '{{"a": 1, "a": "{0}"}}',
            '{{"a": 1}} {0}',
            '{{"okx": {{"apiKey": "a", "secret": "b", "name": "{0}"}}}}',
            '{{"okx": {{"apiKey": "a", "secret": "b", "environment": "{0}"}}}}',
            "{{'{0}': '{0}'",
            '{{"a": "{0}\\ud800"}}',
        ):
            yield "x.json", text.format(secret)
        for text in (
            "{0}: 1",
            "a: {0}",
            "a: &{0} b",
            "a: *{0}",
            "a: !{0} b",
            "{0}",
            "- {0}",
            "a: '{0}",
            "a: [{0}",
            "? {0}",
            "%{0}",
            "{0}:\n  apiKey: a\n  secret: b",
            "exchange: {0}\napiKey: a\nsecret: b",
            "a: 1\na: {0}",
            "a: |\n {0}\n\tb",
            "- name: {0}\n  value: {0}",
            "- A={0}",
            "@{0}",
            "a: {0}: b",
            'a: "\\{0}"',
            "--- {0}\n... {0}",
        ):
            yield "x.yml", text.format(secret)
        for text in (
            "{0} = 1",
            'a = "{0}"',
            "a = {0}",
            "[{0}]",
            "[{0}",
            'a = "{0}',
            '[{0}]\napi_key = "a"\nsecret = "b"',
        ):
            yield "x.toml", text.format(secret)
        for text in (
            "[{0}]",
            "{0}",
            "{0} = 1",
            "a = {0}",
            "[a]\n{0}",
            "[{0}]\napi_key=1\nsecret=2",
            "[a\n{0}]",
            "; {0}",
        ):
            yield "x.ini", text.format(secret)
        for text in ("{0},b\n1,2", "a,b\n{0}", "a,b\n1,{0}", 'a,b\n"{0}', "exchange,key,secret\n{0},1,2", "a,a\n{0},1"):
            yield "x.csv", text.format(secret)


def told(reading: Reading) -> str:
    words = [text for remark in reading.remarks for text in (remark.line, remark.name, remark.note)]
    for found in reading.found:
        words += [found.names, found.suffix, found.place.other, *found.wrong, *found.notes]
    return "\n".join([*words, *reading.advice])


def test_a_canary_in_every_position_of_every_format_is_never_told() -> None:
    watched, tried = canaries(), 0
    for name, text in positions():
        tried += 1
        try:
            shown = told(read_foreign(text.encode(), name))
        except SetupProblem as problem:
            shown = " ".join((problem.message, *problem.hints))
        assert watched.find(shown) == [] and PHRASE not in shown, (name, text, shown)
    assert tried > 300


def test_the_search_finds_what_is_planted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five leaks, each of a kind that was there once or could come: the search above sees every one of them."""
    places = {
        "keyctl.keys.other_programs.looks_like_name": lambda text: True,
        "keyctl.keys.other_programs._left_alone": lambda entries: [
            type("R", (), {"line": "", "name": e.value.reveal().decode(), "note": ""})() for e in entries
        ],
        "keyctl.keys.other_programs.reference_in": lambda value, file_name: (value.reveal().decode(), ""),
        "keyctl.keys.other_programs._advice": lambda text: (text[::-1],),
        "keyctl.keys.other_programs._not_understood": lambda troubles: iter(
            [type("R", (), {"line": "", "name": OKX.secret.encode().hex(), "note": ""})()]
        ),
    }
    for place, leak in places.items():
        with monkeypatch.context() as patched:
            patched.setattr(place, leak)
            with pytest.raises(AssertionError):
                test_a_canary_in_every_position_of_every_format_is_never_told()


# The vocabulary itself.


@pytest.mark.parametrize(
    ("name", "part", "rest"),
    [
        ("BINANCE_API_KEY", "api_key", ("binance",)),
        ("apiKey", "api_key", ()),
        ("OKX_SECRET_KEY_2", "secret", ("okx", "2")),
        ("binance-api-secret", "secret", ("binance",)),
        ("API_KEY_SECRET", "secret", ()),
        ("okxApiPassphrase", "passphrase", ("okx",)),
        ("FREQTRADE__EXCHANGE__KEY", "api_key", ("freqtrade", "exchange")),
        ("MONKEY", None, ("monkey",)),
        ("DEBUG", None, ("debug",)),
    ],
)
def test_a_name_says_which_part_it_is(name: str, part: str | None, rest: tuple[str, ...]) -> None:
    assert part_in(words_of(name)) == (part, rest)


@pytest.mark.parametrize(
    ("name", "exchange", "site", "other"),
    [
        ("MY_BINANCE", "binance", "", ""),
        ("binanceusdm", "binance", "", ""),
        ("BINANCE_US", "", "", "Binance.US"),
        ("myokx", "okx", "eea", ""),
        ("BFX", "bitfinex", "", ""),
        ("bybit", "", "", "bybit"),
        ("something", "", "", ""),
    ],
)
def test_a_name_says_which_exchange(name: str, exchange: str, site: str, other: str) -> None:
    place = place_in(words_of(name))
    assert (place.exchange, place.site, place.other) == (exchange, site, other)


@pytest.mark.parametrize(
    "name", ["BINANCE_API_KEY", "okx-main", "apiKey", "max_open_trades", "exchange", "FREQTRADE__NAME"]
)
def test_a_name_looks_like_one(name: str) -> None:
    assert looks_like_name(name)


@pytest.mark.parametrize("made", [A, B, OKX, OKX_B, BFX, LBANK])
def test_no_part_of_a_key_looks_like_a_name(made) -> None:  # type: ignore[no-untyped-def]
    assert not looks_like_name(made.secret) and not looks_like_name(made.api_key)
    assert made.passphrase is None or not looks_like_name(made.passphrase)


@pytest.mark.slow  # the quick tests are watched for coverage, which would be timed too
def test_a_large_file_is_read_in_time(tmp_path: Path) -> None:
    import time

    text = "".join(f"NAME_{number}=value\nBOT{number}_API_KEY=a\nBOT{number}_SECRET=b\n" for number in range(9000))
    begun = time.perf_counter()
    assert read_foreign(text.encode(), "x.env").found
    assert time.perf_counter() - begun < 20
