"""How long n-grams and spans are.

The order of the operations on floats is part of the contract: sums run from the first weight on, and powers are
repeated products.
"""

from collections.abc import Sequence

from fastmask.reference.draws import WORD, cumulated_thresholds, running_sums


def harmonic_weights(longest: int) -> list[float]:
    """Return 1 / n for each length n: ALBERT's n-grams.

    >>> harmonic_weights(2)
    [1.0, 0.5]
    """
    return [1.0 / n for n in range(1, longest + 1)]


def geometric_weights(p: float, longest: int, *, clipped: bool) -> list[float]:
    """Return p (1 - p)^(n - 1) for each length n: SpanBERT's spans; if ``clipped``, what is longer counts as longest.

    >>> geometric_weights(0.5, 3, clipped=False), geometric_weights(0.5, 3, clipped=True)
    ([0.5, 0.25, 0.125], [0.5, 0.25, 0.25])
    """
    weights, rest = [], 1.0
    for _ in range(longest):
        weights.append(rest * p)
        rest *= 1.0 - p
    if clipped:
        weights[-1] += rest
    return weights


def mean_length(weights: Sequence[float]) -> float:
    """Return the mean length, of lengths from 1 on.

    >>> mean_length([1.0, 1.0])
    1.5
    """
    return running_sums([n * weight for n, weight in enumerate(weights, 1)])[-1] / running_sums(weights)[-1]


def draw_length(weights: Sequence[float], word: int) -> int:
    """Return the length that a word draws.

    >>> draw_length([1.0, 0.5], 2**31), draw_length([1.0, 0.5], 2**32 - 1)
    (1, 2)
    """
    thresholds = cumulated_thresholds(weights)
    scaled = word * thresholds[-1] // WORD
    return 1 + sum(threshold <= scaled for threshold in thresholds)
