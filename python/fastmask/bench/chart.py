"""Results as a picture: bars grouped by case, or lines over a length; fastmask in colour, the others in grey."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastmask.bench.comparison import OURS, CaseResult, EngineResult
from fastmask.bench.figures import Spread, cold, measured, warm
from fastmask.bench.table import number
from fastmask.error import FastmaskError
from fastmask.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _PALE, _GROUND = "#1f2933", "#8a949e", "#ffffff"
# The first of the series, the second: dark and light of one tone.
_OURS, _OTHERS = ("#c2410c", "#fdba74"), ("#52606d", "#cbd2d9")
# Lines of peers are told apart by tone and marker, without red or orange, which fastmask has for itself.
_LINES = ("#1d4ed8", "#0f766e", "#7c3aed", "#0891b2", "#4d7c0f", "#be185d", "#52606d", "#a16207")
_MARKERS = "sv^Dp*XP"
_BAR = 0.38


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


def draw_bars(
    path: Path, title: str, panels: Sequence[Panel], series: Sequence[str], unit: str, columns: int = 1, note: str = ""
) -> None:
    """Write a picture of horizontal bars, with the value on each and a whisker for its range.

    Args:
        path: an .svg or .png.
        title: above the picture.
        panels: of `Bars`.
        series: what each of a bar's values is.
        unit: of the values.
        columns: panels beside each other.
        note: below the picture: what it was measured on.

    """
    rows = -(-len(panels) // columns)
    heights = [
        max(len(panel.content) for panel in panels[row * columns : (row + 1) * columns]) * 0.2 * len(series) + 0.7
        for row in range(rows)
    ]
    width = max(6.5, 4.3 * columns) + 1.4
    figure = _figure(width, sum(heights) + 1.1, title, note)
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"height_ratios": heights})
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_visible(False)
            continue
        _draw_panel_of_bars(axes, panels[place], len(series))
        axes.set_xlabel(unit if place + columns >= len(panels) else "", color=_INK, fontsize=8)
    _legend(figure, [(f"fastmask, {name}", _OURS[n]) for n, name in enumerate(series)], series)
    _write(figure, path)


def _draw_panel_of_bars(axes: "Axes", panel: Panel, count: int) -> None:
    bars = [one for one in panel.content if isinstance(one, Bars)]
    longest = max((figure.high for one in bars for figure in one.values if figure), default=1.0)
    for place, one in enumerate(bars):
        tones = _OURS if one.ours else _OTHERS
        for number_, figure in enumerate(one.values):
            if figure:
                middle = place + (number_ - (count - 1) / 2) * _BAR
                _draw_bar(axes, middle, figure, tones[number_ % 2], longest, one)
        if one.note and not any(one.values):
            axes.text(longest * 0.01, place, _shortened(one.note), va="center", fontsize=7, color=_PALE, style="italic")
    _style(axes, panel.title)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(bars)), [one.label for one in bars], fontsize=9)
    for label, one in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_color(_OURS[0] if one.ours else _INK)
        label.set_fontweight("bold" if one.ours else "normal")
    axes.set_ylim(max(len(bars), 1) - 0.4, -0.6)
    axes.set_xlim(0, longest * 1.22)


def _draw_bar(axes: "Axes", middle: float, figure: Spread, tone: str, longest: float, one: Bars) -> None:
    hatch = "////" if one.note else None
    axes.barh(middle, figure.median, height=_BAR * 0.94, color=tone, hatch=hatch, edgecolor=_GROUND, linewidth=0.0)
    if figure.high > figure.low:
        axes.plot([figure.low, figure.high], [middle, middle], color=_INK, linewidth=0.8, alpha=0.7)
    text = number(figure.median) + (f" ({one.note})" if one.note else "")
    axes.text(max(figure.median, figure.high) + longest * 0.012, middle, text, va="center", fontsize=7.5, color=_INK)


def draw_lines(
    path: Path,
    title: str,
    panels: Sequence[Panel],
    across: str,
    up: str,
    columns: int = 4,
    *,
    logarithmic: bool = True,
    note: str = "",
) -> None:
    """Write a picture of lines, one an engine, its name and colour the same in all panels.

    Args:
        path: an .svg or .png.
        title: above the picture.
        panels: of `Line`.
        across: what the horizontal axis is.
        up: what the vertical axis is.
        columns: panels beside each other.
        logarithmic: whether both axes are.
        note: below the picture: what it was measured on.

    """
    columns = min(columns, len(panels)) or 1
    rows = -(-len(panels) // columns)
    figure = _figure(max(6.5, 3.3 * columns) + 1.4, 2.35 * rows + 1.1, title, note)
    grid = figure.subplots(rows, columns, squeeze=False)
    labels = dict.fromkeys(line.label for panel in panels for line in panel.content if not line.ours)
    looks = {label: (_LINES[n % len(_LINES)], _MARKERS[n % len(_MARKERS)]) for n, label in enumerate(labels)}
    looks |= {line.label: (_OURS[0], "o") for panel in panels for line in panel.content if line.ours}
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_visible(False)
            continue
        for line in panels[place].content:
            if isinstance(line, Line):
                _draw_line(axes, line, *looks[line.label])
        if logarithmic:
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
        _style(axes, panels[place].title)
        axes.xaxis.set_major_formatter(lambda value, _: _in_words(value))
        axes.yaxis.set_major_formatter(lambda value, _: number(value))
        axes.set_xlabel(across if place + columns >= len(panels) else "", color=_INK, fontsize=8)
        axes.set_ylabel(up if place % columns == 0 else "", color=_INK, fontsize=8)
    _legend(figure, [(label, tone) for label, (tone, _) in sorted(looks.items(), key=lambda look: look[0] != OURS)], ())
    _write(figure, path)


def _draw_line(axes: "Axes", line: Line, tone: str, marker: str) -> None:
    xs, ys = [x for x, _ in line.points], [y for _, y in line.points]
    width, size, order = (2.4, 5.0, 3) if line.ours else (1.2, 3.5, 2)
    axes.plot(xs, ys, color=tone, marker=marker, markersize=size, linewidth=width, zorder=order)


def _in_words(value: float) -> str:
    for limit, prefix in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{prefix}"
    return f"{value:.3g}"


def _shortened(text: str, length: int = 64) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _figure(width: float, height: float, title: str, note: str) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor=_GROUND)
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=_INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    if note:
        figure.supxlabel(note, color=_PALE, fontsize=7.5, x=0.01, ha="left")
    return figure


def _legend(figure: "Figure", ours: Sequence[tuple[str, str]], series: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    peers = [(f"peers, {name}", _OTHERS[n]) for n, name in enumerate(series)]
    patches = [Patch(color=tone, label=label) for label, tone in [*ours, *peers]]
    figure.legend(handles=patches, loc="outside right upper", frameon=False, fontsize=8)


def _style(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9, color=_INK, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_PALE)
    axes.tick_params(colors=_INK, labelsize=7.5)
    axes.set_axisbelow(True)
    axes.grid(color=_PALE, alpha=0.25, linewidth=0.6)


def _write(figure: "Figure", path: Path) -> None:
    buffer = io.BytesIO()
    settings: dict[str, Any] = {"metadata": {"Date": None}} if path.suffix == ".svg" else {"dpi": 110}
    figure.savefig(buffer, format=path.suffix[1:], facecolor=_GROUND, **settings)
    write_whole(path, buffer.getvalue())
