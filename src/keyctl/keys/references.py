"""Texts in files that are no key but point to one: variables, password managers, encrypted values, placeholders."""

from __future__ import annotations

import shlex

from keyctl.exchanges.signing import secret_fits
from keyctl.secret import Secret

# What a text looks like, what it is, and the command that resolves it; F stands for the file.
_REFERENCES = (
    (r"\$\{[A-Za-z_][^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|\$\(.*\)|`.*`|\$\{\{.*\}\}",
     "is the name of a variable, not its value", "envsubst < {} | keyctl import -"),
    (r"op://.*", "is a reference to 1Password", "op inject -i {} | keyctl import -"),
    (r"ENC\[.*\]", "is encrypted by sops", "sops -d {} | keyctl import -"),
    (r"(?s)\$ANSIBLE_VAULT;.*", "is encrypted by Ansible", "ansible-vault view {} | keyctl import -"),
    (r"(?s)-----BEGIN AGE ENCRYPTED FILE-----.*", "is encrypted by age", "age -d {} | keyctl import -"),
    (r"(?s)-----BEGIN PGP MESSAGE-----.*", "is encrypted by GnuPG", "gpg -d {} | keyctl import -"),
    (r"7b2263727970746f.*", "is encrypted by the other program", ""),
    (r"(?i)(vault|bws|bw|doppler|infisical|keyring|keepassxc|pass|gopass|secret|secrets|ssm|sm|aws|gcp|gcpsm|azkv|akv|"
     r"awssm|awsssm|ref\+[a-z]+|arn|env|file|lastpass|vals|chamber|dashlane)(://|:[^:]*secretsmanager:|:aws:).*",
     "is a reference to a store of secrets", ""),
    (r"!?\{\{.*\}\}|%\([A-Za-z_]\w*\)s|<%.*%>|!vault.*", "is filled in by a template", ""),
)  # fmt: skip
# Longer ones are not tried: the pattern below has words that fit together in many ways.
_PLACEHOLDER_MAX = 40
_WHOSE = r"(?:my|your|the|a|an|insert|enter|put|add|paste|replace|fill|set|type|use|place)"
_WHAT = (
    r"(?:api|key|keys|secret|secrets|passphrase|password|pass|phrase|private|public|here|this|me|own|in|with|it|your|my|"
    r"value|goes|real|new|account|token|exchange|bot|trading|live|test|testnet|demo)"
)
_PLACEHOLDER = (
    rf"(?i)<[^<>]*>|\[(?:{_WHOSE}|{_WHAT})[^\[\]]*\]|\{{(?:{_WHOSE}|{_WHAT})[^{{}}]*\}}|"
    rf"_*{_WHOSE}(?:[-_ .]*{_WHAT})+[-_ .]*\d?!?|{_WHAT}[-_ ]?(?:{_WHAT}[-_ ]?)*|"
    r"(?:x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,}|#{3,}|\?{3,}|0{6,})|(?:x{4,}-?)+|"
    r"change[-_ ]?(?:me|this|it)!*|to[-_ ]?do|tbd|fixme|n/?a|none|null|nil|undefined|dummy|example|placeholder|sample|"
    r"redacted|removed|hidden|masked|foo|bar|foobar|abc|xyz|string|str"
)


def reference_in(value: Secret, file_name: str) -> tuple[str, str]:
    """What a value is instead of a part of a key, and the command that resolves it; empty for a value that may be one.

    `file_name` is put into the command.
    """
    for pattern, what, command in _REFERENCES:
        if secret_fits(value, pattern):
            return what, command.format(shlex.quote(file_name))
    if len(value) <= _PLACEHOLDER_MAX and secret_fits(value, _PLACEHOLDER):
        return "is a placeholder, not a value", ""
    return "", ""


def may_hold_reference(value: Secret) -> bool:
    """Whether a variable's name in braces stands inside a value that keyctl keeps as it is."""
    return secret_fits(value, r"(?s).*\$\{[A-Za-z_][A-Za-z0-9_]*\}.*")
