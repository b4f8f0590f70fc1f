"""Signer: the contract of what signs an exchange's requests. Pure: no network, no clock, no store."""

from __future__ import annotations

from abc import ABC, abstractmethod

from keyctl.errors import SetupProblem
from keyctl.exchanges.masking import Mask
from keyctl.exchanges.signing import SigningKey
from keyctl.model.wire import Request, SignedRequest, Stamp
from keyctl.secret import Secret


class Signer(ABC):
    """Turns a Request and a Stamp into the exact bytes to send. Given the same input it gives the same output."""

    def __init__(self, api_key: str, key: SigningKey, passphrase: Secret | None = None) -> None:
        self.api_key = api_key
        self.key = key
        self.passphrase = passphrase
        self.mask = Mask(api_key, passphrase)

    def passphrase_text(self) -> str:
        """The passphrase for a header, where an exchange wants it in clear. Raises SetupProblem without one."""
        if self.passphrase is None:
            raise SetupProblem("this account has no passphrase", code="bad_credential")
        # latin-1 cannot fail: a UnicodeDecodeError would carry the bytes in its text.
        return self.passphrase.reveal().decode("latin-1")

    @abstractmethod
    def sign(self, request: Request, stamp: Stamp) -> SignedRequest:
        """The signed request, encoded as the exchange wants. The text signed is the text sent."""
