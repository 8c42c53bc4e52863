"""What became of many rows, beside what the settings promise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastmask.inspect.expected_lengths import Counts


@dataclass(frozen=True)
class Rate:
    """A share, or a mean, beside what it should be.

    Attributes:
        name: what is counted, and of what.
        count: how much of it there is.
        total: of how much.
        expected: what count / total is in the mean; None where nothing exact is known.
        at_most: ``expected`` is the highest value, which what is skipped or cut makes smaller.
        depth: 1 where it is a part of the share above.

    """

    name: str
    count: float
    total: float
    expected: float | None = None
    at_most: bool = False
    depth: int = 0

    @property
    def realised(self) -> float | None:
        """Count / total; None of nothing."""
        return self.count / self.total if self.total else None


class Bin(NamedTuple):
    """Spans of some lengths: which, their share of all spans, and the share that is expected."""

    label: str
    realised: float
    expected: float | None


@dataclass(frozen=True, eq=False)
class SpanLengths:
    """How long spans are.

    Attributes:
        what: what is that long: "spans, in tokens".
        realised: [l] is the number of spans of length l.
        expected: the same in the mean, or in proportion to it; None where it is not known.
        note: what the expected lengths leave out.

    """

    what: str
    realised: npt.NDArray[np.int64]
    expected: Counts | None = None
    note: str = ""

    @property
    def mean(self) -> float | None:
        """The mean realised length."""
        return _mean(self.realised)

    @property
    def expected_mean(self) -> float | None:
        """The mean expected length."""
        return None if self.expected is None else _mean(self.expected)

    def bins(self, most: int = 12) -> list[Bin]:
        """Return the histogram in at most so many bins of equal width; the last one holds all that is longer.

        >>> SpanLengths("spans, in words", np.array([0, 4, 2, 2])).bins(2)
        [Bin(label='1–2', realised=0.75, expected=None), Bin(label='3–4', realised=0.25, expected=None)]
        """
        realised = _shares(self.realised)
        expected = None if self.expected is None else _shares(self.expected)
        longest = max(_almost_all(realised), 0 if expected is None else _almost_all(expected))
        width = max(-(-longest // most), 1)
        edges = [(low, low + width) for low in range(1, longest + 1, width)]
        whole = 1 + max(_longest(realised), 0 if expected is None else _longest(expected))
        if edges and edges[-1][1] < whole:
            edges[-1] = (edges[-1][0], whole)
        return [
            Bin(
                _label(low, high, width),
                float(realised[low:high].sum()),
                None if expected is None else float(expected[low:high].sum()),
            )
            for low, high in edges
        ]


@dataclass(frozen=True, eq=False)
class Measured:
    """What an objective did to many rows.

    Attributes:
        name: the objective, where it is one of several.
        rates: shares beside what they should be.
        lengths: how long spans are; None where there are none.
        parts: the same for each objective of a mixture.

    """

    name: str
    rates: tuple[Rate, ...]
    lengths: SpanLengths | None = None
    parts: tuple["Measured", ...] = ()

    def every_rate(self) -> Iterator[Rate]:
        """Yield the rates, those of a part below its own share and as deep."""
        for number, rate in enumerate(self.rates):
            yield rate
            if self.parts:
                for below in self.parts[number].every_rate():
                    yield replace(below, depth=below.depth + 1)


def _mean(counts: npt.NDArray[Any]) -> float | None:
    total = float(counts[1:].sum())
    return float(counts @ np.arange(len(counts))) / total if total else None


def _shares(counts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    shares = np.array(counts, np.float64)
    shares[0] = 0.0
    shares /= max(float(shares.sum()), 1e-300)
    return shares


def _almost_all(shares: npt.NDArray[np.float64]) -> int:
    """Return the length that all but one span in 200 do not exceed."""
    return int((np.cumsum(shares) < 0.995).sum()) if shares.any() else 0


def _longest(shares: npt.NDArray[np.float64]) -> int:
    return int(np.flatnonzero(shares).max(initial=0))


def _label(low: int, high: int, width: int) -> str:
    if high - low > width:
        return f"≥ {low}"
    return str(low) if high == low + 1 else f"{low}–{high - 1}"


def run_lengths(chosen: npt.NDArray[np.bool_], begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the lengths of the runs of what is chosen, in their order; none goes on where something begins.

    >>> run_lengths(np.array([True, True, True, False, True]), np.array([True, False, True, False, False])).tolist()
    [2, 1, 1]
    """
    opens = chosen & (begins | ~np.concatenate([[False], chosen[:-1]]))
    return np.bincount(np.cumsum(opens)[chosen] - 1, minlength=0).astype(np.int64)


def histogram(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many of the lengths are 0, 1, 2, ..."""
    return np.bincount(lengths, minlength=1).astype(np.int64)
