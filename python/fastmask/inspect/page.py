"""A picture as HTML: a piece of a page, a page of its own, a notebook's cell. Nothing is loaded from anywhere."""

from html import escape
from typing import TYPE_CHECKING

from fastmask.inspect.cells import Cell
from fastmask.inspect.measured import Bin, Measured, Rate, SpanLengths
from fastmask.inspect.style import SPAN_COLOURS, STYLE
from fastmask.inspect.terminal import expected_percent, heading, percent

if TYPE_CHECKING:
    from fastmask.inspect.look import Picture

_BIN, _HEIGHT = 44, 120


def as_html(shown: "Picture") -> str:
    """Return the picture as a piece of HTML; `STYLE` is the style sheet that it wants."""
    strips = "".join(
        f'<div class="strip"><div class="name">{strip.name}</div>'
        f'<div class="tokens">{"".join(map(_of_cell, strip.cells))}</div></div>'
        for strip in shown.strips
    )
    legend = " ".join(map(_of_cell, shown.legend))
    return (
        f'<div class="fastmask-picture"><p class="title"><code>{escape(shown.title)}</code></p>{strips}'
        f'<p><span class="note">{escape(shown.summary)}</span> {legend}</p>{_numbers(shown)}</div>'
    )


def as_notebook_html(shown: "Picture") -> str:
    """Return the picture with its own style sheet, which holds for nothing else on the page."""
    return f"<style>{STYLE}</style>{as_html(shown)}"


def as_page(shown: "Picture") -> str:
    """Return the picture as a page that needs nothing beside it."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>fastmask inspect</title><style>'
        ":root { color-scheme: light dark; font-family: system-ui, sans-serif; } "
        f"body {{ max-width: 64rem; margin: 2rem auto; padding: 0 1.25rem; }}{STYLE}</style></head>"
        f"<body>{as_html(shown)}</body></html>\n"
    )


def _of_cell(cell: Cell) -> str:
    span = "" if cell.span is None else f" s{cell.span % len(SPAN_COLOURS)}"
    hint = ": ".join(part for part in (f"span {cell.mark}" if cell.mark else "", cell.hint) if part)
    title = f' title="{escape(hint)}"' if hint else ""
    mark = f"<sub>{cell.mark}</sub>" if cell.mark else ""
    return f'<span class="token {cell.kind}{span}"{title}>{escape(cell.text)}{mark}</span>'


def _numbers(shown: "Picture") -> str:
    if shown.measured is None or not shown.measured.rates:
        return ""
    lengths = shown.measured.lengths
    figure = "" if lengths is None else _figure(lengths)
    return f'<p class="note">{escape(shown.measured_on)}</p><div class="numbers">{_table(shown.measured)}{figure}</div>'


def _table(measured: Measured) -> str:
    return (
        "<table><thead><tr><th></th><th>realised</th><th>expected</th></tr></thead>"
        f"<tbody>{''.join(map(_row, measured.every_rate()))}</tbody></table>"
    )


def _row(rate: Rate) -> str:
    indent = f' style="padding-left: {1.2 * rate.depth:.1f}rem"' if rate.depth else ""
    hint = f"{rate.count:,} of {rate.total:,}"
    return (
        f"<tr><th{indent}>{escape(rate.name)}</th>"
        f'<td title="{hint}">{percent(rate.realised)}</td><td>{expected_percent(rate)}</td></tr>'
    )


def _figure(lengths: SpanLengths) -> str:
    bins = lengths.bins()
    if not bins:
        return ""
    highest = max(max(own.realised, own.expected or 0.0) for own in bins)
    columns = "".join(_column(own, number, highest) for number, own in enumerate(bins))
    key = '<i class="key"></i>realised'
    if lengths.expected is not None:
        key += f'<i class="key expected"></i>expected{", " if lengths.note else ""}{escape(lengths.note)}'
    width = _BIN * len(bins)
    return (
        f'<figure><figcaption>{escape(heading(lengths))}</figcaption><svg width="{width}" height="{_HEIGHT + 40}" '
        f'viewBox="0 0 {width} {_HEIGHT + 40}" role="img" aria-label="{escape(heading(lengths))}">{columns}</svg>'
        f'<div class="note">{key}</div></figure>'
    )


def _column(own: Bin, number: int, highest: float) -> str:
    left, middle = number * _BIN, (number + 0.5) * _BIN
    tall = own.realised / highest * _HEIGHT
    base = _HEIGHT + 20
    known = "" if own.expected is None else f", expected {percent(own.expected)}"
    line = ""
    if own.expected is not None:
        at = base - own.expected / highest * _HEIGHT
        line = f'<line class="line" x1="{left + 3}" x2="{left + _BIN - 3}" y1="{at:.1f}" y2="{at:.1f}"/>'
    above = max(tall, (own.expected or 0.0) / highest * _HEIGHT)
    return (
        f"<g><title>{escape(own.label)}: {percent(own.realised)}{known}</title>"
        f'<rect class="bar" x="{left + 6}" y="{base - tall:.1f}" width="{_BIN - 12}" height="{tall:.1f}" rx="2"/>{line}'
        f'<text x="{middle}" y="{base - above - 6:.1f}">{own.realised * 100:.1f}</text>'
        f'<text x="{middle}" y="{base + 15}">{escape(own.label)}</text></g>'
    )
