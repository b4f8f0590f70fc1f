"""keyctl import and export: keys come in unchanged from other programs' files, and go out only encrypted."""

import hashlib
import json
from pathlib import Path

import pytest

from keyctl.model.words import Algorithm, Kind, Standing
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.canary import Canaries
from tests.support.ran import Ran
from tests.support.terminal import keyctl_at_terminal
from tests.support.world import World

HARD = "p$HOME#x's${y}\"z\\q"


def put(world: World, name: str, text: str | bytes) -> Path:
    path = world.folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def stored(world: World, label: str) -> tuple[str, str, str | None]:
    credential = world.app().store.get(world.account(label).id)
    passphrase = credential.passphrase
    return (
        credential.api_key,
        credential.secret.reveal().decode(),
        None if passphrase is None else passphrase.reveal().decode(),
    )


def whole(made: MadeKey, passphrase: str | None = None) -> tuple[str, str, str | None]:
    return made.api_key, made.secret, passphrase or made.passphrase


def test_a_mixed_env_file_gives_accounts_and_remarks(world: World) -> None:
    binance, okx = make_key("binance"), make_key("okx")
    path = put(
        world,
        "bot.env",
        f"# my bot\nBINANCE_API_KEY={binance.api_key}\nBINANCE_API_SECRET='{binance.secret}'\n"
        'BROKEN="a" "b"\n'
        f"OKX_API_KEY={okx.api_key}\nOKX_SECRET_KEY={okx.secret}\nDEBUG=1\n"
        "BYBIT_API_KEY=abc\nBYBIT_API_SECRET=def\n",
    )
    before = (path.stat(), path.read_bytes())
    ran = world.keyctl("import", str(path), "--no-input")
    assert ran.exit_code == 0, ran.stderr
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    assert rows[0][:4] == ["2,3", "BINANCE_*", "binance-main", "live"] and rows[0][4].startswith("key and secret;")
    assert rows[1][:3] == ["5,6", "OKX_*", "okx-main"] and "keyctl edit okx-main" in rows[1][4]
    assert [row[0] for row in rows if "not understood" in row[1]] == ["4"]
    assert [row[1] for row in rows if "not an exchange that keyctl supports" in row[4]] == ["BYBIT_*"]
    assert "bot.env still holds the secrets" in ran.stderr.splitlines()[-1]
    assert stored(world, "binance-main") == whole(binance)
    assert world.account("okx-main").standing is Standing.PENDING
    assert (path.stat().st_mtime_ns, path.read_bytes()) == (before[0].st_mtime_ns, before[1])
    canaries = Canaries()
    canaries.watch("b", binance)
    canaries.watch("o", okx)
    assert canaries.find(ran.stdout + ran.stderr) == []


def test_a_passphrase_that_was_missing_makes_the_account_whole(world: World) -> None:
    okx = make_key("okx")
    path = put(world, "x.env", f"OKX_API_KEY={okx.api_key}\nOKX_API_SECRET={okx.secret}\n")
    assert world.keyctl("import", str(path), "--yes").exit_code == 0
    secret = put(world, "phrase", okx.passphrase or "")
    assert world.keyctl("edit", "okx-main", "--passphrase-file", str(secret)).exit_code == 0
    assert world.account("okx-main").standing is Standing.ACTIVE
    assert stored(world, "okx-main") == whole(okx)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_values_arrive_unchanged(world: World, newline: str, mark: bytes) -> None:
    okx = make_key("okx")
    quoted = "'" + HARD.replace("\\", "\\\\").replace("'", "\\'") + "'"
    lines = [f"OKX_API_KEY={okx.api_key}", f'OKX_API_SECRET="{okx.secret}"', f"OKX_PASSPHRASE={quoted}", ""]
    path = put(world, "x.env", mark + newline.join(lines).encode())
    assert world.keyctl("import", str(path), "--yes").exit_code == 0
    assert stored(world, "okx-main") == whole(okx, HARD)


