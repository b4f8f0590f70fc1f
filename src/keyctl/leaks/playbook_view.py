"""What `keyctl leak` shows: the first line, the steps, what is not keyctl's, what is left for the person. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keyctl.errors import ExitCode, KeyctlError
from keyctl.exchanges.shipped import profile
from keyctl.leaks.evidence import DONE, OPEN, Evidence
from keyctl.leaks.finds import rank
from keyctl.model.account import Account
from keyctl.terminal.output import Note, Result, Table, Text

_STEPS = {
    "halt": "block new orders",
    "cancel": "cancel open orders",
    "close": "close positions",
    "rotate": "next key",
    "dead": "proof that it is deleted",
    "look": "what happened",
    "scan": "scan of the usual places",
}
_WORST = (
    *(ExitCode.UNKNOWN, ExitCode.STORE, ExitCode.PERSON, ExitCode.SETUP),
    *(ExitCode.UNREACHED, ExitCode.REFUSED),
)
NEVER = "never reached"


@dataclass(frozen=True, slots=True)
class Told:
    """What one run knows: `label` is the account whose key acts now, `others` more keys of that exchange account;
    `has_next`: another key has taken the leaked one's place."""

    evidence: Evidence
    label: str
    others: tuple[str, ...]
    closes: bool
    has_next: bool

    @property
    def not_ours(self) -> list[dict[str, Any]]:
        """All that is not from keyctl, over all runs: foreign orders that were canceled, and what the looks showed."""
        found: dict[str, dict[str, Any]] = {}
        for entry in self.evidence.entries:
            for order in entry["data"].get("orders", ()) if entry["step"] == "cancel" else ():
                if order["foreign"]:
                    found.setdefault(str(order["exchange_order_id"]), _canceled(order, str(entry["at"])))
            found.update((str(find["id"]), find) for find in entry["data"].get("not_ours", ()))
        return sorted(found.values(), key=lambda find: rank(str(find["kind"])))

    @property
    def unknown(self) -> list[str]:
        """What the newest look could not tell."""
        newest = self.evidence.newest("look")
        return [] if newest is None else list(newest["data"].get("unknown", ()))


def first_line(account: Account | None, evidence: Evidence | None) -> str:
    """Where to delete the key, and why now; one of the two is there."""
    if evidence is not None:
        exchange, hint = str(evidence.facts["exchange"]), evidence.facts["api_key"]
    else:
        assert account is not None
        exchange, hint = account.exchange, account.api_key_hint
    page = profile(exchange).checklist.page
    return f"Delete the key {hint} at {page} now. Programs that have it can use it until then."


def taken_back(label: str) -> Result:
    """The result of a false alarm."""
    note = Note(f"{label}: its key may send orders again, unless another halt blocks them.")
    return Result({"leak": {"account": label, "false_alarm": True}}, (note,))


def report(
    told: Told, errors: Sequence[KeyctlError], codes: Iterable[ExitCode], warnings: Sequence[str] = ()
) -> Result:
    """The whole result: exit OK when every step is done."""
    evidence, finds = told.evidence, told.not_ours
    steps = [_step(evidence, step) for step in _STEPS if step != "close" or told.closes or evidence.newest(step)]
    to_do, ticket = _to_do(told), ticket_text(told)
    scanned = evidence.newest("scan")
    places = [] if scanned is None else list(scanned["data"].get("places", ()))
    data = {
        "leak": {
            "account": evidence.facts["account"],
            "exchange": evidence.facts["exchange"],
            "api_key": evidence.facts["api_key"],
            "delete_at": profile(str(evidence.facts["exchange"])).checklist.page,
            "begun": evidence.facts["begun"],
            "evidence": str(evidence.path),
            "finished": bool(evidence.facts.get("finished")),
            "steps": steps,
            "not_ours": finds,
            "unknown": told.unknown,
            "found_in": places,
            "to_do": to_do,
            "ticket": ticket,
        }
    }
    rows = [(_STEPS[step["step"]], step["state"], step["words"]) for step in steps]
    view: list[Table | Text | Note] = [Table(("step", "state", "result"), rows)]
    if finds:
        view.append(Note("\nNot from keyctl. Your own actions are included:"))
        rows = [(_moment(find), str(find["kind"]), str(find["detail"])) for find in finds]
        view.append(Table(("time (UTC)", "kind", "what"), rows))
    if places:
        view.append(Note("\nSecrets in the usual places. The leaked key may have leaked from one of these places:"))
        found_in = [(str(place["account"] or place["exchange"]), str(place["where"])) for place in places]
        view.append(Table(("account", "where"), found_in))
    if told.unknown:
        view.append(Note("\nUnknown:\n" + "\n".join(f"  {word}" for word in told.unknown)))
    view.append(Note("\nTo do:\n" + "\n".join(f"  [ ] {line}" for line in to_do)))
    view.append(Note(f"\nText for the exchange's support:\n\n{ticket}\n"))
    view.append(Note(f"Evidence, without secrets: {evidence.path}"))
    warnings = list(dict.fromkeys(warnings))
    if evidence.unwritten:
        warnings.append(f"the evidence file cannot be written: {evidence.unwritten}")
    found = tuple(codes)
    code = next((code for code in _WORST if code in found), ExitCode.CHECK if found else ExitCode.OK)
    once = {(error.code, error.message): error for error in errors}
    return Result(data, tuple(view), code, tuple(once.values()), tuple(warnings))


