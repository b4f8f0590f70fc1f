"""A credential as the text that a store keeps, and back. The one place of the stores where secrets are revealed."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from keyctl.errors import SetupProblem
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm, Kind
from keyctl.secret import Secret

VERSION = 1
Record = dict[str, Any]


def to_record(credential: Credential) -> Record:
    """The credential with its binding as plain data, for encryption or the keyring only."""
    binding, passphrase = credential.binding, credential.passphrase
    return {
        "v": VERSION,
        "api_key": credential.api_key,
        "secret": credential.secret.reveal().decode("utf-8"),
        "passphrase": None if passphrase is None else passphrase.reveal().decode("utf-8"),
        "algorithm": credential.algorithm.value,
        "exchange": binding.exchange,
        "kind": binding.kind.value,
        "site": binding.site,
        "endpoint": binding.endpoint,
        "ca_file": binding.ca_file,
    }


def from_record(record: object) -> Credential:
    """The credential that a store kept. Raises SetupProblem (secret_damaged) when it is not one of ours."""
    try:
        if not isinstance(record, dict) or record["v"] != VERSION:
            raise ValueError
        for name in ("api_key", "secret", "exchange", "site"):
            if not isinstance(record[name], str):
                raise ValueError
        for name in ("passphrase", "endpoint", "ca_file"):
            if not isinstance(record[name], str | None):
                raise ValueError
        return Credential(
            api_key=record["api_key"],
            secret=Secret(record["secret"]),
            algorithm=Algorithm(record["algorithm"]),
            passphrase=None if record["passphrase"] is None else Secret(record["passphrase"]),
            binding=Binding(
                record["exchange"], Kind(record["kind"]), record["site"], record["endpoint"], record["ca_file"]
            ),
        )
    except (ValueError, KeyError):
        raise damaged() from None


def from_each(records: Mapping[str, object]) -> dict[str, Credential | SetupProblem]:
    """Each record's credential, or why it alone cannot be read; a record may be such a reason already."""
    found: dict[str, Credential | SetupProblem] = {}
    for name, record in records.items():
        try:
            found[name] = record if isinstance(record, SetupProblem) else from_record(record)
        except SetupProblem as problem:
            found[name] = problem
    return found


def all_whole(found: Mapping[str, Credential | SetupProblem]) -> dict[str, Credential]:
    """The credentials. Raises the first of the reasons why one cannot be read."""
    whole: dict[str, Credential] = {}
    for name, item in found.items():
        if isinstance(item, SetupProblem):
            raise item
        whole[name] = item
    return whole


def to_line(record: Record) -> bytes:
    """The record as one line of ASCII."""
    return json.dumps(record, separators=(",", ":"), sort_keys=True).encode("ascii")


def same(one: Credential, other: Credential) -> bool:
    """Whether two credentials agree in everything; takes the same time wherever they differ."""
    return hmac.compare_digest(to_line(to_record(one)), to_line(to_record(other)))


def missing() -> SetupProblem:
    """The error for an account without a secret in the store."""
    return SetupProblem(
        "the secret of this account is not in the store",
        "remove the account, then add it again: keyctl add EXCHANGE",
        code="secret_missing",
    )


def damaged() -> SetupProblem:
    """The error for an entry that is there and cannot be understood."""
    return SetupProblem(
        "the stored secret of this account cannot be read",
        "another program or a newer keyctl changed it; nothing was changed now",
        code="secret_damaged",
    )


def doubled() -> SetupProblem:
    """The error for an entry of which the keyring holds two: one of them is not ours, and nothing says which."""
    return SetupProblem(
        "the keyring has two secrets for this account; keyctl uses neither",
        "another program added one; remove the account, then add it again: keyctl add EXCHANGE",
        code="secret_doubled",
    )
