"""Results as charts: what is drawn, by `fastmask.bench.picture`, and whether it can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fastmask.bench.comparison import OURS, CaseResult, EngineResult
from fastmask.bench.figures import Spread, cold, measured, warm
from fastmask.error import FastmaskError


@dataclass(frozen=True)
class Bars:
    """One engine's bars.

    Attributes:
        label: what is written before them.
        values: one for each series; None where there is none.
        ours: whether they are to be seen first.
        note: written behind them, or instead of them.

    """

    label: str
    values: tuple[Spread | None, ...]
    ours: bool = False
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One engine's line: points, and whether it is to be seen first."""

    label: str
    points: Sequence[tuple[float, float]]
    ours: bool = False


@dataclass(frozen=True)
class Panel:
    """A part of a picture with a title of its own."""

    title: str
    content: Sequence[Bars] | Sequence[Line]


def refuse_undrawable(path: Path) -> None:
    """Refuse a chart that could not be written once everything has been measured.

    Raises:
        FastmaskError: where matplotlib is missing, or the name ends in something else than .svg or .png.

    """
    if path.suffix not in (".svg", ".png"):
        raise FastmaskError(f"{path}: a chart is an .svg or a .png: give a name that ends so")
    if not can_draw():
        raise FastmaskError("a chart needs matplotlib: pip install matplotlib, or leave --chart out")


def can_draw() -> bool:
    """Say whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def panels_of(results: Sequence[CaseResult]) -> list[Panel]:
    """Return a panel a case: cold and warm MB/s of its engines, the fastest first."""
    return [Panel(result.case.title, _sorted([_bars(result, found) for found in result.engines])) for result in results]


def _bars(result: CaseResult, found: EngineResult) -> Bars:
    values = tuple(measured(found, measure, result.case.num_bytes) for measure in (cold, warm))
    note = "" if found.trusted else "other ids" if found.runs else "no result: " + (found.reason or "")
    return Bars(found.engine, values, found.engine == OURS, note)


def _sorted(bars: Sequence[Bars]) -> list[Bars]:
    # What an engine was never made for is said in the table, and only takes room in a picture.
    refused = tuple(f"no result: {words}" for words in ("reads no", "has one", "cannot load"))
    return sorted(
        (one for one in bars if not one.note.startswith(refused)),
        key=lambda one: -(one.values[0].median if one.values[0] else 0.0),
    )
