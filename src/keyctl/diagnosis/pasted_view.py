"""What a pasted text says, for people and as data: the answer that never came first, then each outcome. No I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from keyctl.diagnosis.codes import safe_words
from keyctl.diagnosis.codes_view import NOT_ACCEPTED, SHOWN, as_data, block
from keyctl.diagnosis.outcomes import Reading, Said
from keyctl.diagnosis.pasted import READ_MAX
from keyctl.exchanges.shipped import profile
from keyctl.model.diagnosis import Diagnosis
from keyctl.model.words import Endpoint, Taken
from keyctl.terminal.output import Note, Result, Text

OUTCOMES_SHOWN = 10
_BANNED = r"(?i)banned until (\d{13}|\d{10})\b"
_KINDS = {
    "refused": "rejected",
    "accepted": "accepted: the exchange has this order",
    "lost": "no response was received",
    "unsent": "no connection was established",
}
_FIND_OUT = (
    "do not resend it yet. Look it up in open orders, order history and fills by its client order id. "
    "If keyctl sent it: keyctl orders settle --wait"
)


def told(reading: Reading, explain: bool = False) -> Result:
    """The outcomes of a text, the most pressing first; `explain` adds what in the text made out each."""
    first = reading.first
    assert first is not None
    parts = [_lost_block(first, reading.order)] if first.kind == "lost" else []
    if len(reading.said) > 1:
        parts.append(_outcomes(reading))
    shown = _to_explain(reading)
    parts += [
        block(row, safe_words(said.text), _taken_words(row, said, reading), _until(said.text))
        for said in shown
        for row in _best(said, len(shown))
    ]
    if not shown and first.kind != "lost":
        parts.append(_bare(first))
    if explain:
        parts.append(_reasons(reading))
    hidden = max((len(said.rows) - SHOWN for said in shown), default=0)
    notes = [Note(note) for note in (_cut(reading), _more(hidden if len(shown) == 1 else 0)) if note]
    return Result(_data(reading, explain), (Text("\n\n".join(parts)), *notes))


def _to_explain(reading: Reading) -> list[Said]:
    """The refusals that are explained: the newest first, each code once, at most three."""
    by_code = {(said.exchange, said.code): said for said in reading.said if said.rows}
    return sorted(by_code.values(), key=lambda said: -said.start)[:3]


def _best(said: Said, count: int) -> tuple[Diagnosis, ...]:
    return said.rows[: SHOWN if count == 1 else 1]


def _lost_block(said: Said, order: bool | None) -> str:
    where = f"{profile(said.exchange).title}: " if said.exchange else ""
    if order is False:
        meaning, taken = "no response to a read", "a read changes nothing; you may send it again"
        fix = "check the network, wait, then read again"
    else:
        call = "an order call" if order else "a call; if it was an order"
        meaning = f"no response to {call}: the exchange may have accepted it"
        taken = "unknown: the exchange may have accepted the order"
        fix = _FIND_OUT
    lines = [f"{where}{meaning}", f"  why    {_why(said)}", f"  fix    {fix}", f"  order  {taken}"]
    return "\n".join(lines)


def _why(said: Said) -> str:
    if said.status:
        return f"the exchange or the network before it answered with HTTP {said.status}"
    return f'the text says "{safe_words(said.text)}"; the request may have arrived before that'


def _outcomes(reading: Reading) -> str:
    told = reading.said[-OUTCOMES_SHOWN:]
    lines = [f"The text reports {len(reading.said)} outcomes, in this order:"]
    lines += [f"  {number}  {_line(said)}" for number, said in enumerate(told, len(reading.said) - len(told) + 1)]
    return "\n".join(lines)


def _line(said: Said) -> str:
    where = f"{profile(said.exchange).title}: " if said.exchange else ""
    what = _KINDS[said.kind]
    if said.code:
        what += f" with {said.code}"
    words = safe_words(said.text) if said.kind == "refused" else ""
    return f"{where}{what}" + (f' ("{words[:100]}")' if words else "")


def _bare(said: Said) -> str:
    """An outcome without a row in a catalogue."""
    if said.kind == "accepted":
        return "The text says that the exchange accepted an order; it names no error."
    if said.kind == "unsent":
        return (
            "No connection was established, so this attempt likely sent nothing (not confirmed).\n"
            "  fix    check network, DNS and proxy; before you send an order again, look it up"
        )
    return f"{_line(said)}\n  order  unknown: look the order up before you resend"


def _taken_words(row: Diagnosis, said: Said, reading: Reading) -> str | None:
    """None where the row's own words may stand."""
    if row.taken is not Taken.NO or reading.proves:
        return None
    if len(reading.said) > 1 or reading.cut or reading.doubt or not reading.whole:
        return "this response rejected its own order; the text does not show the outcome of other orders or attempts"
    if said.status and not said.proves(reading.endpoint) and str(said.status) not in row.http.split():
        return f"unknown: HTTP {said.status} is not a status that this code is documented with; look the order up"
    if row.endpoint not in (Endpoint.ANY, reading.endpoint):
        call = (
            "algo order (a stop or take-profit)" if row.endpoint is Endpoint.ALGO else "order that is not an algo order"
        )
        return f"if it came for an {call}, {NOT_ACCEPTED}; else look the order up"
    where = f"the {row.scope} API of {profile(row.exchange).title}"
    return f"if the response came from {where}, {NOT_ACCEPTED}; else look the order up"


