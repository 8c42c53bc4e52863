"""Timings as bars, written as SVG by hand: the machine with the GPU need not have matplotlib."""

from collections.abc import Iterable
from html import escape
from typing import Any

ROW, TITLE, LABEL, WIDTH = 20, 34, 270, 900
OURS_COLOUR, OTHERS_COLOUR = "#1f6f8b", "#b8c4cc"


def as_svg(device: str, timings: dict[str, dict[str, Any]]) -> str:
    """Draw a bar for each engine, in a panel for each shape and pass; CUDA graphs where there is one.

    >>> svg = as_svg("a GPU", {"B1: fastmask": {"eager": {"forward": 1.0, "backward": 2.0, "both": 3.0}}})
    >>> svg.count("<rect")
    4

    Args:
        device: What it was measured on.
        timings: What `gpu_timings.timed` gave, by "shape: engine".
    """
    parts, top = [], 2 * TITLE
    for shape, by_engine in _by_shape(timings).items():
        for of in ("forward", "backward", "both"):
            parts.append(_text(10, top, f"{shape}, {of}: milliseconds", bold=True))
            bars = {engine: (found.get("graph") or found["eager"])[of] for engine, found in by_engine.items()}
            parts += _bars(top, bars)
            top += TITLE + ROW * len(bars)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{top}" fill="white"/>'
    )
    return "\n".join([head, _text(10, 24, f"fastmask attention on {device}", bold=True), *parts, "</svg>\n"])


def _by_shape(timings: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    shapes: dict[str, dict[str, dict[str, Any]]] = {}
    for name, found in timings.items():
        shape, engine = name.split(": ", 1)
        shapes.setdefault(shape, {})[engine] = found
    return shapes


def _bars(top: int, bars: dict[str, float]) -> Iterable[str]:
    longest = max(bars.values())
    for number, (engine, milliseconds) in enumerate(bars.items()):
        y = top + 8 + ROW * number
        width = max(1.0, (WIDTH - LABEL - 80) * milliseconds / longest)
        colour = OURS_COLOUR if engine.startswith("fastmask") else OTHERS_COLOUR
        yield _text(10, y + 13, engine)
        yield f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{ROW - 4}" fill="{colour}"/>'
        yield _text(LABEL + width + 6, y + 13, f"{milliseconds:.3g}")


def _text(x: float, y: float, words: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y}"{weight}>{escape(words)}</text>'
