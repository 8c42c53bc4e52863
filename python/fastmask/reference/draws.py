"""Random draws: Philox4x32-10 and what is made of its words."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

SELECT, ACTION, REPLACEMENT = 0, 1, 2
"""Streams: which tokens are chosen, what happens to them, what replaces them."""

NOISE_CUTS, CLEAN_CUTS, SPAN_LENGTHS, SPAN_STARTS = 3, 4, 5, 6
"""Streams: where noise and where the rest is cut into spans; how long spans are and where they begin."""

SENTENCE_ORDER, DELETION, ROTATION, INSERTIONS = 7, 8, 9, 14
"""Streams of denoising: the order of sentences, which tokens go, how far a row turns, where tokens come in."""

CHOICE, PREFIX_SPLIT, FILL_IN_THE_MIDDLE, SENTENCE_PAIRS = 10, 11, 12, 13
"""Streams: which objective of a mixture; where a prefix ends; how a document is filled in; how pairs are made."""

WORD = 2**32
"""Draws are below this."""


def philox4x32(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """Return the Philox4x32-10 block of a counter (four 32-bit words) under a key (two).

    Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (SC 2011). Ten rounds of two
    multiplications; the high halves of the products are mixed with the key, which grows by a constant each round.

    >>> [f"{word:08x}" for word in philox4x32([0, 0, 0, 0], [0, 0])]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            second // WORD ^ c1 ^ k0,
            second % WORD,
            first // WORD ^ c3 ^ k1,
            first % WORD,
        )
        k0, k1 = (k0 + 0x9E3779B9) % WORD, (k1 + 0xBB67AE85) % WORD
    return [c0, c1, c2, c3]


def draw(seed: int, epoch: int, sample_id: int, stream: int, n: int) -> int:
    """Return draw ``n`` of a stream, a word below 2^32.

    It is word ``n % 4`` of the block whose counter is (n // 4, sample id low, sample id high, epoch << 8 | stream);
    the key is the seed, low word first.
    """
    counter = [n // 4, sample_id % WORD, sample_id // WORD, epoch << 8 | stream]
    return philox4x32(counter, [seed % WORD, seed // WORD])[n % 4]


def bounded(word: int, bound: int) -> int:
    """Return a number below ``bound``: the high half of ``word * bound`` (Lemire's reduction, without rejection).

    >>> bounded(2**31, 10)
    5
    """
    return word * bound // WORD


def threshold(probability: float) -> int:
    """Return the number below which a word lies with this probability.

    >>> threshold(0.5) == 2**31, threshold(1.0) == 2**32
    (True, True)
    """
    return int(probability * WORD)


def cumulated_thresholds(weights: Iterable[float]) -> list[int]:
    """Return the word below which a choice by weights is 0, at most 1, at most 2, ...; the last is 2^32.

    Sums run from the first weight on: the order of operations on floats is part of the contract, and Python's own
    ``sum`` corrects rounding from 3.12 on.

    >>> cumulated_thresholds([1.0, 3.0]) == [2**30, 2**32]
    True
    """
    sums = running_sums(weights)
    return [threshold(part / sums[-1]) for part in sums]


def running_sums(numbers: Iterable[float]) -> list[float]:
    """Return the sums of the first number, the first two, ...

    >>> running_sums([1.0, 2.0, 4.0])
    [1.0, 3.0, 7.0]
    """
    return list(accumulate(numbers))


def choose_without_replacement(words: Iterable[int], count: int, population: int) -> set[int]:
    """Return ``count`` numbers below ``population``, each set of them equally likely.

    Floyd's algorithm (Bentley and Floyd, *A sample of brilliance*, CACM 1987): the i-th word draws among one number
    more than the word before it; where it hits a number that is taken, the newest number is taken instead.

    >>> sorted(choose_without_replacement([0, 0, 0], 3, 5))
    [0, 3, 4]
    """
    taken: set[int] = set()
    for newest, word in zip(range(population - count, population), words, strict=False):
        number = bounded(word, newest + 1)
        taken.add(newest if number in taken else number)
    return taken


def random_order(word_of: Callable[[int], int], items: list[int]) -> Iterator[int]:
    """Yield the items in a random order, each order equally likely.

    Fisher and Yates: the i-th word chooses among the items that are left.

    >>> list(random_order(lambda i: 0, [5, 6, 7])), list(random_order(lambda i: 2**31, [5, 6, 7]))
    ([5, 6, 7], [6, 7, 5])
    """
    for i in range(len(items)):
        j = i + bounded(word_of(i), len(items) - i)
        items[i], items[j] = items[j], items[i]
        yield items[i]
