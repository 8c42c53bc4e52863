"""What all groups of measurements share: their options, and what they give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastmask.bench.comparison import OURS
from fastmask.progress import Progress


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        engines: who is measured.
        runs: processes an engine and case; None for the group's own number.
        quick: take little of everything: to see that it works, not how fast it is.
        folder: for files that are needed meanwhile.
        bar: is advanced by one for each process.

    """

    engines: Sequence[str]
    runs: int | None
    quick: bool
    folder: Path
    bar: Progress

    def runs_or(self, number: int) -> int:
        """Return how many processes there are to be."""
        return self.runs or (1 if self.quick else number)


@dataclass
class Found:
    """What a group found.

    Attributes:
        figures: as JSON can say it.
        table: for a terminal.
        charts: functions that write a picture to a path, given a note to put below it, by what they show.

    """

    figures: Any
    table: str
    charts: dict[str, Any] = field(default_factory=dict)


def ours_first(names: Sequence[str]) -> list[str]:
    """Return the names with fastmask in front."""
    return sorted(names, key=lambda name: name != OURS)
