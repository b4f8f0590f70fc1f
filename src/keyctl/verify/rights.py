"""The rights of a key against its profile: what is missing, what is too much, what is not told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyctl.exchanges.profile import Profile
from keyctl.home.profiles import RIGHT_NAMES, TRADE_RIGHTS, KeyProfile
from keyctl.model.venue import KeyPermissions
from keyctl.model.words import Level, Market

_WORST_FIRST = (Level.FAIL, Level.WARN, Level.UNKNOWN, Level.PASS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One right's level and words; `switch` is "on" or "off" where the person should change `what` there.

    Without a detail an unknown right is left for the caller to explain.
    """

    level: Level
    detail: str = ""
    switch: str = ""
    what: str = ""


_UNTOLD = Verdict(Level.UNKNOWN)


def accept(accepted: Mapping[str, str], risk: str, detail: str, short: str = "") -> tuple[Level, str]:
    """A failure, or the warning that it is where the person has accepted that risk with a reason."""
    if reason := accepted.get(risk):
        return Level.WARN, f"{short or detail}, accepted in config.toml: {reason}"
    return Level.FAIL, detail


@dataclass(frozen=True, slots=True)
class Rights:
    """What an exchange told of a key, judged for one market of its account.

    `worked`: the key was accepted on that market. What is told to be on counts even where it was not.
    """

    told: KeyPermissions
    wish: KeyProfile
    accepted: Mapping[str, str]
    facts: Profile
    market: Market
    markets: tuple[Market, ...]
    worked: bool

    def trade(self) -> Verdict:
        """Trading on this market; and a trading right that is wanted for a market which the account does not have,
        since no other finding would tell of it."""
        found = [self._trade_right(self.market)]
        found += [
            self._trade_right(market)
            for market, right in TRADE_RIGHTS.items()
            if market not in self.markets and right in self.wish.wanted
        ]
        return min(found, key=lambda verdict: _WORST_FIRST.index(verdict.level))

    def _trade_right(self, market: Market) -> Verdict:
        right = TRADE_RIGHTS[market]
        on, wanted = getattr(self.told, right), right in self.wish.wanted
        if on and right in self.wish.forbidden:
            return self._refused("extra_rights", f"ON: profile {self.wish.name} forbids it", "trade")
        if on and not wanted and self._one_right:
            return Verdict(Level.PASS, f"on: {self.facts.title} has one permission for all trading")
        if on and not wanted:
            return Verdict(Level.WARN, f"on, but profile {self.wish.name} does not need it", "off", "trade")
        if not self.worked or on is None:
            other = self.worked and market is not self.market
            return (
                Verdict(Level.UNKNOWN, f"the exchange does not report whether {RIGHT_NAMES[right]} is on")
                if other
                else _UNTOLD
            )
        if wanted and not on:
            return Verdict(self._missing, f"off: {market} orders would be rejected", "on", "trade")
        return Verdict(Level.PASS, "on" if on else "off")

    @property
    def _one_right(self) -> bool:
        """Whether trading that is wanted on one market cannot be had without the other: there is nothing to switch."""
        wanted = any(right in self.wish.wanted for right in TRADE_RIGHTS.values())
        return wanted and not any(self.facts.own_api(market) for market in TRADE_RIGHTS)

    def withdraw(self) -> Verdict:
        """Withdrawing: always too much."""
        if self.told.withdraw:
            return self._refused("withdraw", "ON: this key can withdraw your funds", "withdraw", "ON")
        return Verdict(Level.PASS, "off") if self.worked and self.told.withdraw is False else _UNTOLD

    def transfer(self) -> Verdict:
        """Moving money between wallets, by a right of its own or as part of trading."""
        on, included = self.told.transfer, self.told.spends
        wanted = "transfer" in self.wish.wanted
        if "transfer" in self.wish.forbidden and (on or (on is None and included)):
            words = f"on, as part of trading: {included}" if not on else f"ON: profile {self.wish.name} forbids it"
            return self._refused("transfer", words, "transfer")
        if on and not wanted:
            return self._tolerated("transfer", "on", "transfer")
        if not self.worked:
            return _UNTOLD
        if on is None and included:
            # No right of its own that could be off: neither a pass nor something that the person can change.
            level = Level.PASS if wanted else Level.UNKNOWN
            return Verdict(level, f"not a separate permission: trading includes {included}")
        if on is None:
            return _UNTOLD
        if wanted and not on:
            return Verdict(self._missing, f"off, but profile {self.wish.name} needs it", "on", "transfer")
        return Verdict(Level.PASS, "on" if on else "off")

    @property
    def lends(self) -> bool:
        """Whether lending is asked of the key."""
        return "funding" in self.wish.wanted

    def funding(self) -> Verdict:
        """Lending, and what a thief could do with a key that may do it."""
        on = self.told.funding
        if on is None or not self.worked:
            return _UNTOLD
        if not on:
            return Verdict(self._missing, "off: offers would be rejected", "on", "Margin Funding write")
        return Verdict(Level.PASS, f"on. {self.thief}")

    @property
    def thief(self) -> str:
        """What a stolen key that may lend could do, and what it could not as far as its exchange tells."""
        could_not = {
            "trade": (self.told.spot_trade, self.told.futures_trade),
            "transfer": (self.told.transfer,),
            "withdraw": (self.told.withdraw,),
        }
        barred = [what for what, rights in could_not.items() if all(right is False for right in rights)]
        words = "A thief could lend everything for 120 days at a bad rate, borrow, and cancel offers"
        return f"{words}, but could not {' or '.join(barred)}" if barred else words

    def extra(self, told_at_all: bool) -> Verdict:
        """Rights that nobody asked for and that no other finding is about."""
        names = list(self.told.extra)
        names += ["funding"] if self.told.funding and not self.lends else []
        barred = bool(names) and "other" in self.wish.forbidden
        untold = False
        for market, right in reversed(TRADE_RIGHTS.items()):
            if market in self.markets or right in self.wish.wanted:
                continue
            on, forbidden = getattr(self.told, right), right in self.wish.forbidden
            if on and (forbidden or self.facts.own_api(market)):
                names.append(RIGHT_NAMES[right])
                barred = barred or forbidden
            untold = untold or (forbidden and on is None)
        if names:
            what = ", ".join(names)
            words = f"on: {what}"
            return (
                self._refused("extra_rights", words, what) if barred else self._tolerated("extra_rights", words, what)
            )
        return _UNTOLD if not self.worked or not told_at_all or untold else Verdict(Level.PASS, "none")

    @property
    def _missing(self) -> Level:
        return Level.FAIL if self.wish.assigned else Level.WARN

    def _refused(self, risk: str, detail: str, what: str, short: str = "") -> Verdict:
        return Verdict(*accept(self.accepted, risk, detail, short), "off", what)

    def _tolerated(self, risk: str, detail: str, what: str) -> Verdict:
        accepted = accept(self.accepted, risk, detail)[1] if risk in self.accepted else detail
        return Verdict(Level.WARN, accepted, "off", what)
