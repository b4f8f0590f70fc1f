"""The outcomes of calls that a text tells, and what they prove together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keyctl.model.diagnosis import Diagnosis
from keyctl.model.words import Endpoint, Market, Taken


@dataclass(frozen=True, slots=True)
class Said:
    """One outcome: `kind` is refused, accepted, lost (no answer came) or unsent (no connection was made).

    `exchange` is empty where the text does not tell; `status` 0 where no HTTP status is told. `rows` are what the
    catalogues have for it, best first. `how`: what in the text made it out. `text` is as pasted: mask it before it is
    shown. `named` is False where words alone, which others may use too, are all that speaks for the exchange.
    """

    kind: str
    start: int
    end: int
    exchange: str = ""
    market: Market | None = None
    code: str = ""
    sub_code: str = ""
    text: str = ""
    status: int = 0
    rows: tuple[Diagnosis, ...] = ()
    how: str = ""
    named: bool = True

    def distance(self, start: int, end: int) -> int:
        """How many characters lie between it and another place in the text."""
        return max(0, self.start - end, start - self.end)

    def proves(self, endpoint: Endpoint | None) -> bool:
        """Whether this answer of that call can only have come for an order that was not accepted."""
        statuses = str(self.status), f"{self.status // 100}xx"
        return (
            self.kind == "refused"
            and self.named
            and bool(self.rows)
            and all(row.taken is Taken.NO and row.endpoint in (Endpoint.ANY, endpoint) for row in self.rows)
            and (not self.status or all(set(statuses) & set(row.http.split()) for row in self.rows))
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a text says, in its order. `order`: whether it speaks of an order (None: it does not say); `endpoint`:
    which call placed it, where it says that.

    `cut`: how many characters at its beginning were not read. `whole`: whether every body in it was read to its end.
    `doubt`: words beside the outcomes that leave open what became of an order.
    """

    said: tuple[Said, ...]
    order: bool | None = None
    cut: int = 0
    whole: bool = True
    doubt: str = ""
    endpoint: Endpoint | None = None

    @property
    def first(self) -> Said | None:
        """What to tell first: an answer that never came, else the newest error, else what there is."""
        for kinds in (("lost",), ("refused",), ("unsent", "accepted")):
            if found := [said for said in self.said if said.kind in kinds]:
                return found[-1]
        return None

    @property
    def proves(self) -> bool:
        """Whether nothing in the text leaves an order alive: every outcome is a proven refusal, and all was read."""
        return (
            bool(self.said)
            and not (self.cut or self.doubt)
            and self.whole
            and all(said.proves(self.endpoint) for said in self.said)
        )


def once(said: list[Said]) -> list[Said]:
    """Neighbors that say the same, told once: a traceback prints its error twice, and a status its page."""
    kept: list[Said] = []
    for item in said:
        last = kept[-1] if kept else None
        if last is None or (item.kind, item.code) != (last.kind, last.code):
            kept.append(item)
        elif len(item.rows) and (not last.rows or len(item.text) > len(last.text)):
            kept[-1] = replace(item, status=item.status or last.status)
    return kept
