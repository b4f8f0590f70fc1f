"""Files as other programs have them, made at random: the text is written here first, with what it means beside it.

Nothing of the parsers under test is used: each format's quoting is written out here once more, by its own rules.
"""

from __future__ import annotations

import json
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.support.world import ALL

LETTERS = string.ascii_letters + string.digits
PRINTABLE = "".join(map(chr, range(33, 127)))
FORMATS = ("env", "json", "toml", "yaml", "ini")
# How programs call API key, secret and passphrase; beside the exchange's name, or in a table of that name.
STYLES = (
    ("API_KEY", "API_SECRET", "PASSPHRASE"),
    ("API_KEY", "SECRET_KEY", "API_PASSPHRASE"),
    ("APIKEY", "SECRET", "PASSWORD"),
    ("KEY", "SECRET", "PASSWORD"),
    ("APIKEY", "APISECRET", "API_PASSWORD"),
    ("ACCESS_KEY", "SECRET_KEY", "PASSPHRASE"),
    ("apiKey", "secret", "password"),
    ("api_key", "api_secret", "passphrase"),
    ("api-key", "secret-key", "passphrase"),
)
NOISE = ("DEBUG", "LOG_LEVEL", "max_open_trades", "stake_currency", "PORT", "interval")
COMMENTS = ("my bot", "keys of caf\u00e9", "do not share", "A=b", "{", "'", '"')


@dataclass(frozen=True)
class Key:
    """A key as it must be read."""

    exchange: str
    api_key: str
    secret: str
    passphrase: str | None

    def parts(self) -> dict[str, str]:
        found = {"api_key": self.api_key, "secret": self.secret}
        return found if self.passphrase is None else {**found, "passphrase": self.passphrase}


@dataclass(frozen=True)
class File:
    """A file, and the keys in it."""

    name: str
    data: bytes
    keys: tuple[Key, ...]


def random_file(random: Random, kind: str) -> File:
    """A file of that format with one to three keys, at exchanges that differ."""
    exchanges = random.sample(ALL, random.randint(1, 3))
    keys = tuple(random_key(random, exchange) for exchange in exchanges)
    text = WRITERS[kind](random, keys)
    if random.random() < 0.2:
        text = text.replace("\n", "\r\n")
    encoding = random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]) if kind != "toml" else "utf-8"
    ending = {"env": "env", "yaml": random.choice(["yml", "yaml"]), "ini": random.choice(["ini", "cfg"])}.get(
        kind, kind
    )
    return File(f"bot.{ending}", text.encode(encoding), keys)


def random_key(random: Random, exchange: str) -> Key:
    """A key in the shape that the exchange's keys have."""
    if exchange in ("okx", "lbank"):
        api_key = str(uuid.UUID(int=random.getrandbits(128), version=4))
        secret = f"{random.getrandbits(128):032X}"
    else:
        length = 64 if exchange == "binance" else 43
        api_key, secret = ("".join(random.choices(LETTERS, k=length)) for _ in range(2))
    return Key(exchange, api_key, secret, random_passphrase(random) if exchange == "okx" else None)


def random_passphrase(random: Random) -> str:
    """A passphrase with everything that may be in one, and nothing that stands for something else."""
    middle = "".join(random.choices(PRINTABLE, k=random.randint(3, 26)))
    return random.choice("aB7!") + middle + "1aA" + random.choice("xY9+")


def _names(random: Random, key: Key, style: tuple[str, str, str], prefixed: bool) -> list[tuple[str, str]]:
    known = {"okx": ("OKX", "OKEX", "okx"), "bitfinex": ("BITFINEX", "BFX", "bitfinex2")}
    prefix = random.choice(known.get(key.exchange, (key.exchange.upper(), key.exchange)))
    around = random.choice(["{}_", "MY_{}_", "{}_MAIN_", "BOT_{}_"]).format(prefix) if prefixed else ""
    return [(around + name, value) for name, value in zip(style, key.parts().values(), strict=False)]


def _style(random: Random, *, flat: bool = False) -> tuple[str, str, str]:
    return random.choice([style for style in STYLES if not flat or ("-" not in style[0] and style[0] != "apiKey")])


def _env(random: Random, keys: tuple[Key, ...]) -> str:
    lines = []
    for key in keys:
        for name, value in _names(random, key, _style(random, flat=True), True):
            export = random.choice(["", "", "export "])
            blank = random.choice(["", "", " "]) if not export else ""
            lines.append(f"{export}{name}{blank}={blank}{_env_value(random, value)}")
        lines += _noise(random, "# {}", lambda name, value: f"{name}={value}")
    return "\n".join(lines) + random.choice(["", "\n", "\n\n"])


def _env_value(random: Random, value: str) -> str:
    plain = value[0] not in "'\"" and " #" not in value
    quote = random.choice(["'", '"', ""] if plain else ["'", '"'])
    comment = random.choice(["", "", " # live", "  # x=y"])
    if not quote:
        return value + comment
    return quote + value.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote + comment


