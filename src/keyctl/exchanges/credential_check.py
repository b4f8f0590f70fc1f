"""Whether a stored credential can be right at all, told in words and never in its own text. Offline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from keyctl.errors import SetupProblem
from keyctl.exchanges.signing import secret_fits
from keyctl.model.words import Algorithm

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.model.credential import Credential

_PEM = r"(?s)\s*-----BEGIN.*"
_INVISIBLE = r"(?s).*[^!-~].*"


class Fitness(NamedTuple):
    """`cause` is empty when the shape is right, else blank, swapped, wrong_key_type or key_format; `words` say why."""

    cause: str
    words: str


def fitness(exchange: Exchange, credential: Credential) -> Fitness:
    """What can be said of the credential without a call."""
    api_key, secret = credential.api_key, credential.secret
    is_pem, wants_text = secret_fits(secret, _PEM), credential.algorithm is Algorithm.HMAC
    if api_key.lstrip().startswith("-----BEGIN"):
        return Fitness("swapped", "a private key is in the place of the API key")
    if not re.fullmatch("[!-~]*", api_key):
        return Fitness("blank", "the API key contains a space or an invisible character")
    if wants_text and is_pem:
        return Fitness("wrong_key_type", "the secret is a private key (PEM), stored as an HMAC secret")
    if wants_text and secret_fits(secret, _INVISIBLE):
        return Fitness("blank", "the secret contains a space or an invisible character")
    if credential.passphrase is not None and secret_fits(credential.passphrase, _INVISIBLE):
        return Fitness("blank", "the passphrase contains a space or an invisible character")
    try:
        warnings = exchange.check_credential(api_key, secret, credential.algorithm, credential.passphrase)
    except SetupProblem as problem:
        if problem.code in ("wrong_key_type", "bad_private_key"):
            return Fitness("wrong_key_type", problem.message)
        said_so = any("swapped" in words for words in (problem.message, *problem.hints))
        return Fitness("swapped" if said_so else "key_format", problem.message)
    return Fitness("", "; ".join(["key and secret have the right shape", *warnings]))
