"""keyctl keygen, and keyctl add --from-keygen: a private key that nobody ever sees."""

import base64
import hashlib
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from keyctl.model.words import Algorithm, Standing
from keyctl.twin.key_making import make_key
from keyctl.twin.keys import MadeKey
from tests.support.canary import Canaries
from tests.support.ran import Ran
from tests.support.world import IPS, World

PAIRS = [("binance", "ed25519", ()), ("binance", "rsa", ("--bits", "2048")), ("lbank", "rsa", ())]


def generate(world: World, exchange: str, kind: str, *more: str) -> Ran:
    endpoint = world.twin.endpoint(exchange)
    return world.keyctl("keygen", exchange, "--type", kind, "--endpoint", endpoint, *more, "--json")


def upload(world: World, exchange: str, algorithm: str, text: str) -> MadeKey:
    """What the person does at the exchange's page: the public key goes up, an API key comes back."""
    made = make_key(exchange, Algorithm(algorithm), ips=IPS)
    public = load_pem_public_key(text.encode()) if "BEGIN" in text else load_der_public_key(base64.b64decode(text))
    made.key.public_key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    world.twin.add_key(exchange, made)
    return made


@pytest.mark.parametrize(("exchange", "kind", "more"), PAIRS)
def test_a_pair_made_here_signs_once_the_exchange_has_given_its_api_key(
    world: World, exchange: str, kind: str, more: tuple[str, ...]
) -> None:
    data = generate(world, exchange, kind, *more).data
    made = upload(world, exchange, kind, data["public_key"])
    label = f"{exchange}-new"
    assert world.account(label).standing is Standing.PENDING
    ran = world.keyctl("add", exchange, "--from-keygen", label, "--api-key", made.api_key, "--json")
    signature = {row["level"] for row in ran.data["findings"] if row["rule"] == "signature" and row["market"] == "spot"}
    assert signature == {"pass"}
    account = world.account(label)
    assert (account.standing, account.api_key_hint[:4]) == (Standing.ACTIVE, made.api_key[:4])


def test_a_pair_made_here_is_led_by_its_profile_too(world: World) -> None:
    """keygen knows no profile, so add must not say that it was told one."""
    made = upload(world, "binance", "ed25519", generate(world, "binance", "ed25519").data["public_key"])
    words = ("add", "binance", "--from-keygen", "binance-new", "--api-key", made.api_key, "--json")
    assert world.keyctl(*words, "--profile", "funding").exit_code == 2
    ran = world.keyctl(*words, "--profile", "read")
    assert (world.account("binance-new").profile, ran.data["key"]["profile"]) == ("read", "read"), ran
    found = {row["detail"] for row in ran.data["findings"] if row["rule"] == "trade"}
    assert "ON: profile read forbids it" in found


@pytest.mark.parametrize(("exchange", "kind", "more"), PAIRS)
def test_the_public_key_has_the_form_of_the_page_and_a_fingerprint(
    world: World, exchange: str, kind: str, more: tuple[str, ...]
) -> None:
    out = world.folder / "public"
    ran = generate(world, exchange, kind, *more, "--out", str(out))
    text = ran.data["public_key"]
    if exchange == "binance":
        assert re.fullmatch(r"-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PUBLIC KEY-----", text)
        public = load_pem_public_key(text.encode())
    else:
        public = load_der_public_key(base64.b64decode(text, validate=True))
    assert isinstance(public, Ed25519PublicKey if kind == "ed25519" else RSAPublicKey)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert ran.data["fingerprint"] == hashlib.sha256(der).hexdigest()
    assert out.read_text() == text + "\n"


def test_the_private_key_shows_nowhere(world: World) -> None:
    ran = generate(world, "binance", "ed25519")
    app = world.app()
    secret = app.store.get(world.account("binance-new").id).secret.reveal().decode()
    canaries = Canaries()
    made = make_key("binance", Algorithm.ED25519)
    canaries.watch("new", MadeKey(made.api_key, secret, None, Algorithm.ED25519, made.key))
    again = world.keyctl("keygen", "binance", "--again")
    shown = world.keyctl("show", "binance-new")
    assert again.stdout.strip() == ran.data["public_key"]
    for one in (ran, again, shown):
        assert canaries.find(one.stdout + one.stderr) == []
    assert canaries.find_in_files(world.home, ()) == []


def test_a_pending_pair_takes_part_in_nothing(world: World) -> None:
    world.add("binance", "a")
    generate(world, "binance", "ed25519", "--group", "desk")
    buy = ("order", "buy", "BTC/USDT", "0.005", "--price", "58000", "--dry-run", "--json")
    plan = world.keyctl(*buy, "--fanout", "--all").data
    assert [leg["account"] for leg in plan["legs"]] == ["a"]
    assert world.keyctl(*buy, "--fanout", "--group", "desk").exit_code == 2
    for arguments in (("verify", "binance-new"), (*buy, "-a", "binance-new"), ("enable", "binance-new")):
        ran = world.keyctl(*arguments)
        assert ran.exit_code in (3, 4), ran
        assert "pending" in ran.stdout + ran.stderr


def test_what_cannot_be_made_is_refused_before_anything_is_stored(world: World) -> None:
    (world.folder / "there").write_text("mine")
    for arguments in (
        ("okx", "--type", "ed25519"),
        ("lbank", "--type", "ed25519"),
        ("binance", "--bits", "4096"),
        ("binance", "--out", str(world.folder / "there")),
        ("binance", "--endpoint", "https://example.com"),
    ):
        assert world.keyctl("keygen", *arguments).exit_code == 2, arguments
    assert world.app().accounts.all() == ()
    assert (world.folder / "there").read_text() == "mine"


def test_the_wrong_answers_to_from_keygen_change_nothing(world: World) -> None:
    made = world.add("binance", "a")
    generate(world, "binance", "ed25519")
    complete = ("add", "binance", "--from-keygen", "binance-new")
    assert world.keyctl(*complete).exit_code == 10
    assert world.keyctl(*complete, "--api-key", "short").exit_code == 3
    assert world.keyctl(*complete, "--api-key", made.api_key).exit_code == 3
    assert world.keyctl(*complete, "--api-key", "x" * 64, "--label", "b").exit_code == 2
    assert world.keyctl(*complete, "--api-key", "x" * 64, "--secret-stdin", stdin="y").exit_code == 2
    assert world.keyctl("add", "binance", "--from-keygen", "a", "--api-key", "x" * 64).exit_code == 3
    assert world.keyctl("add", "okx", "--from-keygen", "binance-new", "--api-key", "x" * 64).exit_code == 3
    assert world.account("binance-new").standing is Standing.PENDING
