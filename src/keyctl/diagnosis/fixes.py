"""What to do about each cause, in the exchange's own menu words: the steps of its checklist. Pure."""

from __future__ import annotations

from keyctl.diagnosis.causes import Cause
from keyctl.diagnosis.evidence import Evidence
from keyctl.diagnosis.signs import causes_of
from keyctl.exchanges.profile import Profile
from keyctl.exchanges.shipped import profile
from keyctl.model.words import Market
from keyctl.verify.policy import address_in

_NTP = (
    "set this machine's clock by NTP: timedatectl set-ntp true; with chrony: chronyc makestep; WSL2: wsl --shutdown, "
    "then start it again; Docker Desktop: restart it, containers have its clock; a VM: turn on time sync with its "
    "host; Windows: w32tm /resync"
)


def fix_for(cause: Cause, evidence: Evidence) -> str:
    """The exact next step for a cause."""
    facts, label = profile(evidence.exchange), evidence.account
    again, anew = f"then run: keyctl diagnose {label}", f"keyctl remove {label}, then: keyctl add {facts.name}"
    address = seen_address(evidence) or "your public IP address"
    if ":" in address:
        address += " (IPv6; or use IPv4: local_address in config.toml)"
    new_key = f"create a new key (keyctl checklist {facts.name}), then store it: {anew}"
    fixes = {
        Cause.HEALTHY: "",
        Cause.BLANK: f"store it again without spaces: {anew}",
        Cause.SWAPPED: f"store it again, each text in its own field: {anew}",
        Cause.KEY_TYPE: f"store it with its real key type: {anew} --key-type {'|'.join(facts.algorithms)}",
        Cause.KEY_FORMAT: f"copy it whole from {facts.title}: {anew}",
        Cause.OWN_SIGNATURE: "this copy of keyctl is damaged: install it again; nothing was sent",
        Cause.UNKNOWN_KEY: f"compare it with the keys at {facts.checklist.page}; if it is missing, {new_key}",
        Cause.DELETED_KEY: f"check it at {facts.checklist.page}; if it is gone, {new_key}",
        Cause.EXPIRED_KEY: f"{facts.lifetime.note.strip()} Set an IP whitelist, then switch on trading, or {new_key}",
        Cause.WRONG_SECRET: f"store key and secret again, as they were shown together: {anew}. A lost secret cannot be "
        "read again: create a new key",
        Cause.PASSPHRASE: f"type the passphrase again: keyctl edit {label} --ask-passphrase. A lost one cannot be "
        "recovered: create a new key",
        Cause.ENVIRONMENT: f"store it for the environment where it was created: {anew} --env {_environments(facts)}",
        Cause.REGION: f"store it for the site where the account was opened: {anew} --site {_sites(facts, evidence)}",
        Cause.IP_LIST: f"add {address}: {_step(facts, facts.ip_list.step)}, {again}",
        Cause.FUTURES_IP_LIST: f"add {address} to the futures whitelist: {_step(facts, _futures_list(facts))}, {again}",
        Cause.IPV4_NOT_LISTED: _version_fix(facts, evidence, 4, again),
        Cause.IPV6_NOT_LISTED: _version_fix(facts, evidence, 6, again),
        Cause.READ_RIGHT: f"switch reading on: {_step(facts, _rights_step(facts))}, {again}",
        Cause.TRADE_RIGHT: f"switch trading on: {_step(facts, _rights_step(facts))}, {again}",
        Cause.FUTURES_RIGHT: f"switch futures on: {_step(facts, _rights_step(facts))}, {again}",
        Cause.CLOCK_AHEAD: f"{_NTP}; {again}",
        Cause.CLOCK_BEHIND: f"{_NTP}; {again}",
        Cause.NONCE: f"use one key for one program: {facts.key_note or 'nonces can only grow.'} So {new_key}",
        Cause.RATE_LIMIT: f"wait{_seconds(evidence)}, send fewer requests from this IP address, {again}",
        Cause.BAN: f"send nothing{_seconds(evidence)}; requests during a ban make it longer; {again}",
        Cause.MAINTENANCE: f"wait; news of {facts.title}: {facts.docs}; {again}",
        Cause.UNREACHABLE: f"check this machine's network, firewall and proxy, {again}",
        Cause.DNS: f"check this machine's name server (DNS), {again}",
        Cause.TLS: f"check for a proxy or filter that intercepts TLS, and check this machine's date, {again}",
        Cause.NO_ANSWER: f"check the network and proxies on the way; {facts.title} may also be overloaded; {again}",
        Cause.REFUSED: _by_code(evidence, again),
        Cause.RULE: "; ".join([*dict.fromkeys(item.fix for item in evidence.failed if item.fix), again]),
    }
    return fixes[cause]


def seen_address(evidence: Evidence) -> str:
    """The address that the exchange itself says it sees us at, else the one known of this route; else empty."""
    return next((found for probe in evidence.probes if (found := address_in(probe.text))), evidence.address)


def _version_fix(facts: Profile, evidence: Evidence, version: int, again: str) -> str:
    """The list that lacks our address of that IP version; or leaving by the version that passes."""
    told = [address_in(probe.text) for probe in evidence.probes] + evidence.address.split(" and ")
    address = next((text for text in told if text and (":" in text) == (version == 6)), "")
    tried = evidence.of("version")
    futures = tried is not None and tried.market == Market.FUTURES
    step = _step(facts, _futures_list(facts) if futures else facts.ip_list.step)
    known = "" if version == 4 or facts.ip_list.ipv6 else f" ({facts.title} does not document whether it accepts IPv6)"
    add = f"add your IPv{version} address{f' {address}' if address else ''}{known}: {step}"
    other = 10 - version
    leave = f"use IPv{other} only: set local_address to an IPv{other} address of this machine in config.toml"
    return f"{add}; or {leave}; {again}"


def _step(facts: Profile, number: int) -> str:
    steps = facts.checklist.steps
    words = steps[number - 1] if 0 < number <= len(steps) else facts.checklist.page
    return f"{words} (keyctl checklist {facts.name}, step {number})"


def _rights_step(facts: Profile) -> int:
    """The step that names the rights: the one that says to leave withdrawals off."""
    steps = enumerate(facts.checklist.steps, 1)
    return next((number for number, step in steps if "withdraw" in step.casefold() and "OFF" in step), 0)


def _futures_list(facts: Profile) -> int:
    steps = enumerate(facts.checklist.steps, 1)
    named = (number for number, step in steps if Market.FUTURES in step.casefold() and "ip list" in step.casefold())
    return next(named, facts.ip_list.step)


def _environments(facts: Profile) -> str:
    return "|".join(facts.hosts)


def _sites(facts: Profile, evidence: Evidence) -> str:
    kind = evidence.kind if evidence.kind in facts.hosts else next(iter(facts.hosts))
    return "|".join(facts.hosts[kind])


def _seconds(evidence: Evidence) -> str:
    waits = [int(probe.facts["wait"]) for probe in evidence.probes if str(probe.facts.get("wait", "")).isdigit()]
    return f" for {max(waits)} s" if waits else ""


def _by_code(evidence: Evidence, again: str) -> str:
    for probe in evidence.probes:
        if probe.outcome == "refused" and Cause.REFUSED in causes_of(evidence.exchange, probe):
            market = f" --market {probe.market}" if probe.market else ""
            return f"read: keyctl diagnose {evidence.exchange} {probe.code}{market}, {again}"
    return again
