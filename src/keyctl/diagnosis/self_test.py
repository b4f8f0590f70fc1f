"""Whether keyctl's signature comes out as the exchange documents it: <exchange>_vectors.csv, signed anew. Offline."""

from __future__ import annotations

import csv
from urllib.parse import parse_qsl

from keyctl.diagnosis.evidence import Probe
from keyctl.errors import KeyctlError
from keyctl.exchanges.shipped import load, profile
from keyctl.loader import open_data
from keyctl.model.credential import Binding
from keyctl.model.wire import Request, Stamp
from keyctl.model.words import Algorithm, Kind
from keyctl.secret import Secret

NOWHERE = "https://vector.invalid"


def self_test(exchange: str) -> Probe:
    """The probe "signing": ok when every shipped vector comes out."""
    facts = profile(exchange)
    signs = load(Binding(exchange, Kind.LIVE, facts.site_default, None, None))
    with open_data(f"exchanges/{exchange}", "vectors.csv") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        passphrase = Secret(row["passphrase"]) if row["passphrase"] else None
        params = tuple(parse_qsl(row["params"]))
        request = Request(row["method"], NOWHERE, row["path"], params, private=True, repeatable=True)
        stamp = Stamp(int(row["at_ms"]), int(row["nonce"]), row["token"])
        try:
            signer = signs.signer(row["api_key"], Secret(row["secret"]), Algorithm(row["algorithm"]), passphrase)
            wire = signer.sign(request, stamp)
        except KeyctlError:
            return Probe("signing", "fail", kind="own_signature", detail="the test vector cannot be signed")
        if row["signature"] not in (wire.url + wire.body.decode() + " ".join(value for _, value in wire.headers)):
            return Probe("signing", "fail", kind="own_signature", detail="the test vector gives a different signature")
    return Probe("signing", "ok", detail=f"keyctl signs the test vector correctly ({rows[0]['source'].split(';')[0]})")
