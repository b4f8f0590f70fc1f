"""The causes that a diagnosis can name, in words, and which of them a good answer rules out. Pure data."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """What may be wrong; the values are the codes that programs see."""

    HEALTHY = "healthy"
    BLANK = "blank"
    SWAPPED = "swapped"
    KEY_TYPE = "wrong_key_type"
    KEY_FORMAT = "key_format"
    OWN_SIGNATURE = "own_signature"
    UNKNOWN_KEY = "unknown_key"
    DELETED_KEY = "deleted_key"
    EXPIRED_KEY = "expired_key"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - the name of a cause
    PASSPHRASE = "wrong_passphrase"  # noqa: S105 - the name of a cause
    ENVIRONMENT = "other_environment"
    REGION = "other_region"
    IP_LIST = "ip_not_listed"
    FUTURES_IP_LIST = "futures_ip_list"
    IPV4_NOT_LISTED = "ipv4_not_listed"
    IPV6_NOT_LISTED = "ipv6_not_listed"
    READ_RIGHT = "read_permission"
    TRADE_RIGHT = "trade_permission"
    FUTURES_RIGHT = "futures_permission"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    NONCE = "nonce_behind"
    RATE_LIMIT = "rate_limited"
    BAN = "banned"
    MAINTENANCE = "maintenance"
    UNREACHABLE = "unreachable"
    DNS = "dns"
    TLS = "tls"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    RULE = "rule_failed"


# The word in the second column of a row, and the cause as a sentence. {title} and {market} are filled in.
WORDS: dict[Cause, tuple[str, str]] = {
    Cause.HEALTHY: ("ok", "no fault was found"),
    Cause.BLANK: ("WRONG", "the stored key contains a space or an invisible character"),
    Cause.SWAPPED: ("SWAPPED", "API key and secret are swapped"),
    Cause.KEY_TYPE: ("WRONG", "the key is stored with another type than it has at {title}"),
    Cause.KEY_FORMAT: ("WRONG", "the stored key does not have the shape of a {title} key"),
    Cause.OWN_SIGNATURE: ("BROKEN", "keyctl's signature differs from the documented one"),
    Cause.UNKNOWN_KEY: ("UNKNOWN", "{title} does not know this API key"),
    Cause.DELETED_KEY: ("GONE", "the API key was deleted at {title}"),
    Cause.EXPIRED_KEY: ("EXPIRED", "the API key or its trading permission has expired"),
    Cause.WRONG_SECRET: ("WRONG", "the stored secret does not belong to this API key"),
    Cause.PASSPHRASE: ("WRONG", "the stored passphrase does not belong to this API key"),
    Cause.ENVIRONMENT: ("OTHER", "the API key belongs to another environment (live, testnet, demo)"),
    Cause.REGION: ("OTHER", "the API key belongs to another regional site of {title}"),
    Cause.IP_LIST: ("MISSING", "your public IP address is not on the key's IP whitelist"),
    Cause.FUTURES_IP_LIST: (
        "MISSING",
        "your public IP address is not on the futures IP whitelist; spot has its own",
    ),
    Cause.IPV4_NOT_LISTED: ("MISSING", "your IPv4 address is not on the key's IP whitelist; your IPv6 address passes"),
    Cause.IPV6_NOT_LISTED: ("MISSING", "your IPv6 address is not on the key's IP whitelist; your IPv4 address passes"),
    Cause.READ_RIGHT: ("MISSING", "the key may not read"),
    Cause.TRADE_RIGHT: ("MISSING", "the key may not trade"),
    Cause.FUTURES_RIGHT: ("MISSING", "the key has no futures permission"),
    Cause.CLOCK_AHEAD: ("WRONG", "this machine's clock is ahead"),
    Cause.CLOCK_BEHIND: ("WRONG", "this machine's clock is behind"),
    Cause.NONCE: ("BEHIND", "another program has used a higher nonce with this key"),
    Cause.RATE_LIMIT: ("WAIT", "{title} asks this machine to send fewer requests"),
    Cause.BAN: ("BLOCKED", "{title} temporarily blocks your public IP address"),
    Cause.MAINTENANCE: ("DOWN", "{title} is under maintenance or overloaded"),
    Cause.UNREACHABLE: ("DOWN", "{title} cannot be reached from here"),
    Cause.DNS: ("DOWN", "the name of {title}'s host is not found"),
    Cause.TLS: ("DOWN", "the TLS connection to {title} fails"),
    Cause.NO_ANSWER: ("DOWN", "connections to {title} end before a response arrives"),
    Cause.REFUSED: ("REFUSED", "{title} rejected the call for another reason"),
    Cause.RULE: ("FAIL", "the key works, but its settings need a fix"),
}

# Matters of the exchange or of the way to it: they hide whatever else may be wrong, and say nothing about the key.
OUTSIDE = frozenset(
    {
        Cause.RATE_LIMIT,
        Cause.BAN,
        Cause.MAINTENANCE,
        Cause.UNREACHABLE,
        Cause.DNS,
        Cause.TLS,
        Cause.NO_ANSWER,
    }
)
# Ruled out by any signed call that was answered.
BY_ANY_ANSWER = frozenset(
    {
        Cause.OWN_SIGNATURE,
        Cause.UNKNOWN_KEY,
        Cause.DELETED_KEY,
        Cause.EXPIRED_KEY,
        Cause.SWAPPED,
        Cause.KEY_TYPE,
        Cause.KEY_FORMAT,
        Cause.WRONG_SECRET,
        Cause.PASSPHRASE,
        Cause.ENVIRONMENT,
        Cause.REGION,
        Cause.IP_LIST,
        Cause.NONCE,
        Cause.CLOCK_AHEAD,
        Cause.CLOCK_BEHIND,
    }
)
BY_A_READ = BY_ANY_ANSWER | {Cause.READ_RIGHT}
BY_A_FUTURES_READ = BY_A_READ | {Cause.FUTURES_IP_LIST, Cause.FUTURES_RIGHT}
# What a call by the other IP version can decide, and the cause that it proves, by the version that is refused.
BY_ADDRESS = frozenset({Cause.IP_LIST, Cause.FUTURES_IP_LIST})
VERSION_NOT_LISTED = {4: Cause.IPV4_NOT_LISTED, 6: Cause.IPV6_NOT_LISTED}
# A key that once worked from this store had none of these; they become the least likely.
NEVER_WORKED = frozenset(
    {
        Cause.UNKNOWN_KEY,
        Cause.SWAPPED,
        Cause.KEY_TYPE,
        Cause.WRONG_SECRET,
        Cause.PASSPHRASE,
        Cause.ENVIRONMENT,
        Cause.REGION,
    }
)
# No further read at the same place can split these: the same refusal comes to every call.
ALIKE_EVERYWHERE = NEVER_WORKED | {Cause.DELETED_KEY, Cause.EXPIRED_KEY, Cause.NONCE}
