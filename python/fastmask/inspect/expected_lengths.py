"""How many spans of each length the settings of an objective promise, exactly.

Everywhere ``counts[l]`` is the expected number of spans of length l.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Counts: TypeAlias = npt.NDArray[np.float64]

# From some length on longer runs are rarer; rarer than this they are left out.
_NOTHING = 1e-15


def added(counts: Iterable[Counts]) -> Counts:
    """Return the sums by length.

    >>> added([np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0])]).tolist()
    [0.0, 2.0, 2.0]
    """
    parts = list(counts)
    result = np.zeros(max((len(part) for part in parts), default=1))
    for part in parts:
        result[: len(part)] += part
    return result


def parts_of(total: int, parts: int) -> Counts:
    """Return the lengths of the positive parts of ``total``, each way to cut it equally likely: T5's spans.

    A part is l long with probability C(total - l - 1, parts - 2) / C(total - 1, parts - 1).

    >>> parts_of(4, 2).tolist()  # 1 + 3, 2 + 2, 3 + 1
    [0.0, 0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 0.0]
    """
    counts = np.zeros(total + 1)
    if parts == 1:
        counts[total] = 1.0
    if parts < 2:
        return counts
    share = (parts - 1) / (total - 1)
    for length in range(1, total - parts + 2):
        counts[length] = parts * share
        share *= (total - length - parts + 1) / max(total - length - 1, 1)
    return counts


def rolled(counts: Counts, length: int) -> Counts:
    """Return the lengths after a row of ``length`` tokens is turned by 0 to length - 1: the span at its end is two.

    >>> rolled(np.array([0.0, 0.0, 0.0, 1.0]), 6).round(3).tolist()
    [0.0, 0.333, 0.333, 0.667]
    """
    lengths = np.arange(len(counts))
    result = counts * (1 - np.maximum(lengths - 1, 0) / max(length, 1))
    # A cut of a span of length m leaves two parts, each 1 to m - 1 long, equally likely.
    longer = np.cumsum(counts[::-1])[::-1] - counts
    result[1:] += 2 / max(length, 1) * longer[1:]
    return result


@lru_cache(maxsize=4096)
def runs_by_coins(words: int, begins: float, weights: tuple[float, ...] = (1.0,)) -> tuple[Counts, Counts]:
    """Return how likely each of ``words`` words is chosen, and the lengths of the runs of chosen words.

    From left to right each word that no span has reached begins one with probability ``begins``; its length has the
    probabilities ``weights``, from 1 on, and the end cuts it. Spans that touch are one run.

    >>> covered, counts = runs_by_coins(2, 0.5)
    >>> covered.tolist(), counts.tolist()
    ([0.5, 0.5], [0.0, 0.5, 0.25])
    """
    backwards = np.array(weights[::-1])
    asked = np.zeros(words + 1)  # how likely a word is reached by no span of those before it
    asked[0] = 1.0
    grown = np.zeros(words + 1)  # how likely a run that begins can end after so many words, in a text without end
    for n in range(1, words + 1):
        reach = min(n, len(weights))
        spans = backwards[len(weights) - reach :]
        asked[n] = asked[n - 1] * (1 - begins) + begins * float(spans @ asked[n - reach : n])
        grown[n] = begins * float(spans @ grown[n - reach : n]) + (weights[n - 1] if reach == n else 0.0)
    fresh = np.concatenate([[1.0], asked[: max(words - 1, 0)] * (1 - begins)])[:words] * begins
    # Of the runs that begin early enough some stop at a length; those that begin just so far from the end, and have
    # not stopped before, end there.
    counts = np.zeros(words + 1)
    begun = np.cumsum(fresh)
    stops = grown * (1 - begins)
    lasting = 1 - np.concatenate([[0.0], np.cumsum(stops)])[: words + 1]
    for length in range(1, words + 1):
        early = begun[words - length - 1] if length < words else 0.0
        counts[length] = early * stops[length] + fresh[words - length] * lasting[length]
    return 1 - asked[:words] * (1 - begins), counts


def runs_of_chosen(stretches: Sequence[int], chosen: int) -> Counts:
    """Return the runs of neighbours when ``chosen`` items are, each set of them equally likely.

    Args:
        stretches: how many items lie side by side; a run ends where a stretch does.
        chosen: how many of all of them are chosen.

    >>> runs_of_chosen([3], 2).round(9).tolist()  # of three pairs two are neighbours
    [0.0, 0.666666667, 0.666666667]
    """
    total = sum(stretches)
    counts = np.zeros(chosen + 1)
    for stretch, many in Counter(stretches).items():
        before = 0.0
        for length in range(1, min(stretch, chosen) + 1):
            # Runs with a neighbour on both sides, on one, on none, which are then not chosen.
            places = (max(stretch - length - 1, 0), 2 * (stretch > length), int(stretch == length))
            runs = sum(
                there * _how_likely(total, chosen, length, neighbours)
                for neighbours, there in zip((2, 1, 0), places, strict=True)
                if there
            )
            counts[length] += many * runs
            if runs < min(before, _NOTHING) and length < stretch - 1:
                break
            before = runs
    return counts


def _how_likely(total: int, chosen: int, inside: int, outside: int) -> float:
    """Return how likely some items are all chosen and some others are all not."""
    if chosen - inside > total - inside - outside:
        return 0.0
    return math.exp(_log_ways(total - inside - outside, chosen - inside) - _log_ways(total, chosen))


def _log_ways(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


@lru_cache(maxsize=4096)
def drawn_until(budget: int, weights: tuple[float, ...]) -> Counts:
    """Return the lengths of spans that are drawn until they sum up to ``budget``, the last one cut to hit it: BART's.

    ``weights`` are the probabilities of the lengths 0, 1, 2, ...; a length of 0 counts too.

    >>> drawn_until(2, (0.5, 0.25, 0.25)).tolist()
    [1.5, 1.0, 0.5]
    """
    counts = np.zeros(budget + 1)
    lengths = np.zeros(max(budget + 1, len(weights)))
    lengths[: len(weights)] = weights
    beyond = np.cumsum(lengths[::-1])[::-1]  # how likely a length is at least so much
    visits = np.zeros(budget)  # how often a sum is reached
    for done in range(budget):
        before = visits[:done] @ lengths[done:0:-1] if done else 1.0
        visits[done] = before / (1 - lengths[0])
        rest = budget - done
        counts[:rest] += visits[done] * lengths[:rest]
        counts[rest] += visits[done] * beyond[rest]
    return counts