def test_an_unquoted_value_keeps_its_dollars_and_hashes(world: World) -> None:
    okx = make_key("okx")
    path = put(
        world, "x.env", f"export OKX_APIKEY={okx.api_key}\nOKX_SECRET={okx.secret}\nOKX_PASSWORD=a$b#c${{HOME}}d=1\n"
    )
    assert world.keyctl("import", str(path), "--yes").exit_code == 0
    assert stored(world, "okx-main")[2] == "a$b#c${HOME}d=1"


@pytest.mark.parametrize("written", ["quoted lines", "written out"])
def test_a_private_key_in_an_env_file(world: World, written: str) -> None:
    made = make_key("binance", Algorithm.ED25519)
    value = made.secret if written == "quoted lines" else made.secret.replace("\n", "\\n")
    quote = '"' if written == "quoted lines" else "'"
    path = put(world, "x.env", f"BINANCE_API_KEY={made.api_key}\nBINANCE_PRIVATE_KEY={quote}{value}{quote}\n")
    assert world.keyctl("import", str(path), "--yes").exit_code == 0
    assert stored(world, "binance-main") == whole(made)
    assert world.account("binance-main").algorithm is Algorithm.ED25519


def test_doubles_are_refused_and_named(world: World) -> None:
    one, two = make_key("binance"), make_key("binance")
    path = put(
        world,
        "x.env",
        f"BINANCE_API_KEY={one.api_key}\nBINANCE_API_SECRET={one.secret}\nBINANCE_API_SECRET={two.secret}\n",
    )
    ran = world.keyctl("import", str(path), "--yes")
    assert ran.exit_code == 4
    assert "two different values for the secret (line 2,3)" in ran.stderr
    assert world.app().accounts.all() == ()


def test_several_keys_of_one_exchange_get_labels_of_their_own(world: World) -> None:
    one, two = make_key("binance"), make_key("binance")
    text = "".join(
        f"{prefix}_API_KEY={made.api_key}\n{prefix}_API_SECRET={made.secret}\n"
        for prefix, made in (("BINANCE", one), ("BINANCE_SUB_2", two))
    )
    path = put(world, "x.env", text)
    assert world.keyctl("import", str(path), "--yes").exit_code == 0
    assert stored(world, "binance-main") == whole(one)
    assert stored(world, "binance-sub-2") == whole(two)
    again = world.keyctl("import", str(path), "--yes")
    assert again.exit_code == 4 and "already stored" in again.stderr


def test_freqtrade_variables_and_config(world: World) -> None:
    one, two = make_key("okx"), make_key("binance")
    text = f"FREQTRADE__EXCHANGE__NAME=okx\nFREQTRADE__EXCHANGE__KEY={one.api_key}\n"
    text += f"FREQTRADE__EXCHANGE__SECRET={one.secret}\nFREQTRADE__EXCHANGE__PASSWORD={one.passphrase}\n"
    assert world.keyctl("import", str(put(world, "ft.env", text)), "--yes").exit_code == 0
    assert stored(world, "okx-main") == whole(one)
    config = {"dry_run": True, "exchange": {"name": "binance", "key": two.api_key, "secret": two.secret}}
    assert world.keyctl("import", str(put(world, "config.json", json.dumps(config))), "--yes").exit_code == 0
    assert stored(world, "binance-main") == whole(two)


def test_ccxt_json_by_exchange_and_alone(world: World) -> None:
    okx, lbank, bitfinex = make_key("okx"), make_key("lbank"), make_key("bitfinex")
    keys = {
        "okx": {"apiKey": okx.api_key, "secret": okx.secret, "password": okx.passphrase, "uid": ""},
        "lbank": {"apiKey": lbank.api_key, "secret": lbank.secret},
        "kucoin": {"apiKey": "a", "secret": "b", "password": "c"},
    }
    ran = world.keyctl("import", str(put(world, "keys.local.json", json.dumps(keys))), "--yes")
    assert ran.exit_code == 0 and "kucoin is not an exchange that keyctl supports" in ran.stdout
    assert (stored(world, "okx-main"), stored(world, "lbank-main")) == (whole(okx), whole(lbank))
    alone = put(world, "one.json", json.dumps({"apiKey": bitfinex.api_key, "secret": bitfinex.secret}))
    assert world.keyctl("import", str(alone), "--yes").exit_code == 4
    assert world.keyctl("import", str(alone), "--yes", "--exchange", "bitfinex").exit_code == 0
    assert stored(world, "bitfinex-main") == whole(bitfinex)


