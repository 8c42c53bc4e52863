"""What an objective makes of a text, drawn: in the terminal in colour, as HTML, and in notebooks.

Which tokens are masked, replaced and kept, and which sentinel stands for which span, in one row; and over many rows the
realised rates and span lengths beside those that the settings promise.
"""

from fastmask.inspect.cells import Cell, Kind, Strip
from fastmask.inspect.look import Picture, picture
from fastmask.inspect.measured import Bin, Measured, Rate, SpanLengths
from fastmask.inspect.page import as_html, as_page
from fastmask.inspect.style import STYLE
from fastmask.inspect.terminal import as_terminal

__all__ = [
    "STYLE",
    "Bin",
    "Cell",
    "Kind",
    "Measured",
    "Picture",
    "Rate",
    "SpanLengths",
    "Strip",
    "as_html",
    "as_page",
    "as_terminal",
    "picture",
]
