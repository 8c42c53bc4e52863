"""A progress bar with rate and time left, for anything that takes longer than a breath."""

import sys
import time
from types import TracebackType
from typing import TextIO

_REDRAW_SECONDS = 0.1
_BAR_CELLS = 24


def in_words(amount: float) -> str:
    """Return ``amount`` with three significant digits and a decimal prefix.

    >>> in_words(1_234_567), in_words(42), in_words(0.5)
    ('1.23M', '42', '0.5')
    """
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= limit:
            return f"{amount / limit:.3g}{prefix}"
    return f"{amount:.3g}"


def clock(seconds: float) -> str:
    """Return ``seconds`` as minutes and seconds.

    >>> clock(75)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """A bar on a terminal; on anything else one line when the work is done, so that logs stay short.

    Args:
        label: what is being done.
        total: units of work in all, or None where that is not known.
        unit: what is counted ("B", "tokens", "steps").
        shown: False draws nothing, for callers who want silence.
        stream: where to draw; standard error by default, so that standard output stays clean.

    >>> import io
    >>> out = io.StringIO()
    >>> with Progress("count", total=3, unit="steps", stream=out) as bar:
    ...     for _ in range(3):
    ...         bar.advance(1)
    >>> out.getvalue().startswith("count: 3 steps in ")
    True

    """

    def __init__(
        self,
        label: str,
        total: float | None = None,
        unit: str = "",
        *,
        shown: bool = True,
        stream: TextIO | None = None,
    ) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.stream = sys.stderr if stream is None else stream
        self.done = 0.0
        self.note = ""
        self._started = self._drawn = time.monotonic()
        self._shown = shown
        self._live = shown and self.stream.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._live:
            self.stream.write("\r\x1b[2K")
        if kind is None and self._shown:
            seconds = time.monotonic() - self._started
            rate = in_words(self.done / max(seconds, 1e-9))
            self.stream.write(
                f"{self.label}: {in_words(self.done)} {self.unit} in {seconds:.1f} s ({rate} {self.unit}/s)"
                f"{', ' + self.note if self.note else ''}\n"
            )
        self.stream.flush()

    def advance(self, amount: float, note: str | None = None) -> None:
        """Count ``amount`` more units; ``note`` (a loss, a file name) is shown behind the bar."""
        self.done += amount
        self.note = self.note if note is None else note
        now = time.monotonic()
        if self._live and now - self._drawn >= _REDRAW_SECONDS:
            self._drawn = now
            self.stream.write("\r\x1b[2K" + self._line(now - self._started))
            self.stream.flush()

    def _line(self, seconds: float) -> str:
        rate = self.done / max(seconds, 1e-9)
        shown = f"{in_words(self.done)} {self.unit}, {in_words(rate)} {self.unit}/s"
        if not self.total:
            return f"{self.label}: {shown}  {self.note}"
        share = min(self.done / self.total, 1.0)
        bar = ("█" * round(share * _BAR_CELLS)).ljust(_BAR_CELLS, "░")
        left = clock((self.total - self.done) / rate) if rate > 0 else "?"
        return f"{self.label} {bar} {share:4.0%}  {shown}, {left} left  {self.note}"
