"""Least privilege: what was seen of an API key, judged rule by rule. Pure: what is not told is unknown."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from functools import cached_property

from keyctl.exchanges.catalogue import catalogue
from keyctl.exchanges.checklists import list_step, steps_of
from keyctl.exchanges.shipped import profile
from keyctl.home.account_uid import how_to_accept, is_other, other_words
from keyctl.home.key_age import judge_age
from keyctl.home.last_use import UNUSED_DAYS
from keyctl.home.profiles import default_profile
from keyctl.model.account import Account
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.told import ExchangeError
from keyctl.model.venue import KeyPermissions
from keyctl.model.verdict import Finding
from keyctl.model.words import Level, Market
from keyctl.verify.ip_lists import covers, open_entry
from keyctl.verify.observations import House, Observation
from keyctl.verify.rights import Rights, Verdict, accept
from keyctl.verify.steps import page_of, purpose_of, rights_step

RULES = (
    "clock",
    "access",
    "signature",
    "account",
    "read",
    "trade",
    "withdraw",
    "transfer",
    "ip_list",
    "our_ip",
    "key_age",
    "unused",
    "extra_rights",
)


def judge(seen: Observation, house: House) -> tuple[Finding, ...]:
    """One finding per market of the account and rule, in the order of RULES."""
    return tuple(finding for market in seen.account.markets for finding in _Judge(seen, market, house).findings())


def judge_unasked(account: Account, reason: str, fix: str) -> tuple[Finding, ...]:
    """The findings of an account whose key cannot be used, so that nothing was asked: no access, the rest unknown."""

    def say(market: Market, rule: str) -> Finding:
        if rule == "access":
            return Finding(account.label, account.exchange, market.value, rule, Level.FAIL, reason, fix=fix)
        return Finding(
            account.label, account.exchange, market.value, rule, Level.UNKNOWN, "not checked: the secret is missing"
        )

    return tuple(say(market, rule) for market in account.markets for rule in RULES)


class _Judge:
    """The rules on one market of one account."""

    def __init__(self, seen: Observation, market: Market, house: House) -> None:
        self.seen, self.market, self.house = seen, market, house
        self.profile = profile(seen.account.exchange)
        self.rights = seen.permissions or KeyPermissions()
        self.answer = seen.markets.get(market)
        self.worked = self.answer is not None and self.answer.worked
        self.wish = house.profile or default_profile(seen.account.markets)
        markets = seen.account.markets
        self.judged = Rights(self.rights, self.wish, house.accepted, self.profile, market, markets, self.worked)

    def findings(self) -> list[Finding]:
        """One for each of RULES, in their order; and one of lending, where that is asked of the key."""
        judges = (
            *(self._clock, self._access, self._signature, self._account, self._read, self._trade, self._withdraw),
            *(self._transfer, self._ip_list, self._our_ip, self._key_age, self._unused),
            self._extra_rights,
        )
        found = [judge() for judge in judges]
        return [*found, self._of("funding", self.judged.funding())] if self.judged.lends else found

    def _clock(self) -> Finding:
        offset, title = self.seen.offset, self.profile.title
        if not self.seen.has_clock:
            return self._say("clock", Level.PASS, "not applicable", f"{title} reports no time and checks none")
        if offset is None:
            why = self.seen.clock_trouble or "every reading of its clock took too long"
            return self._say("clock", Level.UNKNOWN, f"not measured: {why}")
        words = f"{abs(offset.ms) / 1000:.1f} s {'behind' if offset.ms > 0 else 'ahead of'} {title}'s time"
        evidence = f"median of {offset.samples} readings" + (" of whole seconds" if offset.margin_ms else "")
        if offset.silent:
            return self._say("clock", Level.PASS, words, evidence)
        if offset.usable:
            return self._say("clock", Level.WARN, f"{words}; keyctl corrects it", evidence, "set the clock (NTP)")
        fix = f"set this machine's clock (NTP), then run: keyctl verify {self.seen.account.label}"
        return self._say("clock", Level.FAIL, f"{words}; orders would be rejected", evidence, fix)

    def _access(self) -> Finding:
        if self.answer is None or self.answer.trouble:
            return self._untold("access")
        error = self.answer.error
        if error is None:
            return self._say("access", Level.PASS, "the key is accepted", f"{self.answer.by} succeeded")
        evidence = f"{self.answer.by} was rejected" + (f"; {self._elsewhere}" if self._elsewhere else "")
        return self._say("access", Level.FAIL, self._refusal(error), evidence, self._refusal_fix(error))

    def _signature(self) -> Finding:
        if self.answer is None or self.answer.trouble:
            return self._untold("signature")
        error = self.answer.error
        if error is None:
            return self._say("signature", Level.PASS, "accepted", f"{self.answer.by} succeeded")
        if self._category == "signature" and not self._elsewhere:
            fix = f"store key and secret again; {self._diagnose(error)}"
            return self._say("signature", Level.FAIL, self._refusal(error), f"{self.answer.by} was rejected", fix)
        return self._untold("signature", evidence=self._elsewhere)

    def _account(self) -> Finding:
        account, told = self.seen.account, self.seen.uid
        if told is None:
            return self._untold(
                "account",
                f"{self.profile.title} does not report which account the key belongs to" if self.worked else "",
            )
        if is_other(account, told):
            fix = f"check which account the key belongs to; {how_to_accept(account)}"
            return self._say("account", Level.FAIL, other_words(account, told), f"{self.profile.title} reports it", fix)
        words = f"account {told}" + ("" if account.uid else ", reported for the first time")
        return self._say("account", Level.PASS, words, f"{self.profile.title} reports it")

    def _read(self) -> Finding:
        if not self.worked:
            return self._untold("read")
        if self.rights.read is False:
            return self._say("read", Level.FAIL, "off", self._told, self._switch("read", "on"))
        assert self.answer is not None
        evidence = self._told if self.rights.read else f"{self.answer.by} succeeded"
        return self._say("read", Level.PASS, "on", evidence)

    def _trade(self) -> Finding:
        return self._of("trade", self.judged.trade())

    def _withdraw(self) -> Finding:
        found = self._of("withdraw", self.judged.withdraw())
        if found.level is not Level.WARN:
            return found
        where = f"the withdrawal whitelist: {self.profile.withdrawal_whitelist}"
        return replace(found, fix=f"limit withdrawals to your own addresses with {where}; or {found.fix}")

    def _transfer(self) -> Finding:
        return self._of("transfer", self.judged.transfer())

    def _extra_rights(self) -> Finding:
        return self._of("extra_rights", self.judged.extra(self.seen.permissions is not None))

    def _of(self, rule: str, verdict: Verdict) -> Finding:
        if verdict.level is Level.UNKNOWN:
            return self._untold(rule, verdict.detail)
        fix = self._switch(verdict.what, verdict.switch) if verdict.switch else ""
        return self._say(rule, verdict.level, verdict.detail, self._told, fix)

    def _ip_list(self) -> Finding:
        step = self._list_step
        by_hand = f"check manually: {step}"
        if self.worked and self._listed is not None:
            if not self._listed or self._open_entry:
                words = f"set, but {self._open_entry} allows nearly every IP address" if self._listed else "not set"
                level, detail = accept(
                    self.house.accepted, "no_ip_list", f"{words}: the key works from any IP address", words
                )
                if level is Level.FAIL and not self.wish.ip_list:
                    level, detail = Level.WARN, f"{detail}; profile {self.wish.name} does not require one"
                return self._say("ip_list", level, detail, self._told, step)
            count = "" if self.rights.ips is None else f", entries: {len(self.rights.ips)}"
            return self._say("ip_list", Level.PASS, f"set{count}", self._told)
        if self._elsewhere and self.answer and self.answer.error and self._category in ("ip", "permission"):
            return self._untold("ip_list", f"likely missing on {self.market} (not confirmed)", self._elsewhere, by_hand)
        if self.worked and not self._covered:
            return self._untold(
                "ip_list", f"the permission call does not report the {self.market} whitelist", fix=by_hand
            )
        return self._untold("ip_list", fix=by_hand)

    def _our_ip(self) -> Finding:
        step = self._list_step
        error = self.answer.error if self.answer else None
        if error is not None and self._category == "ip" and not error.code.startswith("http-"):
            seen = address_in(error.text)
            where = f" ({seen})" if seen else ""
            detail = f"not on the whitelist{where}: {self._refusal(error)}"
            return self._say("our_ip", Level.FAIL, detail, f"{self.profile.title}'s own words", step)
        if self.worked and self._listed and not self._open_entry:
            assert self.answer is not None
            return self._say(
                "our_ip", Level.PASS, "on the whitelist", f"a whitelist is set, and {self.answer.by} succeeded"
            )
        if self.worked and self._listed is False:
            return self._untold("our_ip", "no whitelist is set")
        return self._compared() or self._untold("our_ip")

    def _compared(self) -> Finding | None:
        """Our known address against the list that the exchange told, else the one that the person keeps."""
        vantage = self.house.vantage
        told = self.rights.ips if self._covered else None
        entries = told or vantage.kept.get(self.market, ())
        if not vantage.addresses or not entries or (told is not None and self._open_entry):
            return None
        whose = f"{self.profile.title} tells" if told else "you keep (keyctl whitelist)"
        missing = [address for address in vantage.addresses if not covers(entries, address)]
        if not missing or (self.worked and len(missing) < len(vantage.addresses)):
            listed = [address for address in vantage.addresses if address not in missing]
            words = f"{', '.join(listed)}: on the whitelist that {whose}"
            words += f", {', '.join(missing)} is not" if missing else ""
            return self._untold("our_ip", words if told else f"{words}; {self.profile.title} does not report its own")
        refused = self.answer is not None and self.answer.error is not None and self._category in ("ip", "permission")
        detail = f"{', '.join(missing)} ({vantage.route}) is not on the whitelist that {whose}"
        evidence = "" if self.answer is None or self.answer.trouble else f"{self.answer.by} "
        evidence += ("was rejected" if refused else "succeeded") if evidence else ""
        return self._say("our_ip", Level.FAIL if refused else Level.WARN, detail, evidence, self._list_step)

    def _key_age(self) -> Finding:
        if not self.worked:
            return self._untold("key_age")
        page = page_of(self.profile, self._purpose)
        rotate = f"create a new key ({page}), then run: keyctl rotate {self.seen.account.label}"
        days = self.wish.max_age_days or self.house.key_age_days
        accepted = self.house.accepted.get("old_key", "")
        level, detail, evidence = judge_age(
            self.rights, self.profile.lifetime, self.seen.account.created, self.seen.at, days, accepted
        )
        return self._say("key_age", level, detail, evidence, "" if level is Level.PASS else rotate)

    def _unused(self) -> Finding:
        if not self.worked:
            return self._untold("unused")
        used, account, title = self.house.used, self.seen.account, self.profile.title
        days = (self.seen.at - (used.at if used else account.created)).days
        words = f"last used by keyctl {max(days, 0)} days ago ({used.what})" if used else "not used by keyctl"
        words += "" if used else f" since it was stored {max(days, 0)} days ago"
        evidence = "counts orders, reads and exec of this data folder only"
        if days <= UNUSED_DAYS:
            return self._say("unused", Level.PASS, words, evidence)
        fix = f"if other programs do not use it, delete it at {title} ({self.profile.checklist.page}), then: "
        return self._say("unused", Level.WARN, words, evidence, f"{fix}keyctl remove {account.label}")

    # What the rules share.

    @property
    def _told(self) -> str:
        return f"{self.profile.title}'s permission call"

    @property
    def _covered(self) -> bool:
        return self.market in self.profile.ip_list.markets

    @property
    def _listed(self) -> bool | None:
        """Whether this market's IP list is set; None when that is not told."""
        return self.rights.ip_restricted if self._covered else None

    @property
    def _open_entry(self) -> str:
        return open_entry(self.rights.ips or ())

    @cached_property
    def _elsewhere(self) -> str:
        """What proves that the key itself is good although this market refused it; empty when nothing does."""
        for market, answer in self.seen.markets.items():
            if market is not self.market and answer is not None and answer.worked:
                return f"the same key just signed a {market} call"
        if self.seen.permissions is not None:
            return "the same key just signed the permission call"
        return ""

    @cached_property
    def _row(self) -> Diagnosis | None:
        error = self.answer.error if self.answer else None
        if error is None:
            return None
        found = catalogue(error.exchange).lookup(error.code, self.market, error.text, error.http)
        return found[0] if found else None

    @property
    def _category(self) -> str:
        return self._row.category if self._row else ""

    def _refusal(self, error: ExchangeError) -> str:
        words = self._row.meaning if self._row else error.words or "not in the catalogue"
        return f"{error.code}: {words}"

    def _refusal_fix(self, error: ExchangeError) -> str:
        parts = []
        if self._row:
            likely = self._row.likely_causes
            if likely:
                parts.append(f"likely (not confirmed): {likely}" if self._elsewhere else f"likely: {likely}")
            parts.append(self._row.fix)
        return ". ".join([*filter(None, parts), self._diagnose(error)])

    def _diagnose(self, error: ExchangeError) -> str:
        return f"to see the causes: keyctl diagnose {error.exchange} {error.code} --market {self.market}"

    @property
    def _purpose(self) -> str | None:
        """The profile that the person chose, where the exchange has a checklist for it: its steps are the ones to go
        by, since those for trading switch on what it forbids."""
        return purpose_of(self.profile, self.house.profile.name if self.house.profile else None)

    def _step(self, number: int) -> str:
        steps = steps_of(self.profile, self._purpose)
        words = steps[number - 1] if 0 < number <= len(steps) else ""
        return f"{words} ({page_of(self.profile, self._purpose)}, step {number})"

    @property
    def _list_step(self) -> str:
        """The checklist's step on the IP list; where a market may have a list of its own, the step that names it."""
        if not self._covered:
            for purpose in (self._purpose, None):  # that of trading names it for every key
                for number, step in enumerate(steps_of(self.profile, purpose), 1):
                    if self.market in step.casefold() and "ip list" in step.casefold():
                        return f"{step} ({page_of(self.profile, purpose)}, step {number})"
        return self._step(list_step(self.profile, self._purpose))

    def _switch(self, right: str, state: str) -> str:
        """The checklist's step on permissions, which all exchanges have, in that exchange's own menu words."""
        number, _ = rights_step(self.profile, self._purpose)
        where = self._step(number) if number else page_of(self.profile, self._purpose)
        return f"switch {right} {state}: {where}"

    def _untold(self, rule: str, detail: str = "", evidence: str = "", fix: str = "") -> Finding:
        return self._say(rule, Level.UNKNOWN, detail or self._why_unknown(), evidence, fix)

    def _why_unknown(self) -> str:
        title, asked = self.profile.title, self.seen.introspection
        if self.answer is None:
            return f"{title} has no {self.market} API for {self.seen.account.kind} accounts"
        if self.answer.trouble:
            return self.answer.trouble
        if self.answer.error is not None:
            return f"{title} {self.market} rejected the key ({self.answer.error.code})"
        if asked is None:
            return f"{title} does not report the permissions of {self.seen.account.kind} keys"
        if asked.error is not None:
            return f"the permission call was rejected ({asked.error.code})"
        return asked.trouble or f"{title} does not report it"

    def _say(self, rule: str, level: Level, detail: str, evidence: str = "", fix: str = "") -> Finding:
        account = self.seen.account
        return Finding(account.label, account.exchange, self.market.value, rule, level, detail, evidence, fix)


def address_in(text: str) -> str:
    """The first IP address in an exchange's words; empty when there is none."""
    for word in re.findall(r"[0-9A-Fa-f.:]{3,45}", text):
        try:
            return str(ipaddress.ip_address(word.strip(".:") if "::" not in word else word))
        except ValueError:
            continue
    return ""