def _until(text: str) -> str:
    """The end of a ban that the words tell in milliseconds or seconds, as a time; else empty."""
    match = re.search(_BANNED, text)
    if match is None:
        return ""
    seconds = int(match[1]) / (1000 if len(match[1]) == 13 else 1)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _cut(reading: Reading) -> str:
    if not reading.cut:
        return ""
    return f"the text is long: only its last {READ_MAX} characters were read, not the {reading.cut} before them"


def _more(hidden: int) -> str:
    return (
        f"{hidden} more reasons share this code; to choose one, add --text 'WORDS OF THE RESPONSE'"
        if hidden > 0
        else ""
    )


def _reasons(reading: Reading) -> str:
    lines = ["Why keyctl says so:"]
    for said in reading.said:
        market = f", market {said.market}" if said.market else ""
        owner = f"exchange {said.exchange}" if said.exchange else "exchange unknown"
        status = f", HTTP {said.status}" if said.status else ""
        lines.append(f"  {_line(said)}: {safe_words(said.how)} ({owner}{market}{status})")
    order = {True: "it mentions an order", False: "it mentions a read", None: "it does not say which call it was"}
    lines.append(f"  the call: {order[reading.order]}")
    if reading.doubt:
        lines.append(f'  the text also says "{safe_words(reading.doubt)}", so another order or attempt may be open')
    if not reading.whole:
        lines.append("  a body in the text is incomplete, so other orders in it are unknown")
    return "\n".join(lines)


def _data(reading: Reading, explain: bool) -> dict[str, object]:
    shown = _to_explain(reading)
    data: dict[str, object] = {
        "diagnoses": [as_data(row) for said in shown for row in said.rows],
        "outcomes": [_outcome_data(said, explain, reading.endpoint) for said in reading.said],
        "taken": "no" if reading.proves else "maybe",
        "order": reading.order,
        "unread_characters": reading.cut,
    }
    return data


def _outcome_data(said: Said, explain: bool, endpoint: Endpoint | None) -> dict[str, object]:
    data: dict[str, object] = {
        "kind": said.kind,
        "exchange": said.exchange,
        "market": said.market.value if said.market else "",
        "code": said.code,
        "text": safe_words(said.text),
        "http": said.status or None,
        "banned_until": _until(said.text) or None,
        "taken": {"accepted": "yes", "refused": "no" if said.proves(endpoint) else "maybe"}.get(said.kind, "maybe"),
    }
    return {**data, "because": safe_words(said.how)} if explain else data
