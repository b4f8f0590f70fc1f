"""P4 and P5: complete signed requests per second, over the bare primitive and over ccxt; loading a private key."""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from bench.goals import Line
from bench.signed import leg_for, opened, stamp
from bench.timing import calls_per_second
from keyctl.exchanges.signing import Ed25519Key, RSAKey
from keyctl.model.wire import Request
from keyctl.model.words import Algorithm
from keyctl.secret import Secret
from keyctl.twin.key_making import make_key

KINDS = (
    ("binance", Algorithm.HMAC),
    ("binance", Algorithm.ED25519),
    ("binance", Algorithm.RSA),
    ("okx", Algorithm.HMAC),
    ("bitfinex", Algorithm.HMAC),
    ("lbank", Algorithm.HMAC),
    ("lbank", Algorithm.RSA),
)
HASHES = {"bitfinex": "sha384"}
MESSAGE = b"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.0005&price=50000&timestamp=1790000000123" * 2
SECONDS = 0.1


def measure(numbers: set[str], repeats: int) -> Iterable[Line]:
    """The lines of P4 and P5."""
    if "P4" in numbers:
        for name, algorithm in KINDS:
            yield from _signing(name, algorithm, repeats)
    if "P5" in numbers:
        for name, algorithm in (("binance", Algorithm.ED25519), ("binance", Algorithm.RSA), ("lbank", Algorithm.RSA)):
            yield _loading(name, algorithm, repeats)


def _signing(name: str, algorithm: Algorithm, repeats: int) -> Iterable[Line]:
    made = make_key(name, algorithm)
    facts = {
        "exchange": name,
        "endpoint": "http://127.0.0.1:1",
        "api_key": made.api_key,
        "secret": made.secret,
        "passphrase": made.passphrase,
        "algorithm": algorithm.value,
    }
    exchange, signer = opened(facts, "")
    request = exchange.api_of(leg_for(exchange)).order_request(leg_for(exchange))
    now = stamp()
    functions: dict[str, Callable[[], object]] = {
        "keyctl": lambda: signer.sign(request, now),
        "primitive": _primitive(name, algorithm, made.secret),
    }
    if find_spec("ccxt"):
        functions["ccxt"] = _ccxt(name, facts, request)
    rates = calls_per_second(functions, repeats, SECONDS)
    label = f"{name} {algorithm}"
    note = f"{rates['keyctl']:,.0f} a second"
    yield Line("P4", f"{label} over the bare primitive", rates["keyctl"] / rates["primitive"], None, note=note)
    if "ccxt" in rates:
        note = f"ccxt {rates['ccxt']:,.0f} a second"
        yield Line("P4", f"{label} over ccxt's sign()", rates["keyctl"] / rates["ccxt"], 1, least=True, note=note)
    else:
        yield Line("P4", f"{label} over ccxt: ccxt is not installed", float("nan"), None)


def _primitive(name: str, algorithm: Algorithm, secret: str) -> Callable[[], object]:
    """The signature alone, of a message of about the same length, with a key that is loaded already."""
    if algorithm is Algorithm.HMAC:
        key, hash_name = secret.encode(), HASHES.get(name, "sha256")
        return lambda: hmac.digest(key, MESSAGE, hash_name)
    private: Any = _private(secret)
    if algorithm is Algorithm.ED25519:
        return lambda: private.sign(MESSAGE)
    return lambda: private.sign(MESSAGE, PKCS1v15(), SHA256())


def _private(secret: str) -> Any:
    if secret.startswith("-----"):
        return load_pem_private_key(secret.encode(), None)
    import base64

    return load_der_private_key(base64.b64decode(secret), None)


def _ccxt(name: str, facts: dict[str, Any], request: Request) -> Callable[[], object]:
    """ccxt's sign() of an order with the same parameters."""
    import ccxt

    client = getattr(ccxt, name)(
        {"apiKey": facts["api_key"], "secret": facts["secret"], "password": facts["passphrase"]}
    )
    params = {key: value for key, value in request.params}
    path, api = {
        "binance": ("order", ["private"]),
        "okx": ("trade/order", ["private"]),
        "bitfinex": ("auth/w/order/submit", ["private"]),
        "lbank": ("supplement/create_order", ["spot", "private"]),
    }[name]
    if name == "lbank" and facts["algorithm"] == "rsa":
        # ccxt drops the last, shorter line of such a key; the whole one is put where it keeps its own.
        client.options["pem"] = _pem(facts["secret"])
    # Older releases name a part of the API by one word, newer ones by a list of words.
    by_word = len(api) == 1 and isinstance(inspect.signature(client.sign).parameters["api"].default, str)
    return lambda: client.sign(path, api[0] if by_word else api, "POST", dict(params))


def _pem(bare: str) -> str:
    lines = [bare[start : start + 64] for start in range(0, len(bare), 64)]
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])


def _loading(name: str, algorithm: Algorithm, repeats: int) -> Line:
    secret = Secret(make_key(name, algorithm).secret)
    make: Callable[[Secret], Any] = RSAKey if algorithm is Algorithm.RSA else Ed25519Key
    key = make(secret)
    rates = calls_per_second({"load": lambda: make(secret), "sign": lambda: key.sign(MESSAGE)}, repeats, SECONDS)
    return Line("P5", f"loading a stored {name} {algorithm} key over one signature", rates["sign"] / rates["load"], 3)
