"""Figures of several processes: medians with their ranges, and ratios of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from fastmask.bench.comparison import OURS, CaseResult, EngineResult

Measure = Callable[[dict[str, Any], int], float | None]


@dataclass(frozen=True)
class Spread:
    """A median and the range around it."""

    median: float
    low: float
    high: float

    def __truediv__(self, other: "Spread") -> "Spread":
        """The ratio of medians, and the least and most that it could be within both ranges."""
        return Spread(self.median / other.median, self.low / other.high, self.high / other.low)


def spread(values: Iterable[float]) -> Spread | None:
    """Return the spread of some values; None of none.

    >>> spread([3.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=3.0)
    """
    found = list(values)
    return Spread(median(found), min(found), max(found)) if found else None


def cold(run: dict[str, Any], size: int) -> float | None:
    """MB/s of a process's first pass."""
    return _rate(run["wall_seconds"][:1], size)


def warm(run: dict[str, Any], size: int) -> float | None:
    """MB/s of the best of a process's later passes."""
    return _rate(run["wall_seconds"][1:], size)


def cold_cpu(run: dict[str, Any], size: int) -> float | None:
    """MB a second of processor time in the first pass."""
    return _rate(run["cpu_seconds"][:1], size)


def warm_cpu(run: dict[str, Any], size: int) -> float | None:
    """MB a second of processor time in the best of the later passes."""
    return _rate(run["cpu_seconds"][1:], size)


def peak(run: dict[str, Any], _size: int) -> float | None:
    """MB that were resident at most, beyond what the empty process had."""
    if run.get("peak_bytes") is None:
        return None
    megabytes: float = (run["peak_bytes"] - (run.get("empty_bytes") or 0)) / 1e6
    return megabytes


def _rate(seconds: list[float], size: int) -> float | None:
    # A clock may not tell a very short pass from none.
    return size / max(min(seconds), 1e-9) / 1e6 if seconds else None


def measured(found: EngineResult, measure: Measure, size: int) -> Spread | None:
    """Return the spread of a measure over an engine's processes."""
    values = (measure(run, size) for run in found.runs)
    return spread(value for value in values if value is not None)


def ratio(result: CaseResult, peer: EngineResult, measure: Measure) -> Spread | None:
    """Return how many times as fast as a peer fastmask is."""
    ours = result.of(OURS)
    mine = measured(ours, measure, result.case.num_bytes) if ours else None
    theirs = measured(peer, measure, result.case.num_bytes)
    return mine / theirs if mine and theirs else None


def best_peer(result: CaseResult, measure: Measure) -> EngineResult | None:
    """Return the fastest engine beside fastmask whose ids are the right ones."""
    found = [
        (figure.median, peer)
        for peer in result.engines
        if peer.engine != OURS and peer.trusted and (figure := measured(peer, measure, result.case.num_bytes))
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None