def test_hummingbot_lines_plain_and_encrypted(world: World) -> None:
    made = make_key("binance")
    encrypted = b'{"crypto": {"cipher": "aes-128-ctr"}}'.hex()
    text = f"connector: binance\nbinance_api_key: {made.api_key}\nbinance_api_secret: {made.secret}\n"
    text += f"okx_api_key: {encrypted}\nokx_secret_key: {encrypted}\n"
    ran = world.keyctl("import", str(put(world, "conf.yml", text)), "--yes")
    assert ran.exit_code == 0 and ran.stdout.count("encrypted by the other program") == 2
    assert stored(world, "binance-main") == whole(made)


def test_toml_of_the_exchanges_own_tools(world: World) -> None:
    live, demo = make_key("okx"), make_key("okx")
    text = 'default_profile = "live"\n'
    for name, made in (("live", live), ("demo", demo)):
        text += f'[profiles.{name}]\napi_key = "{made.api_key}"\nsecret_key = "{made.secret}"\n'
        text += f'passphrase = "{made.passphrase}"\n'
    ran = world.keyctl("import", str(put(world, "config.toml", text)), "--yes")
    assert ran.exit_code == 0, ran.stderr
    assert (stored(world, "okx-live"), stored(world, "okx-demo")) == (whole(live), whole(demo))
    assert (world.account("okx-live").kind, world.account("okx-demo").kind) == (Kind.LIVE, Kind.DEMO)
    kraken = put(world, "kraken.toml", '[auth]\napi_key = "abc"\napi_secret = "def"\n')
    ran = world.keyctl("import", str(kraken), "--yes")
    assert ran.exit_code == 4 and "kraken is not an exchange that keyctl supports" in ran.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", '{"apiKey": "CANARY", "apiKey": "CANARY"}'),
        ("x.json", '{"apiKey": CANARY}'),
        ("x.toml", 'a = "CANARY"\na = "CANARY"\n'),
        ("x.env", b"\xff\xfeCANARY"),
        ("x.env", "CANARY" * 200_000),
        ("x.env", "BINANCE_API_KEY=CANARY\nBINANCE_API_SECRET=CANARY CANARY\n"),
        ("x.env", ""),
    ],
)
def test_what_cannot_be_read_is_refused_without_its_text(world: World, name: str, content: str | bytes) -> None:
    ran = world.keyctl("import", str(put(world, name, content)), "--yes", "--debug")
    assert ran.exit_code in (3, 4)
    assert "CANARY" not in ran.stdout + ran.stderr
    assert world.app().accounts.all() == ()


def test_places_that_are_no_files(world: World) -> None:
    for place in (world.folder, Path("/dev/null"), world.folder / "nothing"):
        assert world.keyctl("import", str(place), "--yes").exit_code == 3


def test_without_a_person_and_without_a_yes_nothing_is_stored(world: World) -> None:
    made = make_key("binance")
    path = put(world, "x.env", f"BINANCE_API_KEY={made.api_key}\nBINANCE_API_SECRET={made.secret}\n")
    assert world.keyctl("import", str(path)).exit_code == 10
    assert world.app().accounts.all() == ()


@pytest.mark.parametrize(("word", "code"), [("yes", 0), ("no", 4)])
def test_a_person_sees_the_table_first(world: World, word: str, code: int) -> None:
    made = make_key("binance")
    path = put(world, "x.env", f"BINANCE_API_KEY={made.api_key}\nBINANCE_API_SECRET={made.secret}\n")
    person = keyctl_at_terminal(["import", str(path)], world.home)
    left, seen = person.waits_for("binance-main").waits_for("Type yes").types(f"{word}\n").leaves()
    assert left == code
    assert made.secret not in seen
    assert len(world.app().accounts.all()) == (1 if code == 0 else 0)


