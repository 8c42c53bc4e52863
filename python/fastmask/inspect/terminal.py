"""A picture as lines of text."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from fastmask.inspect.cells import Cell, Strip, columns
from fastmask.inspect.measured import Bin, Measured, Rate, SpanLengths

if TYPE_CHECKING:
    from fastmask.inspect.look import Picture

_ANSI = {
    "masked": "30;43",
    "replaced": "97;41",
    "kept": "30;42",
    "deleted": "9;2",
    "inserted": "30;46",
    "prefix": "30;47",
    "special": "2",
    "silent": "2",
}
# Of the 256 colours: a strong one for what stands for a span, a pale one for the span.
_SPANS = (
    ("97;48;5;97", "30;48;5;183"),
    ("97;48;5;25", "30;48;5;153"),
    ("97;48;5;130", "30;48;5;223"),
    ("97;48;5;29", "30;48;5;157"),
    ("97;48;5;125", "30;48;5;218"),
    ("97;48;5;30", "30;48;5;159"),
)
# Two shades take turns, so that neighbouring tokens can be told apart.
_SHADES = ("", "4")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_UNMARKED = ("plain", "special", "silent")
_INDENT = " " * 9
_BAR_WIDTH = 32
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def as_terminal(shown: "Picture", *, colour: bool = True, width: int | None = None) -> str:
    """Return the picture as lines of text.

    Args:
        shown: the picture.
        colour: with ANSI colours; else kinds and numbers of spans are written in brackets.
        width: of the terminal; lines of tokens go no further. None leaves them whole.

    """
    lines = [shown.title]
    for strip in shown.strips:
        lines += _wrapped(f"  {strip.name}  ", _pieces(strip, colour), width)
    lines.append(f"  {shown.summary}")
    if colour and shown.legend:
        lines.append(f"  {'  '.join(_painted(cell, 0) for cell in shown.legend)}")
    if shown.measured is not None and shown.measured.rates:
        lines += ["", f"  {shown.measured_on}", *_of_rates(shown.measured)]
    if shown.measured is not None and shown.measured.lengths is not None:
        lines += ["", *_of_lengths(shown.measured.lengths, colour)]
    return "\n".join(line.rstrip() for line in lines)


def _pieces(strip: Strip, colour: bool) -> Iterator[tuple[int, str]]:
    """Yield what is not torn at the end of a line: how wide it is, and what is printed."""
    if colour:
        for index, cell in enumerate(strip.cells):
            yield columns(cell.text + cell.mark), _painted(cell, index)
        return
    for (kind, _), group in groupby(strip.cells, key=lambda cell: (cell.kind, cell.span)):
        cells = list(group)
        texts = [cell.text for cell in cells] if kind in _UNMARKED else _bracketed(cells)
        yield from ((columns(text), text) for text in texts)


def _bracketed(cells: Sequence[Cell]) -> list[str]:
    """Return tokens of a kind in brackets with its name: those of a span, or of a prefix, in one pair for all."""
    first = cells[0]
    end = f"|{first.kind}{first.mark and ' '}{first.mark}]"
    if first.span is None and first.kind != "prefix":
        return [f"[{cell.text}{end}" for cell in cells]
    texts = [cell.text for cell in cells]
    texts[0] = f"[{texts[0]}"
    texts[-1] += end
    return texts


def _painted(cell: Cell, index: int) -> str:
    code = _ANSI.get(cell.kind, "")
    if cell.span is not None:
        code = _SPANS[cell.span % len(_SPANS)][cell.kind == "span"]
    elif cell.kind == "plain":
        code = _SHADES[index % 2]
    text = cell.text + cell.mark.translate(_SUBSCRIPTS)
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def _wrapped(head: str, pieces: Iterable[tuple[int, str]], width: int | None) -> list[str]:
    lines, room = [head], 0
    for wide, text in pieces:
        if width is not None and room + wide > width - len(_INDENT) and room:
            lines.append(_INDENT)
            room = 0
        lines[-1] += text
        room += wide
    return lines


def _of_rates(measured: Measured) -> list[str]:
    rates = list(measured.every_rate())
    wide = max(len(_named(rate)) for rate in rates)
    lines = [f"  {'':{wide}}  realised   expected"]
    for rate in rates:
        lines.append(f"  {_named(rate):{wide}}  {percent(rate.realised):>8}  {expected_percent(rate):>9}")
    return lines


def _named(rate: Rate) -> str:
    return f"{'  ' * rate.depth}{rate.name}"


def percent(share: float | None) -> str:
    """Return a share as it is written.

    >>> percent(0.15), percent(None)
    ('15.00 %', '–')
    """
    return "–" if share is None else f"{share:.2%}".replace("%", " %")


def expected_percent(rate: Rate) -> str:
    """Return what is expected of a rate as it is written; nothing where it is not known."""
    if rate.expected is None:
        return ""
    return f"{'≤ ' if rate.at_most else ''}{percent(rate.expected)}"


def heading(lengths: SpanLengths) -> str:
    """Return what a histogram shows.

    >>> import numpy as np
    >>> heading(SpanLengths("spans, in words", np.array([0, 1, 1])))
    'length of spans, in words: mean 1.50'
    """
    mean, expected = lengths.mean, lengths.expected_mean
    shown = "there are none" if mean is None else f"mean {mean:.2f}"
    return f"length of {lengths.what}: {shown}" + (f", expected {expected:.2f}" if expected else "")


def _of_lengths(lengths: SpanLengths, colour: bool) -> list[str]:
    bins = lengths.bins()
    wide = max((len(own.label) for own in bins), default=0)
    highest = max((max(own.realised, own.expected or 0.0) for own in bins), default=1.0) or 1.0
    lines = [f"  {heading(lengths)}"]
    for own in bins:
        known = "" if own.expected is None else f"{percent(own.expected):>9}"
        lines.append(f"  {own.label:>{wide}}  {_bar(own, highest, colour)}  {percent(own.realised):>8} {known}")
    if lengths.expected is not None and bins:
        lines.append(f"  {'':{wide}}  │ expected{', ' if lengths.note else ''}{lengths.note}")
    return lines


def _bar(own: Bin, highest: float, colour: bool) -> str:
    """Draw a bar of the realised share, with a line where its end is expected."""
    eighths = round(own.realised / highest * _BAR_WIDTH * 8)
    cells = list("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip())
    cells += " " * (_BAR_WIDTH + 1 - len(cells))
    parts = ["".join(cells), "", ""]
    if own.expected is not None:
        at = round(own.expected / highest * _BAR_WIDTH)
        parts = ["".join(cells[:at]), "│", "".join(cells[at + 1 :])]
    if not colour:
        return "".join(parts)
    return f"\x1b[36m{parts[0]}\x1b[0m\x1b[1m{parts[1]}\x1b[0m\x1b[36m{parts[2]}\x1b[0m"
