"""What a measurement found: one line for each goal, and the goals of the project's performance notes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure beside its goal. `goal` None: told, not judged. `least` when more is better."""

    number: str
    what: str
    value: float
    goal: float | None
    unit: str = "x"
    least: bool = False
    note: str = ""

    @property
    def reached(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.least else self.value <= self.goal

    def text(self) -> str:
        """The line as it is printed."""
        judged = "" if self.goal is None else ("reached" if self.reached else "not reached")
        sign = ">=" if self.least else "<="
        goal = "" if self.goal is None else f"{sign} {self.goal:g} {self.unit}"
        line = f"{self.number:4} {self.what:62} {self.value:10.2f} {self.unit:4} {goal:12} {judged:12}{self.note}"
        return line.rstrip()
