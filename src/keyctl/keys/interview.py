"""What `add` must know of a new key: taken from its options, else from stdin, else asked of the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keyctl.errors import NeedsPerson, SetupProblem, UsageProblem
from keyctl.exchanges.checklists import steps_of
from keyctl.keys.intake import (
    Pasted,
    Sources,
    clean_api_key,
    clean_passphrase,
    clean_secret,
    read_credentials,
    read_source,
)
from keyctl.model.credential import Binding, Credential
from keyctl.model.words import Algorithm

if TYPE_CHECKING:
    from keyctl.exchanges.base import Exchange
    from keyctl.exchanges.profile import Profile
    from keyctl.home.accounts import Accounts
    from keyctl.secret import Secret
    from keyctl.terminal.prompt import Prompt

_NOTHING = Pasted(None, None, None, None)


class Interview:
    """One run of questions about one new key. `warnings` collects what the person should know."""

    def __init__(self, prompt: Prompt, accounts: Accounts, profile: Profile, options: Mapping[str, Any]) -> None:
        self._prompt = prompt
        self._accounts = accounts
        self._profile = profile
        self._options = options
        self._secret_sources = Sources(options["secret_stdin"], options["secret_file"], options["secret_command"])
        self._passphrase_sources = Sources(False, options["passphrase_file"], options["passphrase_command"])
        self._check_sources()
        self.warnings: list[str] = []

    def label(self, public_ip: Sequence[str] = ()) -> str:
        """The account's label, free to use. Shows the checklist first where the key is yet to be typed, with these
        lines on the public IP address."""
        if self.guided:
            self._show_checklist(public_ip)
        given: str | None = self._options["label"]
        label = given or self._prompt.ask("Label", f"{self._profile.name}-main", option="--label")
        self._accounts.check_new(label)
        return label

    def credential(self, binding: Binding, exchange: Exchange, pair: Credential | None = None) -> Credential:
        """The complete credential, its shape checked by the exchange's own rules. A `pair` brings secret and type.

        Raises SetupProblem (bad_input, bad_credential, duplicate_key), UsageProblem, or NeedsPerson for what is
        neither given nor can be asked.
        """
        pasted = read_credentials() if self._options["credentials_stdin"] else _NOTHING
        said = pair.algorithm if pair else self._said_algorithm(pasted)
        api_key = clean_api_key(self._api_key(pasted))
        self._accounts.check_unused(api_key)
        secret = pair.secret if pair else self._clean_secret(self._secret(pasted, said), said)
        algorithm = said or recognise(secret, self._profile.algorithms)
        passphrase = self._passphrase(pasted)
        self.warnings += exchange.check_credential(api_key, secret, algorithm, passphrase)
        if self._profile.key_note:
            self.warnings.append(self._profile.key_note)
        return Credential(api_key, secret, algorithm, passphrase, binding)

    @property
    def guided(self) -> bool:
        """Whether the key is yet to be typed, and may be yet to be made."""
        return self._options["api_key"] is None and not self._options["credentials_stdin"]

    @property
    def typed(self) -> bool:
        """Whether a person types the secret at a terminal: neither a file nor a program brings it."""
        given = self._options["credentials_stdin"] or self._secret_sources.given
        return not given and self._prompt.has_terminal

    def _check_sources(self) -> None:
        if self._options["from_keygen"] and (
            self._secret_sources.given or self._options["credentials_stdin"] or self._options["key_type"]
        ):
            raise UsageProblem("--from-keygen cannot be combined with another secret or key type", code="two_sources")
        if self._options["credentials_stdin"] and (
            self._secret_sources.given or self._passphrase_sources.given or self._options["api_key"] is not None
        ):
            raise UsageProblem("--credentials-stdin cannot be combined with another key, secret or passphrase")
        if self._secret_sources.given > 1 or self._passphrase_sources.given > 1:
            raise UsageProblem("use only one option for each secret", code="two_sources")
        if self._passphrase_sources.given and not self._profile.passphrase:
            raise self._no_passphrase()

    def _show_checklist(self, public_ip: Sequence[str]) -> None:
        purpose = self._options.get("profile")
        steps = "\n".join(f"  [ ] {number} {step}" for number, step in enumerate(steps_of(self._profile, purpose), 1))
        head = f"A safe key at {self._profile.title}" + (f" for profile {purpose}" if purpose else "")
        note = f"\n  {self._profile.key_note}" if self._profile.key_note else ""
        ours = "".join(f"\n  Your public IP address: {line}" for line in public_ip)
        self._prompt.show(f"{head}:\n{steps}{note}{ours}")

    def _said_algorithm(self, pasted: Pasted) -> Algorithm | None:
        """The key type that was named or chosen; None when the secret itself must tell."""
        known = self._profile.algorithms
        said = self._options["key_type"]
        if said is not None and pasted.key_type not in (None, Algorithm(said)):
            raise UsageProblem("--key-type and the key_type on stdin differ", code="two_sources")
        if said is not None:
            algorithm = Algorithm(said)
        elif pasted.key_type is not None:
            algorithm = pasted.key_type
        elif len(known) > 1 and self.guided and self._prompt.has_terminal:
            algorithm = Algorithm(self._prompt.choose("Key type", known, known[0], option="--key-type"))
        else:
            return None
        if algorithm not in known:
            raise UsageProblem(
                f"{self._profile.title} does not have {algorithm} keys",
                "known: " + ", ".join(known),
                code="no_key_type",
            )
        return algorithm

    def _api_key(self, pasted: Pasted) -> str:
        if pasted is not _NOTHING:
            return pasted.api_key or _lacks("api_key")
        given: str | None = self._options["api_key"]
        return given if given is not None else self._prompt.ask("API key", option="--api-key")

    def _secret(self, pasted: Pasted, algorithm: Algorithm | None) -> Secret:
        if pasted is not _NOTHING:
            return pasted.secret or _lacks("secret")
        secret = read_source(self._secret_sources, self.warnings)
        if secret is not None:
            return secret
        if not self._prompt.has_terminal:
            raise NeedsPerson(
                "cannot ask for the secret: there is no terminal",
                "use --secret-stdin, --secret-file F or --secret-command 'CMD'",
            )
        what = "Secret" if algorithm in (None, Algorithm.HMAC) else "Private key, the whole PEM block"
        return self._prompt.hidden(f"{what} (hidden, nothing is echoed): ")

    def _clean_secret(self, raw: Secret, said: Algorithm | None) -> Secret:
        """The secret as it is stored; the passphrase of an encrypted private key is asked for at the terminal."""

        def ask() -> Secret:
            return self._prompt.hidden("Passphrase of the private key (hidden): ")

        bare = self._profile.public_key_form != "pem"
        return clean_secret(raw, said, ask=ask if self._prompt.has_terminal else None, bare=bare)

    def _passphrase(self, pasted: Pasted) -> Secret | None:
        if not self._profile.passphrase:
            if pasted.passphrase is not None:
                raise self._no_passphrase()
            return None
        if pasted is not _NOTHING:
            return clean_passphrase(pasted.passphrase or _lacks("passphrase"))
        passphrase = read_source(self._passphrase_sources, self.warnings)
        if passphrase is None:
            if not self._prompt.has_terminal:
                raise NeedsPerson(
                    "cannot ask for the passphrase: there is no terminal",
                    "use --passphrase-file F, --passphrase-command 'CMD' or --credentials-stdin",
                )
            passphrase = self._prompt.hidden("Passphrase of the key (hidden): ")
        return clean_passphrase(passphrase)

    def _no_passphrase(self) -> UsageProblem:
        return UsageProblem(f"{self._profile.title} keys do not have a passphrase", code="no_passphrase")


def recognise(secret: Secret, known: tuple[Algorithm, ...]) -> Algorithm:
    """How a clean secret signs when nobody said so: by HMAC, unless it is a private key.

    Raises SetupProblem for a private key of a type that the exchange does not have.
    """
    from keyctl.exchanges.signing import private_key_type

    kind = private_key_type(secret)
    if kind is None:
        return Algorithm.HMAC if Algorithm.HMAC in known else known[0]
    found = Algorithm(kind)
    if found not in known:
        raise SetupProblem(
            f"this is an {found} private key; the exchange does not support this type",
            "known: " + ", ".join(known),
            code="no_key_type",
        )
    return found


def _lacks(name: str) -> Any:
    raise SetupProblem(f"the JSON object on stdin has no {name}", code="bad_input")