def _step(evidence: Evidence, step: str) -> dict[str, str]:
    newest = evidence.newest(step)
    state, words = ("open", NEVER) if newest is None else (str(newest["state"]), str(newest["words"]))
    return {"step": step, "state": {DONE: "done", OPEN: "not done"}.get(state, "not done"), "words": words}


def _to_do(told: Told) -> list[str]:
    """What no program may do for the person, the most urgent first."""
    evidence, facts = told.evidence, told.evidence.facts
    lines = [] if evidence.is_done("dead") else [f"delete the key {facts['api_key']} on the exchange"]
    if not evidence.is_done("rotate"):
        lines.append(f"create the next key (keyctl checklist {facts['exchange']}), then: keyctl rotate {told.label}")
    lines += [
        "stop the programs that used the key, and give them the next key",
        "find where else it leaked, in your own folders and histories: keyctl scan --open",
        "change the password of the exchange account, and of its e-mail address",
        "reset 2FA if the secret for it was in the same place",
        "sign out all other devices, and check the withdrawal addresses that are saved",
    ]
    if told.has_next:
        lines.append(f"if the key that took its place has leaked too: keyctl leak {told.label} --anew")
    if (close := evidence.newest("close")) is not None and close["state"] != DONE:
        lines.append(f"close its positions: keyctl leak {told.label} --close")
    if told.others:
        lines.append(f"replace the other keys of this exchange account: {', '.join(told.others)}")
    lines.append(
        "replace every other key that was in the same place; for a sub-account, also those of its main account"
    )
    return lines


def ticket_text(told: Told) -> str:
    """The text for the exchange's support. No secret is in it."""
    facts, finds, dead = told.evidence.facts, told.not_ours, told.evidence.newest("dead")
    left = any(find["kind"] == "withdrawal" for find in finds)
    whose = f" of account {facts['uid']}" if facts.get("uid") else ""
    lines = [
        f"Subject: API key leaked, please block it{' and stop withdrawals' if left else ''}",
        "",
        f"My API key {facts['api_key']}{whose} has leaked.",
        f"I noticed it at {facts['begun']}.",
    ]
    if dead is not None and dead["state"] == DONE:
        rejected = f" At {dead['at']} your API rejected it." if dead["data"].get("rejected", True) else ""
        lines.append(f"I have deleted it.{rejected}")
    lines += [
        "Please block the key, stop pending withdrawals, and keep the logs.",
        "Please send me the IP addresses from which it was used, and what was done.",
    ]
    if finds:
        lines += ["", "Your API shows what my software has no record of:"]
        lines += [f"- {_moment(find)} UTC {find['kind']}: {find['detail']}" for find in finds]
    return "\n".join(lines)


def _moment(find: Mapping[str, Any]) -> str:
    return "unknown" if find["time"] is None else str(find["time"])[:16].replace("T", " ")


def _canceled(order: Mapping[str, Any], at: str) -> dict[str, Any]:
    size, price = order["quantity"] or "?", order["price"] or "market"
    words = f"open order {order['exchange_order_id']}: {order['side']} {size} {order['symbol']} at {price}"
    return {"kind": "order", "time": at, "id": order["exchange_order_id"], "detail": f"{words}, {order['outcome']}"}
