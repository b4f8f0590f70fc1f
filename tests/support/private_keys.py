"""Private keys as people have them: the two that exchanges take in every form, and others."""

from __future__ import annotations

import base64
import json
import subprocess

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8, phrase: bytes | None = None) -> str:
    hidden = NoEncryption() if phrase is None else BestAvailableEncryption(phrase)
    return key.private_bytes(Encoding.PEM, form, hidden).decode()  # type: ignore[attr-defined,no-any-return]


def der(key: object, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.DER, form, NoEncryption())  # type: ignore[attr-defined,no-any-return]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def jwk(**fields: bytes | str) -> str:
    return json.dumps(
        {
            name: value if isinstance(value, str) else base64.urlsafe_b64encode(value).decode().rstrip("=")
            for name, value in fields.items()
        }
    )


def number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def openssl(*arguments: str, data: str) -> str:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True, check=True).stdout


ED_PEM, RSA_PEM, RSA_OLD = pem(ED), pem(RSA), pem(RSA, PrivateFormat.TraditionalOpenSSL)
ED_SSH, RSA_SSH = pem(ED, PrivateFormat.OpenSSH), pem(RSA, PrivateFormat.OpenSSH)
BODY = ED_PEM.splitlines()[1]
SEED = ED.private_bytes_raw()
BOTH = SEED + ED.public_key().public_bytes_raw()
R = RSA.private_numbers()
RSA_JWK = {"n": R.public_numbers.n, "e": R.public_numbers.e, "d": R.d, "p": R.p, "q": R.q, "dp": R.dmp1, "dq": R.dmq1,
           "qi": R.iqmp}  # fmt: skip
BAG = "Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
# Read as it stands, whatever its form: what is stored is the clean key.
READ: dict[str, tuple[bytes | str, object]] = {
    "PKCS#8 Ed25519": (ED_PEM, ED),
    "PKCS#8 RSA": (RSA_PEM, RSA),
    "PKCS#1 RSA": (RSA_OLD, RSA),
    "no line end at the end": (ED_PEM.rstrip(), ED),
    "CRLF": (ED_PEM.replace("\n", "\r\n"), ED),
    "CR only": (RSA_PEM.replace("\n", "\r"), RSA),
    "byte order mark": ("\ufeff" + ED_PEM, ED),
    "UTF-16 with mark": (ED_PEM.encode("utf-16"), ED),
    "UTF-16 big-endian with mark": (b"\xfe\xff" + ED_PEM.encode("utf-16-be"), ED),
    "UTF-16 without mark": (RSA_PEM.encode("utf-16-le"), RSA),
    "UTF-16 big-endian without mark": (RSA_PEM.encode("utf-16-be"), RSA),
    "text before it": (f"my key:\n{ED_PEM}", ED),
    "text behind it": (f"{ED_PEM}\nthat was it\n", ED),
    "bag attributes": (BAG + RSA_PEM, RSA),
    "openssl rsa -text": (openssl("rsa", "-text", data=RSA_PEM), RSA),
    "openssl pkey -text": (openssl("pkey", "-text", data=ED_PEM), ED),
    "indented": ("".join(f"    {line}\n" for line in RSA_PEM.splitlines()), RSA),
    "indented by tabs": ("".join(f"\t{line}\n" for line in ED_PEM.splitlines()), ED),
    "blanks at line ends": ("".join(f"{line}  \n" for line in RSA_PEM.splitlines()), RSA),
    "blank lines between": (ED_PEM.replace("\n", "\n\n"), ED),
    "two line ends each": (RSA_PEM.replace("\n", "\r\n\r\n"), RSA),
    "one line": (ED_PEM.replace("\n", ""), ED),
    "one line with blanks": (RSA_PEM.replace("\n", " "), RSA),
    "body in one line": (
        f"-----BEGIN PRIVATE KEY-----\n{''.join(RSA_PEM.splitlines()[1:-1])}\n-----END PRIVATE KEY-----",
        RSA,
    ),
    "lines of 76": (
        f"-----BEGIN PRIVATE KEY-----\n{base64.encodebytes(der(RSA)).decode()}-----END PRIVATE KEY-----\n",
        RSA,
    ),
    "line ends written out": (ED_PEM.replace("\n", "\\n"), ED),
    "written out and in quotes": (json.dumps(RSA_PEM), RSA),
    "written out twice": (json.dumps(json.dumps(ED_PEM)), ED),
    "CRLF written out": (ED_PEM.replace("\n", "\\r\\n"), ED),
    "in single quotes": (f"'{ED_PEM}'", ED),
    "in double quotes": (f'"{RSA_PEM}"', RSA),
    "PKCS#8 under an RSA label": (RSA_PEM.replace("PRIVATE KEY", "RSA PRIVATE KEY"), RSA),
    "PKCS#1 under a PKCS#8 label": (RSA_OLD.replace("RSA PRIVATE KEY", "PRIVATE KEY"), RSA),
    "Ed25519 under an EC label": (ED_PEM.replace("PRIVATE KEY", "EC PRIVATE KEY"), ED),
    "Ed25519 under an RSA label": (ED_PEM.replace("PRIVATE KEY", "RSA PRIVATE KEY"), ED),
    "other words at END": (ED_PEM.replace("END PRIVATE", "END RSA PRIVATE"), ED),
    "DER Ed25519": (der(ED), ED),
    "DER RSA PKCS#8": (der(RSA), RSA),
    "DER RSA PKCS#1": (der(RSA, PrivateFormat.TraditionalOpenSSL), RSA),
    "base64 Ed25519": (BODY, ED),
    "base64 RSA": (b64(der(RSA)), RSA),
    "base64 RSA in lines": (base64.encodebytes(der(RSA)).decode(), RSA),
    "base64 RSA PKCS#1": (b64(der(RSA, PrivateFormat.TraditionalOpenSSL)), RSA),
    "base64 in quotes": (f'"{BODY}"', ED),
    "hex DER": (der(ED).hex(), ED),
    "OpenSSH Ed25519": (ED_SSH, ED),
    "OpenSSH RSA": (RSA_SSH, RSA),
    "OpenSSH in one line": (ED_SSH.replace("\n", ""), ED),
    "JWK Ed25519": (jwk(kty="OKP", crv="Ed25519", d=SEED, x=BOTH[32:]), ED),
    "JWK RSA": (jwk(kty="RSA", **{name: number(value) for name, value in RSA_JWK.items()}), RSA),
}
