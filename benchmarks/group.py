"""What all groups of measurements share: their options, and what they give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fastmask.bench.comparison import OURS
from fastmask.progress import Progress


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        engines: who is measured.
        named: whether the command line names them; then trainers are measured too only where they are among them.
        runs: processes an engine and case; None for the group's own number.
        quick: take little of everything: to see that it works, not how fast it is.
        seed: another one gives other texts, where texts are drawn.
        folder: for files that are needed meanwhile.
        bar: is advanced by one for each process.

    """

    engines: Sequence[str]
    named: bool
    runs: int | None
    quick: bool
    seed: int
    folder: Path
    bar: Progress

    def runs_or(self, number: int) -> int:
        """Return how many processes there are to be."""
        return self.runs or (1 if self.quick else number)


@dataclass(frozen=True)
class Chart:
    """A picture to be drawn: bars or lines, and the arguments of `fastmask.bench.picture`'s function for them."""

    kind: Literal["bars", "lines"]
    arguments: dict[str, Any]

    def draw(self, path: Path, note: str) -> None:
        """Write it, with a note below; needs matplotlib."""
        from fastmask.bench import picture

        function = picture.draw_bars if self.kind == "bars" else picture.draw_lines
        function(path, note=note, **self.arguments)


@dataclass
class Found:
    """What a group found.

    Attributes:
        figures: as JSON can say it.
        table: for a terminal.
        charts: what is drawn, by what it shows.

    """

    figures: Any
    table: str
    charts: dict[str, Chart] = field(default_factory=dict)


def ours_first(names: Sequence[str]) -> list[str]:
    """Return the names with fastmask in front."""
    return sorted(names, key=lambda name: name != OURS)