def _noise(random: Random, comment: str, entry: Callable[[str, str], str]) -> list[str]:
    found = []
    if random.random() < 0.5:
        found.append(comment.format(random.choice(COMMENTS)))
    if random.random() < 0.5:
        found.append(entry(random.choice(NOISE) + str(random.randint(1, 10**9)), str(random.randint(0, 10**6))))
    return found


def _json(random: Random, keys: tuple[Key, ...]) -> str:
    if len(keys) == 1 and random.random() < 0.3:
        tables: object = _freqtrade(keys[0])
    elif random.random() < 0.3:
        tables = [{"exchange": key.exchange, **dict(_names(random, key, _style(random), False))} for key in keys]
    elif random.random() < 0.3:
        tables = {name: value for key in keys for name, value in _names(random, key, _style(random, flat=True), True)}
    else:
        tables = {key.exchange: dict(_names(random, key, _style(random), False)) for key in keys}
    text = json.dumps(tables, indent=random.choice([None, 1, 2, "\t"]), ensure_ascii=random.random() < 0.5)
    if "\n" in text:
        if random.random() < 0.5:
            text = text.replace("\n}", ",\n}").replace("{,\n}", "{\n}")
        if random.random() < 0.5:
            text = text.replace("{\n", "{ // " + random.choice(COMMENTS) + "\n", 1)
        if random.random() < 0.3:
            text = f"/* {random.choice(COMMENTS)}\n*/\n{text}"
    return text + random.choice(["", "\n"])


def _freqtrade(key: Key) -> dict[str, object]:
    names = {"api_key": "key", "secret": "secret", "passphrase": "password"}
    inner = {names[part]: value for part, value in key.parts().items()}
    return {
        "max_open_trades": 3,
        "dry_run": True,
        "exchange": {"name": key.exchange, **inner, "pair_whitelist": ["A/B"]},
    }


def _toml(random: Random, keys: tuple[Key, ...]) -> str:
    lines = ['title = "bot"'] if random.random() < 0.5 else []
    for key in keys:
        lines.append(f"[{random.choice(['{}', 'exchanges.{}', 'keys.{}']).format(key.exchange)}]")
        for name, value in _names(random, key, _style(random), False):
            lines.append(f"{name} = {_toml_value(random, value)}" + random.choice(["", " # x = y"]))
        lines += _noise(random, "# {}", lambda name, value: f"{name} = {value}")
    return "\n".join(lines) + "\n"


def _toml_value(random: Random, value: str) -> str:
    if "'" not in value and random.random() < 0.5:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{escaped}"""' if random.random() < 0.2 else f'"{escaped}"'


def _yaml(random: Random, keys: tuple[Key, ...]) -> str:
    flat, lines = random.random() < 0.5, []
    for key in keys:
        if not flat:
            lines.append(f"{key.exchange}:")
        for name, value in _names(random, key, _style(random, flat=flat), flat):
            lines.append(f"{'' if flat else '  '}{name}: {_yaml_value(random, value)}" + random.choice(["", " # x: y"]))
        lines += _noise(random, "# {}", lambda name, value: f"{name}: {value}")
    return random.choice(["", "---\n"]) + "\n".join(lines) + "\n"


def _yaml_value(random: Random, value: str) -> str:
    plain = value[0] in LETTERS and not any(sign in value for sign in (": ", " #", ":", "#"))
    way = random.choice(["single", "double", "plain"] if plain else ["single", "double"])
    if way == "single":
        return "'" + value.replace("'", "''") + "'"
    return value if way == "plain" else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _ini(random: Random, keys: tuple[Key, ...]) -> str:
    lines = []
    for key in keys:
        lines.append(f"[{key.exchange}]")
        sign = random.choice(["=", " = ", ": "])
        lines += [f"{name}{sign}{_ini_value(value)}" for name, value in _names(random, key, _style(random), False)]
        lines += _noise(random, random.choice(["# {}", "; {}"]), lambda name, value: f"{name} = {value}")
    return "\n".join(lines) + "\n"


def _ini_value(value: str) -> str:
    return f'"{value}"' if value[0] in "'\"" and '"' not in value[1:] else value


WRITERS = {"env": _env, "json": _json, "toml": _toml, "yaml": _yaml, "ini": _ini}


def spoiled(random: Random, data: bytes) -> bytes:
    """The bytes with one to four changes: cut, doubled, swapped, or another character put in."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(changed) + 1)
        way = random.randrange(4)
        if way == 0:
            del changed[place : place + random.randint(1, 40)]
        elif way == 1:
            changed[place:place] = changed[place : place + random.randint(1, 80)]
        elif way == 2:
            changed[place:place] = random.choice(
                [b'"', b"'", b"{", b"}", b"\n", b"=", b":", b"\\", b"&a ", b"!t ", b"\x00"]
            )
        elif place < len(changed):
            changed[place] = random.randrange(256)
    return bytes(changed)
