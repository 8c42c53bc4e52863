"""Charts drawn with matplotlib: bars grouped by case, or lines over a length; fastmask in colour, peers less so."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from fastmask.bench.chart import Bars, Line, Panel
from fastmask.bench.figures import Spread
from fastmask.bench.table import number
from fastmask.files import write_whole

_INK, _PALE, _GROUND = "#1f2933", "#8a949e", "#ffffff"
# The first of the series, the second: dark and light of one tone.
_OURS, _OTHERS = ("#c2410c", "#fdba74"), ("#52606d", "#cbd2d9")
# Lines of peers are told apart by tone and marker, without red or orange, which fastmask has for itself.
_LINES = ("#1d4ed8", "#0f766e", "#7c3aed", "#0891b2", "#4d7c0f", "#be185d", "#52606d", "#a16207")
_MARKERS = "sv^Dp*XP"
_BAR = 0.38


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
    named = [(who, tones) for who, tones in (("fastmask", _OURS), ("peers", _OTHERS))]
    _legend(
        figure, [Patch(color=tones[n], label=f"{who}, {one}") for who, tones in named for n, one in enumerate(series)]
    )
    _write(figure, path)


def _draw_panel_of_bars(axes: Axes, panel: Panel, count: int) -> None:
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


def _draw_bar(axes: Axes, middle: float, figure: Spread, tone: str, longest: float, one: Bars) -> None:
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
        lines = [line for line in panels[place].content if isinstance(line, Line)]
        for line in lines:
            _draw_line(axes, line.points, line.ours, *looks[line.label])
        _style(axes, panels[place].title)
        _scale(axes, logarithmic, sorted({x for line in lines for x, _ in line.points}))
        axes.set_xlabel(across if place + columns >= len(panels) else "", color=_INK, fontsize=8)
        axes.set_ylabel(up if place % columns == 0 else "", color=_INK, fontsize=8)
    shown = sorted(looks.items(), key=lambda look: look[1][0] != _OURS[0])
    _legend(figure, [Line2D([], [], color=tone, marker=marker, label=label) for label, (tone, marker) in shown])
    _write(figure, path)


def _scale(axes: Axes, logarithmic: bool, places: Sequence[float]) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    axes.xaxis.set_major_formatter(lambda value, _: _in_words(value))
    if not logarithmic:
        # Growth is seen against all that there is.
        axes.set_ylim(bottom=0)
        return
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(places, [_in_words(place) for place in places])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
        axis.set_minor_locator(NullLocator())


def _draw_line(axes: Axes, points: Sequence[tuple[float, float]], ours: bool, tone: str, marker: str) -> None:
    width, size, order = (2.4, 5.0, 3) if ours else (1.2, 3.5, 2)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    axes.plot(xs, ys, color=tone, marker=marker, markersize=size, linewidth=width, zorder=order)


def _in_words(value: float) -> str:
    for limit, prefix in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{prefix}"
    return f"{value:.3g}"


def _shortened(text: str, length: int = 64) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _figure(width: float, height: float, title: str, note: str) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor=_GROUND)
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=_INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    if note:
        figure.supxlabel(note, color=_PALE, fontsize=7.5, x=0.01, ha="left")
    return figure


def _legend(figure: Figure, handles: Sequence[Artist]) -> None:
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8)


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9, color=_INK, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_PALE)
    axes.tick_params(colors=_INK, labelsize=7.5)
    axes.set_axisbelow(True)
    axes.grid(color=_PALE, alpha=0.25, linewidth=0.6)


def _write(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    settings: dict[str, Any] = {"metadata": {"Date": None}} if path.suffix == ".svg" else {"dpi": 110}
    figure.savefig(buffer, format=path.suffix[1:], facecolor=_GROUND, **settings)
    write_whole(path, buffer.getvalue())
