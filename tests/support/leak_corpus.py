"""A corpus of files and git history with secrets planted in every form, and decoys that look like them. Seeded."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import string
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from keyctl.model.words import Algorithm
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey

LETTERS = string.ascii_letters + string.digits
KINDS = (
    ("binance", Algorithm.HMAC),
    ("okx", Algorithm.HMAC),
    ("lbank", Algorithm.HMAC),
    ("bitfinex", Algorithm.HMAC),
    ("binance", Algorithm.ED25519),
    ("binance", Algorithm.RSA),
    ("lbank", Algorithm.RSA),
)
# A private key of 2048 bits takes long to make: there are few of them, as in life.
RSA_MAX = 3
Form = Callable[[str, random.Random], bytes]


def _inside(text: str, shift: int) -> bytes:
    return base64.b64encode((" " * shift + text + ":and more").encode())


def _wrapped(text: bytes, width: int) -> bytes:
    return b"\n".join(text[at : at + width] for at in range(0, len(text), width))


# Forms in which a secret stands whole, which a scan must find while the store is locked.
WHOLE: dict[str, Form] = {
    "bare": lambda text, _: text.encode(),
    "quoted": lambda text, _: json.dumps({"k": text}).encode(),
    "shell": lambda text, _: f"export K='{text}'".encode(),
    "URL": lambda text, _: f"https://x.test/?k={quote(text, safe='')}&z=1".encode(),
    "JSON in JSON": lambda text, _: json.dumps(json.dumps({"k": f"\n{text}\n"})).encode(),
    "percent of each": lambda text, _: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "unicode escapes": lambda text, _: "".join(f"\\u{byte:04x}" for byte in text.encode()).encode(),
    "base64": lambda text, _: base64.b64encode(text.encode()),
    "base64 of echo": lambda text, _: base64.b64encode(text.encode() + b"\n"),
    "base64url": lambda text, _: b"k=" + base64.urlsafe_b64encode(text.encode()).rstrip(b"="),
    "hex": lambda text, _: text.encode().hex().encode(),
    "HEX": lambda text, _: text.encode().hex().upper().encode(),
}
# Forms that only a scan with the store open can know.
OPEN: dict[str, Form] = {
    "in a longer word": lambda text, rnd: (_letters(rnd, 5) + text + _letters(rnd, 7)).encode(),
    **{f"base64 at {shift}": (lambda text, _, shift=shift: _inside(text, shift)) for shift in range(3)},  # type: ignore[misc]
    "base64url at 1": lambda text, _: _inside(text, 1).replace(b"+", b"-").replace(b"/", b"_"),
    "over two lines": lambda text, rnd: _over_lines(text, rnd).encode(),
    "base64 in lines of 76": lambda text, _: _wrapped(base64.b64encode(f"key: {text}; ".encode() * 3), 76),
    "diff over lines": lambda text, rnd: _over_lines(text, rnd, "\n+    ").encode(),
}
# Forms of a PEM key; those of bare base64 are the forms above.
PEM_WHOLE: dict[str, Form] = {
    "PEM": lambda text, _: text.encode(),
    "PEM with CRLF": lambda text, _: text.replace("\n", "\r\n").encode(),
    "PEM in JSON": lambda text, _: json.dumps({"k": text}).encode(),
    "PEM in YAML": lambda text, _: b"k: |\n" + b"".join(f"    {line}\n".encode() for line in text.splitlines()),
    "PEM in a URL": lambda text, _: quote(text, safe="").encode(),
    "PEM without lines": lambda text, _: _body(text).encode(),
    "PEM in base64": lambda text, _: base64.b64encode(text.encode()),
    "DER in hex": lambda text, _: base64.b64decode(_body(text)).hex().encode(),
}
PEM_OPEN: dict[str, Form] = {
    "PEM body in lines": lambda text, _: _wrapped(_body(text).encode(), 64),
    "DER in base64 at 1": lambda text, _: base64.b64encode(b"\0" + base64.b64decode(_body(text))),
    "PEM in base64 at 2": lambda text, _: _inside(text, 2),
}
PASSPHRASE: dict[str, Form] = {
    "bare": lambda text, _: f"pass: {text} .".encode(),
    "JSON": lambda text, _: json.dumps({"k": text}).encode(),
    "percent": lambda text, _: f"?p={quote(text, safe='')}&".encode(),
    "base64 at 1": lambda text, _: _inside(text, 1),
    "hex": lambda text, _: text.encode().hex().encode(),
}
# How programs write keys that are not stored here: by shape, beside telling words.
SHAPED: dict[str, str] = {
    "variable": "{NAME}_API_KEY={key}\n{NAME}_API_SECRET={secret}\n",
    "Python": 'client = ccxt.{name}({{\n    "apiKey": "{key}",\n    "secret": "{secret}",\n}})\n',
    "YAML": "exchange:\n  name: {name}\n  key: {key}\n  secret: {secret}\n",
    "JavaScript": "const {name} = new Client({{ apiKey: '{key}', apiSecret: '{secret}' }});\n",
    "command": "bot --exchange {name} --api-key {key} --secret-key {secret} run\n",
    "compose": "    environment:\n      - {NAME}_KEY={key}\n      - {NAME}_SECRET_KEY={secret}\n",
    "INI": "[{name}]\napi_key = {key}\napi_secret = {secret}\n",
}


@dataclass(frozen=True)
class Plant:
    """A secret in one place: its account ("" for one by shape), what it is, its form, and where: a file's path, or a
    path in the history, "message" or "" for an object that no commit has."""

    account: str
    kind: str
    form: str
    whole: bool
    place: str
    exchange: str = ""


@dataclass
class Corpus:
    """A folder with a repository, what was planted there, and the accounts' keys."""

    folder: Path
    seed: int
    made: dict[str, MadeKey] = field(default_factory=dict)
    plants: list[Plant] = field(default_factory=list)
    decoys: int = 0

    def __post_init__(self) -> None:
        self.rnd = random.Random(self.seed)

    def keys(self, count: int) -> dict[str, MadeKey]:
        """So many keys, of all kinds in turn; the twin's makers are as random as keys must be."""
        kinds = [kind for kind in KINDS if kind[1] is not Algorithm.RSA]
        rsa = [kind for kind in KINDS if kind[1] is Algorithm.RSA]
        for number in range(count):
            exchange, algorithm = (
                rsa[number % len(rsa)] if number < min(RSA_MAX, count // 5) else kinds[number % len(kinds)]
            )
            self.made[f"key-{number}"] = make_key(exchange, algorithm)
        return self.made

    def build(self, files: int, secrets: int, decoys: int) -> None:
        """Files and a history that was rewritten: with secrets that were removed, stashed, amended away and never
        committed."""
        self.folder.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        texts = [self._filler() for _ in range(files)]
        planted = list(self._to_plant(secrets))
        shares = {"tree": 4, "removed": 2, "stash": 1, "amended": 1, "unreachable": 1, "message": 1}
        wheres = [where for where, share in shares.items() for _ in range(share)]
        by_where: dict[str, list[tuple[Plant, bytes]]] = {where: [] for where in shares}
        for number, item in enumerate(planted):
            where = wheres[number % len(wheres)]
            by_where["tree" if where == "message" and b"\n" in item[1] else where].append(item)
        for number in range(decoys):
            at = self.rnd.randrange(files)
            texts[at] = self._mixed(texts[at], self._decoy(number))
        self.decoys = decoys
        for number, text in enumerate(texts):
            self._write(f"src/{number % 50:02}/file{number}.txt", text)
        self._commit("first")
        removed = [self._put("gone", number, item) for number, item in enumerate(by_where["removed"])]
        self._commit("second")
        for path in removed:
            (self.folder / path).unlink()
        self._commit("third")
        for number, item in enumerate(by_where["amended"]):
            path = self._put("amended", number, item)
            self._commit(f"amended {number}")
            (self.folder / path).write_text("nothing\n")
            self._git("add", "-A")
            self._git("commit", "-q", "--amend", "-m", "amended")
        for number, item in enumerate(by_where["message"]):
            self._write(f"notes/{number}", f"{number}\n".encode())
            self._plant(item[0], "message")
            self._commit(f"note {number}\n\nsee " + item[1].decode())
        for item in by_where["unreachable"]:
            self._plant(item[0], "")
            self._git("hash-object", "-w", "--stdin", stdin=self._mixed(self._filler(), item[1]))
        for number, item in enumerate(by_where["stash"]):
            self._put("stashed", number, item)
        self._git("add", "-A")
        if by_where["stash"]:
            self._git("stash", "push", "-q")
        for number, item in enumerate(by_where["tree"]):
            self._put("left", number, item)

    def _to_plant(self, count: int) -> Iterator[tuple[Plant, bytes]]:
        """Secrets with their places left open: every form in turn, and every tenth one of somebody else's."""
        labels, forms = list(self.made), dict[str, Iterator[tuple[str, str, Form, bool]]]()
        shaped = list(SHAPED)
        for number in range(count):
            if number % 10 == 9:
                exchange, algorithm = KINDS[number // 10 % 4]
                other, style = make_key(exchange, algorithm), shaped[number // 10 % len(shaped)]
                text = SHAPED[style].format(
                    NAME=exchange.upper(), name=exchange, key=other.api_key, secret=other.secret
                )
                yield Plant("", "secret", style, True, "", exchange), text.encode()
                continue
            label = labels[number % len(labels)]
            made = self.made[label]
            if label not in forms:
                forms[label] = _turns(made, start=number)
            kind, form, make, whole = next(forms[label])
            secret = made.passphrase if kind == "passphrase" else made.secret
            assert secret is not None
            yield Plant(label, kind, form, whole, ""), make(secret, self.rnd)

    def _put(self, folder: str, number: int, item: tuple[Plant, bytes]) -> str:
        path = f"{folder}/{number}.txt"
        text = self._mixed(self._filler(), item[1])
        if number % 9 == 8 and item[1].isascii():
            text = b"\xff\xfe" + text.decode("latin-1").encode("utf-16-le")
        self._write(path, text)
        self._plant(item[0], path)
        return path

    def _plant(self, plant: Plant, place: str) -> None:
        facts = {name: getattr(plant, name) for name in ("account", "kind", "form", "whole", "exchange")}
        self.plants.append(Plant(**facts, place=place))

    def _mixed(self, text: bytes, piece: bytes) -> bytes:
        lines = text.split(b"\n")
        at = self.rnd.randrange(len(lines))
        return b"\n".join([*lines[:at], piece, *lines[at:]])

    def _filler(self) -> bytes:
        """Lines as of code, logs and notes."""
        rnd, lines = self.rnd, list[str]()
        for _ in range(rnd.randrange(4, 60)):
            words = [_word(rnd) for _ in range(rnd.randrange(1, 12))]
            styles = (" ".join(words), f"{words[0]} = {'.'.join(words)}", "/".join(words), "    " + "_".join(words[:4]))
            lines.append(rnd.choice(styles))
        return "\n".join(lines).encode()

    def _decoy(self, number: int) -> bytes:
        """Something that is no secret and looks like one; some beside the names of exchanges."""
        rnd = self.rnd
        made = self.made[rnd.choice(list(self.made))]
        exchange = rnd.choice(KINDS)[0]
        digest, letters = hashlib.sha256(rnd.randbytes(9)).hexdigest(), _letters(rnd, 64)
        secret = made.secret if made.algorithm is Algorithm.HMAC else letters  # most of a private key is a leak
        at = rnd.randrange(len(secret))
        changed = secret[:at] + rnd.choice(LETTERS.replace(secret[at], "")) + secret[at + 1 :]
        return (
            f"{exchange}_release_sha256 = {digest}",
            f"# {exchange}: request id {digest[:32].upper()}",
            f"note {changed} end",
            f"{secret[: len(secret) * 2 // 3]}",
            f"{exchange.upper()}_API_SECRET=your_{exchange}_secret_here",
            f"{exchange.upper()}_API_SECRET={'x' * 64}",
            f"{exchange}_secret = '{'0' * 32}'",
            f"kraken_api_secret = '{letters}'",
            f'"integrity": "sha512-{base64.b64encode(rnd.randbytes(64)).decode()}"',
            f"{exchange.upper()}_API_KEY={made.api_key}",
            f"commit {digest[:40]}",
            f"{exchange} order 8389{rnd.randrange(10**12)} uuid {digest[:8]}-{digest[8:12]}-4a00-8a00-{digest[12:24]}",
            f"{secret[::-1]}",
            f"md5({exchange}.zip) = {digest[:32]}",
            f"{exchange}.secretKeyHash: {digest}",
            base64.b64encode(rnd.randbytes(48)).decode(),
            f"{exchange.upper()}_SECRET_KEY_ID={digest[:32]}",
            "-----BEGIN PUBLIC KEY-----\n"
            + base64.b64encode(rnd.randbytes(44)).decode()
            + "\n-----END PUBLIC KEY-----",
            f'{exchange}Password = os.environ["{exchange.upper()}_SECRET"]  # {letters}',
            f"{secret.swapcase()}",
        )[number % 20].encode()

    def _write(self, path: str, text: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)

    def _commit(self, message: str) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-F", "-", stdin=message.encode())

    def _git(self, *arguments: str, stdin: bytes = b"") -> None:
        identity = ("-c", "user.name=Somebody", "-c", "user.email=some@body.test", "-c", "gc.auto=0")
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, input=stdin, check=True, capture_output=True, env=environ
        )


def _turns(made: MadeKey, start: int) -> Iterator[tuple[str, str, Form, bool]]:
    """The forms of one key's secret and passphrase, again and again, each key from another one on."""
    is_pem = "-----" in made.secret
    kind = "private key" if made.algorithm is not Algorithm.HMAC else "secret"
    forms = [(kind, form, make, True) for form, make in (PEM_WHOLE if is_pem else WHOLE).items()]
    forms += [(kind, form, make, False) for form, make in (PEM_OPEN if is_pem else OPEN).items()]
    forms += [("passphrase", form, make, False) for form, make in PASSPHRASE.items()] if made.passphrase else []
    number = start * 5
    while True:
        yield forms[number % len(forms)]
        number += 1


def _body(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if "-----" not in line)


def _over_lines(text: str, rnd: random.Random, between: str = '"\n    "') -> str:
    at = rnd.randrange(len(text) // 2 - 4, len(text) // 2 + 4) if len(text) > 40 else len(text) // 2
    return f'k = "{text[:at]}{between}{text[at:]}"'


def _letters(rnd: random.Random, count: int) -> str:
    return "".join(rnd.choices(LETTERS, k=count))


def _word(rnd: random.Random) -> str:
    return "".join(rnd.choices(string.ascii_lowercase, k=rnd.randrange(2, 11)))