# Backups.


def backup(world: World, *options: str) -> tuple[Path, Ran]:
    path = world.folder / "keys.backup"
    return path, world.keyctl("export", str(path), *options)


def test_a_backup_brings_everything_back_into_another_home(world: World, tmp_path: Path) -> None:
    world.add_all()
    world.keyctl("disable", "okx-a")
    world.keyctl("edit", "lbank-a", "--group", "desk")
    world.keyctl("keygen", "binance", "--type", "ed25519")
    key = world.folder / "stick" / "backup.key"
    key.parent.mkdir()
    path, ran = backup(world, "--key-file", str(key))
    assert ran.exit_code == 0, ran.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    canaries = Canaries()
    for label, made in world.made.items():
        canaries.watch(label, made)
    assert canaries.find_in_files(world.folder, ()) == []
    with World(tmp_path / "other") as other:
        back = other.keyctl("import", str(path), "--key-file", str(key), "--yes")
        assert back.exit_code == 0, back.stderr
        for label, made in world.made.items():
            assert stored(other, label) == whole(made)
            here, there = world.account(label), other.account(label)
            assert (here.standing, here.groups, here.created, here.binding) == (
                *(there.standing, there.groups, there.created, there.binding),
            )
        assert other.account("binance-new").standing is Standing.PENDING
        assert other.keyctl("import", str(path), "--key-file", str(key), "--yes").exit_code == 4, "all are there"
        assert len(other.app().accounts.all()) == 5


def test_a_backup_by_passphrase(world: World, tmp_path: Path) -> None:
    world.add("okx", "a")
    phrase = put(world, "phrase", "a long passphrase\n")
    with open(phrase) as given:
        path, ran = backup(world, "--passphrase-fd", str(given.fileno()))
    assert ran.exit_code == 0, ran.stderr
    with World(tmp_path / "other") as other:
        with open(put(world, "wrong", "another\n")) as given:
            wrong = other.keyctl("import", str(path), "--passphrase-fd", str(given.fileno()), "--yes", "--json")
        assert (wrong.exit_code, wrong.document["errors"][0]["code"]) == (3, "backup_locked")
        with open(phrase) as given:
            ran = other.keyctl("import", str(path), "--passphrase-fd", str(given.fileno()), "--yes")
        assert ran.exit_code == 0
        assert stored(other, "a") == whole(world.made["a"])


def test_a_backup_is_never_written_over_anything(world: World) -> None:
    world.add("okx", "a")
    path = put(world, "keys.backup", "mine")
    assert backup(world, "--key-file", str(world.folder / "keys" / "b.key"))[1].exit_code == 2
    assert path.read_text() == "mine"
    assert not (world.folder / "keys" / "b.key").exists()
    assert world.keyctl("export", str(world.folder / "other")).exit_code == 10, "nobody can be asked"
    assert not (world.folder / "other").exists()


def test_a_damaged_backup_is_refused_and_left_as_it_is(world: World) -> None:
    world.add("okx", "a")
    key = world.folder / "keys" / "b.key"
    path, _ = backup(world, "--key-file", str(key))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    world.keyctl("remove", "a", "--yes")
    ran = world.keyctl("import", str(path), "--key-file", str(key), "--yes", "--json")
    assert (ran.exit_code, ran.document["errors"][0]["code"]) == (3, "backup_locked")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_a_label_that_is_taken_gets_a_number(world: World, tmp_path: Path) -> None:
    world.add("okx", "a")
    key = world.folder / "keys" / "b.key"
    path, _ = backup(world, "--key-file", str(key))
    with World(tmp_path / "other") as other:
        other.add("okx", "a")
        assert other.keyctl("import", str(path), "--key-file", str(key), "--yes").exit_code == 0
        assert stored(other, "a-2") == whole(world.made["a"])
