"""Texts as people paste them: the facts that were written down beside each, most of them before the code."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from keyctl.outcomes import Reading, Said
from keyctl.pasted import read_pasted

DATA = Path(__file__).parent / "data" / "pasted"
RIGHT_MIN = 115


def cases(name: str) -> list[dict[str, Any]]:
    with (DATA / f"{name}.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["case"]
    return found


def wrong(case: dict[str, Any], text: str) -> list[str]:
    """What keyctl makes of the text otherwise than the facts say."""
    reading = read_pasted(text)
    said = explained(reading)
    found = {
        "venue": said.exchange if said else "",
        "code": said.code.removeprefix("HTTP").strip() if said else "",
        "cause": cause_of(said),
        "taken": "no" if reading.proves else "maybe",
    }
    why = " ".join(row.likely_causes for row in said.rows) if said else ""
    different = [f"{name}: {value!r}, not {case[name]!r}" for name, value in found.items() if value != case[name]]
    return different + ([f"why: {why[:80]!r}"] if case.get("why", "") not in why else [])


def explained(reading: Reading) -> Said | None:
    """The outcome that is explained first: the newest with a meaning, else what there is."""
    having = [said for said in reading.said if said.rows]
    return having[-1] if having else reading.first


def cause_of(said: Said | None) -> str:
    if said is None:
        return ""
    return (
        said.rows[0].category if said.rows else {"lost": "no_answer", "unsent": "no_answer"}.get(said.kind, said.kind)
    )
